/* Integers of a Parquet file that DuckDB wrote, without the annotations that DuckDB gives them.
 *
 * DuckDB says INT_32 and INT_64 of int and long columns; Iceberg's mapping has them plain, and the
 * vectorised reader of Iceberg for Spark (1.10) casts an annotated int column to its int vector
 * even where the table's column has become long, and fails. */
#pragma once

#include "base/error.h"

/* Rewrite the footer of the local file `path`, in place: nobody may know of the file yet.
 * `*ret_bytes`: its size afterwards. ERR_CORRUPT: no Parquet file. Source: parquet.thrift,
 * "SchemaElement"; Iceberg spec, Appendix A, "Parquet". */
NODISCARD bool parquet_make_plain(const char *path, int64_t *ret_bytes, error *err);
