/* Reading manifests, one or many at once. Source: Iceberg spec, "Manifests", "Sequence Number
 * Inheritance", "First Row ID Inheritance". */
#include <pthread.h>

#include "base/pool.h"
#include "base/vec.h"
#include "iceberg/avro.h"
#include "iceberg/internal.h"

/* `guess`: where it stands when all maps have the same columns in the same order. */
static const value *map_value(const value *map, int64_t key, size_t guess)
{
    if (!map || map->kind != VALUE_MAP)
        return NULL;
    if (guess < map->map.count && map->map.keys[guess].integer == key)
        return &map->map.values[guess];
    for (size_t i = 0; i < map->map.count; i++)
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
            const value *v = map_value(maps[k], id, i);
            counts[k] = v && v->kind == VALUE_INT ? v->integer : -1;
        }
        const value *lower = map_value(maps[4], id, i), *upper = map_value(maps[5], id, i);
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
static value typed_partition(arena *a, const iceberg_type *type, const value *v)
{
    value out = v ? *v : (value){ .kind = VALUE_NULL };
    if (out.kind == VALUE_INT && type->kind == ICEBERG_DATE)
        out.kind = VALUE_DATE;
    if (out.kind == VALUE_INT && type->kind == ICEBERG_TIME)
        out.kind = VALUE_TIME;
    if (out.kind == VALUE_INT &&
        (type->kind == ICEBERG_TIMESTAMP || type->kind == ICEBERG_TIMESTAMPTZ))
        out.kind = VALUE_TIMESTAMP;
    if (out.kind == VALUE_BINARY && type->kind == ICEBERG_DECIMAL)
        out =
            (value){ .kind = VALUE_DECIMAL, .text = bounds_decimal_text(a, out.text, type->scale) };
    if (out.kind == VALUE_BINARY && type->kind == ICEBERG_UUID)
        out = (value){ .kind = VALUE_UUID, .text = bounds_uuid_text(a, out.text) };
    return out;
}

/* A list of numbers as an array; NULL when absent. */
static const int64_t *read_numbers(arena *a, const value *list, size_t *ret_count)
{
    *ret_count = list && list->kind == VALUE_LIST ? list->list.count : 0;
    int64_t *out = *ret_count ? arena_array_of(a, int64_t, *ret_count) : NULL;
    for (size_t i = 0; i < *ret_count; i++)
        out[i] = list->list.items[i].kind == VALUE_INT ? list->list.items[i].integer : 0;
    return out;
}

static void read_lists(arena *a, const value *d, iceberg_file *f)
{
    f->split_offsets = read_numbers(a, avro_field(d, 132), &f->split_count);
    const int64_t *ids = read_numbers(a, avro_field(d, 135), &f->equality_count);
    int32_t *equality = f->equality_count ? arena_array_of(a, int32_t, f->equality_count) : NULL;
    for (size_t i = 0; i < f->equality_count; i++)
        equality[i] = (int32_t)ids[i];
    f->equality_ids = equality;
}

static bool read_entry(const iceberg_table *t, arena *a, const manifest *m, const value *r,
                       manifest_entry *e, error *err)
{
    const value *d = avro_field(r, 2);
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, m->spec_id);
    int64_t content = manifest_int(d, 134, 0), rows = manifest_int(d, 103, -1),
            status = manifest_int(r, 0, -1);
    str uri = manifest_text(d, 100);
    if (!spec)
        return fail(err, ERR_CORRUPT, "there is no partition spec %d", m->spec_id);
    if (status < 0 || status > 2 || content < 0 || content > 2 || rows < 0 || uri.len == 0)
        return fail(err, ERR_CORRUPT, "an entry has no path, row count or known status");
    *e = (manifest_entry){ .status = (int32_t)status,
                           .snapshot_id = manifest_int(r, 1, m->added_snapshot_id),
                           .sequence_number =
                               manifest_int(r, 3, status == ENTRY_ADDED ? m->sequence_number : 0) };
    e->file_sequence_number = manifest_int(r, 4, e->sequence_number);
    value *partition = arena_array_of(a, value, spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++)
        partition[i] = typed_partition(a, partition_type(t->schema, &spec->fields[i]),
                                       avro_field(avro_field(d, 102), spec->fields[i].field_id));
    e->file = (iceberg_file){ .content = (iceberg_content)content,
                              .uri = uri,
                              .format = manifest_text(d, 101),
                              .spec_id = m->spec_id,
                              .partition = partition,
                              .row_count = rows,
                              .size_bytes = manifest_int(d, 104, 0),
                              .sequence_number = e->sequence_number,
                              .snapshot_id = e->snapshot_id,
                              .sort_order_id = (int32_t)manifest_int(d, 140, 0),
                              .referenced_data_file = manifest_text(d, 143),
                              .first_row_id = manifest_int(d, 142, -1),
                              .content_offset = manifest_int(d, 144, 0),
                              .content_size = manifest_int(d, 145, 0),
                              .key_metadata = manifest_text(d, 131) };
    if (e->file.content_offset < 0 || e->file.content_size < 0)
        return fail(err, ERR_CORRUPT, "an entry has a negative place in its file");
    read_lists(a, d, &e->file);
    read_stats(a, d, &e->file);
    return true;
}

