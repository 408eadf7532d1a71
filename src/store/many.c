/* The same work over many objects at a time: listings and copies side by side. */
#include <pthread.h>
#include <stdatomic.h>

#include "store/internal.h"

enum { MOST_THREADS = 32, WIDE = 16 };

typedef struct round {
    store_piece work;
    void *context;
    size_t count;
    _Atomic size_t next;
    _Atomic bool has_failed;
    pthread_mutex_t lock; /* guards `err` */
    error *err;
} round;

static void *run_pieces(void *argument)
{
    round *r = argument;
    for (;;) {
        size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= r->count || atomic_load(&r->has_failed))
            return NULL;
        error err = { 0 };
        if (r->work(r->context, i, &err))
            continue;
        pthread_mutex_lock(&r->lock);
        if (!atomic_exchange(&r->has_failed, true))
            *r->err = err;
        pthread_mutex_unlock(&r->lock);
    }
}

bool store_each(size_t count, size_t threads, store_piece work, void *context, error *err)
{
    round r = { .work = work, .context = context, .count = count, .err = err };
    pthread_t others[MOST_THREADS];
    size_t wanted = threads < count ? threads : count, started = 0;
    if (wanted > MOST_THREADS)
        wanted = MOST_THREADS;
    pthread_mutex_init(&r.lock, NULL);
    for (; started + 1 < wanted; started++)
        if (pthread_create(&others[started], NULL, run_pieces, &r) != 0)
            break;
    run_pieces(&r);
    for (size_t i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    pthread_mutex_destroy(&r.lock);
    return !atomic_load(&r.has_failed);
}

/* ---- Listings ---- */

typedef struct listings {
    store *store;
    const str *prefixes;
    store_visit visit;
    void *context;
    pthread_mutex_t lock; /* one visit at a time */
} listings;

static bool visit_one(void *context, const store_object *object, error *err)
{
    listings *l = context;
    pthread_mutex_lock(&l->lock);
    bool works = l->visit(l->context, object, err);
    pthread_mutex_unlock(&l->lock);
    return works;
}

static bool list_one(void *context, size_t i, error *err)
{
    listings *l = context;
    if (store_list(l->store, l->prefixes[i], visit_one, l, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    error_clear(err);
    return true;
}

bool store_list_many(store *s, const str *prefix_uris, size_t count, store_visit visit,
                     void *context, error *err)
{
    listings l = { .store = s, .prefixes = prefix_uris, .visit = visit, .context = context };
    pthread_mutex_init(&l.lock, NULL);
    bool works = store_each(count, WIDE, list_one, &l, err);
    pthread_mutex_destroy(&l.lock);
    return works;
}

/* ---- Copies ---- */

typedef struct copies {
    store *store;
    const str *uris;
    const store_object *objects;
} copies;

static bool copy_one(void *context, size_t i, error *err)
{
    copies *c = context;
    AUTO(arena_free) arena *scratch = arena_new();
    str path;
    if (c->uris)
        return store_is_local(c->uris[i]) ||
               store_local_path(c->store, scratch, c->uris[i], &path, err);
    return store_is_local(c->objects[i].uri) ||
           store_local_copy(c->store, scratch, &c->objects[i], &path, err);
}

bool store_prefetch(store *s, const str *uris, size_t count, error *err)
{
    copies c = { .store = s, .uris = uris };
    return store_each(count, WIDE, copy_one, &c, err);
}

bool store_prefetch_objects(store *s, const store_object *objects, size_t count, error *err)
{
    copies c = { .store = s, .objects = objects };
    return store_each(count, WIDE, copy_one, &c, err);
}
