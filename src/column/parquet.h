/* Parquet files taken apart and put together again without decoding a value: a footer says where
 * each column's pages lie; row groups of several files become row groups of one, their pages
 * checked and compressed anew, with columns that are the same for a whole file or made from row
 * numbers. Source: parquet-format/src/main/thrift/parquet.thrift, Encodings.md, Compression.md. */
#pragma once

#include "base/error.h"

/* ---- Footer ---- */

typedef enum parquet_type {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32 = 1,
    PARQUET_INT64 = 2,
    PARQUET_INT96 = 3,
    PARQUET_FLOAT = 4,
    PARQUET_DOUBLE = 5,
    PARQUET_BYTE_ARRAY = 6,
    PARQUET_FIXED = 7,
} parquet_type;

/* What the values mean, of the pairs that can be carried over. */
typedef enum parquet_meaning {
    MEANING_PLAIN, /* numbers, booleans as they are */
    MEANING_TEXT,
    MEANING_DATE,
    MEANING_TIMESTAMP,     /* microseconds, local */
    MEANING_TIMESTAMP_UTC, /* microseconds, UTC */
    MEANING_OTHER,
} parquet_meaning;

typedef struct parquet_column {
    str name;
    parquet_type type;
    parquet_meaning meaning;
    bool is_optional;
} parquet_column;

typedef struct parquet_stats {
    int64_t null_count; /* -1: not known */
    str min, max;       /* in the plain encoding; NULL data: not known */
} parquet_stats;

/* The pages of one column in one row group. */
typedef struct parquet_chunk {
    int codec; /* as in parquet.thrift */
    int64_t value_count, offset, size_bytes, raw_bytes;
    uint32_t encodings; /* bit by number */
    parquet_stats stats;
} parquet_chunk;

typedef struct parquet_group {
    int64_t row_count;
    parquet_chunk *chunks; /* one for each column */
} parquet_group;

/* Of a file with top-level columns only. */
typedef struct parquet_footer {
    int64_t row_count;
    parquet_column *columns;
    size_t column_count;
    parquet_group *groups;
    size_t group_count;
} parquet_footer;

/* `bytes`: the whole file. `*ret` NULL: it is sound, but has nested columns, is encrypted or spread
 * over files. ERR_CORRUPT says what is wrong. */
NODISCARD bool parquet_footer_read(arena *a, str bytes, parquet_footer **ret, error *err);
/* Whether the footer of another file can say what the column is. */
bool parquet_column_can_be_copied(const parquet_column *c);
bool parquet_codec_is_known(int codec); /* plain, snappy, gzip, zstd */
/* Whether a text can be turned into null: the column may hold nulls, and its values are plain or of
 * a dictionary. */
bool parquet_text_can_be_null(const parquet_column *c, const parquet_chunk *chunk);

/* ---- Merging ---- */

typedef enum parquet_origin {
    ORIGIN_COPIED,   /* pages of a column of the input */
    ORIGIN_CONSTANT, /* one value for all rows of an input */
    ORIGIN_KEY,      /* texts of KEY_BYTES bytes made from row numbers */
} parquet_origin;

enum { PARQUET_KEY_BYTES = 36 };

/* A column of the output. */
typedef struct parquet_output {
    parquet_column column; /* constants and keys are written as optional */
    int32_t field_id;
    parquet_origin origin;
    str null_text; /* of a copied text column: becomes null; empty: none does */
} parquet_output;

typedef struct parquet_input {
    str bytes; /* the whole file */
    const parquet_footer *footer;
    const size_t *sources;    /* of each output: ORIGIN_COPIED: which column of the input */
    const int64_t *constants; /* of each output: ORIGIN_CONSTANT */
    /* Text of the key of a row (from 0) of this input; keys rise with rows. Any thread. */
    void (*make_key)(void *context, uint64_t row, char ret_text[PARQUET_KEY_BYTES]);
    void *key_context;
} parquet_input;

/* What became of a column, over all row groups. */
typedef struct parquet_written {
    int64_t size_bytes, value_count;
    parquet_stats stats;
} parquet_written;

typedef struct parquet_result {
    int64_t row_count, size_bytes;
    const parquet_written *columns; /* one for each output */
    const int64_t *group_offsets;   /* where each row group begins */
    size_t group_count;
} parquet_result;

/* Write all row groups of the inputs to `path`, on all processors, zstd-compressed; durable when it
 * returns, and no file is left on failure. ERR_CORRUPT: `*ret_input` is the input whose pages are
 * damaged; other failures leave it alone. Copied columns have the same type, meaning and
 * optionality in all inputs. */
NODISCARD bool parquet_merge(arena *a, const char *path, const parquet_output *outputs,
                             size_t output_count, const parquet_input *inputs, size_t input_count,
                             parquet_result *ret, size_t *ret_input, error *err);
