/* Comparison, arithmetic and access with openCypher's rules for null, types and errors. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "column/temporal.h"
#include "exec/named.h"

bool fail_type(error *err, const char *detail, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    err->detail = detail;
    return fail(err, ERR_INVALID, "%s", what);
}

/* ---- Comparison: true, false or null ---- */

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET;
}

static bool is_time(const value *v)
{
    return v->kind == VALUE_TIMESTAMP || v->kind == VALUE_DATE;
}

/* A time column against a text that means a time, as tables' users write it. */
static void meet(value *x, value *y)
{
    int64_t us;
    if (is_time(y) && x->kind == VALUE_STRING) {
        if (clock_parse_us(x->text, &us))
            *x = (value){ .kind = y->kind,
                          .integer = y->kind == VALUE_DATE ? us / 86400000000ll : us };
    } else if (is_time(x) && y->kind == VALUE_STRING) {
        meet(y, x);
    } else if (x->kind == VALUE_UUID && y->kind == VALUE_STRING) {
        y->kind = VALUE_UUID;
    } else if (y->kind == VALUE_UUID && x->kind == VALUE_STRING) {
        x->kind = VALUE_UUID;
    } else if (x->kind == VALUE_TIMESTAMP && y->kind == VALUE_DATETIME) {
        temporal_parts p;
        temporal_parts_of(x, &p);
        *x = temporal_make(VALUE_DATETIME, &p);
    } else if (y->kind == VALUE_TIMESTAMP && x->kind == VALUE_DATETIME) {
        meet(y, x);
    }
}

static value equal(const value *x, const value *y);

static value equal_lists(const value *x, const value *y)
{
    bool has_null = false;
    if (x->list.count != y->list.count)
        return value_bool(false);
    for (size_t i = 0; i < x->list.count; i++) {
        value same = equal(&x->list.items[i], &y->list.items[i]);
        if (same.kind == VALUE_BOOL && !same.boolean)
            return same;
        has_null |= same.kind == VALUE_NULL;
    }
    return has_null ? value_null() : value_bool(true);
}

static value equal_maps(const value *x, const value *y)
{
    bool has_null = false;
    if (x->map.count != y->map.count)
        return value_bool(false);
    for (size_t i = 0; i < x->map.count; i++) {
        size_t k = 0;
        while (k < y->map.count && !value_equal(&x->map.keys[i], &y->map.keys[k]))
            k++;
        if (k == y->map.count)
            return value_bool(false);
        value same = equal(&x->map.values[i], &y->map.values[k]);
        if (same.kind == VALUE_BOOL && !same.boolean)
            return same;
        has_null |= same.kind == VALUE_NULL;
    }
    return has_null ? value_null() : value_bool(true);
}

static bool is_nan(const value *v)
{
    return v->kind == VALUE_DOUBLE && isnan(v->real);
}

static value equal(const value *a, const value *b)
{
    value x = *a, y = *b;
    if (x.kind == VALUE_NULL || y.kind == VALUE_NULL)
        return value_null();
    meet(&x, &y);
    if (is_list(&x) && is_list(&y))
        return equal_lists(&x, &y);
    if (x.kind == VALUE_MAP && y.kind == VALUE_MAP)
        return equal_maps(&x, &y);
    if (is_nan(&x) || is_nan(&y))
        return value_bool(false);
    bool is_comparable = x.kind == y.kind || (value_is_number(&x) && value_is_number(&y));
    return value_bool(is_comparable && value_equal(&x, &y));
}

/* Lists are ordered by their first items that differ; null when that is not known. */
static value order_of(const value *a, const value *b)
{
    value x = *a, y = *b;
    if (x.kind == VALUE_NULL || y.kind == VALUE_NULL)
        return value_null();
    meet(&x, &y);
    if (is_list(&x) && is_list(&y)) {
        for (size_t i = 0; i < x.list.count && i < y.list.count; i++) {
            value one = order_of(&x.list.items[i], &y.list.items[i]);
            if (one.kind != VALUE_INT || one.integer)
                return one;
        }
        return value_int((x.list.count > y.list.count) - (x.list.count < y.list.count));
    }
    bool has_order = (value_is_number(&x) && value_is_number(&y)) ||
                     (x.kind == y.kind && (x.kind == VALUE_STRING || x.kind == VALUE_UUID ||
                                           x.kind == VALUE_BOOL || temporal_is(&x)));
    return has_order ? value_int(value_compare(&x, &y)) : value_null();
}

