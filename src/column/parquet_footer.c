/* Parquet's footer: FileMetaData, read as hostile. */
#include "column/parquet.h"

#include "column/thrift.h"

enum {
    MAGIC_BYTES = 4,
    MOST_COLUMNS = 4096,
    MOST_GROUPS = 1 << 20,
    /* parquet.thrift, ConvertedType */
    CONVERTED_UTF8 = 0,
    CONVERTED_ENUM = 4,
    CONVERTED_DATE = 6,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_INT_8 = 15,
    CONVERTED_INT_64 = 18,
    /* FieldRepetitionType */
    REPETITION_OPTIONAL = 1,
    REPETITION_REPEATED = 2,
};

/* A SchemaElement. */
typedef struct element {
    str name;
    int type, repetition, converted, children;
    bool has_type, has_logical;
    parquet_meaning logical;
} element;

/* IntType: signed ones are plain numbers. */
static parquet_meaning read_int_type(thrift_reader *r)
{
    int id = 0;
    bool is_signed = true;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (id == 2 && (t == THRIFT_TRUE || t == THRIFT_FALSE))
            is_signed = t == THRIFT_TRUE;
        else
            thrift_skip(r, t);
    }
    return is_signed ? MEANING_PLAIN : MEANING_OTHER;
}

static parquet_meaning read_timestamp_type(thrift_reader *r)
{
    int id = 0, unit = 0;
    bool is_utc = false;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (id == 1 && (t == THRIFT_TRUE || t == THRIFT_FALSE)) {
            is_utc = t == THRIFT_TRUE;
        } else if (id == 2 && t == THRIFT_STRUCT) {
            int which = 0;
            for (thrift_type u; (u = thrift_field(r, &which)) != THRIFT_STOP;) {
                unit = which;
                thrift_skip(r, u);
            }
        } else {
            thrift_skip(r, t);
        }
    }
    return unit != 2 ? MEANING_OTHER : is_utc ? MEANING_TIMESTAMP_UTC : MEANING_TIMESTAMP;
}

/* LogicalType, a union: the field's number is the kind. */
static parquet_meaning read_logical(thrift_reader *r)
{
    int id = 0;
    parquet_meaning meaning = MEANING_OTHER;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (id == 10 && t == THRIFT_STRUCT) {
            meaning = read_int_type(r);
        } else if (id == 8 && t == THRIFT_STRUCT) {
            meaning = read_timestamp_type(r);
        } else {
            meaning = id == 1 ? MEANING_TEXT : id == 6 ? MEANING_DATE : MEANING_OTHER;
            thrift_skip(r, t);
        }
    }
    return meaning;
}

static element read_element(thrift_reader *r)
{
    element e = { .converted = -1 };
    int id = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (t == THRIFT_I32 && (id == 1 || id == 3 || id == 5 || id == 6)) {
            int v = (int)thrift_int(r);
            *(id == 1   ? &e.type
              : id == 3 ? &e.repetition
              : id == 5 ? &e.children
                        : &e.converted) = v;
            e.has_type |= id == 1;
        } else if (id == 4 && t == THRIFT_BINARY) {
            e.name = thrift_binary(r);
        } else if (id == 10 && t == THRIFT_STRUCT) {
            e.logical = read_logical(r);
            e.has_logical = true;
        } else {
            thrift_skip(r, t);
        }
    }
    return e;
}

static parquet_meaning meaning_of(const element *e)
{
    if (e->has_logical)
        return e->logical;
    if (e->converted == CONVERTED_UTF8)
        return MEANING_TEXT;
    if (e->converted == CONVERTED_DATE)
        return MEANING_DATE;
    if (e->converted == CONVERTED_TIMESTAMP_MICROS)
        return MEANING_TIMESTAMP_UTC;
    bool is_signed = e->converted >= CONVERTED_INT_8 && e->converted <= CONVERTED_INT_64;
    return e->converted < 0 || is_signed ? MEANING_PLAIN : MEANING_OTHER;
}

/* The root's leaves; `*ret_is_flat` false: some are groups or lists. */
static void read_schema(thrift_reader *r, arena *a, parquet_footer *f, bool *ret_is_flat)
{
    thrift_type item;
    size_t count = thrift_list(r, &item);
    *ret_is_flat = item == THRIFT_STRUCT;
    if (r->is_bad || item != THRIFT_STRUCT || count == 0 || count > MOST_COLUMNS + 1) {
        r->is_bad |= count == 0;
        *ret_is_flat = false;
        return;
    }
    f->columns = arena_array_of(a, parquet_column, count);
    for (size_t i = 0; i < count && !r->is_bad; i++) {
        element e = read_element(r);
        if (i == 0) {
            *ret_is_flat &= e.children == (int)count - 1;
            continue;
        }
        *ret_is_flat &= e.children == 0 && e.repetition != REPETITION_REPEATED && e.has_type &&
                        e.type >= PARQUET_BOOLEAN && e.type <= PARQUET_FIXED;
        f->columns[f->column_count++] =
            (parquet_column){ e.name, (parquet_type)e.type, meaning_of(&e),
                              e.repetition == REPETITION_OPTIONAL };
    }
}

