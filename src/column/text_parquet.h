/* Delimited text straight to a Parquet file: parsed, coded and compressed on all processors. */
#pragma once

#include "column/parquet.h"
#include "column/text.h"

/* What an output column holds. ORIGIN_COPIED: column `source` of the scan's options (int32 into a
 * PARQUET_INT64 is fine). ORIGIN_CONSTANT: a number for each file. ORIGIN_KEY: texts made from row
 * numbers, by the keys' context of each file. */
typedef struct text_parquet_plan {
    const parquet_output *outputs;
    const size_t *sources;
    size_t output_count;
    const int64_t *const *constants; /* of each file: of each output */
    void *const *key_contexts;       /* of each file */
    void (*make_key)(void *context, uint64_t row, char ret_text[PARQUET_KEY_BYTES]);
} text_parquet_plan;

/* Write the records of all files without a fault to `path`; durable when it returns, and no file is
 * left on failure. ERR_CORRUPT: a file is bad, and its fault known (text_scan_fault). */
NODISCARD bool text_to_parquet(text_scan *s, arena *a, const char *path,
                               const text_parquet_plan *plan, parquet_result *ret, error *err);
