/* /api/tables: the snapshots and files of a table, and its upkeep on demand. */
#include "base/clock.h"
#include "server/exchange.h"
#include "upkeep/upkeep.h"

enum { FILES_MOST = 5000, SNAPSHOTS_MOST = 5000 };

typedef struct table_place {
    catalog *catalog;
    str namespace, name;
} table_place;

/* "catalog.namespace.name", as system.information_schema.tables has it. */
static bool find_place(exchange *x, str text, table_place *ret, error *err)
{
    ptrdiff_t last = str_rfind_char(text, '.'), first = str_find_char(text, '.');
    if (first <= 0 || last <= first + 1 || (size_t)last + 1 == text.len)
        return fail(err, ERR_INVALID, "table is catalog.namespace.name, not '" STR_FMT "'",
                    STR_ARG(text));
    ret->namespace = str_slice(text, (size_t)first + 1, (size_t)last);
    ret->name = str_slice(text, (size_t)last + 1, text.len);
    return home_catalog(x->server->home, str_slice(text, 0, (size_t)first), &ret->catalog, err);
}

static bool load_table(exchange *x, iceberg_table **ret, error *err)
{
    table_place p;
    TRY(find_place(x, http_argument(x->request, STR("table"), STR("")), &p, err));
    return catalog_load(p.catalog, x->arena, p.namespace, p.name, ret, err);
}

static void put_text(json_writer *w, const char *key, str text)
{
    json_put_key(w, str_of(key));
    json_put_text(w, text);
}

static void put_int(json_writer *w, const char *key, int64_t n)
{
    json_put_key(w, str_of(key));
    json_put_int(w, n);
}

/* ---- Snapshots ---- */

/* Numbers of the summary; null where the writer did not say. */
static void put_summary(json_writer *w, const iceberg_snapshot *s)
{
    static const struct {
        const char *key, *summary;
    } numbers[] = {
        { "addedRows", "added-records" },
        { "deletedRows", "deleted-records" },
        { "addedFiles", "added-data-files" },
        { "deletedFiles", "deleted-data-files" },
        { "addedBytes", "added-files-size" },
        { "removedBytes", "removed-files-size" },
        { "totalRows", "total-records" },
        { "totalFiles", "total-data-files" },
        { "totalBytes", "total-files-size" },
        { "totalDeleteFiles", "total-delete-files" },
        { "totalDeletes", "total-position-deletes" },
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t n;
        json_put_key(w, str_of(numbers[i].key));
        if (str_to_i64(iceberg_snapshot_summary(s, str_of(numbers[i].summary)), &n))
            json_put_int(w, n);
        else
            json_put_null(w);
    }
}

static void put_refs(json_writer *w, const iceberg_table *t, int64_t snapshot_id)
{
    size_t count;
    const iceberg_ref *refs = iceberg_table_refs(t, &count);
    json_put_key(w, STR("refs"));
    json_put_array_begin(w);
    for (size_t i = 0; i < count; i++)
        if (refs[i].snapshot_id == snapshot_id)
            json_put_text(w, refs[i].name);
    json_put_array_done(w);
}

