/* Steps with side effects and sacks, and steps that name what was passed: select, project, path. */
#include "gremlin/machine_step.h"

static bool text_arg(stage *s, size_t i, const char *what, str *ret)
{
    if (i >= s->arg_count || s->args[i].kind != ARG_LITERAL ||
        s->args[i].literal.kind != VALUE_STRING)
        return stage_fail(s, STR_FMT "() takes %s", STR_ARG(s->step->name), what);
    *ret = s->args[i].literal.text;
    return true;
}

/* ---- aggregate, cap ---- */

static bool aggregate_one(stage *s, const traverser *t, error *err)
{
    machine *m = s->machine;
    side_effect *x = machine_side(m, s->key);
    value v;
    bool has;
    TRY(gremlin_by(s, s->by.count ? &s->by.items[0] : NULL, t, &v, &has, err));
    if (!has)
        return true;
    if (!x->reducer.len || str_eq(x->reducer, STR("addAll"))) {
        for (uint64_t i = 0; i < t->bulk; i++) {
            TRY(machine_goes_on(m, i, err));
            vec_push(m->arena, &x->items, v);
        }
        return true;
    }
    bool is_assign = str_eq(x->reducer, STR("assign"));
    if (is_assign && !s->kept.count) /* what one barrier gathers */
        x->items.count = 0;
    for (uint64_t i = 0; is_assign && i < t->bulk; i++) {
        TRY(machine_goes_on(m, i, err));
        vec_push(m->arena, &x->items, v);
    }
    if (is_assign) { /* all that came so far */
        x->current =
            s->kind == &stage_aggregate
                ? value_list(arena_copy(m->arena, x->items.items, x->items.count * sizeof v),
                             x->items.count)
                : v;
        x->has_current = true;
        return true;
    }
    for (uint64_t i = 0; i < t->bulk; i++) {
        TRY(machine_goes_on(m, i, err));
        TRY(gremlin_operate(s, x->reducer, x->has_current ? &x->current : &x->initial, &v,
                            &x->current, err));
        x->has_current = true;
    }
    return true;
}

static bool aggregateLocal_side(stage *s, traverser *t, error *err)
{
    return aggregate_one(s, t, err);
}

bool build_aggregate(stage *s)
{
    machine *m = s->machine;
    TRY(build_scoped(s));
    TRY(text_arg(s, 0, "the name of a side effect", &s->key));
    if (s->is_local || str_eq(s->step->name, STR("store")))
        s->kind = &stage_aggregateLocal;
    side_effect *x = machine_side(m, s->key);
    if (!x->is_bag && x->has_initial && (!x->reducer.len || str_eq(x->reducer, STR("addAll"))) &&
        (x->initial.kind == VALUE_LIST || x->initial.kind == VALUE_SET))
        for (size_t i = 0; i < x->initial.list.count; i++)
            vec_push(m->arena, &x->items, x->initial.list.items[i]);
    x->is_bag = !x->reducer.len || str_eq(x->reducer, STR("addAll"));
    return true;
}

static bool cap_begin(stage *s, error *err)
{
    (void)s;
    (void)err;
    return true;
}

static bool cap_add(stage *s, const traverser *t, error *err)
{
    (void)s;
    (void)t;
    (void)err;
    return true;
}

static bool cap_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    *ret_has = true;
    if (s->arg_count == 1)
        return side_value(m, machine_side(m, s->args[0].literal.text), ret, err);
    value *keys = arena_array_of(m->arena, value, s->arg_count),
          *values = arena_array_of(m->arena, value, s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        keys[i] = s->args[i].literal;
        TRY(side_value(m, machine_side(m, keys[i].text), &values[i], err));
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, s->arg_count } };
    return true;
}

bool build_cap(stage *s)
{
    str name;
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(text_arg(s, i, "names of side effects", &name));
    return s->arg_count ? true : stage_fail(s, "cap() takes names of side effects");
}

/* ---- subgraph ---- */

typedef struct subgraph_state {
    value_table vertices, edges;
} subgraph_state;

