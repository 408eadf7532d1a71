/* Expressions over a block of rows. Null is SQL's. */
#include <math.h>

#include "base/clock.h"
#include "exec/internal.h"
#include "exec/named.h"

static bool call(query *q, const plan_expr *e, value *args, value *ret, error *err);

size_t element_key_names(query *q, value v, str **ret_keys)
{
    bool is_vertex = v.kind == VALUE_VERTEX;
    if (graph_is_scratch(q->graph))
        return graph_scratch_keys(q->graph, is_vertex, v.ref, q->arena, ret_keys);
    const graph_label *l = is_vertex ? graph_vertex_label(q->graph, graph_ref_label(v.ref))
                                     : graph_edge_label(q->graph, graph_ref_label(v.ref));
    *ret_keys = arena_array_of(q->arena, str, l->property_count);
    for (size_t i = 0; i < l->property_count; i++)
        (*ret_keys)[i] = l->properties[i].name;
    return l->property_count;
}

bool element_id(query *q, value v, value *ret, error *err)
{
    str text;
    if (graph_is_scratch(q->graph)) {
        *ret = graph_scratch_id(q->graph, v.kind == VALUE_VERTEX, v.ref, q->arena);
        return true;
    }
    TRY(query_element_id(q->graph, v, q->arena, &text, err));
    *ret = value_text(text);
    return true;
}

bool element_property(query *q, value element, str key, value *ret, error *err)
{
    *ret = value_null();
    if (element.kind == VALUE_MAP || element.kind == VALUE_ENTRY) {
        for (size_t i = 0; i < element.map.count; i++)
            if (element.map.keys[i].kind == VALUE_STRING && str_eq(element.map.keys[i].text, key))
                *ret = element.map.values[i];
        return true;
    }
    if (element.kind != VALUE_VERTEX && element.kind != VALUE_EDGE)
        return q->plan->is_cypher ? cypher_property(q, &element, key, ret, err) : true;
    if (graph_is_scratch(q->graph)) {
        if (q->plan->is_cypher &&
            graph_is_deleted(q->graph, element.kind == VALUE_VERTEX, element.ref)) {
            err->detail = "EntityNotFound: DeletedEntityAccess";
            return fail(err, ERR_NOT_FOUND,
                        "this element has been deleted: its properties cannot be read");
        }
        *ret = graph_scratch_property(q->graph, element.kind == VALUE_VERTEX, element.ref, key,
                                      q->arena);
        return true;
    }
    const graph_column *c;
    uint64_t number = graph_ref_number(element.ref);
    TRY(query_column(q, element.kind == VALUE_VERTEX, graph_ref_label(element.ref), key, &c, err));
    if (c && number < c->count)
        *ret = graph_column_value(c, number, q->arena);
    return true;
}

/* The whole of an element's properties, or those named in args[1..]. */
static bool property_map(query *q, value *args, size_t count, bool as_lists, bool with_tokens,
                         value *ret, error *err)
{
    *ret = value_null();
    if (args[0].kind != VALUE_VERTEX && args[0].kind != VALUE_EDGE)
        return true;
    str *names;
    size_t name_count = element_key_names(q, args[0], &names), n = 0;
    value *keys = arena_array_of(q->arena, value, name_count + 2),
          *values = arena_array_of(q->arena, value, name_count + 2);
    if (with_tokens) {
        keys[n] = value_text(STR("id"));
        TRY(element_id(q, args[0], &values[n++], err));
        keys[n] = value_text(STR("label"));
        values[n++] =
            value_text(graph_element_label(q->graph, args[0].kind == VALUE_VERTEX, args[0].ref));
    }
    for (size_t i = 0; i < name_count; i++) {
        bool is_wanted = count == 1;
        for (size_t k = 1; k < count; k++)
            is_wanted |= args[k].kind == VALUE_STRING && str_eq(args[k].text, names[i]);
        value v;
        if (!is_wanted)
            continue;
        TRY(element_property(q, args[0], names[i], &v, err));
        if (v.kind == VALUE_NULL)
            continue;
        value *one = arena_copy(q->arena, &v, sizeof v);
        keys[n] = value_text(names[i]);
        values[n++] = as_lists ? (value){ .kind = VALUE_LIST, .list = { one, 1 } } : v;
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, n } };
    return true;
}

static bool property_values(query *q, value *args, size_t count, value *ret, error *err)
{
    value map;
    TRY(property_map(q, args, count, false, false, &map, err));
    *ret = map;
    if (map.kind != VALUE_MAP)
        return true;
    value *items = map.map.values;
    size_t n = map.map.count;
    if (count > 1) { /* in the order in which the keys are named */
        items = arena_array_of(q->arena, value, count);
        n = 0;
        for (size_t k = 1; k < count; k++)
            for (size_t i = 0; i < map.map.count; i++)
                if (value_equal(&args[k], &map.map.keys[i]))
                    items[n++] = map.map.values[i];
    }
    *ret = (value){ .kind = VALUE_LIST, .list = { items, n } };
    return true;
}

