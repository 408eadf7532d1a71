/* Looking at the objects of a COPY run: what each is, whether it is whole, which columns it has. */
#include <stdio.h>

#include "pipeline/copy_internal.h"

void copy_set_fault(run_object *o, const char *why)
{
    o->is_good = false;
    const char *statement = strstr(why, "\nLINE "); /* DuckDB quotes a statement of ours */
    int len = statement ? (int)(statement - why) : (int)strlen(why);
    while (len > 0 && (why[len - 1] == '\n' || why[len - 1] == ' '))
        len--;
    snprintf(o->fault, sizeof o->fault, "%.*s", len, why);
    str text = str_of(o->fault);
    for (size_t i = 0, n; i < text.len; i += n) { /* it may quote any bytes */
        n = str_utf8_length(text, i);
        if (n == 0)
            o->fault[i] = '?';
        n = n ? n : 1;
    }
}

/* By name, or by content where CONTENT_TYPE says nothing. */
static bool is_parquet_name(str name)
{
    return str_ends_with(name, STR(".parquet")) || str_ends_with(name, STR(".parq"));
}

static bool read_marks(store *s, const run_object *o, char marks[8], error *err)
{
    TRY(store_read_range(s, o->path, 0, marks, 4, err));
    return store_read_range(s, o->path, o->object.size_bytes - 4, marks + 4, 4, err);
}

str copy_content_type(const job *j)
{
    const option *o = option_find(j->statement->options, "CONTENT_TYPE");
    const option *type = o && o->kind == OPTION_NESTED ? option_find(o->nested, "TYPE") : o;
    return type && (type->kind == OPTION_WORD || type->kind == OPTION_TEXT) ? type->text
                                                                            : STR("AUTO");
}

/* Brackets that bad lines leave open are none that nest. */
static bool check_json(copy *c, run_object *o, error *err)
{
    error about_lines = { 0 };
    if (copy_format_check_json(c, o, err))
        return true;
    if (err->code != ERR_CORRUPT)
        return false;
    bool works = copy_lines_set_aside(c, o, NULL, &about_lines);
    if (works || about_lines.code != ERR_NONE)
        *err = about_lines;
    return works && copy_format_check_json(c, o, err);
}

void copy_look_at(copy *c, store *s, run_object *o, str type)
{
    char marks[8] = { 0 };
    error err = { 0 };
    bool is_avro = false, is_auto = str_eq_nocase(type, STR("AUTO")), wants_parquet;
    o->is_good = true;
    wants_parquet = is_auto ? is_parquet_name(o->path) : str_eq_nocase(type, STR("PARQUET"));
    o->reader = wants_parquet ? READER_PARQUET : READER_FLOW_TEXT;
    o->is_text = !wants_parquet;
    if (o->object.size_bytes == 0) {
        copy_set_fault(o, "the file is empty");
    } else if (o->object.size_bytes < 12 && wants_parquet) {
        copy_set_fault(o, "the file is too short to be Parquet");
    } else if (o->object.size_bytes >= 12) {
        if (!read_marks(s, o, marks, &err)) {
            copy_set_fault(o, err.message);
            return;
        }
        bool is_parquet = memcmp(marks, "PAR1", 4) == 0;
        is_avro = memcmp(marks, "Obj\1", 4) == 0;
        if (!wants_parquet && is_parquet)
            copy_set_fault(o, is_auto ? "its content is Parquet, but its name does not end in "
                                        ".parquet"
                                      : "its content is Parquet, and the job's CONTENT_TYPE is "
                                        "text");
        if (wants_parquet && !is_parquet)
            copy_set_fault(o, "its content is not Parquet (it does not begin with PAR1)");
        else if (wants_parquet && memcmp(marks + 4, "PAR1", 4) != 0)
            copy_set_fault(o, "the Parquet file is cut off: its footer is missing");
    }
    if (o->is_good && !wants_parquet && memcmp(marks, "ORC", 3) == 0)
        copy_set_fault(o, "its content is ORC, which is not read: no library of Debian gives it; "
                          "deliver Parquet or Avro");
    if (o->is_good && str_eq_nocase(type, STR("AVRO")) && !is_avro)
        copy_set_fault(o, "its content is not Avro, which the job's CONTENT_TYPE is");
    if (o->is_good && is_avro && (is_auto || str_eq_nocase(type, STR("AVRO")))) {
        o->reader = READER_JSON;
        o->is_text = false;
        if (!copy_avro_unpack(c, o, &err))
            copy_set_fault(o, err.message);
    } else if (o->is_good && !wants_parquet) {
        o->reader = copy_format_tell(c, o, type);
        o->is_text = o->reader == READER_FLOW_TEXT;
        if ((!o->is_text && !copy_unpack(c, o, &err)) ||
            (o->reader == READER_JSON && !check_json(c, o, &err)) ||
            (o->reader == READER_CSV && !copy_format_check_csv(c, o, &err)))
            copy_set_fault(o, err.message);
    }
}

void copy_add_paths(strbuf *b, const copy *c, const size_t *objects, size_t count)
{
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(b, i ? ", " : "");
        strbuf_add_sql_text(b, c->objects[objects[i]].path);
    }
    strbuf_add_char(b, ']');
}

/* Parquet files that are good, as indexes. */
static size_t *good_parquet(copy *c, size_t *ret_count)
{
    size_t *out = arena_array_of(c->arena, size_t, c->object_count);
    *ret_count = 0;
    for (size_t i = 0; i < c->object_count; i++)
        if (c->objects[i].is_good && c->objects[i].reader == READER_PARQUET)
            out[(*ret_count)++] = i;
    return out;
}

