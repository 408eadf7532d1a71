/* Which traversals the relational operators say exactly: what they cannot, or say a little
 * differently from TinkerPop, the traverser machine runs. */
#include "gremlin/internal.h"

static bool is_any_of(str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* Steps that look at more than one traverser: inside of repeat() and union() they see all of a
 * round, or of a branch. */
static const char *const collecting[] = { "order",      "limit",   "range",  "skip",  "tail",
                                          "sample",     "dedup",   "count",  "sum",   "min",
                                          "max",        "mean",    "fold",   "group", "cap",
                                          "groupCount", "barrier", "repeat", "loops" };

static bool holds(const traversal *t, const char *const *names, size_t count)
{
    for (size_t i = 0; i < t->count; i++) {
        if (is_any_of(t->steps[i].name, names, count))
            return true;
        for (size_t k = 0; k < t->steps[i].arg_count; k++)
            if (t->steps[i].args[k].kind == ARG_TRAVERSAL &&
                holds(t->steps[i].args[k].traversal, names, count))
                return true;
    }
    return false;
}

static bool has_local_scope(const step *s)
{
    return s->arg_count && gremlin_is_token(&s->args[0], "local");
}

/* by() steps behind t->steps[at]: how many; whether all name a property, a token or a column. */
static size_t count_by(const traversal *t, size_t at, bool *ret_are_plain)
{
    size_t count = 0;
    *ret_are_plain = true;
    while (at + 1 + count < t->count && str_eq(t->steps[at + 1 + count].name, STR("by"))) {
        const step *by = &t->steps[at + 1 + count++];
        if (by->arg_count == 0 || gremlin_is_token(&by->args[0], "asc") ||
            gremlin_is_token(&by->args[0], "desc"))
            *ret_are_plain = false;
    }
    return count;
}

static bool is_list(const gremlin_argument *a)
{
    return a->kind == ARG_LITERAL &&
           (a->literal.kind == VALUE_LIST || a->literal.kind == VALUE_SET);
}

static bool step_is_exact(const traversal *t, size_t at)
{
    static const char *const numbers[] = { "sum", "min", "max", "mean" };
    static const char *const never[] = { "valueMap", "elementMap", "cyclicPath" };
    static const char *const values[] = { "values", "id", "label", "count", "sum", "constant" };
    const step *s = &t->steps[at];
    str name = s->name;
    bool are_plain;
    size_t by = count_by(t, at, &are_plain);
    if (is_any_of(name, never, ARRAY_LEN(never)) ||
        (is_any_of(name, numbers, ARRAY_LEN(numbers)) && has_local_scope(s)))
        return false;
    if ((str_eq(name, STR("and")) || str_eq(name, STR("or")) || str_eq(name, STR("fold"))) &&
        (s->arg_count == 0) != str_eq(name, STR("fold")))
        return false;
    if (str_eq(name, STR("none")) && s->arg_count)
        return false;
    if (str_eq(name, STR("hasId")))
        for (size_t i = 0; i < s->arg_count; i++)
            if (is_list(&s->args[i]))
                return false;
    if (str_eq(name, STR("dedup")))
        return by <= 1 && !s->arg_count;
    if (str_eq(name, STR("order")) && !has_local_scope(s) && (!by || !are_plain))
        return at > 0 && is_any_of(t->steps[at - 1].name, values, ARRAY_LEN(values));
    if (str_eq(name, STR("values")) || str_eq(name, STR("properties")))
        return s->arg_count > 0;
    if (str_eq(name, STR("where")) && by)
        return false;
    if (str_eq(name, STR("select")) &&
        ((s->arg_count > 1 && by) || (at > 0 && str_eq(t->steps[at - 1].name, STR("path")))))
        return false;
    if (str_eq(name, STR("groupCount")))
        return by <= 1;
    if (str_eq(name, STR("group")))
        return by <= 2;
    if (str_eq(name, STR("path")) || str_eq(name, STR("simplePath")))
        return by == 0;
    return true;
}

bool gremlin_is_exact(const traversal *t)
{
    static const char *const wholes[] = { "repeat", "union", "until",  "emit",
                                          "local",  "map",   "flatMap" };
    static const char *const paths[] = { "path", "simplePath" };
    static const char *const inner[] = { "map", "flatMap" };
    static const char *const tests[] = { "where", "filter", "not", "and", "or" };
    static const char *const collected[] = { "dedup", "order", "limit", "group", "groupCount" };
    if (holds(t, paths, ARRAY_LEN(paths)) && holds(t, inner, ARRAY_LEN(inner)))
        return false;
    for (size_t i = 0; i < t->count; i++) {
        const step *s = &t->steps[i];
        bool is_whole = is_any_of(s->name, wholes, ARRAY_LEN(wholes));
        bool only_loops = str_eq(s->name, STR("until")) || str_eq(s->name, STR("emit"));
        if (!step_is_exact(t, i))
            return false;
        for (size_t k = 0; k < s->arg_count; k++) {
            static const char *const repeat[] = { "repeat" };
            if (s->args[k].kind != ARG_TRAVERSAL)
                continue;
            const traversal *inside = s->args[k].traversal;
            if (inside->count && str_eq(inside->steps[0].name, STR("as")))
                return false;
            if (is_any_of(s->name, tests, ARRAY_LEN(tests)) &&
                holds(inside, collected, ARRAY_LEN(collected)))
                return false;
            if (!gremlin_is_exact(inside) ||
                (is_whole && !only_loops && holds(inside, collecting, ARRAY_LEN(collecting))) ||
                (only_loops && holds(inside, repeat, 1)))
                return false;
        }
    }
    return true;
}
