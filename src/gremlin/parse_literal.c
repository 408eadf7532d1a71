/* Values in Gremlin text: numbers with their types, texts, lists, sets, maps, ranges, dates. */
#include <math.h>

#include "base/clock.h"
#include "base/hash.h"
#include "gremlin/gremlin.h"
#include "gremlin/parse.h"

/* ---- Texts ---- */

static bool take_hex(parser *p, uint32_t *ret_code)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        char c = p->at < p->text.len ? p->text.data[p->at] : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return gremlin_fail_here(p, "four hexadecimal digits");
        code = code * 16 + (uint32_t)digit;
    }
    *ret_code = code;
    return true;
}

/* \uXXXX, or two of them for a character beyond the first 65536. */
static bool put_unicode(parser *p, strbuf *b)
{
    uint32_t code, low;
    TRY(take_hex(p, &code));
    if (code >= 0xD800 && code < 0xDC00 && p->at + 1 < p->text.len && p->text.data[p->at] == '\\' &&
        p->text.data[p->at + 1] == 'u') {
        p->at += 2;
        TRY(take_hex(p, &low));
        code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
    }
    if (code < 0x80) {
        strbuf_add_char(b, (char)code);
    } else if (code < 0x800) {
        strbuf_add_char(b, (char)(0xC0 | code >> 6));
        strbuf_add_char(b, (char)(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        strbuf_add_char(b, (char)(0xE0 | code >> 12));
        strbuf_add_char(b, (char)(0x80 | (code >> 6 & 63)));
        strbuf_add_char(b, (char)(0x80 | (code & 63)));
    } else {
        strbuf_add_char(b, (char)(0xF0 | code >> 18));
        strbuf_add_char(b, (char)(0x80 | (code >> 12 & 63)));
        strbuf_add_char(b, (char)(0x80 | (code >> 6 & 63)));
        strbuf_add_char(b, (char)(0x80 | (code & 63)));
    }
    return true;
}

static bool parse_text(parser *p, value *ret)
{
    size_t from = p->at;
    char quote = p->text.data[p->at++];
    strbuf b = strbuf_new(p->arena);
    str rest = str_slice(p->text, from, p->text.len);
    bool is_triple = str_starts_with(rest, quote == '"' ? STR("\"\"\"") : STR("'''"));
    p->at += is_triple ? 2 : 0;
    while (p->at < p->text.len) {
        char c = p->text.data[p->at++];
        if (c == quote && (!is_triple || (p->at + 1 < p->text.len && p->text.data[p->at] == quote &&
                                          p->text.data[p->at + 1] == quote))) {
            p->at += is_triple ? 2 : 0;
            *ret = value_text(strbuf_str(&b));
            return true;
        }
        if (c != '\\') {
            strbuf_add_char(&b, c);
            continue;
        }
        c = p->at < p->text.len ? p->text.data[p->at++] : 0;
        if (c == 'u')
            TRY(put_unicode(p, &b));
        else
            strbuf_add_char(&b, c == 'n'   ? '\n'
                                : c == 't' ? '\t'
                                : c == 'r' ? '\r'
                                : c == 'b' ? '\b'
                                : c == 'f' ? '\f'
                                           : c);
    }
    return fail_at(p->err, STR("gremlin"), p->text, from, "this text is not closed: %c is missing",
                   quote);
}

/* ---- Numbers ---- */

static size_t digits_from(parser *p)
{
    size_t from = p->at;
    while (p->at < p->text.len && ((p->text.data[p->at] >= '0' && p->text.data[p->at] <= '9') ||
                                   (p->text.data[p->at] == '_' && p->at > from)))
        p->at++;
    return p->at - from;
}

static bool digit_follows(const parser *p, size_t at)
{
    return at < p->text.len && p->text.data[at] >= '0' && p->text.data[at] <= '9';
}

static bool whole_number(parser *p, size_t from, str digits, char suffix, value *ret)
{
    static const struct {
        char suffix;
        uint8_t width;
    } widths[] = { { 'b', 8 }, { 's', 16 }, { 'i', 32 }, { 'l', 64 } };
    int64_t x;
    bool fits = str_to_i64(digits.data[0] == '+' ? str_slice(digits, 1, digits.len) : digits, &x);
    uint8_t width = !fits ? 0 : x >= INT32_MIN && x <= INT32_MAX ? 32 : 64;
    for (size_t i = 0; i < ARRAY_LEN(widths); i++)
        if (suffix == widths[i].suffix)
            width = widths[i].width;
    if (suffix == 'n' || !fits) {
        *ret = (value){ .kind = VALUE_DECIMAL, .width = WIDTH_WHOLE, .text = digits };
        if (suffix == 'n' || !suffix)
            return true;
    }
    int64_t most = width == 64 || !width ? INT64_MAX : ((int64_t)1 << (width - 1)) - 1;
    if (!fits || x > most || x < -most - 1)
        return fail_at(p->err, STR("gremlin"), p->text, from,
                       "the number " STR_FMT " does not fit into %d bits", STR_ARG(digits), width);
    *ret = (value){ .kind = VALUE_INT, .width = width, .integer = x };
    return true;
}

static str without_underscores(parser *p, str s)
{
    strbuf b = strbuf_new(p->arena);
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != '_')
            strbuf_add_char(&b, s.data[i]);
    return strbuf_str(&b);
}

static bool parse_number(parser *p, value *ret)
{
    size_t from = p->at;
    bool is_real = false;
    p->at += p->text.data[p->at] == '-' || p->text.data[p->at] == '+';
    size_t count = digits_from(p);
    if (p->at < p->text.len && p->text.data[p->at] == '.' && digit_follows(p, p->at + 1)) {
        p->at++;
        count += digits_from(p);
        is_real = true;
    }
    if (count == 0) {
        str word;
        double sign = p->text.data[from] == '-' ? -1 : 1;
        bool works = gremlin_parse_word(p, "a number", &word) && str_eq(word, STR("Infinity"));
        *ret = value_double(sign * INFINITY);
        if (p->err->code || works)
            return works;
        p->at = from;
        return gremlin_fail_here(p, "a number");
    }
    if (p->at < p->text.len && (p->text.data[p->at] == 'e' || p->text.data[p->at] == 'E')) {
        size_t sign = p->at + 1 < p->text.len && strchr("+-", p->text.data[p->at + 1]) ? 1 : 0;
        if (digit_follows(p, p->at + 1 + sign)) {
            p->at += 1 + sign;
            digits_from(p);
            is_real = true;
        }
    }
    str digits = without_underscores(p, str_slice(p->text, from, p->at));
    char suffix = p->at < p->text.len ? p->text.data[p->at] | 0x20 : 0;
    if (suffix && strchr("bsilnfdm", suffix) && suffix != 0)
        p->at++;
    else
        suffix = 0;
    if (p->at < p->text.len && gremlin_is_word(p->text.data[p->at], false)) {
        p->at = from;
        return gremlin_fail_here(p, "a number");
    }
    if (suffix == 'm') {
        *ret = (value){ .kind = VALUE_DECIMAL, .text = digits };
        return true;
    }
    if (!is_real && suffix != 'd' && suffix != 'f')
        return whole_number(p, from, digits, suffix, ret);
    double real;
    if (!str_to_double(digits, &real)) {
        p->at = from;
        return gremlin_fail_here(p, "a number");
    }
    if (isinf(real)) {
        *ret = (value){ .kind = VALUE_DECIMAL, .text = digits };
        return true;
    }
    *ret = value_double(suffix == 'f' ? (double)(float)real : real);
    ret->width = suffix == 'f' ? 32 : 0;
    return true;
}

/* ---- Lists, sets and maps ---- */

/* A value that lists and maps can hold: constants become tokens. */
static bool parse_item(parser *p, value *ret)
{
    gremlin_argument x;
    TRY(gremlin_parse_argument(p, &x));
    if (x.kind == ARG_TOKEN) {
        *ret = (value){ .kind = VALUE_TOKEN, .text = x.token };
        return true;
    }
    if (x.kind != ARG_LITERAL)
        return fail_at(p->err, STR("gremlin"), p->text, x.offset, "expected a value");
    *ret = x.literal;
    return true;
}

static value direction_token(value v)
{
    if (v.kind == VALUE_TOKEN && str_eq(v.text, STR("from")))
        v.text = STR("OUT");
    if (v.kind == VALUE_TOKEN && str_eq(v.text, STR("to")))
        v.text = STR("IN");
    return v;
}

/* Whether the bracket here is closed and a colon follows: what is nested is not read twice for it,
 * or a row of brackets would take time beyond measure. */
static bool is_bracketed_key(const parser *p)
{
    str t = p->text;
    int open = 0;
    for (size_t i = p->at; i < t.len; i++) {
        char c = t.data[i];
        if (c == '\'' || c == '"') {
            for (i++; i < t.len && t.data[i] != c; i++)
                i += t.data[i] == '\\';
        } else if (c == '[' || c == '{' || c == '(') {
            open++;
        } else if ((c == ']' || c == '}' || c == ')') && --open <= 0) {
            for (i++; i < t.len && (t.data[i] == ' ' || t.data[i] == '\t' || t.data[i] == '\n' ||
                                    t.data[i] == '\r');)
                i++;
            return i < t.len && t.data[i] == ':';
        }
    }
    return false;
}

/* A key of [key: value]: (anything), a word, T.id, or a value; false when no colon follows. */
static bool parse_key(parser *p, value *ret)
{
    size_t from = p->at;
    error *err = p->err, ignored = { 0 };
    char c = gremlin_peek(p);
    str word;
    bool works = false;
    int depth = p->depth;
    if ((c == '[' || c == '{' || c == '(') && !is_bracketed_key(p))
        return false;
    p->err = &ignored;
    if (gremlin_take(p, '(')) {
        works = parse_item(p, ret) && gremlin_take(p, ')');
    } else if (gremlin_is_word(c, true)) {
        size_t word_from = p->at;
        works = gremlin_parse_word(p, "a key", &word);
        *ret = value_text(word);
        if (works && gremlin_peek(p) == '.') {
            p->at = word_from;
            works = parse_item(p, ret);
        }
    } else if (c) {
        works = gremlin_parse_value(p, ret);
    }
    p->err = err;
    p->depth = depth;
    if (works && gremlin_take(p, ':')) {
        *ret = direction_token(*ret);
        return true;
    }
    p->at = from;
    return false;
}

static bool parse_map(parser *p, value first, value *ret)
{
    VEC(value) keys = { 0 };
    VEC(value) values = { 0 };
    for (;;) {
        value x;
        TRY(parse_item(p, &x));
        size_t at = 0;
        while (at < keys.count && !value_equal(&keys.items[at], &first))
            at++;
        if (at == keys.count) {
            vec_push(p->arena, &keys, first);
            vec_push(p->arena, &values, x);
        } else {
            values.items[at] = x;
        }
        if (!gremlin_take(p, ','))
            break;
        if (!parse_key(p, &first))
            return gremlin_fail_here(p, "a key and a colon");
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys.items, values.items, keys.count } };
    return gremlin_need(p, ']');
}

