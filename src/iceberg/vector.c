/* Deletion vectors: which rows of one data file are deleted, as a blob of a Puffin file. They are
 * small; what queries need of them stays in memory, named by numbers that SQL can hold. Source:
 * puffin-spec.md ("File structure", "deletion-vector-v1"); RoaringFormatSpec (portable format with
 * its 64-bit extension). */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "iceberg/internal.h"

enum {
    COOKIE_WITH_RUNS = 12347,
    COOKIE_NO_RUNS = 12346,
    MOST_ARRAY = 4096, /* values of an array container; more are a bitmap */
    BITMAP_BYTES = 8192,
    OFFSETS_FROM = 4, /* containers from which even a bitmap with runs has offsets */
    LARGEST_VECTOR_ROWS = 0x7FFFFFFF,
};
static const uint8_t magic[] = { 0xD1, 0xD3, 0x39, 0x64 };

/* ---- Reading ---- */

typedef struct cursor {
    str bytes;
    size_t at;
} cursor;

static bool take(cursor *c, size_t len, const uint8_t **ret)
{
    if (len > c->bytes.len - c->at)
        return false;
    *ret = (const uint8_t *)c->bytes.data + c->at;
    c->at += len;
    return true;
}

static bool take_number(cursor *c, size_t len, uint64_t *ret)
{
    const uint8_t *p;
    if (!take(c, len, &p))
        return false;
    *ret = 0;
    for (size_t i = len; i-- > 0;)
        *ret = *ret << 8 | p[i];
    return true;
}

static bool mark(delete_vector *v, uint64_t row)
{
    if (row >= v->row_count)
        return false;
    uint64_t bit = 1ull << (row % 64);
    v->deleted_count += !(v->words[row / 64] & bit);
    v->words[row / 64] |= bit;
    return true;
}

static bool read_container(cursor *c, delete_vector *v, uint64_t base, size_t count, bool is_run)
{
    uint64_t n, start, len;
    const uint8_t *p;
    if (is_run) {
        if (!take_number(c, 2, &n))
            return false;
        for (uint64_t i = 0; i < n; i++) {
            if (!take_number(c, 2, &start) || !take_number(c, 2, &len) || start + len > 0xFFFF)
                return false;
            for (uint64_t k = 0; k <= len; k++)
                if (!mark(v, base + start + k))
                    return false;
        }
        return true;
    }
    if (count <= MOST_ARRAY) {
        for (size_t i = 0; i < count; i++)
            if (!take_number(c, 2, &n) || !mark(v, base + n))
                return false;
        return true;
    }
    if (!take(c, BITMAP_BYTES, &p))
        return false;
    for (size_t i = 0; i < BITMAP_BYTES; i++)
        for (int bit = 0; p[i] >> bit; bit++)
            if ((p[i] >> bit & 1) && !mark(v, base + i * 8 + (size_t)bit))
                return false;
    return true;
}

