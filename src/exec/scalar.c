/* Functions of values: numbers, text, lists, paths, addresses. */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "exec/internal.h"

/* ---- Numbers ---- */

static bool number_function(plan_function f, const value *x, value *ret, error *err)
{
    *ret = value_null();
    if (x->kind == VALUE_NULL)
        return true;
    if (x->kind != VALUE_INT && x->kind != VALUE_DOUBLE)
        return fail(err, ERR_INVALID, "%s() takes a number", plan_function_get(f)->name);
    double d = value_to_double(x);
    switch (f) {
    case FN_NEGATE:
    case FN_ABS:
        if (x->kind == VALUE_INT) {
            if (x->integer == INT64_MIN)
                return fail(err, ERR_LIMIT, "%s() is larger than a 64-bit number holds",
                            plan_function_get(f)->name);
            *ret = value_int(f == FN_NEGATE || x->integer < 0 ? -x->integer : x->integer);
            return true;
        }
        *ret = value_double(f == FN_NEGATE ? -d : fabs(d));
        return true;
    case FN_SIGN: *ret = value_int((d > 0) - (d < 0)); return true;
    case FN_CEIL: d = ceil(d); break;
    case FN_FLOOR: d = floor(d); break;
    case FN_ROUND: d = floor(d + 0.5); break;
    case FN_SQRT: d = sqrt(d); break;
    case FN_CBRT: d = cbrt(d); break;
    case FN_EXP: d = exp(d); break;
    case FN_LOG: d = log(d); break;
    case FN_LOG10: d = log10(d); break;
    case FN_LOG2: d = log2(d); break;
    case FN_SIN: d = sin(d); break;
    case FN_COS: d = cos(d); break;
    case FN_TAN: d = tan(d); break;
    case FN_ASIN: d = asin(d); break;
    case FN_ACOS: d = acos(d); break;
    case FN_ATAN: d = atan(d); break;
    case FN_SINH: d = sinh(d); break;
    case FN_COSH: d = cosh(d); break;
    case FN_TANH: d = tanh(d); break;
    default: break;
    }
    *ret = value_double(d);
    return true;
}

/* toInteger, toFloat, toString: what cannot be converted is null. */
static value convert(query *q, plan_function f, const value *x)
{
    int64_t n;
    double d;
    if (f == FN_TO_TEXT) {
        switch (x->kind) {
        case VALUE_STRING: return *x;
        case VALUE_INT: return value_text(str_format(q->arena, "%lld", (long long)x->integer));
        case VALUE_DOUBLE: return value_text(str_format(q->arena, "%.17g", x->real));
        case VALUE_BOOL: return value_text(x->boolean ? STR("true") : STR("false"));
        case VALUE_UUID:
        case VALUE_DECIMAL: return value_text(x->text);
        default: return value_null();
        }
    }
    if (x->kind == VALUE_STRING && str_to_i64(x->text, &n))
        return f == FN_TO_INTEGER ? value_int(n) : value_double((double)n);
    if (x->kind == VALUE_STRING && str_to_double(x->text, &d))
        return f == FN_TO_INTEGER ? value_int((int64_t)d) : value_double(d);
    if (!value_is_number(x))
        return value_null();
    if (f == FN_TO_INTEGER && x->kind == VALUE_INT)
        return *x;
    d = value_to_double(x);
    if (f == FN_TO_DOUBLE)
        return value_double(d);
    return d > -9.2e18 && d < 9.2e18 ? value_int((int64_t)d) : value_null();
}

/* ---- Text ---- */

/* Characters; a byte that belongs to none counts as one. */
static int64_t text_length(str s)
{
    int64_t count = 0;
    for (size_t at = 0; at < s.len; count++) {
        size_t n = str_utf8_length(s, at);
        at += n ? n : 1;
    }
    return count;
}

static value reversed_text(query *q, str s)
{
    char *out = arena_alloc(q->arena, s.len + 1);
    for (size_t at = 0; at < s.len;) {
        size_t n = str_utf8_length(s, at);
        n = n ? n : 1;
        memcpy(out + s.len - at - n, s.data + at, n);
        at += n;
    }
    return value_text((str){ out, s.len });
}

static value text_function(query *q, plan_function f, const value *x)
{
    if (x->kind != VALUE_STRING)
        return value_null();
    str s = x->text;
    if (f == FN_TRIM)
        return value_text(str_trim(s));
    if (f == FN_LENGTH)
        return value_int(text_length(s));
    if (f == FN_REVERSE)
        return reversed_text(q, s);
    char *out = arena_alloc(q->arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.data[i];
        bool is_lower = ch >= 'a' && ch <= 'z', is_upper = ch >= 'A' && ch <= 'Z';
        out[i] = (f == FN_UPPER && is_lower) || (f == FN_LOWER && is_upper) ? (char)(ch ^ 32) : ch;
    }
    return value_text((str){ out, s.len });
}

