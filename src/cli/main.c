/* Entry of the program: picks the command. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct command {
    const char *name, *what;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "demo", "make sample logs, load them, ask the graph four questions", demo_command },
    { "serve", "run the jobs and answer on the network until stopped", serve_command },
    { "user", "say who may sign in", user_command },
    { "run", "carry out a worksheet of connections, tables and jobs", run_command },
    { "jobs", "show what each job has done", jobs_command },
    { "gen", "make synthetic flow logs", gen_command },
    { "schema", "say which tables are vertices and which are edges", schema_command },
    { "gremlin", "answer a Gremlin query over the graph", gremlin_command },
    { "cypher", "answer a Cypher query over the graph", cypher_command },
    { "table", "look at tables, prove them, keep them healthy", table_command },
    { "sql", "answer a SQL query over the tables", sql_command },
};

static void print_usage(FILE *to)
{
    fputs("floe: VPC flow logs into Iceberg tables, and a graph over them\n\nusage: floe COMMAND "
          "[ARGUMENTS]    (floe COMMAND --help tells more)\n\n",
          to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].what);
    fputs("\nEvery command takes --home DIR (default $FLOE_HOME, else ./floe-home).\n", to);
}

/* Memory that a query frees serves the next one; giving it back each time costs more than small
 * queries do. */
static void keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int main(int argc, char **argv)
{
    keep_freed_memory();
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) {
        puts("floe " FLOE_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (name[0])
        fprintf(stderr, "floe: there is no command '%s'\n\n", name);
    print_usage(stderr);
    return EXIT_USAGE;
}
