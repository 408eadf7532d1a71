/* What operators share: blocks of rows, the operator's handle, expressions. */
#pragma once

#include "base/arena.h"
#include "base/budget.h"
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
    uint64_t rows_out; /* for PROFILE */
};

struct query {
    arena *arena;
    graph *graph;
    const plan *plan;
    query_options options;
    budget budget;
    uint64_t deadline_us;
    op *root;
    batch result;
};

/* Deadline, cancel, memory: once a batch. */
NODISCARD bool query_check(query *q, error *err);

static inline bool op_next(op *self, rows **ret_rows, error *err)
{
    if (!query_check(self->query, err) || !self->kind->next(self, ret_rows, err))
        return false;
    self->rows_out += *ret_rows ? (*ret_rows)->count : 0;
    return true;
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
NODISCARD bool element_property(query *q, value element, str key, value *ret, error *err);

extern const op_kind scan_kind, expand_kind, edge_end_kind, filter_kind, let_kind, aggregate_kind,
    sort_kind, slice_kind, tail_kind, distinct_kind, unwind_kind, union_kind, apply_kind, one_kind,
    argument_kind, nothing_kind;
op *scan_new(query *q);
op *expand_new(query *q);
op *edge_end_new(query *q);
op *filter_new(query *q);
op *aggregate_new(query *q);
op *sort_new(query *q);
op *slice_new(query *q);
op *tail_new(query *q);
op *distinct_new(query *q);
op *unwind_new(query *q);
op *branch_new(query *q, const plan_op *p);
op *argument_new(query *q);
void argument_set(op *self, const rows *from, size_t row);
