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
#include "pipeline/state.h"

struct home {
    arena *arena;
    str path, cache_folder;
    home_options options;
    state *state;
    catalog *embedded;
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

bool home_open(const home_options *options, home **ret_home, error *err)
{
    AUTO(home_close) home *h = memory_alloc(sizeof *h);
    h->arena = arena_new();
    h->options = *options;
    pthread_mutex_init(&h->lock, NULL);
    if (!make_folders(h, str_to_c(h->arena, options->path), err))
        return fail_while(err, "opening home " STR_FMT, STR_ARG(options->path));
    str database = str_format(h->arena, STR_FMT "/state.db", STR_ARG(h->path));
    str warehouse = str_format(h->arena, "file://" STR_FMT "/warehouse", STR_ARG(h->path));
    TRY(state_open(database, &h->state, err));
    TRY(catalog_open_embedded(database, STR(HOME_CATALOG), warehouse, &h->embedded, err));
    *ret_home = TAKE(h);
    return true;
}

void home_close(home *h)
{
    if (!h)
        return;
    sql_engine_close(h->engine);
    catalog_close(h->embedded);
    state_close(h->state);
    pthread_mutex_destroy(&h->lock);
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

bool home_engine(home *h, sql_engine **ret_engine, error *err)
{
    pthread_mutex_lock(&h->lock);
    bool works = true;
    if (!h->engine) {
        sql_options options = { .threads = h->options.threads,
                                .memory_bytes = h->options.memory_bytes,
                                .temporary_folder =
                                    str_format(h->arena, STR_FMT "/tmp", STR_ARG(h->path)) };
        works = sql_engine_open(&options, &h->engine, err) &&
                iceberg_register_functions(h->engine, err);
    }
    pthread_mutex_unlock(&h->lock);
    *ret_engine = h->engine;
    return works;
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
    return fail(err, ERR_INVALID,
                "connection '" STR_FMT "' is of type " STR_FMT
                ", whose catalogs cannot be opened by this version; tables can live in the home's "
                "own catalog, " HOME_CATALOG,
                STR_ARG(name), STR_ARG(connection.type));
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
