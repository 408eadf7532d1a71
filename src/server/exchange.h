/* One HTTP request on its way through a worker: who asks, which route, and its answer. */
#pragma once

#include "server/internal.h"

typedef struct exchange exchange;

typedef enum route_needs {
    NEEDS_SIGN_IN,
    NEEDS_NOTHING,
} route_needs;

typedef struct route {
    http_method method;
    const char *path; /* a last part of "*" takes any */
    /* On a worker: answer, or set `more`. False: the error is the answer. */
    bool (*handle)(exchange *x, error *err);
    route_needs needs;
} route;

struct exchange {
    task task;
    server *server;
    http_request *request;
    arena *arena; /* the request's */
    const route *route;
    str user;                       /* signed in; empty with no_sign_in */
    str rest;                       /* what "*" took */
    bool has_cookie;                /* signed in by it */
    task_turn (*more)(exchange *x); /* go on with this until it says TASK_DONE */
    void *state;                    /* of `more` */
    void (*done)(exchange *x);      /* let go of `state`; NULL: nothing to */
};

/* ---- Answers ---- */

void exchange_json(exchange *x, int status, str json);
void exchange_error(exchange *x, const error *err);
/* A JSON answer built by a writer: begin, write, send. */
typedef struct json_reply {
    strbuf text;
    json_writer out;
} json_reply;
void json_reply_begin(json_reply *r, exchange *x);
void json_reply_send(json_reply *r, exchange *x, int status);
/* The body as a JSON object; the caller releases it. */
NODISCARD bool exchange_body(exchange *x, json_t **ret, error *err);

const char *error_http_name(const error *err);
int error_http_status(error_code code);
/* {"code":…,"message":…,"position":…} */
void error_put_json(json_writer *w, arena *a, const error *err);
/* JSON to a value in `a`: parameters of a query. */
NODISCARD bool value_of_json(arena *a, const json_t *j, value *ret, error *err);

/* ---- Routes, by topic: each file has its table ---- */

extern const route session_routes[], query_routes[], schema_routes[], watch_routes[],
    compatible_routes[], ui_routes[], gremlin_routes[], job_routes[], upsolver_routes[],
    table_routes[], source_routes[];
extern const size_t session_route_count, query_route_count, schema_route_count, watch_route_count,
    compatible_route_count, ui_route_count, gremlin_route_count, job_route_count,
    upsolver_route_count, table_route_count, source_route_count;
/* What no route takes: the UI's files. */
void ui_answer(server *s, http_request *r);
