/* C functions in SQL: sinks that take rows in parallel, encoders that run once per distinct text. */
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

bool sql_register_sink(sql_engine *e, const char *name, const column_type *parameter_types, size_t type_count,
                       sql_sink sink, void *context, error *err)
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
        out[i] = f->encode(f->context, (str){ duckdb_string_t_data(&in[i]), duckdb_string_t_length(in[i]) });
    }
}

bool sql_register_encode(sql_engine *e, const char *name, sql_encode encode, void *context, error *err)
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