static bool parse_items(parser *p, char end, value *ret)
{
    VEC(value) items = { 0 };
    ret->kind = end == '}' ? VALUE_SET : VALUE_LIST;
    ret->list.items = NULL;
    ret->list.count = 0;
    if (gremlin_take(p, end))
        return true;
    do {
        value x;
        TRY(parse_item(p, &x));
        bool is_known = false;
        for (size_t i = 0; end == '}' && i < items.count; i++)
            is_known |= value_equal(&items.items[i], &x);
        if (!is_known)
            vec_push(p->arena, &items, x);
    } while (gremlin_take(p, ','));
    ret->list.items = items.items;
    ret->list.count = items.count;
    return gremlin_need(p, end);
}

static bool parse_list(parser *p, value *ret)
{
    value key;
    p->at++;
    if (gremlin_take(p, ':')) {
        *ret = (value){ .kind = VALUE_MAP };
        return gremlin_need(p, ']');
    }
    return parse_key(p, &key) ? parse_map(p, key, ret) : parse_items(p, ']', ret);
}

bool gremlin_parse_value(parser *p, value *ret)
{
    char c = gremlin_peek(p);
    *ret = value_null();
    if (c == '\'' || c == '"')
        return parse_text(p, ret);
    if ((c >= '0' && c <= '9') || c == '-' || c == '+')
        return parse_number(p, ret);
    if (c != '[' && c != '{')
        return gremlin_fail_here(p, "a value, a predicate or a traversal");
    if (++p->depth > DEEPEST)
        return fail_at(p->err, STR("gremlin"), p->text, p->at,
                       "the query is nested more than %d deep", DEEPEST);
    p->at += c == '{';
    bool works = c == '[' ? parse_list(p, ret) : parse_items(p, '}', ret);
    p->depth--;
    return works;
}

