/* Values as Gremlin compares, orders and reckons with them. Source: TinkerPop 3.8, "Gremlin
 * Semantics": equality, comparability, orderability, type promotion. */
#include <math.h>
#include <regex.h>

#include "base/clock.h"
#include "column/batch.h"
#include "gremlin/machine.h"

/* ---- Tables ---- */

static bool keys_same(const value *a, const value *b)
{
    return value_equal(a, b);
}

static void table_grow(arena *a, value_table *t)
{
    size_t grown = t->slot_count ? t->slot_count * 2 : 16;
    t->slots = arena_array_of(a, size_t, grown);
    t->slot_count = grown;
    for (size_t i = 0; i < t->keys.count; i++) {
        size_t at = value_hash(&t->keys.items[i]) & (grown - 1);
        while (t->slots[at])
            at = (at + 1) & (grown - 1);
        t->slots[at] = i + 1;
    }
}

bool value_table_has(const value_table *t, const value *key, size_t *ret_at)
{
    if (!t->slot_count)
        return false;
    for (size_t at = value_hash(key) & (t->slot_count - 1); t->slots[at];
         at = (at + 1) & (t->slot_count - 1))
        if (keys_same(&t->keys.items[t->slots[at] - 1], key)) {
            *ret_at = t->slots[at] - 1;
            return true;
        }
    return false;
}

size_t value_table_at(arena *a, value_table *t, const value *key, bool *ret_is_new)
{
    size_t found;
    *ret_is_new = !value_table_has(t, key, &found);
    if (!*ret_is_new)
        return found;
    if ((t->keys.count + 1) * 2 > t->slot_count)
        table_grow(a, t);
    size_t at = value_hash(key) & (t->slot_count - 1);
    while (t->slots[at])
        at = (at + 1) & (t->slot_count - 1);
    vec_push(a, &t->keys, *key);
    vec_push(a, &t->values, value_null());
    t->slots[at] = t->keys.count;
    return t->keys.count - 1;
}

/* ---- Order ---- */

static bool is_nan(const value *v)
{
    return v->kind == VALUE_DOUBLE && isnan(v->real);
}

static int rank_of(const value *v)
{
    switch (v->kind) {
    case VALUE_NULL: return 0;
    case VALUE_BOOL: return 1;
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_DECIMAL: return 2;
    case VALUE_DATE:
    case VALUE_TIMESTAMP: return 3;
    case VALUE_STRING:
    case VALUE_TOKEN: return 4;
    case VALUE_UUID: return 5;
    case VALUE_VERTEX: return 6;
    case VALUE_EDGE: return 7;
    case VALUE_PROPERTY: return 8;
    case VALUE_PATH: return 10;
    case VALUE_SET: return 11;
    case VALUE_LIST: return 12;
    case VALUE_MAP: return 13;
    case VALUE_ENTRY: return 14;
    default: return 15 + (int)v->kind;
    }
}

static int order_items(machine *m, const value *a, size_t a_count, const value *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && i < b_count; i++) {
        int order = gremlin_order(m, &a[i], &b[i]);
        if (order)
            return order;
    }
    return (a_count > b_count) - (a_count < b_count);
}

static void sort_values(machine *m, value *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        value x = items[i];
        size_t at = i;
        for (; at > 0 && gremlin_order(m, &items[at - 1], &x) > 0; at--)
            items[at] = items[at - 1];
        items[at] = x;
    }
}

static int order_sorted(machine *m, const value *a, size_t a_count, const value *b, size_t b_count)
{
    value *x = arena_copy(m->arena, a, a_count * sizeof *a),
          *y = arena_copy(m->arena, b, b_count * sizeof *b);
    sort_values(m, x, a_count);
    sort_values(m, y, b_count);
    return order_items(m, x, a_count, y, b_count);
}

