/* The Avro codec. */
#include "iceberg/avro.h"

#include <assert.h>
#include <isa-l/crc.h>
#include <snappy-c.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/vec.h"
#include "iceberg/internal.h"

enum { DEEPEST_SCHEMA = 32, LARGEST_BLOCK_BYTES = 1 << 30 };

/* ---- Writing ---- */

void avro_put_long(strbuf *b, int64_t number)
{
    uint64_t z = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
    do {
        strbuf_add_char(b, (char)((z & 0x7F) | (z > 0x7F ? 0x80 : 0)));
        z >>= 7;
    } while (z);
}

void avro_put_bytes(strbuf *b, str bytes)
{
    avro_put_long(b, (int64_t)bytes.len);
    strbuf_add(b, bytes);
}

void avro_put_bool(strbuf *b, bool is_true)
{
    strbuf_add_char(b, is_true);
}

static str pack_zstd(arena *a, str in)
{
    size_t room = ZSTD_compressBound(in.len);
    char *out = arena_alloc(a, room);
    size_t made = ZSTD_compress(out, room, in.data, in.len, 3);
    assert(!ZSTD_isError(made));
    return (str){ out, made };
}

/* Avro's snappy blocks end with the CRC-32 of what was packed, big endian. */
uint32_t crc32_of(str bytes)
{
    return crc32_gzip_refl(0, (const uint8_t *)bytes.data, bytes.len);
}

static str pack_snappy(arena *a, str in)
{
    size_t len = snappy_max_compressed_length(in.len);
    char *out = arena_alloc(a, len + 4);
    snappy_status status = snappy_compress(in.data, in.len, out, &len);
    assert(status == SNAPPY_OK);
    uint32_t crc = crc32_of(in);
    for (int i = 0; i < 4; i++)
        out[len + (size_t)i] = (char)(crc >> (24 - 8 * i));
    return (str){ out, len + 4 };
}

static str pack(arena *a, str codec, str in)
{
    return str_eq(codec, STR("deflate"))     ? gzip_pack(a, in, true)
           : str_eq(codec, STR("zstandard")) ? pack_zstd(a, in)
           : str_eq(codec, STR("snappy"))    ? pack_snappy(a, in)
                                             : in;
}

str avro_container(arena *a, str schema, const str *metadata_keys, const str *metadata_values,
                   size_t metadata_count, str codec, str records, size_t record_count)
{
    char sync[16];
    random_bytes(sync, sizeof sync);
    strbuf b = strbuf_new(a);
    strbuf_add_bytes(&b, "Obj\1", 4);
    avro_put_long(&b, (int64_t)metadata_count + 2);
    avro_put_bytes(&b, STR("avro.schema"));
    avro_put_bytes(&b, schema);
    avro_put_bytes(&b, STR("avro.codec"));
    avro_put_bytes(&b, codec);
    for (size_t i = 0; i < metadata_count; i++) {
        avro_put_bytes(&b, metadata_keys[i]);
        avro_put_bytes(&b, metadata_values[i]);
    }
    avro_put_long(&b, 0);
    strbuf_add_bytes(&b, sync, sizeof sync);
    if (record_count) {
        avro_put_long(&b, (int64_t)record_count);
        avro_put_bytes(&b, pack(a, codec, records));
        strbuf_add_bytes(&b, sync, sizeof sync);
    }
    return strbuf_str(&b);
}

/* ---- Schemas ---- */

typedef enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INT,
    NODE_LONG,
    NODE_FLOAT,
    NODE_DOUBLE,
    NODE_BYTES,
    NODE_STRING,
    NODE_FIXED,
    NODE_ENUM,
    NODE_RECORD,
    NODE_ARRAY,
    NODE_MAP,
    NODE_UNION,
} node_kind;

typedef struct node node;
struct node {
    node_kind kind;
    bool is_key_value_map; /* an array of {key, value} records that stands for a map */
    size_t fixed_bytes;
    size_t child_count; /* fields, branches, or one for items and values */
    node **children;
    value *keys;  /* of a record: one for each child */
    str *symbols; /* of an enum */
};

