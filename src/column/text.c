/* The table function over delimited text. */
#include "column/text.h"

#include <assert.h>
#include <stdatomic.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/pool.h"
#include "column/internal.h"
#include "column/text_internal.h"

enum { WINDOW_BYTES = 256 << 10, LONGEST_LINE_BYTES = 1 << 20 };

/* ---- The scans that queries can name ---- */

static struct {
    pthread_mutex_t lock; /* guards the list */
    text_scan **scans;
    size_t count;
    int64_t next_number;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER, .next_number = 1 };

static void registry_add(text_scan *s)
{
    pthread_mutex_lock(&registry.lock);
    registry.scans = memory_grow(registry.scans, (registry.count + 1) * sizeof *registry.scans);
    registry.scans[registry.count++] = s;
    s->number = registry.next_number++;
    pthread_mutex_unlock(&registry.lock);
}

static text_scan *registry_find(int64_t number)
{
    text_scan *found = NULL;
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < registry.count; i++)
        if (registry.scans[i]->number == number)
            found = registry.scans[i];
    pthread_mutex_unlock(&registry.lock);
    return found;
}

static void registry_remove(text_scan *s)
{
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < registry.count; i++)
        if (registry.scans[i] == s) {
            registry.scans[i] = registry.scans[--registry.count];
            break;
        }
    pthread_mutex_unlock(&registry.lock);
}

/* ---- Lines ---- */

static bool lines_open(str path, packing packing, line_reader *ret, error *err)
{
    *ret = (line_reader){ 0 };
    TRY(inflate_open(path, packing, &ret->source, err));
    ret->capacity = WINDOW_BYTES;
    ret->window = memory_alloc(ret->capacity);
    return true;
}

void text_lines_close(line_reader *r)
{
    inflate_close(r->source);
    free(r->window);
    *r = (line_reader){ 0 };
}

static bool fill_window(line_reader *r, error *err)
{
    if (r->from > 0) {
        memmove(r->window, r->window + r->from, r->to - r->from);
        r->to -= r->from;
        r->from = 0;
    }
    if (r->to == r->capacity) {
        if (r->capacity >= LONGEST_LINE_BYTES)
            return fail(err, ERR_CORRUPT, "line %llu is longer than %d bytes",
                        (unsigned long long)r->line + 1, LONGEST_LINE_BYTES);
        r->capacity *= 2;
        r->window = memory_grow(r->window, r->capacity);
    }
    size_t got;
    TRY(inflate_read(r->source, r->window + r->to, r->capacity - r->to, &got, err));
    r->to += got;
    r->is_at_end = got == 0;
    return true;
}

bool text_lines_next(line_reader *r, str *ret_line, bool *ret_has_line, error *err)
{
    size_t searched = 0;
    for (;;) {
        str rest = { r->window + r->from, r->to - r->from };
        ptrdiff_t at = str_find_char(str_slice(rest, searched, rest.len), '\n');
        if (at >= 0) {
            size_t len = searched + (size_t)at;
            r->from += len + 1;
            r->line++;
            if (len && rest.data[len - 1] == '\r')
                len--;
            *ret_line = r->text = str_slice(rest, 0, len);
            *ret_has_line = true;
            return true;
        }
        if (r->is_at_end)
            break;
        searched = rest.len;
        TRY(fill_window(r, err));
    }
    *ret_has_line = r->to > r->from;
    if (*ret_has_line && inflate_packing(r->source) == PACKING_NONE)
        return fail(err, ERR_CORRUPT,
                    "line %llu, the last, is not ended: the file may still be being written",
                    (unsigned long long)r->line + 1);
    *ret_line = r->text = (str){ r->window + r->from, r->to - r->from };
    r->from = r->to;
    r->line++;
    return true;
}

bool text_records_open(const text_scan *s, const text_file *f, line_reader *ret, error *err)
{
    str header;
    bool has_line;
    return lines_open(f->path, s->options.packing, ret, err) &&
           (f->is_bare || text_lines_next(ret, &header, &has_line, err));
}

static size_t split_line(str line, char delimiter, str *fields, size_t most)
{
    size_t count = 0;
    const char *p = line.data, *end = line.data + line.len;
    while (count < most) {
        const char *stop = memchr(p, delimiter, (size_t)(end - p));
        if (!stop)
            stop = end;
        fields[count++] = (str){ p, (size_t)(stop - p) };
        if (stop == end)
            return count;
        p = stop + 1;
    }
    return count + 1; /* more than `most` */
}

