/* Compaction: small files, and files with deletes, of one partition become one file, sorted. Each
 * batch is a "replace" commit that keeps the sequence number of the snapshot it read, so that
 * deletes by others in the meantime still apply or make it start again. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "upkeep/internal.h"

enum { MOST_TRIES = 12, MOST_FILES_A_COMMIT = 2000 };

typedef VEC(iceberg_scan_file) file_group;

/* Files that become one. */
typedef struct bin {
    file_group files;
    int64_t bytes;
} bin;

typedef struct compaction {
    upkeep *upkeep;
    arena *arena; /* of one look at the table */
    const iceberg_table *table;
    const iceberg_snapshot *base;
    iceberg_scan scan;
    int64_t target_bytes, least_files;
    str order_sql; /* " ORDER BY …" or empty */
    int32_t order_id;
    VEC(bin) bins;
} compaction;

/* ---- The order of rows ---- */

static str order_of_table(compaction *c, const iceberg_sort_order *o)
{
    strbuf b = strbuf_new(c->arena);
    for (size_t i = 0; i < o->field_count; i++) {
        const iceberg_sort_field *f = &o->fields[i];
        const iceberg_field *source =
            iceberg_schema_find_id(iceberg_table_schema(c->table), f->source_id);
        iceberg_partition_field as = { .transform = f->transform, .argument = f->argument };
        str sql;
        error ignored = { 0 };
        if (!source)
            return STR("");
        strbuf column = strbuf_new(c->arena);
        strbuf_add_sql_name(&column, source->name);
        if (!iceberg_transform_sql(c->arena, source->type, &as, strbuf_str(&column), &sql,
                                   &ignored)) {
            error_clear(&ignored);
            return STR("");
        }
        strbuf_format(&b, "%s" STR_FMT " %s NULLS %s", i ? ", " : " ORDER BY ", STR_ARG(sql),
                      f->is_descending ? "DESC" : "ASC", f->nulls_last ? "LAST" : "FIRST");
    }
    return strbuf_str(&b);
}

/* Rows of flow logs are looked up by source address. */
static str columns_wanted(compaction *c)
{
    const iceberg_schema *s = iceberg_table_schema(c->table);
    str given = c->upkeep->options->sort_columns;
    if (given.len || s->identifier_count || !iceberg_schema_find(s, STR("srcaddr")))
        return given;
    return iceberg_schema_find(s, STR("start")) ? STR("srcaddr, start") : STR("srcaddr");
}

/* Make the wanted columns the table's sort order, once; files say by its id that they have it. */
static bool set_order(compaction *c, str columns, error *err)
{
    arena *a = c->arena;
    strbuf fields = strbuf_new(a);
    while (columns.len) {
        str name = str_trim(str_cut(&columns, ','));
        const iceberg_field *f = iceberg_schema_find(iceberg_table_schema(c->table), name);
        if (!f)
            return fail(err, ERR_INVALID, "table " STR_FMT " has no column " STR_FMT " to sort by",
                        STR_ARG(iceberg_table_name(c->table)), STR_ARG(name));
        strbuf_format(&fields,
                      "%s{\"transform\":\"identity\",\"source-id\":%d,\"direction\":\"asc\","
                      "\"null-order\":\"nulls-first\"}",
                      fields.len ? "," : "", f->id);
    }
    iceberg_change change = {
        .updates = str_format(a,
                              "[{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":-1,"
                              "\"fields\":[" STR_FMT "]}},{\"action\":\"set-default-sort-order\","
                              "\"sort-order-id\":-1}]",
                              STR_ARG(strbuf_str(&fields))),
        .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT
    };
    iceberg_table *t;
    TRY(catalog_commit(c->upkeep->catalog, a, c->upkeep->namespace, c->upkeep->name, &change, &t,
                       err));
    c->table = t;
    return true;
}

static bool find_order(compaction *c, error *err)
{
    const iceberg_sort_order *o = iceberg_table_sort_order(c->table);
    str columns = columns_wanted(c);
    if (str_eq(columns, STR("none")))
        return true;
    if (columns.len && (o->id == 0 || c->upkeep->options->sort_columns.len)) {
        strbuf same = strbuf_new(c->arena);
        for (size_t i = 0; i < o->field_count; i++) {
            const iceberg_field *f =
                iceberg_schema_find_id(iceberg_table_schema(c->table), o->fields[i].source_id);
            strbuf_format(&same, "%s" STR_FMT, i ? ", " : "", STR_ARG(f ? f->name : STR("?")));
        }
        if (o->id == 0 || !str_eq_nocase(strbuf_str(&same), columns))
            TRY(set_order(c, columns, err));
        o = iceberg_table_sort_order(c->table);
    }
    c->order_sql = order_of_table(c, o);
    c->order_id = c->order_sql.len ? o->id : 0;
    return true;
}

/* ---- What to rewrite ---- */

static bool is_worth(const compaction *c, const iceberg_scan_file *f)
{
    return f->delete_count > 0 || f->file.size_bytes < c->target_bytes / 4 * 3 ||
           (c->order_id && f->file.sort_order_id != c->order_id);
}

