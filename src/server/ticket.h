/* Queries that run, over every port: who asked what, since when, and how to stop them. */
#pragma once

#include <stdatomic.h>

#include "column/sql.h"

typedef enum answer_language {
    ANSWER_SQL,
    ANSWER_GREMLIN,
    ANSWER_CYPHER,
    ANSWER_LANGUAGES_
} answer_language;
const char *answer_language_name(answer_language l); /* "sql", … */
bool answer_language_of(str name, answer_language *ret);

typedef struct tickets tickets;

/* One query on its way. Made by the protocol, closed by it. */
typedef struct ticket {
    _Atomic bool is_cancelled; /* what query_options.cancel points at */
    _Atomic uint64_t rows;
    tickets *all;
    arena *arena;
    str id, user, text;
    const char *via; /* the protocol */
    answer_language language;
    uint64_t started_us, deadline_us;
    bool is_late;                /* cancelled because its time is up */
    sql_connection *connection;  /* to interrupt; under the lock of `all` */
    bool has_failed;             /* counted so when closed */
    void (*tick)(void *context); /* once a second, under the lock of `all`; NULL: nobody asks */
    void *tick_context;
    struct ticket *next, *previous;
} ticket;

tickets *tickets_open(void);
void tickets_close(tickets *all); /* NULL is fine */

/* `id` empty: one is made; ERR_CONFLICT when it runs already. `timeout_ms` 0: none. */
NODISCARD bool ticket_open(tickets *all, answer_language language, str id, str user, str text,
                           const char *via, uint64_t timeout_ms, ticket **ret, error *err);
void ticket_close(ticket *t); /* NULL is fine */
DEFINE_AUTO(ticket, ticket_close)
/* Thread-safe as long as `t` is open; cheap enough for the network thread. */
void ticket_cancel(ticket *t);
/* The connection that its SQL runs on; NULL when it does no more. */
void ticket_interrupts(ticket *t, sql_connection *c);
/* Have `tick` called; NULL: no more. */
void ticket_ticks(ticket *t, void (*tick)(void *context), void *context);
/* By id; false: it does not run. */
bool tickets_cancel(tickets *all, str id);
/* Stop what is past its deadline; called once a second. */
void tickets_look(tickets *all);

typedef struct ticket_record {
    str id, user, text;
    const char *via;
    answer_language language;
    uint64_t elapsed_ms, rows;
} ticket_record;
size_t tickets_list(tickets *all, arena *a, ticket_record **ret);

enum { LATENCY_BUCKETS = 12 };
extern const double latency_bounds_s[LATENCY_BUCKETS]; /* upper, inclusive */
typedef struct tickets_totals {
    uint64_t running;
    struct language_totals {
        uint64_t done, failed, rows;
        uint64_t buckets[LATENCY_BUCKETS + 1]; /* not cumulative; the last is beyond all bounds */
        double seconds;
    } languages[ANSWER_LANGUAGES_];
} tickets_totals;
tickets_totals tickets_totals_get(tickets *all);
