/* Rows on stdout: a table for people, CSV and JSON lines for programs. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/vec.h"
#include "cli/command.h"
#include "pipeline/execute.h"

enum { WIDEST_CELL = 60, MOST_TABLE_ROWS = 1000 };

bool result_format_of(const char *name, result_format *ret)
{
    static const char *const names[] = { "table", "json", "csv" };
    for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = (result_format)i;
            return true;
        }
    if (name)
        fprintf(stderr, "floe: --format is table, json or csv, not '%s'\n", name);
    return name == NULL;
}

static void print_csv_cell(str cell)
{
    bool needs_quotes = false;
    for (size_t i = 0; i < cell.len; i++)
        needs_quotes |= strchr(",\"\r\n", cell.data[i]) != NULL;
    if (!needs_quotes) {
        fwrite(cell.data, 1, cell.len, stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.data[i] == '"')
            putchar('"');
        putchar(cell.data[i]);
    }
    putchar('"');
}

static bool print_csv(sql_stream *s, error *err)
{
    size_t count = sql_stream_column_count(s);
    for (size_t i = 0; i < count; i++) {
        if (i)
            putchar(',');
        print_csv_cell(sql_stream_column_name(s, i));
    }
    putchar('\n');
    AUTO(arena_free) arena *a = arena_new();
    for (batch *b;;) {
        TRY(sql_stream_next(s, &b, err));
        if (!b)
            return true;
        for (size_t r = 0; r < b->rows; r++) {
            arena_reset(a);
            for (size_t i = 0; i < count; i++) {
                if (i)
                    putchar(',');
                print_csv_cell(column_text(&b->columns[i], a, r));
            }
            putchar('\n');
        }
    }
}

static void put_json_value(json_writer *w, const column *c, arena *a, size_t row)
{
    value v = column_value(c, a, row);
    switch (v.kind) {
    case VALUE_NULL: json_put_null(w); return;
    case VALUE_BOOL: json_put_bool(w, v.boolean); return;
    case VALUE_INT: json_put_int(w, v.integer); return;
    case VALUE_DOUBLE: json_put_double(w, v.real); return;
    case VALUE_DECIMAL: json_put_raw(w, v.text); return;
    default: json_put_text(w, column_text(c, a, row)); return;
    }
}

static bool print_json(sql_stream *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    for (batch *b;;) {
        TRY(sql_stream_next(s, &b, err));
        if (!b)
            return true;
        for (size_t r = 0; r < b->rows; r++) {
            arena_reset(a);
            strbuf line = strbuf_new(a);
            json_writer w = json_writer_new(&line);
            json_put_object_begin(&w);
            for (size_t i = 0; i < b->column_count; i++) {
                json_put_key(&w, sql_stream_column_name(s, i));
                put_json_value(&w, &b->columns[i], a, r);
            }
            json_put_object_done(&w);
            fwrite(line.data, 1, line.len, stdout);
            putchar('\n');
        }
    }
}

static size_t characters(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.data[i] & 0xC0) != 0x80;
    return n;
}

static void print_cell(str cell, size_t width, bool to_right, bool is_last)
{
    size_t len = characters(cell), shown = cell.len;
    if (len > WIDEST_CELL) {
        shown = WIDEST_CELL - 1;
        while (shown > 0 && ((unsigned char)cell.data[shown] & 0xC0) == 0x80)
            shown--;
        len = characters(str_slice(cell, 0, shown)) + 1;
    }
    for (size_t i = len; to_right && i < width; i++)
        putchar(' ');
    fwrite(cell.data, 1, shown, stdout);
    fputs(shown < cell.len ? "…" : "", stdout);
    for (size_t i = len; !to_right && !is_last && i < width; i++)
        putchar(' ');
    fputs(is_last ? "\n" : "  ", stdout);
}

static bool print_table(sql_stream *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    size_t count = sql_stream_column_count(s), rows = 0;
    size_t *widths = arena_array_of(a, size_t, count);
    VEC(str) cells = { 0 };
    for (size_t i = 0; i < count; i++)
        widths[i] = characters(sql_stream_column_name(s, i));
    for (batch *b;;) {
        TRY(sql_stream_next(s, &b, err));
        if (!b)
            break;
        for (size_t r = 0; r < b->rows; r++, rows++)
            for (size_t i = 0; i < count && rows < MOST_TABLE_ROWS; i++) {
                str cell = str_copy(a, column_text(&b->columns[i], a, r));
                size_t width = characters(cell);
                width = width > WIDEST_CELL ? WIDEST_CELL : width;
                widths[i] = width > widths[i] ? width : widths[i];
                vec_push(a, &cells, cell);
            }
    }
    for (size_t i = 0; i < count; i++)
        print_cell(sql_stream_column_name(s, i), widths[i], false, i + 1 == count);
    for (size_t k = 0; k < cells.count; k++) {
        column_type type = sql_stream_column_type(s, k % count);
        bool is_number = type == COLUMN_INT32 || type == COLUMN_INT64 || type == COLUMN_DOUBLE ||
                         type == COLUMN_FLOAT || type == COLUMN_DECIMAL;
        print_cell(cells.items[k], widths[k % count], is_number, k % count + 1 == count);
    }
    if (rows > MOST_TABLE_ROWS)
        printf("(%zu rows more; --format csv or json prints all)\n", rows - MOST_TABLE_ROWS);
    return true;
}

bool result_print(sql_stream *s, result_format format, error *err)
{
    switch (format) {
    case FORMAT_TABLE: return print_table(s, err);
    case FORMAT_JSON: return print_json(s, err);
    case FORMAT_CSV: return print_csv(s, err);
    }
    return true;
}

bool result_query(home *h, str query, result_format format, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    sql_engine *engine;
    str sql;
    AUTO(sql_disconnect) sql_connection *c = NULL;
    AUTO(sql_stream_close) sql_stream *s = NULL;
    TRY(home_engine(h, &engine, err));
    TRY(sql_connect(engine, &c, err));
    TRY(execute_query_sql(h, c, a, query, &sql, err));
    TRY(sql_query(c, sql, &s, err));
    TRY(result_print(s, format, err));
    sql_stream_close(TAKE(s));
    return true;
}
