/* The machine as an operator of the plan (PLAN_FOREIGN): sources and strategies, opening, results.
 */
#include "gremlin/machine_rule.h"
#include "gremlin/machine_step.h"

/* ---- What the traversal needs ---- */

static bool is_any_of(str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

static const char *const path_steps[] = { "path",   "simplePath", "cyclicPath",  "tree",
                                          "otherV", "withPath",   "shortestPath" };
static const char *const changing_steps[] = {
    "addV", "addE", "property", "drop", "mergeV", "mergeE"
};

static void look(machine *m, const traversal *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const step *x = &t->steps[i];
        if (is_any_of(x->name, path_steps, ARRAY_LEN(path_steps)))
            m->tracking = TRACKS_PATH;
        else if ((str_eq(x->name, STR("as")) || str_eq(x->name, STR("match"))) &&
                 m->tracking == TRACKS_NOTHING)
            m->tracking = TRACKS_LABELS;
        if (is_any_of(x->name, changing_steps, ARRAY_LEN(changing_steps)))
            m->changes = true;
        for (size_t k = 0; k < x->arg_count; k++)
            if (x->args[k].kind == ARG_TRAVERSAL)
                look(m, x->args[k].traversal);
    }
}

/* ---- Sources ---- */

static bool fail_source(machine *m, const step *x, const char *what)
{
    return fail_at(m->err, STR("gremlin"), m->text, x->offset, STR_FMT "() %s", STR_ARG(x->name),
                   what);
}

static bool set_side_effect(machine *m, const step *x)
{
    if (x->arg_count < 2 || x->args[0].kind != ARG_LITERAL ||
        x->args[0].literal.kind != VALUE_STRING || x->args[1].kind != ARG_LITERAL)
        return fail_source(m, x, "takes a name and a value");
    side_effect *s = machine_side(m, x->args[0].literal.text);
    s->initial = x->args[1].literal;
    s->has_initial = true;
    if (x->arg_count > 2 && x->args[2].kind == ARG_TOKEN)
        s->reducer = x->args[2].token;
    return true;
}

static bool set_sack(machine *m, const step *x)
{
    if (!x->arg_count || x->args[0].kind != ARG_LITERAL)
        return fail_source(m, x, "takes a value");
    m->has_sack = true;
    m->sack_initial = x->args[0].literal;
    for (size_t i = 1; i < x->arg_count; i++)
        if (x->args[i].kind == ARG_TOKEN)
            m->sack_merge = x->args[i].token;
    return true;
}

static bool is_true(const gremlin_argument *a)
{
    return a->kind == ARG_LITERAL && a->literal.kind == VALUE_BOOL && a->literal.boolean;
}

static bool fail_option(machine *m, const gremlin_strategy *s, size_t i, const char *takes)
{
    return fail_at(m->err, STR("gremlin"), m->text, s->values[i].offset,
                   STR_FMT ": " STR_FMT " takes %s", STR_ARG(s->name), STR_ARG(s->keys[i]), takes);
}

static bool set_subgraph(machine *m, const gremlin_strategy *s)
{
    subgraph_rule *r = arena_new_of(m->arena, subgraph_rule);
    r->checks_adjacent = true;
    for (size_t i = 0; i < s->count; i++) {
        flow **to = str_eq(s->keys[i], STR("vertices"))           ? &r->vertices
                    : str_eq(s->keys[i], STR("edges"))            ? &r->edges
                    : str_eq(s->keys[i], STR("vertexProperties")) ? &r->properties
                                                                  : NULL;
        if (str_eq(s->keys[i], STR("checkAdjacentVertices")))
            r->checks_adjacent = is_true(&s->values[i]);
        else if (to && s->values[i].kind != ARG_TRAVERSAL)
            return fail_option(m, s, i, "a traversal");
        else if (to)
            TRY(machine_flow(m, s->values[i].traversal, NULL, to, m->err));
    }
    m->subgraph = r;
    return true;
}

