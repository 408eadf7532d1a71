/* A Parquet file that is being written: row groups come from any thread, the footer at the end. */
#include "column/parquet_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"
#include "column/thrift.h"

enum { CODEC_ZSTD = 6, CONVERTED_UTF8 = 0, CONVERTED_DATE = 6, CONVERTED_TIMESTAMP_MICROS = 10 };

typedef struct made_group {
    int64_t offset, row_count;
    made_chunk *chunks; /* offsets from the beginning of the file */
} made_group;

struct parquet_file {
    const parquet_output *outputs;
    size_t output_count;
    int file;
    str path;             /* NUL-terminated */
    pthread_mutex_t lock; /* guards what follows */
    arena *arena;         /* of the result */
    int64_t end;          /* of the file */
    VEC(made_group) groups;
    bool is_finished;
};

bool parquet_file_open(arena *a, const char *path, const parquet_output *outputs,
                       size_t output_count, parquet_file **ret_file, error *err)
{
    for (size_t i = 0; i < output_count; i++)
        assert(parquet_column_can_be_copied(&outputs[i].column));
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return fail_errno(err, "making %s", path);
    parquet_file *f = arena_new_of(a, parquet_file);
    *f = (parquet_file){ .outputs = outputs,
                         .output_count = output_count,
                         .file = file,
                         .path = str_of(path),
                         .arena = a,
                         .end = 4 };
    pthread_mutex_init(&f->lock, NULL);
    *ret_file = f;
    return true;
}

void parquet_file_close(parquet_file *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->lock);
    close(f->file);
    if (!f->is_finished)
        unlink(f->path.data);
}

