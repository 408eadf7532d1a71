/* Partition transforms, on values and as SQL. Source: Iceberg spec, "Partition Transforms",
 * Appendix B (bucket hash). */
#include "base/clock.h"
#include "iceberg/internal.h"

/* ---- Murmur3, 32 bits, x86 variant, seed 0 ---- */

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static uint32_t mix(uint32_t h, uint32_t k, bool is_whole)
{
    h ^= rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
    return is_whole ? rotate(h, 13) * 5 + 0xe6546b64u : h;
}

uint32_t transform_hash(str bytes)
{
    uint32_t h = 0, tail = 0;
    size_t whole = bytes.len / 4 * 4;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t k;
        memcpy(&k, bytes.data + i, 4);
        h = mix(h, k, true);
    }
    for (size_t i = bytes.len; i-- > whole;)
        tail = tail << 8 | (uint8_t)bytes.data[i];
    if (bytes.len > whole)
        h = mix(h, tail, false);
    h ^= (uint32_t)bytes.len;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

/* The bytes that bucket hashes: whole numbers and times as 8 bytes, nanoseconds as microseconds. */
static bool hash_of(arena *a, const iceberg_type *type, const value *v, uint32_t *ret)
{
    int64_t number = v->integer;
    str bytes;
    switch (type->kind) {
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS: number = number / 1000 - (number % 1000 < 0); break;
    case ICEBERG_INT:
    case ICEBERG_LONG:
    case ICEBERG_DATE:
    case ICEBERG_TIME:
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ: break;
    default:
        if (!bounds_encode(a, type, v, &bytes))
            return false;
        *ret = transform_hash(bytes);
        return true;
    }
    *ret = transform_hash((str){ (const char *)&number, 8 });
    return true;
}

static int64_t floor_divide(int64_t x, int64_t by)
{
    return x / by - (x % by < 0);
}

/* Microseconds or days of a date or time → days. */
static int64_t days_of(const iceberg_type *type, int64_t x)
{
    bool is_nano = type->kind == ICEBERG_TIMESTAMP_NS || type->kind == ICEBERG_TIMESTAMPTZ_NS;
    return type->kind == ICEBERG_DATE ? x
                                      : floor_divide(x, is_nano ? 86400000000000ll : 86400000000ll);
}

static bool truncate_value(const iceberg_type *type, int32_t width, const value *v, value *ret)
{
    *ret = *v;
    if (type->kind == ICEBERG_INT || type->kind == ICEBERG_LONG) {
        ret->integer = floor_divide(v->integer, width) * width;
        return true;
    }
    if (type->kind == ICEBERG_BINARY) {
        ret->text.len = ret->text.len > (size_t)width ? (size_t)width : ret->text.len;
        return true;
    }
    if (type->kind != ICEBERG_STRING)
        return false;
    size_t at = 0;
    for (int32_t n = 0; n < width && at < v->text.len; n++) {
        at++;
        while (at < v->text.len && ((uint8_t)v->text.data[at] & 0xC0) == 0x80)
            at++;
    }
    ret->text.len = at;
    return true;
}

bool transform_value(arena *a, const iceberg_type *type, iceberg_transform_kind kind,
                     int32_t argument, const value *v, value *ret)
{
    int year, month, day;
    uint32_t hash;
    *ret = (value){ .kind = VALUE_NULL };
    if (v->kind == VALUE_NULL || kind == TRANSFORM_VOID)
        return true;
    switch (kind) {
    case TRANSFORM_IDENTITY: *ret = *v; return true;
    case TRANSFORM_BUCKET:
        if (!hash_of(a, type, v, &hash))
            return false;
        *ret = value_int((int64_t)((hash & INT32_MAX) % (uint32_t)argument));
        return true;
    case TRANSFORM_TRUNCATE: return truncate_value(type, argument, v, ret);
    case TRANSFORM_YEAR:
    case TRANSFORM_MONTH:
        clock_date_of((int32_t)days_of(type, v->integer), &year, &month, &day);
        *ret = value_int(kind == TRANSFORM_YEAR ? year - 1970 : (year - 1970) * 12 + month - 1);
        return true;
    case TRANSFORM_DAY:
        *ret = (value){ .kind = VALUE_DATE, .integer = days_of(type, v->integer) };
        return true;
    case TRANSFORM_HOUR:
        *ret = value_int(floor_divide(
            v->integer, type->kind >= ICEBERG_TIMESTAMP_NS ? 3600000000000ll : 3600000000ll));
        return true;
    default: return false;
    }
}

/* ---- In SQL ---- */

static uint32_t encode_text(str text)
{
    return transform_hash(text) & INT32_MAX;
}

static uint32_t encode_long(str text)
{
    int64_t number = 0;
    return str_to_i64(text, &number) ? transform_hash((str){ (char *)&number, 8 }) & INT32_MAX : 0;
}

/* Digits of a decimal with the right scale, the text of a UUID, or hexadecimal bytes. */
static uint32_t encode_by_type(const iceberg_type *type, str text)
{
    AUTO(arena_free) arena *scratch = arena_new();
    str bytes = { 0 };
    return bounds_of_text(scratch, type, text, false, &bytes) ? transform_hash(bytes) & INT32_MAX
                                                              : 0;
}

