/* Proving a table: what the metadata says of each file against the files themselves. */
#include "base/map.h"
#include "base/vec.h"
#include "upkeep/internal.h"

typedef struct proof {
    arena *arena;
    const iceberg_table *table;
    sql_connection *connection;
    iceberg_scan scan;
    upkeep_fault fault;
    void *context;
    upkeep_proof *ret;
} proof;

static void report(proof *p, str fault)
{
    p->ret->faults++;
    p->fault(p->context, fault);
}

static bool is_parquet(const iceberg_file *f)
{
    return str_eq_nocase(f->format, STR("PARQUET"));
}

/* There, with its size; Parquet files with their rows, as their footers say. */
static bool check_file(proof *p, const iceberg_file *f, error *err)
{
    arena *a = p->arena;
    store_object o;
    store *s = iceberg_table_store(p->table);
    error why = { 0 };
    str path;
    int64_t rows;
    if (!store_stat(s, a, f->uri, &o, &why)) {
        if (why.code != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        report(p, str_format(a, STR_FMT " is missing", STR_ARG(f->uri)));
        return true;
    }
    if ((int64_t)o.size_bytes != f->size_bytes)
        report(p, str_format(a, STR_FMT " has %llu bytes, not %lld", STR_ARG(f->uri),
                             (unsigned long long)o.size_bytes, (long long)f->size_bytes));
    if (!is_parquet(f))
        return true;
    strbuf b = strbuf_new(a);
    TRY(store_local_path(s, a, f->uri, &path, err));
    strbuf_add_c(&b, "SELECT num_rows FROM parquet_file_metadata(");
    strbuf_add_sql_text(&b, path);
    strbuf_add_c(&b, ")");
    if (!sql_query_int(p->connection, strbuf_str(&b), &rows, &why)) {
        report(p, str_format(a, STR_FMT ": %s", STR_ARG(f->uri), why.message));
        return true;
    }
    if (rows != f->row_count)
        report(p, str_format(a, STR_FMT " has %lld rows, not %lld", STR_ARG(f->uri),
                             (long long)rows, (long long)f->row_count));
    return true;
}

/* SQL that is true when a column's values in one file are within its bounds. */
static bool add_bounds(proof *p, strbuf *b, const iceberg_field *f, const iceberg_column_stats *s)
{
    const struct {
        str bytes;
        const char *aggregate, *compare;
    } sides[] = { { s->lower, "min", ">=" }, { s->upper, "max", "<=" } };
    bool has_any = false;
    for (size_t i = 0; i < 2; i++) {
        value v;
        iceberg_kind kind = f->type->kind;
        bool is_plain = kind <= ICEBERG_STRING && kind != ICEBERG_DECIMAL;
        if (!sides[i].bytes.data || !is_plain ||
            !iceberg_bound_value(p->arena, f->type, sides[i].bytes, &v))
            continue;
        strbuf_add_c(b, has_any ? " AND " : "");
        strbuf_format(b, "coalesce(%s(", sides[i].aggregate);
        strbuf_add_sql_name(b, f->name);
        strbuf_format(b, ") %s ", sides[i].compare);
        if (v.kind == VALUE_TIMESTAMP && kind == ICEBERG_TIMESTAMPTZ)
            strbuf_format(b, "make_timestamptz(%lld)", (long long)v.integer);
        else if (v.kind == VALUE_TIMESTAMP)
            strbuf_format(b, "make_timestamp(%lld)", (long long)v.integer);
        else if (v.kind == VALUE_DATE)
            strbuf_format(b, "(DATE '1970-01-01' + %lld::INTEGER)", (long long)v.integer);
        else if (v.kind == VALUE_TIME)
            strbuf_format(b, "(TIME '00:00:00' + to_microseconds(%lld))", (long long)v.integer);
        else if (v.kind == VALUE_BOOL)
            strbuf_add_c(b, v.boolean ? "true" : "false");
        else if (v.kind == VALUE_DOUBLE)
            strbuf_format(b, "%.17g::DOUBLE", v.real);
        else if (v.kind == VALUE_STRING)
            strbuf_add_sql_text(b, v.text);
        else
            strbuf_format(b, "%lld", (long long)v.integer);
        strbuf_add_c(b, ", true)");
        has_any = true;
        p->ret->bounds++;
    }
    return has_any;
}

static bool check_bounds(proof *p, const iceberg_scan_file *f, error *err)
{
    arena *a = p->arena;
    iceberg_scan one = { .files = f, .file_count = 1 };
    iceberg_scan_file plain = *f;
    strbuf b = strbuf_new(a);
    VEC(const iceberg_field *) fields = { 0 };
    batch *row;
    str rows;
    error why = { 0 };
    plain.delete_count = 0; /* bounds are of all rows, deleted ones too */
    one.files = &plain;
    strbuf_add_c(&b, "SELECT ");
    for (size_t i = 0; i < f->file.stats_count; i++) {
        const iceberg_field *field =
            iceberg_schema_find_id(iceberg_table_schema(p->table), f->file.stats[i].field_id);
        strbuf one_column = strbuf_new(a);
        if (!field || !add_bounds(p, &one_column, field, &f->file.stats[i]))
            continue;
        strbuf_add_c(&b, fields.count ? ", " : "");
        strbuf_add(&b, strbuf_str(&one_column));
        vec_push(a, &fields, field);
    }
    if (fields.count == 0 || !is_parquet(&f->file))
        return true;
    TRY(iceberg_scan_sql(p->table, a, &one, NULL, 0, false, &rows, err));
    strbuf_format(&b, " FROM " STR_FMT, STR_ARG(rows));
    if (!sql_query_all(p->connection, a, strbuf_str(&b), &row, &why)) {
        report(p, str_format(a, STR_FMT ": %s", STR_ARG(f->file.uri), why.message));
        return true;
    }
    for (size_t i = 0; i < fields.count; i++)
        if (!column_value(&row->columns[i], a, 0).boolean)
            report(p, str_format(a, STR_FMT ": values of " STR_FMT " are beyond its bounds",
                                 STR_ARG(f->file.uri), STR_ARG(fields.items[i]->name)));
    return true;
}

/* Position deletes: no live position twice, none beyond its file. */
static bool check_positions(proof *p, error *err)
{
    strbuf b = strbuf_new(p->arena);
    VEC(const iceberg_file *) files = { 0 };
    batch *rows;
    for (size_t i = 0; i < p->scan.delete_count; i++)
        if (p->scan.delete_files[i].content == ICEBERG_POSITION_DELETES &&
            is_parquet(&p->scan.delete_files[i]))
            vec_push(p->arena, &files, &p->scan.delete_files[i]);
    if (files.count == 0)
        return true;
    strbuf_add_c(&b, "WITH live(uri, rows) AS (VALUES ");
    for (size_t i = 0; i < p->scan.file_count; i++) {
        strbuf_add_c(&b, i ? ", (" : "(");
        strbuf_add_sql_text(&b, p->scan.files[i].file.uri);
        strbuf_format(&b, ", %lld)", (long long)p->scan.files[i].file.row_count);
    }
    strbuf_add_c(&b, ") SELECT uri, pos, count(*), any_value(rows) FROM read_parquet([");
    for (size_t i = 0; i < files.count; i++) {
        str path;
        TRY(store_local_path(iceberg_table_store(p->table), p->arena, files.items[i]->uri, &path,
                             err));
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_text(&b, path);
    }
    strbuf_add_c(&b, "]) JOIN live ON uri = file_path GROUP BY 1, 2 HAVING count(*) > 1 OR pos >= "
                     "any_value(rows) OR pos < 0 ORDER BY 1, 2 LIMIT 20");
    TRY(sql_query_all(p->connection, p->arena, strbuf_str(&b), &rows, err));
    for (size_t i = 0; i < rows->rows; i++)
        report(p, str_format(p->arena, "row %lld of " STR_FMT " (%lld rows) is deleted %lld times",
                             (long long)column_value(&rows->columns[1], p->arena, i).integer,
                             STR_ARG(column_value(&rows->columns[0], p->arena, i).text),
                             (long long)column_value(&rows->columns[3], p->arena, i).integer,
                             (long long)column_value(&rows->columns[2], p->arena, i).integer));
    return true;
}

/* Deletion vectors: one a file, with the recorded count of rows, all within the file. */
static bool check_vectors(proof *p, error *err)
{
    for (size_t i = 0; i < p->scan.file_count; i++) {
        const iceberg_scan_file *f = &p->scan.files[i];
        size_t vectors = 0;
        for (size_t k = 0; k < f->delete_count; k++) {
            const iceberg_file *d = f->deletes[k];
            iceberg_deleted_rows rows;
            error why = { 0 };
            if (!iceberg_file_is_vector(d))
                continue;
            vectors++;
            if (!iceberg_vector_read(p->table, p->arena, d, f->file.row_count, &rows, &why))
                report(p, str_copy(p->arena, str_of(why.message)));
            else if ((int64_t)rows.deleted_count != d->row_count)
                report(p,
                       str_format(p->arena, STR_FMT " at %lld deletes %llu rows, not %lld",
                                  STR_ARG(d->uri), (long long)d->content_offset,
                                  (unsigned long long)rows.deleted_count, (long long)d->row_count));
        }
        if (vectors > 1)
            report(p, str_format(p->arena, STR_FMT " has %zu deletion vectors",
                                 STR_ARG(f->file.uri), vectors));
    }
    (void)err;
    return true;
}

static void check_totals(proof *p)
{
    const iceberg_snapshot *s = iceberg_table_current(p->table);
    const struct {
        const char *key;
        int64_t want;
    } totals[] = { { "total-data-files", p->ret->files }, { "total-records", p->ret->rows } };
    for (size_t i = 0; s && i < ARRAY_LEN(totals); i++) {
        int64_t n;
        if (str_to_i64(iceberg_snapshot_summary(s, str_of(totals[i].key)), &n) &&
            n != totals[i].want)
            report(p, str_format(p->arena, "the snapshot's %s is %lld, its manifests have %lld",
                                 totals[i].key, (long long)n, (long long)totals[i].want));
    }
}

static bool check_all(proof *p, error *err)
{
    map seen = map_new(p->arena);
    p->ret->files = (int64_t)p->scan.file_count;
    p->ret->rows = p->scan.row_count;
    p->ret->delete_files = (int64_t)p->scan.delete_count;
    for (size_t i = 0; i < p->scan.file_count; i++) {
        const iceberg_file *f = &p->scan.files[i].file;
        size_t faults = (size_t)p->ret->faults;
        if (map_has(&seen, f->uri))
            report(p, str_format(p->arena, STR_FMT " is in the snapshot twice", STR_ARG(f->uri)));
        map_set(&seen, f->uri, p);
        TRY(check_file(p, f, err));
        if ((size_t)p->ret->faults == faults) /* a broken file has told already */
            TRY(check_bounds(p, &p->scan.files[i], err));
    }
    for (size_t i = 0; i < p->scan.delete_count; i++) {
        const iceberg_file *d = &p->scan.delete_files[i];
        p->ret->deleted_rows += d->content == ICEBERG_POSITION_DELETES ? d->row_count : 0;
        TRY(check_file(p, d, err));
    }
    if (p->ret->faults == 0)
        TRY(check_positions(p, err));
    TRY(check_vectors(p, err));
    check_totals(p);
    return true;
}

bool upkeep_check(catalog *c, sql_engine *e, str namespace, str name, upkeep_fault fault,
                  void *context, upkeep_proof *ret_proof, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    iceberg_table *t;
    *ret_proof = (upkeep_proof){ 0 };
    proof p = { .arena = a, .fault = fault, .context = context, .ret = ret_proof };
    TRY(sql_connect(e, &connection, err));
    p.connection = connection;
    TRY(catalog_load(c, a, namespace, name, &t, err));
    p.table = t;
    TRY(iceberg_table_scan(t, a, -1, &p.scan, err));
    return check_all(&p, err);
}
