/* Functions of texts and conversions, as openCypher has them. */
#include <arpa/inet.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "column/temporal.h"
#include "exec/named.h"

static bool is_text_or_null(const value *v, const char *function, bool *ret_is_null, error *err)
{
    *ret_is_null = v->kind == VALUE_NULL;
    if (v->kind == VALUE_NULL || v->kind == VALUE_STRING || v->kind == VALUE_UUID)
        return true;
    return fail_type(err, "TypeError: InvalidArgumentType", "%s() takes a text", function);
}

static bool fail_value(error *err, const char *function, const char *what)
{
    return fail_type(err, "TypeError: InvalidArgumentValue", "%s() cannot convert %s", function,
                     what);
}

bool named_to_integer(query *q, const value *args, size_t count, value *ret, error *err)
{
    double d;
    *ret = value_null();
    switch (args->kind) {
    case VALUE_NULL: return true;
    case VALUE_INT: *ret = value_int(args->integer); return true;
    case VALUE_BOOL: *ret = value_int(args->boolean); return true;
    case VALUE_DOUBLE:
    case VALUE_DECIMAL:
    case VALUE_STRING: {
        int64_t n;
        str s = args->kind == VALUE_STRING ? str_trim(args->text) : STR("");
        if (args->kind == VALUE_STRING && str_to_i64(s, &n)) {
            *ret = value_int(n);
            return true;
        }
        if (args->kind == VALUE_STRING ? !str_to_double(s, &d) : (d = value_to_double(args), false))
            return true;
        if (d >= -9223372036854775808.0 && d < 9223372036854775808.0)
            *ret = value_int((int64_t)d);
        return true;
    }
    default: return fail_value(err, "toInteger", "this type");
    }
}

bool named_to_float(query *q, const value *args, size_t count, value *ret, error *err)
{
    double d;
    *ret = value_null();
    if (args->kind == VALUE_STRING) {
        if (str_to_double(str_trim(args->text), &d))
            *ret = value_double(d);
        return true;
    }
    if (value_is_number(args))
        *ret = value_double(value_to_double(args));
    return value_is_number(args) || args->kind == VALUE_NULL
               ? true
               : fail_value(err, "toFloat", "this type");
}

/* The shortest digits that read back as the same number, with a point or exponent. */
static str double_text(arena *a, double d)
{
    char out[40];
    int precision = 1;
    if (isnan(d))
        return STR("NaN");
    if (isinf(d))
        return d < 0 ? STR("-Infinity") : STR("Infinity");
    do
        snprintf(out, sizeof out, "%.*g", precision, d);
    while (strtod(out, NULL) != d && ++precision <= 17);
    if (fabs(d) >= 1e-3 && fabs(d) < 1e7) {
        for (int digits = 1; digits <= 20; digits++) {
            snprintf(out, sizeof out, "%.*f", digits, d);
            if (strtod(out, NULL) == d)
                break;
        }
        return str_copy(a, str_of(out));
    }
    if (d == 0)
        return signbit(d) ? STR("-0.0") : STR("0.0");
    char *e = strchr(out, 'e');
    if (!e) { /* 12345678 as 1.2345678E7 */
        snprintf(out, sizeof out, "%.*e", precision - 1, d);
        e = strchr(out, 'e');
    }
    str mantissa = { out, (size_t)(e - out) };
    return str_format(a, STR_FMT "%sE%d", STR_ARG(mantissa),
                      str_find_char(mantissa, '.') < 0 ? ".0" : "", atoi(e + 1));
}

bool named_to_text(query *q, const value *args, size_t count, value *ret, error *err)
{
    strbuf b = strbuf_new(q->arena);
    *ret = value_null();
    switch (args->kind) {
    case VALUE_NULL: return true;
    case VALUE_STRING:
    case VALUE_UUID:
    case VALUE_DECIMAL: *ret = value_text(args->text); return true;
    case VALUE_INT:
        *ret = value_text(str_format(q->arena, "%lld", (long long)args->integer));
        return true;
    case VALUE_DOUBLE: *ret = value_text(double_text(q->arena, args->real)); return true;
    case VALUE_BOOL: *ret = value_text(args->boolean ? STR("true") : STR("false")); return true;
    default: break;
    }
    if (!temporal_print(args, &b))
        return fail_value(err, "toString", "this type");
    *ret = value_text(strbuf_str(&b));
    return true;
}

