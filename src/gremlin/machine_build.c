/* From a traversal's steps to stages: the table of steps, modulators, connectives. */
#include "gremlin/machine_rule.h"
#include "gremlin/machine_step.h"

static const struct step_entry {
    const char *name;
    const stage_kind *kind;
    bool (*build)(stage *s); /* NULL: it takes no arguments */
} entries[] = {
    { "V", &stage_V, build_elements },
    { "E", &stage_E, build_elements },
    { "out", &stage_move, build_move },
    { "in", &stage_move, build_move },
    { "both", &stage_move, build_move },
    { "outE", &stage_move, build_move },
    { "inE", &stage_move, build_move },
    { "bothE", &stage_move, build_move },
    { "to", &stage_move, build_move },
    { "toE", &stage_move, build_move },
    { "toV", &stage_ends, build_toV },
    { "outV", &stage_ends, NULL },
    { "inV", &stage_ends, NULL },
    { "bothV", &stage_ends, NULL },
    { "otherV", &stage_otherV, NULL },
    { "id", &stage_id, NULL },
    { "label", &stage_label, NULL },
    { "key", &stage_key, NULL },
    { "value", &stage_key, NULL },
    { "element", &stage_element, NULL },
    { "values", &stage_values, build_keys },
    { "properties", &stage_properties, build_keys },
    { "valueMap", &stage_maps, build_keys },
    { "elementMap", &stage_maps, build_keys },
    { "propertyMap", &stage_maps, build_keys },
    { "has", &stage_has, build_has },
    { "hasId", &stage_has, build_has },
    { "hasLabel", &stage_has, build_has },
    { "hasKey", &stage_has, build_has },
    { "hasValue", &stage_has, build_has },
    { "hasNot", &stage_has, build_has },
    { "is", &stage_is, build_is },
    { "identity", &stage_identity, NULL },
    { "dedup", &stage_dedup, build_dedup },
    { "range", &stage_range, build_range },
    { "limit", &stage_range, build_range },
    { "skip", &stage_range, build_range },
    { "tail", &stage_range, build_range },
    { "coin", &stage_coin, build_coin },
    { "sample", &stage_sample, build_sample },
    { "timeLimit", &stage_timeLimit, build_timeLimit },
    { "simplePath", &stage_simplePath, build_simplePath },
    { "cyclicPath", &stage_simplePath, build_simplePath },
    { "all", &stage_all, build_all },
    { "any", &stage_all, build_all },
    { "none", &stage_all, build_all },
    { "where", &stage_whereP, build_whereP },
    { "~whereStart", &stage_whereStart, build_whereEnd },
    { "~whereEnd", &stage_whereEnd, build_whereEnd },
    { "filter", &stage_whereP, build_whereP },
    { "discard", &stage_discard, NULL },
    { "iterate", &stage_discard, NULL },
    { "fail", &stage_fail_step, build_fail },
    { "loops", &stage_loops, build_loops },
    { "union", &stage_union, build_union },
    { "branch", &stage_branch, build_branch },
    { "choose", &stage_branch, build_branch },
    { "coalesce", &stage_coalesce, build_children },
    { "optional", &stage_optional, build_children },
    { "local", &stage_local, build_children },
    { "map", &stage_map, build_children },
    { "flatMap", &stage_flatMap, build_children },
    { "sideEffect", &stage_sideEffect, build_children },
    { "not", &stage_not, build_children },
    { "and", &stage_and, build_children },
    { "or", &stage_and, build_children },
    { "barrier", &stage_barrier, build_barrier },
    { "count", &stage_count, build_reduce },
    { "sum", &stage_count, build_reduce },
    { "min", &stage_count, build_reduce },
    { "max", &stage_count, build_reduce },
    { "mean", &stage_count, build_reduce },
    { "fold", &stage_fold, build_fold },
    { "group", &stage_group, build_group },
    { "groupCount", &stage_group, build_group },
    { "tree", &stage_tree, build_tree },
    { "order", &stage_order, build_order },
    { "aggregate", &stage_aggregate, build_aggregate },
    { "store", &stage_aggregate, build_aggregate },
    { "cap", &stage_cap, build_cap },
    { "subgraph", &stage_subgraph, build_subgraph },
    { "inject", &stage_inject, build_inject },
    { "constant", &stage_constant, build_constant },
    { "sack", &stage_sack, build_sack },
    { "select", &stage_select, build_select },
    { "project", &stage_project, build_project },
    { "path", &stage_path, build_path },
    { "unfold", &stage_unfold, NULL },
    { "index", &stage_index, build_index },
    { "hasNext", &stage_hasNext, NULL },
    { "length", &stage_text, build_text },
    { "toLower", &stage_text, build_text },
    { "toUpper", &stage_text, build_text },
    { "trim", &stage_text, build_text },
    { "lTrim", &stage_text, build_text },
    { "rTrim", &stage_text, build_text },
    { "replace", &stage_text, build_text },
    { "split", &stage_text, build_text },
    { "substring", &stage_text, build_text },
    { "concat", &stage_concat, build_concat },
    { "format", &stage_format, build_format },
    { "asString", &stage_asString, build_scoped },
    { "asNumber", &stage_asNumber, build_asNumber },
    { "asBool", &stage_asBool, build_scoped },
    { "asDate", &stage_asDate, NULL },
    { "dateAdd", &stage_dateAdd, build_date },
    { "dateDiff", &stage_dateDiff, build_date },
    { "math", &stage_math, build_math },
    { "combine", &stage_lists, build_lists },
    { "merge", &stage_lists, build_lists },
    { "intersect", &stage_lists, build_lists },
    { "difference", &stage_lists, build_lists },
    { "disjunct", &stage_lists, build_lists },
    { "product", &stage_lists, build_lists },
    { "conjoin", &stage_conjoin, build_conjoin },
    { "reverse", &stage_reverse, NULL },
    { "addV", &stage_addV, build_addV },
    { "addE", &stage_addE, build_addE },
    { "property", &stage_property, build_property },
    { "drop", &stage_drop, build_drop },
    { "mergeV", &stage_mergeV, build_merge },
    { "mergeE", &stage_mergeE, build_merge },
    { "match", &stage_match, build_match },
    { "pageRank", &stage_algorithm, build_algorithm },
    { "connectedComponent", &stage_algorithm, build_algorithm },
    { "peerPressure", &stage_algorithm, build_algorithm },
    { "shortestPath", &stage_shortestPath, build_algorithm },
};

