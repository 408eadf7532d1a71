/* One logical plan for every graph language: operators over numbered slots, and expressions over
 * those slots.
 *
 * A plan is a chain of operators, each reading the rows of its `input`; operators that branch hold
 * whole chains of their own (sub-plans) whose first operator is PLAN_ARGUMENT. A row has one cell
 * for each slot that was set on its way. Slot 0 is the row's multiplicity: a row stands for that
 * many equal rows (Gremlin's bulk), so counting multiplies instead of repeating. Nothing changes a
 * plan after plan_finish; plans may be shared by threads and run many times. */
#pragma once

#include "base/error.h"
#include "column/value.h"
#include "graph/graph.h"

/* ---- Slots ---- */

typedef uint16_t plan_slot;

enum { PLAN_BULK = 0, PLAN_NO_SLOT = 0, PLAN_SLOTS_MAX = 2048 };

typedef enum plan_slot_kind {
    SLOT_VALUE,  /* any value */
    SLOT_VERTEX, /* graph_ref of a vertex */
    SLOT_EDGE,   /* graph_ref of an edge */
} plan_slot_kind;

typedef struct plan_slot_info {
    str name; /* for EXPLAIN; empty: "$7" */
    plan_slot_kind kind;
} plan_slot_info;

/* A set of slots. */
typedef struct plan_slots {
    uint64_t words[PLAN_SLOTS_MAX / 64];
} plan_slots;

static inline void plan_slots_add(plan_slots *s, plan_slot slot)
{
    s->words[slot / 64] |= 1ull << (slot % 64);
}
static inline void plan_slots_remove(plan_slots *s, plan_slot slot)
{
    s->words[slot / 64] &= ~(1ull << (slot % 64));
}
static inline bool plan_slots_has(const plan_slots *s, plan_slot slot)
{
    return s->words[slot / 64] >> (slot % 64) & 1;
}

/* ---- Expressions ---- */

/* Null is SQL's: comparisons with it give null, and so do comparisons of kinds that have no order
 * between them. A missing property is null. */
