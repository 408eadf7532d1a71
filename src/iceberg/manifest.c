/* Manifests and manifest lists. Source: Iceberg spec, "Manifests", "Manifest Lists", "Sequence
 * Number Inheritance". */
#include "iceberg/avro.h"
#include "iceberg/internal.h"

/* ---- Schemas ---- */

/* clang-format off: one field a line of the spec's tables */
#define FIELD(name, id, type) "{\"name\":\"" name "\",\"field-id\":" #id ",\"type\":" type "}"
#define OPTIONAL(name, id, type)                                                                   \
    "{\"name\":\"" name "\",\"field-id\":" #id ",\"type\":[\"null\"," type "],\"default\":null}"
#define INT_MAP(name, id, key, val, type)                                                          \
    OPTIONAL(name, id,                                                                             \
             "{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\","         \
             "\"name\":\"k" #key "_v" #val                                                         \
             "\",\"fields\":[" FIELD("key", key, "\"int\"") "," FIELD("value", val, type) "]}}")

static const char list_schema[] =
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":[" FIELD("manifest_path", 500, "\"string\"") "," FIELD(
        "manifest_length",
        501, "\"long\"") "," FIELD("partition_spec_id", 502,
                                   "\"int\"") "," FIELD("content", 517,
                                                        "\"int\"") "," FIELD("sequence_number",
                                                                             515, "\"long\"") "," FIELD("min_sequence_number", 516, "\"long\"") "," FIELD("added_snapshot_id", 503, "\"long\"") "," FIELD("added_files_count", 504, "\"int\"") "," FIELD("existing_files_count", 505, "\"int\"") "," FIELD("deleted_files_count",
                                                                                                                                                                                                                                                                                                           506, "\"int\"") "," FIELD("added_rows_count", 512, "\"long\"") "," FIELD("existing_rows_count",
                                                                                                                                                                                                                                                                                                                                                                                    513, "\"long\"") "," FIELD("deleted_rows_count", 514, "\"long\"") "," OPTIONAL("partitions",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                   507,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "{\"type\":\"array\",\"element-id\":508,\"items\":{\"type\":\"record\",\"name\":\"r508\",\"fields\":[" FIELD("contains_null", 509, "\"boolean\"") "," OPTIONAL("contains_nan",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  518,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "\"boolean\"") "," OPTIONAL("lower_bound",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              510,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "\"bytes\"") "," OPTIONAL("upper_bound", 511, "\"bytes\"") "]}}") "," OPTIONAL("key_metadata",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             519,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "\"bytes\"") "]}";

static const char entry_schema_head[] =
    "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[" FIELD("status", 0, "\"int\"") "," OPTIONAL("snapshot_id", 1, "\"long\"") "," OPTIONAL(
        "sequence_number", 3,
        "\"long\"") "," OPTIONAL("file_sequence_number", 4,
                                 "\"long\"") ",{\"name\":\"data_file\",\"field-id\":2,\"type\":{"
                                             "\"type\":\"record\",\"name\":\"r2\",\"fields\":"
                                             "[" FIELD("content", 134, "\"int\"") "," FIELD(
                                                 "file_path", 100,
                                                 "\"string\"") "," FIELD("file_format", 101,
                                                                         "\"string\"") ","
                                                                                       "{\"name\":"
                                                                                       "\"partition"
                                                                                       "\",\"field-"
                                                                                       "id\":102,"
                                                                                       "\"type\":{"
                                                                                       "\"type\":"
                                                                                       "\"record\","
                                                                                       "\"name\":"
                                                                                       "\"r102\","
                                                                                       "\"fields\":"
                                                                                       "[";

