/* `floe serve`: the home's jobs, again and again, until stopped. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "cli/command.h"
#include "cli/work.h"
#include "pipeline/scheduler.h"

static const char usage[] = "usage: floe serve [--home DIR] [--interval SECONDS]\n"
                            "\n"
                            "Runs the home's jobs until stopped, each at its COMMIT_INTERVAL or "
                            "RUN_INTERVAL, else at --interval\n"
                            "(default 60 s). SIGTERM and Ctrl-C abandon the run that is under way; "
                            "the next start does it again. Queries are answered\n"
                            "meanwhile by floe gremlin and floe sql over the same home.\n";

static volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    is_stopped = 1;
}

static void report(void *context, str line, bool is_failure)
{
    (void)context;
    if (is_failure)
        log_warn(STR_FMT, STR_ARG(line));
    else
        log_info(STR_FMT, STR_ARG(line));
}

int serve_home(home *h, int64_t interval_s)
{
    struct sigaction action = { .sa_handler = stop };
    error err = { 0 };
    AUTO(scheduler_stop) scheduler *s = NULL;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    scheduler_options options = { .interval_us = interval_s * 1000000, .report = report };
    log_info("running the jobs of " STR_FMT " every %lld s; Ctrl-C stops", STR_ARG(home_path(h)),
             (long long)interval_s);
    if (!scheduler_start(h, &options, &s, &err))
        return command_failed(&err);
    while (!is_stopped)
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    scheduler_stop(TAKE(s));
    log_info("stopped");
    return EXIT_DONE;
}

int serve_command(int argc, char **argv)
{
    const char *given_home = NULL, *interval = NULL;
    size_t count;
    int64_t interval_s = 60;
    const argument options[] = { { "--home", &given_home, NULL },
                                 { "--interval", &interval, NULL } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), NULL, 0, &count, usage);
    if (code >= 0)
        return code;
    if (!argument_number("--interval", interval, 1, &interval_s))
        return EXIT_USAGE;
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    return command_home(given_home, &h, &err) ? serve_home(h, interval_s) : command_failed(&err);
}
