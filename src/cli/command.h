/* The commands of the program: one function each, one file each, and what they share. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "pipeline/home.h"

/* Exit codes: done, the work failed, wrong usage. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* argv[0] is the command's name. */
int run_command(int argc, char **argv);
int sql_command(int argc, char **argv);
int gremlin_command(int argc, char **argv);
int cypher_command(int argc, char **argv);
int schema_command(int argc, char **argv);
int jobs_command(int argc, char **argv);
int table_command(int argc, char **argv);
int gen_command(int argc, char **argv);
int demo_command(int argc, char **argv);
int serve_command(int argc, char **argv);
int user_command(int argc, char **argv);

/* ---- Arguments ---- */

/* An option of a command. `value` NULL: a switch that sets `*is_set`. */
typedef struct argument {
    const char *name; /* "--home" */
    const char **value;
    bool *is_set;
} argument;

/* Parse options in any order; what is no option goes to `words` (up to `most`). Handles --help by
 * printing `usage` on stdout. Returns -1 to go on, else the exit code. */
int arguments_parse(int argc, char **argv, const argument *options, size_t option_count,
                    const char **words, size_t most, size_t *ret_word_count, const char *usage);
/* A whole number of an option; false prints what is wrong. */
bool argument_number(const char *name, const char *text, int64_t smallest, int64_t *ret);

/* "floe: <message>" on stderr; EXIT_FAILED. */
int command_failed(const error *err);
/* --home, else $FLOE_HOME, else ./floe-home. */
NODISCARD bool command_home(const char *given, home **ret_home, error *err);

/* ---- Results ---- */

typedef enum result_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV } result_format;
bool result_format_of(const char *name, result_format *ret); /* false prints what is wrong */
/* All rows of a query on stdout. JSON: one object a line. */
NODISCARD bool result_print(sql_stream *s, result_format format, error *err);
/* Run one SQL query over a home's tables and print it. */
NODISCARD bool result_query(home *h, str query, result_format format, error *err);
