/* Steps that change a scratch graph: addV, addE, property, drop, mergeV, mergeE. */
#include "gremlin/machine_rule.h"
#include "gremlin/machine_step.h"

/* ---- What is common ---- */

static const value *literal_of(const gremlin_argument *a)
{
    return a->kind == ARG_LITERAL ? &a->literal : NULL;
}

/* An argument's value for a traverser: itself, a token, or the first of a traversal. */
typedef struct change_arg {
    const gremlin_argument *arg;
    flow *flow;
} change_arg;

static bool read_arg(stage *s, const gremlin_argument *a, change_arg *ret)
{
    *ret = (change_arg){ .arg = a };
    if (a->kind != ARG_TRAVERSAL)
        return true;
    TRY(machine_flow(s->machine, a->traversal, s, &ret->flow, s->machine->err));
    vec_push(s->machine->arena, &s->flows, ret->flow);
    return true;
}

static bool arg_value(const change_arg *x, const traverser *t, value *ret, bool *ret_has,
                      error *err)
{
    *ret_has = true;
    if (x->flow)
        return flow_apply(x->flow, t, ret, ret_has, err);
    *ret = x->arg->kind == ARG_TOKEN ? (value){ .kind = VALUE_TOKEN, .text = x->arg->token }
                                     : x->arg->literal;
    return true;
}

static value plain(value v)
{
    bool is_cardinality = v.kind == VALUE_ENTRY && v.map.keys[0].kind == VALUE_TOKEN;
    return is_cardinality ? v.map.values[0] : v;
}

static bool check_key(const stage *s, str key)
{
    const reserved_rule *r = s->machine->reserved;
    if (str_starts_with(key, STR("~")))
        return stage_fail(s, "Property key can not be a hidden key: " STR_FMT, STR_ARG(key));
    for (size_t i = 0; r && r->throws && i < r->count; i++)
        if (str_eq(r->keys[i], key))
            return stage_fail(s,
                              "The provided traversal is setting a property key to a reserved "
                              "word: " STR_FMT,
                              STR_ARG(key));
    return true;
}

static bool check_label(const stage *s, const value *label)
{
    if (label->kind != VALUE_STRING)
        return stage_fail(s, "Label can not be null: " STR_FMT "() takes a text",
                          STR_ARG(s->step->name));
    if (str_starts_with(label->text, STR("~")))
        return stage_fail(s, "Label can not be a hidden key: " STR_FMT, STR_ARG(label->text));
    if (!label->text.len)
        return stage_fail(s, "Label can not be empty");
    return true;
}

static bool set_property(stage *s, const value *e, str key, const value *v, error *err)
{
    TRY(check_key(s, key));
    return graph_set_property(s->machine->graph, e->kind == VALUE_VERTEX, e->ref, key, v, err);
}

static bool set_partition(stage *s, const value *e, error *err)
{
    const partition_rule *p = s->machine->partition;
    if (!p || !p->write.len)
        return true;
    value part = value_text(p->write);
    return graph_set_property(s->machine->graph, e->kind == VALUE_VERTEX, e->ref, p->key, &part,
                              err);
}

/* ---- addV, addE and their properties ---- */

typedef struct change_state {
    change_arg label, from, to;
    bool has_label, has_from, has_to;
    VEC(change_arg) keys; /* properties that belong to the new element */
    VEC(change_arg) values;
    /* merge: */
    change_arg merge, on_create, on_match, out_v, in_v;
    bool has_merge, has_create, has_match, has_out, has_in;
} change_state;

static bool find_vertex(stage *s, const value *v, graph_ref *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    (void)err;
    *ret_has = true;
    if (v->kind == VALUE_VERTEX) {
        *ret = v->ref;
        *ret_has = !graph_is_deleted(m->graph, true, v->ref);
        return true;
    }
    bool is_id = v->kind == VALUE_INT || v->kind == VALUE_STRING || v->kind == VALUE_UUID ||
                 v->kind == VALUE_DOUBLE;
    *ret_has = is_id && graph_scratch_find(m->graph, true, v, ret);
    return true;
}

