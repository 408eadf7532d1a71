/* Lines of CSV, TSV and JSON that cannot be records. DuckDB refuses a file for one of them: then
 * the file is read line by line, and a copy without the bad ones stands for it. Rows keep the
 * numbers that they have in the file itself, so that keys and dead letters do not depend on what
 * was left out. Each look is at the copy that the one before has made. */
#include <stdio.h>

#include "base/json.h"
#include "pipeline/copy_internal.h"

enum { MOST_LOOKS = 4, BAD_TEXT_BYTES = 4096 };

/* A place in the file that DuckDB refuses: number of the record (JSON) or offset in bytes (CSV). */
typedef struct refusal {
    uint64_t at;
    str reason;
} refusal;

typedef struct line_pass {
    copy *copy;
    run_object *object;
    bool is_json;
    inflate_reader *in;
    FILE *out;
    char *buffer; /* bytes `from` to `to` are yet to be read */
    size_t from, to, need;
    bool at_end;
    csv_lines csv;
    size_t fields; /* of a CSV record; 0: the header is yet to come */
    const refusal *refusals;
    size_t refusal_count, next_refusal;
    uint64_t offset, record; /* in the copy that is read */
    uint64_t row, line;      /* in the file itself; rows from 0, lines from 1 */
    size_t next_known;       /* of the bad lines of the look before */
    VEC(bad_record) bad;
} line_pass;

/* ---- Reading ---- */

/* Have the next `need` bytes, or all that are left, at hand. */
static bool fill(line_pass *p, error *err)
{
    if (p->at_end || p->to - p->from >= p->need)
        return true;
    memmove(p->buffer, p->buffer + p->from, p->to - p->from);
    p->to -= p->from;
    p->from = 0;
    for (size_t got = 1; got && p->to < 2 * p->need;) {
        TRY(inflate_read(p->in, p->buffer + p->to, 2 * p->need - p->to, &got, err));
        p->to += got;
        p->at_end = got == 0;
    }
    return true;
}

/* The first line of `rest`, its end included. */
static size_t line_length(str rest)
{
    ptrdiff_t end = str_find_char(rest, '\n');
    return end < 0 ? rest.len : (size_t)end + 1;
}

/* The length of a CSV record up to its end outside of quotes and its fields; 0: a quote in it is
 * not closed, or something stands behind it. */
static size_t csv_record(const csv_lines *csv, str rest, size_t *ret_fields)
{
    bool is_quoted = false, is_start = true, was_quoted = false;
    *ret_fields = 1;
    for (size_t i = 0; i < rest.len; i++) {
        char x = rest.data[i];
        bool has_next = i + 1 < rest.len;
        if (is_quoted && has_next &&
            ((x == csv->escape && x != '"') || (x == '"' && rest.data[i + 1] == '"'))) {
            i++;
        } else if (is_quoted) {
            is_quoted = x != '"';
            was_quoted = !is_quoted;
        } else if (x == '\n') {
            return i + 1;
        } else if (x == csv->delimiter) {
            ++*ret_fields;
            is_start = true;
            was_quoted = false;
            continue;
        } else if (was_quoted && x != '\r') {
            return 0;
        } else {
            is_quoted = is_start && x == '"';
        }
        is_start = false;
    }
    return is_quoted ? 0 : rest.len;
}

/* One that cannot be closed is the line it begins with; so is one that takes several and has the
 * wrong number of fields, as a quote that is closed by another field's does. */
static size_t csv_record_or_line(const csv_lines *csv, str rest, size_t wanted, size_t *ret_fields,
                                 bool *ret_is_closed)
{
    size_t len = csv_record(csv, rest, ret_fields), line = line_length(rest);
    *ret_is_closed = len > 0 && (len <= line || wanted == 0 || *ret_fields == wanted);
    return *ret_is_closed ? len : line;
}

