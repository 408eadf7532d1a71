/* Objects that are neither Parquet nor flow-log text with a header: CSV, TSV, text without a header
 * and JSON, read by DuckDB. */
#include "base/vec.h"
#include "column/inflate.h"
#include "pipeline/copy_internal.h"
#include "pipeline/flow_field.h"

static const option *content_option(const job *j, const char *name)
{
    const option *o = option_find(j->statement->options, "CONTENT_TYPE");
    return o && o->kind == OPTION_NESTED ? option_find(o->nested, name) : NULL;
}

/* The declared header: HEADER = ('a', 'b') or HEADER_LINE = 'a, b'; empty: none. */
static size_t declared_header(const job *j, arena *a, const str **ret)
{
    const option *list = content_option(j, "HEADER"), *line = content_option(j, "HEADER_LINE");
    VEC(str) names = { 0 };
    for (size_t i = 0; list && list->kind == OPTION_LIST && i < list->list.count; i++)
        vec_push(a, &names, list->list.items[i]);
    if (line && line->kind == OPTION_TEXT) {
        char separator = str_find_char(line->text, ',') >= 0 ? ',' : ' ';
        for (str rest = line->text; rest.len;)
            vec_push(a, &names, str_trim(str_cut(&rest, separator)));
    }
    *ret = names.items;
    return names.count;
}

/* The columns of version 2, in their order. */
static size_t default_header(arena *a, const str **ret)
{
    VEC(str) names = { 0 };
    for (str rest = STR(FLOW_DEFAULT_HEADER); rest.len;)
        vec_push(a, &names, str_of(flow_field_find(str_cut(&rest, ' '))->name));
    *ret = names.items;
    return names.count;
}

/* The first bytes of the text, unpacked. */
static size_t read_start(const copy *c, const run_object *o, char *bytes, size_t size, error *err)
{
    AUTO(inflate_close) inflate_reader *r = NULL;
    size_t count = 0, got = 1;
    if (!inflate_open(o->path, o->is_unpacked ? PACKING_NONE : copy_packing(c->job), &r, err))
        return 0;
    while (count < size && got) {
        if (!inflate_read(r, bytes + count, size - count, &got, err))
            return 0;
        count += got;
    }
    return count;
}

/* By the first line: JSON, commas, tabs, or a flow log. */
static object_reader tell_by_start(const copy *c, const run_object *o)
{
    char bytes[4096];
    error ignored = { 0 }; /* the flow-log reader will say what is wrong */
    str start = { bytes, read_start(c, o, bytes, sizeof bytes, &ignored) };
    str trimmed = str_trim(start), rest = trimmed, line = str_cut(&rest, '\n');
    if (str_starts_with(trimmed, STR("{")) || str_starts_with(trimmed, STR("[")))
        return READER_JSON;
    if (str_find_char(line, '\t') >= 0 ||
        (str_find_char(line, ',') >= 0 && str_find_char(line, ' ') < 0))
        return READER_CSV;
    return READER_FLOW_TEXT;
}

object_reader copy_format_tell(const copy *c, const run_object *o, str type)
{
    const str *names;
    bool is_declared = declared_header(c->job, c->arena, &names) > 0;
    const option *delimiter = content_option(c->job, "DELIMITER");
    if (str_eq_nocase(type, STR("JSON")))
        return READER_JSON;
    if (str_eq_nocase(type, STR("TSV")) || is_declared)
        return READER_CSV;
    if (str_eq_nocase(type, STR("CSV")) && delimiter && delimiter->kind == OPTION_TEXT)
        return str_eq(delimiter->text, STR(" ")) ? tell_by_start(c, o) : READER_CSV;
    return tell_by_start(c, o);
}

/* ---- CSV ---- */

