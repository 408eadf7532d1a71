/* What the readers of delimited text share. */
#pragma once

#include <pthread.h>

#include "base/vec.h"
#include "column/inflate.h"
#include "column/text.h"

enum { TEXT_FIELDS_MAX = 1024 };

/* One file and its header. */
typedef struct text_file {
    str path;
    int16_t *columns; /* field → column of the options */
    size_t field_count;
    bool is_bare; /* it has no header */
    str fault;    /* set once, under the scan's lock */
} text_file;

struct text_scan {
    arena *arena;         /* under `lock` once the scan is open */
    pthread_mutex_t lock; /* guards `arena`, the faults and what is bad */
    arena *bad_arena;
    VEC(text_bad_line) bad;
    size_t bad_bytes;
    text_options options;
    text_file *files;
    size_t file_count;
    int64_t number;
    str relation;
};

/* Lines of one file, in order. */
typedef struct line_reader {
    inflate_reader *source;
    char *window; /* WINDOW_BYTES, grown for long lines */
    size_t capacity, from, to;
    bool is_at_end;
    uint64_t line; /* number of the line that was read last, from 1 */
    str text;      /* that line */
    bool is_bad;   /* what failed last is that line's fault, not the file's */
    size_t bad_count;
} line_reader;

/* Lines of a file from its first record on. */
bool text_records_open(const text_scan *s, const text_file *f, line_reader *ret, error *err);
void text_lines_close(line_reader *r);
/* The next line without its end; `*ret_has_line` false at the end of the file. Valid until the next
 * call. */
bool text_lines_next(line_reader *r, str *ret_line, bool *ret_has_line, error *err);
/* The next record's fields; `*ret_has_record` false at the end. Empty lines are passed over. */
bool text_next_record(const text_scan *s, const text_file *f, line_reader *lines, str *fields,
                      bool *ret_has_record, error *err);
/* Check one field as its column's type; the number goes to `*ret_number` (a double by its bits). */
bool text_read_field(const text_scan *s, line_reader *lines, int column, str field,
                     int64_t *ret_number, error *err);
/* After a failure in record `row`: whether it is a line that can be passed over. Then it is noted
 * and `err` clear; else `err` stays, or says that there are too many of them. */
bool text_pass_bad_line(text_scan *s, size_t file, line_reader *lines, uint64_t row, error *err);
/* At the end of a file of `rows` lines, bad ones counted: whether enough of them are records. */
bool text_check_bad_lines(text_scan *s, size_t file, const line_reader *lines, uint64_t rows,
                          error *err);
void text_set_fault(text_scan *s, size_t i, const char *why);
