/* Pages of Parquet column chunks. Every page is decompressed, which checks it, and compressed with
 * zstd; its values are not looked at. */
#include "column/parquet_null.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <snappy-c.h>
#include <stddef.h>
#include <stdlib.h>
#include <zstd.h>

#include "column/thrift.h"

enum {
    CODEC_PLAIN = 0,
    CODEC_SNAPPY = 1,
    CODEC_GZIP = 2,
    CODEC_ZSTD = 6,
    PAGE_DATA = 0,
    PAGE_DICTIONARY = 2,
    PAGE_DATA_V2 = 3,
    ENCODING_PLAIN = 0,
    ENCODING_RLE = 3,
    ENCODING_RLE_DICTIONARY = 8,
    ENCODINGS = 10,
    LEVEL = 1, /* of zstd */
    MOST_PAGE_BYTES = 1 << 30,
    KEYS_A_PAGE = 20000,
};

typedef struct bytes_buffer {
    char *data;
    size_t len, capacity;
} bytes_buffer;

struct page_maker {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    struct inflate_state inflate;
    bytes_buffer output, raw;
};

page_maker *page_maker_new(void)
{
    page_maker *m = memory_alloc(sizeof *m);
    m->compressor = ZSTD_createCCtx();
    m->decompressor = ZSTD_createDCtx();
    return m;
}

void page_maker_free(page_maker *m)
{
    if (!m)
        return;
    ZSTD_freeCCtx(m->compressor);
    ZSTD_freeDCtx(m->decompressor);
    free(m->output.data);
    free(m->raw.data);
    free(m);
}

void page_maker_reset(page_maker *m)
{
    m->output.len = 0;
}

str page_maker_output(const page_maker *m)
{
    return (str){ m->output.data, m->output.len };
}

static char *reserve(bytes_buffer *b, size_t more)
{
    if (b->len + more > b->capacity) {
        b->capacity = (b->len + more) * 2;
        b->data = memory_grow(b->data, b->capacity);
    }
    return b->data + b->len;
}

static void append(bytes_buffer *b, const void *data, size_t len)
{
    memcpy(reserve(b, len), data, len);
    b->len += len;
}

bool parquet_codec_is_known(int codec)
{
    return codec == CODEC_PLAIN || codec == CODEC_SNAPPY || codec == CODEC_GZIP ||
           codec == CODEC_ZSTD;
}

/* ---- Page headers ---- */

typedef struct page_header {
    int type;
    int64_t encoding, def_encoding, rep_encoding, raw_bytes, size_bytes, value_count, null_count,
        row_count, def_bytes, rep_bytes;
    uint32_t crc;
    bool has_crc, is_plain; /* of version 2: not compressed */
} page_header;

/* DataPageHeader (5), DictionaryPageHeader (7), DataPageHeaderV2 (8): where each number goes. */
static int64_t *place_of(int kind, int id, page_header *h)
{
    static const size_t v1[] = { 0, offsetof(page_header, value_count),
                                 offsetof(page_header, encoding),
                                 offsetof(page_header, def_encoding),
                                 offsetof(page_header, rep_encoding) };
    static const size_t v2[] = { 0,
                                 offsetof(page_header, value_count),
                                 offsetof(page_header, null_count),
                                 offsetof(page_header, row_count),
                                 offsetof(page_header, encoding),
                                 offsetof(page_header, def_bytes),
                                 offsetof(page_header, rep_bytes) };
    const size_t *places = kind == 8 ? v2 : v1;
    int count = kind == 8 ? ARRAY_LEN(v2) : kind == 7 ? 3 : ARRAY_LEN(v1);
    return id > 0 && id < count ? (int64_t *)(void *)((char *)h + places[id]) : NULL;
}

static void read_inner(thrift_reader *r, int kind, page_header *h)
{
    int id = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        int64_t *place = t == THRIFT_I32 ? place_of(kind, id, h) : NULL;
        if (place)
            *place = thrift_int(r);
        else if (kind == 8 && id == 7 && t == THRIFT_FALSE)
            h->is_plain = true;
        else
            thrift_skip(r, t);
    }
}