static int order_maps(machine *m, const value *a, const value *b)
{
    size_t counts[2] = { a->map.count, b->map.count };
    value *items[2];
    const value *maps[2] = { a, b };
    for (int k = 0; k < 2; k++) {
        items[k] = arena_array_of(m->arena, value, counts[k] + 1);
        for (size_t i = 0; i < counts[k]; i++) {
            value *pair = arena_array_of(m->arena, value, 2);
            pair[0] = maps[k]->map.keys[i];
            pair[1] = maps[k]->map.values[i];
            items[k][i] = value_list(pair, 2);
        }
    }
    return order_sorted(m, items[0], counts[0], items[1], counts[1]);
}

int gremlin_order(machine *m, const value *a, const value *b)
{
    int x = rank_of(a), y = rank_of(b);
    error ignored = { 0 };
    if (x != y)
        return x < y ? -1 : 1;
    if (x == 2 && (is_nan(a) || is_nan(b)))
        return is_nan(a) - is_nan(b);
    switch (a->kind) {
    case VALUE_STRING:
    case VALUE_TOKEN: return str_compare(a->text, b->text);
    case VALUE_VERTEX:
    case VALUE_EDGE: {
        value i, k;
        if (a->ref == b->ref || !gremlin_element_id(m, a, &i, &ignored) ||
            !gremlin_element_id(m, b, &k, &ignored))
            return 0;
        return gremlin_order(m, &i, &k);
    }
    case VALUE_PROPERTY: {
        int order = value_compare(&a->map.keys[0], &b->map.keys[0]);
        return order ? order : gremlin_order(m, &a->map.values[0], &b->map.values[0]);
    }
    case VALUE_PATH:
    case VALUE_LIST:
        return order_items(m, a->list.items, a->list.count, b->list.items, b->list.count);
    case VALUE_SET:
        return order_sorted(m, a->list.items, a->list.count, b->list.items, b->list.count);
    case VALUE_MAP: return order_maps(m, a, b);
    case VALUE_ENTRY: {
        int order = gremlin_order(m, &a->map.keys[0], &b->map.keys[0]);
        return order ? order : gremlin_order(m, &a->map.values[0], &b->map.values[0]);
    }
    default: return value_compare(a, b);
    }
}

/* ---- Equality and comparison ---- */

static bool holds_nan(const value *v)
{
    if (v->kind == VALUE_LIST || v->kind == VALUE_SET || v->kind == VALUE_PATH)
        for (size_t i = 0; i < v->list.count; i++)
            if (holds_nan(&v->list.items[i]))
                return true;
    if (v->kind == VALUE_MAP)
        for (size_t i = 0; i < v->map.count; i++)
            if (holds_nan(&v->map.values[i]) || holds_nan(&v->map.keys[i]))
                return true;
    return is_nan(v);
}

/* A text that stands for a time, a number or an id, when a column of that kind meets it. */
static void meet_text(const value *v, value *text)
{
    int64_t us, i;
    double d;
    if (text->kind != VALUE_STRING)
        return;
    if (v->kind == VALUE_TIMESTAMP && gremlin_parse_time(text->text, &us))
        *text = (value){ .kind = VALUE_TIMESTAMP, .integer = us };
    else if (v->kind == VALUE_DATE && clock_parse_us(text->text, &us) && us % 86400000000ll == 0)
        *text = (value){ .kind = VALUE_DATE, .integer = us / 86400000000ll };
    else if (v->kind == VALUE_INT && v->width == 0 && str_to_i64(text->text, &i))
        *text = value_int(i);
    else if (v->kind == VALUE_DOUBLE && v->width == 0 && 0 && str_to_double(text->text, &d))
        *text = value_double(d);
    else if (v->kind == VALUE_UUID && gremlin_is_uuid(text->text))
        text->kind = VALUE_UUID;
}

static value as_time(const value *v)
{
    if (v->kind == VALUE_DATE)
        return (value){ .kind = VALUE_TIMESTAMP, .integer = v->integer * 86400000000ll };
    return *v;
}