/* Whether an address lies in a block such as 10.0.0.0/8 or 2001:db8::/32. */
static bool in_cidr(query *q, const value *x, const value *block, value *ret, error *err)
{
    *ret = value_null();
    if (block->kind != VALUE_STRING)
        return fail(err, ERR_INVALID, "inCidr() takes a block such as '10.0.0.0/8'");
    str address = x->text;
    if (x->kind == VALUE_VERTEX)
        TRY(graph_vertex_key(q->graph, graph_ref_label(x->ref), graph_ref_number(x->ref), q->arena,
                             &address, err));
    else if (x->kind != VALUE_STRING)
        return true;
    unsigned char a[16], b[16];
    char text[64];
    ptrdiff_t slash = str_find_char(block->text, '/');
    str base = slash < 0 ? block->text : str_slice(block->text, 0, (size_t)slash);
    bool is_six = str_find_char(base, ':') >= 0;
    int64_t bits = is_six ? 128 : 32, most = bits;
    if (slash >= 0 &&
        (!str_to_i64(str_slice(block->text, (size_t)slash + 1, block->text.len), &bits) ||
         bits < 0 || bits > most))
        return fail(err, ERR_INVALID, "inCidr(): '" STR_FMT "' is no block of addresses",
                    STR_ARG(block->text));
    snprintf(text, sizeof text, STR_FMT, STR_ARG(base));
    if (base.len >= sizeof text || inet_pton(is_six ? AF_INET6 : AF_INET, text, b) != 1)
        return fail(err, ERR_INVALID, "inCidr(): '" STR_FMT "' is no block of addresses",
                    STR_ARG(block->text));
    snprintf(text, sizeof text, STR_FMT, STR_ARG(address));
    bool is_inside =
        address.len < sizeof text && inet_pton(is_six ? AF_INET6 : AF_INET, text, a) == 1;
    for (int64_t i = 0; is_inside && i < bits; i++)
        is_inside = ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) == 0;
    *ret = value_bool(is_inside);
    return true;
}

/* ---- Lists ---- */

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET;
}

static bool item(query *q, const value *of, const value *index, value *ret, error *err)
{
    *ret = value_null();
    if (of->kind == VALUE_NULL || index->kind == VALUE_NULL)
        return true;
    if (index->kind == VALUE_STRING)
        return element_property(q, *of, index->text, ret, err);
    if (!is_list(of) || index->kind != VALUE_INT)
        return fail(err, ERR_INVALID, "[…] takes a list and a whole number, or a map and a key");
    int64_t i = index->integer < 0 ? index->integer + (int64_t)of->list.count : index->integer;
    if (i >= 0 && i < (int64_t)of->list.count)
        *ret = of->list.items[i];
    return true;
}

static value reversed(query *q, const value *v)
{
    value *items = arena_array_of(q->arena, value, v->list.count);
    for (size_t i = 0; i < v->list.count; i++)
        items[i] = v->list.items[v->list.count - 1 - i];
    return value_list(items, v->list.count);
}

