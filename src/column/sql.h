/* SQL over Parquet, text and in-memory tables, run by DuckDB. Only this folder knows DuckDB. */
#pragma once

#include "base/error.h"
#include "column/batch.h"

/* One engine a process: threads, memory limit, functions. Thread-safe. */
typedef struct sql_engine sql_engine;
/* One conversation; temporary tables belong to it. Not thread-safe, except sql_interrupt. */
typedef struct sql_connection sql_connection;
/* Rows of a running query. One at a time on a connection. */
typedef struct sql_stream sql_stream;

typedef struct sql_options {
    int threads;          /* 0: as many as processors */
    size_t memory_bytes;  /* 0: 1 GiB; above it DuckDB spills to `temporary_folder` */
    str temporary_folder; /* made on first use */
} sql_options;

NODISCARD bool sql_engine_open(const sql_options *options, sql_engine **ret_engine, error *err);
void sql_engine_close(sql_engine *e);
NODISCARD bool sql_connect(sql_engine *e, sql_connection **ret_connection, error *err);
void sql_disconnect(sql_connection *c);
DEFINE_AUTO(sql_engine, sql_engine_close)
DEFINE_AUTO(sql_connection, sql_disconnect)

/* Errors: ERR_INVALID with DuckDB's own text (it points into the statement), ERR_CANCELLED after
 * sql_interrupt, ERR_LIMIT when memory ran out, ERR_IO and ERR_CORRUPT from files. */

/* Run statements for their effect; `;` separates several. */
NODISCARD bool sql_run(sql_connection *c, str statements, error *err);
/* Run one query; rows come as batches, on demand. */
NODISCARD bool sql_query(sql_connection *c, str query, sql_stream **ret_stream, error *err);
size_t sql_stream_column_count(const sql_stream *s);
str sql_stream_column_name(const sql_stream *s, size_t column);
column_type sql_stream_column_type(const sql_stream *s, size_t column);
str sql_stream_column_type_text(const sql_stream *s,
                                size_t column); /* DuckDB's own name, e.g. "DECIMAL(18,3)" */
/* `*ret_batch` is NULL at the end; valid until the next call. */
NODISCARD bool sql_stream_next(sql_stream *s, batch **ret_batch, error *err);
void sql_stream_close(sql_stream *s); /* NULL is fine */
DEFINE_AUTO(sql_stream, sql_stream_close)
/* Run one query and keep all of it in `a`; for small results. The batch may hold more than
 * BATCH_ROWS rows. */
NODISCARD bool sql_query_all(sql_connection *c, arena *a, str query, batch **ret_rows, error *err);
/* One row, one column: a number. */
NODISCARD bool sql_query_int(sql_connection *c, str query, int64_t *ret_value, error *err);
/* Make the statement that runs on `c` fail with ERR_CANCELLED. From any thread. */
void sql_interrupt(sql_connection *c);
/* The same for every connection of the engine: the program is ending. */
void sql_engine_interrupt(sql_engine *e);

/* ---- C functions in SQL; registered once an engine, before the first query that names them. ----
 */

/* Pass every batch of rows to `sink`, from several threads at once, in no order:
 *     SELECT sum(name(a, b)) FROM …
 * Each row counts 1. `sink` reads `in` (valid during the call; rows ≤ BATCH_ROWS) and must be
 * thread-safe; false ends the query with its error. Types as in `types`; null rows are passed on.
 */
typedef bool (*sql_sink)(void *context, const batch *in, error *err);
NODISCARD bool sql_register_sink(sql_engine *e, const char *name, const column_type *types,
                                 size_t type_count, sql_sink sink, void *context, error *err);
/* A function of one text column to an unsigned 32-bit number, held in COLUMN_INT64, which DuckDB
 * runs once per dictionary entry where it can. It gets some texts at a time, runs of one and the
 * same as one. Null stays null. Thread-safe, cannot fail. */
typedef void (*sql_encode)(void *context, const str *texts, size_t count, uint32_t *ret_codes);
NODISCARD bool sql_register_encode(sql_engine *e, const char *name, sql_encode encode,
                                   void *context, error *err);

/* Functions of numbers that jobs name in their SQL: (object, row) → text of up to
 * SQL_ROW_TEXT_BYTES, and object → time in microseconds. Thread-safe, cannot fail; NULL in, NULL
 * out. */
enum { SQL_ROW_TEXT_BYTES = 64 };
typedef size_t (*sql_row_text)(void *context, int64_t object, int64_t row, char *ret_text);
typedef int64_t (*sql_row_time)(void *context, int64_t object);
NODISCARD bool sql_register_row_text(sql_engine *e, const char *name, sql_row_text text,
                                     void *context, error *err);
NODISCARD bool sql_register_row_time(sql_engine *e, const char *name, sql_row_time time,
                                     void *context, error *err);
/* A filter of two numbers: (x, y) → whether to keep the row. Thread-safe, cannot fail. */
typedef void (*sql_row_filter)(void *context, const int64_t *x, const int64_t *y, size_t rows,
                               bool *ret_keep);
NODISCARD bool sql_register_row_filter(sql_engine *e, const char *name, sql_row_filter filter,
                                       void *context, error *err);
