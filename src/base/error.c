/* Errors as values, and the caret under the place in a text. */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

static void write_message(error *err, const char *format, va_list args)
{
    vsnprintf(err->message, sizeof err->message, format, args);
}

bool fail(error *err, error_code code, const char *format, ...)
{
    assert(err->code == ERR_NONE && code != ERR_NONE);
    err->code = code;
    va_list args;
    va_start(args, format);
    write_message(err, format, args);
    va_end(args);
    return false;
}

bool fail_while(error *err, const char *format, ...)
{
    assert(err->code != ERR_NONE);
    char where[ERROR_MESSAGE_BYTES / 2], what[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    memcpy(what, err->message, sizeof what);
    snprintf(err->message, sizeof err->message, "%s: %.*s", where,
             (int)(sizeof err->message - strlen(where) - 3), what);
    return false;
}

bool fail_errno(error *err, const char *format, ...)
{
    int number = errno;
    assert(err->code == ERR_NONE);
    err->code = number == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    va_list args;
    va_start(args, format);
    write_message(err, format, args);
    va_end(args);
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof err->message - len, ": %s", strerror(number));
    return false;
}

static size_t count_characters(const char *from, const char *to)
{
    size_t n = 0;
    for (; from < to; from++)
        n += ((unsigned char)*from & 0xC0) != 0x80;
    return n;
}

bool fail_at(error *err, str source_name, str text, size_t offset, const char *format, ...)
{
    enum { SHOWN_BYTES = 160 };
    assert(err->code == ERR_NONE);
    if (offset > text.len)
        offset = text.len;
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < offset; i++)
        if (text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    size_t line_end = line_start;
    while (line_end < text.len && text.data[line_end] != '\n' &&
           (text.data[line_end] != '\r' || line_end < offset))
        line_end++;
    size_t column = count_characters(text.data + line_start, text.data + offset) + 1;

    err->code = ERR_INVALID;
    char what[ERROR_MESSAGE_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);

    size_t show_from =
        offset - line_start > SHOWN_BYTES / 2 ? offset - SHOWN_BYTES / 2 : line_start;
    for (int i = 0; i < 3 && show_from > line_start && show_from < text.len &&
                    ((unsigned char)text.data[show_from] & 0xC0) == 0x80;
         i++)
        show_from--;
    size_t show_to = line_end - show_from > SHOWN_BYTES ? show_from + SHOWN_BYTES : line_end;
    char shown[SHOWN_BYTES + 8], caret[SHOWN_BYTES + 8];
    size_t n = 0;
    for (size_t i = show_from; i < show_to; i++)
        shown[n++] = text.data[i] == '\t' ? ' ' : text.data[i];
    size_t caret_at = count_characters(text.data + show_from, text.data + offset);
    if (caret_at > SHOWN_BYTES)
        caret_at = SHOWN_BYTES;
    memset(caret, ' ', caret_at);
    caret[caret_at] = 0;
    snprintf(err->message, sizeof err->message, STR_FMT "%s%zu:%zu: %s\n  %.*s\n  %s^",
             STR_ARG(source_name), source_name.len ? ":" : "", line, column, what, (int)n, shown,
             caret);
    return false;
}

void error_clear(error *err)
{
    err->code = ERR_NONE;
    err->detail = NULL;
    err->message[0] = 0;
}

const char *error_code_name(error_code code)
{
    switch (code) {
    case ERR_NONE: return "NONE";
    case ERR_INVALID: return "INVALID";
    case ERR_NOT_FOUND: return "NOT_FOUND";
    case ERR_CONFLICT: return "CONFLICT";
    case ERR_CORRUPT: return "CORRUPT";
    case ERR_IO: return "IO";
    case ERR_LIMIT: return "LIMIT";
    case ERR_CANCELLED: return "CANCELLED";
    }
    return "?";
}