static page_header read_header(thrift_reader *r)
{
    page_header h = {
        .type = -1, .raw_bytes = -1, .size_bytes = -1, .value_count = -1, .encoding = -1
    };
    int id = 0;
    for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;) {
        if (t == THRIFT_I32 && id <= 4) {
            int64_t v = thrift_int(r);
            if (id == 1)
                h.type = (int)v;
            else if (id == 2)
                h.raw_bytes = v;
            else if (id == 3)
                h.size_bytes = v;
            else
                h.crc = (uint32_t)v;
            h.has_crc |= id == 4;
        } else if (t == THRIFT_STRUCT && (id == 5 || id == 7 || id == 8)) {
            read_inner(r, id, &h);
        } else {
            thrift_skip(r, t);
        }
    }
    return h;
}

static void put_inner(strbuf *b, const page_header *h)
{
    int id = 0;
    thrift_put_int_field(b, &id, 1, THRIFT_I32, h->value_count);
    if (h->type == PAGE_DATA_V2) {
        thrift_put_int_field(b, &id, 2, THRIFT_I32, h->null_count);
        thrift_put_int_field(b, &id, 3, THRIFT_I32, h->row_count);
        thrift_put_int_field(b, &id, 4, THRIFT_I32, h->encoding);
        thrift_put_int_field(b, &id, 5, THRIFT_I32, h->def_bytes);
        thrift_put_int_field(b, &id, 6, THRIFT_I32, h->rep_bytes);
        thrift_put_bool_field(b, &id, 7, true);
    } else {
        thrift_put_int_field(b, &id, 2, THRIFT_I32, h->encoding);
    }
    if (h->type == PAGE_DATA) {
        thrift_put_int_field(b, &id, 3, THRIFT_I32, h->def_encoding);
        thrift_put_int_field(b, &id, 4, THRIFT_I32, h->rep_encoding);
    }
    thrift_put_stop(b);
}

static str header_bytes(arena *a, const page_header *h)
{
    strbuf b = strbuf_new(a);
    int id = 0;
    thrift_put_int_field(&b, &id, 1, THRIFT_I32, h->type);
    thrift_put_int_field(&b, &id, 2, THRIFT_I32, h->raw_bytes);
    thrift_put_int_field(&b, &id, 3, THRIFT_I32, h->size_bytes);
    thrift_put_int_field(&b, &id, 4, THRIFT_I32, (int32_t)h->crc);
    thrift_put_field(&b, &id,
                     h->type == PAGE_DATA         ? 5
                     : h->type == PAGE_DICTIONARY ? 7
                                                  : 8,
                     THRIFT_STRUCT);
    put_inner(&b, h);
    thrift_put_stop(&b);
    return strbuf_str(&b);
}

/* ---- One page out ---- */

/* Compress `raw`, whose first `levels` bytes stay as they are, and append it with its header. */
static bool put_page(page_maker *m, page_header *h, str raw, size_t levels, made_chunk *chunk,
                     error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    size_t most = ZSTD_compressBound(raw.len - levels);
    char *packed = arena_alloc(a, levels + most);
    memcpy(packed, raw.data, levels);
    size_t size = ZSTD_compressCCtx(m->compressor, packed + levels, most, raw.data + levels,
                                    raw.len - levels, LEVEL);
    if (ZSTD_isError(size))
        return fail(err, ERR_IO, "zstd: %s", ZSTD_getErrorName(size));
    h->raw_bytes = (int64_t)raw.len;
    h->size_bytes = (int64_t)(levels + size);
    h->crc = crc32_gzip_refl(0, (const unsigned char *)packed, levels + size);
    str header = header_bytes(a, h);
    int64_t at = (int64_t)m->output.len;
    if (h->type == PAGE_DICTIONARY)
        chunk->dictionary_offset = at;
    else if (chunk->data_offset < 0)
        chunk->data_offset = at;
    append(&m->output, header.data, header.len);
    append(&m->output, packed, levels + size);
    chunk->raw_bytes += (int64_t)header.len + h->raw_bytes;
    chunk->size_bytes += (int64_t)header.len + h->size_bytes;
    chunk->encodings |= 1u << h->encoding;
    if (h->type != PAGE_DICTIONARY) {
        chunk->encodings |= 1u << ENCODING_RLE;
        chunk->value_count += h->value_count;
    }
    return true;
}

