/* One socket as the network thread keeps it. */
#pragma once

#include <libwebsockets.h>

#include "wire/internal.h"

typedef struct connection {
    struct lws *wsi;
    loop *loop;
    listener *listener;
    struct connection *next, *previous; /* of the loop's; changed under its lock */
    stream *stream;                     /* NULL between HTTP exchanges */
    const protocol *protocol;           /* NULL: HTTP */
    void *self;                         /* the protocol's */
    http_request *request;              /* while its body comes */
    strbuf body;
    int refusal; /* the status that the request gets once its body has been read over */
    bool closes; /* with the end of the answer: what follows cannot be told apart */
    bool is_paused, is_raw;
} connection;

struct loop {
    struct lws_context *context;
    workers *workers;
    void (*look)(void *context);
    void *look_context;
    arena *arena;
    const char *tls_cert, *tls_key;
    lws_sorted_usec_list_t timer;
    _Atomic bool is_stopping;
    pthread_mutex_t lock; /* guards what follows */
    stream *listed;       /* that want to be looked at */
    connection *connections;
    bool is_closing;
};

void loop_look(loop *p);
/* What libwebsockets calls for everything. */
int connection_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len);
