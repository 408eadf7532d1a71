/* The table metadata file: reading it, and the JSON of its parts. Source: Iceberg spec, "Table
 * Metadata Fields", Appendix C. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"
#include "iceberg/internal.h"

enum { DEEPEST_TYPE = 32 };

/* ---- Types and schemas ---- */

static bool parse_type(arena *a, const json_t *j, int depth, const iceberg_type **ret, error *err);

static bool parse_primitive(arena *a, str text, const iceberg_type **ret, error *err)
{
    for (int kind = ICEBERG_BOOLEAN; kind <= ICEBERG_BINARY; kind++) {
        const iceberg_type *t = iceberg_primitive((iceberg_kind)kind);
        if (kind != ICEBERG_DECIMAL && kind != ICEBERG_FIXED &&
            str_eq(text, iceberg_type_text(a, t))) {
            *ret = t;
            return true;
        }
    }
    iceberg_type *t = arena_new_of(a, iceberg_type);
    char c[64];
    snprintf(c, sizeof c, STR_FMT, STR_ARG(text));
    t->kind = ICEBERG_DECIMAL;
    *ret = t;
    if (sscanf(c, "decimal(%d,%d)", &t->precision, &t->scale) == 2 && t->precision > 0 &&
        t->precision <= 38 && t->scale >= 0)
        return true;
    t->kind = ICEBERG_FIXED;
    if (sscanf(c, "fixed[%d]", &t->length) == 1 && t->length >= 0)
        return true;
    return fail(err, ERR_CORRUPT, "type '" STR_FMT "' is not known", STR_ARG(text));
}

static bool parse_fields(arena *a, const json_t *fields, int depth, const iceberg_field **ret,
                         size_t *ret_count, error *err)
{
    size_t count = json_array_size(fields);
    iceberg_field *out = arena_array_of(a, iceberg_field, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *f = json_array_get(fields, i);
        int64_t id;
        str name;
        TRY(json_need_int(f, "schema.fields[]", "id", &id, err));
        TRY(json_need_text(f, "schema.fields[]", "name", &name, err));
        out[i] = (iceberg_field){ .id = (int32_t)id,
                                  .name = str_copy(a, name),
                                  .is_required = json_is_true(json_object_get(f, "required")),
                                  .doc = str_copy(a, json_text_or(f, "doc", STR(""))) };
        TRY(parse_type(a, json_object_get(f, "type"), depth + 1, &out[i].type, err));
    }
    *ret = out;
    *ret_count = count;
    return true;
}

/* The element, or key and value, of a list or map. */
static bool parse_parts(arena *a, const json_t *j, iceberg_type *t, const char *const *names,
                        size_t count, int depth, error *err)
{
    iceberg_field *fields = arena_array_of(a, iceberg_field, count);
    for (size_t i = 0; i < count; i++) {
        int64_t id;
        TRY(json_need_int(j, "type", str_format(a, "%s-id%c", names[i], 0).data, &id, err));
        fields[i] = (iceberg_field){ .id = (int32_t)id, .name = str_of(names[i]) };
        fields[i].is_required = i == 0 && count == 2
                                    ? true
                                    : json_is_true(json_object_get(
                                          j, count == 2 ? "value-required" : "element-required"));
        TRY(parse_type(a, json_object_get(j, names[i]), depth + 1, &fields[i].type, err));
    }
    t->fields = fields;
    t->field_count = count;
    return true;
}

static bool parse_type(arena *a, const json_t *j, int depth, const iceberg_type **ret, error *err)
{
    if (depth > DEEPEST_TYPE)
        return fail(err, ERR_CORRUPT, "types are nested more than %d deep", DEEPEST_TYPE);
    if (json_is_string(j))
        return parse_primitive(a, json_str(j), ret, err);
    str kind;
    TRY(json_need_text(j, "type", "type", &kind, err));
    iceberg_type *t = arena_new_of(a, iceberg_type);
    *ret = t;
    if (str_eq(kind, STR("struct"))) {
        t->kind = ICEBERG_STRUCT;
        return parse_fields(a, json_object_get(j, "fields"), depth, &t->fields, &t->field_count,
                            err);
    }
    if (str_eq(kind, STR("list"))) {
        t->kind = ICEBERG_LIST;
        return parse_parts(a, j, t, (const char *const[]){ "element" }, 1, depth, err);
    }
    if (str_eq(kind, STR("map"))) {
        t->kind = ICEBERG_MAP;
        return parse_parts(a, j, t, (const char *const[]){ "key", "value" }, 2, depth, err);
    }
    return fail(err, ERR_CORRUPT, "type '" STR_FMT "' is not known", STR_ARG(kind));
}