/* ---- Headers ---- */

static bool names_match(str header, str column)
{
    if (header.len != column.len)
        return false;
    for (size_t i = 0; i < header.len; i++) {
        char c = header.data[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
        if (c != column.data[i])
            return false;
    }
    return true;
}

static int find_column(const text_options *o, str header)
{
    for (size_t i = 0; i < o->column_count; i++)
        if (names_match(header, o->columns[i].name))
            return (int)i;
    return -1;
}

static bool check_required(const text_options *o, const int16_t *columns, size_t count, error *err)
{
    for (size_t i = 0; i < o->required_count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < count; k++)
            is_there |= str_eq(o->columns[columns[k]].name, o->required[i]);
        if (!is_there)
            return fail(err, ERR_CORRUPT, "its header has no column " STR_FMT,
                        STR_ARG(o->required[i]));
    }
    return true;
}

static bool match_header(const text_options *o, str line, int16_t *columns, size_t *ret_count,
                         error *err)
{
    str fields[TEXT_FIELDS_MAX];
    size_t count = split_line(str_trim(line), o->delimiter, fields, TEXT_FIELDS_MAX);
    if (count > TEXT_FIELDS_MAX)
        return fail(err, ERR_CORRUPT, "line 1 has more than %d fields", TEXT_FIELDS_MAX);
    int known = 0;
    for (size_t i = 0; i < count; i++)
        known += find_column(o, fields[i]) >= 0;
    if (known == 0)
        return fail(err, ERR_CORRUPT,
                    "line 1 is not a header: none of its fields is a %s ('" STR_FMT "')",
                    o->known_as, STR_ARG(str_slice(line, 0, 40)));
    for (size_t i = 0; i < count; i++) {
        int column = find_column(o, fields[i]);
        if (column < 0)
            return fail(err, ERR_CORRUPT, "line 1, the header: '" STR_FMT "' is not a %s",
                        STR_ARG(str_slice(fields[i], 0, 60)), o->known_as);
        for (size_t k = 0; k < i; k++)
            if (columns[k] == column)
                return fail(err, ERR_CORRUPT,
                            "line 1, the header: '" STR_FMT "' stands there twice",
                            STR_ARG(fields[i]));
        columns[i] = (int16_t)column;
    }
    TRY(check_required(o, columns, count, err));
    *ret_count = count;
    return true;
}

void text_set_fault(text_scan *s, size_t i, const char *why)
{
    pthread_mutex_lock(&s->lock);
    if (s->files[i].fault.len == 0)
        s->files[i].fault = str_copy(s->arena, str_of(why));
    pthread_mutex_unlock(&s->lock);
}

/* A record where a header should be, of the files that come without one. */
static bool is_bare_record(const text_options *o, str line)
{
    str fields[TEXT_FIELDS_MAX];
    if (o->bare_header.len == 0 || line.len == 0 || line.data[0] < '0' || line.data[0] > '9')
        return false;
    return split_line(str_trim(line), o->delimiter, fields, TEXT_FIELDS_MAX) ==
           split_line(o->bare_header, o->delimiter, fields, TEXT_FIELDS_MAX);
}

static bool read_header(text_scan *s, text_file *f, error *err)
{
    line_reader lines;
    str line;
    bool has_line = false;
    int16_t columns[TEXT_FIELDS_MAX];
    size_t count = 0;
    bool works = lines_open(f->path, s->options.packing, &lines, err) &&
                 text_lines_next(&lines, &line, &has_line, err);
    if (works && !has_line)
        works = fail(err, ERR_CORRUPT, "the file is empty");
    f->is_bare = works && is_bare_record(&s->options, line);
    works = works && match_header(&s->options, f->is_bare ? s->options.bare_header : line, columns,
                                  &count, err);
    text_lines_close(&lines);
    if (!works)
        return false;
    pthread_mutex_lock(&s->lock);
    f->columns = arena_copy(s->arena, columns, count * sizeof *columns);
    pthread_mutex_unlock(&s->lock);
    f->field_count = count;
    return true;
}

