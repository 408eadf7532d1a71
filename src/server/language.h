/* An answer from the inside, for the file of each language: text or bytecode to a running query. */
#pragma once

#include "server/internal.h"

struct answer {
    server *server;
    ticket *ticket;
    arena *arena;
    size_t column_count;
    /* SQL */
    sql_connection *connection;
    sql_stream *stream;
    arena *cells; /* of the batch that is being read */
    /* Graph languages */
    graph *graph;
    graph_transaction *transaction;
    session *earlier; /* of AS OF */
    plan *plan;
    query *query;
    batch *rows;
    /* One text, or values that are there already, in the place of a query's rows */
    value *said;
    str said_name;
    bool is_said, is_plan;
    const value *given;
    size_t given_count, given_at, given_rows;
};

NODISCARD bool language_open_cypher(answer *a, const answer_request *r, error *err);
NODISCARD bool language_open_gremlin(answer *a, const answer_request *r, error *err);

/* What is left of the ticket's time, and how it is cancelled. */
query_options answer_limits(const answer *a);
/* The graph as it was then takes the graph's place. */
NODISCARD bool answer_turn_back(answer *a, int64_t moment_us, error *err);
/* Run `p`, or say what it is when that is all it wants. */
NODISCARD bool answer_run(answer *a, plan *p, error *err);
void answer_say(answer *a, str name, str text);
/* One column of `count` values. */
void answer_give(answer *a, const value *items, size_t count);
