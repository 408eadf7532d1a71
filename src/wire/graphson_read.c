/* GraphSON 2 and 3: the reader of requests. */
#include "base/arena.h"
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "wire/gremlin_read.h"
#include "wire/text.h"

typedef struct reader {
    arena *arena;
    int depth;
} reader;

static bool read_any(reader *r, const json_t *j, gremlin_argument *ret, error *err);

static bool bad(error *err, str type)
{
    return fail(err, ERR_INVALID, "the @value of a " STR_FMT " is not what it should be",
                STR_ARG(type));
}

static bool read_value(reader *r, const json_t *j, value *ret, error *err)
{
    gremlin_argument arg;
    TRY(read_any(r, j, &arg, err));
    return gremlin_plain_value(&arg, ret, err);
}

static bool read_list(reader *r, const json_t *j, value_kind kind, value *ret, error *err)
{
    size_t count = json_array_size(j);
    value *items = arena_array_of(r->arena, value, count);
    for (size_t i = 0; i < count; i++)
        TRY(read_value(r, json_array_get(j, i), &items[i], err));
    *ret = (value){ .kind = kind, .list = { items, count } };
    return true;
}

static value map_of(reader *r, size_t count)
{
    return (value){ .kind = VALUE_MAP,
                    .map = { arena_array_of(r->arena, value, count),
                             arena_array_of(r->arena, value, count), count } };
}

/* Keys and values by turns (version 3), or an object (version 2). */
static bool read_map(reader *r, const json_t *j, value *ret, error *err)
{
    if (json_is_array(j)) {
        if (json_array_size(j) % 2)
            return bad(err, STR("g:Map"));
        *ret = map_of(r, json_array_size(j) / 2);
        for (size_t i = 0; i < ret->map.count; i++) {
            TRY(read_value(r, json_array_get(j, i * 2), &ret->map.keys[i], err));
            TRY(read_value(r, json_array_get(j, i * 2 + 1), &ret->map.values[i], err));
        }
        return true;
    }
    const char *key;
    json_t *item;
    size_t i = 0;
    *ret = map_of(r, json_object_size(j));
    json_object_foreach((json_t *)(uintptr_t)j, key, item)
    {
        ret->map.keys[i] = value_text(str_copy(r->arena, str_of(key)));
        TRY(read_value(r, item, &ret->map.values[i++], err));
    }
    return true;
}

/* ---- Bytecode ---- */

static bool read_steps(reader *r, const json_t *list, traversal_builder *b, error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *s = json_array_get(list, i);
        if (!json_is_array(s) || !json_is_string(json_array_get(s, 0)))
            return bad(err, STR("g:Bytecode"));
        for (size_t k = 1; k < json_array_size(s); k++) {
            gremlin_argument arg;
            TRY(read_any(r, json_array_get(s, k), &arg, err));
            traversal_builder_add(b, arg);
        }
        traversal_builder_step(b, json_str(json_array_get(s, 0)), 0);
    }
    return true;
}

static bool read_bytecode(reader *r, const json_t *j, gremlin_argument *ret, error *err)
{
    traversal_builder b = traversal_builder_new(r->arena);
    if (!json_is_object(j))
        return bad(err, STR("g:Bytecode"));
    TRY(read_steps(r, json_object_get(j, "source"), &b, err));
    TRY(read_steps(r, json_object_get(j, "step"), &b, err));
    *ret = gremlin_arg_traversal(traversal_builder_done(&b, STR("")));
    return true;
}

static bool read_predicate(reader *r, const json_t *j, gremlin_argument *ret, error *err)
{
    str name;
    const json_t *v = json_object_get(j, "value");
    TRY(json_need_text(j, "g:P", "predicate", &name, err));
    if (v && json_is_array(v)) {
        size_t count = json_array_size(v);
        gremlin_argument *args = arena_array_of(r->arena, gremlin_argument, count);
        for (size_t i = 0; i < count; i++)
            TRY(read_any(r, json_array_get(v, i), &args[i], err));
        return gremlin_read_predicate(r->arena, name, args, count, ret, err);
    }
    gremlin_argument one;
    if (!v)
        return gremlin_read_predicate(r->arena, name, &one, 0, ret, err);
    TRY(read_any(r, v, &one, err));
    return gremlin_read_predicate(r->arena, name, &one, 1, ret, err);
}

