/* The rows of a running query as batches. */
#include <assert.h>
#include <stdlib.h>

#include "column/internal.h"

struct sql_stream {
    arena *names; /* column names and types */
    arena *rows;  /* conversions of the current batch */
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending;
    duckdb_result result;
    duckdb_data_chunk chunk;
    bool has_result;
    size_t column_count;
    str *column_names, *type_texts;
    column_type *types;
    batch current;
};

size_t sql_stream_column_count(const sql_stream *s)
{
    return s->column_count;
}

str sql_stream_column_name(const sql_stream *s, size_t column)
{
    assert(column < s->column_count);
    return s->column_names[column];
}

column_type sql_stream_column_type(const sql_stream *s, size_t column)
{
    assert(column < s->column_count);
    return s->types[column];
}

str sql_stream_column_type_text(const sql_stream *s, size_t column)
{
    assert(column < s->column_count);
    return s->type_texts[column];
}

void sql_stream_close(sql_stream *s)
{
    if (!s)
        return;
    if (s->chunk)
        duckdb_destroy_data_chunk(&s->chunk);
    if (s->has_result)
        duckdb_destroy_result(&s->result);
    if (s->pending)
        duckdb_destroy_pending(&s->pending);
    if (s->prepared)
        duckdb_destroy_prepare(&s->prepared);
    arena_free(s->names);
    arena_free(s->rows);
    free(s);
}