static char delimiter_of(const copy *c, const run_object *o)
{
    const option *given = content_option(c->job, "DELIMITER");
    if (given && given->kind == OPTION_TEXT && given->text.len)
        return str_eq(given->text, STR("\\t")) ? '\t' : given->text.data[0];
    char bytes[4096];
    error ignored = { 0 };
    str start = { bytes, read_start(c, o, bytes, sizeof bytes, &ignored) },
        line = str_cut(&start, '\n');
    return str_find_char(line, '\t') >= 0 ? '\t' : str_find_char(line, ',') >= 0 ? ',' : ' ';
}

static void add_types(strbuf *b, const str *names, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        const flow_field *f = flow_field_find(names[i]);
        if (!f || f->type == COLUMN_STRING)
            continue;
        strbuf_add_c(b, known++ ? ", " : ", types = {");
        strbuf_add_sql_text(b, names[i]);
        strbuf_format(b, ": '%s'", column_type_name(f->type));
    }
    strbuf_add_c(b, known ? "}" : "");
}

str copy_format_csv_call(const copy *c, const run_object *o)
{
    const str *names;
    size_t count = declared_header(c->job, c->arena, &names);
    char delimiter = delimiter_of(c, o);
    const option *infers = content_option(c->job, "INFER_TYPES"),
                 *null_value = content_option(c->job, "NULL_VALUE"),
                 *escape = content_option(c->job, "QUOTE_ESCAPE_CHAR");
    if (count == 0 && delimiter == ' ')
        count = default_header(c->arena, &names);
    strbuf b = strbuf_new(c->arena);
    strbuf_add_c(&b, "read_csv(");
    strbuf_add_sql_text(&b, o->path);
    /* nothing of how lines are parted is left to a guess: one bad line would change it for all */
    strbuf_format(
        &b, ", delim = '%s', quote = '\"', skip = 0, comment = '', sample_size = -1, nullstr = ",
        delimiter == '\t' ? "\\t" : (char[]){ delimiter, 0 });
    strbuf_add_sql_text(&b, null_value && null_value->kind == OPTION_TEXT ? null_value->text
                                                                          : STR("-"));
    bool has_escape = escape && escape->kind == OPTION_TEXT && escape->text.len == 1;
    strbuf_add_c(&b, ", escape = ");
    strbuf_add_sql_text(&b, has_escape ? escape->text : STR("\""));
    if (infers && infers->kind == OPTION_BOOL && !infers->is_true)
        strbuf_add_c(&b, ", all_varchar = true");
    if (count) {
        strbuf_add_c(&b, ", header = false, names = [");
        for (size_t i = 0; i < count; i++) {
            strbuf_add_c(&b, i ? ", " : "");
            strbuf_add_sql_text(&b, names[i]);
        }
        strbuf_add_char(&b, ']');
        add_types(&b, names, count);
    } else {
        strbuf_add_c(&b, ", header = true");
    }
    strbuf_add_char(&b, ')');
    return strbuf_str(&b);
}

csv_lines copy_format_csv_lines(const copy *c, const run_object *o)
{
    const str *names;
    const option *escape = content_option(c->job, "QUOTE_ESCAPE_CHAR");
    csv_lines lines = { .delimiter = delimiter_of(c, o), .escape = '"' };
    lines.columns = declared_header(c->job, c->arena, &names);
    if (lines.columns == 0 && lines.delimiter == ' ')
        lines.columns = default_header(c->arena, &names);
    lines.has_header = lines.columns == 0;
    if (escape && escape->kind == OPTION_TEXT && escape->text.len == 1)
        lines.escape = escape->text.data[0];
    return lines;
}

static str json_call(const copy *c, const run_object *o)
{
    strbuf b = strbuf_new(c->arena);
    strbuf_add_c(&b, "read_json(");
    strbuf_add_sql_text(&b, o->path);
    if (o->json_columns.len)
        strbuf_format(
            &b,
            ", format = 'newline_delimited', maximum_object_size = 16777216, columns = " STR_FMT
            ")",
            STR_ARG(o->json_columns));
    else
        strbuf_add_c(&b, ", format = 'auto', records = 'true', sample_size = -1, "
                         "maximum_object_size = 16777216)");
    return strbuf_str(&b);
}

/* Brackets that are open at a time; the SQL engine's guess of a type takes memory by depth times
 * length. */
