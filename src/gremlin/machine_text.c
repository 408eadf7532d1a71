/* Steps over texts, numbers and times, and math(). */
#include <math.h>

#include "base/clock.h"
#include "gremlin/machine_step.h"

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET;
}

/* ---- One text to another ---- */

static size_t characters(str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; count++) {
        size_t n = str_utf8_length(s, i);
        i += n ? n : 1;
    }
    return count;
}

static str cut_characters(str s, size_t from, size_t to)
{
    size_t at = 0, first = s.len, last = s.len;
    for (size_t i = 0; i <= s.len; at++) {
        if (at == from)
            first = i;
        if (at == to)
            last = i;
        if (i == s.len)
            break;
        size_t n = str_utf8_length(s, i);
        i += n ? n : 1;
    }
    return str_slice(s, first, last);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes of the blank at `at`, Unicode's as well; 0: none is there. */
static size_t blank_length(str s, size_t at)
{
    static const char *const blanks[] = { "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                          "\u2004", "\u2005", "\u2006", "\u2008", "\u2009",
                                          "\u200A", "\u2028", "\u2029", "\u205F", "\u3000" };
    str rest = str_slice(s, at, s.len);
    if (rest.len && is_space(rest.data[0]))
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
        if (str_starts_with(rest, str_of(blanks[i])))
            return 3;
    return 0;
}

static str trimmed(str s, bool left, bool right)
{
    for (size_t n; left && (n = blank_length(s, 0));)
        s = str_slice(s, n, s.len);
    for (bool goes_on = right; goes_on && s.len;) {
        size_t n = s.len >= 3 && blank_length(s, s.len - 3) == 3 ? 3 : is_space(s.data[s.len - 1]);
        s.len -= n;
        goes_on = n > 0;
    }
    return s;
}

static value split_text(machine *m, str s, const gremlin_argument *by)
{
    VEC(value) items = { 0 };
    bool by_space = by->literal.kind == VALUE_NULL;
    str separator = by_space ? STR("") : by->literal.text;
    if (by_space) {
        for (size_t i = 0; i < s.len;) {
            size_t end = i;
            while (end < s.len && !is_space(s.data[end]))
                end++;
            if (end > i)
                vec_push(m->arena, &items, value_text(str_slice(s, i, end)));
            i = end + 1;
        }
    } else if (!separator.len) {
        for (size_t i = 0; i < s.len;) {
            size_t n = str_utf8_length(s, i);
            n = n ? n : 1;
            vec_push(m->arena, &items, value_text(str_slice(s, i, i + n)));
            i += n;
        }
    } else {
        for (;;) {
            ptrdiff_t at = str_find(s, separator);
            str part = at < 0 ? s : str_slice(s, 0, (size_t)at);
            vec_push(m->arena, &items, value_text(part));
            if (at < 0)
                break;
            s = str_slice(s, (size_t)at + separator.len, s.len);
        }
    }
    return value_list(items.items, items.count);
}

static str replaced(machine *m, str s, str from, str to)
{
    strbuf b = strbuf_new(m->arena);
    while (from.len) {
        ptrdiff_t at = str_find(s, from);
        if (at < 0)
            break;
        strbuf_add(&b, str_slice(s, 0, (size_t)at));
        strbuf_add(&b, to);
        s = str_slice(s, (size_t)at + from.len, s.len);
    }
    strbuf_add(&b, s);
    return strbuf_str(&b);
}

/* Negative places count from the end. */
static str substring(stage *s, str text)
{
    int64_t count = (int64_t)characters(text), from = s->low, to = s->high;
    from = from < 0 ? (from + count < 0 ? 0 : from + count) : from;
    if (s->arg_count < 2)
        to = count;
    else
        to = to < 0 ? to + count : to;
    if (from > count)
        from = count;
    if (to > count)
        to = count;
    return to <= from ? STR("") : cut_characters(text, (size_t)from, (size_t)to);
}

static value change_text(stage *s, str text)
{
    machine *m = s->machine;
    str name = s->step->name;
    switch (name.data[0]) {
    case 'l': /* lTrim, length */
        return name.data[1] == 'e' ? value_int32((int32_t)characters(text))
                                   : value_text(trimmed(text, true, false));
    case 'r': /* rTrim, replace */
        return name.data[1] == 'T' ? value_text(trimmed(text, false, true))
                                   : value_text(s->args[0].literal.kind == VALUE_NULL ||
                                                        s->args[1].literal.kind == VALUE_NULL
                                                    ? text
                                                    : replaced(m, text, s->args[0].literal.text,
                                                               s->args[1].literal.text));
    case 't': /* toLower, toUpper, trim */
        return value_text(name.data[1] == 'r'   ? trimmed(text, true, true)
                          : name.data[2] == 'L' ? str_lower(m->arena, text)
                                                : str_upper(m->arena, text));
    default: /* split, substring */
        return name.data[1] == 'p' ? split_text(m, text, &s->args[0])
                                   : value_text(substring(s, text));
    }
}

static bool text_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    const value *o = &t->object;
    (void)err;
    *ret_has = true;
    *ret = value_null();
    if (o->kind == VALUE_STRING) {
        *ret = change_text(s, o->text);
        return true;
    }
    if (o->kind == VALUE_NULL)
        return true;
    if (!s->is_local)
        return stage_fail(s,
                          "The " STR_FMT "() step can only take string as argument, encountered %s",
                          STR_ARG(s->step->name), gremlin_type_name(o));
    if (!is_list(o))
        return stage_fail(s,
                          "The " STR_FMT "(local) step can only take string or list of strings, "
                          "encountered %s",
                          STR_ARG(s->step->name), gremlin_type_name(o));
    value *items = arena_array_of(m->arena, value, o->list.count + 1);
    for (size_t i = 0; i < o->list.count; i++) {
        const value *x = &o->list.items[i];
        if (x->kind != VALUE_STRING && x->kind != VALUE_NULL)
            return stage_fail(s,
                              "The " STR_FMT "(local) step can only take string or list of "
                              "strings, encountered %s",
                              STR_ARG(s->step->name), gremlin_type_name(x));
        items[i] = x->kind == VALUE_NULL ? *x : change_text(s, x->text);
    }
    *ret = value_list(items, o->list.count);
    return true;
}

