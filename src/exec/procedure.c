/* PLAN_CALL: algorithms and path searches as rows. */
#include <math.h>
#include <stdlib.h>

#include "exec/search.h"

/* What a call gives: columns side by side, each of them in one of three forms. */
typedef struct result_column {
    const uint64_t *refs;
    const int64_t *integers;
    const double *reals;
    const value *values;
} result_column;

typedef struct result {
    uint64_t count;
    const uint64_t *places; /* of the rows in the columns; NULL: 0, 1, 2, … */
    result_column columns[PROCEDURE_COLUMNS];
} result;

/* ---- Options ---- */

static const value *option(const value *options, const char *name)
{
    for (size_t i = 0; options->kind == VALUE_MAP && i < options->map.count; i++)
        if (options->map.keys[i].kind == VALUE_STRING &&
            str_eq_nocase(options->map.keys[i].text, str_of(name)))
            return options->map.values[i].kind == VALUE_NULL ? NULL : &options->map.values[i];
    return NULL;
}

static bool is_option(const plan_procedure *p, str name)
{
    str rest = str_of(p->options);
    for (ptrdiff_t at; (at = str_find_char(rest, ' ')) >= 0;) {
        if (str_eq_nocase(str_slice(rest, 0, (size_t)at), name))
            return true;
        rest = str_slice(rest, (size_t)at + 1, rest.len);
    }
    return false;
}

static bool check_options(const plan_procedure *p, const value *options, error *err)
{
    if (options->kind == VALUE_NULL)
        return true;
    if (options->kind != VALUE_MAP)
        return fail(err, ERR_INVALID, "%s takes one map of options: %s", p->names[0], p->options);
    for (size_t i = 0; i < options->map.count; i++)
        if (options->map.keys[i].kind != VALUE_STRING || !is_option(p, options->map.keys[i].text))
            return fail(
                err, ERR_INVALID, "%s has no option '" STR_FMT "'; it takes: %s", p->names[0],
                STR_ARG(options->map.keys[i].kind == VALUE_STRING ? options->map.keys[i].text
                                                                  : STR("?")),
                p->options);
    return true;
}

static bool number_option(const value *options, const char *name, double otherwise, double *ret,
                          error *err)
{
    const value *v = option(options, name);
    *ret = v && value_is_number(v) ? value_to_double(v) : otherwise;
    return !v || value_is_number(v) ? true : fail(err, ERR_INVALID, "%s takes a number", name);
}

static bool count_option(const value *options, const char *name, int64_t otherwise, int64_t *ret,
                         error *err)
{
    const value *v = option(options, name);
    *ret = v && v->kind == VALUE_INT ? v->integer : otherwise;
    return !v || (v->kind == VALUE_INT && v->integer >= 0)
               ? true
               : fail(err, ERR_INVALID, "%s takes a whole number from 0", name);
}

static bool vertex_option(query *q, const value *options, const char *name, graph_ref *ret,
                          error *err)
{
    const value *v = option(options, name);
    static const plan_labels any = { .is_any = true };
    ref_list found = { 0 };
    if (v && v->kind == VALUE_VERTEX) {
        *ret = v->ref;
        return true;
    }
    if (!v || v->kind != VALUE_STRING)
        return fail(err, ERR_INVALID, "%s takes a vertex, or its id as text", name);
    TRY(refs_find(q, true, &any, v->text, &found, err));
    if (found.count == 0)
        return fail(err, ERR_NOT_FOUND, "%s: there is no vertex " STR_FMT, name, STR_ARG(v->text));
    *ret = found.items[0];
    return true;
}

static bool search_options_read(const value *options, search_options *ret, error *err)
{
    int64_t most;
    const value *direction = option(options, "direction"),
                *weight = option(options, "relationshipWeightProperty"),
                *start = option(options, "startProperty"), *end = option(options, "endProperty");
    *ret = (search_options){ .direction = DIRECTION_OUT };
    if (direction) {
        str d = direction->kind == VALUE_STRING ? direction->text : STR("");
        if (!str_eq_nocase(d, STR("out")) && !str_eq_nocase(d, STR("in")) &&
            !str_eq_nocase(d, STR("both")))
            return fail(err, ERR_INVALID, "direction takes 'out', 'in' or 'both'");
        ret->direction = str_eq_nocase(d, STR("out"))  ? DIRECTION_OUT
                         : str_eq_nocase(d, STR("in")) ? DIRECTION_IN
                                                       : DIRECTION_BOTH;
    }
    TRY(count_option(options, "maxHops", 0, &most, err));
    ret->most_hops = (uint64_t)most;
    ret->weight = weight && weight->kind == VALUE_STRING ? weight->text : STR("");
    ret->start = start && start->kind == VALUE_STRING ? start->text : STR("start");
    ret->end = end && end->kind == VALUE_STRING ? end->text : STR("");
    return true;
}

