/* Bounds of columns in the spec's single-value binary form. Source: Iceberg spec, Appendix D;
 * truncation as the reference implementation's default metrics mode, truncate(16). */
#include <math.h>

#include "base/clock.h"
#include "iceberg/internal.h"

enum { BOUND_CHARACTERS = 16 };

static bool put_bytes(arena *a, const void *bytes, size_t len, str *ret)
{
    *ret = (str){ arena_copy(a, bytes, len), len };
    return true;
}

bool bounds_encode(arena *a, const iceberg_type *type, const value *v, str *ret)
{
    switch (type->kind) {
    case ICEBERG_BOOLEAN:
        return v->kind == VALUE_BOOL && put_bytes(a, &(uint8_t){ v->boolean }, 1, ret);
    case ICEBERG_INT:
    case ICEBERG_DATE:
        return (v->kind == VALUE_INT || v->kind == VALUE_DATE) &&
               put_bytes(a, &(int32_t){ (int32_t)v->integer }, 4, ret);
    case ICEBERG_LONG:
    case ICEBERG_TIME:
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
        return (v->kind == VALUE_INT || v->kind == VALUE_TIME || v->kind == VALUE_TIMESTAMP) &&
               put_bytes(a, &v->integer, 8, ret);
    case ICEBERG_FLOAT:
        return v->kind == VALUE_DOUBLE && put_bytes(a, &(float){ (float)v->real }, 4, ret);
    case ICEBERG_DOUBLE: return v->kind == VALUE_DOUBLE && put_bytes(a, &v->real, 8, ret);
    case ICEBERG_STRING:
    case ICEBERG_BINARY:
    case ICEBERG_FIXED:
        return (v->kind == VALUE_STRING || v->kind == VALUE_BINARY) &&
               put_bytes(a, v->text.data, v->text.len, ret);
    default: return false;
    }
}

/* Cut to 16 characters; an upper bound that was cut has its last character that can grow raised by
 * one. */
static bool truncate_text(arena *a, str text, bool is_upper, str *ret)
{
    size_t len = 0;
    for (size_t n = 0; n < BOUND_CHARACTERS && len < text.len; n++) {
        len++;
        while (len < text.len && ((unsigned char)text.data[len] & 0xC0) == 0x80)
            len++;
    }
    if (len == text.len || !is_upper)
        return put_bytes(a, text.data, len, ret);
    /* raise the last ASCII character below DEL; characters above ASCII are cut off before it */
    while (len > 0 && (unsigned char)text.data[len - 1] >= 0x7E)
        len--;
    if (len == 0)
        return false;
    char *raised = arena_copy(a, text.data, len);
    raised[len - 1]++;
    *ret = (str){ raised, len };
    return true;
}

/* "-12.34" with scale 2 → two's complement, big endian, shortest. */
static bool encode_decimal(arena *a, str text, int scale, str *ret)
{
    __int128 unscaled = 0;
    bool is_negative = text.len && text.data[0] == '-';
    int behind = -1;
    for (size_t i = is_negative; i < text.len; i++) {
        if (text.data[i] == '.' && behind < 0) {
            behind = 0;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9' || i > 42)
            return false;
        unscaled = unscaled * 10 + (text.data[i] - '0');
        behind += behind >= 0;
    }
    for (behind = behind < 0 ? 0 : behind; behind < scale; behind++)
        unscaled *= 10;
    if (is_negative)
        unscaled = -unscaled;
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(unscaled >> (8 * (15 - i)));
    size_t skip = 0;
    while (skip < 15 && bytes[skip] == (is_negative ? 0xFF : 0) &&
           (bytes[skip + 1] >> 7) == is_negative)
        skip++;
    return put_bytes(a, bytes + skip, 16 - skip, ret);
}

static bool encode_uuid(arena *a, str text, str *ret)
{
    uint8_t bytes[16];
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '-')
            continue;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0 || n >= 32)
            return false;
        bytes[n / 2] = (uint8_t)(n % 2 ? bytes[n / 2] | digit : digit << 4);
        n++;
    }
    return n == 32 && put_bytes(a, bytes, 16, ret);
}

bool bounds_of_text(arena *a, const iceberg_type *type, str text, bool is_upper, str *ret)
{
    value v = { .kind = VALUE_INT };
    double real;
    switch (type->kind) {
    case ICEBERG_BOOLEAN:
        return put_bytes(a, &(uint8_t){ str_eq(text, STR("true")) || str_eq(text, STR("1")) }, 1,
                         ret);
    case ICEBERG_INT:
    case ICEBERG_LONG: return str_to_i64(text, &v.integer) && bounds_encode(a, type, &v, ret);
    case ICEBERG_DATE:
        if (!clock_parse_us(text, &v.integer))
            return false;
        v.integer /= 86400000000ll;
        return bounds_encode(a, type, &v, ret);
    case ICEBERG_TIMESTAMPTZ:
        if (str_ends_with(text, STR("+00")))
            text.len -= 3;
        return clock_parse_us(text, &v.integer) && bounds_encode(a, type, &v, ret);
    case ICEBERG_TIMESTAMP:
        return clock_parse_us(text, &v.integer) && bounds_encode(a, type, &v, ret);
    case ICEBERG_FLOAT:
    case ICEBERG_DOUBLE:
        v.kind = VALUE_DOUBLE;
        if (!str_to_double(text, &real) || isnan(real))
            return false;
        v.real = real;
        return bounds_encode(a, type, &v, ret);
    case ICEBERG_STRING: return truncate_text(a, text, is_upper, ret);
    case ICEBERG_DECIMAL: return encode_decimal(a, text, type->scale, ret);
    case ICEBERG_UUID: return encode_uuid(a, text, ret);
    default: return false;
    }
}

int bounds_compare(const iceberg_type *type, str x, str y)
{
    int64_t p = 0, q = 0;
    double d, e;
    float f, g;
    switch (type->kind) {
    case ICEBERG_BOOLEAN: return str_compare(x, y);
    case ICEBERG_INT:
    case ICEBERG_DATE: {
        int32_t m = 0, n = 0;
        memcpy(&m, x.data, x.len < 4 ? x.len : 4);
        memcpy(&n, y.data, y.len < 4 ? y.len : 4);
        return (m > n) - (m < n);
    }
    case ICEBERG_LONG:
    case ICEBERG_TIME:
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
        memcpy(&p, x.data, x.len < 8 ? x.len : 8);
        memcpy(&q, y.data, y.len < 8 ? y.len : 8);
        return (p > q) - (p < q);
    case ICEBERG_FLOAT:
        if (x.len < 4 || y.len < 4)
            return 0;
        memcpy(&f, x.data, 4);
        memcpy(&g, y.data, 4);
        return (f > g) - (f < g);
    case ICEBERG_DOUBLE:
        if (x.len < 8 || y.len < 8)
            return 0;
        memcpy(&d, x.data, 8);
        memcpy(&e, y.data, 8);
        return (d > e) - (d < e);
    default: return str_compare(x, y);
    }
}