typedef enum plan_function {
    /* logic, three-valued */
    FN_AND,
    FN_OR,
    FN_XOR,
    FN_NOT,
    FN_IS_NULL,
    FN_IS_NOT_NULL,
    /* comparison */
    FN_EQ,
    FN_NE,
    FN_LT,
    FN_LE,
    FN_GT,
    FN_GE,
    FN_IN,
    FN_IS_IDENTICAL,
    /* arithmetic; integers stay integers */
    FN_ADD,
    FN_SUBTRACT,
    FN_MULTIPLY,
    FN_DIVIDE,
    FN_MODULO,
    FN_POWER,
    FN_NEGATE,
    FN_ABS,
    FN_CEIL,
    FN_FLOOR,
    FN_ROUND,
    FN_SIGN,
    FN_SQRT,
    FN_CBRT,
    FN_EXP,
    FN_LOG,
    FN_LOG10,
    FN_LOG2,
    FN_SIN,
    FN_COS,
    FN_TAN,
    FN_ASIN,
    FN_ACOS,
    FN_ATAN,
    FN_SINH,
    FN_COSH,
    FN_TANH,
    FN_TO_DOUBLE,
    /* text */
    FN_STARTS_WITH,
    FN_ENDS_WITH,
    FN_CONTAINS,
    FN_MATCHES,
    FN_CONCAT,
    FN_LENGTH,
    FN_LOWER,
    FN_UPPER,
    FN_TRIM,
    /* choice */
    FN_CASE, /* condition, value, …, [otherwise] */
    FN_COALESCE,
    /* elements */
    FN_ID,
    FN_LABEL,      /* of a vertex of a scratch graph: its first; null when it has none */
    FN_LABELS,     /* list of all */
    FN_HAS_LABEL,  /* vertex, texts…: has all of these */
    FN_IS_DELETED, /* whether a query has taken the vertex or edge out of a scratch graph */
    FN_HAS_PROPERTY,
    FN_IS_LISTED, /* whether a vertex has a row, as those that a scan finds do */
    FN_FROM_VERTEX,
    FN_TO_VERTEX,
    FN_VALUE_MAP,      /* element, with tokens?, keys… → {key: [value]} */
    FN_VALUE_MAP_FLAT, /* the same → {key: value} */
    FN_ELEMENT_MAP,    /* element, keys… */
    FN_PROPERTY_MAP,   /* element, keys… → {key: [property]} */
    FN_PROPERTIES,     /* element, keys… → list of properties */
    FN_VALUES,         /* element, keys… → list of values */
    FN_PROPERTY_KEY,
    FN_PROPERTY_VALUE,
    /* lists, maps, entries */
    FN_LIST,
    FN_SET,
    FN_MAP, /* items…; keys and values by turns, null values left out by FN_MAP_WITHOUT_NULLS */
    FN_MAP_WITHOUT_NULLS,
    FN_ENTRY,
    FN_MAP_GET,
    FN_KEYS,
    FN_MAP_VALUES,
    FN_UNFOLD,
    FN_ITEM,
    FN_SIZE,
    FN_LIST_SUM,
    FN_LIST_MIN,
    FN_LIST_MAX,
    FN_LIST_MEAN,
    FN_LIST_DEDUP,
    FN_LIST_RANGE,
    FN_LIST_TAIL,
    FN_LIST_SORT,
    FN_LIST_SORT_DOWN,
    FN_MAP_SORT_KEYS,
    FN_MAP_SORT_KEYS_DOWN,
    FN_MAP_SORT_VALUES,
    FN_MAP_SORT_VALUES_DOWN,
    /* paths */
    FN_PATH, /* object, list of its labels, …; an argument pair (path, null) is spliced in */
    FN_PATH_SELECT,    /* path, label, "first" | "last" | "all" | "mixed": null when the label is
                          absent */
    FN_PATH_IS_SIMPLE, /* path */
    FN_PATH_OF, /* vertex, then by turns an edge or a list of edges, and the vertex behind it */
    FN_PATH_NODES,
    FN_PATH_EDGES,
    FN_PATH_LENGTH,
    FN_ELEMENT_KEYS,
    FN_TO_INTEGER,
    FN_TO_TEXT,
    FN_HEAD,
    FN_LAST,
    FN_REVERSE,
    FN_RANGE,
    FN_DISJOINT, /* two lists have no item in common */
    FN_IN_CIDR,  /* address or vertex, block */
    FN_SELECT,   /* map or anything, key, otherwise: the map's value for the key where it has it */
    FN_NAMED,    /* one of exec/named.h, by call.number */
    FN_COUNT_
} plan_function;

typedef struct plan_function_info {
    const char *name;                  /* as EXPLAIN prints it */
    int8_t argument_min, argument_max; /* max -1: any number */
    bool is_infix;
} plan_function_info;

const plan_function_info *plan_function_get(plan_function f);

typedef enum plan_expr_kind {
    EXPR_LITERAL,
    EXPR_SLOT,
    EXPR_PROPERTY,
    EXPR_CALL,
    EXPR_EACH,  /* an expression for each item of a list */
    EXPR_QUERY, /* what a sub-plan gives for the row */
} plan_expr_kind;

typedef enum plan_each_kind {
    EACH_MAP, /* list of `body` of the items for which `where` is true */
    EACH_ALL, /* `where` of all, some, none or one of the items; three-valued */
    EACH_ANY,
    EACH_NONE,
    EACH_SINGLE,
    EACH_REDUCE, /* `total` becomes `body`, item by item, from `start` on */
} plan_each_kind;

typedef struct plan_expr plan_expr;
struct plan_expr {
    plan_expr_kind kind;
    uint32_t offset; /* place in the query's text */
    union {
        value literal;
        plan_slot slot;
        struct {
            plan_expr *of;
            str key;
        } property;
        struct {
            plan_function function;
            plan_expr **args;
            size_t arg_count;
            const char *name; /* of FN_NAMED */
            uint32_t number;
        } call;
        struct {
            plan_each_kind kind;
            plan_expr *list, *where, *body, *start; /* where, body, start: may be NULL */
            plan_slot item, total;                  /* of kind SLOT_VALUE */
        } each;
        struct {
            struct plan_op *root; /* last operator; the first is PLAN_ARGUMENT */
            plan_slot result;     /* of its first row; PLAN_NO_SLOT: whether there is a row */
        } query;
    };
};

