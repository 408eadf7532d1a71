/* Making the tables that a query names visible to DuckDB, and running statements that are given as
 * text. */
#include <pthread.h>

#include "pipeline/execute_internal.h"

#include "base/map.h"
#include "pipeline/scan_plan.h"
#include "worksheet/internal.h"

/* Which version of each table the engine's views show. One engine a process, so one list; an entry
 * names the metadata file, which never changes. */
static struct {
    pthread_mutex_t lock; /* guards the list and the making of views */
    arena *arena;
    map shown;
    sql_engine *engine;
} views = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool mentions(str lower_text, str name)
{
    AUTO(arena_free) arena *scratch = arena_new();
    return str_contains(lower_text, str_lower(scratch, name));
}

static void add_name(strbuf *b, str catalog, const catalog_entry *e)
{
    strbuf_add_sql_name(b, catalog);
    strbuf_add_char(b, '.');
    strbuf_add_sql_name(b, e->namespace);
    strbuf_add_char(b, '.');
    strbuf_add_sql_name(b, e->name);
}

static bool make_view(sql_connection *c, arena *a, str catalog, const catalog_entry *e, str select,
                      error *err)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, "ATTACH IF NOT EXISTS ':memory:' AS ");
    strbuf_add_sql_name(&b, catalog);
    strbuf_add_c(&b, "; CREATE SCHEMA IF NOT EXISTS ");
    strbuf_add_sql_name(&b, catalog);
    strbuf_add_char(&b, '.');
    strbuf_add_sql_name(&b, e->namespace);
    strbuf_add_c(&b, "; CREATE OR REPLACE VIEW ");
    add_name(&b, catalog, e);
    strbuf_format(&b, " AS " STR_FMT, STR_ARG(select));
    return sql_run(c, strbuf_str(&b), err);
}

/* The view of one table, made again when the table has changed. Under the lock. */
static bool show_table(sql_connection *c, arena *a, catalog *k, str catalog, const catalog_entry *e,
                       error *err)
{
    iceberg_table *t;
    iceberg_scan scan;
    str rows, uri,
        key = str_format(a, STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(catalog),
                         STR_ARG(e->namespace), STR_ARG(e->name));
    TRY(catalog_locate(k, a, e->namespace, e->name, &uri, err));
    str *shown = map_get(&views.shown, key);
    if (shown && str_eq(*shown, uri) &&
        store_is_local(uri)) /* copies of remote files come and go */
        return true;
    TRY(catalog_load(k, a, e->namespace, e->name, &t, err));
    TRY(iceberg_table_scan(t, a, -1, &scan, err));
    TRY(iceberg_scan_sql(t, a, &scan, NULL, 0, false, &rows, err));
    TRY(make_view(c, a, catalog, e, str_format(a, "SELECT * FROM " STR_FMT, STR_ARG(rows)), err));
    str kept = str_copy(views.arena, iceberg_table_metadata_uri(t));
    map_set(&views.shown, str_copy(views.arena, key), arena_copy(views.arena, &kept, sizeof kept));
    return true;
}

static bool show_tables(home *h, sql_connection *c, arena *a, str query, strbuf *path, int depth,
                        error *err);

static bool show_view(home *h, sql_connection *c, arena *a, str full_name, str text, strbuf *path,
                      int depth, error *err)
{
    worksheet *w;
    str select, rest = full_name, catalog = str_cut(&rest, '.');
    catalog_entry e = { .namespace = str_cut(&rest, '.'), .name = rest };
    if (depth > 16)
        return fail(err, ERR_INVALID, "materialized view " STR_FMT " reads itself",
                    STR_ARG(full_name));
    TRY(worksheet_parse(a, full_name, text, &w, err));
    str query = w->statements[0].query.text;
    TRY(show_tables(h, c, a, query, path, depth + 1, err));
    TRY(query_to_sql(a, query, &select, err));
    strbuf_format(path, ",\"" STR_FMT "\".\"" STR_FMT "\"", STR_ARG(catalog), STR_ARG(e.namespace));
    return make_view(c, a, catalog, &e, select, err);
}