static bool read_header_at(void *context, size_t i)
{
    text_scan *s = context;
    error err = { 0 };
    if (!read_header(s, &s->files[i], &err))
        text_set_fault(s, i, err.message);
    return true;
}

bool text_scan_open(sql_engine *e, const text_options *options, const str *paths, size_t count,
                    text_scan **ret_scan, error *err)
{
    (void)e;
    (void)err;
    text_scan *s = memory_alloc(sizeof *s);
    s->arena = arena_new();
    s->bad_arena = arena_new();
    pthread_mutex_init(&s->lock, NULL);
    s->options = *options;
    s->files = arena_array_of(s->arena, text_file, count);
    s->file_count = count;
    for (size_t i = 0; i < count; i++)
        s->files[i].path = str_copy(s->arena, paths[i]);
    pool_each(count, read_header_at, s);
    registry_add(s);
    s->relation = str_format(s->arena, "floe_text(%lld)", (long long)s->number);
    *ret_scan = s;
    return true;
}

void text_scan_close(text_scan *s)
{
    if (!s)
        return;
    registry_remove(s);
    pthread_mutex_destroy(&s->lock);
    arena_free(s->bad_arena);
    arena_free(s->arena);
    free(s);
}

str text_scan_fault(const text_scan *s, size_t i)
{
    assert(i < s->file_count);
    return s->files[i].fault;
}

uint64_t text_scan_first_line(const text_scan *s, size_t i)
{
    assert(i < s->file_count);
    return s->files[i].is_bare ? 1 : 2;
}

bool text_scan_has_column(const text_scan *s, size_t column)
{
    for (size_t i = 0; i < s->file_count; i++)
        for (size_t k = 0; s->files[i].fault.len == 0 && k < s->files[i].field_count; k++)
            if ((size_t)s->files[i].columns[k] == column)
                return true;
    return false;
}

str text_scan_relation(const text_scan *s)
{
    return s->relation;
}

/* ---- Records ---- */

static bool fail_field(error *err, const text_scan *s, line_reader *lines, int column, str field,
                       const char *what)
{
    lines->is_bad = true;
    return fail(err, ERR_CORRUPT, "line %llu: " STR_FMT " is '" STR_FMT "', which is not %s",
                (unsigned long long)lines->line, STR_ARG(s->options.columns[column].name),
                STR_ARG(str_slice(field, 0, 60)), what);
}

static bool is_utf8(str s)
{
    for (size_t i = 0, n; i < s.len; i += n) {
        n = str_utf8_length(s, i);
        if (n == 0)
            return false;
    }
    return true;
}

static bool is_ascii(str s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.len; i++)
        all |= (unsigned char)s.data[i];
    return all < 0x80;
}

bool text_read_field(const text_scan *s, line_reader *lines, int column, str field,
                     int64_t *ret_number, error *err)
{
    switch (s->options.columns[column].type) {
    case COLUMN_INT32:
        if (!str_to_i64(field, ret_number) || *ret_number != (int32_t)*ret_number)
            return fail_field(err, s, lines, column, field, "a 32-bit whole number");
        return true;
    case COLUMN_INT64:
        if (!str_to_i64(field, ret_number))
            return fail_field(err, s, lines, column, field, "a whole number");
        return true;
    case COLUMN_DOUBLE: {
        double x;
        if (!str_to_double(field, &x))
            return fail_field(err, s, lines, column, field, "a number");
        memcpy(ret_number, &x, sizeof x);
        return true;
    }
    default:
        if (!is_ascii(field) && !is_utf8(field))
            return fail_field(err, s, lines, column, field, "valid UTF-8");
        return true;
    }
}

bool text_next_record(const text_scan *s, const text_file *f, line_reader *lines, str *fields,
                      bool *ret_has_record, error *err)
{
    str line;
    do
        TRY(text_lines_next(lines, &line, ret_has_record, err));
    while (*ret_has_record && line.len == 0);
    if (!*ret_has_record)
        return true;
    size_t count = split_line(line, s->options.delimiter, fields, f->field_count);
    if (count == f->field_count)
        return true;
    lines->is_bad = true;
    return fail(err, ERR_CORRUPT, "line %llu has %s%zu fields, the header has %zu",
                (unsigned long long)lines->line, count > f->field_count ? "at least " : "", count,
                f->field_count);
}

