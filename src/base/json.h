/* JSON: a streaming writer for results and metadata, and readers over jansson that name the path at
 * fault. */
#pragma once

#include <jansson.h>

#include "base/error.h"

enum { JSON_DEPTH = 64 };

/* Writes into a strbuf; commas and quoting are its business. Nesting up to JSON_DEPTH. */
typedef struct json_writer {
    strbuf *out;
    uint8_t depth;
    bool has_items[JSON_DEPTH];
    bool after_key;
} json_writer;

static inline json_writer json_writer_new(strbuf *out)
{
    return (json_writer){ .out = out };
}
void json_put_object_begin(json_writer *w);
void json_put_object_done(json_writer *w);
void json_put_array_begin(json_writer *w);
void json_put_array_done(json_writer *w);
void json_put_key(json_writer *w, str key);
void json_put_text(json_writer *w, str value); /* invalid UTF-8 becomes U+FFFD */
void json_put_int(json_writer *w, int64_t value);
void json_put_double(json_writer *w, double value); /* NaN and infinities become null */
void json_put_bool(json_writer *w, bool value);
void json_put_null(json_writer *w);
void json_put_raw(json_writer *w, str json); /* one value, already JSON */

/* Parse `text`; the caller owns the reference (AUTO(json_release)). Errors carry line and column.
 */
NODISCARD bool json_parse(str text, str source_name, json_t **ret_root, error *err);
void json_release(json_t *j);
DEFINE_AUTO(json_t, json_release)

static inline str json_str(const json_t *j) /* of a JSON string */
{
    return (str){ json_string_value(j), json_string_length(j) };
}
/* Required members: fail with ERR_INVALID naming `path` and the member when absent or of another
 * type. The text is borrowed from `object`. */
NODISCARD bool json_need_text(const json_t *object, const char *path, const char *member, str *ret,
                              error *err);
NODISCARD bool json_need_int(const json_t *object, const char *path, const char *member,
                             int64_t *ret, error *err);
NODISCARD bool json_need_array(const json_t *object, const char *path, const char *member,
                               json_t **ret, error *err);
NODISCARD bool json_need_object(const json_t *object, const char *path, const char *member,
                                json_t **ret, error *err);
/* Optional members: `otherwise` when absent. */
str json_text_or(const json_t *object, const char *member, str otherwise);
int64_t json_int_or(const json_t *object, const char *member, int64_t otherwise);
