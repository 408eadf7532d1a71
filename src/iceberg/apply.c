/* A change on top of a table: new manifests, manifest list and metadata file. Nothing here is
 * visible to readers until a catalog points at the new metadata. Source: Iceberg spec, "Snapshots",
 * "Commit Conflict Resolution and Retry". */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "iceberg/internal.h"

enum { MERGE_AT_MANIFESTS = 100, LARGEST_MERGED_BYTES = 8 << 20 };

/* One application: what it reads, what it has written so far. */
typedef struct application {
    const iceberg_table *base;
    arena *arena;
    const iceberg_change *change;
    const iceberg_schema *schema;
    int64_t snapshot_id, sequence_number, now_ms;
    str uuid;
    int manifest_number;
    VEC(str) written;
    VEC(manifest) manifests;
    /* totals for the summary */
    int64_t removed_files, removed_rows, removed_bytes;
} application;

static str next_manifest_uri(application *x)
{
    str uri = str_format(x->arena, STR_FMT "/metadata/" STR_FMT "-m%d.avro",
                         STR_ARG(x->base->location), STR_ARG(x->uuid), x->manifest_number++);
    vec_push(x->arena, &x->written, uri);
    return uri;
}

static bool write_entries(application *x, int32_t spec_id, int32_t content,
                          const manifest_entry *entries, size_t count, error *err)
{
    manifest m;
    TRY(manifest_write(x->base, x->arena, next_manifest_uri(x), x->schema, spec_id, content,
                       entries, count, x->snapshot_id, x->sequence_number, &m, err));
    vec_push(x->arena, &x->manifests, m);
    return true;
}

static bool write_added(application *x, bool is_deletes, error *err)
{
    for (size_t k = 0; k < x->base->spec_count; k++) {
        VEC(manifest_entry) entries = { 0 };
        for (size_t i = 0; i < x->change->added_count; i++) {
            const iceberg_file *f = &x->change->added[i];
            if ((f->content != ICEBERG_DATA) == is_deletes && f->spec_id == x->base->specs[k].id)
                vec_push(x->arena, &entries,
                         (manifest_entry){
                             .status = ENTRY_ADDED, .snapshot_id = x->snapshot_id, .file = *f });
        }
        if (entries.count)
            TRY(write_entries(x, x->base->specs[k].id, is_deletes, entries.items, entries.count,
                              err));
    }
    return true;
}

/* A manifest of the base again, its removed files marked; untouched when it has none of them. */
static bool keep_manifest(application *x, const manifest *m, const map *removed, size_t *found,
                          error *err)
{
    manifest_entry *entries;
    size_t count, marked = 0, live = 0;
    if (removed->count == 0) {
        vec_push(x->arena, &x->manifests, *m);
        return true;
    }
    TRY(manifest_read(x->base, x->arena, m, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].status == ENTRY_DELETED)
            continue;
        bool is_removed = map_has(removed, entries[i].file.uri);
        entries[live] = entries[i];
        entries[live].status = is_removed ? ENTRY_DELETED : ENTRY_EXISTING;
        if (is_removed) {
            entries[live].snapshot_id = x->snapshot_id;
            x->removed_rows += entries[i].file.row_count;
            x->removed_bytes += entries[i].file.size_bytes;
        }
        marked += is_removed;
        live++;
    }
    *found += marked;
    x->removed_files += (int64_t)marked;
    if (marked == 0) {
        vec_push(x->arena, &x->manifests, *m);
        return true;
    }
    return write_entries(x, m->spec_id, m->content, entries, live, err);
}

static bool keep_base(application *x, error *err)
{
    const iceberg_snapshot *current = iceberg_table_current(x->base);
    map removed = map_new(x->arena);
    size_t found = 0, count = 0;
    manifest *manifests = NULL;
    for (size_t i = 0; i < x->change->removed_count; i++)
        map_set(&removed, x->change->removed_uris[i], x->arena);
    if (current)
        TRY(manifest_list_read(x->base, x->arena, current->manifest_list, &manifests, &count, err));
    for (size_t i = 0; i < count; i++)
        if (manifests[i].added_files + manifests[i].existing_files > 0)
            TRY(keep_manifest(x, &manifests[i], &removed, &found, err));
    if (found < removed.count)
        return fail(err, ERR_CONFLICT,
                    "table " STR_FMT ": %zu of the files to take out are not in it any more",
                    STR_ARG(x->base->name), removed.count - found);
    return true;
}

