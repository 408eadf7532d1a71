/* GraphBinary 1: the reader of requests. */
#include "base/arena.h"
#include "column/temporal.h"
#include "wire/graphbinary.h"
#include "wire/gremlin_read.h"

typedef struct reader {
    arena *arena;
    str in; /* what is left */
    int depth;
} reader;

static bool fail_short(error *err)
{
    return fail(err, ERR_INVALID, "a GraphBinary value ends before its bytes do");
}

static bool take(reader *r, uint64_t count, str *ret, error *err)
{
    if (count > r->in.len)
        return fail_short(err);
    *ret = str_slice(r->in, 0, count);
    r->in = str_slice(r->in, count, r->in.len);
    return true;
}

/* Big endian, signed. */
static bool take_int(reader *r, int bytes, int64_t *ret, error *err)
{
    str raw;
    uint64_t x = 0;
    TRY(take(r, (uint64_t)bytes, &raw, err));
    for (int i = 0; i < bytes; i++)
        x = x << 8 | (uint8_t)raw.data[i];
    *ret = (int64_t)(x << (64 - 8 * bytes)) >> (64 - 8 * bytes);
    return true;
}

/* A count of things that take `least` bytes each: a lie is found before memory is asked for. */
static bool take_count(reader *r, size_t least, size_t *ret, error *err)
{
    int64_t count;
    TRY(take_int(r, 4, &count, err));
    if (count < 0 || (uint64_t)count > r->in.len / least)
        return fail_short(err);
    *ret = (size_t)count;
    return true;
}

static bool take_text(reader *r, str *ret, error *err)
{
    size_t len;
    str text;
    TRY(take_count(r, 1, &len, err));
    TRY(take(r, len, &text, err));
    for (size_t at = 0, n; at < len; at += n) {
        n = str_utf8_length(text, at);
        if (!n)
            return fail(err, ERR_INVALID, "a GraphBinary text is no UTF-8 at byte %zu", at);
    }
    *ret = str_copy(r->arena, text);
    return true;
}

static bool read_any(reader *r, gremlin_argument *ret, error *err);

static bool read_value(reader *r, value *ret, error *err)
{
    gremlin_argument arg;
    TRY(read_any(r, &arg, err));
    return gremlin_plain_value(&arg, ret, err);
}

static bool read_list(reader *r, value_kind kind, value *ret, error *err)
{
    size_t count;
    TRY(take_count(r, 2, &count, err));
    value *items = arena_array_of(r->arena, value, count);
    for (size_t i = 0; i < count; i++)
        TRY(read_value(r, &items[i], err));
    *ret = (value){ .kind = kind, .list = { items, count } };
    return true;
}

static bool read_map(reader *r, value *ret, error *err)
{
    size_t count;
    TRY(take_count(r, 4, &count, err));
    *ret = (value){ .kind = VALUE_MAP,
                    .map = { arena_array_of(r->arena, value, count),
                             arena_array_of(r->arena, value, count), count } };
    for (size_t i = 0; i < count; i++) {
        TRY(read_value(r, &ret->map.keys[i], err));
        TRY(read_value(r, &ret->map.values[i], err));
    }
    return true;
}

static bool read_args(reader *r, gremlin_argument **ret, size_t *ret_count, error *err)
{
    TRY(take_count(r, 2, ret_count, err));
    *ret = arena_array_of(r->arena, gremlin_argument, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        TRY(read_any(r, &(*ret)[i], err));
    return true;
}

/* ---- Traversals ---- */

typedef struct instruction {
    str name;
    gremlin_argument *args;
    size_t count;
} instruction;

static bool read_instructions(reader *r, instruction **ret, size_t *ret_count, error *err)
{
    TRY(take_count(r, 8, ret_count, err));
    *ret = arena_array_of(r->arena, instruction, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        TRY(take_text(r, &(*ret)[i].name, err));
        TRY(read_args(r, &(*ret)[i].args, &(*ret)[i].count, err));
    }
    return true;
}

/* Steps come before the source's own in the bytes, after them in the traversal. */
static bool read_bytecode(reader *r, gremlin_argument *ret, error *err)
{
    instruction *parts[2];
    size_t counts[2];
    traversal_builder b = traversal_builder_new(r->arena);
    TRY(read_instructions(r, &parts[1], &counts[1], err));
    TRY(read_instructions(r, &parts[0], &counts[0], err));
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < counts[k]; i++) {
            for (size_t n = 0; n < parts[k][i].count; n++)
                traversal_builder_add(&b, parts[k][i].args[n]);
            traversal_builder_step(&b, parts[k][i].name, 0);
        }
    *ret = gremlin_arg_traversal(traversal_builder_done(&b, STR("")));
    return true;
}

