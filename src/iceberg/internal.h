/* What the files of this folder share: the parsed table, manifests, the metadata's JSON. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "iceberg/table.h"

struct iceberg_table {
    store *store;
    str name, metadata_uri, location, uuid;
    str text; /* the metadata file, whole: unknown members survive a change */
    int32_t format_version;
    int64_t last_sequence_number;
    int32_t last_column_id, last_partition_id;
    const iceberg_schema *schema;
    const iceberg_spec *specs;
    size_t spec_count;
    int32_t default_spec_id;
    const iceberg_snapshot *snapshots;
    size_t snapshot_count;
    int64_t current_snapshot_id; /* -1: none */
    const str *property_keys, *property_values;
    size_t property_count;
    int64_t metadata_version; /* the number in the metadata file's name */
    /* of a table that iceberg_table_apply made: files to delete when it is discarded */
    const str *written_uris;
    size_t written_count;
};

/* ---- metadata.c ---- */
bool metadata_parse(arena *a, str text, iceberg_table *t, error *err);
json_t *metadata_json_of_schema(const iceberg_schema *s);
json_t *metadata_json_of_spec(const iceberg_spec *s);
/* JSON text of one, for manifests' file metadata; in `a`. */
str metadata_text_of_json(arena *a, json_t *j);
bool metadata_write(store *s, arena *a, json_t *root, str location, int64_t version, str *ret_uri,
                    str *ret_text, error *err);

/* ---- manifest.c ---- */
typedef struct manifest { /* one entry of a manifest list */
    str uri;
    int64_t length;
    int32_t spec_id, content; /* 0 data, 1 deletes */
    int64_t sequence_number, min_sequence_number, added_snapshot_id;
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    const value
        *partitions;      /* the list of field summaries as it was read; NULL: computed or absent */
    str partitions_bytes; /* encoded, of a manifest written here */
} manifest;

enum { ENTRY_EXISTING = 0, ENTRY_ADDED = 1, ENTRY_DELETED = 2 };

typedef struct manifest_entry {
    int32_t status;
    int64_t snapshot_id, sequence_number, file_sequence_number; /* resolved when read */
    iceberg_file file;
} manifest_entry;

bool manifest_list_read(const iceberg_table *t, arena *a, str uri, manifest **ret_manifests,
                        size_t *ret_count, error *err);
bool manifest_list_write(const iceberg_table *t, arena *a, str uri, const manifest *manifests,
                         size_t count, int64_t snapshot_id, int64_t parent_id,
                         int64_t sequence_number, error *err);
bool manifest_read(const iceberg_table *t, arena *a, const manifest *m,
                   manifest_entry **ret_entries, size_t *ret_count, error *err);
/* Entries of one spec and content. Added entries get `sequence_number` by inheritance. Fills
 * `*ret`. */
bool manifest_write(const iceberg_table *t, arena *a, str uri, const iceberg_schema *schema,
                    int32_t spec_id, int32_t content, const manifest_entry *entries, size_t count,
                    int64_t snapshot_id, int64_t sequence_number, manifest *ret, error *err);
/* The type of a partition field's values. */
const iceberg_type *partition_type(const iceberg_schema *schema, const iceberg_partition_field *f);

/* ---- bounds.c: the spec's single-value binary form (Appendix D) ---- */
/* False when the value does not fit the type. */
bool bounds_encode(arena *a, const iceberg_type *type, const value *v, str *ret_bytes);
/* From DuckDB's text of a statistic; truncated (16 characters) with `is_upper` rounded up. False:
 * no bound. */
bool bounds_of_text(arena *a, const iceberg_type *type, str text, bool is_upper, str *ret_bytes);
int bounds_compare(const iceberg_type *type, str x, str y);
