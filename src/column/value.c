/* Order, equality, hash and copy of values of every kind. */
#include "column/value.h"

#include <math.h>

#include "base/arena.h"
#include "base/hash.h"
#include "column/temporal.h"

/* Kinds that compare with each other share a rank; ranks order the others. NULL is last. */
static int rank_of(value_kind kind)
{
    switch (kind) {
    case VALUE_BOOL: return 1;
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_DECIMAL: return 2;
    case VALUE_DATE: return 3;
    case VALUE_TIMESTAMP: return 4;
    case VALUE_TIME: return 5;
    case VALUE_STRING: return 6;
    case VALUE_UUID: return 7;
    case VALUE_BINARY: return 8;
    case VALUE_VERTEX: return 9;
    case VALUE_EDGE: return 10;
    case VALUE_PROPERTY: return 11;
    case VALUE_PATH: return 12;
    case VALUE_SET: return 13;
    case VALUE_LIST: return 14;
    case VALUE_ENTRY: return 15;
    case VALUE_MAP: return 16;
    case VALUE_TREE: return 17;
    case VALUE_GRAPH: return 18;
    case VALUE_TOKEN: return 19;
    case VALUE_LOCAL_TIME: return 20;
    case VALUE_ZONED_TIME: return 21;
    case VALUE_LOCAL_DATETIME: return 22;
    case VALUE_DATETIME: return 23;
    case VALUE_DURATION: return 24;
    case VALUE_POINT: return 25;
    case VALUE_NULL: return 26;
    }
    return 27;
}

/* Of openCypher's ORDER BY: maps, vertices, edges, lists, paths, points and times, texts, booleans,
 * numbers, null. */
static int cypher_rank_of(value_kind kind)
{
    switch (kind) {
    case VALUE_MAP:
    case VALUE_ENTRY:
    case VALUE_PROPERTY:
    case VALUE_TREE: return 1;
    case VALUE_VERTEX: return 2;
    case VALUE_EDGE: return 3;
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_GRAPH: return 4;
    case VALUE_PATH: return 5;
    case VALUE_POINT: return 6;
    case VALUE_TIMESTAMP:
    case VALUE_DATETIME: return 7;
    case VALUE_LOCAL_DATETIME: return 8;
    case VALUE_DATE: return 9;
    case VALUE_ZONED_TIME: return 10;
    case VALUE_TIME:
    case VALUE_LOCAL_TIME: return 11;
    case VALUE_DURATION: return 12;
    case VALUE_STRING:
    case VALUE_UUID:
    case VALUE_TOKEN: return 13;
    case VALUE_BINARY: return 14;
    case VALUE_BOOL: return 15;
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_DECIMAL: return 16;
    case VALUE_NULL: return 17;
    }
    return 18;
}

typedef int (*rank_function)(value_kind kind);
static int compare_ranked(const value *a, const value *b, rank_function rank);

double value_to_double(const value *v)
{
    double d = 0;
    switch (v->kind) {
    case VALUE_INT: return (double)v->integer;
    case VALUE_DOUBLE: return v->real;
    case VALUE_DECIMAL: str_to_double(v->text, &d); return d;
    default: return 0;
    }
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b); /* NaN behind every number */
    return (a > b) - (a < b);
}

static int compare_int_double(int64_t i, double d)
{
    if (isnan(d))
        return -1;
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    return compare_doubles(0, d - (double)whole);
}

static int compare_numbers(const value *a, const value *b)
{
    if (a->kind == VALUE_INT && b->kind == VALUE_INT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->kind == VALUE_INT)
        return compare_int_double(a->integer, value_to_double(b));
    if (b->kind == VALUE_INT)
        return -compare_int_double(b->integer, value_to_double(a));
    return compare_doubles(value_to_double(a), value_to_double(b));
}

static int compare_items(const value *a, size_t a_count, const value *b, size_t b_count,
                         rank_function rank)
{
    for (size_t i = 0; i < a_count && i < b_count; i++) {
        int order = compare_ranked(&a[i], &b[i], rank);
        if (order)
            return order;
    }
    return (a_count > b_count) - (a_count < b_count);
}

