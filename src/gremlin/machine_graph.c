/* Steps over the graph itself: V and E, moves along edges, properties, has. */
#include "gremlin/machine_rule.h"
#include "gremlin/machine_step.h"

/* ---- V and E ---- */

static bool give_element(stage *s, bool is_vertex, graph_ref r, error *err)
{
    value v = { .kind = is_vertex ? VALUE_VERTEX : VALUE_EDGE, .ref = r };
    bool sees;
    TRY(gremlin_can_see(s->machine, &v, &sees, err));
    if (sees)
        stage_give(s, v, 1);
    return true;
}

static bool give_by_id(stage *s, bool is_vertex, const value *id, error *err)
{
    machine *m = s->machine;
    graph_ref r;
    if (id->kind == VALUE_LIST || id->kind == VALUE_SET) {
        for (size_t i = 0; i < id->list.count; i++)
            TRY(give_by_id(s, is_vertex, &id->list.items[i], err));
        return true;
    }
    if (id->kind == (is_vertex ? VALUE_VERTEX : VALUE_EDGE))
        return graph_is_scratch(m->graph) && graph_is_deleted(m->graph, is_vertex, id->ref)
                   ? true
                   : give_element(s, is_vertex, id->ref, err);
    if (id->kind == VALUE_NULL)
        return true;
    if (graph_is_scratch(m->graph))
        return graph_scratch_find(m->graph, is_vertex, id, &r) ? give_element(s, is_vertex, r, err)
                                                               : true;
    plan_labels any = { .is_any = true };
    ref_list found = { 0 };
    TRY(refs_find(m->query, is_vertex, &any, gremlin_text_of(m, id), &found, err));
    for (size_t i = 0; i < found.count; i++)
        TRY(give_element(s, is_vertex, found.items[i], err));
    return true;
}

static bool give_all_vertices(stage *s, error *err)
{
    graph *g = s->machine->graph;
    for (size_t label = 0; label < graph_vertex_label_count(g); label++) {
        uint64_t limit;
        const uint32_t *rows;
        TRY(graph_vertex_id_limit(g, label, &limit, err));
        TRY(graph_vertex_rows(g, label, &rows, err));
        for (uint64_t i = 0; i < limit; i++)
            if (!rows || rows[i] != GRAPH_NO_ROW)
                TRY(give_element(s, true, graph_ref_of(label, i), err));
    }
    return true;
}

static bool give_all_edges(stage *s, error *err)
{
    graph *g = s->machine->graph;
    for (size_t label = 0; label < graph_edge_label_count(g); label++) {
        const graph_adjacency *x;
        TRY(graph_adjacency_get(g, label, &x, err));
        for (uint64_t i = 0; i < x->edge_count; i++)
            TRY(give_element(s, false, graph_ref_of(label, graph_adjacency_number(x, i)), err));
    }
    return true;
}

static bool elements(stage *s, bool is_vertex, error *err)
{
    if (s->arg_count == 0)
        return is_vertex ? give_all_vertices(s, err) : give_all_edges(s, err);
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(give_by_id(s, is_vertex, &s->args[i].literal, err));
    return true;
}

static bool V_flat(stage *s, const traverser *t, error *err)
{
    (void)t;
    return elements(s, true, err);
}

static bool E_flat(stage *s, const traverser *t, error *err)
{
    (void)t;
    return elements(s, false, err);
}

bool build_elements(stage *s)
{
    for (size_t i = 0; i < s->arg_count; i++)
        if (s->args[i].kind != ARG_LITERAL)
            return stage_fail(s, STR_FMT "() takes ids", STR_ARG(s->step->name));
    return true;
}

/* ---- Moves ---- */

typedef struct move {
    walk_direction direction;
    bool to_edges;
    str *labels;
    size_t label_count;
    bool has_labels;
} move;

static bool take_step(void *context, const value *edge, const value *vertex, uint64_t count)
{
    stage *s = context;
    machine *m = s->machine;
    move *x = s->state;
    bool sees = true;
    if (edge)
        TRY(gremlin_can_see(m, edge, &sees, m->err));
    if (sees && !x->to_edges)
        TRY(gremlin_can_see(m, vertex, &sees, m->err));
    if (sees)
        stage_give(s, x->to_edges ? *edge : *vertex, count);
    return true;
}

