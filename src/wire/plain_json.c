/* The writer of plain JSON values. */
#include "wire/plain_json.h"

#include <math.h>

#include "base/clock.h"
#include "wire/text.h"

enum { SAFE_INTEGER_BITS = 53 };

static void begin(plain_json *p, const char *type)
{
    json_put_object_begin(p->out);
    json_put_key(p->out, STR("@type"));
    json_put_text(p->out, str_of(type));
}

static void put_typed(plain_json *p, const char *type, str text)
{
    if (!p->elements) {
        json_put_text(p->out, text);
        return;
    }
    begin(p, type);
    json_put_key(p->out, STR("value"));
    json_put_text(p->out, text);
    json_put_object_done(p->out);
}

static void put_int(plain_json *p, int64_t i)
{
    if (i >= -(1ll << SAFE_INTEGER_BITS) && i <= 1ll << SAFE_INTEGER_BITS)
        json_put_int(p->out, i);
    else
        put_typed(p, "integer", str_format(p->arena, "%lld", (long long)i));
}

static void put_double(plain_json *p, double d)
{
    if (isfinite(d))
        json_put_double(p->out, d);
    else
        put_typed(p, "double", isnan(d) ? STR("NaN") : d < 0 ? STR("-Infinity") : STR("Infinity"));
}

static bool put_list(plain_json *p, const value *items, size_t count, error *err)
{
    json_put_array_begin(p->out);
    for (size_t i = 0; i < count; i++)
        TRY(plain_json_put(p, &items[i], err));
    json_put_array_done(p->out);
    return true;
}

static bool put_pairs(plain_json *p, const struct value_pairs *m, error *err)
{
    json_put_object_begin(p->out);
    for (size_t i = 0; i < m->count; i++) {
        json_put_key(p->out, m->keys[i].text);
        TRY(plain_json_put(p, &m->values[i], err));
    }
    json_put_object_done(p->out);
    return true;
}

static bool put_map(plain_json *p, const struct value_pairs *m, error *err)
{
    bool is_plain = true;
    for (size_t i = 0; i < m->count && is_plain; i++)
        is_plain = (m->keys[i].kind == VALUE_STRING || m->keys[i].kind == VALUE_TOKEN) &&
                   !str_eq(m->keys[i].text, STR("@type"));
    if (is_plain)
        return put_pairs(p, m, err);
    begin(p, "map");
    json_put_key(p->out, STR("entries"));
    json_put_array_begin(p->out);
    for (size_t i = 0; i < m->count; i++) {
        json_put_array_begin(p->out);
        TRY(plain_json_put(p, &m->keys[i], err));
        TRY(plain_json_put(p, &m->values[i], err));
        json_put_array_done(p->out);
    }
    json_put_array_done(p->out);
    json_put_object_done(p->out);
    return true;
}

static bool put_id(plain_json *p, const char *member, value element, error *err)
{
    str id;
    TRY(wire_element_id_text(p->elements, element, p->arena, &id, err));
    json_put_key(p->out, str_of(member));
    json_put_text(p->out, id);
    return true;
}

static bool put_element(plain_json *p, const value *v, error *err)
{
    graph *g = element_reader_graph(p->elements);
    bool is_vertex = v->kind == VALUE_VERTEX;
    struct value_pairs properties;
    value from, to;
    begin(p, is_vertex ? "vertex" : "edge");
    TRY(put_id(p, "id", *v, err));
    if (is_vertex) {
        str *labels;
        size_t count = graph_vertex_labels(g, v->ref, p->arena, &labels);
        json_put_key(p->out, STR("labels"));
        json_put_array_begin(p->out);
        for (size_t i = 0; i < count; i++)
            json_put_text(p->out, labels[i]);
        json_put_array_done(p->out);
    } else {
        json_put_key(p->out, STR("label"));
        json_put_text(p->out, graph_element_label(g, false, v->ref));
        TRY(wire_element_ends(p->elements, *v, &from, &to, err));
        TRY(put_id(p, "from", from, err));
        TRY(put_id(p, "to", to, err));
    }
    if (p->has_properties) {
        TRY(wire_element_properties(p->elements, *v, p->arena, &properties, err));
        json_put_key(p->out, STR("properties"));
        TRY(put_pairs(p, &properties, err));
    }
    json_put_object_done(p->out);
    return true;
}

static bool put_named(plain_json *p, const char *type, const char *member, const value *items,
                      size_t count, error *err)
{
    begin(p, type);
    json_put_key(p->out, str_of(member));
    TRY(put_list(p, items, count, err));
    json_put_object_done(p->out);
    return true;
}

static bool put_path(plain_json *p, const value *v, error *err)
{
    begin(p, "path");
    json_put_key(p->out, STR("objects"));
    TRY(put_list(p, v->list.items, v->list.count, err));
    json_put_key(p->out, STR("labels"));
    TRY(put_list(p, v->list.items + v->list.count, v->list.count, err));
    json_put_object_done(p->out);
    return true;
}

static bool put_property(plain_json *p, const value *v, error *err)
{
    begin(p, "property");
    json_put_key(p->out, STR("key"));
    TRY(plain_json_put(p, &v->map.keys[0], err));
    json_put_key(p->out, STR("value"));
    TRY(plain_json_put(p, &v->map.values[0], err));
    json_put_object_done(p->out);
    return true;
}

bool plain_json_put(plain_json *p, const value *v, error *err)
{
    if (p->out->depth >= JSON_DEPTH - 8)
        return fail(err, ERR_LIMIT, "a value is nested deeper than JSON answers go");
    switch (v->kind) {
    case VALUE_NULL: json_put_null(p->out); return true;
    case VALUE_BOOL: json_put_bool(p->out, v->boolean); return true;
    case VALUE_INT: put_int(p, v->integer); return true;
    case VALUE_DOUBLE: put_double(p, v->real); return true;
    case VALUE_STRING:
    case VALUE_TOKEN: json_put_text(p->out, v->text); return true;
    case VALUE_LIST: return put_list(p, v->list.items, v->list.count, err);
    case VALUE_SET: return put_named(p, "set", "items", v->list.items, v->list.count, err);
    case VALUE_GRAPH: return put_named(p, "graph", "elements", v->list.items, v->list.count, err);
    case VALUE_MAP:
    case VALUE_ENTRY:
    case VALUE_TREE: return put_map(p, &v->map, err);
    case VALUE_VERTEX:
    case VALUE_EDGE: return put_element(p, v, err);
    case VALUE_PATH: return put_path(p, v, err);
    case VALUE_PROPERTY: return put_property(p, v, err);
    default: put_typed(p, wire_type_name(v->kind), wire_text(p->arena, v)); return true;
    }
}