const char *gremlin_step_name(size_t i)
{
    static const char *const modulators[] = { "by",    "as",   "from",   "to",     "with",
                                              "until", "emit", "repeat", "option", "times" };
    if (i < ARRAY_LEN(modulators))
        return modulators[i];
    i -= ARRAY_LEN(modulators);
    return i < ARRAY_LEN(entries) ? entries[i].name : NULL;
}

const char *gremlin_nearest_step(str name)
{
    const char *near = NULL;
    size_t best = 3;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        size_t d = str_distance(name, str_of(entries[i].name));
        if (d < best) {
            best = d;
            near = entries[i].name;
        }
    }
    return near;
}

static bool fail_unknown(machine *m, const step *x)
{
    const char *near = gremlin_nearest_step(x->name);
    return fail_at(m->err, STR("gremlin"), m->text, x->offset,
                   near ? "there is no step " STR_FMT "(); did you mean %s()?"
                        : "there is no step " STR_FMT "()",
                   STR_ARG(x->name), near);
}

/* ---- Modulators ---- */

static bool fail_modulator(machine *m, const step *x, const char *what)
{
    return fail_at(m->err, STR("gremlin"), m->text, x->offset, STR_FMT "() %s", STR_ARG(x->name),
                   what);
}

static bool read_order(const gremlin_argument *a, by_order *ret)
{
    if (a->kind != ARG_TOKEN)
        return false;
    bool is_up = str_eq(a->token, STR("asc")) || str_eq(a->token, STR("incr"));
    bool is_down = str_eq(a->token, STR("desc")) || str_eq(a->token, STR("decr"));
    *ret = is_down ? ORDER_DOWN : is_up ? ORDER_UP : ORDER_SHUFFLE;
    return is_up || is_down || str_eq(a->token, STR("shuffle"));
}

