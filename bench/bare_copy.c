/* One SQL statement through a bare DuckDB, at its defaults: what the load is measured against. */
#include <duckdb.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    duckdb_database database;
    duckdb_connection connection;
    duckdb_result result;
    if (argc != 2 || duckdb_open(NULL, &database) != DuckDBSuccess ||
        duckdb_connect(database, &connection) != DuckDBSuccess)
        return 2;
    if (duckdb_query(connection, argv[1], &result) != DuckDBSuccess) {
        fprintf(stderr, "%s\n", duckdb_result_error(&result));
        return 1;
    }
    duckdb_destroy_result(&result);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return 0;
}
