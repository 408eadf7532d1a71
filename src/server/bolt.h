/* Bolt from the inside: one connection, its messages and results. Source: Neo4j's Bolt
 * documentation, "Message specification" and "Server states". */
#pragma once

#include "server/internal.h"
#include "wire/packstream.h"

enum {
    BOLT_MESSAGE_BYTES = 16 << 20,  /* of one message */
    BOLT_GREETING_BYTES = 64 << 10, /* before the peer has signed in */
    BOLT_QUEUE_BYTES = 1 << 20,     /* of messages that wait; then reading stops */
    BOLT_RESULTS = 64,              /* open at once in a transaction */
    BOLT_CHUNK_BYTES = 65535,
};

typedef enum bolt_state {
    BOLT_CONNECTED,      /* wants HELLO */
    BOLT_AUTHENTICATION, /* wants LOGON */
    BOLT_READY,
    BOLT_TX,
    BOLT_FAILED,
    BOLT_DEFUNCT,
} bolt_state;

/* A message on its way from the network thread to a worker. */
typedef struct bolt_message {
    struct bolt_message *next;
    size_t len;
    char data[];
} bolt_message;

typedef struct bolt_result {
    arena *arena; /* with the RUN message in it */
    arena *row_arena;
    ticket *ticket;
    answer *answer;
    element_reader *elements;
    int64_t qid;
    size_t rows, at; /* of the batch */
    uint64_t left;   /* how often the row at `at` is still to be sent */
    bool is_ended;
    uint64_t sent;
} bolt_result;

typedef struct bolt {
    task task;
    server *server;
    stream *stream;
    /* The network thread's: how far it has read. */
    uint8_t greeting[20];
    size_t greeting_len;
    bolt_message *building;
    size_t chunk_left, head_len;
    uint8_t head[2];
    /* Between the threads. */
    pthread_mutex_t lock; /* guards the queue, `resets` and the tickets of `results` */
    bolt_message *first, *last;
    size_t queued_bytes;
    int resets; /* RESET messages that wait: all before them is ignored */
    bool is_paused, has_signed_in;
    stream_form form;         /* of what is sent: bytes, or binary messages of a WebSocket */
    _Atomic int major, minor; /* 0: no greeting yet */
    /* The worker's. */
    bolt_state state;
    str user;
    arena *arena; /* of the connection: the user */
    bool is_utc;
    graph *pinned; /* of the transaction */
    graph_transaction *transaction;
    str tx_graph;
    arena *tx_arena;
    uint64_t tx_timeout_ms;
    bolt_result *results[BOLT_RESULTS];
    size_t result_count;
    int64_t next_qid;
    bolt_result *pulling;            /* an unfinished PULL or DISCARD */
    int64_t pull_left;               /* records; -1: all */
    bool is_discarding, keeps_arena; /* a result took the running message's arena */
    strbuf *out;                     /* of the running step */
} bolt;

/* ---- bolt_frame.c: the network thread's part, and messages out ---- */

extern const protocol bolt_protocol;
/* Begin a message in `b->out`; the result is handed to bolt_message_end. */
size_t bolt_message_begin(bolt *b);
void bolt_message_end(bolt *b, size_t began);

/* ---- bolt.c ---- */

/* Carry out one message; false: the connection is of no more use. */
bool bolt_handle(bolt *b, bolt_message *m);
/* Go on with `b->pulling` until it is done (true), or the slice is over or the stream full. */
bool bolt_pull_on(bolt *b, uint64_t until_us);
void bolt_drop_results(bolt *b);
/* `is_kept` false: what it has changed is undone. */
void bolt_end_transaction(bolt *b, bool is_kept);
