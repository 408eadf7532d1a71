/* Steps to operators: one function a step, one table of them all. */
#include <stdio.h>

#include "base/vec.h"
#include "gremlin/ast.h"
#include "gremlin/gremlin.h"

typedef struct as_label {
    str name;
    plan_slot slot;
} as_label;

/* What is known at a point of the traversal. */
typedef struct compiler {
    arena *arena;
    plan *plan;
    graph *graph;
    plan_op *op;         /* last operator so far */
    plan_slot current;   /* the traverser's object */
    plan_slot came_from; /* vertex before the last outE/inE/bothE; PLAN_NO_SLOT: not known */
    bool is_one_map;     /* the current object is the one map of a group */
    VEC(as_label) labels;
    error *err;
} compiler;

/* Which modulators follow a step: steps[at + 1], … named by(). */
typedef struct modulators {
    const step *by[8];
    size_t count;
} modulators;

static bool compile_steps(compiler *c, const traversal *t);

static bool fail_step(compiler *c, size_t offset, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fail_at(c->err, STR("gremlin"), c->plan->text, offset, "%s", message);
}

static bool fail_later(compiler *c, size_t offset, const char *what)
{
    return fail_step(c, offset, "%s cannot be answered by this version", what);
}

/* ---- Small helpers ---- */

static plan_op *add_op(compiler *c, plan_op_kind kind, size_t offset)
{
    c->op = plan_op_new(c->plan, kind, c->op, offset);
    return c->op;
}

static bool new_slot(compiler *c, plan_slot_kind kind, plan_slot *ret)
{
    return plan_slot_new(c->plan, STR(""), kind, ret, c->err);
}

static plan_slot_kind current_kind(const compiler *c)
{
    return c->plan->slots[c->current].kind;
}

static plan_expr *current(compiler *c)
{
    return plan_slot_expr(c->plan, c->current);
}

static bool let(compiler *c, plan_expr *e, plan_slot_kind kind, size_t offset)
{
    plan_slot to;
    TRY(new_slot(c, kind, &to));
    plan_op *op = add_op(c, PLAN_LET, offset);
    op->let.to = to;
    op->let.expr = e;
    c->current = to;
    c->is_one_map = false;
    return true;
}

static void filter(compiler *c, plan_expr *e, size_t offset)
{
    add_op(c, PLAN_FILTER, offset)->predicate = e;
}

static bool need_text(compiler *c, const step *s, size_t i, const char *what, str *ret)
{
    if (i >= s->arg_count || s->args[i].kind != ARG_LITERAL ||
        s->args[i].literal.kind != VALUE_STRING)
        return fail_step(c, i < s->arg_count ? s->args[i].offset : s->offset, STR_FMT "() takes %s",
                         STR_ARG(s->name), what);
    *ret = s->args[i].literal.text;
    return true;
}

static bool need_count(compiler *c, const step *s, size_t i, uint64_t *ret)
{
    if (i >= s->arg_count || s->args[i].kind != ARG_LITERAL ||
        s->args[i].literal.kind != VALUE_INT || s->args[i].literal.integer < -1)
        return fail_step(c, i < s->arg_count ? s->args[i].offset : s->offset,
                         STR_FMT "() takes a whole number", STR_ARG(s->name));
    *ret = s->args[i].literal.integer < 0 ? PLAN_ALL : (uint64_t)s->args[i].literal.integer;
    return true;
}

static bool is_token(const gremlin_argument *a, const char *name)
{
    return a->kind == ARG_TOKEN && str_eq(a->token, str_of(name));
}

static bool need_element(compiler *c, const step *s, plan_slot_kind kind)
{
    plan_slot_kind got = current_kind(c);
    if (got == kind)
        return true;
    static const char *const names[] = { "a value", "a vertex", "an edge" };
    return fail_step(c, s->offset, STR_FMT "() takes %s, and here stands %s", STR_ARG(s->name),
                     names[kind], names[got]);
}

static plan_slot find_label(const compiler *c, str name)
{
    for (size_t i = c->labels.count; i-- > 0;)
        if (str_eq(c->labels.items[i].name, name))
            return c->labels.items[i].slot;
    return PLAN_NO_SLOT;
}

/* ---- Predicates ---- */

static bool predicate_value(compiler *c, const predicate *p, size_t i, plan_expr **ret)
{
    if (i >= p->arg_count || p->args[i].kind != ARG_LITERAL)
        return fail_step(c, p->offset, STR_FMT "() takes a value", STR_ARG(p->name));
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
                return fail_step(c, p->args[i].offset, STR_FMT "() takes values", STR_ARG(p->name));
            for (size_t k = 0; k < (v->kind == VALUE_LIST ? v->list.count : 1); k++)
                vec_push(c->arena, &items, v->kind == VALUE_LIST ? v->list.items[k] : *v);
        }
        value list = { .kind = VALUE_LIST, .list = { items.items, items.count } };
        *ret = plan_call(c->plan, FN_IN, of, plan_literal(c->plan, list));
        *ret = str_eq(p->name, STR("without")) ? negate(c, *ret) : *ret;
        return true;
    }
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
static bool compile_test(compiler *c, const gremlin_argument *a, plan_expr *of, plan_expr **ret)
{
    if (a->kind == ARG_PREDICATE)
        return compile_predicate(c, a->predicate, of, ret);
    if (a->kind != ARG_LITERAL)
        return fail_step(c, a->offset, "expected a value or a predicate, e.g. gt(5)");
    *ret = plan_call(c->plan, FN_EQ, of, plan_literal(c->plan, a->literal));
    return true;
}