static const struct {
    duckdb_type type;
    const char *name;
} type_names[] = {
    { DUCKDB_TYPE_BOOLEAN, "BOOLEAN" },
    { DUCKDB_TYPE_TINYINT, "TINYINT" },
    { DUCKDB_TYPE_SMALLINT, "SMALLINT" },
    { DUCKDB_TYPE_INTEGER, "INTEGER" },
    { DUCKDB_TYPE_BIGINT, "BIGINT" },
    { DUCKDB_TYPE_UTINYINT, "UTINYINT" },
    { DUCKDB_TYPE_USMALLINT, "USMALLINT" },
    { DUCKDB_TYPE_UINTEGER, "UINTEGER" },
    { DUCKDB_TYPE_UBIGINT, "UBIGINT" },
    { DUCKDB_TYPE_FLOAT, "FLOAT" },
    { DUCKDB_TYPE_DOUBLE, "DOUBLE" },
    { DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP" },
    { DUCKDB_TYPE_DATE, "DATE" },
    { DUCKDB_TYPE_TIME, "TIME" },
    { DUCKDB_TYPE_INTERVAL, "INTERVAL" },
    { DUCKDB_TYPE_HUGEINT, "HUGEINT" },
    { DUCKDB_TYPE_UHUGEINT, "UHUGEINT" },
    { DUCKDB_TYPE_VARCHAR, "VARCHAR" },
    { DUCKDB_TYPE_BLOB, "BLOB" },
    { DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S" },
    { DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS" },
    { DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS" },
    { DUCKDB_TYPE_ENUM, "VARCHAR" },
    { DUCKDB_TYPE_LIST, "LIST" },
    { DUCKDB_TYPE_STRUCT, "STRUCT" },
    { DUCKDB_TYPE_MAP, "MAP" },
    { DUCKDB_TYPE_ARRAY, "ARRAY" },
    { DUCKDB_TYPE_UUID, "UUID" },
    { DUCKDB_TYPE_UNION, "UNION" },
    { DUCKDB_TYPE_BIT, "BIT" },
    { DUCKDB_TYPE_TIME_TZ, "TIMETZ" },
    { DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE" },
    { DUCKDB_TYPE_BIGNUM, "BIGNUM" },
    { DUCKDB_TYPE_SQLNULL, "NULL" },
    { DUCKDB_TYPE_TIME_NS, "TIME_NS" },
};

static str type_text(arena *a, duckdb_logical_type type)
{
    duckdb_type id = duckdb_get_type_id(type);
    if (id == DUCKDB_TYPE_DECIMAL)
        return str_format(a, "DECIMAL(%d,%d)", duckdb_decimal_width(type),
                          duckdb_decimal_scale(type));
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (type_names[i].type == id)
            return str_of(type_names[i].name);
    return STR("?");
}

static bool describe_columns(sql_stream *s, error *err)
{
    s->column_count = (size_t)duckdb_column_count(&s->result);
    s->column_names = arena_array_of(s->names, str, s->column_count);
    s->type_texts = arena_array_of(s->names, str, s->column_count);
    s->types = arena_array_of(s->names, column_type, s->column_count);
    for (size_t i = 0; i < s->column_count; i++) {
        s->column_names[i] = str_copy(s->names, str_of(duckdb_column_name(&s->result, i)));
        duckdb_logical_type type = duckdb_column_logical_type(&s->result, i);
        duckdb_type id = duckdb_get_type_id(type);
        s->type_texts[i] = type_text(s->names, type);
        duckdb_destroy_logical_type(&type);
        if (!column_type_of_duckdb(id, &s->types[i]))
            return fail(err, ERR_INVALID,
                        "column %zu (" STR_FMT ") has type " STR_FMT
                        ", which cannot be shown: cast it to VARCHAR",
                        i + 1, STR_ARG(s->column_names[i]), STR_ARG(s->type_texts[i]));
    }
    return true;
}

/* Prepare the last of the statements, run those before it. */
static bool prepare(sql_connection *c, sql_stream *s, str query, error *err)
{
    duckdb_extracted_statements all = NULL;
    idx_t count =
        duckdb_extract_statements(sql_connection_handle(c), str_to_c(s->names, query), &all);
    bool works = count > 0;
    if (!works) {
        const char *why = duckdb_extract_statements_error(all);
        fail(err, ERR_INVALID, "%s", why ? why : "there is no statement to run");
    } else if (count > 1) {
        works = fail(err, ERR_INVALID, "one query is expected, found %d statements", (int)count);
    } else if (duckdb_prepare_extracted_statement(sql_connection_handle(c), all, 0, &s->prepared) !=
               DuckDBSuccess) {
        works = fail(err, ERR_INVALID, "%s", duckdb_prepare_error(s->prepared));
    }
    duckdb_destroy_extracted(&all);
    return works;
}

bool sql_query(sql_connection *c, str query, sql_stream **ret_stream, error *err)
{
    AUTO(sql_stream_close) sql_stream *s = memory_alloc(sizeof *s);
    s->names = arena_new();
    s->rows = arena_new();
    TRY(prepare(c, s, query, err));
    if (duckdb_pending_prepared_streaming(s->prepared, &s->pending) != DuckDBSuccess)
        return fail(err, ERR_INVALID, "%s", duckdb_pending_error(s->pending));
    s->has_result = true;
    if (duckdb_execute_pending(s->pending, &s->result) != DuckDBSuccess)
        return fail_duckdb(err, duckdb_result_error_type(&s->result),
                           duckdb_result_error(&s->result));
    TRY(describe_columns(s, err));
    *ret_stream = TAKE(s);
    return true;
}

bool sql_stream_next(sql_stream *s, batch **ret_batch, error *err)
{
    do {
        if (s->chunk)
            duckdb_destroy_data_chunk(&s->chunk);
        s->chunk = duckdb_fetch_chunk(s->result);
        if (!s->chunk) {
            const char *why = duckdb_result_error(&s->result);
            if (why && *why)
                return fail_duckdb(err, duckdb_result_error_type(&s->result), why);
            *ret_batch = NULL;
            return true;
        }
    } while (duckdb_data_chunk_get_size(s->chunk) == 0);
    arena_reset(s->rows);
    s->current.rows = (size_t)duckdb_data_chunk_get_size(s->chunk);
    s->current.column_count = s->column_count;
    s->current.columns = arena_array_of(s->rows, column, s->column_count);
    for (size_t i = 0; i < s->column_count; i++)
        column_of_vector(duckdb_data_chunk_get_vector(s->chunk, i), s->current.rows, s->rows,
                         &s->current.columns[i]);
    *ret_batch = &s->current;
    return true;
}

static value keep_value(arena *a, value v)
{
    switch (v.kind) {
    case VALUE_STRING:
    case VALUE_BINARY:
    case VALUE_UUID:
    case VALUE_DECIMAL: v.text = str_copy(a, v.text); return v;
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_PATH: {
        value *items = arena_array_of(a, value, v.list.count);
        for (size_t i = 0; i < v.list.count; i++)
            items[i] = keep_value(a, v.list.items[i]);
        v.list.items = items;
        return v;
    }
    case VALUE_MAP:
    case VALUE_PROPERTY: {
        value *keys = arena_array_of(a, value, v.map.count);
        value *values = arena_array_of(a, value, v.map.count);
        for (size_t i = 0; i < v.map.count; i++) {
            keys[i] = keep_value(a, v.map.keys[i]);
            values[i] = keep_value(a, v.map.values[i]);
        }
        v.map.keys = keys;
        v.map.values = values;
        return v;
    }
    default: return v;
    }
}

/* A growing copy of one column. */
typedef struct kept_column {
    char *data;
    uint64_t *valid;
} kept_column;

static void keep_rows(arena *a, const column *from, size_t rows, kept_column *to, size_t at)
{
    size_t width = column_type_bytes(from->type);
    for (size_t i = 0; i < rows; i++) {
        if (column_is_null(from, i))
            continue;
        size_t row = at + i;
        to->valid[row / 64] |= 1ull << (row % 64);
        char *cell = to->data + row * width;
        memcpy(cell, (const char *)from->data + i * width, width);
        if (from->type == COLUMN_STRING || from->type == COLUMN_BINARY)
            *(str *)(void *)cell = str_copy(a, *(str *)(void *)cell);
        else if (from->type == COLUMN_VALUE)
            *(value *)(void *)cell = keep_value(a, *(value *)(void *)cell);
    }
}

bool sql_query_all(sql_connection *c, arena *a, str query, batch **ret_rows, error *err)
{
    AUTO(sql_stream_close) sql_stream *s = NULL;
    TRY(sql_query(c, query, &s, err));
    kept_column *kept = arena_array_of(a, kept_column, s->column_count);
    size_t rows = 0, capacity = 0;
    batch *in = NULL;
    batch *out = arena_new_of(a, batch);
    out->column_count = s->column_count;
    out->columns = arena_array_of(a, column, s->column_count);
    for (size_t i = 0; i < s->column_count; i++)
        out->columns[i].type = s->types[i];
    for (;;) {
        TRY(sql_stream_next(s, &in, err));
        if (!in)
            break;
        size_t grown = rows + in->rows > capacity ? (rows + in->rows + 63) / 64 * 64 * 2 : capacity;
        for (size_t i = 0; i < s->column_count; i++) {
            size_t width = column_type_bytes(s->types[i]);
            if (grown > capacity) {
                kept[i].data = arena_grow(a, kept[i].data, capacity * width, grown * width);
                kept[i].valid = arena_grow(a, kept[i].valid, capacity / 8, grown / 8);
            }
            out->columns[i].scale = in->columns[i].scale;
            keep_rows(a, &in->columns[i], in->rows, &kept[i], rows);
        }
        capacity = grown;
        rows += in->rows;
    }
    for (size_t i = 0; i < s->column_count; i++) {
        out->columns[i].data = kept[i].data;
        out->columns[i].valid = kept[i].valid;
    }
    out->rows = rows;
    *ret_rows = out;
    return true;
}

bool sql_query_int(sql_connection *c, str query, int64_t *ret_value, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    batch *rows;
    TRY(sql_query_all(c, scratch, query, &rows, err));
    if (rows->rows != 1 || rows->column_count != 1)
        return fail(err, ERR_INVALID, "one number is expected, found %zu rows of %zu columns",
                    rows->rows, rows->column_count);
    value v = column_value(&rows->columns[0], scratch, 0);
    if (v.kind == VALUE_NULL)
        v = (value){ .kind = VALUE_INT };
    if (v.kind != VALUE_INT)
        return fail(err, ERR_INVALID, "a whole number is expected, found %s",
                    column_type_name(rows->columns[0].type));
    *ret_value = v.integer;
    return true;
}
