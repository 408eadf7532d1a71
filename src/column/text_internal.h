/* What the readers of delimited text share. */
#pragma once

#include <pthread.h>

#include "column/inflate.h"
#include "column/text.h"

enum { TEXT_FIELDS_MAX = 1024 };

/* One file and its header. */
typedef struct text_file {
    str path;
    int16_t *columns; /* field → column of the options */
    size_t field_count;
    str fault; /* set once, under the scan's lock */
} text_file;

struct text_scan {
    arena *arena;         /* under `lock` once the scan is open */
    pthread_mutex_t lock; /* guards `arena` and the faults */
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
} line_reader;

/* Lines of a file, its header first. */
bool text_lines_open(str path, line_reader *ret, error *err);
void text_lines_close(line_reader *r);
/* The next line without its end; `*ret_has_line` false at the end of the file. Valid until the next
 * call. */
bool text_lines_next(line_reader *r, str *ret_line, bool *ret_has_line, error *err);
/* The next record's fields; `*ret_has_record` false at the end. Empty lines are passed over. */
bool text_next_record(const text_scan *s, const text_file *f, line_reader *lines, str *fields,
                      bool *ret_has_record, error *err);
/* Check one field as its column's type; the number goes to `*ret_number` (a double by its bits). */
bool text_read_field(const text_scan *s, const line_reader *lines, int column, str field,
                     int64_t *ret_number, error *err);
void text_set_fault(text_scan *s, size_t i, const char *why);