static bool set_partition(machine *m, const gremlin_strategy *s)
{
    partition_rule *p = arena_new_of(m->arena, partition_rule);
    for (size_t i = 0; i < s->count; i++) {
        const value *v = &s->values[i].literal;
        bool is_new, is_literal = s->values[i].kind == ARG_LITERAL;
        bool is_name =
            str_eq(s->keys[i], STR("partitionKey")) || str_eq(s->keys[i], STR("writePartition"));
        if (is_name && (!is_literal || v->kind != VALUE_STRING))
            return fail_option(m, s, i, "a text");
        if (str_eq(s->keys[i], STR("includeMetaProperties")) &&
            (!is_literal || v->kind != VALUE_BOOL))
            return fail_option(m, s, i, "true or false");
        if (!is_literal)
            return fail_option(m, s, i, "values");
        if (str_eq(s->keys[i], STR("partitionKey")))
            p->key = v->text;
        else if (str_eq(s->keys[i], STR("writePartition")))
            p->write = v->text;
        else if (str_eq(s->keys[i], STR("includeMetaProperties")))
            p->includes_meta = v->boolean;
        else if (v->kind == VALUE_STRING)
            value_table_at(m->arena, &p->read, v, &is_new);
        else if (v->kind == VALUE_LIST || v->kind == VALUE_SET)
            for (size_t k = 0; k < v->list.count; k++)
                value_table_at(m->arena, &p->read, &v->list.items[k], &is_new);
    }
    m->partition = p;
    return true;
}

static bool set_reserved(machine *m, const gremlin_strategy *s)
{
    reserved_rule *r = arena_new_of(m->arena, reserved_rule);
    r->keys[r->count++] = STR("id");
    r->keys[r->count++] = STR("label");
    for (size_t i = 0; i < s->count; i++) {
        const value *v = &s->values[i].literal;
        if (str_eq(s->keys[i], STR("throwException")))
            r->throws = is_true(&s->values[i]);
        if (!str_eq(s->keys[i], STR("keys")))
            continue;
        if (s->values[i].kind != ARG_LITERAL || (v->kind != VALUE_SET && v->kind != VALUE_LIST) ||
            v->list.count > ARRAY_LEN(r->keys))
            return fail_option(m, s, i, "a set of up to 32 texts");
        r->count = 0;
        for (size_t k = 0; k < v->list.count; k++) {
            if (v->list.items[k].kind != VALUE_STRING)
                return fail_option(m, s, i, "a set of up to 32 texts");
            r->keys[r->count++] = v->list.items[k].text;
        }
    }
    m->reserved = r;
    return true;
}

static bool set_strategy(machine *m, const step *x, const gremlin_argument *a)
{
    if (a->kind != ARG_STRATEGY)
        return fail_source(m, x, "takes strategies");
    const gremlin_strategy *s = a->strategy;
    if (str_eq(s->name, STR("SubgraphStrategy")))
        return set_subgraph(m, s);
    if (str_eq(s->name, STR("PartitionStrategy")))
        return set_partition(m, s);
    if (str_eq(s->name, STR("ReservedKeysVerificationStrategy")))
        return set_reserved(m, s);
    if (str_eq(s->name, STR("ReadOnlyStrategy")))
        m->is_read_only = true;
    if (str_eq(s->name, STR("ProductiveByStrategy")))
        m->is_productive = true;
    if (str_eq(s->name, STR("VertexProgramStrategy")))
        m->is_graph_computer = true;
    if (str_eq(s->name, STR("VertexProgramRestrictionStrategy")))
        m->forbids_graph_computer = true;
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq(s->name, STR("EdgeLabelVerificationStrategy")) &&
            str_eq(s->keys[i], STR("throwException")) && is_true(&s->values[i]))
            m->reads_only_edges_with_labels = true;
        if (str_eq(s->name, STR("SeedStrategy")) && str_eq(s->keys[i], STR("seed"))) {
            if (s->values[i].kind != ARG_LITERAL || s->values[i].literal.kind != VALUE_INT)
                return fail_option(m, s, i, "a whole number");
            m->seed = s->values[i].literal.integer;
            m->is_seeded = true;
        }
    }
    return true;
}

/* Of the strategies that TinkerPop has on by itself only ConnectiveStrategy can be seen missing. */
static void drop_strategies(machine *m, const step *x)
{
    for (size_t i = 0; i < x->arg_count; i++) {
        const gremlin_argument *a = &x->args[i];
        str name = a->kind == ARG_STRATEGY ? a->strategy->name : STR("");
        if (str_eq(name, STR("ConnectiveStrategy")))
            m->keeps_connectives = true;
        if (str_eq(name, STR("VertexProgramStrategy")))
            m->is_graph_computer = false;
    }
}

