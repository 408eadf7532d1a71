/* The list of running queries, and what is counted of those that are done. */
#include "server/ticket.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"

enum { TEXT_BYTES = 2000 }; /* kept of a query's text */
/* No limit is longer than a year: sums with the clock hold. */
static const uint64_t LONGEST_MS = 365ULL * 86400 * 1000;

struct tickets {
    pthread_mutex_t lock; /* guards the list, each ticket's connection, and the totals */
    ticket *first;
    tickets_totals totals;
};

const double latency_bounds_s[LATENCY_BUCKETS] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                   0.1,   0.25,   0.5,   1,    5,     30 };

static const char *const names[ANSWER_LANGUAGES_] = { "sql", "gremlin", "cypher" };

const char *answer_language_name(answer_language l)
{
    return names[l];
}

bool answer_language_of(str name, answer_language *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, str_of(names[i]))) {
            *ret = (answer_language)i;
            return true;
        }
    return false;
}

tickets *tickets_open(void)
{
    tickets *all = memory_alloc(sizeof *all);
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void tickets_close(tickets *all)
{
    if (!all)
        return;
    pthread_mutex_destroy(&all->lock);
    free(all);
}

static ticket *find(tickets *all, str id)
{
    ticket *t = all->first;
    while (t && !str_eq(t->id, id))
        t = t->next;
    return t;
}

bool ticket_open(tickets *all, answer_language language, str id, str user, str text,
                 const char *via, uint64_t timeout_ms, ticket **ret, error *err)
{
    arena *a = arena_new();
    ticket *t = arena_new_of(a, ticket);
    *t = (ticket){ .all = all,
                   .arena = a,
                   .id = id.len ? str_copy(a, id) : str_slice(uuid_v4(a), 0, 18),
                   .user = str_copy(a, user),
                   .text = str_copy(a, str_slice(text, 0, TEXT_BYTES)),
                   .via = via,
                   .language = language,
                   .started_us = clock_monotonic_us() };
    uint64_t limit_ms = timeout_ms < LONGEST_MS ? timeout_ms : LONGEST_MS;
    t->deadline_us = limit_ms ? t->started_us + limit_ms * 1000 : 0;
    pthread_mutex_lock(&all->lock);
    bool is_free = !id.len || !find(all, id);
    if (is_free) {
        t->next = all->first;
        if (t->next)
            t->next->previous = t;
        all->first = t;
        all->totals.running++;
    }
    pthread_mutex_unlock(&all->lock);
    if (!is_free) {
        fail(err, ERR_CONFLICT, "a query with the id " STR_FMT " runs already", STR_ARG(t->id));
        arena_free(a);
        return false;
    }
    *ret = t;
    return true;
}

static void count(struct language_totals *l, const ticket *t)
{
    double seconds = (double)(clock_monotonic_us() - t->started_us) / 1e6;
    size_t bucket = 0;
    while (bucket < LATENCY_BUCKETS && seconds > latency_bounds_s[bucket])
        bucket++;
    l->buckets[bucket]++;
    l->seconds += seconds;
    l->rows += atomic_load(&t->rows);
    if (t->has_failed)
        l->failed++;
    else
        l->done++;
}

void ticket_close(ticket *t)
{
    if (!t)
        return;
    tickets *all = t->all;
    pthread_mutex_lock(&all->lock);
    if (t->previous)
        t->previous->next = t->next;
    else
        all->first = t->next;
    if (t->next)
        t->next->previous = t->previous;
    all->totals.running--;
    count(&all->totals.languages[t->language], t);
    pthread_mutex_unlock(&all->lock);
    arena_free(t->arena);
}

static void cancel(ticket *t)
{
    atomic_store(&t->is_cancelled, true);
    if (t->connection)
        sql_interrupt(t->connection);
}

void ticket_cancel(ticket *t)
{
    pthread_mutex_lock(&t->all->lock);
    cancel(t);
    pthread_mutex_unlock(&t->all->lock);
}

void ticket_interrupts(ticket *t, sql_connection *c)
{
    pthread_mutex_lock(&t->all->lock);
    t->connection = c;
    pthread_mutex_unlock(&t->all->lock);
}

void ticket_ticks(ticket *t, void (*tick)(void *context), void *context)
{
    pthread_mutex_lock(&t->all->lock);
    t->tick = tick;
    t->tick_context = context;
    pthread_mutex_unlock(&t->all->lock);
}

bool tickets_cancel(tickets *all, str id)
{
    pthread_mutex_lock(&all->lock);
    ticket *t = find(all, id);
    if (t)
        cancel(t);
    pthread_mutex_unlock(&all->lock);
    return t != NULL;
}

void tickets_look(tickets *all)
{
    uint64_t now = clock_monotonic_us();
    pthread_mutex_lock(&all->lock);
    for (ticket *t = all->first; t; t = t->next) {
        if (t->tick)
            t->tick(t->tick_context);
        bool is_cancelled = atomic_load(&t->is_cancelled);
        if (!is_cancelled && t->deadline_us && now > t->deadline_us && t->connection)
            is_cancelled = t->is_late = true;
        if (is_cancelled) /* again: it may have come just before the statement began */
            cancel(t);
    }
    pthread_mutex_unlock(&all->lock);
}

size_t tickets_list(tickets *all, arena *a, ticket_record **ret)
{
    VEC(ticket_record) found = { 0 };
    uint64_t now = clock_monotonic_us();
    pthread_mutex_lock(&all->lock);
    for (ticket *t = all->first; t; t = t->next)
        vec_push(a, &found,
                 (ticket_record){ .id = str_copy(a, t->id),
                                  .user = str_copy(a, t->user),
                                  .text = str_copy(a, t->text),
                                  .via = t->via,
                                  .language = t->language,
                                  .elapsed_ms = (now - t->started_us) / 1000,
                                  .rows = atomic_load(&t->rows) });
    pthread_mutex_unlock(&all->lock);
    *ret = found.items;
    return found.count;
}

tickets_totals tickets_totals_get(tickets *all)
{
    pthread_mutex_lock(&all->lock);
    tickets_totals totals = all->totals;
    pthread_mutex_unlock(&all->lock);
    return totals;
}
