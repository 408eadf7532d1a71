/* What the files that carry out statements share. */
#pragma once

#include "base/arena.h"
#include "pipeline/execute.h"
#include "pipeline/state_select.h"

typedef struct context {
    home *home;
    arena *arena;
    const worksheet *worksheet;
    const statement *statement;
    str folder, text;
    execution *result;
} context;

bool execute_say(context *x, bool has_changed, const char *format, ...) PRINTF_LIKE(3, 4);
/* The statement's rows are those of `query`. */
bool execute_answer(context *x, str query);
str execute_full_name(context *x, const table_name *t);
bool execute_find_catalog(context *x, const table_name *t, catalog **ret, error *err);
bool execute_find_table(context *x, const table_name *name, iceberg_table **ret, error *err);
bool execute_find_job(context *x, state_job *ret, error *err);
bool execute_fail_absent(context *x, const char *what, str name, span at, error *err);
/* Whether the column says the day; NULL does not. */
bool execute_is_date(const iceberg_field *f);

/* ---- execute_query.c ---- */
/* Make the whole of one table visible to `c` under `*ret_name`. */
bool execute_show_table(home *h, sql_connection *c, arena *a, catalog *k, str catalog_name,
                        const catalog_entry *e, str *ret_name, error *err);

/* ---- execute_check.c ---- */
/* Check a job as its text, the first statement of `w`, has it; its tables are there. `record` need
 * not be in the state. */
bool execute_check_job(context *x, const state_job *record, const worksheet *w, error *err);

/* ---- execute_alter.c ---- */
bool execute_alter_connection(context *x, error *err);
bool execute_alter_table(context *x, error *err);
bool execute_alter_job(context *x, error *err);
bool execute_show_create(context *x, error *err);
/* Properties of a table that its options are kept as; two arrays with room for 2 × count. */
size_t execute_option_properties(arena *a, option_list options, str text, str *keys, str *values);

/* ---- execute_view.c ---- */
bool execute_create_view(context *x, error *err);
bool execute_alter_view(context *x, error *err);
bool execute_drop_view(context *x, error *err);
/* The SELECT of a materialized view as its text has it; `*ret_is_found` false: there is none. */
bool execute_view_text(home *h, arena *a, str full_name, str *ret_text, bool *ret_is_found,
                       error *err);

/* ---- execute_about.c ---- */
bool execute_explain_job(context *x, error *err);
bool execute_preview_job(context *x, error *err);
bool execute_replay_job(context *x, error *err);
