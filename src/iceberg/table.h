/* A table at one version of its metadata: what it holds, and how to change it. Source: Iceberg
 * spec, "Table Metadata", "Snapshots", "Manifests". */
#pragma once

#include "iceberg/schema.h"
#include "store/store.h"

typedef struct iceberg_snapshot {
    int64_t id, parent_id; /* parent_id -1: none */
    int64_t sequence_number;
    int64_t timestamp_ms;
    str manifest_list; /* URI */
    str operation;     /* append, replace, overwrite, delete */
    int32_t schema_id;
    /* Whole summary with operation left out, in order. */
    const str *summary_keys, *summary_values;
    size_t summary_count;
} iceberg_snapshot;

/* Immutable; lives in the arena it was read into. Safe to read from several threads. */
typedef struct iceberg_table iceberg_table;

/* Parse the metadata file at `metadata_uri`. ERR_CORRUPT names the file and the JSON path at fault.
 */
NODISCARD bool iceberg_table_read(store *s, arena *a, str name, str metadata_uri,
                                  iceberg_table **ret_table, error *err);

str iceberg_table_name(const iceberg_table *t); /* "namespace.table", for messages */
str iceberg_table_uuid(const iceberg_table *t);
str iceberg_table_location(const iceberg_table *t); /* URI without '/' at the end */
str iceberg_table_metadata_uri(const iceberg_table *t);
store *iceberg_table_store(const iceberg_table *t);
const iceberg_schema *iceberg_table_schema(const iceberg_table *t); /* current */
const iceberg_spec *iceberg_table_spec(const iceberg_table *t);     /* default */
const iceberg_spec *iceberg_table_spec_by_id(const iceberg_table *t, int32_t spec_id);
int32_t iceberg_table_last_column_id(const iceberg_table *t);
str iceberg_table_property(const iceberg_table *t, str key, str otherwise);
/* NULL when the table has no rows yet. Snapshots are in the order of the metadata file, oldest
 * first. */
const iceberg_snapshot *iceberg_table_current(const iceberg_table *t);
size_t iceberg_table_snapshot_count(const iceberg_table *t);
const iceberg_snapshot *iceberg_table_snapshot_at(const iceberg_table *t, size_t i);
const iceberg_snapshot *iceberg_table_snapshot_by_id(const iceberg_table *t, int64_t id);
str iceberg_snapshot_summary(const iceberg_snapshot *s, str key); /* empty when absent */

/* ---- Files ---- */

typedef enum iceberg_content {
    ICEBERG_DATA = 0,
    ICEBERG_POSITION_DELETES = 1,
    ICEBERG_EQUALITY_DELETES = 2
} iceberg_content;

/* Statistics of one column of a file. Bounds are in the spec's single-value binary form; NULL data:
 * not known. */
typedef struct iceberg_column_stats {
    int32_t field_id;
    int64_t size_bytes, value_count, null_count, nan_count; /* -1: not known */
    str lower, upper;
} iceberg_column_stats;

typedef struct iceberg_file {
    iceberg_content content;
    str uri;
    str format; /* "PARQUET" */
    int32_t spec_id;
    const value *partition; /* one for each field of the spec; VALUE_NULL for null */
    int64_t row_count, size_bytes;
    int64_t sequence_number; /* data sequence number; inherited when read, ignored when added */
    int64_t snapshot_id;     /* that added it */
    const iceberg_column_stats *stats;
    size_t stats_count;
    int32_t sort_order_id;
    /* position deletes that name just one data file say so here; empty otherwise */
    str referenced_data_file;
} iceberg_file;

/* A live data file with the deletes that apply to it (by partition and sequence number). */
typedef struct iceberg_scan_file {
    iceberg_file file;
    const iceberg_file *const *deletes;
    size_t delete_count;
} iceberg_scan_file;

typedef struct iceberg_scan {
    const iceberg_scan_file *files;
    size_t file_count;
    const iceberg_file *delete_files; /* distinct */
    size_t delete_count;
    int64_t row_count; /* rows in the data files, deletes not subtracted */
} iceberg_scan;

/* Live files of a snapshot (`snapshot_id` -1: the current one), ordered by URI. Fails for equality
 * deletes only when a reader cannot apply them. */
NODISCARD bool iceberg_table_scan(const iceberg_table *t, arena *a, int64_t snapshot_id,
                                  iceberg_scan *ret_scan, error *err);
