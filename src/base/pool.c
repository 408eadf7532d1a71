/* Threads over numbered pieces of work. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/stop.h"

typedef struct round {
    bool (*work)(void *context, size_t i);
    void *context;
    size_t count;
    const stop_flag *stop; /* of who asked */
    _Atomic size_t next;
    _Atomic bool has_failed;
} round;

int pool_thread_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}

static void *run_pieces(void *argument)
{
    round *r = argument;
    stop_follow(r->stop);
    for (;;) {
        size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= r->count || atomic_load(&r->has_failed))
            return NULL;
        if (!r->work(r->context, i))
            atomic_store(&r->has_failed, true);
    }
}

bool pool_each(size_t count, bool (*work)(void *context, size_t i), void *context)
{
    enum { MOST_THREADS = 64 };
    round r = { .work = work, .context = context, .count = count, .stop = stop_followed() };
    size_t wanted = (size_t)pool_thread_count();
    if (wanted > count)
        wanted = count;
    if (wanted > MOST_THREADS)
        wanted = MOST_THREADS;
    pthread_t threads[MOST_THREADS];
    size_t started = 0;
    for (; started + 1 < wanted; started++)
        if (pthread_create(&threads[started], NULL, run_pieces, &r) != 0)
            break;
    run_pieces(&r);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return !atomic_load(&r.has_failed);
}