bool copy_format_check_json(const copy *c, const run_object *o, error *err)
{
    enum { PIECE = 1 << 16, DEEPEST_JSON = 100 };
    AUTO(arena_free) arena *a = arena_new();
    AUTO(inflate_close) inflate_reader *r = NULL;
    char *bytes = arena_alloc(a, PIECE);
    bool is_text = false, is_escaped = false;
    int depth = 0;
    TRY(inflate_open(o->path, o->is_unpacked ? PACKING_NONE : copy_packing(c->job), &r, err));
    for (size_t got = 1; got;) {
        TRY(inflate_read(r, bytes, PIECE, &got, err));
        for (size_t i = 0; i < got; i++) {
            char x = bytes[i];
            if (is_text) {
                is_text = is_escaped || x != '"';
                is_escaped = !is_escaped && x == '\\';
            } else if (x == '"') {
                is_text = true;
            } else if (x == '[' || x == '{') {
                if (++depth > DEEPEST_JSON)
                    return fail(err, ERR_CORRUPT, "its JSON is nested more than %d deep",
                                DEEPEST_JSON);
            } else if (x == ']' || x == '}') {
                depth -= depth > 0;
            }
        }
    }
    return true;
}

/* The SQL engine takes memory for each column that a line may have, the first or a later one. */
bool copy_format_check_csv(const copy *c, const run_object *o, error *err)
{
    enum { PIECE = 1 << 16, LONGEST_LINE_BYTES = 1 << 20, MOST_COLUMNS = 4096 };
    const option *given = content_option(c->job, "MAX_COLUMNS");
    size_t most = given && given->number < MOST_COLUMNS ? (size_t)given->number : MOST_COLUMNS;
    AUTO(arena_free) arena *a = arena_new();
    AUTO(inflate_close) inflate_reader *r = NULL;
    char *bytes = arena_alloc(a, PIECE), delimiter = delimiter_of(c, o);
    size_t line = 1, len = 0, columns = 1;
    TRY(inflate_open(o->path, o->is_unpacked ? PACKING_NONE : copy_packing(c->job), &r, err));
    for (size_t got = 1; got;) {
        TRY(inflate_read(r, bytes, PIECE, &got, err));
        for (size_t i = 0; line == 1 && i < got && bytes[i] != '\n'; i++)
            columns += bytes[i] == delimiter;
        for (str rest = { bytes, got }; rest.len;) {
            ptrdiff_t end = str_find_char(rest, '\n');
            len += end < 0 ? rest.len : (size_t)end;
            if (len > LONGEST_LINE_BYTES)
                return fail(err, ERR_CORRUPT, "line %zu is longer than %d bytes", line,
                            LONGEST_LINE_BYTES);
            if (end < 0)
                break;
            rest = str_slice(rest, (size_t)end + 1, rest.len);
            len = 0;
            line++;
        }
    }
    return columns <= most || fail(err, ERR_CORRUPT, "line 1 has %zu columns; %zu %s", columns,
                                   most, given ? "is MAX_COLUMNS" : "can be read");
}

/* ---- Shapes ---- */

static str sql_type_of(const flow_field *f)
{
    return f->type == COLUMN_STRING ? STR("VARCHAR") : str_of(column_type_name(f->type));
}

/* Firehose's {"message": "<line>"}: the columns are those of the line. */
static void line_shape(copy *c, shape *s)
{
    const str *names;
    size_t count = declared_header(c->job, c->arena, &names);
    if (count == 0)
        count = default_header(c->arena, &names);
    s->is_message = true;
    s->column_count = 0;
    s->names = arena_array_of(c->arena, str, count);
    s->types = arena_array_of(c->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        const flow_field *f = flow_field_find(names[i]);
        s->names[s->column_count] = f ? str_of(f->name) : names[i];
        s->types[s->column_count++] = f ? sql_type_of(f) : STR("VARCHAR");
    }
}