/* ---- Traversals that are expressions: values('a'), select('b').id(), … ---- */

typedef enum reducer {
    REDUCE_NOT,
    REDUCE_SUM,
    REDUCE_COUNT,
    REDUCE_MIN,
    REDUCE_MAX,
    REDUCE_MEAN,
    REDUCE_FOLD
} reducer;

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
        TRY(need_text(c, s, 0, "the name of a property", &key));
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
    if (str_eq(s->name, STR("valueMap")) || str_eq(s->name, STR("elementMap"))) {
        *e = plan_call(c->plan, s->name.data[0] == 'v' ? FN_VALUE_MAP : FN_ELEMENT_MAP, *e);
        return true;
    }
    if (str_eq(s->name, STR("select")) && s->arg_count == 1) {
        if (is_token(&s->args[0], "values") || is_token(&s->args[0], "keys")) {
            *e = plan_call(c->plan, is_token(&s->args[0], "keys") ? FN_KEYS : FN_MAP_VALUES, *e);
            return true;
        }
        str name;
        TRY(need_text(c, s, 0, "a label, keys or values", &name));
        plan_slot slot = find_label(c, name);
        *e = slot ? plan_slot_expr(c->plan, slot)
                  : plan_call(c->plan, FN_MAP_GET, *e, plan_literal_text(c->plan, name));
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(reducers); i++) {
        if (!str_eq(s->name, str_of(reducers[i].name)))
            continue;
        if (s->arg_count == 1 && is_token(&s->args[0], "local") &&
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
static bool compile_by(compiler *c, const step *by, plan_expr *of, plan_expr **ret,
                       reducer *ret_reducer)
{
    *ret = of;
    *ret_reducer = REDUCE_NOT;
    if (!by || by->arg_count == 0 || is_token(&by->args[0], "asc") ||
        is_token(&by->args[0], "desc"))
        return true;
    const gremlin_argument *a = &by->args[0];
    if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_STRING) {
        *ret = plan_property(c->plan, of, a->literal.text);
        return true;
    }
    if (a->kind == ARG_TOKEN) {
        plan_function f = is_token(a, "id")                           ? FN_ID
                          : is_token(a, "label")                      ? FN_LABEL
                          : is_token(a, "keys") || is_token(a, "key") ? FN_KEYS
                                                                      : FN_MAP_VALUES;
        *ret = plan_call(c->plan, f, of);
        return true;
    }
    bool works = a->kind == ARG_TRAVERSAL;
    if (works)
        TRY(expression_of(c, a->traversal, of, ret, ret_reducer, &works));
    return works ? true : fail_later(c, a->offset, "by() with a traversal that walks the graph");
}

static bool plain_by(compiler *c, const step *by, plan_expr *of, plan_expr **ret)
{
    reducer r;
    TRY(compile_by(c, by, of, ret, &r));
    return r == REDUCE_NOT
               ? true
               : fail_step(c, by->offset,
                           "by() takes one value of each object here, not an aggregate of several");
}

/* ---- Sources and moves ---- */

static bool compile_scan(compiler *c, const step *s, plan_op_kind kind, const modulators *m)
{
    (void)m;
    plan_slot to;
    VEC(value) ids = { 0 };
    TRY(new_slot(c, kind == PLAN_SCAN_VERTICES ? SLOT_VERTEX : SLOT_EDGE, &to));
    for (size_t i = 0; i < s->arg_count; i++) {
        if (s->args[i].kind != ARG_LITERAL)
            return fail_step(c, s->args[i].offset, STR_FMT "() takes ids, e.g. 'label:::key'",
                             STR_ARG(s->name));
        vec_push(c->arena, &ids, s->args[i].literal);
    }
    plan_op *op = add_op(c, kind, s->offset);
    op->scan.labels.is_any = true;
    op->scan.to = to;
    op->scan.has_ids = ids.count > 0;
    if (ids.count)
        op->scan.ids =
            plan_literal(c->plan, (value){ .kind = VALUE_LIST, .list = { ids.items, ids.count } });
    c->current = to;
    return true;
}

static bool step_V(compiler *c, const step *s, const modulators *m)
{
    return compile_scan(c, s, PLAN_SCAN_VERTICES, m);
}

static bool step_E(compiler *c, const step *s, const modulators *m)
{
    return compile_scan(c, s, PLAN_SCAN_EDGES, m);
}

static bool edge_labels(compiler *c, const step *s, plan_labels *ret)
{
    ret->is_any = s->arg_count == 0;
    ret->items = arena_array_of(c->arena, uint32_t, s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(need_text(c, s, i, "labels of edges", &name));
        int label = graph_find_edge_label(c->graph, name);
        if (label >= 0)
            ret->items[ret->count++] = (uint32_t)label;
    }
    return true;
}

static bool compile_expand(compiler *c, const step *s, plan_direction d, bool to_edges)
{
    plan_slot to;
    TRY(need_element(c, s, SLOT_VERTEX));
    TRY(new_slot(c, to_edges ? SLOT_EDGE : SLOT_VERTEX, &to));
    plan_op *op = add_op(c, PLAN_EXPAND, s->offset);
    op->expand.from = c->current;
    op->expand.direction = d;
    TRY(edge_labels(c, s, &op->expand.labels));
    if (to_edges)
        op->expand.edge = to;
    else
        op->expand.to = to;
    c->came_from = to_edges ? c->current : PLAN_NO_SLOT;
    c->current = to;
    return true;
}

#define MOVE(name, direction, to_edges)                                                            \
    static bool step_##name(compiler *c, const step *s, const modulators *m)                       \
    {                                                                                              \
        (void)m;                                                                                   \
        return compile_expand(c, s, direction, to_edges);                                          \
    }
MOVE(out, DIRECTION_OUT, false)
MOVE(in, DIRECTION_IN, false)
MOVE(both, DIRECTION_BOTH, false)
MOVE(outE, DIRECTION_OUT, true)
MOVE(inE, DIRECTION_IN, true)
MOVE(bothE, DIRECTION_BOTH, true)

static bool compile_end(compiler *c, const step *s, plan_direction end)
{
    plan_slot to;
    TRY(need_element(c, s, SLOT_EDGE));
    plan_op *last = c->op;
    bool is_far_end = last->kind == PLAN_EXPAND && last->expand.edge == c->current &&
                      !last->expand.to &&
                      ((end == DIRECTION_IN && last->expand.direction == DIRECTION_OUT) ||
                       (end == DIRECTION_OUT && last->expand.direction == DIRECTION_IN) ||
                       end == DIRECTION_OTHER);
    if (end == DIRECTION_OTHER && !c->came_from)
        return fail_step(c, s->offset, "otherV() needs outE(), inE() or bothE() before it");
    TRY(new_slot(c, SLOT_VERTEX, &to));
    if (is_far_end) { /* the expansion knows the neighbour already */
        last->expand.to = to;
        c->current = to;
        return true;
    }
    plan_op *op = add_op(c, PLAN_EDGE_END, s->offset);
    op->edge_end.edge = c->current;
    op->edge_end.to = to;
    op->edge_end.end = end;
    op->edge_end.from = c->came_from;
    c->current = to;
    return true;
}

#define END(name, direction)                                                                       \
    static bool step_##name(compiler *c, const step *s, const modulators *m)                       \
    {                                                                                              \
        (void)m;                                                                                   \
        return compile_end(c, s, direction);                                                       \
    }
END(outV, DIRECTION_OUT)
END(inV, DIRECTION_IN)
END(bothV, DIRECTION_BOTH)
END(otherV, DIRECTION_OTHER)

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
        TRY(compile_test(c, &s->args[i], of, &x));
        *ret = *ret ? plan_call(c->plan, FN_OR, *ret, x) : x;
    }
    return *ret ? true
                : fail_step(c, s->offset, STR_FMT "() takes at least one value", STR_ARG(s->name));
}

