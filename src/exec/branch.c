/* Sub-plans for each row: union, and apply in its modes. */
#include "exec/internal.h"

typedef struct branch {
    op base;
    op **roots, **arguments;
    rows *in;
    size_t row, number; /* the input row and sub-plan at work */
    bool is_running, gave_rows;
    rows joined, beside; /* rows of a sub-plan with what they lack of the input row */
} branch;

op *branch_new(query *q, const plan_op *p)
{
    branch *b = arena_new_of(q->arena, branch);
    b->roots = arena_array_of(q->arena, op *, p->branches.count);
    b->arguments = arena_array_of(q->arena, op *, p->branches.count);
    for (size_t i = 0; i < p->branches.count; i++) {
        b->arguments[i] = argument_new(q);
        b->roots[i] = op_build(q, p->branches.items[i], b->arguments[i]);
    }
    return &b->base;
}

static void start(branch *b)
{
    op_reset(b->roots[b->number]);
    argument_set(b->arguments[b->number], b->in, b->row);
    b->is_running = true;
}

/* The next input row; false at the end. */
static bool next_row(branch *b, bool *ret_has_row, error *err)
{
    if (b->in)
        b->row++;
    if (!b->in || b->row == b->in->count) {
        TRY(op_next(b->base.input, &b->in, err));
        b->row = 0;
    }
    *ret_has_row = b->in != NULL;
    b->number = 0;
    b->is_running = b->gave_rows = false;
    return true;
}

static bool has_rows(branch *b, bool *ret, error *err)
{
    rows *r;
    start(b);
    TRY(op_next(b->roots[b->number], &r, err));
    *ret = r != NULL;
    return true;
}

static bool keep_matching(op *self, rows **ret_rows, error *err)
{
    branch *b = (branch *)self;
    bool has_row, matches;
    self->out.count = 0;
    while (self->out.count < BATCH_ROWS) {
        if (b->in && b->row + 1 == b->in->count && self->out.count)
            break; /* hand out before the input block goes */
        TRY(next_row(b, &has_row, err));
        if (!has_row)
            break;
        TRY(has_rows(b, &matches, err));
        if (matches == (self->plan->branches.mode == APPLY_SEMI))
            rows_append(self->query, &self->plan->live, &self->out, b->in, b->row);
    }
    *ret_rows = self->out.count ? &self->out : NULL;
    return true;
}

/* The input row on its own: slots that only the sub-plan sets are null, but for `to`. */
static bool give_unmatched(branch *b, error *err)
{
    op *self = &b->base;
    query *q = self->query;
    const plan_op *p = self->plan;
    rows *out = &self->out;
    out->count = 0;
    rows_append(q, &p->live, out, b->in, b->row);
    for (plan_slot s = 1; s < q->plan->slot_count; s++) {
        if (!plan_slots_has(&p->live, s) || b->in->refs[s] || b->in->values[s])
            continue;
        if (slot_is_ref(q, s))
            rows_refs(q, out, s)[0] = NO_REF;
        else
            rows_values(q, out, s)[0] = value_null();
    }
    if (!p->branches.otherwise)
        return true;
    value cells[BATCH_ROWS];
    TRY(expr_eval(q, p->branches.otherwise, b->in, cells, err));
    if (slot_is_ref(q, p->branches.to))
        rows_refs(q, out, p->branches.to)[0] = cells[b->row].ref;
    else
        rows_values(q, out, p->branches.to)[0] = cells[b->row];
    return true;
}

/* What the sub-plan has not kept of the input row stands beside each of its rows. */
static rows *beside_input(branch *b, rows *r)
{
    query *q = b->base.query;
    const plan_op *p = b->base.plan;
    size_t slots = q->plan->slot_count;
    bool is_whole = true;
    for (plan_slot s = 1; s < slots && is_whole; s++)
        is_whole = !plan_slots_has(&p->live, s) || r->refs[s] || r->values[s] ||
                   (!b->in->refs[s] && !b->in->values[s]);
    if (is_whole)
        return r;
    if (!b->joined.bulk) {
        rows_init(q, &b->joined);
        rows_init(q, &b->beside);
    }
    b->joined.count = r->count;
    b->joined.bulk = r->bulk;
    memcpy(b->joined.refs, r->refs, slots * sizeof *r->refs);
    memcpy(b->joined.values, r->values, slots * sizeof *r->values);
    for (plan_slot s = 1; s < slots; s++) {
        if (!plan_slots_has(&p->live, s) || r->refs[s] || r->values[s])
            continue;
        if (b->in->refs[s]) {
            uint64_t *refs = b->joined.refs[s] = rows_refs(q, &b->beside, s);
            for (size_t i = 0; i < r->count; i++)
                refs[i] = b->in->refs[s][b->row];
        } else if (b->in->values[s]) {
            value *values = b->joined.values[s] = rows_values(q, &b->beside, s);
            for (size_t i = 0; i < r->count; i++)
                values[i] = b->in->values[s][b->row];
        }
    }
    return &b->joined;
}

/* Rows of sub-plans in the place of the input row: all of them (union), or of the first that gives
 * any (coalesce). */
static bool replace_rows(op *self, rows **ret_rows, error *err)
{
    branch *b = (branch *)self;
    const plan_op *p = self->plan;
    bool is_coalesce = p->kind == PLAN_APPLY && p->branches.mode == APPLY_COALESCE;
    bool is_optional = p->kind == PLAN_APPLY && p->branches.mode == APPLY_OPTIONAL;
    *ret_rows = NULL;
    for (;;) {
        bool has_row = b->in != NULL;
        if (!has_row || b->number == p->branches.count)
            TRY(next_row(b, &has_row, err));
        if (!has_row)
            return true;
        if (!b->is_running)
            start(b);
        rows *r;
        TRY(op_next(b->roots[b->number], &r, err));
        if (r) {
            b->gave_rows = true;
            for (size_t i = 0; i < r->count; i++)
                TRY(bulk_multiply(&r->bulk[i], b->in->bulk[b->row], err));
            *ret_rows = p->kind == PLAN_APPLY ? beside_input(b, r) : r;
            return true;
        }
        b->is_running = false;
        b->number = is_coalesce && b->gave_rows ? p->branches.count : b->number + 1;
        if (is_optional && !b->gave_rows && b->number == p->branches.count) {
            TRY(give_unmatched(b, err));
            *ret_rows = &self->out;
            return true;
        }
    }
}

static bool apply_next(op *self, rows **ret_rows, error *err)
{
    plan_apply_mode mode = self->plan->branches.mode;
    return mode == APPLY_SEMI || mode == APPLY_ANTI ? keep_matching(self, ret_rows, err)
                                                    : replace_rows(self, ret_rows, err);
}

static void branch_reset(op *self)
{
    branch *b = (branch *)self;
    b->in = NULL;
    b->number = 0;
    b->is_running = false;
}

const op_kind union_kind = { replace_rows, branch_reset };
const op_kind apply_kind = { apply_next, branch_reset };
