/* Reading the home's database for people: any SELECT over it, as rows. */
#include "base/vec.h"
#include "pipeline/state_internal.h"
#include "pipeline/state_select.h"

static value cell_of(sqlite3_stmt *q, arena *a, int i, column_type type)
{
    if (sqlite3_column_type(q, i) == SQLITE_NULL)
        return value_null();
    switch (type) {
    case COLUMN_BOOL: return value_bool(sqlite3_column_int64(q, i) != 0);
    case COLUMN_DOUBLE: return value_double(sqlite3_column_double(q, i));
    case COLUMN_INT64: return value_int(sqlite3_column_int64(q, i));
    case COLUMN_TIMESTAMP:
        return (value){ .kind = VALUE_TIMESTAMP, .integer = sqlite3_column_int64(q, i) };
    default:
        return value_text(str_copy(a, (str){ (const char *)sqlite3_column_text(q, i),
                                             (size_t)sqlite3_column_bytes(q, i) }));
    }
}

bool state_select(state *s, arena *a, const char *sql, const column_type *types,
                  size_t column_count, value **ret_cells, size_t *ret_row_count, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    VEC(value) cells = { 0 };
    size_t rows = 0;
    TRY(state_prepare(s, sql, &q, err));
    for (bool has_row;; rows++) {
        TRY(state_step(&q, &has_row, err));
        if (!has_row)
            break;
        for (size_t i = 0; i < column_count; i++)
            vec_push(a, &cells, cell_of(q.handle, a, (int)i, types[i]));
    }
    *ret_cells = cells.items;
    *ret_row_count = rows;
    return true;
}

bool state_execute(state *s, const char *sql, const value *parameters, size_t count, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, sql, &q, err));
    for (size_t i = 0; i < count; i++) {
        const value *v = &parameters[i];
        if (v->kind == VALUE_BINARY)
            sqlite3_bind_blob64(q.handle, ++q.bound, v->text.data, v->text.len, SQLITE_STATIC);
        else if (v->kind == VALUE_STRING)
            state_bind_text(&q, v->text);
        else if (v->kind == VALUE_NULL)
            ++q.bound;
        else
            state_bind_int(&q, v->integer);
    }
    return state_run_once(&q, err);
}