bool gremlin_equal(const value *a, const value *b)
{
    if (holds_nan(a) || holds_nan(b))
        return false;
    if ((a->kind == VALUE_DATE || b->kind == VALUE_DATE) && a->kind != b->kind) {
        value x = as_time(a), y = as_time(b);
        return value_equal(&x, &y);
    }
    return value_equal(a, b);
}

static bool can_compare(const value *a, const value *b)
{
    if (is_nan(a) || is_nan(b))
        return false;
    if (rank_of(a) != rank_of(b))
        return false;
    return rank_of(a) <= 5 || a->kind == VALUE_LIST || a->kind == VALUE_SET ||
           a->kind == VALUE_MAP || a->kind == VALUE_PROPERTY || gremlin_is_element(a) ||
           a->kind == VALUE_PATH || a->kind == VALUE_TOKEN;
}

static truth truth_of(bool b)
{
    return b ? TRUTH_TRUE : TRUTH_FALSE;
}

static truth negated(truth t)
{
    return t == TRUTH_UNKNOWN ? t : truth_of(t == TRUTH_FALSE);
}

/* ---- Types ---- */

static const struct type_name {
    const char *name, *other;
    value_kind kind;
    uint8_t width; /* 255: any */
} types[] = {
    { "INT", "Integer", VALUE_INT, 32 },
    { "LONG", "Long", VALUE_INT, 64 },
    { "SHORT", "Short", VALUE_INT, 16 },
    { "BYTE", "Byte", VALUE_INT, 8 },
    { "DOUBLE", "Double", VALUE_DOUBLE, 64 },
    { "FLOAT", "Float", VALUE_DOUBLE, 32 },
    { "BIGINT", "BigInteger", VALUE_DECIMAL, WIDTH_WHOLE },
    { "BIGDECIMAL", "BigDecimal", VALUE_DECIMAL, 64 },
    { "STRING", "String", VALUE_STRING, 255 },
    { "BOOLEAN", "Boolean", VALUE_BOOL, 255 },
    { "UUID", "UUID", VALUE_UUID, 255 },
    { "DATETIME", "OffsetDateTime", VALUE_TIMESTAMP, 255 },
    { "DATETIME", "Date", VALUE_TIMESTAMP, 255 },
    { "VERTEX", "Vertex", VALUE_VERTEX, 255 },
    { "EDGE", "Edge", VALUE_EDGE, 255 },
    { "PATH", "Path", VALUE_PATH, 255 },
    { "LIST", "List", VALUE_LIST, 255 },
    { "SET", "Set", VALUE_SET, 255 },
    { "MAP", "Map", VALUE_MAP, 255 },
    { "TREE", "Tree", VALUE_TREE, 255 },
    { "GRAPH", "Graph", VALUE_GRAPH, 255 },
    { "BINARY", "ByteBuffer", VALUE_BINARY, 255 },
    { "NULL", "null", VALUE_NULL, 255 },
    { "T", "T", VALUE_TOKEN, 255 },
};

static uint8_t width_of(const value *v)
{
    return v->width ? v->width : 64;
}

const char *gremlin_type_name(const value *v)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].kind == v->kind && (types[i].width == 255 || types[i].width == width_of(v)))
            return types[i].other;
    return v->kind == VALUE_PROPERTY ? "Property" : v->kind == VALUE_ENTRY ? "Entry" : "value";
}

