/* What the files of this folder share: DuckDB's handles. */
#pragma once

#include <duckdb.h>

#include "column/sql.h"

duckdb_database sql_engine_database(sql_engine *e);
/* A connection of the engine for registering functions; under the engine's lock. */
duckdb_connection sql_engine_registrar(sql_engine *e);
duckdb_connection sql_connection_handle(sql_connection *c);

/* The column type that DuckDB's type is shown as; false for types that have none. */
bool column_type_of_duckdb(duckdb_type type, column_type *ret_type);
/* Fill `ret` from a vector of `rows` rows; conversions and nested values go to `a`. */
void column_of_vector(duckdb_vector vector, size_t rows, arena *a, column *ret);
/* DuckDB's error as ours. */
bool fail_duckdb(error *err, duckdb_error_type type, const char *text);
/* DuckDB's type for one of ours; destroy it with duckdb_destroy_logical_type. */
duckdb_logical_type duckdb_type_of_column(column_type type);

struct time_zone;
/* NULL: the system has no such zone. */
const struct time_zone *temporal_zone_find(str name);
