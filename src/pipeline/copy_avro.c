/* Avro files of a COPY job become JSON lines, with their columns' types out of the file's schema.
 * Source: Avro 1.11 specification, "Complex Types", "Logical Types". */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "iceberg/avro.h"
#include "pipeline/copy_internal.h"

/* How a column is written to JSON. */
typedef enum column_form { FORM_PLAIN, FORM_DATE, FORM_MILLIS, FORM_MICROS } column_form;

static const struct {
    const char *avro, *logical, *sql;
    column_form form;
} types[] = {
    { "int", "date", "DATE", FORM_DATE },
    { "long", "timestamp-millis", "TIMESTAMP", FORM_MILLIS },
    { "long", "timestamp-micros", "TIMESTAMP", FORM_MICROS },
    { "boolean", NULL, "BOOLEAN", FORM_PLAIN },
    { "int", NULL, "INTEGER", FORM_PLAIN },
    { "long", NULL, "BIGINT", FORM_PLAIN },
    { "float", NULL, "DOUBLE", FORM_PLAIN },
    { "double", NULL, "DOUBLE", FORM_PLAIN },
    { "string", NULL, "VARCHAR", FORM_PLAIN },
    { "enum", NULL, "VARCHAR", FORM_PLAIN },
    { "bytes", NULL, "VARCHAR", FORM_PLAIN },
    { "fixed", NULL, "VARCHAR", FORM_PLAIN },
};

/* Of a union the branch beside null; of a type with attributes its name. */
static const char *sql_type_of(const json_t *type, column_form *ret_form)
{
    *ret_form = FORM_PLAIN;
    if (json_is_array(type)) {
        const json_t *only = NULL;
        for (size_t i = 0; i < json_array_size(type); i++) {
            const json_t *branch = json_array_get(type, i);
            if (json_is_string(branch) && str_eq(json_str(branch), STR("null")))
                continue;
            if (only)
                return "JSON";
            only = branch;
        }
        return only && !json_is_array(only) ? sql_type_of(only, ret_form) : "VARCHAR";
    }
    str logical = json_text_or(type, "logicalType", STR(""));
    str name = json_is_string(type) ? json_str(type) : json_text_or(type, "type", STR(""));
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(name, str_of(types[i].avro)) &&
            (!types[i].logical || str_eq(logical, str_of(types[i].logical)))) {
            *ret_form = types[i].form;
            return types[i].sql;
        }
    return "JSON"; /* records, arrays, maps */
}

/* "{'a': 'BIGINT', …}" for read_json, and the form of each column. */
static bool read_columns(arena *a, str content, str *ret_columns, column_form **ret_forms,
                         error *err)
{
    enum { MOST_COLUMNS = 4096 };
    AUTO(json_release) json_t *root = NULL;
    json_t *fields;
    str schema;
    strbuf b = strbuf_new(a);
    TRY(avro_schema(a, content, &schema, err));
    TRY(json_parse(schema, STR("its schema"), &root, err));
    TRY(json_need_array(root, "schema", "fields", &fields, err));
    size_t count = json_array_size(fields);
    if (count == 0 || count > MOST_COLUMNS)
        return fail(err, ERR_CORRUPT, "its schema has %zu fields", count);
    *ret_forms = arena_array_of(a, column_form, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *field = json_array_get(fields, i);
        str name;
        TRY(json_need_text(field, "schema.fields", "name", &name, err));
        strbuf_add_c(&b, i ? ", " : "{");
        strbuf_add_sql_text(&b, name);
        strbuf_format(&b, ": '%s'", sql_type_of(json_object_get(field, "type"), *ret_forms + i));
    }
    strbuf_add_char(&b, '}');
    *ret_columns = strbuf_str(&b);
    return true;
}

static void put_hex(json_writer *w, arena *a, str bytes)
{
    static const char digits[] = "0123456789abcdef";
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < bytes.len; i++) {
        strbuf_add_char(&b, digits[(unsigned char)bytes.data[i] >> 4]);
        strbuf_add_char(&b, digits[bytes.data[i] & 15]);
    }
    json_put_text(w, strbuf_str(&b));
}

static void put_value(json_writer *w, arena *a, const value *v)
{
    switch (v->kind) {
    case VALUE_BOOL: json_put_bool(w, v->boolean); return;
    case VALUE_INT: json_put_int(w, v->integer); return;
    case VALUE_DOUBLE: json_put_double(w, v->real); return;
    case VALUE_STRING: json_put_text(w, v->text); return;
    case VALUE_BINARY: put_hex(w, a, v->text); return;
    case VALUE_LIST:
        json_put_array_begin(w);
        for (size_t i = 0; i < v->list.count; i++)
            put_value(w, a, &v->list.items[i]);
        json_put_array_done(w);
        return;
    case VALUE_MAP:
        json_put_object_begin(w);
        for (size_t i = 0; i < v->map.count; i++) {
            json_put_key(w, v->map.keys[i].text);
            put_value(w, a, &v->map.values[i]);
        }
        json_put_object_done(w);
        return;
    default: json_put_null(w); return;
    }
}

typedef struct line_output {
    FILE *file;
    arena *arena; /* of a record */
    const column_form *forms;
} line_output;

/* A date or time beyond the calendar stays a number, which the SQL engine then refuses by name. */
static void put_column(json_writer *w, arena *a, const value *v, column_form form)
{
    const int64_t last_us = 253402300799999999, last_day = 2932896;
    int64_t us = v->kind == VALUE_INT ? v->integer : 0;
    if (v->kind != VALUE_INT || form == FORM_PLAIN) {
        put_value(w, a, v);
    } else if (form == FORM_DATE && us >= -last_day && us <= last_day) {
        json_put_text(w, clock_format_days(a, (int32_t)us));
    } else if (form != FORM_DATE &&
               (form == FORM_MICROS || !__builtin_mul_overflow(us, (int64_t)1000, &us)) &&
               us >= 0 && us <= last_us) {
        json_put_text(w, clock_format_us(a, us));
    } else {
        json_put_int(w, v->integer);
    }
}

static bool write_record(void *context, size_t number, const value *record, error *err)
{
    line_output *o = context;
    (void)number;
    arena_reset(o->arena);
    strbuf b = strbuf_new(o->arena);
    json_writer w = json_writer_new(&b);
    json_put_object_begin(&w);
    for (size_t i = 0; i < record->map.count; i++) {
        json_put_key(&w, record->map.keys[i].text);
        put_column(&w, o->arena, &record->map.values[i], o->forms[i]);
    }
    json_put_object_done(&w);
    strbuf_add_char(&b, '\n');
    return fwrite(b.data, 1, b.len, o->file) == b.len ||
           fail_errno(err, "writing it into the home's tmp folder");
}

bool copy_avro_unpack(copy *c, run_object *o, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(arena_free) arena *of_record = arena_new();
    AUTO(file_map_close) file_map *map = NULL;
    line_output out = { .arena = of_record };
    column_form *forms;
    str columns, path;
    TRY(file_map_open(str_to_c(a, o->path), &map, err));
    TRY(read_columns(a, file_map_bytes(map), &columns, &forms, err));
    out.forms = forms;
    TRY(copy_open_unpacked(c, &path, &out.file, err));
    bool works = avro_each_by_name(a, file_map_bytes(map), write_record, &out, err);
    if (fclose(out.file) != 0 && works)
        works = fail_errno(err, "writing %s", path.data);
    o->path = path;
    o->json_columns = str_copy(c->arena, columns);
    o->is_unpacked = true;
    return works;
}