bool gremlin_is_type(machine *m, const value *v, str type, bool *ret_is_known)
{
    static const char *const others[] = { "NUMBER",   "Number",   "VPROPERTY", "VertexProperty",
                                          "PROPERTY", "Property", "CHAR",      "Character",
                                          "DURATION", "Duration" };
    *ret_is_known = true;
    (void)m;
    bool is_number = v->kind == VALUE_INT || v->kind == VALUE_DOUBLE || v->kind == VALUE_DECIMAL;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (v->kind == VALUE_LIST && v->width == BAG && str_eq_nocase(type, STR("SET")))
            return true;
        else if (str_eq_nocase(type, str_of(types[i].name)) || str_eq(type, str_of(types[i].other)))
            return types[i].kind == v->kind &&
                   (types[i].width == 255 || types[i].width == width_of(v));
    if (str_eq_nocase(type, STR("NUMBER")))
        return is_number;
    bool is_of_vertex = v->kind == VALUE_PROPERTY && v->map.keys[1].kind == VALUE_VERTEX;
    if (str_eq(type, STR("VPROPERTY")) || str_eq(type, STR("VertexProperty")))
        return is_of_vertex;
    if (str_eq_nocase(type, STR("PROPERTY")))
        return v->kind == VALUE_PROPERTY && !is_of_vertex;
    *ret_is_known = false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        *ret_is_known |= str_eq_nocase(type, str_of(others[i]));
    return false;
}

/* ---- Predicates ---- */

static bool test_regex(stage *s, str pattern, str text, bool *ret, error *err)
{
    regex_t r;
    (void)err;
    /* Java's shorthands in the words of POSIX. */
    strbuf b = strbuf_new(s->machine->arena);
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i], next = i + 1 < pattern.len ? pattern.data[i + 1] : 0;
        const char *class = c != '\\'     ? NULL
                            : next == 'd' ? "[0-9]"
                            : next == 'w' ? "[a-zA-Z0-9_]"
                            : next == 's' ? "[ \t\n\r\f\v]"
                            : next == 'D' ? "[^0-9]"
                            : next == 'W' ? "[^a-zA-Z0-9_]"
                            : next == 'S' ? "[^ \t\n\r\f\v]"
                                          : NULL;
        if (class) {
            strbuf_add_c(&b, class);
            i++;
        } else {
            strbuf_add_char(&b, c);
        }
    }
    strbuf_add_char(&b, 0);
    str subject = str_concat(s->machine->arena, text, (str){ "", 1 });
    if (regcomp(&r, b.data, REG_EXTENDED | REG_NOSUB) != 0)
        return stage_fail(s, "'" STR_FMT "' is not a regular expression", STR_ARG(pattern));
    *ret = regexec(&r, subject.data, 0, NULL, 0) == 0;
    regfree(&r);
    return true;
}

static bool test_text(stage *s, str name, const value *v, const value *arg, truth *ret, error *err)
{
    bool is_negated = str_starts_with(name, STR("not"));
    str plain = is_negated ? str_slice(name, 3, name.len) : name;
    bool result;
    if (v->kind != VALUE_STRING || arg->kind != VALUE_STRING) {
        *ret = v->kind == VALUE_NULL || arg->kind == VALUE_NULL || v->kind != VALUE_STRING
                   ? TRUTH_UNKNOWN
                   : TRUTH_FALSE;
        if (v->kind == VALUE_NULL)
            *ret = TRUTH_FALSE;
        return true;
    }
    if (str_eq(plain, STR("inCidr"))) {
        value args[2] = { *v, *arg }, answer;
        TRY(scalar_call(s->machine->query, FN_IN_CIDR, args, 2, &answer, err));
        result = answer.kind == VALUE_BOOL && answer.boolean;
    } else if (str_eq_nocase(plain, STR("startingWith")))
        result = str_starts_with(v->text, arg->text);
    else if (str_eq_nocase(plain, STR("endingWith")))
        result = str_ends_with(v->text, arg->text);
    else if (str_eq_nocase(plain, STR("containing")))
        result = str_contains(v->text, arg->text);
    else
        TRY(test_regex(s, arg->text, v->text, &result, err));
    *ret = truth_of(result != is_negated);
    return true;
}

