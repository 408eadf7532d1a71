/* Where the labels of a graph schema come from: tables and their columns, for lineage. */
#include "base/vec.h"
#include "graph/internal.h"

typedef VEC(graph_origin) origins;

static void add(origins *o, arena *a, const schema_source *s, graph_origin of, str property,
                const schema_column *column)
{
    if (column->name.len == 0)
        return;
    of.catalog = s->catalog;
    of.namespace = s->namespace;
    of.table = s->table;
    of.property = property;
    of.column = column->is_expression ? STR("") : column->name;
    of.expression = column->name;
    vec_push(a, o, of);
}

static void add_label(origins *o, arena *a, const schema_label *l, bool is_vertex)
{
    const graph_origin of = { .label = l->label, .is_vertex = is_vertex };
    for (size_t i = 0; i < l->source_count; i++) {
        const schema_source *s = &l->sources[i];
        for (size_t k = 0; k < l->id_count; k++)
            add(o, a, s, of, l->id_names ? l->id_names[k] : s->id[k].name, &s->id[k]);
        for (size_t k = 0; k < l->from_count; k++)
            add(o, a, s, of, STR("~from"), &s->from[k]);
        for (size_t k = 0; k < l->to_count; k++)
            add(o, a, s, of, STR("~to"), &s->to[k]);
        for (size_t k = 0; k < l->property_count; k++)
            add(o, a, s, of, l->properties[k].name, &s->columns[k]);
    }
}

bool graph_schema_origins(arena *a, str json, str name, const graph_origin **ret, size_t *ret_count,
                          error *err)
{
    schema s;
    origins found = { 0 };
    TRY(schema_parse(a, json, name, &s, err));
    for (size_t i = 0; i < s.vertex_count; i++)
        add_label(&found, a, &s.vertices[i], true);
    for (size_t i = 0; i < s.edge_count; i++)
        add_label(&found, a, &s.edges[i], false);
    *ret = found.items;
    *ret_count = found.count;
    return true;
}