made_chunk made_chunk_new(void)
{
    return (made_chunk){ .dictionary_offset = -1, .data_offset = -1, .stats.null_count = -1 };
}

/* ---- Copied ---- */

static bool inflate_page(page_maker *m, str packed, char *raw, size_t raw_bytes)
{
    isal_inflate_init(&m->inflate);
    m->inflate.crc_flag = ISAL_GZIP;
    m->inflate.next_in = (uint8_t *)(uintptr_t)packed.data;
    m->inflate.avail_in = (uint32_t)packed.len;
    m->inflate.next_out = (uint8_t *)raw;
    m->inflate.avail_out = (uint32_t)raw_bytes;
    return isal_inflate(&m->inflate) == ISAL_DECOMP_OK && m->inflate.avail_out == 0 &&
           m->inflate.block_state == ISAL_BLOCK_FINISH;
}

static bool unpack(page_maker *m, int codec, str packed, char *raw, size_t raw_bytes)
{
    size_t made = raw_bytes;
    switch (codec) {
    case CODEC_PLAIN:
        if (packed.len != raw_bytes)
            return false;
        memcpy(raw, packed.data, raw_bytes);
        return true;
    case CODEC_SNAPPY:
        return snappy_uncompress(packed.data, packed.len, raw, &made) == SNAPPY_OK &&
               made == raw_bytes;
    case CODEC_GZIP: return inflate_page(m, packed, raw, raw_bytes);
    default:
        return ZSTD_decompressDCtx(m->decompressor, raw, raw_bytes, packed.data, packed.len) ==
               raw_bytes;
    }
}

static bool check_header(const page_header *h, const thrift_reader *r, const made_chunk *made,
                         error *err)
{
    bool is_data = h->type == PAGE_DATA || h->type == PAGE_DATA_V2;
    bool is_first_dictionary =
        h->type == PAGE_DICTIONARY && made->dictionary_offset < 0 && made->data_offset < 0;
    bool is_sound = !r->is_bad && (is_data || is_first_dictionary) && h->value_count >= 0 &&
                    h->raw_bytes >= 0 && h->raw_bytes <= MOST_PAGE_BYTES && h->size_bytes >= 0 &&
                    h->size_bytes <= r->end - r->at && h->encoding >= 0 && h->encoding < ENCODINGS;
    if (is_sound && h->type == PAGE_DATA_V2)
        is_sound = h->def_bytes >= 0 && h->rep_bytes >= 0 &&
                   h->def_bytes + h->rep_bytes <= h->size_bytes &&
                   h->def_bytes + h->rep_bytes <= h->raw_bytes;
    return is_sound ? true : fail(err, ERR_CORRUPT, "the header of a page is damaged");
}

/* Where the definition levels of a raw page lie: in version 1 behind their length. */
static bool find_levels(const page_header *h, str raw, str *ret_levels, str *ret_values, error *err)
{
    uint32_t size = 0;
    if (h->type == PAGE_DATA_V2) {
        *ret_levels = str_slice(raw, (size_t)h->rep_bytes, (size_t)(h->rep_bytes + h->def_bytes));
        *ret_values = str_slice(raw, (size_t)(h->rep_bytes + h->def_bytes), raw.len);
        return true;
    }
    bool is_sound = h->def_encoding == ENCODING_RLE && raw.len >= sizeof size;
    if (is_sound)
        memcpy(&size, raw.data, sizeof size);
    if (!is_sound || size > raw.len - sizeof size)
        return fail(err, ERR_CORRUPT, "the definition levels of a page are damaged");
    *ret_levels = str_slice(raw, sizeof size, sizeof size + size);
    *ret_values = str_slice(raw, sizeof size + size, raw.len);
    return true;
}

