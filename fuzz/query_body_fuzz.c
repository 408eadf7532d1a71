/* Any bytes as the body of an HTTP query: read as JSON, its parameters and bindings made values,
 * and the text compiled with them and run. */
#include "cypher/cypher.h"
#include "server/exchange.h"
#include "small_graph.h"
#include "wire/gremlin_read.h"
#include "wire/plain_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As /api/query answers: every value as plain JSON. */
static void run(arena *a, plan *p, graph *g)
{
    AUTO(query_close) query *q = NULL;
    error err = { 0 };
    query_options options = { .deadline_ms = 100, .memory_bytes = 64 << 20 };
    if (plan_changes_graph(p) || !query_open(g, p, &options, &q, &err))
        return;
    element_reader *elements = element_reader_new(a, g);
    for (batch *b = NULL; query_next(q, &b, &err) && b;)
        for (size_t i = 0; i < b->rows && i < 64; i++) {
            strbuf text = strbuf_new(a);
            json_writer w = json_writer_new(&text);
            plain_json out = { .out = &w, .elements = elements, .arena = a, .has_properties = true };
            json_t *back = NULL;
            if (b->column_count == 0 || b->columns[0].type != COLUMN_VALUE)
                break;
            if (plain_json_put(&out, &((const value *)b->columns[0].data)[i], &err) &&
                !json_parse(str_format(a, "[" STR_FMT "]", STR_ARG(strbuf_str(&text))),
                            STR("a row"), &back, &err))
                abort(); /* what is sent is JSON */
            json_release(back);
        }
    element_reader_done(elements);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *body = NULL;
    graph *g = small_graph();
    value parameters = value_null();
    gremlin_argument bindings;
    str text;
    error err = { 0 }, other = { 0 };
    if (!json_parse((str){ (const char *)data, size }, STR("request body"), &body, &err) ||
        !json_is_object(body))
        return 0;
    const json_t *bound = json_object_get(body, "bindings");
    if (bound && graphson_read(a, bound, &bindings, &other)) {
        error ignored = { 0 };
        (void)!gremlin_plain_value(&bindings, &parameters, &ignored);
    }
    if (!json_need_text(body, "$", "text", &text, &err))
        return 0;
    value made;
    if (!value_of_json(a, json_object_get(body, "parameters"), &made, &err))
        return 0;
    cypher_statement s;
    plan *p;
    error why = { 0 }, why_not = { 0 };
    if (str_eq(json_text_or(body, "language", STR("")), STR("gremlin"))) {
        if (gremlin_compile(a, text, g, &p, &why))
            run(a, p, g);
    } else if (cypher_compile_statement(a, text, made.kind == VALUE_MAP ? &made : NULL, g, &s,
                                        &why_not))
        run(a, s.plan, g);
    return 0;
}
