/* DuckDB's vectors as columns: widths unified, nested values boxed. */
#include <string.h>

#include "base/hash.h"
#include "column/internal.h"

bool column_type_of_duckdb(duckdb_type type, column_type *ret_type)
{
    switch (type) {
    case DUCKDB_TYPE_BOOLEAN: *ret_type = COLUMN_BOOL; return true;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_SQLNULL:
    case DUCKDB_TYPE_INTEGER: *ret_type = COLUMN_INT32; return true;
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_BIGINT: *ret_type = COLUMN_INT64; return true;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_DECIMAL: *ret_type = COLUMN_DECIMAL; return true;
    case DUCKDB_TYPE_FLOAT: *ret_type = COLUMN_FLOAT; return true;
    case DUCKDB_TYPE_DOUBLE: *ret_type = COLUMN_DOUBLE; return true;
    case DUCKDB_TYPE_DATE: *ret_type = COLUMN_DATE; return true;
    case DUCKDB_TYPE_TIME: *ret_type = COLUMN_TIME; return true;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ: *ret_type = COLUMN_TIMESTAMP; return true;
    case DUCKDB_TYPE_UUID: *ret_type = COLUMN_UUID; return true;
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_INTERVAL:
    case DUCKDB_TYPE_VARCHAR: *ret_type = COLUMN_STRING; return true;
    case DUCKDB_TYPE_BLOB: *ret_type = COLUMN_BINARY; return true;
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP: *ret_type = COLUMN_VALUE; return true;
    default: return false;
    }
}

duckdb_logical_type duckdb_type_of_column(column_type type)
{
    switch (type) {
    case COLUMN_BOOL: return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    case COLUMN_INT32: return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case COLUMN_INT64: return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case COLUMN_FLOAT: return duckdb_create_logical_type(DUCKDB_TYPE_FLOAT);
    case COLUMN_DOUBLE: return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    case COLUMN_DECIMAL: return duckdb_create_logical_type(DUCKDB_TYPE_HUGEINT);
    case COLUMN_DATE: return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
    case COLUMN_TIME: return duckdb_create_logical_type(DUCKDB_TYPE_TIME);
    case COLUMN_TIMESTAMP: return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP);
    case COLUMN_UUID: return duckdb_create_logical_type(DUCKDB_TYPE_UUID);
    case COLUMN_STRING: return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    case COLUMN_BINARY: return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
    case COLUMN_VALUE: break;
    }
    return duckdb_create_logical_type(DUCKDB_TYPE_ANY);
}

/* Convert `count` cells of C type `from` to C type `to`. */
#define CONVERT(to, from, expression)                                                              \
    do {                                                                                           \
        to *out = arena_array_of(a, to, rows);                                                     \
        const from *in = data;                                                                     \
        for (size_t i = 0; i < rows; i++) {                                                        \
            from x = in[i];                                                                        \
            out[i] = (to)(expression);                                                             \
        }                                                                                          \
        ret->data = out;                                                                           \
    } while (0)

static int64_t floor_div(int64_t x, int64_t by)
{
    return x / by - (x % by < 0);
}

static void convert_text(const void *data, size_t rows, arena *a, column *ret)
{
    str *out = arena_array_of(a, str, rows);
    duckdb_string_t *in = (duckdb_string_t *)data;
    for (size_t i = 0; i < rows; i++)
        if (!column_is_null(ret, i))
            out[i] = (str){ duckdb_string_t_data(&in[i]), duckdb_string_t_length(in[i]) };
    ret->data = out;
}

static void convert_enum(duckdb_logical_type type, const void *data, size_t rows, arena *a,
                         column *ret)
{
    uint32_t count = duckdb_enum_dictionary_size(type);
    str *dictionary = arena_array_of(a, str, count);
    for (uint32_t i = 0; i < count; i++) {
        char *text = duckdb_enum_dictionary_value(type, i);
        dictionary[i] = str_copy(a, str_of(text));
        duckdb_free(text);
    }
    duckdb_type width = duckdb_enum_internal_type(type);
    str *out = arena_array_of(a, str, rows);
    for (size_t i = 0; i < rows; i++) {
        if (column_is_null(ret, i))
            continue;
        uint32_t code = width == DUCKDB_TYPE_UTINYINT    ? ((const uint8_t *)data)[i]
                        : width == DUCKDB_TYPE_USMALLINT ? ((const uint16_t *)data)[i]
                                                         : ((const uint32_t *)data)[i];
        out[i] = dictionary[code];
    }
    ret->data = out;
}

static void convert_interval(const void *data, size_t rows, arena *a, column *ret)
{
    str *out = arena_array_of(a, str, rows);
    const duckdb_interval *in = data;
    for (size_t i = 0; i < rows; i++)
        if (!column_is_null(ret, i))
            out[i] = str_format(a, "%d months %d days %lld us", in[i].months, in[i].days,
                                (long long)in[i].micros);
    ret->data = out;
}

static void convert_decimal(duckdb_logical_type type, const void *data, size_t rows, arena *a,
                            column *ret)
{
    ret->scale = duckdb_decimal_scale(type);
    switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT: CONVERT(__int128, int16_t, x); return;
    case DUCKDB_TYPE_INTEGER: CONVERT(__int128, int32_t, x); return;
    case DUCKDB_TYPE_BIGINT: CONVERT(__int128, int64_t, x); return;
    default: ret->data = data; return;
    }
}

