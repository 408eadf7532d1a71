/* Operators that look at one row at a time: filter, let, slice, one row, the argument of a
 * sub-plan.
 */
#include "exec/internal.h"

typedef struct simple {
    op base;
    rows *in;
    uint64_t skipped, passed; /* of slice */
    bool is_done;
    plan_slot tested; /* the one slot that a filter reads; PLAN_NO_SLOT: several, or no reference */
    size_t label;     /* that the kernel is for */
    kernel *kernel;
    bool has_kernel, knows_tested;
} simple;

op *filter_new(query *q)
{
    return &arena_new_of(q->arena, simple)->base;
}

op *slice_new(query *q)
{
    return filter_new(q);
}

op *argument_new(query *q)
{
    op *o = filter_new(q);
    o->kind = &argument_kind;
    o->query = q;
    rows_init(q, &o->out);
    return o;
}

static void simple_reset(op *self)
{
    simple *s = (simple *)self;
    s->in = NULL;
    s->skipped = s->passed = 0;
    s->is_done = false;
}

static plan_slot only_reference(const query *q, const plan_expr *e)
{
    plan_slots reads = { { 0 } };
    plan_slot found = PLAN_NO_SLOT;
    plan_expr_reads(e, &reads);
    for (plan_slot s = 1; s < q->plan->slot_count; s++)
        if (plan_slots_has(&reads, s)) {
            if (found || !slot_is_ref(q, s))
                return PLAN_NO_SLOT;
            found = s;
        }
    return found;
}

/* By the compiled predicate, when all rows have an element of one label. */
static bool filter_compiled(simple *s, const rows *in, uint8_t *keep, bool *ret_is_done, error *err)
{
    query *q = s->base.query;
    *ret_is_done = false;
    if (!s->knows_tested) {
        s->tested = only_reference(q, s->base.plan->predicate);
        s->knows_tested = true;
    }
    const uint64_t *refs = s->tested ? in->refs[s->tested] : NULL;
    if (!refs)
        return true;
    uint64_t label = refs[0] >> 48, differs = 0;
    for (size_t i = 0; i < in->count; i++)
        differs |= (refs[i] >> 48) ^ label;
    if (differs || refs[0] == NO_REF)
        return true;
    if (!s->has_kernel || s->label != label) {
        TRY(kernel_make(q, s->base.plan->predicate, s->tested, label, &s->kernel, err));
        s->has_kernel = true;
        s->label = label;
    }
    if (!s->kernel)
        return true;
    kernel_run(s->kernel, refs, in->count, keep);
    *ret_is_done = true;
    return true;
}

static bool filter_next(op *self, rows **ret_rows, error *err)
{
    uint8_t keep[BATCH_ROWS];
    rows *in;
    self->out.count = 0;
    *ret_rows = NULL;
    while (self->out.count == 0) {
        bool is_done;
        TRY(op_next(self->input, &in, err));
        if (!in)
            return true;
        TRY(filter_compiled((simple *)self, in, keep, &is_done, err));
        if (!is_done)
            TRY(expr_filter(self->query, self->plan->predicate, in, (bool *)keep, err));
        for (size_t i = 0; i < in->count; i++)
            if (keep[i])
                rows_append(self->query, &self->plan->live, &self->out, in, i);
    }
    *ret_rows = &self->out;
    return true;
}

static bool let_next(op *self, rows **ret_rows, error *err)
{
    rows *in;
    *ret_rows = NULL;
    TRY(op_next(self->input, &in, err));
    if (!in)
        return true;
    value cells[BATCH_ROWS];
    TRY(expr_eval(self->query, self->plan->let.expr, in, cells, err));
    self->out.count = 0;
    for (size_t i = 0; i < in->count; i++)
        rows_append(self->query, &self->plan->live, &self->out, in, i);
    if (slot_is_ref(self->query, self->plan->let.to)) {
        uint64_t *refs = rows_refs(self->query, &self->out, self->plan->let.to);
        for (size_t i = 0; i < in->count; i++)
            refs[i] = cells[i].kind == VALUE_VERTEX || cells[i].kind == VALUE_EDGE ? cells[i].ref
                                                                                   : NO_REF;
    } else {
        memcpy(rows_values(self->query, &self->out, self->plan->let.to), cells,
               in->count * sizeof *cells);
    }
    *ret_rows = &self->out;
    return true;
}

/* A row that stands for several is cut where the window begins or ends. */
static bool slice_next(op *self, rows **ret_rows, error *err)
{
    simple *s = (simple *)self;
    const plan_op *p = self->plan;
    self->out.count = 0;
    *ret_rows = NULL;
    while (self->out.count == 0 && s->passed < p->slice.count) {
        rows *in;
        TRY(op_next(self->input, &in, err));
        if (!in)
            return true;
        for (size_t i = 0; i < in->count && s->passed < p->slice.count; i++) {
            uint64_t bulk = in->bulk[i], skip = p->slice.skip - s->skipped;
            skip = skip < bulk ? skip : bulk;
            s->skipped += skip;
            bulk -= skip;
            if (bulk > p->slice.count - s->passed)
                bulk = p->slice.count - s->passed;
            if (bulk == 0)
                continue;
            s->passed += bulk;
            rows_append(self->query, &p->live, &self->out, in, i);
            self->out.bulk[self->out.count - 1] = bulk;
        }
    }
    if (self->out.count)
        *ret_rows = &self->out;
    return true;
}

static bool one_next(op *self, rows **ret_rows, error *err)
{
    (void)err;
    *ret_rows = self->out.count == 0 ? &self->out : NULL;
    if (*ret_rows) {
        self->out.count = 1;
        self->out.bulk[0] = 1;
    }
    return true;
}

static void one_reset(op *self)
{
    self->out.count = 0;
}

static bool nothing_next(op *self, rows **ret_rows, error *err)
{
    rows *in;
    do
        TRY(op_next(self->input, &in, err));
    while (in);
    *ret_rows = NULL;
    return true;
}

static bool argument_next(op *self, rows **ret_rows, error *err)
{
    simple *s = (simple *)self;
    (void)err;
    *ret_rows = s->is_done ? NULL : &self->out;
    s->is_done = true;
    return true;
}

/* Hand one row to a sub-plan; its other operators are reset by the caller. */
void argument_set(op *self, const rows *from, size_t row)
{
    query *q = self->query;
    plan_slots all;
    memset(&all, 0xFF, sizeof all);
    self->out.count = 0;
    rows_append(q, &all, &self->out, from, row);
    self->out.bulk[0] = 1;
    ((simple *)self)->is_done = false;
}

const op_kind filter_kind = { filter_next, NULL };
const op_kind let_kind = { let_next, NULL };
const op_kind slice_kind = { slice_next, simple_reset };
const op_kind one_kind = { one_next, one_reset };
const op_kind nothing_kind = { nothing_next, NULL };
const op_kind argument_kind = { argument_next, NULL };
