/* PLAN_REPEAT: the rows of one round are what the body reads in the next, all of them together.
 * Rows that are nothing but one vertex are gathered, so the work of a round is bounded by the
 * graph, not by the number of paths. Source: TinkerPop, "Repeat Step". */
#include "exec/internal.h"

typedef VEC(rows *) blocks;

typedef struct feed {
    op base;
    const blocks *from;
    size_t next;
} feed;

typedef struct repeat {
    op base;
    op *body, *until, *emit, *until_argument, *emit_argument;
    feed *feed;
    blocks pending, results; /* rows that go into the next round; rows that are handed out */
    blocks spare;
    size_t given;
    int64_t round; /* that the pending rows have passed */
    bool is_begun, is_done;
    plan_slot only;  /* vertex slot that is all there is to a row; PLAN_NO_SLOT: there is more */
    ref_map *places; /* of it: place in `pending` + 1 */
} repeat;

static bool feed_next(op *self, rows **ret_rows, error *err)
{
    feed *f = (feed *)self;
    (void)err;
    *ret_rows = f->next < f->from->count ? f->from->items[f->next++] : NULL;
    return true;
}

static void feed_reset(op *self)
{
    ((feed *)self)->next = 0;
}

static const op_kind feed_kind = { feed_next, feed_reset };

/* The vertex slot when a row needs nothing else after this operator and inside it. */
static plan_slot only_slot(const query *q, const plan_op *p)
{
    plan_slot found = PLAN_NO_SLOT;
    const plan_slots *live = &p->repeat.carried;
    for (plan_slot s = 1; s < q->plan->slot_count; s++) {
        if (!plan_slots_has(live, s) || s == p->repeat.loops)
            continue;
        if (found || q->plan->slots[s].kind != SLOT_VERTEX)
            return PLAN_NO_SLOT;
        found = s;
    }
    return found;
}

op *repeat_new(query *q, const plan_op *p)
{
    repeat *x = arena_new_of(q->arena, repeat);
    x->feed = arena_new_of(q->arena, feed);
    x->feed->base.kind = &feed_kind;
    x->feed->base.query = q;
    x->feed->from = &x->pending;
    x->body = op_build(q, p->repeat.body, &x->feed->base);
    if (p->repeat.until) {
        x->until_argument = argument_new(q);
        x->until = op_build(q, p->repeat.until, x->until_argument);
    }
    if (p->repeat.emit) {
        x->emit_argument = argument_new(q);
        x->emit = op_build(q, p->repeat.emit, x->emit_argument);
    }
    x->only = only_slot(q, p);
    return &x->base;
}

/* ---- Blocks of rows ---- */

static rows *room(repeat *x, blocks *in)
{
    query *q = x->base.query;
    if (in->count && in->items[in->count - 1]->count < BATCH_ROWS)
        return in->items[in->count - 1];
    rows *r;
    if (x->spare.count) {
        r = x->spare.items[--x->spare.count];
    } else {
        r = arena_new_of(q->arena, rows);
        rows_init(q, r);
    }
    r->count = 0;
    vec_push(q->arena, in, r);
    return r;
}

static void recycle(repeat *x, blocks *all)
{
    for (size_t i = 0; i < all->count; i++)
        vec_push(x->base.query->arena, &x->spare, all->items[i]);
    all->count = 0;
}

/* One row to the next round; an equal one is made heavier instead. */
static bool keep(repeat *x, const rows *from, size_t row, error *err)
{
    query *q = x->base.query;
    if (x->only && from->refs[x->only] && from->refs[x->only][row] != NO_REF) {
        char *array;
        uint64_t ref = from->refs[x->only][row];
        TRY(ref_map_label(x->places, graph_ref_label(ref), &array, err));
        uint32_t *place = (uint32_t *)(void *)array + graph_ref_number(ref);
        if (*place) {
            uint64_t *bulk =
                &x->pending.items[(*place - 1) / BATCH_ROWS]->bulk[(*place - 1) % BATCH_ROWS];
            return bulk_add(bulk, from->bulk[row], err);
        }
        rows *to = room(x, &x->pending);
        *place = (uint32_t)((x->pending.count - 1) * BATCH_ROWS + to->count + 1);
        rows_append(q, &x->base.plan->repeat.carried, to, from, row);
        return true;
    }
    rows_append(q, &x->base.plan->repeat.carried, room(x, &x->pending), from, row);
    return true;
}

static void hand_out(repeat *x, const rows *from, size_t row)
{
    rows_append(x->base.query, &x->base.plan->repeat.carried, room(x, &x->results), from, row);
}

