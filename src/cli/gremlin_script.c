/* Running the statements of a script one after the other. */
#include "cli/gremlin_script.h"

#include "exec/query.h"

/* All results of one traversal, copied to `a`. */
static bool run_traversal(graph *g, arena *a, str text, const traversal *t, const value *bindings,
                          script_options how, script_values *results, error *err)
{
    AUTO(query_close) query *q = NULL;
    plan *p;
    TRY(gremlin_compile_traversal(a, text, t, bindings, g, &p, err));
    if (p->ending == ENDING_EXPLAIN) {
        vec_push(a, results, value_text(plan_explain(p, a, g)));
        return true;
    }
    query_options options = { .deadline_ms = how.timeout_ms, .cancel = how.cancel };
    TRY(query_open(g, p, &options, &q, err));
    for (batch *b;;) {
        TRY(query_next(q, &b, err));
        if (!b)
            return true;
        const int64_t *bulk = b->columns[1].data;
        for (size_t i = 0; i < b->rows; i++)
            for (int64_t k = 0; k < bulk[i]; k++)
                vec_push(a, results, value_copy(a, &((const value *)b->columns[0].data)[i]));
    }
}

static bool is_one(const gremlin_statement *s)
{
    const traversal *t = s->of.traversal;
    return s->of.kind != ARG_TRAVERSAL ||
           (t->count && str_eq(t->steps[t->count - 1].name, STR("next")) &&
            t->steps[t->count - 1].arg_count == 0);
}

static const value *find(const script_variables *v, str name)
{
    for (size_t i = v->names.count; i-- > 0;)
        if (str_eq(v->names.items[i].text, name))
            return &v->values.items[i];
    return NULL;
}

static void assign(script_variables *v, str name, value x)
{
    value *known = (value *)(uintptr_t)find(v, name);
    x = value_copy(v->arena, &x);
    if (known) {
        *known = x;
        return;
    }
    vec_push(v->arena, &v->names, value_text(str_copy(v->arena, name)));
    vec_push(v->arena, &v->values, x);
}

static bool run_value(arena *a, str text, const gremlin_argument *of, const script_variables *v,
                      script_values *ret, error *err)
{
    const value *x = of->kind == ARG_VARIABLE ? find(v, of->variable) : &of->literal;
    if (!x)
        return fail_at(err, STR("gremlin"), text, of->offset, "there is no variable '" STR_FMT "'",
                       STR_ARG(of->variable));
    vec_push(a, ret, *x);
    return true;
}

bool gremlin_script_run(graph *g, arena *a, str text, script_variables *variables,
                        script_options options, script_values *ret, error *err)
{
    gremlin_script script;
    TRY(gremlin_parse_script(a, text, &script, err));
    for (size_t i = 0; i < script.count; i++) {
        const gremlin_statement *s = &script.statements[i];
        value bindings = { .kind = VALUE_MAP,
                           .map = { variables->names.items, variables->values.items,
                                    variables->names.count } };
        ret->count = 0;
        if (s->of.kind == ARG_TRAVERSAL)
            TRY(run_traversal(g, a, text, s->of.traversal, &bindings, options, ret, err));
        else
            TRY(run_value(a, text, &s->of, variables, ret, err));
        if (s->variable.len)
            assign(variables, s->variable,
                   is_one(s) && ret->count ? ret->items[0] : value_list(ret->items, ret->count));
    }
    return true;
}