static bool step_hasLabel(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *e;
    bool is_narrowed;
    TRY(narrow_scan(c, s, &is_narrowed));
    if (is_narrowed)
        return true;
    TRY(any_test(c, s, 0, plan_call(c->plan, FN_LABEL, current(c)), &e));
    filter(c, e, s->offset);
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

static bool step_hasId(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *e;
    step copy = *s;
    gremlin_argument *args = arena_copy(c->arena, s->args, s->arg_count * sizeof *args);
    for (size_t i = 0; i < s->arg_count; i++)
        if (args[i].kind == ARG_LITERAL)
            args[i].literal = printed_id(c, args[i].literal);
    copy.args = args;
    TRY(any_test(c, &copy, 0, plan_call(c->plan, FN_ID, current(c)), &e));
    filter(c, e, s->offset);
    return true;
}

static bool step_has(compiler *c, const step *s, const modulators *m)
{
    plan_expr *e;
    if (s->arg_count == 3) {
        str label, key;
        TRY(need_text(c, s, 0, "a label, a property and a value", &label));
        TRY(need_text(c, s, 1, "a label, a property and a value", &key));
        step first = { STR("hasLabel"), s->offset, &s->args[0], 1 },
             second = { s->name, s->offset, &s->args[1], 2 };
        return step_hasLabel(c, &first, m) && step_has(c, &second, m);
    }
    if (s->arg_count == 2 && s->args[0].kind == ARG_TOKEN) {
        step rest = { s->name, s->offset, &s->args[1], 1 };
        return is_token(&s->args[0], "id") ? step_hasId(c, &rest, m) : step_hasLabel(c, &rest, m);
    }
    str key;
    TRY(need_text(c, s, 0, "a property, and a value or a predicate", &key));
    plan_expr *of = plan_property(c->plan, current(c), key);
    if (s->arg_count == 1) {
        filter(c, plan_call(c->plan, FN_IS_NOT_NULL, of), s->offset);
        return true;
    }
    if (s->args[1].kind == ARG_TRAVERSAL)
        return fail_later(c, s->args[1].offset, "has() with a traversal");
    TRY(compile_test(c, &s->args[1], of, &e));
    filter(c, e, s->offset);
    return true;
}

static bool step_hasNot(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    str key;
    TRY(need_text(c, s, 0, "the name of a property", &key));
    filter(c, plan_call(c->plan, FN_IS_NULL, plan_property(c->plan, current(c), key)), s->offset);
    return true;
}

static bool step_is(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *e;
    TRY(any_test(c, s, 0, current(c), &e));
    filter(c, e, s->offset);
    return true;
}

/* A sub-plan that begins with the current row. */
static bool compile_branch(compiler *c, const traversal *t, compiler *ret)
{
    *ret = *c;
    ret->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, t->count ? t->steps[0].offset : 0);
    return compile_steps(ret, t);
}

static bool compile_semi(compiler *c, const gremlin_argument *a, plan_apply_mode mode,
                         size_t offset)
{
    compiler inner;
    if (a->kind != ARG_TRAVERSAL)
        return fail_step(c, a->offset, "expected a traversal, e.g. out()");
    TRY(compile_branch(c, a->traversal, &inner));
    plan_op *op = add_op(c, PLAN_APPLY, offset);
    op->branches.mode = mode;
    op->branches.items = arena_array_of(c->arena, plan_op *, 1);
    op->branches.items[0] = inner.op;
    op->branches.count = 1;
    return true;
}

