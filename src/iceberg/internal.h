/* What the files of this folder share: the parsed table, manifests, the metadata's JSON. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "column/sql.h"
#include "iceberg/table.h"

struct iceberg_table {
    store *store;
    str name, metadata_uri, location, uuid;
    str text; /* the metadata, whole: unknown members survive a change */
    int32_t format_version;
    int64_t last_sequence_number, next_row_id;
    int32_t last_column_id, last_partition_id;
    const iceberg_schema *schema; /* the current one */
    const iceberg_schema *const *schemas;
    size_t schema_count;
    const iceberg_spec *specs;
    size_t spec_count;
    int32_t default_spec_id;
    const iceberg_sort_order *order;
    const iceberg_snapshot *snapshots;
    size_t snapshot_count;
    int64_t current_snapshot_id; /* -1: none */
    const iceberg_ref *refs;
    size_t ref_count;
    const str *property_keys, *property_values;
    size_t property_count;
    int64_t metadata_version; /* the number in the metadata file's name */
};

/* ---- schema_json.c ---- */
bool metadata_parse_schema(arena *a, const json_t *j, const iceberg_schema **ret, error *err);
bool metadata_parse_spec(arena *a, const json_t *j, iceberg_spec *s, error *err);
bool metadata_parse_order(arena *a, const json_t *j, iceberg_sort_order *o, error *err);
json_t *metadata_json_of_schema(const iceberg_schema *s);
json_t *metadata_json_of_spec(const iceberg_spec *s);
json_t *metadata_json_of_order(const iceberg_sort_order *o);
int64_t metadata_highest_field_id(const json_t *type);

/* ---- metadata.c ---- */
bool metadata_parse(arena *a, str text, iceberg_table *t, error *err);
/* JSON text of one, for manifests' file metadata; in `a`. */
str metadata_text_of_json(arena *a, json_t *j);
str metadata_uri_of(arena *a, str location, int64_t version, bool is_gzip);
/* Gzip when the metadata's own properties say so. */
bool metadata_write(store *s, arena *a, json_t *root, str location, int64_t version, str *ret_uri,
                    str *ret_text, error *err);

/* ---- gzip.c ---- */
/* `is_raw`: bare deflate data, as Avro has it; else a gzip file. */
bool gzip_unpack(arena *a, str packed, bool is_raw, str *ret, error *err);
str gzip_pack(arena *a, str text, bool is_raw);

/* ---- update.c ---- */
/* Carry out REST updates (a JSON array) on the metadata `root`. */
bool metadata_update(json_t *root, const json_t *updates, int64_t now_ms, error *err);

/* ---- manifest.c ---- */
typedef struct manifest { /* one entry of a manifest list */
    str uri;
    int64_t length;
    int32_t spec_id, content; /* 0 data, 1 deletes */
    int64_t sequence_number, min_sequence_number, added_snapshot_id;
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    int64_t first_row_id; /* version 3, of data; -1: not assigned */
    const value
        *partitions;      /* the list of field summaries as it was read; NULL: computed or absent */
    str partitions_bytes; /* encoded, of a manifest written here */
    str key_metadata;
} manifest;

enum { ENTRY_EXISTING = 0, ENTRY_ADDED = 1, ENTRY_DELETED = 2 };

typedef struct manifest_entry {
    int32_t status;
    int64_t snapshot_id, sequence_number, file_sequence_number; /* resolved when read */
    iceberg_file file;
} manifest_entry;

typedef struct manifest_content {
    manifest_entry *entries;
    size_t count;
} manifest_content;

/* A field of the Avro schemas; `type` is JSON. */
typedef struct manifest_field {
    const char *name;
    int32_t id;
    const char *type;
    bool is_optional;
    int32_t since_version;
} manifest_field;
void manifest_add_field(strbuf *b, const manifest_field *f);
str manifest_codec(const iceberg_table *t);
size_t manifest_decimal_bytes(int precision);
int64_t manifest_int(const value *record, int32_t id, int64_t otherwise);
str manifest_text(const value *record, int32_t id);

bool manifests_of_snapshot(const iceberg_table *t, arena *a, const iceberg_snapshot *s,
                           manifest **ret_manifests, size_t *ret_count, error *err);
bool manifest_list_read(const iceberg_table *t, arena *a, str uri, manifest **ret_manifests,
                        size_t *ret_count, error *err);
bool manifest_list_write(const iceberg_table *t, arena *a, str uri, const manifest *manifests,
                         size_t count, int64_t snapshot_id, int64_t parent_id,
                         int64_t sequence_number, error *err);
