/* The GraphBinary writer. */
#include "wire/graphbinary.h"

#include "base/arena.h"
#include "column/temporal.h"
#include "wire/text.h"

void binary_put_number(strbuf *out, uint64_t x, int bytes)
{
    char text[8];
    for (int i = 0; i < bytes; i++)
        text[i] = (char)(x >> 8 * (bytes - 1 - i));
    strbuf_add_bytes(out, text, (size_t)bytes);
}

void binary_put_text(strbuf *out, str s)
{
    binary_put_number(out, s.len, 4);
    strbuf_add(out, s);
}

void binary_put_head(strbuf *out, uint8_t type)
{
    char head[2] = { (char)type, 0 };
    strbuf_add_bytes(out, head, 2);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 0;
}

void binary_put_uuid(strbuf *out, str text)
{
    char bytes[16] = { 0 };
    size_t at = 0;
    for (size_t i = 0; i + 1 < text.len && at < 16; i++)
        if (text.data[i] != '-') {
            bytes[at++] = (char)(hex_digit(text.data[i]) << 4 | hex_digit(text.data[i + 1]));
            i++;
        }
    strbuf_add_bytes(out, bytes, 16);
}

static void put_typed(strbuf *out, uint8_t type, uint64_t x, int bytes)
{
    binary_put_head(out, type);
    binary_put_number(out, x, bytes);
}

static void put_null(strbuf *out)
{
    strbuf_add_bytes(out, "\xFE\x01", 2);
}

static void put_string(strbuf *out, str s)
{
    binary_put_head(out, BINARY_STRING);
    binary_put_text(out, s);
}

static void put_double(strbuf *out, const value *v)
{
    float narrow = (float)v->real;
    uint64_t bits = 0;
    uint32_t narrow_bits;
    memcpy(&bits, &v->real, sizeof bits);
    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    if (v->width == 32)
        put_typed(out, BINARY_FLOAT, narrow_bits, 4);
    else
        put_typed(out, BINARY_DOUBLE, bits, 8);
}

static void put_int(strbuf *out, const value *v)
{
    switch (v->width) {
    case 8: put_typed(out, BINARY_BYTE, (uint64_t)v->integer, 1); return;
    case 16: put_typed(out, BINARY_SHORT, (uint64_t)v->integer, 2); return;
    case 32: put_typed(out, BINARY_INT, (uint64_t)v->integer, 4); return;
    default: put_typed(out, BINARY_LONG, (uint64_t)v->integer, 8);
    }
}

/* ---- Whole numbers of any size: two's complement, as few bytes as hold them ---- */

/* Decimal digits to bytes, the least first. */
static size_t magnitude_of(arena *a, str digits, uint8_t **ret)
{
    size_t len = 0;
    *ret = arena_alloc(a, digits.len / 2 + 2);
    for (size_t i = 0; i < digits.len; i++) {
        unsigned carry = (unsigned)(digits.data[i] - '0');
        for (size_t k = 0; k < len; k++) {
            carry += (*ret)[k] * 10u;
            (*ret)[k] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry)
            (*ret)[len++] = (uint8_t)carry;
    }
    return len;
}

