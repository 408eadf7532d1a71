/* The embedded catalog: the JDBC catalog's tables in the home's SQLite database. Source: Iceberg's
 * JdbcUtil (schema V1) and pyiceberg's SqlCatalog, which share these tables. */
#include <pthread.h>
#include <sqlite3.h>

#include "base/vec.h"
#include "catalog/internal.h"

typedef struct embedded {
    catalog base;
    sqlite3 *db;
    pthread_mutex_t lock; /* guards `db` */
    str warehouse_uri;
    store *store;
    bool owns_store;
} embedded;

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

static bool fail_sqlite(embedded *c, error *err, const char *what)
{
    int code = sqlite3_errcode(c->db);
    error_code ours = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT : ERR_IO;
    return fail(err, ours, "%s in catalog " STR_FMT ": %s", what, STR_ARG(c->base.name),
                sqlite3_errmsg(c->db));
}

/* Run one statement with texts as parameters. With `a`, each row's first two columns are pushed to
 * `ret`. */
typedef VEC(catalog_entry) text_pairs;

static str column_of(sqlite3_stmt *q, arena *a, int i)
{
    return str_copy(
        a, (str){ (const char *)sqlite3_column_text(q, i), (size_t)sqlite3_column_bytes(q, i) });
}

static bool run(embedded *c, const char *sql, const str *parameters, size_t count, arena *a,
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

static bool list(catalog *base, arena *a, catalog_entry **ret_entries, size_t *ret_count,
                 error *err)
{
    text_pairs rows = { 0 };
    TRY(run((embedded *)base,
            "SELECT table_namespace, table_name FROM iceberg_tables WHERE catalog_name = ?"
            " AND coalesce(iceberg_type, 'TABLE') = 'TABLE' ORDER BY 1, 2",
            &base->name, 1, a, &rows, NULL, err));
    *ret_entries = rows.items;
    *ret_count = rows.count;
    return true;
}

static bool locate(catalog *base, arena *a, str namespace, str name, str *ret_metadata_uri,
                   bool *ret_is_found, error *err)
{
    text_pairs rows = { 0 };
    str parameters[] = { base->name, namespace, name };
    TRY(run((embedded *)base,
            "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND "
            "table_namespace = ? AND table_name = ?",
            parameters, 3, a, &rows, NULL, err));
    *ret_is_found = rows.count > 0;
    if (rows.count)
        *ret_metadata_uri = rows.items[0].namespace;
    return true;
}

static bool load(catalog *base, arena *a, str namespace, str name, iceberg_table **ret_table,
                 bool *ret_is_found, error *err)
{
    embedded *c = (embedded *)base;
    str uri = { 0 };
    TRY(locate(base, a, namespace, name, &uri, ret_is_found, err));
    if (!*ret_is_found)
        return true;
    str full = str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
    return iceberg_table_read(c->store, a, full, uri, ret_table, err);
}

static bool fail_exists(embedded *c, str full, error *err)
{
    return fail(err, ERR_CONFLICT, "table " STR_FMT " exists already in catalog " STR_FMT,
                STR_ARG(full), STR_ARG(c->base.name));
}

static bool create(catalog *base, arena *a, str namespace, str name,
                   const iceberg_definition *definition, iceberg_table **ret_table, error *err)
{
    embedded *c = (embedded *)base;
    bool exists = false;
    str there;
    iceberg_definition d = *definition;
    str full = str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
    TRY(locate(base, a, namespace, name, &there, &exists, err));
    if (exists)
        return fail_exists(c, full, err);
    if (d.location.len == 0)
        d.location = str_format(a, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(c->warehouse_uri),
                                STR_ARG(namespace), STR_ARG(name));
    str space[] = { base->name, namespace };
    TRY(run(c, "INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true')",
            space, 2, NULL, NULL, NULL, err));
    iceberg_table *t;
    TRY(iceberg_table_create(c->store, a, full, &d, &t, err));
    str row[] = { base->name, namespace, name, iceberg_table_metadata_uri(t) };
    int changes = 0;
    bool works = run(c,
                     "INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, "
                     "table_name, metadata_location, iceberg_type)"
                     " VALUES (?, ?, ?, ?, 'TABLE')",
                     row, 4, NULL, NULL, &changes, err);
    if (works && changes == 0)
        works = fail_exists(c, full, err);
    error ignored = { 0 }; /* a metadata file that stays is garbage, not harm */
    if (!works && !store_delete(c->store, row[3], &ignored))
        error_clear(&ignored);
    if (works)
        *ret_table = t;
    return works;
}

/* Point at the next metadata file if the catalog still points at the base's. */
static bool commit(catalog *base, arena *a, str namespace, str name, iceberg_commit *commit,
                   iceberg_table **ret_table, bool *ret_is_swapped, error *err)
{
    iceberg_table *next;
    int changes = 0;
    if (!iceberg_commit_write(commit, a, &next, err)) {
        iceberg_commit_discard(commit);
        return false;
    }
    str old = iceberg_table_metadata_uri(commit->base);
    str parameters[] = { iceberg_table_metadata_uri(next), old, base->name, namespace, name, old };
    TRY(run((embedded *)base,
            "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?"
            " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND "
            "metadata_location = ?",
            parameters, 6, NULL, NULL, &changes, err));
    *ret_is_swapped = changes == 1;
    *ret_table = next;
    return true;
}

static bool drop(catalog *base, str namespace, str name, error *err)
{
    str parameters[] = { base->name, namespace, name };
    return run((embedded *)base,
               "DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND "
               "table_name = ?",
               parameters, 3, NULL, NULL, NULL, err);
}

static void close_embedded(catalog *base)
{
    embedded *c = (embedded *)base;
    sqlite3_close(c->db);
    if (c->owns_store)
        store_close(c->store);
    pthread_mutex_destroy(&c->lock);
}

static const catalog_kind embedded_kind = { "embedded", list,   load, locate,
                                            create,     commit, drop, close_embedded };

bool catalog_open_embedded(str database_path, str name, str warehouse_uri, catalog **ret_catalog,
                           error *err)
{
    AUTO(store_close) store *s = NULL;
    TRY(store_open(warehouse_uri, &s, err));
    TRY(catalog_open_embedded_on(s, database_path, name, warehouse_uri, ret_catalog, err));
    ((embedded *)*ret_catalog)->owns_store = true;
    s = NULL;
    return true;
}

bool catalog_open_embedded_on(store *s, str database_path, str name, str warehouse_uri,
                              catalog **ret_catalog, error *err)
{
    embedded *c = memory_alloc(sizeof *c);
    AUTO(catalog_close) catalog *base = &c->base;
    base->kind = &embedded_kind;
    base->arena = arena_new();
    pthread_mutex_init(&c->lock, NULL);
    base->name = str_copy(base->arena, name);
    c->warehouse_uri = str_copy(base->arena, warehouse_uri);
    c->store = s;
    if (sqlite3_open(str_to_c(base->arena, database_path), &c->db) != SQLITE_OK)
        return fail(err, ERR_IO, "opening catalog " STR_FMT ": %s", STR_ARG(database_path),
                    sqlite3_errmsg(c->db));
    sqlite3_busy_timeout(c->db, 10000);
    if (sqlite3_exec(c->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(c->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(c, err, "making tables");
    *ret_catalog = TAKE(base);
    return true;
}
