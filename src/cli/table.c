/* `floe table`: looking at Iceberg tables, proving them, keeping them healthy. */
#include <stdio.h>

#include "base/clock.h"
#include "base/vec.h"
#include "cli/command.h"
#include "upkeep/upkeep.h"

static const char usage[] =
    "usage: floe table list [--home DIR]\n"
    "       floe table show | files | snapshots | check | upgrade TABLE\n"
    "       floe table maintain TABLE|--all [--compact] [--expire] [--orphans] [--manifests]\n"
    "                 [--retain] [--dry-run]\n"
    "\n"
    "TABLE is a name that one table of the home has, namespace.name, or catalog.namespace.name.\n"
    "Options:\n"
    "  --format F           table, json or csv (list, files, snapshots)\n"
    "  --as-of T            files of a snapshot: its id, a branch or tag, or a time\n"
    "  --where COND         files that a scan under the condition would read: \"column >= value\"\n"
    "                       (=, <, <=, >, >=; 'and' joins several); says what it passes over\n"
    "maintain does all of its steps unless some are named, and prints figures before and after:\n"
    "  --compact            small files, and files with deletes, become large sorted ones\n"
    "  --expire             forget old snapshots, delete what only they needed\n"
    "  --orphans            delete files that nothing names\n"
    "  --manifests          few manifests, sorted by partition\n"
    "  --retain             drop files whose rows are all older than the retention\n"
    "  --dry-run            count what --expire and --orphans would delete; change nothing\n"
    "  --target-mb N        size of data files (default 128, or write.target-file-size-bytes)\n"
    "  --least-files N      small files of a partition worth a rewrite (default 5)\n"
    "  --sort A,B|none      columns to sort by (default: the table's order; flow logs: srcaddr)\n"
    "  --snapshot-age S     seconds (default 5 days); --least-snapshots N (default 1)\n"
    "  --orphan-age S       seconds (default 3 days)\n"
    "  --retention-days N   with --retention-column C (default: the partition's column)\n"
    "check ends with code 1 when it finds a fault; upgrade makes format version 1 into 2, 2 into "
    "3.\n";

typedef struct table_options {
    result_format format;
    const char *as_of, *where;
    upkeep_options upkeep;
} table_options;

typedef struct table_place {
    catalog *catalog;
    str namespace, name;
} table_place;