static bool read_predicate(reader *r, gremlin_argument *ret, error *err)
{
    str name;
    gremlin_argument *args;
    size_t count;
    TRY(take_text(r, &name, err));
    TRY(read_args(r, &args, &count, err));
    return gremlin_read_predicate(r->arena, name, args, count, ret, err);
}

static bool read_token(reader *r, gremlin_argument *ret, error *err)
{
    value name;
    TRY(read_value(r, &name, err));
    if (name.kind != VALUE_STRING)
        return fail(err, ERR_INVALID, "the name of an enum's constant is no text");
    *ret = gremlin_arg_token(name.text);
    return true;
}

static bool read_strategy(reader *r, gremlin_argument *ret, error *err)
{
    str name;
    size_t count;
    TRY(take_text(r, &name, err));
    ptrdiff_t dot = str_rfind_char(name, '.');
    name = str_slice(name, (size_t)(dot + 1), name.len);
    TRY(take_count(r, 4, &count, err));
    str *keys = arena_array_of(r->arena, str, count);
    gremlin_argument *values = arena_array_of(r->arena, gremlin_argument, count);
    for (size_t i = 0; i < count; i++) {
        value key;
        TRY(read_value(r, &key, err));
        if (key.kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "a strategy's option has a name that is no text");
        keys[i] = key.text;
        TRY(read_any(r, &values[i], err));
    }
    *ret = gremlin_arg_strategy(r->arena, name, keys, values, count);
    return true;
}

/* ---- Values ---- */

static bool read_number(reader *r, int bytes, uint8_t width, gremlin_argument *ret, error *err)
{
    value v = { .kind = VALUE_INT, .width = width };
    TRY(take_int(r, bytes, &v.integer, err));
    *ret = gremlin_arg_value(v);
    return true;
}

static bool read_real(reader *r, bool is_narrow, gremlin_argument *ret, error *err)
{
    value v = { .kind = VALUE_DOUBLE, .width = is_narrow ? 32 : 64 };
    int64_t bits;
    TRY(take_int(r, is_narrow ? 4 : 8, &bits, err));
    if (is_narrow) {
        float narrow;
        uint32_t low = (uint32_t)bits;
        memcpy(&narrow, &low, sizeof narrow);
        v.real = (double)narrow;
    } else {
        memcpy(&v.real, &bits, sizeof v.real);
    }
    *ret = gremlin_arg_value(v);
    return true;
}

/* Two's complement, the greatest byte first, to decimal digits. */
static bool read_whole(reader *r, str *ret, error *err)
{
    size_t len;
    str raw;
    TRY(take_count(r, 1, &len, err));
    if (len == 0 || len > 512)
        return fail(err, ERR_INVALID, "a BigInteger has %zu bytes", len);
    TRY(take(r, len, &raw, err));
    bool is_negative = (uint8_t)raw.data[0] >> 7;
    uint8_t *digits = arena_alloc(r->arena, len * 3 + 1); /* the least first */
    size_t count = 1;
    for (size_t i = 0; i < len; i++) {
        unsigned carry = (uint8_t)(is_negative ? ~raw.data[i] : raw.data[i]);
        for (size_t k = 0; k < count || carry; k++) {
            carry += k < count ? digits[k] * 256u : 0;
            digits[k] = (uint8_t)(carry % 10);
            carry /= 10;
            count = k + 1 > count ? k + 1 : count;
        }
    }
    for (size_t k = 0; is_negative; k++) { /* -x is ~x + 1 */
        digits[k] = (uint8_t)(digits[k] + 1);
        count = k + 1 > count ? k + 1 : count;
        if (digits[k] < 10)
            break;
        digits[k] = 0;
    }
    strbuf b = strbuf_new(r->arena);
    if (is_negative)
        strbuf_add_char(&b, '-');
    while (count)
        strbuf_add_char(&b, (char)('0' + digits[--count]));
    *ret = strbuf_str(&b);
    return true;
}

