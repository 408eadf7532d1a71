/* Functions of elements, lists, maps and numbers, as openCypher has them. */
#include <math.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "column/temporal.h"
#include "exec/foreign.h"
#include "exec/named.h"

static bool fail_argument(error *err, const char *function, const char *takes)
{
    return fail_type(err, "TypeError: InvalidArgumentType", "%s() takes %s", function, takes);
}

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET;
}

static bool check_there(query *q, const value *v, error *err)
{
    if (!graph_is_scratch(q->graph) || !graph_is_deleted(q->graph, v->kind == VALUE_VERTEX, v->ref))
        return true;
    err->detail = "EntityNotFound: DeletedEntityAccess";
    return fail(err, ERR_NOT_FOUND, "this element has been deleted");
}

/* ---- Elements ---- */

bool named_keys(query *q, const value *args, size_t count, value *ret, error *err)
{
    VEC(value) keys = { 0 };
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind == VALUE_MAP) {
        for (size_t i = 0; i < args->map.count; i++)
            vec_push(q->arena, &keys, args->map.keys[i]);
    } else if (args->kind == VALUE_VERTEX || args->kind == VALUE_EDGE) {
        str *names;
        TRY(check_there(q, args, err));
        size_t n = element_key_names(q, *args, &names);
        for (size_t i = 0; i < n; i++) {
            value v;
            TRY(element_property(q, *args, names[i], &v, err));
            if (v.kind != VALUE_NULL)
                vec_push(q->arena, &keys, value_text(names[i]));
        }
    } else {
        return fail_argument(err, "keys", "a map, a node or a relationship");
    }
    *ret = value_list(keys.items, keys.count);
    return true;
}

bool named_labels(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind != VALUE_VERTEX)
        return fail_type(err, "TypeError: InvalidArgumentValue", "labels() takes a node");
    TRY(check_there(q, args, err));
    return scalar_call(q, FN_LABELS, args, 1, ret, err);
}

bool named_has_labels(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind == VALUE_EDGE) {
        str label = graph_element_label(q->graph, false, args->ref);
        bool has_all = true;
        for (size_t i = 1; i < count; i++)
            has_all &= str_eq(args[i].text, label);
        *ret = value_bool(has_all);
        return true;
    }
    if (args->kind != VALUE_VERTEX)
        return fail_argument(err, "a label test", "a node");
    return scalar_call(q, FN_HAS_LABEL, args, count, ret, err);
}

bool named_type(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind != VALUE_EDGE)
        return fail_type(err, "TypeError: InvalidArgumentValue", "type() takes a relationship");
    *ret = value_text(graph_element_label(q->graph, false, args->ref));
    return true;
}

static bool properties_of(query *q, const value *v, value *ret, error *err)
{
    str *names;
    TRY(check_there(q, v, err));
    size_t n = element_key_names(q, *v, &names), kept = 0;
    value *keys = arena_array_of(q->arena, value, n), *values = arena_array_of(q->arena, value, n);
    for (size_t i = 0; i < n; i++) {
        TRY(element_property(q, *v, names[i], &values[kept], err));
        keys[kept] = value_text(names[i]);
        kept += values[kept].kind != VALUE_NULL;
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, kept } };
    return true;
}

bool named_properties(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = *args;
    if (args->kind == VALUE_NULL || args->kind == VALUE_MAP)
        return true;
    if (args->kind != VALUE_VERTEX && args->kind != VALUE_EDGE)
        return fail_argument(err, "properties", "a node, a relationship or a map");
    return properties_of(q, args, ret, err);
}