value cypher_compare(plan_function f, const value *x, const value *y)
{
    if (f == FN_EQ || f == FN_NE) {
        value same = equal(x, y);
        return same.kind == VALUE_BOOL ? value_bool(same.boolean == (f == FN_EQ)) : same;
    }
    if ((is_nan(x) && value_is_number(y)) || (is_nan(y) && value_is_number(x)))
        return value_bool(false);
    value order = order_of(x, y);
    if (order.kind == VALUE_NULL)
        return order;
    int64_t o = order.integer;
    return value_bool(f == FN_LT ? o < 0 : f == FN_LE ? o <= 0 : f == FN_GT ? o > 0 : o >= 0);
}

static bool in_list(const value *x, const value *list, value *ret, error *err)
{
    bool has_null = false;
    *ret = value_null();
    if (list->kind == VALUE_NULL)
        return true;
    if (!is_list(list))
        return fail_type(err, "TypeError: InvalidArgumentType", "IN takes a list");
    for (size_t i = 0; i < list->list.count; i++) {
        value same = equal(x, &list->list.items[i]);
        if (same.kind == VALUE_BOOL && same.boolean) {
            *ret = same;
            return true;
        }
        has_null |= same.kind == VALUE_NULL;
    }
    *ret = has_null ? value_null() : value_bool(false);
    return true;
}

/* ---- Arithmetic ---- */

static value append(query *q, const value *x, const value *y)
{
    size_t left = is_list(x) ? x->list.count : 1, right = is_list(y) ? y->list.count : 1;
    value *items = arena_array_of(q->arena, value, left + right);
    memcpy(items, is_list(x) ? x->list.items : x, left * sizeof *items);
    memcpy(items + left, is_list(y) ? y->list.items : y, right * sizeof *items);
    return value_list(items, left + right);
}

static bool is_addable_text(const value *v)
{
    return v->kind == VALUE_STRING || v->kind == VALUE_UUID;
}

static bool add(query *q, const value *x, const value *y, value *ret, bool *ret_is_done, error *err)
{
    *ret_is_done = true;
    if (is_list(x) || is_list(y)) {
        *ret = (x->kind == VALUE_NULL || y->kind == VALUE_NULL) ? value_null() : append(q, x, y);
        return true;
    }
    if (is_addable_text(x) || is_addable_text(y)) {
        value a, b;
        TRY(named_to_text(q, x, 1, &a, err));
        TRY(named_to_text(q, y, 1, &b, err));
        *ret = a.kind == VALUE_NULL || b.kind == VALUE_NULL
                   ? value_null()
                   : value_text(str_concat(q->arena, a.text, b.text));
        return true;
    }
    *ret_is_done = false;
    return true;
}

static bool check_numbers(plan_function f, const value *x, const value *y, error *err)
{
    if (value_is_number(x) && value_is_number(y))
        return true;
    return fail_type(err, "TypeError: InvalidArgumentType", "%s takes numbers",
                     plan_function_get(f)->name);
}

static bool arithmetic(query *q, plan_function f, const value *x, const value *y, value *ret,
                       bool *ret_is_done, error *err)
{
    if (f == FN_ADD) {
        TRY(add(q, x, y, ret, ret_is_done, err));
        if (*ret_is_done)
            return true;
    }
    *ret_is_done = true;
    *ret = value_null();
    if (x->kind == VALUE_NULL || y->kind == VALUE_NULL)
        return true;
    TRY(temporal_arithmetic(q, f, x, y, ret, ret_is_done, err));
    if (*ret_is_done)
        return true;
    TRY(check_numbers(f, x, y, err));
    *ret_is_done = true;
    if (x->kind == VALUE_INT && y->kind == VALUE_INT && f != FN_POWER) {
        if ((f == FN_DIVIDE || f == FN_MODULO) && y->integer == 0)
            return fail_type(err, "ArithmeticError: DivisionByZero", "division by zero");
        *ret_is_done = false; /* as everywhere */
        return true;
    }
    double a = value_to_double(x), b = value_to_double(y);
    *ret = value_double(f == FN_ADD        ? a + b
                        : f == FN_SUBTRACT ? a - b
                        : f == FN_MULTIPLY ? a * b
                        : f == FN_DIVIDE   ? a / b
                        : f == FN_POWER    ? pow(a, b)
                                           : fmod(a, b));
    return true;
}