bool build_text(stage *s)
{
    str name = s->step->name;
    size_t wanted = str_eq(name, STR("replace"))                                   ? 2
                    : str_eq(name, STR("split")) || str_eq(name, STR("substring")) ? 1
                                                                                   : 0;
    TRY(build_scoped(s));
    if (s->arg_count < wanted)
        return stage_fail(s, STR_FMT "() takes %zu argument%s", STR_ARG(name), wanted,
                          wanted == 1 ? "" : "s");
    for (size_t i = 0; i < s->arg_count; i++) {
        const gremlin_argument *a = &s->args[i];
        bool is_number = str_eq(name, STR("substring"));
        if (a->kind != ARG_LITERAL ||
            (is_number ? a->literal.kind != VALUE_INT
                       : a->literal.kind != VALUE_STRING && a->literal.kind != VALUE_NULL))
            return stage_fail(s, STR_FMT "() takes %s", STR_ARG(name),
                              is_number ? "whole numbers" : "texts");
        if (is_number)
            *(i ? &s->high : &s->low) = a->literal.integer;
    }
    return true;
}

/* ---- concat, format ---- */

static bool concat_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    strbuf b = strbuf_new(m->arena);
    bool has_any = false;
    *ret_has = true;
    if (t->object.kind != VALUE_STRING && t->object.kind != VALUE_NULL)
        return stage_fail(s, "String concat() can only take string as argument, and here stands %s",
                          gremlin_type_name(&t->object));
    if (t->object.kind == VALUE_STRING) {
        strbuf_add(&b, t->object.text);
        has_any = true;
    }
    size_t f = 0;
    for (size_t i = 0; i < s->arg_count; i++) {
        value v = s->args[i].kind == ARG_LITERAL ? s->args[i].literal : value_null();
        bool has = true;
        if (s->args[i].kind == ARG_TRAVERSAL)
            TRY(flow_apply(s->flows.items[f++], t, &v, &has, err));
        if (!has || v.kind == VALUE_NULL)
            continue;
        if (v.kind != VALUE_STRING)
            return stage_fail(s,
                              "String concat() can only take string as argument, and here "
                              "stands %s",
                              gremlin_type_name(&v));
        strbuf_add(&b, v.text);
        has_any = true;
    }
    *ret = has_any ? value_text(strbuf_str(&b)) : value_null();
    return true;
}

