/* Paths, repeat() in all its forms, procedures. */
#include "gremlin/internal.h"

/* ---- Paths ---- */

plan_expr *gremlin_path(compiler *c)
{
    VEC(plan_expr *) args = { 0 };
    if (c->path) {
        vec_push(c->arena, &args, plan_slot_expr(c->plan, c->path));
        vec_push(c->arena, &args, plan_literal_null(c->plan));
    }
    for (size_t i = 0; i < c->passed.count; i++) {
        const passed_object *x = &c->passed.items[i];
        value *names = arena_array_of(c->arena, value, x->names.count);
        for (size_t k = 0; k < x->names.count; k++)
            names[k] = value_text(x->names.items[k]);
        vec_push(c->arena, &args, plan_slot_expr(c->plan, x->slot));
        vec_push(c->arena, &args, plan_literal(c->plan, value_list(names, x->names.count)));
    }
    return plan_call_list(c->plan, FN_PATH, args.items, args.count);
}

bool gremlin_fix_path(compiler *c, size_t offset)
{
    if (!c->tracks_path)
        return true;
    plan_slot to;
    TRY(gremlin_new_slot(c, SLOT_VALUE, &to));
    plan_op *let = gremlin_add_op(c, PLAN_LET, offset);
    let->let.to = to;
    let->let.expr = gremlin_path(c);
    c->path = to;
    c->passed = (__typeof__(c->passed)){ 0 };
    return true;
}

bool gremlin_step_path(compiler *c, const step *s, const modulators *m)
{
    if (m->count == 0)
        return gremlin_let(c, gremlin_path(c), SLOT_VALUE, s->offset);
    if (c->path)
        return gremlin_fail_later(c, s->offset, "path().by() behind a branch or repeat()");
    VEC(plan_expr *) args = { 0 };
    for (size_t i = 0; i < c->passed.count; i++) {
        plan_expr *e;
        reducer ignored;
        TRY(gremlin_compile_by(c, m->by[i % m->count],
                               plan_slot_expr(c->plan, c->passed.items[i].slot), &e, &ignored));
        vec_push(c->arena, &args, e);
        vec_push(c->arena, &args, plan_literal(c->plan, (value){ .kind = VALUE_LIST }));
    }
    return gremlin_let(c, plan_call_list(c->plan, FN_PATH, args.items, args.count), SLOT_VALUE,
                       s->offset);
}

bool gremlin_step_simplePath(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    gremlin_filter(c, plan_call(c->plan, FN_PATH_IS_SIMPLE, gremlin_path(c)), s->offset);
    return true;
}

bool gremlin_step_cyclicPath(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    gremlin_filter(
        c, plan_call(c->plan, FN_NOT, plan_call(c->plan, FN_PATH_IS_SIMPLE, gremlin_path(c))),
        s->offset);
    return true;
}

/* ---- Repeat ---- */

bool gremlin_step_loops(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    if (!c->loops)
        return gremlin_fail_step(c, s->offset, "loops() stands inside repeat(), until() or emit()");
    return gremlin_let(c, plan_slot_expr(c->plan, c->loops), SLOT_VALUE, s->offset);
}

static bool is_modulator(const step *s)
{
    return str_eq(s->name, STR("times")) || str_eq(s->name, STR("until")) ||
           str_eq(s->name, STR("emit"));
}

/* repeat(), or a modulator that stands before it. */
bool gremlin_is_repeat_part(const traversal *t, size_t at)
{
    while (at < t->count && is_modulator(&t->steps[at]))
        at++;
    return at < t->count && str_eq(t->steps[at].name, STR("repeat"));
}

typedef struct repeat_parts {
    const step *repeat, *until, *emit;
    bool is_until_first, is_emit_first;
    int64_t times; /* -1: none */
} repeat_parts;

static bool take_modulator(compiler *c, const step *s, bool is_before, repeat_parts *p)
{
    uint64_t times;
    if (str_eq(s->name, STR("times"))) {
        TRY(gremlin_need_count(c, s, 0, &times));
        p->times = times == PLAN_ALL ? -1 : (int64_t)times;
        p->is_until_first |= is_before;
        return true;
    }
    if (str_eq(s->name, STR("until"))) {
        if (s->arg_count != 1)
            return gremlin_fail_step(c, s->offset, "until() takes a traversal");
        p->until = s;
        p->is_until_first |= is_before;
        return true;
    }
    if (s->arg_count > 1)
        return gremlin_fail_step(c, s->offset, "emit() takes nothing, or a traversal");
    p->emit = s;
    p->is_emit_first = is_before;
    return true;
}

static bool collect_parts(compiler *c, const traversal *t, size_t *at, repeat_parts *p)
{
    *p = (repeat_parts){ .times = -1 };
    for (; is_modulator(&t->steps[*at]); ++*at)
        TRY(take_modulator(c, &t->steps[*at], true, p));
    p->repeat = &t->steps[*at];
    if (p->repeat->arg_count != 1 || p->repeat->args[0].kind != ARG_TRAVERSAL)
        return gremlin_fail_step(c, p->repeat->offset, "repeat() takes a traversal");
    for (; *at + 1 < t->count && is_modulator(&t->steps[*at + 1]); ++*at)
        TRY(take_modulator(c, &t->steps[*at + 1], false, p));
    return true;
}

/* A few rounds without tests are the body so many times over: the plan sees through them. */
static bool unroll(compiler *c, const repeat_parts *p, bool *ret_is_done)
{
    enum { MOST_ROUNDS = 16 };
    *ret_is_done = !p->until && !p->emit && p->times > 0 && p->times <= MOST_ROUNDS;
    for (int64_t i = 0; *ret_is_done && i < p->times; i++)
        TRY(gremlin_compile_steps(c, p->repeat->args[0].traversal));
    return true;
}