static bool subgraph_one(stage *s, const traverser *t, error *err)
{
    machine *m = s->machine;
    subgraph_state *g = s->state;
    graph_ref ends[2];
    bool is_new;
    if (t->object.kind != VALUE_EDGE)
        return stage_fail(s, "subgraph() takes edges, and here stands %s",
                          gremlin_type_name(&t->object));
    TRY(graph_edge_vertices(m->graph, t->object.ref, &ends[0], &ends[1], err));
    value_table_at(m->arena, &g->edges, &t->object, &is_new);
    for (int i = 0; i < 2; i++) {
        value v = { .kind = VALUE_VERTEX, .ref = ends[i] };
        value_table_at(m->arena, &g->vertices, &v, &is_new);
    }
    return true;
}

static bool subgraph_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    subgraph_state *g = s->state;
    (void)err;
    size_t n = g->vertices.keys.count, all = n + g->edges.keys.count;
    value *items = arena_array_of(s->machine->arena, value, all + 1);
    for (size_t i = 0; i < all; i++)
        items[i] = i < n ? g->vertices.keys.items[i] : g->edges.keys.items[i - n];
    *ret = (value){ .kind = VALUE_GRAPH, .list = { items, all } };
    *ret_has = true;
    return true;
}

bool build_subgraph(stage *s)
{
    TRY(text_arg(s, 0, "the name of a side effect", &s->key));
    side_effect *x = machine_side(s->machine, s->key);
    s->state = x->owner && x->owner->kind == &stage_subgraph
                   ? x->owner->state
                   : arena_new_of(s->machine->arena, subgraph_state);
    x->owner = s;
    return true;
}

/* ---- inject, constant ---- */

static bool inject_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    for (*ret_has = true;
         queue_take(&s->starts, ret);) /* what a step around hands in comes first */
        if (!ret->is_dropped)
            return true;
    if (s->item_at < s->arg_count) {
        *ret = traverser_new(s->machine, s->args[s->item_at++].literal, 1);
        return true;
    }
    do
        TRY(stage_input(s, ret, ret_has, err));
    while (*ret_has && ret->is_dropped);
    return true;
}

bool build_inject(stage *s)
{
    for (size_t i = 0; i < s->arg_count; i++)
        if (s->args[i].kind != ARG_LITERAL)
            return stage_fail(s, "inject() takes values");
    return true;
}

static bool constant_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    (void)t;
    (void)err;
    *ret = s->args[0].literal;
    *ret_has = true;
    return true;
}

bool build_constant(stage *s)
{
    gremlin_argument *a;
    if (s->arg_count == 1 && s->args[0].kind == ARG_TOKEN) {
        a = arena_new_of(s->machine->arena, gremlin_argument);
        *a = gremlin_arg_value((value){ .kind = VALUE_TOKEN, .text = s->args[0].token });
        s->args = a;
    }
    return s->arg_count == 1 && s->args[0].kind == ARG_LITERAL
               ? true
               : stage_fail(s, "constant() takes a value");
}

/* ---- sack ---- */

static bool sack_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    (void)s;
    (void)err;
    *ret = t->has_sack ? t->sack : value_null();
    *ret_has = true;
    return true;
}

static bool sack_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    value v;
    TRY(gremlin_by(s, s->by.count ? &s->by.items[0] : NULL, t, &v, ret_keep, err));
    if (!*ret_keep)
        return true;
    value before = t->has_sack ? t->sack : value_null();
    t->has_sack = true;
    return gremlin_operate(s, s->args[0].token, &before, &v, &t->sack, err);
}

static const stage_kind stage_sackChange = { .name = "sack", .filter = sack_filter };

bool build_sack(stage *s)
{
    if (s->arg_count == 0)
        return true;
    if (s->args[0].kind != ARG_TOKEN)
        return stage_fail(s, "sack() takes an operator, e.g. sum");
    s->kind = &stage_sackChange;
    return true;
}

/* ---- select ---- */

typedef struct select_state {
    str pop;
    flow *key;
} select_state;

static bool select_one(stage *s, const traverser *t, str name, value *ret, bool *ret_has,
                       error *err)
{
    select_state *x = s->state;
    traverser found = *t;
    TRY(gremlin_scope(s, t, name, x->pop, &found.object, ret_has, err));
    if (!*ret_has)
        return true;
    return gremlin_by(s, gremlin_next_by(s), &found, ret, ret_has, err);
}