static const char entry_schema_tail[] =
    "]}}," FIELD("record_count", 103, "\"long\"") "," FIELD("file_size_in_bytes", 104, "\"long\"") "," INT_MAP("column_sizes", 108, 117, 118, "\"long\"") "," INT_MAP(
        "value_counts", 109, 119, 120,
        "\"long\"") "," INT_MAP("null_value_counts", 110, 121, 122,
                                "\"long\"") "," INT_MAP("nan_value_counts", 137, 138, 139,
                                                        "\"long\"") "," INT_MAP("lower_bounds", 125,
                                                                                126, 127,
                                                                                "\"bytes\"") "," INT_MAP("upper_bounds",
                                                                                                         128, 129, 130, "\"bytes\"") "," OPTIONAL("key_metadata", 131, "\"bytes\"") "," OPTIONAL("split_offsets", 132, "{\"type\":\"array\",\"element-id\":133,\"items\":\"long\"}") "," OPTIONAL("equality_ids", 135, "{\"type\":\"array\",\"element-id\":136,\"items\":\"int\"}") "," OPTIONAL("sort_order_id", 140, "\"int\"") "," OPTIONAL("referenced_data_file",
                                                                                                                                                                                                                                                                                                                                                                                                                                               143,
                                                                                                                                                                                                                                                                                                                                                                                                                                               "\"string\"") "]}}]}";

/* clang-format on */

const iceberg_type *partition_type(const iceberg_schema *schema, const iceberg_partition_field *f)
{
    const iceberg_field *source = iceberg_schema_find_id(schema, f->source_id);
    switch (f->transform) {
    case TRANSFORM_DAY: return iceberg_primitive(ICEBERG_DATE);
    case TRANSFORM_BUCKET:
    case TRANSFORM_YEAR:
    case TRANSFORM_MONTH:
    case TRANSFORM_HOUR: return iceberg_primitive(ICEBERG_INT);
    default: return source ? source->type : iceberg_primitive(ICEBERG_STRING);
    }
}

static const char *avro_type_of(iceberg_kind kind)
{
    switch (kind) {
    case ICEBERG_BOOLEAN: return "\"boolean\"";
    case ICEBERG_INT: return "\"int\"";
    case ICEBERG_LONG: return "\"long\"";
    case ICEBERG_FLOAT: return "\"float\"";
    case ICEBERG_DOUBLE: return "\"double\"";
    case ICEBERG_DATE: return "{\"type\":\"int\",\"logicalType\":\"date\"}";
    case ICEBERG_TIME: return "{\"type\":\"long\",\"logicalType\":\"time-micros\"}";
    case ICEBERG_TIMESTAMP:
        return "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}";
    case ICEBERG_TIMESTAMPTZ:
        return "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}";
    case ICEBERG_BINARY: return "\"bytes\"";
    default: return "\"string\"";
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

static str entry_schema(arena *a, const iceberg_schema *schema, const iceberg_spec *spec)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, entry_schema_head);
    for (size_t i = 0; i < spec->field_count; i++) {
        strbuf_add_c(&b, i ? ",{\"name\":\"" : "{\"name\":\"");
        add_avro_name(&b, spec->fields[i].name);
        strbuf_format(&b, "\",\"field-id\":%d,\"type\":[\"null\",%s],\"default\":null}",
                      spec->fields[i].field_id,
                      avro_type_of(partition_type(schema, &spec->fields[i])->kind));
    }
    strbuf_add_c(&b, entry_schema_tail);
    return strbuf_str(&b);
}

/* ---- Writing entries ---- */

