/* What went wrong, set once where it happened and passed up by `TRY`. */
#pragma once

#include <stdbool.h>

#include "base/auto.h"
#include "base/str.h"

/* What the caller can do about it. */
typedef enum error_code {
    ERR_NONE,
    ERR_INVALID,   /* the request is wrong: fix the query, statement, option or schema */
    ERR_NOT_FOUND, /* the named thing does not exist */
    ERR_CONFLICT,  /* somebody else changed it, or it exists already: read again, maybe retry */
    ERR_CORRUPT,   /* bytes from disk or network are not what they should be */
    ERR_IO,        /* the operating system or a service refused: retry later */
    ERR_LIMIT,     /* a deadline, memory budget or size limit was reached */
    ERR_CANCELLED, /* the caller asked to stop */
} error_code;

enum { ERROR_MESSAGE_BYTES = 2048 };

/* A plain value on the caller's stack: `error err = {0};`. The message is NUL-terminated, may have
 * several lines. */
typedef struct error {
    error_code code;
    /* What kind, in a query language's own words, such as openCypher's "SyntaxError:
     * UndefinedVariable". A static text; NULL: none. */
    const char *detail;
    char message[ERROR_MESSAGE_BYTES];
} error;

/* Set the error and return false. Asserts that none is set yet. */
bool fail(error *err, error_code code, const char *format, ...) PRINTF_LIKE(3, 4);
/* Put "<where>: " in front of the message that is there and return false. */
bool fail_while(error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* fail(ERR_IO) with the text of errno appended. */
bool fail_errno(error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Set the error at a place in a text: line, column, the line itself and a caret under the place.
 *     worksheet.sql:3:14: expected JOB or CONNECTION, found TABEL
 *       CREATE SYNC TABEL ...
 *                   ^                                                                        */
bool fail_at(error *err, str source_name, str text, size_t offset, const char *format, ...)
    PRINTF_LIKE(5, 6);
void error_clear(error *err);
const char *error_code_name(error_code code); /* "INVALID", "NOT_FOUND", … */

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if (!(call))                                                                               \
            return false;                                                                          \
    } while (0)