static void put_whole(graphbinary *g, str text)
{
    bool is_negative = text.len && text.data[0] == '-';
    strbuf digits = strbuf_new(g->arena);
    uint8_t *bytes;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            strbuf_add_char(&digits, text.data[i]);
    size_t len = magnitude_of(g->arena, strbuf_str(&digits), &bytes);
    if (is_negative) {
        unsigned carry = 1;
        for (size_t i = 0; i < len; i++) {
            carry += (uint8_t)~bytes[i];
            bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    bool sign = len && bytes[len - 1] >> 7;
    if (len == 0 || sign != is_negative)
        bytes[len++] = is_negative ? 0xFF : 0;
    binary_put_number(g->out, len, 4);
    while (len)
        strbuf_add_char(g->out, (char)bytes[--len]);
}

/* "12.50" → scale 2, 1250. An exponent moves the scale. */
static void put_decimal(graphbinary *g, const value *v)
{
    if (v->width == WIDTH_WHOLE) {
        binary_put_head(g->out, BINARY_BIG_INTEGER);
        put_whole(g, v->text);
        return;
    }
    str text = v->text;
    int64_t exponent = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == 'e' || text.data[i] == 'E') {
            str tail = str_slice(text, i + 1, text.len);
            if (tail.len && tail.data[0] == '+')
                tail = str_slice(tail, 1, tail.len);
            if (!str_to_i64(tail, &exponent))
                exponent = 0;
            text = str_slice(text, 0, i);
        }
    ptrdiff_t point = str_find_char(text, '.');
    int64_t scale = point < 0 ? 0 : (int64_t)text.len - point - 1;
    binary_put_head(g->out, BINARY_BIG_DECIMAL);
    binary_put_number(g->out, (uint64_t)(scale - exponent), 4);
    put_whole(g, text);
}

/* ---- Times ---- */

static void put_date_part(strbuf *out, int64_t days)
{
    int64_t year;
    int month, day;
    temporal_date_of(days, &year, &month, &day);
    binary_put_number(out, (uint64_t)year, 4);
    binary_put_number(out, (uint64_t)month, 1);
    binary_put_number(out, (uint64_t)day, 1);
}

static void put_temporal(graphbinary *g, const value *v)
{
    temporal_parts p;
    if (v->kind == VALUE_DATE) { /* few clients read a LocalDate */
        put_typed(g->out, BINARY_DATE, (uint64_t)(v->integer * SECONDS_PER_DAY * 1000), 8);
        return;
    }
    if (v->kind == VALUE_TIMESTAMP) {
        int64_t ms = v->integer / 1000 - (v->integer < 0 && v->integer % 1000 != 0);
        put_typed(g->out, BINARY_DATE, (uint64_t)ms, 8);
        return;
    }
    if (!temporal_parts_of(v, &p)) {
        put_string(g->out, wire_text(g->arena, v));
        return;
    }
    uint8_t type = p.has_date && p.has_time
                       ? (p.has_zone ? BINARY_OFFSET_DATETIME : BINARY_LOCAL_DATETIME)
                   : p.has_date ? BINARY_LOCAL_DATE
                   : p.has_zone ? BINARY_OFFSET_TIME
                                : BINARY_LOCAL_TIME;
    binary_put_head(g->out, type);
    if (p.has_date)
        put_date_part(g->out, p.days);
    if (p.has_time)
        binary_put_number(g->out, (uint64_t)p.nanos, 8);
    if (p.has_zone && p.has_time)
        binary_put_number(g->out, (uint64_t)(int64_t)p.offset_s, 4);
}

/* ---- Collections ---- */

static bool put_items(graphbinary *g, uint8_t type, const value *items, size_t count, error *err)
{
    put_typed(g->out, type, count, 4);
    for (size_t i = 0; i < count; i++)
        TRY(graphbinary_put(g, &items[i], err));
    return true;
}

static bool put_pairs(graphbinary *g, uint8_t type, const struct value_pairs *m, error *err)
{
    put_typed(g->out, type, m->count, 4);
    for (size_t i = 0; i < m->count; i++) {
        TRY(graphbinary_put(g, &m->keys[i], err));
        TRY(graphbinary_put(g, &m->values[i], err));
    }
    return true;
}

/* Branches are not fully qualified trees. */
static bool put_tree(graphbinary *g, const value *v, error *err)
{
    binary_put_number(g->out, v->map.count, 4);
    for (size_t i = 0; i < v->map.count; i++) {
        TRY(graphbinary_put(g, &v->map.keys[i], err));
        if (v->map.values[i].kind == VALUE_TREE)
            TRY(put_tree(g, &v->map.values[i], err));
        else
            binary_put_number(g->out, 0, 4);
    }
    return true;
}

/* ---- Elements ---- */

static bool put_id(graphbinary *g, value element, error *err)
{
    value id;
    TRY(wire_element_id(g->elements, element, g->arena, &id, err));
    return graphbinary_put(g, &id, err);
}

static str label_of(graphbinary *g, value element)
{
    str label = graph_element_label(element_reader_graph(g->elements), element.kind == VALUE_VERTEX,
                                    element.ref);
    return label.len ? label : STR("vertex");
}

static bool put_property_of(graphbinary *g, value owner, str key, const value *v, error *err)
{
    bool is_of_vertex = owner.kind == VALUE_VERTEX;
    binary_put_head(g->out, is_of_vertex ? BINARY_VERTEX_PROPERTY : BINARY_PROPERTY);
    if (is_of_vertex) {
        str id;
        TRY(wire_element_id_text(g->elements, owner, g->arena, &id, err));
        put_string(g->out, str_format(g->arena, STR_FMT "." STR_FMT, STR_ARG(id), STR_ARG(key)));
    }
    binary_put_text(g->out, key);
    TRY(graphbinary_put(g, v, err));
    put_null(g->out); /* the element */
    if (is_of_vertex)
        put_null(g->out); /* properties of the property */
    return true;
}

static bool put_properties(graphbinary *g, value element, error *err)
{
    struct value_pairs all;
    if (!g->has_properties) {
        put_null(g->out);
        return true;
    }
    TRY(wire_element_properties(g->elements, element, g->arena, &all, err));
    put_typed(g->out, BINARY_LIST, all.count, 4);
    for (size_t i = 0; i < all.count; i++)
        TRY(put_property_of(g, element, all.keys[i].text, &all.values[i], err));
    return true;
}

static bool put_vertex(graphbinary *g, const value *v, error *err)
{
    binary_put_head(g->out, BINARY_VERTEX);
    TRY(put_id(g, *v, err));
    binary_put_text(g->out, label_of(g, *v));
    return put_properties(g, *v, err);
}

static bool put_edge(graphbinary *g, const value *v, error *err)
{
    value from, to;
    TRY(wire_element_ends(g->elements, *v, &from, &to, err));
    binary_put_head(g->out, BINARY_EDGE);
    TRY(put_id(g, *v, err));
    binary_put_text(g->out, label_of(g, *v));
    TRY(put_id(g, to, err));
    binary_put_text(g->out, label_of(g, to));
    TRY(put_id(g, from, err));
    binary_put_text(g->out, label_of(g, from));
    put_null(g->out); /* the graph */
    return put_properties(g, *v, err);
}

static bool put_path(graphbinary *g, const value *v, error *err)
{
    binary_put_head(g->out, BINARY_PATH);
    put_typed(g->out, BINARY_LIST, v->list.count, 4);
    for (size_t i = 0; i < v->list.count; i++) {
        const value *labels = &v->list.items[v->list.count + i];
        TRY(put_items(g, BINARY_SET, labels->list.items, labels->list.count, err));
    }
    return put_items(g, BINARY_LIST, v->list.items, v->list.count, err);
}

static void put_token(graphbinary *g, str name)
{
    bool is_direction = name.len && name.data[0] <= 'Z';
    binary_put_head(g->out, is_direction ? BINARY_DIRECTION : BINARY_T);
    put_string(g->out, name);
}

/* Vertices and edges with their ends, as the IO documentation lays out a graph. */
static bool put_graph(graphbinary *g, const value *v, error *err)
{
    size_t counts[2] = { 0 };
    for (size_t i = 0; i < v->list.count; i++)
        counts[v->list.items[i].kind == VALUE_EDGE]++;
    binary_put_head(g->out, BINARY_GRAPH);
    for (int edges = 0; edges < 2; edges++) {
        binary_put_number(g->out, counts[edges], 4);
        for (size_t i = 0; i < v->list.count; i++) {
            value item = v->list.items[i], from, to;
            if ((item.kind == VALUE_EDGE) != edges)
                continue;
            TRY(put_id(g, item, err));
            binary_put_text(g->out, label_of(g, item));
            if (edges) {
                TRY(wire_element_ends(g->elements, item, &from, &to, err));
                TRY(put_id(g, to, err));
                put_null(g->out);
                TRY(put_id(g, from, err));
                put_null(g->out);
                put_null(g->out);
            }
            binary_put_number(g->out, 0, 4); /* properties */
        }
    }
    return true;
}

/* ---- All ---- */

static bool put_any(graphbinary *g, const value *v, error *err)
{
    switch (v->kind) {
    case VALUE_NULL: put_null(g->out); return true;
    case VALUE_BOOL: put_typed(g->out, BINARY_BOOLEAN, v->boolean, 1); return true;
    case VALUE_INT: put_int(g->out, v); return true;
    case VALUE_DOUBLE: put_double(g->out, v); return true;
    case VALUE_DECIMAL: put_decimal(g, v); return true;
    case VALUE_STRING: put_string(g->out, v->text); return true;
    case VALUE_UUID:
        binary_put_head(g->out, BINARY_UUID);
        binary_put_uuid(g->out, v->text);
        return true;
    case VALUE_BINARY:
        binary_put_head(g->out, BINARY_BUFFER);
        binary_put_text(g->out, v->text);
        return true;
    case VALUE_LIST: return put_items(g, BINARY_LIST, v->list.items, v->list.count, err);
    case VALUE_SET: return put_items(g, BINARY_SET, v->list.items, v->list.count, err);
    case VALUE_MAP:
    case VALUE_ENTRY: return put_pairs(g, BINARY_MAP, &v->map, err);
    case VALUE_TREE: binary_put_head(g->out, BINARY_TREE); return put_tree(g, v, err);
    case VALUE_TOKEN: put_token(g, v->text); return true;
    case VALUE_VERTEX: return put_vertex(g, v, err);
    case VALUE_EDGE: return put_edge(g, v, err);
    case VALUE_PROPERTY:
        return put_property_of(g, v->map.keys[1], v->map.keys[0].text, &v->map.values[0], err);
    case VALUE_PATH: return put_path(g, v, err);
    case VALUE_GRAPH: return put_graph(g, v, err);
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMESTAMP:
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_DURATION:
    case VALUE_POINT: put_temporal(g, v); return true;
    }
    return fail(err, ERR_INVALID, "a value of kind %d has no form in GraphBinary", (int)v->kind);
}

bool graphbinary_put(graphbinary *g, const value *v, error *err)
{
    if (g->depth >= 200)
        return fail(err, ERR_LIMIT, "a value is nested deeper than 200");
    g->depth++;
    bool works = put_any(g, v, err);
    g->depth--;
    return works;
}
