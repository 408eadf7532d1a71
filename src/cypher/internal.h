/* What the files that compile a parsed query share: scopes, types, operators. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "cypher/ast.h"
#include "cypher/cypher.h"

/* What is known of an expression before it runs. */
typedef enum type {
    TYPE_ANY,
    TYPE_NULL,
    TYPE_BOOL,
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_TEXT,
    TYPE_LIST,
    TYPE_MAP,
    TYPE_NODE,
    TYPE_EDGE,
    TYPE_EDGES, /* of a pattern of variable length */
    TYPE_PATH,
    TYPE_TIME, /* temporal, duration, point */
} type;

typedef struct variable {
    str name;
    plan_slot slot;
    type type;
} variable;

typedef VEC(variable) scope;

/* An expression of the query's text that stands in a slot already. */
typedef struct replacement {
    str text;
    plan_slot slot;
    type type;
    bool is_simple; /* a variable or its property: may be part of a larger aggregating expression */
} replacement;

typedef VEC(replacement) replacements;

/* count(DISTINCT …), which is settled once all aggregates are known. */
typedef struct distinct_count {
    plan_slot collected, to;
    plan_expr *of;
} distinct_count;

typedef struct aggregation {
    VEC(plan_aggregate) items;
    VEC(distinct_count) distinct;
} aggregation;

typedef struct compiler {
    arena *arena;
    plan *plan;
    graph *graph;
    str text;
    const value *parameters;
    error *err;
    plan_op *op; /* what has been built so far */
    scope scope;
    VEC(plan_slot) edges;  /* of the MATCH so far: no edge is passed twice */
    VEC(plan_slot) trails; /* likewise, lists of edges */
    VEC(str) edge_names;
    VEC(plan_expr *) filters; /* of the MATCH so far, for its end */
    aggregation *aggregation; /* NULL: aggregates are not allowed here */
    bool is_inside_aggregate;
    const replacements *groups; /* above an aggregation: what may be used */
    size_t local_from;          /* variables from here on were bound inside the expression */
    const replacements *ready;  /* of ORDER BY */
    bool allows_patterns;       /* inside a condition */
    bool is_ordering;           /* inside ORDER BY of columns that aggregate */
    bool writes, reads;
    int depth;
} compiler;

NODISCARD bool cypher_fail(compiler *c, size_t offset, const char *detail, const char *format, ...)
    PRINTF_LIKE(4, 5);
const variable *cypher_find(const compiler *c, str name);
NODISCARD bool cypher_bind(compiler *c, str name, type t, plan_slot_kind kind, plan_slot *ret);
plan_op *cypher_add_op(compiler *c, plan_op_kind kind, size_t offset);
void cypher_filter(compiler *c, plan_expr *e, size_t offset);
void cypher_let(compiler *c, plan_slot to, plan_expr *e, size_t offset);

/* ---- compile_expression.c ---- */

NODISCARD bool cypher_expression(compiler *c, const ast_expr *e, plan_expr **ret, type *ret_type);
NODISCARD bool cypher_condition(compiler *c, const ast_expr *e, plan_expr **ret);
bool cypher_has_aggregate(const ast_expr *e);
/* A value that does not depend on rows, computed now. */
NODISCARD bool cypher_constant(compiler *c, const ast_expr *e, value *ret);
plan_expr *cypher_named(compiler *c, const char *name, plan_expr **args, size_t count);
bool cypher_has_variable(const ast_expr *e);

/* ---- compile_pattern.c ---- */

NODISCARD bool cypher_match(compiler *c, const ast_path *paths, size_t count,
                            const ast_expr *where);
/* A sub-plan for patterns, `where` and what `end` adds; the outer scope is seen. */
NODISCARD bool cypher_pattern_query(compiler *c, const ast_path *path, const ast_expr *where,
                                    const ast_expr *body, plan_expr **ret);
plan_expr *cypher_label_test(compiler *c, plan_slot slot, const str *names, size_t count,
                             bool is_any);
NODISCARD bool cypher_vertex_slot(compiler *c, const variable *v, size_t offset, plan_slot *ret);

/* ---- compile_projection.c ---- */

NODISCARD bool cypher_projection(compiler *c, const ast_clause *clause, bool is_with);

/* ---- compile_write.c ---- */

NODISCARD bool cypher_create(compiler *c, const ast_clause *clause);
NODISCARD bool cypher_merge(compiler *c, const ast_clause *clause);
NODISCARD bool cypher_set(compiler *c, const ast_change *items, size_t count, size_t offset);
NODISCARD bool cypher_delete(compiler *c, const ast_clause *clause);
NODISCARD bool cypher_foreach(compiler *c, const ast_clause *clause);

/* ---- compile_call.c ---- */

/* `is_whole`: the call is the whole query, its columns are the answer. */
NODISCARD bool cypher_call(compiler *c, const ast_clause *clause, bool is_whole);

/* ---- compile.c ---- */

NODISCARD bool cypher_clause(compiler *c, const ast_clause *clause, bool is_whole);
/* All parts of a query behind c->op; its columns as variables. `has_rows` false: it only writes. */
NODISCARD bool cypher_query(compiler *c, const ast_query *q, scope *ret_columns,
                            bool *ret_has_rows);
