/* A table at one version of its metadata: what it holds, and how to change it. Source: Iceberg
 * spec, "Table Metadata", "Snapshots", "Manifests". */
#pragma once

#include "column/sql.h"
#include "iceberg/schema.h"
#include "store/store.h"

typedef struct iceberg_snapshot {
    int64_t id, parent_id; /* parent_id -1: none */
    int64_t sequence_number;
    int64_t timestamp_ms;
    str manifest_list; /* URI; empty in old tables of version 1, which name `manifests` instead */
    const str *manifests;
    size_t manifest_count;
    int64_t first_row_id; /* version 3; -1: none */
    str operation;        /* append, replace, overwrite, delete */
    int32_t schema_id;
    /* Whole summary with operation left out, in order. */
    const str *summary_keys, *summary_values;
    size_t summary_count;
} iceberg_snapshot;

/* A named snapshot: a tag stays, a branch moves with commits. -1: not set. */
typedef struct iceberg_ref {
    str name;
    bool is_tag;
    int64_t snapshot_id, max_ref_age_ms, max_snapshot_age_ms, min_snapshots;
} iceberg_ref;

/* Immutable; lives in the arena it was read into. Safe to read from several threads. */
typedef struct iceberg_table iceberg_table;

/* Parse the metadata file at `metadata_uri`. ERR_CORRUPT names the file and the JSON path at fault.
 */
NODISCARD bool iceberg_table_read(store *s, arena *a, str name, str metadata_uri,
                                  iceberg_table **ret_table, error *err);

/* The same of a metadata file's text at hand, as a REST catalog sends it. `text` is copied. */
NODISCARD bool iceberg_table_of_text(store *s, arena *a, str name, str metadata_uri, str text,
                                     iceberg_table **ret_table, error *err);

str iceberg_table_name(const iceberg_table *t); /* "namespace.table", for messages */
str iceberg_table_uuid(const iceberg_table *t);
str iceberg_table_location(const iceberg_table *t); /* URI without '/' at the end */
str iceberg_table_metadata_uri(const iceberg_table *t);
store *iceberg_table_store(const iceberg_table *t);
const iceberg_schema *iceberg_table_schema(const iceberg_table *t); /* current */
const iceberg_spec *iceberg_table_spec(const iceberg_table *t);     /* default */
const iceberg_spec *iceberg_table_spec_by_id(const iceberg_table *t, int32_t spec_id);
int32_t iceberg_table_format_version(const iceberg_table *t);
str iceberg_table_metadata_text(const iceberg_table *t); /* the metadata's JSON, whole */
const iceberg_sort_order *iceberg_table_sort_order(const iceberg_table *t); /* default */
/* NULL when there is no such schema (-1: the current one). */
const iceberg_schema *iceberg_table_schema_by_id(const iceberg_table *t, int32_t schema_id);
int32_t iceberg_table_last_column_id(const iceberg_table *t);
int32_t iceberg_table_last_partition_id(const iceberg_table *t);
str iceberg_table_property(const iceberg_table *t, str key, str otherwise);
/* All of them; the count. */
size_t iceberg_table_properties(const iceberg_table *t, const str **ret_keys,
                                const str **ret_values);
/* NULL when the table has no rows yet. Snapshots are in the order of the metadata file, oldest
 * first. */
const iceberg_snapshot *iceberg_table_current(const iceberg_table *t);
size_t iceberg_table_snapshot_count(const iceberg_table *t);
const iceberg_snapshot *iceberg_table_snapshot_at(const iceberg_table *t, size_t i);
const iceberg_snapshot *iceberg_table_snapshot_by_id(const iceberg_table *t, int64_t id);
const iceberg_ref *iceberg_table_refs(const iceberg_table *t, size_t *ret_count);
/* The snapshot that `as_of` names: a snapshot id, a branch or tag, or a time ("2024-04-18",
 * "2024-04-18 10:00:00", "2024-04-18T10:00:00Z": the newest snapshot of main not after it).
 * ERR_NOT_FOUND says what there is. */
NODISCARD bool iceberg_table_as_of(const iceberg_table *t, arena *a, str as_of,
                                   const iceberg_snapshot **ret_snapshot, error *err);
/* The same of a time only. */
NODISCARD bool iceberg_table_as_of_time(const iceberg_table *t, str time,
                                        const iceberg_snapshot **ret_snapshot, error *err);