static bool move_flat(stage *s, const traverser *t, error *err)
{
    move *x = s->state;
    machine *m = s->machine;
    if (t->object.kind != VALUE_VERTEX)
        return stage_fail(s, STR_FMT "() takes a vertex, and here stands %s",
                          STR_ARG(s->step->name), gremlin_type_name(&t->object));
    if (x->has_labels && !x->label_count)
        return true;
    bool by_edge = x->to_edges || m->subgraph || m->partition;
    return gremlin_walk(m, t->object.ref, x->direction, x->labels, x->label_count, by_edge,
                        take_step, s, err);
}

bool build_move(stage *s)
{
    move *x = arena_new_of(s->machine->arena, move);
    str name = s->step->name;
    size_t first = 0;
    x->to_edges = str_ends_with(name, STR("E"));
    x->direction = str_starts_with(name, STR("out"))  ? WALK_OUT
                   : str_starts_with(name, STR("in")) ? WALK_IN
                                                      : WALK_BOTH;
    if (str_starts_with(name, STR("to")) && s->arg_count && s->args[0].kind == ARG_TOKEN) {
        x->direction = str_eq(s->args[0].token, STR("OUT"))  ? WALK_OUT
                       : str_eq(s->args[0].token, STR("IN")) ? WALK_IN
                                                             : WALK_BOTH;
        first = 1;
    }
    x->labels = arena_array_of(s->machine->arena, str, s->arg_count + 1);
    for (size_t i = first; i < s->arg_count; i++) {
        const gremlin_argument *a = &s->args[i];
        x->has_labels = true;
        if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_NULL)
            continue;
        if (a->kind != ARG_LITERAL || a->literal.kind != VALUE_STRING)
            return stage_fail(s, STR_FMT "() takes labels of edges", STR_ARG(name));
        x->labels[x->label_count++] = a->literal.text;
    }
    if (s->machine->reads_only_edges_with_labels && !x->has_labels)
        return stage_fail(s,
                          "The provided traversal contains a vertex step without any specified "
                          "edge label: " STR_FMT "()",
                          STR_ARG(name));
    s->state = x;
    return true;
}

static bool ends_flat(stage *s, const traverser *t, error *err)
{
    machine *m = s->machine;
    graph_ref from, to;
    str name = s->step->name;
    if (t->object.kind != VALUE_EDGE)
        return stage_fail(s, STR_FMT "() takes an edge, and here stands %s", STR_ARG(name),
                          gremlin_type_name(&t->object));
    TRY(graph_edge_vertices(m->graph, t->object.ref, &from, &to, err));
    bool wants_out = name.data[0] == 'o' || name.data[0] == 'b';
    bool wants_in = name.data[0] == 'i' || name.data[0] == 'b';
    if (name.data[0] == 't') {
        str token = s->args[0].token;
        wants_out = !str_eq(token, STR("IN"));
        wants_in = !str_eq(token, STR("OUT"));
    }
    if (wants_out)
        TRY(give_element(s, true, from, err));
    return wants_in ? give_element(s, true, to, err) : true;
}

bool build_toV(stage *s)
{
    return s->arg_count == 1 && s->args[0].kind == ARG_TOKEN
               ? true
               : stage_fail(s, "toV() takes OUT, IN or BOTH");
}

/* The end of an edge that the path does not come from. */
static bool otherV_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    graph_ref from, to;
    if (t->object.kind != VALUE_EDGE)
        return stage_fail(s, "otherV() takes an edge, and here stands %s",
                          gremlin_type_name(&t->object));
    TRY(graph_edge_vertices(s->machine->graph, t->object.ref, &from, &to, err));
    const path_node *p = t->path;
    while (p && p->object.kind != VALUE_VERTEX)
        p = p->before;
    graph_ref other = p && p->object.ref == from ? to : from;
    if (from == to)
        other = from;
    *ret = (value){ .kind = VALUE_VERTEX, .ref = other };
    return gremlin_can_see(s->machine, ret, ret_has, err);
}

/* ---- Parts of elements ---- */

static bool id_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    *ret_has = true;
    if (!gremlin_is_element(&t->object))
        return stage_fail(s, "id() takes vertices and edges, and here stands %s",
                          gremlin_type_name(&t->object));
    return gremlin_element_id(s->machine, &t->object, ret, err);
}

