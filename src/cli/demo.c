/* `floe demo`: sample logs, the example worksheet, the graph schema, the tutorial's four questions.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/answer.h"
#include "cli/command.h"
#include "cli/serve.h"
#include "cli/work.h"
#include "pipeline/flow_gen.h"
#include "server/session.h"

static const char usage[] =
    "usage: floe demo [--exit] [--home DIR] [--rows N] [--examples DIR]\n"
    "\n"
    "Makes sample flow logs, loads them by the example worksheet, applies the example graph "
    "schema,\n"
    "answers the four questions, then serves as floe serve does (--exit stops before that). "
    "Everything\n"
    "goes to one home folder (default ./demo-home); running it again loads nothing twice.\n";

static const struct question {
    const char *what, *text;
} questions[] = {
    { "How many devices are there?", "g.V().count()" },
    { "How many connections?", "g.E().count()" },
    { "How many devices does " FLOW_GEN_SENDER " send to?",
      "g.V('devices:::" FLOW_GEN_SENDER "').out().dedup().count()" },
    { "Which 20 receive the most packets from it?",
      "g.V('devices:::" FLOW_GEN_SENDER
      "').outE().as('sends').inV().as('dest').group().by(select('dest').id()).by(select('sends')."
      "values('packets').sum()).unfold().order().by(select(values), "
      "desc).limit(20)" },
};

static bool make_samples(home *h, arena *a, str folder, int64_t rows, error *err)
{
    str stories, mark = str_format(a, STR_FMT "/.rows", STR_ARG(folder)),
                 wanted = str_format(a, "%lld", (long long)rows), there;
    error ignored = { 0 };
    sql_engine *e;
    if (file_exists(str_to_c(a, mark)) && file_read(a, str_to_c(a, mark), &there, &ignored) &&
        str_eq(there, wanted))
        return true;
    log_info("making %lld sample flow records in " STR_FMT, (long long)rows, STR_ARG(folder));
    TRY(home_engine(h, &e, err));
    TRY(flow_gen(e, a,
                 &(flow_gen_options){ .rows = (uint64_t)rows,
                                      .seed = 1,
                                      .folder = folder,
                                      .version = 5,
                                      .start_day = 19831,
                                      .account = STR("123456789012"),
                                      .region = STR("us-east-1"),
                                      .rows_per_file = 20000 },
                 &stories, err));
    printf(STR_FMT, STR_ARG(stories));
    return file_write_atomic(str_to_c(a, mark), wanted, err);
}

static bool ask(home *h, error *err)
{
    AUTO(session_close) session *s = NULL;
    AUTO(graph_close) graph *g = NULL;
    TRY(session_open(h, 0, &s, err));
    TRY(session_graph(s, &g, err));
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        uint64_t started = clock_monotonic_us();
        printf("\n%s\n  %s\n", questions[i].what, questions[i].text);
        TRY(answer_gremlin(g, str_of(questions[i].text), 0, stdout, err));
        printf("  (%.1f ms)\n", (double)(clock_monotonic_us() - started) / 1e3);
    }
    return true;
}

/* The worksheet, placed beside the samples that it names. */
static bool demo(home *h, const char *examples, int64_t rows, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str worksheet, json, current;
    int64_t version;
    error ignored = { 0 };
    str samples = str_format(a, STR_FMT "/demo/samples", STR_ARG(home_path(h))),
        copy = str_format(a, STR_FMT "/demo/worksheet.sql", STR_ARG(home_path(h)));
    TRY(file_read(a, str_format(a, "%s/worksheet.sql%c", examples, 0).data, &worksheet, err));
    const char *schema_path = str_format(a, "%s/schema.json%c", examples, 0).data;
    TRY(file_read(a, schema_path, &json, err));
    TRY(make_samples(h, a, samples, rows, err));
    TRY(file_write_atomic(str_to_c(a, copy), worksheet, err));
    TRY(run_worksheet(h, str_to_c(a, copy), true, NULL, err));
    if (!session_schema_get(h, a, &current, &ignored) || !str_eq(current, json))
        TRY(session_schema_apply(h, json, str_of(schema_path), &version, err));
    TRY(ask(h, err));
    printf("\nAsk more:  build/floe gremlin \"g.V('devices:::" FLOW_GEN_SENDER
           "').in().dedup().limit(5)\" --home " STR_FMT "\n",
           STR_ARG(home_path(h)));
    return true;
}

int demo_command(int argc, char **argv)
{
    const char *given_home = "./demo-home", *rows = NULL, *examples = "examples/vpc-flow-logs";
    bool exits = false;
    size_t count;
    int64_t row_count = 500000;
    const argument options[] = { { "--home", &given_home, NULL },
                                 { "--rows", &rows, NULL },
                                 { "--examples", &examples, NULL },
                                 { "--exit", NULL, &exits } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), NULL, 0, &count, usage);
    if (code >= 0)
        return code;
    if (!argument_number("--rows", rows, 1000, &row_count))
        return EXIT_USAGE;
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err) || !demo(h, examples, row_count, &err))
        return command_failed(&err);
    fflush(stdout);
    return exits ? EXIT_DONE : serve_home(h, 0, NULL);
}