/* ---- Tests ---- */

static void set_loops(repeat *x, rows *r, int64_t round)
{
    if (!x->base.plan->repeat.loops)
        return;
    value *loops = rows_values(x->base.query, r, x->base.plan->repeat.loops);
    for (size_t i = 0; i < r->count; i++)
        loops[i] = value_int(round);
}

static bool holds(op *test, op *argument, const rows *r, size_t row, bool *ret, error *err)
{
    rows *answer;
    argument_set(argument, r, row);
    op_reset(test);
    TRY(op_next(test, &answer, err));
    *ret = answer != NULL;
    return true;
}

static bool ends(repeat *x, const rows *r, size_t row, bool is_first, int64_t round, bool *ret,
                 error *err)
{
    const plan_op *p = x->base.plan;
    *ret = false;
    if (p->repeat.is_until_first != is_first)
        return true;
    if (p->repeat.times >= 0 && round >= p->repeat.times) {
        *ret = true;
        return true;
    }
    return x->until ? holds(x->until, x->until_argument, r, row, ret, err) : true;
}

static bool emits(repeat *x, const rows *r, size_t row, bool is_first, bool *ret, error *err)
{
    const plan_op *p = x->base.plan;
    *ret = false;
    if (p->repeat.is_emit_first != is_first)
        return true;
    if (p->repeat.emits_all) {
        *ret = true;
        return true;
    }
    return x->emit ? holds(x->emit, x->emit_argument, r, row, ret, err) : true;
}

/* A row at the gate of a round: it leaves, or goes in (and may be handed out on the way). */
static bool at_gate(repeat *x, rows *r, size_t row, error *err)
{
    bool is_out, is_shown;
    TRY(ends(x, r, row, true, x->round, &is_out, err));
    if (is_out) {
        hand_out(x, r, row);
        return true;
    }
    TRY(emits(x, r, row, true, &is_shown, err));
    if (is_shown)
        hand_out(x, r, row);
    return keep(x, r, row, err);
}

/* ---- Rounds ---- */

static bool begin(repeat *x, error *err)
{
    x->is_begun = true;
    x->round = 0;
    x->pending.count = 0;
    if (x->only && !x->places)
        x->places = ref_map_new(x->base.query, sizeof(uint32_t));
    if (x->only)
        ref_map_clear(x->places);
    for (rows *in;;) {
        TRY(op_next(x->base.input, &in, err));
        if (!in)
            return true;
        set_loops(x, in, 0);
        for (size_t i = 0; i < in->count; i++)
            TRY(at_gate(x, in, i, err));
    }
}

static bool run_round(repeat *x, error *err)
{
    blocks before;
    op_reset(x->body);
    memcpy(&before, &x->pending, sizeof before);
    x->pending = (__typeof__(x->pending)){ 0 };
    x->feed->from = &before;
    x->feed->next = 0;
    x->round++;
    if (x->only)
        ref_map_clear(x->places);
    for (rows *r;;) {
        TRY(op_next(x->body, &r, err));
        if (!r)
            break;
        set_loops(x, r, x->round);
        for (size_t i = 0; i < r->count; i++) {
            bool is_out, is_shown;
            TRY(ends(x, r, i, false, x->round, &is_out, err));
            if (is_out) {
                hand_out(x, r, i);
                continue;
            }
            TRY(emits(x, r, i, false, &is_shown, err));
            if (is_shown)
                hand_out(x, r, i);
            bool has_gate =
                x->base.plan->repeat.is_until_first || x->base.plan->repeat.is_emit_first;
            TRY(has_gate ? at_gate(x, r, i, err) : keep(x, r, i, err));
        }
    }
    recycle(x, &before);
    return true;
}

static bool repeat_next(op *self, rows **ret_rows, error *err)
{
    repeat *x = (repeat *)self;
    *ret_rows = NULL;
    if (x->given == x->results.count) {
        recycle(x, &x->results);
        x->given = 0;
    }
    if (!x->is_begun)
        TRY(begin(x, err));
    while (x->results.count == 0 && x->pending.count) {
        TRY(query_check(self->query, err));
        TRY(run_round(x, err));
    }
    if (x->given < x->results.count)
        *ret_rows = x->results.items[x->given++];
    return true;
}

static void repeat_reset(op *self)
{
    repeat *x = (repeat *)self;
    x->is_begun = false;
    x->pending.count = x->results.count = x->given = 0;
}

const op_kind repeat_kind = { repeat_next, repeat_reset };
