/* PackStream: the writer. */
#include "wire/packstream.h"

#include "base/arena.h"
#include "column/temporal.h"
#include "wire/text.h"

enum {
    TAG_NODE = 'N',
    TAG_RELATIONSHIP = 'R',
    TAG_UNBOUND = 'r',
    TAG_PATH = 'P',
    TAG_DATE = 'D',
    TAG_TIME = 'T',
    TAG_LOCAL_TIME = 't',
    TAG_DATETIME = 'I',
    TAG_DATETIME_ZONE = 'i',
    TAG_DATETIME_LEGACY = 'F',
    TAG_DATETIME_ZONE_LEGACY = 'f',
    TAG_LOCAL_DATETIME = 'd',
    TAG_DURATION = 'E',
    TAG_POINT_2D = 'X',
    TAG_POINT_3D = 'Y',
};

/* ---- Plain values ---- */

static void put_marked(strbuf *out, uint8_t marker, uint64_t x, int bytes)
{
    char text[9] = { (char)marker };
    for (int i = 0; i < bytes; i++)
        text[i + 1] = (char)(x >> 8 * (bytes - 1 - i));
    strbuf_add_bytes(out, text, (size_t)bytes + 1);
}

void pack_null(strbuf *out)
{
    strbuf_add_char(out, (char)0xC0);
}

void pack_bool(strbuf *out, bool b)
{
    strbuf_add_char(out, (char)(b ? 0xC3 : 0xC2));
}

void pack_int(strbuf *out, int64_t i)
{
    if (i >= -16 && i <= 127)
        strbuf_add_char(out, (char)i);
    else if (i >= INT8_MIN && i < -16)
        put_marked(out, 0xC8, (uint64_t)i, 1);
    else if (i >= INT16_MIN && i <= INT16_MAX)
        put_marked(out, 0xC9, (uint64_t)i, 2);
    else if (i >= INT32_MIN && i <= INT32_MAX)
        put_marked(out, 0xCA, (uint64_t)i, 4);
    else
        put_marked(out, 0xCB, (uint64_t)i, 8);
}

void pack_double(strbuf *out, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    put_marked(out, 0xC1, bits, 8);
}

/* Sizes: in the marker up to 15, then 1, 2, 4 bytes from `wide` on. */
static void put_size(strbuf *out, uint8_t tiny, uint8_t wide, bool has_one_byte, size_t count)
{
    if (count < 16)
        strbuf_add_char(out, (char)(tiny | count));
    else if (count < 256 && has_one_byte)
        put_marked(out, wide, count, 1);
    else if (count < 65536)
        put_marked(out, (uint8_t)(wide + 1), count, 2);
    else
        put_marked(out, (uint8_t)(wide + 2), count, 4);
}

void pack_text(strbuf *out, str s)
{
    put_size(out, 0x80, 0xD0, true, s.len);
    strbuf_add(out, s);
}

void pack_list(strbuf *out, size_t count)
{
    put_size(out, 0x90, 0xD4, true, count);
}

void pack_map(strbuf *out, size_t count)
{
    put_size(out, 0xA0, 0xD8, true, count);
}

void pack_struct(strbuf *out, uint8_t tag, size_t fields)
{
    strbuf_add_char(out, (char)(0xB0 | fields));
    strbuf_add_char(out, (char)tag);
}

static void pack_bytes(strbuf *out, str s)
{
    if (s.len < 256)
        put_marked(out, 0xCC, s.len, 1);
    else if (s.len < 65536)
        put_marked(out, 0xCD, s.len, 2);
    else
        put_marked(out, 0xCE, s.len, 4);
    strbuf_add(out, s);
}

/* Drivers close the connection over text that is no UTF-8; tables may hold any bytes. */
static void pack_valid_text(packer *p, str s)
{
    size_t at = 0, len;
    while (at < s.len && (len = str_utf8_length(s, at)))
        at += len;
    if (at == s.len) {
        pack_text(p->out, s);
        return;
    }
    strbuf b = strbuf_new(p->arena);
    for (at = 0; at < s.len; at += len ? len : 1) {
        len = str_utf8_length(s, at);
        strbuf_add(&b, len ? str_slice(s, at, at + len) : STR("\xEF\xBF\xBD"));
    }
    pack_text(p->out, strbuf_str(&b));
}

/* ---- Elements ---- */

/* The numeric id of old: the label above 2^40 numbers, so that it fits a double. */
static int64_t number_of(value element)
{
    return (int64_t)((uint64_t)graph_ref_label(element.ref) << 40 | graph_ref_number(element.ref));
}

static bool pack_id(packer *p, value element, error *err)
{
    str id;
    TRY(wire_element_id_text(p->elements, element, p->arena, &id, err));
    pack_valid_text(p, id);
    return true;
}