/* where(neq('a')), where('a', eq('b')): labels are meant, not texts. */
static bool compile_where_labels(compiler *c, const step *s)
{
    plan_expr *left = current(c);
    const gremlin_argument *a = &s->args[s->arg_count - 1];
    if (s->arg_count == 2) {
        str name;
        TRY(need_text(c, s, 0, "a label and a predicate", &name));
        plan_slot slot = find_label(c, name);
        if (!slot)
            return fail_step(c, s->args[0].offset, "there is no as('" STR_FMT "') before this",
                             STR_ARG(name));
        left = plan_slot_expr(c->plan, slot);
    }
    const predicate *p = a->predicate;
    bool is_equal = str_eq(p->name, STR("eq")), is_unequal = str_eq(p->name, STR("neq"));
    if (p->arg_count != 1 || p->args[0].kind != ARG_LITERAL ||
        p->args[0].literal.kind != VALUE_STRING || (!is_equal && !is_unequal))
        return fail_later(c, a->offset, "where() with this predicate");
    plan_slot right = find_label(c, p->args[0].literal.text);
    if (!right)
        return fail_step(c, p->args[0].offset, "there is no as('" STR_FMT "') before this",
                         STR_ARG(p->args[0].literal.text));
    filter(c, plan_call(c->plan, is_equal ? FN_EQ : FN_NE, left, plan_slot_expr(c->plan, right)),
           s->offset);
    return true;
}

static bool step_where(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    if (s->arg_count >= 1 && s->arg_count <= 2 && s->args[s->arg_count - 1].kind == ARG_PREDICATE)
        return compile_where_labels(c, s);
    if (s->arg_count != 1)
        return fail_step(c, s->offset, STR_FMT "() takes a traversal or a predicate",
                         STR_ARG(s->name));
    return compile_semi(c, &s->args[0], APPLY_SEMI, s->offset);
}

static bool step_not(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return s->arg_count == 1 ? compile_semi(c, &s->args[0], APPLY_ANTI, s->offset)
                             : fail_step(c, s->offset, "not() takes one traversal");
}

static bool step_and(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(compile_semi(c, &s->args[i], APPLY_SEMI, s->offset));
    return true;
}

/* ---- Branches that give rows ---- */

static bool compile_branches(compiler *c, const step *s, plan_op_kind kind, plan_apply_mode mode)
{
    compiler *inner = arena_array_of(c->arena, compiler, s->arg_count);
    if (s->arg_count == 0)
        return fail_step(c, s->offset, STR_FMT "() takes traversals", STR_ARG(s->name));
    for (size_t i = 0; i < s->arg_count; i++) {
        if (s->args[i].kind != ARG_TRAVERSAL)
            return fail_step(c, s->args[i].offset, STR_FMT "() takes traversals", STR_ARG(s->name));
        TRY(compile_branch(c, s->args[i].traversal, &inner[i]));
    }
    plan_slot_kind common = current_kind(&inner[0]);
    for (size_t i = 1; i < s->arg_count; i++)
        common = current_kind(&inner[i]) == common ? common : SLOT_VALUE;
    if (mode == APPLY_OPTIONAL && kind == PLAN_APPLY && current_kind(c) != common)
        common = SLOT_VALUE;
    plan_slot to;
    TRY(new_slot(c, common, &to));
    plan_op *op = add_op(c, kind, s->offset);
    op->branches.mode = mode;
    op->branches.to = to;
    op->branches.items = arena_array_of(c->arena, plan_op *, s->arg_count);
    op->branches.count = s->arg_count;
    op->branches.otherwise = mode == APPLY_OPTIONAL && kind == PLAN_APPLY ? current(c) : NULL;
    for (size_t i = 0; i < s->arg_count; i++) {
        plan_op *last = add_op(&inner[i], PLAN_LET, s->offset);
        last->let.to = to;
        last->let.expr = current(&inner[i]);
        op->branches.items[i] = last;
    }
    c->current = to;
    c->is_one_map = false;
    return true;
}

static bool step_union(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return compile_branches(c, s, PLAN_UNION, APPLY_EACH);
}

static bool step_coalesce(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return compile_branches(c, s, PLAN_APPLY, APPLY_COALESCE);
}

static bool step_optional(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return s->arg_count == 1 ? compile_branches(c, s, PLAN_APPLY, APPLY_OPTIONAL)
                             : fail_step(c, s->offset, "optional() takes one traversal");
}

static bool step_local(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return s->arg_count == 1
               ? compile_branches(c, s, PLAN_UNION, APPLY_EACH)
               : fail_step(c, s->offset, STR_FMT "() takes one traversal", STR_ARG(s->name));
}

/* ---- Values ---- */

static bool keys_of(compiler *c, const step *s, size_t from, plan_expr **args, size_t *count)
{
    args[0] = current(c);
    *count = 1;
    for (size_t i = from; i < s->arg_count && *count < 64; i++) {
        if (s->args[i].kind == ARG_LITERAL && s->args[i].literal.kind == VALUE_BOOL)
            continue;
        str key;
        TRY(need_text(c, s, i, "names of properties", &key));
        args[(*count)++] = plan_literal_text(c->plan, key);
    }
    return true;
}

