/* Avro object container files, as far as Iceberg's manifests need them. Source: Avro 1.11
 * specification, "Data Serialization and Deserialization", "Object Container Files"; Iceberg spec,
 * "Appendix A: Avro". */
#pragma once

#include "base/error.h"
#include "column/value.h"

/* ---- Writing: the caller encodes each record by its own schema ---- */

void avro_put_long(strbuf *b, int64_t number); /* int and long: zigzag varint */
void avro_put_bytes(strbuf *b, str bytes);     /* bytes and string: length and content */
void avro_put_bool(strbuf *b, bool is_true);

/* A whole container file: `schema` and the pairs of `metadata` in its header, `records` as one
 * block. `codec`: "null", "deflate", "zstandard" or "snappy". */
str avro_container(arena *a, str schema, const str *metadata_keys, const str *metadata_values,
                   size_t metadata_count, str codec, str records, size_t record_count);

/* ---- Reading: by the schema in the file ---- */

/* Records as values: a record is a VALUE_MAP whose keys are the field ids (VALUE_INT) where the
 * schema has them, else the names; Iceberg's int-keyed maps (arrays of key-value records) are
 * VALUE_MAPs as well. */
typedef struct avro_file {
    const value *records;
    size_t record_count;
} avro_file;

/* Called for each record in turn. The record is valid during the call; its texts and bytes point
 * into `content` or the arena and stay. */
typedef bool (*avro_visit)(void *context, size_t number, const value *record, error *err);
/* Codecs null, deflate, zstandard and snappy. ERR_CORRUPT names `name` and the place. */
NODISCARD bool avro_each(arena *a, str content, str name, avro_visit visit, void *context,
                         error *err);
/* The same for files of any schema: keys of records are names, and nothing of a record stays. */
NODISCARD bool avro_each_by_name(arena *a, str content, avro_visit visit, void *context,
                                 error *err);
/* The schema's JSON, as the file has it; borrowed from `content`. */
NODISCARD bool avro_schema(arena *a, str content, str *ret_schema, error *err);
/* All of them, copied into `a`. */
NODISCARD bool avro_read(arena *a, str content, str name, avro_file *ret_file, error *err);
/* NULL when the record has no such field or it is null. */
const value *avro_field(const value *record, int32_t field_id);