static void put_partition_value(strbuf *b, const iceberg_type *type, const value *v)
{
    if (v->kind == VALUE_NULL) {
        avro_put_long(b, 0);
        return;
    }
    avro_put_long(b, 1);
    switch (type->kind) {
    case ICEBERG_BOOLEAN: avro_put_bool(b, v->boolean); return;
    case ICEBERG_FLOAT: strbuf_add_bytes(b, &(float){ (float)v->real }, 4); return;
    case ICEBERG_DOUBLE: strbuf_add_bytes(b, &v->real, 8); return;
    case ICEBERG_INT:
    case ICEBERG_LONG:
    case ICEBERG_DATE:
    case ICEBERG_TIME:
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ: avro_put_long(b, v->integer); return;
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

static void put_entry(strbuf *b, const iceberg_schema *schema, const iceberg_spec *spec,
                      const manifest_entry *e)
{
    const iceberg_file *f = &e->file;
    bool inherits = e->status == ENTRY_ADDED;
    avro_put_long(b, e->status);
    avro_put_long(b, 1);
    avro_put_long(b, e->snapshot_id);
    avro_put_long(b, !inherits);
    if (!inherits)
        avro_put_long(b, e->sequence_number);
    avro_put_long(b, !inherits);
    if (!inherits)
        avro_put_long(b, e->file_sequence_number);
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
    avro_put_long(b, 0); /* key_metadata, split_offsets, equality_ids: null */
    avro_put_long(b, 0);
    avro_put_long(b, 0);
    avro_put_long(b, f->content == ICEBERG_DATA);
    if (f->content == ICEBERG_DATA)
        avro_put_long(b, f->sort_order_id);
    avro_put_long(b, f->referenced_data_file.len > 0);
    if (f->referenced_data_file.len)
        avro_put_bytes(b, f->referenced_data_file);
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
        if (e->status == ENTRY_EXISTING && e->sequence_number < m->min_sequence_number)
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
        put_entry(&records, schema, spec, &entries[i]);
    str keys[] = { STR("schema"),         STR("schema-id"),
                   STR("partition-spec"), STR("partition-spec-id"),
                   STR("format-version"), STR("content") };
    str values[] = { metadata_text_of_json(a, schema_json),
                     str_format(a, "%d", schema->id),
                     metadata_text_of_json(a, json_object_get(spec_json, "fields")),
                     str_format(a, "%d", spec_id),
                     STR("2"),
                     content ? STR("deletes") : STR("data") };
    str bytes = avro_container(a, entry_schema(a, schema, spec), keys, values, ARRAY_LEN(keys),
                               strbuf_str(&records), count);
    TRY(store_write_new(t->store, uri, bytes, err));
    *ret = (manifest){ .uri = uri,
                       .length = (int64_t)bytes.len,
                       .spec_id = spec_id,
                       .content = content,
                       .sequence_number = sequence_number,
                       .added_snapshot_id = snapshot_id,
                       .partitions_bytes = partition_summaries(a, schema, spec, entries, count) };
    count_entries(ret, entries, count, sequence_number);
    return true;
}

/* ---- The list ---- */

static void put_read_summaries(strbuf *b, const value *list)
{
    if (list->list.count)
        avro_put_long(b, (int64_t)list->list.count);
    for (size_t i = 0; i < list->list.count; i++) {
        const value *item = &list->list.items[i];
        const value *has_null = avro_field(item, 509), *has_nan = avro_field(item, 518);
        const value *lower = avro_field(item, 510), *upper = avro_field(item, 511);
        avro_put_bool(b, has_null && has_null->boolean);
        avro_put_long(b, has_nan != NULL);
        if (has_nan)
            avro_put_bool(b, has_nan->boolean);
        avro_put_long(b, lower != NULL);
        if (lower)
            avro_put_bytes(b, lower->text);
        avro_put_long(b, upper != NULL);
        if (upper)
            avro_put_bytes(b, upper->text);
    }
    avro_put_long(b, 0);
}

bool manifest_list_write(const iceberg_table *t, arena *a, str uri, const manifest *manifests,
                         size_t count, int64_t snapshot_id, int64_t parent_id,
                         int64_t sequence_number, error *err)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < count; i++) {
        const manifest *m = &manifests[i];
        avro_put_bytes(&b, m->uri);
        avro_put_long(&b, m->length);
        avro_put_long(&b, m->spec_id);
        avro_put_long(&b, m->content);
        avro_put_long(&b, m->sequence_number);
        avro_put_long(&b, m->min_sequence_number);
        avro_put_long(&b, m->added_snapshot_id);
        avro_put_long(&b, m->added_files);
        avro_put_long(&b, m->existing_files);
        avro_put_long(&b, m->deleted_files);
        avro_put_long(&b, m->added_rows);
        avro_put_long(&b, m->existing_rows);
        avro_put_long(&b, m->deleted_rows);
        bool has_summaries = m->partitions_bytes.len || m->partitions;
        avro_put_long(&b, has_summaries);
        if (m->partitions_bytes.len)
            strbuf_add(&b, m->partitions_bytes);
        else if (m->partitions)
            put_read_summaries(&b, m->partitions);
        avro_put_long(&b, 0);
    }
    str keys[] = { STR("snapshot-id"), STR("parent-snapshot-id"), STR("sequence-number"),
                   STR("format-version") };
    str values[] = { str_format(a, "%lld", (long long)snapshot_id),
                     parent_id == -1 ? STR("null") : str_format(a, "%lld", (long long)parent_id),
                     str_format(a, "%lld", (long long)sequence_number), STR("2") };
    return store_write_new(t->store, uri,
                           avro_container(a, str_of(list_schema), keys, values, ARRAY_LEN(keys),
                                          strbuf_str(&b), count),
                           err);
}