typedef struct schema_parser {
    arena *arena;
    map named;
    error *err;
    bool is_by_name; /* field ids are passed over */
} schema_parser;

static const struct {
    const char *name;
    node_kind kind;
} primitives[] = {
    { "null", NODE_NULL },   { "boolean", NODE_BOOL },  { "int", NODE_INT },
    { "long", NODE_LONG },   { "float", NODE_FLOAT },   { "double", NODE_DOUBLE },
    { "bytes", NODE_BYTES }, { "string", NODE_STRING },
};

static bool parse_node(schema_parser *p, const json_t *j, int depth, node **ret);

static bool parse_name(schema_parser *p, str name, node **ret)
{
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
        if (str_eq(name, str_of(primitives[i].name))) {
            *ret = arena_new_of(p->arena, node);
            (*ret)->kind = primitives[i].kind;
            return true;
        }
    *ret = map_get(&p->named, name);
    return *ret ? true
                : fail(p->err, ERR_CORRUPT, "its schema names the unknown type '" STR_FMT "'",
                       STR_ARG(name));
}

static bool parse_record(schema_parser *p, const json_t *j, node *n, int depth)
{
    json_t *fields;
    TRY(json_need_array(j, "schema", "fields", &fields, p->err));
    n->kind = NODE_RECORD;
    n->child_count = json_array_size(fields);
    n->children = arena_array_of(p->arena, node *, n->child_count);
    n->keys = arena_array_of(p->arena, value, n->child_count);
    for (size_t i = 0; i < n->child_count; i++) {
        const json_t *field = json_array_get(fields, i);
        const json_t *id = json_object_get(field, "field-id");
        str name;
        TRY(json_need_text(field, "schema.fields", "name", &name, p->err));
        n->keys[i] = json_is_integer(id) && !p->is_by_name
                         ? (value){ .kind = VALUE_INT, .integer = json_integer_value(id) }
                         : (value){ .kind = VALUE_STRING, .text = str_copy(p->arena, name) };
        TRY(parse_node(p, json_object_get(field, "type"), depth + 1, &n->children[i]));
    }
    return true;
}

static bool parse_items(schema_parser *p, const json_t *items, node *n, node_kind kind, int depth)
{
    n->kind = kind;
    n->child_count = 1;
    n->children = arena_array_of(p->arena, node *, 1);
    return parse_node(p, items, depth + 1, &n->children[0]);
}

static bool parse_union(schema_parser *p, const json_t *j, node *n, int depth)
{
    n->kind = NODE_UNION;
    n->child_count = json_array_size(j);
    n->children = arena_array_of(p->arena, node *, n->child_count);
    for (size_t i = 0; i < n->child_count; i++)
        TRY(parse_node(p, json_array_get(j, i), depth + 1, &n->children[i]));
    return true;
}

static bool parse_object(schema_parser *p, const json_t *j, node *n, int depth)
{
    const json_t *inner = json_object_get(j, "type");
    str type = json_is_string(inner) ? json_str(inner) : STR("");
    str name = json_text_or(j, "name", STR(""));
    if (name.len)
        map_set(&p->named, str_copy(p->arena, name), n);
    if (str_eq(type, STR("record")))
        return parse_record(p, j, n, depth);
    if (str_eq(type, STR("array"))) {
        TRY(parse_items(p, json_object_get(j, "items"), n, NODE_ARRAY, depth));
        n->is_key_value_map = str_eq(json_text_or(j, "logicalType", STR("")), STR("map")) &&
                              n->children[0]->kind == NODE_RECORD &&
                              n->children[0]->child_count == 2;
        return true;
    }
    if (str_eq(type, STR("map")))
        return parse_items(p, json_object_get(j, "values"), n, NODE_MAP, depth);
    if (str_eq(type, STR("fixed"))) {
        n->kind = NODE_FIXED;
        n->fixed_bytes = (size_t)json_int_or(j, "size", 0);
        return n->fixed_bytes <= 1 << 20
                   ? true
                   : fail(p->err, ERR_CORRUPT, "its schema has a fixed type of %zu bytes",
                          n->fixed_bytes);
    }
    if (str_eq(type, STR("enum"))) {
        const json_t *symbols = json_object_get(j, "symbols");
        n->kind = NODE_ENUM;
        n->child_count = json_array_size(symbols);
        n->symbols = arena_array_of(p->arena, str, n->child_count);
        for (size_t i = 0; i < n->child_count; i++)
            n->symbols[i] = str_copy(p->arena, json_str(json_array_get(symbols, i)));
        return true;
    }
    node *of;
    TRY(parse_node(p, inner, depth + 1, &of));
    *n = *of;
    return true;
}

