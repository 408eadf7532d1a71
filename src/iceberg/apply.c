/* A change on top of a table: new manifests, manifest list and the metadata's updates. Nothing here
 * is visible to readers until a catalog takes the updates over. Source: Iceberg spec, "Snapshots",
 * "Commit Conflict Resolution and Retry". */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "iceberg/internal.h"

/* One application: what it reads, what it has written so far. */
typedef struct application {
    const iceberg_table *base;
    arena *arena;
    const iceberg_change *change;
    const iceberg_schema *schema;
    const iceberg_snapshot *parent;
    str branch;
    int64_t snapshot_id, sequence_number, now_ms;
    str uuid;
    int manifest_number;
    VEC(str) written;
    VEC(manifest) manifests;
    file_totals added, removed;
    json_t *requirements, *updates; /* arrays */
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
            if ((f->content != ICEBERG_DATA) != is_deletes || f->spec_id != x->base->specs[k].id)
                continue;
            manifest_entry e = { .status = ENTRY_ADDED, .snapshot_id = x->snapshot_id, .file = *f };
            e.sequence_number = is_deletes ? 0 : x->change->added_sequence_number;
            e.file.first_row_id = -1; /* inherited from the manifest's */
            vec_push(x->arena, &entries, e);
            file_totals_add(&x->added, f);
        }
        if (entries.count)
            TRY(write_entries(x, x->base->specs[k].id, is_deletes, entries.items, entries.count,
                              err));
    }
    return true;
}

/* ---- What stands already ---- */

/* Names a file uniquely: deletion vectors share Puffin files. */
static str file_key(arena *a, const iceberg_file *f)
{
    return iceberg_file_is_vector(f)
               ? str_format(a, STR_FMT "#%lld", STR_ARG(f->uri), (long long)f->content_offset)
               : f->uri;
}

/* A manifest of the base again, its removed files marked; untouched when it has none of them. */
static bool keep_manifest(application *x, const manifest *m, const manifest_content *read,
                          const map *removed, size_t *found, error *err)
{
    size_t marked = 0, live = 0;
    manifest_entry *entries = read->entries;
    for (size_t i = 0; i < read->count; i++)
        marked += entries[i].status != ENTRY_DELETED &&
                  map_has(removed, file_key(x->arena, &entries[i].file));
    *found += marked;
    if (marked == 0) {
        vec_push(x->arena, &x->manifests, *m);
        return true;
    }
    for (size_t i = 0; i < read->count; i++) {
        if (entries[i].status == ENTRY_DELETED)
            continue;
        bool is_removed = map_has(removed, file_key(x->arena, &entries[i].file));
        entries[live] = entries[i];
        entries[live].status = is_removed ? ENTRY_DELETED : ENTRY_EXISTING;
        if (is_removed) {
            entries[live].snapshot_id = x->snapshot_id;
            file_totals_add(&x->removed, &entries[live].file);
        }
        live++;
    }
    return write_entries(x, m->spec_id, m->content, entries, live, err);
}

static bool keep_kind(application *x, const manifest *manifests, size_t count, int32_t content,
                      const map *removed, error *err)
{
    VEC(manifest) read = { 0 };
    manifest_content *contents = NULL;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const manifest *m = &manifests[i];
        if (m->content != content || m->added_files + m->existing_files == 0)
            continue;
        if (removed->count)
            vec_push(x->arena, &read, *m);
        else
            vec_push(x->arena, &x->manifests, *m);
    }
    if (read.count)
        TRY(manifests_read(x->base, x->arena, read.items, read.count, &contents, err));
    for (size_t i = 0; i < read.count; i++)
        TRY(keep_manifest(x, &read.items[i], &contents[i], removed, &found, err));
    if (found < removed->count)
        return fail(err, ERR_CONFLICT,
                    "table " STR_FMT ": %zu of the files to take out are not in it any more",
                    STR_ARG(x->base->name), removed->count - found);
    return true;
}

