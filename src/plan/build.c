/* Making plans: slots, operators, expressions. */
#include "plan/plan.h"

#include <assert.h>

#include "base/map.h"

plan *plan_new(arena *a, str text)
{
    plan *p = arena_new_of(a, plan);
    p->arena = a;
    p->text = text;
    p->slot_capacity = 16;
    p->slots = arena_array_of(a, plan_slot_info, p->slot_capacity);
    p->slots[PLAN_BULK] = (plan_slot_info){ STR("bulk"), SLOT_VALUE };
    p->slot_count = 1;
    return p;
}

bool plan_slot_new(plan *p, str name, plan_slot_kind kind, plan_slot *ret_slot, error *err)
{
    if (p->slot_count == PLAN_SLOTS_MAX)
        return fail(err, ERR_LIMIT,
                    "the query is too long: it needs more than %d intermediate columns",
                    PLAN_SLOTS_MAX);
    if (p->slot_count == p->slot_capacity) {
        size_t bytes = p->slot_capacity * sizeof *p->slots;
        p->slots = arena_grow(p->arena, p->slots, bytes, 2 * bytes);
        p->slot_capacity *= 2;
    }
    *ret_slot = (plan_slot)p->slot_count;
    p->slots[p->slot_count++] = (plan_slot_info){ name, kind };
    return true;
}

plan_op *plan_op_new(plan *p, plan_op_kind kind, plan_op *input, size_t offset)
{
    assert((input == NULL) == (kind == PLAN_ONE || kind == PLAN_ARGUMENT));
    plan_op *op = arena_new_of(p->arena, plan_op);
    op->kind = kind;
    op->input = input;
    op->offset = (uint32_t)offset;
    return op;
}

static plan_expr *expr_new(plan *p, plan_expr_kind kind)
{
    plan_expr *e = arena_new_of(p->arena, plan_expr);
    e->kind = kind;
    return e;
}

plan_expr *plan_literal(plan *p, value v)
{
    plan_expr *e = expr_new(p, EXPR_LITERAL);
    e->literal = v;
    return e;
}

plan_expr *plan_literal_int(plan *p, int64_t v)
{
    return plan_literal(p, value_int(v));
}

plan_expr *plan_literal_text(plan *p, str v)
{
    return plan_literal(p, value_text(v));
}

plan_expr *plan_literal_bool(plan *p, bool v)
{
    return plan_literal(p, value_bool(v));
}

plan_expr *plan_literal_null(plan *p)
{
    return plan_literal(p, value_null());
}

plan_expr *plan_slot_expr(plan *p, plan_slot slot)
{
    assert(slot < p->slot_count);
    plan_expr *e = expr_new(p, EXPR_SLOT);
    e->slot = slot;
    return e;
}

plan_expr *plan_property(plan *p, plan_expr *of, str key)
{
    plan_expr *e = expr_new(p, EXPR_PROPERTY);
    e->property.of = of;
    e->property.key = key;
    return e;
}

plan_expr *plan_call_list(plan *p, plan_function f, plan_expr **args, size_t count)
{
    const plan_function_info *info = plan_function_get(f);
    assert((int64_t)count >= info->argument_min &&
           (info->argument_max < 0 || (int64_t)count <= info->argument_max));
    plan_expr *e = expr_new(p, EXPR_CALL);
    e->call.function = f;
    e->call.args = arena_copy(p->arena, args, count * sizeof *args);
    e->call.arg_count = count;
    return e;
}

plan_expr *plan_map(plan *p, plan_expr **pairs, size_t count)
{
    plan_expr **all = arena_array_of(p->arena, plan_expr *, 2 * count);
    map at = map_new(p->arena); /* key → its pair */
    for (size_t i = 0; i < count; i++) {
        str key = pairs[2 * i]->literal.text;
        plan_expr **pair = map_get(&at, key);
        if (!pair) {
            pair = &all[2 * at.count];
            map_set(&at, key, pair);
        }
        pair[0] = pairs[2 * i];
        pair[1] = pairs[2 * i + 1];
    }
    return plan_call_list(p, FN_MAP, all, 2 * at.count);
}

plan_expr *plan_and(plan *p, plan_expr *left, plan_expr *right)
{
    return left ? plan_call(p, FN_AND, left, right) : right;
}

plan_slot_kind plan_expr_kind_of(const plan *p, const plan_expr *e)
{
    if (e->kind == EXPR_SLOT)
        return p->slots[e->slot].kind;
    if (e->kind == EXPR_CALL &&
        (e->call.function == FN_FROM_VERTEX || e->call.function == FN_TO_VERTEX))
        return SLOT_VERTEX;
    return SLOT_VALUE;
}
