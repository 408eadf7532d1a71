/* A traversal to a plan: helpers of all steps, the table of steps, repeat, the end. */
#include <stdio.h>

#include "gremlin/internal.h"
#include "gremlin/machine.h"

bool gremlin_fail_step(compiler *c, size_t offset, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fail_at(c->err, STR("gremlin"), c->plan->text, offset, "%s", message);
}

bool gremlin_fail_later(compiler *c, size_t offset, const char *what)
{
    return gremlin_fail_step(c, offset, "%s cannot be answered by this version", what);
}

/* ---- Small helpers ---- */

plan_op *gremlin_add_op(compiler *c, plan_op_kind kind, size_t offset)
{
    c->op = plan_op_new(c->plan, kind, c->op, offset);
    return c->op;
}

bool gremlin_new_slot(compiler *c, plan_slot_kind kind, plan_slot *ret)
{
    return plan_slot_new(c->plan, STR(""), kind, ret, c->err);
}

plan_slot_kind gremlin_current_kind(const compiler *c)
{
    return c->plan->slots[c->current].kind;
}

plan_expr *gremlin_current(compiler *c)
{
    return plan_slot_expr(c->plan, c->current);
}

bool gremlin_let(compiler *c, plan_expr *e, plan_slot_kind kind, size_t offset)
{
    plan_slot to;
    TRY(gremlin_new_slot(c, kind, &to));
    plan_op *op = gremlin_add_op(c, PLAN_LET, offset);
    op->let.to = to;
    op->let.expr = e;
    c->current = to;
    c->is_one_map = false;
    return true;
}

void gremlin_filter(compiler *c, plan_expr *e, size_t offset)
{
    gremlin_add_op(c, PLAN_FILTER, offset)->predicate = e;
}

bool gremlin_need_text(compiler *c, const step *s, size_t i, const char *what, str *ret)
{
    if (i >= s->arg_count || s->args[i].kind != ARG_LITERAL ||
        s->args[i].literal.kind != VALUE_STRING)
        return gremlin_fail_step(c, i < s->arg_count ? s->args[i].offset : s->offset,
                                 STR_FMT "() takes %s", STR_ARG(s->name), what);
    *ret = s->args[i].literal.text;
    return true;
}

bool gremlin_need_count(compiler *c, const step *s, size_t i, uint64_t *ret)
{
    if (i >= s->arg_count || s->args[i].kind != ARG_LITERAL ||
        s->args[i].literal.kind != VALUE_INT || s->args[i].literal.integer < -1)
        return gremlin_fail_step(c, i < s->arg_count ? s->args[i].offset : s->offset,
                                 STR_FMT "() takes a whole number", STR_ARG(s->name));
    *ret = s->args[i].literal.integer < 0 ? PLAN_ALL : (uint64_t)s->args[i].literal.integer;
    return true;
}

bool gremlin_is_token(const gremlin_argument *a, const char *name)
{
    return a->kind == ARG_TOKEN && str_eq(a->token, str_of(name));
}

bool gremlin_need_element(compiler *c, const step *s, plan_slot_kind kind)
{
    plan_slot_kind got = gremlin_current_kind(c);
    if (got == kind)
        return true;
    static const char *const names[] = { "a value", "a vertex", "an edge" };
    return gremlin_fail_step(c, s->offset, STR_FMT "() takes %s, and here stands %s",
                             STR_ARG(s->name), names[kind], names[got]);
}

plan_slot gremlin_find_label(const compiler *c, str name)
{
    for (size_t i = c->labels.count; i-- > 0;)
        if (str_eq(c->labels.items[i].name, name))
            return c->labels.items[i].slot;
    return PLAN_NO_SLOT;
}

/* ---- Passing through ---- */

bool gremlin_step_identity(compiler *c, const step *s, const modulators *m)
{
    (void)c;
    (void)s;
    (void)m;
    return true;
}

bool gremlin_step_none(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    gremlin_add_op(c, PLAN_NOTHING, s->offset);
    return true;
}

