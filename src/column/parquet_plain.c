/* The footer of a Parquet file written anew without integer annotations; all else byte by byte. */
#include "column/parquet_plain.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "column/parquet.h"
#include "column/thrift.h"

enum {
    CONVERTED_INT_32 = 17,
    CONVERTED_INT_64 = 18,
    MOST_FOOTER_BYTES = 1 << 28,
    MOST_FIELDS = 64 /* of a schema element; parquet.thrift has 10 */
};

/* A field as it stands, its value uninterpreted. */
typedef struct raw_field {
    int id;
    thrift_type type;
    str bytes;
} raw_field;

/* The next field of a struct; false at its end. */
static bool next_field(thrift_reader *r, int *last_id, raw_field *ret)
{
    ret->type = thrift_field(r, last_id);
    ret->id = *last_id;
    if (ret->type == THRIFT_STOP || r->is_bad)
        return false;
    const uint8_t *from = r->at;
    if (ret->type != THRIFT_TRUE && ret->type != THRIFT_FALSE)
        thrift_skip(r, ret->type);
    ret->bytes = (str){ (const char *)from, (size_t)(r->at - from) };
    return !r->is_bad;
}

static int64_t int_of(const raw_field *f)
{
    thrift_reader r = { (const uint8_t *)f->bytes.data,
                        (const uint8_t *)f->bytes.data + f->bytes.len, false };
    return f->type == THRIFT_I32 ? thrift_int(&r) : -1;
}

static void put_field(strbuf *b, int *last_id, const raw_field *f)
{
    thrift_put_field(b, last_id, f->id, f->type);
    strbuf_add(b, f->bytes);
}

/* One element of the schema; true when its annotation was left out. */
static bool copy_element(thrift_reader *r, strbuf *b)
{
    raw_field fields[MOST_FIELDS];
    size_t count = 0;
    int last_id = 0, put_id = 0;
    int64_t type = -1, converted = -1;
    while (count < MOST_FIELDS && next_field(r, &last_id, &fields[count])) {
        type = fields[count].id == 1 ? int_of(&fields[count]) : type;
        converted = fields[count].id == 6 ? int_of(&fields[count]) : converted;
        count++;
    }
    r->is_bad |= count == MOST_FIELDS;
    bool is_plain = (type == PARQUET_INT32 && converted == CONVERTED_INT_32) ||
                    (type == PARQUET_INT64 && converted == CONVERTED_INT_64);
    for (size_t i = 0; i < count; i++) /* 6: converted_type, 10: logicalType says the same */
        if (!is_plain || (fields[i].id != 6 && fields[i].id != 10))
            put_field(b, &put_id, &fields[i]);
    thrift_put_stop(b);
    return is_plain;
}

static size_t copy_schema(str list, strbuf *b, bool *ret_is_bad)
{
    thrift_reader r = { (const uint8_t *)list.data, (const uint8_t *)list.data + list.len, false };
    thrift_type item;
    size_t changed = 0, count = thrift_list(&r, &item);
    r.is_bad |= item != THRIFT_STRUCT;
    thrift_put_list(b, THRIFT_STRUCT, count);
    for (size_t i = 0; i < count && !r.is_bad; i++)
        changed += copy_element(&r, b);
    *ret_is_bad |= r.is_bad;
    return changed;
}

/* The footer anew in `b`; the number of annotations left out. */
static size_t copy_footer(str footer, strbuf *b, bool *ret_is_bad)
{
    thrift_reader r = { (const uint8_t *)footer.data, (const uint8_t *)footer.data + footer.len,
                        false };
    raw_field f;
    int last_id = 0, put_id = 0;
    size_t changed = 0;
    while (next_field(&r, &last_id, &f)) {
        if (f.id == 2 && f.type == THRIFT_LIST) {
            thrift_put_field(b, &put_id, 2, THRIFT_LIST);
            changed += copy_schema(f.bytes, b, &r.is_bad);
        } else {
            put_field(b, &put_id, &f);
        }
    }
    thrift_put_stop(b);
    *ret_is_bad |= r.is_bad;
    return changed;
}

static bool fail_corrupt(const char *path, error *err)
{
    return fail(err, ERR_CORRUPT, "%s: its footer is not Parquet's", path);
}

static bool write_at(int fd, const char *path, str bytes, off_t offset, error *err)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = pwrite(fd, bytes.data + done, bytes.len - done, offset + (off_t)done);
        if (n <= 0)
            return fail_errno(err, "writing %s", path);
        done += (size_t)n;
    }
    return true;
}

static bool make_plain(int fd, const char *path, int64_t *ret_bytes, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    uint32_t len;
    char tail[8];
    bool is_bad = false;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 12 || pread(fd, tail, 8, size - 8) != 8 || memcmp(tail + 4, "PAR1", 4) != 0)
        return fail_corrupt(path, err);
    memcpy(&len, tail, 4);
    if (len > MOST_FOOTER_BYTES || (off_t)len > size - 12)
        return fail_corrupt(path, err);
    char *footer = arena_alloc(a, len + 1);
    off_t from = size - 8 - (off_t)len;
    if (pread(fd, footer, len, from) != (ssize_t)len)
        return fail_errno(err, "reading %s", path);
    strbuf b = strbuf_new(a);
    *ret_bytes = size;
    size_t changed = copy_footer((str){ footer, len }, &b, &is_bad);
    if (is_bad)
        return fail_corrupt(path, err);
    if (changed == 0)
        return true;
    len = (uint32_t)b.len;
    strbuf_add_bytes(&b, &len, 4);
    strbuf_add_c(&b, "PAR1");
    TRY(write_at(fd, path, strbuf_str(&b), from, err));
    if (ftruncate(fd, from + (off_t)b.len) != 0)
        return fail_errno(err, "cutting %s", path);
    *ret_bytes = from + (int64_t)b.len;
    return true;
}

bool parquet_make_plain(const char *path, int64_t *ret_bytes, error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "opening %s", path);
    bool works = make_plain(fd, path, ret_bytes, err);
    if (close(fd) != 0 && works)
        return fail_errno(err, "closing %s", path);
    return works;
}
