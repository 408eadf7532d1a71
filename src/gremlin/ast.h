/* Traversals as parsed: chains of steps with arguments. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "column/value.h"

typedef struct traversal traversal;
typedef struct predicate predicate;

typedef enum argument_kind { ARG_LITERAL, ARG_TRAVERSAL, ARG_PREDICATE, ARG_TOKEN } argument_kind;

typedef struct gremlin_argument {
    argument_kind kind;
    size_t offset;
    union {
        value literal;        /* numbers, texts, booleans, null, lists, maps */
        traversal *traversal; /* anonymous */
        predicate *predicate;
        str token; /* id, label, keys, values, asc, desc, local, … without its enum's name */
    };
} gremlin_argument;

/* P.gt(5): a name and its values; connected by and/or, or negated. */
struct predicate {
    str name; /* "and", "or", "not": of `parts` */
    size_t offset;
    const gremlin_argument *args;
    size_t arg_count;
    predicate *parts[2];
};

typedef struct step {
    str name;
    size_t offset;
    const gremlin_argument *args;
    size_t arg_count;
} step;

struct traversal {
    const step *steps;
    size_t count;
};

/* g.V()…; the leading `g` is taken off, terminal steps stay. */
NODISCARD bool gremlin_parse(arena *a, str text, traversal *ret, error *err);