/* ---- One result a vertex ---- */

static void *array_for(const view *v, size_t width)
{
    void *memory = memory_alloc((v->count + 1) * width);
    query_free_later(v->query, memory);
    return memory;
}

static bool run_ranks(const view *v, plan_procedure_kind kind, const value *options,
                      result_column *ret, error *err)
{
    double *ranks = array_for(v, sizeof *ranks), damping, tolerance, minimum;
    int64_t iterations, samples;
    ret->reals = ranks;
    if (kind == PROCEDURE_BETWEENNESS) {
        TRY(count_option(options, "samples", 0, &samples, err));
        return algorithm_betweenness(v, (uint64_t)samples, ranks, err);
    }
    TRY(count_option(options, "maxIterations", 30, &iterations, err));
    TRY(number_option(options, "dampingFactor", 0.85, &damping, err));
    TRY(number_option(options, "tolerance", 0, &tolerance, err));
    TRY(number_option(options, "threshold", NAN, &minimum, err));
    if (!(damping >= 0 && damping <= 1))
        return fail(err, ERR_INVALID, "dampingFactor takes a number from 0 to 1");
    rank_options o = { iterations, damping, tolerance, minimum };
    return algorithm_page_rank(v, &o, ranks, err);
}

static bool run_label_propagation(const view *v, const value *options, int64_t iterations,
                                  int64_t *ret, error *err)
{
    const value *property = option(options, "labelProperty"), *pin = option(options, "pinLabel");
    if (property && property->kind != VALUE_STRING && property->kind != VALUE_NULL)
        return fail(err, ERR_INVALID, "labelProperty is the name of a property");
    if (pin && pin->kind != VALUE_BOOL && pin->kind != VALUE_NULL)
        return fail(err, ERR_INVALID, "pinLabel is true or false");
    return algorithm_label_propagation(
        v, iterations, property && property->kind == VALUE_STRING ? property->text : STR(""),
        pin && pin->kind == VALUE_BOOL && pin->boolean, ret, err);
}

/* A component is called by the id of one of its vertices. */
static bool run_groups(const view *v, plan_procedure_kind kind, const value *options, int64_t **ret,
                       error *err)
{
    int64_t *groups = array_for(v, sizeof *groups), iterations, levels;
    double threshold;
    *ret = groups;
    TRY(count_option(options, "maxIterations", 30, &iterations, err));
    TRY(count_option(options, "maxLevels", 10, &levels, err));
    TRY(number_option(options, "threshold", kind == PROCEDURE_LOUVAIN ? 1e-4 : NAN, &threshold,
                      err));
    switch (kind) {
    case PROCEDURE_WEAK_COMPONENTS: return algorithm_weak_components(v, threshold, groups, err);
    case PROCEDURE_STRONG_COMPONENTS: return algorithm_strong_components(v, groups, err);
    case PROCEDURE_LABEL_PROPAGATION:
        return run_label_propagation(v, options, iterations, groups, err);
    default: return algorithm_louvain(v, iterations, levels, threshold, groups, err);
    }
}

static bool run_degrees(const view *v, result *ret, error *err)
{
    double *out = array_for(v, 8), *in = array_for(v, 8), *both = array_for(v, 8);
    for (size_t i = 0; i < v->part_count; i++) {
        const view_part *p = &v->parts[i];
        const graph_adjacency *a = p->adjacency;
        TRY(query_check(v->query, err));
        for (uint64_t s = 0; s < a->source_count; s++)
            for (uint64_t k = a->out_offsets[s]; k < a->out_offsets[s + 1]; k++) {
                double w = view_weight(p, k);
                out[p->from_base + s] += w;
                in[p->to_base + a->out_targets[k]] += w;
            }
    }
    for (uint64_t i = 0; i < v->count; i++)
        both[i] = out[i] + in[i];
    bool is_weighted = v->part_count && v->parts[0].weights;
    double *all[] = { out, in, both };
    for (size_t k = 0; k < 3; k++) {
        ret->columns[k + 1].reals = is_weighted ? all[k] : NULL;
        int64_t *counts = (int64_t *)all[k];
        for (uint64_t i = 0; !is_weighted && i < v->count; i++)
            counts[i] = (int64_t)all[k][i];
        ret->columns[k + 1].integers = is_weighted ? NULL : counts;
    }
    return true;
}

