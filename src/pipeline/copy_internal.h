/* What the files of a COPY run share. */
#pragma once

#include <stdio.h>

#include "column/text.h"
#include "pipeline/expectations.h"

#define EVENT_DATE "$event_date"
#define EVENT_TIME "$event_time"

/* What reads an object. */
typedef enum object_reader {
    READER_FLOW_TEXT, /* our own: flow logs with a header */
    READER_PARQUET,
    READER_CSV, /* DuckDB: also TSV and text without a header */
    READER_JSON,
} object_reader;

/* A line of CSV or JSON that cannot be a record. */
typedef struct bad_record {
    uint64_t row;         /* its place among the records of the file */
    uint64_t line, lines; /* where it begins, from 1, and how many it takes */
    str text, reason;     /* the text up to 4,096 bytes of it */
} bad_record;

/* An object of the run. */
typedef struct run_object {
    state_object object;
    str path;
    str shown; /* to people and dead letters: the path of a local file, else the URI */
    object_reader reader;
    uint64_t first_line;   /* of flow-log text: the line of its first record */
    str json_columns;      /* of an Avro file that became JSON: columns of read_json; else empty */
    bool is_unpacked;      /* `path` is of an unpacked copy */
    bool is_text, is_good; /* is_text: reader is READER_FLOW_TEXT */
    char fault[ERROR_MESSAGE_BYTES];
    size_t shape;    /* of other than flow-log text: index into the run's shapes */
    bad_record *bad; /* of CSV and JSON: what `path`, a copy, lacks; by row */
    size_t bad_count;
    int looks; /* that were taken for bad lines */
} run_object;

/* Files of one reader with the same columns. */
typedef struct shape {
    str signature;
    size_t column_count;
    str *names, *types; /* DuckDB's names of types */
    str *raw_names;     /* as the file has them; NULL of Parquet */
    bool *is_nested;    /* shown as JSON text */
    bool is_message;    /* Firehose: the columns stand in the one text column "message" */
} shape;

/* A run under way. */
typedef struct copy {
    job *job;
    arena *arena;
    const iceberg_table *table;
    run_object *objects;
    size_t object_count;
    VEC(shape) shapes;
    const iceberg_schema *schema; /* after evolution */
    bool has_new_columns;
    str output_prefix;
    file_vec files;
    int64_t rows;
    bool has_faults; /* the fast path has marked a file */
    str preview;     /* a table to put the rows in instead of the target; empty: this is a run */
    int64_t preview_limit;
    str replay; /* a relation of dead letters: only these rows are loaded; empty: all */
    int64_t run;
    int64_t started_us; /* once $commit_time was asked for */
    expectation_counts counts;
    int64_t bad_lines;
    VEC(str) unpacked; /* paths of unpacked copies */
    file_vec dead;     /* data files of dead letters */
} copy;

/* A source of one statement: a text scan or the files of one shape. */
typedef struct part {
    str relation; /* with "_object" and "_row" */
    size_t column_count;
    str *names, *types;
    bool is_parquet;
} part;

/* The objects of one day: text ones stand together, first. */
typedef struct day_objects {
    int32_t day;
    size_t from, text_to, to;
    text_scan *scan; /* NULL: no text */
} day_objects;

/* ---- copy_current.c: what SQL functions ask about the run ---- */

bool copy_register_functions(job *j, error *err);
/* From now on they ask about this run. */
void copy_publish_objects(copy *c);
uint32_t copy_object_of_path(str path);
/* RFC 9562 version 8: 60 bits of the hash of the object's URI, 2 more in the variant's byte, then
 * the row. The same object and row give the same key whenever they are loaded; 36 characters. */
void copy_row_key(uint64_t object_hash, uint64_t row, char *ret_text);

/* ---- copy_look.c: what the objects are ---- */

str copy_content_type(const job *j);
/* Finds the reader of an object that has its path, or its fault. */
void copy_look_at(copy *c, store *s, run_object *o, str type);
void copy_set_fault(run_object *o, const char *why);
/* Group the good objects that are not flow-log text by their columns. */
bool copy_find_shapes(copy *c, error *err);
/* Find the files that make statements fail; the number found. */
size_t copy_find_faults(copy *c);
/* "['path', …]" of objects by index. */
void copy_add_paths(strbuf *b, const copy *c, const size_t *objects, size_t count);

/* ---- copy_schema.c: columns of the target ---- */

/* The column transformations of the job, or NULL. */
const option *copy_transformations(const job *j);
/* What a column that arrives with DuckDB type `type` is in the table: flow-log fields have their
 * own types. */
bool copy_arriving_type(arena *a, str name, str type, const iceberg_type **ret, error *err);
bool copy_type_fits(const iceberg_type *arriving, const iceberg_type *column);
/* Check what the transformations read, and set `c->schema`: the table's, or what it grows to. */
bool copy_grow_schema(copy *c, day_objects *days, size_t day_count, error *err);