bool build_concat(stage *s)
{
    for (size_t i = 0; i < s->arg_count; i++) {
        flow *f;
        if (s->args[i].kind != ARG_TRAVERSAL)
            continue;
        TRY(machine_flow(s->machine, s->args[i].traversal, s, &f, s->machine->err));
        vec_push(s->machine->arena, &s->flows, f);
    }
    return true;
}

/* %{name}: a property of the element, or what the name stands for; %{_}: by() in turn. */
static bool format_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    strbuf b = strbuf_new(m->arena);
    str rest = s->key;
    s->by_at = 0;
    *ret_has = true;
    for (;;) {
        ptrdiff_t at = str_find(rest, STR("%{"));
        str tail = at < 0 ? STR("") : str_slice(rest, (size_t)at + 2, rest.len);
        ptrdiff_t end = str_find_char(tail, '}');
        if (at < 0 || end < 0)
            break;
        str name = str_slice(tail, 0, (size_t)end);
        value v = value_null();
        bool has = false;
        strbuf_add(&b, str_slice(rest, 0, (size_t)at));
        if (str_eq(name, STR("_"))) {
            TRY(gremlin_by(s, gremlin_next_by(s), t, &v, &has, err));
        } else {
            if (gremlin_is_element(&t->object))
                TRY(gremlin_element_property(m, &t->object, name, &v, &has, err));
            if (!has) {
                traverser x = *t;
                TRY(gremlin_scope(s, t, name, STR("last"), &x.object, &has, err));
                v = x.object;
            }
        }
        if (!has) {
            *ret_has = false;
            return true;
        }
        strbuf_add(&b, gremlin_java_text(m, &v));
        rest = str_slice(tail, (size_t)end + 1, tail.len);
    }
    strbuf_add(&b, rest);
    *ret = value_text(strbuf_str(&b));
    return true;
}

bool build_format(stage *s)
{
    if (s->arg_count != 1 || s->args[0].kind != ARG_LITERAL ||
        s->args[0].literal.kind != VALUE_STRING)
        return stage_fail(s, "format() takes a text with %%{names}");
    s->key = s->args[0].literal.text;
    return true;
}

/* ---- asString, asNumber, asBool ---- */

static bool as_text(stage *s, const value *v, value *ret)
{
    if (v->kind == VALUE_NULL)
        return stage_fail(s, "Can't parse null as String.");
    *ret = value_text(gremlin_java_text(s->machine, v));
    return true;
}

static bool asString_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    const value *o = &t->object;
    (void)err;
    *ret_has = true;
    if (!s->is_local || !is_list(o))
        return as_text(s, o, ret);
    value *items = arena_array_of(s->machine->arena, value, o->list.count + 1);
    for (size_t i = 0; i < o->list.count; i++)
        TRY(as_text(s, &o->list.items[i], &items[i]));
    *ret = value_list(items, o->list.count);
    return true;
}

static bool parse_number_text(stage *s, str text, value *ret)
{
    machine *m = s->machine;
    int64_t i;
    double d;
    str plain = str_trim(text);
    char last = plain.len ? plain.data[plain.len - 1] | 0x20 : 0;
    str body = plain.len && strchr("lfd", last) ? str_slice(plain, 0, plain.len - 1) : plain;
    if (body.len && body.data[0] == '+')
        body = str_slice(body, 1, body.len);
    if (body.len != plain.len && last != 'l' && str_to_double(body, &d)) {
        *ret = gremlin_number(d, last == 'f' ? 32 : 0);
        return true;
    }
    if (str_to_i64(body, &i)) {
        bool is_long = last == 'l' || i > INT32_MAX || i < INT32_MIN;
        *ret = (value){ .kind = VALUE_INT, .width = is_long ? 64 : 32, .integer = i };
        return true;
    }
    bool all_digits = body.len > 0;
    for (size_t k = body.len && body.data[0] == '-'; k < body.len; k++)
        all_digits &= body.data[k] >= '0' && body.data[k] <= '9';
    if (all_digits && body.len > 18) {
        *ret = (value){ .kind = VALUE_DECIMAL,
                        .width = WIDTH_WHOLE,
                        .text = str_copy(m->arena, body) };
        return true;
    }
    if (body.len && str_to_double(body, &d)) {
        *ret = gremlin_number(d, 0);
        return true;
    }
    return stage_fail(s, "Can't parse string '" STR_FMT "' as number.", STR_ARG(text));
}

