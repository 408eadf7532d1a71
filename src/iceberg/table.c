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

bool iceberg_table_of_text(store *s, arena *a, str name, str metadata_uri, str text,
                           iceberg_table **ret_table, error *err)
{
    iceberg_table *t = table_new(s, a, name, metadata_uri);
    if (!metadata_parse(a, str_copy(a, text), t, err)) {
        if (err->code == ERR_INVALID && !str_contains(str_of(err->message), STR("format-version")))
            err->code = ERR_CORRUPT;
        return fail_while(err, "table " STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(metadata_uri));
    }
    *ret_table = t;
    return true;
}

bool iceberg_table_read(store *s, arena *a, str name, str metadata_uri, iceberg_table **ret_table,
                        error *err)
{
    str text;
    if (!store_read(s, a, metadata_uri, &text, err))
        return fail_while(err, "table " STR_FMT, STR_ARG(name));
    if (str_starts_with(text, STR("\x1f\x8b")) && !gzip_unpack(a, text, false, &text, err))
        return fail_while(err, "table " STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(metadata_uri));
    return iceberg_table_of_text(s, a, name, metadata_uri, text, ret_table, err);
}

static int32_t version_wanted(const iceberg_definition *d)
{
    int64_t version = d->format_version;
    for (size_t i = 0; i < d->property_count && version == 0; i++)
        if (str_eq(d->property_keys[i], STR("format-version")) &&
            !str_to_i64(d->property_values[i], &version))
            version = -1;
    return version == 0 ? 2 : (int32_t)version;
}

static json_t *first_metadata(arena *a, const iceberg_definition *d, int32_t version)
{
    static const iceberg_sort_order unsorted = { 0 };
    const iceberg_sort_order *order = d->order ? d->order : &unsorted;
    json_t *schema = metadata_json_of_schema(d->schema), *properties = json_object();
    int32_t last_partition = 999;
    for (size_t i = 0; i < d->spec->field_count; i++)
        if (d->spec->fields[i].field_id > last_partition)
            last_partition = d->spec->fields[i].field_id;
    for (size_t i = 0; i < d->property_count; i++)
        if (!str_eq(d->property_keys[i], STR("format-version")))
            json_object_set_new(
                properties, str_to_c(a, d->property_keys[i]),
                json_stringn(d->property_values[i].data, d->property_values[i].len));
    json_t *orders = json_pack("[o]", metadata_json_of_order(&unsorted));
    if (order->id)
        json_array_append_new(orders, metadata_json_of_order(order));
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:i, s:I, s:I, s:i, s:[o], s:i, s:[o], s:i, s:i, s:o, s:o, s:I, s:{}, "
        "s:[], s:[], s:[]}",
        "format-version", version, "table-uuid", str_to_c(a, uuid_v4(a)), "location",
        str_to_c(a, d->location), "last-sequence-number", 0, "last-updated-ms",
        (json_int_t)(clock_wall_us() / 1000), "last-column-id",
        (json_int_t)metadata_highest_field_id(schema), "current-schema-id", d->schema->id,
        "schemas", schema, "default-spec-id", d->spec->id, "partition-specs",
        metadata_json_of_spec(d->spec), "last-partition-id", last_partition,
        "default-sort-order-id", order->id, "sort-orders", orders, "properties", properties,
        "current-snapshot-id", (json_int_t)-1, "refs", "snapshots", "snapshot-log", "metadata-log");
    if (root && version == 3)
        json_object_set_new(root, "next-row-id", json_integer(0));
    return root;
}