/* 1..5 and 'a'..'c', both ends included. */
bool gremlin_parse_range(parser *p, value *v)
{
    value end;
    str rest = str_slice(p->text, p->at, p->text.len);
    bool is_text = v->kind == VALUE_STRING && v->text.len == 1;
    if ((v->kind != VALUE_INT && !is_text) || !str_starts_with(rest, STR("..")))
        return true;
    size_t from = p->at;
    p->at += 2;
    TRY(gremlin_parse_value(p, &end));
    if (end.kind != v->kind || (is_text && end.text.len != 1))
        return fail_at(p->err, STR("gremlin"), p->text, from,
                       "a range leads from one whole number "
                       "or letter to another");
    int64_t first = is_text ? (unsigned char)v->text.data[0] : v->integer;
    int64_t last = is_text ? (unsigned char)end.text.data[0] : end.integer;
    int64_t step = first <= last ? 1 : -1;
    if (last - first > RANGE_LONGEST || first - last > RANGE_LONGEST)
        return fail_at(p->err, STR("gremlin"), p->text, from, "the range has more than %d items",
                       RANGE_LONGEST);
    VEC(value) items = { 0 };
    for (int64_t i = first;; i += step) {
        char c = (char)i;
        value x = is_text ? value_text((str){ arena_copy(p->arena, &c, 1), 1 })
                          : (value){ .kind = VALUE_INT, .width = v->width, .integer = i };
        vec_push(p->arena, &items, x);
        if (i == last)
            break;
    }
    *v = value_list(items.items, items.count);
    return true;
}

