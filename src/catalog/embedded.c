/* The embedded catalog: the JDBC catalog's tables in the home's SQLite database. Source: Iceberg's
 * JdbcUtil (schema V1) and pyiceberg's SqlCatalog, which share these tables. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/vec.h"
#include "catalog/catalog.h"

enum { MOST_COMMIT_TRIES = 20 };

struct catalog {
    sqlite3 *db;
    pthread_mutex_t lock; /* guards `db` */
    arena *arena;
    str name, warehouse_uri;
    store *store;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS iceberg_tables (catalog_name VARCHAR(255) NOT NULL, "
    "table_namespace VARCHAR(255) NOT NULL,"
    " table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), "
    "previous_metadata_location VARCHAR(1000),"
    " iceberg_type VARCHAR(5), PRIMARY KEY (catalog_name, table_namespace, table_name));"
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, "
    "namespace VARCHAR(255) NOT NULL,"
    " property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000), PRIMARY KEY (catalog_name, "
    "namespace, property_key));";

static bool fail_sqlite(catalog *c, error *err, const char *what)
{
    int code = sqlite3_errcode(c->db);
    error_code ours = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT : ERR_IO;
    return fail(err, ours, "%s in catalog " STR_FMT ": %s", what, STR_ARG(c->name),
                sqlite3_errmsg(c->db));
}

bool catalog_open_embedded(str database_path, str name, str warehouse_uri, catalog **ret_catalog,
                           error *err)
{
    AUTO(catalog_close) catalog *c = memory_alloc(sizeof *c);
    c->arena = arena_new();
    pthread_mutex_init(&c->lock, NULL);
    c->name = str_copy(c->arena, name);
    c->warehouse_uri = str_copy(c->arena, warehouse_uri);
    TRY(store_open(warehouse_uri, &c->store, err));
    if (sqlite3_open(str_to_c(c->arena, database_path), &c->db) != SQLITE_OK)
        return fail(err, ERR_IO, "opening catalog " STR_FMT ": %s", STR_ARG(database_path),
                    sqlite3_errmsg(c->db));
    sqlite3_busy_timeout(c->db, 10000);
    if (sqlite3_exec(c->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(c->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(c, err, "making tables");
    *ret_catalog = TAKE(c);
    return true;
}

void catalog_close(catalog *c)
{
    if (!c)
        return;
    sqlite3_close(c->db);
    store_close(c->store);
    pthread_mutex_destroy(&c->lock);
    arena_free(c->arena);
    free(c);
}

str catalog_name(const catalog *c)
{
    return c->name;
}

/* Run one statement with texts as parameters. With `a`, each row's first two columns are pushed to
 * `ret`. */
typedef VEC(catalog_entry) text_pairs;

static str column_of(sqlite3_stmt *q, arena *a, int i)
{
    return str_copy(
        a, (str){ (const char *)sqlite3_column_text(q, i), (size_t)sqlite3_column_bytes(q, i) });
}

static bool run(catalog *c, const char *sql, const str *parameters, size_t count, arena *a,
                text_pairs *ret, int *ret_changes, error *err)
{
    sqlite3_stmt *q = NULL;
    pthread_mutex_lock(&c->lock);
    bool works = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL) == SQLITE_OK;
    for (size_t i = 0; works && i < count; i++)
        sqlite3_bind_text(q, (int)i + 1, parameters[i].len ? parameters[i].data : "",
                          (int)parameters[i].len, SQLITE_STATIC);
    int code = works ? SQLITE_ROW : SQLITE_ERROR;
    while (works && (code = sqlite3_step(q)) == SQLITE_ROW)
        if (a)
            vec_push(a, ret,
                     (catalog_entry){ column_of(q, a, 0),
                                      sqlite3_column_count(q) > 1 ? column_of(q, a, 1) : STR("") });
    works = works && code == SQLITE_DONE;
    if (ret_changes)
        *ret_changes = sqlite3_changes(c->db);
    if (!works)
        fail_sqlite(c, err, "running a statement");
    sqlite3_finalize(q);
    pthread_mutex_unlock(&c->lock);
    return works;
}

bool catalog_list(catalog *c, arena *a, catalog_entry **ret_entries, size_t *ret_count, error *err)
{
    text_pairs rows = { 0 };
    TRY(run(c,
            "SELECT table_namespace, table_name FROM iceberg_tables WHERE catalog_name = ?"
            " AND coalesce(iceberg_type, 'TABLE') = 'TABLE' ORDER BY 1, 2",
            &c->name, 1, a, &rows, NULL, err));
    *ret_entries = rows.items;
    *ret_count = rows.count;
    return true;
}

static bool fail_no_table(catalog *c, arena *a, str namespace, str name, error *err)
{
    catalog_entry *entries;
    size_t count;
    strbuf there = strbuf_new(a);
    TRY(catalog_list(c, a, &entries, &count, err));
    for (size_t i = 0; i < count && i < 20; i++)
        strbuf_format(&there, "%s" STR_FMT "." STR_FMT,
                      i ? ", " : "; there are: ", STR_ARG(entries[i].namespace),
                      STR_ARG(entries[i].name));
    if (count == 0)
        strbuf_add_c(&there, "; it has no tables yet");
    return fail(err, ERR_NOT_FOUND, "catalog " STR_FMT " has no table " STR_FMT "." STR_FMT STR_FMT,
                STR_ARG(c->name), STR_ARG(namespace), STR_ARG(name), STR_ARG(strbuf_str(&there)));
}

bool catalog_locate(catalog *c, arena *a, str namespace, str name, str *ret_metadata_uri,
                    error *err)
{
    text_pairs rows = { 0 };
    str parameters[] = { c->name, namespace, name };
    TRY(run(c,
            "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND "
            "table_namespace = ? AND table_name = ?",
            parameters, 3, a, &rows, NULL, err));
    if (rows.count == 0)
        return fail_no_table(c, a, namespace, name, err);
    *ret_metadata_uri = rows.items[0].namespace;
    return true;
}

bool catalog_load(catalog *c, arena *a, str namespace, str name, iceberg_table **ret_table,
                  error *err)
{
    str uri;
    TRY(catalog_locate(c, a, namespace, name, &uri, err));
    str full = str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
    return iceberg_table_read(c->store, a, full, uri, ret_table, err);
}

static bool table_exists(catalog *c, str namespace, str name, bool *ret, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    text_pairs rows = { 0 };
    str parameters[] = { c->name, namespace, name };
    TRY(run(c,
            "SELECT 1 FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND "
            "table_name = ?",
            parameters, 3, scratch, &rows, NULL, err));
    *ret = rows.count > 0;
    return true;
}

static bool is_plain_name(str s)
{
    return s.len > 0 && str_find_char(s, '/') < 0 && str_find_char(s, 0) < 0 &&
           !str_eq(s, STR("..")) && !str_eq(s, STR("."));
}

bool catalog_create(catalog *c, arena *a, str namespace, str name,
                    const iceberg_definition *definition, iceberg_table **ret_table, error *err)
{
    bool exists;
    iceberg_definition d = *definition;
    str full = str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
    if (!is_plain_name(namespace) || !is_plain_name(name))
        return fail(err, ERR_INVALID, "'" STR_FMT "' cannot be the name of a table", STR_ARG(full));
    TRY(table_exists(c, namespace, name, &exists, err));
    if (exists)
        return fail(err, ERR_CONFLICT, "table " STR_FMT " exists already in catalog " STR_FMT,
                    STR_ARG(full), STR_ARG(c->name));
    if (d.location.len == 0)
        d.location = str_format(a, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(c->warehouse_uri),
                                STR_ARG(namespace), STR_ARG(name));
    str space[] = { c->name, namespace };
    TRY(run(c, "INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true')",
            space, 2, NULL, NULL, NULL, err));
    iceberg_table *t;
    TRY(iceberg_table_create(c->store, a, full, &d, &t, err));
    str row[] = { c->name, namespace, name, iceberg_table_metadata_uri(t) };
    int changes = 0;
    bool works = run(c,
                     "INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, "
                     "table_name, metadata_location, iceberg_type)"
                     " VALUES (?, ?, ?, ?, 'TABLE')",
                     row, 4, NULL, NULL, &changes, err);
    if (works && changes == 0)
        works = fail(err, ERR_CONFLICT, "table " STR_FMT " exists already in catalog " STR_FMT,
                     STR_ARG(full), STR_ARG(c->name));
    if (!works) {
        iceberg_table_discard(t, t);
        return false;
    }
    *ret_table = t;
    return true;
}

/* Point at `next` if the catalog still points at `base`. */
static bool swap(catalog *c, str namespace, str name, const iceberg_table *base,
                 const iceberg_table *next, bool *ret_is_swapped, error *err)
{
    str parameters[] = { iceberg_table_metadata_uri(next),
                         iceberg_table_metadata_uri(base),
                         c->name,
                         namespace,
                         name,
                         iceberg_table_metadata_uri(base) };
    int changes = 0;
    TRY(run(c,
            "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?"
            " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND "
            "metadata_location = ?",
            parameters, 6, NULL, NULL, &changes, err));
    *ret_is_swapped = changes == 1;
    return true;
}

bool catalog_commit(catalog *c, arena *a, str namespace, str name, const iceberg_change *change,
                    iceberg_table **ret_table, error *err)
{
    for (int try = 0; try < MOST_COMMIT_TRIES; try++) {
        iceberg_table *base, *next;
        bool is_swapped = false;
        TRY(catalog_load(c, a, namespace, name, &base, err));
        TRY(iceberg_table_apply(base, a, change, &next, err));
        /* an error here may have come after the swap was made durable: the files must stay */
        TRY(swap(c, namespace, name, base, next, &is_swapped, err));
        if (is_swapped) {
            *ret_table = next;
            return true;
        }
        iceberg_table_discard(base, next);
        usleep((useconds_t)(1000 << (try < 7 ? try : 7)));
    }
    return fail(err, ERR_CONFLICT,
                "committing to " STR_FMT "." STR_FMT ": others were faster %d times",
                STR_ARG(namespace), STR_ARG(name), MOST_COMMIT_TRIES);
}

bool catalog_drop(catalog *c, str namespace, str name, bool delete_data, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    iceberg_table *t;
    str parameters[] = { c->name, namespace, name };
    TRY(catalog_load(c, scratch, namespace, name, &t, err));
    TRY(run(c,
            "DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND "
            "table_name = ?",
            parameters, 3, NULL, NULL, NULL, err));
    return delete_data
               ? folder_remove(str_to_c(scratch, store_path_of_uri(iceberg_table_location(t))), err)
               : true;
}