static truth compare(machine *m, str name, const value *v, value arg)
{
    value x = *v;
    meet_text(&x, &arg);
    meet_text(&arg, &x);
    if (str_eq(name, STR("eq")))
        return truth_of(gremlin_equal(&x, &arg));
    if (str_eq(name, STR("neq")))
        return truth_of(!gremlin_equal(&x, &arg));
    x = as_time(&x);
    arg = as_time(&arg);
    bool or_equal = name.len == 3;
    if (x.kind == VALUE_NULL && arg.kind == VALUE_NULL)
        return truth_of(or_equal);
    if (!can_compare(&x, &arg))
        return TRUTH_UNKNOWN;
    int order = gremlin_order(m, &x, &arg);
    bool is_greater = name.data[0] == 'g';
    return truth_of(order == 0 ? or_equal : is_greater ? order > 0 : order < 0);
}

static truth all_of(truth a, truth b)
{
    return a == TRUTH_FALSE || b == TRUTH_FALSE       ? TRUTH_FALSE
           : a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN ? TRUTH_UNKNOWN
                                                      : TRUTH_TRUE;
}

static truth is_within(const value *v, const value *args, size_t count)
{
    bool is_collection = count == 1 && (args[0].kind == VALUE_LIST || args[0].kind == VALUE_SET);
    const value *items = is_collection ? args[0].list.items : args;
    size_t item_count = is_collection ? args[0].list.count : count;
    for (size_t i = 0; i < item_count; i++) {
        value x = items[i];
        meet_text(v, &x);
        if (gremlin_equal(v, &x))
            return TRUTH_TRUE;
    }
    return TRUTH_FALSE;
}

bool gremlin_test_values(stage *s, const predicate *p, const value *v, const value *args,
                         size_t count, truth *ret, error *err)
{
    machine *m = s->machine;
    static const struct {
        const char *name, *low, *high;
    } ranges[] = { { "between", "gte", "lt" },
                   { "inside", "gt", "lt" },
                   { "outside", "lt", "gt" } };
    if (p->parts[0]) {
        truth a, b = TRUTH_TRUE;
        TRY(gremlin_test(s, p->parts[0], v, &a, err));
        if (p->parts[1])
            TRY(gremlin_test(s, p->parts[1], v, &b, err));
        *ret = !p->parts[1]                  ? negated(a)
               : str_eq(p->name, STR("and")) ? all_of(a, b)
                                             : negated(all_of(negated(a), negated(b)));
        return true;
    }
    if (str_eq(p->name, STR("within")) || str_eq(p->name, STR("without"))) {
        *ret = is_within(v, args, count);
        *ret = p->name.len == 7 ? negated(*ret) : *ret;
        return true;
    }
    if (str_eq(p->name, STR("typeOf"))) {
        bool is_known = false;
        str type = p->args[0].kind == ARG_TOKEN      ? p->args[0].token
                   : p->args[0].kind == ARG_VARIABLE ? p->args[0].variable
                                                     : args[0].text;
        *ret = truth_of(gremlin_is_type(m, v, type, &is_known));
        return is_known ? true
                        : stage_fail(s, "'" STR_FMT "' is not a registered type", STR_ARG(type));
    }
    if (count == 0)
        return stage_fail(s, STR_FMT "() takes a value", STR_ARG(p->name));
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (!str_eq(p->name, str_of(ranges[i].name)))
            continue;
        if (count < 2)
            return stage_fail(s, STR_FMT "() takes two values", STR_ARG(p->name));
        truth a = compare(m, str_of(ranges[i].low), v, args[0]);
        truth b = compare(m, str_of(ranges[i].high), v, args[1]);
        *ret = i == 2 ? negated(all_of(negated(a), negated(b))) : all_of(a, b);
        return true;
    }
    if (p->name.len > 5 || str_eq(p->name, STR("regex")))
        return test_text(s, p->name, v, &args[0], ret, err);
    *ret = compare(m, p->name, v, args[0]);
    return true;
}