static int compare_maps(const value *a, const value *b, rank_function rank)
{
    for (size_t i = 0; i < a->map.count && i < b->map.count; i++) {
        int order = compare_ranked(&a->map.keys[i], &b->map.keys[i], rank);
        if (!order)
            order = compare_ranked(&a->map.values[i], &b->map.values[i], rank);
        if (order)
            return order;
    }
    return (a->map.count > b->map.count) - (a->map.count < b->map.count);
}

/* Properties of two vertices differ even when key and value are the same. */
static int compare_properties(const value *a, const value *b, rank_function rank)
{
    const value *x = &a->map.keys[1], *y = &b->map.keys[1];
    int order = compare_maps(a, b, rank);
    return order || x->kind != VALUE_VERTEX || y->kind != VALUE_VERTEX
               ? order
               : (x->ref > y->ref) - (x->ref < y->ref);
}

/* Values of one rank and several kinds: a time column and a time of a query. */
static int compare_mixed(const value *a, const value *b)
{
    temporal_parts x, y;
    if (a->kind != b->kind && temporal_parts_of(a, &x) && temporal_parts_of(b, &y)) {
        value_kind kind = x.has_date ? VALUE_DATETIME : VALUE_LOCAL_TIME;
        value p = temporal_make(kind, &x), q = temporal_make(kind, &y);
        return temporal_compare(&p, &q);
    }
    return temporal_compare(a, b);
}

static int compare_ranked(const value *a, const value *b, rank_function rank)
{
    int mine = rank(a->kind), other = rank(b->kind);
    if (mine != other)
        return mine < other ? -1 : 1;
    switch (a->kind) {
    case VALUE_NULL: return 0;
    case VALUE_BOOL: return a->boolean - b->boolean;
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_DECIMAL: return compare_numbers(a, b);
    case VALUE_STRING:
    case VALUE_BINARY:
    case VALUE_TOKEN:
    case VALUE_UUID: return str_compare(a->text, b->text);
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMESTAMP:
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_DURATION:
    case VALUE_POINT: return compare_mixed(a, b);
    case VALUE_VERTEX:
    case VALUE_EDGE: return (a->ref > b->ref) - (a->ref < b->ref);
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_GRAPH:
    case VALUE_PATH:
        return compare_items(a->list.items, a->list.count, b->list.items, b->list.count, rank);
    case VALUE_PROPERTY: return compare_properties(a, b, rank);
    case VALUE_MAP:
    case VALUE_TREE:
    case VALUE_ENTRY: return compare_maps(a, b, rank);
    }
    return 0;
}

int value_compare(const value *a, const value *b)
{
    return compare_ranked(a, b, rank_of);
}

int value_compare_cypher(const value *a, const value *b)
{
    return compare_ranked(a, b, cypher_rank_of);
}

static bool has_item(const value *items, size_t count, const value *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (value_equal(&items[i], wanted))
            return true;
    return false;
}

/* Maps are equal whatever the order of their keys. */
static bool map_equal(const value *a, const value *b)
{
    if (a->map.count != b->map.count)
        return false;
    for (size_t i = 0; i < a->map.count; i++) {
        size_t k = i;
        if (!value_equal(&a->map.keys[i], &b->map.keys[k]))
            for (k = 0; k < b->map.count && !value_equal(&a->map.keys[i], &b->map.keys[k]); k++)
                ;
        if (k == b->map.count || !value_equal(&a->map.values[i], &b->map.values[k]))
            return false;
    }
    return true;
}

static bool set_equal(const value *a, const value *b)
{
    if (a->list.count != b->list.count)
        return false;
    for (size_t i = 0; i < a->list.count; i++)
        if (!has_item(b->list.items, b->list.count, &a->list.items[i]))
            return false;
    return true;
}

