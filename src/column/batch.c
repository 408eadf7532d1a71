/* Cells of a batch as values and as text. */
#include "column/batch.h"
#include "column/temporal.h"

#include <math.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [COLUMN_BOOL] = { "BOOLEAN", 1 },
    [COLUMN_INT32] = { "INTEGER", 4 },
    [COLUMN_INT64] = { "BIGINT", 8 },
    [COLUMN_FLOAT] = { "FLOAT", 4 },
    [COLUMN_DOUBLE] = { "DOUBLE", 8 },
    [COLUMN_DECIMAL] = { "DECIMAL", 16 },
    [COLUMN_DATE] = { "DATE", 4 },
    [COLUMN_TIME] = { "TIME", 8 },
    [COLUMN_TIMESTAMP] = { "TIMESTAMP", 8 },
    [COLUMN_UUID] = { "UUID", 16 },
    [COLUMN_STRING] = { "VARCHAR", sizeof(str) },
    [COLUMN_BINARY] = { "BLOB", sizeof(str) },
    [COLUMN_VALUE] = { "VALUE", sizeof(value) },
};

const char *column_type_name(column_type type)
{
    return types[type].name;
}

size_t column_type_bytes(column_type type)
{
    return types[type].bytes;
}

static str decimal_text(arena *a, __int128 x, int scale)
{
    char digits[64];
    size_t at = sizeof digits;
    bool is_negative = x < 0;
    unsigned __int128 left = is_negative ? -(unsigned __int128)x : (unsigned __int128)x;
    for (int i = 0; left || i <= scale; i++) {
        if (i == scale && scale > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    }
    if (is_negative)
        digits[--at] = '-';
    return str_copy(a, (str){ digits + at, sizeof digits - at });
}

static str uuid_text(arena *a, const uint8_t bytes[16])
{
    str h = hex_encode(a, bytes, 16);
    return str_format(a, "%.8s-%.4s-%.4s-%.4s-%.12s", h.data, h.data + 8, h.data + 12, h.data + 16,
                      h.data + 20);
}

static value decimal_value(const column *c, arena *a, __int128 x)
{
    if (c->scale == 0 && x >= INT64_MIN && x <= INT64_MAX)
        return (value){ .kind = VALUE_INT, .integer = (int64_t)x };
    return (value){ .kind = VALUE_DECIMAL, .text = decimal_text(a, x, c->scale) };
}

value column_value(const column *c, arena *a, size_t row)
{
    if (column_is_null(c, row))
        return (value){ .kind = VALUE_NULL };
    switch (c->type) {
    case COLUMN_BOOL:
        return (value){ .kind = VALUE_BOOL, .boolean = ((const uint8_t *)c->data)[row] != 0 };
    case COLUMN_INT32: return value_int32(((const int32_t *)c->data)[row]);
    case COLUMN_INT64:
        return (value){ .kind = VALUE_INT, .integer = ((const int64_t *)c->data)[row] };
    case COLUMN_FLOAT:
        return (value){ .kind = VALUE_DOUBLE,
                        .width = 32,
                        .real = (double)((const float *)c->data)[row] };
    case COLUMN_DOUBLE:
        return (value){ .kind = VALUE_DOUBLE, .real = ((const double *)c->data)[row] };
    case COLUMN_DECIMAL: return decimal_value(c, a, ((const __int128 *)c->data)[row]);
    case COLUMN_DATE:
        return (value){ .kind = VALUE_DATE, .integer = ((const int32_t *)c->data)[row] };
    case COLUMN_TIME:
        return (value){ .kind = VALUE_TIME, .integer = ((const int64_t *)c->data)[row] };
    case COLUMN_TIMESTAMP:
        return (value){ .kind = VALUE_TIMESTAMP, .integer = ((const int64_t *)c->data)[row] };
    case COLUMN_UUID:
        return (value){ .kind = VALUE_UUID,
                        .text = uuid_text(a, (const uint8_t *)c->data + row * 16) };
    case COLUMN_STRING: return (value){ .kind = VALUE_STRING, .text = ((const str *)c->data)[row] };
    case COLUMN_BINARY: return (value){ .kind = VALUE_BINARY, .text = ((const str *)c->data)[row] };
    case COLUMN_VALUE: return ((const value *)c->data)[row];
    }
    return (value){ .kind = VALUE_NULL };
}

static str double_text(arena *a, double x)
{
    if (isnan(x))
        return STR("nan");
    if (isinf(x))
        return x < 0 ? STR("-inf") : STR("inf");
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    json_put_double(&w, x);
    return strbuf_str(&b);
}

static str timestamp_text(arena *a, int64_t us)
{
    str iso = clock_format_us(a, us); /* 2024-04-18T03:00:00Z */
    char *text = (char *)(uintptr_t)iso.data;
    text[10] = ' ';
    return (str){ text, iso.len - 1 };
}

static void add_value_text(strbuf *b, const value *v);

static void add_list_text(strbuf *b, const value *items, size_t count)
{
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            strbuf_add(b, STR(", "));
        add_value_text(b, &items[i]);
    }
    strbuf_add_char(b, ']');
}

static void add_map_text(strbuf *b, const value *v)
{
    strbuf_add_char(b, '{');
    for (size_t i = 0; i < v->map.count; i++) {
        if (i)
            strbuf_add(b, STR(", "));
        add_value_text(b, &v->map.keys[i]);
        strbuf_add_char(b, '=');
        add_value_text(b, &v->map.values[i]);
    }
    strbuf_add_char(b, '}');
}

static void add_value_text(strbuf *b, const value *v)
{
    switch (v->kind) {
    case VALUE_NULL: strbuf_add(b, STR("NULL")); return;
    case VALUE_BOOL: strbuf_add_c(b, v->boolean ? "true" : "false"); return;
    case VALUE_INT: strbuf_format(b, "%lld", (long long)v->integer); return;
    case VALUE_DOUBLE: strbuf_add(b, double_text(b->arena, v->real)); return;
    case VALUE_DATE: strbuf_add(b, clock_format_days(b->arena, (int32_t)v->integer)); return;
    case VALUE_TIME: {
        str t = timestamp_text(b->arena, v->integer);
        strbuf_add(b, str_slice(t, 11, t.len));
        return;
    }
    case VALUE_TIMESTAMP: strbuf_add(b, timestamp_text(b->arena, v->integer)); return;
    case VALUE_BINARY: strbuf_add(b, hex_encode(b->arena, v->text.data, v->text.len)); return;
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_TOKEN:
    case VALUE_STRING: strbuf_add(b, v->text); return;
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_GRAPH:
    case VALUE_PATH: add_list_text(b, v->list.items, v->list.count); return;
    case VALUE_MAP:
    case VALUE_TREE:
    case VALUE_ENTRY:
    case VALUE_PROPERTY: add_map_text(b, v); return;
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_DURATION:
    case VALUE_POINT: temporal_print(v, b); return;
    case VALUE_VERTEX:
    case VALUE_EDGE: strbuf_format(b, "%llx", (unsigned long long)v->ref); return;
    }
}

str column_text(const column *c, arena *a, size_t row)
{
    if (column_is_null(c, row))
        return STR("");
    if (c->type == COLUMN_STRING)
        return ((const str *)c->data)[row];
    value v = column_value(c, a, row);
    strbuf b = strbuf_new(a);
    add_value_text(&b, &v);
    return strbuf_str(&b);
}