/* The raw page with null in the place of the text; as it is when there is none. */
static bool take_out_text(null_text *n, arena *a, page_header *h, str raw, str *ret, error *err)
{
    str levels, values;
    null_text_page page;
    bool is_changed, is_dictionary = h->encoding != ENCODING_PLAIN;
    *ret = raw;
    if (h->type == PAGE_DICTIONARY)
        return null_text_dictionary(n, raw, h->value_count, err);
    TRY(find_levels(h, raw, &levels, &values, err));
    TRY(null_text_page_make(n, a, levels, values, is_dictionary, h->value_count, &is_changed, &page,
                            err));
    if (!is_changed)
        return true;
    strbuf b = strbuf_new(a);
    uint32_t size = (uint32_t)page.levels.len;
    if (h->type == PAGE_DATA)
        strbuf_add_bytes(&b, &size, sizeof size);
    strbuf_add(&b, page.levels);
    strbuf_add(&b, page.values);
    h->def_bytes = size;
    h->null_count += page.taken_out;
    *ret = strbuf_str(&b);
    return true;
}

static bool unpack_page(page_maker *m, thrift_reader *r, int codec, page_header *h,
                        const made_chunk *made, str *ret_raw, error *err)
{
    *h = read_header(r);
    TRY(check_header(h, r, made, err));
    str packed = { (const char *)r->at, (size_t)h->size_bytes };
    size_t levels = h->type == PAGE_DATA_V2 ? (size_t)(h->def_bytes + h->rep_bytes) : 0,
           raw_bytes = (size_t)h->raw_bytes;
    r->at += h->size_bytes;
    if (h->has_crc && crc32_gzip_refl(0, (const unsigned char *)packed.data, packed.len) != h->crc)
        return fail(err, ERR_CORRUPT, "the checksum of a page does not match");
    m->raw.len = 0;
    char *raw = reserve(&m->raw, raw_bytes + 1);
    memcpy(raw, packed.data, levels);
    if (!unpack(m, h->is_plain ? CODEC_PLAIN : codec, str_slice(packed, levels, packed.len),
                raw + levels, raw_bytes - levels))
        return fail(err, ERR_CORRUPT, "the compressed data of a page is damaged");
    *ret_raw = (str){ raw, raw_bytes };
    return true;
}

static bool copy_page(page_maker *m, thrift_reader *r, int codec, null_text *n, made_chunk *made,
                      error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    page_header h;
    str raw;
    TRY(unpack_page(m, r, codec, &h, made, &raw, err));
    if (n->text.len)
        TRY(take_out_text(n, a, &h, raw, &raw, err));
    size_t levels = h.type == PAGE_DATA_V2 ? (size_t)(h.def_bytes + h.rep_bytes) : 0;
    return put_page(m, &h, raw, levels, made, err);
}

/* Statistics after a text has become null. */
static parquet_stats new_stats(const parquet_chunk *chunk, const null_text *n)
{
    parquet_stats s = chunk->stats;
    if (n->taken_out == 0)
        return s;
    if (s.null_count >= 0)
        s.null_count += n->taken_out;
    s.min = n->min;
    s.max = n->max;
    return s;
}

bool page_maker_copy(page_maker *m, arena *a, str bytes, const parquet_column *column,
                     const parquet_chunk *chunk, str text, made_chunk *ret, error *err)
{
    const uint8_t *from = (const uint8_t *)bytes.data + chunk->offset;
    thrift_reader r = { from, from + chunk->size_bytes, false };
    made_chunk made = made_chunk_new();
    bool is_ruled_out = chunk->stats.min.data && str_compare(chunk->stats.min, text) > 0;
    null_text n = { .text = is_ruled_out ? STR("") : text, .entry = -1, .texts = a };
    while (r.at < r.end)
        if (!copy_page(m, &r, chunk->codec, &n, &made, err))
            return fail_while(err, "column " STR_FMT ", byte %lld", STR_ARG(column->name),
                              (long long)(r.at - (const uint8_t *)bytes.data));
    if (made.value_count != chunk->value_count)
        return fail(err, ERR_CORRUPT, "column " STR_FMT ": its pages have %lld values, not %lld",
                    STR_ARG(column->name), (long long)made.value_count,
                    (long long)chunk->value_count);
    made.stats = new_stats(chunk, &n);
    *ret = made;
    return true;
}

/* ---- Made here ---- */

