/* Predicates, and by(): traversals that are expressions over one object. */
#include "gremlin/internal.h"

/* ---- Predicates ---- */

static bool predicate_value(compiler *c, const predicate *p, size_t i, plan_expr **ret)
{
    if (i >= p->arg_count || p->args[i].kind != ARG_LITERAL)
        return gremlin_fail_step(c, p->offset, STR_FMT "() takes a value", STR_ARG(p->name));
    *ret = plan_literal(c->plan, p->args[i].literal);
    return true;
}

static plan_expr *negate(compiler *c, plan_expr *e)
{
    return plan_call(c->plan, FN_NOT, e);
}

static bool compile_predicate(compiler *c, const predicate *p, plan_expr *of, plan_expr **ret)
{
    static const struct {
        const char *name;
        plan_function function;
        bool is_negated;
    } simple[] = { { "eq", FN_EQ, false },
                   { "neq", FN_NE, false },
                   { "gt", FN_GT, false },
                   { "gte", FN_GE, false },
                   { "lt", FN_LT, false },
                   { "lte", FN_LE, false },
                   { "startingWith", FN_STARTS_WITH, false },
                   { "endingWith", FN_ENDS_WITH, false },
                   { "containing", FN_CONTAINS, false },
                   { "inCidr", FN_IN_CIDR, false },
                   { "notStartingWith", FN_STARTS_WITH, true },
                   { "notEndingWith", FN_ENDS_WITH, true },
                   { "notContaining", FN_CONTAINS, true } };
    plan_expr *x, *y;
    if (p->parts[0]) {
        TRY(compile_predicate(c, p->parts[0], of, &x));
        if (!p->parts[1]) {
            *ret = negate(c, x);
            return true;
        }
        TRY(compile_predicate(c, p->parts[1], of, &y));
        *ret = plan_call(c->plan, str_eq(p->name, STR("and")) ? FN_AND : FN_OR, x, y);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(simple); i++)
        if (str_eq(p->name, str_of(simple[i].name))) {
            TRY(predicate_value(c, p, 0, &x));
            *ret = plan_call(c->plan, simple[i].function, of, x);
            *ret = simple[i].is_negated ? negate(c, *ret) : *ret;
            return true;
        }
    if (str_eq(p->name, STR("within")) || str_eq(p->name, STR("without"))) {
        VEC(value) items = { 0 };
        for (size_t i = 0; i < p->arg_count; i++) {
            const value *v = &p->args[i].literal;
            if (p->args[i].kind != ARG_LITERAL)
                return gremlin_fail_step(c, p->args[i].offset, STR_FMT "() takes values",
                                         STR_ARG(p->name));
            for (size_t k = 0; k < (v->kind == VALUE_LIST ? v->list.count : 1); k++)
                vec_push(c->arena, &items, v->kind == VALUE_LIST ? v->list.items[k] : *v);
        }
        value list = { .kind = VALUE_LIST, .list = { items.items, items.count } };
        *ret = plan_call(c->plan, FN_IN, of, plan_literal(c->plan, list));
        *ret = str_eq(p->name, STR("without")) ? negate(c, *ret) : *ret;
        return true;
    }
    if (!str_eq(p->name, STR("between")) && !str_eq(p->name, STR("inside")) &&
        !str_eq(p->name, STR("outside")))
        return gremlin_fail_later(c, p->offset, "this predicate");
    TRY(predicate_value(c, p, 0, &x));
    TRY(predicate_value(c, p, 1, &y));
    if (str_eq(p->name, STR("between")))
        *ret = plan_call(c->plan, FN_AND, plan_call(c->plan, FN_GE, of, x),
                         plan_call(c->plan, FN_LT, of, y));
    else if (str_eq(p->name, STR("inside")))
        *ret = plan_call(c->plan, FN_AND, plan_call(c->plan, FN_GT, of, x),
                         plan_call(c->plan, FN_LT, of, y));
    else
        *ret = plan_call(c->plan, FN_OR, plan_call(c->plan, FN_LT, of, x),
                         plan_call(c->plan, FN_GT, of, y));
    return true;
}

/* A value to equal, or a predicate. */
bool gremlin_compile_test(compiler *c, const gremlin_argument *a, plan_expr *of, plan_expr **ret)
{
    if (a->kind == ARG_PREDICATE)
        return compile_predicate(c, a->predicate, of, ret);
    if (a->kind != ARG_LITERAL)
        return gremlin_fail_step(c, a->offset, "expected a value or a predicate, e.g. gt(5)");
    *ret = plan_call(c->plan, FN_EQ, of, plan_literal(c->plan, a->literal));
    return true;
}

/* ---- Traversals that are expressions: values('a'), select('b').id(), … ---- */

