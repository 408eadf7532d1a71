/* Building traversals by hand, for decoders of other forms than text. */
#include "gremlin/ast.h"

traversal_builder traversal_builder_new(arena *a)
{
    return (traversal_builder){ .arena = a };
}

void traversal_builder_add(traversal_builder *b, gremlin_argument argument)
{
    vec_push(b->arena, &b->args, argument);
}

void traversal_builder_step(traversal_builder *b, str name, size_t offset)
{
    step s = { str_copy(b->arena, name), offset, b->args.items, b->args.count };
    vec_push(b->arena, &b->steps, s);
    b->args.items = NULL;
    b->args.count = b->args.capacity = 0;
}

traversal *traversal_builder_done(traversal_builder *b, str source)
{
    traversal *t = arena_new_of(b->arena, traversal);
    *t = (traversal){ b->steps.items, b->steps.count, str_copy(b->arena, source) };
    return t;
}

gremlin_argument gremlin_arg_value(value v)
{
    return (gremlin_argument){ .kind = ARG_LITERAL, .literal = v };
}

gremlin_argument gremlin_arg_traversal(traversal *t)
{
    return (gremlin_argument){ .kind = ARG_TRAVERSAL, .traversal = t };
}

gremlin_argument gremlin_arg_token(str name)
{
    return (gremlin_argument){ .kind = ARG_TOKEN, .token = name };
}

gremlin_argument gremlin_arg_variable(str name)
{
    return (gremlin_argument){ .kind = ARG_VARIABLE, .variable = name };
}

gremlin_argument gremlin_arg_predicate(arena *a, str name, const gremlin_argument *args,
                                       size_t count)
{
    predicate *p = arena_new_of(a, predicate);
    *p = (predicate){ .name = str_copy(a, name),
                      .args = arena_copy(a, args, count * sizeof *args),
                      .arg_count = count };
    return (gremlin_argument){ .kind = ARG_PREDICATE, .predicate = p };
}

gremlin_argument gremlin_arg_connective(arena *a, str name, predicate *left, predicate *right)
{
    predicate *p = arena_new_of(a, predicate);
    *p = (predicate){ .name = name, .offset = left->offset, .parts = { left, right } };
    return (gremlin_argument){ .kind = ARG_PREDICATE, .offset = left->offset, .predicate = p };
}

gremlin_argument gremlin_arg_strategy(arena *a, str name, const str *keys,
                                      const gremlin_argument *values, size_t count)
{
    gremlin_strategy *s = arena_new_of(a, gremlin_strategy);
    *s = (gremlin_strategy){ str_copy(a, name), arena_copy(a, keys, count * sizeof *keys),
                             arena_copy(a, values, count * sizeof *values), count };
    return (gremlin_argument){ .kind = ARG_STRATEGY, .strategy = s };
}
