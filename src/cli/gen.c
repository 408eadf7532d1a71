/* `floe gen flow-logs`: synthetic flow logs. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/command.h"
#include "pipeline/flow_gen.h"

static const char usage[] =
    "usage: floe gen flow-logs --out DIR [--rows N] [--format parquet|text] [--seed S] [--start "
    "DATE]\n"
    "                          [--version 2|3|5] [--rows-per-file N] [--account ID] [--region "
    "NAME]\n"
    "                          [--addresses N]\n"
    "\n"
    "Writes synthetic VPC flow logs in AWS's key layout: the same options give the same rows. A "
    "port\n"
    "scan, a beacon, an exfiltration and a lateral movement are planted, and named at the end.\n";

static bool read_options(flow_gen_options *o, const char *rows, const char *per_file,
                         const char *seed, const char *version, const char *format,
                         const char *start, const char *addresses)
{
    int64_t row_count = 1000000, file_rows = 50000, seed_number = 1, version_number = 5,
            address_count = 0, start_us = 1713398400000000ll;
    if (!argument_number("--rows", rows, 1, &row_count) ||
        !argument_number("--rows-per-file", per_file, 1, &file_rows) ||
        !argument_number("--seed", seed, 0, &seed_number) ||
        !argument_number("--addresses", addresses, 1, &address_count) ||
        !argument_number("--version", version, 2, &version_number))
        return false;
    if ((version_number != 2 && version_number != 3 && version_number != 5) ||
        (format && strcmp(format, "text") != 0 && strcmp(format, "parquet") != 0) ||
        (start && !clock_parse_us(str_of(start), &start_us))) {
        fputs("floe gen: --version is 2, 3 or 5; --format is parquet or text; --start is a date "
              "like 2024-04-18\n",
              stderr);
        return false;
    }
    o->rows = (uint64_t)row_count;
    o->addresses = (uint64_t)address_count;
    o->rows_per_file = (uint64_t)file_rows;
    o->seed = (uint64_t)seed_number;
    o->version = (int)version_number;
    o->is_text = format && strcmp(format, "text") == 0;
    o->start_day = (int32_t)(start_us / 86400000000ll);
    return true;
}

int gen_command(int argc, char **argv)
{
    const char *out = NULL, *rows = NULL, *per_file = NULL, *seed = NULL, *version = NULL,
               *format = NULL, *start = NULL, *addresses = NULL, *account = "123456789012",
               *region = "us-east-1", *words[1];
    size_t count;
    const argument options[] = {
        { "--out", &out, NULL },         { "--rows-per-file", &per_file, NULL },
        { "--rows", &rows, NULL },       { "--seed", &seed, NULL },
        { "--version", &version, NULL }, { "--format", &format, NULL },
        { "--start", &start, NULL },     { "--account", &account, NULL },
        { "--region", &region, NULL },   { "--addresses", &addresses, NULL }
    };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 1, &count, usage);
    if (code >= 0)
        return code;
    if (count != 1 || strcmp(words[0], "flow-logs") != 0 || !out) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    flow_gen_options o = { .folder = str_of(out),
                           .account = str_of(account),
                           .region = str_of(region) };
    if (!read_options(&o, rows, per_file, seed, version, format, start, addresses))
        return EXIT_USAGE;
    error err = { 0 };
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_engine_close) sql_engine *e = NULL;
    str stories;
    o.progress = progress_start("generating", "rows");
    bool works =
        sql_engine_open(&(sql_options){ 0 }, &e, &err) && flow_gen(e, a, &o, &stories, &err);
    progress_end(o.progress);
    if (!works)
        return command_failed(&err);
    printf("%llu rows in %s\n" STR_FMT, (unsigned long long)o.rows, out, STR_ARG(stories));
    return EXIT_DONE;
}
