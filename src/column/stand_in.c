/* The table functions behind stand-ins: columns of given types, no rows, no statistics. DuckDB's
 * optimizer moves conditions down to them and can do no more: a table function of the C interface
 * takes no filters, so they stand in a FILTER just above it. */
#include "column/stand_in.h"

#include <stdio.h>

#include "column/internal.h"

/* Types that a stand-in has as they are. */
static const struct {
    const char *name;
    duckdb_type type;
} plain_types[] = {
    { "BOOLEAN", DUCKDB_TYPE_BOOLEAN },
    { "INTEGER", DUCKDB_TYPE_INTEGER },
    { "BIGINT", DUCKDB_TYPE_BIGINT },
    { "FLOAT", DUCKDB_TYPE_FLOAT },
    { "DOUBLE", DUCKDB_TYPE_DOUBLE },
    { "DATE", DUCKDB_TYPE_DATE },
    { "TIME", DUCKDB_TYPE_TIME },
    { "TIMESTAMP", DUCKDB_TYPE_TIMESTAMP },
    { "TIMESTAMP_NS", DUCKDB_TYPE_TIMESTAMP_NS },
    { "TIMESTAMPTZ", DUCKDB_TYPE_TIMESTAMP_TZ },
    { "TIMESTAMP WITH TIME ZONE", DUCKDB_TYPE_TIMESTAMP_TZ },
    { "VARCHAR", DUCKDB_TYPE_VARCHAR },
    { "UUID", DUCKDB_TYPE_UUID },
    { "BLOB", DUCKDB_TYPE_BLOB },
};

/* "DECIMAL(18,2)" */
static bool read_decimal(str type, int64_t *ret_width, int64_t *ret_scale)
{
    str rest = type;
    if (!str_starts_with(type, STR("DECIMAL(")) || !str_ends_with(type, STR(")")))
        return false;
    rest = str_slice(rest, strlen("DECIMAL("), rest.len - 1);
    str width = str_cut(&rest, ',');
    return str_to_i64(str_trim(width), ret_width) && str_to_i64(str_trim(rest), ret_scale) &&
           *ret_width >= 1 && *ret_width <= 38 && *ret_scale >= 0 && *ret_scale <= *ret_width;
}

/* A text for any type that is not in the table. */
static duckdb_logical_type type_of(str name, bool *ret_is_text)
{
    int64_t width, scale;
    *ret_is_text = false;
    for (size_t i = 0; i < ARRAY_LEN(plain_types); i++)
        if (str_eq(name, str_of(plain_types[i].name)))
            return duckdb_create_logical_type(plain_types[i].type);
    if (read_decimal(name, &width, &scale))
        return duckdb_create_decimal_type((uint8_t)width, (uint8_t)scale);
    *ret_is_text = true;
    return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}

static bool is_plain(str name)
{
    bool is_text;
    duckdb_logical_type type = type_of(name, &is_text);
    duckdb_destroy_logical_type(&type);
    return !is_text;
}

str stand_in_sql(arena *a, size_t number, const str *names, const str *types, size_t count)
{
    strbuf b = strbuf_new(a), all = strbuf_new(a);
    strbuf_add_c(&b, "(SELECT ");
    for (size_t i = 0; i < count; i++) {
        bool is_cast = !is_plain(types[i]);
        if (is_cast)
            strbuf_format(&b, "%sCAST(f%zu AS " STR_FMT ") AS ", i ? ", " : "", i,
                          STR_ARG(types[i]));
        else
            strbuf_format(&b, "%sf%zu AS ", i ? ", " : "", i);
        strbuf_add_sql_name(&b, names[i]);
        strbuf_format(&all, "%s" STR_FMT, i ? ";" : "",
                      STR_ARG(is_cast ? STR("VARCHAR") : types[i]));
    }
    strbuf_format(&b, " FROM " STAND_IN_NAME "%zu(", number);
    strbuf_add_sql_text(&b, strbuf_str(&all));
    strbuf_add_c(&b, "))");
    return strbuf_str(&b);
}

static void bind_stand_in(duckdb_bind_info info)
{
    duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
    char *types = duckdb_get_varchar(parameter), name[24];
    str rest = str_of(types);
    for (size_t i = 0; rest.len; i++) {
        bool is_text;
        duckdb_logical_type type = type_of(str_cut(&rest, ';'), &is_text);
        snprintf(name, sizeof name, "f%zu", i);
        duckdb_bind_add_result_column(info, name, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_cardinality(info, 1000000, false);
    duckdb_free(types);
    duckdb_destroy_value(&parameter);
}

static void start_stand_in(duckdb_init_info info)
{
    duckdb_init_set_max_threads(info, 1);
}

static void no_rows(duckdb_function_info info, duckdb_data_chunk output)
{
    (void)info;
    duckdb_data_chunk_set_size(output, 0);
}

bool stand_in_register(sql_engine *e, error *err)
{
    char name[32];
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    bool works = true;
    for (size_t i = 0; works && i < STAND_INS; i++) {
        duckdb_table_function f = duckdb_create_table_function();
        snprintf(name, sizeof name, STAND_IN_NAME "%zu", i);
        duckdb_table_function_set_name(f, name);
        duckdb_table_function_add_parameter(f, text);
        duckdb_table_function_set_bind(f, bind_stand_in);
        duckdb_table_function_set_init(f, start_stand_in);
        duckdb_table_function_set_function(f, no_rows);
        works = duckdb_register_table_function(sql_engine_registrar(e), f) == DuckDBSuccess;
        duckdb_destroy_table_function(&f);
    }
    duckdb_destroy_logical_type(&text);
    return works ? true : fail(err, ERR_CORRUPT, "DuckDB refused the function " STAND_IN_NAME);
}
