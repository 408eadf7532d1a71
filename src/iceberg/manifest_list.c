/* Manifest lists, and the manifests of a snapshot. Source: Iceberg spec, "Manifest Lists". */
#include "iceberg/avro.h"
#include "iceberg/internal.h"

#define SUMMARY_FIELDS                                                                             \
    "{\"type\":\"array\",\"element-id\":508,\"items\":{\"type\":\"record\",\"name\":\"r508\","     \
    "\"fields\":["                                                                                 \
    "{\"name\":\"contains_null\",\"field-id\":509,\"type\":\"boolean\"},"                          \
    "{\"name\":\"contains_nan\",\"field-id\":518,\"type\":[\"null\",\"boolean\"],\"default\":"     \
    "null},"                                                                                       \
    "{\"name\":\"lower_bound\",\"field-id\":510,\"type\":[\"null\",\"bytes\"],\"default\":null},"  \
    "{\"name\":\"upper_bound\",\"field-id\":511,\"type\":[\"null\",\"bytes\"],\"default\":null}]}" \
    "}"

static const manifest_field fields[] = {
    { "manifest_path", 500, "\"string\"", false, 1 },
    { "manifest_length", 501, "\"long\"", false, 1 },
    { "partition_spec_id", 502, "\"int\"", false, 1 },
    { "content", 517, "\"int\"", false, 1 },
    { "sequence_number", 515, "\"long\"", false, 1 },
    { "min_sequence_number", 516, "\"long\"", false, 1 },
    { "added_snapshot_id", 503, "\"long\"", false, 1 },
    { "added_files_count", 504, "\"int\"", false, 1 },
    { "existing_files_count", 505, "\"int\"", false, 1 },
    { "deleted_files_count", 506, "\"int\"", false, 1 },
    { "added_rows_count", 512, "\"long\"", false, 1 },
    { "existing_rows_count", 513, "\"long\"", false, 1 },
    { "deleted_rows_count", 514, "\"long\"", false, 1 },
    { "partitions", 507, SUMMARY_FIELDS, true, 1 },
    { "key_metadata", 519, "\"bytes\"", true, 1 },
    { "first_row_id", 520, "\"long\"", true, 3 },
};

static str list_schema(arena *a, int32_t version)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":[");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].since_version > version)
            continue;
        strbuf_add_c(&b, i ? "," : "");
        manifest_add_field(&b, &fields[i]);
    }
    strbuf_add_c(&b, "]}");
    return strbuf_str(&b);
}

str manifest_codec(const iceberg_table *t)
{
    str codec = iceberg_table_property(t, STR("write.avro.compression-codec"), STR("gzip"));
    return str_eq_nocase(codec, STR("gzip"))           ? STR("deflate")
           : str_eq_nocase(codec, STR("zstd"))         ? STR("zstandard")
           : str_eq_nocase(codec, STR("snappy"))       ? STR("snappy")
           : str_eq_nocase(codec, STR("uncompressed")) ? STR("null")
                                                       : STR("deflate");
}

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
        avro_put_long(&b, m->key_metadata.len > 0);
        if (m->key_metadata.len)
            avro_put_bytes(&b, m->key_metadata);
        if (t->format_version < 3)
            continue;
        avro_put_long(&b, m->first_row_id >= 0);
        if (m->first_row_id >= 0)
            avro_put_long(&b, m->first_row_id);
    }
    str keys[] = { STR("snapshot-id"), STR("parent-snapshot-id"), STR("sequence-number"),
                   STR("format-version") };
    str values[] = { str_format(a, "%lld", (long long)snapshot_id),
                     parent_id == -1 ? STR("null") : str_format(a, "%lld", (long long)parent_id),
                     str_format(a, "%lld", (long long)sequence_number),
                     str_format(a, "%d", t->format_version) };
    return store_write(t->store, uri,
                       avro_container(a, list_schema(a, t->format_version), keys, values,
                                      ARRAY_LEN(keys), manifest_codec(t), strbuf_str(&b), count),
                       err);
}

int64_t manifest_int(const value *record, int32_t id, int64_t otherwise)
{
    const value *v = avro_field(record, id);
    return v && v->kind == VALUE_INT ? v->integer : otherwise;
}

str manifest_text(const value *record, int32_t id)
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
            .uri = manifest_text(r, 500),
            .length = manifest_int(r, 501, 0),
            .spec_id = (int32_t)manifest_int(r, 502, 0),
            .content = (int32_t)manifest_int(r, 517, 0),
            .sequence_number = manifest_int(r, 515, 0),
            .min_sequence_number = manifest_int(r, 516, 0),
            .added_snapshot_id = manifest_int(r, 503, -1),
            .added_files = (int32_t)manifest_int(r, 504, 1) /* unknown: may have some */,
            .existing_files = (int32_t)manifest_int(r, 505, 0),
            .deleted_files = (int32_t)manifest_int(r, 506, 0),
            .added_rows = manifest_int(r, 512, 0),
            .existing_rows = manifest_int(r, 513, 0),
            .deleted_rows = manifest_int(r, 514, 0),
            .first_row_id = manifest_int(r, 520, -1),
            .key_metadata = manifest_text(r, 519),
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

bool manifests_of_snapshot(const iceberg_table *t, arena *a, const iceberg_snapshot *s,
                           manifest **ret_manifests, size_t *ret_count, error *err)
{
    if (s->manifest_list.len)
        return manifest_list_read(t, a, s->manifest_list, ret_manifests, ret_count, err);
    manifest *out = arena_array_of(a, manifest, s->manifest_count);
    for (size_t i = 0; i < s->manifest_count; i++)
        out[i] = (manifest){ .uri = s->manifests[i],
                             .spec_id = t->default_spec_id,
                             .added_snapshot_id = -1,
                             .added_files = 1,
                             .first_row_id = -1 };
    *ret_manifests = out;
    *ret_count = s->manifest_count;
    return true;
}