static bool read_by(stage *s, const step *x, by_rule *r)
{
    machine *m = s->machine;
    const gremlin_argument *a = x->args;
    if (x->arg_count == 0 || (x->arg_count == 1 && read_order(a, &r->order)))
        return true;
    if (x->arg_count > 1 && !read_order(&x->args[1], &r->order))
        return fail_modulator(m, x, "takes asc, desc or shuffle as its second argument");
    if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_STRING) {
        r->kind = BY_KEY;
        r->name = a->literal.text;
        return true;
    }
    if (a->kind == ARG_TOKEN) {
        bool is_column = str_eq(a->token, STR("keys")) || str_eq(a->token, STR("values"));
        r->kind = is_column ? BY_COLUMN : BY_TOKEN;
        r->name = a->token;
        return true;
    }
    if (a->kind == ARG_TRAVERSAL) {
        r->kind = BY_FLOW;
        TRY(machine_flow(m, a->traversal, s, &r->flow, m->err));
        vec_push(m->arena, &s->flows, r->flow);
        return true;
    }
    if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_NULL)
        return true;
    return fail_modulator(m, x, "takes the name of a property, a token or a traversal");
}

static bool add_by(stage *s, const step *x)
{
    static const struct {
        const stage_kind *kind;
        const char *name;
        size_t most;
    } limits[] = {
        { &stage_sample, "Sample step", 1 },       { &stage_sack, "Sack step", 1 },
        { &stage_aggregate, "Aggregate step", 1 }, { &stage_aggregateLocal, "Aggregate step", 1 },
        { &stage_maps, "ValueMap step", 1 },       { &stage_dedup, "Dedup step", 1 }
    };
    by_rule r = { .kind = BY_IDENTITY, .offset = x->offset };
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (s->kind == limits[i].kind && s->by.count >= limits[i].most)
            return stage_fail(s, "%s can only have one by modulator", limits[i].name);
    if ((s->kind == &stage_group || s->kind == &stage_groupSide) &&
        s->by.count >= (str_eq(s->step->name, STR("group")) ? 2u : 1u))
        return stage_fail(s, "%s step can only have %s by modulator%s",
                          str_eq(s->step->name, STR("group")) ? "Group" : "GroupCount",
                          str_eq(s->step->name, STR("group")) ? "two" : "one",
                          str_eq(s->step->name, STR("group")) ? "s" : "");
    if (str_eq(s->step->name, STR("sack")) && s->by.count)
        return stage_fail(s, "Sack step can only have one by modulator");
    TRY(read_by(s, x, &r));
    vec_push(s->machine->arena, &s->by, r);
    return true;
}

static bool add_labels(stage *s, const step *x)
{
    machine *m = s->machine;
    for (size_t i = 0; i < x->arg_count; i++) {
        if (x->args[i].kind != ARG_LITERAL || x->args[i].literal.kind != VALUE_STRING)
            return fail_modulator(m, x, "takes labels");
        vec_push(m->arena, &s->labels, x->args[i].literal.text);
    }
    return true;
}

static bool is_change(const stage *s)
{
    return s->kind == &stage_mergeV || s->kind == &stage_mergeE;
}