/* Many small manifests of one spec and content become one, so that planning stays cheap. Entries
 * keep their numbers. */
static bool merge_manifests(application *x, int32_t spec_id, int32_t content, error *err)
{
    VEC(manifest_entry) entries = { 0 };
    size_t small = 0, kept = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < x->manifests.count; i++)
        if (x->manifests.items[i].spec_id == spec_id && x->manifests.items[i].content == content &&
            x->manifests.items[i].length < LARGEST_MERGED_BYTES &&
            x->manifests.items[i].added_snapshot_id != x->snapshot_id)
            small++;
    if (small < MERGE_AT_MANIFESTS)
        return true;
    for (size_t i = 0; i < x->manifests.count; i++) {
        manifest *m = &x->manifests.items[i];
        if (m->spec_id != spec_id || m->content != content || m->length >= LARGEST_MERGED_BYTES ||
            m->added_snapshot_id == x->snapshot_id || bytes + m->length > LARGEST_MERGED_BYTES) {
            x->manifests.items[kept++] = *m;
            continue;
        }
        manifest_entry *read;
        size_t count;
        TRY(manifest_read(x->base, x->arena, m, &read, &count, err));
        bytes += m->length;
        for (size_t k = 0; k < count; k++) {
            if (read[k].status == ENTRY_DELETED)
                continue;
            read[k].status = ENTRY_EXISTING;
            vec_push(x->arena, &entries, read[k]);
        }
    }
    x->manifests.count = kept;
    return entries.count ? write_entries(x, spec_id, content, entries.items, entries.count, err)
                         : true;
}

/* ---- The summary ---- */

typedef struct totals {
    int64_t data_files, rows, bytes, delete_files, position_deletes, equality_deletes;
} totals;

static int64_t summary_number(const iceberg_snapshot *s, const char *key)
{
    int64_t n = 0;
    return s && str_to_i64(iceberg_snapshot_summary(s, str_of(key)), &n) ? n : 0;
}

static void set_number(json_t *summary, const char *key, int64_t number)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    json_object_set_new(summary, key, json_string(digits));
}

static size_t changed_partitions(application *x)
{
    map seen = map_new(x->arena);
    for (size_t i = 0; i < x->change->added_count; i++) {
        const iceberg_file *f = &x->change->added[i];
        const iceberg_spec *spec = iceberg_table_spec_by_id(x->base, f->spec_id);
        strbuf key = strbuf_new(x->arena);
        strbuf_format(&key, "%d", f->spec_id);
        for (size_t k = 0; k < spec->field_count; k++) {
            str bytes = STR("?");
            if (!bounds_encode(x->arena, partition_type(x->schema, &spec->fields[k]),
                               &f->partition[k], &bytes))
                bytes = STR("");
            strbuf_format(&key, "/%zu:", bytes.len);
            strbuf_add(&key, bytes);
        }
        map_set(&seen, strbuf_str(&key), x->arena);
    }
    return seen.count;
}