static bool fits_width(double d, uint8_t width)
{
    double most = width == 8    ? 127
                  : width == 16 ? 32767
                  : width == 32 ? 2147483647.0
                                : 9223372036854775807.0;
    return d <= most && d >= -most - 1;
}

static bool cast_number(stage *s, value v, str type, value *ret)
{
    static const struct {
        const char *name;
        uint8_t width;
        bool is_real;
    } casts[] = { { "BYTE", 8, false },  { "SHORT", 16, false }, { "INT", 32, false },
                  { "LONG", 64, false }, { "FLOAT", 32, true },  { "DOUBLE", 64, true } };
    machine *m = s->machine;
    for (size_t i = 0; i < ARRAY_LEN(casts); i++) {
        if (!str_eq_nocase(type, str_of(casts[i].name)))
            continue;
        double d = value_to_double(&v);
        if (casts[i].is_real) {
            if (casts[i].width == 32 && !isinf(d) && isinf((float)d))
                return stage_fail(s, "Can't convert number of type %s to Float due to overflow.",
                                  gremlin_type_name(&v));
            *ret = gremlin_number(d, casts[i].width == 32 ? 32 : 0);
            return true;
        }
        if (isnan(d) || !fits_width(d, casts[i].width))
            return stage_fail(s, "Can't convert number of type %s to " STR_FMT " due to overflow.",
                              gremlin_type_name(&v), STR_ARG(type));
        *ret = (value){ .kind = VALUE_INT,
                        .width = casts[i].width,
                        .integer = v.kind == VALUE_INT ? v.integer : (int64_t)d };
        return true;
    }
    bool is_big = str_eq_nocase(type, STR("BIGINT"));
    if (!is_big && !str_eq_nocase(type, STR("BIGDECIMAL")) && !str_eq_nocase(type, STR("NUMBER")))
        return stage_fail(s, "asNumber() requires a numeric type token, got " STR_FMT,
                          STR_ARG(str_upper(m->arena, type)));
    *ret = v;
    if (str_eq_nocase(type, STR("NUMBER")))
        return true;
    str text = gremlin_text_of(m, &v);
    ptrdiff_t point = str_find_char(text, '.');
    *ret = (value){ .kind = VALUE_DECIMAL,
                    .width = is_big ? WIDTH_WHOLE : 0,
                    .text = is_big && point >= 0 ? str_slice(text, 0, (size_t)point) : text };
    return true;
}

static bool asNumber_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    const value *o = &t->object;
    value v = *o;
    (void)err;
    *ret_has = true;
    if (o->kind == VALUE_STRING)
        TRY(parse_number_text(s, o->text, &v));
    else if (o->kind == VALUE_TIMESTAMP)
        v = value_int(o->integer / 1000);
    else if (o->kind == VALUE_DATE)
        v = value_int(o->integer * 86400000);
    else if (o->kind == VALUE_NULL)
        return true;
    else if (!value_is_number(o))
        return stage_fail(s, "Can't parse type %s as number.",
                          o->kind == VALUE_LIST ? "ArrayList" : gremlin_type_name(o));
    *ret = v;
    return s->key.len ? cast_number(s, v, s->key, ret) : true;
}

