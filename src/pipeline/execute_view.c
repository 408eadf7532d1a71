/* Materialized views: named SELECTs with a GROUP BY, answered from the newest snapshot of what they
 * read. */
#include "pipeline/execute_internal.h"

bool execute_view_text(home *h, arena *a, str full_name, str *ret_text, bool *ret_is_found,
                       error *err)
{
    static const column_type types[] = { COLUMN_STRING, COLUMN_STRING };
    value *rows;
    size_t count;
    *ret_is_found = false;
    TRY(state_select(home_state(h), a, "SELECT name, source_text FROM floe_views", types, 2, &rows,
                     &count, err));
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(rows[i * 2].text, full_name)) {
            *ret_text = rows[i * 2 + 1].text;
            *ret_is_found = true;
        }
    return true;
}

static bool put_view(context *x, str name, str text, error *err)
{
    worksheet view = { STR("view"), text, NULL, 0 };
    statement whole = { .span = { 0, text.len } };
    value parameters[] = { value_text(name), value_text(text),
                           value_text(statement_text(x->arena, &view, &whole)) };
    return state_execute(home_state(x->home),
                         "INSERT OR REPLACE INTO floe_views (name, source_text, statement) VALUES "
                         "(?, ?, ?)",
                         parameters, 3, err);
}

bool execute_create_view(context *x, error *err)
{
    const statement *s = x->statement;
    str name = execute_full_name(x, &s->table), there,
        text = str_slice(x->worksheet->text, s->span.from, s->span.to);
    bool is_found;
    iceberg_table *source;
    catalog *c;
    error none = { 0 };
    TRY(execute_view_text(x->home, x->arena, name, &there, &is_found, err));
    if (is_found && (s->if_exists || str_eq(there, text)))
        return execute_say(x, false, "materialized view " STR_FMT ": unchanged", STR_ARG(name));
    if (is_found) {
        worksheet_fail_at(x->worksheet, s->table.span, err,
                          "materialized view " STR_FMT
                          " exists with another definition; DROP it first to change it",
                          STR_ARG(name));
        err->code = ERR_CONFLICT;
        return false;
    }
    TRY(execute_find_catalog(x, &s->table, &c, err));
    if (catalog_load(c, x->arena, s->table.namespace, s->table.name, &source, &none))
        return worksheet_fail_at(x->worksheet, s->table.span, err,
                                 "there is a table called " STR_FMT, STR_ARG(name));
    if (s->query.source.name.len)
        TRY(execute_find_table(x, &s->query.source, &source, err));
    TRY(put_view(x, name, text, err));
    return execute_say(x, true, "created materialized view " STR_FMT, STR_ARG(name));
}

bool execute_alter_view(context *x, error *err)
{
    const statement *s = x->statement;
    str name = execute_full_name(x, &s->table), text;
    bool is_found;
    TRY(execute_view_text(x->home, x->arena, name, &text, &is_found, err));
    if (!is_found)
        return execute_fail_absent(x, "materialized view", name, s->table.span, err);
    return execute_say(x, true, "altered materialized view " STR_FMT, STR_ARG(name));
}

bool execute_drop_view(context *x, error *err)
{
    const statement *s = x->statement;
    str name = execute_full_name(x, &s->table), text;
    bool is_found;
    TRY(execute_view_text(x->home, x->arena, name, &text, &is_found, err));
    if (!is_found && !s->if_exists)
        return execute_fail_absent(x, "materialized view", name, s->table.span, err);
    value parameters[] = { value_text(name) };
    TRY(state_execute(home_state(x->home), "DELETE FROM floe_views WHERE name = ?", parameters, 1,
                      err));
    return execute_say(x, is_found,
                       is_found ? "dropped materialized view " STR_FMT
                                : "materialized view " STR_FMT ": there is none",
                       STR_ARG(name));
}
