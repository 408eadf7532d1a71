/* Schemas, partition specs and sort orders as JSON. Source: Iceberg spec, Appendix C. */
#include <stdio.h>
#include <stdlib.h>

#include "iceberg/internal.h"

enum { DEEPEST_TYPE = 32 };

/* ---- Types and schemas ---- */

static bool parse_type(arena *a, const json_t *j, int depth, const iceberg_type **ret, error *err);

static bool parse_primitive(arena *a, str text, const iceberg_type **ret, error *err)
{
    for (int kind = ICEBERG_BOOLEAN; kind < ICEBERG_STRUCT; kind++) {
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
    t->text = str_copy(a, text);
    t->kind = str_starts_with(text, STR("geography(")) ? ICEBERG_GEOGRAPHY : ICEBERG_GEOMETRY;
    if (t->kind == ICEBERG_GEOGRAPHY || str_starts_with(text, STR("geometry(")))
        return true;
    return fail(err, ERR_CORRUPT, "type '" STR_FMT "' is not known", STR_ARG(text));
}

/* The JSON of a default value; empty when there is none. */
static str default_of(arena *a, const json_t *field, const char *member)
{
    json_t *v = json_object_get(field, member);
    if (!v || json_is_null(v))
        return (str){ 0 };
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    str out = text ? str_copy(a, str_of(text)) : (str){ 0 };
    free(text);
    return out;
}

static void put_default(json_t *field, const char *member, str text)
{
    json_t *v = text.len ? json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL) : NULL;
    if (v)
        json_object_set_new(field, member, v);
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
                                  .doc = str_copy(a, json_text_or(f, "doc", STR(""))),
                                  .initial_default = default_of(a, f, "initial-default"),
                                  .write_default = default_of(a, f, "write-default") };
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

bool metadata_parse_schema(arena *a, const json_t *j, const iceberg_schema **ret, error *err)
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
        put_default(f, "initial-default", fields[i].initial_default);
        put_default(f, "write-default", fields[i].write_default);
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

/* Names of later versions become TRANSFORM_UNKNOWN, as the spec asks of readers. */
static void parse_transform(arena *a, str text, iceberg_transform_kind *ret_kind,
                            int32_t *ret_argument, str *ret_text)
{
    for (size_t i = 0; i < ARRAY_LEN(transform_names); i++) {
        str name = str_of(transform_names[i]);
        int64_t argument;
        *ret_kind = (iceberg_transform_kind)i;
        if (str_eq(text, name) && i != TRANSFORM_BUCKET && i != TRANSFORM_TRUNCATE)
            return;
        if (str_starts_with(text, name) && text.len > name.len + 2 && text.data[name.len] == '[' &&
            str_to_i64(str_slice(text, name.len + 1, text.len - 1), &argument) && argument > 0 &&
            argument <= INT32_MAX) {
            *ret_argument = (int32_t)argument;
            return;
        }
    }
    *ret_kind = TRANSFORM_UNKNOWN;
    *ret_text = str_copy(a, text);
}

/* "source-id", or the only one of version 3's "source-ids"; several are a transform that is not
 * known here. */
static bool parse_source(const json_t *f, const char *path, int64_t *ret_id, error *err)
{
    const json_t *ids = json_object_get(f, "source-ids");
    if (json_array_size(ids) > 0) {
        *ret_id = json_integer_value(json_array_get(ids, 0));
        return true;
    }
    return json_need_int(f, path, "source-id", ret_id, err);
}

bool metadata_parse_spec(arena *a, const json_t *j, iceberg_spec *s, error *err)
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
        TRY(parse_source(f, "partition-specs[].fields[]", &source, err));
        id = json_int_or(f, "field-id", 1000 + (int64_t)i); /* version 1 may leave it out */
        TRY(json_need_text(f, "partition-specs[].fields[]", "name", &name, err));
        TRY(json_need_text(f, "partition-specs[].fields[]", "transform", &transform, err));
        out[i] = (iceberg_partition_field){ .source_id = (int32_t)source,
                                            .field_id = (int32_t)id,
                                            .name = str_copy(a, name) };
        parse_transform(a, transform, &out[i].transform, &out[i].argument, &out[i].text);
    }
    s->fields = out;
    return true;
}