/* Element or map, then by turns a key and its value; a key that is null takes all properties. */
bool named_map_projection(query *q, const value *args, size_t count, value *ret, error *err)
{
    VEC(value) keys = { 0 }, values = { 0 };
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    for (size_t i = 1; i + 1 < count; i += 2) {
        value all = { .kind = VALUE_MAP, .map = { (value *)&args[i], (value *)&args[i + 1], 1 } };
        if (args[i].kind == VALUE_NULL)
            TRY(named_properties(q, args, 1, &all, err));
        for (size_t k = 0; k < all.map.count; k++) {
            size_t at = 0;
            while (at < keys.count && !value_equal(&keys.items[at], &all.map.keys[k]))
                at++;
            if (at == keys.count) {
                vec_push(q->arena, &keys, all.map.keys[k]);
                vec_push(q->arena, &values, all.map.values[k]);
            } else {
                values.items[at] = all.map.values[k];
            }
        }
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys.items, values.items, keys.count } };
    return true;
}

/* ---- Lists ---- */

bool named_size(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    switch (args->kind) {
    case VALUE_NULL: return true;
    case VALUE_LIST:
    case VALUE_SET: *ret = value_int((int64_t)args->list.count); return true;
    case VALUE_STRING: return scalar_call(q, FN_LENGTH, args, 1, ret, err);
    case VALUE_MAP: *ret = value_int((int64_t)args->map.count); return true;
    default: return fail_argument(err, "size", "a list or a text");
    }
}

bool named_length(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind != VALUE_PATH && !is_list(args))
        return fail_argument(err, "length", "a path");
    return scalar_call(q, FN_PATH_LENGTH, args, 1, ret, err);
}

static bool item_at(const value *list, const char *function, int64_t i, value *ret, error *err)
{
    *ret = value_null();
    if (list->kind == VALUE_NULL)
        return true;
    if (!is_list(list))
        return fail_argument(err, function, "a list");
    if (list->list.count)
        *ret = list->list.items[i < 0 ? list->list.count - 1 : 0];
    return true;
}

bool named_head(query *q, const value *args, size_t count, value *ret, error *err)
{
    return item_at(args, "head", 0, ret, err);
}

bool named_last(query *q, const value *args, size_t count, value *ret, error *err)
{
    return item_at(args, "last", -1, ret, err);
}

bool named_tail(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (!is_list(args))
        return fail_argument(err, "tail", "a list");
    *ret = args->list.count > 1 ? value_list(args->list.items + 1, args->list.count - 1)
                                : value_list(NULL, 0);
    return true;
}

bool range_read(const value *args, size_t count, int64_t *ret_first, int64_t *ret_step,
                uint64_t *ret_count, error *err)
{
    int64_t step = 1;
    for (size_t i = 0; i < count; i++) {
        if (args[i].kind != VALUE_INT)
            return fail_type(err, "ArgumentError: InvalidArgumentType",
                             "range() takes whole numbers");
    }
    if (count > 2)
        step = args[2].integer;
    if (step == 0)
        return fail_type(err, "ArgumentError: NumberOutOfRange", "range(): the step cannot be 0");
    __int128 span = (__int128)args[1].integer - args[0].integer,
             n = (span < 0) != (step < 0) && span ? 0 : span / step + 1;
    *ret_first = args[0].integer;
    *ret_step = step;
    *ret_count = n > INT64_MAX ? INT64_MAX : (uint64_t)n;
    return true;
}

bool named_range(query *q, const value *args, size_t count, value *ret, error *err)
{
    enum { MOST = 10000000, LONG = 1000 };
    int64_t first, step;
    uint64_t n;
    TRY(range_read(args, count, &first, &step, &n, err));
    if (n > MOST)
        return fail_type(err, "ArgumentError: NumberOutOfRange", "range() makes at most %d numbers",
                         MOST);
    if (n >= LONG)
        TRY(query_check(q, err)); /* a batch of rows makes a list for each */
    value *items = arena_array_of(q->arena, value, (size_t)n);
    for (size_t i = 0; i < (size_t)n; i++)
        items[i] = value_int((int64_t)((uint64_t)first + i * (uint64_t)step));
    *ret = value_list(items, (size_t)n);
    return true;
}