static bool keep_base(application *x, error *err)
{
    map data = map_new(x->arena), deletes = map_new(x->arena);
    size_t count = 0;
    manifest *manifests = NULL;
    for (size_t i = 0; i < x->change->removed_count; i++)
        map_set(&data, x->change->removed_uris[i], x->arena);
    for (size_t i = 0; i < x->change->removed_delete_count; i++)
        map_set(&deletes, file_key(x->arena, &x->change->removed_deletes[i]), x->arena);
    if (x->parent)
        TRY(manifests_of_snapshot(x->base, x->arena, x->parent, &manifests, &count, err));
    TRY(keep_kind(x, manifests, count, 0, &data, err));
    return keep_kind(x, manifests, count, 1, &deletes, err);
}

/* ---- Merging ---- */

static int64_t property_number(const iceberg_table *t, const char *key, int64_t otherwise)
{
    int64_t n;
    return str_to_i64(iceberg_table_property(t, str_of(key), STR("")), &n) && n > 0 ? n : otherwise;
}

typedef struct keyed_entry {
    str key;
    manifest_entry entry;
} keyed_entry;

static int by_key(const void *x, const void *y)
{
    const keyed_entry *p = x, *q = y;
    int order = str_compare(p->key, q->key);
    return order ? order : str_compare(p->entry.file.uri, q->entry.file.uri);
}

/* By partition. Version 3 has given each its row ids by then, so order is free. */
static void sort_entries(application *x, manifest_entry *entries, size_t count)
{
    keyed_entry *keyed = arena_array_of(x->arena, keyed_entry, count);
    for (size_t i = 0; i < count; i++)
        keyed[i] =
            (keyed_entry){ iceberg_partition_key(x->base, x->arena, &entries[i].file), entries[i] };
    qsort(keyed, count, sizeof *keyed, by_key);
    for (size_t i = 0; i < count; i++)
        entries[i] = keyed[i].entry;
}

/* Live entries of `merged` as new manifests of at most about `target` bytes each, by partition, so
 * that planning can pass over whole manifests. Entries keep their numbers. */
static bool write_merged(application *x, const manifest *merged, size_t count, int64_t target,
                         error *err)
{
    manifest_content *contents;
    VEC(manifest_entry) entries = { 0 };
    int64_t bytes = 0;
    TRY(manifests_read(x->base, x->arena, merged, count, &contents, err));
    for (size_t i = 0; i < count; i++) {
        bytes += merged[i].length;
        for (size_t k = 0; k < contents[i].count; k++) {
            manifest_entry e = contents[i].entries[k];
            if (e.status == ENTRY_DELETED)
                continue;
            e.status = ENTRY_EXISTING;
            vec_push(x->arena, &entries, e);
        }
    }
    if (entries.count == 0)
        return true;
    sort_entries(x, entries.items, entries.count);
    size_t parts = (size_t)(bytes / target) + 1;
    size_t each = (entries.count + parts - 1) / parts;
    for (size_t from = 0; from < entries.count; from += each) {
        size_t n = entries.count - from < each ? entries.count - from : each;
        TRY(write_entries(x, merged[0].spec_id, merged[0].content, entries.items + from, n, err));
    }
    return true;
}

/* Many small manifests of one spec and content become few, so that planning stays cheap. */
static bool merge_kind(application *x, int32_t spec_id, int32_t content, error *err)
{
    int64_t target = property_number(x->base, "commit.manifest.target-size-bytes", 8 << 20);
    int64_t least = property_number(x->base, "commit.manifest.min-count-to-merge", 100);
    bool is_off =
        str_eq(iceberg_table_property(x->base, STR("commit.manifest-merge.enabled"), STR("true")),
               STR("false"));
    VEC(manifest) merged = { 0 };
    size_t kept = 0;
    for (size_t i = 0; i < x->manifests.count; i++) {
        const manifest *m = &x->manifests.items[i];
        if (m->spec_id == spec_id && m->content == content &&
            m->added_snapshot_id != x->snapshot_id &&
            (m->length < target / 2 || x->change->rewrites_manifests))
            vec_push(x->arena, &merged, *m);
    }
    bool is_wanted = x->change->rewrites_manifests ? merged.count > 1
                                                   : !is_off && (int64_t)merged.count >= least;
    if (!is_wanted)
        return true;
    for (size_t i = 0; i < x->manifests.count; i++) {
        const manifest m = x->manifests.items[i];
        if (m.spec_id != spec_id || m.content != content || m.added_snapshot_id == x->snapshot_id ||
            !(m.length < target / 2 || x->change->rewrites_manifests))
            x->manifests.items[kept++] = m;
    }
    x->manifests.count = kept;
    return write_merged(x, merged.items, merged.count, target, err);
}

