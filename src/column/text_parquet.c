/* Delimited text to Parquet: each thread parses files of its own into column builders and writes a
 * row group whenever they are full. */
#include "column/text_parquet.h"

#include <stdatomic.h>

#include "base/pool.h"
#include "base/stop.h"
#include "base/vec.h"
#include "column/parquet_build.h"
#include "column/parquet_file.h"
#include "column/text_internal.h"

enum { ROWS_A_GROUP = 122880, KEYS_A_PAGE = 20000, ROWS_A_LOOK = 4096 /* at the stop flag */ };

/* Rows of one file that stand one behind the other in the builders. */
typedef struct segment {
    size_t file;
    uint64_t first_row, row_count;
} segment;

typedef struct conversion {
    text_scan *scan;
    const text_parquet_plan *plan;
    parquet_file *file;
    _Atomic size_t next_file;
    pthread_mutex_t lock; /* guards `error` */
    error error;
} conversion;

/* One thread's work. */
typedef struct converter {
    conversion *shared;
    arena *arena; /* of the row group at hand */
    page_maker *pages;
    column_builder **builders; /* of each output; NULL: keys */
    VEC(segment) segments;
    size_t row_count;
    int16_t fields[TEXT_FIELDS_MAX]; /* of each output: field of the current file, -1: absent */
} converter;

/* ---- Row groups ---- */

/* Keys of all segments, in pages of KEYS_A_PAGE. */
static bool finish_keys(converter *c, made_chunk *ret, error *err)
{
    const text_parquet_plan *plan = c->shared->plan;
    made_chunk chunk = made_chunk_new();
    str low = { 0 }, high = { 0 };
    char text[PARQUET_KEY_BYTES];
    uint32_t size = PARQUET_KEY_BYTES;
    size_t left = c->row_count, in_page = 0, page_rows = 0;
    strbuf page = strbuf_new(c->arena);
    for (size_t i = 0; i < c->segments.count; i++) {
        const segment *s = &c->segments.items[i];
        for (uint64_t row = 0; row < s->row_count; row++) {
            if (in_page == 0) {
                page_rows = in_page = left < KEYS_A_PAGE ? left : KEYS_A_PAGE;
                left -= in_page;
                page.len = 0;
                page_put_levels(&page, in_page);
                strbuf_reserve(&page, in_page * (sizeof size + PARQUET_KEY_BYTES));
            }
            plan->make_key(plan->key_contexts[s->file], s->first_row + row, text);
            strbuf_add_bytes(&page, &size, sizeof size);
            strbuf_add_bytes(&page, text, sizeof text);
            str key = { text, sizeof text };
            if (row == 0 && (!low.data || str_compare(key, low) < 0))
                low = str_copy(c->arena, key);
            if (row + 1 == s->row_count && (!high.data || str_compare(key, high) > 0))
                high = str_copy(c->arena, key);
            if (--in_page == 0)
                TRY(page_maker_add(c->pages, MADE_PLAIN, strbuf_str(&page), (int64_t)page_rows,
                                   &chunk, err));
        }
    }
    chunk.stats = (parquet_stats){ 0, low, high };
    *ret = chunk;
    return true;
}

static bool write_group(converter *c, error *err)
{
    const text_parquet_plan *plan = c->shared->plan;
    if (c->row_count == 0)
        return true;
    made_chunk *chunks = arena_array_of(c->arena, made_chunk, plan->output_count);
    page_maker_reset(c->pages);
    for (size_t i = 0; i < plan->output_count; i++)
        TRY(c->builders[i]
                ? column_builder_finish(c->builders[i], c->pages, c->arena, &chunks[i], err)
                : finish_keys(c, &chunks[i], err));
    TRY(parquet_file_add(c->shared->file, page_maker_output(c->pages), chunks,
                         (int64_t)c->row_count, err));
    c->row_count = c->segments.count = 0;
    c->segments.items = NULL;
    c->segments.capacity = 0;
    arena_reset(c->arena);
    return true;
}

/* ---- Rows ---- */

static void find_fields(converter *c, const text_file *f)
{
    const text_parquet_plan *plan = c->shared->plan;
    for (size_t i = 0; i < plan->output_count; i++) {
        c->fields[i] = -1;
        for (size_t k = 0; plan->outputs[i].origin == ORIGIN_COPIED && k < f->field_count; k++)
            if ((size_t)f->columns[k] == plan->sources[i])
                c->fields[i] = (int16_t)k;
    }
}

