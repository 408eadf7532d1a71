/* The GraphSON 3 writer. */
#include "wire/graphson.h"

#include "column/temporal.h"

#include <math.h>

#include "base/clock.h"
#include "exec/query.h"

static void begin(json_writer *w, const char *type)
{
    json_put_object_begin(w);
    json_put_key(w, STR("@type"));
    json_put_text(w, str_of(type));
    json_put_key(w, STR("@value"));
}

static void put_typed_int(json_writer *w, const char *type, int64_t number)
{
    begin(w, type);
    json_put_int(w, number);
    json_put_object_done(w);
}

static void put_typed_text(json_writer *w, const char *type, str text)
{
    begin(w, type);
    json_put_text(w, text);
    json_put_object_done(w);
}

static void put_double(json_writer *w, double x, const char *type)
{
    begin(w, type);
    if (isnan(x) || isinf(x))
        json_put_text(w, isnan(x) ? STR("NaN") : x < 0 ? STR("-Infinity") : STR("Infinity"));
    else
        json_put_double(w, x);
    json_put_object_done(w);
}

static bool put_items(json_writer *w, graph *g, const char *type, const value *items, size_t count,
                      error *err)
{
    begin(w, type);
    json_put_array_begin(w);
    for (size_t i = 0; i < count; i++)
        TRY(graphson_write(w, g, &items[i], err));
    json_put_array_done(w);
    json_put_object_done(w);
    return true;
}