/* ---- copy_part.c ---- */

part copy_text_part(copy *c, const text_scan *scan, size_t first_object);
part copy_shape_part(copy *c, size_t shape_index, const size_t *objects, size_t count);
/* Its rows with the target's columns. */
str copy_part_select(copy *c, const part *p, int32_t day);

/* ---- copy_day.c ---- */

/* Open the scan of a day's text files. */
bool copy_day_open(copy *c, day_objects *d, error *err);
/* Carry the scan's faults over; the number of new ones. */
size_t copy_day_note_faults(copy *c, const day_objects *d);
bool copy_day_write(copy *c, day_objects *d, error *err);

/* ---- copy_unpack.c ---- */

/* COMPRESSION of the job. */
packing copy_packing(const job *j);
/* Let an unpacked copy stand for an object that DuckDB would not unpack. */
bool copy_unpack(copy *c, run_object *o, error *err);
/* A file to unpack into, forgotten with the others. */
bool copy_open_unpacked(copy *c, str *ret_path, FILE **ret_file, error *err);
void copy_forget_unpacked(copy *c);

/* ---- copy_avro.c ---- */

/* Let JSON lines stand for an Avro file. */
bool copy_avro_unpack(copy *c, run_object *o, error *err);

/* ---- copy_bad_lines.c ---- */

/* Whether a line that cannot be a record is a dead letter; else its file is refused. */
bool copy_passes_bad_lines(const job *j);
/* Write the bad lines that the day's scan has passed over to the dead letters. */
bool copy_bad_lines_write(copy *c, const day_objects *d, str name, error *err);
/* The same of these objects, CSV or JSON. */
bool copy_bad_records_write(copy *c, const size_t *objects, size_t count, str name, error *err);

/* ---- copy_lines.c: bad lines of CSV and JSON ---- */

/* After `o` could not be read: let a copy without its bad lines stand for it. False when there are
 * none that may be set aside, with an error when the file is to be refused for them. `s`: its shape
 * where that is known, else NULL. */
bool copy_lines_set_aside(copy *c, run_object *o, const shape *s, error *err);
/* The row of the file itself that row `row` of its copy is. */
size_t copy_lines_row(const run_object *o, uint64_t row);

/* ---- copy_load.c ---- */

/* Fetch the objects and write the data files; what is bad has its fault. */
bool copy_load(copy *c, error *err);
/* The local copies have served. */
void copy_forget(copy *c);

/* ---- copy_format.c: what is neither Parquet nor flow-log text with a header ---- */

/* Of an object that is not Parquet. `type`: the job's CONTENT_TYPE. */
object_reader copy_format_tell(const copy *c, const run_object *o, str type);
/* Whether a JSON file is nested as deep as can be read. */
bool copy_format_check_json(const copy *c, const run_object *o, error *err);
/* Whether the lines of a CSV or TSV file are as long and wide as can be read. */
bool copy_format_check_csv(const copy *c, const run_object *o, error *err);
/* How a CSV or TSV file is parted. */
typedef struct csv_lines {
    char delimiter, escape; /* '"' unless declared */
    bool has_header;
    size_t columns; /* that are declared; 0: the header tells */
} csv_lines;
csv_lines copy_format_csv_lines(const copy *c, const run_object *o);
/* "read_csv('path', …)" */
str copy_format_csv_call(const copy *c, const run_object *o);
bool copy_format_shape(copy *c, const run_object *o, shape *s, error *err);
/* A SELECT of its columns, "_object" and "_row". */
str copy_format_relation(copy *c, size_t object, const shape *s);

/* ---- copy_checked.c: jobs with expectations ---- */

/* The further columns of a part's SELECT: whether each expectation holds, "_object" and "_row". */
void copy_add_checks(const copy *c, strbuf *b);
/* The rows that pass, with the target's columns. */
str copy_checked_preview(const copy *c, str select);
/* Count what breaks the expectations, write dead letters. `is_staged`: the rows are put into a
 * table first, else `select` may be read several times. `*ret_select`: the rows that are loaded. */
bool copy_checked(copy *c, str select, bool is_staged, str name, str *ret_select, error *err);

/* ---- copy_fast.c: files that have the table's columns ---- */

/* Which of the objects, all of them good Parquet files, can be taken over page by page: their
 * number; they come first in `objects`. */
size_t copy_fast_find(copy *c, size_t *objects, size_t count);
/* Write them to data files of the day. A file that proves damaged is marked, `c->has_faults` set,
 * and the result false. */
bool copy_fast_write(copy *c, int32_t day, const size_t *objects, size_t count, str name,
                     error *err);
/* Whether the records of a text scan can be written without SQL; and that: `first` is the object of
 * the scan's first file. A file that proves bad has its fault known to the scan. */
bool copy_fast_can_write_text(copy *c, const text_scan *scan);
bool copy_fast_write_text(copy *c, int32_t day, text_scan *scan, size_t first, size_t count,
                          str name, error *err);