/* {"fqcn": …, "conf": {…}}, or the configuration itself under a type "g:SubgraphStrategy". */
static bool read_strategy(reader *r, str type, const json_t *j, gremlin_argument *ret, error *err)
{
    const json_t *conf = json_object_get(j, "conf");
    const char *key;
    json_t *item;
    str name = str_slice(type, 2, type.len), full = json_text_or(j, "fqcn", STR(""));
    if (full.len) {
        ptrdiff_t dot = str_rfind_char(full, '.');
        name = str_slice(full, (size_t)(dot + 1), full.len);
    }
    conf = conf ? conf : j;
    size_t count = 0, most = json_object_size(conf);
    str *keys = arena_array_of(r->arena, str, most);
    gremlin_argument *values = arena_array_of(r->arena, gremlin_argument, most);
    json_object_foreach((json_t *)(uintptr_t)conf, key, item)
    {
        if (strcmp(key, "fqcn") == 0 || strcmp(key, "strategy") == 0)
            continue;
        keys[count] = str_copy(r->arena, str_of(key));
        TRY(read_any(r, item, &values[count++], err));
    }
    *ret = gremlin_arg_strategy(r->arena, name, keys, values, count);
    return true;
}

/* ---- Typed values ---- */

/* Whole numbers fit their width. */
static bool read_int(const json_t *j, uint8_t width, str type, gremlin_argument *ret, error *err)
{
    if (!json_is_integer(j))
        return bad(err, type);
    value v = value_int(json_integer_value(j));
    v.width = width;
    if (width < 64 && (v.integer < -(1ll << (width - 1)) || v.integer >= 1ll << (width - 1)))
        return bad(err, type);
    *ret = gremlin_arg_value(v);
    return true;
}

static bool read_double(const json_t *j, uint8_t width, str type, gremlin_argument *ret, error *err)
{
    value v = { .kind = VALUE_DOUBLE, .width = width };
    if (json_is_number(j))
        v.real = json_number_value(j);
    else if (json_is_string(j) && str_eq(json_str(j), STR("NaN")))
        v.real = __builtin_nan("");
    else if (json_is_string(j) && str_ends_with(json_str(j), STR("Infinity")))
        v.real = json_str(j).data[0] == '-' ? -__builtin_inf() : __builtin_inf();
    else
        return bad(err, type);
    *ret = gremlin_arg_value(v);
    return true;
}

/* Digits, a sign, a point, an exponent. */
static bool read_decimal(reader *r, const json_t *j, bool is_whole, str type, gremlin_argument *ret,
                         error *err)
{
    char *number = NULL;
    str text = json_is_string(j) ? json_str(j) : STR("");
    if (json_is_number(j)) {
        number = json_dumps(j, JSON_ENCODE_ANY);
        text = str_copy(r->arena, str_of(number));
        free(number);
    }
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(is_whole ? "0123456789-+" : "0123456789-+.eE", text.data[i]))
            return bad(err, type);
    if (!text.len || text.len > 1000)
        return bad(err, type);
    *ret = gremlin_arg_value((value){ .kind = VALUE_DECIMAL,
                                      .width = is_whole ? WIDTH_WHOLE : 0,
                                      .text = str_copy(r->arena, text) });
    return true;
}

static bool read_time(const json_t *j, str type, gremlin_argument *ret, error *err)
{
    int64_t us;
    if (json_is_integer(j) && json_integer_value(j) < INT64_MAX / 1000 &&
        json_integer_value(j) > INT64_MIN / 1000)
        us = json_integer_value(j) * 1000;
    else if (!json_is_string(j) || !clock_parse_us(json_str(j), &us))
        return bad(err, type);
    *ret = gremlin_arg_value((value){ .kind = VALUE_TIMESTAMP, .integer = us });
    return true;
}

static bool read_text(reader *r, const json_t *j, value_kind kind, str type, gremlin_argument *ret,
                      error *err)
{
    if (!json_is_string(j) || (kind == VALUE_UUID && json_string_length(j) != 36))
        return bad(err, type);
    *ret = gremlin_arg_value((value){ .kind = kind, .text = str_copy(r->arena, json_str(j)) });
    return true;
}

typedef enum graphson_type {
    TYPE_INT32,
    TYPE_INT64,
    TYPE_INT16,
    TYPE_BYTE,
    TYPE_DOUBLE,
    TYPE_FLOAT,
    TYPE_BIG_INTEGER,
    TYPE_BIG_DECIMAL,
    TYPE_DATE,
    TYPE_UUID,
    TYPE_TEXT,
    TYPE_LIST,
    TYPE_SET,
    TYPE_MAP,
    TYPE_BYTECODE,
    TYPE_P,
    TYPE_TOKEN,
    TYPE_ELEMENT,
    TYPE_BINDING,
    TYPE_STRATEGY,
    TYPE_TRAVERSER,
} graphson_type;