/* list[from..to]; null where one of them is null. */
bool named_slice(query *q, const value *args, size_t count, value *ret, error *err)
{
    int64_t bounds[2];
    *ret = value_null();
    if (args[0].kind == VALUE_NULL || args[1].kind == VALUE_NULL || args[2].kind == VALUE_NULL)
        return true;
    if (!is_list(args))
        return fail_argument(err, "[..]", "a list");
    for (int i = 0; i < 2; i++) {
        int64_t n = (int64_t)args->list.count;
        if (args[1 + i].kind != VALUE_INT)
            return fail_argument(err, "[..]", "whole numbers");
        int64_t at = args[1 + i].integer;
        at = at < 0 ? at + n : at;
        bounds[i] = at < 0 ? 0 : at > n ? n : at;
    }
    *ret = bounds[0] < bounds[1]
               ? value_list(args->list.items + bounds[0], (size_t)(bounds[1] - bounds[0]))
               : value_list(NULL, 0);
    return true;
}

/* The first of each. */
bool named_distinct(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = *args;
    if (!is_list(args) || args->list.count < 2)
        return true;
    size_t size = 16, n = 0;
    while (size < 2 * args->list.count)
        size *= 2;
    AUTO(arena_free) arena *scratch = arena_new();
    uint32_t *table = arena_array_of(scratch, uint32_t, size);
    value *items = arena_array_of(q->arena, value, args->list.count);
    for (size_t i = 0; i < args->list.count; i++) {
        const value *v = &args->list.items[i];
        size_t at = value_hash(v) & (size - 1);
        while (table[at] && !value_equal(&items[table[at] - 1], v))
            at = (at + 1) & (size - 1);
        if (table[at])
            continue;
        items[n++] = *v;
        table[at] = (uint32_t)n;
    }
    *ret = value_list(items, n);
    return true;
}

/* ---- Aggregates of collected values ---- */

static bool add_up(query *q, const value *list, value *ret, error *err)
{
    *ret = value_int(0);
    __int128 whole = 0;
    double real = 0;
    bool is_real = false;
    for (size_t i = 0; i < list->list.count; i++) {
        const value *v = &list->list.items[i];
        if (v->kind == VALUE_DURATION) {
            bool is_done;
            value sum = *ret;
            if (i == 0)
                *ret = *v;
            else
                TRY(temporal_arithmetic(q, FN_ADD, &sum, v, ret, &is_done, err));
            continue;
        }
        if (!value_is_number(v))
            return fail_argument(err, "sum", "numbers");
        is_real |= v->kind != VALUE_INT;
        whole += v->kind == VALUE_INT ? v->integer : 0;
        real += v->kind == VALUE_INT ? 0 : value_to_double(v);
    }
    if (ret->kind != VALUE_DURATION)
        *ret = is_real ? value_double(real + (double)whole) : value_int((int64_t)whole);
    return true;
}

bool named_list_sum(query *q, const value *args, size_t count, value *ret, error *err)
{
    return add_up(q, args, ret, err);
}

bool named_list_mean(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args->list.count == 0)
        return true;
    value sum, n = value_int((int64_t)args->list.count);
    bool is_done;
    TRY(add_up(q, args, &sum, err));
    if (sum.kind == VALUE_DURATION)
        return temporal_arithmetic(q, FN_DIVIDE, &sum, &n, ret, &is_done, err);
    *ret = value_double(value_to_double(&sum) / (double)args->list.count);
    return true;
}

static value extreme(const value *list, int sign)
{
    value best = value_null();
    for (size_t i = 0; i < list->list.count; i++)
        if (best.kind == VALUE_NULL || sign * value_compare_cypher(&list->list.items[i], &best) > 0)
            best = list->list.items[i];
    return best;
}

bool named_list_least(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = extreme(args, -1);
    return true;
}

bool named_list_most(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = extreme(args, 1);
    return true;
}

