/* DuckDB as Floe runs it: one database a process, connections, statements. */
#include "column/sql.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/pool.h"
#include "column/internal.h"
#include "column/text.h"

enum { DEFAULT_MEMORY_MIB = 1024 };

struct sql_engine {
    duckdb_database database;
    duckdb_connection registrar;
    pthread_mutex_t lock; /* guards the list of open connections */
    sql_connection *connections;
};

struct sql_connection {
    duckdb_connection handle;
    sql_engine *engine;
    sql_connection *next;
};

duckdb_database sql_engine_database(sql_engine *e)
{
    return e->database;
}

duckdb_connection sql_engine_registrar(sql_engine *e)
{
    return e->registrar;
}

duckdb_connection sql_connection_handle(sql_connection *c)
{
    return c->handle;
}

bool fail_duckdb(error *err, duckdb_error_type type, const char *text)
{
    if (!text)
        text = "DuckDB gave no reason";
    switch (type) {
    case DUCKDB_ERROR_INTERRUPT: return fail(err, ERR_CANCELLED, "the statement was cancelled");
    case DUCKDB_ERROR_OUT_OF_MEMORY: return fail(err, ERR_LIMIT, "%s", text);
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_PERMISSION: return fail(err, ERR_IO, "%s", text);
    case DUCKDB_ERROR_SERIALIZATION:
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL: return fail(err, ERR_CORRUPT, "%s", text);
    default: return fail(err, ERR_INVALID, "%s", text);
    }
}

static bool set_option(duckdb_config config, const char *name, const char *value, error *err)
{
    if (duckdb_set_config(config, name, value) != DuckDBSuccess)
        return fail(err, ERR_INVALID, "DuckDB does not take %s = %s", name, value);
    return true;
}

static bool set_options(duckdb_config config, const sql_options *options, arena *a, error *err)
{
    int threads = options->threads ? options->threads : pool_thread_count();
    size_t mib = options->memory_bytes ? options->memory_bytes >> 20 : DEFAULT_MEMORY_MIB;
    TRY(set_option(config, "threads", str_format(a, "%d%c", threads, 0).data, err));
    TRY(set_option(config, "memory_limit", str_format(a, "%zuMiB%c", mib, 0).data, err));
    if (options->temporary_folder.len)
        TRY(set_option(config, "temp_directory", str_to_c(a, options->temporary_folder), err));
    TRY(set_option(config, "autoinstall_known_extensions", "false", err));
    TRY(set_option(config, "autoload_known_extensions", "false", err));
    TRY(set_option(config, "preserve_insertion_order", "false", err));
    return true;
}

bool sql_engine_open(const sql_options *options, sql_engine **ret_engine, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    duckdb_config config;
    if (duckdb_create_config(&config) != DuckDBSuccess)
        return fail(err, ERR_LIMIT, "DuckDB could not start");
    bool is_set = set_options(config, options, scratch, err);
    char *why = NULL;
    duckdb_database database = NULL;
    if (is_set && duckdb_open_ext(NULL, &database, config, &why) != DuckDBSuccess)
        is_set = fail(err, ERR_IO, "DuckDB could not start: %s", why ? why : "no reason given");
    duckdb_destroy_config(&config);
    duckdb_free(why);
    if (!is_set)
        return false;
    AUTO(sql_engine_close) sql_engine *e = memory_alloc(sizeof *e);
    e->database = database;
    pthread_mutex_init(&e->lock, NULL);
    if (duckdb_connect(database, &e->registrar) != DuckDBSuccess)
        return fail(err, ERR_LIMIT, "DuckDB refused a connection");
    TRY(text_register(e, err));
    *ret_engine = TAKE(e);
    return true;
}

void sql_engine_close(sql_engine *e)
{
    if (!e)
        return;
    if (e->registrar)
        duckdb_disconnect(&e->registrar);
    duckdb_close(&e->database);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

bool sql_connect(sql_engine *e, sql_connection **ret_connection, error *err)
{
    AUTO(sql_disconnect) sql_connection *c = memory_alloc(sizeof *c);
    if (duckdb_connect(e->database, &c->handle) != DuckDBSuccess) {
        c->handle = NULL;
        return fail(err, ERR_LIMIT, "DuckDB refused a connection");
    }
    TRY(sql_run(c, STR("SET TimeZone = 'UTC'"), err));
    pthread_mutex_lock(&e->lock);
    c->engine = e;
    c->next = e->connections;
    e->connections = c;
    pthread_mutex_unlock(&e->lock);
    *ret_connection = TAKE(c);
    return true;
}

void sql_disconnect(sql_connection *c)
{
    if (!c)
        return;
    if (c->engine) {
        pthread_mutex_lock(&c->engine->lock);
        sql_connection **at = &c->engine->connections;
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
        pthread_mutex_unlock(&c->engine->lock);
    }
    if (c->handle)
        duckdb_disconnect(&c->handle);
    free(c);
}

bool sql_run(sql_connection *c, str statements, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    duckdb_result result;
    bool works = duckdb_query(c->handle, str_to_c(scratch, statements), &result) == DuckDBSuccess;
    if (!works)
        fail_duckdb(err, duckdb_result_error_type(&result), duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return works;
}

void sql_interrupt(sql_connection *c)
{
    duckdb_interrupt(c->handle);
}

void sql_engine_interrupt(sql_engine *e)
{
    pthread_mutex_lock(&e->lock);
    for (sql_connection *c = e->connections; c; c = c->next)
        duckdb_interrupt(c->handle);
    pthread_mutex_unlock(&e->lock);
}