/* DuckDB keeps a UUID as a 128-bit number with the top bit flipped. */
static void convert_uuid(const void *data, size_t rows, arena *a, column *ret)
{
    uint8_t(*out)[16] = arena_alloc(a, rows * 16);
    const duckdb_hugeint *in = data;
    for (size_t i = 0; i < rows; i++) {
        uint64_t high = __builtin_bswap64((uint64_t)in[i].upper ^ (1ull << 63));
        uint64_t low = __builtin_bswap64(in[i].lower);
        memcpy(out[i], &high, 8);
        memcpy(out[i] + 8, &low, 8);
    }
    ret->data = out;
}

static void convert_list(duckdb_vector vector, bool is_map, size_t rows, arena *a, column *ret)
{
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    size_t child_rows = (size_t)duckdb_list_vector_get_size(vector);
    const duckdb_list_entry *entries = duckdb_vector_get_data(vector);
    column keys, values;
    column_of_vector(is_map ? duckdb_struct_vector_get_child(child, 0) : child, child_rows, a,
                     &keys);
    if (is_map)
        column_of_vector(duckdb_struct_vector_get_child(child, 1), child_rows, a, &values);
    value *out = arena_array_of(a, value, rows);
    for (size_t i = 0; i < rows; i++) {
        if (column_is_null(ret, i))
            continue;
        size_t count = (size_t)entries[i].length, from = (size_t)entries[i].offset;
        value *first = arena_array_of(a, value, count);
        value *second = is_map ? arena_array_of(a, value, count) : NULL;
        for (size_t k = 0; k < count; k++) {
            first[k] = column_value(&keys, a, from + k);
            if (is_map)
                second[k] = column_value(&values, a, from + k);
        }
        out[i].kind = is_map ? VALUE_MAP : VALUE_LIST;
        if (is_map)
            out[i].map = (struct value_pairs){ first, second, count };
        else {
            out[i].list.items = first;
            out[i].list.count = count;
        }
    }
    ret->data = out;
}

static void convert_struct(duckdb_vector vector, duckdb_logical_type type, size_t rows, arena *a,
                           column *ret)
{
    size_t count = (size_t)duckdb_struct_type_child_count(type);
    column *children = arena_array_of(a, column, count);
    value *keys = arena_array_of(a, value, count);
    for (size_t k = 0; k < count; k++) {
        char *name = duckdb_struct_type_child_name(type, k);
        keys[k] = (value){ .kind = VALUE_STRING, .text = str_copy(a, str_of(name)) };
        duckdb_free(name);
        column_of_vector(duckdb_struct_vector_get_child(vector, k), rows, a, &children[k]);
    }
    value *out = arena_array_of(a, value, rows);
    for (size_t i = 0; i < rows; i++) {
        if (column_is_null(ret, i))
            continue;
        value *values = arena_array_of(a, value, count);
        for (size_t k = 0; k < count; k++)
            values[k] = column_value(&children[k], a, i);
        out[i].kind = VALUE_MAP;
        out[i].map = (struct value_pairs){ keys, values, count };
    }
    ret->data = out;
}

void column_of_vector(duckdb_vector vector, size_t rows, arena *a, column *ret)
{
    duckdb_logical_type type = duckdb_vector_get_column_type(vector);
    const void *data = duckdb_vector_get_data(vector);
    duckdb_type id = duckdb_get_type_id(type);
    *ret = (column){ .data = data, .valid = duckdb_vector_get_validity(vector) };
    if (!column_type_of_duckdb(id, &ret->type))
        ret->type = COLUMN_INT32;
    switch (id) {
    case DUCKDB_TYPE_TINYINT: CONVERT(int32_t, int8_t, x); break;
    case DUCKDB_TYPE_SMALLINT: CONVERT(int32_t, int16_t, x); break;
    case DUCKDB_TYPE_UTINYINT: CONVERT(int32_t, uint8_t, x); break;
    case DUCKDB_TYPE_USMALLINT: CONVERT(int32_t, uint16_t, x); break;
    case DUCKDB_TYPE_UINTEGER: CONVERT(int64_t, uint32_t, x); break;
    case DUCKDB_TYPE_UBIGINT: CONVERT(__int128, uint64_t, x); break;
    case DUCKDB_TYPE_TIMESTAMP_S: CONVERT(int64_t, int64_t, x * 1000000); break;
    case DUCKDB_TYPE_TIMESTAMP_MS: CONVERT(int64_t, int64_t, x * 1000); break;
    case DUCKDB_TYPE_TIMESTAMP_NS: CONVERT(int64_t, int64_t, floor_div(x, 1000)); break;
    case DUCKDB_TYPE_DECIMAL: convert_decimal(type, data, rows, a, ret); break;
    case DUCKDB_TYPE_UUID: convert_uuid(data, rows, a, ret); break;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB: convert_text(data, rows, a, ret); break;
    case DUCKDB_TYPE_ENUM: convert_enum(type, data, rows, a, ret); break;
    case DUCKDB_TYPE_INTERVAL: convert_interval(data, rows, a, ret); break;
    case DUCKDB_TYPE_LIST: convert_list(vector, false, rows, a, ret); break;
    case DUCKDB_TYPE_MAP: convert_list(vector, true, rows, a, ret); break;
    case DUCKDB_TYPE_STRUCT: convert_struct(vector, type, rows, a, ret); break;
    default: break;
    }
    duckdb_destroy_logical_type(&type);
}
