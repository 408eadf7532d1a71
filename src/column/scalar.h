/* C functions of texts in SQL. */
#pragma once

#include "column/sql.h"

enum { SQL_SCALAR_TEXT_BYTES = 256 };

/* A function of one to four texts. */
typedef struct sql_scalar_function {
    const char *name;
    size_t parameter_count;
    column_type result; /* BOOL, INT64 or STRING */
    /* Thread-safe. False: null. BOOL and INT64 go to `*ret`, text to `ret_text`. A null parameter
     * gives null without a call. */
    bool (*call)(void *context, const str *in, char *ret_text, size_t *ret_len, int64_t *ret);
    void *context;
} sql_scalar_function;

/* Once an engine; `*f` must outlive it. */
NODISCARD bool sql_register_scalar(sql_engine *e, const sql_scalar_function *f, error *err);
