/* Results as the Gremlin console shows them. */
#include "column/batch.h"
#include "exec/query.h"
#include "gremlin/gremlin.h"

static bool add_value(graph *g, strbuf *b, const value *v, error *err);

static bool add_edge(graph *g, strbuf *b, const value *v, error *err)
{
    graph_ref source, target;
    str id, from, to, label = graph_element_label(g, false, v->ref);
    TRY(graph_edge_vertices(g, v->ref, &source, &target, err));
    TRY(query_element_id(g, *v, b->arena, &id, err));
    TRY(query_element_id(g, (value){ .kind = VALUE_VERTEX, .ref = source }, b->arena, &from, err));
    TRY(query_element_id(g, (value){ .kind = VALUE_VERTEX, .ref = target }, b->arena, &to, err));
    strbuf_format(b, "e[" STR_FMT "][" STR_FMT "-" STR_FMT "->" STR_FMT "]", STR_ARG(id),
                  STR_ARG(from), STR_ARG(label), STR_ARG(to));
    return true;
}

static bool add_items(graph *g, strbuf *b, const value *items, size_t count, error *err)
{
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(b, i ? "," : "");
        TRY(add_value(g, b, &items[i], err));
    }
    strbuf_add_char(b, ']');
    return true;
}

static bool add_map(graph *g, strbuf *b, const value *v, error *err)
{
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < v->map.count; i++) {
        strbuf_add_c(b, i ? "," : "");
        TRY(add_value(g, b, &v->map.keys[i], err));
        strbuf_add_char(b, ':');
        TRY(add_value(g, b, &v->map.values[i], err));
    }
    strbuf_add_c(b, v->map.count ? "]" : ":]");
    return true;
}

static bool add_value(graph *g, strbuf *b, const value *v, error *err)
{
    switch (v->kind) {
    case VALUE_VERTEX: {
        str id;
        TRY(query_element_id(g, *v, b->arena, &id, err));
        strbuf_format(b, "v[" STR_FMT "]", STR_ARG(id));
        return true;
    }
    case VALUE_EDGE: return add_edge(g, b, v, err);
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_PATH: return add_items(g, b, v->list.items, v->list.count, err);
    case VALUE_MAP: return add_map(g, b, v, err);
    case VALUE_ENTRY:
    case VALUE_PROPERTY:
        TRY(add_value(g, b, &v->map.keys[0], err));
        strbuf_add_char(b, '=');
        return add_value(g, b, &v->map.values[0], err);
    case VALUE_NULL: strbuf_add_c(b, "null"); return true;
    default: {
        column c = { .type = COLUMN_VALUE, .data = v };
        strbuf_add(b, column_text(&c, b->arena, 0));
        return true;
    }
    }
}

bool gremlin_print(graph *g, arena *a, const value *v, str *ret_text, error *err)
{
    strbuf b = strbuf_new(a);
    TRY(add_value(g, &b, v, err));
    *ret_text = strbuf_str(&b);
    return true;
}