/* ---- Comparison and arithmetic ---- */

static bool is_number(const value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_DOUBLE;
}

/* A time or number column compared with a text that means one. */
static void meet(value *x, value *y)
{
    value *text = x->kind == VALUE_STRING   ? x
                  : y->kind == VALUE_STRING ? y
                                            : NULL,
          *other = text == x ? y : x;
    if (!text || other->kind == VALUE_STRING)
        return;
    if (other->kind == VALUE_DATE || other->kind == VALUE_TIMESTAMP) {
        int64_t us;
        if (clock_parse_us(text->text, &us))
            *text = (value){ .kind = other->kind,
                             .integer = other->kind == VALUE_DATE ? us / 86400000000ll : us };
    } else if (other->kind == VALUE_INT) {
        int64_t n;
        if (str_to_i64(text->text, &n))
            *text = value_int(n);
    } else if (other->kind == VALUE_UUID) {
        *text = (value){ .kind = VALUE_UUID, .text = text->text };
    }
}

static value compare(plan_function f, value x, value y)
{
    if (x.kind == VALUE_NULL || y.kind == VALUE_NULL)
        return value_null();
    meet(&x, &y);
    bool is_comparable = x.kind == y.kind || (is_number(&x) && is_number(&y));
    if (f == FN_EQ || f == FN_NE)
        return value_bool((is_comparable && value_equal(&x, &y)) == (f == FN_EQ));
    if (!is_comparable)
        return value_null();
    int order = value_compare(&x, &y);
    return value_bool(f == FN_LT   ? order < 0
                      : f == FN_LE ? order <= 0
                      : f == FN_GT ? order > 0
                                   : order >= 0);
}

static bool arithmetic(query *q, plan_function f, value x, value y, value *ret, error *err)
{
    *ret = value_null();
    if (x.kind == VALUE_NULL || y.kind == VALUE_NULL)
        return true;
    if (f == FN_ADD && x.kind == VALUE_STRING && y.kind == VALUE_STRING) {
        *ret = value_text(str_concat(q->arena, x.text, y.text));
        return true;
    }
    if (f == FN_ADD && x.kind == VALUE_LIST && y.kind == VALUE_LIST) {
        value *items = arena_array_of(q->arena, value, x.list.count + y.list.count);
        memcpy(items, x.list.items, x.list.count * sizeof *items);
        memcpy(items + x.list.count, y.list.items, y.list.count * sizeof *items);
        *ret = value_list(items, x.list.count + y.list.count);
        return true;
    }
    if (!is_number(&x) || !is_number(&y))
        return fail(err, ERR_INVALID, "%s takes numbers", plan_function_get(f)->name);
    if (x.kind == VALUE_INT && y.kind == VALUE_INT) {
        bool overflows = false;
        switch (f) {
        case FN_ADD: overflows = __builtin_add_overflow(x.integer, y.integer, &ret->integer); break;
        case FN_SUBTRACT:
            overflows = __builtin_sub_overflow(x.integer, y.integer, &ret->integer);
            break;
        case FN_MULTIPLY:
            overflows = __builtin_mul_overflow(x.integer, y.integer, &ret->integer);
            break;
        default:
            if (y.integer == 0)
                return fail(err, ERR_INVALID, "division by zero");
            if (y.integer == -1)
                overflows =
                    __builtin_sub_overflow(0, f == FN_DIVIDE ? x.integer : 0, &ret->integer);
            else
                ret->integer = f == FN_DIVIDE ? x.integer / y.integer : x.integer % y.integer;
        }
        ret->kind = VALUE_INT;
        return overflows ? fail(err, ERR_LIMIT, "%s is larger than a 64-bit number holds",
                                plan_function_get(f)->name)
                         : true;
    }
    double a = value_to_double(&x), b = value_to_double(&y);
    *ret = value_double(f == FN_ADD        ? a + b
                        : f == FN_SUBTRACT ? a - b
                        : f == FN_MULTIPLY ? a * b
                        : f == FN_DIVIDE   ? a / b
                                           : fmod(a, b));
    return true;
}

/* ---- Functions ---- */

static value logic(plan_function f, const value *args, size_t count)
{
    bool has_null = false, ends_at = f == FN_OR; /* the value that settles it */
    for (size_t i = 0; i < count; i++) {
        if (args[i].kind == VALUE_BOOL && args[i].boolean == ends_at)
            return value_bool(ends_at);
        has_null |= args[i].kind != VALUE_BOOL;
    }
    return has_null ? value_null() : value_bool(!ends_at);
}