/* Properties given to the new element, T.id among them by itself. */
static bool new_id(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    change_state *x = s->state;
    *ret_has = false;
    for (size_t i = 0; i < x->keys.count; i++) {
        value key;
        bool has;
        TRY(arg_value(&x->keys.items[i], t, &key, &has, err));
        if (key.kind == VALUE_TOKEN && str_eq(key.text, STR("id")))
            TRY(arg_value(&x->values.items[i], t, ret, ret_has, err));
    }
    return true;
}

static bool set_new(stage *s, const traverser *t, const value *e, error *err)
{
    change_state *x = s->state;
    for (size_t i = 0; i < x->keys.count; i++) {
        value key, v;
        bool has;
        TRY(arg_value(&x->keys.items[i], t, &key, &has, err));
        if (!has || key.kind != VALUE_STRING)
            continue;
        TRY(arg_value(&x->values.items[i], t, &v, &has, err));
        v = plain(v);
        if (has)
            TRY(set_property(s, e, key.text, &v, err));
    }
    return set_partition(s, e, err);
}

/* T.label among the properties takes the place of the label. */
static bool new_label(stage *s, const traverser *t, const char *otherwise, value *ret, error *err)
{
    change_state *x = s->state;
    bool has = true;
    *ret = value_text(str_of(otherwise));
    if (x->has_label) {
        TRY(arg_value(&x->label, t, ret, &has, err));
        if (!has)
            *ret = value_null();
    }
    for (size_t i = 0; i < x->keys.count; i++) {
        const gremlin_argument *a = x->keys.items[i].arg;
        if (a->kind == ARG_TOKEN && str_eq(a->token, STR("label")))
            TRY(arg_value(&x->values.items[i], t, ret, &has, err));
    }
    return check_label(s, ret);
}

static bool addV_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    value label, id;
    bool has_id;
    graph_ref r;
    TRY(new_label(s, t, "vertex", &label, err));
    TRY(new_id(s, t, &id, &has_id, err));
    TRY(graph_add_vertex(m->graph, &label.text, 1, has_id ? &id : NULL, &r, err));
    *ret = (value){ .kind = VALUE_VERTEX, .ref = r };
    *ret_has = true;
    return set_new(s, t, ret, err);
}

static bool end_of(stage *s, const change_arg *x, bool has_arg, const traverser *t,
                   const char *name, graph_ref *ret, error *err)
{
    value v = t->object;
    bool has = true;
    if (has_arg && x->arg->kind == ARG_LITERAL && x->arg->literal.kind == VALUE_STRING)
        TRY(gremlin_scope(s, t, x->arg->literal.text, STR("last"), &v, &has, err));
    else if (has_arg)
        TRY(arg_value(x, t, &v, &has, err));
    if (!has || (has_arg && v.kind == VALUE_NULL))
        return stage_fail(s,
                          "The value given to addE().%s() must resolve to a Vertex or the ID of "
                          "a Vertex present in the graph. The provided value does not match any "
                          "vertices in the graph",
                          name);
    TRY(find_vertex(s, &v, ret, &has, err));
    return has ? true
               : stage_fail(s,
                            "The value given to addE().%s() must resolve to a Vertex or the ID "
                            "of a Vertex present in the graph. The provided value does not match "
                            "any vertices in the graph: %s",
                            name, gremlin_type_name(&v));
}

static bool addE_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    change_state *x = s->state;
    graph_ref from, to, r;
    value label, id;
    bool has_id;
    TRY(new_label(s, t, "edge", &label, err));
    TRY(end_of(s, &x->to, x->has_to, t, "to", &to, err));
    TRY(end_of(s, &x->from, x->has_from, t, "from", &from, err));
    TRY(new_id(s, t, &id, &has_id, err));
    TRY(graph_add_edge(m->graph, label.text, from, to, has_id ? &id : NULL, &r, err));
    *ret = (value){ .kind = VALUE_EDGE, .ref = r };
    *ret_has = true;
    return set_new(s, t, ret, err);
}

/* Changes wait for everything before them, so that what is read is what was there. */
static bool add_each(stage *s, traverser *ret, bool *ret_has, error *err)
{
    traverser t;
    value v;
    bool has_value;
    if (s->head.bulk > 0 && s->has_run) {
        t = s->head;
    } else {
        TRY(stage_input(s, &t, ret_has, err));
        if (!*ret_has)
            return true;
    }
    TRY(s->kind == &stage_addV ? addV_map(s, &t, &v, &has_value, err)
                               : addE_map(s, &t, &v, &has_value, err));
    s->head = t;
    s->head.bulk = t.bulk - 1;
    s->has_run = s->head.bulk > 0;
    t.bulk = 1;
    *ret = traverser_split(s->machine, &t, v);
    *ret_has = true;
    return true;
}

