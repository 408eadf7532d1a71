/* Pages of a text column in which one text stands for null: it is taken out. */
#pragma once

#include "column/parquet_page.h"

/* What is known of the chunk at hand. */
typedef struct null_text {
    str text;
    uint32_t entry_count;
    int64_t entry;     /* of the dictionary that is the text; -1: none is */
    int64_t taken_out; /* values so far */
    str min, max;      /* of the texts that stay; borrowed from `texts` */
    arena *texts;
} null_text;

/* Remember a dictionary page. */
NODISCARD bool null_text_dictionary(null_text *n, str raw, int64_t value_count, error *err);
/* A data page of `value_count` values: `levels` (definition levels in the RLE hybrid, without a
 * length) and `values` in the plain encoding or as dictionary indexes. `*ret_is_changed` false: it
 * holds no such text. Else the new levels and values, in `a`, with the number of values that became
 * null. */
typedef struct null_text_page {
    str levels, values;
    int64_t taken_out;
} null_text_page;
NODISCARD bool null_text_page_make(null_text *n, arena *a, str levels, str values,
                                   bool is_dictionary, int64_t value_count, bool *ret_is_changed,
                                   null_text_page *ret, error *err);