bool named_to_boolean(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    switch (args->kind) {
    case VALUE_NULL: return true;
    case VALUE_BOOL: *ret = *args; return true;
    case VALUE_INT: *ret = value_bool(args->integer != 0); return true;
    case VALUE_STRING:
        if (str_eq_nocase(str_trim(args->text), STR("true")))
            *ret = value_bool(true);
        else if (str_eq_nocase(str_trim(args->text), STR("false")))
            *ret = value_bool(false);
        return true;
    default: return fail_value(err, "toBoolean", "this type");
    }
}

/* ---- Parts ---- */

/* Byte offset of a character. */
static size_t place_of(str s, int64_t character)
{
    size_t at = 0;
    for (; character > 0 && at < s.len; character--) {
        size_t n = str_utf8_length(s, at);
        at += n ? n : 1;
    }
    return at;
}

static int64_t characters(str s)
{
    int64_t count = 0;
    for (size_t at = 0; at < s.len; count++) {
        size_t n = str_utf8_length(s, at);
        at += n ? n : 1;
    }
    return count;
}

static bool part(const value *text, const value *from, const value *length, value *ret, error *err)
{
    *ret = value_null();
    if (text->kind == VALUE_NULL || from->kind == VALUE_NULL ||
        (length && length->kind == VALUE_NULL))
        return true;
    if (text->kind != VALUE_STRING || from->kind != VALUE_INT ||
        (length && length->kind != VALUE_INT))
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "substring() takes a text and whole numbers");
    if (from->integer < 0 || (length && length->integer < 0))
        return fail_type(err, "ArgumentError: NumberOutOfRange",
                         "a place or length in a text cannot be negative");
    str rest = str_slice(text->text, place_of(text->text, from->integer), text->text.len);
    *ret = value_text(length ? str_slice(rest, 0, place_of(rest, length->integer)) : rest);
    return true;
}

bool named_substring(query *q, const value *args, size_t count, value *ret, error *err)
{
    return part(&args[0], &args[1], count > 2 ? &args[2] : NULL, ret, err);
}

bool named_left(query *q, const value *args, size_t count, value *ret, error *err)
{
    value zero = value_int(0);
    return part(&args[0], &zero, &args[1], ret, err);
}

bool named_right(query *q, const value *args, size_t count, value *ret, error *err)
{
    value from = value_int(0);
    if (args[0].kind == VALUE_STRING && args[1].kind == VALUE_INT && args[1].integer >= 0) {
        int64_t all = characters(args[0].text);
        from.integer = args[1].integer < all ? all - args[1].integer : 0;
    }
    return part(&args[0], &from,
                args[1].kind == VALUE_INT && args[1].integer >= 0 ? NULL : &args[1], ret, err);
}

bool named_replace(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    for (size_t i = 0; i < 3; i++) {
        bool is_null;
        TRY(is_text_or_null(&args[i], "replace", &is_null, err));
        if (is_null)
            return true;
    }
    strbuf b = strbuf_new(q->arena);
    str rest = args[0].text;
    for (ptrdiff_t at; args[1].text.len && (at = str_find(rest, args[1].text)) >= 0;) {
        strbuf_add(&b, str_slice(rest, 0, (size_t)at));
        strbuf_add(&b, args[2].text);
        rest = str_slice(rest, (size_t)at + args[1].text.len, rest.len);
    }
    strbuf_add(&b, rest);
    *ret = value_text(strbuf_str(&b));
    return true;
}