static bool merge_all(application *x, error *err)
{
    for (size_t i = 0; i < x->base->spec_count; i++)
        for (int32_t content = 0; content < 2; content++)
            TRY(merge_kind(x, x->base->specs[i].id, content, err));
    return true;
}

/* ---- The snapshot ---- */

static json_t *add_update(application *x, const char *action)
{
    json_t *update = json_pack("{s:s}", "action", action);
    json_array_append_new(x->updates, update);
    return update;
}

static void require(application *x, json_t *requirement)
{
    json_array_append_new(x->requirements, requirement);
}

/* Version 3: data manifests that have no first row id yet get one each; the count of ids used. */
static int64_t assign_row_ids(application *x)
{
    int64_t next = x->base->next_row_id;
    for (size_t i = 0; i < x->manifests.count; i++) {
        manifest *m = &x->manifests.items[i];
        if (m->content != 0 || m->first_row_id >= 0)
            continue;
        m->first_row_id = next;
        next += m->added_rows + m->existing_rows;
    }
    return next - x->base->next_row_id;
}

static bool add_snapshot(application *x, error *err)
{
    int64_t parent_id = x->parent ? x->parent->id : -1;
    TRY(write_added(x, false, err));
    TRY(write_added(x, true, err));
    TRY(keep_base(x, err));
    TRY(merge_all(x, err));
    int64_t row_ids = x->base->format_version >= 3 ? assign_row_ids(x) : 0;
    str list = str_format(x->arena, STR_FMT "/metadata/snap-%lld-1-" STR_FMT ".avro",
                          STR_ARG(x->base->location), (long long)x->snapshot_id, STR_ARG(x->uuid));
    vec_push(x->arena, &x->written, list);
    TRY(manifest_list_write(x->base, x->arena, list, x->manifests.items, x->manifests.count,
                            x->snapshot_id, parent_id, x->sequence_number, err));
    json_t *summary = summary_make(x->base, x->arena, x->change, x->parent, &x->added, &x->removed);
    json_t *snapshot = json_pack(
        "{s:I, s:I, s:I, s:o, s:s, s:i}", "snapshot-id", (json_int_t)x->snapshot_id,
        "sequence-number", (json_int_t)x->sequence_number, "timestamp-ms", (json_int_t)x->now_ms,
        "summary", summary, "manifest-list", str_to_c(x->arena, list), "schema-id", x->schema->id);
    if (!snapshot)
        return fail(err, ERR_INVALID, "the summary is not valid UTF-8");
    if (parent_id != -1)
        json_object_set_new(snapshot, "parent-snapshot-id", json_integer(parent_id));
    if (x->base->format_version >= 3) {
        json_object_set_new(snapshot, "first-row-id", json_integer(x->base->next_row_id));
        json_object_set_new(snapshot, "added-rows", json_integer(row_ids));
    }
    json_object_set_new(add_update(x, "add-snapshot"), "snapshot", snapshot);
    json_t *ref = add_update(x, "set-snapshot-ref");
    json_object_set_new(ref, "ref-name", json_stringn(x->branch.data, x->branch.len));
    json_object_set_new(ref, "type", json_string("branch"));
    json_object_set_new(ref, "snapshot-id", json_integer(x->snapshot_id));
    require(x, json_pack("{s:s, s:s#, s:o}", "type", "assert-ref-snapshot-id", "ref",
                         x->branch.data, (int)x->branch.len, "snapshot-id",
                         parent_id == -1 ? json_null() : json_integer(parent_id)));
    return true;
}

/* ---- Other parts of the metadata ---- */