/* ---- Access ---- */

static bool item(query *q, const value *of, const value *index, value *ret, error *err)
{
    *ret = value_null();
    if (of->kind == VALUE_NULL || index->kind == VALUE_NULL)
        return true;
    if (is_list(of)) {
        if (index->kind != VALUE_INT)
            return fail_type(err, "TypeError: InvalidArgumentType",
                             "the place in a list is a whole number");
        int64_t i = index->integer < 0 ? index->integer + (int64_t)of->list.count : index->integer;
        if (i >= 0 && i < (int64_t)of->list.count)
            *ret = of->list.items[i];
        return true;
    }
    bool has_keys = of->kind == VALUE_MAP || of->kind == VALUE_VERTEX || of->kind == VALUE_EDGE;
    if (!has_keys && !temporal_is(of) && of->kind != VALUE_DURATION && of->kind != VALUE_POINT)
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "[…] takes a list and a whole number, or a map and a key");
    if (index->kind != VALUE_STRING)
        return fail_type(err, "TypeError: MapElementAccessByNonString",
                         "the key of a map is a text");
    return element_property(q, *of, index->text, ret, err);
}

bool cypher_property(query *q, const value *of, str key, value *ret, error *err)
{
    *ret = value_null();
    if (of->kind == VALUE_NULL)
        return true;
    if (temporal_component(q->arena, of, key, ret))
        return true;
    return fail_type(err, "TypeError: InvalidArgumentType",
                     "'" STR_FMT "' is asked of a value that has no properties", STR_ARG(key));
}

static bool boolean_operand(const value *v, plan_function f, error *err)
{
    if (v->kind == VALUE_BOOL || v->kind == VALUE_NULL)
        return true;
    return fail_type(err, "TypeError: InvalidArgumentType", "%s takes true, false or null",
                     plan_function_get(f)->name);
}

bool cypher_operator(query *q, plan_function f, const value *args, size_t count, value *ret,
                     bool *ret_is_done, error *err)
{
    *ret_is_done = true;
    switch (f) {
    case FN_AND:
    case FN_OR:
    case FN_XOR:
    case FN_NOT:
        for (size_t i = 0; i < count; i++)
            TRY(boolean_operand(&args[i], f, err));
        *ret_is_done = false;
        return true;
    case FN_EQ:
    case FN_NE:
    case FN_LT:
    case FN_LE:
    case FN_GT:
    case FN_GE: *ret = cypher_compare(f, &args[0], &args[1]); return true;
    case FN_IN: return in_list(&args[0], &args[1], ret, err);
    case FN_ADD:
    case FN_SUBTRACT:
    case FN_MULTIPLY:
    case FN_DIVIDE:
    case FN_MODULO:
    case FN_POWER: return arithmetic(q, f, &args[0], &args[1], ret, ret_is_done, err);
    case FN_ITEM: return item(q, &args[0], &args[1], ret, err);
    case FN_SIGN:
        *ret_is_done = args[0].kind == VALUE_DOUBLE && isnan(args[0].real);
        if (*ret_is_done)
            *ret = args[0];
        return true;
    case FN_NEGATE:
        if (args[0].kind == VALUE_DURATION) {
            const duration *d = args[0].duration;
            *ret = temporal_duration(q->arena, -d->months, -d->days,
                                     -((__int128)d->seconds * NANOS_PER_SECOND + d->nanos));
            return true;
        }
        *ret_is_done = false;
        return true;
    default: *ret_is_done = false; return true;
    }
}