static bool extend_expression(compiler *c, const step *s, plan_expr **e, reducer *ret_reducer,
                              bool *ret_works)
{
    static const struct {
        const char *name;
        reducer reducer;
        plan_function local;
    } reducers[] = { { "sum", REDUCE_SUM, FN_LIST_SUM },    { "count", REDUCE_COUNT, FN_SIZE },
                     { "min", REDUCE_MIN, FN_LIST_MIN },    { "max", REDUCE_MAX, FN_LIST_MAX },
                     { "mean", REDUCE_MEAN, FN_LIST_MEAN }, { "fold", REDUCE_FOLD, FN_SIZE } };
    *ret_works = true;
    if (str_eq(s->name, STR("identity")) && s->arg_count == 0)
        return true;
    if (str_eq(s->name, STR("values")) && s->arg_count == 1) {
        str key;
        TRY(gremlin_need_text(c, s, 0, "the name of a property", &key));
        *e = plan_property(c->plan, *e, key);
        return true;
    }
    if (str_eq(s->name, STR("id")) || str_eq(s->name, STR("label"))) {
        *e = plan_call(c->plan, s->name.data[0] == 'i' ? FN_ID : FN_LABEL, *e);
        return true;
    }
    if (str_eq(s->name, STR("constant")) && s->arg_count == 1 && s->args[0].kind == ARG_LITERAL) {
        *e = plan_literal(c->plan, s->args[0].literal);
        return true;
    }
    if (str_eq(s->name, STR("select")) && s->arg_count == 1) {
        if (gremlin_is_token(&s->args[0], "values") || gremlin_is_token(&s->args[0], "keys")) {
            *e = plan_call(c->plan, gremlin_is_token(&s->args[0], "keys") ? FN_KEYS : FN_MAP_VALUES,
                           *e);
            return true;
        }
        str name;
        TRY(gremlin_need_text(c, s, 0, "a label, keys or values", &name));
        plan_slot slot = gremlin_find_label(c, name);
        *e = slot ? plan_slot_expr(c->plan, slot)
                  : plan_call(c->plan, FN_MAP_GET, *e, plan_literal_text(c->plan, name));
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(reducers); i++) {
        if (!str_eq(s->name, str_of(reducers[i].name)))
            continue;
        if (s->arg_count == 1 && gremlin_is_token(&s->args[0], "local") &&
            reducers[i].reducer != REDUCE_FOLD) {
            *e = plan_call(c->plan, reducers[i].local, *e);
            return true;
        }
        *ret_reducer = reducers[i].reducer;
        return true;
    }
    *ret_works = false;
    return true;
}

/* The traversal as an expression over `of`; a reducing last step is given apart. `*ret_works`
 * false: it walks the graph. */
static bool expression_of(compiler *c, const traversal *t, plan_expr *of, plan_expr **ret,
                          reducer *ret_reducer, bool *ret_works)
{
    *ret = of;
    *ret_reducer = REDUCE_NOT;
    *ret_works = true;
    for (size_t i = 0; i < t->count && *ret_works; i++) {
        if (*ret_reducer != REDUCE_NOT) {
            *ret_works = false;
            return true;
        }
        TRY(extend_expression(c, &t->steps[i], ret, ret_reducer, ret_works));
    }
    return true;
}

/* by('key'), by(id), by(values), by(traversal); without an argument the object itself. */
bool gremlin_compile_by(compiler *c, const step *by, plan_expr *of, plan_expr **ret,
                        reducer *ret_reducer)
{
    *ret = of;
    *ret_reducer = REDUCE_NOT;
    if (!by || by->arg_count == 0 || gremlin_is_token(&by->args[0], "asc") ||
        gremlin_is_token(&by->args[0], "desc"))
        return true;
    const gremlin_argument *a = &by->args[0];
    if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_STRING) {
        *ret = plan_property(c->plan, of, a->literal.text);
        return true;
    }
    if (a->kind == ARG_TOKEN) {
        plan_function f = gremlin_is_token(a, "id")      ? FN_ID
                          : gremlin_is_token(a, "label") ? FN_LABEL
                          : gremlin_is_token(a, "keys") || gremlin_is_token(a, "key")
                              ? FN_KEYS
                              : FN_MAP_VALUES;
        *ret = plan_call(c->plan, f, of);
        return true;
    }
    bool works = a->kind == ARG_TRAVERSAL;
    if (works)
        TRY(expression_of(c, a->traversal, of, ret, ret_reducer, &works));
    return works ? true
                 : gremlin_fail_later(c, a->offset, "by() with a traversal that walks the graph");
}

bool gremlin_plain_by(compiler *c, const step *by, plan_expr *of, plan_expr **ret)
{
    reducer r;
    TRY(gremlin_compile_by(c, by, of, ret, &r));
    return r == REDUCE_NOT
               ? true
               : gremlin_fail_step(
                     c, by->offset,
                     "by() takes one value of each object here, not an aggregate of several");
}
