/* What the files that run jobs share. */
#pragma once

/* How the fault of an object begins that was listed, but could not be read as it was listed. It is
 * tried again. */
#define COPY_GONE "it was listed, but is not there"

#include "base/arena.h"
#include "base/vec.h"
#include "column/inflate.h"
#include "pipeline/job.h"

struct job {
    arena *arena; /* lifetime of the job */
    int lock;     /* see home_lock_job; -1: none */
    home *home;
    state_job record;
    job_limits limits;
    worksheet *worksheet;
    const statement *statement;
    catalog *catalog; /* of the target */
    sql_engine *engine;
    sql_connection *connection;
    struct copy_source *source; /* of a COPY job; see copy_source.c */
    struct upsert_index *index; /* of an INSERT job into a table with a primary key; see upsert.c */
};

/* ---- writer.c: SELECT → Parquet data file of a table ---- */

/* Write the rows of `select_sql` (columns named as in `schema`) to `uri`, durably. `*ret_has_rows`
 * false: there were none and no file stays. `partition`: one value for each field of the table's
 * default spec. */
bool writer_file(job *j, arena *a, const iceberg_table *t, const iceberg_schema *schema,
                 str select_sql, str uri, const value *partition, iceberg_file *ret_file,
                 bool *ret_has_rows, error *err);
/* The same for rows of any partition: `staged` is a table or relation that may be read several
 * times. */
typedef VEC(iceberg_file) file_vec;
bool writer_partitions(job *j, arena *a, const iceberg_table *t, const iceberg_schema *schema,
                       str staged, str output_prefix, file_vec *files, error *err);
/* <location>/data/<partition>/<name>.parquet */
str writer_uri(arena *a, const iceberg_table *t, const value *partition, str name);
/* Delete all files of the table's data folder whose name starts with `output_prefix`. */
bool writer_forget(const iceberg_table *t, str output_prefix, error *err);
void writer_discard(const iceberg_table *t, const iceberg_file *files, size_t count);

/* ---- copy_source.c: the objects of a COPY job ---- */

typedef struct copy_source copy_source;
/* Whether the options of a COPY job that say what it reads can be. */
bool copy_source_check(const worksheet *w, const statement *s, error *err);
bool copy_source_open(job *j, error *err);
void copy_source_close(copy_source *s);
/* Objects that no run has taken, oldest event first, up to the limits; newly bad-looking names are
 * left out. */
bool copy_source_find(job *j, arena *a, state_object **ret_objects, size_t *ret_count,
                      bool *ret_has_more, error *err);
/* How much the last search left for later, for those who watch. */
bool copy_source_note_pending(job *j, error *err);
/* $event_time of an object. */
int64_t copy_source_event_time(job *j, const store_object *object);
/* They are taken now (loaded or bad). */
void copy_source_taken(job *j, const state_object *objects, size_t count);

/* What COMPRESSION = name is; false: nothing that can be read. */
bool copy_compression_find(str name, packing *ret);

/* ---- the two kinds ---- */
bool copy_run(job *j, job_progress *ret, error *err);
/* Try the job's dead letters again. */
bool copy_replay(job *j, job_progress *ret, error *err);
bool insert_run(job *j, job_progress *ret, error *err);
/* Make a table `name` of up to `limit` rows that the next run would write. */
bool copy_preview(job *j, arena *a, str name, int64_t limit, error *err);
bool insert_preview(job *j, arena *a, str name, int64_t limit, error *err);
/* Whether its SELECT can be carried out; nothing is read. */
bool insert_check(job *j, arena *a, error *err);
/* What the next run will read, in lines. */
bool insert_explain(job *j, arena *a, strbuf *out, error *err);
void upsert_index_close(struct upsert_index *x);

/* The names of this job's properties in its target table. */
str job_property(const job *j, arena *a, const char *what);
int64_t job_property_int(const job *j, const iceberg_table *t, const char *what, int64_t otherwise);
bool job_target(job *j, arena *a, iceberg_table **ret_table, error *err);
/* The run did not get as far as its commit: delete its files, free its objects. Never fails. */
void job_abandon(job *j, const iceberg_table *t, const iceberg_file *files, size_t count,
                 int64_t run);