static json_t *make_summary(application *x)
{
    const iceberg_snapshot *base = iceberg_table_current(x->base);
    totals added = { 0 };
    for (size_t i = 0; i < x->change->added_count; i++) {
        const iceberg_file *f = &x->change->added[i];
        added.bytes += f->size_bytes;
        added.data_files += f->content == ICEBERG_DATA;
        added.rows += f->content == ICEBERG_DATA ? f->row_count : 0;
        added.delete_files += f->content != ICEBERG_DATA;
        added.position_deletes += f->content == ICEBERG_POSITION_DELETES ? f->row_count : 0;
        added.equality_deletes += f->content == ICEBERG_EQUALITY_DELETES ? f->row_count : 0;
    }
    json_t *s = json_object();
    json_object_set_new(s, "operation",
                        json_stringn(x->change->operation.data, x->change->operation.len));
    for (size_t i = 0; i < x->change->summary_count; i++)
        json_object_set_new(
            s, str_to_c(x->arena, x->change->summary_keys[i]),
            json_stringn(x->change->summary_values[i].data, x->change->summary_values[i].len));
    const struct {
        const char *key;
        int64_t number;
    } changes[] = {
        { "added-data-files", added.data_files },
        { "added-records", added.rows },
        { "added-files-size", added.bytes },
        { "added-delete-files", added.delete_files },
        { "added-position-delete-files", added.delete_files },
        { "added-position-deletes", added.position_deletes },
        { "deleted-data-files", x->removed_files },
        { "deleted-records", x->removed_rows },
        { "removed-files-size", x->removed_bytes },
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        if (changes[i].number)
            set_number(s, changes[i].key, changes[i].number);
    set_number(s, "changed-partition-count", (int64_t)changed_partitions(x));
    set_number(s, "total-data-files",
               summary_number(base, "total-data-files") + added.data_files - x->removed_files);
    set_number(s, "total-records",
               summary_number(base, "total-records") + added.rows - x->removed_rows);
    set_number(s, "total-files-size",
               summary_number(base, "total-files-size") + added.bytes - x->removed_bytes);
    set_number(s, "total-delete-files",
               summary_number(base, "total-delete-files") + added.delete_files);
    set_number(s, "total-position-deletes",
               summary_number(base, "total-position-deletes") + added.position_deletes);
    set_number(s, "total-equality-deletes",
               summary_number(base, "total-equality-deletes") + added.equality_deletes);
    return s;
}

/* ---- The snapshot and the metadata ---- */

static json_t *member_array(json_t *root, const char *name)
{
    json_t *list = json_object_get(root, name);
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(root, name, list);
    }
    return list;
}

static bool add_snapshot(application *x, json_t *root, error *err)
{
    int64_t parent = x->base->current_snapshot_id;
    TRY(write_added(x, false, err));
    TRY(write_added(x, true, err));
    TRY(keep_base(x, err));
    for (size_t i = 0; i < x->base->spec_count; i++)
        for (int32_t content = 0; content < 2; content++)
            TRY(merge_manifests(x, x->base->specs[i].id, content, err));
    str list = str_format(x->arena, STR_FMT "/metadata/snap-%lld-1-" STR_FMT ".avro",
                          STR_ARG(x->base->location), (long long)x->snapshot_id, STR_ARG(x->uuid));
    vec_push(x->arena, &x->written, list);
    TRY(manifest_list_write(x->base, x->arena, list, x->manifests.items, x->manifests.count,
                            x->snapshot_id, parent, x->sequence_number, err));
    json_t *snapshot =
        json_pack("{s:I, s:I, s:I, s:o, s:s, s:i}", "snapshot-id", (json_int_t)x->snapshot_id,
                  "sequence-number", (json_int_t)x->sequence_number, "timestamp-ms",
                  (json_int_t)x->now_ms, "summary", make_summary(x), "manifest-list",
                  str_to_c(x->arena, list), "schema-id", x->schema->id);
    if (parent != -1)
        json_object_set_new(snapshot, "parent-snapshot-id", json_integer(parent));
    json_array_append_new(member_array(root, "snapshots"), snapshot);
    json_array_append_new(member_array(root, "snapshot-log"),
                          json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)x->now_ms,
                                    "snapshot-id", (json_int_t)x->snapshot_id));
    json_object_set_new(root, "current-snapshot-id", json_integer(x->snapshot_id));
    json_object_set_new(root, "last-sequence-number", json_integer(x->sequence_number));
    if (!json_is_object(json_object_get(root, "refs")))
        json_object_set_new(root, "refs", json_object());
    json_object_set_new(
        json_object_get(root, "refs"), "main",
        json_pack("{s:I, s:s}", "snapshot-id", (json_int_t)x->snapshot_id, "type", "branch"));
    return true;
}

static void set_schema(application *x, json_t *root)
{
    int32_t largest = -1, last_column = x->base->last_column_id;
    json_t *schemas = member_array(root, "schemas");
    for (size_t i = 0; i < json_array_size(schemas); i++) {
        int32_t id = (int32_t)json_int_or(json_array_get(schemas, i), "schema-id", 0);
        largest = id > largest ? id : largest;
    }
    iceberg_schema *s = arena_copy(x->arena, x->change->schema, sizeof *s);
    s->id = largest + 1;
    for (size_t i = 0; i < s->field_count; i++)
        last_column = s->fields[i].id > last_column ? s->fields[i].id : last_column;
    json_array_append_new(schemas, metadata_json_of_schema(s));
    json_object_set_new(root, "current-schema-id", json_integer(s->id));
    json_object_set_new(root, "last-column-id", json_integer(last_column));
    x->schema = s;
}