static change_state *new_state(stage *s)
{
    s->machine->changes = true;
    s->state = arena_new_of(s->machine->arena, change_state);
    return s->state;
}

bool build_addV(stage *s)
{
    change_state *x = new_state(s);
    x->has_label = s->arg_count > 0;
    if (x->has_label && literal_of(&s->args[0]) && literal_of(&s->args[0])->kind == VALUE_STRING)
        TRY(check_label(s, literal_of(&s->args[0])));
    return x->has_label ? read_arg(s, &s->args[0], &x->label) : true;
}

bool build_addE(stage *s)
{
    if (!s->arg_count)
        return stage_fail(s, "addE() takes a label");
    return build_addV(s);
}

/* from() and to() behind addE(), path(), simplePath() and cyclicPath(). */
bool modulate_from(stage *s, const step *x)
{
    bool is_from = str_eq(x->name, STR("from"));
    if (x->arg_count != 1)
        return stage_fail(s, STR_FMT "() takes one argument", STR_ARG(x->name));
    if (s->kind == &stage_path || s->kind == &stage_simplePath) {
        str *bounds = s->state; /* from, to */
        if (x->args[0].kind != ARG_LITERAL || x->args[0].literal.kind != VALUE_STRING)
            return stage_fail(s, STR_FMT "() takes a label", STR_ARG(x->name));
        bounds[!is_from] = x->args[0].literal.text;
        return true;
    }
    stage *last = s;
    while (s && s->kind == &stage_property)
        s = s->before;
    if (!s || s->kind != &stage_addE)
        return stage_fail(last, "from() and to() stand behind addE()");
    change_state *c = s->state;
    *(is_from ? &c->has_from : &c->has_to) = true;
    return read_arg(s, &x->args[0], is_from ? &c->from : &c->to);
}

/* ---- property ---- */

static bool property_side(stage *s, traverser *t, error *err)
{
    change_state *x = s->state;
    machine *m = s->machine;
    value key, v;
    bool has;
    if (t->object.kind != VALUE_VERTEX && t->object.kind != VALUE_EDGE)
        return stage_fail(s,
                          "property() takes vertices and edges, and here stands %s: properties "
                          "of properties are not kept",
                          gremlin_type_name(&t->object));
    for (size_t i = 0; i < x->keys.count; i++) {
        TRY(arg_value(&x->keys.items[i], t, &key, &has, err));
        if (key.kind == VALUE_MAP) {
            for (size_t k = 0; k < key.map.count; k++) {
                value one = plain(key.map.values[k]);
                if (key.map.keys[k].kind == VALUE_STRING)
                    TRY(set_property(s, &t->object, key.map.keys[k].text, &one, err));
            }
            continue;
        }
        if (!has || key.kind != VALUE_STRING)
            return stage_fail(s, "property() takes the name of a property, and a value");
        TRY(arg_value(&x->values.items[i], t, &v, &has, err));
        v = plain(v);
        if (!has)
            v = value_null();
        if (v.kind == VALUE_VERTEX || v.kind == VALUE_EDGE || v.kind == VALUE_PATH)
            return stage_fail(s, "property() takes plain values, and here stands %s",
                              gremlin_type_name(&v));
        TRY(graph_is_deleted(m->graph, t->object.kind == VALUE_VERTEX, t->object.ref)
                ? true
                : set_property(s, &t->object, key.text, &v, err));
    }
    return true;
}

static bool is_cardinality(const gremlin_argument *a)
{
    return a->kind == ARG_TOKEN && (str_eq(a->token, STR("single")) ||
                                    str_eq(a->token, STR("set")) || str_eq(a->token, STR("list")));
}