static bool write_at(const parquet_file *f, str bytes, int64_t offset, error *err)
{
    while (bytes.len) {
        ssize_t n = pwrite(f->file, bytes.data, bytes.len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_errno(err, "writing %s", f->path.data);
        bytes = str_slice(bytes, (size_t)n, bytes.len);
        offset += n;
    }
    return true;
}

/* Room at the end of the file, and the group's place in the footer. */
static int64_t take_place(parquet_file *m, const made_chunk *chunks, int64_t row_count, size_t size)
{
    pthread_mutex_lock(&m->lock);
    int64_t offset = m->end;
    made_group g = { offset, row_count,
                     arena_copy(m->arena, chunks, m->output_count * sizeof *chunks) };
    m->end += (int64_t)size;
    for (size_t i = 0; i < m->output_count; i++) {
        g.chunks[i].data_offset += offset;
        if (g.chunks[i].dictionary_offset >= 0)
            g.chunks[i].dictionary_offset += offset;
        g.chunks[i].stats.min = str_copy(m->arena, chunks[i].stats.min);
        g.chunks[i].stats.max = str_copy(m->arena, chunks[i].stats.max);
    }
    vec_push(m->arena, &m->groups, g);
    pthread_mutex_unlock(&m->lock);
    return offset;
}

bool parquet_file_add(parquet_file *f, str bytes, const made_chunk *chunks, int64_t row_count,
                      error *err)
{
    return write_at(f, bytes, take_place(f, chunks, row_count, bytes.len), err);
}

/* ---- Footer ---- */

static void put_logical(strbuf *b, parquet_meaning meaning)
{
    int id = 0;
    thrift_put_field(b, &id,
                     meaning == MEANING_TEXT   ? 1
                     : meaning == MEANING_DATE ? 6
                                               : 8,
                     THRIFT_STRUCT);
    if (meaning == MEANING_TIMESTAMP || meaning == MEANING_TIMESTAMP_UTC) {
        int inner = 0, unit = 0;
        thrift_put_bool_field(b, &inner, 1, meaning == MEANING_TIMESTAMP_UTC);
        thrift_put_field(b, &inner, 2, THRIFT_STRUCT);
        thrift_put_field(b, &unit, 2, THRIFT_STRUCT); /* MICROS */
        thrift_put_stop(b);
        thrift_put_stop(b);
    }
    thrift_put_stop(b);
    thrift_put_stop(b);
}

static void put_element(strbuf *b, const parquet_output *o)
{
    int id = 0;
    const parquet_column *c = &o->column;
    thrift_put_int_field(b, &id, 1, THRIFT_I32, c->type);
    thrift_put_int_field(b, &id, 3, THRIFT_I32, c->is_optional);
    thrift_put_binary_field(b, &id, 4, c->name);
    if (c->meaning == MEANING_TEXT)
        thrift_put_int_field(b, &id, 6, THRIFT_I32, CONVERTED_UTF8);
    else if (c->meaning == MEANING_DATE)
        thrift_put_int_field(b, &id, 6, THRIFT_I32, CONVERTED_DATE);
    else if (c->meaning == MEANING_TIMESTAMP_UTC)
        thrift_put_int_field(b, &id, 6, THRIFT_I32, CONVERTED_TIMESTAMP_MICROS);
    thrift_put_int_field(b, &id, 9, THRIFT_I32, o->field_id);
    if (c->meaning != MEANING_PLAIN) {
        thrift_put_field(b, &id, 10, THRIFT_STRUCT);
        put_logical(b, c->meaning);
    }
    thrift_put_stop(b);
}

static void put_stats(strbuf *b, int *id, const parquet_stats *s)
{
    int inner = 0;
    thrift_put_field(b, id, 12, THRIFT_STRUCT);
    if (s->null_count >= 0)
        thrift_put_int_field(b, &inner, 3, THRIFT_I64, s->null_count);
    if (s->max.data && s->min.data) {
        thrift_put_binary_field(b, &inner, 5, s->max);
        thrift_put_binary_field(b, &inner, 6, s->min);
    }
    thrift_put_stop(b);
}

static void put_chunk(strbuf *b, const parquet_output *o, const made_chunk *c)
{
    int id = 0, inner = 0;
    size_t encodings = (size_t)__builtin_popcount(c->encodings);
    thrift_put_int_field(b, &id, 2, THRIFT_I64,
                         c->dictionary_offset >= 0 ? c->dictionary_offset : c->data_offset);
    thrift_put_field(b, &id, 3, THRIFT_STRUCT);
    thrift_put_int_field(b, &inner, 1, THRIFT_I32, o->column.type);
    thrift_put_field(b, &inner, 2, THRIFT_LIST);
    thrift_put_list(b, THRIFT_I32, encodings);
    for (int e = 0; e < 32; e++)
        if (c->encodings >> e & 1)
            thrift_put_int(b, e);
    thrift_put_field(b, &inner, 3, THRIFT_LIST);
    thrift_put_list(b, THRIFT_BINARY, 1);
    thrift_put_binary(b, o->column.name);
    thrift_put_int_field(b, &inner, 4, THRIFT_I32, CODEC_ZSTD);
    thrift_put_int_field(b, &inner, 5, THRIFT_I64, c->value_count);
    thrift_put_int_field(b, &inner, 6, THRIFT_I64, c->raw_bytes);
    thrift_put_int_field(b, &inner, 7, THRIFT_I64, c->size_bytes);
    thrift_put_int_field(b, &inner, 9, THRIFT_I64, c->data_offset);
    if (c->dictionary_offset >= 0)
        thrift_put_int_field(b, &inner, 11, THRIFT_I64, c->dictionary_offset);
    put_stats(b, &inner, &c->stats);
    thrift_put_stop(b);
    thrift_put_stop(b);
}

static void put_group(strbuf *b, const parquet_file *m, const made_group *g, size_t ordinal)
{
    int id = 0;
    int64_t raw = 0, size = 0;
    thrift_put_field(b, &id, 1, THRIFT_LIST);
    thrift_put_list(b, THRIFT_STRUCT, m->output_count);
    for (size_t i = 0; i < m->output_count; i++) {
        put_chunk(b, &m->outputs[i], &g->chunks[i]);
        raw += g->chunks[i].raw_bytes;
        size += g->chunks[i].size_bytes;
    }
    thrift_put_int_field(b, &id, 2, THRIFT_I64, raw);
    thrift_put_int_field(b, &id, 3, THRIFT_I64, g->row_count);
    thrift_put_int_field(b, &id, 5, THRIFT_I64, g->offset);
    thrift_put_int_field(b, &id, 6, THRIFT_I64, size);
    if (ordinal <= INT16_MAX)
        thrift_put_int_field(b, &id, 7, THRIFT_I16, (int64_t)ordinal);
    thrift_put_stop(b);
}

static str footer_bytes(const parquet_file *m, arena *a, int64_t row_count)
{
    strbuf b = strbuf_new(a);
    int id = 0, root = 0;
    thrift_put_int_field(&b, &id, 1, THRIFT_I32, 1);
    thrift_put_field(&b, &id, 2, THRIFT_LIST);
    thrift_put_list(&b, THRIFT_STRUCT, m->output_count + 1);
    thrift_put_binary_field(&b, &root, 4, STR("table"));
    thrift_put_int_field(&b, &root, 5, THRIFT_I32, (int64_t)m->output_count);
    thrift_put_stop(&b);
    for (size_t i = 0; i < m->output_count; i++)
        put_element(&b, &m->outputs[i]);
    thrift_put_int_field(&b, &id, 3, THRIFT_I64, row_count);
    thrift_put_field(&b, &id, 4, THRIFT_LIST);
    thrift_put_list(&b, THRIFT_STRUCT, m->groups.count);
    for (size_t i = 0; i < m->groups.count; i++)
        put_group(&b, m, &m->groups.items[i], i);
    thrift_put_binary_field(&b, &id, 6, STR("floe " FLOE_VERSION));
    thrift_put_field(&b, &id, 7, THRIFT_LIST); /* ColumnOrder: by type, of each column */
    thrift_put_list(&b, THRIFT_STRUCT, m->output_count);
    for (size_t i = 0; i < m->output_count; i++) {
        int inner = 0;
        thrift_put_field(&b, &inner, 1, THRIFT_STRUCT);
        thrift_put_stop(&b);
        thrift_put_stop(&b);
    }
    thrift_put_stop(&b);
    uint32_t size = (uint32_t)b.len;
    strbuf_add_bytes(&b, &size, sizeof size);
    strbuf_add_c(&b, "PAR1");
    return strbuf_str(&b);
}

/* ---- The result ---- */

/* Order of two values in the plain encoding. */
static int compare_plain(parquet_type type, str x, str y)
{
#define COMPARE_AS(kind)                                                                           \
    ({                                                                                             \
        kind a_, b_;                                                                               \
        memcpy(&a_, x.data, sizeof a_);                                                            \
        memcpy(&b_, y.data, sizeof b_);                                                            \
        (a_ > b_) - (a_ < b_);                                                                     \
    })
    switch (type) {
    case PARQUET_BOOLEAN: return COMPARE_AS(uint8_t);
    case PARQUET_INT32: return COMPARE_AS(int32_t);
    case PARQUET_INT64: return COMPARE_AS(int64_t);
    case PARQUET_FLOAT: return COMPARE_AS(float);
    case PARQUET_DOUBLE: return COMPARE_AS(double);
    case PARQUET_INT96:
    case PARQUET_BYTE_ARRAY:
    case PARQUET_FIXED: break;
    }
    return str_compare(x, y);
#undef COMPARE_AS
}

static parquet_written sum_column(const parquet_file *m, size_t column)
{
    parquet_type type = m->outputs[column].column.type;
    parquet_written w = { 0 };
    bool has_bounds = true;
    for (size_t i = 0; i < m->groups.count; i++) {
        const made_chunk *c = &m->groups.items[i].chunks[column];
        const parquet_stats *s = &c->stats;
        w.size_bytes += c->size_bytes;
        w.value_count += c->value_count;
        bool is_known = w.stats.null_count >= 0 && s->null_count >= 0;
        w.stats.null_count = is_known ? w.stats.null_count + s->null_count : -1;
        if (c->value_count == 0 || s->null_count == c->value_count)
            continue; /* has no bounds to give */
        has_bounds &= s->min.data && s->max.data;
        if (!has_bounds)
            continue;
        if (!w.stats.min.data || compare_plain(type, s->min, w.stats.min) < 0)
            w.stats.min = s->min;
        if (!w.stats.max.data || compare_plain(type, s->max, w.stats.max) > 0)
            w.stats.max = s->max;
    }
    if (!has_bounds)
        w.stats.min = w.stats.max = (str){ 0 };
    return w;
}

static int by_offset(const void *x, const void *y)
{
    const made_group *a = x, *b = y;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

bool parquet_file_finish(parquet_file *m, parquet_result *ret, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    arena *a = m->arena;
    int64_t rows = 0, *offsets = arena_array_of(a, int64_t, m->groups.count);
    parquet_written *columns = arena_array_of(a, parquet_written, m->output_count);
    if (m->groups.count)
        qsort(m->groups.items, m->groups.count, sizeof *m->groups.items, by_offset);
    for (size_t i = 0; i < m->groups.count; i++) {
        rows += m->groups.items[i].row_count;
        offsets[i] = m->groups.items[i].offset;
    }
    for (size_t i = 0; i < m->output_count; i++)
        columns[i] = sum_column(m, i);
    str footer = footer_bytes(m, scratch, rows);
    TRY(write_at(m, STR("PAR1"), 0, err));
    TRY(write_at(m, footer, m->end, err));
    TRY(file_sync(m->path.data, err));
    m->is_finished = true;
    *ret =
        (parquet_result){ rows, m->end + (int64_t)footer.len, columns, offsets, m->groups.count };
    return true;
}
