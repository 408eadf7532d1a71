/* Writing manifests. Source: Iceberg spec, "Manifests", "Sequence Number Inheritance", "First Row
 * ID Inheritance". */
#include "iceberg/avro.h"
#include "iceberg/internal.h"

/* ---- The schema of entries ---- */

void manifest_add_field(strbuf *b, const manifest_field *f)
{
    strbuf_format(b, "{\"name\":\"%s\",\"field-id\":%d,\"type\":", f->name, f->id);
    if (f->is_optional)
        strbuf_format(b, "[\"null\",%s],\"default\":null}", f->type);
    else
        strbuf_format(b, "%s}", f->type);
}

#define INT_MAP(key, val, type)                                                                    \
    "{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k" #key \
    "_v" #val "\",\"fields\":[{\"name\":\"key\",\"field-id\":" #key                                \
    ",\"type\":\"int\"},{\"name\":\"value\",\"field-id\":" #val ",\"type\":\"" type "\"}]}}"

/* What follows the partition in a data file's record, in the order that put_entry writes. */
static const manifest_field file_fields[] = {
    { "record_count", 103, "\"long\"", false, 1 },
    { "file_size_in_bytes", 104, "\"long\"", false, 1 },
    { "column_sizes", 108, INT_MAP(117, 118, "long"), true, 1 },
    { "value_counts", 109, INT_MAP(119, 120, "long"), true, 1 },
    { "null_value_counts", 110, INT_MAP(121, 122, "long"), true, 1 },
    { "nan_value_counts", 137, INT_MAP(138, 139, "long"), true, 1 },
    { "lower_bounds", 125, INT_MAP(126, 127, "bytes"), true, 1 },
    { "upper_bounds", 128, INT_MAP(129, 130, "bytes"), true, 1 },
    { "key_metadata", 131, "\"bytes\"", true, 1 },
    { "split_offsets", 132, "{\"type\":\"array\",\"element-id\":133,\"items\":\"long\"}", true, 1 },
    { "equality_ids", 135, "{\"type\":\"array\",\"element-id\":136,\"items\":\"int\"}", true, 1 },
    { "sort_order_id", 140, "\"int\"", true, 1 },
    { "referenced_data_file", 143, "\"string\"", true, 2 },
    { "first_row_id", 142, "\"long\"", true, 3 },
    { "content_offset", 144, "\"long\"", true, 3 },
    { "content_size_in_bytes", 145, "\"long\"", true, 3 },
};

static const manifest_field entry_fields[] = {
    { "status", 0, "\"int\"", false, 1 },
    { "snapshot_id", 1, "\"long\"", true, 1 },
    { "sequence_number", 3, "\"long\"", true, 1 },
    { "file_sequence_number", 4, "\"long\"", true, 1 },
};

static const manifest_field file_head[] = {
    { "content", 134, "\"int\"", false, 1 },
    { "file_path", 100, "\"string\"", false, 1 },
    { "file_format", 101, "\"string\"", false, 1 },
};

const iceberg_type *partition_type(const iceberg_schema *schema, const iceberg_partition_field *f)
{
    const iceberg_field *source = iceberg_schema_find_deep(schema, f->source_id);
    switch (f->transform) {
    case TRANSFORM_DAY: return iceberg_primitive(ICEBERG_DATE);
    case TRANSFORM_BUCKET:
    case TRANSFORM_YEAR:
    case TRANSFORM_MONTH:
    case TRANSFORM_HOUR: return iceberg_primitive(ICEBERG_INT);
    case TRANSFORM_UNKNOWN: return iceberg_primitive(ICEBERG_STRING);
    default: return source ? source->type : iceberg_primitive(ICEBERG_STRING);
    }
}

/* Bytes of the fixed form of a decimal: the fewest that hold its precision. */
size_t manifest_decimal_bytes(int precision)
{
    static const uint8_t bytes[] = { 1,  1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,
                                     6,  6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11,
                                     11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16 };
    return bytes[precision <= 38 ? precision : 38];
}