static bool asBool_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    const value *o = &t->object;
    (void)err;
    *ret_has = true;
    if (o->kind == VALUE_BOOL) {
        *ret = *o;
        return true;
    }
    if (value_is_number(o)) {
        double d = value_to_double(o);
        *ret = value_bool(d != 0 && !isnan(d));
        return true;
    }
    if (o->kind == VALUE_STRING && (str_eq_nocase(str_trim(o->text), STR("true")) ||
                                    str_eq_nocase(str_trim(o->text), STR("false")))) {
        *ret = value_bool((str_trim(o->text).data[0] | 0x20) == 't');
        return true;
    }
    if (o->kind == VALUE_STRING)
        return stage_fail(s, "Can't parse " STR_FMT " as Boolean.", STR_ARG(o->text));
    return stage_fail(s, "Can't parse %s as Boolean.", gremlin_type_name(o));
}

bool build_asNumber(stage *s)
{
    TRY(build_scoped(s));
    if (!s->arg_count)
        return true;
    const gremlin_argument *a = &s->args[0];
    s->key = a->kind == ARG_TOKEN ? a->token : a->kind == ARG_VARIABLE ? a->variable : STR("?");
    value ignored;
    return cast_number(s, value_int32(0), s->key, &ignored);
}

/* ---- Time ---- */

static bool to_time(stage *s, const value *o, int64_t *ret)
{
    switch (o->kind) {
    case VALUE_TIMESTAMP: *ret = o->integer; return true;
    case VALUE_DATE: *ret = o->integer * 86400000000ll; return true;
    case VALUE_INT: *ret = o->integer * 1000; return true;
    case VALUE_STRING:
        if (gremlin_parse_time(o->text, ret))
            return true;
        return stage_fail(s, "Can't parse '" STR_FMT "' as Date.", STR_ARG(o->text));
    default: return stage_fail(s, "Can't parse %s as Date.", gremlin_type_name(o));
    }
}

static bool asDate_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    int64_t us;
    (void)err;
    *ret_has = true;
    TRY(to_time(s, &t->object, &us));
    *ret = (value){ .kind = VALUE_TIMESTAMP, .integer = us };
    return true;
}

static bool dateAdd_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    int64_t us;
    (void)err;
    *ret_has = true;
    if (t->object.kind != VALUE_TIMESTAMP && t->object.kind != VALUE_DATE)
        return stage_fail(s, "dateAdd() takes a time, and here stands %s",
                          gremlin_type_name(&t->object));
    TRY(to_time(s, &t->object, &us));
    int64_t sum;
    if (__builtin_add_overflow(us, s->high * s->low, &sum))
        return stage_fail(s, "dateAdd(): the time is too far away");
    *ret = (value){ .kind = VALUE_TIMESTAMP, .integer = sum };
    return true;
}

static bool dateDiff_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    value other = s->args[0].kind == ARG_LITERAL ? s->args[0].literal : value_null();
    int64_t a, b = 0;
    bool has = true;
    *ret_has = true;
    if (t->object.kind != VALUE_TIMESTAMP && t->object.kind != VALUE_DATE)
        return stage_fail(s, "dateDiff() takes a time, and here stands %s",
                          gremlin_type_name(&t->object));
    TRY(to_time(s, &t->object, &a));
    if (s->flows.count)
        TRY(flow_apply(s->flows.items[0], t, &other, &has, err));
    if (has && other.kind != VALUE_NULL)
        TRY(to_time(s, &other, &b));
    *ret = value_int((a - b) / 1000);
    return true;
}

bool build_date(stage *s)
{
    if (str_eq(s->step->name, STR("dateDiff"))) {
        flow *f;
        if (s->arg_count != 1)
            return stage_fail(s, "dateDiff() takes a time or a traversal");
        if (s->args[0].kind == ARG_TRAVERSAL) {
            TRY(machine_flow(s->machine, s->args[0].traversal, s, &f, s->machine->err));
            vec_push(s->machine->arena, &s->flows, f);
        }
        return true;
    }
    if (s->arg_count != 2 || s->args[0].kind != ARG_TOKEN || s->args[1].kind != ARG_LITERAL ||
        s->args[1].literal.kind != VALUE_INT)
        return stage_fail(s, "dateAdd() takes second, minute, hour or day, and a whole number");
    str unit = s->args[0].token;
    s->low = str_eq(unit, STR("second"))   ? 1000000
             : str_eq(unit, STR("minute")) ? 60000000
             : str_eq(unit, STR("hour"))   ? 3600000000ll
                                           : 86400000000ll;
    s->high = s->args[1].literal.integer;
    return s->high < INT32_MAX && s->high > -INT32_MAX
               ? true
               : stage_fail(s, "dateAdd() takes a number that fits into 32 bits");
}

