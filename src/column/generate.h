/* Rows that C code makes up, as a table function: for generators of test data. */
#pragma once

#include "column/sql.h"

typedef struct generate_column {
    str name;
    column_type type; /* COLUMN_INT32, COLUMN_INT64; COLUMN_STRING: codes into `dictionary` */
    const str
        *dictionary; /* small ones are written to Parquet as they are, without hashing a text */
    uint32_t dictionary_count;
} generate_column;

/* Fill rows [first, first + rows). `data[c]`: int32_t, int64_t or uint32_t codes; `is_null[c][i]`
 * may be set to 1. Must depend on nothing but `context` and the row's number; called from several
 * threads. */
typedef void (*generate_fill)(void *context, uint64_t first, size_t rows, void *const *data,
                              uint8_t *const *is_null);

/* Makes `name(first BIGINT, count BIGINT)` a table function. `columns` must outlive the engine's
 * use of it. */
NODISCARD bool sql_register_generator(sql_engine *e, const char *name,
                                      const generate_column *columns, size_t column_count,
                                      generate_fill fill, void *context, error *err);