/* property() straight behind addV() and addE() belongs to them: T.id must be known before. */
bool build_property(stage *s)
{
    machine *m = s->machine;
    size_t at = s->arg_count && is_cardinality(&s->args[0]);
    static const gremlin_argument nothing = { .kind = ARG_LITERAL };
    m->changes = true;
    if (s->arg_count <= at)
        return stage_fail(s, "property() takes the name of a property, and a value");
    if (s->arg_count > at + 2)
        return stage_fail(s, "properties of properties are not kept by this graph");
    const gremlin_argument *key = &s->args[at];
    const gremlin_argument *v = s->arg_count > at + 1 ? &s->args[at + 1] : &nothing;
    bool is_null_map =
        s->arg_count == at + 1 && key->kind == ARG_LITERAL && key->literal.kind == VALUE_NULL;
    if (key->kind == ARG_LITERAL && key->literal.kind == VALUE_STRING)
        TRY(check_key(s, key->literal.text));
    stage *owner = s->before;
    bool is_new = owner && (owner->kind == &stage_addV || owner->kind == &stage_addE) &&
                  !owner->labels.count && !s->starts.count &&
                  (key->kind == ARG_TOKEN || (s->arg_count > at + 1 && key->kind == ARG_LITERAL));
    change_state *x = new_state(s);
    if (is_new)
        x = owner->state;
    if (is_null_map)
        return true;
    change_arg k, w;
    TRY(read_arg(is_new ? owner : s, key, &k));
    TRY(read_arg(is_new ? owner : s, v, &w));
    vec_push(m->arena, &x->keys, k);
    vec_push(m->arena, &x->values, w);
    if (is_new) { /* the stage itself has nothing left to do */
        s->flow->last = owner;
    }
    return true;
}

/* ---- drop ---- */

static bool drop_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    machine *m = s->machine;
    value *o = &t->object;
    *ret_keep = false;
    if (o->kind == VALUE_PROPERTY) {
        value none = value_null(), owner = o->map.keys[1];
        return graph_set_property(m->graph, owner.kind == VALUE_VERTEX, owner.ref,
                                  o->map.keys[0].text, &none, err);
    }
    if (o->kind != VALUE_VERTEX && o->kind != VALUE_EDGE)
        return stage_fail(s, "drop() takes vertices, edges and properties, and here stands %s",
                          gremlin_type_name(o));
    return graph_delete(m->graph, o->kind == VALUE_VERTEX, o->ref, true, err);
}

bool build_drop(stage *s)
{
    s->machine->changes = true;
    return true;
}

/* ---- mergeV, mergeE ---- */

static const value *map_get(const value *map, value_kind kind, const char *key)
{
    for (size_t i = 0; map->kind == VALUE_MAP && i < map->map.count; i++)
        if (map->map.keys[i].kind == kind && str_eq(map->map.keys[i].text, str_of(key)))
            return &map->map.values[i];
    return NULL;
}

static bool check_merge_map(stage *s, const value *map, bool is_match)
{
    str name = s->step->name;
    bool is_edge = s->kind == &stage_mergeE;
    if (map->kind == VALUE_NULL)
        return true;
    if (map->kind != VALUE_MAP)
        return stage_fail(s, STR_FMT "() takes a map, and here stands %s", STR_ARG(name),
                          gremlin_type_name(map));
    for (size_t i = 0; i < map->map.count; i++) {
        const value *k = &map->map.keys[i], *v = &map->map.values[i];
        bool is_end =
            k->kind == VALUE_TOKEN && (str_eq(k->text, STR("OUT")) || str_eq(k->text, STR("IN")));
        bool is_token =
            k->kind == VALUE_TOKEN && (str_eq(k->text, STR("id")) || str_eq(k->text, STR("label")));
        if (is_match && k->kind != VALUE_STRING)
            return stage_fail(s, "option(onMatch) expects keys in Map to be of String - check: %s",
                              gremlin_type_name(k));
        if (k->kind == VALUE_STRING) {
            TRY(check_key(s, k->text));
            continue;
        }
        if (!is_token && !(is_end && is_edge))
            return stage_fail(s,
                              STR_FMT "() and option(onCreate) args expect keys in Map to be "
                                      "either String or %s - check: " STR_FMT,
                              STR_ARG(name), is_edge ? "[id, label, OUT, IN]" : "[id, label]",
                              STR_ARG(k->kind == VALUE_TOKEN ? k->text : STR("value")));
        if (v->kind == VALUE_NULL)
            return stage_fail(s, STR_FMT "() does not allow null Map values - check: " STR_FMT,
                              STR_ARG(name), STR_ARG(k->text));
        if (is_token && str_eq(k->text, STR("label"))) {
            if (v->kind != VALUE_STRING)
                return stage_fail(s,
                                  STR_FMT "() and option(onCreate) args expect T.label value to "
                                          "be of String - found: %s",
                                  STR_ARG(name), gremlin_type_name(v));
            TRY(check_label(s, v));
        }
        if (is_end && v->kind == VALUE_TOKEN &&
            !str_eq(v->text, str_eq(k->text, STR("OUT")) ? STR("outV") : STR("inV")))
            return stage_fail(
                s, "Only Merge.%s token may be used for Direction." STR_FMT ", found: " STR_FMT,
                str_eq(k->text, STR("OUT")) ? "outV" : "inV", STR_ARG(k->text), STR_ARG(v->text));
    }
    return true;
}