static bool step_values(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_expr *args[64];
    size_t count;
    TRY(keys_of(c, s, 0, args, &count));
    if (count == 2) {
        TRY(let(c, plan_property(c->plan, args[0], args[1]->literal.text), SLOT_VALUE, s->offset));
        filter(c, plan_call(c->plan, FN_IS_NOT_NULL, current(c)), s->offset);
        return true;
    }
    plan_slot to;
    TRY(new_slot(c, SLOT_VALUE, &to));
    plan_op *op = add_op(c, PLAN_UNWIND, s->offset);
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
        return fail_later(c, s->offset, "valueMap(true) (elementMap() gives id and label)");
    TRY(keys_of(c, s, 0, args, &count));
    return let(c, plan_call_list(c->plan, f, args, count), SLOT_VALUE, s->offset);
}

static bool step_valueMap(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return compile_map(c, s, FN_VALUE_MAP);
}

static bool step_elementMap(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return compile_map(c, s, FN_ELEMENT_MAP);
}

static bool step_id(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return let(c, plan_call(c->plan, FN_ID, current(c)), SLOT_VALUE, s->offset);
}

static bool step_label(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return let(c, plan_call(c->plan, FN_LABEL, current(c)), SLOT_VALUE, s->offset);
}

static bool step_constant(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    if (s->arg_count != 1 || s->args[0].kind != ARG_LITERAL)
        return fail_step(c, s->offset, "constant() takes a value");
    return let(c, plan_literal(c->plan, s->args[0].literal), SLOT_VALUE, s->offset);
}

static bool step_as(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(need_text(c, s, i, "labels", &name));
        vec_push(c->arena, &c->labels, (as_label){ name, c->current });
    }
    return true;
}

static bool compile_select_one(compiler *c, const step *s, const modulators *m)
{
    if (s->args[0].kind == ARG_TOKEN) {
        bool is_keys = is_token(&s->args[0], "keys");
        if (!is_keys && !is_token(&s->args[0], "values"))
            return fail_step(c, s->args[0].offset, "select() takes labels, keys or values");
        return let(c, plan_call(c->plan, is_keys ? FN_KEYS : FN_MAP_VALUES, current(c)), SLOT_VALUE,
                   s->offset);
    }
    str name;
    TRY(need_text(c, s, 0, "labels, keys or values", &name));
    plan_slot slot = find_label(c, name);
    if (slot) {
        c->current = slot;
        c->is_one_map = false;
    } else {
        TRY(let(c, plan_call(c->plan, FN_MAP_GET, current(c), plan_literal_text(c->plan, name)),
                SLOT_VALUE, s->offset));
        filter(c, plan_call(c->plan, FN_IS_NOT_NULL, current(c)), s->offset);
    }
    if (m->count == 0)
        return true;
    plan_expr *e;
    TRY(plain_by(c, m->by[0], current(c), &e));
    TRY(let(c, e, SLOT_VALUE, s->offset));
    filter(c, plan_call(c->plan, FN_IS_NOT_NULL, current(c)), s->offset);
    return true;
}

static bool step_select(compiler *c, const step *s, const modulators *m)
{
    if (s->arg_count == 0)
        return fail_step(c, s->offset, "select() takes labels, keys or values");
    if (s->arg_count == 1)
        return compile_select_one(c, s, m);
    plan_expr **args = arena_array_of(c->arena, plan_expr *, 2 * s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(need_text(c, s, i, "labels", &name));
        plan_slot slot = find_label(c, name);
        if (!slot)
            return fail_step(c, s->args[i].offset, "there is no as('" STR_FMT "') before this",
                             STR_ARG(name));
        args[2 * i] = plan_literal_text(c->plan, name);
        TRY(plain_by(c, m->count ? m->by[i % m->count] : NULL, plan_slot_expr(c->plan, slot),
                     &args[2 * i + 1]));
    }
    return let(c, plan_call_list(c->plan, FN_MAP, args, 2 * s->arg_count), SLOT_VALUE, s->offset);
}

static bool step_project(compiler *c, const step *s, const modulators *m)
{
    plan_expr **args = arena_array_of(c->arena, plan_expr *, 2 * s->arg_count);
    if (s->arg_count == 0)
        return fail_step(c, s->offset, "project() takes names");
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(need_text(c, s, i, "names", &name));
        args[2 * i] = plan_literal_text(c->plan, name);
        TRY(plain_by(c, m->count ? m->by[i % m->count] : NULL, current(c), &args[2 * i + 1]));
    }
    return let(c, plan_call_list(c->plan, FN_MAP_WITHOUT_NULLS, args, 2 * s->arg_count), SLOT_VALUE,
               s->offset);
}

static bool step_unfold(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    plan_slot to;
    TRY(new_slot(c, SLOT_VALUE, &to));
    plan_op *op = add_op(c, PLAN_UNWIND, s->offset);
    op->unwind.list = current(c);
    op->unwind.to = to;
    c->current = to;
    c->is_one_map = false;
    return true;
}

/* ---- Aggregates ---- */

static const plan_aggregate_kind aggregate_of[] = {
    [REDUCE_SUM] = AGGREGATE_SUM,   [REDUCE_COUNT] = AGGREGATE_COUNT,
    [REDUCE_MIN] = AGGREGATE_MIN,   [REDUCE_MAX] = AGGREGATE_MAX,
    [REDUCE_MEAN] = AGGREGATE_MEAN, [REDUCE_FOLD] = AGGREGATE_COLLECT
};

