/* Thrift's compact protocol, as far as Parquet's metadata needs it. Source:
 * thrift-compact-protocol.md.
 *
 * A reader never leaves its bytes: what is cut off, too deep or too long marks it bad, everything
 * read from then on is zero, and the caller asks `is_bad` once at the end. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

typedef enum thrift_type {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
} thrift_type;

typedef struct thrift_reader {
    const uint8_t *at, *end;
    bool is_bad;
} thrift_reader;

/* One field of a struct; `*last_id` begins at 0 for each struct. THRIFT_STOP at its end. */
thrift_type thrift_field(thrift_reader *r, int *last_id);
int64_t thrift_int(thrift_reader *r); /* of I16, I32, I64 */
str thrift_binary(thrift_reader *r);  /* borrowed */
/* Number of items; bad when they cannot be in what is left. */
size_t thrift_list(thrift_reader *r, thrift_type *ret_item);
void thrift_skip(thrift_reader *r, thrift_type type);

/* Writers append to a buffer; fields of a struct in rising order. */
void thrift_put_field(strbuf *b, int *last_id, int id, thrift_type type);
void thrift_put_int(strbuf *b, int64_t v);
void thrift_put_binary(strbuf *b, str v);
void thrift_put_list(strbuf *b, thrift_type item, size_t count);
void thrift_put_stop(strbuf *b);
/* A field with its value. */
void thrift_put_int_field(strbuf *b, int *last_id, int id, thrift_type type, int64_t v);
void thrift_put_binary_field(strbuf *b, int *last_id, int id, str v);
void thrift_put_bool_field(strbuf *b, int *last_id, int id, bool v);
