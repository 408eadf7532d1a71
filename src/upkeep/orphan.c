/* Files in a table's folders that no metadata names, left by writers that died: found by listing,
 * spared while they are young, because a running write may still need them. */
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "upkeep/internal.h"

typedef struct found_file {
    str uri;
    int64_t size_bytes, modified_us;
} found_file;

typedef struct hunt {
    arena *arena;
    map needed; /* paths, or URIs as they are */
    VEC(found_file) files;
} hunt;

static void note_needed(void *context, str uri)
{
    hunt *h = context;
    str path = store_path_of_uri(uri);
    if (!map_has(&h->needed, path))
        map_set(&h->needed, str_copy(h->arena, path), h);
}

static bool note_object(void *context, const store_object *o, error *err)
{
    hunt *h = context;
    (void)err;
    vec_push(h->arena, &h->files,
             (found_file){ str_copy(h->arena, o->uri), (int64_t)o->size_bytes, o->modified_us });
    return true;
}

/* nftw has no context: one hunt at a time walks. */
static pthread_mutex_t walk_lock = PTHREAD_MUTEX_INITIALIZER; /* guards `walking` */
static hunt *walking;

static int note_path(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    if (kind == FTW_F)
        vec_push(
            walking->arena, &walking->files,
            (found_file){ str_format(walking->arena, "file://%s", path), st->st_size,
                          (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000 });
    return 0;
}

/* Listing passes over hidden and temporary names, which are garbage of the same kind: local folders
 * are walked. */
static bool list_folder(hunt *h, store *s, str folder, error *err)
{
    error ignored = { 0 };
    str path = store_path_of_uri(folder);
    if (store_is_local(folder)) {
        pthread_mutex_lock(&walk_lock);
        walking = h;
        nftw(str_to_c(h->arena, path), note_path, 16, FTW_PHYS);
        walking = NULL;
        pthread_mutex_unlock(&walk_lock);
        return true;
    }
    if (store_list(s, str_format(h->arena, STR_FMT "/", STR_ARG(folder)), note_object, h, &ignored))
        return true;
    if (ignored.code == ERR_NOT_FOUND)
        return true;
    *err = ignored;
    return false;
}

bool upkeep_remove_orphans(upkeep *u, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    hunt h = { .arena = a, .needed = map_new(a) };
    iceberg_table *t;
    int64_t age_s = u->options->orphan_age_s;
    int64_t newest_us = clock_wall_us() - (age_s < 0 ? 0 : (age_s ? age_s : 259200)) * 1000000;
    /* list first: what is committed after the look at the metadata is not in the list then */
    TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
    store *s = iceberg_table_store(t);
    str folders[] = { str_format(a, STR_FMT "/data", STR_ARG(iceberg_table_location(t))),
                      str_format(a, STR_FMT "/metadata", STR_ARG(iceberg_table_location(t))) };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        TRY(list_folder(&h, s, folders[i], err));
    TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
    TRY(iceberg_table_files(t, a, NULL, 0, note_needed, &h, err));
    for (size_t i = 0; i < h.files.count; i++) {
        const found_file *f = &h.files.items[i];
        if (f->modified_us > newest_us || map_has(&h.needed, store_path_of_uri(f->uri)))
            continue;
        u->report->files_deleted++;
        u->report->bytes_deleted += f->size_bytes;
        if (!u->options->is_dry_run)
            TRY(store_delete(s, f->uri, err));
    }
    return true;
}
