/* What operators share: blocks of rows, the operator's handle, expressions. */
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "base/vec.h"
#include "exec/bulk.h"
#include "exec/foreign.h"
#include "exec/query.h"

#define NO_REF UINT64_MAX /* a null vertex or edge */

/* Up to BATCH_ROWS rows. `refs[slot]` of vertex and edge slots, `values[slot]` of others; NULL
 * where a slot is not set. */
typedef struct rows {
    size_t count;
    uint64_t *bulk;
    uint64_t **refs;
    value **values;
} rows;

typedef struct op op;
typedef struct morsels morsels;
typedef struct op_kind {
    bool (*next)(op *self, rows **ret_rows,
                 error *err); /* `*ret_rows` NULL at the end; valid until the next call */
    void (*reset)(op *self);  /* start again; NULL: nothing to forget */
} op_kind;

struct op {
    const op_kind *kind;
    const plan_op *plan;
    op *input;
    query *query;
    rows out;
    uint64_t rows_out, calls, time_us; /* for PROFILE; with that of its inputs */
};

/* What lives as long as a query, or as long as the operators of a sub-plan inside an expression,
 * which are built anew when they have taken much. */
typedef struct holdings {
    arena *arena;
    VEC(void *) owned;    /* freed with it */
    VEC(query *) workers; /* closed with it */
    VEC(op *) ops;
} holdings;

struct query {
    arena *arena;   /* of what is held, or a block's own */
    holdings own;   /* of the query itself */
    holdings *held; /* `own`, or those of the sub-plan that runs */
    int64_t now_us; /* of date() and the like, once asked for */
    graph *graph;
    const plan *plan;
    query_options options;
    budget budget;
    uint64_t deadline_us;
    op *root;
    batch result;
    value **cells;                   /* of the columns of `result` */
    uint64_t ticket;                 /* of graph_enter */
    graph_reads reads;               /* of the graph before it */
    const graph_column **columns[2]; /* of edges, of vertices: by label and property, once asked */
    morsels *morsels;                /* of a worker: what its scan shares with others */
    VEC(struct inner_query *) inner; /* sub-plans inside expressions, once run */
    struct ready_rows *ready;        /* of a scratch graph, once it has run */
    graph_changes changes;
};

/* Pieces of a scan that workers share out among themselves. */
struct morsels {
    _Atomic uint64_t *next; /* by label */
};
enum { MORSEL_VERTICES = 256, MORSEL_EDGES = 1 << 14 };

void holdings_free(holdings *h);
/* free() this when the query closes, or the sub-plan that runs is built anew. */
void query_free_later(query *q, void *memory);
/* A property column of a label by name, kept for the query; NULL when the label has none. */
NODISCARD bool query_column(query *q, bool is_vertex, size_t label, str key,
                            const graph_column **ret, error *err);
/* Tables that this thread reads from now on are read for this query; NULL: for none. */
void query_be_patient(query *q);
/* A query over the same plan and graph with memory of its own, closed with `q`. */
query *query_worker(query *q, morsels *m);

NODISCARD bool op_next_timed(op *self, rows **ret_rows, error *err);

static inline bool op_next(op *self, rows **ret_rows, error *err)
{
    if (self->query->options.is_profiled)
        return op_next_timed(self, ret_rows, err);
    return query_check(self->query, err) && self->kind->next(self, ret_rows, err);
}
void op_reset(op *self);
op *op_build(query *q, const plan_op *p, op *argument);

/* The arrays of a slot, made on first use; room for BATCH_ROWS. */
uint64_t *rows_refs(query *q, rows *r, plan_slot slot);
value *rows_values(query *q, rows *r, plan_slot slot);
void rows_init(query *q, rows *r);
/* Copy the live slots of one row to the end of `to`; the bulk as well. */
void rows_append(query *q, const plan_slots *live, rows *to, const rows *from, size_t row);
/* The same row several times, as often as fits; how often. For operators whose input has the same
 * slots set throughout. */
size_t rows_repeat(query *q, const plan_slots *live, rows *to, const rows *from, size_t row,
                   size_t times);
bool slot_is_ref(const query *q, plan_slot slot);
value rows_value(const query *q, const rows *r, plan_slot slot, size_t row);

