/* Every file that a table's metadata names: what upkeep must keep. */
#include "base/map.h"
#include "iceberg/internal.h"

typedef struct walk {
    const iceberg_table *table;
    arena *arena;
    iceberg_file_visit visit;
    void *context;
    map manifests; /* seen */
} walk;

static bool visit_manifests(walk *w, const iceberg_snapshot *s, error *err)
{
    manifest *manifests;
    manifest_content *contents;
    size_t count, fresh = 0;
    AUTO(arena_free) arena *scratch = arena_new();
    if (s->manifest_list.len)
        w->visit(w->context, s->manifest_list);
    TRY(manifests_of_snapshot(w->table, scratch, s, &manifests, &count, err));
    for (size_t i = 0; i < count; i++) {
        manifest m = manifests[i];
        if (map_has(&w->manifests, m.uri))
            continue;
        map_set(&w->manifests, str_copy(w->arena, m.uri), w);
        w->visit(w->context, m.uri);
        manifests[fresh++] = m;
    }
    TRY(manifests_read(w->table, scratch, manifests, fresh, &contents, err));
    for (size_t i = 0; i < fresh; i++)
        for (size_t k = 0; k < contents[i].count; k++)
            if (contents[i].entries[k].status != ENTRY_DELETED)
                w->visit(w->context, contents[i].entries[k].file.uri);
    return true;
}

static void visit_members(walk *w, const json_t *list, const char *member)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        str uri = json_text_or(json_array_get(list, i), member, STR(""));
        if (uri.len)
            w->visit(w->context, uri);
    }
}

bool iceberg_table_files(const iceberg_table *t, arena *a, const int64_t *snapshot_ids,
                         size_t count, iceberg_file_visit visit, void *context, error *err)
{
    walk w = { t, a, visit, context, map_new(a) };
    AUTO(json_release) json_t *root = NULL;
    for (size_t i = 0; i < (snapshot_ids ? count : t->snapshot_count); i++) {
        const iceberg_snapshot *s =
            snapshot_ids ? iceberg_table_snapshot_by_id(t, snapshot_ids[i]) : &t->snapshots[i];
        if (s)
            TRY(visit_manifests(&w, s, err));
    }
    if (snapshot_ids)
        return true;
    TRY(json_parse(t->text, t->metadata_uri, &root, err));
    visit(context, t->metadata_uri);
    visit_members(&w, json_object_get(root, "metadata-log"), "metadata-file");
    visit_members(&w, json_object_get(root, "statistics"), "statistics-path");
    visit_members(&w, json_object_get(root, "partition-statistics"), "statistics-path");
    return true;
}

bool iceberg_table_manifests(const iceberg_table *t, arena *a, size_t *ret_count,
                             int64_t *ret_bytes, error *err)
{
    const iceberg_snapshot *s = iceberg_table_current(t);
    manifest *manifests;
    *ret_count = 0;
    *ret_bytes = 0;
    if (!s)
        return true;
    TRY(manifests_of_snapshot(t, a, s, &manifests, ret_count, err));
    for (size_t i = 0; i < *ret_count; i++)
        *ret_bytes += manifests[i].length;
    return true;
}
