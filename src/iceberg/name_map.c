/* Data files without field ids, which a table took over as they were: their columns are known by
 * name. Source: Iceberg spec, "Column Projection", "Name Mapping Serialization"; parquet.thrift
 * (FileMetaData, SchemaElement). */
#include "base/vec.h"
#include "column/thrift.h"
#include "iceberg/internal.h"

enum { LARGEST_FOOTER = 256 << 20, FIELD_SCHEMA = 2, DEEPEST_SCHEMA = 64 };
enum { ELEMENT_NAME = 4, ELEMENT_CHILDREN = 5, ELEMENT_FIELD_ID = 9 };

typedef struct element {
    str name;
    int64_t children;
    bool has_id;
} element;

static element read_element(thrift_reader *r)
{
    element e = { 0 };
    int last = 0;
    for (thrift_type type; (type = thrift_field(r, &last)) != THRIFT_STOP && !r->is_bad;) {
        if (last == ELEMENT_NAME && type == THRIFT_BINARY)
            e.name = thrift_binary(r);
        else if (last == ELEMENT_CHILDREN && type == THRIFT_I32)
            e.children = thrift_int(r);
        else if (last == ELEMENT_FIELD_ID && type == THRIFT_I32) {
            e.has_id = true;
            thrift_int(r);
        } else
            thrift_skip(r, type);
    }
    return e;
}

/* The list is the schema tree, depth first; the root comes first. */
static void read_schema(thrift_reader *r, arena *a, file_columns *ret)
{
    thrift_type item;
    size_t count = thrift_list(r, &item);
    int64_t open[DEEPEST_SCHEMA] = { 0 };
    int depth = 0;
    VEC(str) names = { 0 };
    for (size_t i = 0; i < count && item == THRIFT_STRUCT && !r->is_bad; i++) {
        element e = read_element(r);
        ret->has_ids |= e.has_id;
        if (depth == 1)
            vec_push(a, &names, str_copy(a, e.name));
        if (depth > 0)
            open[depth - 1]--;
        if (e.children > 0 && depth < DEEPEST_SCHEMA)
            open[depth++] = e.children;
        while (depth > 0 && open[depth - 1] <= 0)
            depth--;
    }
    ret->names = names.items;
    ret->count = names.count;
}

bool name_map_columns(store *s, arena *a, const iceberg_file *f, file_columns *ret, error *err)
{
    uint8_t tail[8];
    *ret = (file_columns){ 0 };
    if (f->size_bytes < 12)
        return fail(err, ERR_CORRUPT, "file " STR_FMT " has %lld bytes, too few for Parquet",
                    STR_ARG(f->uri), (long long)f->size_bytes);
    TRY(store_read_range(s, f->uri, (uint64_t)f->size_bytes - 8, tail, 8, err));
    uint32_t length = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
                      (uint32_t)tail[3] << 24;
    if (memcmp(tail + 4, "PAR1", 4) != 0 || length > LARGEST_FOOTER ||
        (int64_t)length + 12 > f->size_bytes)
        return fail(err, ERR_CORRUPT, "file " STR_FMT " does not end as Parquet does",
                    STR_ARG(f->uri));
    uint8_t *footer = arena_alloc(a, length + 1);
    TRY(store_read_range(s, f->uri, (uint64_t)f->size_bytes - 8 - length, footer, length, err));
    thrift_reader r = { footer, footer + length, false };
    int last = 0;
    for (thrift_type type; (type = thrift_field(&r, &last)) != THRIFT_STOP && !r.is_bad;) {
        if (last == FIELD_SCHEMA && type == THRIFT_LIST) {
            read_schema(&r, a, ret);
            break;
        }
        thrift_skip(&r, type);
    }
    return r.is_bad
               ? fail(err, ERR_CORRUPT, "the footer of " STR_FMT " is damaged", STR_ARG(f->uri))
               : true;
}

str name_map_find(const json_t *mapping, const file_columns *columns, int32_t field_id)
{
    for (size_t i = 0; i < json_array_size(mapping); i++) {
        const json_t *entry = json_array_get(mapping, i);
        const json_t *names = json_object_get(entry, "names");
        if (json_int_or(entry, "field-id", -1) != field_id)
            continue;
        for (size_t k = 0; k < json_array_size(names); k++)
            for (size_t c = 0; c < columns->count; c++)
                if (json_is_string(json_array_get(names, k)) &&
                    str_eq(json_str(json_array_get(names, k)), columns->names[c]))
                    return columns->names[c];
    }
    return (str){ 0 };
}
