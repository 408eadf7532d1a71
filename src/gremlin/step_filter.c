/* Steps that keep or drop objects. */
#include "gremlin/internal.h"

/* ---- Filters ---- */

static bool narrow_scan(compiler *c, const step *s, bool *ret_is_narrowed)
{
    plan_op *op = c->op;
    bool is_vertices = op->kind == PLAN_SCAN_VERTICES;
    *ret_is_narrowed = (is_vertices || op->kind == PLAN_SCAN_EDGES) && op->scan.to == c->current &&
                       op->scan.labels.is_any;
    if (!*ret_is_narrowed)
        return true;
    for (size_t i = 0; i < s->arg_count; i++)
        if (s->args[i].kind != ARG_LITERAL || s->args[i].literal.kind != VALUE_STRING) {
            *ret_is_narrowed = false;
            return true;
        }
    op->scan.labels.is_any = false;
    op->scan.labels.items = arena_array_of(c->arena, uint32_t, s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        str name = s->args[i].literal.text;
        int label = is_vertices ? graph_find_vertex_label(c->graph, name)
                                : graph_find_edge_label(c->graph, name);
        if (label >= 0)
            op->scan.labels.items[op->scan.labels.count++] = (uint32_t)label;
    }
    return true;
}

/* One of several tests of one expression. */
static bool any_test(compiler *c, const step *s, size_t from, plan_expr *of, plan_expr **ret)
{
    *ret = NULL;
    for (size_t i = from; i < s->arg_count; i++) {
        plan_expr *x;
        TRY(gremlin_compile_test(c, &s->args[i], of, &x));
        *ret = *ret ? plan_call(c->plan, FN_OR, *ret, x) : x;
    }
    return *ret ? true
                : gremlin_fail_step(c, s->offset, STR_FMT "() takes at least one value",
                                    STR_ARG(s->name));
}

bool gremlin_step_hasLabel(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *e;
    bool is_narrowed;
    TRY(narrow_scan(c, s, &is_narrowed));
    if (is_narrowed)
        return true;
    TRY(any_test(c, s, 0, plan_call(c->plan, FN_LABEL, gremlin_current(c)), &e));
    gremlin_filter(c, e, s->offset);
    return true;
}

/* "label:::key" as "label[key]", which id() gives. */
static value printed_id(compiler *c, value v)
{
    ptrdiff_t at = v.kind == VALUE_STRING ? str_find(v.text, STR(":::")) : -1;
    if (at < 0)
        return v;
    return value_text(str_format(c->arena, STR_FMT "[" STR_FMT "]",
                                 STR_ARG(str_slice(v.text, 0, (size_t)at)),
                                 STR_ARG(str_slice(v.text, (size_t)at + 3, v.text.len))));
}

bool gremlin_step_hasId(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *e;
    step copy = *s;
    gremlin_argument *args = arena_copy(c->arena, s->args, s->arg_count * sizeof *args);
    for (size_t i = 0; i < s->arg_count; i++)
        if (args[i].kind == ARG_LITERAL)
            args[i].literal = printed_id(c, args[i].literal);
    copy.args = args;
    TRY(any_test(c, &copy, 0, plan_call(c->plan, FN_ID, gremlin_current(c)), &e));
    gremlin_filter(c, e, s->offset);
    return true;
}

bool gremlin_step_has(compiler *c, const step *s, const modulators *m)
{
    plan_expr *e;
    if (s->arg_count == 3) {
        str label, key;
        TRY(gremlin_need_text(c, s, 0, "a label, a property and a value", &label));
        TRY(gremlin_need_text(c, s, 1, "a label, a property and a value", &key));
        step first = { STR("hasLabel"), s->offset, &s->args[0], 1 },
             second = { s->name, s->offset, &s->args[1], 2 };
        return gremlin_step_hasLabel(c, &first, m) && gremlin_step_has(c, &second, m);
    }
    if (s->arg_count == 2 && s->args[0].kind == ARG_TOKEN) {
        step rest = { s->name, s->offset, &s->args[1], 1 };
        return gremlin_is_token(&s->args[0], "id") ? gremlin_step_hasId(c, &rest, m)
                                                   : gremlin_step_hasLabel(c, &rest, m);
    }
    str key;
    TRY(gremlin_need_text(c, s, 0, "a property, and a value or a predicate", &key));
    plan_expr *of = plan_property(c->plan, gremlin_current(c), key);
    if (s->arg_count == 1) {
        gremlin_filter(c, plan_call(c->plan, FN_IS_NOT_NULL, of), s->offset);
        return true;
    }
    if (s->args[1].kind == ARG_TRAVERSAL)
        return gremlin_fail_later(c, s->args[1].offset, "has() with a traversal");
    TRY(gremlin_compile_test(c, &s->args[1], of, &e));
    gremlin_filter(c, e, s->offset);
    return true;
}

