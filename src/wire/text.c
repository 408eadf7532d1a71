/* Text of times, and base64. */
#include "wire/text.h"

#include <openssl/evp.h>

#include "base/clock.h"

const char *wire_type_name(value_kind kind)
{
    switch (kind) {
    case VALUE_DECIMAL: return "decimal";
    case VALUE_BINARY: return "binary";
    case VALUE_UUID: return "uuid";
    case VALUE_DATE: return "date";
    case VALUE_TIME: return "time";
    case VALUE_TIMESTAMP: return "timestamp";
    default: return "text";
    }
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
    default: return v->text;
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
