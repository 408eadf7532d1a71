/* `floe gremlin` and `floe cypher`: queries over the home's graph. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/answer.h"
#include "cli/console.h"
#include "cypher/cypher.h"
#include "server/session.h"

static const char gremlin_usage[] =
    "usage: floe gremlin [TEXT] [--home DIR] [--timeout-ms N] [--as-of TIME]\n"
    "                    [--time] [--graphson]\n"
    "\n"
    "Answers one Gremlin query over the home's graph (floe schema apply gives it one), or without "
    "TEXT\n"
    "one query a line from standard input. --time says on stderr how long each took;\n"
    "--graphson prints typed JSON (GraphSON 3), one result a line. --batch reads requests\n"
    "{\"graph\": \"g\", \"gremlin\": \"…\"} a line and answers {\"result\": […]} or {\"error\": "
    "\"…\"};\n"
    "graphs of other names than g are made in memory when they are first named.\n"
    "\n"
    "  floe gremlin 'g.V().count()'\n"
    "  floe gremlin \"g.V('devices:::10.0.1.10').out().dedup().count()\"\n"
    "\n"
    "Vertices are named label:::key or label[key]. explain() at the end shows the plan,\n"
    "profile() with rows and times. --as-of asks the tables' snapshots of that time (UTC).\n";

static const char cypher_usage[] =
    "usage: floe cypher [TEXT] [--home DIR] [--timeout-ms N] [--as-of TIME] [--time]\n"
    "\n"
    "Answers one Cypher query over the home's graph, or without TEXT one query a line from "
    "standard\n"
    "input:\n"
    "\n"
    "  floe cypher \"MATCH (a)-[e]->(b) WHERE id(a) = 'devices[10.0.1.10]' RETURN b, "
    "sum(e.packets) AS p\n"
    "               ORDER BY p DESC LIMIT 20\"\n"
    "\n"
    "EXPLAIN before the query shows the plan, PROFILE with rows and times. --as-of asks the "
    "tables'\nsnapshots of that time (UTC).\n";

typedef bool (*answer_language)(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err);

/* AS OF in front of a Cypher statement. */
static bool turn_back(session *s, str text, session **ret_earlier, graph **g, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    int64_t moment_us;
    TRY(cypher_moment(a, text, NULL, *g, &moment_us, err));
    if (!moment_us)
        return true;
    graph_close(TAKE(*g));
    TRY(session_open_at(s, moment_us / 1000, ret_earlier, err));
    return session_graph(*ret_earlier, g, err);
}

static bool answer(session *s, answer_language language, str text, int64_t timeout_ms,
                   bool shows_time, error *err)
{
    uint64_t started = clock_monotonic_us();
    AUTO(session_close) session *earlier = NULL;
    AUTO(graph_close) graph *g = NULL;
    TRY(session_graph(s, &g, err));
    if (language == answer_cypher)
        TRY(turn_back(s, text, &earlier, &g, err));
    TRY(language(g, text, (uint64_t)timeout_ms, stdout, err));
    fflush(stdout);
    if (shows_time)
        fprintf(stderr, "%.2f ms\n", (double)(clock_monotonic_us() - started) / 1e3);
    return true;
}

/* One query a line; a wrong one does not end the others. */
static bool answer_lines(session *s, answer_language language, int64_t timeout_ms, bool shows_time,
                         error *err)
{
    char *line = NULL;
    size_t capacity = 0;
    bool all_work = true;
    for (ssize_t n; (n = getline(&line, &capacity, stdin)) >= 0;) {
        str text = str_trim((str){ line, (size_t)n });
        error why = { 0 };
        if (text.len && !answer(s, language, text, timeout_ms, shows_time, &why)) {
            command_failed(&why);
            all_work = false;
        }
    }
    free(line);
    return all_work ? true : fail(err, ERR_INVALID, "not every query could be answered");
}

static str history_file(home *h)
{
    static char path[4096];
    str folder = str_trim(home_cache_folder(h));
    snprintf(path, sizeof path, STR_FMT "/../gremlin.history", STR_ARG(folder));
    return str_of(path);
}

static int query_command(int argc, char **argv, const char *usage, answer_language language)
{
    const char *given_home = NULL, *timeout = NULL, *as_of = NULL, *words[1];
    size_t count;
    int64_t timeout_ms = 300000, as_of_us = 0;
    bool shows_time = false, is_graphson = false, is_batch = false;
    const argument options[] = {
        { "--home", &given_home, NULL },      { "--timeout-ms", &timeout, NULL },
        { "--as-of", &as_of, NULL },          { "--time", NULL, &shows_time },
        { "--graphson", NULL, &is_graphson }, { "--batch", NULL, &is_batch }
    };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 1, &count, usage);
    if (code >= 0)
        return code;
    if ((is_graphson || is_batch) && language != answer_gremlin) {
        fputs("floe cypher: --graphson and --batch are for Gremlin\n", stderr);
        return EXIT_USAGE;
    }
    if (is_graphson)
        language = answer_graphson;
    if (!argument_number("--timeout-ms", timeout, 1, &timeout_ms))
        return EXIT_USAGE;
    if (as_of && !clock_parse_us(str_of(as_of), &as_of_us)) {
        fprintf(stderr, "--as-of takes a time such as '2026-01-31 12:00:00', not '%s'\n", as_of);
        return EXIT_USAGE;
    }
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err))
        return command_failed(&err);
    AUTO(session_close) session *s = NULL;
    bool works = session_open(h, as_of_us / 1000, &s, &err) &&
                 (is_batch ? answer_batch(s, (uint64_t)timeout_ms, stdin, stdout, &err)
                  : !count && language == answer_gremlin && console_is_terminal()
                      ? (gremlin_console_run(s, history_file(h), (uint64_t)timeout_ms), true)
                  : count ? answer(s, language, str_of(words[0]), timeout_ms, shows_time, &err)
                          : answer_lines(s, language, timeout_ms, shows_time, &err));
    session_close(TAKE(s));
    return works ? EXIT_DONE : command_failed(&err);
}

int gremlin_command(int argc, char **argv)
{
    return query_command(argc, argv, gremlin_usage, answer_gremlin);
}

int cypher_command(int argc, char **argv)
{
    return query_command(argc, argv, cypher_usage, answer_cypher);
}