/* withSack(…) and the like in front of the first step; how many there are. */
static bool read_sources(machine *m, const traversal *t, size_t *ret_count)
{
    size_t i = 0;
    m->has_bulk = true;
    m->random = 0x9E3779B97F4A7C15ull;
    for (; i < t->count && str_starts_with(t->steps[i].name, STR("with")); i++) {
        const step *x = &t->steps[i];
        if (str_eq(x->name, STR("withSideEffect")))
            TRY(set_side_effect(m, x));
        else if (str_eq(x->name, STR("withSack")))
            TRY(set_sack(m, x));
        else if (str_eq(x->name, STR("withBulk")))
            m->has_bulk = x->arg_count && is_true(&x->args[0]);
        else if (str_eq(x->name, STR("withStrategies")))
            for (size_t k = 0; k < x->arg_count; k++)
                TRY(set_strategy(m, x, &x->args[k]));
        else if (str_eq(x->name, STR("withComputer")))
            m->is_graph_computer = true;
        else if (str_eq(x->name, STR("withoutStrategies")))
            drop_strategies(m, x);
        else if (!str_eq(x->name, STR("withPath")) && !str_eq(x->name, STR("with")))
            return fail_source(m, x, "is not a source of traversals");
    }
    *ret_count = i;
    if (m->forbids_graph_computer && m->is_graph_computer)
        return fail(m->err, ERR_INVALID,
                    "The TraversalSource does not allow the use of a GraphComputer");
    return true;
}

/* ---- Building ---- */

static bool make(machine *m, const traversal *t, flow **ret)
{
    size_t sources;
    look(m, t);
    TRY(read_sources(m, t, &sources));
    if (m->changes && m->is_read_only)
        return fail(m->err, ERR_INVALID,
                    "The provided traversal has a mutating step and thus is not read only");
    traversal rest = { t->steps + sources, t->count - sources, t->source };
    if (rest.count == 0)
        return fail_at(m->err, STR("gremlin"), m->text, 0,
                       "a query begins with a step such as g.V() or g.E()");
    traversal *kept = arena_copy(m->arena, &rest, sizeof rest);
    return machine_flow(m, kept, NULL, ret, m->err);
}

bool machine_check(arena *a, graph *g, str text, const traversal *t, bool *ret_changes, error *err)
{
    machine m = { .arena = a, .graph = g, .text = text, .err = err };
    flow *f;
    TRY(make(&m, t, &f));
    *ret_changes = m.changes;
    return true;
}

/* ---- Running ---- */

typedef struct run {
    machine machine;
    flow *flow;
    bool is_fed, has_end;
} run;

static bool run_open(query *q, const plan_op *op, foreign_input *in, void **ret_state, error *err)
{
    const machine_program *p = op->foreign.program;
    run *r = arena_new_of(query_arena(q), run);
    r->machine = (machine){ .query = q,
                            .input = in,
                            .arena = query_arena(q),
                            .graph = query_graph(q),
                            .text = p->text,
                            .err = err };
    TRY(make(&r->machine, p->traversal, &r->flow));
    *ret_state = r;
    return true;
}

static bool feed(run *r, error *err)
{
    traverser t;
    value v;
    bool has = true;
    r->is_fed = true;
    while (has) {
        uint64_t bulk;
        TRY(foreign_input_next(r->machine.input, &v, &bulk, &has, err));
        if (!has)
            break;
        t = traverser_new(&r->machine, v, bulk);
        t.path = NULL;
        t.is_dropped = true;
        flow_add(r->flow, &t);
    }
    return true;
}

static bool run_next(void *state, value *ret, uint64_t *ret_bulk, size_t room, size_t *ret_count,
                     error *err)
{
    run *r = state;
    size_t count = 0;
    r->machine.err = err;
    if (!r->is_fed)
        TRY(feed(r, err));
    while (count < room && !r->has_end) {
        traverser t;
        bool has;
        TRY(flow_next(r->flow, &t, &has, err));
        r->has_end = !has;
        if (!has || t.bulk == 0)
            continue;
        ret[count] = t.object;
        ret_bulk[count++] = t.bulk;
    }
    *ret_count = count;
    return true;
}

const plan_foreign machine_operator = { run_open, run_next };
