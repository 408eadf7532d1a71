/* `floe sql`: one query over a home's tables. */
#include <stdio.h>

#include "cli/command.h"
#include "pipeline/execute.h"

static const char usage[] =
    "usage: floe sql TEXT [--format table|json|csv] [--home DIR]\n"
    "\n"
    "Answers one SQL query (DuckDB's dialect) over the home's tables, named as\n"
    "default_glue_catalog.<schema>.<table>, <schema>.<table> or just <table>:\n"
    "\n"
    "  floe sql 'SELECT srcaddr, sum(bytes) FROM vpcflowlogs_connections GROUP BY 1 ORDER BY 2 "
    "DESC LIMIT 10'\n";

int sql_command(int argc, char **argv)
{
    const char *given_home = NULL, *format_name = NULL, *words[1];
    size_t count;
    result_format format = FORMAT_TABLE;
    const argument options[] = { { "--home", &given_home, NULL },
                                 { "--format", &format_name, NULL } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 1, &count, usage);
    if (code >= 0)
        return code;
    if (count != 1) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!result_format_of(format_name, &format))
        return EXIT_USAGE;
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    AUTO(arena_free) arena *a = arena_new();
    execution done = { .is_query = true, .query = str_of(words[0]) };
    /* COPY … TO writes a local file: for whoever sits at this machine, not a worksheet's business
     */
    bool is_export = str_eq_nocase(str_slice(str_trim(done.query), 0, 5), STR("COPY "));
    if (!command_home(given_home, &h, &err) ||
        (!is_export && !execute_text(h, a, STR("sql"), str_of(words[0]), &done, &err)))
        return command_failed(&err);
    if (!done.is_query)
        printf(STR_FMT "\n", STR_ARG(done.message));
    else if (!result_query(h, done.query, format, &err))
        return command_failed(&err);
    return EXIT_DONE;
}
