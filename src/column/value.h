/* One value of any type that a query language can hold: a cell, a property, a list, a vertex, a
 * path. */
#pragma once

#include "base/str.h"

typedef enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT, /* int64 */
    VALUE_DOUBLE,
    VALUE_DECIMAL, /* `text` holds its plain digits */
    VALUE_STRING,
    VALUE_BINARY,
    VALUE_UUID,      /* `text` holds its 36 characters */
    VALUE_DATE,      /* `integer`: days since 1970-01-01 */
    VALUE_TIME,      /* `integer`: microseconds of the day */
    VALUE_TIMESTAMP, /* `integer`: microseconds since 1970-01-01 UTC */
    VALUE_LIST,
    VALUE_SET,
    VALUE_MAP,
    VALUE_VERTEX,   /* `ref`, a graph's vertex reference */
    VALUE_EDGE,     /* `ref`, a graph's edge reference */
    VALUE_PROPERTY, /* `map` of one key and value; keys[1] is the vertex or edge that has it */
    VALUE_PATH,     /* `list`: the `count` objects passed, then in items[count..2*count) the list of
                       each one's labels */
    VALUE_ENTRY,    /* `map` of one key and value, taken out of a map */
    VALUE_TOKEN,    /* `text`, a name of Gremlin's T (id, label, key, value) or Direction (OUT, IN):
                       a key of elementMap() */
    VALUE_TREE,     /* `map`: what was passed → the tree behind it */
    VALUE_GRAPH,    /* `list`: a part of a graph, its vertices and then its edges */
    /* openCypher's, beside VALUE_DATE; see column/temporal.h */
    VALUE_LOCAL_TIME,     /* `integer`: nanoseconds of the day */
    VALUE_ZONED_TIME,     /* `zoned_time` */
    VALUE_LOCAL_DATETIME, /* `datetime`, its seconds those of the wall clock */
    VALUE_DATETIME,       /* `datetime` */
    VALUE_DURATION,       /* `duration` */
    VALUE_POINT,          /* `point` */
} value_kind;

enum { WIDTH_WHOLE = 128 };

/* A plain value; what it points at belongs to the arena of the query that made it. */
typedef struct value value;
struct value {
    value_kind kind;
    /* Bits of a number as Gremlin types it: of VALUE_INT 8, 16, 32 or 64, of VALUE_DOUBLE 32 or 64;
     * 0 is 64. VALUE_DECIMAL with WIDTH_WHOLE is a whole number of any size (BigInteger), else a
     * BigDecimal. Comparison, equality and hash pass over it. */
    uint8_t width;
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
        } map; /* in insertion order */
        struct {
            int64_t nanos; /* of the day, on the clock that the offset belongs to */
            int32_t offset_s;
        } zoned_time;
        struct {
            int64_t seconds; /* since 1970-01-01 UTC */
            int32_t nanos;   /* 0 to 999,999,999 */
            int32_t offset_s;
            const struct time_zone *zone; /* NULL: the offset is all there is */
        } datetime;
        const struct duration *duration;
        const struct point *point;
    };
};

/* Total order over all kinds, used by ORDER BY, DISTINCT and grouping; numbers compare across
 * kinds. NULL is last. */
int value_compare(const value *a, const value *b);
/* The same in the order of openCypher's ORDER BY, min() and max(). */
int value_compare_cypher(const value *a, const value *b);
bool value_equal(const value *a, const value *b);
uint64_t value_hash(const value *v); /* equal values hash alike, 1 and 1.0 too */
/* A deep copy; nothing of it points into `v`'s memory. */
value value_copy(arena *a, const value *v);

static inline value value_null(void)
{
    return (value){ .kind = VALUE_NULL };
}
static inline value value_bool(bool b)
{
    return (value){ .kind = VALUE_BOOL, .boolean = b };
}
static inline value value_int(int64_t i)
{
    return (value){ .kind = VALUE_INT, .integer = i };
}
static inline value value_int32(int32_t i)
{
    return (value){ .kind = VALUE_INT, .width = 32, .integer = i };
}
static inline value value_double(double d)
{
    return (value){ .kind = VALUE_DOUBLE, .real = d };
}
static inline value value_text(str s)
{
    return (value){ .kind = VALUE_STRING, .text = s };
}
static inline value value_list(value *items, size_t count)
{
    return (value){ .kind = VALUE_LIST, .list = { items, count } };
}
static inline bool value_is_number(const value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_DOUBLE || v->kind == VALUE_DECIMAL;
}
double value_to_double(const value *v); /* of a number */