/* A run of one value of one bit, in the RLE hybrid. */
static void put_run(strbuf *b, uint64_t count, char v)
{
    uint64_t x = count << 1;
    for (; x > 0x7F; x >>= 7)
        strbuf_add_char(b, (char)(x | 0x80));
    strbuf_add_char(b, (char)x);
    strbuf_add_char(b, v);
}

void page_put_levels(strbuf *b, uint64_t count)
{
    size_t at = b->len;
    uint32_t size = 0;
    strbuf_add_bytes(b, &size, sizeof size);
    put_run(b, count, 1);
    size = (uint32_t)(b->len - at - sizeof size);
    memcpy(b->data + at, &size, sizeof size);
}

static page_header made_header(int type, int encoding, int64_t value_count)
{
    return (page_header){ .type = type,
                          .encoding = encoding,
                          .def_encoding = ENCODING_RLE,
                          .rep_encoding = ENCODING_RLE,
                          .value_count = value_count };
}

bool page_maker_add(page_maker *m, made_page kind, str raw, int64_t value_count, made_chunk *chunk,
                    error *err)
{
    page_header h =
        made_header(kind == MADE_DICTIONARY ? PAGE_DICTIONARY : PAGE_DATA,
                    kind == MADE_INDEXES ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN, value_count);
    return put_page(m, &h, raw, 0, chunk, err);
}

bool page_maker_constant(page_maker *m, arena *a, parquet_type type, int64_t v, int64_t row_count,
                         made_chunk *ret, error *err)
{
    made_chunk made = made_chunk_new();
    int32_t narrow = (int32_t)v;
    str plain = type == PARQUET_INT32 ? (str){ (const char *)&narrow, sizeof narrow }
                                      : (str){ (const char *)&v, sizeof v };
    page_header dictionary = made_header(PAGE_DICTIONARY, ENCODING_PLAIN, 1),
                data = made_header(PAGE_DATA, ENCODING_RLE_DICTIONARY, row_count);
    strbuf raw = strbuf_new(a);
    TRY(put_page(m, &dictionary, plain, 0, &made, err));
    page_put_levels(&raw, (uint64_t)row_count);
    strbuf_add_char(&raw, 1); /* bits of an index */
    put_run(&raw, (uint64_t)row_count, 0);
    TRY(put_page(m, &data, strbuf_str(&raw), 0, &made, err));
    made.stats = (parquet_stats){ 0, str_copy(a, plain), str_copy(a, plain) };
    *ret = made;
    return true;
}

bool page_maker_keys(page_maker *m, arena *a, const parquet_input *input, uint64_t first,
                     int64_t row_count, made_chunk *ret, error *err)
{
    made_chunk made = made_chunk_new();
    strbuf raw = strbuf_new(a);
    uint32_t size = PARQUET_KEY_BYTES;
    char *ends = arena_alloc(a, 2 * PARQUET_KEY_BYTES);
    for (int64_t done = 0, count; done < row_count; done += count) {
        count = row_count - done < KEYS_A_PAGE ? row_count - done : KEYS_A_PAGE;
        page_header h = made_header(PAGE_DATA, ENCODING_PLAIN, count);
        raw.len = 0;
        page_put_levels(&raw, (uint64_t)count);
        strbuf_reserve(&raw, (size_t)count * (sizeof size + PARQUET_KEY_BYTES));
        char *at = raw.data + raw.len;
        for (int64_t i = 0; i < count; i++, at += sizeof size + PARQUET_KEY_BYTES) {
            memcpy(at, &size, sizeof size);
            input->make_key(input->key_context, first + (uint64_t)(done + i), at + sizeof size);
        }
        raw.len += (size_t)count * (sizeof size + PARQUET_KEY_BYTES);
        TRY(put_page(m, &h, strbuf_str(&raw), 0, &made, err));
    }
    if (row_count > 0) {
        input->make_key(input->key_context, first, ends);
        input->make_key(input->key_context, first + (uint64_t)row_count - 1,
                        ends + PARQUET_KEY_BYTES);
        made.stats = (parquet_stats){ 0,
                                      { ends, PARQUET_KEY_BYTES },
                                      { ends + PARQUET_KEY_BYTES, PARQUET_KEY_BYTES } };
    }
    *ret = made;
    return true;
}