static bool parse_node(schema_parser *p, const json_t *j, int depth, node **ret)
{
    if (depth > DEEPEST_SCHEMA)
        return fail(p->err, ERR_CORRUPT, "its schema is nested more than %d deep", DEEPEST_SCHEMA);
    if (json_is_string(j))
        return parse_name(p, json_str(j), ret);
    node *n = *ret = arena_new_of(p->arena, node);
    if (json_is_array(j))
        return parse_union(p, j, n, depth);
    if (json_is_object(j))
        return parse_object(p, j, n, depth);
    return fail(p->err, ERR_CORRUPT, "its schema has something that is no type");
}

/* ---- Data ---- */

typedef struct decoder {
    arena *arena;
    str bytes;
    size_t at;
    error *err;
} decoder;

static bool fail_short(decoder *d)
{
    return fail(d->err, ERR_CORRUPT, "it ends inside a value at byte %zu", d->at);
}

static bool get_long(decoder *d, int64_t *ret)
{
    uint64_t z = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (d->at >= d->bytes.len)
            return fail_short(d);
        uint8_t byte = (uint8_t)d->bytes.data[d->at++];
        z |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *ret = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
            return true;
        }
    }
    return fail(d->err, ERR_CORRUPT, "a number at byte %zu is longer than 64 bits", d->at);
}

static bool get_raw(decoder *d, size_t len, str *ret)
{
    if (len > d->bytes.len - d->at)
        return fail_short(d);
    *ret = str_slice(d->bytes, d->at, d->at + len);
    d->at += len;
    return true;
}

static bool get_bytes(decoder *d, str *ret)
{
    int64_t len = 0;
    TRY(get_long(d, &len));
    if (len < 0)
        return fail(d->err, ERR_CORRUPT, "a text at byte %zu has length %lld", d->at,
                    (long long)len);
    return get_raw(d, (size_t)len, ret);
}

/* Items of the next block of an array or map; 0 at the end. */
static bool get_block_count(decoder *d, int64_t *ret)
{
    int64_t bytes;
    TRY(get_long(d, ret));
    if (*ret < 0) {
        if (*ret == INT64_MIN)
            return fail(d->err, ERR_CORRUPT, "a list at byte %zu has an absurd length", d->at);
        *ret = -*ret;
        TRY(get_long(d, &bytes));
    }
    if ((uint64_t)*ret > d->bytes.len - d->at) /* an item takes a byte at least */
        return fail(d->err, ERR_CORRUPT, "a list at byte %zu announces %lld items", d->at,
                    (long long)*ret);
    return true;
}

static bool decode(decoder *d, const node *n, int depth, value *ret);

/* Room for the items of the next block; what a block announces is checked against its bytes. */
static void *grow_items(decoder *d, value *items, size_t count, size_t more, size_t *capacity)
{
    size_t wanted = count + more;
    if (wanted <= *capacity)
        return items;
    value *out = arena_grow(d->arena, items, *capacity * sizeof *items, wanted * sizeof *items);
    *capacity = wanted;
    return out;
}

/* A map kept as an array of key-value records: straight into two arrays, most of a manifest. */
static bool decode_pairs(decoder *d, const node *n, int depth, value *ret)
{
    const node *pair = n->children[0];
    value *keys = NULL, *values = NULL;
    size_t count = 0, key_room = 0, value_room = 0;
    for (;;) {
        int64_t more = 0;
        TRY(get_block_count(d, &more));
        if (more == 0)
            break;
        keys = grow_items(d, keys, count, (size_t)more, &key_room);
        values = grow_items(d, values, count, (size_t)more, &value_room);
        for (int64_t i = 0; i < more; i++, count++) {
            TRY(decode(d, pair->children[0], depth + 1, &keys[count]));
            TRY(decode(d, pair->children[1], depth + 1, &values[count]));
        }
    }
    ret->kind = VALUE_MAP;
    ret->map = (struct value_pairs){ keys, values, count };
    return true;
}

