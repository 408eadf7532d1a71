/* Text of times, and base64. */
#include "wire/text.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "column/temporal.h"

const char *wire_type_name(value_kind kind)
{
    switch (kind) {
    case VALUE_DECIMAL: return "decimal";
    case VALUE_BINARY: return "binary";
    case VALUE_UUID: return "uuid";
    case VALUE_DATE: return "date";
    case VALUE_TIME: return "time";
    case VALUE_TIMESTAMP: return "timestamp";
    case VALUE_LOCAL_TIME: return "localtime";
    case VALUE_ZONED_TIME: return "time";
    case VALUE_LOCAL_DATETIME: return "localdatetime";
    case VALUE_DATETIME: return "datetime";
    case VALUE_DURATION: return "duration";
    case VALUE_POINT: return "point";
    default: return "text";
    }
}

static str printed(arena *a, const value *v)
{
    strbuf b = strbuf_new(a);
    return temporal_print(v, &b) ? strbuf_str(&b) : STR("");
}

static str time_text(arena *a, int64_t us)
{
    str whole = str_format(a, "%02lld:%02lld:%02lld", (long long)(us / 3600000000),
                           (long long)(us / 60000000 % 60), (long long)(us / 1000000 % 60));
    return us % 1000000
               ? str_format(a, STR_FMT ".%06lld", STR_ARG(whole), (long long)(us % 1000000))
               : whole;
}

str wire_text(arena *a, const value *v)
{
    switch (v->kind) {
    case VALUE_DATE: return clock_format_days(a, (int32_t)v->integer);
    case VALUE_TIME: return time_text(a, v->integer);
    case VALUE_TIMESTAMP: return clock_format_us(a, v->integer);
    case VALUE_BINARY: return base64_encode(a, v->text);
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_DURATION:
    case VALUE_POINT: return printed(a, v);
    default: return v->text;
    }
}

str wire_key_text(arena *a, const value *v)
{
    switch (v->kind) {
    case VALUE_NULL: return STR("null");
    case VALUE_BOOL: return v->boolean ? STR("true") : STR("false");
    case VALUE_INT: return str_format(a, "%lld", (long long)v->integer);
    case VALUE_DOUBLE: return str_format(a, "%.17g", v->real);
    case VALUE_VERTEX:
    case VALUE_EDGE: return str_format(a, "%llu", (unsigned long long)v->ref);
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_GRAPH:
    case VALUE_PATH: return str_format(a, "list of %zu", v->list.count);
    case VALUE_MAP:
    case VALUE_ENTRY:
    case VALUE_TREE:
    case VALUE_PROPERTY: return str_format(a, "map of %zu", v->map.count);
    default: return wire_text(a, v);
    }
}

str base64_encode(arena *a, str bytes)
{
    char *text = arena_alloc(a, (bytes.len + 2) / 3 * 4 + 1);
    int len =
        EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.data, (int)bytes.len);
    return (str){ text, (size_t)len };
}

bool base64_decode(arena *a, str text, str *ret)
{
    while (text.len && text.data[text.len - 1] == '=')
        text.len--;
    size_t padding = (4 - text.len % 4) % 4;
    if (padding == 3)
        return false;
    char *padded = arena_alloc(a, text.len + 4);
    memcpy(padded, text.data, text.len);
    memset(padded + text.len, '=', padding);
    char *bytes = arena_alloc(a, (text.len + padding) / 4 * 3 + 1);
    int len = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)padded,
                              (int)(text.len + padding));
    if (len < 0)
        return false;
    *ret = (str){ bytes, (size_t)len - padding };
    return true;
}
