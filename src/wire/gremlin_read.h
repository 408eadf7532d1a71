/* Requests of Gremlin clients, decoded: from GraphSON 2 and 3 and GraphBinary 1 alike to the
 * arguments that gremlin/ compiles. Every byte is a stranger's. */
#pragma once

#include "base/json.h"
#include "gremlin/ast.h"

enum { GREMLIN_DEPTH = 60 };

/* One named argument of a request. */
typedef struct gremlin_named {
    str name;
    gremlin_argument of;
} gremlin_named;

typedef struct gremlin_message {
    str request_id; /* 36 characters */
    str op, processor;
    gremlin_named *args;
    size_t arg_count;
} gremlin_message;

/* NULL when absent. */
const gremlin_argument *gremlin_message_arg(const gremlin_message *m, str name);
/* Of that type, else empty / `otherwise`. */
str gremlin_message_text(const gremlin_message *m, str name);
int64_t gremlin_message_int(const gremlin_message *m, str name, int64_t otherwise);

/* Texts are copied to `a`. ERR_INVALID says what is wrong. `ret->request_id` is set as soon as it
 * is known, also when the rest fails. */
NODISCARD bool graphson_read_message(arena *a, str json, gremlin_message *ret, error *err);
NODISCARD bool graphbinary_read_message(arena *a, str bytes, gremlin_message *ret, error *err);

/* Any typed JSON value. */
NODISCARD bool graphson_read(arena *a, const json_t *j, gremlin_argument *ret, error *err);
/* What stands for it where no traversal is: a value. Tokens become VALUE_TOKEN; traversals and
 * predicates are errors. */
NODISCARD bool gremlin_plain_value(const gremlin_argument *arg, value *ret, error *err);
/* A predicate of this name; connectives take predicates. */
NODISCARD bool gremlin_read_predicate(arena *a, str name, const gremlin_argument *args,
                                      size_t count, gremlin_argument *ret, error *err);
