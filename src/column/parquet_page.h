/* Pages of a column chunk: taken from a file, made of one value, or made from row numbers. */
#pragma once

#include "column/parquet.h"

/* What one thread needs to make pages; its buffers are used again and again. */
typedef struct page_maker page_maker;
page_maker *page_maker_new(void);
void page_maker_free(page_maker *m);
DEFINE_AUTO(page_maker, page_maker_free)

/* A finished chunk; offsets count from the beginning of the maker's output. */
typedef struct made_chunk {
    int64_t value_count, raw_bytes, size_bytes;
    int64_t dictionary_offset, data_offset; /* dictionary -1: none */
    uint32_t encodings;                     /* bit by number */
    parquet_stats stats;                    /* borrowed, or in `a` */
} made_chunk;

void page_maker_reset(page_maker *m);
str page_maker_output(const page_maker *m);

/* Append the pages of a chunk of `bytes`, checked and compressed anew; where `null_text` is not
 * empty, it becomes null. */
NODISCARD bool page_maker_copy(page_maker *m, arena *a, str bytes, const parquet_column *column,
                               const parquet_chunk *chunk, str null_text, made_chunk *ret,
                               error *err);
/* Append a page that is ready but for its compression: a dictionary in the plain encoding, or
 * values with definition levels before them. */
typedef enum made_page { MADE_DICTIONARY, MADE_PLAIN, MADE_INDEXES } made_page;
made_chunk made_chunk_new(void);
/* Definition levels of `count` values, none of them null. */
void page_put_levels(strbuf *b, uint64_t count);
NODISCARD bool page_maker_add(page_maker *m, made_page kind, str raw, int64_t value_count,
                              made_chunk *chunk, error *err);
NODISCARD bool page_maker_constant(page_maker *m, arena *a, parquet_type type, int64_t v,
                                   int64_t row_count, made_chunk *ret, error *err);
/* Keys of rows [first, first + row_count) of an input. */
NODISCARD bool page_maker_keys(page_maker *m, arena *a, const parquet_input *input, uint64_t first,
                               int64_t row_count, made_chunk *ret, error *err);