static bool is_utf8(str text)
{
    for (size_t i = 0, n; i < text.len; i += n) {
        n = (unsigned char)text.data[i] < 0x80 ? 1 : str_utf8_length(text, i);
        if (n == 0)
            return false;
    }
    return true;
}

/* ---- Judging ---- */

/* Why a CSV record is none; empty: it may be one. */
static str csv_fault(line_pass *p, str record, size_t fields, bool is_closed)
{
    arena *a = p->copy->arena;
    unsigned long long line = p->line;
    if (!is_closed)
        return str_format(a, "line %llu: a quote is not closed", line);
    if (!is_utf8(record))
        return str_format(a, "line %llu is not UTF-8", line);
    if (fields != p->fields)
        return str_format(a, "line %llu has %zu fields, %s %zu", line, fields,
                          p->csv.has_header ? "the header has" : "HEADER names", p->fields);
    return STR("");
}

static str json_fault(line_pass *p, str record)
{
    json_error_t why;
    AUTO(json_release) json_t *parsed = json_loadb(record.data, record.len, 0, &why);
    unsigned long long line = p->line;
    return parsed ? str_format(p->copy->arena, "line %llu is no JSON object", line)
                  : str_format(p->copy->arena, "line %llu is no JSON: column %d: %s", line,
                               why.column, why.text);
}

static str refusal_at(line_pass *p, str record)
{
    uint64_t at = p->is_json ? p->record : p->offset;
    while (p->next_refusal < p->refusal_count && p->refusals[p->next_refusal].at < at)
        p->next_refusal++;
    if (p->next_refusal == p->refusal_count || p->refusals[p->next_refusal].at != at)
        return STR("");
    str reason = p->refusals[p->next_refusal].reason;
    return reason.len ? str_format(p->copy->arena, "line %llu: " STR_FMT,
                                   (unsigned long long)p->line, STR_ARG(reason))
                      : json_fault(p, record);
}

static void add_bad(line_pass *p, bad_record bad)
{
    vec_push(p->copy->arena, &p->bad, bad);
    p->row = bad.row + 1;
    p->line += bad.lines;
}

/* What the copy that is read lacks already before the next record. */
static void pass_known(line_pass *p)
{
    const run_object *o = p->object;
    while (p->next_known < o->bad_count && o->bad[p->next_known].row == p->row)
        add_bad(p, o->bad[p->next_known++]);
}

/* A record and whether it is written. */
static bool judge(line_pass *p, str record, size_t fields, bool is_closed)
{
    pass_known(p);
    str reason = p->is_json ? STR("") : csv_fault(p, record, fields, is_closed);
    if (reason.len == 0)
        reason = refusal_at(p, record);
    p->record++;
    uint64_t lines = 0;
    for (str rest = record; rest.len; lines++)
        rest = str_slice(rest, line_length(rest), rest.len);
    if (reason.len == 0) {
        p->row++;
        p->line += lines;
        return true;
    }
    str text = str_slice(record, 0, BAD_TEXT_BYTES);
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    add_bad(p, (bad_record){ .row = p->row,
                             .line = p->line,
                             .lines = lines,
                             .text = str_copy(p->copy->arena, text),
                             .reason = reason });
    return false;
}

static bool next_record(line_pass *p, error *err)
{
    str rest = { p->buffer + p->from, p->to - p->from };
    size_t fields = 0, len = line_length(rest);
    bool is_closed = true, is_blank = str_trim(str_slice(rest, 0, len)).len == 0, stays = true;
    if (is_blank && (p->is_json || p->fields != 1)) {
        p->line++;
    } else {
        if (!p->is_json)
            len = csv_record_or_line(&p->csv, rest, p->fields, &fields, &is_closed);
        if (len > p->need)
            return fail(err, ERR_CORRUPT, "line %llu is longer than %zu bytes",
                        (unsigned long long)p->line, p->need);
        if (!p->is_json && p->fields == 0) { /* the header */
            p->fields = fields;
            p->line++;
        } else {
            stays = judge(p, str_slice(rest, 0, len), fields, is_closed);
        }
    }
    if (stays && fwrite(rest.data, 1, len, p->out) != len)
        return fail_errno(err, "writing a copy without bad lines into the home's tmp folder");
    p->from += len;
    p->offset += len;
    return true;
}