static bool check_records(text_scan *s, size_t file, line_reader *lines, error *err)
{
    const text_file *f = &s->files[file];
    str fields[TEXT_FIELDS_MAX];
    int64_t ignored;
    for (uint64_t row = 0;; row++) {
        bool has_record = true, works = text_next_record(s, f, lines, fields, &has_record, err);
        if (works && !has_record)
            return text_check_bad_lines(s, file, lines, row, err);
        for (size_t i = 0; works && i < f->field_count; i++)
            if (!str_eq(fields[i], s->options.null_text))
                works = text_read_field(s, lines, f->columns[i], fields[i], &ignored, err);
        if (!works && !text_pass_bad_line(s, file, lines, row, err))
            return false;
    }
}

static bool check_file(text_scan *s, size_t file, error *err)
{
    line_reader lines;
    bool works =
        text_records_open(s, &s->files[file], &lines, err) && check_records(s, file, &lines, err);
    text_lines_close(&lines);
    return works;
}

static bool check_file_at(void *context, size_t i)
{
    text_scan *s = context;
    error err = { 0 };
    if (s->files[i].fault.len == 0 && !check_file(s, i, &err))
        text_set_fault(s, i, err.message);
    return true;
}

void text_scan_check(text_scan *s)
{
    pool_each(s->file_count, check_file_at, s);
}

/* ---- Bad lines ---- */

enum { BAD_TEXT_BYTES = 4096, MOST_BAD_BYTES = 256 << 20 };

static bool note_bad_line(text_scan *s, size_t file, const line_reader *lines, uint64_t row,
                          const error *why)
{
    pthread_mutex_lock(&s->lock);
    str reason = str_of(why->message);
    s->bad_bytes += lines->text.len + reason.len + sizeof(text_bad_line);
    bool has_room = s->bad_bytes <= MOST_BAD_BYTES;
    if (has_room)
        vec_push(s->bad_arena, &s->bad,
                 (text_bad_line){
                     .file = file,
                     .row = row,
                     .line = lines->line,
                     .text = str_copy(s->bad_arena, str_slice(lines->text, 0, BAD_TEXT_BYTES)),
                     .reason = str_copy(s->bad_arena, reason) });
    pthread_mutex_unlock(&s->lock);
    return has_room;
}

/* The first bad line of a file, of those noted. */
static str first_reason(text_scan *s, arena *a, size_t file)
{
    const text_bad_line *first = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->bad.count; i++)
        if (s->bad.items[i].file == file && (!first || s->bad.items[i].row < first->row))
            first = &s->bad.items[i];
    str reason = first ? str_copy(a, first->reason) : STR("");
    pthread_mutex_unlock(&s->lock);
    return reason;
}

bool text_pass_bad_line(text_scan *s, size_t file, line_reader *lines, uint64_t row, error *err)
{
    if (!lines->is_bad || !s->options.passes_bad_lines)
        return false;
    lines->is_bad = false;
    if (++lines->bad_count > TEXT_BAD_LINES_MAX || !note_bad_line(s, file, lines, row, err)) {
        AUTO(arena_free) arena *a = arena_new();
        str first = first_reason(s, a, file);
        error_clear(err);
        return fail(err, ERR_CORRUPT,
                    "more than %zu of its lines are no records; the first: " STR_FMT,
                    lines->bad_count - 1, STR_ARG(first));
    }
    error_clear(err);
    return true;
}

bool text_check_bad_lines(text_scan *s, size_t file, const line_reader *lines, uint64_t rows,
                          error *err)
{
    if (lines->bad_count * 2 <= rows)
        return true;
    AUTO(arena_free) arena *a = arena_new();
    return fail(err, ERR_CORRUPT, "%zu of its %llu lines are no records; the first: " STR_FMT,
                lines->bad_count, (unsigned long long)rows, STR_ARG(first_reason(s, a, file)));
}

size_t text_scan_bad_lines(const text_scan *s, const text_bad_line **ret)
{
    *ret = s->bad.items;
    return s->bad.count;
}

void text_scan_forget_bad_lines(text_scan *s)
{
    arena_reset(s->bad_arena);
    s->bad = (__typeof__(s->bad)){ 0 };
    s->bad_bytes = 0;
}

/* ---- The table function ---- */