/* All fields are read before the first is added: a bad line leaves nothing behind. */
static bool add_record(converter *c, size_t file, line_reader *lines, const str *fields, error *err)
{
    const text_scan *s = c->shared->scan;
    const text_parquet_plan *plan = c->shared->plan;
    int64_t numbers[TEXT_FIELDS_MAX];
    for (size_t i = 0; i < plan->output_count; i++) {
        int field = c->fields[i];
        if (field >= 0 && !str_eq(fields[field], s->options.null_text))
            TRY(text_read_field(s, lines, (int)plan->sources[i], fields[field], &numbers[i], err));
    }
    for (size_t i = 0; i < plan->output_count; i++) {
        column_builder *b = c->builders[i];
        int field = c->fields[i];
        if (!b)
            continue;
        if (plan->outputs[i].origin == ORIGIN_CONSTANT)
            column_builder_number(b, plan->constants[file][i]);
        else if (field < 0 || str_eq(fields[field], s->options.null_text))
            column_builder_null(b);
        else if (plan->outputs[i].column.type == PARQUET_BYTE_ARRAY)
            column_builder_text(b, fields[field]);
        else
            column_builder_number(b, numbers[i]);
    }
    c->row_count++;
    return true;
}

static bool read_records(converter *c, size_t file, line_reader *lines, error *err)
{
    text_scan *scan = c->shared->scan;
    const text_file *f = &scan->files[file];
    str fields[TEXT_FIELDS_MAX];
    segment *s = NULL;
    for (uint64_t row = 0;; row++) {
        if (row % ROWS_A_LOOK == 0)
            TRY(stop_check(err));
        bool has_record = true, works = text_next_record(scan, f, lines, fields, &has_record, err);
        if (works && !has_record)
            return text_check_bad_lines(scan, file, lines, row, err);
        if (!works || !add_record(c, file, lines, fields, err)) {
            TRY(text_pass_bad_line(scan, file, lines, row, err));
            s = NULL;
            continue;
        }
        if (!s) {
            vec_push(c->arena, &c->segments, (segment){ file, row, 0 });
            s = &c->segments.items[c->segments.count - 1];
        }
        s->row_count++;
        if (c->row_count == ROWS_A_GROUP) {
            TRY(write_group(c, err));
            s = NULL;
        }
    }
}

static bool read_file(converter *c, size_t file, error *err)
{
    const text_file *f = &c->shared->scan->files[file];
    line_reader lines;
    find_fields(c, f);
    bool works =
        text_records_open(c->shared->scan, f, &lines, err) && read_records(c, file, &lines, err);
    text_lines_close(&lines);
    return works;
}

static bool note_failure(conversion *x, const error *why)
{
    pthread_mutex_lock(&x->lock);
    if (x->error.code == ERR_NONE)
        x->error = *why;
    pthread_mutex_unlock(&x->lock);
    return false;
}

/* One thread: files while there are any. */
static bool convert(conversion *x, converter *c)
{
    text_scan *s = x->scan;
    error err = { 0 };
    for (size_t file; (file = atomic_fetch_add(&x->next_file, 1)) < s->file_count;) {
        if (s->files[file].fault.len)
            continue;
        if (read_file(c, file, &err))
            continue;
        if (err.code == ERR_CORRUPT)
            text_set_fault(s, file, err.message);
        return note_failure(x, &err);
    }
    return write_group(c, &err) ? true : note_failure(x, &err);
}

static bool convert_part(void *context, size_t i)
{
    (void)i;
    conversion *x = context;
    const text_parquet_plan *plan = x->plan;
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(arena_free) arena *group = arena_new();
    AUTO(page_maker_free) page_maker *pages = page_maker_new();
    converter *c = arena_new_of(scratch, converter);
    c->shared = x;
    c->arena = group;
    c->pages = pages;
    c->builders = arena_array_of(scratch, column_builder *, plan->output_count);
    for (size_t k = 0; k < plan->output_count; k++)
        if (plan->outputs[k].origin != ORIGIN_KEY)
            c->builders[k] = column_builder_new(plan->outputs[k].column.type);
    bool works = convert(x, c);
    for (size_t k = 0; k < plan->output_count; k++)
        column_builder_free(c->builders[k]);
    return works;
}

bool text_to_parquet(text_scan *s, arena *a, const char *path, const text_parquet_plan *plan,
                     parquet_result *ret, error *err)
{
    AUTO(parquet_file_close) parquet_file *file = NULL;
    TRY(parquet_file_open(a, path, plan->outputs, plan->output_count, &file, err));
    conversion x = { .scan = s, .plan = plan, .file = file };
    pthread_mutex_init(&x.lock, NULL);
    bool works = pool_each((size_t)pool_thread_count(), convert_part, &x) &&
                 parquet_file_finish(file, ret, &x.error);
    pthread_mutex_destroy(&x.lock);
    if (!works)
        *err = x.error;
    return works;
}
