/* One query in any language, from its text to its rows: what every protocol asks of the engine. */
#pragma once

#include "exec/query.h"
#include "gremlin/ast.h"
#include "server/ticket.h"

typedef struct server server;
typedef struct answer answer;

typedef struct answer_request {
    str text;
    const traversal *bytecode;      /* Gremlin that came decoded; `text` is then for messages */
    value parameters;               /* a map with text keys, or null */
    str graph;                      /* named graph; empty: the home's */
    graph *pinned;                  /* take this one instead; borrowed for the answer's life */
    graph_transaction *transaction; /* that a query on `pinned` belongs to; NULL: none */
    int64_t as_of_us;               /* 0: now */
    struct variables *variables;    /* of a Gremlin session; NULL: none */
} answer_request;

/* Compiles and opens; may read metadata, so for workers only. What `r` points at must outlive the
 * answer. The deadline is the ticket's. */
NODISCARD bool answer_open(server *s, ticket *t, const answer_request *r, answer **ret, error *err);
void answer_close(answer *a);
DEFINE_AUTO(answer, answer_close)

size_t answer_column_count(const answer *a);
str answer_column_name(const answer *a, size_t column);
str answer_column_type(const answer *a, size_t column); /* SQL's name; "ANY" of a graph language */
/* The graph that its vertices and edges belong to; NULL: SQL. */
graph *answer_graph(const answer *a);
/* `*ret_rows` 0 at the end. Cells are valid until the next call. */
NODISCARD bool answer_next(answer *a, size_t *ret_rows, error *err);
/* The rest is not wanted: a query that only reads ends here; one that changes the graph is still to
 * be read to its end. */
void answer_drop_rest(answer *a);
value answer_cell(answer *a, size_t column, size_t row);
uint64_t answer_bulk(const answer *a, size_t row); /* how many equal rows it stands for */
/* What a writing query has changed. */
graph_changes answer_changes(const answer *a);
/* EXPLAIN or PROFILE: the only cell is a plan. */
bool answer_is_plan(const answer *a);