static uint32_t encode_decimal(str text)
{
    ptrdiff_t point = str_find_char(text, '.');
    iceberg_type type = { .kind = ICEBERG_DECIMAL,
                          .precision = 38,
                          .scale = point < 0 ? 0 : (int32_t)(text.len - (size_t)point - 1) };
    return encode_by_type(&type, text);
}

static uint32_t encode_uuid(str text)
{
    return encode_by_type(iceberg_primitive(ICEBERG_UUID), text);
}

static uint32_t encode_hex(str text)
{
    AUTO(arena_free) arena *scratch = arena_new();
    return transform_hash(bounds_of_hex(scratch, text)) & INT32_MAX;
}

typedef uint32_t (*encode_one)(str text);

static void encode_all(void *context, const str *texts, size_t count, uint32_t *ret_codes)
{
    const encode_one *encode = context;
    for (size_t i = 0; i < count; i++)
        ret_codes[i] = (*encode)(texts[i]);
}

bool transform_register(sql_engine *e, error *err)
{
    static struct {
        const char *name;
        encode_one encode;
    } functions[] = {
        { "iceberg_hash_text", encode_text },       { "iceberg_hash_long", encode_long },
        { "iceberg_hash_decimal", encode_decimal }, { "iceberg_hash_uuid", encode_uuid },
        { "iceberg_hash_hex", encode_hex },
    };
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        TRY(sql_register_encode(e, functions[i].name, encode_all, &functions[i].encode, err));
    return true;
}

static str bucket_sql(arena *a, const iceberg_type *type, int32_t argument, str column)
{
    const char *function = "iceberg_hash_long", *before = "(", *after = ")::VARCHAR";
    switch (type->kind) {
    case ICEBERG_DATE: before = "datediff('day', DATE '1970-01-01', "; break;
    case ICEBERG_TIME: before = "epoch_us("; break;
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS: before = "epoch_us("; break;
    case ICEBERG_STRING: function = "iceberg_hash_text"; break;
    case ICEBERG_UUID: function = "iceberg_hash_uuid"; break;
    case ICEBERG_DECIMAL: function = "iceberg_hash_decimal"; break;
    case ICEBERG_FIXED:
    case ICEBERG_BINARY:
        function = "iceberg_hash_hex";
        before = "lower(hex(";
        after = "))";
        break;
    default: break;
    }
    return str_format(a, "(%s(%s" STR_FMT "%s) %% %d)::INTEGER", function, before, STR_ARG(column),
                      after, argument);
}

static str truncate_sql(arena *a, const iceberg_type *type, int32_t width, str c)
{
    if (type->kind == ICEBERG_STRING)
        return str_format(a, "left(" STR_FMT ", %d)", STR_ARG(c), width);
    if (type->kind == ICEBERG_BINARY)
        return str_format(a, "unhex(left(hex(" STR_FMT "), %d))", STR_ARG(c), width * 2);
    if (type->kind == ICEBERG_DECIMAL && type->scale) /* the width counts units of the last digit */
        return str_format(a,
                          "(" STR_FMT " - ((" STR_FMT " %% (%d / 1e%d)::DECIMAL(38,%d)) + (%d / "
                          "1e%d)::DECIMAL(38,%d)) %% (%d / 1e%d)::DECIMAL(38,%d))::DECIMAL(%d,%d)",
                          STR_ARG(c), STR_ARG(c), width, type->scale, type->scale, width,
                          type->scale, type->scale, width, type->scale, type->scale,
                          type->precision, type->scale);
    return str_format(a, "(" STR_FMT " - ((" STR_FMT " %% %d) + %d) %% %d)", STR_ARG(c), STR_ARG(c),
                      width, width, width);
}

bool iceberg_transform_sql(arena *a, const iceberg_type *type, const iceberg_partition_field *f,
                           str c, str *ret_sql, error *err)
{
    switch (f->transform) {
    case TRANSFORM_IDENTITY: *ret_sql = c; return true;
    case TRANSFORM_BUCKET: *ret_sql = bucket_sql(a, type, f->argument, c); return true;
    case TRANSFORM_TRUNCATE: *ret_sql = truncate_sql(a, type, f->argument, c); return true;
    case TRANSFORM_YEAR:
        *ret_sql = str_format(a, "(year(" STR_FMT ") - 1970)::INTEGER", STR_ARG(c));
        return true;
    case TRANSFORM_MONTH:
        *ret_sql =
            str_format(a, "((year(" STR_FMT ") - 1970) * 12 + month(" STR_FMT ") - 1)::INTEGER",
                       STR_ARG(c), STR_ARG(c));
        return true;
    case TRANSFORM_DAY: *ret_sql = str_format(a, STR_FMT "::DATE", STR_ARG(c)); return true;
    case TRANSFORM_HOUR: /* // rounds towards zero; floor is what the spec asks for */
        *ret_sql = str_format(a, "floor(epoch_us(" STR_FMT "::TIMESTAMP) / 3600000000.0)::INTEGER",
                              STR_ARG(c));
        return true;
    case TRANSFORM_VOID: *ret_sql = STR("NULL::INTEGER"); return true;
    case TRANSFORM_UNKNOWN: break;
    }
    return fail(err, ERR_INVALID,
                "partition field " STR_FMT " has the transform '" STR_FMT
                "', which this version cannot write",
                STR_ARG(f->name), STR_ARG(f->text));
}
