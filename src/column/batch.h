/* The waist of Floe: rows move between its parts as batches of typed columns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "column/value.h"

enum { BATCH_ROWS = 2048 }; /* the most rows in a batch; DuckDB's vector size */

typedef enum column_type {
    COLUMN_BOOL, /* uint8_t */
    COLUMN_INT32,
    COLUMN_INT64,
    COLUMN_FLOAT,
    COLUMN_DOUBLE,
    COLUMN_DECIMAL,   /* __int128, `scale` digits of it behind the point; also HUGEINT, with scale 0
                       */
    COLUMN_DATE,      /* int32_t, days since 1970-01-01 */
    COLUMN_TIME,      /* int64_t, microseconds of the day */
    COLUMN_TIMESTAMP, /* int64_t, microseconds since 1970-01-01 UTC */
    COLUMN_UUID,      /* 16 bytes a row, big endian */
    COLUMN_STRING,    /* str */
    COLUMN_BINARY,    /* str */
    COLUMN_VALUE,     /* value: lists, maps, structs, graph elements */
} column_type;

const char *column_type_name(column_type type); /* as SQL prints it: "BIGINT" */
size_t column_type_bytes(column_type type);     /* width of one row in `data` */

/* One column of a batch. Borrowed from whoever produced the batch. */
typedef struct column {
    column_type type;
    uint8_t scale;         /* of COLUMN_DECIMAL */
    const void *data;      /* rows × column_type_bytes(type); undefined where null */
    const uint64_t *valid; /* bit i set: row i is not null; NULL: no row is */
} column;

typedef struct batch {
    size_t rows; /* at most BATCH_ROWS unless the producer says otherwise */
    size_t column_count;
    column *columns;
} batch;

static inline bool column_is_null(const column *c, size_t row)
{
    return c->valid && !(c->valid[row / 64] >> (row % 64) & 1);
}
/* The cell as a value; text is borrowed from the batch. */
value column_value(const column *c, arena *a, size_t row);
/* The cell as people read it in a table or CSV; empty for null. Timestamps as "2024-04-18
 * 03:00:00". */
str column_text(const column *c, arena *a, size_t row);
