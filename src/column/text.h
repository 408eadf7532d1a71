/* Delimited text files with a header line, gzip or plain, as a parallel table function: each file
 * may order its columns its own way, and a file that cannot be read is named with its line and
 * reason. */
#pragma once

#include "column/inflate.h"
#include "column/sql.h"

/* A column that headers may name. `name` is the output name; a header matches it in any case and
 * with '-' for '_'. */
typedef struct text_column {
    str name;
    column_type type; /* COLUMN_INT32, COLUMN_INT64, COLUMN_DOUBLE or COLUMN_STRING */
} text_column;

typedef struct text_options {
    const text_column *columns; /* all known columns, in output order; must outlive the scan */
    size_t column_count;
    char delimiter;
    str null_text;       /* "-" */
    const str *required; /* names without which a file is refused */
    size_t required_count;
    packing packing;
    /* The header of files that begin with a record at once: with as many fields as it has, the
     * first of them a number. Empty: every file has a header of its own. */
    str bare_header;
    const char *known_as; /* for messages: "flow-log field" */
    /* Lines that cannot be records are noted and passed over, unless that is more than
     * TEXT_BAD_LINES_MAX of a file's lines or more than half of them: then, as without it always,
     * the file has a fault. */
    bool passes_bad_lines;
} text_options;

enum { TEXT_BAD_LINES_MAX = 1000 };

/* A line that cannot be a record. */
typedef struct text_bad_line {
    size_t file;
    uint64_t row;     /* its place among the records of the file */
    uint64_t line;    /* from 1 */
    str text, reason; /* the scan's; the text up to 4,096 bytes of it */
} text_bad_line;

/* A set of files with their headers read. Thread-safe after opening; close it after the last query
 * that reads it. */
typedef struct text_scan text_scan;

/* Reads every header, in parallel. Never fails for a bad file: see text_scan_fault. */
NODISCARD bool text_scan_open(sql_engine *e, const text_options *options, const str *paths,
                              size_t count, text_scan **ret_scan, error *err);
void text_scan_close(text_scan *s);
DEFINE_AUTO(text_scan, text_scan_close)

/* Why file `i` cannot be read; empty while nothing is known against it. Borrowed from the scan. */
str text_scan_fault(const text_scan *s, size_t i);
/* Read all files without giving out rows, in parallel, so that every bad one is known. */
void text_scan_check(text_scan *s);
/* The number of the line with the first record: 2, or 1 of a file without a header. */
uint64_t text_scan_first_line(const text_scan *s, size_t i);
/* Whether some good file has column `i` of the options. */
bool text_scan_has_column(const text_scan *s, size_t i);

/* The bad lines that were passed over since the scan was opened or they were forgotten; a file that
 * was read twice has them twice. Valid until the scan is read again. */
size_t text_scan_bad_lines(const text_scan *s, const text_bad_line **ret);
void text_scan_forget_bad_lines(text_scan *s);

/* The relation for FROM: all columns of the options (null where a file lacks one), then
 *     _file INTEGER  index of the file      _row BIGINT  number of the record in its file, from 0.
 * Files with a fault are left out. A query over a file that proves bad fails, and the fault is then
 * known. */
str text_scan_relation(const text_scan *s);

/* Called by the engine when it opens. */
bool text_register(sql_engine *e, error *err);