/* Data files that appends and row deltas added after `after_snapshot_id` (-1: from the beginning)
 * up to and including `to_snapshot_id`; files that "replace" snapshots rewrote are not new rows and
 * are left out. ERR_NOT_FOUND when `after_snapshot_id` is not an ancestor any more (expired). */
NODISCARD bool iceberg_table_added(const iceberg_table *t, arena *a, int64_t after_snapshot_id,
                                   int64_t to_snapshot_id, iceberg_scan *ret_scan, error *err);

/* ---- SQL ---- */

/* A parenthesised SELECT for DuckDB over a scan's rows, deletes applied. Columns by field id under
 * their current names, NULL where a file lacks one. With `has_position` two more columns stand at
 * the end: "_file" (the URI as the table has it) and "_pos" (row in the file, from 0). An empty
 * scan gives zero rows with the right columns. `columns`: names to select, in order; NULL with
 * count 0: all. */
NODISCARD bool iceberg_scan_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                                const str *columns, size_t column_count, bool has_position,
                                str *ret_sql, error *err);
/* The same with "_file_index" (BIGINT, from 0) in place of "_file": cheaper for a reader that
 * numbers rows. Files are numbered in the order of iceberg_scan_order. */
NODISCARD bool iceberg_scan_sql_numbered(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                                         const str *columns, size_t column_count, str *ret_sql,
                                         error *err);
/* Indexes into scan->files in the order of "_file_index": files without deletes first. `ret_order`
 * has room for file_count. */
void iceberg_scan_order(const iceberg_scan *scan, size_t *ret_order);

/* ---- Changes ---- */

/* What one commit does; built by the caller, read by `catalog_commit`. All fields may stay zero. */
typedef struct iceberg_change {
    str operation; /* "append", "overwrite" (row delta), "replace"; empty: no snapshot */
    const iceberg_file *added; /* data and delete files */
    size_t added_count;
    const str *removed_uris; /* data files taken out (overwrite, replace) */
    size_t removed_count;
    const iceberg_schema *schema;               /* new current schema, or NULL */
    const str *property_keys, *property_values; /* set; an empty value removes */
    size_t property_count;
    const str *summary_keys,
        *summary_values; /* put into the snapshot's summary beside the spec's counts */
    size_t summary_count;
    /* The change holds only if the table's current snapshot still is this one (row deltas computed
     * from it). ICEBERG_ANY_SNAPSHOT: it holds whatever others committed meanwhile (appends). -1:
     * only while there is none. */
    int64_t only_after_snapshot_id;
    int64_t commit_time_ms; /* 0: now */
} iceberg_change;

#define ICEBERG_ANY_SNAPSHOT INT64_MIN

/* Write manifests, manifest list and the next metadata file for `change` on top of `t`. Nothing
 * points at the new metadata until the catalog's swap; on failure the files that were written are
 * deleted. Used by catalog/. */
NODISCARD bool iceberg_table_apply(const iceberg_table *t, arena *a, const iceberg_change *change,
                                   iceberg_table **ret_table, error *err);
/* Delete what the last iceberg_table_apply wrote (the swap was lost). */
void iceberg_table_discard(const iceberg_table *base, const iceberg_table *unused);

typedef struct iceberg_definition {
    const iceberg_schema *schema;
    const iceberg_spec *spec; /* source_id by the ids in `schema` */
    str location;             /* URI */
    const str *property_keys, *property_values;
    size_t property_count;
} iceberg_definition;

/* Write the first metadata file (format version 2, no snapshot). Used by catalog/. */
NODISCARD bool iceberg_table_create(store *s, arena *a, str name,
                                    const iceberg_definition *definition, iceberg_table **ret_table,
                                    error *err);

/* Statistics and partition for a Parquet file that DuckDB just wrote, from one row of COPY …
 * (RETURN_STATS true). */
/* One column of it: `column_name` as DuckDB gives it, statistics in DuckDB's text form. */
typedef struct iceberg_written_stats {
    str column_name;
    str column_size_bytes, null_count, num_values, has_nan, min, max; /* empty: absent */
} iceberg_written_stats;
NODISCARD bool iceberg_file_of_written(const iceberg_table *t, arena *a,
                                       const iceberg_schema *schema, str uri, int64_t row_count,
                                       int64_t size_bytes, const iceberg_written_stats *stats,
                                       size_t stats_count, iceberg_file *ret_file, error *err);
