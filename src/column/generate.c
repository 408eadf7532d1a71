/* The table function over a generator. Texts of a small dictionary are DuckDB ENUMs, which its
 * Parquet writer stores as dictionaries as they are; of a large one, of which a file has few, they
 * are plain texts. */
#include "column/generate.h"

#include <assert.h>
#include <stdlib.h>

#include "column/internal.h"

enum { MOST_COLUMNS = 64, LARGEST_ENUM = 1000 };

typedef struct generator {
    const generate_column *columns;
    size_t column_count;
    generate_fill fill;
    void *context;
} generator;

typedef struct position {
    uint64_t next, end;
    uint32_t *codes[MOST_COLUMNS];
    uint8_t *nulls[MOST_COLUMNS];
} position;

static bool is_enum(const generate_column *c)
{
    return c->type == COLUMN_STRING && c->dictionary_count <= LARGEST_ENUM;
}

static duckdb_logical_type type_of(const generate_column *c)
{
    if (!is_enum(c))
        return duckdb_type_of_column(c->type);
    AUTO(arena_free) arena *scratch = arena_new();
    const char **names = arena_array_of(scratch, const char *, c->dictionary_count);
    for (uint32_t i = 0; i < c->dictionary_count; i++)
        names[i] = str_to_c(scratch, c->dictionary[i]);
    return duckdb_create_enum_type(names, c->dictionary_count);
}

static void bind_generator(duckdb_bind_info info)
{
    const generator *g = duckdb_bind_get_extra_info(info);
    position *p = memory_alloc(sizeof *p);
    duckdb_value first = duckdb_bind_get_parameter(info, 0),
                 count = duckdb_bind_get_parameter(info, 1);
    p->next = (uint64_t)duckdb_get_int64(first);
    p->end = p->next + (uint64_t)duckdb_get_int64(count);
    duckdb_destroy_value(&first);
    duckdb_destroy_value(&count);
    duckdb_bind_set_bind_data(info, p, free);
    for (size_t i = 0; i < g->column_count; i++) {
        AUTO(arena_free) arena *scratch = arena_new();
        duckdb_logical_type type = type_of(&g->columns[i]);
        duckdb_bind_add_result_column(info, str_to_c(scratch, g->columns[i].name), type);
        duckdb_destroy_logical_type(&type);
    }
}

static void free_position(void *x)
{
    position *p = x;
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        free(p->codes[i]);
        free(p->nulls[i]);
    }
    free(p);
}

static void start_generator(duckdb_init_info info)
{
    const position *given = duckdb_init_get_bind_data(info);
    position *p = memory_alloc(sizeof *p);
    p->next = given->next;
    p->end = given->end;
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        p->codes[i] = memory_alloc(BATCH_ROWS * sizeof(uint32_t));
        p->nulls[i] = memory_alloc(BATCH_ROWS);
    }
    duckdb_init_set_max_threads(info, 1);
    duckdb_init_set_init_data(info, p, free_position);
}

/* ENUM vectors hold codes of 1 or 2 bytes by the size of the dictionary. */
static void write_texts(const generate_column *c, const uint32_t *codes, size_t rows,
                        duckdb_vector v)
{
    void *out = duckdb_vector_get_data(v);
    for (size_t i = 0; i < rows; i++) {
        str text = c->dictionary[codes[i]];
        if (!is_enum(c))
            duckdb_vector_assign_string_element_len(v, i, text.data, text.len);
        else if (c->dictionary_count <= UINT8_MAX)
            ((uint8_t *)out)[i] = (uint8_t)codes[i];
        else
            ((uint16_t *)out)[i] = (uint16_t)codes[i];
    }
}

static void write_nulls(duckdb_vector v, const uint8_t *nulls, size_t rows)
{
    if (!memchr(nulls, 1, rows))
        return;
    duckdb_vector_ensure_validity_writable(v);
    uint64_t *valid = duckdb_vector_get_validity(v);
    for (size_t i = 0; i < rows; i++)
        if (nulls[i])
            valid[i / 64] &= ~(1ull << (i % 64));
}

static void fill_chunk(duckdb_function_info info, duckdb_data_chunk output)
{
    const generator *g = duckdb_function_get_extra_info(info);
    position *p = duckdb_function_get_init_data(info);
    size_t rows = p->end - p->next < BATCH_ROWS ? (size_t)(p->end - p->next) : BATCH_ROWS;
    void *data[MOST_COLUMNS];
    for (size_t i = 0; i < g->column_count; i++) {
        data[i] = g->columns[i].type == COLUMN_STRING
                      ? (void *)p->codes[i]
                      : duckdb_vector_get_data(duckdb_data_chunk_get_vector(output, i));
        memset(p->nulls[i], 0, rows);
    }
    if (rows)
        g->fill(g->context, p->next, rows, data, p->nulls);
    for (size_t i = 0; i < g->column_count; i++) {
        duckdb_vector v = duckdb_data_chunk_get_vector(output, i);
        if (g->columns[i].type == COLUMN_STRING)
            write_texts(&g->columns[i], p->codes[i], rows, v);
        write_nulls(v, p->nulls[i], rows);
    }
    p->next += rows;
    duckdb_data_chunk_set_size(output, rows);
}

bool sql_register_generator(sql_engine *e, const char *name, const generate_column *columns,
                            size_t column_count, generate_fill fill, void *context, error *err)
{
    assert(column_count <= MOST_COLUMNS);
    generator *g = memory_alloc(sizeof *g);
    *g = (generator){ columns, column_count, fill, context };
    duckdb_table_function f = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(f, name);
    duckdb_table_function_add_parameter(f, number);
    duckdb_table_function_add_parameter(f, number);
    duckdb_destroy_logical_type(&number);
    duckdb_table_function_set_extra_info(f, g, free);
    duckdb_table_function_set_bind(f, bind_generator);
    duckdb_table_function_set_init(f, start_generator);
    duckdb_table_function_set_function(f, fill_chunk);
    bool works = duckdb_register_table_function(sql_engine_registrar(e), f) == DuckDBSuccess;
    duckdb_destroy_table_function(&f);
    return works ? true
                 : fail(err, ERR_CONFLICT, "a table function %s is already registered", name);
}
