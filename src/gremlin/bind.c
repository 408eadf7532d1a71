/* Variables of a traversal, replaced by what the bindings have. */
#include "gremlin/internal.h"

typedef struct binder {
    arena *arena;
    str text;
    gremlin_bindings bindings;
    error *err;
} binder;

static bool bind_traversal(binder *b, const traversal *t, traversal *ret);

static bool bind_variable(binder *b, gremlin_argument *x)
{
    str name = x->variable;
    for (size_t i = 0; b->bindings && i < b->bindings->map.count; i++)
        if (b->bindings->map.keys[i].kind == VALUE_STRING &&
            str_eq(b->bindings->map.keys[i].text, name)) {
            x->kind = ARG_LITERAL;
            x->literal = b->bindings->map.values[i];
            return true;
        }
    return fail_at(b->err, STR("gremlin"), b->text, x->offset,
                   "there is no variable '" STR_FMT "'; a text stands in quotes", STR_ARG(name));
}

static bool bind_arguments(binder *b, const gremlin_argument **args, size_t count);

static bool bind_predicate(binder *b, predicate **p)
{
    predicate *copy = arena_copy(b->arena, *p, sizeof **p);
    *p = copy;
    for (int i = 0; i < 2; i++)
        if (copy->parts[i])
            TRY(bind_predicate(b, &copy->parts[i]));
    return bind_arguments(b, &copy->args, copy->arg_count);
}

static bool bind_argument(binder *b, gremlin_argument *x)
{
    switch (x->kind) {
    case ARG_LITERAL:
    case ARG_TOKEN: return true;
    case ARG_VARIABLE: return bind_variable(b, x);
    case ARG_PREDICATE: return bind_predicate(b, &x->predicate);
    case ARG_TRAVERSAL: {
        traversal *t = arena_new_of(b->arena, traversal);
        TRY(bind_traversal(b, x->traversal, t));
        x->traversal = t;
        return true;
    }
    case ARG_STRATEGY:
        x->strategy = arena_copy(b->arena, x->strategy, sizeof *x->strategy);
        return bind_arguments(b, &x->strategy->values, x->strategy->count);
    }
    return true;
}

static bool bind_arguments(binder *b, const gremlin_argument **args, size_t count)
{
    gremlin_argument *copy = arena_copy(b->arena, *args, count * sizeof *copy);
    *args = copy;
    for (size_t i = 0; i < count; i++)
        TRY(bind_argument(b, &copy[i]));
    return true;
}

static bool bind_traversal(binder *b, const traversal *t, traversal *ret)
{
    step *steps = arena_copy(b->arena, t->steps, t->count * sizeof *steps);
    for (size_t i = 0; i < t->count; i++)
        TRY(bind_arguments(b, &steps[i].args, steps[i].arg_count));
    *ret = (traversal){ steps, t->count, t->source };
    return true;
}

bool gremlin_bind(arena *a, str text, const traversal *t, gremlin_bindings bindings, traversal *ret,
                  error *err)
{
    binder b = { a, text, bindings, err };
    return bind_traversal(&b, t, ret);
}
