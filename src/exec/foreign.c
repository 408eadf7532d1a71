/* PLAN_FOREIGN: rows in, values out; what lies between is the language's. */
#include "exec/foreign.h"

#include "exec/internal.h"

typedef struct foreign {
    op base;
    void *state;
    rows *in;
    size_t row;
    bool is_done;
} foreign;

op *foreign_new(query *q)
{
    return &arena_new_of(q->arena, foreign)->base;
}

arena *query_arena(query *q)
{
    return q->arena;
}

graph *query_graph(query *q)
{
    return q->graph;
}

bool foreign_input_next(foreign_input *in, value *ret, uint64_t *ret_bulk, bool *ret_has,
                        error *err)
{
    foreign *f = (foreign *)in;
    const plan_op *p = f->base.plan;
    if (!f->is_done && (!f->in || f->row == f->in->count)) {
        TRY(op_next(f->base.input, &f->in, err));
        f->row = 0;
        f->is_done = f->in == NULL;
    }
    *ret_has = !f->is_done;
    if (f->is_done)
        return true;
    *ret =
        p->foreign.from ? rows_value(f->base.query, f->in, p->foreign.from, f->row) : value_null();
    *ret_bulk = f->in->bulk[f->row++];
    return true;
}

static bool foreign_next(op *self, rows **ret_rows, error *err)
{
    foreign *f = (foreign *)self;
    const plan_op *p = self->plan;
    query *q = self->query;
    *ret_rows = NULL;
    if (!f->state)
        TRY(p->foreign.kind->open(q, p, (foreign_input *)f, &f->state, err));
    value *out = rows_values(q, &self->out, p->foreign.to);
    TRY(p->foreign.kind->next(f->state, out, self->out.bulk, BATCH_ROWS, &self->out.count, err));
    *ret_rows = self->out.count ? &self->out : NULL;
    return true;
}

static void foreign_reset(op *self)
{
    foreign *f = (foreign *)self;
    f->state = NULL;
    f->in = NULL;
    f->is_done = false;
}

const op_kind foreign_kind = { foreign_next, foreign_reset };