static plan_op *add_aggregate(compiler *c, plan_aggregate_kind kind, plan_expr *of, plan_expr *with,
                              plan_slot to, size_t offset)
{
    plan_op *op = add_op(c, PLAN_AGGREGATE, offset);
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
    if (s->arg_count == 1 && is_token(&s->args[0], "local"))
        return let(c, plan_call(c->plan, local, current(c)), SLOT_VALUE, s->offset);
    TRY(new_slot(c, SLOT_VALUE, &to));
    add_aggregate(c, aggregate_of[r], r == REDUCE_COUNT ? NULL : current(c), NULL, to, s->offset);
    if (r != REDUCE_COUNT && r != REDUCE_FOLD)
        filter(c, plan_call(c->plan, FN_IS_NOT_NULL, current(c)), s->offset);
    return true;
}

#define REDUCER(name, reducer, local)                                                              \
    static bool step_##name(compiler *c, const step *s, const modulators *m)                       \
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
    TRY(new_slot(c, SLOT_VALUE, &map));
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
        return fail_later(c, s->offset, "a side effect");
    TRY(plain_by(c, m->count ? m->by[0] : NULL, current(c), &key_expr));
    of = current(c);
    if (!counts && m->count > 1)
        TRY(compile_by(c, m->by[1], current(c), &of, &r));
    if (r == REDUCE_NOT)
        r = REDUCE_FOLD;
    if (counts)
        r = REDUCE_COUNT;
    TRY(new_slot(c, plan_expr_kind_of(c->plan, key_expr), &key));
    TRY(new_slot(c, SLOT_VALUE, &val));
    bool is_id = key_expr->kind == EXPR_CALL && key_expr->call.function == FN_ID;
    if (plan_expr_kind_of(c->plan, is_id ? key_expr->call.args[0] : key_expr) ==
        SLOT_VALUE) /* an element has an id */
        filter(c, plan_call(c->plan, FN_IS_NOT_NULL, key_expr), s->offset);
    plan_op *op =
        add_aggregate(c, aggregate_of[r], r == REDUCE_COUNT ? NULL : of, NULL, val, s->offset);
    op->aggregate.keys = arena_new_of(c->arena, plan_key);
    op->aggregate.keys[0] = (plan_key){ .expr = key_expr, .to = key };
    op->aggregate.key_count = 1;
    if (r != REDUCE_COUNT && r != REDUCE_FOLD) /* a key with nothing to reduce has no entry */
        filter(c, plan_call(c->plan, FN_IS_NOT_NULL, plan_slot_expr(c->plan, val)), s->offset);
    return collect_map(c, key, val, s->offset);
}

static bool step_group(compiler *c, const step *s, const modulators *m)
{
    return compile_group(c, s, m, false);
}

static bool step_groupCount(compiler *c, const step *s, const modulators *m)
{
    return compile_group(c, s, m, true);
}

/* ---- Order and windows ---- */

static bool is_local(const step *s)
{
    return s->arg_count && is_token(&s->args[0], "local");
}

/* The entries of the one map, something done with them, and the map again. */
static bool with_entries(compiler *c, const step *s, const modulators *m,
                         bool (*work)(compiler *, const step *, const modulators *))
{
    step unfold = { STR("unfold"), s->offset, NULL, 0 },
         rest = { s->name, s->offset, s->args + 1, s->arg_count - 1 };
    plan_slot key, val;
    if (!c->is_one_map)
        return fail_later(c, s->offset,
                          "local scope anywhere but right after group() and groupCount()");
    TRY(step_unfold(c, &unfold, m));
    TRY(work(c, &rest, m));
    plan_slot entry = c->current;
    TRY(let(c, plan_call(c->plan, FN_KEYS, plan_slot_expr(c->plan, entry)), SLOT_VALUE, s->offset));
    key = c->current;
    TRY(let(c, plan_call(c->plan, FN_MAP_VALUES, plan_slot_expr(c->plan, entry)), SLOT_VALUE,
            s->offset));
    val = c->current;
    return collect_map(c, key, val, s->offset);
}

static bool step_order(compiler *c, const step *s, const modulators *m)
{
    if (is_local(s))
        return with_entries(c, s, m, step_order);
    size_t count = m->count ? m->count : 1; /* at most 8: see modulators */
    plan_key *keys = arena_array_of(c->arena, plan_key, count);
    for (size_t i = 0; i < count; i++) {
        const step *by = m->count ? m->by[i] : NULL;
        TRY(plain_by(c, by, current(c), &keys[i].expr));
        for (size_t k = 0; by && k < by->arg_count; k++) {
            if (is_token(&by->args[k], "shuffle"))
                return fail_later(c, by->args[k].offset, "shuffle");
            keys[i].is_descending |=
                is_token(&by->args[k], "desc") || is_token(&by->args[k], "decr");
        }
    }
    plan_op *op = add_op(c, PLAN_SORT, s->offset);
    op->sort.keys = keys;
    op->sort.key_count = count;
    op->sort.count = PLAN_ALL;
    return true;
}

static bool slice(compiler *c, const step *s, uint64_t skip, uint64_t count)
{
    plan_op *op = add_op(c, PLAN_SLICE, s->offset);
    op->slice.skip = skip;
    op->slice.count = count;
    return true;
}

static bool step_limit(compiler *c, const step *s, const modulators *m)
{
    uint64_t count;
    if (is_local(s))
        return with_entries(c, s, m, step_limit);
    TRY(need_count(c, s, 0, &count));
    return slice(c, s, 0, count);
}

static bool step_skip(compiler *c, const step *s, const modulators *m)
{
    uint64_t count;
    if (is_local(s))
        return with_entries(c, s, m, step_skip);
    TRY(need_count(c, s, 0, &count));
    return slice(c, s, count, PLAN_ALL);
}