static const struct step_rule {
    const char *name;
    bool (*compile)(compiler *c, const step *s, const modulators *m);
} rules[] = {
    { "V", gremlin_step_V },
    { "E", gremlin_step_E },
    { "out", gremlin_step_out },
    { "in", gremlin_step_in },
    { "both", gremlin_step_both },
    { "outE", gremlin_step_outE },
    { "inE", gremlin_step_inE },
    { "bothE", gremlin_step_bothE },
    { "outV", gremlin_step_outV },
    { "inV", gremlin_step_inV },
    { "bothV", gremlin_step_bothV },
    { "otherV", gremlin_step_otherV },
    { "hasLabel", gremlin_step_hasLabel },
    { "hasId", gremlin_step_hasId },
    { "has", gremlin_step_has },
    { "hasNot", gremlin_step_hasNot },
    { "is", gremlin_step_is },
    { "where", gremlin_step_where },
    { "filter", gremlin_step_where },
    { "not", gremlin_step_not },
    { "and", gremlin_step_and },
    { "or", gremlin_step_or },
    { "path", gremlin_step_path },
    { "simplePath", gremlin_step_simplePath },
    { "cyclicPath", gremlin_step_cyclicPath },
    { "loops", gremlin_step_loops },
    { "call", gremlin_step_call },
    { "union", gremlin_step_union },
    { "coalesce", gremlin_step_coalesce },
    { "optional", gremlin_step_optional },
    { "local", gremlin_step_local },
    { "map", gremlin_step_local },
    { "flatMap", gremlin_step_local },
    { "values", gremlin_step_values },
    { "valueMap", gremlin_step_valueMap },
    { "elementMap", gremlin_step_elementMap },
    { "id", gremlin_step_id },
    { "label", gremlin_step_label },
    { "constant", gremlin_step_constant },
    { "as", gremlin_step_as },
    { "select", gremlin_step_select },
    { "project", gremlin_step_project },
    { "unfold", gremlin_step_unfold },
    { "count", gremlin_step_count },
    { "sum", gremlin_step_sum },
    { "min", gremlin_step_min },
    { "max", gremlin_step_max },
    { "mean", gremlin_step_mean },
    { "fold", gremlin_step_fold },
    { "group", gremlin_step_group },
    { "groupCount", gremlin_step_groupCount },
    { "order", gremlin_step_order },
    { "limit", gremlin_step_limit },
    { "skip", gremlin_step_skip },
    { "range", gremlin_step_range },
    { "tail", gremlin_step_tail },
    { "dedup", gremlin_step_dedup },
    { "identity", gremlin_step_identity },
    { "barrier", gremlin_step_identity },
    { "none", gremlin_step_none },
    { "iterate", gremlin_step_none },
};

static const char *const mutating[] = { "addV", "addE", "property", "drop", "mergeV", "mergeE" };
static const char *const later[] = { "tree",
                                     "subgraph",
                                     "match",
                                     "sack",
                                     "store",
                                     "aggregate",
                                     "cap",
                                     "inject",
                                     "choose",
                                     "branch",
                                     "math",
                                     "sample",
                                     "coin",
                                     "properties",
                                     "propertyMap",
                                     "key",
                                     "value",
                                     "timeLimit",
                                     "index",
                                     "concat",
                                     "format",
                                     "asString",
                                     "asDate",
                                     "element",
                                     "shortestPath",
                                     "pageRank",
                                     "connectedComponent",
                                     "peerPressure",
                                     "program",
                                     "sideEffect",
                                     "fail",
                                     "hasKey",
                                     "hasValue",
                                     "withSack",
                                     "withSideEffect",
                                     "withStrategies",
                                     "withComputer",
                                     "all",
                                     "any",
                                     "intersect",
                                     "difference",
                                     "conjoin",
                                     "combine",
                                     "toUpper",
                                     "toLower" };