/* The schema a snapshot was written with; the current one where it does not say. */
const iceberg_schema *iceberg_table_schema_of(const iceberg_table *t, const iceberg_snapshot *s);
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
    str format; /* "PARQUET"; "PUFFIN" of a deletion vector */
    int32_t spec_id;
    const value *partition; /* one for each field of the spec; VALUE_NULL for null */
    int64_t row_count, size_bytes;
    int64_t sequence_number; /* data sequence number; inherited when read, ignored when added */
    int64_t snapshot_id;     /* that added it */
    const iceberg_column_stats *stats;
    size_t stats_count;
    int32_t sort_order_id;
    /* deletion vectors, and position deletes that name just one data file, say so here */
    str referenced_data_file;
    int64_t content_offset, content_size; /* of a deletion vector in its Puffin file */
    int64_t first_row_id;                 /* version 3: of a data file; -1: none */
    const int32_t *equality_ids;          /* of equality deletes: the columns compared */
    size_t equality_count;
    const int64_t *split_offsets; /* of row groups, as the writer gave them */
    size_t split_count;
    str key_metadata; /* of an encrypted file: carried, not used */
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
    /* Columns that SQL over the scan has; NULL: the current schema's. For AS OF put the snapshot's
     * (iceberg_table_schema_of) here. */
    const iceberg_schema *schema;
    /* what planning passed over: manifests unread, data files in those that were read */
    size_t manifest_count, manifests_skipped, files_skipped;
    int64_t files_in_skipped_manifests;
} iceberg_scan;

typedef enum iceberg_compare {
    ICEBERG_LESS,
    ICEBERG_LESS_OR_EQUAL,
    ICEBERG_GREATER,
    ICEBERG_GREATER_OR_EQUAL,
    ICEBERG_IN, /* equal to one of the values */
    ICEBERG_STARTS_WITH,
    ICEBERG_IS_NULL,
    ICEBERG_IS_NOT_NULL,
} iceberg_compare;

/* On a top-level column. Values may be texts in their SQL form whatever the column's type. */
typedef struct iceberg_predicate {
    str column;
    iceberg_compare compare;
    const value *values;
    size_t value_count;
} iceberg_predicate;

/* Live files of a snapshot (`snapshot_id` -1: the current one), ordered by URI. */
NODISCARD bool iceberg_table_scan(const iceberg_table *t, arena *a, int64_t snapshot_id,
                                  iceberg_scan *ret_scan, error *err);
/* The same without files in which no row can satisfy all of `where`, by partition and bounds. Files
 * that stay may still hold rows that do not. */
NODISCARD bool iceberg_table_scan_where(const iceberg_table *t, arena *a, int64_t snapshot_id,
                                        const iceberg_predicate *where, size_t where_count,
                                        iceberg_scan *ret_scan, error *err);
/* The same as of a snapshot (NULL: the current one): `where` names columns of its schema, and the
 * scan has that schema. */
NODISCARD bool iceberg_table_scan_as_of(const iceberg_table *t, arena *a,
                                        const iceberg_snapshot *snapshot,
                                        const iceberg_predicate *where, size_t where_count,
                                        iceberg_scan *ret_scan, error *err);
/* Data files that appends and row deltas added after `after_snapshot_id` (-1: from the beginning)
 * up to and including `to_snapshot_id`; files that "replace" snapshots rewrote are not new rows and
 * are left out. ERR_NOT_FOUND when `after_snapshot_id` is not an ancestor any more (expired). */
NODISCARD bool iceberg_table_added(const iceberg_table *t, arena *a, int64_t after_snapshot_id,
                                   int64_t to_snapshot_id, iceberg_scan *ret_scan, error *err);

/* ---- Deletion vectors (format version 3) ---- */

/* Deleted rows of one data file as bits; `words` has row_count / 64 + 1 of them. */
typedef struct iceberg_deleted_rows {
    uint64_t row_count, deleted_count;
    uint64_t *words;
} iceberg_deleted_rows;

typedef struct iceberg_vector {
    const iceberg_file *data_file;
    iceberg_deleted_rows rows;
} iceberg_vector;

/* Read the vector `f` of a data file of `row_count` rows. */
NODISCARD bool iceberg_vector_read(const iceberg_table *t, arena *a, const iceberg_file *f,
                                   int64_t row_count, iceberg_deleted_rows *ret, error *err);