static str avro_type_of(arena *a, const iceberg_type *t)
{
    switch (t->kind) {
    case ICEBERG_BOOLEAN: return STR("\"boolean\"");
    case ICEBERG_INT: return STR("\"int\"");
    case ICEBERG_LONG: return STR("\"long\"");
    case ICEBERG_FLOAT: return STR("\"float\"");
    case ICEBERG_DOUBLE: return STR("\"double\"");
    case ICEBERG_DATE: return STR("{\"type\":\"int\",\"logicalType\":\"date\"}");
    case ICEBERG_TIME: return STR("{\"type\":\"long\",\"logicalType\":\"time-micros\"}");
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS: {
        bool is_nano = t->kind >= ICEBERG_TIMESTAMP_NS;
        bool is_utc = t->kind == ICEBERG_TIMESTAMPTZ || t->kind == ICEBERG_TIMESTAMPTZ_NS;
        return str_format(
            a, "{\"type\":\"long\",\"logicalType\":\"timestamp-%s\",\"adjust-to-utc\":%s}",
            is_nano ? "nanos" : "micros", is_utc ? "true" : "false");
    }
    case ICEBERG_UUID:
        return STR(
            "{\"type\":\"fixed\",\"size\":16,\"logicalType\":\"uuid\",\"name\":\"uuid_fixed\"}");
    case ICEBERG_FIXED:
        return str_format(a, "{\"type\":\"fixed\",\"size\":%d,\"name\":\"fixed_%d\"}", t->length,
                          t->length);
    case ICEBERG_DECIMAL:
        return str_format(
            a,
            "{\"type\":\"fixed\",\"size\":%zu,\"logicalType\":\"decimal\",\"precision\":%d,"
            "\"scale\":%d,\"name\":\"decimal_%d_%d\"}",
            manifest_decimal_bytes(t->precision), t->precision, t->scale, t->precision, t->scale);
    case ICEBERG_BINARY: return STR("\"bytes\"");
    default: return STR("\"string\"");
    }
}

/* Avro names allow letters, digits and '_': others become _xHH, as the reference implementation
 * does. */
static void add_avro_name(strbuf *b, str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool is_digit = c >= '0' && c <= '9';
        if (is_letter || (is_digit && i > 0))
            strbuf_add_char(b, (char)c);
        else if (is_digit)
            strbuf_format(b, "_%c", c);
        else
            strbuf_format(b, "_x%X", c);
    }
}

static str entry_schema(arena *a, const iceberg_schema *schema, const iceberg_spec *spec,
                        int32_t version)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[");
    for (size_t i = 0; i < ARRAY_LEN(entry_fields); i++) {
        manifest_add_field(&b, &entry_fields[i]);
        strbuf_add_char(&b, ',');
    }
    strbuf_add_c(
        &b, "{\"name\":\"data_file\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":\"r2\","
            "\"fields\":[");
    for (size_t i = 0; i < ARRAY_LEN(file_head); i++) {
        manifest_add_field(&b, &file_head[i]);
        strbuf_add_char(&b, ',');
    }
    strbuf_add_c(&b,
                 "{\"name\":\"partition\",\"field-id\":102,\"type\":{\"type\":\"record\",\"name\":"
                 "\"r102\",\"fields\":[");
    for (size_t i = 0; i < spec->field_count; i++) {
        str type = avro_type_of(a, partition_type(schema, &spec->fields[i]));
        strbuf_add_c(&b, i ? ",{\"name\":\"" : "{\"name\":\"");
        add_avro_name(&b, spec->fields[i].name);
        strbuf_format(&b, "\",\"field-id\":%d,\"type\":[\"null\"," STR_FMT "],\"default\":null}",
                      spec->fields[i].field_id, STR_ARG(type));
    }
    strbuf_add_c(&b, "]}}");
    for (size_t i = 0; i < ARRAY_LEN(file_fields); i++) {
        if (file_fields[i].since_version > version)
            continue;
        strbuf_add_char(&b, ',');
        manifest_add_field(&b, &file_fields[i]);
    }
    strbuf_add_c(&b, "]}}]}");
    return strbuf_str(&b);
}

/* ---- Writing entries ---- */

static void put_partition_value(strbuf *b, const iceberg_type *type, const value *v)
{
    str bytes = { 0 };
    bool is_null = v->kind == VALUE_NULL;
    if (!is_null && (type->kind == ICEBERG_UUID || type->kind == ICEBERG_DECIMAL ||
                     type->kind == ICEBERG_FIXED))
        is_null = !bounds_encode(b->arena, type, v, &bytes);
    avro_put_long(b, !is_null);
    if (is_null)
        return;
    switch (type->kind) {
    case ICEBERG_BOOLEAN: avro_put_bool(b, v->boolean); return;
    case ICEBERG_FLOAT: strbuf_add_bytes(b, &(float){ (float)v->real }, 4); return;
    case ICEBERG_DOUBLE: strbuf_add_bytes(b, &v->real, 8); return;
    case ICEBERG_INT:
    case ICEBERG_LONG:
    case ICEBERG_DATE:
    case ICEBERG_TIME:
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS: avro_put_long(b, v->integer); return;
    case ICEBERG_DECIMAL: { /* two's complement, filled up to the fixed size */
        char sign = bytes.len && bytes.data[0] < 0 ? (char)0xFF : 0;
        for (size_t n = manifest_decimal_bytes(type->precision); n > bytes.len; n--)
            strbuf_add_char(b, sign);
        strbuf_add(b, bytes);
        return;
    }
    case ICEBERG_UUID:
    case ICEBERG_FIXED: strbuf_add(b, bytes); return;
    default: avro_put_bytes(b, v->text); return;
    }
}

