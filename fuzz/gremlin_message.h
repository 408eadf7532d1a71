/* What a server does with a request that was read, for the targets of GraphSON and GraphBinary. */
#pragma once

#include "small_graph.h"
#include "wire/graphbinary.h"
#include "wire/graphson.h"
#include "wire/gremlin_read.h"

static inline void run_bytecode(arena *a, const traversal *t, graph *g)
{
    AUTO(query_close) query *q = NULL;
    plan *p;
    error err = { 0 };
    query_options options = { .deadline_ms = 100, .memory_bytes = 64 << 20 };
    if (!gremlin_compile_traversal(a, STR(""), t, NULL, g, &p, &err) || plan_changes_graph(p) ||
        !query_open(g, p, &options, &q, &err))
        return;
    for (batch *b = NULL; query_next(q, &b, &err) && b;)
        ;
}

/* The argument is run, or written in both forms as a result would be. */
static inline void use_argument(arena *a, const gremlin_argument *arg)
{
    graph *g = small_graph();
    value v;
    error err = { 0 };
    if (arg->kind == ARG_TRAVERSAL) {
        run_bytecode(a, arg->traversal, g);
        return;
    }
    if (!gremlin_plain_value(arg, &v, &err))
        return;
    strbuf text = strbuf_new(a), bytes = strbuf_new(a);
    json_writer w = json_writer_new(&text);
    element_reader *elements = element_reader_new(a, g);
    graphson s = { .out = &w, .elements = elements, .arena = a, .version = 3 };
    graphbinary b = { .out = &bytes, .elements = elements, .arena = a };
    if (graphson_put(&s, &v, &err)) {
        json_t *back = NULL;
        gremlin_argument again;
        bool is_read = json_parse(str_format(a, "[" STR_FMT "]", STR_ARG(strbuf_str(&text))),
                                  STR("GraphSON"), &back, &err);
        if (!is_read && !str_contains(strbuf_str(&text), STR("\\u0000")))
            abort(); /* what is written is JSON; the reader alone refuses NUL */
        if (is_read)
            (void)!graphson_read(a, json_array_get(back, 0), &again, &err);
        json_release(back);
    }
    error other = { 0 };
    (void)!graphbinary_put(&b, &v, &other);
    element_reader_done(elements);
}

static inline void use_message(arena *a, const gremlin_message *m)
{
    for (size_t i = 0; i < m->arg_count && i < 8; i++)
        use_argument(a, &m->args[i].of);
    gremlin_message_text(m, STR("gremlin"));
    gremlin_message_int(m, STR("evaluationTimeout"), 0);
}
