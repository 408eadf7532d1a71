/* The network thread: listens, accepts, and moves bytes between sockets and streams. HTTP/1.1,
 * WebSocket, raw TCP and TLS are libwebsockets'; nobody outside this folder sees it. */
#pragma once

#include "wire/http.h"
#include "wire/stream.h"

typedef struct loop loop;

typedef struct loop_options {
    workers *workers;
    str tls_cert, tls_key;       /* PEM files; empty: no TLS */
    void (*look)(void *context); /* once a second, on the network thread; NULL: nobody */
    void *context;
} loop_options;

/* What listens on one port. */
typedef struct listener {
    const char *name;           /* "http", "gremlin", "bolt" */
    str host;                   /* an address of this machine */
    int port;                   /* 0: any free one */
    const protocol *raw;        /* of bytes that are no HTTP; NULL: they are refused */
    const protocol *websocket;  /* NULL: none */
    const char *websocket_path; /* the one path that takes it; NULL: any */
    http_answer answer;         /* of HTTP; NULL: 404 */
    void *context;              /* of `open` and `answer` */
    /* May this request come in at all? For WebSockets too. NULL: yes. Network thread. */
    bool (*admits)(void *context, str host, str origin);
    int ret_port; /* what it listens on */
} listener;

NODISCARD bool loop_open(const loop_options *options, loop **ret_loop, error *err);
/* `l` must outlive the loop; sets its ret_port. ERR_IO names the port when it is taken. */
NODISCARD bool loop_listen(loop *p, listener *l, error *err);
/* Run until loop_stop. */
void loop_run(loop *p);
void loop_stop(loop *p); /* from any thread or a signal handler */
/* Drops every connection. The workers must still be there to let go of their streams. */
void loop_close(loop *p);
/* Open connections of a listener. */
int loop_connection_count(loop *p, const listener *l);