/* ---- Values with a name ---- */

bool gremlin_parse_time(str text, int64_t *ret_us)
{
    int64_t offset_minutes = 0;
    ptrdiff_t t = str_find_char(text, 'T');
    if (t > 0 && text.len > (size_t)t + 6) {
        str tail = str_slice(text, text.len - 6, text.len);
        int64_t hours, minutes;
        if ((tail.data[0] == '+' || tail.data[0] == '-') && tail.data[3] == ':' &&
            str_to_i64(str_slice(tail, 1, 3), &hours) &&
            str_to_i64(str_slice(tail, 4, 6), &minutes)) {
            offset_minutes = (hours * 60 + minutes) * (tail.data[0] == '-' ? -1 : 1);
            text = str_slice(text, 0, text.len - 6);
        }
    }
    char padded[40];
    bool has_zone = text.len && text.data[text.len - 1] == 'Z';
    str plain = has_zone ? str_slice(text, 0, text.len - 1) : text;
    if (t > 0 && plain.len == (size_t)t + 6 && plain.len + 3 < sizeof padded) {
        memcpy(padded, plain.data, plain.len);
        memcpy(padded + plain.len, ":00", 3);
        plain = (str){ padded, plain.len + 3 };
    }
    if (!clock_parse_us(plain, ret_us))
        return false;
    *ret_us -= offset_minutes * 60000000;
    return true;
}

static bool parse_call_text(parser *p, str *ret, bool *ret_is_empty)
{
    value v = value_text(STR(""));
    TRY(gremlin_need(p, '('));
    *ret_is_empty = gremlin_peek(p) == ')';
    if (!*ret_is_empty)
        TRY(gremlin_parse_value(p, &v));
    if (v.kind != VALUE_STRING)
        return gremlin_fail_here(p, "a text");
    *ret = v.text;
    return gremlin_need(p, ')');
}