/* By its name alone, when one table of the home has it. */
static bool find_by_name(home *h, arena *a, str name, table_place *ret, error *err)
{
    catalog_entry *entries;
    size_t count, found = 0;
    ret->catalog = home_embedded_catalog(h);
    TRY(catalog_list(ret->catalog, a, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        if (str_eq(entries[i].name, name)) {
            ret->namespace = entries[i].namespace;
            ret->name = entries[i].name;
            found++;
        }
    if (found == 1)
        return true;
    return fail(err, found ? ERR_INVALID : ERR_NOT_FOUND,
                found ? "several namespaces have a table '" STR_FMT "': give namespace.name"
                      : "there is no table '" STR_FMT "'; floe table list shows those there are",
                STR_ARG(name));
}

/* What `ret` names may be in `a`. */
static bool find_place(home *h, arena *a, str text, table_place *ret, error *err)
{
    ptrdiff_t last = str_rfind_char(text, '.'), first = str_find_char(text, '.');
    if (last < 0 && text.len)
        return find_by_name(h, a, text, ret, err);
    if (last <= 0 || (size_t)last + 1 == text.len)
        return fail(err, ERR_INVALID, "'" STR_FMT "' is no table: give namespace.name",
                    STR_ARG(text));
    ret->name = str_slice(text, (size_t)last + 1, text.len);
    str catalog_name = STR(HOME_CATALOG);
    ret->namespace = str_slice(text, 0, (size_t)last);
    if (first != last) {
        catalog_name = str_slice(text, 0, (size_t)first);
        ret->namespace = str_slice(text, (size_t)first + 1, (size_t)last);
    }
    return home_catalog(h, catalog_name, &ret->catalog, err);
}

/* ---- Rows for printing ---- */

/* A query without tables: VALUES. */
typedef struct listing {
    strbuf sql;
    bool has_rows;
} listing;

static void begin_row(listing *l)
{
    strbuf_add_c(&l->sql, l->has_rows ? ", (" : "(");
    l->has_rows = true;
}

static void put_text(listing *l, bool is_first, str text)
{
    strbuf_add_c(&l->sql, is_first ? "" : ", ");
    strbuf_add_sql_text(&l->sql, text);
}

static void put_number(listing *l, int64_t n)
{
    strbuf_format(&l->sql, ", %lld::BIGINT", (long long)n);
}

static bool print_listing(home *h, arena *a, listing *l, const char *columns, const char *nothing,
                          result_format format, error *err)
{
    sql_engine *e;
    AUTO(sql_disconnect) sql_connection *c = NULL;
    AUTO(sql_stream_close) sql_stream *s = NULL;
    if (!l->has_rows) {
        if (format == FORMAT_TABLE)
            puts(nothing);
        return true;
    }
    TRY(home_engine(h, &e, err));
    TRY(sql_connect(e, &c, err));
    TRY(sql_query(c,
                  str_format(a, "SELECT * FROM (VALUES " STR_FMT ") listing(%s)",
                             STR_ARG(strbuf_str(&l->sql)), columns),
                  &s, err));
    TRY(result_print(s, format, err));
    sql_stream_close(TAKE(s));
    return true;
}

static bool list_tables(home *h, const table_options *o, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    listing l = { .sql = strbuf_new(a) };
    catalog *c = home_embedded_catalog(h);
    catalog_entry *entries;
    size_t count;
    TRY(catalog_list(c, a, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        iceberg_table *t;
        TRY(catalog_load(c, a, entries[i].namespace, entries[i].name, &t, err));
        const iceberg_snapshot *s = iceberg_table_current(t);
        int64_t rows = 0, files = 0, bytes = 0;
        if (s && (!str_to_i64(iceberg_snapshot_summary(s, STR("total-records")), &rows) ||
                  !str_to_i64(iceberg_snapshot_summary(s, STR("total-data-files")), &files) ||
                  !str_to_i64(iceberg_snapshot_summary(s, STR("total-files-size")), &bytes)))
            rows = rows ? rows : -1;
        begin_row(&l);
        put_text(&l, true, iceberg_table_name(t));
        put_number(&l, iceberg_table_format_version(t));
        put_number(&l, rows);
        put_number(&l, files);
        put_number(&l, bytes);
        put_number(&l, (int64_t)iceberg_table_snapshot_count(t));
        put_text(&l, false, s ? clock_format_us(a, s->timestamp_ms * 1000) : STR("never written"));
        strbuf_add_char(&l.sql, ')');
    }
    return print_listing(h, a, &l,
                         "\"table\", format_version, \"rows\", files, bytes, snapshots, changed",
                         "there are no tables yet", o->format, err);
}

static bool list_snapshots(home *h, const table_place *p, const table_options *o, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    listing l = { .sql = strbuf_new(a) };
    iceberg_table *t;
    TRY(catalog_load(p->catalog, a, p->namespace, p->name, &t, err));
    size_t ref_count;
    const iceberg_ref *refs = iceberg_table_refs(t, &ref_count);
    for (size_t i = 0; i < iceberg_table_snapshot_count(t); i++) {
        static const char *const numbers[] = { "added-records", "deleted-records", "total-records",
                                               "total-data-files", "total-delete-files" };
        const iceberg_snapshot *s = iceberg_table_snapshot_at(t, i);
        strbuf names = strbuf_new(a);
        for (size_t k = 0; k < ref_count; k++)
            if (refs[k].snapshot_id == s->id)
                strbuf_format(&names, "%s" STR_FMT, names.len ? " " : "", STR_ARG(refs[k].name));
        begin_row(&l);
        put_text(&l, true, str_format(a, "%lld", (long long)s->id));
        put_text(&l, false, clock_format_us(a, s->timestamp_ms * 1000));
        put_text(&l, false, s->operation);
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
            int64_t n;
            put_number(&l, str_to_i64(iceberg_snapshot_summary(s, str_of(numbers[k])), &n) ? n : 0);
        }
        put_text(&l, false, strbuf_str(&names));
        strbuf_add_char(&l.sql, ')');
    }
    return print_listing(h, a, &l,
                         "snapshot, committed, operation, added_rows, deleted_rows, total_rows, "
                         "files, delete_files, refs",
                         "the table has no snapshots yet", o->format, err);
}

/* ---- Files ---- */

/* "column OP value", joined by 'and'; values may be quoted. */
static bool parse_where(arena *a, str text, iceberg_predicate **ret, size_t *ret_count, error *err)
{
    static const struct {
        const char *sign;
        iceberg_compare compare;
    } signs[] = { { ">=", ICEBERG_GREATER_OR_EQUAL },
                  { "<=", ICEBERG_LESS_OR_EQUAL },
                  { "=", ICEBERG_IN },
                  { "<", ICEBERG_LESS },
                  { ">", ICEBERG_GREATER } };
    VEC(iceberg_predicate) out = { 0 };
    while (text.len) {
        ptrdiff_t end = str_find(text, STR(" and "));
        str one = end < 0 ? text : str_slice(text, 0, (size_t)end);
        text = end < 0 ? STR("") : str_slice(text, (size_t)end + 5, text.len);
        size_t k = 0;
        ptrdiff_t at = -1;
        for (; k < ARRAY_LEN(signs) && at < 0; k++)
            at = str_find(one, str_of(signs[k].sign));
        if (at <= 0)
            return fail(err, ERR_INVALID, "--where: '" STR_FMT "' is not \"column >= value\"",
                        STR_ARG(one));
        str given = str_trim(str_slice(one, (size_t)at + strlen(signs[k - 1].sign), one.len));
        if (given.len >= 2 && given.data[0] == '\'' && given.data[given.len - 1] == '\'')
            given = str_slice(given, 1, given.len - 1);
        value *v = arena_new_of(a, value);
        *v = value_text(given);
        vec_push(a, &out,
                 (iceberg_predicate){ str_trim(str_slice(one, 0, (size_t)at)), signs[k - 1].compare,
                                      v, 1 });
    }
    *ret = out.items;
    *ret_count = out.count;
    return true;
}

static void put_file(listing *l, const iceberg_file *f, const char *kind, int64_t deletes)
{
    begin_row(l);
    put_text(l, true, str_of(kind));
    put_text(l, false, f->uri);
    put_number(l, f->row_count);
    put_number(l, f->size_bytes);
    put_number(l, f->sequence_number);
    put_number(l, deletes);
    strbuf_add_char(&l->sql, ')');
}

static bool list_files(home *h, const table_place *p, const table_options *o, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    listing l = { .sql = strbuf_new(a) };
    iceberg_table *t;
    iceberg_scan scan;
    iceberg_predicate *where = NULL;
    size_t where_count = 0;
    const iceberg_snapshot *s = NULL;
    TRY(catalog_load(p->catalog, a, p->namespace, p->name, &t, err));
    if (o->as_of)
        TRY(iceberg_table_as_of(t, a, str_of(o->as_of), &s, err));
    if (o->where)
        TRY(parse_where(a, str_of(o->where), &where, &where_count, err));
    TRY(iceberg_table_scan_where(t, a, s ? s->id : -1, where, where_count, &scan, err));
    for (size_t i = 0; i < scan.file_count; i++)
        put_file(&l, &scan.files[i].file, "data", (int64_t)scan.files[i].delete_count);
    for (size_t i = 0; i < scan.delete_count; i++) {
        const iceberg_file *d = &scan.delete_files[i];
        put_file(&l, d,
                 d->content == ICEBERG_EQUALITY_DELETES ? "equality deletes"
                 : iceberg_file_is_vector(d)            ? "deletion vector"
                                                        : "position deletes",
                 0);
    }
    TRY(print_listing(h, a, &l, "kind, file, \"rows\", bytes, sequence_number, deletes",
                      "no file would be read", o->format, err));
    if (o->where)
        fprintf(stderr,
                "passed over: %zu of %zu manifests (%lld files in them), %zu files of the others\n",
                scan.manifests_skipped, scan.manifest_count,
                (long long)scan.files_in_skipped_manifests, scan.files_skipped);
    return true;
}

/* ---- One table ---- */

static void print_transform(arena *a, const iceberg_table *t)
{
    const iceberg_spec *spec = iceberg_table_spec(t);
    printf("  %-14s ", "partitioned by");
    for (size_t i = 0; i < spec->field_count; i++)
        printf("%s" STR_FMT, i ? ", " : "", STR_ARG(spec->fields[i].name));
    puts(spec->field_count ? "" : "nothing");
    const iceberg_sort_order *order = iceberg_table_sort_order(t);
    printf("  %-14s ", "sorted by");
    for (size_t i = 0; i < order->field_count; i++) {
        const iceberg_field *f =
            iceberg_schema_find_deep(iceberg_table_schema(t), order->fields[i].source_id);
        printf("%s" STR_FMT "%s", i ? ", " : "", STR_ARG(f ? f->name : STR("?")),
               order->fields[i].is_descending ? " desc" : "");
    }
    puts(order->field_count ? "" : "nothing");
    (void)a;
}

static bool show_table(const table_place *p, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    upkeep_figures f;
    TRY(catalog_load(p->catalog, a, p->namespace, p->name, &t, err));
    TRY(upkeep_figures_of(t, &f, err));
    const iceberg_schema *s = iceberg_table_schema(t);
    printf(STR_FMT "\n", STR_ARG(iceberg_table_name(t)));
    printf("  %-14s " STR_FMT "\n", "location", STR_ARG(iceberg_table_location(t)));
    printf("  %-14s " STR_FMT "\n", "metadata", STR_ARG(iceberg_table_metadata_uri(t)));
    printf("  %-14s %d\n", "format version", iceberg_table_format_version(t));
    printf("  %-14s %lld in %lld files, %.1f MB\n", "rows", (long long)f.rows, (long long)f.files,
           (double)f.bytes / 1e6);
    printf("  %-14s %lld rows in %lld files\n", "deletes", (long long)f.deleted_rows,
           (long long)f.delete_files);
    printf("  %-14s %lld, %.1f kB; a full scan is planned in %.1f ms\n", "manifests",
           (long long)f.manifests, (double)f.manifest_bytes / 1e3, (double)f.plan_us / 1e3);
    printf("  %-14s %lld\n", "snapshots", (long long)f.snapshots);
    print_transform(a, t);
    puts("  columns");
    for (size_t i = 0; i < s->field_count; i++) {
        bool is_key = false;
        for (size_t k = 0; k < s->identifier_count; k++)
            is_key |= s->identifier_ids[k] == s->fields[i].id;
        printf("    %4d  %-24s %s%s%s\n", s->fields[i].id, str_to_c(a, s->fields[i].name),
               str_to_c(a, iceberg_type_text(a, s->fields[i].type)),
               s->fields[i].is_required ? " required" : "", is_key ? " key" : "");
    }
    return true;
}

static void print_fault(void *context, str fault)
{
    (void)context;
    printf("fault: " STR_FMT "\n", STR_ARG(fault));
}

static bool check_table(home *h, const table_place *p, bool *ret_is_sound, error *err)
{
    sql_engine *e;
    upkeep_proof proof;
    TRY(home_engine(h, &e, err));
    TRY(upkeep_check(p->catalog, e, p->namespace, p->name, print_fault, NULL, &proof, err));
    printf("%lld data files, %lld rows, %lld bounds, %lld delete files, %lld deleted rows: %s\n",
           (long long)proof.files, (long long)proof.rows, (long long)proof.bounds,
           (long long)proof.delete_files, (long long)proof.deleted_rows,
           proof.faults ? "with faults" : "sound");
    *ret_is_sound = proof.faults == 0;
    return true;
}

static bool upgrade_table(const table_place *p, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    TRY(catalog_load(p->catalog, a, p->namespace, p->name, &t, err));
    int32_t version = iceberg_table_format_version(t);
    if (version >= 3) {
        puts("the table has format version 3 already");
        return true;
    }
    iceberg_change change = {
        .updates = str_format(a, "[{\"action\":\"upgrade-format-version\",\"format-version\":%d}]",
                              version + 1),
        .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT
    };
    TRY(catalog_commit(p->catalog, a, p->namespace, p->name, &change, &t, err));
    printf("format version %d\n", iceberg_table_format_version(t));
    return true;
}

/* ---- Upkeep ---- */

static void print_figures(const char *when, const upkeep_figures *f)
{
    printf("  %-7s %8lld files %10.1f MB %12lld rows %6lld delete files (%lld rows) %5lld "
           "manifests (%.1f kB) %5lld snapshots, planned in %.1f ms\n",
           when, (long long)f->files, (double)f->bytes / 1e6, (long long)f->rows,
           (long long)f->delete_files, (long long)f->deleted_rows, (long long)f->manifests,
           (double)f->manifest_bytes / 1e3, (long long)f->snapshots, (double)f->plan_us / 1e3);
}

static bool maintain_table(home *h, const table_place *p, const table_options *o, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    sql_engine *e;
    upkeep_report r;
    int64_t *needed;
    upkeep_options options = o->upkeep;
    if (!options.compacts && !options.expires && !options.removes_orphans &&
        !options.rewrites_manifests && !options.retains)
        options.compacts = options.expires = options.removes_orphans = options.rewrites_manifests =
            options.retains = true;
    TRY(home_engine(h, &e, err));
    TRY(upkeep_needed_snapshots(home_embedded_catalog(h), a, &needed, &options.needed_count, err));
    options.needed_snapshots = needed;
    TRY(upkeep_run(p->catalog, e, p->namespace, p->name, &options, &r, err));
    printf(STR_FMT "." STR_FMT "\n", STR_ARG(p->namespace), STR_ARG(p->name));
    print_figures("before", &r.before);
    print_figures("after", &r.after);
    printf("  %lld files rewritten (%.1f MB), %lld snapshots expired, %lld files deleted (%.1f "
           "MB)%s, %lld rows past retention, %lld conflicts with writers\n",
           (long long)r.files_rewritten, (double)r.bytes_rewritten / 1e6,
           (long long)r.snapshots_expired, (long long)r.files_deleted,
           (double)r.bytes_deleted / 1e6, options.is_dry_run ? " if it were done" : "",
           (long long)r.rows_retired, (long long)r.conflicts);
    return true;
}

static bool maintain_all(home *h, const table_options *o, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    catalog_entry *entries;
    size_t count;
    TRY(catalog_list(home_embedded_catalog(h), a, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(maintain_table(
            h, &(table_place){ home_embedded_catalog(h), entries[i].namespace, entries[i].name }, o,
            err));
    return true;
}

/* ---- The command ---- */

static bool work(home *h, const char *what, const char *table, bool is_all, const table_options *o,
                 bool *ret_is_sound, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    table_place p = { 0 };
    *ret_is_sound = true;
    if (strcmp(what, "list") == 0)
        return list_tables(h, o, err);
    if (is_all)
        return maintain_all(h, o, err);
    TRY(find_place(h, a, str_of(table), &p, err));
    if (strcmp(what, "show") == 0)
        return show_table(&p, err);
    if (strcmp(what, "files") == 0)
        return list_files(h, &p, o, err);
    if (strcmp(what, "snapshots") == 0)
        return list_snapshots(h, &p, o, err);
    if (strcmp(what, "check") == 0)
        return check_table(h, &p, ret_is_sound, err);
    if (strcmp(what, "upgrade") == 0)
        return upgrade_table(&p, err);
    return maintain_table(h, &p, o, err);
}

static bool is_known(const char *what)
{
    static const char *const names[] = { "list",  "show",    "files",   "snapshots",
                                         "check", "upgrade", "maintain" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(what, names[i]) == 0)
            return true;
    return false;
}

int table_command(int argc, char **argv)
{
    const char *given_home = NULL, *words[2], *format = NULL, *sort = NULL, *column = NULL;
    const char *numbers[6] = { 0 };
    size_t count;
    bool is_all = false, is_sound;
    table_options o = { 0 };
    const argument options[] = {
        { "--home", &given_home, NULL },
        { "--format", &format, NULL },
        { "--as-of", &o.as_of, NULL },
        { "--where", &o.where, NULL },
        { "--all", NULL, &is_all },
        { "--compact", NULL, &o.upkeep.compacts },
        { "--expire", NULL, &o.upkeep.expires },
        { "--orphans", NULL, &o.upkeep.removes_orphans },
        { "--manifests", NULL, &o.upkeep.rewrites_manifests },
        { "--retain", NULL, &o.upkeep.retains },
        { "--dry-run", NULL, &o.upkeep.is_dry_run },
        { "--sort", &sort, NULL },
        { "--retention-column", &column, NULL },
        { "--target-mb", &numbers[0], NULL },
        { "--least-files", &numbers[1], NULL },
        { "--snapshot-age", &numbers[2], NULL },
        { "--least-snapshots", &numbers[3], NULL },
        { "--orphan-age", &numbers[4], NULL },
        { "--retention-days", &numbers[5], NULL },
    };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 2, &count, usage);
    if (code >= 0)
        return code;
    int64_t *const targets[] = { &o.upkeep.target_bytes,   &o.upkeep.least_files,
                                 &o.upkeep.snapshot_age_s, &o.upkeep.least_snapshots,
                                 &o.upkeep.orphan_age_s,   &o.upkeep.retention_days };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (!argument_number(options[13 + i].name, numbers[i], 0, targets[i]))
            return EXIT_USAGE;
        if (numbers[i] && *targets[i] == 0 && (i == 2 || i == 4))
            *targets[i] = -1; /* of any age */
    }
    o.upkeep.target_bytes *= 1 << 20;
    o.upkeep.sort_columns = str_of(sort);
    o.upkeep.retention_column = str_of(column);
    bool is_list = count == 1 && strcmp(words[0], "list") == 0;
    bool is_maintain_all = count == 1 && is_all && strcmp(words[0], "maintain") == 0;
    if ((count != 2 && !is_list && !is_maintain_all) || !is_known(words[0])) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!result_format_of(format, &o.format))
        return EXIT_USAGE;
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err) ||
        !work(h, words[0], count == 2 ? words[1] : NULL, is_all, &o, &is_sound, &err))
        return command_failed(&err);
    return is_sound ? EXIT_DONE : EXIT_FAILED;
}
