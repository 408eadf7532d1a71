/* Workers: the threads that run tasks. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/pool.h"
#include "wire/internal.h"

/* Tasks that run longer than LONG_US at a stretch get less of the processor. */
enum { LONG_US = 20000, LOOK_US = 5000, LESS_NICE = 10 };

enum { STATE_IDLE, STATE_QUEUED, STATE_RUNNING, STATE_WAITING };

typedef struct worker {
    workers *workers;
    pid_t thread;
    uint64_t started_us; /* of what it runs; 0: nothing */
    bool is_slowed;      /* runs at lower priority and ends after this task */
    struct worker *next;
} worker;

struct workers {
    pthread_mutex_t lock; /* guards everything here and the state of every task */
    pthread_cond_t work, look;
    task *first, *last;
    size_t queued;
    worker *all;
    int most, most_swift; /* threads; of them at full priority */
    int threads, idle, slowed;
    bool is_closing;
    pthread_t watcher;
};

static void push(workers *w, task *t)
{
    t->state = STATE_QUEUED;
    t->next = NULL;
    if (w->last)
        w->last->next = t;
    else
        w->first = t;
    w->last = t;
    w->queued++;
}

static task *pop(workers *w)
{
    task *t = w->first;
    w->first = t->next;
    if (!w->first)
        w->last = NULL;
    w->queued--;
    t->next = NULL;
    return t;
}

/* One was pushed. An idle thread that was told of another task counts as idle until it wakes, so
 * when more tasks wait than threads are idle the watcher looks whether to make one. */
static void tell(workers *w)
{
    pthread_cond_signal(w->queued <= (size_t)w->idle ? &w->work : &w->look);
}

/* ---- Tasks ---- */

void task_init(task *t, workers *w, stream *s, task_turn (*step)(task *t), void (*free)(task *t))
{
    *t = (task){ .step = step, .free = free, .stream = stream_ref(s), .workers = w };
    pthread_mutex_lock(&s->lock);
    t->next_on_stream = s->tasks;
    s->tasks = t;
    pthread_mutex_unlock(&s->lock);
}

void task_wake(task *t)
{
    workers *w = t->workers;
    pthread_mutex_lock(&w->lock);
    if (t->state == STATE_RUNNING) {
        t->is_woken = true;
    } else if (t->state != STATE_QUEUED) {
        push(w, t);
        tell(w);
    }
    pthread_mutex_unlock(&w->lock);
}

static void task_end(task *t)
{
    stream *s = t->stream;
    pthread_mutex_lock(&s->lock);
    for (task **p = &s->tasks; *p; p = &(*p)->next_on_stream)
        if (*p == t) {
            *p = t->next_on_stream;
            break;
        }
    for (task **p = &s->waiting; *p; p = &(*p)->next_waiting)
        if (*p == t) {
            *p = t->next_waiting;
            break;
        }
    pthread_mutex_unlock(&s->lock);
    t->free(t);
    stream_unref(s);
}

/* The task waits for room, unless there is some by now. */
static void task_wait(task *t)
{
    stream *s = t->stream;
    workers *w = t->workers;
    pthread_mutex_lock(&s->lock);
    bool waits = s->queued_bytes >= STREAM_ROOM_BYTES && !stream_is_gone(s);
    pthread_mutex_lock(&w->lock);
    if (waits && !t->is_woken) {
        t->state = STATE_WAITING;
        if (!t->is_waiting) {
            t->is_waiting = true;
            t->next_waiting = s->waiting;
            s->waiting = t;
        }
    } else {
        push(w, t);
        tell(w);
    }
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_unlock(&s->lock);
}

/* Under the stream's lock, so that none of them can end meanwhile. */
void stream_wake_waiting(stream *s)
{
    task *next;
    for (task *t = s->waiting; t; t = next) {
        next = t->next_waiting;
        t->is_waiting = false;
        task_wake(t);
    }
    s->waiting = NULL;
}

void stream_leave(stream *s)
{
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->is_gone, true);
    if (s->left)
        s->left(s->left_context);
    stream_wake_waiting(s);
    for (task *t = s->tasks; t; t = t->next_on_stream)
        task_wake(t);
    pthread_mutex_unlock(&s->lock);
}

