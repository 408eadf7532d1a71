/* C functions in SQL: sinks that take rows in parallel, encoders that run once per distinct text.
 */
#include <stdlib.h>

#include "column/internal.h"

typedef struct sink_function {
    sql_sink sink;
    void *context;
} sink_function;

static void run_sink(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const sink_function *f = duckdb_scalar_function_get_extra_info(info);
    AUTO(arena_free) arena *scratch = arena_new();
    size_t rows = (size_t)duckdb_data_chunk_get_size(input);
    batch in = { .rows = rows, .column_count = (size_t)duckdb_data_chunk_get_column_count(input) };
    in.columns = arena_array_of(scratch, column, in.column_count);
    for (size_t i = 0; i < in.column_count; i++)
        column_of_vector(duckdb_data_chunk_get_vector(input, i), rows, scratch, &in.columns[i]);
    error err = { 0 };
    if (rows && !f->sink(f->context, &in, &err)) {
        duckdb_scalar_function_set_error(info, err.message);
        return;
    }
    int64_t *out = duckdb_vector_get_data(output);
    for (size_t i = 0; i < rows; i++)
        out[i] = 1;
}

static bool register_function(sql_engine *e, duckdb_scalar_function f, const char *name, error *err)
{
    bool works = duckdb_register_scalar_function(sql_engine_registrar(e), f) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&f);
    return works ? true : fail(err, ERR_CONFLICT, "a function %s is already registered", name);
}

bool sql_register_sink(sql_engine *e, const char *name, const column_type *parameter_types,
                       size_t type_count, sql_sink sink, void *context, error *err)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(f, name);
    for (size_t i = 0; i < type_count; i++) {
        duckdb_logical_type type = duckdb_type_of_column(parameter_types[i]);
        duckdb_scalar_function_add_parameter(f, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function_set_return_type(f, result);
    duckdb_destroy_logical_type(&result);
    duckdb_scalar_function_set_volatile(f);
    duckdb_scalar_function_set_special_handling(f);
    sink_function *extra = memory_alloc(sizeof *extra);
    *extra = (sink_function){ sink, context };
    duckdb_scalar_function_set_extra_info(f, extra, free);
    duckdb_scalar_function_set_function(f, run_sink);
    return register_function(e, f, name, err);
}

typedef struct encode_function {
    sql_encode encode;
    void *context;
} encode_function;

/* Texts that wait to be encoded, and the rows that each stands for. */
enum { ENCODE_BLOCK = 512 };
typedef struct encode_block {
    str texts[ENCODE_BLOCK];
    size_t text_count, row_count;
    uint32_t rows[ENCODE_BLOCK], text_of[ENCODE_BLOCK];
} encode_block;

static void encode_rows(const encode_function *f, encode_block *b, int64_t *out)
{
    uint32_t codes[ENCODE_BLOCK];
    f->encode(f->context, b->texts, b->text_count, codes);
    for (size_t i = 0; i < b->row_count; i++)
        out[b->rows[i]] = codes[b->text_of[i]];
    b->text_count = b->row_count = 0;
}

/* The dictionary's null slot holds garbage: the validity mask must be asked for every row. */
static void run_encode(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const encode_function *f = duckdb_scalar_function_get_extra_info(info);
    size_t rows = (size_t)duckdb_data_chunk_get_size(input);
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    duckdb_string_t *in = duckdb_vector_get_data(vector);
    const uint64_t *valid = duckdb_vector_get_validity(vector);
    int64_t *out = duckdb_vector_get_data(output);
    uint64_t *out_valid = NULL;
    encode_block b;
    b.text_count = b.row_count = 0;
    if (valid) {
        duckdb_vector_ensure_validity_writable(output);
        out_valid = duckdb_vector_get_validity(output);
    }
    for (size_t i = 0; i < rows; i++) {
        if (valid && !(valid[i / 64] >> (i % 64) & 1)) {
            out_valid[i / 64] &= ~(1ull << (i % 64));
            out[i] = 0;
            continue;
        }
        str text = { duckdb_string_t_data(&in[i]), duckdb_string_t_length(in[i]) };
        const str *last = b.text_count ? &b.texts[b.text_count - 1] : NULL;
        /* runs of one value share its bytes */
        if (!last || text.data != last->data || text.len != last->len)
            b.texts[b.text_count++] = text;
        b.rows[b.row_count] = (uint32_t)i;
        b.text_of[b.row_count++] = (uint32_t)(b.text_count - 1);
        if (b.row_count == ENCODE_BLOCK)
            encode_rows(f, &b, out);
    }
    if (b.row_count)
        encode_rows(f, &b, out);
}

typedef struct row_function {
    sql_row_text text;
    sql_row_time time;
    void *context;
} row_function;

static void run_row_text(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const row_function *f = duckdb_scalar_function_get_extra_info(info);
    size_t rows = (size_t)duckdb_data_chunk_get_size(input);
    const int64_t *x = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const int64_t *y = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    char text[SQL_ROW_TEXT_BYTES];
    for (size_t i = 0; i < rows; i++) {
        size_t len = f->text(f->context, x[i], y[i], text);
        duckdb_vector_assign_string_element_len(output, i, text, len);
    }
}

static void run_row_time(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const row_function *f = duckdb_scalar_function_get_extra_info(info);
    size_t rows = (size_t)duckdb_data_chunk_get_size(input);
    const int64_t *x = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    int64_t *out = duckdb_vector_get_data(output);
    for (size_t i = 0; i < rows; i++)
        out[i] = f->time(f->context, x[i]);
}

static bool register_row_function(sql_engine *e, const char *name, const row_function *rule,
                                  error *err)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type result =
        duckdb_create_logical_type(rule->text ? DUCKDB_TYPE_VARCHAR : DUCKDB_TYPE_TIMESTAMP);
    duckdb_scalar_function_set_name(f, name);
    duckdb_scalar_function_add_parameter(f, number);
    if (rule->text)
        duckdb_scalar_function_add_parameter(f, number);
    duckdb_scalar_function_set_return_type(f, result);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_logical_type(&result);
    row_function *extra = memory_alloc(sizeof *extra);
    *extra = *rule;
    duckdb_scalar_function_set_extra_info(f, extra, free);
    duckdb_scalar_function_set_function(f, rule->text ? run_row_text : run_row_time);
    return register_function(e, f, name, err);
}