static bool label_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    (void)err;
    *ret_has = true;
    if (!gremlin_is_element(&t->object))
        return stage_fail(s, "label() takes vertices and edges, and here stands %s",
                          gremlin_type_name(&t->object));
    *ret = value_text(gremlin_element_label(s->machine, &t->object));
    return true;
}

static bool key_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    (void)err;
    *ret_has = true;
    if (t->object.kind != VALUE_PROPERTY)
        return stage_fail(s, STR_FMT "() takes properties, and here stands %s",
                          STR_ARG(s->step->name), gremlin_type_name(&t->object));
    *ret = s->step->name.data[0] == 'k' ? t->object.map.keys[0] : t->object.map.values[0];
    return true;
}

static bool element_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    (void)err;
    *ret_has = true;
    if (t->object.kind != VALUE_PROPERTY)
        return stage_fail(s, "element() takes properties, and here stands %s",
                          gremlin_type_name(&t->object));
    *ret = t->object.map.keys[1];
    return true;
}

typedef struct key_list {
    str *items;
    size_t count;
    bool has_any; /* named at all */
} key_list;

static bool read_keys(stage *s, size_t first, key_list *ret)
{
    ret->items = arena_array_of(s->machine->arena, str, s->arg_count + 1);
    for (size_t i = first; i < s->arg_count; i++) {
        const gremlin_argument *a = &s->args[i];
        ret->has_any = true;
        if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_NULL)
            continue;
        if (a->kind != ARG_LITERAL || a->literal.kind != VALUE_STRING)
            return stage_fail(s, STR_FMT "() takes names of properties", STR_ARG(s->step->name));
        ret->items[ret->count++] = a->literal.text;
    }
    return true;
}

bool build_keys(stage *s)
{
    key_list *keys = arena_new_of(s->machine->arena, key_list);
    s->state = keys;
    size_t first = 0;
    if (s->arg_count && s->args[0].kind == ARG_LITERAL && s->args[0].literal.kind == VALUE_BOOL) {
        s->low = s->args[0].literal.boolean ? 15 : 0;
        first = 1;
    }
    return read_keys(s, first, keys);
}

static bool give_value(void *context, str key, const value *v)
{
    (void)key;
    stage_give(context, *v, 1);
    return true;
}

static bool values_flat(stage *s, const traverser *t, error *err)
{
    const key_list *keys = s->state;
    machine *m = s->machine;
    if (t->object.kind == VALUE_PROPERTY)
        return true;
    if (t->object.kind != VALUE_VERTEX && t->object.kind != VALUE_EDGE)
        return stage_fail(s, "values() takes vertices and edges, and here stands %s",
                          gremlin_type_name(&t->object));
    if (!keys->has_any)
        return gremlin_each_property(m, &t->object, NULL, 0, give_value, s, err);
    for (size_t i = 0; i < keys->count; i++) {
        value v;
        bool has;
        TRY(gremlin_element_property(m, &t->object, keys->items[i], &v, &has, err));
        if (has)
            stage_give(s, v, 1);
    }
    return true;
}

static bool give_property(void *context, str key, const value *v)
{
    stage *s = context;
    stage_give(s, gremlin_property(s->machine, &s->head.object, key, *v), 1);
    return true;
}

static bool properties_flat(stage *s, const traverser *t, error *err)
{
    const key_list *keys = s->state;
    if (t->object.kind == VALUE_PROPERTY || (keys->has_any && !keys->count))
        return true;
    if (t->object.kind != VALUE_VERTEX && t->object.kind != VALUE_EDGE)
        return stage_fail(s, "properties() takes vertices and edges, and here stands %s",
                          gremlin_type_name(&t->object));
    return gremlin_each_property(s->machine, &t->object, keys->items, keys->count, give_property, s,
                                 err);
}

typedef struct map_builder {
    machine *machine;
    const value *element;
    VEC(value) keys;
    VEC(value) values;
    bool as_lists, as_properties;
} map_builder;

static void put(map_builder *b, value key, value v)
{
    vec_push(b->machine->arena, &b->keys, key);
    vec_push(b->machine->arena, &b->values, v);
}

static value token(const char *name)
{
    return (value){ .kind = VALUE_TOKEN, .text = str_of(name) };
}

