/* `floe gremlin`: one Gremlin query over the home's graph. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/answer.h"
#include "server/session.h"

static const char usage[] =
    "usage: floe gremlin TEXT [--home DIR] [--timeout-ms N]\n"
    "\n"
    "Answers one Gremlin query over the home's graph (floe schema apply gives it one):\n"
    "\n"
    "  floe gremlin 'g.V().count()'\n"
    "  floe gremlin \"g.V('devices:::10.0.1.10').out().dedup().count()\"\n"
    "\n"
    "Vertices are named label:::key or label[key]. explain() at the end shows the plan.\n";

int gremlin_command(int argc, char **argv)
{
    const char *given_home = NULL, *timeout = NULL, *words[1];
    size_t count;
    int64_t timeout_ms = 300000;
    const argument options[] = { { "--home", &given_home, NULL }, { "--timeout-ms", &timeout, NULL } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 1, &count, usage);
    if (code >= 0)
        return code;
    if (count != 1) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!argument_number("--timeout-ms", timeout, 1, &timeout_ms))
        return EXIT_USAGE;
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err))
        return command_failed(&err);
    AUTO(graph_close) graph *g = NULL;
    bool works = session_graph_open(h, &g, &err) && answer_gremlin(g, str_of(words[0]), (uint64_t)timeout_ms, stdout, &err);
    graph_close(TAKE(g));
    return works ? EXIT_DONE : command_failed(&err);
}