bool sql_register_row_text(sql_engine *e, const char *name, sql_row_text text, void *context,
                           error *err)
{
    return register_row_function(e, name, &(row_function){ .text = text, .context = context }, err);
}

bool sql_register_row_time(sql_engine *e, const char *name, sql_row_time time, void *context,
                           error *err)
{
    return register_row_function(e, name, &(row_function){ .time = time, .context = context }, err);
}

typedef struct filter_function {
    sql_row_filter filter;
    void *context;
} filter_function;

static void run_filter(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const filter_function *f = duckdb_scalar_function_get_extra_info(info);
    f->filter(f->context, duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0)),
              duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1)),
              (size_t)duckdb_data_chunk_get_size(input), duckdb_vector_get_data(output));
}

bool sql_register_row_filter(sql_engine *e, const char *name, sql_row_filter filter, void *context,
                             error *err)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_name(f, name);
    duckdb_scalar_function_add_parameter(f, number);
    duckdb_scalar_function_add_parameter(f, number);
    duckdb_scalar_function_set_return_type(f, result);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_logical_type(&result);
    filter_function *extra = memory_alloc(sizeof *extra);
    *extra = (filter_function){ filter, context };
    duckdb_scalar_function_set_extra_info(f, extra, free);
    duckdb_scalar_function_set_function(f, run_filter);
    return register_function(e, f, name, err);
}

bool sql_register_encode(sql_engine *e, const char *name, sql_encode encode, void *context,
                         error *err)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(f, name);
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function_add_parameter(f, text);
    duckdb_scalar_function_set_return_type(f, number);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&number);
    duckdb_scalar_function_set_special_handling(f);
    encode_function *extra = memory_alloc(sizeof *extra);
    *extra = (encode_function){ encode, context };
    duckdb_scalar_function_set_extra_info(f, extra, free);
    duckdb_scalar_function_set_function(f, run_encode);
    return register_function(e, f, name, err);
}
