/* Opening a home folder. */
#include "pipeline/home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/secret.h"
#include "column/stand_in.h"
#include "pipeline/connection.h"
#include "pipeline/functions.h"
#include "pipeline/state.h"
#include "pipeline/statistics.h"
#include "pipeline/system.h"
#include "pipeline/temporary.h"

enum { DEFAULT_MEMORY_MIB = 1024, LEAST_MEMORY_MIB = 128 };

/* A catalog of a connection, or one that was described, open. */
typedef struct open_catalog {
    struct open_catalog *next;
    catalog *catalog;
    char *key;         /* of a described one; NULL: its name is its connection's */
    bool is_forgotten; /* by name; whoever has it goes on with it */
} open_catalog;

struct home {
    arena *arena;
    str path, cache_folder;
    home_options options;
    state *state;
    catalog *embedded;
    store *store;
    pthread_mutex_t catalogs_lock; /* guards `catalogs`; taken within `lock`, never around it */
    open_catalog *catalogs;
    temporary *temporary;
    sql_engine *engine;
    pthread_mutex_t lock; /* guards the start of `engine` */
};

static bool make_folders(home *h, const char *path, error *err)
{
    char absolute[PATH_MAX];
    TRY(folder_make(path, err));
    if (!realpath(path, absolute))
        return fail_errno(err, "opening home %s", path);
    h->path = str_copy(h->arena, str_of(absolute));
    h->cache_folder = str_format(h->arena, "%s/cache", absolute);
    TRY(folder_make(str_format(h->arena, "%s/warehouse%c", absolute, 0).data, err));
    return folder_make(str_format(h->arena, "%s/cache%c", absolute, 0).data, err);
}

static bool open_store(home *h, error *err)
{
    const char *limit = getenv("FLOE_SPOOL_BYTES");
    uint64_t bytes = 0;
    if (limit && (!str_to_u64(str_of(limit), &bytes) || bytes == 0))
        return fail(err, ERR_INVALID, "FLOE_SPOOL_BYTES is '%s'; it is a number of bytes", limit);
    return store_open_spooled(str_format(h->arena, STR_FMT "/spool", STR_ARG(h->path)), bytes,
                              &h->store, err);
}

bool home_open(const home_options *options, home **ret_home, error *err)
{
    AUTO(home_close) home *h = memory_alloc(sizeof *h);
    h->arena = arena_new();
    h->options = *options;
    pthread_mutex_init(&h->lock, NULL);
    pthread_mutex_init(&h->catalogs_lock, NULL);
    if (!make_folders(h, str_to_c(h->arena, options->path), err))
        return fail_while(err, "opening home " STR_FMT, STR_ARG(options->path));
    str database = str_format(h->arena, STR_FMT "/state.db", STR_ARG(h->path));
    str warehouse = str_format(h->arena, "file://" STR_FMT "/warehouse", STR_ARG(h->path));
    TRY(state_open(database, &h->state, err));
    TRY(open_store(h, err));
    TRY(catalog_open_embedded_on(h->store, database, STR(HOME_CATALOG), warehouse, &h->embedded,
                                 err));
    h->temporary = temporary_open(str_format(h->arena, STR_FMT "/tmp", STR_ARG(h->path)));
    connection_serve_kept(h);
    *ret_home = TAKE(h);
    return true;
}

void home_close(home *h)
{
    if (!h)
        return;
    sql_engine_close(h->engine);
    while (h->catalogs) {
        open_catalog *next = h->catalogs->next;
        catalog_close(h->catalogs->catalog);
        free(h->catalogs->key);
        free(h->catalogs);
        h->catalogs = next;
    }
    catalog_close(h->embedded);
    temporary_close(h->temporary);
    store_close(h->store);
    state_close(h->state);
    pthread_mutex_destroy(&h->lock);
    pthread_mutex_destroy(&h->catalogs_lock);
    arena_free(h->arena);
    free(h);
}

str home_path(const home *h)
{
    return h->path;
}

str home_cache_folder(const home *h)
{
    return h->cache_folder;
}

state *home_state(home *h)
{
    return h->state;
}

catalog *home_embedded_catalog(home *h)
{
    return h->embedded;
}

/* Bytes that the home's engine may take. */
static bool memory_budget(const home *h, size_t *ret, error *err)
{
    const char *text = getenv("FLOE_SQL_MEMORY");
    uint64_t mib = DEFAULT_MEMORY_MIB;
    if (!h->options.memory_bytes && text &&
        (!str_to_u64(str_of(text), &mib) || mib < LEAST_MEMORY_MIB || mib > SIZE_MAX >> 20))
        return fail(err, ERR_INVALID, "FLOE_SQL_MEMORY is '%s'; it is a number of MiB, at least %d",
                    text, LEAST_MEMORY_MIB);
    *ret = h->options.memory_bytes ? h->options.memory_bytes : (size_t)mib << 20;
    return true;
}

bool home_second_engine(home *h, sql_engine **ret_engine, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_engine_close) sql_engine *e = NULL;
    sql_options options = { .threads = h->options.threads };
    TRY(memory_budget(h, &options.memory_bytes, err));
    options.memory_bytes /= 2;
    TRY(temporary_folder_make(h->temporary, a, &options.temporary_folder, err));
    TRY(sql_engine_open(&options, &e, err));
    TRY(iceberg_register_functions(e, err));
    TRY(statistics_register(e, err));
    *ret_engine = TAKE(e);
    return true;
}

