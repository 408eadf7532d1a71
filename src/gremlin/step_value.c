/* Steps that make values of objects. */
#include "gremlin/internal.h"

/* ---- Values ---- */

static bool keys_of(compiler *c, const step *s, size_t from, plan_expr **args, size_t *count)
{
    args[0] = gremlin_current(c);
    *count = 1;
    for (size_t i = from; i < s->arg_count && *count < 64; i++) {
        if (s->args[i].kind == ARG_LITERAL && s->args[i].literal.kind == VALUE_BOOL)
            continue;
        str key;
        TRY(gremlin_need_text(c, s, i, "names of properties", &key));
        args[(*count)++] = plan_literal_text(c->plan, key);
    }
    return true;
}

bool gremlin_step_values(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *args[64];
    size_t count;
    TRY(keys_of(c, s, 0, args, &count));
    if (count == 2) {
        TRY(gremlin_let(c, plan_property(c->plan, args[0], args[1]->literal.text), SLOT_VALUE,
                        s->offset));
        gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, gremlin_current(c)), s->offset);
        return true;
    }
    plan_slot to;
    TRY(gremlin_new_slot(c, SLOT_VALUE, &to));
    plan_op *op = gremlin_add_op(c, PLAN_UNWIND, s->offset);
    op->unwind.list = plan_call_list(c->plan, FN_VALUES, args, count);
    op->unwind.to = to;
    c->current = to;
    return true;
}

static bool compile_map(compiler *c, const step *s, plan_function f)
{
    plan_expr *args[64];
    size_t count;
    bool with_tokens = f == FN_VALUE_MAP && s->arg_count && s->args[0].kind == ARG_LITERAL &&
                       s->args[0].literal.kind == VALUE_BOOL && s->args[0].literal.boolean;
    if (with_tokens)
        return gremlin_fail_later(c, s->offset, "valueMap(true) (elementMap() gives id and label)");
    TRY(keys_of(c, s, 0, args, &count));
    if (count < 2 && f == FN_VALUE_MAP)
        return gremlin_fail_later(c, s->offset, "valueMap() of all properties");
    return gremlin_let(c, plan_call_list(c->plan, f, args, count), SLOT_VALUE, s->offset);
}

bool gremlin_step_valueMap(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return compile_map(c, s, FN_VALUE_MAP);
}

bool gremlin_step_elementMap(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return compile_map(c, s, FN_ELEMENT_MAP);
}

bool gremlin_step_id(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return gremlin_let(c, plan_call(c->plan, FN_ID, gremlin_current(c)), SLOT_VALUE, s->offset);
}

bool gremlin_step_label(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return gremlin_let(c, plan_call(c->plan, FN_LABEL, gremlin_current(c)), SLOT_VALUE, s->offset);
}

bool gremlin_step_constant(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    if (s->arg_count != 1 || s->args[0].kind != ARG_LITERAL)
        return gremlin_fail_step(c, s->offset, "constant() takes a value");
    return gremlin_let(c, plan_literal(c->plan, s->args[0].literal), SLOT_VALUE, s->offset);
}

bool gremlin_step_as(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(gremlin_need_text(c, s, i, "labels", &name));
        vec_push(c->arena, &c->labels, (as_label){ name, c->current });
        if (c->passed.count)
            vec_push(c->arena, &c->passed.items[c->passed.count - 1].names, name);
    }
    return true;
}

static bool compile_select_one(compiler *c, const step *s, const modulators *m)
{
    if (s->args[0].kind == ARG_TOKEN) {
        bool is_keys = gremlin_is_token(&s->args[0], "keys");
        if (!is_keys && !gremlin_is_token(&s->args[0], "values"))
            return gremlin_fail_step(c, s->args[0].offset, "select() takes labels, keys or values");
        return gremlin_let(
            c, plan_call(c->plan, is_keys ? FN_KEYS : FN_MAP_VALUES, gremlin_current(c)),
            SLOT_VALUE, s->offset);
    }
    str name;
    TRY(gremlin_need_text(c, s, 0, "labels, keys or values", &name));
    plan_slot slot = gremlin_find_label(c, name);
    if (slot) {
        c->current = slot;
        c->is_one_map = false;
    } else {
        TRY(gremlin_let(
            c, plan_call(c->plan, FN_MAP_GET, gremlin_current(c), plan_literal_text(c->plan, name)),
            SLOT_VALUE, s->offset));
        gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, gremlin_current(c)), s->offset);
    }
    if (m->count == 0)
        return true;
    plan_expr *e;
    TRY(gremlin_plain_by(c, m->by[0], gremlin_current(c), &e));
    TRY(gremlin_let(c, e, SLOT_VALUE, s->offset));
    gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, gremlin_current(c)), s->offset);
    return true;
}

bool gremlin_step_select(compiler *c, const step *s, const modulators *m)
{
    if (s->arg_count == 0)
        return gremlin_fail_step(c, s->offset, "select() takes labels, keys or values");
    if (s->arg_count == 1)
        return compile_select_one(c, s, m);
    plan_expr **args = arena_array_of(c->arena, plan_expr *, 2 * s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(gremlin_need_text(c, s, i, "labels", &name));
        plan_slot slot = gremlin_find_label(c, name);
        if (!slot)
            return gremlin_fail_step(c, s->args[i].offset,
                                     "there is no as('" STR_FMT "') before this", STR_ARG(name));
        args[2 * i] = plan_literal_text(c->plan, name);
        TRY(gremlin_plain_by(c, m->count ? m->by[i % m->count] : NULL,
                             plan_slot_expr(c->plan, slot), &args[2 * i + 1]));
    }
    return gremlin_let(c, plan_map(c->plan, args, s->arg_count), SLOT_VALUE, s->offset);
}

bool gremlin_step_project(compiler *c, const step *s, const modulators *m)
{
    plan_expr **args = arena_array_of(c->arena, plan_expr *, 2 * s->arg_count);
    if (s->arg_count == 0)
        return gremlin_fail_step(c, s->offset, "project() takes names");
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(gremlin_need_text(c, s, i, "names", &name));
        for (size_t k = 0; k < i; k++)
            if (str_eq(args[2 * k]->literal.text, name))
                return gremlin_fail_step(c, s->args[i].offset,
                                         "project() has the name '" STR_FMT "' twice",
                                         STR_ARG(name));
        args[2 * i] = plan_literal_text(c->plan, name);
        TRY(gremlin_plain_by(c, m->count ? m->by[i % m->count] : NULL, gremlin_current(c),
                             &args[2 * i + 1]));
    }
    return gremlin_let(c, plan_call_list(c->plan, FN_MAP_WITHOUT_NULLS, args, 2 * s->arg_count),
                       SLOT_VALUE, s->offset);
}

bool gremlin_step_unfold(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_slot to;
    TRY(gremlin_new_slot(c, SLOT_VALUE, &to));
    plan_op *op = gremlin_add_op(c, PLAN_UNWIND, s->offset);
    op->unwind.list = gremlin_current(c);
    op->unwind.to = to;
    c->current = to;
    c->is_one_map = false;
    return true;
}