/* ---- math: a small expression language ---- */

typedef VEC(str) name_list;

typedef struct math_parser {
    stage *stage;
    const traverser *t;
    str text;
    size_t at;
    int depth;
    bool is_productive, only_parses;
    name_list *names; /* in order of appearance, for by() */
    error *err;
} math_parser;

static bool math_sum(math_parser *p, double *ret);

static char math_peek(math_parser *p)
{
    while (p->at < p->text.len && is_space(p->text.data[p->at]))
        p->at++;
    return p->at < p->text.len ? p->text.data[p->at] : 0;
}

static bool math_fail(math_parser *p)
{
    return stage_fail(p->stage, "math(): '" STR_FMT "' cannot be read from character %zu on",
                      STR_ARG(p->text), p->at + 1);
}

static bool math_variable(math_parser *p, str name, double *ret)
{
    stage *s = p->stage;
    traverser x = *p->t;
    value v;
    bool has = true;
    size_t at = 0;
    name_list *names = p->names;
    while (at < names->count && !str_eq(names->items[at], name))
        at++;
    if (at == names->count)
        vec_push(s->machine->arena, names, name);
    *ret = 1;
    if (p->only_parses)
        return true;
    if (!str_eq(name, STR("_")))
        TRY(gremlin_scope(s, p->t, name, STR("last"), &x.object, &has, p->err));
    if (!has)
        return stage_fail(s, "math(): there is no '" STR_FMT "'", STR_ARG(name));
    const by_rule *rule = s->by.count ? &s->by.items[at % s->by.count] : NULL;
    TRY(gremlin_by(s, rule, &x, &v, &has, p->err));
    if (!has) {
        p->is_productive = false;
        return true;
    }
    if (!value_is_number(&v))
        return stage_fail(s, "math() takes numbers, and '" STR_FMT "' is %s", STR_ARG(name),
                          gremlin_type_name(&v));
    *ret = value_to_double(&v);
    return true;
}

static const struct math_function {
    const char *name;
    double (*call)(double);
} functions[] = { { "abs", fabs },  { "acos", acos },   { "asin", asin }, { "atan", atan },
                  { "cbrt", cbrt }, { "ceil", ceil },   { "cos", cos },   { "cosh", cosh },
                  { "exp", exp },   { "floor", floor }, { "log", log },   { "log10", log10 },
                  { "log2", log2 }, { "sin", sin },     { "sinh", sinh }, { "sqrt", sqrt },
                  { "tan", tan },   { "tanh", tanh } };

static bool is_function(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_eq(name, str_of(functions[i].name)))
            return true;
    return str_eq(name, STR("signum"));
}

static bool math_call(math_parser *p, str name, double x, double *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_eq(name, str_of(functions[i].name))) {
            *ret = functions[i].call(x);
            return true;
        }
    if (str_eq(name, STR("signum"))) {
        *ret = (x > 0) - (x < 0);
        return true;
    }
    return stage_fail(p->stage, "math(): there is no function '" STR_FMT "'", STR_ARG(name));
}

