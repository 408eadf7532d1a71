/* Vertices, edges and their properties, as a machine sees them: through SubgraphStrategy and
 * PartitionStrategy, where these are on. */
#include "gremlin/machine_rule.h"

bool gremlin_is_element(const value *v)
{
    return v->kind == VALUE_VERTEX || v->kind == VALUE_EDGE ||
           (v->kind == VALUE_PROPERTY && v->map.keys[1].kind == VALUE_VERTEX);
}

bool gremlin_element_id(machine *m, const value *v, value *ret, error *err)
{
    if (v->kind != VALUE_PROPERTY)
        return element_id(m->query, *v, ret, err);
    value owner;
    TRY(element_id(m->query, v->map.keys[1], &owner, err));
    *ret = value_text(str_format(m->arena, STR_FMT "." STR_FMT, STR_ARG(gremlin_text_of(m, &owner)),
                                 STR_ARG(v->map.keys[0].text)));
    return true;
}

str gremlin_element_label(machine *m, const value *v)
{
    if (v->kind == VALUE_PROPERTY)
        return v->map.keys[0].text;
    str label = graph_element_label(m->graph, v->kind == VALUE_VERTEX, v->ref);
    return label.len || v->kind == VALUE_EDGE ? label : STR("vertex");
}

static bool partition_sees(machine *m, const value *v, bool *ret, error *err)
{
    const partition_rule *p = m->partition;
    value part;
    size_t at;
    TRY(element_property(m->query, *v, p->key, &part, err));
    *ret = part.kind == VALUE_STRING && value_table_has(&p->read, &part, &at);
    return true;
}

bool gremlin_can_see(machine *m, const value *v, bool *ret_sees, error *err)
{
    subgraph_rule *r = m->subgraph;
    graph_ref from, to;
    *ret_sees = true;
    if (m->partition && (v->kind == VALUE_VERTEX || v->kind == VALUE_EDGE))
        TRY(partition_sees(m, v, ret_sees, err));
    if (!r || r->is_busy || !*ret_sees)
        return true;
    flow *test = v->kind == VALUE_VERTEX ? r->vertices : v->kind == VALUE_EDGE ? r->edges : NULL;
    if (v->kind == VALUE_EDGE && r->vertices && r->checks_adjacent) {
        TRY(graph_edge_vertices(m->graph, v->ref, &from, &to, err));
        value ends[2] = { { .kind = VALUE_VERTEX, .ref = from },
                          { .kind = VALUE_VERTEX, .ref = to } };
        for (int i = 0; i < 2 && *ret_sees; i++)
            TRY(gremlin_can_see(m, &ends[i], ret_sees, err));
    }
    if (!test || !*ret_sees)
        return true;
    traverser t = traverser_new(m, *v, 1);
    r->is_busy = true;
    bool works = flow_test(test, &t, ret_sees, err);
    r->is_busy = false;
    return works;
}

/* Whether SubgraphStrategy lets a vertex's property be seen. */
static bool sees_property(machine *m, const value *element, str key, const value *v, bool *ret,
                          error *err)
{
    subgraph_rule *r = m->subgraph;
    *ret = true;
    if (!r || r->is_busy || !r->properties || element->kind != VALUE_VERTEX)
        return true;
    value p = gremlin_property(m, element, key, *v);
    traverser t = traverser_new(m, p, 1);
    r->is_busy = true;
    bool works = flow_test(r->properties, &t, ret, err);
    r->is_busy = false;
    return works;
}

value gremlin_property(machine *m, const value *element, str key, value v)
{
    value *keys = arena_array_of(m->arena, value, 2), *values = arena_new_of(m->arena, value);
    keys[0] = value_text(key);
    keys[1] = *element;
    *values = v;
    return (value){ .kind = VALUE_PROPERTY, .map = { keys, values, 1 } };
}

bool gremlin_element_property(machine *m, const value *v, str key, value *ret, bool *ret_has,
                              error *err)
{
    *ret = value_null();
    *ret_has = false;
    if (v->kind == VALUE_PROPERTY)
        return true;
    if (m->partition && str_eq(key, m->partition->key) && 0)
        return true;
    TRY(element_property(m->query, *v, key, ret, err));
    *ret_has = ret->kind != VALUE_NULL;
    return *ret_has ? sees_property(m, v, key, ret, ret_has, err) : true;
}