static bool takes_by(const stage *s)
{
    static const stage_kind *const kinds[] = {
        &stage_dedup,          &stage_dedupLocal, &stage_sample,     &stage_simplePath,
        &stage_whereP,         &stage_group,      &stage_groupSide,  &stage_tree,
        &stage_treeSide,       &stage_order,      &stage_orderLocal, &stage_aggregate,
        &stage_aggregateLocal, &stage_select,     &stage_project,    &stage_path,
        &stage_format,         &stage_math,       &stage_maps,       &stage_algorithm,
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (s->kind == kinds[i])
            return true;
    return str_eq(s->step->name, STR("sack")) || str_eq(s->step->name, STR("propertyMap"));
}

/* Steps that belong to the one before; `*ret_is_one` false: it is none of them. */
static bool modulate(flow *f, const step *x, bool *ret_is_one)
{
    machine *m = f->machine;
    stage *s = f->last;
    str name = x->name;
    *ret_is_one = true;
    if (str_eq(name, STR("by")))
        return s && s->step && takes_by(s)
                   ? add_by(s, x)
                   : fail_modulator(m, x,
                                    "stands after a step that takes it, e.g. group() or "
                                    "order()");
    if (str_eq(name, STR("as")) && s)
        return add_labels(s, x);
    if (str_eq(name, STR("option")))
        return s && is_change(s) ? modulate_merge_option(s, x)
               : s && (s->kind == &stage_branch || s->kind == &stage_union)
                   ? modulate_option(s, x)
                   : fail_modulator(m, x, "stands after choose(), branch(), mergeV() or mergeE()");
    if (str_eq(name, STR("with")))
        return s ? modulate_with(s, x) : fail_modulator(m, x, "stands after a step");
    bool is_from = str_eq(name, STR("from"));
    bool is_to = str_eq(name, STR("to")) && !(x->arg_count && x->args[0].kind == ARG_TOKEN);
    if (is_from || is_to)
        return s ? modulate_from(s, x) : fail_modulator(m, x, "stands after addE() or path()");
    *ret_is_one = str_eq(name, STR("read")) || str_eq(name, STR("write"));
    return *ret_is_one ? fail_modulator(m, x,
                                        "cannot be answered: files of graphs are not read "
                                        "or written by queries")
                       : true;
}

/* ---- Stages ---- */

static stage *append(flow *f, const stage_kind *kind, const step *x)
{
    machine *m = f->machine;
    stage *s = arena_new_of(m->arena, stage);
    s->kind = kind;
    s->machine = m;
    s->flow = f;
    s->before = f->last;
    s->step = x;
    s->offset = x->offset;
    s->args = x->args;
    s->arg_count = x->arg_count;
    if (!f->first)
        f->first = s;
    f->last = s;
    return s;
}

static bool is_repeat_part(str name)
{
    return str_eq(name, STR("repeat")) || str_eq(name, STR("until")) || str_eq(name, STR("emit")) ||
           str_eq(name, STR("times"));
}

/* Equal traversers are kept together behind a step that may make many of them. */
static bool add_lazy_barrier(flow *f, const step *x)
{
    machine *m = f->machine;
    static const step barrier = { .name = STR_INIT("~barrier") };
    (void)x;
    if (m->tracking == TRACKS_PATH || f->last->kind != &stage_move || f->last->labels.count)
        return true;
    stage *s = append(f, &stage_barrier, &barrier);
    s->offset = f->last->before->offset;
    return build_barrier(s);
}

static bool add_step(flow *f, const step *x)
{
    machine *m = f->machine;
    const struct step_entry *e = NULL;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        if (str_eq(x->name, str_of(entries[i].name)))
            e = &entries[i];
    if (!e)
        return str_eq(x->name, STR("as")) ? (append(f, &stage_identity, x), add_labels(f->last, x))
                                          : fail_unknown(m, x);
    if (++m->stages > 10000)
        return fail_at(m->err, STR("gremlin"), m->text, x->offset, "the query has too many steps");
    stage *s = append(f, e->kind, x);
    if (!e->build && x->arg_count)
        return stage_fail(s, STR_FMT "() takes no arguments", STR_ARG(x->name));
    return e->build ? e->build(s) : true;
}

static bool finish_stage(stage *s)
{
    if (!s)
        return true;
    if (s->kind == &stage_repeat && repeat_lacks(s, STR("repeat")))
        return stage_fail(s, "The repeat()-traversal was not defined: repeat() is missing");
    if (s->kind == &stage_group || s->kind == &stage_groupSide)
        return finish_group(s);
    return true;
}

/* a.and().b.or().c: the steps around and() and or() are traversals of theirs. */
static bool is_connective(const step *x)
{
    return x->arg_count == 0 && (str_eq(x->name, STR("and")) || str_eq(x->name, STR("or")));
}

static bool is_start(const step *x)
{
    return str_eq(x->name, STR("V")) || str_eq(x->name, STR("E")) ||
           str_eq(x->name, STR("inject")) || str_eq(x->name, STR("as"));
}

static traversal *part_of(machine *m, const traversal *t, size_t from, size_t to)
{
    traversal *part = arena_new_of(m->arena, traversal);
    *part = (traversal){ t->steps + from, to - from, STR("") };
    return part;
}

const traversal *gremlin_join(machine *m, const traversal *t)
{
    if (m->keeps_connectives)
        return t;
    static const char *const names[] = { "or", "and" };
    for (int which = 0; which < 2; which++) {
        size_t first = 0, from;
        bool has_any = false;
        for (size_t i = 0; i < t->count; i++)
            has_any |=
                is_connective(&t->steps[i]) && str_eq(t->steps[i].name, str_of(names[which]));
        if (!has_any)
            continue;
        while (first < t->count && (is_start(&t->steps[first])) &&
               !str_eq(t->steps[first].name, STR("as")))
            first++;
        traversal_builder b = traversal_builder_new(m->arena);
        from = first;
        for (size_t i = first; i <= t->count; i++) {
            bool ends = i == t->count || (is_connective(&t->steps[i]) &&
                                          str_eq(t->steps[i].name, str_of(names[which])));
            if (!ends)
                continue;
            traversal_builder_add(&b, gremlin_arg_traversal((traversal *)(uintptr_t)gremlin_join(
                                          m, part_of(m, t, from, i))));
            from = i + 1;
        }
        traversal_builder_step(&b, str_of(names[which]),
                               t->steps[first < t->count ? first : 0].offset);
        step *steps = arena_array_of(m->arena, step, first + 1);
        memcpy(steps, t->steps, first * sizeof *steps);
        steps[first] = b.steps.items[0];
        traversal *joined = arena_new_of(m->arena, traversal);
        *joined = (traversal){ steps, first + 1, t->source };
        return joined;
    }
    return t;
}

bool machine_flow(machine *m, const traversal *given, stage *parent, flow **ret, error *err)
{
    error *before = m->err;
    m->err = err;
    const traversal *t = gremlin_join(m, given);
    flow *f = arena_new_of(m->arena, flow);
    *f = (flow){ .machine = m, .parent = parent, .of = given };
    for (size_t i = 0; i < t->count; i++) {
        const step *x = &t->steps[i];
        bool is_modulator;
        TRY(modulate(f, x, &is_modulator));
        if (is_modulator)
            continue;
        if (is_repeat_part(x->name)) {
            if (!repeat_lacks(f->last, x->name)) {
                TRY(finish_stage(f->last));
                append(f, &stage_repeat, x);
            }
            TRY(modulate_repeat(f->last, x));
            continue;
        }
        TRY(finish_stage(f->last));
        if (f->last)
            TRY(add_lazy_barrier(f, x));
        TRY(add_step(f, x));
    }
    TRY(finish_stage(f->last));
    if (f->last && parent && parent->kind == &stage_repeat)
        TRY(add_lazy_barrier(f, f->last->step));
    if (!f->first) {
        static const step identity = { .name = STR_INIT("identity") };
        append(f, &stage_identity, &identity);
    }
    m->err = before;
    *ret = f;
    return true;
}