static bool put_property(void *context, str key, const value *v)
{
    map_builder *b = context;
    value x = b->as_properties ? gremlin_property(b->machine, b->element, key, *v) : *v;
    put(b, value_text(key),
        b->as_lists ? value_list(arena_copy(b->machine->arena, &x, sizeof x), 1) : x);
    return true;
}

static bool put_tokens(map_builder *b, const value *e, int64_t which, error *err)
{
    value id;
    if (which & 1) {
        TRY(gremlin_element_id(b->machine, e, &id, err));
        put(b, token("id"), id);
    }
    if (e->kind == VALUE_PROPERTY) {
        if (which & 4)
            put(b, token("key"), e->map.keys[0]);
        if (which & 8)
            put(b, token("value"), e->map.values[0]);
    } else if (which & 2) {
        put(b, token("label"), value_text(gremlin_element_label(b->machine, e)));
    }
    return true;
}

static value done(map_builder *b)
{
    return (value){ .kind = VALUE_MAP, .map = { b->keys.items, b->values.items, b->keys.count } };
}

static bool put_end(map_builder *b, const char *direction, graph_ref r, error *err)
{
    value v = { .kind = VALUE_VERTEX, .ref = r };
    map_builder inner = { .machine = b->machine, .element = &v };
    TRY(put_tokens(&inner, &v, 3, err));
    put(b, token(direction), done(&inner));
    return true;
}

/* by() over the values, each in turn; a value that by() gives nothing for is left out. */
static bool by_values(stage *s, const traverser *t, map_builder *b, error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->keys.count; i++) {
        bool has = true;
        if (b->keys.items[i].kind != VALUE_TOKEN) {
            traverser x = *t;
            x.object = b->values.items[i];
            TRY(gremlin_by(s, gremlin_next_by(s), &x, &b->values.items[i], &has, err));
        }
        b->keys.items[kept] = b->keys.items[i];
        b->values.items[kept] = b->values.items[i];
        kept += has;
    }
    s->by_at = 0;
    b->keys.count = b->values.count = kept;
    return true;
}

/* valueMap(), propertyMap(), elementMap() */
static bool maps_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    const key_list *keys = s->state;
    char which = s->step->name.data[0];
    value o = t->object;
    map_builder b = { .machine = m, .element = &t->object };
    if (!gremlin_is_element(&o) && o.kind != VALUE_PROPERTY)
        return stage_fail(s, STR_FMT "() takes vertices and edges, and here stands %s",
                          STR_ARG(s->step->name), gremlin_type_name(&o));
    *ret_has = true;
    b.as_lists = which != 'e' && o.kind == VALUE_VERTEX;
    b.as_properties = which == 'p';
    TRY(put_tokens(&b, &o, which == 'e' ? 15 : s->low, err));
    if (which == 'e' && o.kind == VALUE_EDGE) {
        graph_ref from, to;
        TRY(graph_edge_vertices(m->graph, o.ref, &from, &to, err));
        TRY(put_end(&b, "IN", to, err));
        TRY(put_end(&b, "OUT", from, err));
    }
    if (!keys->has_any || keys->count)
        TRY(gremlin_each_property(m, &o, keys->items, keys->count, put_property, &b, err));
    if (s->by.count)
        TRY(by_values(s, t, &b, err));
    *ret = done(&b);
    return true;
}

/* ---- has ---- */

typedef enum has_part { HAS_KEY, HAS_ID, HAS_LABEL, HAS_PROPERTY_KEY, HAS_PROPERTY_VALUE } has_part;

typedef struct has_rule {
    has_part part;
    str key;
    const gremlin_argument *tests; /* any of these, or a predicate */
    size_t test_count;
    flow *flow;
    bool is_negated, exists_only, never;
} has_rule;

typedef VEC(has_rule) has_rules;

/* An id as tables have it, label[key], or its bare key. */
static bool id_meets(machine *m, const value *id, const value *wanted)
{
    if (gremlin_equal(id, wanted))
        return true;
    str a = gremlin_text_of(m, id), b = gremlin_text_of(m, wanted);
    if (str_eq(a, b))
        return true;
    ptrdiff_t bracket = str_find_char(a, '[');
    return !graph_is_scratch(m->graph) && bracket > 0 &&
           str_eq(str_slice(a, (size_t)bracket + 1, a.len - 1), b);
}