static int compare_values(const void *a, const void *b)
{
    return value_compare_cypher(a, b);
}

static bool sorted_numbers(query *q, const value *args, value *ret, double *ret_share, error *err)
{
    if (!value_is_number(&args[1]))
        return fail_argument(err, "a percentile", "a number from 0 to 1");
    *ret_share = value_to_double(&args[1]);
    if (!(*ret_share >= 0 && *ret_share <= 1))
        return fail_type(err, "ArgumentError: NumberOutOfRange",
                         "a percentile takes a number from 0 to 1");
    *ret = value_list(arena_copy(q->arena, args->list.items, args->list.count * sizeof(value)),
                      args->list.count);
    if (ret->list.count)
        qsort(ret->list.items, ret->list.count, sizeof(value), compare_values);
    return true;
}

bool named_percentile_cont(query *q, const value *args, size_t count, value *ret, error *err)
{
    value all;
    double share;
    *ret = value_null();
    TRY(sorted_numbers(q, args, &all, &share, err));
    if (all.list.count == 0)
        return true;
    double at = share * (double)(all.list.count - 1);
    size_t low = (size_t)floor(at), high = (size_t)ceil(at);
    double a = value_to_double(&all.list.items[low]), b = value_to_double(&all.list.items[high]);
    *ret = value_double(low == high ? a : a * ((double)high - at) + b * (at - (double)low));
    return true;
}

bool named_percentile_disc(query *q, const value *args, size_t count, value *ret, error *err)
{
    value all;
    double share;
    *ret = value_null();
    TRY(sorted_numbers(q, args, &all, &share, err));
    if (all.list.count == 0)
        return true;
    double at = ceil(share * (double)all.list.count);
    *ret = all.list.items[at < 1 ? 0 : (size_t)at - 1];
    return true;
}

static value deviation(const value *list, size_t less)
{
    double mean = 0, sum = 0, n = (double)list->list.count;
    if (list->list.count <= less)
        return value_double(0);
    for (size_t i = 0; i < list->list.count; i++)
        mean += value_to_double(&list->list.items[i]) / n;
    for (size_t i = 0; i < list->list.count; i++) {
        double d = value_to_double(&list->list.items[i]) - mean;
        sum += d * d;
    }
    return value_double(sqrt(sum / (n - (double)less)));
}

bool named_deviation(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = deviation(args, 1);
    return true;
}

bool named_deviation_population(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = deviation(args, 0);
    return true;
}

/* ---- Numbers ---- */

bool named_random(query *q, const value *args, size_t count, value *ret, error *err)
{
    uint64_t bits = 0;
    RAND_bytes((unsigned char *)&bits, sizeof bits);
    *ret = value_double((double)(bits >> 11) * 0x1p-53);
    return true;
}

bool named_random_uuid(query *q, const value *args, size_t count, value *ret, error *err)
{
    unsigned char b[16];
    RAND_bytes(b, sizeof b);
    b[6] = (b[6] & 0x0F) | 0x40;
    b[8] = (b[8] & 0x3F) | 0x80;
    strbuf out = strbuf_new(q->arena);
    for (int i = 0; i < 16; i++)
        strbuf_format(&out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    *ret = value_text(strbuf_str(&out));
    return true;
}

bool named_pi(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_double(M_PI);
    return true;
}

bool named_e(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_double(M_E);
    return true;
}

static bool one_number(const value *args, const char *function, double *ret_number, value *ret,
                       bool *ret_is_null, error *err)
{
    *ret = value_null();
    *ret_is_null = args->kind == VALUE_NULL;
    *ret_number = value_is_number(args) ? value_to_double(args) : 0;
    return *ret_is_null || value_is_number(args) ? true : fail_argument(err, function, "a number");
}

#define ONE_NUMBER(function, text, expression)                                                     \
    bool function(query *q, const value *args, size_t count, value *ret, error *err)               \
    {                                                                                              \
        double x;                                                                                  \
        bool is_null;                                                                              \
        TRY(one_number(args, text, &x, ret, &is_null, err));                                       \
        if (!is_null)                                                                              \
            *ret = expression;                                                                     \
        return true;                                                                               \
    }

ONE_NUMBER(named_degrees, "degrees", value_double(x * 180 / M_PI))
ONE_NUMBER(named_radians, "radians", value_double(x *M_PI / 180))
ONE_NUMBER(named_cot, "cot", value_double(1 / tan(x)))
ONE_NUMBER(named_haversin, "haversin", value_double((1 - cos(x)) / 2))
ONE_NUMBER(named_is_nan, "isNaN", value_bool(isnan(x)))

bool named_atan2(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args[0].kind == VALUE_NULL || args[1].kind == VALUE_NULL)
        return true;
    if (!value_is_number(&args[0]) || !value_is_number(&args[1]))
        return fail_argument(err, "atan2", "two numbers");
    *ret = value_double(atan2(value_to_double(&args[0]), value_to_double(&args[1])));
    return true;
}

