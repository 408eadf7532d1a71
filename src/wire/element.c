/* Reading vertices and edges. */
#include "wire/element.h"

#include "base/arena.h"
#include "exec/query.h"

typedef struct label_columns {
    const graph_column **columns;
} label_columns;

struct element_reader {
    graph *graph;
    arena *arena;
    label_columns *labels[2]; /* of edges, of vertices; columns NULL: not looked up yet */
    uint64_t ticket;
};

element_reader *element_reader_new(arena *a, graph *g)
{
    element_reader *r = arena_new_of(a, element_reader);
    *r = (element_reader){ .graph = g, .arena = a };
    r->ticket = graph_enter(g);
    if (graph_is_scratch(g))
        return r;
    r->labels[0] = arena_array_of(a, label_columns, graph_edge_label_count(g));
    r->labels[1] = arena_array_of(a, label_columns, graph_vertex_label_count(g));
    return r;
}

void element_reader_done(element_reader *r)
{
    graph_leave(r->graph, r->ticket);
}

graph *element_reader_graph(const element_reader *r)
{
    return r->graph;
}

bool wire_element_id(element_reader *r, value element, arena *a, value *ret_id, error *err)
{
    str text;
    if (graph_is_scratch(r->graph)) {
        *ret_id = graph_scratch_id(r->graph, element.kind == VALUE_VERTEX, element.ref, a);
        return true;
    }
    TRY(query_element_id(r->graph, element, a, &text, err));
    *ret_id = value_text(text);
    return true;
}

bool wire_element_id_text(element_reader *r, value element, arena *a, str *ret_id, error *err)
{
    return query_element_id(r->graph, element, a, ret_id, err);
}

bool wire_element_ends(element_reader *r, value edge, value *ret_from, value *ret_to, error *err)
{
    graph_ref from, to;
    TRY(graph_edge_vertices(r->graph, edge.ref, &from, &to, err));
    *ret_from = (value){ .kind = VALUE_VERTEX, .ref = from };
    *ret_to = (value){ .kind = VALUE_VERTEX, .ref = to };
    return true;
}

static void scratch_properties_of(element_reader *r, value element, arena *a,
                                  struct value_pairs *ret)
{
    bool is_vertex = element.kind == VALUE_VERTEX;
    str *keys;
    size_t count = graph_scratch_keys(r->graph, is_vertex, element.ref, a, &keys);
    ret->keys = arena_array_of(a, value, count);
    ret->values = arena_array_of(a, value, count);
    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        value v = graph_scratch_property(r->graph, is_vertex, element.ref, keys[i], a);
        if (v.kind == VALUE_NULL)
            continue;
        ret->keys[ret->count] = value_text(keys[i]);
        ret->values[ret->count++] = v;
    }
}

static bool columns_of(element_reader *r, bool is_vertex, size_t label, const graph_label *l,
                       const graph_column ***ret, error *err)
{
    label_columns *known = &r->labels[is_vertex][label];
    if (!known->columns) {
        const graph_column **columns =
            arena_array_of(r->arena, const graph_column *, l->property_count + 1);
        for (size_t i = 0; i < l->property_count; i++)
            TRY(is_vertex ? graph_vertex_column(r->graph, label, i, &columns[i], err)
                          : graph_edge_column(r->graph, label, i, &columns[i], err));
        known->columns = columns;
    }
    *ret = known->columns;
    return true;
}

bool wire_element_properties(element_reader *r, value element, arena *a, struct value_pairs *ret,
                             error *err)
{
    bool is_vertex = element.kind == VALUE_VERTEX;
    const graph_column **columns;
    if (graph_is_scratch(r->graph)) {
        scratch_properties_of(r, element, a, ret);
        return true;
    }
    size_t label = graph_ref_label(element.ref);
    uint64_t number = graph_ref_number(element.ref);
    const graph_label *l =
        is_vertex ? graph_vertex_label(r->graph, label) : graph_edge_label(r->graph, label);
    TRY(columns_of(r, is_vertex, label, l, &columns, err));
    ret->keys = arena_array_of(a, value, l->property_count);
    ret->values = arena_array_of(a, value, l->property_count);
    ret->count = 0;
    for (size_t i = 0; i < l->property_count; i++) {
        value v =
            number < columns[i]->count ? graph_column_value(columns[i], number, a) : value_null();
        if (v.kind == VALUE_NULL)
            continue;
        ret->keys[ret->count] = value_text(l->properties[i].name);
        ret->values[ret->count++] = v;
    }
    return true;
}