bool home_engine(home *h, sql_engine **ret_engine, error *err)
{
    pthread_mutex_lock(&h->lock);
    bool works = true;
    if (!h->engine) {
        sql_options options = { .threads = h->options.threads };
        works = memory_budget(h, &options.memory_bytes, err) &&
                temporary_folder_make(h->temporary, h->arena, &options.temporary_folder, err) &&
                sql_engine_open(&options, &h->engine, err) &&
                iceberg_register_functions(h->engine, err) && functions_register(h->engine, err) &&
                stand_in_register(h->engine, err) && system_register(h, h->engine, err);
    }
    pthread_mutex_unlock(&h->lock);
    *ret_engine = h->engine;
    return works;
}

store *home_store(home *h)
{
    return h->store;
}

bool home_secret_key(home *h, secret_key *ret_key, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    return secret_key_read(str_format(scratch, STR_FMT "/secrets.key%c", STR_ARG(h->path), 0).data,
                           ret_key, err);
}

void home_forget_catalog(home *h, str name)
{
    pthread_mutex_lock(&h->catalogs_lock);
    for (open_catalog *o = h->catalogs; o; o = o->next)
        o->is_forgotten |= str_eq_nocase(catalog_name(o->catalog), name);
    pthread_mutex_unlock(&h->catalogs_lock);
}

/* The connection's catalog that is open already, or a new one. Under the lock. */
static bool catalog_of_connection(home *h, const state_connection *c, catalog **ret, error *err)
{
    for (open_catalog *o = h->catalogs; o; o = o->next)
        if (!o->key && !o->is_forgotten && str_eq_nocase(catalog_name(o->catalog), c->name)) {
            *ret = o->catalog;
            return true;
        }
    TRY(connection_open_catalog(h, c, ret, err));
    open_catalog *o = memory_alloc(sizeof *o);
    *o = (open_catalog){ .next = h->catalogs, .catalog = *ret };
    h->catalogs = o;
    return true;
}

bool home_catalog(home *h, str name, catalog **ret_catalog, error *err)
{
    if (str_eq_nocase(name, STR(HOME_CATALOG))) {
        *ret_catalog = h->embedded;
        return true;
    }
    AUTO(arena_free) arena *scratch = arena_new();
    state_connection connection;
    bool is_found;
    TRY(state_connection_get(h->state, scratch, name, &connection, &is_found, err));
    if (!is_found)
        return fail(err, ERR_NOT_FOUND,
                    "there is no catalog '" STR_FMT "'; the home's own is " HOME_CATALOG,
                    STR_ARG(name));
    pthread_mutex_lock(&h->catalogs_lock);
    bool works = catalog_of_connection(h, &connection, ret_catalog, err);
    pthread_mutex_unlock(&h->catalogs_lock);
    return works;
}

static bool catalog_of_key(home *h, str key,
                           bool (*open)(void *context, catalog **ret_catalog, error *err),
                           void *context, catalog **ret, error *err)
{
    for (open_catalog *o = h->catalogs; o; o = o->next)
        if (o->key && str_eq(str_of(o->key), key)) {
            *ret = o->catalog;
            return true;
        }
    TRY(open(context, ret, err));
    open_catalog *o = memory_alloc(sizeof *o);
    *o = (open_catalog){ .next = h->catalogs, .catalog = *ret };
    o->key = memory_alloc(key.len + 1);
    memcpy(o->key, key.data, key.len);
    h->catalogs = o;
    return true;
}

bool home_described_catalog(home *h, str key,
                            bool (*open)(void *context, catalog **ret_catalog, error *err),
                            void *context, catalog **ret_catalog, error *err)
{
    pthread_mutex_lock(&h->catalogs_lock);
    bool works = catalog_of_key(h, key, open, context, ret_catalog, err);
    pthread_mutex_unlock(&h->catalogs_lock);
    return works;
}

bool home_lock_job(home *h, int64_t job_id, str job_name, int *ret_lock, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    TRY(folder_make(str_format(scratch, STR_FMT "/locks%c", STR_ARG(h->path), 0).data, err));
    const char *path =
        str_format(scratch, STR_FMT "/locks/job-%lld%c", STR_ARG(h->path), (long long)job_id, 0)
            .data;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail_errno(err, "opening %s", path);
    char owner[32] = { 0 };
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool is_taken = errno == EWOULDBLOCK;
        ssize_t n = pread(fd, owner, sizeof owner - 1, 0);
        close(fd);
        if (!is_taken)
            return fail_errno(err, "locking %s", path);
        return fail(err, ERR_CONFLICT, "job " STR_FMT " is run by another floe (process %s)",
                    STR_ARG(job_name), n > 0 ? owner : "unknown");
    }
    int len = snprintf(owner, sizeof owner, "%d", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, owner, (size_t)len, 0) != len) {
        close(fd);
        return fail_errno(err, "writing %s", path);
    }
    *ret_lock = fd;
    return true;
}

void home_unlock_job(int lock)
{
    close(lock);
}