/* Keys and values by turns. */
static bool put_map(json_writer *w, graph *g, const value *v, error *err)
{
    begin(w, "g:Map");
    json_put_array_begin(w);
    for (size_t i = 0; i < v->map.count; i++) {
        TRY(graphson_write(w, g, &v->map.keys[i], err));
        TRY(graphson_write(w, g, &v->map.values[i], err));
    }
    json_put_array_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_id(json_writer *w, graph *g, const char *member, value element, error *err)
{
    str id;
    json_put_key(w, str_of(member));
    if (graph_is_scratch(g)) {
        value own = graph_scratch_id(g, element.kind == VALUE_VERTEX, element.ref, w->out->arena);
        return graphson_write(w, g, &own, err);
    }
    TRY(query_element_id(g, element, w->out->arena, &id, err));
    json_put_text(w, id);
    return true;
}

static void put_member(json_writer *w, const char *member, str text)
{
    json_put_key(w, str_of(member));
    json_put_text(w, text);
}

static bool put_vertex(json_writer *w, graph *g, const value *v, error *err)
{
    begin(w, "g:Vertex");
    json_put_object_begin(w);
    TRY(put_id(w, g, "id", *v, err));
    put_member(w, "label", graph_element_label(g, true, v->ref));
    json_put_object_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_edge(json_writer *w, graph *g, const value *v, error *err)
{
    value from = { .kind = VALUE_VERTEX }, to = { .kind = VALUE_VERTEX };
    TRY(graph_edge_vertices(g, v->ref, &from.ref, &to.ref, err));
    begin(w, "g:Edge");
    json_put_object_begin(w);
    TRY(put_id(w, g, "id", *v, err));
    put_member(w, "label", graph_element_label(g, false, v->ref));
    put_member(w, "inVLabel", graph_element_label(g, true, to.ref));
    put_member(w, "outVLabel", graph_element_label(g, true, from.ref));
    TRY(put_id(w, g, "inV", to, err));
    TRY(put_id(w, g, "outV", from, err));
    json_put_object_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_property(json_writer *w, graph *g, const value *v, error *err)
{
    const value *owner = &v->map.keys[1];
    bool is_of_vertex = owner->kind == VALUE_VERTEX;
    begin(w, is_of_vertex ? "g:VertexProperty" : "g:Property");
    json_put_object_begin(w);
    if (is_of_vertex) {
        str id;
        TRY(query_element_id(g, *owner, w->out->arena, &id, err));
        id = str_format(w->out->arena, STR_FMT "." STR_FMT, STR_ARG(id),
                        STR_ARG(v->map.keys[0].text));
        put_member(w, "id", id);
    }
    put_member(w, is_of_vertex ? "label" : "key", v->map.keys[0].text);
    json_put_key(w, STR("value"));
    TRY(graphson_write(w, g, &v->map.values[0], err));
    json_put_object_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_path(json_writer *w, graph *g, const value *v, error *err)
{
    size_t n = v->list.count;
    begin(w, "g:Path");
    json_put_object_begin(w);
    json_put_key(w, STR("labels"));
    TRY(put_items(w, g, "g:List", v->list.items + n, n, err));
    json_put_key(w, STR("objects"));
    TRY(put_items(w, g, "g:List", v->list.items, n, err));
    json_put_object_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_tree(json_writer *w, graph *g, const value *v, error *err)
{
    begin(w, "g:Tree");
    json_put_array_begin(w);
    for (size_t i = 0; i < v->map.count; i++) {
        json_put_object_begin(w);
        json_put_key(w, STR("key"));
        TRY(graphson_write(w, g, &v->map.keys[i], err));
        json_put_key(w, STR("value"));
        TRY(graphson_write(w, g, &v->map.values[i], err));
        json_put_object_done(w);
    }
    json_put_array_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_graph(json_writer *w, graph *g, const value *v, error *err)
{
    begin(w, "tinker:graph");
    json_put_object_begin(w);
    for (int edges = 0; edges < 2; edges++) {
        json_put_key(w, edges ? STR("edges") : STR("vertices"));
        json_put_array_begin(w);
        for (size_t i = 0; i < v->list.count; i++)
            if ((v->list.items[i].kind == VALUE_EDGE) == edges)
                TRY(graphson_write(w, g, &v->list.items[i], err));
        json_put_array_done(w);
    }
    json_put_object_done(w);
    json_put_object_done(w);
    return true;
}

bool graphson_write(json_writer *w, graph *g, const value *v, error *err)
{
    switch (v->kind) {
    case VALUE_NULL: json_put_null(w); return true;
    case VALUE_BOOL: json_put_bool(w, v->boolean); return true;
    case VALUE_INT:
        put_typed_int(w,
                      v->width == 32   ? "g:Int32"
                      : v->width == 16 ? "gx:Int16"
                      : v->width == 8  ? "gx:Byte"
                                       : "g:Int64",
                      v->integer);
        return true;
    case VALUE_DOUBLE: put_double(w, v->real, v->width == 32 ? "g:Float" : "g:Double"); return true;
    case VALUE_DECIMAL:
        put_typed_text(w, v->width == WIDTH_WHOLE ? "gx:BigInteger" : "gx:BigDecimal", v->text);
        return true;
    case VALUE_STRING: json_put_text(w, v->text); return true;
    case VALUE_UUID: put_typed_text(w, "g:UUID", v->text); return true;
    case VALUE_TIMESTAMP: put_typed_int(w, "g:Timestamp", v->integer / 1000); return true;
    case VALUE_DATE:
        put_typed_text(w, "gx:LocalDate", clock_format_days(w->out->arena, (int32_t)v->integer));
        return true;
    case VALUE_TIME: put_typed_int(w, "g:Int64", v->integer); return true;
    case VALUE_BINARY:
        return fail(err, ERR_INVALID,
                    "binary values cannot be written as GraphSON by this version");
    case VALUE_LIST: return put_items(w, g, "g:List", v->list.items, v->list.count, err);
    case VALUE_SET: return put_items(w, g, "g:Set", v->list.items, v->list.count, err);
    case VALUE_MAP:
    case VALUE_ENTRY: return put_map(w, g, v, err);
    case VALUE_TOKEN:
        put_typed_text(w, v->text.len && v->text.data[0] <= 'Z' ? "g:Direction" : "g:T", v->text);
        return true;
    case VALUE_VERTEX: return put_vertex(w, g, v, err);
    case VALUE_EDGE: return put_edge(w, g, v, err);
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_DURATION:
    case VALUE_POINT: {
        strbuf b = strbuf_new(w->out->arena);
        temporal_print(v, &b);
        json_put_text(w, strbuf_str(&b));
        return true;
    }
    case VALUE_PROPERTY: return put_property(w, g, v, err);
    case VALUE_TREE: return put_tree(w, g, v, err);
    case VALUE_GRAPH: return put_graph(w, g, v, err);
    case VALUE_PATH: return put_path(w, g, v, err);
    }
    return fail(err, ERR_INVALID,
                "paths and properties cannot be written as GraphSON by this version");
}