static bool decode_items(decoder *d, const node *n, int depth, value *ret)
{
    value *items = NULL;
    size_t count = 0, room = 0;
    for (;;) {
        int64_t more = 0;
        TRY(get_block_count(d, &more));
        if (more == 0)
            break;
        items = grow_items(d, items, count, (size_t)more, &room);
        for (int64_t i = 0; i < more; i++, count++)
            TRY(decode(d, n->children[0], depth + 1, &items[count]));
    }
    ret->kind = VALUE_LIST;
    ret->list.items = items;
    ret->list.count = count;
    return true;
}

static bool decode_map(decoder *d, const node *n, int depth, value *ret)
{
    VEC(value) keys = { 0 }, values = { 0 };
    for (;;) {
        int64_t count = 0;
        TRY(get_block_count(d, &count));
        if (count == 0)
            break;
        for (int64_t i = 0; i < count; i++) {
            value key = { .kind = VALUE_STRING }, item = { 0 };
            TRY(get_bytes(d, &key.text));
            TRY(decode(d, n->children[0], depth + 1, &item));
            vec_push(d->arena, &keys, key);
            vec_push(d->arena, &values, item);
        }
    }
    ret->kind = VALUE_MAP;
    ret->map = (struct value_pairs){ keys.items, values.items, keys.count };
    return true;
}

static bool decode_record(decoder *d, const node *n, int depth, value *ret)
{
    ret->kind = VALUE_MAP;
    ret->map = (struct value_pairs){ n->keys, arena_array_of(d->arena, value, n->child_count),
                                     n->child_count };
    for (size_t i = 0; i < n->child_count; i++)
        TRY(decode(d, n->children[i], depth + 1, &ret->map.values[i]));
    return true;
}

static bool decode(decoder *d, const node *n, int depth, value *ret)
{
    str raw = { 0 };
    int64_t number = 0;
    if (depth > DEEPEST_SCHEMA * 2)
        return fail(d->err, ERR_CORRUPT, "its values are nested too deep");
    switch (n->kind) {
    case NODE_NULL: ret->kind = VALUE_NULL; return true;
    case NODE_BOOL:
        TRY(get_raw(d, 1, &raw));
        *ret = (value){ .kind = VALUE_BOOL, .boolean = raw.data[0] != 0 };
        return true;
    case NODE_INT:
    case NODE_LONG: ret->kind = VALUE_INT; return get_long(d, &ret->integer);
    case NODE_FLOAT: {
        float x;
        TRY(get_raw(d, 4, &raw));
        memcpy(&x, raw.data, 4);
        *ret = (value){ .kind = VALUE_DOUBLE, .real = (double)x };
        return true;
    }
    case NODE_DOUBLE:
        TRY(get_raw(d, 8, &raw));
        ret->kind = VALUE_DOUBLE;
        memcpy(&ret->real, raw.data, 8);
        return true;
    case NODE_BYTES: ret->kind = VALUE_BINARY; return get_bytes(d, &ret->text);
    case NODE_STRING: ret->kind = VALUE_STRING; return get_bytes(d, &ret->text);
    case NODE_FIXED: ret->kind = VALUE_BINARY; return get_raw(d, n->fixed_bytes, &ret->text);
    case NODE_ENUM:
        TRY(get_long(d, &number));
        if (number < 0 || (uint64_t)number >= n->child_count)
            return fail(d->err, ERR_CORRUPT, "an enum at byte %zu has no symbol %lld", d->at,
                        (long long)number);
        *ret = (value){ .kind = VALUE_STRING, .text = n->symbols[number] };
        return true;
    case NODE_UNION:
        TRY(get_long(d, &number));
        if (number < 0 || (uint64_t)number >= n->child_count)
            return fail(d->err, ERR_CORRUPT, "a union at byte %zu has no branch %lld", d->at,
                        (long long)number);
        return decode(d, n->children[number], depth + 1, ret);
    case NODE_RECORD: return decode_record(d, n, depth, ret);
    case NODE_ARRAY:
        return n->is_key_value_map ? decode_pairs(d, n, depth, ret)
                                   : decode_items(d, n, depth, ret);
    case NODE_MAP: return decode_map(d, n, depth, ret);
    }
    return false;
}

