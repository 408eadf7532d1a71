/* Carrying out a worksheet's statements in a home. */
#pragma once

#include "pipeline/job.h"

/* What a statement did, for the person who ran it. */
typedef struct execution {
    str message; /* "created job x", "job x: unchanged" */
    bool has_changed;
    bool is_query; /* the caller runs it: see sql_of_query */
} execution;

/* Execute one statement of `w`. `folder`: where the worksheet lies; relative paths start there.
 * CREATE of something that is there with the same text is fine and changes nothing; with another
 * text it is ERR_CONFLICT. Errors point into the worksheet. */
NODISCARD bool execute_statement(home *h, arena *a, const worksheet *w, const statement *s,
                                 str folder, execution *ret, error *err);

/* Make the tables that `query` names visible to `c` as views, so that it runs as it is. */
NODISCARD bool execute_prepare_query(home *h, sql_connection *c, str query, error *err);