/* Together they are worth a rewrite when they are many, carry deletes, or are not in order. One
 * file alone never is many: its rewrite would be the same again, without end. */
static bool is_bin_worth(const compaction *c, const bin *b)
{
    bool has_deletes = false, is_unsorted = false;
    for (size_t i = 0; i < b->files.count; i++) {
        has_deletes |= b->files.items[i].delete_count > 0;
        is_unsorted |= c->order_id && b->files.items[i].file.sort_order_id != c->order_id;
    }
    bool is_many = b->files.count > 1 && (int64_t)b->files.count >= c->least_files;
    return has_deletes || is_unsorted || is_many;
}

static void close_bin(compaction *c, bin *b)
{
    if (b->files.count && is_bin_worth(c, b))
        vec_push(c->arena, &c->bins, *b);
    *b = (bin){ 0 };
}

static void plan_bins(compaction *c)
{
    map groups = map_new(c->arena);
    for (size_t i = 0; i < c->scan.file_count; i++) {
        const iceberg_scan_file *f = &c->scan.files[i];
        if (!is_worth(c, f))
            continue;
        str key = iceberg_partition_key(c->table, c->arena, &f->file);
        file_group *g = map_get(&groups, key);
        if (!g) {
            g = arena_new_of(c->arena, file_group);
            map_set(&groups, key, g);
        }
        vec_push(c->arena, g, *f);
    }
    for (size_t i = 0; i < groups.count; i++) {
        const file_group *g = groups.entries[i].value;
        bin b = { 0 };
        for (size_t k = 0; k < g->count; k++) {
            int64_t bytes = g->items[k].file.size_bytes;
            if (b.files.count && b.bytes + bytes > c->target_bytes + c->target_bytes / 8)
                close_bin(c, &b);
            vec_push(c->arena, &b.files, g->items[k]);
            b.bytes += bytes;
        }
        close_bin(c, &b);
    }
}

/* ---- Rewriting ---- */

/* The columns of a rewrite: the schema's, and in version 3 what says which rows they are. */
static const iceberg_schema *schema_with_lineage(compaction *c)
{
    static const iceberg_type number = { .kind = ICEBERG_LONG };
    const iceberg_schema *s = iceberg_table_schema(c->table);
    if (iceberg_table_format_version(c->table) < 3)
        return s;
    iceberg_schema *out = arena_copy(c->arena, s, sizeof *s);
    iceberg_field *fields = arena_array_of(c->arena, iceberg_field, s->field_count + 2);
    if (s->field_count)
        memcpy(fields, s->fields, s->field_count * sizeof *fields);
    fields[s->field_count] =
        (iceberg_field){ .id = 2147483540, .name = STR("_row_id"), .type = &number };
    fields[s->field_count + 1] = (iceberg_field){ .id = 2147483539,
                                                  .name = STR("_last_updated_sequence_number"),
                                                  .type = &number };
    out->fields = fields;
    out->field_count += 2;
    return out;
}

static iceberg_scan scan_of_bin(compaction *c, const bin *b)
{
    iceberg_scan scan = { .files = b->files.items, .file_count = b->files.count };
    map seen = map_new(c->arena);
    VEC(iceberg_file) deletes = { 0 };
    for (size_t i = 0; i < b->files.count; i++) {
        scan.row_count += b->files.items[i].file.row_count;
        for (size_t k = 0; k < b->files.items[i].delete_count; k++) {
            const iceberg_file *d = b->files.items[i].deletes[k];
            str key = str_format(c->arena, STR_FMT "#%lld", STR_ARG(d->uri),
                                 (long long)d->content_offset);
            if (map_has(&seen, key))
                continue;
            map_set(&seen, key, scan.files ? c : NULL);
            vec_push(c->arena, &deletes, *d);
        }
    }
    scan.delete_files = deletes.items;
    scan.delete_count = deletes.count;
    return scan;
}

typedef struct rewrite {
    VEC(iceberg_file) added;
    VEC(str) removed;
    map gone; /* URIs of `removed` */
} rewrite;

static bool write_bin(compaction *c, const bin *b, rewrite *r, error *err)
{
    iceberg_scan scan = scan_of_bin(c, b);
    const iceberg_file *first = &b->files.items[0].file;
    const iceberg_schema *schema = schema_with_lineage(c);
    str live, uuid = uuid_v4(c->arena);
    iceberg_file file;
    bool has_rows;
    TRY(iceberg_scan_sql_lineage(c->table, c->arena, &scan, &live, err));
    str query = str_format(c->arena, "SELECT * FROM " STR_FMT STR_FMT, STR_ARG(live),
                           STR_ARG(c->order_sql));
    str uri = iceberg_data_uri(c->arena, c->table, first->spec_id, first->partition,
                               str_format(c->arena, "c" STR_FMT, STR_ARG(uuid)));
    TRY(iceberg_data_file_write(c->upkeep->connection, c->arena, c->table, schema, query, uri,
                                first->partition, NULL, &file, &has_rows, err));
    if (has_rows) {
        file.spec_id = first->spec_id;
        file.sort_order_id = c->order_id;
        vec_push(c->arena, &r->added, file);
    }
    for (size_t i = 0; i < b->files.count; i++) {
        vec_push(c->arena, &r->removed, b->files.items[i].file.uri);
        map_set(&r->gone, b->files.items[i].file.uri, c);
    }
    return true;
}