/* ---- Procedures: algorithms and path searches, called with one map of options ---- */

typedef enum plan_procedure_kind {
    PROCEDURE_PAGE_RANK,
    PROCEDURE_WEAK_COMPONENTS,
    PROCEDURE_STRONG_COMPONENTS,
    PROCEDURE_LABEL_PROPAGATION,
    PROCEDURE_LOUVAIN,
    PROCEDURE_CORE_NUMBERS,
    PROCEDURE_TRIANGLES,
    PROCEDURE_DEGREE,
    PROCEDURE_BETWEENNESS,
    PROCEDURE_DISTANCES,
    PROCEDURE_SHORTEST,
    PROCEDURE_ALL_SHORTEST,
    PROCEDURE_CHEAPEST,
    PROCEDURE_EARLIEST,
    PROCEDURE_DEFINE,
} plan_procedure_kind;

enum { PROCEDURE_COLUMNS = 4 };

typedef struct plan_procedure {
    plan_procedure_kind kind;
    const char *names[2];
    const char *options; /* names of what it takes, each followed by a blank */
    struct {
        const char *name; /* NULL: no more. A first column `node` can be had as its `id`, too */
        plan_slot_kind kind;
    } columns[PROCEDURE_COLUMNS];
} plan_procedure;

const plan_procedure *plan_procedure_find(str name); /* NULL: none */
const plan_procedure *plan_procedure_at(size_t i);   /* NULL: no more */
const char *plan_procedure_nearest(str name);

/* ---- Operators ---- */

typedef enum plan_op_kind {
    PLAN_ONE,           /* one row without slots */
    PLAN_ARGUMENT,      /* the rows that the operator around this sub-plan hands in */
    PLAN_SCAN_VERTICES, /* every input row × every vertex wanted */
    PLAN_SCAN_EDGES,
    PLAN_EXPAND,    /* from a vertex along edges: to edges, to the vertices behind them, or both */
    PLAN_EDGE_END,  /* from an edge to its ends */
    PLAN_FILTER,    /* rows whose predicate is true */
    PLAN_LET,       /* slot = expression */
    PLAN_AGGREGATE, /* one row for each distinct key; without keys exactly one row */
    PLAN_SORT,      /* stable; with `count` the first of it only (top-n) */
    PLAN_SLICE,     /* skip, then pass `count` */
    PLAN_TAIL,      /* the last `count` */
    PLAN_DISTINCT,  /* the first row of each distinct key, multiplicity 1 */
    PLAN_UNWIND,    /* one row for each item of a list */
    PLAN_UNION,     /* every row through every branch */
    PLAN_APPLY,     /* a sub-plan for each row on its own */
    PLAN_REPEAT,    /* a sub-plan again and again on its own result */
    PLAN_MERGE,     /* rows of one vertex slot and no other: equal ones become one with the sum of
                       their multiplicities */
    PLAN_NOTHING,   /* runs its input for nothing and gives no row */
    PLAN_CALL,      /* every input row × every row that a procedure gives for its options */
    PLAN_TRAIL,     /* from a vertex along `least` to `most` edges, none of them twice */
    /* What changes a scratch graph, row by row; all input is read first, and a row that stands for
     * several acts as often. */
    PLAN_EAGER, /* changes nothing: what is below runs to its end before anything above */
    PLAN_CREATE_VERTEX,
    PLAN_CREATE_EDGE,
    PLAN_SET,
    PLAN_DELETE,
    PLAN_FOREIGN, /* what a language runs by itself (exec/foreign.h): any number of values for each
                     input row */
    PLAN_OP_COUNT_
} plan_op_kind;

