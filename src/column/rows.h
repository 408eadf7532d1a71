/* Rows that C code makes, as a relation in SQL: SELECT … FROM name('which'). */
#pragma once

#include "column/sql.h"

typedef struct sql_rows {
    const str *names;
    const column_type *types; /* BOOL, INT64, DOUBLE, TIMESTAMP or STRING */
    size_t column_count, row_count;
    const value *cells; /* row after row; of the column's kind or null */
} sql_rows;

/* Make the rows of `which` in `a`, as they are now: called when a query is prepared. From any
 * thread. */
typedef bool (*sql_rows_maker)(void *context, arena *a, str which, sql_rows *ret, error *err);
/* Once an engine, before the first query that names it. */
NODISCARD bool sql_register_rows(sql_engine *e, const char *name, sql_rows_maker maker,
                                 void *context, error *err);