/* Tables of catalogs that connections are: named in full, catalog.namespace.table. */
static bool show_others(home *h, sql_connection *c, arena *a, str query, error *err)
{
    token *t;
    size_t count;
    TRY(lexer_run(a, STR("query"), query, &t, &count, err));
    for (size_t i = 0; i + 5 < count; i++) {
        catalog *k;
        error ignored = { 0 };
        if (!select_is_name(&t[i]) || !token_is_symbol(&t[i + 1], ".") ||
            !select_is_name(&t[i + 2]) || !token_is_symbol(&t[i + 3], ".") ||
            !select_is_name(&t[i + 4]) || (i && token_is_symbol(&t[i - 1], ".")))
            continue;
        str name = select_name_of(a, &t[i]);
        catalog_entry e = { select_name_of(a, &t[i + 2]), select_name_of(a, &t[i + 4]) };
        if (str_eq_nocase(name, STR(HOME_CATALOG)) || !home_catalog(h, name, &k, &ignored))
            continue;
        TRY(show_table(c, a, k, name, &e, err));
    }
    return true;
}

static bool show_tables(home *h, sql_connection *c, arena *a, str query, strbuf *path, int depth,
                        error *err)
{
    static const column_type types[] = { COLUMN_STRING, COLUMN_STRING };
    catalog_entry *entries;
    size_t count;
    value *rows;
    str lower = str_lower(a, query);
    TRY(catalog_list(home_embedded_catalog(h), a, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!mentions(lower, entries[i].name))
            continue;
        if (!show_table(c, a, home_embedded_catalog(h), STR(HOME_CATALOG), &entries[i], err))
            return fail_while(err, "table " STR_FMT "." STR_FMT, STR_ARG(entries[i].namespace),
                              STR_ARG(entries[i].name));
        strbuf_format(path, "," HOME_CATALOG "." STR_FMT, STR_ARG(entries[i].namespace));
    }
    TRY(state_select(home_state(h), a, "SELECT name, source_text FROM floe_views", types, 2, &rows,
                     &count, err));
    for (size_t i = 0; i < count; i++) {
        str name = rows[i * 2].text;
        str last = str_slice(name, (size_t)(str_rfind_char(name, '.') + 1), name.len);
        if (mentions(lower, last))
            TRY(show_view(h, c, a, name, rows[i * 2 + 1].text, path, depth, err));
    }
    return true;
}

/* The list of views is the engine's. Under the lock. */
static void keep_views_of(sql_engine *engine)
{
    if (views.engine == engine)
        return;
    arena_free(views.arena);
    views.arena = arena_new();
    views.shown = map_new(views.arena);
    views.engine = engine;
}

bool execute_show_table(home *h, sql_connection *c, arena *a, catalog *k, str catalog_name,
                        const catalog_entry *e, str *ret_name, error *err)
{
    sql_engine *engine;
    strbuf name = strbuf_new(a);
    TRY(home_engine(h, &engine, err));
    pthread_mutex_lock(&views.lock);
    keep_views_of(engine);
    bool works = show_table(c, a, k, catalog_name, e, err);
    pthread_mutex_unlock(&views.lock);
    add_name(&name, catalog_name, e);
    *ret_name = strbuf_str(&name);
    return works;
}

bool execute_show_tables(home *h, sql_connection *c, arena *a, str query, error *err)
{
    sql_engine *engine;
    strbuf path = strbuf_new(a);
    TRY(home_engine(h, &engine, err));
    pthread_mutex_lock(&views.lock);
    keep_views_of(engine);
    strbuf_add_c(&path, "memory.main");
    bool works = sql_run(c, STR("ATTACH IF NOT EXISTS ':memory:' AS " HOME_CATALOG), err) &&
                 show_tables(h, c, a, query, &path, 0, err) && show_others(h, c, a, query, err);
    pthread_mutex_unlock(&views.lock);
    if (!works)
        return false;
    strbuf set = strbuf_new(a);
    strbuf_add_c(&set, "SET search_path = ");
    strbuf_add_sql_text(&set, strbuf_str(&path));
    error ignored = { 0 }; /* a namespace whose name the path cannot hold is reached in full */
    if (!sql_run(c, strbuf_str(&set), &ignored))
        error_clear(&ignored);
    return true;
}