static bool select_key(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    select_state *x = s->state;
    value key;
    TRY(flow_apply(x->key, t, &key, ret_has, err));
    if (!*ret_has)
        return true;
    *ret_has = false;
    if (t->object.kind == VALUE_MAP)
        for (size_t i = 0; i < t->object.map.count && !*ret_has; i++)
            if (gremlin_equal(&t->object.map.keys[i], &key)) {
                traverser found = *t;
                found.object = t->object.map.values[i];
                return gremlin_by(s, gremlin_next_by(s), &found, ret, ret_has, err);
            }
    return key.kind == VALUE_STRING ? select_one(s, t, key.text, ret, ret_has, err) : true;
}

static bool select_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    select_state *x = s->state;
    s->by_at = 0;
    if (x->key)
        return select_key(s, t, ret, ret_has, err);
    if (s->arg_count == 1)
        return select_one(s, t, s->args[0].literal.text, ret, ret_has, err);
    value *keys = arena_array_of(m->arena, value, s->arg_count),
          *values = arena_array_of(m->arena, value, s->arg_count);
    size_t n = 0;
    for (size_t i = 0; i < s->arg_count; i++) {
        value key = s->args[i].literal;
        size_t at = 0; /* of a label named twice the last by() counts */
        while (at < n && !str_eq(keys[at].text, key.text))
            at++;
        keys[at] = key;
        TRY(select_one(s, t, key.text, &values[at], ret_has, err));
        if (!*ret_has)
            return true;
        n += at == n;
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, n } };
    return true;
}

static bool selectColumn_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    by_rule rule = { .kind = BY_COLUMN, .name = s->key };
    return gremlin_by(s, &rule, t, ret, ret_has, err);
}

bool build_select(stage *s)
{
    select_state *x = arena_new_of(s->machine->arena, select_state);
    s->state = x;
    if (s->arg_count == 1 && s->args[0].kind == ARG_TOKEN) {
        s->key = s->args[0].token;
        s->kind = &stage_selectColumn;
        return true;
    }
    if (s->arg_count && s->args[0].kind == ARG_TOKEN) {
        x->pop = s->args[0].token;
        s->args++;
        s->arg_count--;
    }
    if (s->arg_count == 1 && s->args[0].kind == ARG_TRAVERSAL) {
        TRY(machine_flow(s->machine, s->args[0].traversal, s, &x->key, s->machine->err));
        vec_push(s->machine->arena, &s->flows, x->key);
        return true;
    }
    str name;
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(text_arg(s, i, "labels, keys or values", &name));
    return s->arg_count ? true : stage_fail(s, "select() takes labels, keys or values");
}

/* ---- project ---- */

static bool project_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    value *keys = arena_array_of(m->arena, value, s->arg_count),
          *values = arena_array_of(m->arena, value, s->arg_count);
    size_t count = 0;
    s->by_at = 0;
    for (size_t i = 0; i < s->arg_count; i++) {
        bool has;
        TRY(gremlin_by(s, gremlin_next_by(s), t, &values[count], &has, err));
        keys[count] = s->args[i].literal;
        count += has;
    }
    *ret_has = true;
    *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, count } };
    return true;
}

bool build_project(stage *s)
{
    str name;
    for (size_t i = 0; i < s->arg_count; i++) {
        TRY(text_arg(s, i, "names", &name));
        for (size_t k = 0; k < i; k++)
            if (str_eq(s->args[k].literal.text, name))
                return stage_fail(s, "project() has the name '" STR_FMT "' twice", STR_ARG(name));
    }
    return s->arg_count ? true : stage_fail(s, "project() takes names");
}

/* ---- path ---- */

typedef struct path_bounds {
    str from, to;
} path_bounds;