static bool fail_unknown(compiler *c, const step *s)
{
    const char *near = NULL;
    size_t best = 3;
    for (size_t i = 0; i < ARRAY_LEN(mutating); i++)
        if (str_eq(s->name, str_of(mutating[i])))
            return gremlin_fail_step(
                c, s->offset, "%s() would change the graph, which is read-only: it is the tables",
                mutating[i]);
    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        if (str_eq(s->name, str_of(later[i])))
            return gremlin_fail_step(c, s->offset, "%s() cannot be answered by this version",
                                     later[i]);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        size_t d = str_distance(s->name, str_of(rules[i].name));
        if (d < best) {
            best = d;
            near = rules[i].name;
        }
    }
    return near ? gremlin_fail_step(c, s->offset,
                                    "there is no step " STR_FMT "(); did you mean %s()?",
                                    STR_ARG(s->name), near)
                : gremlin_fail_step(c, s->offset, "there is no step " STR_FMT "()",
                                    STR_ARG(s->name));
}

/* Whether some step, however deep, asks for the path. */
static bool asks_for_path(const traversal *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const step *s = &t->steps[i];
        if (str_eq(s->name, STR("path")) || str_eq(s->name, STR("simplePath")) ||
            str_eq(s->name, STR("cyclicPath")))
            return true;
        for (size_t k = 0; k < s->arg_count; k++)
            if (s->args[k].kind == ARG_TRAVERSAL && asks_for_path(s->args[k].traversal))
                return true;
    }
    return false;
}

/* A new current object is one more of the path. */
static void pass_object(compiler *c, plan_slot before)
{
    passed_object x = { .slot = c->current };
    if (c->tracks_path && c->current && c->current != before && !c->is_passed)
        vec_push(c->arena, &c->passed, x);
    c->is_passed = false;
}

bool gremlin_compile_steps(compiler *c, const traversal *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const step *s = &t->steps[i];
        const struct step_rule *rule = NULL;
        modulators m = { 0 };
        plan_slot before = c->current;
        if (gremlin_is_repeat_part(t, i)) {
            TRY(gremlin_compile_repeat(c, t, &i));
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(rules); k++)
            if (str_eq(s->name, str_of(rules[k].name)))
                rule = &rules[k];
        if (!rule)
            return str_eq(s->name, STR("by"))
                       ? gremlin_fail_step(
                             c, s->offset,
                             "by() stands after a step that takes it, e.g. group() or order()")
                       : fail_unknown(c, s);
        while (i + 1 < t->count && str_eq(t->steps[i + 1].name, STR("by"))) {
            if (m.count == ARRAY_LEN(m.by))
                return gremlin_fail_step(c, t->steps[i + 1].offset, "there are more than %zu by()",
                                         ARRAY_LEN(m.by));
            m.by[m.count++] = &t->steps[++i];
        }
        if (!c->current && rule->compile != gremlin_step_V && rule->compile != gremlin_step_E &&
            rule->compile != gremlin_step_call)
            return gremlin_fail_step(c, s->offset,
                                     "g." STR_FMT "(): a query begins with g.V() or g.E()",
                                     STR_ARG(s->name));
        TRY(rule->compile(c, s, &m));
        pass_object(c, before);
    }
    return true;
}

/* explain() or explain("sql"). */
static bool take_explain(compiler *c, const step *s)
{
    c->plan->ending = s->arg_count ? ENDING_SQL : ENDING_EXPLAIN;
    bool is_known = s->arg_count == 0 || (s->arg_count == 1 && s->args[0].kind == ARG_LITERAL &&
                                          s->args[0].literal.kind == VALUE_STRING &&
                                          str_eq_nocase(s->args[0].literal.text, STR("sql")));
    return is_known ? true : gremlin_fail_step(c, s->offset, "explain() takes nothing, or \"sql\"");
}

/* Terminal steps say what is wanted of the rows. */
static bool take_ending(compiler *c, traversal *t)
{
    while (t->count) {
        const step *last = &t->steps[t->count - 1];
        if (str_eq(last->name, STR("explain")))
            TRY(take_explain(c, last));
        else if (str_eq(last->name, STR("profile")))
            c->plan->ending = ENDING_PROFILE;
        else if (str_eq(last->name, STR("next")) && last->arg_count == 0)
            c->plan->ending = ENDING_NEXT;
        else if (!str_eq(last->name, STR("toList")) && !str_eq(last->name, STR("toSet")))
            return true;
        t->count--;
    }
    return true;
}

