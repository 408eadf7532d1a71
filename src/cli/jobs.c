/* `floe jobs`: what each job has done. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/command.h"
#include "pipeline/state.h"

static const char usage[] =
    "usage: floe jobs [--home DIR]\n"
    "\n"
    "Lists the jobs of a home: rows and bytes loaded, how far behind the newest loaded event is,\n"
    "the last commit, the last error, and each file that could not be loaded with its reason.\n";

static void print_ago(const char *what, int64_t us)
{
    AUTO(arena_free) arena *a = arena_new();
    printf("  %-14s " STR_FMT "\n", what, STR_ARG(us ? clock_format_us(a, us) : STR("never")));
}

static bool print_job(state *s, const state_job *j, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    state_job_totals t;
    state_object *bad;
    size_t bad_count;
    str last_error;
    TRY(state_job_totals_get(s, j->id, &t, err));
    TRY(state_bad_objects(s, a, j->id, &bad, &bad_count, err));
    TRY(state_job_error_get(s, a, j->id, &last_error, err));
    printf(STR_FMT "%s → " STR_FMT "\n", STR_ARG(j->name), j->is_paused ? " (paused)" : "",
           STR_ARG(j->target));
    printf("  %-14s %lld in %lld runs\n", "rows written", (long long)t.rows, (long long)t.runs);
    if (t.objects + t.bad_objects)
        printf("  %-14s %lld loaded (%.1f MB), %lld bad\n", "files", (long long)t.objects,
               (double)t.bytes / 1e6, (long long)t.bad_objects);
    print_ago("last commit", t.last_done_us);
    if (t.newest_event_us)
        print_ago("newest event", t.newest_event_us);
    if (last_error.len)
        printf("  %-14s " STR_FMT "\n", "last error", STR_ARG(last_error));
    for (size_t i = 0; i < bad_count; i++)
        printf("  %-14s " STR_FMT ": " STR_FMT "\n", "bad file", STR_ARG(bad[i].uri),
               STR_ARG(bad[i].fault));
    return true;
}

static bool print_jobs(home *h, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    state_job *jobs;
    size_t count;
    TRY(state_job_list(home_state(h), a, &jobs, &count, err));
    if (count == 0)
        puts("there are no jobs; floe run FILE.sql makes those of a worksheet");
    for (size_t i = 0; i < count; i++)
        TRY(print_job(home_state(h), &jobs[i], err));
    return true;
}

int jobs_command(int argc, char **argv)
{
    const char *given_home = NULL;
    size_t count;
    const argument options[] = { { "--home", &given_home, NULL } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), NULL, 0, &count, usage);
    if (code >= 0)
        return code;
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err) || !print_jobs(h, &err))
        return command_failed(&err);
    return EXIT_DONE;
}