/* One 32-bit bitmap of the portable format; its rows start at `base`. */
static bool read_bitmap(cursor *c, delete_vector *v, uint64_t base)
{
    uint64_t cookie, containers, key, count;
    const uint8_t *runs = NULL, *ignored;
    if (!take_number(c, 4, &cookie))
        return false;
    if ((cookie & 0xFFFF) == COOKIE_WITH_RUNS) {
        containers = (cookie >> 16) + 1;
        if (!take(c, (containers + 7) / 8, &runs))
            return false;
    } else if (cookie != COOKIE_NO_RUNS || !take_number(c, 4, &containers) ||
               containers > 1 << 16) {
        return false;
    }
    cursor heads = *c;
    if (!take(c, containers * 4, &ignored))
        return false;
    if ((!runs || containers >= OFFSETS_FROM) && !take(c, containers * 4, &ignored))
        return false;
    for (uint64_t i = 0; i < containers; i++) {
        if (!take_number(&heads, 2, &key) || !take_number(&heads, 2, &count) ||
            !read_container(c, v, base + (key << 16), (size_t)count + 1,
                            runs && (runs[i / 8] >> (i % 8) & 1)))
            return false;
    }
    return true;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool vector_decode(arena *a, str blob, int64_t row_count, delete_vector *ret, error *err)
{
    const uint8_t *p = (const uint8_t *)blob.data;
    if (row_count < 0 || row_count > LARGEST_VECTOR_ROWS)
        return fail(err, ERR_LIMIT, "a deletion vector over %lld rows is too large",
                    (long long)row_count);
    if (blob.len < 20 || big_endian(p) != blob.len - 8 || memcmp(p + 4, magic, 4) != 0)
        return fail(err, ERR_CORRUPT, "it is not a deletion vector of %zu bytes", blob.len);
    if (crc32_of(str_slice(blob, 4, blob.len - 4)) != big_endian(p + blob.len - 4))
        return fail(err, ERR_CORRUPT, "the deletion vector fails its checksum");
    *ret = (delete_vector){ .row_count = (uint64_t)row_count,
                            .words = arena_array_of(a, uint64_t, row_count / 64 + 1) };
    cursor c = { str_slice(blob, 8, blob.len - 4), 0 };
    uint64_t bitmaps = 0, key;
    bool works = take_number(&c, 8, &bitmaps);
    for (uint64_t i = 0; works && i < bitmaps; i++)
        works = take_number(&c, 4, &key) && read_bitmap(&c, ret, key << 32);
    return works ? true
                 : fail(err, ERR_CORRUPT,
                        "the deletion vector is damaged near byte %zu, or names a row beyond the "
                        "file's %lld",
                        c.at + 8, (long long)row_count);
}

bool vector_read(store *s, arena *a, const iceberg_file *f, int64_t row_count, delete_vector *ret,
                 error *err)
{
    enum { LARGEST_BLOB = 1 << 30 };
    if (f->content_size < 20 || f->content_size > LARGEST_BLOB || f->content_offset < 4)
        return fail(err, ERR_CORRUPT, "reading " STR_FMT ": a deletion vector cannot stand at %lld",
                    STR_ARG(f->uri), (long long)f->content_offset);
    char *bytes = arena_alloc(a, (size_t)f->content_size);
    TRY(store_read_range(s, f->uri, (uint64_t)f->content_offset, bytes, (size_t)f->content_size,
                         err));
    if (vector_decode(a, (str){ bytes, (size_t)f->content_size }, row_count, ret, err))
        return true;
    return fail_while(err, "reading " STR_FMT " at byte %lld", STR_ARG(f->uri),
                      (long long)f->content_offset);
}

bool iceberg_vector_read(const iceberg_table *t, arena *a, const iceberg_file *f, int64_t row_count,
                         iceberg_deleted_rows *ret, error *err)
{
    return vector_read(t->store, a, f, row_count, ret, err);
}

/* ---- Writing ---- */

static void put_little(strbuf *b, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        strbuf_add_char(b, (char)(n >> (8 * i)));
}

static void put_big(strbuf *b, uint32_t n)
{
    for (int i = 3; i >= 0; i--)
        strbuf_add_char(b, (char)(n >> (8 * i)));
}

static void put_container(strbuf *b, const uint64_t *words, size_t count)
{
    if (count > MOST_ARRAY) {
        strbuf_add_bytes(b, words, BITMAP_BYTES);
        return;
    }
    for (size_t i = 0; i < BITMAP_BYTES / 8; i++)
        for (uint64_t rest = words[i]; rest; rest &= rest - 1)
            put_little(b, i * 64 + (uint64_t)__builtin_ctzll(rest), 2);
}

/* Deleted rows of container `key`; words behind the end of the vector read as zero. */
static size_t container_of(const delete_vector *v, uint64_t key, uint64_t *ret_words)
{
    size_t words = (size_t)(v->row_count / 64 + 1), from = (size_t)(key * (BITMAP_BYTES / 8));
    size_t count = 0;
    for (size_t i = 0; i < BITMAP_BYTES / 8; i++) {
        ret_words[i] = from + i < words ? v->words[from + i] : 0;
        count += (size_t)__builtin_popcountll(ret_words[i]);
    }
    return count;
}

str vector_encode(arena *a, const delete_vector *v)
{
    uint64_t words[BITMAP_BYTES / 8];
    uint64_t keys = v->row_count / 65536 + 1, used = 0, at;
    strbuf heads = strbuf_new(a), offsets = strbuf_new(a), data = strbuf_new(a);
    for (uint64_t key = 0; key < keys; key++)
        used += container_of(v, key, words) > 0;
    at = 8 + used * 8; /* behind cookie, count, heads and offsets */
    for (uint64_t key = 0; key < keys; key++) {
        size_t count = container_of(v, key, words);
        if (count == 0)
            continue;
        put_little(&heads, key, 2);
        put_little(&heads, count - 1, 2);
        put_little(&offsets, at + data.len, 4);
        put_container(&data, words, count);
    }
    strbuf b = strbuf_new(a);
    put_big(&b, (uint32_t)(4 + 8 + 4 + 8 + heads.len + offsets.len + data.len));
    strbuf_add_bytes(&b, magic, 4);
    put_little(&b, 1, 8); /* one bitmap, for the rows below 2^32 */
    put_little(&b, 0, 4);
    put_little(&b, COOKIE_NO_RUNS, 4);
    put_little(&b, used, 4);
    strbuf_add(&b, strbuf_str(&heads));
    strbuf_add(&b, strbuf_str(&offsets));
    strbuf_add(&b, strbuf_str(&data));
    put_big(&b, crc32_of(str_slice(strbuf_str(&b), 4, b.len)));
    return strbuf_str(&b);
}

bool iceberg_vectors_write(const iceberg_table *t, arena *a, str uri, const iceberg_vector *vectors,
                           size_t count, iceberg_file *ret_files, error *err)
{
    strbuf file = strbuf_new(a), footer = strbuf_new(a);
    json_writer w = json_writer_new(&footer);
    strbuf_add_c(&file, "PFA1");
    json_put_object_begin(&w);
    json_put_key(&w, STR("blobs"));
    json_put_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        const iceberg_file *data = vectors[i].data_file;
        str blob = vector_encode(a, &vectors[i].rows);
        ret_files[i] = (iceberg_file){ .content = ICEBERG_POSITION_DELETES,
                                       .uri = uri,
                                       .format = STR("PUFFIN"),
                                       .spec_id = data->spec_id,
                                       .partition = data->partition,
                                       .row_count = (int64_t)vectors[i].rows.deleted_count,
                                       .referenced_data_file = data->uri,
                                       .content_offset = (int64_t)file.len,
                                       .content_size = (int64_t)blob.len,
                                       .first_row_id = -1 };
        json_put_raw(&w, str_format(a,
                                    "{\"type\":\"deletion-vector-v1\",\"fields\":[2147483645],"
                                    "\"snapshot-id\":-1,\"sequence-number\":-1,\"offset\":%zu,"
                                    "\"length\":%zu,\"properties\":{\"referenced-data-file\":",
                                    file.len, blob.len));
        json_writer inner = json_writer_new(&footer);
        json_put_text(&inner, data->uri);
        strbuf_format(&footer, ",\"cardinality\":\"%llu\"}}",
                      (unsigned long long)vectors[i].rows.deleted_count);
        strbuf_add(&file, blob);
    }
    json_put_array_done(&w);
    json_put_key(&w, STR("properties"));
    json_put_raw(&w, STR("{\"created-by\":\"Floe " FLOE_VERSION "\"}"));
    json_put_object_done(&w);
    strbuf_add_c(&file, "PFA1");
    strbuf_add(&file, strbuf_str(&footer));
    put_little(&file, footer.len, 4);
    put_little(&file, 0, 4); /* flags: the footer is not packed */
    strbuf_add_c(&file, "PFA1");
    for (size_t i = 0; i < count; i++)
        ret_files[i].size_bytes = (int64_t)file.len;
    return store_write(t->store, uri, strbuf_str(&file), err);
}

