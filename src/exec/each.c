/* Expressions over the items of a list, and sub-plans inside expressions. */
#include "exec/internal.h"

/* ---- Items ---- */

/* Rows with the slots that `body` reads, and room for the item and the total. */
typedef struct bench {
    query *query;
    arena *arena;
    rows rows;
    plan_slots reads;
    plan_slot item, total;
} bench;

static void bench_open(bench *b, query *q, const plan_expr *e, arena *scratch)
{
    size_t slots = q->plan->slot_count;
    *b = (bench){ .query = q, .arena = scratch, .item = e->each.item, .total = e->each.total };
    if (e->each.where)
        plan_expr_reads(e->each.where, &b->reads);
    if (e->each.body)
        plan_expr_reads(e->each.body, &b->reads);
    plan_slots_remove(&b->reads, b->item);
    plan_slots_remove(&b->reads, b->total);
    b->rows.bulk = arena_array_of(scratch, uint64_t, BATCH_ROWS);
    b->rows.refs = arena_array_of(scratch, uint64_t *, slots);
    b->rows.values = arena_array_of(scratch, value *, slots);
    b->rows.values[b->item] = arena_array_of(scratch, value, BATCH_ROWS);
    if (b->total)
        b->rows.values[b->total] = arena_array_of(scratch, value, BATCH_ROWS);
}

static void bench_add(bench *b, const rows *from, size_t row, const value *item)
{
    size_t at = b->rows.count++;
    for (plan_slot s = 1; s < b->query->plan->slot_count; s++) {
        if (!plan_slots_has(&b->reads, s))
            continue;
        if (from->refs[s]) {
            if (!b->rows.refs[s])
                b->rows.refs[s] = arena_array_of(b->arena, uint64_t, BATCH_ROWS);
            b->rows.refs[s][at] = from->refs[s][row];
        } else if (from->values[s]) {
            if (!b->rows.values[s])
                b->rows.values[s] = arena_array_of(b->arena, value, BATCH_ROWS);
            b->rows.values[s][at] = from->values[s][row];
        }
    }
    b->rows.bulk[at] = 1;
    b->rows.values[b->item][at] = *item;
}

/* Where an item came from, and what became of it. */
typedef struct outcome {
    size_t row;
    value item, where, body;
} outcome;

typedef VEC(outcome) outcomes;

static bool run_bench(bench *b, const plan_expr *e, outcomes *all, size_t first, error *err)
{
    value cells[BATCH_ROWS];
    size_t count = b->rows.count;
    if (count == 0)
        return true;
    if (e->each.where) {
        TRY(expr_eval(b->query, e->each.where, &b->rows, cells, err));
        for (size_t i = 0; i < count; i++)
            all->items[first + i].where = cells[i];
    }
    if (e->each.body) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) /* what does not pass is not computed */
            kept += !e->each.where || (all->items[first + i].where.kind == VALUE_BOOL &&
                                       all->items[first + i].where.boolean);
        if (kept == count) {
            TRY(expr_eval(b->query, e->each.body, &b->rows, cells, err));
            for (size_t i = 0; i < count; i++)
                all->items[first + i].body = cells[i];
        } else if (kept > 0) {
            bench only = *b;
            only.rows.count = 0;
            VEC(size_t) places = { 0 };
            for (size_t i = 0; i < count; i++) {
                const value *w = &all->items[first + i].where;
                if (w->kind != VALUE_BOOL || !w->boolean)
                    continue;
                for (plan_slot s = 1; s < b->query->plan->slot_count; s++) {
                    if (b->rows.refs[s])
                        b->rows.refs[s][only.rows.count] = b->rows.refs[s][i];
                    if (b->rows.values[s])
                        b->rows.values[s][only.rows.count] = b->rows.values[s][i];
                }
                only.rows.count++;
                vec_push(b->arena, &places, i);
            }
            TRY(expr_eval(b->query, e->each.body, &only.rows, cells, err));
            for (size_t i = 0; i < places.count; i++)
                all->items[first + places.items[i]].body = cells[i];
        }
    }
    b->rows.count = 0;
    return query_check(b->query, err);
}

static value judge(plan_each_kind kind, const outcome *of, size_t count)
{
    size_t trues = 0, falses = 0, nulls = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_known = of[i].where.kind == VALUE_BOOL;
        trues += is_known && of[i].where.boolean;
        falses += is_known && !of[i].where.boolean;
        nulls += !is_known;
    }
    switch (kind) {
    case EACH_ALL: return falses ? value_bool(false) : nulls ? value_null() : value_bool(true);
    case EACH_ANY: return trues ? value_bool(true) : nulls ? value_null() : value_bool(false);
    case EACH_NONE: return trues ? value_bool(false) : nulls ? value_null() : value_bool(true);
    default: return trues > 1 ? value_bool(false) : nulls ? value_null() : value_bool(trues == 1);
    }
}

static value kept_items(query *q, const plan_expr *e, const outcome *of, size_t count)
{
    value *items = arena_array_of(q->arena, value, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!e->each.where || (of[i].where.kind == VALUE_BOOL && of[i].where.boolean))
            items[n++] = e->each.body ? of[i].body : of[i].item;
    return value_list(items, n);
}