static bool pack_pairs(packer *p, const struct value_pairs *m, error *err)
{
    pack_map(p->out, m->count);
    for (size_t i = 0; i < m->count; i++) {
        pack_valid_text(p, m->keys[i].kind == VALUE_STRING || m->keys[i].kind == VALUE_TOKEN
                               ? m->keys[i].text
                               : wire_key_text(p->arena, &m->keys[i]));
        TRY(pack_value(p, &m->values[i], err));
    }
    return true;
}

static bool pack_properties(packer *p, value element, error *err)
{
    struct value_pairs properties;
    TRY(wire_element_properties(p->elements, element, p->arena, &properties, err));
    return pack_pairs(p, &properties, err);
}

static bool pack_node(packer *p, value v, error *err)
{
    str *labels;
    size_t count = graph_vertex_labels(element_reader_graph(p->elements), v.ref, p->arena, &labels);
    pack_struct(p->out, TAG_NODE, p->major >= 5 ? 4 : 3);
    pack_int(p->out, number_of(v));
    pack_list(p->out, count);
    for (size_t i = 0; i < count; i++)
        pack_valid_text(p, labels[i]);
    TRY(pack_properties(p, v, err));
    return p->major >= 5 ? pack_id(p, v, err) : true;
}

static bool pack_relationship(packer *p, value v, bool is_bound, error *err)
{
    value from, to;
    if (is_bound) {
        TRY(wire_element_ends(p->elements, v, &from, &to, err));
        pack_struct(p->out, TAG_RELATIONSHIP, p->major >= 5 ? 8 : 5);
    } else {
        pack_struct(p->out, TAG_UNBOUND, p->major >= 5 ? 4 : 3);
    }
    pack_int(p->out, number_of(v));
    if (is_bound) {
        pack_int(p->out, number_of(from));
        pack_int(p->out, number_of(to));
    }
    pack_valid_text(p, graph_element_label(element_reader_graph(p->elements), false, v.ref));
    TRY(pack_properties(p, v, err));
    if (p->major < 5)
        return true;
    TRY(pack_id(p, v, err));
    if (!is_bound)
        return true;
    TRY(pack_id(p, from, err));
    return pack_id(p, to, err);
}

/* Position of an element among those collected so far; added when it is new. */
static size_t place_of(value *all, size_t *count, value v)
{
    for (size_t i = 0; i < *count; i++)
        if (all[i].ref == v.ref)
            return i;
    all[*count] = v;
    return (*count)++;
}

/* Distinct nodes, distinct relationships, and for each step the relationship (from 1, negative:
 * against its direction) and the node it leads to. */
static bool pack_path(packer *p, const value *v, error *err)
{
    size_t steps = v->list.count / 2, node_count = 0, edge_count = 0;
    const value *items = v->list.items;
    for (size_t i = 0; i < v->list.count; i++)
        if (items[i].kind != (i % 2 ? VALUE_EDGE : VALUE_VERTEX) || v->list.count % 2 == 0)
            return pack_value(
                p, &(value){ .kind = VALUE_LIST, .list = { v->list.items, v->list.count } }, err);
    value *nodes = arena_array_of(p->arena, value, steps + 1),
          *edges = arena_array_of(p->arena, value, steps + 1);
    int64_t *indices = arena_array_of(p->arena, int64_t, steps * 2 + 1);
    place_of(nodes, &node_count, items[0]);
    for (size_t i = 0; i < steps; i++) {
        value from, to, edge = items[i * 2 + 1], next = items[i * 2 + 2];
        TRY(wire_element_ends(p->elements, edge, &from, &to, err));
        int64_t number = (int64_t)place_of(edges, &edge_count, edge) + 1;
        bool is_forward = from.ref == items[i * 2].ref && to.ref == next.ref;
        indices[i * 2] = is_forward ? number : -number;
        indices[i * 2 + 1] = (int64_t)place_of(nodes, &node_count, next);
    }
    pack_struct(p->out, TAG_PATH, 3);
    pack_list(p->out, node_count);
    for (size_t i = 0; i < node_count; i++)
        TRY(pack_node(p, nodes[i], err));
    pack_list(p->out, edge_count);
    for (size_t i = 0; i < edge_count; i++)
        TRY(pack_relationship(p, edges[i], false, err));
    pack_list(p->out, steps * 2);
    for (size_t i = 0; i < steps * 2; i++)
        pack_int(p->out, indices[i]);
    return true;
}

/* ---- Times and places ---- */