/* ---- The container ---- */

static bool unpack_zstd(arena *a, str in, str *ret, error *err)
{
    size_t room = in.len * 4 + 4096;
    ZSTD_outBuffer out = { arena_alloc(a, room), room, 0 };
    ZSTD_inBuffer from = { in.data, in.len, 0 };
    ZSTD_DStream *stream = ZSTD_createDStream();
    size_t left = 1;
    bool works = true;
    while (left && works) {
        if (out.pos == out.size) {
            works = out.size <= LARGEST_BLOCK_BYTES / 2;
            if (!works)
                break;
            out.dst = arena_grow(a, out.dst, out.size, out.size * 2);
            out.size *= 2;
        }
        size_t had = out.pos;
        left = ZSTD_decompressStream(stream, &out, &from);
        works = !ZSTD_isError(left) &&
                (left == 0 || out.pos > had || from.pos < from.size || out.pos == out.size);
        if (works && left && from.pos == from.size && out.pos < out.size)
            works = false; /* it ends inside a frame */
    }
    ZSTD_freeDStream(stream);
    *ret = (str){ out.dst, out.pos };
    return works ? true
                 : fail(err, ERR_CORRUPT, "a block's zstandard data is damaged or too large");
}

static bool unpack_snappy(arena *a, str in, str *ret, error *err)
{
    size_t len = 0;
    if (in.len < 4 || snappy_uncompressed_length(in.data, in.len - 4, &len) != SNAPPY_OK ||
        len > LARGEST_BLOCK_BYTES)
        return fail(err, ERR_CORRUPT, "a block's snappy data is damaged or too large");
    char *out = arena_alloc(a, len);
    if (snappy_uncompress(in.data, in.len - 4, out, &len) != SNAPPY_OK)
        return fail(err, ERR_CORRUPT, "a block's snappy data is damaged");
    uint32_t crc = 0;
    for (size_t i = in.len - 4; i < in.len; i++)
        crc = crc << 8 | (uint8_t)in.data[i];
    *ret = (str){ out, len };
    return crc == crc32_of(*ret)
               ? true
               : fail(err, ERR_CORRUPT, "a block's snappy data fails its checksum");
}

static bool unpack(arena *a, str codec, str in, str *ret, error *err)
{
    if (codec.len == 0 || str_eq(codec, STR("null"))) {
        *ret = in;
        return true;
    }
    if (str_eq(codec, STR("deflate")))
        return gzip_unpack(a, in, true, ret, err) ? true : fail_while(err, "a block");
    if (str_eq(codec, STR("zstandard")))
        return unpack_zstd(a, in, ret, err);
    if (str_eq(codec, STR("snappy")))
        return unpack_snappy(a, in, ret, err);
    return fail(err, ERR_INVALID, "its codec '" STR_FMT "' is not known", STR_ARG(codec));
}

static bool read_header(decoder *d, str *ret_schema, str *ret_codec, str *ret_sync)
{
    str magic;
    TRY(get_raw(d, 4, &magic));
    if (!str_eq(magic, STR("Obj\1")))
        return fail(d->err, ERR_CORRUPT, "it is not an Avro file");
    for (int64_t count = 0;;) {
        TRY(get_block_count(d, &count));
        if (count == 0)
            break;
        for (int64_t i = 0; i < count; i++) {
            str key, text;
            TRY(get_bytes(d, &key));
            TRY(get_bytes(d, &text));
            if (str_eq(key, STR("avro.schema")))
                *ret_schema = text;
            if (str_eq(key, STR("avro.codec")))
                *ret_codec = text;
        }
    }
    return get_raw(d, 16, ret_sync);
}

