/* Any bytes as a Cypher statement: read, compiled, shown as a plan and as SQL, and run on a small
 * graph in memory. */
#include "small_graph.h"

#include "cypher/cypher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(arena *a, graph *g, plan *p)
{
    AUTO(query_close) query *q = NULL;
    query_options options = { .deadline_ms = 200, .memory_bytes = 64 << 20 };
    error err = { 0 };
    size_t rows = 0;
    if (!query_open(g, p, &options, &q, &err))
        return;
    for (batch *b = NULL; rows < 10000 && query_next(q, &b, &err) && b; rows += b->rows)
        for (size_t k = 0; k < p->column_count * b->rows; k++) {
            const value *cells = b->columns[k % p->column_count].data;
            strbuf text = strbuf_new(a);
            error ignored = { 0 };
            if (!cypher_print(g, &cells[k / p->column_count], &text, &ignored))
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) arena *a = arena_new();
    graph *g = small_graph();
    cypher_statement s;
    error err = { 0 }, ignored = { 0 };
    str sql;
    if (!cypher_compile_statement(a, (str){ (const char *)data, size }, NULL, g, &s, &err))
        return 0;
    plan_explain(s.plan, a, g);
    if (s.plan->ending == ENDING_SQL)
        (void)!plan_to_sql(s.plan, g, &sql, &ignored);
    else if (!plan_changes_graph(s.plan))
        run(a, g, s.plan);
    return 0;
}
