/* A label as a relation in SQL: what a plan is translated to, and what another engine can run. */
#include "graph/internal.h"

/* 'label[' || key || ']' */
static void add_reference(strbuf *b, str label, str key)
{
    strbuf_add_sql_text(b, str_concat(b->arena, label, STR("[")));
    strbuf_format(b, " || " STR_FMT " || ']'", STR_ARG(key));
}

static void add_properties(strbuf *b, const label_rows *rows, const source *s, const graph_label *l)
{
    for (size_t i = 0; i < l->property_count; i++) {
        const schema_column *c = source_property(rows, i, s, l->properties[i].name);
        strbuf_add_c(b, ", ");
        if (c && c->name.len)
            strbuf_add(b, source_column_sql(b->arena, c));
        else
            strbuf_add_c(b, "NULL");
        strbuf_add_c(b, l->properties[i].type == COLUMN_INT32 ? "::BIGINT AS " : " AS ");
        strbuf_add_sql_name(b, l->properties[i].name);
    }
}

static bool add_source(graph *g, strbuf *b, const label_rows *rows, const graph_label *l,
                       size_t number, bool is_vertex, error *err)
{
    const source *s = &rows->sources[number];
    const schema_label *x = rows->schema;
    arena *a = b->arena;
    strbuf inner = strbuf_new(a);
    str relation, id = source_key_sql(s, a, s->schema->id, x->id_count);
    if (is_vertex) {
        add_reference(&inner, l->name, id);
        strbuf_add_c(&inner, " AS \"ref\"");
    } else {
        if (x->id_count)
            add_reference(&inner, l->name, id);
        else
            strbuf_add_c(&inner, "NULL::VARCHAR");
        strbuf_add_c(&inner, " AS \"id\", ");
        add_reference(&inner, graph_vertex_label(g, l->from_label)->name,
                      source_key_sql(s, a, s->schema->from, x->from_count));
        strbuf_add_c(&inner, " AS \"from\", ");
        add_reference(&inner, graph_vertex_label(g, l->to_label)->name,
                      source_key_sql(s, a, s->schema->to, x->to_count));
        strbuf_add_c(&inner, " AS \"to\"");
    }
    add_properties(&inner, rows, s, l);
    TRY(source_sql(s, a, &s->scan, strbuf_str(&inner), &relation, err));
    strbuf_format(b, "%sSELECT *, %zu AS \"_source\" FROM " STR_FMT, number ? " UNION ALL " : "",
                  number, STR_ARG(relation));
    return true;
}

bool graph_relation_sql(graph *g, bool is_vertex, size_t label, arena *a, str *ret_sql, error *err)
{
    const graph_label *l = is_vertex ? graph_vertex_label(g, label) : graph_edge_label(g, label);
    const label_rows *rows = is_vertex ? &g->vertices[label].rows : &g->edges[label].rows;
    strbuf b = strbuf_new(a);
    if (is_vertex)
        strbuf_add_c(&b, "SELECT DISTINCT ON (\"ref\") * FROM (");
    else
        strbuf_format(&b,
                      "SELECT *, ((%zu * 32 + \"_source\")::BIGINT << %d) + "
                      "(\"_file_index\" << 32) + \"_pos\" AS \"ref\" FROM (",
                      label, GRAPH_RELATION_EDGE_SHIFT - 5);
    for (size_t i = 0; i < rows->schema->source_count; i++)
        TRY(add_source(g, &b, rows, l, i, is_vertex, err));
    /* of rows with one vertex key the first counts; of edges those whose ends are both known */
    strbuf_add_c(&b, is_vertex ? ") WHERE \"ref\" IS NOT NULL ORDER BY \"ref\", \"_source\", "
                                 "\"_file_index\", \"_pos\""
                               : ") WHERE \"from\" IS NOT NULL AND \"to\" IS NOT NULL");
    *ret_sql = strbuf_str(&b);
    return true;
}