static bool merge_map_of(stage *s, const change_arg *x, bool has_arg, const traverser *t,
                         bool is_match, value *ret, error *err)
{
    bool has = true;
    *ret = (value){ .kind = VALUE_MAP };
    if (has_arg)
        TRY(arg_value(x, t, ret, &has, err));
    else
        *ret = t->object;
    if (!has || ret->kind == VALUE_NULL)
        *ret = (value){ .kind = VALUE_MAP };
    if (!is_match && s->machine->partition && s->machine->partition->write.len) {
        value_table table = { 0 };
        bool is_new;
        value key = value_text(s->machine->partition->key);
        for (size_t i = 0; ret->kind == VALUE_MAP && i < ret->map.count; i++) {
            size_t at = value_table_at(s->machine->arena, &table, &ret->map.keys[i], &is_new);
            table.values.items[at] = ret->map.values[i];
        }
        size_t at = value_table_at(s->machine->arena, &table, &key, &is_new);
        table.values.items[at] = value_text(s->machine->partition->write);
        *ret = (value){ .kind = VALUE_MAP,
                        .map = { table.keys.items, table.values.items, table.keys.count } };
    }
    return check_merge_map(s, ret, is_match);
}

/* Whether an element has the label, id and properties of the map. */
static bool meets(stage *s, const value *e, const value *map, bool *ret, error *err)
{
    machine *m = s->machine;
    *ret = true;
    TRY(gremlin_can_see(m, e, ret, err));
    for (size_t i = 0; i < map->map.count && *ret; i++) {
        const value *k = &map->map.keys[i];
        value wanted = plain(map->map.values[i]), v = value_null();
        if (k->kind == VALUE_STRING) {
            bool has;
            TRY(gremlin_element_property(m, e, k->text, &v, &has, err));
            *ret = has && gremlin_equal(&v, &wanted);
        } else if (str_eq(k->text, STR("id"))) {
            TRY(gremlin_element_id(m, e, &v, err));
            *ret = gremlin_equal(&v, &wanted) ||
                   str_eq(gremlin_text_of(m, &v), gremlin_text_of(m, &wanted));
        } else if (str_eq(k->text, STR("label"))) {
            *ret = str_eq(gremlin_element_label(m, e), wanted.text);
        } else if (e->kind == VALUE_EDGE) {
            graph_ref from, to, end;
            bool has;
            TRY(graph_edge_vertices(m->graph, e->ref, &from, &to, err));
            TRY(find_vertex(s, &wanted, &end, &has, err));
            *ret = has && end == (str_eq(k->text, STR("OUT")) ? from : to);
        }
    }
    return true;
}

static bool find_meeting(stage *s, bool is_vertex, const value *map, value_table *found, error *err)
{
    machine *m = s->machine;
    graph *g = m->graph;
    bool is_new, passes;
    size_t labels = is_vertex ? 1 : graph_edge_label_count(g);
    for (size_t label = 0; label < labels; label++) {
        uint64_t limit;
        const uint32_t *rows = NULL;
        const graph_adjacency *x = NULL;
        if (is_vertex) {
            if (!graph_vertex_label_count(g))
                return true;
            TRY(graph_vertex_id_limit(g, 0, &limit, err));
            TRY(graph_vertex_rows(g, 0, &rows, err));
        } else {
            TRY(graph_adjacency_get(g, label, &x, err));
            limit = x->edge_count;
        }
        for (uint64_t i = 0; i < limit; i++) {
            if (rows && rows[i] == GRAPH_NO_ROW)
                continue;
            value e = { .kind = is_vertex ? VALUE_VERTEX : VALUE_EDGE,
                        .ref = graph_ref_of(label, is_vertex ? i : graph_adjacency_number(x, i)) };
            TRY(meets(s, &e, map, &passes, err));
            if (passes)
                value_table_at(m->arena, found, &e, &is_new);
        }
    }
    return true;
}