static const struct typed {
    const char *name;
    graphson_type type;
} types[] = {
    { "g:Int32", TYPE_INT32 },
    { "g:Int64", TYPE_INT64 },
    { "gx:Int16", TYPE_INT16 },
    { "gx:Byte", TYPE_BYTE },
    { "g:Double", TYPE_DOUBLE },
    { "g:Float", TYPE_FLOAT },
    { "gx:BigInteger", TYPE_BIG_INTEGER },
    { "gx:BigDecimal", TYPE_BIG_DECIMAL },
    { "g:Date", TYPE_DATE },
    { "g:Timestamp", TYPE_DATE },
    { "gx:OffsetDateTime", TYPE_DATE },
    { "gx:Instant", TYPE_DATE },
    { "gx:ZonedDateTime", TYPE_DATE },
    { "gx:LocalDateTime", TYPE_DATE },
    { "gx:LocalDate", TYPE_DATE },
    { "g:UUID", TYPE_UUID },
    { "g:Class", TYPE_TEXT },
    { "gx:Char", TYPE_TEXT },
    { "gx:Duration", TYPE_TEXT },
    { "g:List", TYPE_LIST },
    { "g:Set", TYPE_SET },
    { "g:Map", TYPE_MAP },
    { "g:Bytecode", TYPE_BYTECODE },
    { "g:P", TYPE_P },
    { "g:TextP", TYPE_P },
    { "g:T", TYPE_TOKEN },
    { "g:Order", TYPE_TOKEN },
    { "g:Scope", TYPE_TOKEN },
    { "g:Pop", TYPE_TOKEN },
    { "g:Column", TYPE_TOKEN },
    { "g:Direction", TYPE_TOKEN },
    { "g:Operator", TYPE_TOKEN },
    { "g:Pick", TYPE_TOKEN },
    { "g:Barrier", TYPE_TOKEN },
    { "g:Cardinality", TYPE_TOKEN },
    { "g:Merge", TYPE_TOKEN },
    { "g:DT", TYPE_TOKEN },
    { "g:GType", TYPE_TOKEN },
    { "g:Vertex", TYPE_ELEMENT },
    { "g:Edge", TYPE_ELEMENT },
    { "g:VertexProperty", TYPE_ELEMENT },
    { "g:Binding", TYPE_BINDING },
    { "g:TraversalStrategy", TYPE_STRATEGY },
    { "g:Traverser", TYPE_TRAVERSER },
};

static bool read_typed(reader *r, str type, const json_t *j, gremlin_argument *ret, error *err)
{
    value v;
    size_t i = 0;
    while (i < ARRAY_LEN(types) && !str_eq(str_of(types[i].name), type))
        i++;
    if (i == ARRAY_LEN(types)) {
        if (str_ends_with(type, STR("Strategy")) && str_starts_with(type, STR("g:")) &&
            json_is_object(j))
            return read_strategy(r, type, j, ret, err);
        return fail(err, ERR_INVALID, "the GraphSON type " STR_FMT " cannot be used in a request",
                    STR_ARG(str_slice(type, 0, 60)));
    }
    switch (types[i].type) {
    case TYPE_INT32: return read_int(j, 32, type, ret, err);
    case TYPE_INT64: return read_int(j, 64, type, ret, err);
    case TYPE_INT16: return read_int(j, 16, type, ret, err);
    case TYPE_BYTE: return read_int(j, 8, type, ret, err);
    case TYPE_DOUBLE: return read_double(j, 64, type, ret, err);
    case TYPE_FLOAT: return read_double(j, 32, type, ret, err);
    case TYPE_BIG_INTEGER: return read_decimal(r, j, true, type, ret, err);
    case TYPE_BIG_DECIMAL: return read_decimal(r, j, false, type, ret, err);
    case TYPE_DATE: return read_time(j, type, ret, err);
    case TYPE_UUID: return read_text(r, j, VALUE_UUID, type, ret, err);
    case TYPE_TEXT: return read_text(r, j, VALUE_STRING, type, ret, err);
    case TYPE_LIST:
    case TYPE_SET:
        if (!json_is_array(j))
            return bad(err, type);
        TRY(read_list(r, j, types[i].type == TYPE_SET ? VALUE_SET : VALUE_LIST, &v, err));
        *ret = gremlin_arg_value(v);
        return true;
    case TYPE_MAP:
        if (!json_is_array(j) && !json_is_object(j))
            return bad(err, type);
        TRY(read_map(r, j, &v, err));
        *ret = gremlin_arg_value(v);
        return true;
    case TYPE_BYTECODE: return read_bytecode(r, j, ret, err);
    case TYPE_P: return read_predicate(r, j, ret, err);
    case TYPE_TOKEN:
        if (!json_is_string(j))
            return bad(err, type);
        *ret = gremlin_arg_token(str_copy(r->arena, json_str(j)));
        return true;
    case TYPE_ELEMENT: /* stands for its id */
        if (!json_object_get(j, "id"))
            return bad(err, type);
        return read_any(r, json_object_get(j, "id"), ret, err);
    case TYPE_BINDING:
    case TYPE_TRAVERSER:
        if (!json_object_get(j, "value"))
            return bad(err, type);
        return read_any(r, json_object_get(j, "value"), ret, err);
    case TYPE_STRATEGY: return read_strategy(r, type, j, ret, err);
    }
    return bad(err, type);
}

