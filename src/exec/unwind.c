/* PLAN_UNWIND: one row for each item of a list. The numbers of range() are counted out instead of
 * being kept as lists. */
#include "exec/named.h"

/* A row's items: those of a list or map, or `count` numbers from `first` on. */
typedef struct items {
    value of;
    int64_t first, step;
    uint64_t count;
} items;

typedef struct unwind {
    op base;
    rows *in;
    size_t row;
    uint64_t item;
    items *items;
} unwind;

op *unwind_new(query *q)
{
    return &arena_new_of(q->arena, unwind)->base;
}

static bool is_range(const plan_expr *e)
{
    return e->kind == EXPR_CALL && e->call.function == FN_NAMED &&
           named_function_at(e->call.number)->call == named_range;
}

static bool read_ranges(unwind *u, const plan_expr *e, error *err)
{
    query *q = u->base.query;
    size_t rows = u->in->count;
    value *args[3], *own = arena_array_of(q->arena, value, e->call.arg_count);
    for (size_t k = 0; k < e->call.arg_count; k++) {
        args[k] = arena_array_of(q->arena, value, rows);
        TRY(expr_eval(q, e->call.args[k], u->in, args[k], err));
    }
    for (size_t i = 0; i < rows; i++) {
        items *x = &u->items[i];
        for (size_t k = 0; k < e->call.arg_count; k++)
            own[k] = args[k][i];
        TRY(range_read(own, e->call.arg_count, &x->first, &x->step, &x->count, err));
    }
    return true;
}

/* Lists and sets give their items, maps their entries; anything else itself; null no row. */
static bool read_lists(unwind *u, const plan_expr *e, error *err)
{
    query *q = u->base.query;
    value *lists = arena_array_of(q->arena, value, u->in->count);
    TRY(expr_eval(q, e, u->in, lists, err));
    for (size_t i = 0; i < u->in->count; i++) {
        const value *v = &lists[i];
        bool is_list = v->kind == VALUE_LIST || v->kind == VALUE_SET || v->kind == VALUE_PATH;
        u->items[i] = (items){ .of = *v,
                               .count = is_list                ? v->list.count
                                        : v->kind == VALUE_MAP ? v->map.count
                                                               : v->kind != VALUE_NULL };
    }
    return true;
}

static bool read_input(unwind *u, error *err)
{
    const plan_expr *e = u->base.plan->unwind.list;
    TRY(op_next(u->base.input, &u->in, err));
    u->row = 0;
    u->item = 0;
    if (!u->in)
        return true;
    u->items = arena_array_of(u->base.query->arena, items, u->in->count);
    return is_range(e) ? read_ranges(u, e, err) : read_lists(u, e, err);
}

static value item_of(const items *x, uint64_t i, bool is_number)
{
    const value *v = &x->of;
    if (is_number)
        return value_int((int64_t)((uint64_t)x->first + i * (uint64_t)x->step));
    if (v->kind == VALUE_MAP)
        return (value){ .kind = VALUE_ENTRY, .map = { &v->map.keys[i], &v->map.values[i], 1 } };
    bool is_list = v->kind == VALUE_LIST || v->kind == VALUE_SET || v->kind == VALUE_PATH;
    return is_list ? v->list.items[i] : *v;
}

/* `times` rows, from `item` on, behind those that `out` has. */
static void put(unwind *u, size_t times)
{
    op *self = &u->base;
    query *q = self->query;
    rows *out = &self->out;
    plan_slot to = self->plan->unwind.to;
    bool is_number = is_range(self->plan->unwind.list);
    size_t at = out->count;
    for (size_t i = 0; i < times; i++)
        rows_append(q, &self->plan->live, out, u->in, u->row);
    for (size_t i = 0; i < times; i++) {
        value item = item_of(&u->items[u->row], u->item + i, is_number);
        if (slot_is_ref(q, to))
            rows_refs(q, out, to)[at + i] =
                item.kind == VALUE_VERTEX || item.kind == VALUE_EDGE ? item.ref : NO_REF;
        else
            rows_values(q, out, to)[at + i] = item;
    }
    u->item += times;
}

static bool unwind_next(op *self, rows **ret_rows, error *err)
{
    unwind *u = (unwind *)self;
    self->out.count = 0;
    *ret_rows = NULL;
    while (self->out.count < BATCH_ROWS) {
        if (!u->in || u->row == u->in->count) {
            if (self->out.count)
                break;
            TRY(read_input(u, err));
            if (!u->in)
                return true;
        }
        uint64_t left = u->items[u->row].count - u->item, room = BATCH_ROWS - self->out.count;
        put(u, (size_t)(left < room ? left : room));
        if (u->item < u->items[u->row].count)
            break;
        u->row++;
        u->item = 0;
    }
    *ret_rows = &self->out;
    return true;
}

static void unwind_reset(op *self)
{
    unwind *u = (unwind *)self;
    u->in = NULL;
    u->row = 0;
    u->item = 0;
}

const op_kind unwind_kind = { unwind_next, unwind_reset };