bool gremlin_test(stage *s, const predicate *p, const value *v, truth *ret, error *err)
{
    value *args = arena_array_of(s->machine->arena, value, p->arg_count + 1);
    for (size_t i = 0; i < p->arg_count; i++) {
        args[i] = p->args[i].kind == ARG_TOKEN
                      ? (value){ .kind = VALUE_TOKEN, .text = p->args[i].token }
                      : p->args[i].literal;
        if (p->args[i].kind != ARG_LITERAL && p->args[i].kind != ARG_TOKEN)
            return stage_fail(s, STR_FMT "() takes values", STR_ARG(p->name));
    }
    return gremlin_test_values(s, p, v, args, p->arg_count, ret, err);
}

/* ---- Arithmetic ---- */

value gremlin_number(double d, uint8_t width)
{
    value v = value_double(width == 32 ? (double)(float)d : d);
    v.width = width;
    return v;
}

static bool is_number(const value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_DOUBLE || v->kind == VALUE_DECIMAL;
}

static value fit_int(__int128 x, uint8_t width)
{
    /* What a type cannot hold goes to the next wider one. */
    while (width < 64 &&
           (x > ((__int128)1 << (width - 1)) - 1 || x < -((__int128)1 << (width - 1))))
        width *= 2;
    return (value){ .kind = VALUE_INT, .width = width, .integer = (int64_t)x };
}

static str whole_text(arena *a, __int128 x)
{
    char digits[48];
    size_t at = sizeof digits;
    bool is_negative = x < 0;
    unsigned __int128 rest = is_negative ? -(unsigned __int128)x : (unsigned __int128)x;
    do
        digits[--at] = (char)('0' + (int)(rest % 10));
    while (rest /= 10);
    if (is_negative)
        digits[--at] = '-';
    return str_copy(a, (str){ digits + at, sizeof digits - at });
}

static bool to_whole(const value *v, __int128 *ret)
{
    if (v->kind == VALUE_INT) {
        *ret = v->integer;
        return true;
    }
    if (v->kind != VALUE_DECIMAL || v->text.len > 36 || str_find_char(v->text, '.') >= 0 ||
        str_find_char(v->text, 'e') >= 0 || str_find_char(v->text, 'E') >= 0)
        return false;
    __int128 x = 0;
    bool is_negative = v->text.data[0] == '-';
    for (size_t i = is_negative || v->text.data[0] == '+'; i < v->text.len; i++)
        x = x * 10 + (v->text.data[i] - '0');
    *ret = is_negative ? -x : x;
    return true;
}

static value decimal_of(machine *m, double d)
{
    return (value){ .kind = VALUE_DECIMAL, .text = str_format(m->arena, "%.15g", d) };
}

static bool operate_whole(const stage *s, char op, __int128 x, __int128 y, uint8_t width,
                          bool is_big, value *ret)
{
    if (op == '/' && y == 0)
        return stage_fail(s, "/ by zero");
    __int128 r = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
    if (is_big || r > INT64_MAX || r < INT64_MIN) {
        if (!is_big)
            return stage_fail(s, "long overflow");
        *ret = (value){ .kind = VALUE_DECIMAL,
                        .width = WIDTH_WHOLE,
                        .text = whole_text(s->machine->arena, r) };
        return true;
    }
    *ret = fit_int(r, width);
    return true;
}