static value in_list(value x, const value *list)
{
    if (x.kind == VALUE_NULL || list->kind == VALUE_NULL)
        return value_null();
    for (size_t i = 0; i < list->list.count; i++) {
        value equal = compare(FN_EQ, x, list->list.items[i]);
        if (equal.kind == VALUE_BOOL && equal.boolean)
            return value_bool(true);
    }
    return value_bool(false);
}

static value text_test(plan_function f, const value *x, const value *y)
{
    if (x->kind != VALUE_STRING || y->kind != VALUE_STRING)
        return value_null();
    return value_bool(f == FN_STARTS_WITH ? str_starts_with(x->text, y->text)
                      : f == FN_ENDS_WITH ? str_ends_with(x->text, y->text)
                                          : str_contains(x->text, y->text));
}

static value map_get(const value *map, const value *key)
{
    if (map->kind == VALUE_MAP || map->kind == VALUE_ENTRY)
        for (size_t i = 0; i < map->map.count; i++)
            if (value_equal(&map->map.keys[i], key))
                return map->map.values[i];
    return value_null();
}

/* keys or values of a map; of an entry, the one. */
static value map_side(query *q, const value *v, bool is_keys)
{
    if (v->kind == VALUE_ENTRY || v->kind == VALUE_PROPERTY)
        return is_keys ? v->map.keys[0] : v->map.values[0];
    if (v->kind != VALUE_MAP)
        return value_null();
    value *items =
        arena_copy(q->arena, is_keys ? v->map.keys : v->map.values, v->map.count * sizeof(value));
    return (value){ .kind = is_keys ? VALUE_SET : VALUE_LIST, .list = { items, v->map.count } };
}

static bool list_reduce(query *q, plan_function f, const value *list, value *ret, error *err)
{
    *ret = value_null();
    if (list->kind != VALUE_LIST && list->kind != VALUE_SET)
        return true;
    for (size_t i = 0; i < list->list.count; i++) {
        value v = list->list.items[i];
        if (ret->kind == VALUE_NULL)
            *ret = v;
        else if (f == FN_LIST_MIN || f == FN_LIST_MAX)
            *ret = (value_compare(&v, ret) < 0) == (f == FN_LIST_MIN) ? v : *ret;
        else
            TRY(arithmetic(q, FN_ADD, *ret, v, ret, err));
    }
    if (f == FN_LIST_MEAN && ret->kind != VALUE_NULL)
        *ret = value_double(value_to_double(ret) / (double)list->list.count);
    return true;
}

static value make_map(query *q, const value *args, size_t count, bool keeps_nulls)
{
    value *keys = arena_array_of(q->arena, value, count / 2),
          *values = arena_array_of(q->arena, value, count / 2);
    size_t n = 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
        if (!keeps_nulls && args[i + 1].kind == VALUE_NULL)
            continue;
        keys[n] = args[i];
        values[n++] = args[i + 1];
    }
    return (value){ .kind = VALUE_MAP, .map = { keys, values, n } };
}

static bool call_element(query *q, const plan_expr *e, value *args, value *ret, error *err)
{
    size_t count = e->call.arg_count;
    bool is_element = args[0].kind == VALUE_VERTEX || args[0].kind == VALUE_EDGE;
    switch (e->call.function) {
    case FN_ID: *ret = value_null(); return is_element ? element_id(q, args[0], ret, err) : true;
    case FN_LABEL: {
        str label = is_element
                        ? graph_element_label(q->graph, args[0].kind == VALUE_VERTEX, args[0].ref)
                        : STR("");
        *ret = label.len ? value_text(label) : value_null();
        return true;
    }
    case FN_HAS_PROPERTY: {
        value v;
        TRY(element_property(q, args[0], args[1].text, &v, err));
        *ret = value_bool(v.kind != VALUE_NULL);
        return true;
    }
    case FN_VALUE_MAP:
        return property_map(q, args, count, args[0].kind == VALUE_VERTEX, false, ret, err);
    case FN_VALUE_MAP_FLAT: return property_map(q, args, count, false, false, ret, err);
    case FN_ELEMENT_MAP: return property_map(q, args, count, false, true, ret, err);
    case FN_VALUES: return property_values(q, args, count, ret, err);
    default: return scalar_call(q, e->call.function, args, count, ret, err);
    }
}

