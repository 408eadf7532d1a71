/* Slices of text and the buffer that builds them. */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower_of(a.data[i]) != lower_of(b.data[i]))
            return false;
    return true;
}

int str_compare(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(str s, str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

bool str_ends_with(str s, str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

ptrdiff_t str_find(str s, str part)
{
    if (part.len == 0)
        return 0;
    const char *at = s.len ? memmem(s.data, s.len, part.data, part.len) : NULL;
    return at ? at - s.data : -1;
}

bool str_contains(str s, str part)
{
    return str_find(s, part) >= 0;
}

ptrdiff_t str_find_char(str s, char c)
{
    const char *at = s.len ? memchr(s.data, c, s.len) : NULL;
    return at ? at - s.data : -1;
}

ptrdiff_t str_rfind_char(str s, char c)
{
    const char *at = s.len ? memrchr(s.data, c, s.len) : NULL;
    return at ? at - s.data : -1;
}

str str_slice(str s, size_t from, size_t to)
{
    to = to > s.len ? s.len : to;
    from = from > to ? to : from;
    return (str){ from ? s.data + from : s.data, to - from };
}

/* Levenshtein's, one row at a time. */
size_t str_distance(str a, str b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];
    if (a.len > LONGEST || b.len > LONGEST)
        return LONGEST;
    for (size_t i = 0; i <= b.len; i++)
        row[i] = i;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t change = corner + (lower_of(a.data[i]) != lower_of(b.data[k]));
            corner = row[k + 1];
            size_t best = row[k] < row[k + 1] ? row[k] + 1 : row[k + 1] + 1;
            row[k + 1] = change < best ? change : best;
        }
    }
    return row[b.len];
}

/* Unicode 15, table 3-7. */
size_t str_utf8_length(str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.data + at;
    if (at >= s.len || p[0] < 0x80)
        return at < s.len;
    size_t n = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
               : (p[0] & 0xF0) == 0xE0        ? 3
               : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                              : 0;
    if (n == 0 || n > s.len - at)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    bool is_overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool is_surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool is_too_big = p[0] == 0xF4 && p[1] > 0x8F;
    return is_overlong || is_surrogate || is_too_big ? 0 : n;
}

str str_trim(str s)
{
    while (s.len && is_space(s.data[0]))
        s = str_slice(s, 1, s.len);
    while (s.len && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

str str_cut(str *rest, char separator)
{
    ptrdiff_t at = str_find_char(*rest, separator);
    str first = at < 0 ? *rest : str_slice(*rest, 0, (size_t)at);
    *rest = at < 0 ? str_slice(*rest, rest->len, rest->len)
                   : str_slice(*rest, (size_t)at + 1, rest->len);
    return first;
}

bool str_to_u64(str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool str_to_i64(str s, int64_t *ret_value)
{
    bool is_negative = s.len && s.data[0] == '-';
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        s = str_slice(s, 1, s.len);
    uint64_t size;
    if (!str_to_u64(s, &size) || size > (uint64_t)INT64_MAX + is_negative)
        return false;
    *ret_value = is_negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

bool str_to_double(str s, double *ret_value)
{
    char digits[64];
    if (s.len == 0 || s.len >= sizeof digits || is_space(s.data[0]))
        return false;
    memcpy(digits, s.data, s.len);
    digits[s.len] = 0;
    char *end;
    double value = strtod(digits, &end);
    if (end != digits + s.len)
        return false;
    *ret_value = value;
    return true;
}

str str_copy(arena *a, str s)
{
    return (str){ arena_copy(a, s.data, s.len), s.len };
}

const char *str_to_c(arena *a, str s)
{
    char *c = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(c, s.data, s.len);
    return c;
}

str str_vformat(arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, args);
    return (str){ text, (size_t)len };
}

str str_format(arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = str_vformat(a, format, args);
    va_end(args);
    return s;
}

str str_concat(arena *a, str first, str second)
{
    char *text = arena_alloc(a, first.len + second.len);
    if (first.len)
        memcpy(text, first.data, first.len);
    if (second.len)
        memcpy(text + first.len, second.data, second.len);
    return (str){ text, first.len + second.len };
}

str str_lower(arena *a, str s)
{
    char *text = arena_alloc(a, s.len);
    for (size_t i = 0; i < s.len; i++)
        text[i] = lower_of(s.data[i]);
    return (str){ text, s.len };
}

str str_upper(arena *a, str s)
{
    char *text = arena_alloc(a, s.len);
    for (size_t i = 0; i < s.len; i++)
        text[i] = s.data[i] >= 'a' && s.data[i] <= 'z' ? (char)(s.data[i] - 32) : s.data[i];
    return (str){ text, s.len };
}

void strbuf_reserve(strbuf *b, size_t more)
{
    if (b->capacity - b->len >= more)
        return;
    size_t capacity = b->capacity ? b->capacity * 2 : 64;
    while (capacity - b->len < more)
        capacity *= 2;
    b->data = arena_grow(b->arena, b->data, b->capacity, capacity);
    b->capacity = capacity;
}

void strbuf_add_bytes(strbuf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    strbuf_reserve(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void strbuf_add(strbuf *b, str s)
{
    strbuf_add_bytes(b, s.data, s.len);
}

void strbuf_add_c(strbuf *b, const char *s)
{
    strbuf_add_bytes(b, s, strlen(s));
}

void strbuf_add_char(strbuf *b, char c)
{
    strbuf_add_bytes(b, &c, 1);
}

void strbuf_format(strbuf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    strbuf_reserve(b, (size_t)len + 1);
    vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
    b->len += (size_t)len;
    va_end(args);
}

static void add_quoted(strbuf *b, str s, char quote)
{
    strbuf_add_char(b, quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == quote)
            strbuf_add_char(b, quote);
        strbuf_add_char(b, s.data[i]);
    }
    strbuf_add_char(b, quote);
}

void strbuf_add_sql_text(strbuf *b, str s)
{
    add_quoted(b, s, '\'');
}

void strbuf_add_sql_name(strbuf *b, str s)
{
    add_quoted(b, s, '"');
}