static bool describe_shape(copy *c, const run_object *o, shape *s, error *err)
{
    batch *rows;
    strbuf q = strbuf_new(c->arena);
    strbuf_add_c(&q, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(");
    strbuf_add_sql_text(&q, o->path);
    strbuf_add_c(&q, "))");
    TRY(sql_query_all(c->job->connection, c->arena, strbuf_str(&q), &rows, err));
    s->column_count = rows->rows;
    s->names = arena_array_of(c->arena, str, rows->rows);
    s->types = arena_array_of(c->arena, str, rows->rows);
    for (size_t i = 0; i < rows->rows; i++) {
        s->names[i] = column_text(&rows->columns[0], c->arena, i);
        s->types[i] = column_text(&rows->columns[1], c->arena, i);
    }
    return true;
}

static bool has_shape(const copy *c, run_object *o, str signature)
{
    for (o->shape = 0; o->shape < c->shapes.count; o->shape++)
        if (str_eq(c->shapes.items[o->shape].signature, signature))
            return true;
    return false;
}

/* Whether it is the machine's fault, or the user's who stops it, and not the file's. */
static bool is_of_the_machine(const error *why)
{
    return why->code == ERR_CANCELLED || why->code == ERR_LIMIT;
}

/* Whether the object can be read by now, without some of its lines; else `why` says more. */
static bool set_lines_aside(copy *c, run_object *o, const shape *s, error *why)
{
    error about_lines = { 0 };
    if (is_of_the_machine(why))
        return false;
    bool works = copy_lines_set_aside(c, o, s, &about_lines);
    if (!works && about_lines.code != ERR_NONE)
        *why = about_lines;
    return works;
}

static bool read_shape(copy *c, run_object *o, shape *s, error *err)
{
    while (!copy_format_shape(c, o, s, err)) {
        if (!set_lines_aside(c, o, NULL, err))
            return false;
        error_clear(err);
    }
    return true;
}

/* Files that are neither Parquet nor flow-log text; one that cannot be read is set aside. */
static bool find_other_shapes(copy *c, error *err)
{
    for (size_t i = 0; i < c->object_count; i++) {
        run_object *o = &c->objects[i];
        shape s;
        error why = { 0 };
        if (!o->is_good || (o->reader != READER_CSV && o->reader != READER_JSON))
            continue;
        bool works = read_shape(c, o, &s, &why);
        if (!works && is_of_the_machine(&why)) {
            *err = why;
            return false;
        }
        if (!works)
            copy_set_fault(o, why.message);
        else if (!has_shape(c, o, s.signature))
            vec_push(c->arena, &c->shapes, s);
    }
    return true;
}

/* Group the Parquet files by their columns. */
static bool find_shapes(copy *c, const size_t *objects, size_t count, error *err)
{
    batch *rows;
    strbuf q = strbuf_new(c->arena);
    strbuf_add_c(&q, "SELECT file_name, list_sort(list(concat_ws(':', name, type, logical_type, "
                     "converted_type, num_children)))::VARCHAR FROM parquet_schema(");
    copy_add_paths(&q, c, objects, count);
    strbuf_add_c(&q, ") GROUP BY file_name");
    TRY(sql_query_all(c->job->connection, c->arena, strbuf_str(&q), &rows, err));
    for (size_t i = 0; i < rows->rows; i++) {
        str path = column_text(&rows->columns[0], c->arena, i),
            signature = column_text(&rows->columns[1], c->arena, i);
        run_object *o = &c->objects[copy_object_of_path(path)];
        if (!has_shape(c, o, signature)) {
            shape s = { .signature = signature };
            TRY(describe_shape(c, o, &s, err));
            vec_push(c->arena, &c->shapes, s);
        }
    }
    return true;
}

/* Read every value of one file. */
static bool check_file(copy *c, size_t object, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    run_object *o = &c->objects[object];
    batch *rows;
    strbuf q = strbuf_new(scratch);
    strbuf_add_c(&q, "SELECT count(*), bit_xor(hash(t)) FROM ");
    if (o->reader == READER_PARQUET) {
        strbuf_add_c(&q, "read_parquet(");
        strbuf_add_sql_text(&q, o->path);
        strbuf_add_c(&q, ") t");
    } else {
        str relation = copy_format_relation(c, object, &c->shapes.items[o->shape]);
        strbuf_format(&q, "(" STR_FMT ") t", STR_ARG(relation));
    }
    return sql_query_all(c->job->connection, scratch, strbuf_str(&q), &rows, err);
}

/* Find the files that make statements fail; the number found. */
size_t copy_find_faults(copy *c)
{
    size_t found = 0;
    for (size_t i = 0; i < c->object_count; i++) {
        error err = { 0 };
        run_object *o = &c->objects[i];
        if (!o->is_good || o->is_text || check_file(c, i, &err) || is_of_the_machine(&err))
            continue;
        if (o->reader == READER_PARQUET || !set_lines_aside(c, o, &c->shapes.items[o->shape], &err))
            copy_set_fault(o, err.message);
        found++;
    }
    return found;
}

bool copy_find_shapes(copy *c, error *err)
{
    for (;;) {
        size_t count, *objects = good_parquet(c, &count);
        error why = { 0 };
        c->shapes.count = 0;
        TRY(find_other_shapes(c, err));
        if (count == 0 || find_shapes(c, objects, count, &why))
            return true;
        if (copy_find_faults(c) == 0) {
            *err = why;
            return false;
        }
    }
}