static bool calculate(const stage *s, char op, const value *a, const value *b, value *ret)
{
    __int128 x, y;
    bool is_real = a->kind == VALUE_DOUBLE || b->kind == VALUE_DOUBLE;
    bool is_decimal = (a->kind == VALUE_DECIMAL && a->width != WIDTH_WHOLE) ||
                      (b->kind == VALUE_DECIMAL && b->width != WIDTH_WHOLE);
    uint8_t width = width_of(a) > width_of(b) ? width_of(a) : width_of(b);
    if (!is_real && !is_decimal && to_whole(a, &x) && to_whole(b, &y))
        return operate_whole(s, op, x, y, width,
                             a->kind == VALUE_DECIMAL || b->kind == VALUE_DECIMAL, ret);
    double p = value_to_double(a), q = value_to_double(b);
    double r = op == '+' ? p + q : op == '-' ? p - q : op == '*' ? p * q : p / q;
    if (is_decimal || a->kind == VALUE_DECIMAL || b->kind == VALUE_DECIMAL) {
        if (op == '/' && q == 0)
            return stage_fail(s, "/ by zero");
        *ret = decimal_of(s->machine, r);
        return true;
    }
    bool is_float = (a->kind != VALUE_DOUBLE || a->width == 32) &&
                    (b->kind != VALUE_DOUBLE || b->width == 32) &&
                    (a->kind == VALUE_DOUBLE || width_of(a) <= 32) &&
                    (b->kind == VALUE_DOUBLE || width_of(b) <= 32);
    *ret = gremlin_number(r, is_float ? 32 : 0);
    return true;
}

/* The wider of the two types, as TinkerPop's min and max give it. */
static value widened(machine *m, const value *chosen, const value *other)
{
    value v = *chosen;
    if (v.kind == VALUE_INT && other->kind == VALUE_INT && width_of(other) > width_of(&v))
        v.width = width_of(other);
    else if (v.kind == VALUE_INT && other->kind == VALUE_DOUBLE)
        v = gremlin_number((double)v.integer, other->width);
    else if (v.kind == VALUE_DOUBLE && other->kind == VALUE_DOUBLE &&
             width_of(other) > width_of(&v))
        v.width = width_of(other);
    else if (v.kind != VALUE_DECIMAL && other->kind == VALUE_DECIMAL)
        v = (value){ .kind = VALUE_DECIMAL,
                     .width = v.kind == VALUE_INT ? other->width : 0,
                     .text = gremlin_text_of(m, chosen) };
    return v;
}

static bool add_all(const stage *s, const value *a, const value *b, value *ret)
{
    arena *x = s->machine->arena;
    if (a->kind == VALUE_MAP && b->kind == VALUE_MAP) {
        value_table t = { 0 };
        const value *both[2] = { a, b };
        for (int k = 0; k < 2; k++)
            for (size_t i = 0; i < both[k]->map.count; i++) {
                bool is_new;
                size_t at = value_table_at(x, &t, &both[k]->map.keys[i], &is_new);
                t.values.items[at] = both[k]->map.values[i];
            }
        *ret = (value){ .kind = VALUE_MAP, .map = { t.keys.items, t.values.items, t.keys.count } };
        return true;
    }
    bool works = (a->kind == VALUE_LIST || a->kind == VALUE_SET) &&
                 (b->kind == VALUE_LIST || b->kind == VALUE_SET);
    if (!works)
        return stage_fail(s, "addAll takes two lists, two sets or two maps");
    VEC(value) items = { 0 };
    for (size_t i = 0; i < a->list.count; i++)
        vec_push(x, &items, a->list.items[i]);
    for (size_t i = 0; i < b->list.count; i++) {
        bool is_known = false;
        for (size_t k = 0; a->kind == VALUE_SET && k < items.count && !is_known; k++)
            is_known = value_equal(&items.items[k], &b->list.items[i]);
        if (!is_known)
            vec_push(x, &items, b->list.items[i]);
    }
    *ret = (value){ .kind = a->kind, .list = { items.items, items.count } };
    return true;
}