static bool call(query *q, const plan_expr *e, value *args, value *ret, error *err)
{
    size_t count = e->call.arg_count;
    plan_function f = e->call.function;
    if (f == FN_NAMED)
        return named_function_at(e->call.number)->call(q, args, count, ret, err);
    if (q->plan->is_cypher) {
        bool is_done;
        TRY(cypher_operator(q, f, args, count, ret, &is_done, err));
        if (is_done)
            return true;
    }
    switch (f) {
    case FN_AND:
    case FN_OR: *ret = logic(f, args, count); return true;
    case FN_NOT:
        *ret = args[0].kind == VALUE_BOOL ? value_bool(!args[0].boolean) : value_null();
        return true;
    case FN_IS_NULL: *ret = value_bool(args[0].kind == VALUE_NULL); return true;
    case FN_IS_NOT_NULL: *ret = value_bool(args[0].kind != VALUE_NULL); return true;
    case FN_EQ:
    case FN_NE:
    case FN_LT:
    case FN_LE:
    case FN_GT:
    case FN_GE: *ret = compare(f, args[0], args[1]); return true;
    case FN_IN: *ret = in_list(args[0], &args[1]); return true;
    case FN_ADD:
    case FN_SUBTRACT:
    case FN_MULTIPLY:
    case FN_DIVIDE:
    case FN_MODULO: return arithmetic(q, f, args[0], args[1], ret, err);
    case FN_STARTS_WITH:
    case FN_ENDS_WITH:
    case FN_CONTAINS: *ret = text_test(f, &args[0], &args[1]); return true;
    case FN_COALESCE:
        *ret = value_null();
        for (size_t i = count; i-- > 0;)
            *ret = args[i].kind != VALUE_NULL ? args[i] : *ret;
        return true;
    case FN_LIST:
        *ret = (value){ .kind = VALUE_LIST,
                        .list = { arena_copy(q->arena, args, count * sizeof *args), count } };
        return true;
    case FN_MAP:
    case FN_MAP_WITHOUT_NULLS: *ret = make_map(q, args, count, f == FN_MAP); return true;
    case FN_ENTRY: {
        value *pair = arena_copy(q->arena, args, 2 * sizeof *args);
        *ret = (value){ .kind = VALUE_ENTRY, .map = { &pair[0], &pair[1], 1 } };
        return true;
    }
    case FN_MAP_GET: *ret = map_get(&args[0], &args[1]); return true;
    case FN_KEYS:
    case FN_MAP_VALUES: *ret = map_side(q, &args[0], f == FN_KEYS); return true;
    case FN_SIZE:
        if (args[0].kind == VALUE_STRING)
            return scalar_call(q, FN_LENGTH, args, 1, ret, err);
        *ret = args[0].kind == VALUE_NULL  ? value_null()
               : args[0].kind == VALUE_MAP ? value_int((int64_t)args[0].map.count)
               : args[0].kind == VALUE_LIST || args[0].kind == VALUE_SET
                   ? value_int((int64_t)args[0].list.count)
                   : value_int(1);
        return true;
    case FN_LIST_SUM:
    case FN_LIST_MIN:
    case FN_LIST_MAX:
    case FN_LIST_MEAN: return list_reduce(q, f, &args[0], ret, err);
    default: return call_element(q, e, args, ret, err);
    }
}

static bool eval_call(query *q, const plan_expr *e, const rows *r, value *ret, error *err)
{
    size_t count = e->call.arg_count;
    AUTO(arena_free) arena *scratch = arena_new();
    value *all = arena_array_of(scratch, value, count * r->count),
          *args = arena_array_of(scratch, value, count);
    for (size_t i = 0; i < count; i++)
        TRY(expr_eval(q, e->call.args[i], r, all + i * r->count, err));
    for (size_t k = 0; k < r->count; k++) {
        for (size_t i = 0; i < count; i++)
            args[i] = all[i * r->count + k];
        TRY(call(q, e, args, &ret[k], err));
    }
    return true;
}

bool expr_eval(query *q, const plan_expr *e, const rows *r, value *ret, error *err)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        for (size_t i = 0; i < r->count; i++)
            ret[i] = e->literal;
        return true;
    case EXPR_SLOT:
        for (size_t i = 0; i < r->count; i++)
            ret[i] = rows_value(q, r, e->slot, i);
        return true;
    case EXPR_PROPERTY:
        TRY(expr_eval(q, e->property.of, r, ret, err));
        for (size_t i = 0; i < r->count; i++)
            TRY(element_property(q, ret[i], e->property.key, &ret[i], err));
        return true;
    case EXPR_CALL: return eval_call(q, e, r, ret, err);
    case EXPR_EACH: return each_eval(q, e, r, ret, err);
    case EXPR_QUERY: return inner_query_eval(q, e, r, ret, err);
    }
    return true;
}

bool expr_filter(query *q, const plan_expr *e, const rows *r, bool *ret_keep, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    arena *kept = q->arena;
    value *cells = arena_array_of(scratch, value, r->count);
    q->arena = scratch; /* nothing but the answer outlives the block */
    bool works = expr_eval(q, e, r, cells, err);
    q->arena = kept;
    for (size_t i = 0; works && i < r->count; i++)
        ret_keep[i] = cells[i].kind == VALUE_BOOL && cells[i].boolean;
    return works;
}
