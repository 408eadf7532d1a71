/* The GraphSON writer. */
#include "wire/graphson.h"

#include <math.h>

#include "base/arena.h"
#include "column/temporal.h"
#include "wire/text.h"

static void begin(graphson *s, const char *type)
{
    json_put_object_begin(s->out);
    json_put_key(s->out, STR("@type"));
    json_put_text(s->out, str_of(type));
    json_put_key(s->out, STR("@value"));
}

static void put_typed_int(graphson *s, const char *type, int64_t number)
{
    begin(s, type);
    json_put_int(s->out, number);
    json_put_object_done(s->out);
}

static void put_typed_text(graphson *s, const char *type, str text)
{
    begin(s, type);
    json_put_text(s->out, text);
    json_put_object_done(s->out);
}

static void put_double(graphson *s, double x, const char *type)
{
    begin(s, type);
    if (isnan(x) || isinf(x))
        json_put_text(s->out, isnan(x) ? STR("NaN") : x < 0 ? STR("-Infinity") : STR("Infinity"));
    else
        json_put_double(s->out, x);
    json_put_object_done(s->out);
}

static bool put_items(graphson *s, const char *type, const value *items, size_t count, error *err)
{
    if (s->version > 2)
        begin(s, type);
    json_put_array_begin(s->out);
    for (size_t i = 0; i < count; i++)
        TRY(graphson_put(s, &items[i], err));
    json_put_array_done(s->out);
    if (s->version > 2)
        json_put_object_done(s->out);
    return true;
}

/* Version 3: keys and values by turns. Version 2: an object, its keys as text. */
static bool put_map(graphson *s, const value *v, error *err)
{
    if (s->version == 2) {
        json_put_object_begin(s->out);
        for (size_t i = 0; i < v->map.count; i++) {
            const value *key = &v->map.keys[i];
            bool is_text = key->kind == VALUE_STRING || key->kind == VALUE_TOKEN;
            json_put_key(s->out, is_text ? key->text : wire_key_text(s->arena, key));
            TRY(graphson_put(s, &v->map.values[i], err));
        }
        json_put_object_done(s->out);
        return true;
    }
    begin(s, "g:Map");
    json_put_array_begin(s->out);
    for (size_t i = 0; i < v->map.count; i++) {
        TRY(graphson_put(s, &v->map.keys[i], err));
        TRY(graphson_put(s, &v->map.values[i], err));
    }
    json_put_array_done(s->out);
    json_put_object_done(s->out);
    return true;
}

/* ---- Elements ---- */

static bool put_id(graphson *s, const char *member, value element, error *err)
{
    value id;
    TRY(wire_element_id(s->elements, element, s->arena, &id, err));
    json_put_key(s->out, str_of(member));
    return graphson_put(s, &id, err);
}

static void put_member(graphson *s, const char *member, str text)
{
    json_put_key(s->out, str_of(member));
    json_put_text(s->out, text);
}

static str label_of(graphson *s, value element)
{
    str label = graph_element_label(element_reader_graph(s->elements), element.kind == VALUE_VERTEX,
                                    element.ref);
    return label.len ? label : STR("vertex");
}

static bool put_property_of(graphson *s, value owner, str key, const value *v, error *err)
{
    bool is_of_vertex = owner.kind == VALUE_VERTEX;
    begin(s, is_of_vertex ? "g:VertexProperty" : "g:Property");
    json_put_object_begin(s->out);
    if (is_of_vertex) {
        str id;
        TRY(wire_element_id_text(s->elements, owner, s->arena, &id, err));
        put_member(s, "id", str_format(s->arena, STR_FMT "." STR_FMT, STR_ARG(id), STR_ARG(key)));
    }
    put_member(s, is_of_vertex ? "label" : "key", key);
    json_put_key(s->out, STR("value"));
    TRY(graphson_put(s, v, err));
    json_put_object_done(s->out);
    json_put_object_done(s->out);
    return true;
}