/* EXPLAIN [ANALYZE] [(…)] before a query: its bytes; 0: there is none. */
static size_t explain_length(arena *a, str sql)
{
    token *t;
    size_t count, i = 1;
    error ignored = { 0 };
    if (!lexer_run(a, STR("query"), sql, &t, &count, &ignored) || !token_is_word(&t[0], "EXPLAIN"))
        return 0;
    while (token_is_word(&t[i], "ANALYZE") || token_is_word(&t[i], "VERBOSE"))
        i++;
    if (token_is_symbol(&t[i], "(") && !token_is_word(&t[i + 1], "SELECT")) {
        while (t[i].kind != TOKEN_END && !token_is_symbol(&t[i], ")"))
            i++;
        i += t[i].kind != TOKEN_END;
    }
    return t[i].span.from;
}

static void add_explained(strbuf *b, str key, str value)
{
    strbuf_add_c(b, b->len ? ", (" : "(");
    strbuf_add_sql_text(b, key);
    strbuf_add_c(b, ", ");
    strbuf_add_sql_text(b, value);
    strbuf_add_char(b, ')');
}

/* EXPLAIN's text line by line, and before it what the scans read. */
static bool explain(scan_plan *p, str prefix, str sql, str *ret_sql, error *err)
{
    batch *rows;
    strbuf b = strbuf_new(p->arena);
    bool is_text = str_find_char(prefix, '(') < 0; /* no FORMAT */
    TRY(sql_query_all(p->connection, p->arena,
                      str_format(p->arena, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(sql)), &rows,
                      err));
    for (size_t i = 0; i < p->ref_count; i++)
        add_explained(&b,
                      str_format(p->arena, STR_FMT "." STR_FMT, STR_ARG(p->refs[i].entry.namespace),
                                 STR_ARG(p->refs[i].entry.name)),
                      scan_plan_text(p, i));
    for (size_t i = 0; i < rows->rows; i++) {
        str key = column_text(&rows->columns[0], p->arena, i),
            rest = column_text(&rows->columns[1], p->arena, i);
        while (is_text && str_find_char(rest, '\n') >= 0)
            add_explained(&b, key, str_cut(&rest, '\n'));
        if (rest.len)
            add_explained(&b, key, rest);
    }
    *ret_sql =
        str_format(p->arena, "SELECT * FROM (VALUES " STR_FMT ") plan(explain_key, explain_value)",
                   STR_ARG(strbuf_str(&b)));
    return true;
}

bool execute_query_sql(home *h, sql_connection *c, arena *a, str query, str *ret_sql, error *err)
{
    scan_plan p;
    str whole, sql;
    error why = { 0 };
    TRY(query_to_sql(a, query, &whole, err));
    size_t cut = explain_length(a, whole);
    scan_plan_find(h, c, a, str_slice(whole, cut, whole.len), &p);
    TRY(execute_show_tables(h, c, a, p.shows_all ? query : p.others, err));
    *ret_sql = whole;
    if (p.ref_count == 0)
        return true;
    if (scan_plan_make(&p, &sql, &why)) {
        *ret_sql = sql;
        return cut == 0 || explain(&p, str_slice(whole, 0, cut), sql, ret_sql, err);
    }
    if (p.has_as_of || why.code == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    /* what a plain view cannot do either fails there, in the query's own words */
    return execute_show_tables(h, c, a, query, err);
}

bool execute_text(home *h, arena *a, str source_name, str text, execution *ret, error *err)
{
    worksheet *w;
    TRY(worksheet_parse(a, source_name, text, &w, err));
    if (w->count != 1)
        return fail(err, ERR_INVALID, "one statement at a time: this text has %zu", w->count);
    return execute_statement(h, a, w, &w->statements[0], home_path(h), ret, err);
}
