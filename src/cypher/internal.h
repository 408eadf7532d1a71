/* What the files that compile Cypher share. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "cypher/cypher.h"

enum { DEEPEST = 64 };

typedef struct variable {
    str name;
    plan_slot slot;
} variable;

typedef VEC(plan_aggregate) aggregate_list;

typedef struct compiler {
    arena *arena;
    plan *plan;
    graph *graph;
    str text;
    size_t at;
    int depth;
    plan_op *op;
    VEC(variable) variables;
    VEC(plan_slot) edges;  /* of the MATCH so far: no edge is passed twice */
    VEC(plan_slot) trails; /* likewise, lists of edges */
    /* aggregates of the RETURN item that is read; NULL: none are allowed here */
    aggregate_list *aggregates;
    bool is_distinct_count;
    plan_expr *distinct_of;
    error *err;
} compiler;

/* ---- expression.c ---- */

void cypher_skip_blanks(compiler *c);
bool cypher_fail_here(compiler *c, const char *expected);
str cypher_peek_word(compiler *c);
bool cypher_take_word(compiler *c, const char *word);
bool cypher_take(compiler *c, const char *symbol);
bool cypher_need(compiler *c, const char *symbol);
bool cypher_parse_name(compiler *c, const char *what, str *ret);
plan_slot cypher_find_variable(const compiler *c, str name);
plan_op *cypher_add_op(compiler *c, plan_op_kind kind);
void cypher_filter(compiler *c, plan_expr *e);
bool cypher_parse_expression(compiler *c, plan_expr **ret);
bool cypher_parse_number(compiler *c, plan_expr **ret);

/* ---- pattern.c ---- */

bool cypher_parse_match(compiler *c);

/* ---- projection.c ---- */

/* What follows RETURN or WITH. */
bool cypher_parse_projection(compiler *c, bool is_with);