static bool is_nested(str type)
{
    return str_starts_with(type, STR("STRUCT")) || str_ends_with(type, STR("[]")) ||
           str_starts_with(type, STR("MAP")) || str_eq(type, STR("JSON"));
}

bool copy_format_shape(copy *c, const run_object *o, shape *s, error *err)
{
    batch *rows;
    str call = o->reader == READER_JSON ? json_call(c, o) : copy_format_csv_call(c, o);
    str q = str_format(c->arena,
                       "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM " STR_FMT ")",
                       STR_ARG(call));
    TRY(sql_query_all(c->job->connection, c->arena, q, &rows, err));
    strbuf signature = strbuf_new(c->arena);
    strbuf_add_c(&signature, o->reader == READER_JSON ? "json" : "csv");
    *s = (shape){ .column_count = rows->rows,
                  .names = arena_array_of(c->arena, str, rows->rows),
                  .types = arena_array_of(c->arena, str, rows->rows),
                  .raw_names = arena_array_of(c->arena, str, rows->rows),
                  .is_nested = arena_array_of(c->arena, bool, rows->rows) };
    for (size_t i = 0; i < rows->rows; i++) {
        str name = column_text(&rows->columns[0], c->arena, i),
            type = column_text(&rows->columns[1], c->arena, i);
        const flow_field *f = flow_field_find(name);
        s->raw_names[i] = name;
        s->names[i] = f ? str_of(f->name) : name;
        s->is_nested[i] = is_nested(type);
        s->types[i] = s->is_nested[i] ? STR("VARCHAR") : type;
        strbuf_format(&signature, "\n" STR_FMT "\n" STR_FMT, STR_ARG(name), STR_ARG(type));
    }
    if (o->reader == READER_JSON && rows->rows == 1 && str_eq(s->names[0], STR("message")))
        line_shape(c, s);
    s->signature = strbuf_str(&signature);
    return true;
}

static str message_select(copy *c, const shape *s, str call)
{
    strbuf b = strbuf_new(c->arena);
    strbuf_add_c(&b, "(SELECT ");
    for (size_t i = 0; i < s->column_count; i++) {
        strbuf_format(&b, "%sCAST(nullif(f_[%zu], '-') AS " STR_FMT ") AS ", i ? ", " : "", i + 1,
                      STR_ARG(s->types[i]));
        strbuf_add_sql_name(&b, s->names[i]);
    }
    strbuf_format(
        &b,
        " FROM (SELECT CASE WHEN len(string_split(trim(message), ' ')) = %zu THEN "
        "string_split(trim(message), ' ') ELSE error('a message has ' || "
        "len(string_split(trim(message), ' ')) || ' fields, not %zu') END AS f_ FROM " STR_FMT "))",
        s->column_count, s->column_count, STR_ARG(call));
    return strbuf_str(&b);
}

str copy_format_relation(copy *c, size_t object, const shape *s)
{
    const run_object *o = &c->objects[object];
    str call = o->reader == READER_JSON ? json_call(c, o) : copy_format_csv_call(c, o);
    strbuf b = strbuf_new(c->arena);
    strbuf_add_c(&b, "SELECT ");
    if (s->is_message) {
        strbuf_add_c(&b, "*");
        call = message_select(c, s, call);
    }
    for (size_t i = 0; !s->is_message && i < s->column_count; i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_c(&b, s->is_nested[i] ? "to_json(" : "");
        strbuf_add_sql_name(&b, s->raw_names[i]);
        strbuf_add_c(&b, s->is_nested[i] ? ")::VARCHAR AS " : " AS ");
        strbuf_add_sql_name(&b, s->names[i]);
    }
    str row = STR("row_number() OVER () - 1");
    if (o->bad_count)
        row = str_format(c->arena, "floe_source_row(%zu::BIGINT, " STR_FMT ")::BIGINT", object,
                         STR_ARG(row));
    strbuf_format(&b, ", %zu::BIGINT AS \"_object\", " STR_FMT " AS \"_row\" FROM " STR_FMT, object,
                  STR_ARG(row), STR_ARG(call));
    return strbuf_str(&b);
}
