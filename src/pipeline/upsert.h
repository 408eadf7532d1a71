/* Rows into a table with a primary key: one live row for each key, the one with the latest event
 * time; the rows it replaces are deleted by position, or by deletion vectors in format version 3.
 */
#pragma once

#include "pipeline/run_internal.h"

typedef struct upsert {
    job *job;
    arena *arena;
    const iceberg_table *target;
    const iceberg_schema *schema; /* of the target, after evolution */
    str rows_sql;     /* columns as in `schema`, and "_order" when that is the order column */
    str order_column; /* of the rows; empty: later runs win */
    bool has_deletes; /* "_delete" says which rows only take out the row of their key */
    str output_prefix;
    file_vec *files; /* data and delete files are added */
    /* for the change: vectors that new ones replace, data files that deletes point into */
    file_vec replaced_vectors;
    VEC(str) hit_files;
} upsert;

NODISCARD bool upsert_write(upsert *u, error *err);
/* The change stands: bring the key index up to `after`. Never fails: an index that cannot follow is
 * built again. */
void upsert_committed(upsert *u, const iceberg_table *after);