/* Version 3: data files without a first row id have theirs by what stands before them. */
static void inherit_row_ids(const manifest *m, manifest_entry *entries, size_t count)
{
    int64_t next = m->first_row_id;
    for (size_t i = 0; i < count && next >= 0; i++)
        if (entries[i].file.first_row_id < 0 && entries[i].status != ENTRY_DELETED) {
            entries[i].file.first_row_id = next;
            next += entries[i].file.row_count;
        }
}

typedef struct entry_reader {
    const iceberg_table *table;
    arena *arena;
    const manifest *manifest;
    VEC(manifest_entry) entries;
} entry_reader;

static bool take_entry(void *context, size_t number, const value *record, error *err)
{
    entry_reader *r = context;
    manifest_entry e;
    if (!read_entry(r->table, r->arena, r->manifest, record, &e, err))
        return fail_while(err, "entry %zu", number);
    vec_push(r->arena, &r->entries, e);
    return true;
}

bool manifest_read(const iceberg_table *t, arena *a, const manifest *m,
                   manifest_entry **ret_entries, size_t *ret_count, error *err)
{
    str content;
    entry_reader r = { .table = t, .arena = a, .manifest = m };
    if (!store_read(t->store, a, m->uri, &content, err))
        return fail_while(err, "table " STR_FMT, STR_ARG(t->name));
    TRY(avro_each(a, content, m->uri, take_entry, &r, err));
    if (m->content == 0)
        inherit_row_ids(m, r.entries.items, r.entries.count);
    *ret_entries = r.entries.items;
    *ret_count = r.entries.count;
    return true;
}

/* ---- Many at once ---- */

typedef struct reading {
    const iceberg_table *table;
    arena **arenas;
    const manifest *manifests;
    manifest_content *out;
    pthread_mutex_t lock; /* guards `error` */
    error error;
} reading;

static bool read_one(void *context, size_t i)
{
    reading *r = context;
    error why = { 0 };
    if (manifest_read(r->table, r->arenas[i], &r->manifests[i], &r->out[i].entries,
                      &r->out[i].count, &why))
        return true;
    pthread_mutex_lock(&r->lock);
    if (r->error.code == ERR_NONE)
        r->error = why;
    pthread_mutex_unlock(&r->lock);
    return false;
}

bool manifests_read(const iceberg_table *t, arena *a, const manifest *manifests, size_t count,
                    manifest_content **ret_contents, error *err)
{
    reading r = { .table = t,
                  .manifests = manifests,
                  .out = arena_array_of(a, manifest_content, count),
                  .lock = PTHREAD_MUTEX_INITIALIZER };
    r.arenas = arena_array_of(a, arena *, count);
    for (size_t i = 0; i < count; i++)
        r.arenas[i] = arena_new();
    *ret_contents = r.out;
    bool works = pool_each(count, read_one, &r);
    for (size_t i = 0; i < count; i++)
        arena_adopt(a, r.arenas[i]);
    if (!works)
        *err = r.error;
    return works;
}