/* `blocks`: of what is unpacked; NULL: each block is forgotten before the next. */
static bool read_blocks(decoder *d, const node *root, str codec, str sync, arena *blocks,
                        avro_visit visit, void *context)
{
    AUTO(arena_free) arena *scratch = arena_new(); /* of one record */
    AUTO(arena_free) arena *own = arena_new();
    size_t number = 0;
    while (d->at < d->bytes.len) {
        int64_t count = 0;
        str packed = { 0 }, block = { 0 }, mark = { 0 };
        TRY(get_long(d, &count));
        TRY(get_bytes(d, &packed));
        arena_reset(own);
        TRY(unpack(blocks ? blocks : own, codec, packed, &block, d->err));
        TRY(get_raw(d, 16, &mark));
        if (!str_eq(mark, sync))
            return fail(d->err, ERR_CORRUPT, "the sync mark before byte %zu is wrong", d->at);
        if (count < 0 || (uint64_t)count > block.len)
            return fail(d->err, ERR_CORRUPT, "a block announces %lld records in %zu bytes",
                        (long long)count, block.len);
        decoder inner = { scratch, block, 0, d->err };
        for (int64_t i = 0; i < count; i++) {
            value record = { 0 };
            arena_reset(scratch);
            TRY(decode(&inner, root, 0, &record));
            TRY(visit(context, number++, &record, d->err));
        }
        if (inner.at != block.len)
            return fail(d->err, ERR_CORRUPT, "a block has %zu bytes behind its records",
                        block.len - inner.at);
    }
    return true;
}

static bool read_container(arena *a, str content, bool is_by_name, avro_visit visit, void *context,
                           error *err)
{
    str schema = { 0 }, codec = { 0 }, sync;
    decoder d = { a, content, 0, err };
    TRY(read_header(&d, &schema, &codec, &sync));
    AUTO(json_release) json_t *j = NULL;
    TRY(json_parse(schema, STR("its schema"), &j, err));
    schema_parser p = { a, map_new(a), err, is_by_name };
    node *root;
    TRY(parse_node(&p, j, 0, &root));
    if (root->kind != NODE_RECORD)
        return fail(err, ERR_CORRUPT, "its schema is not a record");
    return read_blocks(&d, root, codec, sync, is_by_name ? NULL : a, visit, context);
}

bool avro_each(arena *a, str content, str name, avro_visit visit, void *context, error *err)
{
    if (read_container(a, content, false, visit, context, err))
        return true;
    err->code = ERR_CORRUPT;
    return fail_while(err, "reading " STR_FMT, STR_ARG(name));
}

bool avro_each_by_name(arena *a, str content, avro_visit visit, void *context, error *err)
{
    return read_container(a, content, true, visit, context, err);
}

bool avro_schema(arena *a, str content, str *ret_schema, error *err)
{
    str codec = { 0 }, sync;
    decoder d = { a, content, 0, err };
    *ret_schema = STR("");
    return read_header(&d, ret_schema, &codec, &sync);
}

typedef struct keeping {
    arena *arena;
    VEC(value) records;
} keeping;

static bool keep_record(void *context, size_t number, const value *record, error *err)
{
    keeping *k = context;
    (void)number;
    (void)err;
    vec_push(k->arena, &k->records, value_copy(k->arena, record));
    return true;
}

bool avro_read(arena *a, str content, str name, avro_file *ret_file, error *err)
{
    keeping k = { .arena = a };
    TRY(avro_each(a, content, name, keep_record, &k, err));
    *ret_file = (avro_file){ k.records.items, k.records.count };
    return true;
}

const value *avro_field(const value *record, int32_t field_id)
{
    if (!record || record->kind != VALUE_MAP)
        return NULL;
    for (size_t i = 0; i < record->map.count; i++)
        if (record->map.keys[i].kind == VALUE_INT && record->map.keys[i].integer == field_id)
            return record->map.values[i].kind == VALUE_NULL ? NULL : &record->map.values[i];
    return NULL;
}