/* until(P) tests the object itself. */
static bool compile_test(compiler *c, const step *s, plan_slot current, plan_op **ret)
{
    compiler inner = *c;
    inner.current = current;
    inner.op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, s->offset);
    if (s->args[0].kind == ARG_TRAVERSAL) {
        TRY(gremlin_compile_steps(&inner, s->args[0].traversal));
    } else {
        plan_expr *test;
        TRY(gremlin_compile_test(&inner, &s->args[0], gremlin_current(&inner), &test));
        gremlin_filter(&inner, test, s->offset);
    }
    *ret = inner.op;
    return true;
}

/* The body ends by setting the carried slots anew. */
static bool compile_body(compiler *c, const repeat_parts *p, plan_slot carried, plan_op **ret)
{
    compiler inner = *c;
    inner.current = carried;
    inner.came_from = PLAN_NO_SLOT;
    inner.passed = (__typeof__(inner.passed)){ 0 };
    inner.op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, p->repeat->offset);
    TRY(gremlin_compile_steps(&inner, p->repeat->args[0].traversal));
    if (c->plan->slots[carried].kind != gremlin_current_kind(&inner) &&
        c->plan->slots[carried].kind != SLOT_VALUE)
        return gremlin_fail_step(
            c, p->repeat->offset,
            "repeat() must end at what it began with, and this ends at something else");
    if (c->path) {
        plan_op *path = gremlin_add_op(&inner, PLAN_LET, p->repeat->offset);
        path->let.to = c->path;
        path->let.expr = gremlin_path(&inner);
    }
    plan_op *let = gremlin_add_op(&inner, PLAN_LET, p->repeat->offset);
    let->let.to = carried;
    let->let.expr = gremlin_current(&inner);
    *ret = inner.op;
    return true;
}

bool gremlin_compile_repeat(compiler *c, const traversal *t, size_t *at)
{
    repeat_parts p;
    bool is_done;
    plan_slot outer_loops = c->loops, carried;
    TRY(collect_parts(c, t, at, &p));
    if (!c->current)
        return gremlin_fail_step(c, p.repeat->offset, "a query begins with g.V() or g.E()");
    TRY(unroll(c, &p, &is_done));
    if (is_done)
        return true;
    TRY(gremlin_fix_path(c, p.repeat->offset));
    TRY(gremlin_new_slot(c, gremlin_current_kind(c), &carried));
    TRY(gremlin_new_slot(c, SLOT_VALUE, &c->loops));
    plan_op *let = gremlin_add_op(c, PLAN_LET, p.repeat->offset);
    let->let.to = carried;
    let->let.expr = gremlin_current(c);
    plan_op *body, *until = NULL, *emit = NULL;
    TRY(compile_body(c, &p, carried, &body));
    if (p.until)
        TRY(compile_test(c, p.until, carried, &until));
    if (p.emit && p.emit->arg_count)
        TRY(compile_test(c, p.emit, carried, &emit));
    plan_op *op = gremlin_add_op(c, PLAN_REPEAT, p.repeat->offset);
    op->repeat.body = body;
    op->repeat.until = until;
    op->repeat.emit = emit;
    op->repeat.times = p.times;
    op->repeat.is_until_first = p.is_until_first;
    op->repeat.is_emit_first = p.is_emit_first;
    op->repeat.emits_all = p.emit && p.emit->arg_count == 0;
    op->repeat.loops = c->loops;
    c->loops = outer_loops;
    c->current = carried;
    c->came_from = PLAN_NO_SLOT;
    c->is_one_map = false;
    return true;
}

/* ---- call('algo.name', [option: value, …]) ---- */

bool gremlin_step_call(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    str name;
    TRY(gremlin_need_text(c, s, 0, "the name of a procedure", &name));
    const plan_procedure *p = plan_procedure_find(name);
    if (!p)
        return gremlin_fail_step(c, s->args[0].offset,
                                 "there is no procedure " STR_FMT "; the nearest is %s",
                                 STR_ARG(name), plan_procedure_nearest(name));
    if (s->arg_count > 2 || (s->arg_count == 2 && s->args[1].kind != ARG_LITERAL))
        return gremlin_fail_step(c, s->args[1].offset,
                                 "call() takes a name and a map, e.g. call('algo.wcc', [:])");
    plan_op *op = gremlin_add_op(c, PLAN_CALL, s->offset);
    op->call.procedure = p;
    op->call.options =
        s->arg_count == 2 ? plan_literal(c->plan, s->args[1].literal) : plan_literal_null(c->plan);
    VEC(plan_expr *) pairs = { 0 };
    for (size_t i = 0; i < PROCEDURE_COLUMNS && p->columns[i].name; i++) {
        bool is_node = str_eq(str_of(p->columns[i].name), STR("node"));
        TRY(gremlin_new_slot(c, p->columns[i].kind, &op->call.to[i]));
        plan_expr *e = plan_slot_expr(c->plan, op->call.to[i]);
        vec_push(c->arena, &pairs,
                 plan_literal_text(c->plan, is_node ? STR("id") : str_of(p->columns[i].name)));
        vec_push(c->arena, &pairs, is_node ? plan_call(c->plan, FN_ID, e) : e);
    }
    return gremlin_let(c, plan_call_list(c->plan, FN_MAP, pairs.items, pairs.count), SLOT_VALUE,
                       s->offset);
}
