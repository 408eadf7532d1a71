/* The servers of a home: HTTP with the UI, Gremlin Server's protocol, Bolt. */
#pragma once

#include "pipeline/home.h"

typedef struct server server;

typedef struct server_options {
    str host;                               /* to listen on; empty: 127.0.0.1 */
    int http_port, gremlin_port, bolt_port; /* 0: a free one */
    str tls_cert, tls_key;                  /* PEM files; empty: no TLS */
    bool no_sign_in;                        /* loopback only */
    const str *scratch;                     /* names of scratch graphs beside ggraph */
    size_t scratch_count;
    uint64_t timeout_ms; /* of a query that says none; 0: five minutes */
    int most_workers;    /* 0: 64 */
} server_options;

/* Opens everything and listens. `h` and what `options` points at must outlive it. */
NODISCARD bool server_open(home *h, const server_options *options, server **ret, error *err);
/* The port that it listens on. */
int server_http_port(const server *s);
int server_gremlin_port(const server *s);
int server_bolt_port(const server *s);
/* "admin"'s password, made by the first start; empty: there were users. */
str server_first_password(const server *s);
/* A link that signs one browser in, once; empty with no_sign_in. */
str server_link(server *s, arena *a);
/* Serve until server_stop, on this thread. */
void server_run(server *s);
void server_stop(server *s); /* from any thread or a signal handler */
/* Cancels what runs and closes. NULL is fine. */
void server_close(server *s);
DEFINE_AUTO(server, server_close)
