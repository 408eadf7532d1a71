/* The browser UI's files, in the binary: tools/embed-ui makes the table from web/dist. */
#pragma once

#include <stddef.h>

typedef struct ui_file {
    const char *path; /* "/index.html" */
    const char *type; /* for Content-Type */
    const char *etag; /* quoted, of the content */
    const unsigned char *bytes;
    size_t len;
    const unsigned char *packed; /* gzip; NULL: it would not be smaller */
    size_t packed_len;
} ui_file;

extern const ui_file ui_files[]; /* sorted by path */
extern const size_t ui_file_count;
