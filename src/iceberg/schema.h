/* Iceberg schemas and partition specs as plain, immutable values. Source: Iceberg spec, "Schemas
 * and Data Types", "Partitioning". */
#pragma once

#include "base/error.h"
#include "column/value.h"

typedef enum iceberg_kind {
    ICEBERG_BOOLEAN,
    ICEBERG_INT,
    ICEBERG_LONG,
    ICEBERG_FLOAT,
    ICEBERG_DOUBLE,
    ICEBERG_DECIMAL, /* precision, scale */
    ICEBERG_DATE,
    ICEBERG_TIME,
    ICEBERG_TIMESTAMP,
    ICEBERG_TIMESTAMPTZ,
    ICEBERG_STRING,
    ICEBERG_UUID,
    ICEBERG_FIXED, /* length */
    ICEBERG_BINARY,
    ICEBERG_TIMESTAMP_NS, /* from here on: format version 3 */
    ICEBERG_TIMESTAMPTZ_NS,
    ICEBERG_UNKNOWN,
    ICEBERG_VARIANT,
    ICEBERG_GEOMETRY,  /* `text`: the whole type, with its reference system */
    ICEBERG_GEOGRAPHY, /* likewise */
    ICEBERG_STRUCT,
    ICEBERG_LIST,
    ICEBERG_MAP,
} iceberg_kind;

typedef struct iceberg_type iceberg_type;

typedef struct iceberg_field {
    int32_t id; /* 0: not given yet; iceberg_schema_assign_ids gives one */
    str name;
    bool is_required;
    const iceberg_type *type;
    str doc;
    str initial_default; /* version 3: JSON of the value of rows written before the column; or empty
                          */
    str write_default;   /* version 3: JSON of the value of rows that do not give one; or empty */
} iceberg_field;

struct iceberg_type {
    iceberg_kind kind;
    int32_t precision, scale, length;
    const iceberg_field
        *fields; /* of a struct; of a list one (element); of a map two (key, value) */
    size_t field_count;
    str text;
};

typedef struct iceberg_schema {
    int32_t id;
    const iceberg_field *fields; /* top-level columns, in order */
    size_t field_count;
    const int32_t *identifier_ids; /* the primary key: identifier-field-ids */
    size_t identifier_count;
} iceberg_schema;

typedef enum iceberg_transform_kind {
    TRANSFORM_IDENTITY,
    TRANSFORM_BUCKET,
    TRANSFORM_TRUNCATE,
    TRANSFORM_YEAR,
    TRANSFORM_MONTH,
    TRANSFORM_DAY,
    TRANSFORM_HOUR,
    TRANSFORM_VOID,
    TRANSFORM_UNKNOWN, /* of a later version of the format: can be carried, not computed */
} iceberg_transform_kind;

typedef struct iceberg_partition_field {
    int32_t source_id, field_id; /* field_id from 1000 up */
    str name;
    iceberg_transform_kind transform;
    int32_t argument; /* of bucket[N] and truncate[W] */
    str text;         /* of an unknown transform: as it was read */
} iceberg_partition_field;

typedef struct iceberg_spec {
    int32_t id;
    const iceberg_partition_field *fields;
    size_t field_count; /* 0: unpartitioned */
} iceberg_spec;

typedef struct iceberg_sort_field {
    int32_t source_id;
    iceberg_transform_kind transform;
    int32_t argument;
    bool is_descending, nulls_last;
} iceberg_sort_field;

typedef struct iceberg_sort_order {
    int32_t id; /* 0: unsorted */
    const iceberg_sort_field *fields;
    size_t field_count;
} iceberg_sort_order;

/* Types without arguments: static values. */
const iceberg_type *iceberg_primitive(iceberg_kind kind);
/* "long", "decimal(9, 2)", "list<string>" as the spec writes primitive types. */
str iceberg_type_text(arena *a, const iceberg_type *type);
/* The DuckDB type that reads and writes it: "BIGINT", "DECIMAL(9,2)", "TIMESTAMP". */
str iceberg_type_sql(arena *a, const iceberg_type *type);
/* The Iceberg type for DuckDB's name of one, e.g. "UINTEGER" → long; false when there is none. */
bool iceberg_type_of_sql(arena *a, str sql_type, const iceberg_type **ret_type);
/* NULL when there is no such column. */
const iceberg_field *iceberg_schema_find(const iceberg_schema *s, str name);
const iceberg_field *iceberg_schema_find_id(const iceberg_schema *s, int32_t id);
/* A field at any depth: inside structs, lists and maps as well. */
const iceberg_field *iceberg_schema_find_deep(const iceberg_schema *s, int32_t id);
/* Whether the spec lets a column change from one type to the other (int→long, float→double, wider
 * decimal). */
bool iceberg_type_can_widen(const iceberg_type *from, const iceberg_type *to);
/* A copy of `s` with `added` columns appended, whose ids follow `last_id`; `*last_id` is moved on.
 */
const iceberg_schema *iceberg_schema_with(arena *a, const iceberg_schema *s,
                                          const iceberg_field *added, size_t added_count,
                                          int32_t *last_id);