/* ---- Vectors that queries use, by number ---- */

/* Vectors that no scan has asked for in an hour make room when there are many. */
enum { KEPT_BYTES = 256 << 20 };
static const uint64_t kept_us = 3600ull * 1000000;

typedef struct kept_vector {
    char *name; /* uri#offset; NULL: given up */
    delete_vector rows;
    size_t bytes;
    _Atomic uint64_t asked_us;
} kept_vector;

static struct registry {
    pthread_rwlock_t lock; /* guards the rest */
    kept_vector *items;    /* the number of one is its index + 1 */
    size_t count, capacity, bytes;
} registry = { .lock = PTHREAD_RWLOCK_INITIALIZER };

static int64_t find_kept(str name)
{
    for (size_t i = registry.count; i-- > 0;)
        if (str_eq(str_of(registry.items[i].name), name)) {
            registry.items[i].asked_us = clock_monotonic_us();
            return (int64_t)i + 1;
        }
    return 0;
}

static void give_up_old(void)
{
    uint64_t now = clock_monotonic_us();
    for (size_t i = 0; i < registry.count && registry.bytes > KEPT_BYTES; i++) {
        kept_vector *k = &registry.items[i];
        if (!k->name || now - k->asked_us < kept_us)
            continue;
        registry.bytes -= k->bytes;
        free(k->name);
        free(k->rows.words);
        *k = (kept_vector){ 0 };
    }
}