/* ---- Threads ---- */

/* Run one task. The lock is held on entry and exit. */
static void run(worker *me, task *t)
{
    workers *w = me->workers;
    t->state = STATE_RUNNING;
    t->is_woken = false;
    me->started_us = clock_monotonic_us();
    pthread_mutex_unlock(&w->lock);
    task_turn turn = t->step(t);
    if (turn == TASK_DONE)
        task_end(t);
    else if (turn == TASK_WAITS)
        task_wait(t);
    pthread_mutex_lock(&w->lock);
    me->started_us = 0;
    if (turn == TASK_AGAIN || (turn == TASK_IDLE && t->is_woken)) {
        push(w, t);
        if (me->is_slowed) /* and will not take it itself */
            tell(w);
    } else if (turn == TASK_IDLE) {
        t->state = STATE_IDLE;
    }
}

static void forget(worker *me)
{
    workers *w = me->workers;
    for (worker **p = &w->all; *p; p = &(*p)->next)
        if (*p == me) {
            *p = me->next;
            break;
        }
    w->threads--;
    w->slowed -= me->is_slowed;
    free(me);
    pthread_cond_signal(&w->look);
}

static void *work(void *argument)
{
    worker *me = argument;
    workers *w = me->workers;
    pthread_mutex_lock(&w->lock);
    me->thread = (pid_t)syscall(SYS_gettid);
    /* A thread cannot raise its own priority again, so one that was slowed ends here. */
    while (!me->is_slowed) {
        while (!w->first && !w->is_closing) {
            w->idle++;
            pthread_cond_wait(&w->work, &w->lock);
            w->idle--;
        }
        if (!w->first)
            break;
        run(me, pop(w));
    }
    forget(me);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void thread_make(workers *w)
{
    worker *me = memory_alloc(sizeof *me);
    pthread_t thread;
    pthread_attr_t attributes;
    me->workers = w;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, work, me) == 0) {
        me->next = w->all;
        w->all = me;
        w->threads++;
    } else {
        free(me);
    }
    pthread_attr_destroy(&attributes);
}

static void slow_down(workers *w)
{
    uint64_t now = clock_monotonic_us();
    for (worker *k = w->all; k; k = k->next)
        if (k->started_us && !k->is_slowed && now - k->started_us > LONG_US) {
            setpriority(PRIO_PROCESS, (id_t)k->thread, LESS_NICE);
            k->is_slowed = true;
            w->slowed++;
        }
}

static void wait_a_little(workers *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_US * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&w->look, &w->lock, &until);
}

/* Makes the threads: a new one inherits the priority of its maker, and this one is never slowed. */
static void *watch(void *argument)
{
    workers *w = argument;
    pthread_mutex_lock(&w->lock);
    while (!w->is_closing || w->threads) {
        slow_down(w);
        bool is_short = w->queued > (size_t)w->idle; /* of threads */
        if (is_short && w->threads < w->most && w->threads - w->slowed < w->most_swift)
            thread_make(w);
        if (is_short || w->threads > w->idle)
            wait_a_little(w);
        else
            pthread_cond_wait(&w->look, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

workers *workers_open(int most)
{
    workers *w = memory_alloc(sizeof *w);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->look, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->most_swift = pool_thread_count() + 2;
    w->most = most > w->most_swift ? most : w->most_swift;
    if (pthread_create(&w->watcher, NULL, watch, w) != 0)
        abort();
    return w;
}

void workers_close(workers *w, void (*look)(void *context), void *context)
{
    pthread_mutex_lock(&w->lock);
    w->is_closing = true;
    pthread_cond_broadcast(&w->work);
    pthread_cond_broadcast(&w->look);
    while (look && w->threads) {
        pthread_mutex_unlock(&w->lock);
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_US * 1000 }, NULL);
        look(context);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->watcher, NULL);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->look);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

workers_load workers_load_get(workers *w)
{
    pthread_mutex_lock(&w->lock);
    workers_load load = { .threads = w->threads,
                          .running = w->threads - w->idle,
                          .queued = w->queued };
    pthread_mutex_unlock(&w->lock);
    return load;
}