static bool is_name(char c)
{
    return c == '_' || (c & 0x80) || (c >= '0' && c <= '9') ||
           ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool math_atom(math_parser *p, double *ret)
{
    char c = math_peek(p);
    size_t from = p->at;
    if (c == '(') {
        p->at++;
        if (++p->depth > 100)
            return math_fail(p);
        TRY(math_sum(p, ret));
        p->depth--;
        if (math_peek(p) != ')')
            return math_fail(p);
        p->at++;
        return true;
    }
    if ((c >= '0' && c <= '9') || c == '.') {
        while (p->at < p->text.len &&
               ((p->text.data[p->at] >= '0' && p->text.data[p->at] <= '9') ||
                p->text.data[p->at] == '.' || (p->text.data[p->at] | 0x20) == 'e'))
            p->at++;
        return str_to_double(str_slice(p->text, from, p->at), ret) ? true : math_fail(p);
    }
    while (p->at < p->text.len && is_name(p->text.data[p->at]))
        p->at++;
    str name = str_slice(p->text, from, p->at);
    if (!name.len)
        return math_fail(p);
    if (math_peek(p) == '(' || is_function(name)) {
        double x;
        if (++p->depth > 100)
            return math_fail(p);
        TRY(math_atom(p, &x));
        p->depth--;
        return math_call(p, name, x, ret);
    }
    if (str_eq(name, STR("pi")) || str_eq(name, STR("e"))) {
        *ret = name.len == 2 ? M_PI : M_E;
        return true;
    }
    return math_variable(p, name, ret);
}

static bool math_power(math_parser *p, double *ret)
{
    char c = math_peek(p);
    if (c == '-' || c == '+') {
        p->at++;
        if (++p->depth > 100)
            return math_fail(p);
        TRY(math_power(p, ret));
        p->depth--;
        *ret = c == '-' ? -*ret : *ret;
        return true;
    }
    TRY(math_atom(p, ret));
    if (math_peek(p) == '^') {
        double y;
        p->at++;
        if (++p->depth > 100)
            return math_fail(p);
        TRY(math_power(p, &y));
        p->depth--;
        *ret = pow(*ret, y);
    }
    return true;
}

static bool math_product(math_parser *p, double *ret)
{
    TRY(math_power(p, ret));
    for (char c; (c = math_peek(p)) == '*' || c == '/' || c == '%';) {
        double y;
        p->at++;
        TRY(math_power(p, &y));
        if (c == '/' && y == 0 && !p->only_parses && p->is_productive)
            return stage_fail(p->stage, "Division by zero!");
        *ret = c == '*' ? *ret * y : c == '/' ? *ret / y : fmod(*ret, y);
    }
    return true;
}

static bool math_sum(math_parser *p, double *ret)
{
    TRY(math_product(p, ret));
    for (char c; (c = math_peek(p)) == '+' || c == '-';) {
        double y;
        p->at++;
        TRY(math_product(p, &y));
        *ret = c == '+' ? *ret + y : *ret - y;
    }
    return true;
}

static bool run_math(stage *s, const traverser *t, bool only_parses, value *ret, bool *ret_has,
                     error *err)
{
    name_list names = { 0 };
    math_parser p = { .stage = s,
                      .t = t,
                      .text = s->key,
                      .is_productive = true,
                      .only_parses = only_parses,
                      .names = &names,
                      .err = err };
    double d;
    TRY(math_sum(&p, &d));
    if (math_peek(&p))
        return math_fail(&p);
    *ret = value_double(d);
    *ret_has = p.is_productive;
    return true;
}

static bool math_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    return run_math(s, t, false, ret, ret_has, err);
}

bool build_math(stage *s)
{
    value ignored;
    bool has;
    traverser t = { .object = value_null() };
    if (s->arg_count != 1 || s->args[0].kind != ARG_LITERAL ||
        s->args[0].literal.kind != VALUE_STRING)
        return stage_fail(s, "math() takes a text, e.g. math('_ * 2')");
    s->key = s->args[0].literal.text;
    return run_math(s, &t, true, &ignored, &has, s->machine->err);
}

const stage_kind stage_text = { .name = "text", .map = text_map },
                 stage_concat = { .name = "concat", .map = concat_map },
                 stage_format = { .name = "format", .map = format_map },
                 stage_asString = { .name = "asString", .map = asString_map },
                 stage_asNumber = { .name = "asNumber", .map = asNumber_map },
                 stage_asBool = { .name = "asBool", .map = asBool_map },
                 stage_asDate = { .name = "asDate", .map = asDate_map },
                 stage_dateAdd = { .name = "dateAdd", .map = dateAdd_map },
                 stage_dateDiff = { .name = "dateDiff", .map = dateDiff_map },
                 stage_math = { .name = "math", .map = math_map };