bool value_equal(const value *a, const value *b)
{
    if (a->kind == b->kind && (a->kind == VALUE_MAP || a->kind == VALUE_TREE))
        return map_equal(a, b);
    if (a->kind == VALUE_SET && b->kind == VALUE_SET)
        return set_equal(a, b);
    if (a->kind == VALUE_STRING && b->kind == VALUE_STRING)
        return str_eq(a->text, b->text);
    return value_compare(a, b) == 0;
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    return h * 0xd6e8feb86659fd93ull ^ h >> 31;
}

static uint64_t hash_double(double d)
{
    if (d >= -9223372036854775808.0 && d < 9223372036854775808.0 && d == (double)(int64_t)d)
        return mix((uint64_t)(int64_t)d + 2);
    if (isnan(d))
        return 3;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return mix(bits);
}

/* Order matters in lists and not in sets and maps, whose hash is a sum. */
uint64_t value_hash(const value *v)
{
    uint64_t h = (uint64_t)rank_of(v->kind);
    switch (v->kind) {
    case VALUE_NULL: return h;
    case VALUE_BOOL: return mix(h + v->boolean);
    case VALUE_INT: return mix((uint64_t)v->integer + 2);
    case VALUE_DOUBLE:
    case VALUE_DECIMAL: return hash_double(value_to_double(v));
    case VALUE_STRING:
    case VALUE_BINARY:
    case VALUE_TOKEN:
    case VALUE_UUID: return hash64_seeded(v->text.data, v->text.len, h);
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMESTAMP:
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_DURATION:
    case VALUE_POINT: return mix(temporal_hash_number(v) * 31 + h);
    case VALUE_VERTEX:
    case VALUE_EDGE: return mix(v->ref * 2 + h);
    case VALUE_LIST:
    case VALUE_GRAPH:
    case VALUE_PATH:
        for (size_t i = 0; i < v->list.count; i++)
            h = mix(h * 31 + value_hash(&v->list.items[i]));
        return h;
    case VALUE_SET:
        for (size_t i = 0; i < v->list.count; i++)
            h += mix(value_hash(&v->list.items[i]));
        return h;
    case VALUE_MAP:
    case VALUE_TREE:
    case VALUE_PROPERTY:
    case VALUE_ENTRY:
        for (size_t i = 0; i < v->map.count; i++)
            h += mix(value_hash(&v->map.keys[i]) * 31 + value_hash(&v->map.values[i]));
        return h;
    }
    return h;
}

static value *copy_items(arena *a, const value *items, size_t count)
{
    value *copy = arena_array_of(a, value, count ? count : 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = value_copy(a, &items[i]);
    return copy;
}

value value_copy(arena *a, const value *v)
{
    value copy = *v;
    switch (v->kind) {
    case VALUE_STRING:
    case VALUE_BINARY:
    case VALUE_UUID:
    case VALUE_TOKEN:
    case VALUE_DECIMAL: copy.text = str_copy(a, v->text); break;
    case VALUE_LIST:
    case VALUE_GRAPH:
    case VALUE_SET: copy.list.items = copy_items(a, v->list.items, v->list.count); break;
    case VALUE_PATH: copy.list.items = copy_items(a, v->list.items, 2 * v->list.count); break;
    case VALUE_MAP:
    case VALUE_TREE:
    case VALUE_ENTRY:
        copy.map.keys = copy_items(a, v->map.keys, v->map.count);
        copy.map.values = copy_items(a, v->map.values, v->map.count);
        break;
    case VALUE_PROPERTY:
        copy.map.keys = copy_items(a, v->map.keys, 2);
        copy.map.values = copy_items(a, v->map.values, 1);
        break;
    case VALUE_DURATION: copy.duration = arena_copy(a, v->duration, sizeof *v->duration); break;
    case VALUE_POINT: copy.point = arena_copy(a, v->point, sizeof *v->point); break;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMESTAMP:
    case VALUE_LOCAL_TIME:
    case VALUE_ZONED_TIME:
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
    case VALUE_VERTEX:
    case VALUE_EDGE: break;
    }
    return copy;
}
