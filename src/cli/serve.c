/* `floe serve`: the home's jobs and its servers, until stopped. */
#include "cli/serve.h"

#include <signal.h>
#include <stdio.h>

#include "base/vec.h"
#include "cli/config.h"
#include "pipeline/caretaker.h"
#include "pipeline/scheduler.h"
#include "server/server.h"

enum {
    SET_HOST,
    SET_PORT,
    SET_GREMLIN,
    SET_BOLT,
    SET_CERT,
    SET_KEY,
    SET_NO_SIGN_IN,
    SET_SCRATCH,
    SET_TIMEOUT,
    SET_WORKERS,
    SET_INTERVAL,
    SET_JOBS,
    SET_UPKEEP,
    SETTINGS_
};

static const setting defaults[SETTINGS_] = {
    [SET_HOST] = { "host", "127.0.0.1",
                   "address to listen on; 0.0.0.0: every one of this machine" },
    [SET_PORT] = { "port", "8081", "of HTTP and the UI; 0: free ports for everything" },
    [SET_GREMLIN] = { "gremlin-port", NULL, "of Gremlin (8182)" },
    [SET_BOLT] = { "bolt-port", NULL, "of Bolt (7687)" },
    [SET_CERT] = { "tls-cert", "", "PEM file of the certificate chain: TLS on every port" },
    [SET_KEY] = { "tls-key", "", "PEM file of its private key" },
    [SET_NO_SIGN_IN] = { "no-sign-in", "false",
                         "let everybody on this machine ask; loopback only" },
    [SET_SCRATCH] = { "scratch", "", "names of graphs in memory beside ggraph, parted by commas" },
    [SET_TIMEOUT] = { "timeout-ms", "300000", "of a query that says none" },
    [SET_WORKERS] = { "workers", "64", "most threads that run queries" },
    [SET_INTERVAL] = { "interval", "60", "seconds between runs of jobs that say none" },
    [SET_JOBS] = { "jobs", "true", "run the home's jobs" },
    [SET_UPKEEP] = { "upkeep", "600", "seconds between rounds of upkeep of the tables; 0: none" },
};

static void print_usage(void)
{
    fputs(
        "usage: floe serve [--home DIR] [--config FILE] [SETTINGS]\n\n"
        "Runs the home's jobs, each at its interval, and answers on three ports: HTTP with the UI, "
        "Gremlin's\nWebSocket protocol, Bolt. SIGTERM and Ctrl-C cancel queries and abandon the "
        "run "
        "that is under way; the\nnext start does it again.\n\nSettings, as --NAME, FLOE_NAME in "
        "the "
        "environment, or a line of FILE (default ./floe.yaml):\n\n",
        stdout);
    for (size_t i = 0; i < SETTINGS_; i++)
        printf("  %-13s %s%s%s%s\n", defaults[i].name, defaults[i].what,
               defaults[i].otherwise && defaults[i].otherwise[0] ? " (" : "",
               defaults[i].otherwise ? defaults[i].otherwise : "",
               defaults[i].otherwise && defaults[i].otherwise[0] ? ")" : "");
}

/* ---- Settings ---- */

static bool read_ports(setting *s, server_options *o, error *err)
{
    int64_t http, gremlin, bolt;
    TRY(config_number(&s[SET_PORT], 0, 65535, &http, err));
    s[SET_GREMLIN].value = s[SET_GREMLIN].value ? s[SET_GREMLIN].value : http ? "8182" : "0";
    s[SET_BOLT].value = s[SET_BOLT].value ? s[SET_BOLT].value : http ? "7687" : "0";
    TRY(config_number(&s[SET_GREMLIN], 0, 65535, &gremlin, err));
    TRY(config_number(&s[SET_BOLT], 0, 65535, &bolt, err));
    o->http_port = (int)http;
    o->gremlin_port = (int)gremlin;
    o->bolt_port = (int)bolt;
    return true;
}

static bool read_options(arena *a, setting *s, server_options *o, int64_t *ret_interval_s,
                         int64_t *ret_upkeep_s, bool *ret_runs_jobs, error *err)
{
    int64_t timeout, workers;
    VEC(str) scratch = { 0 };
    TRY(read_ports(s, o, err));
    TRY(config_switch(&s[SET_NO_SIGN_IN], &o->no_sign_in, err));
    TRY(config_switch(&s[SET_JOBS], ret_runs_jobs, err));
    TRY(config_number(&s[SET_TIMEOUT], 1, INT64_MAX / 1000000, &timeout, err));
    TRY(config_number(&s[SET_WORKERS], 1, 1024, &workers, err));
    TRY(config_number(&s[SET_INTERVAL], 1, 86400, ret_interval_s, err));
    TRY(config_number(&s[SET_UPKEEP], 0, 864000, ret_upkeep_s, err));
    for (str rest = str_of(s[SET_SCRATCH].value); rest.len;) {
        str name = str_trim(str_cut(&rest, ','));
        if (name.len)
            vec_push(a, &scratch, name);
    }
    o->host = str_of(s[SET_HOST].value);
    o->tls_cert = str_of(s[SET_CERT].value);
    o->tls_key = str_of(s[SET_KEY].value);
    o->scratch = scratch.items;
    o->scratch_count = scratch.count;
    o->timeout_ms = (uint64_t)timeout;
    o->most_workers = (int)workers;
    return true;
}

