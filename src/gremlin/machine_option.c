/* with() behind a step, and the steps of graph computers, which call() answers here. */
#include "gremlin/machine_step.h"

bool build_algorithm(stage *s)
{
    str name = s->step->name;
    const char *instead = str_eq(name, STR("pageRank"))             ? "call('algo.pagerank')"
                          : str_eq(name, STR("connectedComponent")) ? "call('algo.wcc')"
                          : str_eq(name, STR("peerPressure")) ? "call('algo.labelPropagation')"
                                                              : "call('algo.shortestPath')";
    return stage_fail(s,
                      STR_FMT "() is a step of graph computers, which this engine is none of; "
                              "g.%s gives the same and much sooner",
                      STR_ARG(name), instead);
}

bool modulate_with(stage *s, const step *x)
{
    const gremlin_argument *key = x->args;
    if (s->kind == &stage_addV || s->kind == &stage_addE)
        return true; /* options for providers: none is known here */
    if (!x->arg_count || key->kind != ARG_LITERAL || key->literal.kind != VALUE_STRING)
        return stage_fail(s, "with() takes the name of an option");
    bool has_value = x->arg_count > 1 && x->args[1].kind == ARG_LITERAL;
    int64_t number =
        has_value && x->args[1].literal.kind == VALUE_INT ? x->args[1].literal.integer : -1;
    if (str_eq(key->literal.text, STR("~tinkerpop.valueMap.tokens"))) {
        s->low = number < 0 ? 15 : number;
        return true;
    }
    if (str_eq(key->literal.text, STR("~tinkerpop.index.indexer"))) {
        s->low = number;
        return number == 0 || number == 1
                   ? true
                   : stage_fail(s, "with(WithOptions.indexer) takes WithOptions.list or map");
    }
    return stage_fail(s, "%s() has no option '" STR_FMT "'", s->kind->name,
                      STR_ARG(key->literal.text));
}

static bool nothing_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    (void)s;
    (void)t;
    (void)err;
    *ret_keep = false;
    return true;
}

const stage_kind stage_algorithm = { .name = "pageRank", .filter = nothing_filter },
                 stage_shortestPath = { .name = "shortestPath", .filter = nothing_filter };