typedef enum plan_direction {
    DIRECTION_OUT,
    DIRECTION_IN,
    DIRECTION_BOTH,
    DIRECTION_OTHER
} plan_direction;

typedef enum plan_aggregate_kind {
    AGGREGATE_COUNT, /* of rows; with `of`, of those where it is not null */
    AGGREGATE_SUM,   /* null when there is nothing */
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_MEAN,
    AGGREGATE_COLLECT,     /* list, in order of arrival; nulls are left out */
    AGGREGATE_COLLECT_MAP, /* `of` → `with`, in order of arrival */
    AGGREGATE_FIRST,       /* of those that are not null */
    AGGREGATE_LAST,
} plan_aggregate_kind;

typedef struct plan_aggregate {
    plan_aggregate_kind kind;
    plan_expr *of, *with;
    plan_slot to;
} plan_aggregate;

typedef struct plan_key {
    plan_expr *expr;
    plan_slot to;       /* PLAN_AGGREGATE: slot of the key afterwards */
    bool is_descending; /* PLAN_SORT */
} plan_key;

typedef enum plan_apply_mode {
    APPLY_SEMI,     /* keep rows for which the sub-plan gives a row */
    APPLY_ANTI,     /* keep rows for which it gives none */
    APPLY_EACH,     /* its rows take the row's place */
    APPLY_FIRST,    /* the row with the first result's `to`; null when there is none */
    APPLY_OPTIONAL, /* its rows, or the row with `to` = `otherwise` when there is none */
    APPLY_COALESCE, /* rows of the first branch that gives any */
} plan_apply_mode;

/* Which labels an operator wants. */
typedef struct plan_labels {
    bool is_any;
    uint32_t *items;
    size_t count;
} plan_labels;

typedef enum plan_change_kind {
    CHANGE_PROPERTY,      /* of.key = value; null takes it away */
    CHANGE_REPLACE_ALL,   /* properties of `of` become those of the map (or element) `value` */
    CHANGE_MERGE,         /* those of the map (or element) `value` are set, the others stay */
    CHANGE_ADD_LABELS,    /* `value`: text or list of texts */
    CHANGE_REMOVE_LABELS, /* likewise */
} plan_change_kind;

/* One item of SET or REMOVE; nothing happens where `of` is null. */
typedef struct plan_change {
    plan_change_kind kind;
    plan_expr *of, *key, *value; /* key: of CHANGE_PROPERTY */
} plan_change;

typedef struct plan_op plan_op;
struct plan_op {
    plan_op_kind kind;
    uint32_t offset; /* place in the query's text */
    plan_op *input;  /* NULL only for PLAN_ONE and PLAN_ARGUMENT */

    /* Slot that numbers the rows of the PLAN_APPLY around (PLAN_NO_SLOT: none is around).
     * Aggregation, order, distinct and slices inside hold for each of those rows on its own. Of
     * PLAN_ARGUMENT: the slot that it sets. */
    plan_slot per;

    plan_slots live; /* slots that somebody reads after this operator; set by plan_finish */