bool manifest_read(const iceberg_table *t, arena *a, const manifest *m,
                   manifest_entry **ret_entries, size_t *ret_count, error *err);
/* All of them, on the pool's threads; what is read belongs to `a`. */
bool manifests_read(const iceberg_table *t, arena *a, const manifest *manifests, size_t count,
                    manifest_content **ret_contents, error *err);
/* Entries of one spec and content. Added entries get `sequence_number` by inheritance unless they
 * bring one. Fills `*ret`. */
bool manifest_write(const iceberg_table *t, arena *a, str uri, const iceberg_schema *schema,
                    int32_t spec_id, int32_t content, const manifest_entry *entries, size_t count,
                    int64_t snapshot_id, int64_t sequence_number, manifest *ret, error *err);
/* The type of a partition field's values. */
const iceberg_type *partition_type(const iceberg_schema *schema, const iceberg_partition_field *f);

/* ---- conflict.c ---- */
/* Whether `change` still holds after what others committed since it was worked out. */
bool conflict_check(const iceberg_table *t, arena *a, const iceberg_change *change,
                    const iceberg_snapshot *head, error *err);

/* ---- summary.c ---- */
typedef struct file_totals {
    int64_t data_files, rows, bytes, delete_files, position_files, equality_files, vectors,
        position_deletes, equality_deletes;
} file_totals;
void file_totals_add(file_totals *t, const iceberg_file *f);
json_t *summary_make(const iceberg_table *t, arena *a, const iceberg_change *change,
                     const iceberg_snapshot *parent, const file_totals *added,
                     const file_totals *removed);

/* ---- bounds.c: the spec's single-value binary form (Appendix D) ---- */
/* False when the value does not fit the type. */
bool bounds_encode(arena *a, const iceberg_type *type, const value *v, str *ret_bytes);
/* From DuckDB's text of a statistic; truncated (16 characters) with `is_upper` rounded up. False:
 * no bound. */
bool bounds_of_text(arena *a, const iceberg_type *type, str text, bool is_upper, str *ret_bytes);
str bounds_decimal_text(arena *a, str bytes, int scale);
str bounds_uuid_text(arena *a, str bytes);
str bounds_of_hex(arena *a, str hex);
int bounds_compare(const iceberg_type *type, str x, str y);

/* ---- predicate.c ---- */
typedef struct bound_predicate {
    const iceberg_field *field;
    iceberg_compare compare;
    const value *values;
    str *bytes; /* the values in binary form */
    size_t count;
    bool is_usable;
} bound_predicate;
/* `s`: the schema whose names the columns are. */
bool predicates_bind(const iceberg_table *t, const iceberg_schema *s, arena *a,
                     const iceberg_predicate *where, size_t count, bound_predicate **ret,
                     error *err);
bool predicates_may_hold_in_manifest(const iceberg_table *t, arena *a, const bound_predicate *p,
                                     size_t count, const manifest *m);
bool predicates_may_hold_in_partition(const iceberg_table *t, arena *a, const bound_predicate *p,
                                      size_t count, const iceberg_file *f);
bool predicates_may_hold_in_file(const bound_predicate *p, size_t count, const iceberg_file *f);

/* ---- transform.c ---- */
uint32_t transform_hash(str bytes); /* Murmur3 */
/* `v` of a column of `type` under a transform; false when it cannot be computed. */
bool transform_value(arena *a, const iceberg_type *type, iceberg_transform_kind kind,
                     int32_t argument, const value *v, value *ret);
bool transform_register(sql_engine *e, error *err);

/* ---- vector.c ---- */
typedef iceberg_deleted_rows delete_vector;
bool vector_decode(arena *a, str blob, int64_t row_count, delete_vector *ret, error *err);
str vector_encode(arena *a, const delete_vector *v);
bool vector_read(store *s, arena *a, const iceberg_file *f, int64_t row_count, delete_vector *ret,
                 error *err);
/* Keep the vector in memory for queries; its number is what SQL's iceberg_live(number, row) asks
 * for. */
bool vector_keep(store *s, const iceberg_file *f, int64_t row_count, int64_t *ret_number,
                 error *err);
uint32_t crc32_of(str bytes);

/* ---- name_map.c ---- */
typedef struct file_columns {
    bool has_ids; /* any field id at all */
    str *names;   /* of top-level columns */
    size_t count;
} file_columns;
/* What the footer of a Parquet file says of its columns. */
bool name_map_columns(store *s, arena *a, const iceberg_file *f, file_columns *ret, error *err);
/* The file's column for a field by the table's name mapping (JSON); empty: it has none. */
str name_map_find(const json_t *mapping, const file_columns *columns, int32_t field_id);