static bool parse_datetime(parser *p, value *ret)
{
    size_t from = p->at;
    str text;
    bool is_empty;
    int64_t us = clock_wall_us();
    TRY(parse_call_text(p, &text, &is_empty));
    if (!is_empty && !gremlin_parse_time(text, &us))
        return fail_at(p->err, STR("gremlin"), p->text, from,
                       "'" STR_FMT "' is not a time such as 2024-04-18T03:00:00Z", STR_ARG(text));
    *ret = (value){ .kind = VALUE_TIMESTAMP, .integer = us };
    return true;
}

bool gremlin_is_uuid(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_hex = (s.data[i] >= '0' && s.data[i] <= '9') ||
                      ((s.data[i] | 0x20) >= 'a' && (s.data[i] | 0x20) <= 'f');
        if (is_dash ? s.data[i] != '-' : !is_hex)
            return false;
    }
    return s.len == 36;
}

static bool parse_uuid(parser *p, value *ret)
{
    str text, word;
    bool is_empty;
    size_t from = p->at;
    if (gremlin_take(p, '.'))
        TRY(gremlin_parse_word(p, "fromString", &word));
    TRY(parse_call_text(p, &text, &is_empty));
    if (!is_empty && !gremlin_is_uuid(text))
        return fail_at(p->err, STR("gremlin"), p->text, from,
                       "'" STR_FMT "' is not a UUID: it has 36 characters", STR_ARG(text));
    *ret = (value){ .kind = VALUE_UUID,
                    .text = is_empty ? uuid_v4(p->arena) : str_lower(p->arena, text) };
    return true;
}

/* Constants of classes, as the values that TinkerPop gives them. */
static bool find_constant(str class, str name, value *ret)
{
    static const struct {
        const char *class, *name, *text;
        int number;
    } constants[] = {
        { "WithOptions", "tokens", "~tinkerpop.valueMap.tokens", 0 },
        { "WithOptions", "indexer", "~tinkerpop.index.indexer", 0 },
        { "WithOptions", "none", NULL, 0 },
        { "WithOptions", "ids", NULL, 1 },
        { "WithOptions", "labels", NULL, 2 },
        { "WithOptions", "keys", NULL, 4 },
        { "WithOptions", "values", NULL, 8 },
        { "WithOptions", "all", NULL, 15 },
        { "WithOptions", "list", NULL, 0 },
        { "WithOptions", "map", NULL, 1 },
        { "ConnectedComponent", "component", "gremlin.connectedComponentVertexProgram.component",
          0 },
    };
    static const char *const option_classes[] = { "ShortestPath", "PageRank", "PeerPressure",
                                                  "ConnectedComponent", "IO" };
    for (size_t i = 0; i < ARRAY_LEN(constants); i++)
        if (str_eq(class, str_of(constants[i].class)) && str_eq(name, str_of(constants[i].name))) {
            *ret = constants[i].text ? value_text(str_of(constants[i].text))
                                     : value_int32(constants[i].number);
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(option_classes); i++)
        if (str_eq(class, str_of(option_classes[i]))) {
            *ret = value_text(name);
            return true;
        }
    return false;
}

bool gremlin_parse_named_value(parser *p, str word, value *ret, bool *ret_works)
{
    *ret_works = true;
    char next = gremlin_peek(p);
    if (next == '(' && (str_eq(word, STR("datetime")) || str_eq(word, STR("DateTime"))))
        return parse_datetime(p, ret);
    if (str_eq(word, STR("UUID")) && (next == '(' || next == '.'))
        return parse_uuid(p, ret);
    if (str_eq(word, STR("true")) || str_eq(word, STR("false")))
        *ret = value_bool(word.data[0] == 't');
    else if (str_eq(word, STR("null")))
        *ret = value_null();
    else if (str_eq(word, STR("NaN")))
        *ret = value_double(NAN);
    else if (str_eq(word, STR("Infinity")))
        *ret = value_double(INFINITY);
    else
        *ret_works = false;
    if (*ret_works || next != '.')
        return true;
    size_t from = p->at;
    str name;
    if (word.len && word.data[0] >= 'A' && word.data[0] <= 'Z' && gremlin_take(p, '.') &&
        gremlin_is_word(gremlin_peek(p), true)) {
        TRY(gremlin_parse_word(p, "a name", &name));
        *ret_works = find_constant(word, name, ret);
    }
    if (!*ret_works)
        p->at = from;
    return true;
}