    union {
        struct {
            plan_labels labels;
            plan_slot to;
            bool has_ids;
            plan_expr *ids;         /* a list; texts as in "label[key]", "label:::key" or "key" */
            bool is_distinct;       /* each of the ids once */
            bool finds_all;         /* stands for the end of an expansion: needs no row */
            const plan_expr *block; /* in_cidr(…) that a filter above asks of each: ids outside of
                                       its addresses need not be looked at; NULL: none */
            bool is_collapsed; /* one row a label with its count as multiplicity: only the label is
                                  read */
        } scan;
        struct {
            plan_slot from;
            plan_direction direction;
            plan_labels labels;
            plan_slot edge, to; /* either may be PLAN_NO_SLOT */
            /* One row for each neighbour: `edge` is the first of the pair's edges, which lie one
             * behind the other, and `span` holds their number. */
            bool is_by_pair;
            plan_slot span;
            bool meets_loops_once; /* of DIRECTION_BOTH: an edge from a vertex to itself is one row
                                    */
        } expand;
        struct {
            plan_slot edge, to;
            plan_direction end; /* OUT: where it starts; IN: where it leads; OTHER: not `from` */
            plan_slot from;
        } edge_end;
        plan_expr *predicate;
        struct {
            plan_slot to;
            plan_expr *expr;
        } let;
        struct {
            plan_key *keys;
            size_t key_count;
            plan_aggregate *items;
            size_t item_count;
            plan_slot span; /* rows stand for the edges of a pair: their number; see expand */
            bool in_runs;   /* rows of one group lie one behind the other */
            /* Only the first groups in the order of this sort by item `top_item` are wanted; NULL:
             * all are. */
            const plan_op *top;
            size_t top_item;
            bool top_drops_null;       /* groups where it is null are not wanted */
            const plan_expr *top_null; /* literal that stands for null in that order; or NULL */
        } aggregate;
        struct {
            plan_expr *label;      /* text; of vertices also a list of texts, or NULL: none */
            plan_expr *from, *to;  /* of edges: vertices */
            plan_expr *properties; /* map, null cells left out; or NULL */
            plan_expr *id;         /* or NULL */
            plan_slot slot;        /* the new element; PLAN_NO_SLOT: not wanted */
        } create;
        struct {
            plan_change *items;
            size_t count;
        } set;
        struct {
            plan_expr **items; /* vertices, edges, paths, lists of them; null is fine */
            size_t count;
            bool is_detached; /* edges of deleted vertices go too; else they must not have any */
        } delete;
        struct {
            const struct plan_foreign *kind;
            const void *program; /* the language's own; never changed */
            str text;            /* for EXPLAIN */
            plan_slot from, to;  /* `from` PLAN_NO_SLOT: input rows bring nothing along */
            bool changes_graph;
        } foreign;
        struct {
            plan_slot slot;
        } merge;
        struct {
            const plan_procedure *procedure;
            plan_expr *options;
            plan_slot to[PROCEDURE_COLUMNS]; /* PLAN_NO_SLOT: not wanted */
        } call;
        struct {
            plan_slot from, to;
            plan_direction direction;
            plan_labels labels;
            uint64_t least, most; /* most PLAN_ALL: any number */
            plan_slot edges;      /* list of the edges passed; PLAN_NO_SLOT: not wanted */
            plan_slot edge;       /* of `predicate`: each edge must pass; NULL: any does */
            plan_expr *predicate;
            bool is_reach; /* each vertex once: only which can be reached is asked */
        } trail;
        struct {
            plan_key *keys;
            size_t key_count;
            uint64_t count; /* PLAN_ALL: all */
        } sort;
        struct {
            uint64_t skip, count;
        } slice;
        struct {
            plan_key *keys;
            size_t key_count;
            bool is_kept; /* in a repeat's body: remembers what earlier rounds saw */
        } distinct;
        struct {
            plan_expr *list; /* not a list: itself once; null: no row */
            plan_slot to;
        } unwind;
        struct {
            plan_apply_mode mode; /* PLAN_APPLY */
            plan_op **items;      /* last operator of each sub-plan */
            size_t count;
            plan_slot to;         /* slot that APPLY_FIRST and APPLY_OPTIONAL may leave unset */
            plan_expr *otherwise; /* APPLY_OPTIONAL */
        } branches;
        struct {
            plan_op *body; /* ends by setting the carried slots anew */
            plan_op *until,
                *emit; /* sub-plans; a row for which they give a row satisfies them. NULL: none */
            int64_t times; /* -1: not limited */
            bool is_until_first, is_emit_first, emits_all;
            plan_slot loops;    /* number of rounds a row has passed */
            plan_slots carried; /* what rows must keep from round to round; by plan_finish */
        } repeat;
    };
};

#define PLAN_ALL UINT64_MAX

typedef struct plan_column {
    str name;
    plan_slot slot;
} plan_column;

