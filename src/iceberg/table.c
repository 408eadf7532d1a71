/* A table's parsed metadata: opening, making, looking things up. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "iceberg/internal.h"

/* "00012-….metadata.json" → 12; 0 for other names. */
static int64_t version_of(str uri)
{
    str file = str_slice(uri, (size_t)(str_rfind_char(uri, '/') + 1), uri.len);
    str digits = str_cut(&file, '-');
    uint64_t version;
    return str_to_u64(digits, &version) && version < 1000000000 ? (int64_t)version : 0;
}

static iceberg_table *table_new(store *s, arena *a, str name, str metadata_uri)
{
    iceberg_table *t = arena_new_of(a, iceberg_table);
    t->store = s;
    t->name = str_copy(a, name);
    t->metadata_uri = str_copy(a, metadata_uri);
    t->metadata_version = version_of(metadata_uri);
    return t;
}

bool iceberg_table_read(store *s, arena *a, str name, str metadata_uri, iceberg_table **ret_table,
                        error *err)
{
    iceberg_table *t = table_new(s, a, name, metadata_uri);
    str text;
    if (!store_read(s, a, metadata_uri, &text, err))
        return fail_while(err, "table " STR_FMT, STR_ARG(name));
    if (!metadata_parse(a, text, t, err)) {
        if (err->code == ERR_INVALID && !str_contains(str_of(err->message), STR("format-version")))
            err->code = ERR_CORRUPT;
        return fail_while(err, "table " STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(metadata_uri));
    }
    *ret_table = t;
    return true;
}

bool iceberg_table_create(store *s, arena *a, str name, const iceberg_definition *d,
                          iceberg_table **ret_table, error *err)
{
    int32_t last_column = 0, last_partition = 999;
    for (size_t i = 0; i < d->schema->field_count; i++)
        if (d->schema->fields[i].id > last_column)
            last_column = d->schema->fields[i].id;
    for (size_t i = 0; i < d->spec->field_count; i++)
        if (d->spec->fields[i].field_id > last_partition)
            last_partition = d->spec->fields[i].field_id;
    json_t *properties = json_object();
    for (size_t i = 0; i < d->property_count; i++)
        json_object_set_new(properties, str_to_c(a, d->property_keys[i]),
                            json_stringn(d->property_values[i].data, d->property_values[i].len));
    AUTO(json_release) json_t *root =
        json_pack("{s:i, s:s, s:s, s:i, s:I, s:i, s:i, s:[o], s:i, s:[o], s:i, s:i, s:[{s:i, "
                  "s:[]}], s:o, s:n, s:{}, s:[], s:[], s:[]}",
                  "format-version", 2, "table-uuid", str_to_c(a, uuid_v4(a)), "location",
                  str_to_c(a, d->location), "last-sequence-number", 0, "last-updated-ms",
                  (json_int_t)(clock_wall_us() / 1000), "last-column-id", last_column,
                  "current-schema-id", d->schema->id, "schemas", metadata_json_of_schema(d->schema),
                  "default-spec-id", d->spec->id, "partition-specs", metadata_json_of_spec(d->spec),
                  "last-partition-id", last_partition, "default-sort-order-id", 0, "sort-orders",
                  "order-id", 0, "fields", "properties", properties, "current-snapshot-id", "refs",
                  "snapshots", "snapshot-log", "metadata-log");
    if (!root)
        return fail(err, ERR_INVALID, "table " STR_FMT ": its names are not valid UTF-8",
                    STR_ARG(name));
    json_object_set_new(root, "current-snapshot-id", json_integer(-1));
    str uri, text;
    TRY(metadata_write(s, a, root, d->location, 0, &uri, &text, err));
    iceberg_table *t = table_new(s, a, name, uri);
    TRY(metadata_parse(a, text, t, err));
    str *written = arena_array_of(a, str, 1);
    written[0] = uri;
    t->written_uris = written;
    t->written_count = 1;
    *ret_table = t;
    return true;
}

str iceberg_table_name(const iceberg_table *t)
{
    return t->name;
}

str iceberg_table_uuid(const iceberg_table *t)
{
    return t->uuid;
}

str iceberg_table_location(const iceberg_table *t)
{
    return t->location;
}

str iceberg_table_metadata_uri(const iceberg_table *t)
{
    return t->metadata_uri;
}

store *iceberg_table_store(const iceberg_table *t)
{
    return t->store;
}

const iceberg_schema *iceberg_table_schema(const iceberg_table *t)
{
    return t->schema;
}

const iceberg_spec *iceberg_table_spec(const iceberg_table *t)
{
    return iceberg_table_spec_by_id(t, t->default_spec_id);
}

const iceberg_spec *iceberg_table_spec_by_id(const iceberg_table *t, int32_t spec_id)
{
    for (size_t i = 0; i < t->spec_count; i++)
        if (t->specs[i].id == spec_id)
            return &t->specs[i];
    return NULL;
}

int32_t iceberg_table_last_column_id(const iceberg_table *t)
{
    return t->last_column_id;
}

str iceberg_table_property(const iceberg_table *t, str key, str otherwise)
{
    for (size_t i = 0; i < t->property_count; i++)
        if (str_eq(t->property_keys[i], key))
            return t->property_values[i];
    return otherwise;
}

const iceberg_snapshot *iceberg_table_current(const iceberg_table *t)
{
    return iceberg_table_snapshot_by_id(t, t->current_snapshot_id);
}

size_t iceberg_table_snapshot_count(const iceberg_table *t)
{
    return t->snapshot_count;
}

const iceberg_snapshot *iceberg_table_snapshot_at(const iceberg_table *t, size_t i)
{
    return &t->snapshots[i];
}

const iceberg_snapshot *iceberg_table_snapshot_by_id(const iceberg_table *t, int64_t id)
{
    for (size_t i = t->snapshot_count; i-- > 0;)
        if (t->snapshots[i].id == id)
            return &t->snapshots[i];
    return NULL;
}

str iceberg_snapshot_summary(const iceberg_snapshot *s, str key)
{
    for (size_t i = 0; i < s->summary_count; i++)
        if (str_eq(s->summary_keys[i], key))
            return s->summary_values[i];
    return STR("");
}

void iceberg_table_discard(const iceberg_table *base, const iceberg_table *unused)
{
    (void)base;
    for (size_t i = 0; i < unused->written_count; i++) {
        error ignored = { 0 }; /* a file that stays is garbage, not harm */
        if (!store_delete(unused->store, unused->written_uris[i], &ignored))
            error_clear(&ignored);
    }
}