static int64_t int_or(const value *record, int32_t id, int64_t otherwise)
{
    const value *v = avro_field(record, id);
    return v && v->kind == VALUE_INT ? v->integer : otherwise;
}

static str text_or(const value *record, int32_t id)
{
    const value *v = avro_field(record, id);
    return v && (v->kind == VALUE_STRING || v->kind == VALUE_BINARY) ? v->text : STR("");
}

bool manifest_list_read(const iceberg_table *t, arena *a, str uri, manifest **ret_manifests,
                        size_t *ret_count, error *err)
{
    str content;
    avro_file file;
    if (!store_read(t->store, a, uri, &content, err))
        return fail_while(err, "table " STR_FMT, STR_ARG(t->name));
    TRY(avro_read(a, content, uri, &file, err));
    manifest *out = arena_array_of(a, manifest, file.record_count);
    for (size_t i = 0; i < file.record_count; i++) {
        const value *r = &file.records[i];
        out[i] = (manifest){
            .uri = text_or(r, 500),
            .length = int_or(r, 501, 0),
            .spec_id = (int32_t)int_or(r, 502, 0),
            .content = (int32_t)int_or(r, 517, 0),
            .sequence_number = int_or(r, 515, 0),
            .min_sequence_number = int_or(r, 516, 0),
            .added_snapshot_id = int_or(r, 503, -1),
            .added_files = (int32_t)int_or(r, 504, 0),
            .existing_files = (int32_t)int_or(r, 505, 0),
            .deleted_files = (int32_t)int_or(r, 506, 0),
            .added_rows = int_or(r, 512, 0),
            .existing_rows = int_or(r, 513, 0),
            .deleted_rows = int_or(r, 514, 0),
        };
        const value *summaries = avro_field(r, 507);
        out[i].partitions = summaries && summaries->kind == VALUE_LIST ? summaries : NULL;
        if (out[i].uri.len == 0 || (out[i].content != 0 && out[i].content != 1))
            return fail(err, ERR_CORRUPT, "reading " STR_FMT ": entry %zu names no manifest",
                        STR_ARG(uri), i);
    }
    *ret_manifests = out;
    *ret_count = file.record_count;
    return true;
}

/* ---- Reading entries ---- */

static const value *map_value(const value *map, int64_t key)
{
    for (size_t i = 0; map && map->kind == VALUE_MAP && i < map->map.count; i++)
        if (map->map.keys[i].kind == VALUE_INT && map->map.keys[i].integer == key)
            return &map->map.values[i];
    return NULL;
}

