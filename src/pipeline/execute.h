/* Carrying out a worksheet's statements in a home. */
#pragma once

#include "pipeline/job.h"

/* What a statement did, for the person who ran it. */
typedef struct execution {
    str message; /* "created job x", "job x: unchanged" */
    bool has_changed;
    bool is_query; /* it gives rows: those of `query`, which the caller runs through
                      execute_prepare_query */
    str query;
} execution;

/* Execute one statement of `w`. `folder`: where the worksheet lies; relative paths start there.
 * CREATE of something that is there with the same text is fine and changes nothing; with another
 * text it is ERR_CONFLICT. Errors point into the worksheet. */
NODISCARD bool execute_statement(home *h, arena *a, const worksheet *w, const statement *s,
                                 str folder, execution *ret, error *err);

/* Parse and carry out one statement. Relative folders start at the home. */
NODISCARD bool execute_text(home *h, arena *a, str source_name, str text, execution *ret,
                            error *err);

/* Make the tables, views and system tables that `query` names visible to `c`, those of its tables'
 * files that its conditions leave; `*ret_sql` is the query in the form that `c` runs (sql_query).
 * From any thread. */
NODISCARD bool execute_query_sql(home *h, sql_connection *c, arena *a, str query, str *ret_sql,
                                 error *err);
/* Only make them visible, whole. */
NODISCARD bool execute_show_tables(home *h, sql_connection *c, arena *a, str query, error *err);
