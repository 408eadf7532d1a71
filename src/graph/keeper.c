/* What is done for a graph behind its questions: its topology goes to disk, caches that have gone
 * by are removed, and once nothing new has come for a moment the memory of its next version is made
 * ready. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "graph/internal.h"

enum { REST_MS = 300, MOST_SIZES = 64 };

struct keeper {
    graph *graph;
    bool is_new;
    pthread_t thread;
    pthread_mutex_t lock; /* guards has_news */
    pthread_cond_t wakes;
    bool has_news;
    _Atomic bool is_stopped;
};

/* Caches of snapshots that have gone by only take room. */
static void remove_old_caches(const graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    DIR *dir = g->options.cache_folder.len ? opendir(str_to_c(a, g->options.cache_folder)) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        str name = str_of(e->d_name);
        if (str_starts_with(name, STR("graph-")) && !str_starts_with(name, g->cache_key) &&
            str_ends_with(name, STR(".cache")))
            unlink(str_format(a, STR_FMT "/%s%c", STR_ARG(g->options.cache_folder), e->d_name, 0)
                       .data);
    }
    if (dir)
        closedir(dir);
}

/* ---- Room for the next version ---- */

static size_t add_size(size_t *sizes, size_t count, size_t bytes)
{
    if (bytes >= RESERVE_LEAST && count < MOST_SIZES)
        sizes[count++] = bytes;
    return count;
}

/* What a refresh takes that drops nothing: the arrays of each edge label, and its loaded columns.
 */
static size_t sizes_of(graph *g, size_t *sizes)
{
    size_t count = 0;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        const edge_part *e = &g->edges[i];
        const graph_adjacency *x = &e->adjacency;
        for (int k = 0; k < 4; k++) /* targets, edge offsets, sources, pairs */
            count = add_size(sizes, count, x->pair_count * 4);
        count = add_size(sizes, count, x->edge_count * e->row_of.bits / 8);
        count = add_size(sizes, count, x->source_count * 8);
        count = add_size(sizes, count, x->target_count * 8);
        for (size_t k = 0; k < e->label.property_count; k++) {
            const graph_column *c = &e->columns[k].column;
            if (!e->columns[k].is_loaded)
                continue;
            count =
                add_size(sizes, count,
                         c->count * (c->type == COLUMN_STRING ? 4 : column_type_bytes(c->type)));
            count = add_size(sizes, count, c->count / 8);
        }
    }
    pthread_mutex_unlock(&g->lock);
    return count;
}

/* Whether there were news and then none for a while; false: it is over. */
static bool wait_for_rest(keeper *k)
{
    pthread_mutex_lock(&k->lock);
    while (!k->is_stopped && !k->has_news)
        pthread_cond_wait(&k->wakes, &k->lock);
    while (!k->is_stopped && k->has_news) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += REST_MS * 1000000l;
        until.tv_sec += until.tv_nsec / 1000000000l;
        until.tv_nsec %= 1000000000l;
        k->has_news = false;
        int why = 0;
        while (!k->is_stopped && !k->has_news && why != ETIMEDOUT)
            why = pthread_cond_timedwait(&k->wakes, &k->lock, &until);
    }
    pthread_mutex_unlock(&k->lock);
    return !k->is_stopped;
}

static void *keep(void *context)
{
    keeper *k = context;
    if (k->is_new) {
        topology_write(k->graph);
        if (k->graph->options.as_of_ms == 0)
            remove_old_caches(k->graph);
    }
    if (k->graph->options.as_of_ms) /* it has no next version */
        return NULL;
    while (wait_for_rest(k)) {
        size_t sizes[MOST_SIZES];
        reserve_fill(sizes, sizes_of(k->graph, sizes), &k->is_stopped);
    }
    return NULL;
}

/* ---- The thread ---- */

keeper *keeper_start(graph *g, bool is_new)
{
    pthread_condattr_t monotonic;
    keeper *k = memory_alloc(sizeof *k);
    k->graph = g;
    k->is_new = is_new && g->options.cache_folder.len;
    k->has_news = true;
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&k->wakes, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&k->thread, NULL, keep, k) == 0)
        return k;
    pthread_cond_destroy(&k->wakes);
    pthread_mutex_destroy(&k->lock);
    free(k);
    return NULL;
}

void keeper_wake(keeper *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->has_news = true;
    pthread_cond_signal(&k->wakes);
    pthread_mutex_unlock(&k->lock);
}

void keeper_stop(keeper *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->is_stopped = true;
    pthread_cond_signal(&k->wakes);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->wakes);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