/* A column of the key is the id and no property, unless it is asked for by name. */
static bool is_key(machine *m, const value *e, str name)
{
    if (graph_is_scratch(m->graph))
        return false;
    const graph_label *l = e->kind == VALUE_VERTEX
                               ? graph_vertex_label(m->graph, graph_ref_label(e->ref))
                               : graph_edge_label(m->graph, graph_ref_label(e->ref));
    for (size_t i = 0; i < l->property_count; i++)
        if (str_eq(l->properties[i].name, name))
            return l->properties[i].is_id;
    return false;
}

bool gremlin_each_property(machine *m, const value *element, const str *keys, size_t key_count,
                           bool (*take)(void *context, str key, const value *v), void *context,
                           error *err)
{
    str *names;
    size_t count;
    if (element->kind != VALUE_VERTEX && element->kind != VALUE_EDGE)
        return true;
    count = element_key_names(m->query, *element, &names);
    for (size_t i = 0; i < count; i++) {
        value v;
        bool is_wanted = key_count == 0, has;
        for (size_t k = 0; k < key_count; k++)
            is_wanted |= str_eq(keys[k], names[i]);
        if (!is_wanted || (key_count == 0 && is_key(m, element, names[i])))
            continue;
        TRY(gremlin_element_property(m, element, names[i], &v, &has, err));
        if (has && !take(context, names[i], &v))
            return false;
    }
    return true;
}

/* ---- Walking ---- */

typedef struct walk {
    machine *machine;
    bool (*take)(void *context, const value *edge, const value *vertex, uint64_t count);
    void *context;
    error *err;
} walk;

static bool walk_label(walk *w, graph_ref vertex, size_t label, bool is_in, bool by_edge)
{
    graph *g = w->machine->graph;
    const graph_label *l = graph_edge_label(g, label);
    const graph_adjacency *x;
    uint64_t number = graph_ref_number(vertex);
    if ((is_in ? l->to_label : l->from_label) != graph_ref_label(vertex))
        return true;
    TRY(graph_adjacency_get(g, label, &x, w->err));
    if (number >= (is_in ? x->target_count : x->source_count))
        return true;
    const uint64_t *offsets = is_in ? x->in_offsets : x->out_offsets;
    for (uint64_t p = offsets[number]; p < offsets[number + 1]; p++) {
        uint64_t pair = is_in ? x->in_pairs[p] : p;
        uint32_t other = is_in ? x->in_sources[p] : x->out_targets[p];
        value v = { .kind = VALUE_VERTEX,
                    .ref = graph_ref_of(is_in ? l->from_label : l->to_label, other) };
        uint64_t first = x->edge_offsets[pair], end = x->edge_offsets[pair + 1];
        if (!by_edge) {
            TRY(w->take(w->context, NULL, &v, end - first));
            continue;
        }
        for (uint64_t e = first; e < end; e++) {
            value edge = { .kind = VALUE_EDGE,
                           .ref = graph_ref_of(label, graph_adjacency_number(x, e)) };
            TRY(w->take(w->context, &edge, &v, 1));
        }
    }
    return true;
}

bool gremlin_walk(machine *m, graph_ref vertex, walk_direction d, const str *labels,
                  size_t label_count, bool by_edge,
                  bool (*take)(void *context, const value *edge, const value *vertex,
                               uint64_t count),
                  void *context, error *err)
{
    walk w = { m, take, context, err };
    size_t count = graph_edge_label_count(m->graph);
    for (int in = 0; in < 2; in++) {
        if ((in && d == WALK_OUT) || (!in && d == WALK_IN))
            continue;
        for (size_t label = 0; label < count; label++) {
            bool is_wanted = label_count == 0;
            for (size_t i = 0; i < label_count && !is_wanted; i++)
                is_wanted = str_eq(labels[i], graph_edge_label(m->graph, label)->name);
            if (is_wanted)
                TRY(walk_label(&w, vertex, label, in, by_edge));
        }
    }
    return true;
}