typedef enum stat_kind { STAT_SIZE, STAT_VALUES, STAT_NULLS, STAT_NANS } stat_kind;

static int64_t stat_of(const iceberg_column_stats *s, stat_kind kind)
{
    return kind == STAT_SIZE     ? s->size_bytes
           : kind == STAT_VALUES ? s->value_count
           : kind == STAT_NULLS  ? s->null_count
                                 : s->nan_count;
}

static void put_counts(strbuf *b, const iceberg_file *f, stat_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < f->stats_count; i++)
        count += stat_of(&f->stats[i], kind) >= 0;
    avro_put_long(b, count > 0);
    if (count == 0)
        return;
    avro_put_long(b, (int64_t)count);
    for (size_t i = 0; i < f->stats_count; i++)
        if (stat_of(&f->stats[i], kind) >= 0) {
            avro_put_long(b, f->stats[i].field_id);
            avro_put_long(b, stat_of(&f->stats[i], kind));
        }
    avro_put_long(b, 0);
}

static void put_bounds(strbuf *b, const iceberg_file *f, bool is_upper)
{
    size_t count = 0;
    for (size_t i = 0; i < f->stats_count; i++)
        count += (is_upper ? f->stats[i].upper : f->stats[i].lower).data != NULL;
    avro_put_long(b, count > 0);
    if (count == 0)
        return;
    avro_put_long(b, (int64_t)count);
    for (size_t i = 0; i < f->stats_count; i++) {
        str bound = is_upper ? f->stats[i].upper : f->stats[i].lower;
        if (!bound.data)
            continue;
        avro_put_long(b, f->stats[i].field_id);
        avro_put_bytes(b, bound);
    }
    avro_put_long(b, 0);
}

static void put_optional_long(strbuf *b, bool is_there, int64_t number)
{
    avro_put_long(b, is_there);
    if (is_there)
        avro_put_long(b, number);
}

static void put_optional_text(strbuf *b, str text)
{
    avro_put_long(b, text.len > 0);
    if (text.len)
        avro_put_bytes(b, text);
}

static void put_file_tail(strbuf *b, const iceberg_file *f, int32_t version)
{
    put_optional_text(b, f->key_metadata);
    avro_put_long(b, f->split_count > 0);
    if (f->split_count) {
        avro_put_long(b, (int64_t)f->split_count);
        for (size_t i = 0; i < f->split_count; i++)
            avro_put_long(b, f->split_offsets[i]);
        avro_put_long(b, 0);
    }
    avro_put_long(b, f->equality_count > 0);
    if (f->equality_count) {
        avro_put_long(b, (int64_t)f->equality_count);
        for (size_t i = 0; i < f->equality_count; i++)
            avro_put_long(b, f->equality_ids[i]);
        avro_put_long(b, 0);
    }
    put_optional_long(b, f->content != ICEBERG_POSITION_DELETES, f->sort_order_id);
    put_optional_text(b, f->referenced_data_file);
    if (version < 3)
        return;
    bool is_vector = iceberg_file_is_vector(f);
    put_optional_long(b, f->content == ICEBERG_DATA && f->first_row_id >= 0, f->first_row_id);
    put_optional_long(b, is_vector, f->content_offset);
    put_optional_long(b, is_vector, f->content_size);
}

static void put_entry(strbuf *b, const iceberg_schema *schema, const iceberg_spec *spec,
                      const manifest_entry *e, int32_t version)
{
    const iceberg_file *f = &e->file;
    bool inherits = e->status == ENTRY_ADDED;
    avro_put_long(b, e->status);
    put_optional_long(b, true, e->snapshot_id);
    put_optional_long(b, !inherits || e->sequence_number > 0, e->sequence_number);
    put_optional_long(b, !inherits, e->file_sequence_number);
    avro_put_long(b, f->content);
    avro_put_bytes(b, f->uri);
    avro_put_bytes(b, f->format.len ? f->format : STR("PARQUET"));
    for (size_t i = 0; i < spec->field_count; i++)
        put_partition_value(b, partition_type(schema, &spec->fields[i]), &f->partition[i]);
    avro_put_long(b, f->row_count);
    avro_put_long(b, f->size_bytes);
    put_counts(b, f, STAT_SIZE);
    put_counts(b, f, STAT_VALUES);
    put_counts(b, f, STAT_NULLS);
    put_counts(b, f, STAT_NANS);
    put_bounds(b, f, false);
    put_bounds(b, f, true);
    put_file_tail(b, f, version);
}