static bool put_properties(graphson *s, value element, error *err)
{
    struct value_pairs all;
    if (!s->has_properties)
        return true;
    TRY(wire_element_properties(s->elements, element, s->arena, &all, err));
    if (!all.count)
        return true;
    json_put_key(s->out, STR("properties"));
    json_put_object_begin(s->out);
    for (size_t i = 0; i < all.count; i++) {
        json_put_key(s->out, all.keys[i].text);
        if (element.kind == VALUE_VERTEX)
            json_put_array_begin(s->out);
        TRY(put_property_of(s, element, all.keys[i].text, &all.values[i], err));
        if (element.kind == VALUE_VERTEX)
            json_put_array_done(s->out);
    }
    json_put_object_done(s->out);
    return true;
}

static bool put_vertex(graphson *s, const value *v, error *err)
{
    begin(s, "g:Vertex");
    json_put_object_begin(s->out);
    TRY(put_id(s, "id", *v, err));
    put_member(s, "label", label_of(s, *v));
    TRY(put_properties(s, *v, err));
    json_put_object_done(s->out);
    json_put_object_done(s->out);
    return true;
}

static bool put_edge(graphson *s, const value *v, error *err)
{
    value from, to;
    TRY(wire_element_ends(s->elements, *v, &from, &to, err));
    begin(s, "g:Edge");
    json_put_object_begin(s->out);
    TRY(put_id(s, "id", *v, err));
    put_member(s, "label", label_of(s, *v));
    put_member(s, "inVLabel", label_of(s, to));
    put_member(s, "outVLabel", label_of(s, from));
    TRY(put_id(s, "inV", to, err));
    TRY(put_id(s, "outV", from, err));
    TRY(put_properties(s, *v, err));
    json_put_object_done(s->out);
    json_put_object_done(s->out);
    return true;
}

static bool put_path(graphson *s, const value *v, error *err)
{
    begin(s, "g:Path");
    json_put_object_begin(s->out);
    json_put_key(s->out, STR("labels"));
    if (s->version > 2)
        begin(s, "g:List");
    json_put_array_begin(s->out);
    for (size_t i = 0; i < v->list.count; i++) {
        const value *labels = &v->list.items[v->list.count + i];
        TRY(put_items(s, "g:Set", labels->list.items, labels->list.count, err));
    }
    json_put_array_done(s->out);
    if (s->version > 2)
        json_put_object_done(s->out);
    json_put_key(s->out, STR("objects"));
    TRY(put_items(s, "g:List", v->list.items, v->list.count, err));
    json_put_object_done(s->out);
    json_put_object_done(s->out);
    return true;
}

static bool put_tree(graphson *s, const value *v, error *err)
{
    begin(s, "g:Tree");
    json_put_array_begin(s->out);
    for (size_t i = 0; i < v->map.count; i++) {
        json_put_object_begin(s->out);
        json_put_key(s->out, STR("key"));
        TRY(graphson_put(s, &v->map.keys[i], err));
        json_put_key(s->out, STR("value"));
        TRY(graphson_put(s, &v->map.values[i], err));
        json_put_object_done(s->out);
    }
    json_put_array_done(s->out);
    json_put_object_done(s->out);
    return true;
}

static bool put_graph(graphson *s, const value *v, error *err)
{
    begin(s, "tinker:graph");
    json_put_object_begin(s->out);
    for (int edges = 0; edges < 2; edges++) {
        json_put_key(s->out, edges ? STR("edges") : STR("vertices"));
        json_put_array_begin(s->out);
        for (size_t i = 0; i < v->list.count; i++)
            if ((v->list.items[i].kind == VALUE_EDGE) == edges)
                TRY(graphson_put(s, &v->list.items[i], err));
        json_put_array_done(s->out);
    }
    json_put_object_done(s->out);
    json_put_object_done(s->out);
    return true;
}

/* ---- All ---- */

static void put_int(graphson *s, const value *v)
{
    put_typed_int(s,
                  v->width == 32   ? "g:Int32"
                  : v->width == 16 ? "gx:Int16"
                  : v->width == 8  ? "gx:Byte"
                                   : "g:Int64",
                  v->integer);
}