static bool read_plain(reader *r, const json_t *j, gremlin_argument *ret, error *err)
{
    value v = value_null();
    switch (json_typeof(j)) {
    case JSON_NULL: break;
    case JSON_TRUE: v = value_bool(true); break;
    case JSON_FALSE: v = value_bool(false); break;
    case JSON_INTEGER:
        v = value_int(json_integer_value(j));
        v.width = v.integer >= INT32_MIN && v.integer <= INT32_MAX ? 32 : 64;
        break;
    case JSON_REAL: v = value_double(json_real_value(j)); break;
    case JSON_STRING: v = value_text(str_copy(r->arena, json_str(j))); break;
    case JSON_ARRAY: TRY(read_list(r, j, VALUE_LIST, &v, err)); break;
    case JSON_OBJECT: TRY(read_map(r, j, &v, err)); break;
    }
    *ret = gremlin_arg_value(v);
    return true;
}

static bool read_any(reader *r, const json_t *j, gremlin_argument *ret, error *err)
{
    const json_t *type = json_object_get(j, "@type");
    if (r->depth >= GREMLIN_DEPTH)
        return fail(err, ERR_LIMIT, "a request is nested deeper than %d", GREMLIN_DEPTH);
    if (!j)
        return fail(err, ERR_INVALID, "a GraphSON value is missing");
    r->depth++;
    bool works = json_is_string(type)
                     ? read_typed(r, json_str(type), json_object_get(j, "@value"), ret, err)
                     : read_plain(r, j, ret, err);
    r->depth--;
    return works;
}

bool graphson_read(arena *a, const json_t *j, gremlin_argument *ret, error *err)
{
    reader r = { .arena = a };
    return read_any(&r, j, ret, err);
}

/* ---- Messages ---- */

static bool add_arg(reader *r, str name, const json_t *j, gremlin_message *m, error *err)
{
    gremlin_named *n = &m->args[m->arg_count++];
    n->name = str_copy(r->arena, name);
    return read_any(r, j, &n->of, err);
}

static bool read_args(reader *r, const json_t *args, gremlin_message *m, error *err)
{
    const char *key;
    json_t *item;
    if (json_is_string(json_object_get(args, "@type")))
        args = json_object_get(args, "@value");
    if (json_is_array(args)) {
        m->args = arena_array_of(r->arena, gremlin_named, json_array_size(args) / 2);
        for (size_t i = 0; i + 1 < json_array_size(args); i += 2) {
            if (!json_is_string(json_array_get(args, i)))
                return fail(err, ERR_INVALID, "args: a name is no text");
            TRY(add_arg(r, json_str(json_array_get(args, i)), json_array_get(args, i + 1), m, err));
        }
        return true;
    }
    m->args = arena_array_of(r->arena, gremlin_named, json_object_size(args));
    json_object_foreach((json_t *)(uintptr_t)args, key, item)
        TRY(add_arg(r, str_of(key), item, m, err));
    return true;
}

bool graphson_read_message(arena *a, str json, gremlin_message *ret, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    reader r = { .arena = a };
    gremlin_argument id;
    TRY(json_parse(json, STR("request"), &root, err));
    if (!json_is_object(root))
        return fail(err, ERR_INVALID, "a request is a JSON object");
    TRY(read_any(&r, json_object_get(root, "requestId"), &id, err));
    if (id.kind != ARG_LITERAL ||
        (id.literal.kind != VALUE_UUID && id.literal.kind != VALUE_STRING))
        return fail(err, ERR_INVALID, "requestId is no UUID");
    ret->request_id = id.literal.text;
    ret->op = str_copy(a, json_text_or(root, "op", STR("")));
    ret->processor = str_copy(a, json_text_or(root, "processor", STR("")));
    return read_args(&r, json_object_get(root, "args"), ret, err);
}
