/* A Parquet file that is being written: row groups come from any thread, the footer at the end. */
#pragma once

#include "column/parquet_page.h"

typedef struct parquet_file parquet_file;

/* `path`, `outputs` and `a` outlive the file; results lie in `a`, which nobody else uses meanwhile.
 */
NODISCARD bool parquet_file_open(arena *a, const char *path, const parquet_output *outputs,
                                 size_t output_count, parquet_file **ret_file, error *err);
/* Add a row group: the pages of all its columns, and a chunk for each output whose offsets count
 * from the beginning of `bytes`. Any thread. */
NODISCARD bool parquet_file_add(parquet_file *f, str bytes, const made_chunk *chunks,
                                int64_t row_count, error *err);
/* Write the footer; durable when it returns. */
NODISCARD bool parquet_file_finish(parquet_file *f, parquet_result *ret, error *err);
/* A file that was not finished is deleted. */
void parquet_file_close(parquet_file *f);
DEFINE_AUTO(parquet_file, parquet_file_close)
