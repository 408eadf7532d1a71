/* `floe run`: carry out a worksheet and, when asked, its jobs until everything that is there is
 * loaded. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/work.h"
#include "pipeline/execute.h"

static const char usage[] =
    "usage: floe run FILE.sql [--until-caught-up] [--home DIR]\n"
    "\n"
    "Carries out the statements of a worksheet: connections, tables, jobs, queries. What is there\n"
    "already with the same text stays as it is, so a worksheet can be run again at any time.\n"
    "\n"
    "  --until-caught-up   run the home's jobs until every object present is committed\n"
    "  --most-files N      load at most N objects in one run (default 4000)\n"
    "  --home DIR          where state and tables are (default $FLOE_HOME, else ./floe-home)\n"
    "  --quiet             only errors and query results\n"
    "\n"
    "A file that cannot be loaded does not stop the others: it is named, listed by `floe jobs`, "
    "and\n"
    "tried again when it changes. The exit code is then 1.\n";

bool run_worksheet(home *h, const char *path, bool until_caught_up, const job_limits *limits,
                   error *err)
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
            TRY(result_query(h, done.query, FORMAT_TABLE, err));
        else
            log_info(STR_FMT, STR_ARG(done.message));
    }
    return until_caught_up ? jobs_catch_up(h, limits, err) : true;
}

int run_command(int argc, char **argv)
{
    const char *given_home = NULL, *most_files = NULL, *words[1];
    bool until_caught_up = false, is_quiet = false;
    size_t count;
    const argument options[] = { { "--home", &given_home, NULL },
                                 { "--until-caught-up", NULL, &until_caught_up },
                                 { "--most-files", &most_files, NULL },
                                 { "--quiet", NULL, &is_quiet } };
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
    if (!command_home(given_home, &h, &err) ||
        !run_worksheet(h, words[0], until_caught_up, &(job_limits){ .most_files = (size_t)files },
                       &err))
        return command_failed(&err);
    return EXIT_DONE;
}
