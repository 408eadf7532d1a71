/* A query as it is written: tagged unions over an arena, immutable once parsed. Spans are byte
 * offsets into the text. */
#pragma once

#include "plan/plan.h"

typedef struct span {
    uint32_t from, to;
} span;

typedef struct ast_expr ast_expr;
typedef struct ast_query ast_query;
typedef struct ast_path ast_path;

typedef enum ast_expr_kind {
    AST_LITERAL,
    AST_PARAMETER,
    AST_VARIABLE,
    AST_PROPERTY,
    AST_HAS_LABELS,
    AST_OPERATOR, /* `op.function` of its operands */
    AST_CALL,
    AST_LIST,
    AST_MAP,
    AST_MAP_PROJECTION,
    AST_SLICE,
    AST_CASE,
    AST_COMPREHENSION, /* [x IN list WHERE … | …] */
    AST_QUANTIFIER,    /* all(x IN list WHERE …) */
    AST_REDUCE,
    AST_PATTERN,               /* a pattern as a predicate */
    AST_PATTERN_COMPREHENSION, /* [pattern WHERE … | …] */
    AST_SUBQUERY,              /* EXISTS { … }, COUNT { … }, COLLECT { … } */
} ast_expr_kind;

typedef enum ast_quantifier {
    QUANTIFIER_ALL,
    QUANTIFIER_ANY,
    QUANTIFIER_NONE,
    QUANTIFIER_SINGLE
} ast_quantifier;
typedef enum ast_subquery_kind {
    SUBQUERY_EXISTS,
    SUBQUERY_COUNT,
    SUBQUERY_COLLECT
} ast_subquery_kind;

typedef struct ast_map_item {
    str key;
    ast_expr *value; /* NULL in a projection: the property of that name */
    bool is_all;     /* .* */
} ast_map_item;

struct ast_expr {
    ast_expr_kind kind;
    span span;
    union {
        value literal;
        str name; /* of a variable or parameter */
        struct {
            ast_expr *of;
            str key;
        } property;
        struct {
            ast_expr *of;
            str *names;
            size_t count;
            bool is_any; /* one of them is enough */
        } labels;
        struct {
            plan_function function;
            ast_expr **args;
            size_t count;
        } op;
        struct {
            str name;
            ast_expr **args;
            size_t count;
            bool is_distinct, is_star;
        } call;
        struct {
            ast_expr **items;
            size_t count;
        } list;
        struct {
            ast_expr *of; /* of a projection */
            ast_map_item *items;
            size_t count;
        } map;
        struct {
            ast_expr *of, *from, *to; /* from, to: NULL where left out */
        } slice;
        struct {
            ast_expr *of;    /* NULL: each WHEN is a predicate */
            ast_expr **args; /* when, then, …, [else] */
            size_t count;
        } choice;
        struct {
            ast_quantifier quantifier;
            str variable;
            ast_expr *list, *where, *body; /* where, body: NULL where left out */
        } each;
        struct {
            str accumulator, variable;
            ast_expr *start, *list, *body;
        } reduce;
        struct {
            ast_path *path;
            ast_expr *where, *body;
            bool is_function; /* exists(…) */
        } pattern;
        struct {
            ast_subquery_kind kind;
            ast_query *query;
        } subquery;
    };
};

/* ---- Patterns ---- */

typedef struct ast_element {
    span span;
    str variable;
    str *labels; /* of relationships: types, one of them */
    size_t label_count;
    bool is_any_label; /* of nodes: one of them is enough */
    ast_expr *properties, *where;
    plan_direction direction;
    bool has_range;
    uint64_t least, most;
} ast_element;

typedef enum ast_search { SEARCH_NONE, SEARCH_SHORTEST, SEARCH_ALL_SHORTEST } ast_search;

struct ast_path {
    span span;
    str variable;
    ast_search search;
    ast_element *nodes, *edges; /* edges[i] lies between nodes[i] and nodes[i + 1] */
    size_t edge_count;
};

/* ---- Clauses ---- */

typedef struct ast_item {
    ast_expr *expr;
    str name;
    bool has_alias;
} ast_item;

typedef struct ast_order {
    ast_expr *expr;
    bool is_descending;
} ast_order;

typedef struct ast_projection {
    bool is_distinct, is_star;
    ast_item *items;
    size_t count;
    ast_order *order;
    size_t order_count;
    ast_expr *skip, *limit, *where;
} ast_projection;

typedef struct ast_change {
    plan_change_kind kind;
    span span;
    ast_expr *of; /* the element; of CHANGE_PROPERTY a property */
    str *labels;
    size_t label_count;
    ast_expr *value;
} ast_change;

typedef enum ast_clause_kind {
    CLAUSE_MATCH,
    CLAUSE_UNWIND,
    CLAUSE_WITH,
    CLAUSE_RETURN,
    CLAUSE_CALL,
    CLAUSE_SUBQUERY,
    CLAUSE_CREATE,
    CLAUSE_MERGE,
    CLAUSE_SET,
    CLAUSE_REMOVE,
    CLAUSE_DELETE,
    CLAUSE_FOREACH,
} ast_clause_kind;

typedef struct ast_clause ast_clause;
struct ast_clause {
    ast_clause_kind kind;
    span span;
    union {
        struct {
            bool is_optional;
            ast_path *paths;
            size_t count;
            ast_expr *where;
        } match; /* of CREATE and MERGE too */
        struct {
            ast_expr *list;
            str variable;
        } unwind;
        ast_projection projection;
        struct {
            str name;
            ast_expr **args;
            size_t arg_count;
            bool has_args, has_yield, is_star, is_optional;
            ast_item *yields; /* expr: a variable, the column */
            size_t yield_count;
            ast_expr *where;
        } call;
        struct {
            ast_query *query;
            bool has_imports, imports_all; /* CALL (a, b) { … } */
            str *imports;
            size_t import_count;
        } subquery;
        struct {
            ast_change *items;
            size_t count;
        } set;
        struct {
            ast_expr **items;
            size_t count;
            bool is_detached;
        } delete;
        struct {
            str variable;
            ast_expr *list;
            ast_clause *clauses;
            size_t count;
        } each;
    };
    /* of MERGE */
    ast_change *on_create, *on_match;
    size_t on_create_count, on_match_count;
};

typedef struct ast_single {
    ast_clause *clauses;
    size_t count;
} ast_single;

struct ast_query {
    span span;
    ast_single *parts;
    size_t count;
    bool *is_all; /* is_all[i]: UNION ALL stands before parts[i] */
};

typedef struct ast_statement {
    ast_query *query;
    plan_ending ending;
    str show;        /* SHOW …: what; empty: none */
    ast_expr *as_of; /* NULL: now */
    span span;
} ast_statement;

/* Fails with the place and err->detail, openCypher's name for what is wrong. */
NODISCARD bool cypher_parse(arena *a, str text, ast_statement *ret, error *err);