static void add_schema(application *x)
{
    int32_t largest = -1, last_column = x->base->last_column_id;
    for (size_t i = 0; i < x->base->schema_count; i++)
        largest = x->base->schemas[i]->id > largest ? x->base->schemas[i]->id : largest;
    iceberg_schema *s = arena_copy(x->arena, x->change->schema, sizeof *s);
    s->id = largest + 1;
    json_t *j = metadata_json_of_schema(s);
    int64_t highest = metadata_highest_field_id(j);
    json_t *update = add_update(x, "add-schema");
    json_object_set_new(update, "schema", j);
    json_object_set_new(update, "last-column-id",
                        json_integer(highest > last_column ? highest : last_column));
    json_object_set_new(add_update(x, "set-current-schema"), "schema-id", json_integer(-1));
    require(x, json_pack("{s:s, s:i}", "type", "assert-current-schema-id", "current-schema-id",
                         x->base->schema->id));
    require(x, json_pack("{s:s, s:i}", "type", "assert-last-assigned-field-id",
                         "last-assigned-field-id", last_column));
    x->schema = s;
}

static void add_spec(application *x)
{
    int32_t largest = -1;
    for (size_t i = 0; i < x->base->spec_count; i++)
        largest = x->base->specs[i].id > largest ? x->base->specs[i].id : largest;
    iceberg_spec s = *x->change->spec;
    s.id = largest + 1;
    json_object_set_new(add_update(x, "add-spec"), "spec", metadata_json_of_spec(&s));
    json_object_set_new(add_update(x, "set-default-spec"), "spec-id", json_integer(-1));
    require(x, json_pack("{s:s, s:i}", "type", "assert-last-assigned-partition-id",
                         "last-assigned-partition-id", x->base->last_partition_id));
    require(x, json_pack("{s:s, s:i}", "type", "assert-default-spec-id", "default-spec-id",
                         x->base->default_spec_id));
}

static void add_properties(application *x)
{
    json_t *set = json_object(), *removals = json_array();
    for (size_t i = 0; i < x->change->property_count; i++) {
        const char *key = str_to_c(x->arena, x->change->property_keys[i]);
        str text = x->change->property_values[i];
        if (text.len)
            json_object_set_new(set, key, json_stringn(text.data, text.len));
        else
            json_array_append_new(removals, json_string(key));
    }
    if (json_object_size(set))
        json_object_set(add_update(x, "set-properties"), "updates", set);
    if (json_array_size(removals))
        json_object_set(add_update(x, "remove-properties"), "removals", removals);
    json_decref(set);
    json_decref(removals);
}