bool vector_keep(store *s, const iceberg_file *f, int64_t row_count, int64_t *ret_number,
                 error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    str name = str_format(scratch, STR_FMT "#%lld", STR_ARG(f->uri), (long long)f->content_offset);
    delete_vector v;
    pthread_rwlock_rdlock(&registry.lock);
    *ret_number = find_kept(name);
    pthread_rwlock_unlock(&registry.lock);
    if (*ret_number)
        return true;
    TRY(vector_read(s, scratch, f, row_count, &v, err));
    size_t bytes = (v.row_count / 64 + 1) * 8;
    pthread_rwlock_wrlock(&registry.lock);
    *ret_number = find_kept(name);
    if (!*ret_number) {
        if (registry.count == registry.capacity) {
            registry.capacity = registry.capacity ? registry.capacity * 2 : 64;
            registry.items =
                memory_grow(registry.items, registry.capacity * sizeof *registry.items);
        }
        kept_vector *kept = &registry.items[registry.count++];
        *kept = (kept_vector){ strdup(str_to_c(scratch, name)), v, bytes, clock_monotonic_us() };
        kept->rows.words = memory_alloc(bytes);
        memcpy(kept->rows.words, v.words, bytes);
        *ret_number = (int64_t)registry.count;
        registry.bytes += bytes;
        give_up_old();
    }
    pthread_rwlock_unlock(&registry.lock);
    return true;
}

/* iceberg_live(number, row): number 0 has no deletes. */
static void rows_live(void *context, const int64_t *numbers, const int64_t *rows, size_t count,
                      bool *ret)
{
    (void)context;
    pthread_rwlock_rdlock(&registry.lock);
    for (size_t i = 0; i < count; i++) {
        const delete_vector *v = numbers[i] > 0 && (size_t)numbers[i] <= registry.count
                                     ? &registry.items[numbers[i] - 1].rows
                                     : NULL;
        uint64_t row = (uint64_t)rows[i];
        ret[i] = !v || row >= v->row_count || !(v->words[row / 64] >> (row % 64) & 1);
    }
    pthread_rwlock_unlock(&registry.lock);
}

bool iceberg_register_functions(sql_engine *e, error *err)
{
    TRY(transform_register(e, err));
    return sql_register_row_filter(e, "iceberg_live", rows_live, NULL, err);
}
