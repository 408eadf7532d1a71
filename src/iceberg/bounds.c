/* Bounds of columns in the spec's single-value binary form. Source: Iceberg spec, Appendix D;
 * truncation as the reference implementation's default metrics mode, truncate(16). */
#include <math.h>

#include "base/clock.h"
#include "base/hash.h"
#include "iceberg/internal.h"

enum { BOUND_CHARACTERS = 16 };

static bool put_bytes(arena *a, const void *bytes, size_t len, str *ret)
{
    *ret = (str){ arena_copy(a, bytes, len), len };
    return true;
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
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS:
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
    case ICEBERG_DECIMAL:
        return v->kind == VALUE_DECIMAL && encode_decimal(a, v->text, type->scale, ret);
    case ICEBERG_UUID: return v->kind == VALUE_UUID && encode_uuid(a, v->text, ret);
    default: return false;
    }
}

/* Two's complement, big endian → plain digits with the scale's point. */
str bounds_decimal_text(arena *a, str bytes, int scale)
{
    __int128 n = bytes.len && (bytes.data[0] & 0x80) ? -1 : 0;
    for (size_t i = 0; i < bytes.len && i < 16; i++)
        n = (__int128)((unsigned __int128)n << 8) | (uint8_t)bytes.data[i];
    bool is_negative = n < 0;
    unsigned __int128 rest = is_negative ? -(unsigned __int128)n : (unsigned __int128)n;
    char digits[64];
    size_t at = sizeof digits;
    for (int i = 0; rest || i <= scale; i++) {
        if (i == scale && scale > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        if (at < 4)
            break;
    }
    if (is_negative)
        digits[--at] = '-';
    return str_copy(a, (str){ digits + at, sizeof digits - at });
}

str bounds_uuid_text(arena *a, str bytes)
{
    str hex = hex_encode(a, bytes.data, bytes.len);
    return bytes.len == 16
               ? str_format(a, STR_FMT "-" STR_FMT "-" STR_FMT "-" STR_FMT "-" STR_FMT,
                            STR_ARG(str_slice(hex, 0, 8)), STR_ARG(str_slice(hex, 8, 12)),
                            STR_ARG(str_slice(hex, 12, 16)), STR_ARG(str_slice(hex, 16, 20)),
                            STR_ARG(str_slice(hex, 20, 32)))
               : hex;
}

str bounds_of_hex(arena *a, str hex)
{
    char *bytes = arena_alloc(a, hex.len / 2 + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        int n = 0;
        for (size_t k = i; k < i + 2; k++) {
            char c = hex.data[k];
            n = n * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        bytes[i / 2] = (char)n;
    }
    return (str){ bytes, hex.len / 2 };
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

bool iceberg_bound_value(arena *a, const iceberg_type *type, str bytes, value *ret)
{
    int32_t small = 0;
    float single;
    *ret = (value){ .kind = VALUE_INT };
    switch (type->kind) {
    case ICEBERG_BOOLEAN:
        if (bytes.len < 1)
            return false;
        *ret = value_bool(bytes.data[0] != 0);
        return true;
    case ICEBERG_INT:
    case ICEBERG_DATE:
        if (bytes.len < 4)
            return false;
        memcpy(&small, bytes.data, 4);
        *ret = value_int(small);
        ret->kind = type->kind == ICEBERG_DATE ? VALUE_DATE : VALUE_INT;
        return true;
    case ICEBERG_LONG:
    case ICEBERG_TIME:
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS:
        if (bytes.len < 8 && bytes.len != 4)
            return false;
        memcpy(&ret->integer, bytes.data, bytes.len < 8 ? 4 : 8);
        if (bytes.len == 4) /* written while the column was an int */
            ret->integer = (int32_t)ret->integer;
        ret->kind = type->kind == ICEBERG_LONG          ? VALUE_INT
                    : type->kind == ICEBERG_TIME        ? VALUE_TIME
                    : type->kind <= ICEBERG_TIMESTAMPTZ ? VALUE_TIMESTAMP
                                                        : VALUE_INT;
        return true;
    case ICEBERG_FLOAT:
        if (bytes.len < 4)
            return false;
        memcpy(&single, bytes.data, 4);
        *ret = value_double((double)single);
        return true;
    case ICEBERG_DOUBLE:
        if (bytes.len < 8 && bytes.len != 4)
            return false;
        *ret = value_double(0);
        if (bytes.len >= 8) {
            memcpy(&ret->real, bytes.data, 8);
        } else {
            memcpy(&single, bytes.data, 4);
            ret->real = (double)single;
        }
        return true;
    case ICEBERG_STRING: *ret = value_text(bytes); return true;
    case ICEBERG_FIXED:
    case ICEBERG_BINARY: *ret = (value){ .kind = VALUE_BINARY, .text = bytes }; return true;
    case ICEBERG_DECIMAL:
        *ret = (value){ .kind = VALUE_DECIMAL, .text = bounds_decimal_text(a, bytes, type->scale) };
        return true;
    case ICEBERG_UUID:
        *ret = (value){ .kind = VALUE_UUID, .text = bounds_uuid_text(a, bytes) };
        return bytes.len == 16;
    default: return false;
    }
}

/* Bounds of a column that was an int or float when the file was written are shorter. */
static str widened(const iceberg_type *type, str x, char *room)
{
    value v;
    if (x.len != 4)
        return x;
    bool is_real = type->kind == ICEBERG_DOUBLE;
    if (!iceberg_bound_value(NULL, type, x, &v))
        return x;
    memcpy(room, is_real ? (const void *)&v.real : (const void *)&v.integer, 8);
    return (str){ room, 8 };
}

int bounds_compare(const iceberg_type *type, str x, str y)
{
    int64_t p = 0, q = 0;
    double d, e;
    float f, g;
    char x_room[8], y_room[8];
    bool is_wide = type->kind == ICEBERG_LONG || type->kind == ICEBERG_DOUBLE;
    x = is_wide ? widened(type, x, x_room) : x;
    y = is_wide ? widened(type, y, y_room) : y;
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
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS:
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
    case ICEBERG_DECIMAL: { /* two's complement, big endian, of any length */
        bool is_x_negative = x.len && (x.data[0] & 0x80),
             is_y_negative = y.len && (y.data[0] & 0x80);
        if (is_x_negative != is_y_negative)
            return is_x_negative ? -1 : 1;
        if (x.len != y.len)
            return (x.len > y.len) != is_x_negative ? 1 : -1;
        return str_compare(x, y);
    }
    default: return str_compare(x, y);
    }
}
