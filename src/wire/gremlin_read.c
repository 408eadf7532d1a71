/* What the decoders of GraphSON and GraphBinary share. */
#include "wire/gremlin_read.h"

#include "base/arena.h"

const gremlin_argument *gremlin_message_arg(const gremlin_message *m, str name)
{
    for (size_t i = 0; i < m->arg_count; i++)
        if (str_eq(m->args[i].name, name))
            return &m->args[i].of;
    return NULL;
}

str gremlin_message_text(const gremlin_message *m, str name)
{
    const gremlin_argument *arg = gremlin_message_arg(m, name);
    bool is_text = arg && arg->kind == ARG_LITERAL &&
                   (arg->literal.kind == VALUE_STRING || arg->literal.kind == VALUE_UUID ||
                    arg->literal.kind == VALUE_BINARY);
    return is_text ? arg->literal.text : STR("");
}

int64_t gremlin_message_int(const gremlin_message *m, str name, int64_t otherwise)
{
    const gremlin_argument *arg = gremlin_message_arg(m, name);
    return arg && arg->kind == ARG_LITERAL && arg->literal.kind == VALUE_INT ? arg->literal.integer
                                                                             : otherwise;
}

bool gremlin_plain_value(const gremlin_argument *arg, value *ret, error *err)
{
    switch (arg->kind) {
    case ARG_LITERAL: *ret = arg->literal; return true;
    case ARG_TOKEN: *ret = (value){ .kind = VALUE_TOKEN, .text = arg->token }; return true;
    default:
        return fail(err, ERR_INVALID,
                    "a traversal, predicate or strategy cannot stand in a list, map or binding");
    }
}

bool gremlin_read_predicate(arena *a, str name, const gremlin_argument *args, size_t count,
                            gremlin_argument *ret, error *err)
{
    bool is_not = str_eq(name, STR("not")),
         is_pair = str_eq(name, STR("and")) || str_eq(name, STR("or"));
    if (!is_not && !is_pair) {
        *ret = gremlin_arg_predicate(a, name, args, count);
        return true;
    }
    if (count != (is_not ? 1 : 2) || args[0].kind != ARG_PREDICATE ||
        (is_pair && args[1].kind != ARG_PREDICATE))
        return fail(err, ERR_INVALID, "the predicate " STR_FMT " takes %d predicate%s",
                    STR_ARG(name), is_not ? 1 : 2, is_not ? "" : "s");
    *ret = gremlin_arg_connective(a, str_copy(a, name), args[0].predicate,
                                  is_not ? NULL : args[1].predicate);
    return true;
}