/* Newest first. */
static bool show_snapshots(exchange *x, error *err)
{
    iceberg_table *t;
    json_reply r;
    TRY(load_table(x, &t, err));
    size_t count = iceberg_table_snapshot_count(t),
           from = count > SNAPSHOTS_MOST ? count - SNAPSHOTS_MOST : 0;
    const iceberg_snapshot *current = iceberg_table_current(t);
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    put_int(&r.out, "count", (int64_t)count);
    json_put_key(&r.out, STR("snapshots"));
    json_put_array_begin(&r.out);
    for (size_t i = count; i-- > from;) {
        const iceberg_snapshot *s = iceberg_table_snapshot_at(t, i);
        json_put_object_begin(&r.out);
        put_text(&r.out, "id", str_format(x->arena, "%lld", (long long)s->id));
        put_text(&r.out, "committed", clock_format_us(x->arena, s->timestamp_ms * 1000));
        put_text(&r.out, "operation", s->operation);
        json_put_key(&r.out, STR("isCurrent"));
        json_put_bool(&r.out, current && current->id == s->id);
        put_summary(&r.out, s);
        put_refs(&r.out, t, s->id);
        json_put_object_done(&r.out);
    }
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

/* ---- Files ---- */

static void put_file(json_writer *w, str location, const iceberg_file *f, const char *kind,
                     size_t deletes)
{
    bool is_below = str_starts_with(f->uri, location);
    json_put_object_begin(w);
    put_text(w, "kind", str_of(kind));
    put_text(w, "file", is_below ? str_slice(f->uri, location.len + 1, f->uri.len) : f->uri);
    put_int(w, "rows", f->row_count);
    put_int(w, "bytes", f->size_bytes);
    put_int(w, "sequenceNumber", f->sequence_number);
    put_int(w, "deletes", (int64_t)deletes);
    json_put_object_done(w);
}

static bool show_files(exchange *x, error *err)
{
    iceberg_table *t;
    iceberg_scan scan;
    const iceberg_snapshot *s = NULL;
    str as_of = http_argument(x->request, STR("asOf"), STR(""));
    json_reply r;
    TRY(load_table(x, &t, err));
    if (as_of.len)
        TRY(iceberg_table_as_of(t, x->arena, as_of, &s, err));
    TRY(iceberg_table_scan_where(t, x->arena, s ? s->id : -1, NULL, 0, &scan, err));
    str location = iceberg_table_location(t);
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    put_int(&r.out, "count", (int64_t)(scan.file_count + scan.delete_count));
    json_put_key(&r.out, STR("files"));
    json_put_array_begin(&r.out);
    for (size_t i = 0; i < scan.file_count && i < FILES_MOST; i++)
        put_file(&r.out, location, &scan.files[i].file, "data", scan.files[i].delete_count);
    for (size_t i = 0; i < scan.delete_count && i < FILES_MOST; i++) {
        const iceberg_file *d = &scan.delete_files[i];
        const char *kind = d->content == ICEBERG_EQUALITY_DELETES ? "equality deletes"
                           : iceberg_file_is_vector(d)            ? "deletion vector"
                                                                  : "position deletes";
        put_file(&r.out, location, d, kind, 0);
    }
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

/* ---- Upkeep ---- */

static void put_figures(json_writer *w, const char *key, const upkeep_figures *f)
{
    json_put_key(w, str_of(key));
    json_put_object_begin(w);
    put_int(w, "files", f->files);
    put_int(w, "bytes", f->bytes);
    put_int(w, "rows", f->rows);
    put_int(w, "deleteFiles", f->delete_files);
    put_int(w, "deletedRows", f->deleted_rows);
    put_int(w, "manifests", f->manifests);
    put_int(w, "manifestBytes", f->manifest_bytes);
    put_int(w, "snapshots", f->snapshots);
    put_int(w, "planUs", f->plan_us);
    json_put_object_done(w);
}

static void send_report(exchange *x, const upkeep_report *report)
{
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    put_figures(&r.out, "before", &report->before);
    put_figures(&r.out, "after", &report->after);
    put_int(&r.out, "filesRewritten", report->files_rewritten);
    put_int(&r.out, "bytesRewritten", report->bytes_rewritten);
    put_int(&r.out, "snapshotsExpired", report->snapshots_expired);
    put_int(&r.out, "filesDeleted", report->files_deleted);
    put_int(&r.out, "bytesDeleted", report->bytes_deleted);
    put_int(&r.out, "rowsRetired", report->rows_retired);
    put_int(&r.out, "conflicts", report->conflicts);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
}

/* It is on the list of what runs, and can be stopped there. */
static bool run_upkeep(exchange *x, const table_place *p, ticket *seat, upkeep_report *ret,
                       error *err)
{
    AUTO(sql_disconnect) sql_connection *c = NULL;
    home *h = x->server->home;
    sql_engine *e;
    int64_t *needed;
    upkeep_options options = { .retains = true,
                               .compacts = true,
                               .rewrites_manifests = true,
                               .expires = true,
                               .removes_orphans = true,
                               .is_stopped = &seat->is_cancelled };
    TRY(home_engine(h, &e, err));
    TRY(sql_connect(e, &c, err));
    TRY(upkeep_needed_snapshots(home_embedded_catalog(h), x->arena, &needed, &options.needed_count,
                                err));
    options.needed_snapshots = needed;
    options.connection = c;
    ticket_interrupts(seat, c);
    bool works = upkeep_run(p->catalog, e, p->namespace, p->name, &options, ret, err);
    ticket_interrupts(seat, NULL);
    return works;
}

static bool do_upkeep(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    AUTO(ticket_close) ticket *seat = NULL;
    table_place p;
    str name;
    upkeep_report report;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "table", &name, err));
    TRY(find_place(x, str_copy(x->arena, name), &p, err));
    TRY(ticket_open(x->server->tickets, ANSWER_SQL, STR(""), x->user,
                    str_format(x->arena, "upkeep of " STR_FMT, STR_ARG(name)), "http", 0, &seat,
                    err));
    if (!run_upkeep(x, &p, seat, &report, err)) {
        seat->has_failed = true;
        return false;
    }
    send_report(x, &report);
    return true;
}

static bool show_figures(exchange *x, error *err)
{
    iceberg_table *t;
    upkeep_figures f;
    json_reply r;
    TRY(load_table(x, &t, err));
    TRY(upkeep_figures_of(t, &f, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    put_figures(&r.out, "now", &f);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

const route table_routes[] = {
    { HTTP_GET, "/api/tables/snapshots", show_snapshots, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/tables/files", show_files, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/tables/upkeep", show_figures, NEEDS_SIGN_IN },
    { HTTP_POST, "/api/tables/upkeep", do_upkeep, NEEDS_SIGN_IN },
};
const size_t table_route_count = ARRAY_LEN(table_routes);