/* Write one Puffin file with a vector for each data file; `ret_files` (count of them) are the
 * delete files for a change. */
NODISCARD bool iceberg_vectors_write(const iceberg_table *t, arena *a, str uri,
                                     const iceberg_vector *vectors, size_t count,
                                     iceberg_file *ret_files, error *err);

/* ---- SQL ---- */

/* The functions that the SQL of this folder names; once an engine. */
NODISCARD bool iceberg_register_functions(sql_engine *e, error *err);
/* The partition value of a row in SQL; `column` is the source column's SQL of `type`. ERR_INVALID
 * for transforms of later versions. */
NODISCARD bool iceberg_transform_sql(arena *a, const iceberg_type *type,
                                     const iceberg_partition_field *f, str column, str *ret_sql,
                                     error *err);

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
/* A parenthesised SELECT of "file_path" and "pos", one row for each deleted row of the scan's
 * files; for readers that apply deletes themselves. `*ret_sql` empty: some deletes are of another
 * form. */
NODISCARD bool iceberg_deletes_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                                   str *ret_sql, error *err);
/* All columns, and in tables of version 3 behind them "_row_id" and
 * "_last_updated_sequence_number": what a rewrite must carry over. */
NODISCARD bool iceberg_scan_sql_lineage(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                                        str *ret_sql, error *err);
/* Indexes into scan->files in the order of "_file_index": files without deletes first. `ret_order`
 * has room for file_count. */
void iceberg_scan_order(const iceberg_scan *scan, size_t *ret_order);

/* ---- Changes ---- */

/* What one commit does; built by the caller, read by `catalog_commit`. All fields may stay zero. */
typedef struct iceberg_change {
    str operation; /* "append", "overwrite" (row delta), "replace", "delete"; empty: no snapshot */
    str branch;    /* that moves; empty: main */
    const iceberg_file *added; /* data and delete files */
    size_t added_count;
    /* Data sequence number of the added data files; 0: the commit's own. A rewrite gives the one of
     * the snapshot it read, so that later equality deletes still apply. */
    int64_t added_sequence_number;
    const str *removed_uris; /* data files taken out (overwrite, replace) */
    size_t removed_count;
    const iceberg_file *removed_deletes; /* delete files taken out: by URI and content_offset */
    size_t removed_delete_count;
    const iceberg_schema *schema;     /* new current schema, or NULL */
    const iceberg_table *schema_base; /* whose columns it adds to; NULL: does not matter. Others who
                                         changed the columns meanwhile forbid it. */
    const iceberg_spec *spec;         /* new default spec, or NULL */
    const str *property_keys, *property_values; /* set; an empty value removes */
    size_t property_count;
    const str *summary_keys,
        *summary_values; /* put into the snapshot's summary beside the spec's counts */
    size_t summary_count;
    str updates; /* a JSON array of further updates in the REST form (refs, expiry, …), or empty */
    bool rewrites_manifests; /* sort the live entries into as few manifests as needed */

    /* When it still holds. Files taken out must be live in any case. */

    /* Only if the table's current snapshot still is this one. ICEBERG_ANY_SNAPSHOT: whatever others
     * committed meanwhile (appends). -1: only while there is none. */
    int64_t only_after_snapshot_id;
    /* The snapshot it was worked out from, 0: does not matter. Of what others committed since
     * then, new position deletes against files taken out, and the removal of `live_uris` (data
     * files that added deletes point into) forbid it; with `forbids_new_rows` added rows too. */
    int64_t based_on_snapshot_id;
    const str *live_uris;
    size_t live_count;
    bool forbids_new_rows;
    int64_t commit_time_ms; /* 0: now */
} iceberg_change;

#define ICEBERG_ANY_SNAPSHOT INT64_MIN

/* A change worked out on top of a table: manifests and manifest list are written, nothing points at
 * them yet. `requirements` and `updates` are JSON arrays in the form of the REST catalog
 * ("TableRequirement", "TableUpdate"), ready to send. Used by catalog/. */
typedef struct iceberg_commit {
    const iceberg_table *base;
    str requirements, updates;
    int64_t now_ms;
    const str *written_uris; /* deleted by iceberg_commit_discard */
    size_t written_count;
} iceberg_commit;