bool gremlin_step_hasNot(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    str key;
    TRY(gremlin_need_text(c, s, 0, "the name of a property", &key));
    gremlin_filter(c,
                   plan_call(c->plan, FN_IS_NULL, plan_property(c->plan, gremlin_current(c), key)),
                   s->offset);
    return true;
}

bool gremlin_step_is(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *e;
    TRY(any_test(c, s, 0, gremlin_current(c), &e));
    gremlin_filter(c, e, s->offset);
    return true;
}

/* A sub-plan that begins with the current row. */
bool gremlin_compile_branch(compiler *c, const traversal *t, compiler *ret)
{
    *ret = *c;
    ret->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, t->count ? t->steps[0].offset : 0);
    return gremlin_compile_steps(ret, t);
}

static bool compile_semi(compiler *c, const gremlin_argument *a, plan_apply_mode mode,
                         size_t offset)
{
    compiler inner;
    if (a->kind != ARG_TRAVERSAL)
        return gremlin_fail_step(c, a->offset, "expected a traversal, e.g. out()");
    TRY(gremlin_compile_branch(c, a->traversal, &inner));
    plan_op *op = gremlin_add_op(c, PLAN_APPLY, offset);
    op->branches.mode = mode;
    op->branches.items = arena_array_of(c->arena, plan_op *, 1);
    op->branches.items[0] = inner.op;
    op->branches.count = 1;
    return true;
}

/* where(neq('a')), where('a', eq('b')): labels are meant, not texts. */
static bool compile_where_labels(compiler *c, const step *s)
{
    plan_expr *left = gremlin_current(c);
    const gremlin_argument *a = &s->args[s->arg_count - 1];
    if (s->arg_count == 2) {
        str name;
        TRY(gremlin_need_text(c, s, 0, "a label and a predicate", &name));
        plan_slot slot = gremlin_find_label(c, name);
        if (!slot)
            return gremlin_fail_step(c, s->args[0].offset,
                                     "there is no as('" STR_FMT "') before this", STR_ARG(name));
        left = plan_slot_expr(c->plan, slot);
    }
    const predicate *p = a->predicate;
    bool is_equal = str_eq(p->name, STR("eq")), is_unequal = str_eq(p->name, STR("neq"));
    if (p->arg_count != 1 || p->args[0].kind != ARG_LITERAL ||
        p->args[0].literal.kind != VALUE_STRING || (!is_equal && !is_unequal))
        return gremlin_fail_later(c, a->offset, "where() with this predicate");
    plan_slot right = gremlin_find_label(c, p->args[0].literal.text);
    if (!right)
        return gremlin_fail_step(c, p->args[0].offset, "there is no as('" STR_FMT "') before this",
                                 STR_ARG(p->args[0].literal.text));
    gremlin_filter(
        c, plan_call(c->plan, is_equal ? FN_EQ : FN_NE, left, plan_slot_expr(c->plan, right)),
        s->offset);
    return true;
}

bool gremlin_step_where(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    if (s->arg_count >= 1 && s->arg_count <= 2 && s->args[s->arg_count - 1].kind == ARG_PREDICATE)
        return compile_where_labels(c, s);
    if (s->arg_count != 1)
        return gremlin_fail_step(c, s->offset, STR_FMT "() takes a traversal or a predicate",
                                 STR_ARG(s->name));
    return compile_semi(c, &s->args[0], APPLY_SEMI, s->offset);
}

bool gremlin_step_not(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return s->arg_count == 1 ? compile_semi(c, &s->args[0], APPLY_ANTI, s->offset)
                             : gremlin_fail_step(c, s->offset, "not() takes one traversal");
}

/* A row passes when some of the traversals gives one: that of the first that does is enough. */
bool gremlin_step_or(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_op *any = plan_op_new(c->plan, PLAN_APPLY,
                               plan_op_new(c->plan, PLAN_ARGUMENT, NULL, s->offset), s->offset);
    any->branches.mode = APPLY_COALESCE;
    any->branches.items = arena_array_of(c->arena, plan_op *, s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        compiler inner;
        if (s->args[i].kind != ARG_TRAVERSAL)
            return gremlin_fail_step(c, s->args[i].offset, "or() takes traversals");
        TRY(gremlin_compile_branch(c, s->args[i].traversal, &inner));
        any->branches.items[any->branches.count++] = inner.op;
    }
    if (s->arg_count == 0)
        return true;
    plan_op *op = gremlin_add_op(c, PLAN_APPLY, s->offset);
    op->branches.mode = APPLY_SEMI;
    op->branches.items = arena_copy(c->arena, &any, sizeof any);
    op->branches.count = 1;
    return true;
}

bool gremlin_step_and(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(compile_semi(c, &s->args[i], APPLY_SEMI, s->offset));
    return true;
}