/* What all threads of one query share. */
typedef struct text_run {
    text_scan *scan;
    _Atomic size_t next_file;
    size_t output_count;
    int *outputs; /* output vector → column of the options, or the two below */
} text_run;

enum { OUTPUT_FILE = -1, OUTPUT_ROW = -2 };

/* One thread's place. */
typedef struct text_place {
    bool is_open;
    size_t file;
    uint64_t row;
    line_reader lines;
    int16_t *output_fields; /* output vector → field of the current file, -1: absent */
} text_place;

static void bind_text(duckdb_bind_info info)
{
    duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
    int64_t number = duckdb_get_int64(parameter);
    duckdb_destroy_value(&parameter);
    text_scan *s = registry_find(number);
    if (!s) {
        duckdb_bind_set_error(info,
                              "floe_text reads the files of a running job; there is no such job");
        return;
    }
    for (size_t i = 0; i < s->options.column_count; i++) {
        AUTO(arena_free) arena *scratch = arena_new();
        duckdb_logical_type type = duckdb_type_of_column(s->options.columns[i].type);
        duckdb_bind_add_result_column(info, str_to_c(scratch, s->options.columns[i].name), type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type file = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    duckdb_logical_type row = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_bind_add_result_column(info, "_file", file);
    duckdb_bind_add_result_column(info, "_row", row);
    duckdb_destroy_logical_type(&file);
    duckdb_destroy_logical_type(&row);
    duckdb_bind_set_bind_data(info, s, NULL);
}

static void free_run(void *run)
{
    free(((text_run *)run)->outputs);
    free(run);
}

static void start_run(duckdb_init_info info)
{
    text_scan *s = duckdb_init_get_bind_data(info);
    text_run *run = memory_alloc(sizeof *run);
    run->scan = s;
    run->output_count = (size_t)duckdb_init_get_column_count(info);
    run->outputs = memory_alloc(run->output_count * sizeof *run->outputs);
    for (size_t i = 0; i < run->output_count; i++) {
        size_t column = (size_t)duckdb_init_get_column_index(info, i);
        run->outputs[i] = column < s->options.column_count    ? (int)column
                          : column == s->options.column_count ? OUTPUT_FILE
                                                              : OUTPUT_ROW;
    }
    duckdb_init_set_max_threads(info, s->file_count ? s->file_count : 1);
    duckdb_init_set_init_data(info, run, free_run);
}

static void free_place(void *p)
{
    text_place *place = p;
    if (place->is_open)
        text_lines_close(&place->lines);
    free(place->output_fields);
    free(place);
}

static void start_thread(duckdb_init_info info)
{
    text_place *place = memory_alloc(sizeof *place);
    place->output_fields =
        memory_alloc((size_t)duckdb_init_get_column_count(info) * sizeof *place->output_fields);
    duckdb_init_set_init_data(info, place, free_place);
}

/* Step to the next good file; `*ret_has_file` false when all are taken. */
static bool open_next(text_run *run, text_place *p, bool *ret_has_file, error *err)
{
    text_scan *s = run->scan;
    do
        p->file = atomic_fetch_add(&run->next_file, 1);
    while (p->file < s->file_count && s->files[p->file].fault.len);
    *ret_has_file = p->file < s->file_count;
    if (!*ret_has_file)
        return true;
    text_file *f = &s->files[p->file];
    for (size_t i = 0; i < run->output_count; i++) {
        p->output_fields[i] = -1;
        for (size_t k = 0; k < f->field_count; k++)
            if (f->columns[k] == run->outputs[i])
                p->output_fields[i] = (int16_t)k;
    }
    p->is_open = true;
    p->row = 0;
    return text_records_open(s, f, &p->lines, err);
}

/* Where one output column of a chunk is written. */
typedef struct cell_writer {
    duckdb_vector vector;
    void *data;
    uint64_t *valid;
} cell_writer;

static void write_null(cell_writer *w, size_t row)
{
    if (!w->valid) {
        duckdb_vector_ensure_validity_writable(w->vector);
        w->valid = duckdb_vector_get_validity(w->vector);
    }
    w->valid[row / 64] &= ~(1ull << (row % 64));
}

/* Forget what a bad line has written of a row. */
static void undo_row(const text_run *run, cell_writer *writers, size_t row)
{
    for (size_t i = 0; i < run->output_count; i++)
        if (writers[i].valid)
            writers[i].valid[row / 64] |= 1ull << (row % 64);
}

static bool write_record(text_run *run, text_place *p, const str *fields, cell_writer *writers,
                         size_t row, error *err)
{
    const text_scan *s = run->scan;
    for (size_t i = 0; i < run->output_count; i++) {
        int column = run->outputs[i];
        if (column < 0) {
            if (column == OUTPUT_FILE)
                ((int32_t *)writers[i].data)[row] = (int32_t)p->file;
            else
                ((int64_t *)writers[i].data)[row] = (int64_t)p->row;
            continue;
        }
        int field = p->output_fields[i];
        if (field < 0 || str_eq(fields[field], s->options.null_text)) {
            write_null(&writers[i], row);
            continue;
        }
        int64_t number = 0;
        TRY(text_read_field(s, &p->lines, column, fields[field], &number, err));
        switch (s->options.columns[column].type) {
        case COLUMN_INT32: ((int32_t *)writers[i].data)[row] = (int32_t)number; break;
        case COLUMN_INT64:
        case COLUMN_DOUBLE: ((int64_t *)writers[i].data)[row] = number; break;
        default:
            duckdb_vector_assign_string_element_len(writers[i].vector, row, fields[field].data,
                                                    fields[field].len);
        }
    }
    return true;
}

/* Fill `writers` with up to BATCH_ROWS records of the current file. */
static bool write_chunk(text_run *run, text_place *p, cell_writer *writers, size_t *ret_rows,
                        error *err)
{
    str fields[TEXT_FIELDS_MAX];
    size_t rows = 0;
    while (rows == 0) {
        bool has_record = true;
        if (!p->is_open) {
            bool has_file;
            TRY(open_next(run, p, &has_file, err));
            if (!has_file)
                break;
        }
        const text_file *f = &run->scan->files[p->file];
        while (rows < BATCH_ROWS) {
            bool works = text_next_record(run->scan, f, &p->lines, fields, &has_record, err);
            if (works && !has_record)
                break;
            if (works && write_record(run, p, fields, writers, rows, err)) {
                rows++;
            } else {
                TRY(text_pass_bad_line(run->scan, p->file, &p->lines, p->row, err));
                undo_row(run, writers, rows);
                has_record = true;
            }
            p->row++;
        }
        if (!has_record) {
            TRY(text_check_bad_lines(run->scan, p->file, &p->lines, p->row, err));
            text_lines_close(&p->lines);
            p->is_open = false;
        }
    }
    *ret_rows = rows;
    return true;
}

static void read_chunk(duckdb_function_info info, duckdb_data_chunk output)
{
    text_run *run = duckdb_function_get_init_data(info);
    text_place *p = duckdb_function_get_local_init_data(info);
    cell_writer writers[TEXT_FIELDS_MAX + 2];
    for (size_t i = 0; i < run->output_count; i++) {
        duckdb_vector v = duckdb_data_chunk_get_vector(output, i);
        writers[i] = (cell_writer){ .vector = v, .data = duckdb_vector_get_data(v) };
    }
    size_t rows = 0;
    error err = { 0 };
    if (!write_chunk(run, p, writers, &rows, &err)) {
        text_set_fault(run->scan, p->file, err.message);
        fail_while(&err, STR_FMT, STR_ARG(run->scan->files[p->file].path));
        duckdb_function_set_error(info, err.message);
        return;
    }
    duckdb_data_chunk_set_size(output, rows);
}

bool text_register(sql_engine *e, error *err)
{
    duckdb_table_function f = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(f, "floe_text");
    duckdb_table_function_add_parameter(f, number);
    duckdb_destroy_logical_type(&number);
    duckdb_table_function_set_bind(f, bind_text);
    duckdb_table_function_set_init(f, start_run);
    duckdb_table_function_set_local_init(f, start_thread);
    duckdb_table_function_set_function(f, read_chunk);
    duckdb_table_function_supports_projection_pushdown(f, true);
    bool works = duckdb_register_table_function(sql_engine_registrar(e), f) == DuckDBSuccess;
    duckdb_destroy_table_function(&f);
    return works ? true : fail(err, ERR_CONFLICT, "DuckDB does not take the function floe_text");
}
