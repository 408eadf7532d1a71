/* Log lines and progress on stderr. */
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

enum { BAR_INTERVAL_US = 100000, LINE_INTERVAL_US = 5000000, QUIET_START_US = 1000000 };

struct progress {
    pthread_mutex_t lock; /* guards everything below */
    char what[64], unit[16];
    uint64_t started_us, shown_us;
    bool is_terminal, is_shown;
};

static bool quiet;

void progress_set_quiet(bool is_quiet)
{
    quiet = is_quiet;
}

static void log_line(const char *prefix, const char *format, va_list args)
{
    flockfile(stderr);
    fputs(prefix, stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void log_info(const char *format, ...)
{
    if (quiet)
        return;
    va_list args;
    va_start(args, format);
    log_line("", format, args);
    va_end(args);
}

void log_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line("warning: ", format, args);
    va_end(args);
}

progress *progress_start(const char *what, const char *unit)
{
    progress *p = memory_alloc(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    snprintf(p->what, sizeof p->what, "%s", what);
    snprintf(p->unit, sizeof p->unit, "%s", unit);
    p->started_us = p->shown_us = clock_monotonic_us();
    p->is_terminal = isatty(STDERR_FILENO);
    return p;
}

static void show(progress *p, uint64_t done, uint64_t total, double seconds)
{
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (p->is_terminal)
        fputs("\r\033[K", stderr);
    fprintf(stderr, "%s: %llu", p->what, (unsigned long long)done);
    if (total)
        fprintf(stderr, " of %llu %s (%d%%)", (unsigned long long)total, p->unit,
                (int)((double)done * 100 / (double)total));
    else
        fprintf(stderr, " %s", p->unit);
    fprintf(stderr, ", %.0f/s, %.0f s", rate, seconds);
    if (!p->is_terminal)
        fputc('\n', stderr);
    fflush(stderr);
    p->is_shown = true;
}

void progress_update(progress *p, uint64_t done, uint64_t total)
{
    if (quiet)
        return;
    uint64_t now = clock_monotonic_us();
    pthread_mutex_lock(&p->lock);
    uint64_t interval = p->is_terminal ? BAR_INTERVAL_US : LINE_INTERVAL_US;
    if (now - p->started_us >= QUIET_START_US && now - p->shown_us >= interval) {
        p->shown_us = now;
        show(p, done, total, (double)(now - p->started_us) / 1e6);
    }
    pthread_mutex_unlock(&p->lock);
}

void progress_end(progress *p)
{
    if (!p)
        return;
    if (p->is_shown && p->is_terminal)
        fputs("\r\033[K", stderr);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