/* ---- Running ---- */

static server *running;

static void stop(int signal_number)
{
    (void)signal_number;
    if (running)
        server_stop(running);
}

static void report(void *context, str line, bool is_failure)
{
    (void)context;
    if (is_failure)
        log_warn(STR_FMT, STR_ARG(line));
    else
        log_info(STR_FMT, STR_ARG(line));
}

static void announce(server *s, const server_options *o)
{
    AUTO(arena_free) arena *a = arena_new();
    const char *tls = o->tls_cert.len ? "s" : "";
    if (server_first_password(s).len)
        printf("first start: user admin, password " STR_FMT
               " (floe user password admin changes it)\n",
               STR_ARG(server_first_password(s)));
    printf("http%s://" STR_FMT ":%d  browser and HTTP\n", tls, STR_ARG(o->host),
           server_http_port(s));
    printf("ws%s://" STR_FMT ":%d/gremlin  Gremlin\n", tls, STR_ARG(o->host),
           server_gremlin_port(s));
    printf("bolt%s://" STR_FMT ":%d  Bolt\n", o->tls_cert.len ? "+s" : "", STR_ARG(o->host),
           server_bolt_port(s));
    str link = server_link(s, a);
    printf("open " STR_FMT "%s\n", STR_ARG(link), o->no_sign_in ? "" : "  (signs in once)");
    fflush(stdout);
}

/* Workers and the scheduler inherit that they are not interrupted; only this thread is. */
static bool run(home *h, const server_options *o, int64_t interval_s, int64_t upkeep_s,
                bool runs_jobs, error *err)
{
    AUTO(server_close) server *s = NULL;
    AUTO(scheduler_stop) scheduler *jobs = NULL;
    AUTO(caretaker_stop) caretaker *upkeep = NULL;
    caretaker_options care = { .keeps_statistics = runs_jobs,
                               .compacts = upkeep_s > 0,
                               .interval_us = upkeep_s * 1000000,
                               .report = report };
    sigset_t signals, before;
    struct sigaction action = { .sa_handler = stop };
    scheduler_options options = { .interval_us = interval_s * 1000000, .report = report };
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    TRY(server_open(h, o, &s, err));
    if (runs_jobs)
        TRY(scheduler_start(h, &options, &jobs, err));
    if (runs_jobs || upkeep_s > 0)
        TRY(caretaker_start(h, &care, &upkeep, err));
    running = s;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    announce(s, o);
    server_run(s);
    running = NULL;
    log_info("stopping");
    return true;
}

int serve_home(home *h, int argc, const char **argv)
{
    AUTO(arena_free) arena *a = arena_new();
    const char *flags[SETTINGS_] = { 0 }, *path = NULL;
    setting settings[SETTINGS_];
    server_options o = { 0 };
    int64_t interval_s, upkeep_s;
    bool runs_jobs;
    error err = { 0 };
    memcpy(settings, defaults, sizeof settings);
    for (int i = 0; i < argc; i += 2) {
        if (strcmp(argv[i], "config") == 0)
            path = argv[i + 1];
        for (size_t k = 0; k < SETTINGS_; k++)
            if (strcmp(argv[i], defaults[k].name) == 0)
                flags[k] = argv[i + 1];
    }
    if (!config_read(a, path, settings, SETTINGS_, flags, &err) ||
        !read_options(a, settings, &o, &interval_s, &upkeep_s, &runs_jobs, &err) ||
        !run(h, &o, interval_s, upkeep_s, runs_jobs, &err))
        return command_failed(&err);
    log_info("stopped");
    return EXIT_DONE;
}

int serve_command(int argc, char **argv)
{
    const char *given_home = NULL, *values[SETTINGS_ + 1] = { 0 }, *pairs[2 * (SETTINGS_ + 1)];
    bool is_open = false;
    argument options[SETTINGS_ + 2] = { { "--home", &given_home, NULL },
                                        { "--config", &values[SETTINGS_], NULL } };
    size_t count;
    AUTO(arena_free) arena *a = arena_new();
    for (size_t i = 0; i < SETTINGS_; i++) {
        const char *name = str_to_c(a, str_format(a, "--%s", defaults[i].name));
        options[i + 2] = i == SET_NO_SIGN_IN ? (argument){ name, NULL, &is_open }
                                             : (argument){ name, &values[i], NULL };
    }
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage();
            return EXIT_DONE;
        }
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), NULL, 0, &count, "");
    if (code >= 0)
        return code;
    if (is_open)
        values[SET_NO_SIGN_IN] = "true";
    int n = 0;
    for (size_t i = 0; i <= SETTINGS_; i++)
        if (values[i]) {
            pairs[n++] = i == SETTINGS_ ? "config" : defaults[i].name;
            pairs[n++] = values[i];
        }
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    return command_home(given_home, &h, &err) ? serve_home(h, n, pairs) : command_failed(&err);
}