/* One row after the other, since each step needs the one before. */
static bool reduce(query *q, const plan_expr *e, const rows *r, const value *lists, value *ret,
                   arena *scratch, error *err)
{
    bench b;
    bench_open(&b, q, e, scratch);
    TRY(expr_eval(q, e->each.start, r, ret, err));
    for (size_t i = 0; i < r->count; i++) {
        if (lists[i].kind != VALUE_LIST && lists[i].kind != VALUE_SET) {
            ret[i] = value_null();
            continue;
        }
        for (size_t k = 0; k < lists[i].list.count; k++) {
            b.rows.count = 0;
            bench_add(&b, r, i, &lists[i].list.items[k]);
            b.rows.values[b.total][0] = ret[i];
            TRY(expr_eval(q, e->each.body, &b.rows, &ret[i], err));
        }
        TRY(query_check(q, err));
    }
    return true;
}

bool each_eval(query *q, const plan_expr *e, const rows *r, value *ret, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    value *lists = arena_array_of(scratch, value, r->count);
    TRY(expr_eval(q, e->each.list, r, lists, err));
    for (size_t i = 0; i < r->count; i++)
        if (lists[i].kind != VALUE_LIST && lists[i].kind != VALUE_SET &&
            lists[i].kind != VALUE_NULL)
            return fail_type(err, "TypeError: InvalidArgumentType", "IN takes a list");
    if (e->each.kind == EACH_REDUCE)
        return reduce(q, e, r, lists, ret, scratch, err);
    bench b;
    outcomes all = { 0 };
    size_t first = 0;
    bench_open(&b, q, e, scratch);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; lists[i].kind != VALUE_NULL && k < lists[i].list.count; k++) {
            if (b.rows.count == BATCH_ROWS) {
                TRY(run_bench(&b, e, &all, first, err));
                first = all.count;
            }
            vec_push(scratch, &all, (outcome){ .row = i, .item = lists[i].list.items[k] });
            bench_add(&b, r, i, &lists[i].list.items[k]);
        }
    TRY(run_bench(&b, e, &all, first, err));
    size_t at = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t count = lists[i].kind == VALUE_NULL ? 0 : lists[i].list.count;
        outcome *own = count ? all.items + at : NULL;
        ret[i] = lists[i].kind == VALUE_NULL ? value_null()
                 : e->each.kind == EACH_MAP  ? kept_items(q, e, own, count)
                                             : judge(e->each.kind, own, count);
        at += count;
    }
    return true;
}

/* ---- Sub-plans ---- */

/* The operators of a sub-plan keep what they have once taken: they start again at each row, and are
 * built anew when that has become much. */
typedef struct inner_query {
    const plan_expr *expr;
    op *root, *argument;
    holdings held;
    size_t usual_bytes; /* after the first row */
} inner_query;

enum { MUCH_BYTES = 8 << 20, MUCH_OWNED = 256 };

bool inner_query_held(const query *q, size_t number, holdings **ret)
{
    *ret = number < q->inner.count ? &q->inner.items[number]->held : NULL;
    return *ret;
}

/* With `x` in charge of the query's memory. */
static void inner_query_build(query *q, inner_query *x)
{
    x->argument = argument_new(q);
    x->root = op_build(q, x->expr->query.root, x->argument);
}

static void inner_query_take_over(query *q, inner_query *x)
{
    q->held = &x->held;
    q->arena = x->held.arena;
}

static void inner_query_rebuild(query *q, inner_query *x)
{
    holdings former = x->held;
    x->held = (holdings){ .arena = arena_new() };
    inner_query_take_over(q, x);
    inner_query_build(q, x);
    for (size_t i = 0; i < x->held.ops.count && i < former.ops.count; i++) { /* for PROFILE */
        x->held.ops.items[i]->rows_out = former.ops.items[i]->rows_out;
        x->held.ops.items[i]->calls = former.ops.items[i]->calls;
        x->held.ops.items[i]->time_us = former.ops.items[i]->time_us;
    }
    holdings_free(&former);
}

/* The sub-plan's operators, in charge of the query's memory. */
static inner_query *inner_query_of(query *q, const plan_expr *e)
{
    for (size_t i = 0; i < q->inner.count; i++)
        if (q->inner.items[i]->expr == e) {
            inner_query_take_over(q, q->inner.items[i]);
            return q->inner.items[i];
        }
    inner_query *x = arena_new_of(q->own.arena, inner_query);
    x->expr = e;
    x->held.arena = arena_new();
    vec_push(q->own.arena, &q->inner, x);
    inner_query_take_over(q, x);
    inner_query_build(q, x);
    return x;
}

bool inner_query_eval(query *q, const plan_expr *e, const rows *r, value *ret, error *err)
{
    arena *given = q->arena;
    holdings *given_held = q->held;
    bool works = true;
    inner_query *x = inner_query_of(q, e);
    for (size_t i = 0; works && i < r->count; i++) {
        rows *found;
        if (arena_used_bytes(x->held.arena) > MUCH_BYTES + 2 * x->usual_bytes ||
            x->held.owned.count > MUCH_OWNED || x->held.workers.count > MUCH_OWNED)
            inner_query_rebuild(q, x);
        op_reset(x->root);
        argument_set(x->argument, r, i);
        works = op_next(x->root, &found, err);
        if (works && !e->query.result)
            ret[i] = value_bool(found != NULL);
        else if (works) {
            value v = found ? rows_value(q, found, e->query.result, 0) : value_null();
            ret[i] = value_copy(given, &v);
        }
        if (!x->usual_bytes)
            x->usual_bytes = arena_used_bytes(x->held.arena);
    }
    q->arena = given;
    q->held = given_held;
    return works;
}