static void set_properties(application *x, json_t *root)
{
    if (!json_is_object(json_object_get(root, "properties")))
        json_object_set_new(root, "properties", json_object());
    json_t *properties = json_object_get(root, "properties");
    for (size_t i = 0; i < x->change->property_count; i++) {
        const char *key = str_to_c(x->arena, x->change->property_keys[i]);
        if (x->change->property_values[i].len == 0)
            json_object_del(properties, key);
        else
            json_object_set_new(properties, key,
                                json_stringn(x->change->property_values[i].data,
                                             x->change->property_values[i].len));
    }
}

static void log_metadata(application *x, json_t *root)
{
    uint64_t most = 100;
    str text =
        iceberg_table_property(x->base, STR("write.metadata.previous-versions-max"), STR("100"));
    if (!str_to_u64(text, &most) || most == 0)
        most = 100;
    json_t *log = member_array(root, "metadata-log");
    json_array_append_new(log,
                          json_pack("{s:I, s:s}", "timestamp-ms",
                                    (json_int_t)json_int_or(root, "last-updated-ms", 0),
                                    "metadata-file", str_to_c(x->arena, x->base->metadata_uri)));
    while (json_array_size(log) > most)
        json_array_remove(log, 0);
}

static int64_t new_snapshot_id(const iceberg_table *t)
{
    int64_t id;
    do {
        random_bytes(&id, sizeof id);
        id &= INT64_MAX;
    } while (id == 0 || iceberg_table_snapshot_by_id(t, id));
    return id;
}

static bool apply(application *x, iceberg_table **ret_table, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    const iceberg_table *base = x->base;
    if (base->format_version != 2)
        return fail(err, ERR_INVALID,
                    "table " STR_FMT " has format version %d; only version 2 can be written",
                    STR_ARG(base->name), base->format_version);
    TRY(json_parse(base->text, base->metadata_uri, &root, err));
    if (x->change->schema)
        set_schema(x, root);
    if (x->change->operation.len)
        TRY(add_snapshot(x, root, err));
    set_properties(x, root);
    log_metadata(x, root);
    json_object_set_new(root, "last-updated-ms", json_integer(x->now_ms));
    str uri, text;
    TRY(metadata_write(base->store, x->arena, root, base->location, base->metadata_version + 1,
                       &uri, &text, err));
    vec_push(x->arena, &x->written, uri);
    iceberg_table *t = arena_new_of(x->arena, iceberg_table);
    *t = (iceberg_table){ .store = base->store,
                          .name = base->name,
                          .metadata_uri = uri,
                          .metadata_version = base->metadata_version + 1 };
    TRY(metadata_parse(x->arena, text, t, err));
    t->written_uris = x->written.items;
    t->written_count = x->written.count;
    *ret_table = t;
    return true;
}

bool iceberg_table_apply(const iceberg_table *t, arena *a, const iceberg_change *change,
                         iceberg_table **ret_table, error *err)
{
    if (change->only_after_snapshot_id != ICEBERG_ANY_SNAPSHOT &&
        change->only_after_snapshot_id != t->current_snapshot_id)
        return fail(err, ERR_CONFLICT,
                    "table " STR_FMT " changed meanwhile: its snapshot is %lld, not %lld",
                    STR_ARG(t->name), (long long)t->current_snapshot_id,
                    (long long)change->only_after_snapshot_id);
    application x = { .base = t,
                      .arena = a,
                      .change = change,
                      .schema = t->schema,
                      .snapshot_id = new_snapshot_id(t),
                      .sequence_number = t->last_sequence_number + 1,
                      .uuid = uuid_v4(a) };
    x.now_ms = change->commit_time_ms ? change->commit_time_ms : clock_wall_us() / 1000;
    if (apply(&x, ret_table, err))
        return true;
    iceberg_table partial = { .store = t->store,
                              .written_uris = x.written.items,
                              .written_count = x.written.count };
    iceberg_table_discard(t, &partial);
    return fail_while(err, "committing to table " STR_FMT, STR_ARG(t->name));
}
