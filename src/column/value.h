/* One value of any type that a query language can hold: a cell, a property, a list, a vertex, a path. */
#pragma once

#include "base/str.h"

typedef enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,          /* int64 */
    VALUE_DOUBLE,
    VALUE_DECIMAL,      /* `text` holds its plain digits */
    VALUE_STRING,
    VALUE_BINARY,
    VALUE_UUID,         /* `text` holds its 36 characters */
    VALUE_DATE,         /* `integer`: days since 1970-01-01 */
    VALUE_TIME,         /* `integer`: microseconds of the day */
    VALUE_TIMESTAMP,    /* `integer`: microseconds since 1970-01-01 UTC */
    VALUE_LIST,
    VALUE_SET,
    VALUE_MAP,
    VALUE_VERTEX,       /* `ref`, a graph's vertex reference */
    VALUE_EDGE,         /* `ref`, a graph's edge reference */
    VALUE_PROPERTY,     /* a property with its key: `map` of one entry */
    VALUE_PATH,         /* `list`: what was passed; `labels` beside it */
} value_kind;

/* A plain value; what it points at belongs to the arena of the query that made it. */
typedef struct value value;
struct value {
    value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        str text;
        uint64_t ref;
        struct {
            value *items;
            size_t count;
        } list;
        struct value_pairs {
            value *keys, *values;
            size_t count;
        } map;                       /* in insertion order */
    };
};

/* Total order over all kinds, used by ORDER BY, DISTINCT and grouping; numbers compare across kinds. NULL is last. */
int value_compare(const value *a, const value *b);
bool value_equal(const value *a, const value *b);
uint64_t value_hash(const value *v);
