/* `floe gremlin --batch`: many requests of one process, as JSON a line: {"graph": …, "gremlin": …}
 * in, {"result": […]} (GraphSON 3) or {"error": …} out. "g" is the home's graph; any other name is
 * a graph in memory, made when it is first named. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/vec.h"
#include "cli/answer.h"
#include "exec/query.h"
#include "gremlin/gremlin.h"
#include "wire/graphson.h"

typedef struct scratch_graph {
    str name;
    graph *graph;
} scratch_graph;

typedef struct batch_run {
    arena *arena;
    session *session;
    uint64_t timeout_ms;
    VEC(scratch_graph) graphs;
} batch_run;

static bool find_graph(batch_run *r, str name, graph **ret, error *err)
{
    if (str_eq(name, STR("g")))
        return session_graph(r->session, ret, err);
    for (size_t i = 0; i < r->graphs.count; i++)
        if (str_eq(r->graphs.items[i].name, name)) {
            *ret = graph_share(r->graphs.items[i].graph);
            return true;
        }
    scratch_graph x = { str_copy(r->arena, name), NULL };
    TRY(graph_open_scratch(x.name, 0, &x.graph, err));
    vec_push(r->arena, &r->graphs, x);
    *ret = graph_share(x.graph);
    return true;
}

typedef VEC(value) value_list_of;

/* All results of one traversal, copied to `a`. */
static bool run_traversal(batch_run *r, graph *g, arena *a, str text, const traversal *t,
                          const value *bindings, value_list_of *results, error *err)
{
    AUTO(query_close) query *q = NULL;
    plan *p;
    TRY(gremlin_compile_traversal(a, text, t, bindings, g, &p, err));
    if (p->ending == ENDING_EXPLAIN) {
        vec_push(a, results, value_text(plan_explain(p, a, g)));
        return true;
    }
    query_options options = { .deadline_ms = r->timeout_ms };
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

static bool ends_in_next(const traversal *t)
{
    return t->count && str_eq(t->steps[t->count - 1].name, STR("next"));
}

/* The statements one after the other; the last one's results are the answer. */
static bool run_script(batch_run *r, graph *g, arena *a, str text, value_list_of *results,
                       error *err)
{
    gremlin_script script;
    VEC(value) names = { 0 };
    VEC(value) values = { 0 };
    TRY(gremlin_parse_script(a, text, &script, err));
    for (size_t i = 0; i < script.count; i++) {
        const gremlin_statement *s = &script.statements[i];
        value bindings = { .kind = VALUE_MAP, .map = { names.items, values.items, names.count } };
        results->count = 0;
        if (s->of.kind == ARG_TRAVERSAL)
            TRY(run_traversal(r, g, a, text, s->of.traversal, &bindings, results, err));
        else
            vec_push(a, results, s->of.literal);
        if (!s->variable.len)
            continue;
        bool is_one = s->of.kind != ARG_TRAVERSAL || ends_in_next(s->of.traversal);
        vec_push(a, &names, value_text(s->variable));
        vec_push(a, &values,
                 is_one && results->count
                     ? results->items[0]
                     : value_list(arena_copy(a, results->items, results->count * sizeof(value)),
                                  results->count));
    }
    return true;
}

static bool answer_request(batch_run *r, arena *a, str line, json_writer *w, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    AUTO(graph_close) graph *g = NULL;
    str text;
    value_list_of results = { 0 };
    TRY(json_parse(line, STR("request"), &root, err));
    TRY(json_need_text(root, "request", "gremlin", &text, err));
    TRY(find_graph(r, json_text_or(root, "graph", STR("g")), &g, err));
    TRY(run_script(r, g, a, text, &results, err));
    json_put_object_begin(w);
    json_put_key(w, STR("result"));
    json_put_array_begin(w);
    for (size_t i = 0; i < results.count; i++)
        TRY(graphson_write(w, g, &results.items[i], err));
    json_put_array_done(w);
    json_put_object_done(w);
    return true;
}

bool answer_batch(session *s, uint64_t timeout_ms, FILE *in, FILE *out, error *err)
{
    AUTO(arena_free) arena *all = arena_new();
    AUTO(arena_free) arena *a = arena_new();
    batch_run r = { .arena = all, .session = s, .timeout_ms = timeout_ms };
    char *line = NULL;
    size_t capacity = 0;
    (void)err;
    for (ssize_t n; (n = getline(&line, &capacity, in)) >= 0;) {
        arena_reset(a);
        error why = { 0 };
        strbuf b = strbuf_new(a);
        json_writer w = json_writer_new(&b);
        if (!answer_request(&r, a, (str){ line, (size_t)n }, &w, &why)) {
            b = strbuf_new(a);
            w = json_writer_new(&b);
            json_put_object_begin(&w);
            json_put_key(&w, STR("error"));
            json_put_text(&w, str_of(why.message));
            json_put_object_done(&w);
        }
        fprintf(out, STR_FMT "\n", STR_ARG(strbuf_str(&b)));
        fflush(out);
    }
    free(line);
    for (size_t i = 0; i < r.graphs.count; i++)
        graph_close(r.graphs.items[i].graph);
    return true;
}