/* Merge.outV and Merge.inV, and vertices, in the place of the ends. */
static bool resolve_ends(stage *s, const traverser *t, value *map, error *err)
{
    machine *m = s->machine;
    change_state *x = s->state;
    value *values = arena_copy(m->arena, map->map.values, map->map.count * sizeof(value));
    map->map.values = values;
    for (size_t i = 0; i < map->map.count; i++) {
        const value *k = &map->map.keys[i];
        if (k->kind != VALUE_TOKEN || values[i].kind != VALUE_TOKEN)
            continue;
        bool is_out = str_eq(k->text, STR("OUT")), has;
        const char *name = is_out ? "outV" : "inV";
        if (!(is_out ? x->has_out : x->has_in))
            return stage_fail(s, "option(%s) must be specified if it is used for " STR_FMT, name,
                              STR_ARG(k->text));
        TRY(arg_value(is_out ? &x->out_v : &x->in_v, t, &values[i], &has, err));
        if (has && values[i].kind == VALUE_MAP) {
            value_table found = { 0 };
            TRY(find_meeting(s, true, &values[i], &found, err));
            has = found.keys.count > 0;
            if (has)
                values[i] = found.keys.items[0];
        }
        if (!has)
            return stage_fail(s, "Could not resolve vertex for option(%s)", name);
        if (values[i].kind != VALUE_VERTEX)
            return stage_fail(s, "Vertex could not be resolved from mergeE: %s",
                              gremlin_type_name(&values[i]));
    }
    return true;
}

static bool check_overrides(stage *s, const value *merge, const value *create)
{
    for (size_t i = 0; i < create->map.count; i++)
        for (size_t k = 0; k < merge->map.count; k++)
            if (value_equal(&create->map.keys[i], &merge->map.keys[k]) &&
                !value_equal(&create->map.values[i], &merge->map.values[k]))
                return stage_fail(s,
                                  "option(onCreate) cannot override values from merge() "
                                  "argument: (" STR_FMT ")",
                                  STR_ARG(create->map.keys[i].text));
    return true;
}

static bool create_merged(stage *s, const value *map, value *ret, error *err)
{
    machine *m = s->machine;
    bool is_vertex = s->kind == &stage_mergeV;
    const value *id = map_get(map, VALUE_TOKEN, "id"), *label = map_get(map, VALUE_TOKEN, "label");
    str name = label ? label->text : is_vertex ? STR("vertex") : STR("edge");
    graph_ref r, ends[2];
    if (is_vertex) {
        TRY(graph_add_vertex(m->graph, &name, 1, id, &r, err));
    } else {
        static const char *const keys[] = { "OUT", "IN" };
        for (int i = 0; i < 2; i++) {
            bool has;
            const value *end = map_get(map, VALUE_TOKEN, keys[i]);
            if (!end)
                return stage_fail(s, "%s Vertex not specified in onCreate - edge cannot be created",
                                  i ? "In" : "Out");
            TRY(find_vertex(s, end, &ends[i], &has, err));
            if (!has)
                return stage_fail(s, "Vertex id could not be resolved from mergeE: " STR_FMT,
                                  STR_ARG(gremlin_text_of(m, end)));
        }
        TRY(graph_add_edge(m->graph, name, ends[0], ends[1], id, &r, err));
    }
    *ret = (value){ .kind = is_vertex ? VALUE_VERTEX : VALUE_EDGE, .ref = r };
    for (size_t i = 0; i < map->map.count; i++) {
        value v = plain(map->map.values[i]);
        if (map->map.keys[i].kind == VALUE_STRING)
            TRY(set_property(s, ret, map->map.keys[i].text, &v, err));
    }
    return set_partition(s, ret, err);
}

