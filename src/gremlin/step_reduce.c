/* Steps that need many objects: aggregates, groups, order, windows. */
#include "gremlin/internal.h"

/* ---- Aggregates ---- */

static const plan_aggregate_kind aggregate_of[] = {
    [REDUCE_SUM] = AGGREGATE_SUM,   [REDUCE_COUNT] = AGGREGATE_COUNT,
    [REDUCE_MIN] = AGGREGATE_MIN,   [REDUCE_MAX] = AGGREGATE_MAX,
    [REDUCE_MEAN] = AGGREGATE_MEAN, [REDUCE_FOLD] = AGGREGATE_COLLECT
};

static plan_op *add_aggregate(compiler *c, plan_aggregate_kind kind, plan_expr *of, plan_expr *with,
                              plan_slot to, size_t offset)
{
    plan_op *op = gremlin_add_op(c, PLAN_AGGREGATE, offset);
    op->aggregate.items = arena_new_of(c->arena, plan_aggregate);
    op->aggregate.items[0] = (plan_aggregate){ .kind = kind, .of = of, .with = with, .to = to };
    op->aggregate.item_count = 1;
    c->current = to;
    c->labels.count = 0;
    c->came_from = PLAN_NO_SLOT;
    c->is_one_map = false;
    return op;
}

static bool reduce(compiler *c, const step *s, reducer r, plan_function local)
{
    plan_slot to;
    if (s->arg_count == 1 && gremlin_is_token(&s->args[0], "local"))
        return gremlin_let(c, plan_call(c->plan, local, gremlin_current(c)), SLOT_VALUE, s->offset);
    TRY(gremlin_new_slot(c, SLOT_VALUE, &to));
    add_aggregate(c, aggregate_of[r], r == REDUCE_COUNT ? NULL : gremlin_current(c), NULL, to,
                  s->offset);
    if (r != REDUCE_COUNT && r != REDUCE_FOLD)
        gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, gremlin_current(c)), s->offset);
    return true;
}

#define REDUCER(name, reducer, local)                                                              \
    bool gremlin_step_##name(compiler *c, const step *s, const modulators *m)                      \
    {                                                                                              \
        (void)m;                                                                                   \
        return reduce(c, s, reducer, local);                                                       \
    }
REDUCER(count, REDUCE_COUNT, FN_SIZE)
REDUCER(sum, REDUCE_SUM, FN_LIST_SUM)
REDUCER(min, REDUCE_MIN, FN_LIST_MIN)
REDUCER(max, REDUCE_MAX, FN_LIST_MAX)
REDUCER(mean, REDUCE_MEAN, FN_LIST_MEAN)
REDUCER(fold, REDUCE_FOLD, FN_SIZE)

/* Rows of (key, value) become one map. */
static bool collect_map(compiler *c, plan_slot key, plan_slot val, size_t offset)
{
    plan_slot map;
    TRY(gremlin_new_slot(c, SLOT_VALUE, &map));
    add_aggregate(c, AGGREGATE_COLLECT_MAP, plan_slot_expr(c->plan, key),
                  plan_slot_expr(c->plan, val), map, offset);
    c->is_one_map = true;
    return true;
}

static bool compile_group(compiler *c, const step *s, const modulators *m, bool counts)
{
    plan_slot key, val;
    plan_expr *key_expr, *of;
    reducer r = REDUCE_FOLD;
    if (s->arg_count)
        return gremlin_fail_later(c, s->offset, "a side effect");
    TRY(gremlin_plain_by(c, m->count ? m->by[0] : NULL, gremlin_current(c), &key_expr));
    of = gremlin_current(c);
    if (!counts && m->count > 1)
        TRY(gremlin_compile_by(c, m->by[1], gremlin_current(c), &of, &r));
    if (r == REDUCE_NOT)
        r = REDUCE_FOLD;
    if (counts)
        r = REDUCE_COUNT;
    TRY(gremlin_new_slot(c, plan_expr_kind_of(c->plan, key_expr), &key));
    TRY(gremlin_new_slot(c, SLOT_VALUE, &val));
    bool is_id = key_expr->kind == EXPR_CALL && key_expr->call.function == FN_ID;
    if (plan_expr_kind_of(c->plan, is_id ? key_expr->call.args[0] : key_expr) ==
        SLOT_VALUE) /* an element has an id */
        gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, key_expr), s->offset);
    plan_op *op =
        add_aggregate(c, aggregate_of[r], r == REDUCE_COUNT ? NULL : of, NULL, val, s->offset);
    op->aggregate.keys = arena_new_of(c->arena, plan_key);
    op->aggregate.keys[0] = (plan_key){ .expr = key_expr, .to = key };
    op->aggregate.key_count = 1;
    if (r != REDUCE_COUNT && r != REDUCE_FOLD) /* a key with nothing to reduce has no entry */
        gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, plan_slot_expr(c->plan, val)),
                       s->offset);
    return collect_map(c, key, val, s->offset);
}

bool gremlin_step_group(compiler *c, const step *s, const modulators *m)
{
    return compile_group(c, s, m, false);
}

bool gremlin_step_groupCount(compiler *c, const step *s, const modulators *m)
{
    return compile_group(c, s, m, true);
}

/* ---- Order and windows ---- */

static bool is_local(const step *s)
{
    return s->arg_count && gremlin_is_token(&s->args[0], "local");
}