/* Delete files that apply to no data file once the removed ones are gone. */
static void find_spent_deletes(compaction *c, const rewrite *r, const iceberg_file **ret,
                               size_t *ret_count)
{
    VEC(iceberg_file) spent = { 0 };
    map used = map_new(c->arena);
    for (size_t i = 0; i < c->scan.file_count; i++) {
        const iceberg_scan_file *f = &c->scan.files[i];
        for (size_t k = 0; k < f->delete_count && !map_has(&r->gone, f->file.uri); k++)
            map_set(&used,
                    str_format(c->arena, STR_FMT "#%lld", STR_ARG(f->deletes[k]->uri),
                               (long long)f->deletes[k]->content_offset),
                    c);
    }
    for (size_t i = 0; i < c->scan.delete_count; i++) {
        const iceberg_file *d = &c->scan.delete_files[i];
        if (!map_has(&used, str_format(c->arena, STR_FMT "#%lld", STR_ARG(d->uri),
                                       (long long)d->content_offset)))
            vec_push(c->arena, &spent, *d);
    }
    *ret = spent.items;
    *ret_count = spent.count;
}

static bool commit(compaction *c, const rewrite *r, error *err)
{
    iceberg_change change = { .operation = STR("replace"),
                              .added = r->added.items,
                              .added_count = r->added.count,
                              .added_sequence_number = c->base->sequence_number,
                              .removed_uris = r->removed.items,
                              .removed_count = r->removed.count,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT,
                              .based_on_snapshot_id = c->base->id };
    iceberg_table *after;
    find_spent_deletes(c, r, &change.removed_deletes, &change.removed_delete_count);
    return catalog_commit(c->upkeep->catalog, c->arena, c->upkeep->namespace, c->upkeep->name,
                          &change, &after, err);
}

static void discard(compaction *c, const rewrite *r)
{
    for (size_t i = 0; i < r->added.count; i++) {
        error ignored = { 0 }; /* a file that stays is garbage, not harm */
        if (!store_delete(iceberg_table_store(c->table), r->added.items[i].uri, &ignored))
            error_clear(&ignored);
    }
}

/* Some bins in one commit. A commit whose outcome is not known keeps its files. */
static bool rewrite_bins(compaction *c, size_t from, size_t to, error *err)
{
    rewrite r = { .gone = map_new(c->arena) };
    int64_t bytes = 0;
    for (size_t i = from; i < to; i++) {
        if (!write_bin(c, &c->bins.items[i], &r, err)) {
            discard(c, &r);
            return false;
        }
        bytes += c->bins.items[i].bytes;
    }
    if (!commit(c, &r, err)) {
        if (err->code == ERR_CONFLICT)
            discard(c, &r);
        return false;
    }
    c->upkeep->report->files_rewritten += (int64_t)r.removed.count;
    c->upkeep->report->bytes_rewritten += bytes;
    return true;
}

/* One look at the table, one commit. `*ret_is_done`: there was nothing to do. */
static bool compact_some(upkeep *u, bool *ret_is_done, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    compaction c = { .upkeep = u, .arena = a };
    TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
    c.table = t;
    c.target_bytes =
        upkeep_number(u->options->target_bytes, t, "write.target-file-size-bytes", 128 << 20);
    c.least_files = upkeep_number(u->options->least_files, t, "floe.compaction.least-files", 5);
    *ret_is_done = true;
    if (!iceberg_table_current(t))
        return true;
    TRY(find_order(&c, err));
    c.base = iceberg_table_current(c.table);
    TRY(iceberg_table_scan(c.table, a, -1, &c.scan, err));
    plan_bins(&c);
    size_t files = 0, to = 0;
    int64_t bytes = 0;
    while (to < c.bins.count &&
           (to == 0 ||
            (files < MOST_FILES_A_COMMIT && bytes + c.bins.items[to].bytes < c.target_bytes * 2))) {
        files += c.bins.items[to].files.count;
        bytes += c.bins.items[to++].bytes;
    }
    *ret_is_done = to == 0;
    return to == 0 || rewrite_bins(&c, 0, to, err);
}

bool upkeep_compact(upkeep *u, error *err)
{
    int conflicts = 0;
    for (bool is_done = false; !is_done && !upkeep_is_stopped(u);) {
        if (compact_some(u, &is_done, err)) {
            conflicts = 0;
            continue;
        }
        if (err->code != ERR_CONFLICT || ++conflicts >= MOST_TRIES)
            return false;
        u->report->conflicts++;
        error_clear(err);
        is_done = false;
    }
    return true;
}
