/* The table metadata file: reading it, and the JSON of its parts. Source: Iceberg spec, "Table
 * Metadata Fields", Appendix C. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "iceberg/internal.h"

/* ---- Snapshots ---- */

static bool parse_snapshot(arena *a, const json_t *j, iceberg_snapshot *s, error *err)
{
    str list;
    TRY(json_need_int(j, "snapshots[]", "snapshot-id", &s->id, err));
    TRY(json_need_int(j, "snapshots[]", "timestamp-ms", &s->timestamp_ms, err));
    list = json_text_or(j, "manifest-list", STR(""));
    s->manifest_list = str_copy(a, list);
    const json_t *manifests = json_object_get(j, "manifests"); /* version 1, long ago */
    if (list.len == 0 && !json_is_array(manifests))
        return fail(err, ERR_CORRUPT, "snapshots[].manifest-list is missing");
    str *uris = arena_array_of(a, str, json_array_size(manifests));
    for (size_t i = 0; i < json_array_size(manifests); i++)
        uris[i] = str_copy(a, json_str(json_array_get(manifests, i)));
    s->manifests = uris;
    s->manifest_count = list.len ? 0 : json_array_size(manifests);
    s->first_row_id = json_int_or(j, "first-row-id", -1);
    s->parent_id = json_int_or(j, "parent-snapshot-id", -1);
    s->sequence_number = json_int_or(j, "sequence-number", 0);
    s->schema_id = (int32_t)json_int_or(j, "schema-id", -1);
    json_t *summary = json_object_get(j, "summary");
    size_t count = json_object_size(summary);
    str *keys = arena_array_of(a, str, count), *values = arena_array_of(a, str, count);
    const char *key;
    json_t *text;
    json_object_foreach(summary, key, text)
    {
        if (strcmp(key, "operation") == 0) {
            s->operation = str_copy(a, json_str(text));
            continue;
        }
        keys[s->summary_count] = str_copy(a, str_of(key));
        values[s->summary_count++] = str_copy(a, json_str(text));
    }
    s->summary_keys = keys;
    s->summary_values = values;
    return true;
}

static void parse_properties(arena *a, const json_t *j, iceberg_table *t)
{
    size_t count = json_object_size(j);
    str *keys = arena_array_of(a, str, count), *values = arena_array_of(a, str, count);
    const char *key;
    json_t *text;
    json_object_foreach((json_t *)(uintptr_t)j, key, text)
    {
        keys[t->property_count] = str_copy(a, str_of(key));
        values[t->property_count++] = str_copy(a, json_is_string(text) ? json_str(text) : STR(""));
    }
    t->property_keys = keys;
    t->property_values = values;
}

/* ---- The whole ---- */

static bool parse_schemas(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    const json_t *schemas = json_object_get(root, "schemas");
    int64_t current = json_int_or(root, "current-schema-id", 0);
    size_t count = json_is_array(schemas) ? json_array_size(schemas) : 1;
    const iceberg_schema **out = arena_array_of(a, const iceberg_schema *, count);
    t->schemas = out;
    t->schema_count = count;
    if (!json_is_array(schemas)) {
        TRY(metadata_parse_schema(a, json_object_get(root, "schema"), &out[0], err));
        t->schema = out[0];
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        TRY(metadata_parse_schema(a, json_array_get(schemas, i), &out[i], err));
        if (out[i]->id == current)
            t->schema = out[i];
    }
    return t->schema ? true
                     : fail(err, ERR_CORRUPT, "schemas: there is no schema %lld, the current one",
                            (long long)current);
}

/* Version 1 may have just the fields of the one spec. */
static bool parse_old_spec(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    json_t *fields = json_object_get(root, "partition-spec");
    AUTO(json_release) json_t *spec = json_object();
    json_object_set_new(spec, "spec-id", json_integer(0));
    json_object_set(spec, "fields", json_is_array(fields) ? fields : json_array());
    iceberg_spec *out = arena_new_of(a, iceberg_spec);
    t->specs = out;
    t->spec_count = 1;
    return metadata_parse_spec(a, spec, out, err);
}

static bool parse_specs(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    json_t *specs;
    if (t->format_version == 1 && !json_object_get(root, "partition-specs"))
        return parse_old_spec(a, root, t, err);
    TRY(json_need_array(root, "", "partition-specs", &specs, err));
    iceberg_spec *out = arena_array_of(a, iceberg_spec, json_array_size(specs));
    t->spec_count = json_array_size(specs);
    for (size_t i = 0; i < t->spec_count; i++)
        TRY(metadata_parse_spec(a, json_array_get(specs, i), &out[i], err));
    t->specs = out;
    t->default_spec_id = (int32_t)json_int_or(root, "default-spec-id", 0);
    if (!iceberg_table_spec_by_id(t, t->default_spec_id))
        return fail(err, ERR_CORRUPT, "partition-specs: there is no spec %d, the default",
                    t->default_spec_id);
    return true;
}

static bool parse_orders(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    const json_t *orders = json_object_get(root, "sort-orders");
    int32_t chosen = (int32_t)json_int_or(root, "default-sort-order-id", 0);
    t->order = arena_new_of(a, iceberg_sort_order);
    for (size_t i = 0; i < json_array_size(orders); i++) {
        iceberg_sort_order *o = arena_new_of(a, iceberg_sort_order);
        TRY(metadata_parse_order(a, json_array_get(orders, i), o, err));
        if (o->id == chosen)
            t->order = o;
    }
    return true;
}