static bool step_range(compiler *c, const step *s, const modulators *m)
{
    uint64_t from, to;
    if (is_local(s))
        return with_entries(c, s, m, step_range);
    TRY(need_count(c, s, 0, &from));
    TRY(need_count(c, s, 1, &to));
    if (to < from)
        return fail_step(c, s->offset, "range() ends before it begins");
    return slice(c, s, from, to == PLAN_ALL ? PLAN_ALL : to - from);
}

static bool step_tail(compiler *c, const step *s, const modulators *m)
{
    uint64_t count = 1;
    if (is_local(s))
        return with_entries(c, s, m, step_tail);
    if (s->arg_count)
        TRY(need_count(c, s, 0, &count));
    add_op(c, PLAN_TAIL, s->offset)->slice.count = count;
    return true;
}

static bool step_dedup(compiler *c, const step *s, const modulators *m)
{
    size_t count = s->arg_count ? s->arg_count : 1;
    plan_key *keys = arena_array_of(c->arena, plan_key, count);
    for (size_t i = 0; i < count; i++) {
        plan_expr *of = current(c);
        str name;
        if (s->arg_count) {
            TRY(need_text(c, s, i, "labels", &name));
            plan_slot slot = find_label(c, name);
            if (!slot)
                return fail_step(c, s->args[i].offset, "there is no as('" STR_FMT "') before this",
                                 STR_ARG(name));
            of = plan_slot_expr(c->plan, slot);
        }
        TRY(plain_by(c, m->count ? m->by[0] : NULL, of, &keys[i].expr));
    }
    if (count > 16)
        return fail_step(c, s->offset, "dedup() takes up to 16 labels");
    plan_op *op = add_op(c, PLAN_DISTINCT, s->offset);
    op->distinct.keys = keys;
    op->distinct.key_count = count;
    return true;
}

/* ---- Passing through ---- */

static bool step_identity(compiler *c, const step *s, const modulators *m)
{
    (void)c;
    (void)s;
    (void)m;
    return true;
}

static bool step_none(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    add_op(c, PLAN_NOTHING, s->offset);
    return true;
}

static const struct step_rule {
    const char *name;
    bool (*compile)(compiler *c, const step *s, const modulators *m);
} rules[] = {
    { "V", step_V },
    { "E", step_E },
    { "out", step_out },
    { "in", step_in },
    { "both", step_both },
    { "outE", step_outE },
    { "inE", step_inE },
    { "bothE", step_bothE },
    { "outV", step_outV },
    { "inV", step_inV },
    { "bothV", step_bothV },
    { "otherV", step_otherV },
    { "hasLabel", step_hasLabel },
    { "hasId", step_hasId },
    { "has", step_has },
    { "hasNot", step_hasNot },
    { "is", step_is },
    { "where", step_where },
    { "filter", step_where },
    { "not", step_not },
    { "and", step_and },
    { "union", step_union },
    { "coalesce", step_coalesce },
    { "optional", step_optional },
    { "local", step_local },
    { "map", step_local },
    { "flatMap", step_local },
    { "values", step_values },
    { "valueMap", step_valueMap },
    { "elementMap", step_elementMap },
    { "id", step_id },
    { "label", step_label },
    { "constant", step_constant },
    { "as", step_as },
    { "select", step_select },
    { "project", step_project },
    { "unfold", step_unfold },
    { "count", step_count },
    { "sum", step_sum },
    { "min", step_min },
    { "max", step_max },
    { "mean", step_mean },
    { "fold", step_fold },
    { "group", step_group },
    { "groupCount", step_groupCount },
    { "order", step_order },
    { "limit", step_limit },
    { "skip", step_skip },
    { "range", step_range },
    { "tail", step_tail },
    { "dedup", step_dedup },
    { "identity", step_identity },
    { "barrier", step_identity },
    { "none", step_none },
    { "iterate", step_none },
};

static const char *const mutating[] = { "addV", "addE", "property", "drop", "mergeV", "mergeE" };
static const char *const later[] = {
    "path",           "simplePath",   "cyclicPath", "tree",
    "subgraph",       "match",        "sack",       "store",
    "aggregate",      "cap",          "inject",     "choose",
    "branch",         "or",           "math",       "sample",
    "coin",           "times",        "until",      "emit",
    "properties",     "propertyMap",  "key",        "value",
    "loops",          "timeLimit",    "index",      "call",
    "concat",         "format",       "asString",   "asDate",
    "element",        "shortestPath", "pageRank",   "connectedComponent",
    "peerPressure",   "program",      "sideEffect", "fail",
    "hasKey",         "hasValue",     "withSack",   "withSideEffect",
    "withStrategies", "withComputer", "all",        "any",
    "intersect",      "difference",   "conjoin",    "combine",
    "toUpper",        "toLower"
};

static size_t distance(str x, str y)
{
    size_t row[33];
    if (x.len > 32 || y.len > 32)
        return 32;
    for (size_t i = 0; i <= y.len; i++)
        row[i] = i;
    for (size_t i = 0; i < x.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < y.len; k++) {
            size_t change = corner + ((x.data[i] | 32) != (y.data[k] | 32));
            corner = row[k + 1];
            size_t best = row[k] < row[k + 1] ? row[k] + 1 : row[k + 1] + 1;
            row[k + 1] = change < best ? change : best;
        }
    }
    return row[y.len];
}