static void read_stats(arena *a, const value *data_file, iceberg_file *f)
{
    static const int32_t ids[] = { 108, 109, 110, 137, 125, 128 };
    const value *maps[ARRAY_LEN(ids)];
    const value *widest = NULL;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        maps[i] = avro_field(data_file, ids[i]);
        if (maps[i] && maps[i]->kind == VALUE_MAP &&
            (!widest || maps[i]->map.count > widest->map.count))
            widest = maps[i];
    }
    if (!widest)
        return;
    iceberg_column_stats *stats = arena_array_of(a, iceberg_column_stats, widest->map.count);
    for (size_t i = 0; i < widest->map.count; i++) {
        int64_t id = widest->map.keys[i].kind == VALUE_INT ? widest->map.keys[i].integer : -1;
        int64_t counts[4];
        for (int k = 0; k < 4; k++) {
            const value *v = map_value(maps[k], id);
            counts[k] = v && v->kind == VALUE_INT ? v->integer : -1;
        }
        const value *lower = map_value(maps[4], id), *upper = map_value(maps[5], id);
        stats[i] =
            (iceberg_column_stats){ (int32_t)id,
                                    counts[0],
                                    counts[1],
                                    counts[2],
                                    counts[3],
                                    lower && lower->kind == VALUE_BINARY ? lower->text : (str){ 0 },
                                    upper && upper->kind == VALUE_BINARY ? upper->text
                                                                         : (str){ 0 } };
    }
    f->stats = stats;
    f->stats_count = widest->map.count;
}

/* Partition values arrive as Avro's primitives: give them the kind of their type. */
static value typed_partition(const iceberg_type *type, const value *v)
{
    value out = v ? *v : (value){ .kind = VALUE_NULL };
    if (out.kind == VALUE_INT && type->kind == ICEBERG_DATE)
        out.kind = VALUE_DATE;
    if (out.kind == VALUE_INT &&
        (type->kind == ICEBERG_TIMESTAMP || type->kind == ICEBERG_TIMESTAMPTZ))
        out.kind = VALUE_TIMESTAMP;
    return out;
}

static bool read_entry(const iceberg_table *t, arena *a, const manifest *m, const value *r,
                       manifest_entry *e, error *err)
{
    const value *d = avro_field(r, 2);
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, m->spec_id);
    int64_t content = int_or(d, 134, 0), rows = int_or(d, 103, -1), status = int_or(r, 0, -1);
    str uri = text_or(d, 100);
    if (!spec)
        return fail(err, ERR_CORRUPT, "there is no partition spec %d", m->spec_id);
    if (status < 0 || status > 2 || content < 0 || content > 2 || rows < 0 || uri.len == 0)
        return fail(err, ERR_CORRUPT, "an entry has no path, row count or known status");
    *e = (manifest_entry){ .status = (int32_t)status,
                           .snapshot_id = int_or(r, 1, m->added_snapshot_id),
                           .sequence_number =
                               int_or(r, 3, status == ENTRY_ADDED ? m->sequence_number : 0) };
    e->file_sequence_number = int_or(r, 4, e->sequence_number);
    value *partition = arena_array_of(a, value, spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++)
        partition[i] = typed_partition(partition_type(t->schema, &spec->fields[i]),
                                       avro_field(avro_field(d, 102), spec->fields[i].field_id));
    e->file = (iceberg_file){ .content = (iceberg_content)content,
                              .uri = uri,
                              .format = text_or(d, 101),
                              .spec_id = m->spec_id,
                              .partition = partition,
                              .row_count = rows,
                              .size_bytes = int_or(d, 104, 0),
                              .sequence_number = e->sequence_number,
                              .snapshot_id = e->snapshot_id,
                              .sort_order_id = (int32_t)int_or(d, 140, 0),
                              .referenced_data_file = text_or(d, 143) };
    read_stats(a, d, &e->file);
    return true;
}

bool manifest_read(const iceberg_table *t, arena *a, const manifest *m,
                   manifest_entry **ret_entries, size_t *ret_count, error *err)
{
    str content;
    avro_file file;
    if (!store_read(t->store, a, m->uri, &content, err))
        return fail_while(err, "table " STR_FMT, STR_ARG(t->name));
    TRY(avro_read(a, content, m->uri, &file, err));
    manifest_entry *out = arena_array_of(a, manifest_entry, file.record_count);
    for (size_t i = 0; i < file.record_count; i++)
        if (!read_entry(t, a, m, &file.records[i], &out[i], err))
            return fail_while(err, "reading " STR_FMT ", entry %zu", STR_ARG(m->uri), i);
    *ret_entries = out;
    *ret_count = file.record_count;
    return true;
}