static bool parse_refs(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    json_t *refs = json_object_get(root, "refs"), *ref;
    const char *name;
    iceberg_ref *out = arena_array_of(a, iceberg_ref, json_object_size(refs));
    json_object_foreach(refs, name, ref)
    {
        iceberg_ref *r = &out[t->ref_count++];
        TRY(json_need_int(ref, "refs", "snapshot-id", &r->snapshot_id, err));
        r->name = str_copy(a, str_of(name));
        r->is_tag = str_eq(json_text_or(ref, "type", STR("branch")), STR("tag"));
        r->max_ref_age_ms = json_int_or(ref, "max-ref-age-ms", -1);
        r->max_snapshot_age_ms = json_int_or(ref, "max-snapshot-age-ms", -1);
        r->min_snapshots = json_int_or(ref, "min-snapshots-to-keep", -1);
    }
    t->refs = out;
    return true;
}

/* No snapshot is its own ancestor: who walks a history relies on its end. */
static bool check_history(arena *a, const iceberg_table *t, error *err)
{
    map by_id = map_new(a);
    size_t *walk_of = arena_array_of(a, size_t, t->snapshot_count); /* the walk that came by */
    for (size_t i = 0; i < t->snapshot_count; i++)
        map_set(&by_id, (str){ (const char *)&t->snapshots[i].id, sizeof(int64_t) },
                (void *)(uintptr_t)&t->snapshots[i]);
    for (size_t i = 0; i < t->snapshot_count; i++) {
        const iceberg_snapshot *s = &t->snapshots[i];
        while (s && walk_of[s - t->snapshots] == 0) {
            walk_of[s - t->snapshots] = i + 1;
            s = map_get(&by_id, (str){ (const char *)&s->parent_id, sizeof(int64_t) });
        }
        if (s && walk_of[s - t->snapshots] == i + 1)
            return fail(err, ERR_CORRUPT, "snapshots: snapshot %lld is its own ancestor",
                        (long long)s->id);
    }
    return true;
}

static bool parse_snapshots(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    const json_t *list = json_object_get(root, "snapshots");
    t->snapshot_count = json_array_size(list);
    iceberg_snapshot *out = arena_array_of(a, iceberg_snapshot, t->snapshot_count);
    for (size_t i = 0; i < t->snapshot_count; i++)
        TRY(parse_snapshot(a, json_array_get(list, i), &out[i], err));
    t->snapshots = out;
    t->current_snapshot_id = json_int_or(root, "current-snapshot-id", -1);
    if (t->current_snapshot_id != -1 && !iceberg_table_snapshot_by_id(t, t->current_snapshot_id))
        return fail(err, ERR_CORRUPT, "snapshots: there is no snapshot %lld, the current one",
                    (long long)t->current_snapshot_id);
    return check_history(a, t, err);
}

bool metadata_parse(arena *a, str text, iceberg_table *t, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    int64_t version, last_column;
    str location, uuid;
    TRY(json_parse(text, STR("metadata"), &root, err));
    TRY(json_need_int(root, "", "format-version", &version, err));
    if (version < 1 || version > 3)
        return fail(err, ERR_INVALID, "format-version %lld is not known: 1, 2 and 3 are",
                    (long long)version);
    TRY(json_need_text(root, "", "location", &location, err));
    TRY(json_need_int(root, "", "last-column-id", &last_column, err));
    TRY(json_need_text(root, "", "table-uuid", &uuid, err));
    t->format_version = (int32_t)version;
    while (location.len > 1 && location.data[location.len - 1] == '/')
        location.len--;
    t->location = str_copy(a, location);
    t->uuid = str_copy(a, uuid);
    t->last_column_id = (int32_t)last_column;
    t->last_sequence_number = json_int_or(root, "last-sequence-number", 0);
    t->last_partition_id = (int32_t)json_int_or(root, "last-partition-id", 999);
    TRY(parse_schemas(a, root, t, err));
    TRY(parse_specs(a, root, t, err));
    TRY(parse_orders(a, root, t, err));
    TRY(parse_snapshots(a, root, t, err));
    TRY(parse_refs(a, root, t, err));
    t->next_row_id = json_int_or(root, "next-row-id", 0);
    parse_properties(a, json_object_get(root, "properties"), t);
    t->text = text;
    return true;
}

str metadata_text_of_json(arena *a, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
    str out = str_copy(a, str_of(text));
    free(text);
    return out;
}

str metadata_uri_of(arena *a, str location, int64_t version, bool is_gzip)
{
    return str_format(a, STR_FMT "/metadata/%05lld-" STR_FMT "%s", STR_ARG(location),
                      (long long)version, STR_ARG(uuid_v4(a)),
                      is_gzip ? ".gz.metadata.json" : ".metadata.json");
}

bool metadata_write(store *s, arena *a, json_t *root, str location, int64_t version, str *ret_uri,
                    str *ret_text, error *err)
{
    str codec = json_text_or(json_object_get(root, "properties"),
                             "write.metadata.compression-codec", STR("none"));
    bool is_gzip = str_eq_nocase(codec, STR("gzip"));
    *ret_text = metadata_text_of_json(a, root);
    *ret_uri = metadata_uri_of(a, location, version, is_gzip);
    return store_write_new(s, *ret_uri, is_gzip ? gzip_pack(a, *ret_text, false) : *ret_text, err);
}