bool named_split(query *q, const value *args, size_t count, value *ret, error *err)
{
    VEC(value) parts = { 0 };
    *ret = value_null();
    for (size_t i = 0; i < 2; i++) {
        bool is_null;
        TRY(is_text_or_null(&args[i], "split", &is_null, err));
        if (is_null)
            return true;
    }
    str rest = args[0].text, by = args[1].text;
    if (by.len == 0) {
        while (rest.len) {
            size_t n = place_of(rest, 1);
            vec_push(q->arena, &parts, value_text(str_slice(rest, 0, n)));
            rest = str_slice(rest, n, rest.len);
        }
    } else {
        for (ptrdiff_t at; (at = str_find(rest, by)) >= 0;) {
            vec_push(q->arena, &parts, value_text(str_slice(rest, 0, (size_t)at)));
            rest = str_slice(rest, (size_t)at + by.len, rest.len);
        }
        vec_push(q->arena, &parts, value_text(rest));
    }
    *ret = value_list(parts.items, parts.count);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static bool cut(const value *v, bool at_start, bool at_end, value *ret, error *err)
{
    bool is_null;
    *ret = value_null();
    TRY(is_text_or_null(v, "trim", &is_null, err));
    if (is_null)
        return true;
    str s = v->text;
    while (at_start && s.len && is_blank(s.data[0]))
        s = str_slice(s, 1, s.len);
    while (at_end && s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    *ret = value_text(s);
    return true;
}

bool named_trim(query *q, const value *args, size_t count, value *ret, error *err)
{
    return cut(args, true, true, ret, err);
}

bool named_left_trim(query *q, const value *args, size_t count, value *ret, error *err)
{
    return cut(args, true, false, ret, err);
}

bool named_right_trim(query *q, const value *args, size_t count, value *ret, error *err)
{
    return cut(args, false, true, ret, err);
}

bool named_lower(query *q, const value *args, size_t count, value *ret, error *err)
{
    bool is_null;
    *ret = value_null();
    TRY(is_text_or_null(args, "toLower", &is_null, err));
    if (!is_null)
        *ret = value_text(str_lower(q->arena, args->text));
    return true;
}

bool named_upper(query *q, const value *args, size_t count, value *ret, error *err)
{
    bool is_null;
    *ret = value_null();
    TRY(is_text_or_null(args, "toUpper", &is_null, err));
    if (!is_null)
        *ret = value_text(str_upper(q->arena, args->text));
    return true;
}

bool named_reverse(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind != VALUE_STRING && args->kind != VALUE_LIST)
        return fail_type(err, "TypeError: InvalidArgumentType", "reverse() takes a text or a list");
    return scalar_call(q, FN_REVERSE, args, 1, ret, err);
}

/* POSIX extended expressions over the whole text. */
bool named_matches(query *q, const value *args, size_t count, value *ret, error *err)
{
    regex_t pattern;
    *ret = value_null();
    if (args[0].kind != VALUE_STRING || args[1].kind != VALUE_STRING)
        return true;
    str wanted = args[1].text;
    int flags = REG_EXTENDED | REG_NOSUB;
    if (str_starts_with(wanted, STR("(?i)"))) {
        flags |= REG_ICASE;
        wanted = str_slice(wanted, 4, wanted.len);
    }
    const char *whole =
        str_to_c(q->arena, str_format(q->arena, "^(" STR_FMT ")$", STR_ARG(wanted)));
    if (regcomp(&pattern, whole, flags) != 0)
        return fail_type(err, "ArgumentError: InvalidArgumentValue",
                         "'" STR_FMT "' is no regular expression", STR_ARG(wanted));
    *ret = value_bool(regexec(&pattern, str_to_c(q->arena, args[0].text), 0, NULL, 0) == 0);
    regfree(&pattern);
    return true;
}

/* ---- Addresses ---- */

static int address_of(const value *v, unsigned char out[16])
{
    char text[64];
    if (v->kind != VALUE_STRING || v->text.len >= sizeof text)
        return 0;
    snprintf(text, sizeof text, STR_FMT, STR_ARG(v->text));
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 6 : 0;
}

bool named_ip_version(query *q, const value *args, size_t count, value *ret, error *err)
{
    unsigned char a[16];
    int version = address_of(args, a);
    *ret = version ? value_int(version) : value_null();
    return true;
}

bool named_ip_in_network(query *q, const value *args, size_t count, value *ret, error *err)
{
    return scalar_call(q, FN_IN_CIDR, args, 2, ret, err);
}

bool named_ip_network(query *q, const value *args, size_t count, value *ret, error *err)
{
    unsigned char a[16];
    char text[64];
    int version = address_of(args, a);
    int64_t most = version == 4 ? 32 : 128;
    *ret = value_null();
    if (!version || args[1].kind == VALUE_NULL)
        return true;
    if (args[1].kind != VALUE_INT || args[1].integer < 0 || args[1].integer > most)
        return fail_type(err, "ArgumentError: NumberOutOfRange",
                         "ipNetwork() takes a number of bits from 0 to %d", (int)most);
    for (int64_t i = args[1].integer; i < most; i++)
        a[i / 8] &= (unsigned char)~(0x80 >> (i % 8));
    inet_ntop(version == 4 ? AF_INET : AF_INET6, a, text, sizeof text);
    *ret = value_text(str_format(q->arena, "%s/%d", text, (int)args[1].integer));
    return true;
}