/* min_value and max_value; the older min and max only where their order is beyond doubt. */
static parquet_stats read_stats(thrift_reader *r, const parquet_column *c)
{
    parquet_stats s = { .null_count = -1 };
    str old[2] = { { 0 } };
    int id = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (t == THRIFT_BINARY && (id == 1 || id == 2))
            old[id - 1] = thrift_binary(r);
        else if (t == THRIFT_BINARY && id == 5)
            s.max = thrift_binary(r);
        else if (t == THRIFT_BINARY && id == 6)
            s.min = thrift_binary(r);
        else if (t == THRIFT_I64 && id == 3)
            s.null_count = thrift_int(r);
        else
            thrift_skip(r, t);
    }
    if (!s.min.data && !s.max.data && c->type != PARQUET_BYTE_ARRAY && c->type != PARQUET_FIXED) {
        s.max = old[0];
        s.min = old[1];
    }
    size_t width = c->type == PARQUET_INT32 || c->type == PARQUET_FLOAT    ? 4
                   : c->type == PARQUET_INT64 || c->type == PARQUET_DOUBLE ? 8
                   : c->type == PARQUET_BOOLEAN                            ? 1
                                                                           : 0;
    if (width && (s.min.len != width || s.max.len != width))
        s.min = s.max = (str){ 0 };
    return s;
}

typedef struct chunk_reader {
    const parquet_column *column;
    parquet_chunk chunk;
    int64_t data_offset, dictionary_offset;
    int type;
    bool is_elsewhere; /* in another file, or encrypted */
} chunk_reader;

static uint32_t read_encodings(thrift_reader *r)
{
    thrift_type item;
    uint32_t all = 0;
    size_t count = thrift_list(r, &item);
    for (size_t i = 0; i < count && !r->is_bad; i++) {
        int64_t v = item == THRIFT_I32 ? thrift_int(r) : -1;
        r->is_bad |= v < 0;
        all |= 1u << (v >= 0 && v < 31 ? v : 31);
    }
    return all;
}

static void read_metadata(thrift_reader *r, chunk_reader *x)
{
    int id = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (id == 12 && t == THRIFT_STRUCT) {
            x->chunk.stats = read_stats(r, x->column);
            continue;
        }
        if (id == 2 && t == THRIFT_LIST) {
            x->chunk.encodings = read_encodings(r);
            continue;
        }
        if (t != THRIFT_I32 && t != THRIFT_I64) {
            thrift_skip(r, t);
            continue;
        }
        int64_t v = thrift_int(r);
        switch (id) {
        case 1: x->type = (int)v; break;
        case 4: x->chunk.codec = (int)v; break;
        case 5: x->chunk.value_count = v; break;
        case 6: x->chunk.raw_bytes = v; break;
        case 7: x->chunk.size_bytes = v; break;
        case 9: x->data_offset = v; break;
        case 11: x->dictionary_offset = v; break;
        default: break;
        }
    }
}

static chunk_reader read_chunk(thrift_reader *r, const parquet_column *column)
{
    chunk_reader x = { .column = column, .chunk.stats.null_count = -1, .type = -1 };
    int id = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        x.is_elsewhere |= id == 1 || id == 8 || id == 9;
        if (id == 3 && t == THRIFT_STRUCT)
            read_metadata(r, &x);
        else
            thrift_skip(r, t);
    }
    bool has_dictionary = x.dictionary_offset > 0 && x.dictionary_offset < x.data_offset;
    x.chunk.offset = has_dictionary ? x.dictionary_offset : x.data_offset;
    return x;
}

static bool check_chunk(const chunk_reader *x, const parquet_group *g, int64_t file_bytes,
                        error *err)
{
    const parquet_chunk *c = &x->chunk;
    if (x->type != (int)x->column->type)
        return fail(err, ERR_CORRUPT, "column " STR_FMT ": its pages are of another type",
                    STR_ARG(x->column->name));
    if (c->offset < MAGIC_BYTES || c->size_bytes < 0 || c->raw_bytes < 0 ||
        c->size_bytes > file_bytes - c->offset)
        return fail(err, ERR_CORRUPT, "column " STR_FMT ": its pages lie outside of the file",
                    STR_ARG(x->column->name));
    if (c->value_count != g->row_count)
        return fail(err, ERR_CORRUPT, "column " STR_FMT " has %lld values for %lld rows",
                    STR_ARG(x->column->name), (long long)c->value_count, (long long)g->row_count);
    return true;
}

