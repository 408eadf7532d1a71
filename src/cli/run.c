/* `floe run`: carry out a worksheet and, when asked, its jobs until everything that is there is loaded. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/vec.h"
#include "cli/command.h"
#include "pipeline/execute.h"

static const char usage[] =
    "usage: floe run FILE.sql [--until-caught-up] [--home DIR]\n"
    "\n"
    "Carries out the statements of a worksheet: connections, tables, jobs, queries. What is there\n"
    "already with the same text stays as it is, so a worksheet can be run again at any time.\n"
    "\n"
    "  --until-caught-up   run the worksheet's jobs until every object present is committed\n"
    "  --most-files N      load at most N objects in one run (default 4000)\n"
    "  --home DIR          where state and tables are (default $FLOE_HOME, else ./floe-home)\n"
    "  --quiet             only errors and query results\n"
    "\n"
    "A file that cannot be loaded does not stop the others: it is named, listed by `floe jobs`, and\n"
    "tried again when it changes. The exit code is then 1.\n";

typedef VEC(job *) job_list;

static bool statement_jobs(home *h, arena *a, const worksheet *w, const job_limits *limits, job_list *jobs, error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        const statement *s = &w->statements[i];
        state_job record;
        bool is_found;
        job *j;
        if (s->kind != STATEMENT_CREATE_COPY_JOB && s->kind != STATEMENT_CREATE_INSERT_JOB)
            continue;
        TRY(state_job_get(home_state(h), a, s->name, &record, &is_found, err));
        if (!is_found || record.is_paused)      /* dropped or paused further down */
            continue;
        TRY(job_open(h, &record, limits, &j, err));
        vec_push(a, jobs, j);
    }
    return true;
}

static bool report_bad(home *h, const char *job_name, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    state_job record;
    bool is_found;
    state_object *bad;
    size_t count;
    TRY(state_job_get(home_state(h), a, str_of(job_name), &record, &is_found, err));
    TRY(state_bad_objects(home_state(h), a, record.id, &bad, &count, err));
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "floe: " STR_FMT ": " STR_FMT "\n", STR_ARG(store_path_of_uri(bad[i].uri)), STR_ARG(bad[i].fault));
    if (count)
        return fail(err, ERR_CORRUPT, "job %s: %zu file%s could not be loaded (above; floe jobs lists them); the others are", job_name, count, count == 1 ? "" : "s");
    return true;
}

/* Each job in turn, as long as one of them finds work. */
static bool catch_up(job_list *jobs, const char *const *names, error *err)
{
    for (bool did_work = true; did_work;) {
        did_work = false;
        for (size_t i = 0; i < jobs->count; i++) {
            uint64_t started = clock_monotonic_us();
            job_progress p;
            TRY(job_run(jobs->items[i], &p, err));
            did_work |= p.did_work;
            double seconds = (double)(clock_monotonic_us() - started) / 1e6;
            if (p.did_work)
                log_info("job %s: %lld rows in %.2f s", names[i], (long long)p.rows, seconds);
        }
    }
    return true;
}

static bool run_jobs(home *h, const worksheet *w, const job_limits *limits, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    job_list jobs = { 0 };
    VEC(const char *) names = { 0 };
    TRY(home_lock_jobs(h, err));
    bool works = statement_jobs(h, a, w, limits, &jobs, err);
    for (size_t i = 0, k = 0; i < w->count && k < jobs.count; i++)
        if (w->statements[i].kind == STATEMENT_CREATE_COPY_JOB || w->statements[i].kind == STATEMENT_CREATE_INSERT_JOB) {
            vec_push(a, &names, str_to_c(a, w->statements[i].name));
            k++;
        }
    works = works && catch_up(&jobs, names.items, err);
    for (size_t i = 0; i < jobs.count; i++)
        job_close(jobs.items[i]);
    for (size_t i = 0; works && i < names.count; i++)
        works = report_bad(h, names.items[i], err);
    return works;
}

static bool run_worksheet(home *h, const char *path, bool until_caught_up, const job_limits *limits, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str text;
    worksheet *w;
    char absolute[PATH_MAX];
    TRY(file_read(a, path, &text, err));
    TRY(worksheet_parse(a, str_of(path), text, &w, err));
    if (!realpath(path, absolute))
        return fail_errno(err, "reading %s", path);
    str folder = str_slice(str_of(absolute), 0, (size_t)str_rfind_char(str_of(absolute), '/'));
    for (size_t i = 0; i < w->count; i++) {
        execution done;
        TRY(execute_statement(h, a, w, &w->statements[i], folder, &done, err));
        if (done.is_query)
            TRY(result_query(h, w->statements[i].query.text, FORMAT_TABLE, err));
        else
            log_info(STR_FMT, STR_ARG(done.message));
    }
    return until_caught_up ? run_jobs(h, w, limits, err) : true;
}

int run_command(int argc, char **argv)
{
    const char *given_home = NULL, *most_files = NULL, *words[1];
    bool until_caught_up = false, is_quiet = false;
    size_t count;
    const argument options[] = { { "--home", &given_home, NULL }, { "--until-caught-up", NULL, &until_caught_up }, { "--most-files", &most_files, NULL }, { "--quiet", NULL, &is_quiet } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 1, &count, usage);
    int64_t files = 0;
    if (code >= 0)
        return code;
    if (count != 1) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!argument_number("--most-files", most_files, 1, &files))
        return EXIT_USAGE;
    progress_set_quiet(is_quiet);
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err) || !run_worksheet(h, words[0], until_caught_up, &(job_limits){ .most_files = (size_t)files }, &err))
        return command_failed(&err);
    return EXIT_DONE;
}