bool gremlin_operate(const stage *s, str name, const value *a, const value *b, value *ret,
                     error *err)
{
    (void)err;
    machine *m = s->machine;
    if (str_eq(name, STR("assign"))) {
        *ret = *b;
        return true;
    }
    if (str_eq(name, STR("addAll")))
        return a->kind == VALUE_NULL || b->kind == VALUE_NULL
                   ? (*ret = a->kind == VALUE_NULL ? *b : *a, true)
                   : add_all(s, a, b, ret);
    if (a->kind == VALUE_NULL || b->kind == VALUE_NULL) {
        *ret = a->kind == VALUE_NULL ? *b : *a;
        if (str_eq(name, STR("minus")) || str_eq(name, STR("mult")) || str_eq(name, STR("div")) ||
            str_eq(name, STR("sum")))
            *ret = a->kind == VALUE_NULL && str_eq(name, STR("sum")) ? *b : *a;
        return true;
    }
    if (str_eq(name, STR("and")) || str_eq(name, STR("or"))) {
        if (a->kind != VALUE_BOOL || b->kind != VALUE_BOOL)
            return stage_fail(s, STR_FMT " takes true or false, and here stands %s", STR_ARG(name),
                              gremlin_type_name(a->kind != VALUE_BOOL ? a : b));
        *ret = value_bool(name.len == 3 ? a->boolean && b->boolean : a->boolean || b->boolean);
        return true;
    }
    if (str_eq(name, STR("min")) || str_eq(name, STR("max"))) {
        bool takes_b = (gremlin_order(m, b, a) < 0) == (name.data[1] == 'i');
        if (gremlin_order(m, a, b) == 0)
            takes_b = false;
        *ret = takes_b ? widened(m, b, a) : widened(m, a, b);
        return true;
    }
    char op = str_eq(name, STR("sum")) || str_eq(name, STR("sumLong")) ? '+'
              : str_eq(name, STR("minus"))                             ? '-'
              : str_eq(name, STR("mult"))                              ? '*'
              : str_eq(name, STR("div"))                               ? '/'
                                                                       : 0;
    if (!op)
        return stage_fail(s, "there is no operator '" STR_FMT "'", STR_ARG(name));
    if (!is_number(a) || !is_number(b))
        return stage_fail(s, "%s() takes numbers, and here stands %s", s->kind->name,
                          gremlin_type_name(is_number(a) ? b : a));
    return calculate(s, op, a, b, ret);
}

bool gremlin_operator(const stage *s, str name, const value *a, const value *b, value *ret);
bool gremlin_operator(const stage *s, str name, const value *a, const value *b, value *ret)
{
    return gremlin_operate(s, name, a, b, ret, s->machine->err);
}

/* ---- Text ---- */

static void add_java(machine *m, strbuf *b, const value *v)
{
    bool is_map = v->kind == VALUE_MAP || v->kind == VALUE_TREE;
    bool is_list = v->kind == VALUE_LIST || v->kind == VALUE_SET || v->kind == VALUE_PATH;
    if (is_list) {
        strbuf_add_char(b, '[');
        for (size_t i = 0; i < v->list.count; i++) {
            strbuf_add_c(b, i ? ", " : "");
            add_java(m, b, &v->list.items[i]);
        }
        strbuf_add_char(b, ']');
    } else if (is_map) {
        strbuf_add_char(b, '{');
        for (size_t i = 0; i < v->map.count; i++) {
            strbuf_add_c(b, i ? ", " : "");
            add_java(m, b, &v->map.keys[i]);
            strbuf_add_char(b, '=');
            add_java(m, b, &v->map.values[i]);
        }
        strbuf_add_char(b, '}');
    } else {
        strbuf_add(b, gremlin_text_of(m, v));
    }
}

str gremlin_java_text(machine *m, const value *v)
{
    strbuf b = strbuf_new(m->arena);
    add_java(m, &b, v);
    return strbuf_str(&b);
}

str gremlin_text_of(machine *m, const value *v)
{
    str text = STR("");
    error ignored = { 0 };
    if (v->kind == VALUE_STRING)
        return v->text;
    if (v->kind == VALUE_TIMESTAMP)
        return clock_format_us(m->arena, v->integer);
    if (!gremlin_print(m->graph, m->arena, v, &text, &ignored))
        return STR("?");
    return text;
}