/* ---- A look ---- */

/* JSON of which most lines are no values is not written a value a line: no error, but false. */
static bool check_count(const line_pass *p, error *err)
{
    size_t count = p->bad.count;
    bool is_most = count * 2 > p->row;
    if (is_most && p->is_json)
        return false;
    if (count > TEXT_BAD_LINES_MAX)
        return fail(err, ERR_CORRUPT,
                    "more than %d of its lines are no records; the first: " STR_FMT,
                    TEXT_BAD_LINES_MAX, STR_ARG(p->bad.items[0].reason));
    return !is_most ||
           fail(err, ERR_CORRUPT, "%zu of its %llu lines are no records; the first: " STR_FMT,
                count, (unsigned long long)p->row, STR_ARG(p->bad.items[0].reason));
}

static bool read_all(line_pass *p, error *err)
{
    for (;;) {
        TRY(fill(p, err));
        if (p->from == p->to)
            break;
        TRY(next_record(p, err));
        if (p->bad.count > TEXT_BAD_LINES_MAX)
            break;
    }
    pass_known(p);
    return check_count(p, err);
}

/* Write a copy without the lines that are refused or, of CSV, no records by their form. */
static bool look(copy *c, run_object *o, const refusal *refusals, size_t count, error *err)
{
    enum { CSV_RECORD_BYTES = 1 << 20, JSON_RECORD_BYTES = 1 << 24 };
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(inflate_close) inflate_reader *in = NULL;
    line_pass p = { .copy = c,
                    .object = o,
                    .is_json = o->reader == READER_JSON,
                    .refusals = refusals,
                    .refusal_count = count,
                    .line = 1 };
    p.need = p.is_json ? JSON_RECORD_BYTES : CSV_RECORD_BYTES;
    p.buffer = arena_alloc(scratch, 2 * p.need);
    if (!p.is_json) {
        p.csv = copy_format_csv_lines(c, o);
        p.fields = p.csv.has_header ? 0 : p.csv.columns;
    }
    str path;
    TRY(inflate_open(o->path, o->is_unpacked ? PACKING_NONE : copy_packing(c->job), &in, err));
    p.in = in;
    TRY(copy_open_unpacked(c, &path, &p.out, err));
    bool works = read_all(&p, err);
    if (fclose(p.out) != 0 && works)
        works = fail_errno(err, "writing a copy without bad lines");
    TRY(works);
    o->path = path;
    o->is_unpacked = true;
    o->bad = p.bad.items;
    o->bad_count = p.bad.count;
    return true;
}

/* ---- What DuckDB refuses ---- */

static bool query_refusals(copy *c, str q, const refusal **ret, size_t *ret_count, error *err)
{
    batch *rows;
    VEC(refusal) found = { 0 };
    TRY(sql_query_all(c->job->connection, c->arena, q, &rows, err));
    for (size_t i = 0; i < rows->rows; i++)
        vec_push(c->arena, &found,
                 (refusal){ (uint64_t)column_value(&rows->columns[0], c->arena, i).integer,
                            column_text(&rows->columns[1], c->arena, i) });
    *ret = found.items;
    *ret_count = found.count;
    return true;
}

/* Firehose's messages: too few or too many fields, or a number that is none. */
static void add_message_checks(const shape *s, strbuf *b)
{
    strbuf_format(b,
                  " UNION ALL SELECT n, 'the message has ' || len(f_) || ' fields, not %zu' FROM "
                  "messages_ WHERE len(f_) <> %zu",
                  s->column_count, s->column_count);
    for (size_t i = 0; i < s->column_count; i++) {
        if (str_eq(s->types[i], STR("VARCHAR")))
            continue;
        strbuf_format(
            b,
            " UNION ALL SELECT n, '" STR_FMT " is ''' || f_[%zu] || '''' FROM messages_ "
            "WHERE len(f_) = %zu AND f_[%zu] <> '-' AND TRY_CAST(f_[%zu] AS " STR_FMT ") IS NULL",
            STR_ARG(s->names[i]), i + 1, s->column_count, i + 1, i + 1, STR_ARG(s->types[i]));
    }
}

