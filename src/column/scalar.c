/* Functions of texts that C code offers to SQL. */
#include "column/scalar.h"

#include "column/internal.h"

enum { MOST_PARAMETERS = 4 };

static bool is_null_at(const uint64_t *valid, size_t row)
{
    return valid && !(valid[row / 64] >> (row % 64) & 1);
}

static void put_result(const sql_scalar_function *f, duckdb_vector output, size_t row,
                       const char *text, size_t len, int64_t number)
{
    if (f->result == COLUMN_STRING)
        duckdb_vector_assign_string_element_len(output, row, text, len);
    else if (f->result == COLUMN_BOOL)
        ((bool *)duckdb_vector_get_data(output))[row] = number != 0;
    else
        ((int64_t *)duckdb_vector_get_data(output))[row] = number;
}

static void run_scalar(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const sql_scalar_function *f = duckdb_scalar_function_get_extra_info(info);
    size_t rows = (size_t)duckdb_data_chunk_get_size(input);
    duckdb_string_t *texts[MOST_PARAMETERS];
    const uint64_t *valid[MOST_PARAMETERS];
    for (size_t k = 0; k < f->parameter_count; k++) {
        duckdb_vector v = duckdb_data_chunk_get_vector(input, k);
        texts[k] = duckdb_vector_get_data(v);
        valid[k] = duckdb_vector_get_validity(v);
    }
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *out_valid = duckdb_vector_get_validity(output);
    for (size_t i = 0; i < rows; i++) {
        str in[MOST_PARAMETERS];
        char text[SQL_SCALAR_TEXT_BYTES];
        size_t len = 0;
        int64_t number = 0;
        bool has_value = true;
        for (size_t k = 0; k < f->parameter_count && has_value; k++) {
            has_value = !is_null_at(valid[k], i);
            if (has_value)
                in[k] = (str){ duckdb_string_t_data(&texts[k][i]),
                               duckdb_string_t_length(texts[k][i]) };
        }
        has_value = has_value && f->call(f->context, in, text, &len, &number);
        if (has_value)
            put_result(f, output, i, text, len, number);
        else
            out_valid[i / 64] &= ~(1ull << (i % 64));
    }
}

bool sql_register_scalar(sql_engine *e, const sql_scalar_function *rule, error *err)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type result = duckdb_type_of_column(rule->result);
    duckdb_scalar_function_set_name(f, rule->name);
    for (size_t i = 0; i < rule->parameter_count; i++)
        duckdb_scalar_function_add_parameter(f, text);
    duckdb_scalar_function_set_return_type(f, result);
    duckdb_scalar_function_set_special_handling(f);
    duckdb_scalar_function_set_extra_info(f, (void *)(uintptr_t)rule, NULL);
    duckdb_scalar_function_set_function(f, run_scalar);
    bool works = duckdb_register_scalar_function(sql_engine_registrar(e), f) == DuckDBSuccess;
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&result);
    duckdb_destroy_scalar_function(&f);
    return works ? true
                 : fail(err, ERR_CONFLICT, "a function %s is already registered", rule->name);
}
