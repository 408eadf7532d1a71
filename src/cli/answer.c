/* Running a Gremlin query from its text to its printed results. */
#include "cli/answer.h"

#include "cli/console.h"
#include "cypher/cypher.h"
#include "exec/query.h"
#include "gremlin/gremlin.h"
#include "wire/graphson.h"

static bool graphson_text(graph *g, arena *a, const value *v, str *ret_text, error *err)
{
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    TRY(graphson_write(&w, g, v, err));
    *ret_text = strbuf_str(&b);
    return true;
}

/* How one result becomes text, and what stands before it. */
typedef struct printing {
    const char *prefix;
    bool (*text)(graph *g, arena *a, const value *v, str *ret_text, error *err);
} printing;

static bool print_rows(graph *g, query *q, printing how, FILE *out, size_t *ret_count, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    *ret_count = 0;
    for (batch *b;;) {
        TRY(query_next(q, &b, err));
        if (!b)
            return true;
        const value *values = b->columns[0].data;
        const int64_t *bulk = b->columns[1].data;
        for (size_t i = 0; i < b->rows; i++) {
            str text;
            arena_reset(a);
            TRY(how.text(g, a, &values[i], &text, err));
            for (int64_t k = 0; k < bulk[i]; k++)
                fprintf(out, "%s" STR_FMT "\n", how.prefix, STR_ARG(text));
            *ret_count += (size_t)bulk[i];
        }
    }
}

static query_options options_of(const plan *p, uint64_t timeout_ms)
{
    return (query_options){ .deadline_ms = timeout_ms,
                            .cancel = &console_cancelled,
                            .is_profiled = p->ending == ENDING_PROFILE };
}

static bool print_plan(plan *p, graph *g, arena *a, FILE *out, error *err)
{
    str text = STR("");
    if (p->ending == ENDING_SQL)
        TRY(plan_to_sql(p, g, &text, err));
    else
        text = plan_explain(p, a, g);
    fprintf(out, STR_FMT, STR_ARG(text));
    return true;
}

static bool print_profile(query *q, arena *a, FILE *out, error *err)
{
    str text;
    TRY(query_profile(q, a, &text, err));
    fprintf(out, STR_FMT, STR_ARG(text));
    return true;
}

static bool answer_steps(graph *g, str text, uint64_t timeout_ms, printing how, FILE *out,
                         error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(query_close) query *q = NULL;
    plan *p;
    size_t count;
    TRY(gremlin_compile(a, text, g, &p, err));
    if (p->ending == ENDING_EXPLAIN || p->ending == ENDING_SQL)
        return print_plan(p, g, a, out, err);
    query_options options = options_of(p, timeout_ms);
    TRY(query_open(g, p, &options, &q, err));
    if (p->ending == ENDING_PROFILE)
        return print_profile(q, a, out, err);
    TRY(print_rows(g, q, how, out, &count, err));
    if (p->ending == ENDING_NEXT && count == 0)
        return fail(err, ERR_NOT_FOUND, "next(): there is no result");
    return true;
}

bool answer_gremlin(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err)
{
    return answer_steps(g, text, timeout_ms, (printing){ "==>", gremlin_print }, out, err);
}

bool answer_graphson(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err)
{
    return answer_steps(g, text, timeout_ms, (printing){ "", graphson_text }, out, err);
}

static void print_header(const plan *p, FILE *out)
{
    for (size_t i = 0; i < p->column_count; i++)
        fprintf(out, "%s" STR_FMT, i ? " | " : "", STR_ARG(p->columns[i].name));
    fputc('\n', out);
}

static bool print_table(graph *g, const plan *p, query *q, FILE *out, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    print_header(p, out);
    for (batch *b;;) {
        TRY(query_next(q, &b, err));
        if (!b)
            return true;
        const int64_t *bulk = b->columns[p->column_count].data;
        for (size_t r = 0; r < b->rows; r++) {
            arena_reset(a);
            strbuf line = strbuf_new(a);
            for (size_t i = 0; i < p->column_count; i++) {
                str text;
                TRY(gremlin_print(g, a, &((const value *)b->columns[i].data)[r], &text, err));
                strbuf_add_c(&line, i ? " | " : "");
                strbuf_add(&line, text);
            }
            for (int64_t k = 0; k < bulk[r]; k++)
                fprintf(out, STR_FMT "\n", STR_ARG(strbuf_str(&line)));
        }
    }
}

bool answer_cypher(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(query_close) query *q = NULL;
    plan *p;
    TRY(cypher_compile(a, text, g, &p, err));
    if (p->ending == ENDING_EXPLAIN || p->ending == ENDING_SQL)
        return print_plan(p, g, a, out, err);
    query_options options = options_of(p, timeout_ms);
    TRY(query_open(g, p, &options, &q, err));
    return p->ending == ENDING_PROFILE ? print_profile(q, a, out, err)
                                       : print_table(g, p, q, out, err);
}