static bool json_refusals(copy *c, const run_object *o, const shape *s, const refusal **ret,
                          size_t *ret_count, error *err)
{
    strbuf b = strbuf_new(c->arena);
    strbuf_add_c(&b, "WITH records_ AS (SELECT row_number() OVER () - 1 AS n, json FROM "
                     "read_ndjson_objects(");
    strbuf_add_sql_text(&b, o->path);
    strbuf_add_c(&b, ", ignore_errors = true, maximum_object_size = 16777216)), messages_ AS "
                     "(SELECT n, string_split(trim(json ->> '$.message'), ' ') AS f_ FROM "
                     "records_) SELECT n, min(why) FROM (SELECT n, '' AS why FROM records_ WHERE "
                     "json IS NULL OR json_type(json) <> 'OBJECT'");
    if (s && s->is_message)
        add_message_checks(s, &b);
    strbuf_format(&b, ") GROUP BY n ORDER BY n LIMIT %d", TEXT_BAD_LINES_MAX + 2);
    return query_refusals(c, strbuf_str(&b), ret, ret_count, err);
}

/* Values that are not of their column's type. */
static bool csv_refusals(copy *c, const run_object *o, const refusal **ret, size_t *ret_count,
                         error *err)
{
    str call = copy_format_csv_call(c, o);
    str q = str_format(c->arena,
                       "CREATE OR REPLACE TEMP TABLE \"_read\" AS SELECT bit_xor(hash(t)) FROM "
                       "(SELECT * FROM " STR_FMT ", store_rejects = true, rejects_table = "
                       "'_refused', rejects_scan = '_refused_scans', rejects_limit = %d)) t",
                       STR_ARG(str_slice(call, 0, call.len - 1)), TEXT_BAD_LINES_MAX + 2);
    error ignored = { 0 };
    bool works = sql_run(c->job->connection, q, err) &&
                 query_refusals(c,
                                STR("SELECT (line_byte_position - 1)::BIGINT, "
                                    "min(string_split(error_message, chr(10))[1]) FROM "
                                    "\"_refused\" GROUP BY 1 ORDER BY 1"),
                                ret, ret_count, err);
    (void)(sql_run(c->job->connection, STR("DROP TABLE IF EXISTS \"_refused\""), &ignored) &&
           sql_run(c->job->connection, STR("DROP TABLE IF EXISTS \"_refused_scans\""), &ignored) &&
           sql_run(c->job->connection, STR("DROP TABLE IF EXISTS \"_read\""), &ignored));
    return works;
}

bool copy_lines_set_aside(copy *c, run_object *o, const shape *s, error *err)
{
    size_t before = o->bad_count, count = 0;
    const refusal *refusals = NULL;
    if (!copy_passes_bad_lines(c->job) || o->looks++ >= MOST_LOOKS || o->json_columns.len)
        return false;
    if (o->reader == READER_JSON)
        return json_refusals(c, o, s, &refusals, &count, err) && count > 0 &&
               look(c, o, refusals, count, err);
    if (o->reader != READER_CSV)
        return false;
    TRY(look(c, o, NULL, 0, err));
    if (o->bad_count > before)
        return true;
    return csv_refusals(c, o, &refusals, &count, err) && count > 0 &&
           look(c, o, refusals, count, err);
}

size_t copy_lines_row(const run_object *o, uint64_t row)
{
    size_t low = 0, high = o->bad_count; /* how many bad ones stand before the good one */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (o->bad[middle].row - middle <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return row + low;
}