/* The entries of the one map, something done with them, and the map again. */
static bool with_entries(compiler *c, const step *s, const modulators *m,
                         bool (*work)(compiler *, const step *, const modulators *))
{
    step unfold = { STR("unfold"), s->offset, NULL, 0 },
         rest = { s->name, s->offset, s->args + 1, s->arg_count - 1 };
    plan_slot key, val;
    if (!c->is_one_map)
        return gremlin_fail_later(c, s->offset,
                                  "local scope anywhere but right after group() and groupCount()");
    TRY(gremlin_step_unfold(c, &unfold, m));
    TRY(work(c, &rest, m));
    plan_slot entry = c->current;
    TRY(gremlin_let(c, plan_call(c->plan, FN_KEYS, plan_slot_expr(c->plan, entry)), SLOT_VALUE,
                    s->offset));
    key = c->current;
    TRY(gremlin_let(c, plan_call(c->plan, FN_MAP_VALUES, plan_slot_expr(c->plan, entry)),
                    SLOT_VALUE, s->offset));
    val = c->current;
    return collect_map(c, key, val, s->offset);
}

bool gremlin_step_order(compiler *c, const step *s, const modulators *m)
{
    if (is_local(s))
        return with_entries(c, s, m, gremlin_step_order);
    size_t count = m->count ? m->count : 1; /* at most 8: see modulators */
    plan_key *keys = arena_array_of(c->arena, plan_key, count);
    for (size_t i = 0; i < count; i++) {
        const step *by = m->count ? m->by[i] : NULL;
        TRY(gremlin_plain_by(c, by, gremlin_current(c), &keys[i].expr));
        if (by && keys[i].expr->kind == EXPR_PROPERTY) /* what has no such property goes */
            gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, keys[i].expr), s->offset);
        for (size_t k = 0; by && k < by->arg_count; k++) {
            if (gremlin_is_token(&by->args[k], "shuffle"))
                return gremlin_fail_later(c, by->args[k].offset, "shuffle");
            keys[i].is_descending |=
                gremlin_is_token(&by->args[k], "desc") || gremlin_is_token(&by->args[k], "decr");
        }
    }
    plan_op *op = gremlin_add_op(c, PLAN_SORT, s->offset);
    op->sort.keys = keys;
    op->sort.key_count = count;
    op->sort.count = PLAN_ALL;
    return true;
}

bool gremlin_slice(compiler *c, const step *s, uint64_t skip, uint64_t count)
{
    plan_op *op = gremlin_add_op(c, PLAN_SLICE, s->offset);
    op->slice.skip = skip;
    op->slice.count = count;
    return true;
}

bool gremlin_step_limit(compiler *c, const step *s, const modulators *m)
{
    uint64_t count;
    if (is_local(s))
        return with_entries(c, s, m, gremlin_step_limit);
    TRY(gremlin_need_count(c, s, 0, &count));
    return gremlin_slice(c, s, 0, count);
}

bool gremlin_step_skip(compiler *c, const step *s, const modulators *m)
{
    uint64_t count;
    if (is_local(s))
        return with_entries(c, s, m, gremlin_step_skip);
    TRY(gremlin_need_count(c, s, 0, &count));
    return gremlin_slice(c, s, count, PLAN_ALL);
}

bool gremlin_step_range(compiler *c, const step *s, const modulators *m)
{
    uint64_t from, to;
    if (is_local(s))
        return with_entries(c, s, m, gremlin_step_range);
    TRY(gremlin_need_count(c, s, 0, &from));
    TRY(gremlin_need_count(c, s, 1, &to));
    if (to < from)
        return gremlin_fail_step(c, s->offset, "range() ends before it begins");
    return gremlin_slice(c, s, from, to == PLAN_ALL ? PLAN_ALL : to - from);
}

bool gremlin_step_tail(compiler *c, const step *s, const modulators *m)
{
    uint64_t count = 1;
    if (is_local(s))
        return with_entries(c, s, m, gremlin_step_tail);
    if (s->arg_count)
        TRY(gremlin_need_count(c, s, 0, &count));
    gremlin_add_op(c, PLAN_TAIL, s->offset)->slice.count = count;
    return true;
}

bool gremlin_step_dedup(compiler *c, const step *s, const modulators *m)
{
    size_t count = s->arg_count ? s->arg_count : 1;
    plan_key *keys = arena_array_of(c->arena, plan_key, count);
    for (size_t i = 0; i < count; i++) {
        plan_expr *of = gremlin_current(c);
        str name;
        if (s->arg_count) {
            TRY(gremlin_need_text(c, s, i, "labels", &name));
            plan_slot slot = gremlin_find_label(c, name);
            if (!slot)
                return gremlin_fail_step(c, s->args[i].offset,
                                         "there is no as('" STR_FMT "') before this",
                                         STR_ARG(name));
            of = plan_slot_expr(c->plan, slot);
        }
        TRY(gremlin_plain_by(c, m->count ? m->by[0] : NULL, of, &keys[i].expr));
        if (m->count && keys[i].expr->kind == EXPR_PROPERTY)
            gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, keys[i].expr), s->offset);
    }
    if (count > 16)
        return gremlin_fail_step(c, s->offset, "dedup() takes up to 16 labels");
    plan_op *op = gremlin_add_op(c, PLAN_DISTINCT, s->offset);
    op->distinct.is_kept = c->loops != PLAN_NO_SLOT;
    op->distinct.keys = keys;
    op->distinct.key_count = count;
    return true;
}
