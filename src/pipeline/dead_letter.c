/* Dead letters: rows that an expectation kept out of a job's table and lines that cannot be read,
 * in a table of their own beside it, from which REPLAY JOB tries them again.
 *
 * They are written before the run's commit and committed after it; a crash between the two is
 * mended by dead_letter_recover, which finds the files by the run's prefix. */
#include "pipeline/dead_letter.h"

#include "base/file.h"
#include "base/vec.h"

enum { COLUMNS = 8 };

static const struct {
    const char *name;
    iceberg_kind kind;
} columns[COLUMNS] = {
    { "file", ICEBERG_STRING },          { "row", ICEBERG_LONG },      { "line", ICEBERG_LONG },
    { "expectation", ICEBERG_STRING },   { "reason", ICEBERG_STRING }, { "run", ICEBERG_LONG },
    { "event_time", ICEBERG_TIMESTAMP }, { "record", ICEBERG_STRING },
};

static str table_name_of(const job *j, arena *a)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < j->record.name.len; i++) {
        char c = j->record.name.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        strbuf_add_char(&b, is_plain ? c : '_');
    }
    strbuf_add_c(&b, "_dead_letters");
    return strbuf_str(&b);
}

/* NULL when no row was ever kept out. */
static bool load_table(job *j, arena *a, iceberg_table **ret, error *err)
{
    *ret = NULL;
    if (catalog_load(j->catalog, a, j->statement->table.namespace, table_name_of(j, a), ret, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    error_clear(err);
    *ret = NULL;
    return true;
}

static bool need_table(job *j, arena *a, iceberg_table **ret, error *err)
{
    TRY(load_table(j, a, ret, err));
    if (*ret)
        return true;
    iceberg_field *fields = arena_array_of(a, iceberg_field, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        fields[i] = (iceberg_field){ .id = (int32_t)i + 1,
                                     .name = str_of(columns[i].name),
                                     .type = iceberg_primitive(columns[i].kind) };
    iceberg_schema schema = { .fields = fields, .field_count = COLUMNS };
    iceberg_spec spec = { 0 };
    str keys[] = { STR("comment"), STR("write.parquet.compression-codec") };
    str values[] = { str_format(a, "rows that were kept out of job " STR_FMT,
                                STR_ARG(j->record.name)),
                     STR("zstd") };
    iceberg_definition d = { .schema = &schema,
                             .spec = &spec,
                             .property_keys = keys,
                             .property_values = values,
                             .property_count = 2 };
    return catalog_create(j->catalog, a, j->statement->table.namespace, table_name_of(j, a), &d,
                          ret, err);
}

bool dead_letter_write(job *j, arena *a, str rows_sql, str name, file_vec *files, error *err)
{
    iceberg_table *t;
    iceberg_file file;
    bool has_rows;
    TRY(need_table(j, a, &t, err));
    TRY(writer_file(j, a, t, iceberg_table_schema(t), rows_sql, writer_uri(a, t, NULL, name), NULL,
                    &file, &has_rows, err));
    if (has_rows)
        vec_push(a, files, file);
    return true;
}

/* Every data file of the table's current snapshot. */
static bool old_files(const iceberg_table *t, arena *a, str keeps, const str **ret,
                      size_t *ret_count, error *err)
{
    iceberg_scan scan;
    VEC(str) uris = { 0 };
    *ret_count = 0;
    if (!iceberg_table_current(t))
        return true;
    TRY(iceberg_table_scan(t, a, -1, &scan, err));
    for (size_t i = 0; i < scan.file_count; i++)
        if (!str_contains(scan.files[i].file.uri, keeps))
            vec_push(a, &uris, scan.files[i].file.uri);
    *ret = uris.items;
    *ret_count = uris.count;
    return true;
}

static bool commit_files(job *j, arena *a, const iceberg_table *t, const file_vec *files,
                         str prefix, int64_t run, bool is_replay, error *err)
{
    iceberg_table *after;
    str keys[] = { job_property(j, a, "run") },
        values[] = { str_format(a, "%lld", (long long)run) };
    iceberg_change change = { .added = files->items,
                              .added_count = files->count,
                              .operation = files->count ? STR("append") : STR(""),
                              .property_keys = keys,
                              .property_values = values,
                              .property_count = 1,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    if (is_replay) { /* what was there has been tried again: only what failed anew stays */
        TRY(old_files(t, a, prefix, &change.removed_uris, &change.removed_count, err));
        const iceberg_snapshot *current = iceberg_table_current(t);
        change.operation = change.removed_count ? STR("overwrite") : change.operation;
        change.only_after_snapshot_id = current ? current->id : -1;
    }
    return catalog_commit(j->catalog, a, j->statement->table.namespace, table_name_of(j, a),
                          &change, &after, err);
}

bool dead_letter_commit(job *j, arena *a, const file_vec *files, str prefix, int64_t run,
                        bool is_replay, error *err)
{
    iceberg_table *t;
    if (files->count == 0 && !is_replay)
        return true;
    TRY(load_table(j, a, &t, err));
    return t ? commit_files(j, a, t, files, prefix, run, is_replay, err) : true;
}

typedef struct finding {
    job *job;
    arena *arena;
    const iceberg_table *table;
    str prefix;
    file_vec files;
} finding;

static bool find_file(void *context, const store_object *object, error *err)
{
    finding *f = context;
    int64_t rows;
    iceberg_file file;
    str name =
        str_slice(object->uri, (size_t)(str_rfind_char(object->uri, '/') + 1), object->uri.len);
    if (!str_starts_with(name, f->prefix))
        return true;
    str path;
    strbuf q = strbuf_new(f->arena);
    TRY(store_local_path(iceberg_table_store(f->table), f->arena, object->uri, &path, err));
    strbuf_add_c(&q, "SELECT count(*) FROM read_parquet(");
    strbuf_add_sql_text(&q, path);
    strbuf_add_c(&q, ")");
    TRY(sql_query_int(f->job->connection, strbuf_str(&q), &rows, err));
    TRY(iceberg_file_of_written(f->table, f->arena, iceberg_table_schema(f->table),
                                str_copy(f->arena, object->uri), rows, (int64_t)object->size_bytes,
                                NULL, 0, &file, err));
    vec_push(f->arena, &f->files, file);
    return true;
}

bool dead_letter_recover(job *j, arena *a, int64_t run, str prefix, bool is_committed, error *err)
{
    iceberg_table *t;
    TRY(load_table(j, a, &t, err));
    if (!t)
        return true;
    if (!is_committed)
        return writer_forget(t, prefix, err);
    if (job_property_int(j, t, "run", 0) >= run)
        return true;
    finding f = { .job = j, .arena = a, .table = t, .prefix = prefix };
    str folder = str_format(a, STR_FMT "/data", STR_ARG(iceberg_table_location(t)));
    if (!store_list(iceberg_table_store(t), folder, find_file, &f, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        error_clear(err); /* nothing was written yet */
    }
    bool is_replay = str_starts_with(prefix, STR("p"));
    return f.files.count || is_replay ? commit_files(j, a, t, &f.files, prefix, run, is_replay, err)
                                      : true;
}

bool dead_letter_rows(job *j, arena *a, str *ret_sql, error *err)
{
    iceberg_table *t;
    iceberg_scan scan;
    *ret_sql = STR("");
    TRY(load_table(j, a, &t, err));
    if (!t || !iceberg_table_current(t))
        return true;
    TRY(iceberg_table_scan(t, a, -1, &scan, err));
    return scan.file_count == 0 ? true
                                : iceberg_scan_sql(t, a, &scan, NULL, 0, false, ret_sql, err);
}