static bool read_decimal(reader *r, gremlin_argument *ret, error *err)
{
    int64_t scale;
    str whole;
    TRY(take_int(r, 4, &scale, err));
    TRY(read_whole(r, &whole, err));
    if (scale < -500 || scale > 500)
        return fail(err, ERR_INVALID, "a BigDecimal has the scale %lld", (long long)scale);
    bool is_negative = whole.data[0] == '-';
    str digits = str_slice(whole, is_negative, whole.len);
    strbuf b = strbuf_new(r->arena);
    if (is_negative)
        strbuf_add_char(&b, '-');
    for (int64_t i = (int64_t)digits.len; i <= scale; i++)
        strbuf_add_char(&b, '0');
    strbuf_add(&b, digits);
    for (int64_t i = scale; i < 0; i++)
        strbuf_add_char(&b, '0');
    if (scale > 0) {
        str all = strbuf_str(&b);
        size_t point = all.len - (size_t)scale;
        all = str_format(r->arena, STR_FMT "." STR_FMT, STR_ARG(str_slice(all, 0, point)),
                         STR_ARG(str_slice(all, point, all.len)));
        *ret = gremlin_arg_value((value){ .kind = VALUE_DECIMAL, .text = all });
        return true;
    }
    *ret = gremlin_arg_value((value){ .kind = VALUE_DECIMAL, .text = strbuf_str(&b) });
    return true;
}

static bool read_uuid_text(reader *r, str *ret, error *err)
{
    static const char hex[] = "0123456789abcdef";
    str raw;
    strbuf b = strbuf_new(r->arena);
    TRY(take(r, 16, &raw, err));
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            strbuf_add_char(&b, '-');
        strbuf_add_char(&b, hex[(uint8_t)raw.data[i] >> 4]);
        strbuf_add_char(&b, hex[(uint8_t)raw.data[i] & 15]);
    }
    *ret = strbuf_str(&b);
    return true;
}

static bool read_millis(reader *r, gremlin_argument *ret, error *err)
{
    int64_t ms;
    TRY(take_int(r, 8, &ms, err));
    if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000)
        return fail(err, ERR_INVALID, "a date is out of range");
    *ret = gremlin_arg_value((value){ .kind = VALUE_TIMESTAMP, .integer = ms * 1000 });
    return true;
}

/* Year, month, day, nanoseconds of the day, seconds from UTC: to a time in UTC. */
static bool read_offset_datetime(reader *r, gremlin_argument *ret, error *err)
{
    int64_t year, month, day, nanos, offset;
    TRY(take_int(r, 4, &year, err));
    TRY(take_int(r, 1, &month, err));
    TRY(take_int(r, 1, &day, err));
    TRY(take_int(r, 8, &nanos, err));
    TRY(take_int(r, 4, &offset, err));
    if (year < -200000 || year > 200000 || month < 1 || month > 12 || day < 1 || day > 31 ||
        nanos < 0 || nanos >= NANOS_PER_DAY || offset < -64800 || offset > 64800)
        return fail(err, ERR_INVALID, "a date is out of range");
    int64_t days = temporal_days_of(year, (int)month, (int)day);
    *ret = gremlin_arg_value(
        (value){ .kind = VALUE_TIMESTAMP,
                 .integer = (days * SECONDS_PER_DAY - offset) * 1000000 + nanos / 1000 });
    return true;
}

/* An element stands for its id; what follows the id is read over. */
static bool read_element(reader *r, uint8_t type, gremlin_argument *ret, error *err)
{
    gremlin_argument ignored;
    str label;
    TRY(read_any(r, ret, err));
    TRY(take_text(r, &label, err));
    if (type == BINARY_EDGE)
        for (int i = 0; i < 2; i++) {
            TRY(read_any(r, &ignored, err));
            TRY(take_text(r, &label, err));
        }
    int more = type == BINARY_VERTEX ? 1 : type == BINARY_EDGE ? 2 : 3;
    for (int i = 0; i < more; i++)
        TRY(read_any(r, &ignored, err));
    return true;
}

static bool read_property(reader *r, gremlin_argument *ret, error *err)
{
    gremlin_argument ignored;
    str key;
    TRY(take_text(r, &key, err));
    TRY(read_any(r, ret, err));
    return read_any(r, &ignored, err);
}