static bool parse_schema(arena *a, const json_t *j, const iceberg_schema **ret, error *err)
{
    iceberg_schema *s = arena_new_of(a, iceberg_schema);
    json_t *fields;
    s->id = (int32_t)json_int_or(j, "schema-id", 0);
    TRY(json_need_array(j, "schema", "fields", &fields, err));
    TRY(parse_fields(a, fields, 0, &s->fields, &s->field_count, err));
    const json_t *ids = json_object_get(j, "identifier-field-ids");
    s->identifier_count = json_array_size(ids);
    int32_t *identifiers = arena_array_of(a, int32_t, s->identifier_count);
    for (size_t i = 0; i < s->identifier_count; i++)
        identifiers[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    s->identifier_ids = identifiers;
    *ret = s;
    return true;
}

static json_t *json_of_str(str s)
{
    return json_stringn(s.data ? s.data : "", s.len);
}

static json_t *json_of_type(const iceberg_type *t);

static json_t *json_of_fields(const iceberg_field *fields, size_t count)
{
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *f = json_pack("{s:i, s:o, s:b, s:o}", "id", fields[i].id, "name",
                              json_of_str(fields[i].name), "required", fields[i].is_required,
                              "type", json_of_type(fields[i].type));
        if (fields[i].doc.len)
            json_object_set_new(f, "doc", json_of_str(fields[i].doc));
        json_array_append_new(out, f);
    }
    return out;
}

static json_t *json_of_type(const iceberg_type *t)
{
    if (t->kind == ICEBERG_STRUCT)
        return json_pack("{s:s, s:o}", "type", "struct", "fields",
                         json_of_fields(t->fields, t->field_count));
    if (t->kind == ICEBERG_LIST)
        return json_pack("{s:s, s:i, s:b, s:o}", "type", "list", "element-id", t->fields[0].id,
                         "element-required", t->fields[0].is_required, "element",
                         json_of_type(t->fields[0].type));
    if (t->kind == ICEBERG_MAP)
        return json_pack("{s:s, s:i, s:o, s:i, s:b, s:o}", "type", "map", "key-id", t->fields[0].id,
                         "key", json_of_type(t->fields[0].type), "value-id", t->fields[1].id,
                         "value-required", t->fields[1].is_required, "value",
                         json_of_type(t->fields[1].type));
    AUTO(arena_free) arena *scratch = arena_new();
    return json_of_str(iceberg_type_text(scratch, t));
}

json_t *metadata_json_of_schema(const iceberg_schema *s)
{
    json_t *j = json_pack("{s:s, s:i, s:o}", "type", "struct", "schema-id", s->id, "fields",
                          json_of_fields(s->fields, s->field_count));
    if (s->identifier_count) {
        json_t *ids = json_array();
        for (size_t i = 0; i < s->identifier_count; i++)
            json_array_append_new(ids, json_integer(s->identifier_ids[i]));
        json_object_set_new(j, "identifier-field-ids", ids);
    }
    return j;
}

/* ---- Partition specs ---- */

static const char *const transform_names[] = { "identity", "bucket", "truncate", "year",
                                               "month",    "day",    "hour",     "void" };

static bool parse_transform(str text, iceberg_partition_field *f, error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(transform_names); i++) {
        str name = str_of(transform_names[i]);
        f->transform = (iceberg_transform_kind)i;
        if (str_eq(text, name))
            return true;
        int64_t argument;
        if (str_starts_with(text, name) && text.len > name.len + 2 && text.data[name.len] == '[' &&
            str_to_i64(str_slice(text, name.len + 1, text.len - 1), &argument)) {
            f->argument = (int32_t)argument;
            return true;
        }
    }
    return fail(err, ERR_CORRUPT, "partition transform '" STR_FMT "' is not known", STR_ARG(text));
}