/* Evaluate `e` for all rows into `ret[count]`. */
NODISCARD bool expr_eval(query *q, const plan_expr *e, const rows *r, value *ret, error *err);
/* True rows only: `ret_keep[i]`. */
NODISCARD bool expr_filter(query *q, const plan_expr *e, const rows *r, bool *ret_keep, error *err);
/* Keys of a vertex's or edge's properties, in the query's arena. */
/* "label[key]"; of a scratch graph the id as it was given. */

/* ---- block.c ---- */

/* Ids of a label's vertices that in_cidr(x or x.key, '10.0.0.0/8') holds for. `*ret_has` false: it
 * is not for ranges (another property, a block of IPv6, no block at all). */
NODISCARD bool block_ranges(query *q, const plan_expr *in_cidr, size_t label, graph_range **ret,
                            size_t *ret_count, bool *ret_has, error *err);

/* ---- kernel.c ---- */

typedef struct kernel kernel;
/* `*ret` NULL: the predicate cannot be compiled for this slot and label. */
NODISCARD bool kernel_make(query *q, const plan_expr *e, plan_slot slot, size_t label, kernel **ret,
                           error *err);
/* `refs`: of the kernel's label, none null. */
void kernel_run(const kernel *k, const uint64_t *refs, size_t count, uint8_t *ret_keep);
/* Sum of `count` cells, those that are not null; false: the column holds no numbers. */
bool column_sum_run(const graph_column *c, uint64_t first, uint64_t count, __int128 *ret_integer,
                    double *ret_real, uint64_t *ret_count);

/* ---- scalar.c ---- */

/* scalar_call: exec/foreign.h */

/* ---- each.c ---- */

NODISCARD bool each_eval(query *q, const plan_expr *e, const rows *r, value *ret, error *err);
NODISCARD bool inner_query_eval(query *q, const plan_expr *e, const rows *r, value *ret,
                                error *err);
/* What the operators of a sub-plan hold, by number; false: there are no more. */
bool inner_query_held(const query *q, size_t number, holdings **ret);

/* ---- cypher_value.c ---- */

/* Operators where openCypher has rules of its own; `*ret_is_done` false: it has none for these. */
NODISCARD bool cypher_operator(query *q, plan_function f, const value *args, size_t count,
                               value *ret, bool *ret_is_done, error *err);
/* What `of.key` is where `of` is neither a vertex, an edge nor a map. */
NODISCARD bool cypher_property(query *q, const value *of, str key, value *ret, error *err);
NODISCARD bool fail_type(error *err, const char *detail, const char *format, ...) PRINTF_LIKE(3, 4);
value cypher_compare(plan_function f, const value *x, const value *y);

/* ---- scalar_temporal.c ---- */

bool temporal_component(arena *a, const value *v, str key, value *ret);
NODISCARD bool temporal_arithmetic(query *q, plan_function f, const value *x, const value *y,
                                   value *ret, bool *ret_is_done, error *err);

/* ---- ref_map.c ---- */

typedef struct ref_map {
    query *query;
    size_t width, count;
    char **arrays;
    uint64_t *sizes;
} ref_map;
ref_map *ref_map_new(query *q, size_t width);
/* The label's array by id, zeroed at first. */
NODISCARD bool ref_map_label(ref_map *m, size_t label, char **ret_array, error *err);
void ref_map_clear(ref_map *m);

/* id(x) of a vertex or edge slot, or the slot itself: compared by the reference. NULL: neither. */
const plan_expr *reference_of(const query *q, const plan_expr *e);

extern const op_kind eager_kind, create_kind, set_kind, delete_kind;
op *write_new(query *q); /* one of these four */
extern const op_kind merge_kind, call_kind, trail_kind, repeat_kind;
op *repeat_new(query *q, const plan_op *p);
op *merge_new(query *q);
op *call_new(query *q);
op *trail_new(query *q);
extern const op_kind scan_kind, expand_kind, edge_end_kind, filter_kind, let_kind, aggregate_kind,
    sort_kind, slice_kind, tail_kind, distinct_kind, unwind_kind, union_kind, apply_kind, one_kind,
    argument_kind, nothing_kind, foreign_kind;
op *scan_new(query *q);
op *expand_new(query *q);
op *edge_end_new(query *q);
op *filter_new(query *q);
op *aggregate_new(query *q);
op *sort_new(query *q);
op *slice_new(query *q);
op *tail_new(query *q);
op *foreign_new(query *q);
op *distinct_new(query *q);
op *unwind_new(query *q);
op *branch_new(query *q, const plan_op *p);
op *argument_new(query *q);
void argument_set(op *self, const rows *from, size_t row);