static void put_token(graphson *s, const value *v)
{
    bool is_direction = v->text.len && v->text.data[0] <= 'Z';
    put_typed_text(s, is_direction ? "g:Direction" : "g:T", v->text);
}

static void put_timestamp(graphson *s, const value *v)
{
    put_typed_int(s, "g:Date", v->integer / 1000 - (v->integer < 0 && v->integer % 1000 != 0));
}

static bool put_any(graphson *s, const value *v, error *err)
{
    switch (v->kind) {
    case VALUE_NULL: json_put_null(s->out); return true;
    case VALUE_BOOL: json_put_bool(s->out, v->boolean); return true;
    case VALUE_INT: put_int(s, v); return true;
    case VALUE_DOUBLE: put_double(s, v->real, v->width == 32 ? "g:Float" : "g:Double"); return true;
    case VALUE_DECIMAL:
        put_typed_text(s, v->width == WIDTH_WHOLE ? "gx:BigInteger" : "gx:BigDecimal", v->text);
        return true;
    case VALUE_STRING: json_put_text(s->out, v->text); return true;
    case VALUE_UUID: put_typed_text(s, "g:UUID", v->text); return true;
    case VALUE_TIMESTAMP: put_timestamp(s, v); return true;
    case VALUE_DATE: /* few clients read a LocalDate */
        put_typed_int(s, "g:Date", v->integer * SECONDS_PER_DAY * 1000);
        return true;
    case VALUE_TIME:
    case VALUE_LOCAL_TIME: put_typed_text(s, "gx:LocalTime", wire_text(s->arena, v)); return true;
    case VALUE_ZONED_TIME: put_typed_text(s, "gx:OffsetTime", wire_text(s->arena, v)); return true;
    case VALUE_LOCAL_DATETIME:
        put_typed_text(s, "gx:LocalDateTime", wire_text(s->arena, v));
        return true;
    case VALUE_DATETIME:
        put_typed_text(s, v->datetime.zone ? "gx:ZonedDateTime" : "gx:OffsetDateTime",
                       wire_text(s->arena, v));
        return true;
    case VALUE_DURATION:
    case VALUE_POINT: json_put_text(s->out, wire_text(s->arena, v)); return true;
    case VALUE_BINARY:
        put_typed_text(s, "gx:ByteBuffer", base64_encode(s->arena, v->text));
        return true;
    case VALUE_LIST: return put_items(s, "g:List", v->list.items, v->list.count, err);
    case VALUE_SET: return put_items(s, "g:Set", v->list.items, v->list.count, err);
    case VALUE_MAP:
    case VALUE_ENTRY: return put_map(s, v, err);
    case VALUE_TOKEN: put_token(s, v); return true;
    case VALUE_VERTEX: return put_vertex(s, v, err);
    case VALUE_EDGE: return put_edge(s, v, err);
    case VALUE_PROPERTY:
        return put_property_of(s, v->map.keys[1], v->map.keys[0].text, &v->map.values[0], err);
    case VALUE_TREE: return put_tree(s, v, err);
    case VALUE_GRAPH: return put_graph(s, v, err);
    case VALUE_PATH: return put_path(s, v, err);
    }
    return fail(err, ERR_INVALID, "a value of kind %d has no form in GraphSON", (int)v->kind);
}

bool graphson_put(graphson *s, const value *v, error *err)
{
    if (s->out->depth > JSON_DEPTH - 10)
        return fail(err, ERR_LIMIT, "a value is nested deeper than GraphSON answers go");
    return put_any(s, v, err);
}

bool graphson_write(json_writer *w, graph *g, const value *v, error *err)
{
    graphson s = { .out = w,
                   .elements = element_reader_new(w->out->arena, g),
                   .arena = w->out->arena,
                   .version = 3 };
    bool works = graphson_put(&s, v, err);
    element_reader_done(s.elements);
    return works;
}