static bool read_group(thrift_reader *r, arena *a, const parquet_footer *f, int64_t file_bytes,
                       parquet_group *g, bool *ret_is_usable, error *err)
{
    int id = 0;
    chunk_reader *chunks = NULL;
    size_t count = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (id == 1 && t == THRIFT_LIST) {
            thrift_type item;
            count = thrift_list(r, &item);
            if (count != f->column_count || item != THRIFT_STRUCT)
                return fail(err, ERR_CORRUPT, "a row group has %zu columns, the schema %zu", count,
                            f->column_count);
            chunks = arena_array_of(a, chunk_reader, count);
            for (size_t i = 0; i < count && !r->is_bad; i++)
                chunks[i] = read_chunk(r, &f->columns[i]);
        } else if (id == 3 && t == THRIFT_I64) {
            g->row_count = thrift_int(r);
        } else {
            thrift_skip(r, t);
        }
    }
    if (r->is_bad || g->row_count < 0 || count != f->column_count)
        return fail(err, ERR_CORRUPT, "the Parquet footer is damaged");
    g->chunks = arena_array_of(a, parquet_chunk, count);
    for (size_t i = 0; i < count; i++) {
        *ret_is_usable &= !chunks[i].is_elsewhere;
        if (*ret_is_usable)
            TRY(check_chunk(&chunks[i], g, file_bytes, err));
        g->chunks[i] = chunks[i].chunk;
    }
    return true;
}

static bool read_groups(thrift_reader *r, arena *a, parquet_footer *f, int64_t file_bytes,
                        bool *ret_is_usable, error *err)
{
    thrift_type item;
    size_t count = thrift_list(r, &item);
    if (r->is_bad || count > MOST_GROUPS || (count && item != THRIFT_STRUCT))
        return fail(err, ERR_CORRUPT, "the Parquet footer is damaged");
    f->groups = arena_array_of(a, parquet_group, count);
    f->group_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(read_group(r, a, f, file_bytes, &f->groups[i], ret_is_usable, err));
    return true;
}

static bool find_footer(str bytes, str *ret, error *err)
{
    size_t ends = 2 * MAGIC_BYTES + 4;
    if (bytes.len < ends || memcmp(bytes.data, "PAR1", MAGIC_BYTES) != 0)
        return fail(err, ERR_CORRUPT, "its content is not Parquet (it does not begin with PAR1)");
    const char *end = bytes.data + bytes.len - MAGIC_BYTES;
    if (memcmp(end, "PAR1", MAGIC_BYTES) != 0)
        return fail(err, ERR_CORRUPT, "the Parquet file is cut off: its footer is missing");
    uint32_t size;
    memcpy(&size, end - 4, sizeof size);
    if (size > bytes.len - ends)
        return fail(err, ERR_CORRUPT,
                    "the Parquet footer is damaged: it says it has %u bytes, the file has %zu",
                    size, bytes.len);
    *ret = (str){ end - 4 - size, size };
    return true;
}

bool parquet_footer_read(arena *a, str bytes, parquet_footer **ret, error *err)
{
    parquet_footer *f = arena_new_of(a, parquet_footer);
    str body;
    bool is_usable = true, has_schema = false;
    int id = 0;
    TRY(find_footer(bytes, &body, err));
    thrift_reader r = { (const uint8_t *)body.data, (const uint8_t *)body.data + body.len, false };
    for (thrift_type t; (t = thrift_field(&r, &id)) != THRIFT_STOP && is_usable;) {
        if (id == 2 && t == THRIFT_LIST) {
            read_schema(&r, a, f, &is_usable);
            has_schema = true;
        } else if (id == 3 && t == THRIFT_I64) {
            f->row_count = thrift_int(&r);
        } else if (id == 4 && t == THRIFT_LIST && has_schema) {
            TRY(read_groups(&r, a, f, (int64_t)bytes.len, &is_usable, err));
        } else {
            is_usable &= id != 8; /* encryption_algorithm */
            thrift_skip(&r, t);
        }
    }
    int64_t rows = 0;
    for (size_t i = 0; i < f->group_count; i++)
        rows += f->groups[i].row_count;
    if (r.is_bad || !has_schema || (is_usable && rows != f->row_count))
        return fail(err, ERR_CORRUPT, "the Parquet footer is damaged");
    *ret = is_usable ? f : NULL;
    return true;
}

bool parquet_text_can_be_null(const parquet_column *c, const parquet_chunk *chunk)
{
    /* PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY */
    uint32_t known = 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8;
    return c->meaning == MEANING_TEXT && c->is_optional && (chunk->encodings & ~known) == 0;
}

bool parquet_column_can_be_copied(const parquet_column *c)
{
    return c->meaning != MEANING_OTHER && c->type != PARQUET_INT96 && c->type != PARQUET_FIXED;
}
