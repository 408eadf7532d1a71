/* Traversals as read from text or bytecode: chains of steps with arguments. Whoever decodes another
 * form of Gremlin builds these and hands them to gremlin_compile_traversal (gremlin.h).
 *
 * Everything here is plain data in the arena of the one who builds it, never changed afterwards. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"
#include "column/value.h"

typedef struct traversal traversal;
typedef struct predicate predicate;
typedef struct gremlin_argument gremlin_argument;

typedef enum argument_kind {
    ARG_LITERAL,   /* a value. Inside of it tokens (T.id, Direction.OUT, Merge.outV as keys or
                      values of maps) are VALUE_TOKEN with the bare name; a value with a
                      cardinality (Cardinality.set('x')) is a VALUE_ENTRY whose key is the
                      VALUE_TOKEN of the cardinality */
    ARG_TRAVERSAL, /* anonymous */
    ARG_PREDICATE, /* P and TextP */
    ARG_TOKEN,     /* a constant of an enum */
    ARG_STRATEGY,  /* of withStrategies and withoutStrategies */
    ARG_VARIABLE,  /* stands for what the bindings have under its name when it is compiled */
} argument_kind;

/* A strategy's name and its configuration, by turns a name and an argument. */
typedef struct gremlin_strategy {
    str name; /* SubgraphStrategy */
    const str *keys;
    const gremlin_argument *values;
    size_t count;
} gremlin_strategy;

struct gremlin_argument {
    argument_kind kind;
    size_t offset; /* place in the text; 0 where there is none */
    union {
        value literal;
        traversal *traversal;
        predicate *predicate;
        str token; /* the name without its enum's: id, label, desc, local, OUT, onCreate, sum, … */
        gremlin_strategy *strategy;
        str variable;
    };
};

/* P.gt(5): a name and its values; joined by "and" or "or", or negated by "not". */
struct predicate {
    str name; /* "and", "or", "not": of `parts` */
    size_t offset;
    const gremlin_argument *args;
    size_t arg_count;
    predicate *parts[2]; /* "not" has only the first */
};

typedef struct step {
    str name; /* as the language spells it: hasLabel, from, in, withSack, next */
    size_t offset;
    const gremlin_argument *args;
    size_t arg_count;
} step;

/* Source methods (withSack, withStrategies, …), steps and terminal steps in the order of the text.
 */
struct traversal {
    const step *steps;
    size_t count;
    str source; /* the name before the first dot: g; empty: anonymous */
};

/* ---- Building: what a decoder calls; `a` is the arena that the result lives in ---- */

typedef struct traversal_builder {
    arena *arena;
    VEC(step) steps;
    VEC(gremlin_argument) args; /* of the step that is open */
} traversal_builder;

traversal_builder traversal_builder_new(arena *a);
/* Arguments come first, then the step that has them. */
void traversal_builder_add(traversal_builder *b, gremlin_argument argument);
void traversal_builder_step(traversal_builder *b, str name, size_t offset);
traversal *traversal_builder_done(traversal_builder *b, str source);

gremlin_argument gremlin_arg_value(value v);
gremlin_argument gremlin_arg_traversal(traversal *t);
gremlin_argument gremlin_arg_token(str name);
gremlin_argument gremlin_arg_variable(str name);
/* `args` are copied; within(1, 2) and within([1, 2]) are the same. */
gremlin_argument gremlin_arg_predicate(arena *a, str name, const gremlin_argument *args,
                                       size_t count);
/* "and", "or" of two predicates, "not" of one (`right` NULL). */
gremlin_argument gremlin_arg_connective(arena *a, str name, predicate *left, predicate *right);
gremlin_argument gremlin_arg_strategy(arena *a, str name, const str *keys,
                                      const gremlin_argument *values, size_t count);

/* ---- Text ---- */

/* One statement of a script: `x = …`, a traversal, or a plain value. */
typedef struct gremlin_statement {
    str variable; /* assigned to; empty: none */
    gremlin_argument of;
} gremlin_statement;

typedef struct gremlin_script {
    const gremlin_statement *statements;
    size_t count;
} gremlin_script;

/* Statements parted by ';' or line ends. ERR_INVALID points at the place. */
NODISCARD bool gremlin_parse_script(arena *a, str text, gremlin_script *ret, error *err);
/* A script of one traversal. */
NODISCARD bool gremlin_parse(arena *a, str text, traversal *ret, error *err);