static bool path_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    path_bounds *b = s->state;
    const path_node *p =
        b->from.len || b->to.len ? gremlin_path_part(m, t->path, b->from, b->to) : t->path;
    *ret = gremlin_path_value(m, p);
    *ret_has = true;
    s->by_at = 0;
    for (size_t i = 0; s->by.count && i < ret->list.count; i++) {
        traverser x = *t;
        x.object = ret->list.items[i];
        TRY(gremlin_by(s, gremlin_next_by(s), &x, &ret->list.items[i], ret_has, err));
        if (!*ret_has)
            return true;
    }
    return true;
}

bool build_path(stage *s)
{
    s->state = arena_new_of(s->machine->arena, path_bounds);
    return true;
}

/* ---- unfold, index ---- */

static bool unfold_flat(stage *s, const traverser *t, error *err)
{
    const value *o = &t->object;
    (void)err;
    switch (o->kind) {
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_PATH:
    case VALUE_GRAPH:
        for (size_t i = 0; i < o->list.count; i++)
            stage_give(s, o->list.items[i], 1);
        return true;
    case VALUE_MAP:
    case VALUE_TREE:
        for (size_t i = 0; i < o->map.count; i++)
            stage_give(
                s, (value){ .kind = VALUE_ENTRY, .map = { &o->map.keys[i], &o->map.values[i], 1 } },
                1);
        return true;
    default: stage_give(s, *o, 1); return true;
    }
}

static bool index_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    const value *o = &t->object;
    (void)err;
    bool is_list = o->kind == VALUE_LIST || o->kind == VALUE_SET || o->kind == VALUE_PATH;
    bool is_map = o->kind == VALUE_MAP;
    size_t count = is_list ? o->list.count : is_map ? o->map.count : 1;
    value *keys = arena_array_of(m->arena, value, count + 1),
          *values = arena_array_of(m->arena, value, count + 1);
    for (size_t i = 0; i < count; i++) {
        keys[i] = value_int32((int32_t)i);
        values[i] = is_list  ? o->list.items[i]
                    : is_map ? (value){ .kind = VALUE_ENTRY,
                                        .map = { &o->map.keys[i], &o->map.values[i], 1 } }
                             : *o;
    }
    *ret_has = true;
    if (s->low == 1) {
        *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, count } };
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        value *pair = arena_array_of(m->arena, value, 2);
        pair[0] = values[i];
        pair[1] = keys[i];
        values[i] = value_list(pair, 2);
    }
    *ret = value_list(values, count);
    return true;
}

bool build_index(stage *s)
{
    return s->arg_count ? stage_fail(s, "index() takes nothing; with(WithOptions.indexer, …) says "
                                        "what it gives")
                        : true;
}

/* ---- Ends ---- */

static bool hasNext_begin(stage *s, error *err)
{
    (void)err;
    s->low = 0;
    return true;
}

static bool hasNext_add(stage *s, const traverser *t, error *err)
{
    (void)t;
    (void)err;
    s->low = 1;
    return true;
}

static bool hasNext_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    (void)err;
    *ret = value_bool(s->low);
    *ret_has = true;
    return true;
}

const stage_kind stage_aggregate = { .name = "aggregate",
                                     .next = gather_next,
                                     .take = aggregate_one,
                                     .is_barrier = true },
                 stage_aggregateLocal = { .name = "aggregate", .side = aggregateLocal_side },
                 stage_cap = { .name = "cap",
                               .begin = cap_begin,
                               .add = cap_add,
                               .finish = cap_finish },
                 stage_subgraph = { .name = "subgraph",
                                    .next = gather_next,
                                    .take = subgraph_one,
                                    .is_barrier = true,
                                    .finish = subgraph_finish },
                 stage_inject = { .name = "inject", .next = inject_next },
                 stage_constant = { .name = "constant", .map = constant_map },
                 stage_sack = { .name = "sack", .map = sack_map },
                 stage_select = { .name = "select", .map = select_map },
                 stage_selectColumn = { .name = "select", .map = selectColumn_map },
                 stage_project = { .name = "project", .map = project_map },
                 stage_path = { .name = "path", .map = path_map },
                 stage_unfold = { .name = "unfold", .flat = unfold_flat },
                 stage_index = { .name = "index", .map = index_map },
                 stage_hasNext = { .name = "hasNext",
                                   .begin = hasNext_begin,
                                   .add = hasNext_add,
                                   .finish = hasNext_finish };