/* Leave out vertices of groups that are too small. */
static bool drop_small(const view *v, const int64_t *groups, int64_t least, uint8_t *shown)
{
    uint32_t *sizes = array_for(v, sizeof *sizes);
    for (uint64_t i = 0; i < v->count; i++)
        sizes[groups[i]] += shown[i];
    for (uint64_t i = 0; i < v->count; i++)
        shown[i] &= sizes[groups[i]] >= least;
    return true;
}

/* Groups as ids of vertices, in text: they mean the same in every query. */
static bool name_groups(const view *v, const int64_t *groups, const uint8_t *shown,
                        result_column *ret, error *err)
{
    query *q = v->query;
    value *names = array_for(v, sizeof *names), *of = array_for(v, sizeof *of);
    for (uint64_t i = 0; i < v->count; i++) {
        if (!shown[i])
            continue;
        value *name = &of[groups[i]];
        if (name->kind == VALUE_NULL) {
            str id;
            value vertex = { .kind = VALUE_VERTEX, .ref = view_ref(v, (uint64_t)groups[i]) };
            TRY(query_element_id(q->graph, vertex, q->arena, &id, err));
            *name = value_text(id);
        }
        names[i] = *name;
    }
    ret->values = names;
    return true;
}

static bool run_for_vertices(query *q, const plan_procedure *p, const value *options, result *ret,
                             error *err)
{
    view v;
    uint8_t *shown;
    int64_t *groups = NULL, least;
    TRY(view_open(q, options, &v, err));
    TRY(view_shown(&v, &shown, err));
    switch (p->kind) {
    case PROCEDURE_PAGE_RANK:
    case PROCEDURE_BETWEENNESS: TRY(run_ranks(&v, p->kind, options, &ret->columns[1], err)); break;
    case PROCEDURE_CORE_NUMBERS:
    case PROCEDURE_TRIANGLES: {
        int64_t *numbers = array_for(&v, sizeof *numbers);
        TRY(p->kind == PROCEDURE_TRIANGLES ? algorithm_triangles(&v, numbers, err)
                                           : algorithm_core_numbers(&v, numbers, err));
        ret->columns[1].integers = numbers;
        break;
    }
    case PROCEDURE_DEGREE: TRY(run_degrees(&v, ret, err)); break;
    case PROCEDURE_DISTANCES: {
        search_options o;
        graph_ref source;
        int64_t *distances = array_for(&v, sizeof *distances);
        TRY(search_options_read(options, &o, err));
        TRY(vertex_option(q, options, "source", &source, err));
        TRY(search_distances(&v, &o, source, distances, err));
        for (uint64_t i = 0; i < v.count; i++)
            shown[i] = distances[i] >= 0;
        ret->columns[1].integers = distances;
        break;
    }
    default:
        TRY(run_groups(&v, p->kind, options, &groups, err));
        TRY(count_option(options, "minComponentSize", 0, &least, err));
        drop_small(&v, groups, least, shown);
        TRY(name_groups(&v, groups, shown, &ret->columns[1], err));
    }
    uint64_t *places = array_for(&v, sizeof *places), *refs = array_for(&v, sizeof *refs);
    for (uint64_t i = 0; i < v.count; i++) {
        refs[i] = view_ref(&v, i);
        if (shown[i])
            places[ret->count++] = i;
    }
    ret->places = places;
    ret->columns[0].refs = refs;
    return true;
}

/* ---- Paths ---- */

static bool run_for_paths(query *q, const plan_procedure *p, const value *options, result *ret,
                          error *err)
{
    view v;
    search_options o;
    graph_ref from, to;
    value paths = { .kind = VALUE_LIST }, second = { .kind = VALUE_LIST }, one[2];
    int64_t count;
    const value *not_before = option(options, "notBefore");
    TRY(view_open(q, options, &v, err));
    TRY(search_options_read(options, &o, err));
    TRY(vertex_option(q, options, "source", &from, err));
    TRY(vertex_option(q, options, "target", &to, err));
    switch (p->kind) {
    case PROCEDURE_ALL_SHORTEST: TRY(search_all_shortest(&v, &o, from, to, &paths, err)); break;
    case PROCEDURE_CHEAPEST:
        TRY(count_option(options, "k", 1, &count, err));
        TRY(search_cheapest(&v, &o, from, to, (uint64_t)count, &paths, &second, err));
        break;
    case PROCEDURE_EARLIEST:
        TRY(search_earliest(
            &v, &o, from, to,
            not_before && (not_before->kind == VALUE_INT || not_before->kind == VALUE_TIMESTAMP)
                ? not_before->integer
                : INT64_MIN / 2,
            &one[0], &one[1], err));
        break;
    default: TRY(search_shortest(&v, &o, from, to, &one[0], err));
    }
    if (p->kind == PROCEDURE_EARLIEST || p->kind == PROCEDURE_SHORTEST) {
        size_t found = one[0].kind == VALUE_PATH;
        paths = value_list(arena_copy(q->arena, &one[0], sizeof one[0]), found);
        second = value_list(arena_copy(q->arena, &one[1], sizeof one[1]), found);
    }
    if (p->kind == PROCEDURE_SHORTEST || p->kind == PROCEDURE_ALL_SHORTEST) {
        value *lengths = arena_array_of(q->arena, value, paths.list.count);
        for (size_t i = 0; i < paths.list.count; i++)
            lengths[i] = value_int((int64_t)(paths.list.items[i].list.count / 2));
        second = value_list(lengths, paths.list.count);
    }
    ret->count = paths.list.count;
    ret->columns[0].values = paths.list.items;
    ret->columns[1].values = second.list.items;
    return true;
}

