/* A Parquet column chunk built value by value: a dictionary while few values differ, plain beyond.
 */
#pragma once

#include "column/parquet_page.h"

typedef struct column_builder column_builder;

/* Of texts, and of numbers of `type` (PARQUET_INT32, PARQUET_INT64, PARQUET_DOUBLE by its bits). */
column_builder *column_builder_new(parquet_type type);
void column_builder_free(column_builder *b);
void column_builder_null(column_builder *b);
void column_builder_number(column_builder *b, int64_t v);
void column_builder_text(column_builder *b, str v);
/* Append the chunk's pages to `m` and start anew; statistics lie in `a`. */
NODISCARD bool column_builder_finish(column_builder *b, page_maker *m, arena *a, made_chunk *ret,
                                     error *err);