static bool set_matched(stage *s, const traverser *t, const value *e, error *err)
{
    change_state *x = s->state;
    value map;
    traverser on = *t;
    on.object = *e;
    TRY(merge_map_of(s, &x->on_match, true, &on, true, &map, err));
    for (size_t i = 0; i < map.map.count; i++) {
        value v = plain(map.map.values[i]);
        TRY(set_property(s, e, map.map.keys[i].text, &v, err));
    }
    return true;
}

static bool merge_flat(stage *s, const traverser *t, error *err)
{
    machine *m = s->machine;
    change_state *x = s->state;
    bool is_vertex = s->kind == &stage_mergeV;
    value map, create, made;
    value_table found = { 0 };
    traverser in = *t;
    if (in.is_dropped)
        in.object = value_bool(false);
    TRY(merge_map_of(s, &x->merge, x->has_merge, &in, false, &map, err));
    value unresolved = map;
    if (!is_vertex)
        TRY(resolve_ends(s, &in, &map, err));
    if (x->has_match && !x->on_match.flow)
        TRY(merge_map_of(s, &x->on_match, true, &in, true, &create, err));
    TRY(find_meeting(s, is_vertex, &map, &found, err));
    for (size_t i = 0; i < found.keys.count; i++) {
        if (x->has_match)
            TRY(set_matched(s, &in, &found.keys.items[i], err));
        stage_give(s, found.keys.items[i], 1);
    }
    if (found.keys.count)
        return true;
    if (x->has_create) {
        TRY(merge_map_of(s, &x->on_create, true, &in, false, &create, err));
        TRY(check_overrides(s, &unresolved, &create));
        value_table all = { 0 };
        const value *both[2] = { &create, &map };
        for (int k = 0; k < 2; k++)
            for (size_t i = 0; i < both[k]->map.count; i++) {
                bool is_new;
                size_t at = value_table_at(m->arena, &all, &both[k]->map.keys[i], &is_new);
                all.values.items[at] = both[k]->map.values[i];
            }
        map = (value){ .kind = VALUE_MAP,
                       .map = { all.keys.items, all.values.items, all.keys.count } };
        if (!is_vertex)
            TRY(resolve_ends(s, &in, &map, err));
    }
    TRY(create_merged(s, &map, &made, err));
    stage_give(s, made, 1);
    return true;
}

bool build_merge(stage *s)
{
    change_state *x = new_state(s);
    x->has_merge = s->arg_count > 0;
    if (!x->has_merge)
        return true;
    const value *v = literal_of(&s->args[0]);
    if (v)
        TRY(check_merge_map(s, v, false));
    return read_arg(s, &s->args[0], &x->merge);
}

bool modulate_merge_option(stage *s, const step *x)
{
    change_state *c = s->state;
    static const char *const names[] = { "onCreate", "onMatch", "outV", "inV" };
    change_arg *args[] = { &c->on_create, &c->on_match, &c->out_v, &c->in_v };
    bool *flags[] = { &c->has_create, &c->has_match, &c->has_out, &c->has_in };
    if (x->arg_count < 2 || x->args[0].kind != ARG_TOKEN)
        return stage_fail(s, "option() takes onCreate, onMatch, outV or inV, and a map or a "
                             "traversal");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_eq(x->args[0].token, str_of(names[i])))
            continue;
        const value *v = literal_of(&x->args[1]);
        *flags[i] = true;
        if (v && i < 2)
            TRY(check_merge_map(s, v, i == 1));
        if (v && i == 0 && v->kind == VALUE_MAP && c->has_merge && literal_of(c->merge.arg) &&
            literal_of(c->merge.arg)->kind == VALUE_MAP)
            TRY(check_overrides(s, literal_of(c->merge.arg), v));
        return read_arg(s, &x->args[1], args[i]);
    }
    return stage_fail(s, "Option " STR_FMT " for Merge is not supported",
                      STR_ARG(x->args[0].token));
}

const stage_kind stage_addV = { .name = "addV", .next = add_each },
                 stage_addE = { .name = "addE", .next = add_each },
                 stage_property = { .name = "property", .side = property_side },
                 stage_drop = { .name = "drop", .filter = drop_filter },
                 stage_mergeV = { .name = "mergeV", .flat = merge_flat },
                 stage_mergeE = { .name = "mergeE", .flat = merge_flat };