/* What the caller wants of the rows. */
typedef enum plan_ending {
    ENDING_ROWS,
    ENDING_NEXT,    /* one row; none is an error */
    ENDING_EXPLAIN, /* the plan as text, nothing runs */
    ENDING_SQL,     /* the plan as SQL (plan_to_sql), nothing runs */
    ENDING_PROFILE, /* run for nothing, then the plan with rows and times */
} plan_ending;

typedef struct plan {
    arena *arena; /* holds everything below */
    str text;     /* the query, for errors at a place */
    plan_op *root;
    plan_slot_info *slots; /* [0] is the multiplicity */
    size_t slot_count, slot_capacity;
    plan_column *columns;
    size_t column_count;
    plan_ending ending;
    bool is_cypher; /* null, order, numbers and errors are openCypher's */
} plan;

/* ---- Building ---- */

plan *plan_new(arena *a, str text);
/* Fails when the query needs more than PLAN_SLOTS_MAX. */
NODISCARD bool plan_slot_new(plan *p, str name, plan_slot_kind kind, plan_slot *ret_slot,
                             error *err);
plan_op *plan_op_new(plan *p, plan_op_kind kind, plan_op *input, size_t offset);

plan_expr *plan_literal(plan *p, value v);
plan_expr *plan_literal_int(plan *p, int64_t v);
plan_expr *plan_literal_text(plan *p, str v);
plan_expr *plan_literal_bool(plan *p, bool v);
plan_expr *plan_literal_null(plan *p);
plan_expr *plan_slot_expr(plan *p, plan_slot slot);
plan_expr *plan_property(plan *p, plan_expr *of, str key);
plan_expr *plan_call_list(plan *p, plan_function f, plan_expr **args, size_t count);
#define plan_call(p, f, ...)                                                                       \
    plan_call_list((p), (f), (plan_expr *[]){ __VA_ARGS__ },                                       \
                   sizeof((plan_expr *[]){ __VA_ARGS__ }) / sizeof(plan_expr *))
/* A map of `count` pairs, each a literal text as key and its value. Of a key that comes twice the
 * last value counts, at the first one's place. */
plan_expr *plan_map(plan *p, plan_expr **pairs, size_t count);
/* `left` may be NULL: then `right`. */
plan_expr *plan_and(plan *p, plan_expr *left, plan_expr *right);

/* ---- Looking through ---- */

/* Sub-plans of an operator, by number; NULL after the last. */
plan_op **plan_op_branch(plan_op *op, size_t i);
/* Expressions of an operator, by number; NULL after the last. */
plan_expr **plan_op_expr(plan_op *op, size_t i);
/* Slots that an operator sets itself, its sub-plans left aside. */
void plan_op_sets(const plan_op *op, plan_slots *set);
/* Slots that an operator reads itself, its sub-plans left aside. */
void plan_op_reads(plan_op *op, plan_slots *set);
void plan_expr_reads(const plan_expr *e, plan_slots *set);
plan_slot_kind plan_expr_kind_of(const plan *p, const plan_expr *e);

/* ---- Finishing ---- */

/* Apply the rewrites (plan/rewrite_*.c) and find out which slots live where. The graph gives labels
 * and keys. */
NODISCARD bool plan_finish(plan *p, const graph *g, error *err);
/* The plan as indented text, one operator a line, the last one first. */
str plan_explain(const plan *p, arena *a, const graph *g);
/* The same with a note behind each operator. */
typedef void (*plan_note)(void *context, const plan_op *op, strbuf *out);
str plan_explain_with(const plan *p, arena *a, const graph *g, plan_note note, void *context);
/* The plan as SQL over the tables' files, one column for each of the plan's. Only of a plan with
 * ENDING_SQL, which plan_finish leaves as it is. ERR_INVALID where SQL has no counterpart. */
NODISCARD bool plan_to_sql(plan *p, graph *g, str *ret_sql, error *err);
/* Whether it holds an operator that changes the graph. */
bool plan_changes_graph(const plan *p);
/* One operator or expression of it, in one line. */
void plan_op_text(const plan *p, const plan_op *op, const graph *g, strbuf *out);
void plan_expr_text(const plan *p, const plan_expr *e, strbuf *out);