/* ERR_CONFLICT when the change does not hold on top of `t`; what was written is deleted then. */
NODISCARD bool iceberg_commit_prepare(const iceberg_table *t, arena *a,
                                      const iceberg_change *change, iceberg_commit *ret_commit,
                                      error *err);
/* For catalogs that point at metadata files: write the next one. Nothing points at it until the
 * catalog's swap. */
NODISCARD bool iceberg_commit_write(iceberg_commit *c, arena *a, iceberg_table **ret_next,
                                    error *err);
/* Delete what the commit wrote: it lost the race and will be prepared again. Never fails. */
void iceberg_commit_discard(const iceberg_commit *c);

/* For requests to catalogs that make tables themselves: JSON of the parts. */
str iceberg_schema_json(arena *a, const iceberg_schema *s);
str iceberg_spec_json(arena *a, const iceberg_spec *s);

typedef struct iceberg_definition {
    const iceberg_schema *schema;
    const iceberg_spec *spec;        /* source_id by the ids in `schema` */
    const iceberg_sort_order *order; /* or NULL: unsorted */
    int32_t format_version;          /* 2 or 3; 0: 2, or the property 'format-version' */
    str location;                    /* URI */
    const str *property_keys, *property_values;
    size_t property_count;
} iceberg_definition;

/* Write the first metadata file (no snapshot). Used by catalog/. */
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

/* The same of a file whose statistics are in Parquet's plain encoding, which is Iceberg's
 * single-value form but for the length of texts. */
typedef struct iceberg_plain_stats {
    const iceberg_field *field;
    int64_t size_bytes, value_count, null_count; /* -1: not known */
    str min, max;                                /* NULL data: not known */
} iceberg_plain_stats;
NODISCARD bool iceberg_file_of_plain(const iceberg_table *t, arena *a, str uri, int64_t row_count,
                                     int64_t size_bytes, const iceberg_plain_stats *stats,
                                     size_t stats_count, iceberg_file *ret_file, error *err);

/* ---- Writing files ---- */

/* Write the rows of `select_sql` (columns named as in `schema`) to `uri`, durably. `*ret_has_rows`
 * false: there were none and no file stays. `partition`: a value for each field of the default
 * spec. `copy_options`: more of DuckDB's COPY, beginning with ", ", or NULL. */
NODISCARD bool iceberg_data_file_write(sql_connection *c, arena *a, const iceberg_table *t,
                                       const iceberg_schema *schema, str select_sql, str uri,
                                       const value *partition, const char *copy_options,
                                       iceberg_file *ret_file, bool *ret_has_rows, error *err);
/* Position deletes (file_path, pos) of `select_sql`, which sorts them, for data files of one
 * partition. */
NODISCARD bool iceberg_position_deletes_write(sql_connection *c, arena *a, const iceberg_table *t,
                                              str select_sql, str uri, int32_t spec_id,
                                              const value *partition, iceberg_file *ret_file,
                                              error *err);
/* <location>/data/<partition>/<name>.parquet */
str iceberg_data_uri(arena *a, const iceberg_table *t, int32_t spec_id, const value *partition,
                     str name);
/* A text that is the same for files of equal partition and spec, and only for those. */
str iceberg_partition_key(const iceberg_table *t, arena *a, const iceberg_file *f);
bool iceberg_file_is_vector(const iceberg_file *f); /* a deletion vector */

/* A bound as a value; false when the bytes do not fit the type. Text is borrowed. */
bool iceberg_bound_value(arena *a, const iceberg_type *type, str bytes, value *ret);

/* ---- Every file of a table, for upkeep ---- */

/* Calls `visit` for each file that the table's metadata names: metadata files, manifest lists,
 * manifests, data and delete files, statistics; a file may come several times. `snapshot_ids` NULL:
 * of all snapshots and the metadata itself; else of these snapshots only. */
typedef void (*iceberg_file_visit)(void *context, str uri);
NODISCARD bool iceberg_table_files(const iceberg_table *t, arena *a, const int64_t *snapshot_ids,
                                   size_t count, iceberg_file_visit visit, void *context,
                                   error *err);
/* Manifests of the current snapshot: how many, their bytes. */
NODISCARD bool iceberg_table_manifests(const iceberg_table *t, arena *a, size_t *ret_count,
                                       int64_t *ret_bytes, error *err);