static void pack_datetime(packer *p, int64_t seconds, int64_t nanos, int32_t offset_s,
                          const time_zone *zone)
{
    uint8_t tag = zone ? (p->is_utc ? TAG_DATETIME_ZONE : TAG_DATETIME_ZONE_LEGACY)
                       : (p->is_utc ? TAG_DATETIME : TAG_DATETIME_LEGACY);
    pack_struct(p->out, tag, 3);
    pack_int(p->out, p->is_utc ? seconds : seconds + offset_s);
    pack_int(p->out, nanos);
    if (zone)
        pack_text(p->out, temporal_zone_name(zone));
    else
        pack_int(p->out, offset_s);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void pack_temporal(packer *p, const value *v)
{
    switch (v->kind) {
    case VALUE_DATE:
        pack_struct(p->out, TAG_DATE, 1);
        pack_int(p->out, v->integer);
        return;
    case VALUE_TIME:
    case VALUE_LOCAL_TIME:
        pack_struct(p->out, TAG_LOCAL_TIME, 1);
        pack_int(p->out, v->kind == VALUE_TIME ? v->integer * 1000 : v->integer);
        return;
    case VALUE_ZONED_TIME:
        pack_struct(p->out, TAG_TIME, 2);
        pack_int(p->out, v->zoned_time.nanos);
        pack_int(p->out, v->zoned_time.offset_s);
        return;
    case VALUE_LOCAL_DATETIME:
        pack_struct(p->out, TAG_LOCAL_DATETIME, 2);
        pack_int(p->out, v->datetime.seconds);
        pack_int(p->out, v->datetime.nanos);
        return;
    case VALUE_TIMESTAMP:
        pack_datetime(p, floor_div(v->integer, 1000000),
                      (v->integer - floor_div(v->integer, 1000000) * 1000000) * 1000, 0, NULL);
        return;
    default:
        pack_datetime(p, v->datetime.seconds, v->datetime.nanos, v->datetime.offset_s,
                      v->datetime.zone);
    }
}

static void pack_duration(strbuf *out, const duration *d)
{
    pack_struct(out, TAG_DURATION, 4);
    pack_int(out, d->months);
    pack_int(out, d->days);
    pack_int(out, d->seconds);
    pack_int(out, d->nanos);
}

static void pack_point(strbuf *out, const point *at)
{
    bool is_3d = at->srid == SRID_WGS84_3D || at->srid == SRID_CARTESIAN_3D;
    pack_struct(out, is_3d ? TAG_POINT_3D : TAG_POINT_2D, is_3d ? 4 : 3);
    pack_int(out, at->srid);
    pack_double(out, at->x);
    pack_double(out, at->y);
    if (is_3d)
        pack_double(out, at->z);
}

/* ---- All ---- */

static bool pack_items(packer *p, const value *v, error *err)
{
    pack_list(p->out, v->list.count);
    for (size_t i = 0; i < v->list.count; i++)
        TRY(pack_value(p, &v->list.items[i], err));
    return true;
}

static bool pack_decimal(packer *p, const value *v)
{
    int64_t whole;
    if (v->width == WIDTH_WHOLE && str_to_i64(v->text, &whole))
        pack_int(p->out, whole);
    else
        pack_double(p->out, value_to_double(v));
    return true;
}

static bool pack_any(packer *p, const value *v, error *err)
{
    switch (v->kind) {
    case VALUE_NULL: pack_null(p->out); return true;
    case VALUE_BOOL: pack_bool(p->out, v->boolean); return true;
    case VALUE_INT: pack_int(p->out, v->integer); return true;
    case VALUE_DOUBLE: pack_double(p->out, v->real); return true;
    case VALUE_DECIMAL: return pack_decimal(p, v);
    case VALUE_STRING:
    case VALUE_TOKEN:
    case VALUE_UUID: pack_valid_text(p, v->text); return true;
    case VALUE_BINARY: pack_bytes(p->out, v->text); return true;
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_GRAPH: return pack_items(p, v, err);
    case VALUE_MAP:
    case VALUE_ENTRY:
    case VALUE_TREE: return pack_pairs(p, &v->map, err);
    case VALUE_PROPERTY: {
        struct value_pairs one = { v->map.keys, v->map.values, 1 };
        return pack_pairs(p, &one, err);
    }
    case VALUE_VERTEX: return pack_node(p, *v, err);
    case VALUE_EDGE: return pack_relationship(p, *v, true, err);
    case VALUE_PATH: return pack_path(p, v, err);
    case VALUE_DURATION: pack_duration(p->out, v->duration); return true;
    case VALUE_POINT: pack_point(p->out, v->point); return true;
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMESTAMP:
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME: pack_temporal(p, v); return true;
    }
    return fail(err, ERR_INVALID, "a value of kind %d has no form in Bolt", (int)v->kind);
}

bool pack_value(packer *p, const value *v, error *err)
{
    if (p->depth >= PACK_DEPTH)
        return fail(err, ERR_LIMIT, "a value is nested deeper than %d", PACK_DEPTH);
    p->depth++;
    bool works = pack_any(p, v, err);
    p->depth--;
    return works;
}
