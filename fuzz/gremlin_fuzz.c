/* Any bytes as a Gremlin script: read, and run on a small graph in memory. */
#include "small_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) arena *a = arena_new();
    graph *g = small_graph();
    gremlin_script script;
    error err = { 0 };
    if (!gremlin_parse_script(a, (str){ (const char *)data, size }, &script, &err))
        return 0;
    for (size_t i = 0; i < script.count && i < 4; i++) {
        AUTO(query_close) query *q = NULL;
        plan *p;
        error why = { 0 };
        query_options options = { .deadline_ms = 200, .memory_bytes = 64 << 20 };
        if (script.statements[i].of.kind != ARG_TRAVERSAL ||
            !gremlin_compile_traversal(a, (str){ (const char *)data, size },
                                       script.statements[i].of.traversal, NULL, g, &p, &why) ||
            plan_changes_graph(p) || !query_open(g, p, &options, &q, &why))
            continue;
        for (batch *b = NULL; query_next(q, &b, &why) && b;)
            for (size_t k = 0; k < b->rows; k++) {
                str text;
                error ignored = { 0 };
                if (!gremlin_print(g, a, &((const value *)b->columns[0].data)[k], &text, &ignored))
                    break;
            }
    }
    return 0;
}