/* The relational operators, where they say exactly what the traversal means. */
static bool compile_relational(arena *a, str text, traversal t, graph *g, plan **ret_plan,
                               error *err)
{
    plan *p = plan_new(a, text);
    compiler c = { .arena = a, .plan = p, .graph = g, .err = err };
    TRY(take_ending(&c, &t));
    c.tracks_path = asks_for_path(&t);
    c.op = plan_op_new(p, PLAN_ONE, NULL, 0);
    TRY(gremlin_compile_steps(&c, &t));
    p->root = c.op;
    if (p->ending == ENDING_NEXT) {
        step one = { STR("limit"), 0, NULL, 0 };
        TRY(gremlin_slice(&c, &one, 0, 1));
        p->root = c.op;
    }
    p->columns = arena_new_of(a, plan_column);
    p->columns[0] = (plan_column){ STR("result"), c.current };
    p->column_count = 1;
    TRY(plan_finish(p, g, err));
    *ret_plan = p;
    return true;
}

/* A traversal as text again, for EXPLAIN. */
static str steps_text(arena *a, const traversal *t)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < t->count; i++)
        strbuf_format(&b, "%s" STR_FMT, i ? "." : "", STR_ARG(t->steps[i].name));
    return strbuf_str(&b);
}

/* The same traversal run traverser by traverser (machine.h). */
static bool compile_machine(arena *a, str text, traversal t, graph *g, plan **ret_plan, error *err)
{
    plan *p = plan_new(a, text);
    compiler c = { .arena = a, .plan = p, .graph = g, .err = err };
    machine_program *program = arena_new_of(a, machine_program);
    traversal *kept = arena_new_of(a, traversal);
    plan_slot to;
    TRY(take_ending(&c, &t));
    *kept = t;
    *program = (machine_program){ text, kept };
    TRY(plan_slot_new(p, STR(""), SLOT_VALUE, &to, err));
    plan_op *op = plan_op_new(p, PLAN_FOREIGN, plan_op_new(p, PLAN_ONE, NULL, 0), 0);
    op->foreign.kind = &machine_operator;
    op->foreign.program = program;
    op->foreign.text = steps_text(a, kept);
    op->foreign.to = to;
    TRY(machine_check(a, g, text, kept, &op->foreign.changes_graph, err));
    p->root = op;
    if (p->ending == ENDING_NEXT) {
        p->root = plan_op_new(p, PLAN_SLICE, op, 0);
        p->root->slice.count = 1;
    }
    p->columns = arena_new_of(a, plan_column);
    p->columns[0] = (plan_column){ STR("result"), to };
    p->column_count = 1;
    TRY(plan_finish(p, g, err));
    *ret_plan = p;
    return true;
}

/* g.with('engine', 'traversers') asks for the machine whatever the traversal is. */
static bool take_engine(traversal *t)
{
    const step *s = t->steps;
    bool works = t->count && str_eq(s->name, STR("with")) && s->arg_count == 2 &&
                 s->args[0].kind == ARG_LITERAL && s->args[0].literal.kind == VALUE_STRING &&
                 str_eq(s->args[0].literal.text, STR("engine"));
    if (works) {
        t->steps++;
        t->count--;
    }
    return works;
}

bool gremlin_compile_traversal(arena *a, str text, const traversal *given,
                               gremlin_bindings bindings, graph *g, plan **ret_plan, error *err)
{
    traversal t;
    error relational = { 0 };
    TRY(gremlin_bind(a, text, given, bindings, &t, err));
    bool wants_machine = take_engine(&t) || graph_is_scratch(g) || !gremlin_is_exact(&t);
    if (!wants_machine && compile_relational(a, text, t, g, ret_plan, &relational))
        return true;
    return compile_machine(a, text, t, g, ret_plan, err);
}

bool gremlin_compile(arena *a, str text, graph *g, plan **ret_plan, error *err)
{
    traversal t;
    return gremlin_parse(a, text, &t, err) &&
           gremlin_compile_traversal(a, text, &t, NULL, g, ret_plan, err);
}
