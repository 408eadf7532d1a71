/* `floe gremlin --batch`: many requests of one process, as JSON a line: {"graph": …, "gremlin": …}
 * in, {"result": […]} (GraphSON 3) or {"error": …} out. "g" is the home's graph; any other name is
 * a graph in memory, made when it is first named. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/vec.h"
#include "cli/answer.h"
#include "cli/gremlin_script.h"
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

static bool answer_request(batch_run *r, arena *a, str line, json_writer *w, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    AUTO(graph_close) graph *g = NULL;
    str text;
    script_values results = { 0 };
    script_variables variables = { .arena = a };
    script_options options = { .timeout_ms = r->timeout_ms };
    TRY(json_parse(line, STR("request"), &root, err));
    TRY(json_need_text(root, "request", "gremlin", &text, err));
    TRY(find_graph(r, json_text_or(root, "graph", STR("g")), &g, err));
    TRY(gremlin_script_run(g, a, text, &variables, options, &results, err));
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