bool named_round(query *q, const value *args, size_t count, value *ret, error *err)
{
    double x;
    bool is_null;
    TRY(one_number(args, "round", &x, ret, &is_null, err));
    if (is_null)
        return true;
    if (count > 1 && args[1].kind == VALUE_NULL)
        return true;
    if (count > 1 && args[1].kind != VALUE_INT)
        return fail_argument(err, "round", "a number and the number of digits");
    double scale = count > 1 ? pow(10, (double)args[1].integer) : 1;
    *ret = value_double(isfinite(scale) && fabs(x) < 1e15 ? floor(x * scale + 0.5) / scale : x);
    return true;
}

bool named_is_empty(query *q, const value *args, size_t count, value *ret, error *err)
{
    value size;
    *ret = value_null();
    TRY(named_size(q, args, 1, &size, err));
    if (size.kind == VALUE_INT)
        *ret = value_bool(size.integer == 0);
    return true;
}

bool named_null_if(query *q, const value *args, size_t count, value *ret, error *err)
{
    value same = cypher_compare(FN_EQ, &args[0], &args[1]);
    *ret = same.kind == VALUE_BOOL && same.boolean ? value_null() : args[0];
    return true;
}

bool named_value_type(query *q, const value *args, size_t count, value *ret, error *err)
{
    static const char *const names[] = {
        [VALUE_NULL] = "NULL",
        [VALUE_BOOL] = "BOOLEAN",
        [VALUE_INT] = "INTEGER",
        [VALUE_DOUBLE] = "FLOAT",
        [VALUE_DECIMAL] = "FLOAT",
        [VALUE_STRING] = "STRING",
        [VALUE_BINARY] = "BYTES",
        [VALUE_UUID] = "STRING",
        [VALUE_DATE] = "DATE",
        [VALUE_TIME] = "LOCAL TIME",
        [VALUE_TIMESTAMP] = "ZONED DATETIME",
        [VALUE_LIST] = "LIST<ANY>",
        [VALUE_SET] = "LIST<ANY>",
        [VALUE_MAP] = "MAP",
        [VALUE_VERTEX] = "NODE",
        [VALUE_EDGE] = "RELATIONSHIP",
        [VALUE_PATH] = "PATH",
        [VALUE_LOCAL_TIME] = "LOCAL TIME",
        [VALUE_ZONED_TIME] = "ZONED TIME",
        [VALUE_LOCAL_DATETIME] = "LOCAL DATETIME",
        [VALUE_DATETIME] = "ZONED DATETIME",
        [VALUE_DURATION] = "DURATION",
        [VALUE_POINT] = "POINT",
    };
    const char *name =
        args->kind < ARRAY_LEN(names) && names[args->kind] ? names[args->kind] : "ANY";
    *ret = value_text(str_of(name));
    return true;
}