static bool parse_spec(arena *a, const json_t *j, iceberg_spec *s, error *err)
{
    json_t *fields;
    s->id = (int32_t)json_int_or(j, "spec-id", 0);
    TRY(json_need_array(j, "partition-specs[]", "fields", &fields, err));
    s->field_count = json_array_size(fields);
    iceberg_partition_field *out = arena_array_of(a, iceberg_partition_field, s->field_count);
    for (size_t i = 0; i < s->field_count; i++) {
        const json_t *f = json_array_get(fields, i);
        int64_t source, id;
        str name, transform;
        TRY(json_need_int(f, "partition-specs[].fields[]", "source-id", &source, err));
        TRY(json_need_int(f, "partition-specs[].fields[]", "field-id", &id, err));
        TRY(json_need_text(f, "partition-specs[].fields[]", "name", &name, err));
        TRY(json_need_text(f, "partition-specs[].fields[]", "transform", &transform, err));
        out[i] = (iceberg_partition_field){ .source_id = (int32_t)source,
                                            .field_id = (int32_t)id,
                                            .name = str_copy(a, name) };
        TRY(parse_transform(transform, &out[i], err));
    }
    s->fields = out;
    return true;
}

json_t *metadata_json_of_spec(const iceberg_spec *s)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < s->field_count; i++) {
        const iceberg_partition_field *f = &s->fields[i];
        AUTO(arena_free) arena *scratch = arena_new();
        bool has_argument = f->transform == TRANSFORM_BUCKET || f->transform == TRANSFORM_TRUNCATE;
        str transform =
            has_argument ? str_format(scratch, "%s[%d]", transform_names[f->transform], f->argument)
                         : str_of(transform_names[f->transform]);
        json_array_append_new(fields,
                              json_pack("{s:i, s:i, s:o, s:o}", "source-id", f->source_id,
                                        "field-id", f->field_id, "name", json_of_str(f->name),
                                        "transform", json_of_str(transform)));
    }
    return json_pack("{s:i, s:o}", "spec-id", s->id, "fields", fields);
}

/* ---- Snapshots ---- */

static bool parse_snapshot(arena *a, const json_t *j, iceberg_snapshot *s, error *err)
{
    str list;
    TRY(json_need_int(j, "snapshots[]", "snapshot-id", &s->id, err));
    TRY(json_need_int(j, "snapshots[]", "timestamp-ms", &s->timestamp_ms, err));
    TRY(json_need_text(j, "snapshots[]", "manifest-list", &list, err));
    s->manifest_list = str_copy(a, list);
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
    if (!json_is_array(schemas))
        return parse_schema(a, json_object_get(root, "schema"), &t->schema, err);
    for (size_t i = 0; i < json_array_size(schemas); i++)
        if (json_int_or(json_array_get(schemas, i), "schema-id", 0) == current)
            return parse_schema(a, json_array_get(schemas, i), &t->schema, err);
    return fail(err, ERR_CORRUPT, "schemas: there is no schema %lld, the current one",
                (long long)current);
}

static bool parse_specs(arena *a, const json_t *root, iceberg_table *t, error *err)
{
    json_t *specs;
    TRY(json_need_array(root, "", "partition-specs", &specs, err));
    iceberg_spec *out = arena_array_of(a, iceberg_spec, json_array_size(specs));
    t->spec_count = json_array_size(specs);
    for (size_t i = 0; i < t->spec_count; i++)
        TRY(parse_spec(a, json_array_get(specs, i), &out[i], err));
    t->specs = out;
    t->default_spec_id = (int32_t)json_int_or(root, "default-spec-id", 0);
    if (!iceberg_table_spec_by_id(t, t->default_spec_id))
        return fail(err, ERR_CORRUPT, "partition-specs: there is no spec %d, the default",
                    t->default_spec_id);
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
    return true;
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
    TRY(parse_snapshots(a, root, t, err));
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

bool metadata_write(store *s, arena *a, json_t *root, str location, int64_t version, str *ret_uri,
                    str *ret_text, error *err)
{
    *ret_text = metadata_text_of_json(a, root);
    *ret_uri = str_format(a, STR_FMT "/metadata/%05lld-" STR_FMT ".metadata.json",
                          STR_ARG(location), (long long)version, STR_ARG(uuid_v4(a)));
    return store_write_new(s, *ret_uri, *ret_text, err);
}