bool metadata_parse_order(arena *a, const json_t *j, iceberg_sort_order *o, error *err)
{
    json_t *fields;
    o->id = (int32_t)json_int_or(j, "order-id", 0);
    TRY(json_need_array(j, "sort-orders[]", "fields", &fields, err));
    o->field_count = json_array_size(fields);
    iceberg_sort_field *out = arena_array_of(a, iceberg_sort_field, o->field_count);
    for (size_t i = 0; i < o->field_count; i++) {
        const json_t *f = json_array_get(fields, i);
        int64_t source;
        str transform, ignored;
        TRY(parse_source(f, "sort-orders[].fields[]", &source, err));
        TRY(json_need_text(f, "sort-orders[].fields[]", "transform", &transform, err));
        out[i].source_id = (int32_t)source;
        out[i].is_descending = str_eq(json_text_or(f, "direction", STR("asc")), STR("desc"));
        out[i].nulls_last =
            str_eq(json_text_or(f, "null-order", STR("nulls-first")), STR("nulls-last"));
        parse_transform(a, transform, &out[i].transform, &out[i].argument, &ignored);
    }
    o->fields = out;
    return true;
}

static str transform_text(arena *a, iceberg_transform_kind kind, int32_t argument, str unknown)
{
    if (kind == TRANSFORM_UNKNOWN)
        return unknown;
    bool has_argument = kind == TRANSFORM_BUCKET || kind == TRANSFORM_TRUNCATE;
    return has_argument ? str_format(a, "%s[%d]", transform_names[kind], argument)
                        : str_of(transform_names[kind]);
}

json_t *metadata_json_of_order(const iceberg_sort_order *o)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < o->field_count; i++) {
        const iceberg_sort_field *f = &o->fields[i];
        AUTO(arena_free) arena *scratch = arena_new();
        str transform = transform_text(scratch, f->transform, f->argument, STR("void"));
        json_array_append_new(fields,
                              json_pack("{s:o, s:i, s:s, s:s}", "transform", json_of_str(transform),
                                        "source-id", f->source_id, "direction",
                                        f->is_descending ? "desc" : "asc", "null-order",
                                        f->nulls_last ? "nulls-last" : "nulls-first"));
    }
    return json_pack("{s:i, s:o}", "order-id", o->id, "fields", fields);
}

/* The largest id of any field of a schema's JSON, inner ones too. */
int64_t metadata_highest_field_id(const json_t *type)
{
    static const char *const own[] = { "element-id", "key-id", "value-id" }, *const inner[] = {
        "element", "key", "value", "type"
    };
    int64_t highest = 0;
    if (!json_is_object(type))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        int64_t id = json_int_or(type, own[i], 0);
        highest = id > highest ? id : highest;
    }
    for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
        int64_t id = metadata_highest_field_id(json_object_get(type, inner[i]));
        highest = id > highest ? id : highest;
    }
    const json_t *fields = json_object_get(type, "fields");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *f = json_array_get(fields, i);
        int64_t id = json_int_or(f, "id", 0), deeper = metadata_highest_field_id(f);
        highest = id > highest ? id : highest;
        highest = deeper > highest ? deeper : highest;
    }
    return highest;
}

json_t *metadata_json_of_spec(const iceberg_spec *s)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < s->field_count; i++) {
        const iceberg_partition_field *f = &s->fields[i];
        AUTO(arena_free) arena *scratch = arena_new();
        str transform = transform_text(scratch, f->transform, f->argument, f->text);
        json_array_append_new(fields,
                              json_pack("{s:i, s:i, s:o, s:o}", "source-id", f->source_id,
                                        "field-id", f->field_id, "name", json_of_str(f->name),
                                        "transform", json_of_str(transform)));
    }
    return json_pack("{s:i, s:o}", "spec-id", s->id, "fields", fields);
}
