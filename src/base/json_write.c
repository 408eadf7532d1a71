/* The streaming JSON writer. */
#include <assert.h>
#include <math.h>

#include "base/json.h"

static void begin_value(json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth && w->has_items[w->depth - 1])
        strbuf_add_char(w->out, ',');
    if (w->depth)
        w->has_items[w->depth - 1] = true;
}

static void open_nest(json_writer *w, char bracket)
{
    begin_value(w);
    assert(w->depth < ARRAY_LEN(w->has_items));
    w->has_items[w->depth++] = false;
    strbuf_add_char(w->out, bracket);
}

static void close_nest(json_writer *w, char bracket)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    strbuf_add_char(w->out, bracket);
}

void json_put_object_begin(json_writer *w)
{
    open_nest(w, '{');
}

void json_put_object_done(json_writer *w)
{
    close_nest(w, '}');
}

void json_put_array_begin(json_writer *w)
{
    open_nest(w, '[');
}

void json_put_array_done(json_writer *w)
{
    close_nest(w, ']');
}

static void add_escaped(strbuf *out, unsigned char c)
{
    switch (c) {
    case '"': strbuf_add(out, STR("\\\"")); return;
    case '\\': strbuf_add(out, STR("\\\\")); return;
    case '\n': strbuf_add(out, STR("\\n")); return;
    case '\r': strbuf_add(out, STR("\\r")); return;
    case '\t': strbuf_add(out, STR("\\t")); return;
    default: strbuf_format(out, "\\u%04x", c); return;
    }
}

static void add_text(strbuf *out, str s)
{
    strbuf_add_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            add_escaped(out, c);
            i++;
            continue;
        }
        size_t n = str_utf8_length(s, i);
        if (n == 0) {
            strbuf_add(out, STR("\xEF\xBF\xBD"));
            i++;
            continue;
        }
        strbuf_add_bytes(out, s.data + i, n);
        i += n;
    }
    strbuf_add_char(out, '"');
}

void json_put_key(json_writer *w, str key)
{
    begin_value(w);
    add_text(w->out, key);
    strbuf_add_char(w->out, ':');
    w->after_key = true;
}

void json_put_text(json_writer *w, str value)
{
    begin_value(w);
    add_text(w->out, value);
}

void json_put_int(json_writer *w, int64_t value)
{
    begin_value(w);
    strbuf_format(w->out, "%lld", (long long)value);
}

void json_put_double(json_writer *w, double value)
{
    begin_value(w);
    if (!isfinite(value)) {
        strbuf_add(w->out, STR("null"));
        return;
    }
    size_t from = w->out->len;
    for (int precision = 15; precision <= 17; precision++) {
        w->out->len = from;
        strbuf_format(w->out, "%.*g", precision, value);
        double back;
        if (str_to_double(str_slice(strbuf_str(w->out), from, w->out->len), &back) && back == value)
            break;
    }
    str digits = str_slice(strbuf_str(w->out), from, w->out->len);
    if (str_find_char(digits, '.') < 0 && str_find_char(digits, 'e') < 0)
        strbuf_add(w->out, STR(".0"));
}

void json_put_bool(json_writer *w, bool value)
{
    begin_value(w);
    strbuf_add_c(w->out, value ? "true" : "false");
}

void json_put_null(json_writer *w)
{
    begin_value(w);
    strbuf_add(w->out, STR("null"));
}

void json_put_raw(json_writer *w, str json)
{
    begin_value(w);
    strbuf_add(w->out, json);
}
