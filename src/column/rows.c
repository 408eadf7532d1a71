/* The table function behind relations that C code makes. */
#include "column/rows.h"

#include <stdlib.h>

#include "column/internal.h"

typedef struct rows_function {
    sql_rows_maker maker;
    void *context;
} rows_function;

/* What one query reads. */
typedef struct rows_bound {
    arena *arena;
    sql_rows rows;
} rows_bound;

typedef struct rows_place {
    size_t next;
} rows_place;

static void free_bound(void *bound)
{
    arena_free(((rows_bound *)bound)->arena);
    free(bound);
}

static void bind_rows(duckdb_bind_info info)
{
    const rows_function *f = duckdb_bind_get_extra_info(info);
    duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
    char *which = duckdb_get_varchar(parameter);
    rows_bound *b = memory_alloc(sizeof *b);
    error err = { 0 };
    b->arena = arena_new();
    bool works = f->maker(f->context, b->arena, str_of(which), &b->rows, &err);
    duckdb_free(which);
    duckdb_destroy_value(&parameter);
    if (!works) {
        duckdb_bind_set_error(info, err.message);
        free_bound(b);
        return;
    }
    for (size_t i = 0; i < b->rows.column_count; i++) {
        duckdb_logical_type type = duckdb_type_of_column(b->rows.types[i]);
        duckdb_bind_add_result_column(info, str_to_c(b->arena, b->rows.names[i]), type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_cardinality(info, b->rows.row_count, true);
    duckdb_bind_set_bind_data(info, b, free_bound);
}

static void init_rows(duckdb_init_info info)
{
    duckdb_init_set_max_threads(info, 1);
    duckdb_init_set_init_data(info, memory_alloc(sizeof(rows_place)), free);
}

static void put_cell(duckdb_vector vector, size_t row, column_type type, const value *v)
{
    void *data = duckdb_vector_get_data(vector);
    if (v->kind == VALUE_NULL) {
        duckdb_vector_ensure_validity_writable(vector);
        duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
        return;
    }
    switch (type) {
    case COLUMN_BOOL: ((bool *)data)[row] = v->boolean; break;
    case COLUMN_DOUBLE: ((double *)data)[row] = value_to_double(v); break;
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP: ((int64_t *)data)[row] = v->integer; break;
    default:
        duckdb_vector_assign_string_element_len(vector, row, v->text.len ? v->text.data : "",
                                                v->text.len);
    }
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk output)
{
    const rows_bound *b = duckdb_function_get_bind_data(info);
    rows_place *place = duckdb_function_get_init_data(info);
    size_t left = b->rows.row_count - place->next, room = duckdb_vector_size();
    size_t count = left < room ? left : room;
    for (size_t i = 0; i < b->rows.column_count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(output, i);
        for (size_t r = 0; r < count; r++)
            put_cell(vector, r, b->rows.types[i],
                     &b->rows.cells[(place->next + r) * b->rows.column_count + i]);
    }
    place->next += count;
    duckdb_data_chunk_set_size(output, count);
}

bool sql_register_rows(sql_engine *e, const char *name, sql_rows_maker maker, void *context,
                       error *err)
{
    duckdb_table_function f = duckdb_create_table_function();
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    rows_function *extra = memory_alloc(sizeof *extra);
    *extra = (rows_function){ maker, context };
    duckdb_table_function_set_name(f, name);
    duckdb_table_function_add_parameter(f, text);
    duckdb_table_function_set_extra_info(f, extra, free);
    duckdb_table_function_set_bind(f, bind_rows);
    duckdb_table_function_set_init(f, init_rows);
    duckdb_table_function_set_function(f, scan_rows);
    bool works = duckdb_register_table_function(sql_engine_registrar(e), f) == DuckDBSuccess;
    duckdb_destroy_table_function(&f);
    duckdb_destroy_logical_type(&text);
    return works ? true : fail(err, ERR_CONFLICT, "a relation %s is already registered", name);
}
