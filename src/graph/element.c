/* What is asked of one vertex or edge, be it of tables or of a scratch graph. */
#include "graph/scratch.h"

static str label_name(struct scratch *s, bool is_vertex, graph_ref r)
{
    uint64_t number = graph_ref_number(r);
    str name = STR("");
    scratch_lock(s);
    if (!is_vertex)
        name = s->labels[0].items[graph_ref_label(r)]->name;
    else if (number < s->vertices.count && s->vertices.items[number].labels.count)
        name = s->labels[1].items[s->vertices.items[number].labels.items[0]]->name;
    scratch_unlock(s);
    return name;
}

str graph_element_label(graph *g, bool is_vertex, graph_ref r)
{
    if (g->scratch)
        return label_name(g->scratch, is_vertex, r);
    return is_vertex ? graph_vertex_label(g, graph_ref_label(r))->name
                     : graph_edge_label(g, graph_ref_label(r))->name;
}

size_t graph_vertex_labels(graph *g, graph_ref r, arena *a, str **ret_names)
{
    struct scratch *s = g->scratch;
    if (!s) {
        *ret_names = arena_new_of(a, str);
        **ret_names = graph_element_label(g, true, r);
        return 1;
    }
    uint64_t number = graph_ref_number(r);
    scratch_lock(s);
    size_t count = number < s->vertices.count ? s->vertices.items[number].labels.count : 0;
    *ret_names = arena_array_of(a, str, count + 1);
    for (size_t i = 0; i < count; i++)
        (*ret_names)[i] = s->labels[1].items[s->vertices.items[number].labels.items[i]]->name;
    scratch_unlock(s);
    return count;
}

bool graph_vertex_has_label(graph *g, graph_ref r, size_t label)
{
    struct scratch *s = g->scratch;
    if (!s)
        return graph_ref_label(r) == label;
    uint64_t number = graph_ref_number(r);
    bool has_it = false;
    scratch_lock(s);
    for (size_t i = 0; number < s->vertices.count && i < s->vertices.items[number].labels.count;
         i++)
        has_it |= s->vertices.items[number].labels.items[i] == label;
    scratch_unlock(s);
    return has_it;
}

bool graph_edge_vertices(graph *g, graph_ref edge, graph_ref *ret_from, graph_ref *ret_to,
                         error *err)
{
    struct scratch *s = g->scratch;
    uint64_t number = graph_ref_number(edge);
    if (!s) {
        const graph_adjacency *x;
        uint32_t from, to;
        const graph_label *l = graph_edge_label(g, graph_ref_label(edge));
        TRY(graph_adjacency_get(g, graph_ref_label(edge), &x, err));
        graph_edge_ends(x, number, &from, &to);
        *ret_from = graph_ref_of(l->from_label, from);
        *ret_to = graph_ref_of(l->to_label, to);
        return true;
    }
    scratch_lock(s);
    bool is_known = number < s->edges.count;
    if (is_known) {
        *ret_from = graph_ref_of(0, s->edges.items[number].from);
        *ret_to = graph_ref_of(0, s->edges.items[number].to);
    }
    scratch_unlock(s);
    return is_known ? true : fail(err, ERR_NOT_FOUND, "the edge was deleted");
}