static bool id_passes(stage *s, const has_rule *r, const value *id, bool *ret, error *err)
{
    machine *m = s->machine;
    *ret = false;
    for (size_t i = 0; i < r->test_count; i++) {
        const gremlin_argument *a = &r->tests[i];
        if (a->kind == ARG_PREDICATE) {
            const predicate *p = a->predicate;
            bool is_within = str_eq(p->name, STR("within")) || str_eq(p->name, STR("eq"));
            bool is_without = str_eq(p->name, STR("without")) || str_eq(p->name, STR("neq"));
            if (!is_within && !is_without) {
                truth x;
                TRY(gremlin_test(s, p, id, &x, err));
                *ret |= x == TRUTH_TRUE;
                continue;
            }
            has_rule inner = { .tests = p->args, .test_count = p->arg_count };
            bool passes;
            TRY(id_passes(s, &inner, id, &passes, err));
            *ret |= passes == is_within;
            continue;
        }
        const value *v = &a->literal;
        if (v->kind == VALUE_LIST || v->kind == VALUE_SET) {
            for (size_t k = 0; k < v->list.count; k++) {
                value x = v->list.items[k];
                if (x.kind == VALUE_VERTEX || x.kind == VALUE_EDGE)
                    TRY(gremlin_element_id(m, &x, &x, err));
                *ret |= id_meets(m, id, &x);
            }
            continue;
        }
        value x = *v;
        if (x.kind == VALUE_VERTEX || x.kind == VALUE_EDGE)
            TRY(gremlin_element_id(m, &x, &x, err));
        *ret |= id_meets(m, id, &x);
    }
    return true;
}

static bool tests_pass(stage *s, const has_rule *r, const value *v, bool *ret, error *err)
{
    *ret = false;
    for (size_t i = 0; i < r->test_count; i++) {
        const gremlin_argument *a = &r->tests[i];
        truth x = TRUTH_FALSE;
        predicate eq = { .name = STR("eq"), .args = a, .arg_count = 1 };
        bool is_list = a->kind == ARG_LITERAL && r->part != HAS_KEY &&
                       (a->literal.kind == VALUE_LIST || a->literal.kind == VALUE_SET);
        if (is_list)
            eq.name = STR("within");
        TRY(gremlin_test(s, a->kind == ARG_PREDICATE ? a->predicate : &eq, v, &x, err));
        *ret |= x == TRUTH_TRUE;
    }
    return true;
}

static bool label_passes(stage *s, const has_rule *r, const value *v, bool *ret, error *err)
{
    machine *m = s->machine;
    str *names;
    size_t count = 1;
    str one = gremlin_element_label(m, v);
    names = &one;
    if (v->kind == VALUE_VERTEX && graph_is_scratch(m->graph))
        count = graph_vertex_labels(m->graph, v->ref, m->arena, &names);
    if (count == 0) {
        names = &one;
        count = 1;
    }
    *ret = false;
    for (size_t i = 0; i < count && !*ret; i++) {
        value label = value_text(names[i]);
        TRY(tests_pass(s, r, &label, ret, err));
    }
    return true;
}

static bool rule_passes(stage *s, const has_rule *r, const traverser *t, bool *ret, error *err)
{
    machine *m = s->machine;
    const value *o = &t->object;
    value v = value_null();
    bool has = true;
    *ret = false;
    if (r->never)
        return true;
    switch (r->part) {
    case HAS_ID:
        if (!gremlin_is_element(o))
            return true;
        TRY(gremlin_element_id(m, o, &v, err));
        return id_passes(s, r, &v, ret, err);
    case HAS_LABEL: return gremlin_is_element(o) ? label_passes(s, r, o, ret, err) : true;
    case HAS_PROPERTY_KEY:
    case HAS_PROPERTY_VALUE:
        if (o->kind != VALUE_PROPERTY)
            return true;
        v = r->part == HAS_PROPERTY_KEY ? o->map.keys[0] : o->map.values[0];
        return tests_pass(s, r, &v, ret, err);
    case HAS_KEY: break;
    }
    if (o->kind == VALUE_MAP) {
        TRY(element_property(m->query, *o, r->key, &v, err));
        has = v.kind != VALUE_NULL;
    } else if (gremlin_is_element(o) || o->kind == VALUE_PROPERTY) {
        TRY(gremlin_element_property(m, o, r->key, &v, &has, err));
    } else {
        return stage_fail(s, "has() takes vertices and edges, and here stands %s",
                          gremlin_type_name(o));
    }
    if (r->exists_only) {
        *ret = has != r->is_negated;
        return true;
    }
    if (!has)
        return true;
    if (!r->flow)
        return tests_pass(s, r, &v, ret, err);
    traverser x = *t;
    x.object = v;
    return flow_test(r->flow, &x, ret, err);
}

