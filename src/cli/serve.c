/* `floe serve`: the home's jobs, again and again, until stopped. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "cli/command.h"
#include "cli/work.h"

static const char usage[] = "usage: floe serve [--home DIR] [--interval SECONDS]\n"
                            "\n"
                            "Runs the home's jobs until stopped: every interval (default 60 s) new "
                            "files are loaded and tables\n"
                            "brought up to date. SIGTERM and Ctrl-C finish the run that is under "
                            "way. Queries are answered\n"
                            "meanwhile by floe gremlin and floe sql over the same home.\n";

static volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    is_stopped = 1;
}

int serve_home(home *h, int64_t interval_s)
{
    struct sigaction action = { .sa_handler = stop };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    log_info("running the jobs of " STR_FMT " every %lld s; Ctrl-C stops", STR_ARG(home_path(h)),
             (long long)interval_s);
    while (!is_stopped) {
        error err = { 0 };
        if (!jobs_catch_up(h, NULL, &err)) {
            log_warn("%s", err.message);
            if (err.code == ERR_CONFLICT)
                return EXIT_FAILED;
        }
        for (int64_t i = 0; i < interval_s * 10 && !is_stopped; i++)
            nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    }
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
