/* Gremlin Server's WebSocket protocol from the inside: a connection, its requests and sessions.
 * Source: TinkerPop's provider documentation, "Graph Driver Provider Requirements". */
#pragma once

#include "server/internal.h"
#include "server/variables.h"
#include "wire/gremlin_read.h"

enum {
    GREMLIN_MESSAGE_BYTES = 16 << 20,
    GREMLIN_QUEUE_BYTES = 4 << 20, /* of messages that wait; then reading stops */
    GREMLIN_IN_FLIGHT = 64,        /* requests of a connection that run at once */
    GREMLIN_SESSIONS = 16,         /* of a connection */
    GREMLIN_BATCH = 64,            /* results in a message unless the request says */
    GREMLIN_BATCH_MOST = 10000,
    GREMLIN_BATCH_BYTES = 64 << 10, /* or that many, then a message goes out */
};

typedef enum gremlin_form {
    FORM_GRAPHSON_3,
    FORM_GRAPHSON_2,
    FORM_GRAPHBINARY,
    FORM_STRINGD, /* GraphBinary with every result as text */
} gremlin_form;

typedef struct gremlin_message_in {
    struct gremlin_message_in *next;
    stream_form form;
    size_t len;
    char data[];
} gremlin_message_in;

typedef struct gremlin_connection gremlin_connection;
typedef struct gremlin_request gremlin_request;

typedef struct gremlin_session {
    str id;
    variables *variables;
    gremlin_request *running, *waiting; /* one runs, the others queue by `next` */
} gremlin_session;

struct gremlin_request {
    task task;
    gremlin_connection *connection;
    arena *arena;     /* with the message and itself in it */
    arena *row_arena; /* of one result */
    gremlin_message message;
    gremlin_form form;
    stream_form frame;
    gremlin_session *session; /* NULL: none */
    ticket *ticket;
    answer *answer;
    element_reader *elements;
    strbuf batch; /* results that wait to be sent */
    arena *batch_arena;
    size_t batch_count, batch_most;
    size_t rows, at;      /* of the answer's batch */
    uint64_t left;        /* how often the row at `at` is still to be sent */
    _Atomic bool is_held; /* waits for sign-in: the connection's task lets it go */
    bool has_started, is_bytecode, has_properties, has_sent;
    gremlin_request *next;                  /* behind it in the session's or sign-in's queue */
    gremlin_request *next_of, *previous_of; /* of the connection */
};

struct gremlin_connection {
    task task; /* reads messages in order */
    server *server;
    stream *stream;
    /* The network thread's. */
    gremlin_message_in *building;
    size_t building_room;
    /* Between the threads. */
    pthread_mutex_t lock; /* guards what follows, and each request's ticket */
    gremlin_message_in *first, *last;
    size_t queued_bytes;
    bool is_paused;
    gremlin_request *requests;
    size_t in_flight;
    _Atomic int references; /* itself and each request */
    bool has_signed_in;
    gremlin_request *before_sign_in, *before_sign_in_last; /* wait for it */
    str user;
    arena *arena;
    gremlin_session *sessions[GREMLIN_SESSIONS];
    size_t session_count;
};

/* ---- gremlin_socket.c ---- */

void gremlin_connection_unref(gremlin_connection *c);
/* A request has come to its end: the next of its session, or one that waits, goes on. */
void gremlin_request_gone(gremlin_request *r);

/* ---- gremlin_request.c ---- */

gremlin_request *gremlin_request_new(gremlin_connection *c, const gremlin_message_in *m);
/* The task: runs, answers, ends. */
task_turn gremlin_request_turn(task *t);
void gremlin_request_finish(task *t);
/* A message without results. */
void gremlin_respond(gremlin_request *r, int code, str message);