/* The field summaries of a manifest: encoded array without its union branch. */
static str partition_summaries(arena *a, const iceberg_schema *schema, const iceberg_spec *spec,
                               const manifest_entry *entries, size_t count)
{
    strbuf b = strbuf_new(a);
    if (spec->field_count)
        avro_put_long(&b, (int64_t)spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++) {
        const iceberg_type *type = partition_type(schema, &spec->fields[i]);
        bool has_null = false;
        str lower = { 0 }, upper = { 0 }, bytes;
        for (size_t k = 0; k < count; k++) {
            const value *v = &entries[k].file.partition[i];
            has_null |= v->kind == VALUE_NULL;
            if (v->kind == VALUE_NULL || !bounds_encode(a, type, v, &bytes))
                continue;
            if (!lower.data || bounds_compare(type, bytes, lower) < 0)
                lower = bytes;
            if (!upper.data || bounds_compare(type, bytes, upper) > 0)
                upper = bytes;
        }
        avro_put_bool(&b, has_null);
        avro_put_long(&b, 0);
        avro_put_long(&b, lower.data != NULL);
        if (lower.data)
            avro_put_bytes(&b, lower);
        avro_put_long(&b, upper.data != NULL);
        if (upper.data)
            avro_put_bytes(&b, upper);
    }
    avro_put_long(&b, 0);
    return strbuf_str(&b);
}

static void count_entries(manifest *m, const manifest_entry *entries, size_t count,
                          int64_t sequence_number)
{
    m->min_sequence_number = sequence_number;
    for (size_t i = 0; i < count; i++) {
        const manifest_entry *e = &entries[i];
        int32_t *files = e->status == ENTRY_ADDED      ? &m->added_files
                         : e->status == ENTRY_EXISTING ? &m->existing_files
                                                       : &m->deleted_files;
        int64_t *rows = e->status == ENTRY_ADDED      ? &m->added_rows
                        : e->status == ENTRY_EXISTING ? &m->existing_rows
                                                      : &m->deleted_rows;
        ++*files;
        *rows += e->file.row_count;
        if (e->status != ENTRY_DELETED && e->sequence_number > 0 &&
            e->sequence_number < m->min_sequence_number)
            m->min_sequence_number = e->sequence_number;
    }
}

bool manifest_write(const iceberg_table *t, arena *a, str uri, const iceberg_schema *schema,
                    int32_t spec_id, int32_t content, const manifest_entry *entries, size_t count,
                    int64_t snapshot_id, int64_t sequence_number, manifest *ret, error *err)
{
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, spec_id);
    AUTO(json_release) json_t *schema_json = metadata_json_of_schema(schema);
    AUTO(json_release) json_t *spec_json = metadata_json_of_spec(spec);
    strbuf records = strbuf_new(a);
    for (size_t i = 0; i < count; i++)
        put_entry(&records, schema, spec, &entries[i], t->format_version);
    str keys[] = { STR("schema"),         STR("schema-id"),
                   STR("partition-spec"), STR("partition-spec-id"),
                   STR("format-version"), STR("content") };
    str values[] = { metadata_text_of_json(a, schema_json),
                     str_format(a, "%d", schema->id),
                     metadata_text_of_json(a, json_object_get(spec_json, "fields")),
                     str_format(a, "%d", spec_id),
                     STR("2"),
                     content ? STR("deletes") : STR("data") };
    str bytes = avro_container(a, entry_schema(a, schema, spec, t->format_version), keys, values,
                               ARRAY_LEN(keys), manifest_codec(t), strbuf_str(&records), count);
    TRY(store_write(t->store, uri, bytes, err));
    *ret = (manifest){ .uri = uri,
                       .length = (int64_t)bytes.len,
                       .spec_id = spec_id,
                       .content = content,
                       .sequence_number = sequence_number,
                       .added_snapshot_id = snapshot_id,
                       .first_row_id = -1,
                       .partitions_bytes = partition_summaries(a, schema, spec, entries, count) };
    count_entries(ret, entries, count, sequence_number);
    return true;
}