static bool has_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    has_rules *rules = s->state;
    *ret_keep = true;
    for (size_t i = 0; i < rules->count && *ret_keep; i++)
        TRY(rule_passes(s, &rules->items[i], t, ret_keep, err));
    return true;
}

static has_part part_of(const gremlin_argument *a)
{
    return str_eq(a->token, STR("id"))      ? HAS_ID
           : str_eq(a->token, STR("label")) ? HAS_LABEL
           : str_eq(a->token, STR("key"))   ? HAS_PROPERTY_KEY
                                            : HAS_PROPERTY_VALUE;
}

static bool build_has_key(stage *s, size_t at, has_rule *r)
{
    const gremlin_argument *a = &s->args[at];
    if (a->kind == ARG_TOKEN)
        r->part = part_of(a);
    else if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_STRING)
        r->key = a->literal.text;
    else if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_NULL)
        r->never = true;
    else
        return stage_fail(s, "has() takes the name of a property first");
    return true;
}

bool build_has(stage *s)
{
    machine *m = s->machine;
    has_rules *rules = arena_new_of(m->arena, has_rules);
    has_rule r = { .part = HAS_KEY };
    str name = s->step->name;
    s->state = rules;
    if (!str_eq(name, STR("has"))) {
        bool is_not = str_eq(name, STR("hasNot"));
        r.part = str_eq(name, STR("hasId"))      ? HAS_ID
                 : str_eq(name, STR("hasLabel")) ? HAS_LABEL
                 : str_eq(name, STR("hasKey"))   ? HAS_PROPERTY_KEY
                 : is_not                        ? HAS_KEY
                                                 : HAS_PROPERTY_VALUE;
        r.exists_only = r.is_negated = is_not;
        r.tests = s->args;
        r.test_count = s->arg_count;
        if (s->arg_count == 0)
            return stage_fail(s, STR_FMT "() takes values", STR_ARG(name));
        if (is_not)
            TRY(build_has_key(s, 0, &r));
        vec_push(m->arena, rules, r);
        return true;
    }
    if (s->arg_count == 0 || s->arg_count > 3)
        return stage_fail(s, "has() takes a name, and then a value, a predicate or a traversal");
    if (s->arg_count == 3) {
        has_rule label = { .part = HAS_LABEL, .tests = s->args, .test_count = 1 };
        vec_push(m->arena, rules, label);
    }
    size_t at = s->arg_count == 3;
    TRY(build_has_key(s, at, &r));
    r.exists_only = s->arg_count == 1;
    if (s->arg_count > 1) {
        r.tests = &s->args[at + 1];
        r.test_count = 1;
        if (r.tests->kind == ARG_TRAVERSAL) {
            TRY(machine_flow(m, r.tests->traversal, s, &r.flow, m->err));
            vec_push(m->arena, &s->flows, r.flow);
        }
    }
    vec_push(m->arena, rules, r);
    return true;
}

const stage_kind stage_V = { .name = "V", .flat = V_flat },
                 stage_E = { .name = "E", .flat = E_flat },
                 stage_move = { .name = "out", .flat = move_flat },
                 stage_ends = { .name = "outV", .flat = ends_flat },
                 stage_otherV = { .name = "otherV", .map = otherV_map },
                 stage_id = { .name = "id", .map = id_map },
                 stage_label = { .name = "label", .map = label_map },
                 stage_key = { .name = "key", .map = key_map },
                 stage_element = { .name = "element", .map = element_map },
                 stage_values = { .name = "values", .flat = values_flat },
                 stage_properties = { .name = "properties", .flat = properties_flat },
                 stage_maps = { .name = "valueMap", .map = maps_map },
                 stage_has = { .name = "has", .filter = has_filter };