static bool range(query *q, const value *from, const value *to, value *ret, error *err)
{
    enum { MOST = 10000000, LONG = 1000 };
    *ret = value_null();
    if (from->kind != VALUE_INT || to->kind != VALUE_INT)
        return true;
    uint64_t apart = (uint64_t)to->integer - (uint64_t)from->integer;
    bool is_empty = to->integer < from->integer;
    if (!is_empty && apart >= MOST)
        return fail(err, ERR_LIMIT, "range() makes at most %d numbers", MOST);
    size_t count = is_empty ? 0 : (size_t)apart + 1;
    if (count >= LONG)
        TRY(query_check(q, err)); /* a batch of rows makes a list for each */
    value *items = arena_array_of(q->arena, value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = value_int(from->integer + (int64_t)i);
    *ret = value_list(items, count);
    return true;
}

static value disjoint(const value *x, const value *y)
{
    if (!is_list(x) || !is_list(y))
        return value_null();
    for (size_t i = 0; i < x->list.count; i++)
        for (size_t k = 0; k < y->list.count; k++)
            if (value_equal(&x->list.items[i], &y->list.items[k]))
                return value_bool(false);
    return value_bool(true);
}

/* ---- Paths ---- */

static bool ends_of(query *q, const value *edge, value *ret_from, value *ret_to, error *err)
{
    ret_from->kind = ret_to->kind = VALUE_VERTEX;
    return graph_edge_vertices(q->graph, edge->ref, &ret_from->ref, &ret_to->ref, err);
}

/* Pieces: a vertex, then by turns an edge or a list of edges and the vertex behind it. */
static bool path_of(query *q, const value *args, size_t count, value *ret, error *err)
{
    size_t room = count, n = 0;
    *ret = value_null();
    for (size_t i = 0; i < count; i++) {
        if (args[i].kind == VALUE_NULL)
            return true;
        room += is_list(&args[i]) ? 2 * args[i].list.count : 0;
    }
    value *items = arena_array_of(q->arena, value, 2 * room);
    items[n++] = args[0];
    for (size_t i = 1; i + 1 < count; i += 2) {
        if (!is_list(&args[i])) {
            items[n++] = args[i];
            items[n++] = args[i + 1];
            continue;
        }
        for (size_t k = 0; k < args[i].list.count; k++) {
            value from, to, here = items[n - 1];
            TRY(ends_of(q, &args[i].list.items[k], &from, &to, err));
            items[n++] = args[i].list.items[k];
            items[n++] = from.ref == here.ref ? to : from;
        }
    }
    for (size_t i = 0; i < n; i++)
        items[n + i] = (value){ .kind = VALUE_LIST };
    *ret = (value){ .kind = VALUE_PATH, .list = { items, n } };
    return true;
}

static value path_part(query *q, const value *path, size_t first)
{
    if (path->kind != VALUE_PATH)
        return value_null();
    size_t count = first ? path->list.count / 2 : path->list.count / 2 + 1;
    value *items = arena_array_of(q->arena, value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = path->list.items[2 * i + first];
    return value_list(items, count);
}

static value path_length(const value *x)
{
    return x->kind == VALUE_PATH ? value_int((int64_t)(x->list.count / 2))
           : is_list(x)          ? value_int((int64_t)x->list.count)
                                 : value_null();
}

/* No vertex or value twice. */
static value path_is_simple(const value *path)
{
    if (path->kind != VALUE_PATH)
        return value_null();
    for (size_t i = 0; i < path->list.count; i++)
        for (size_t k = 0; k < i; k++)
            if (value_equal(&path->list.items[i], &path->list.items[k]))
                return value_bool(false);
    return value_bool(true);
}

/* Objects and their labels by turns; a path with null is spliced in. */
static value path_with_labels(query *q, const value *args, size_t count)
{
    size_t room = 0, n = 0;
    for (size_t i = 0; i + 1 < count; i += 2)
        room +=
            args[i].kind == VALUE_PATH && args[i + 1].kind == VALUE_NULL ? args[i].list.count : 1;
    value *items = arena_array_of(q->arena, value, 2 * room + 1);
    for (size_t i = 0; i + 1 < count; i += 2) {
        bool is_path = args[i].kind == VALUE_PATH && args[i + 1].kind == VALUE_NULL;
        for (size_t k = 0; is_path && k < args[i].list.count; k++) {
            items[room + n] = args[i].list.items[args[i].list.count + k];
            items[n++] = args[i].list.items[k];
        }
        if (!is_path) {
            items[room + n] = args[i + 1];
            items[n++] = args[i];
        }
    }
    return (value){ .kind = VALUE_PATH, .list = { items, n } };
}

/* ---- Elements ---- */

static value element_keys(query *q, const value *v)
{
    if (v->kind != VALUE_VERTEX && v->kind != VALUE_EDGE)
        return value_null();
    str *keys;
    size_t count = element_key_names(q, *v, &keys);
    value *items = arena_array_of(q->arena, value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = value_text(keys[i]);
    return value_list(items, count);
}

static value element_labels(query *q, const value *v)
{
    str *names, edge;
    size_t count = 1;
    if (v->kind == VALUE_VERTEX) {
        count = graph_vertex_labels(q->graph, v->ref, q->arena, &names);
    } else if (v->kind == VALUE_EDGE) {
        edge = graph_element_label(q->graph, false, v->ref);
        names = &edge;
    } else {
        return value_null();
    }
    value *items = arena_array_of(q->arena, value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = value_text(names[i]);
    return value_list(items, count);
}

/* args[0] carries all of the labels args[1..]. */
static value has_labels(query *q, const value *args, size_t count)
{
    value all = element_labels(q, &args[0]);
    if (all.kind == VALUE_NULL)
        return all;
    for (size_t k = 1; k < count; k++) {
        bool has_it = false;
        for (size_t i = 0; i < all.list.count; i++)
            has_it |= value_equal(&all.list.items[i], &args[k]);
        if (!has_it)
            return value_bool(false);
    }
    return value_bool(true);
}

bool scalar_call(query *q, plan_function f, const value *args, size_t count, value *ret, error *err)
{
    const value *x = count ? &args[0] : NULL;
    switch (f) {
    case FN_XOR:
        *ret = args[0].kind == VALUE_BOOL && args[1].kind == VALUE_BOOL
                   ? value_bool(args[0].boolean != args[1].boolean)
                   : value_null();
        return true;
    case FN_IS_IDENTICAL: *ret = value_bool(value_equal(x, &args[1])); return true;
    case FN_CASE:
        for (size_t i = 0; i + 1 < count; i += 2)
            if (args[i].kind == VALUE_BOOL && args[i].boolean) {
                *ret = args[i + 1];
                return true;
            }
        *ret = count % 2 ? args[count - 1] : value_null();
        return true;
    case FN_POWER:
        *ret = value_is_number(x) && value_is_number(&args[1])
                   ? value_double(pow(value_to_double(x), value_to_double(&args[1])))
                   : value_null();
        return true;
    case FN_NEGATE:
    case FN_ABS:
    case FN_CEIL:
    case FN_FLOOR:
    case FN_ROUND:
    case FN_SIGN:
    case FN_SQRT:
    case FN_CBRT:
    case FN_EXP:
    case FN_LOG:
    case FN_LOG10:
    case FN_LOG2:
    case FN_SIN:
    case FN_COS:
    case FN_TAN:
    case FN_ASIN:
    case FN_ACOS:
    case FN_ATAN:
    case FN_SINH:
    case FN_COSH:
    case FN_TANH: return number_function(f, x, ret, err);
    case FN_TO_DOUBLE:
    case FN_TO_INTEGER:
    case FN_TO_TEXT: *ret = convert(q, f, x); return true;
    case FN_LOWER:
    case FN_UPPER:
    case FN_TRIM:
    case FN_LENGTH: *ret = text_function(q, f, x); return true;
    case FN_REVERSE: *ret = is_list(x) ? reversed(q, x) : text_function(q, f, x); return true;
    case FN_IN_CIDR: return in_cidr(q, x, &args[1], ret, err);
    case FN_ITEM: return item(q, x, &args[1], ret, err);
    case FN_HEAD:
    case FN_LAST: {
        value index = value_int(f == FN_HEAD ? 0 : -1);
        return item(q, x, &index, ret, err);
    }
    case FN_RANGE: return range(q, x, &args[1], ret, err);
    case FN_DISJOINT: *ret = disjoint(x, &args[1]); return true;
    case FN_PATH: *ret = path_with_labels(q, args, count); return true;
    case FN_PATH_OF: return path_of(q, args, count, ret, err);
    case FN_PATH_NODES: *ret = path_part(q, x, 0); return true;
    case FN_PATH_EDGES: *ret = path_part(q, x, 1); return true;
    case FN_PATH_LENGTH: *ret = path_length(x); return true;
    case FN_PATH_IS_SIMPLE: *ret = path_is_simple(x); return true;
    case FN_ELEMENT_KEYS: *ret = element_keys(q, x); return true;
    case FN_IS_LISTED: {
        const uint32_t *rows;
        *ret = value_bool(false);
        if (x->kind != VALUE_VERTEX)
            return true;
        if (graph_is_scratch(q->graph)) {
            *ret = value_bool(!graph_is_deleted(q->graph, true, x->ref));
            return true;
        }
        TRY(graph_vertex_rows(q->graph, graph_ref_label(x->ref), &rows, err));
        *ret = value_bool(!rows || rows[graph_ref_number(x->ref)] != GRAPH_NO_ROW);
        return true;
    }
    case FN_LABELS: *ret = element_labels(q, x); return true;
    case FN_HAS_LABEL: *ret = has_labels(q, args, count); return true;
    case FN_IS_DELETED:
        *ret = value_bool((x->kind == VALUE_VERTEX || x->kind == VALUE_EDGE) &&
                          graph_is_deleted(q->graph, x->kind == VALUE_VERTEX, x->ref));
        return true;
    case FN_FROM_VERTEX:
    case FN_TO_VERTEX: {
        value from, to;
        *ret = value_null();
        if (x->kind != VALUE_EDGE)
            return true;
        TRY(ends_of(q, x, &from, &to, err));
        *ret = f == FN_FROM_VERTEX ? from : to;
        return true;
    }
    default:
        return fail(err, ERR_INVALID, "%s cannot be answered by this version",
                    plan_function_get(f)->name);
    }
}
