/* Values as openCypher writes them. */
#include "base/vec.h"
#include "column/temporal.h"
#include "cypher/cypher.h"
#include "exec/query.h"

static bool print(graph *g, const value *v, strbuf *out, error *err);

static void print_text(str s, strbuf *out)
{
    strbuf_add_char(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\'' || s.data[i] == '\\')
            strbuf_add_char(out, '\\');
        strbuf_add_char(out, s.data[i]);
    }
    strbuf_add_char(out, '\'');
}

static bool print_pairs(graph *g, const value *keys, const value *values, size_t count, strbuf *out,
                        error *err)
{
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(out, i ? ", " : "");
        if (keys[i].kind == VALUE_STRING)
            strbuf_add(out, keys[i].text);
        else
            TRY(print(g, &keys[i], out, err));
        strbuf_add_c(out, ": ");
        TRY(print(g, &values[i], out, err));
    }
    strbuf_add_char(out, '}');
    return true;
}

static bool print_properties(graph *g, const value *v, strbuf *out, error *err)
{
    VEC(value) keys = { 0 }, values = { 0 };
    bool is_vertex = v->kind == VALUE_VERTEX;
    arena *a = out->arena;
    if (graph_is_scratch(g)) {
        str *names;
        size_t count = graph_scratch_keys(g, is_vertex, v->ref, a, &names);
        for (size_t i = 0; i < count; i++) {
            vec_push(a, &keys, value_text(names[i]));
            vec_push(a, &values, graph_scratch_property(g, is_vertex, v->ref, names[i], a));
        }
    } else {
        size_t label = graph_ref_label(v->ref);
        uint64_t number = graph_ref_number(v->ref);
        const graph_label *l =
            is_vertex ? graph_vertex_label(g, label) : graph_edge_label(g, label);
        for (size_t i = 0; i < l->property_count; i++) {
            const graph_column *c;
            TRY(is_vertex ? graph_vertex_column(g, label, i, &c, err)
                          : graph_edge_column(g, label, i, &c, err));
            value x = number < c->count ? graph_column_value(c, number, a) : value_null();
            if (x.kind == VALUE_NULL)
                continue;
            vec_push(a, &keys, value_text(l->properties[i].name));
            vec_push(a, &values, x);
        }
    }
    if (keys.count == 0)
        return true;
    strbuf_add_c(out, " ");
    return print_pairs(g, keys.items, values.items, keys.count, out, err);
}

static bool print_vertex(graph *g, const value *v, strbuf *out, error *err)
{
    str *names;
    size_t count = graph_vertex_labels(g, v->ref, out->arena, &names);
    strbuf_add_char(out, '(');
    for (size_t i = 0; i < count; i++)
        strbuf_format(out, ":" STR_FMT, STR_ARG(names[i]));
    TRY(print_properties(g, v, out, err));
    strbuf_add_char(out, ')');
    return true;
}

static bool print_edge(graph *g, const value *v, strbuf *out, error *err)
{
    strbuf_format(out, "[:" STR_FMT, STR_ARG(graph_element_label(g, false, v->ref)));
    TRY(print_properties(g, v, out, err));
    strbuf_add_char(out, ']');
    return true;
}

static bool print_path(graph *g, const value *v, strbuf *out, error *err)
{
    strbuf_add_char(out, '<');
    for (size_t i = 0; i < v->list.count; i++) {
        graph_ref from, to;
        bool is_edge = i % 2 == 1, is_forward = false;
        if (is_edge) {
            TRY(graph_edge_vertices(g, v->list.items[i].ref, &from, &to, err));
            is_forward = from == v->list.items[i - 1].ref;
            strbuf_add_c(out, is_forward ? "-" : "<-");
        }
        TRY(print(g, &v->list.items[i], out, err));
        if (is_edge)
            strbuf_add_c(out, is_forward ? "->" : "-");
    }
    strbuf_add_char(out, '>');
    return true;
}

static bool print(graph *g, const value *v, strbuf *out, error *err)
{
    switch (v->kind) {
    case VALUE_NULL: strbuf_add_c(out, "null"); return true;
    case VALUE_STRING:
    case VALUE_UUID: print_text(v->text, out); return true;
    case VALUE_DOUBLE: strbuf_format(out, "%.17g", v->real); return true;
    case VALUE_VERTEX: return print_vertex(g, v, out, err);
    case VALUE_EDGE: return print_edge(g, v, out, err);
    case VALUE_PATH: return print_path(g, v, out, err);
    case VALUE_MAP: return print_pairs(g, v->map.keys, v->map.values, v->map.count, out, err);
    case VALUE_LIST:
    case VALUE_SET:
        strbuf_add_char(out, '[');
        for (size_t i = 0; i < v->list.count; i++) {
            strbuf_add_c(out, i ? ", " : "");
            TRY(print(g, &v->list.items[i], out, err));
        }
        strbuf_add_char(out, ']');
        return true;
    default: break;
    }
    strbuf b = strbuf_new(out->arena);
    if (temporal_print(v, &b)) {
        print_text(strbuf_str(&b), out);
        return true;
    }
    column c = { .type = COLUMN_VALUE, .data = v };
    strbuf_add(out, column_text(&c, out->arena, 0));
    return true;
}

bool cypher_print(graph *g, const value *v, strbuf *out, error *err)
{
    return print(g, v, out, err);
}