static bool add_further_updates(application *x, error *err)
{
    AUTO(json_release) json_t *more = NULL;
    if (x->change->updates.len == 0)
        return true;
    TRY(json_parse(x->change->updates, STR("updates"), &more, err));
    json_array_extend(x->updates, more);
    return true;
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

static bool prepare(application *x, iceberg_commit *ret, error *err)
{
    bool adds_snapshot = x->change->operation.len > 0;
    AUTO(json_release) json_t *requirements = json_array();
    AUTO(json_release) json_t *updates = json_array();
    x->requirements = requirements;
    x->updates = updates;
    if (x->base->format_version < 2 && adds_snapshot)
        return fail(err, ERR_INVALID,
                    "it has format version 1, which can be read, not written; "
                    "'floe table upgrade' makes it version 2");
    require(x, json_pack("{s:s, s:s}", "type", "assert-table-uuid", "uuid",
                         str_to_c(x->arena, x->base->uuid)));
    TRY(conflict_check(x->base, x->arena, x->change, x->parent, err));
    TRY(add_further_updates(x, err));
    if (x->change->schema)
        add_schema(x);
    if (x->change->spec)
        add_spec(x);
    if (adds_snapshot)
        TRY(add_snapshot(x, err));
    add_properties(x);
    *ret = (iceberg_commit){ .base = x->base,
                             .requirements = metadata_text_of_json(x->arena, requirements),
                             .updates = metadata_text_of_json(x->arena, updates),
                             .now_ms = x->now_ms,
                             .written_uris = x->written.items,
                             .written_count = x->written.count };
    return true;
}

static const iceberg_snapshot *head_of(const iceberg_table *t, str branch)
{
    for (size_t i = 0; i < t->ref_count; i++)
        if (str_eq(t->refs[i].name, branch))
            return iceberg_table_snapshot_by_id(t, t->refs[i].snapshot_id);
    return str_eq(branch, STR("main")) ? iceberg_table_current(t) : NULL;
}

bool iceberg_commit_prepare(const iceberg_table *t, arena *a, const iceberg_change *change,
                            iceberg_commit *ret_commit, error *err)
{
    str branch = change->branch.len ? change->branch : STR("main");
    const iceberg_snapshot *parent = head_of(t, branch);
    int64_t only_after = change->only_after_snapshot_id;
    if (only_after != ICEBERG_ANY_SNAPSHOT && only_after != (parent ? parent->id : -1))
        return fail(err, ERR_CONFLICT,
                    "table " STR_FMT " changed meanwhile: its snapshot is %lld, not %lld",
                    STR_ARG(t->name), (long long)(parent ? parent->id : -1), (long long)only_after);
    const iceberg_table *columns = change->schema ? change->schema_base : NULL;
    if (columns &&
        (columns->schema->id != t->schema->id || columns->last_column_id != t->last_column_id))
        return fail(err, ERR_CONFLICT, "table " STR_FMT " changed meanwhile: it has other columns",
                    STR_ARG(t->name));
    application x = { .base = t,
                      .arena = a,
                      .change = change,
                      .schema = t->schema,
                      .parent = parent,
                      .branch = branch,
                      .snapshot_id = new_snapshot_id(t),
                      .sequence_number = t->last_sequence_number + 1,
                      .uuid = uuid_v4(a) };
    x.now_ms = change->commit_time_ms ? change->commit_time_ms : clock_wall_us() / 1000;
    if (prepare(&x, ret_commit, err))
        return true;
    iceberg_commit partial = { .base = t,
                               .written_uris = x.written.items,
                               .written_count = x.written.count };
    iceberg_commit_discard(&partial);
    return fail_while(err, "committing to table " STR_FMT, STR_ARG(t->name));
}

/* ---- The metadata file, for catalogs that point at one ---- */

static void log_metadata(const iceberg_table *base, json_t *root)
{
    uint64_t most = 100;
    str text =
        iceberg_table_property(base, STR("write.metadata.previous-versions-max"), STR("100"));
    if (!str_to_u64(text, &most) || most == 0)
        most = 100;
    json_t *log = json_object_get(root, "metadata-log");
    if (!json_is_array(log)) {
        log = json_array();
        json_object_set_new(root, "metadata-log", log);
    }
    json_array_append_new(log, json_pack("{s:I, s:s#}", "timestamp-ms",
                                         (json_int_t)json_int_or(root, "last-updated-ms", 0),
                                         "metadata-file", base->metadata_uri.data,
                                         (int)base->metadata_uri.len));
    while (json_array_size(log) > most)
        json_array_remove(log, 0);
}

bool iceberg_commit_write(iceberg_commit *c, arena *a, iceberg_table **ret_next, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    AUTO(json_release) json_t *updates = NULL;
    const iceberg_table *base = c->base;
    str uri, text;
    TRY(json_parse(base->text, base->metadata_uri, &root, err));
    TRY(json_parse(c->updates, STR("updates"), &updates, err));
    log_metadata(base, root);
    TRY(metadata_update(root, updates, c->now_ms, err));
    str *written = arena_array_of(a, str, c->written_count + 1);
    if (c->written_count)
        memcpy(written, c->written_uris, c->written_count * sizeof *written);
    TRY(metadata_write(base->store, a, root, base->location, base->metadata_version + 1, &uri,
                       &text, err));
    written[c->written_count++] = uri;
    c->written_uris = written;
    return iceberg_table_of_text(base->store, a, base->name, uri, text, ret_next, err);
}

void iceberg_commit_discard(const iceberg_commit *c)
{
    for (size_t i = 0; i < c->written_count; i++) {
        error ignored = { 0 }; /* a file that stays is garbage, not harm */
        if (!store_delete(c->base->store, c->written_uris[i], &ignored))
            error_clear(&ignored);
    }
}
