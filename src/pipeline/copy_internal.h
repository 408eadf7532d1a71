/* What the files of a COPY run share. */
#pragma once

#include "column/text.h"
#include "pipeline/run_internal.h"

#define EVENT_DATE "$event_date"
#define EVENT_TIME "$event_time"

/* An object of the run. */
typedef struct run_object {
    state_object object;
    str path;
    bool is_text, is_good;
    char fault[ERROR_MESSAGE_BYTES];
    size_t shape; /* of Parquet: index into the run's shapes */
} run_object;

/* Parquet files with the same columns. */
typedef struct shape {
    str signature;
    size_t column_count;
    str *names, *types; /* DuckDB's names of types */
} shape;

/* A run under way. */
typedef struct copy {
    job *job;
    arena *arena;
    const iceberg_table *table;
    run_object *objects;
    size_t object_count;
    VEC(shape) shapes;
    const iceberg_schema *schema; /* after evolution */
    bool has_new_columns;
    str output_prefix;
    file_vec files;
    int64_t rows;
    bool has_faults; /* the fast path has marked a file */
} copy;

/* The column transformations of the job, or NULL. */
const option *copy_transformations(const job *j);
/* What a column that arrives with DuckDB type `type` is in the table: flow-log fields have their
 * own types. */
bool copy_arriving_type(arena *a, str name, str type, const iceberg_type **ret, error *err);
void copy_set_fault(run_object *o, const char *why);
/* RFC 9562 version 8: 60 bits of the hash of the object's URI, 2 more in the variant's byte, then
 * the row. The same object and row give the same key whenever they are loaded; 36 characters. */
void copy_row_key(uint64_t object_hash, uint64_t row, char *ret_text);

/* ---- copy_fast.c: files that have the table's columns ---- */

/* Which of the objects, all of them good Parquet files, can be taken over page by page: their
 * number; they come first in `objects`. */
size_t copy_fast_find(copy *c, size_t *objects, size_t count);
/* Write them to data files of the day. A file that proves damaged is marked, `c->has_faults` set,
 * and the result false. */
bool copy_fast_write(copy *c, int32_t day, const size_t *objects, size_t count, str name,
                     error *err);
/* Whether the records of a text scan can be written without SQL; and that: `first` is the object of
 * the scan's first file. A file that proves bad has its fault known to the scan. */
bool copy_fast_can_write_text(copy *c, const text_scan *scan);
bool copy_fast_write_text(copy *c, int32_t day, text_scan *scan, size_t first, size_t count,
                          str name, error *err);