static bool read_typed(reader *r, uint8_t type, gremlin_argument *ret, error *err)
{
    value v = { 0 };
    int64_t number;
    switch (type) {
    case BINARY_INT: return read_number(r, 4, 32, ret, err);
    case BINARY_LONG: return read_number(r, 8, 64, ret, err);
    case BINARY_SHORT: return read_number(r, 2, 16, ret, err);
    case BINARY_BYTE: return read_number(r, 1, 8, ret, err);
    case BINARY_DOUBLE: return read_real(r, false, ret, err);
    case BINARY_FLOAT: return read_real(r, true, ret, err);
    case BINARY_BIG_DECIMAL: return read_decimal(r, ret, err);
    case BINARY_DATE:
    case BINARY_TIMESTAMP: return read_millis(r, ret, err);
    case BINARY_OFFSET_DATETIME: return read_offset_datetime(r, ret, err);
    case BINARY_BYTECODE: return read_bytecode(r, ret, err);
    case BINARY_P:
    case BINARY_TEXT_P: return read_predicate(r, ret, err);
    case BINARY_STRATEGY: return read_strategy(r, ret, err);
    case BINARY_BARRIER:
    case BINARY_CARDINALITY:
    case BINARY_COLUMN:
    case BINARY_DIRECTION:
    case BINARY_OPERATOR:
    case BINARY_ORDER:
    case BINARY_PICK:
    case BINARY_POP:
    case BINARY_SCOPE:
    case BINARY_T:
    case BINARY_MERGE:
    case BINARY_DT:
    case BINARY_GTYPE: return read_token(r, ret, err);
    case BINARY_VERTEX:
    case BINARY_EDGE:
    case BINARY_VERTEX_PROPERTY: return read_element(r, type, ret, err);
    case BINARY_PROPERTY: return read_property(r, ret, err);
    case BINARY_BINDING: TRY(take_text(r, &v.text, err)); return read_any(r, ret, err);
    case BINARY_TRAVERSER: TRY(take_int(r, 8, &number, err)); return read_any(r, ret, err);
    case BINARY_STRING:
    case BINARY_CLASS:
        v.kind = VALUE_STRING;
        TRY(take_text(r, &v.text, err));
        break;
    case BINARY_LIST: TRY(read_list(r, VALUE_LIST, &v, err)); break;
    case BINARY_SET: TRY(read_list(r, VALUE_SET, &v, err)); break;
    case BINARY_MAP: TRY(read_map(r, &v, err)); break;
    case BINARY_UUID:
        v.kind = VALUE_UUID;
        TRY(read_uuid_text(r, &v.text, err));
        break;
    case BINARY_BIG_INTEGER:
        v = (value){ .kind = VALUE_DECIMAL, .width = WIDTH_WHOLE };
        TRY(read_whole(r, &v.text, err));
        break;
    case BINARY_BUFFER: {
        size_t len;
        str raw;
        TRY(take_count(r, 1, &len, err));
        TRY(take(r, len, &raw, err));
        v = (value){ .kind = VALUE_BINARY, .text = str_copy(r->arena, raw) };
        break;
    }
    case BINARY_BOOLEAN:
        TRY(take_int(r, 1, &number, err));
        v = value_bool(number != 0);
        break;
    case BINARY_LAMBDA:
        return fail(err, ERR_INVALID, "lambdas cannot be used here: write the step itself");
    default:
        return fail(err, ERR_INVALID, "the GraphBinary type 0x%02X cannot be used in a request",
                    type);
    }
    *ret = gremlin_arg_value(v);
    return true;
}

static bool read_any(reader *r, gremlin_argument *ret, error *err)
{
    int64_t type, flag;
    if (r->depth >= GREMLIN_DEPTH)
        return fail(err, ERR_LIMIT, "a request is nested deeper than %d", GREMLIN_DEPTH);
    TRY(take_int(r, 1, &type, err));
    TRY(take_int(r, 1, &flag, err));
    if ((flag & 1) != 0 || (uint8_t)type == BINARY_NULL) {
        *ret = gremlin_arg_value(value_null());
        return true;
    }
    r->depth++;
    bool works = read_typed(r, (uint8_t)type, ret, err);
    r->depth--;
    return works;
}

/* ---- Messages ---- */

bool graphbinary_read_message(arena *a, str bytes, gremlin_message *ret, error *err)
{
    reader r = { .arena = a, .in = bytes };
    int64_t version;
    size_t count;
    TRY(take_int(&r, 1, &version, err));
    if ((uint8_t)version != 0x81)
        return fail(err, ERR_INVALID, "GraphBinary version 0x%02X is not spoken here, 0x81 is",
                    (unsigned)(uint8_t)version);
    TRY(read_uuid_text(&r, &ret->request_id, err));
    TRY(take_text(&r, &ret->op, err));
    TRY(take_text(&r, &ret->processor, err));
    TRY(take_count(&r, 4, &count, err));
    ret->args = arena_array_of(a, gremlin_named, count);
    for (size_t i = 0; i < count; i++) {
        value name;
        TRY(read_value(&r, &name, err));
        if (name.kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "args: a name is no text");
        ret->args[ret->arg_count].name = name.text;
        TRY(read_any(&r, &ret->args[ret->arg_count++].of, err));
    }
    return true;
}