static bool fail_unknown(compiler *c, const step *s)
{
    const char *near = NULL;
    size_t best = 3;
    for (size_t i = 0; i < ARRAY_LEN(mutating); i++)
        if (str_eq(s->name, str_of(mutating[i])))
            return fail_step(c, s->offset,
                             "%s() would change the graph, which is read-only: it is the tables",
                             mutating[i]);
    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        if (str_eq(s->name, str_of(later[i])))
            return fail_step(c, s->offset, "%s() cannot be answered by this version", later[i]);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        size_t d = distance(s->name, str_of(rules[i].name));
        if (d < best) {
            best = d;
            near = rules[i].name;
        }
    }
    return near ? fail_step(c, s->offset, "there is no step " STR_FMT "(); did you mean %s()?",
                            STR_ARG(s->name), near)
                : fail_step(c, s->offset, "there is no step " STR_FMT "()", STR_ARG(s->name));
}

/* repeat(body).times(n): the body n times over. With emit() the results of every round count. */
static bool compile_repeat(compiler *c, const traversal *t, size_t *at)
{
    const step *s = &t->steps[*at];
    uint64_t times = 0;
    bool emits = false;
    if (s->arg_count != 1 || s->args[0].kind != ARG_TRAVERSAL)
        return fail_step(c, s->offset, "repeat() takes a traversal");
    for (; *at + 1 < t->count; ++*at) {
        const step *next = &t->steps[*at + 1];
        if (str_eq(next->name, STR("times")))
            TRY(need_count(c, next, 0, &times));
        else if (str_eq(next->name, STR("emit")) && next->arg_count == 0)
            emits = true;
        else
            break;
    }
    if (times == 0 || times > 16)
        return fail_later(c, s->offset, "repeat() without times(1) to times(16)");
    if (!emits) {
        for (uint64_t i = 0; i < times; i++)
            TRY(compile_steps(c, s->args[0].traversal));
        return true;
    }
    gremlin_argument *rounds = arena_array_of(c->arena, gremlin_argument, times);
    const traversal *body = s->args[0].traversal;
    for (uint64_t i = 0; i < times; i++) {
        traversal *one = arena_new_of(c->arena, traversal);
        step *steps = arena_array_of(c->arena, step, body->count * (i + 1));
        for (uint64_t k = 0; k <= i; k++)
            memcpy(steps + k * body->count, body->steps, body->count * sizeof *steps);
        *one = (traversal){ steps, body->count * (i + 1) };
        rounds[i] = (gremlin_argument){ ARG_TRAVERSAL, s->offset, { .traversal = one } };
    }
    step all = { STR("repeat"), s->offset, rounds, times };
    return compile_branches(c, &all, PLAN_UNION, APPLY_EACH);
}

static bool compile_steps(compiler *c, const traversal *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const step *s = &t->steps[i];
        const struct step_rule *rule = NULL;
        modulators m = { 0 };
        if (str_eq(s->name, STR("repeat"))) {
            TRY(compile_repeat(c, t, &i));
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(rules); k++)
            if (str_eq(s->name, str_of(rules[k].name)))
                rule = &rules[k];
        if (!rule)
            return str_eq(s->name, STR("by"))
                       ? fail_step(
                             c, s->offset,
                             "by() stands after a step that takes it, e.g. group() or order()")
                       : fail_unknown(c, s);
        while (i + 1 < t->count && str_eq(t->steps[i + 1].name, STR("by"))) {
            if (m.count == ARRAY_LEN(m.by))
                return fail_step(c, t->steps[i + 1].offset, "there are more than %zu by()",
                                 ARRAY_LEN(m.by));
            m.by[m.count++] = &t->steps[++i];
        }
        if (!c->current && rule->compile != step_V && rule->compile != step_E)
            return fail_step(c, s->offset, "g." STR_FMT "(): a query begins with g.V() or g.E()",
                             STR_ARG(s->name));
        TRY(rule->compile(c, s, &m));
    }
    return true;
}

/* Terminal steps say what is wanted of the rows. */
static bool take_ending(compiler *c, traversal *t)
{
    while (t->count) {
        const step *last = &t->steps[t->count - 1];
        if (str_eq(last->name, STR("explain")))
            c->plan->ending = ENDING_EXPLAIN;
        else if (str_eq(last->name, STR("profile")))
            c->plan->ending = ENDING_PROFILE;
        else if (str_eq(last->name, STR("next")) && last->arg_count == 0)
            c->plan->ending = ENDING_NEXT;
        else if (!str_eq(last->name, STR("toList")) && !str_eq(last->name, STR("toSet")))
            return true;
        if (c->plan->ending == ENDING_PROFILE)
            return fail_later(c, last->offset, "profile()");
        t->count--;
    }
    return true;
}

bool gremlin_compile(arena *a, str text, graph *g, plan **ret_plan, error *err)
{
    traversal t;
    TRY(gremlin_parse(a, text, &t, err));
    plan *p = plan_new(a, text);
    compiler c = { .arena = a, .plan = p, .graph = g, .err = err };
    TRY(take_ending(&c, &t));
    c.op = plan_op_new(p, PLAN_ONE, NULL, 0);
    TRY(compile_steps(&c, &t));
    p->root = c.op;
    if (p->ending == ENDING_NEXT) {
        step one = { STR("limit"), 0, NULL, 0 };
        TRY(slice(&c, &one, 0, 1));
        p->root = c.op;
    }
    p->columns = arena_new_of(a, plan_column);
    p->columns[0] = (plan_column){ STR("result"), c.current };
    p->column_count = 1;
    TRY(plan_finish(p, g, err));
    *ret_plan = p;
    return true;
}
