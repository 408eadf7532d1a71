/* Text as a borrowed slice (`str`) and a growing buffer to build it (`strbuf`). */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"

typedef struct arena arena;

/* Borrowed bytes, by value. Not NUL-terminated. `data` may be NULL when `len` is 0. */
typedef struct str {
    const char *data;
    size_t len;
} str;

#define STR(literal) ((str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    } /* for static tables */
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).data

static inline str str_of(const char *c)
{
    return (str){ c, c ? strlen(c) : 0 };
}
static inline bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool str_is_empty(str s)
{
    return s.len == 0;
}
bool str_eq_nocase(str a, str b); /* ASCII case only */
int str_compare(str a, str b);    /* bytewise, <0, 0, >0 */
bool str_starts_with(str s, str prefix);
bool str_ends_with(str s, str suffix);
bool str_contains(str s, str part);
ptrdiff_t str_find(str s, str part);          /* offset of the first, or -1 */
ptrdiff_t str_find_char(str s, char c);       /* offset of the first, or -1 */
ptrdiff_t str_rfind_char(str s, char c);      /* offset of the last, or -1 */
str str_slice(str s, size_t from, size_t to); /* clamped to the text */
/* How many characters to add, take out or change to make one of the other, ASCII case aside; 64 for
 * longer texts than that. For suggestions: "did you mean". */
size_t str_distance(str a, str b);
/* Bytes of the UTF-8 character at `at`, 0 when there is no valid one. */
size_t str_utf8_length(str s, size_t at);
str str_trim(str s); /* without ASCII white space at both ends */
/* Cut `*rest` at the first `separator`: returns the part before it, `*rest` keeps what follows
 * (empty at the end). */
str str_cut(str *rest, char separator);

/* Whole text as a decimal number; false when it is anything else or does not fit. */
bool str_to_i64(str s, int64_t *ret_value);
bool str_to_u64(str s, uint64_t *ret_value);
bool str_to_double(str s, double *ret_value);

/* Copies in `a`; the NUL-terminated form is for operating system and library calls. */
str str_copy(arena *a, str s);
const char *str_to_c(arena *a, str s);
str str_format(arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
str str_vformat(arena *a, const char *format, va_list args);
str str_concat(arena *a, str first, str second);
str str_lower(arena *a, str s); /* ASCII */
str str_upper(arena *a, str s);

/* A buffer that grows in an arena. `data` moves while it grows; take `strbuf_str` when it is done.
 */
typedef struct strbuf {
    arena *arena;
    char *data;
    size_t len, capacity;
} strbuf;

static inline strbuf strbuf_new(arena *a)
{
    return (strbuf){ .arena = a };
}
void strbuf_reserve(strbuf *b, size_t more);
void strbuf_add(strbuf *b, str s);
void strbuf_add_c(strbuf *b, const char *s);
void strbuf_add_char(strbuf *b, char c);
void strbuf_add_bytes(strbuf *b, const void *data, size_t len);
void strbuf_format(strbuf *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* Append `s` as an SQL string literal ('it''s') or quoted identifier ("a""b"). */
void strbuf_add_sql_text(strbuf *b, str s);
void strbuf_add_sql_name(strbuf *b, str s);
static inline str strbuf_str(const strbuf *b)
{
    return (str){ b->data, b->len };
}
