/* Making the tables that a query names visible to DuckDB, and running statements that are given as
 * text. */
#include <pthread.h>

#include "pipeline/execute_internal.h"

#include "base/map.h"
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

bool execute_query_sql(home *h, sql_connection *c, arena *a, str query, str *ret_sql, error *err)
{
    sql_engine *engine;
    strbuf path = strbuf_new(a);
    TRY(home_engine(h, &engine, err));
    pthread_mutex_lock(&views.lock);
    if (views.engine != engine) {
        arena_free(views.arena);
        views.arena = arena_new();
        views.shown = map_new(views.arena);
        views.engine = engine;
    }
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
    return query_to_sql(a, query, ret_sql, err);
}

bool execute_text(home *h, arena *a, str source_name, str text, execution *ret, error *err)
{
    worksheet *w;
    TRY(worksheet_parse(a, source_name, text, &w, err));
    if (w->count != 1)
        return fail(err, ERR_INVALID, "one statement at a time: this text has %zu", w->count);
    return execute_statement(h, a, w, &w->statements[0], home_path(h), ret, err);
}