bool iceberg_table_create(store *s, arena *a, str name, const iceberg_definition *d,
                          iceberg_table **ret_table, error *err)
{
    int32_t version = version_wanted(d);
    if (version != 2 && version != 3)
        return fail(err, ERR_INVALID, "table " STR_FMT ": format version must be 2 or 3",
                    STR_ARG(name));
    AUTO(json_release) json_t *root = first_metadata(a, d, version);
    if (!root)
        return fail(err, ERR_INVALID, "table " STR_FMT ": its names are not valid UTF-8",
                    STR_ARG(name));
    str uri, text;
    TRY(metadata_write(s, a, root, d->location, 0, &uri, &text, err));
    return iceberg_table_of_text(s, a, name, uri, text, ret_table, err);
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

int32_t iceberg_table_format_version(const iceberg_table *t)
{
    return t->format_version;
}

str iceberg_table_metadata_text(const iceberg_table *t)
{
    return t->text;
}

const iceberg_sort_order *iceberg_table_sort_order(const iceberg_table *t)
{
    return t->order;
}

const iceberg_schema *iceberg_table_schema_by_id(const iceberg_table *t, int32_t schema_id)
{
    if (schema_id == -1)
        return t->schema;
    for (size_t i = 0; i < t->schema_count; i++)
        if (t->schemas[i]->id == schema_id)
            return t->schemas[i];
    return NULL;
}

const iceberg_schema *iceberg_table_schema_of(const iceberg_table *t, const iceberg_snapshot *s)
{
    const iceberg_schema *schema = s ? iceberg_table_schema_by_id(t, s->schema_id) : NULL;
    return schema ? schema : t->schema;
}

int32_t iceberg_table_last_partition_id(const iceberg_table *t)
{
    return t->last_partition_id;
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

size_t iceberg_table_properties(const iceberg_table *t, const str **ret_keys,
                                const str **ret_values)
{
    *ret_keys = t->property_keys;
    *ret_values = t->property_values;
    return t->property_count;
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

const iceberg_ref *iceberg_table_refs(const iceberg_table *t, size_t *ret_count)
{
    *ret_count = t->ref_count;
    return t->refs;
}

static const iceberg_snapshot *snapshot_at_time(const iceberg_table *t, int64_t time_ms)
{
    const iceberg_snapshot *s = iceberg_table_current(t);
    while (s && s->timestamp_ms > time_ms)
        s = iceberg_table_snapshot_by_id(t, s->parent_id);
    return s;
}

bool iceberg_table_as_of_time(const iceberg_table *t, str time,
                              const iceberg_snapshot **ret_snapshot, error *err)
{
    int64_t time_us;
    const iceberg_snapshot *s =
        clock_parse_us(time, &time_us) ? snapshot_at_time(t, time_us / 1000) : NULL;
    if (!s)
        return fail(err, ERR_NOT_FOUND, "table " STR_FMT " has no snapshot as of '" STR_FMT "'",
                    STR_ARG(t->name), STR_ARG(time));
    *ret_snapshot = s;
    return true;
}

bool iceberg_table_as_of(const iceberg_table *t, arena *a, str as_of,
                         const iceberg_snapshot **ret_snapshot, error *err)
{
    int64_t number;
    const iceberg_snapshot *s = NULL;
    for (size_t i = 0; i < t->ref_count && !s; i++)
        if (str_eq(t->refs[i].name, as_of))
            s = iceberg_table_snapshot_by_id(t, t->refs[i].snapshot_id);
    if (!s && str_to_i64(as_of, &number))
        s = iceberg_table_snapshot_by_id(t, number);
    else if (!s && clock_parse_us(as_of, &number))
        s = snapshot_at_time(t, number / 1000);
    if (s) {
        *ret_snapshot = s;
        return true;
    }
    strbuf there = strbuf_new(a);
    for (size_t i = 0; i < t->ref_count && i < 10; i++)
        strbuf_format(&there, ", " STR_FMT, STR_ARG(t->refs[i].name));
    return fail(err, ERR_NOT_FOUND,
                "table " STR_FMT " has no snapshot as of '" STR_FMT "'; it has %zu snapshots, the "
                "oldest of %s" STR_FMT,
                STR_ARG(t->name), STR_ARG(as_of), t->snapshot_count,
                t->snapshot_count
                    ? str_to_c(a, clock_format_us(a, t->snapshots[0].timestamp_ms * 1000))
                    : "never",
                STR_ARG(strbuf_str(&there)));
}

str iceberg_schema_json(arena *a, const iceberg_schema *s)
{
    AUTO(json_release) json_t *j = metadata_json_of_schema(s);
    return metadata_text_of_json(a, j);
}

str iceberg_spec_json(arena *a, const iceberg_spec *s)
{
    AUTO(json_release) json_t *j = metadata_json_of_spec(s);
    return metadata_text_of_json(a, j);
}