/* ---- Definitions ---- */

static bool run_definition(query *q, const value *options, result *ret, error *err)
{
    const value *signature = option(options, "signature"), *rows = option(options, "rows");
    if (!signature || signature->kind != VALUE_STRING)
        return fail(err, ERR_INVALID,
                    "floe.defineProcedure takes {signature: 'f(a :: INTEGER) :: (b :: STRING)', "
                    "rows: [[1, 'one']]}; without rows, {signature: 'f'} takes it away");
    if (rows)
        TRY(graph_define_procedure(q->graph, signature->text, rows, err));
    else
        graph_drop_procedure(q->graph, signature->text);
    ret->count = 1;
    ret->columns[0].values = signature;
    return true;
}

/* ---- The operator ---- */

typedef struct call {
    op base;
    rows *in;
    size_t row;
    uint64_t next;
    bool is_run;
    result result;
} call;

op *call_new(query *q)
{
    return &arena_new_of(q->arena, call)->base;
}

static bool run(call *x, error *err)
{
    const plan_op *p = x->base.plan;
    query *q = x->base.query;
    value *options = arena_array_of(q->arena, value, x->in->count);
    TRY(expr_eval(q, p->call.options, x->in, options, err));
    const value *mine = &options[x->row];
    TRY(check_options(p->call.procedure, mine, err));
    x->result = (result){ 0 };
    x->next = 0;
    x->is_run = true;
    if (p->call.procedure->kind == PROCEDURE_DEFINE)
        return run_definition(q, mine, &x->result, err);
    bool for_paths = p->call.procedure->kind >= PROCEDURE_SHORTEST;
    return for_paths ? run_for_paths(q, p->call.procedure, mine, &x->result, err)
                     : run_for_vertices(q, p->call.procedure, mine, &x->result, err);
}

static void put(call *x, size_t column, plan_slot slot, uint64_t place, size_t at)
{
    const result_column *c = &x->result.columns[column];
    rows *out = &x->base.out;
    query *q = x->base.query;
    if (c->refs)
        rows_refs(q, out, slot)[at] = c->refs[place];
    else
        rows_values(q, out, slot)[at] = c->values     ? c->values[place]
                                        : c->integers ? value_int(c->integers[place])
                                                      : value_double(c->reals[place]);
}

static bool call_next(op *self, rows **ret_rows, error *err)
{
    call *x = (call *)self;
    const plan_op *p = self->plan;
    rows *out = &self->out;
    out->count = 0;
    *ret_rows = NULL;
    for (;;) {
        if (!x->in || x->row == x->in->count) {
            if (out->count)
                break;
            TRY(op_next(self->input, &x->in, err));
            x->row = 0;
            if (!x->in)
                return true;
        }
        if (!x->is_run)
            TRY(run(x, err));
        size_t at = out->count, left = (size_t)(x->result.count - x->next);
        size_t times = left ? rows_repeat(self->query, &p->live, out, x->in, x->row, left) : 0;
        for (size_t i = 0; i < times; i++, x->next++)
            for (size_t k = 0; k < PROCEDURE_COLUMNS; k++)
                if (p->call.to[k])
                    put(x, k, p->call.to[k], x->result.places ? x->result.places[x->next] : x->next,
                        at + i);
        if (x->next < x->result.count)
            break;
        x->row++;
        x->is_run = false;
    }
    *ret_rows = out;
    return true;
}

static void call_reset(op *self)
{
    call *x = (call *)self;
    x->in = NULL;
    x->is_run = false;
}

const op_kind call_kind = { call_next, call_reset };
