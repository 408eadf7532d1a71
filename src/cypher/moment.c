/* AS OF in front of a statement: the moment at which the graph is to be seen. */
#include "base/clock.h"
#include "cypher/internal.h"
#include "cypher/lexer.h"

/* Whether AS OF stands behind EXPLAIN, SQL or PROFILE at most. */
static bool has_moment(arena *a, str text)
{
    token_list tokens = { 0 };
    error ignored = { 0 };
    if (!cypher_lex(a, text, &tokens, &ignored))
        return false;
    for (size_t i = 0; i + 1 < tokens.count && i < 3; i++)
        if (tokens.items[i].kind == TOKEN_WORD && str_eq_nocase(tokens.items[i].text, STR("AS")))
            return tokens.items[i + 1].kind == TOKEN_WORD &&
                   str_eq_nocase(tokens.items[i + 1].text, STR("OF"));
    return false;
}

static bool moment_of(compiler *c, const ast_expr *e, const value *v, int64_t *ret_us)
{
    int64_t ms;
    switch (v->kind) {
    case VALUE_STRING:
        if (clock_parse_us(v->text, ret_us))
            return true;
        break;
    case VALUE_DATE: *ret_us = v->integer * 86400000000; return true;
    case VALUE_TIMESTAMP: *ret_us = v->integer; return true;
    case VALUE_DATETIME:
    case VALUE_LOCAL_DATETIME:
        *ret_us = v->datetime.seconds * 1000000 + v->datetime.nanos / 1000;
        return true;
    case VALUE_INT:
        TRY(graph_snapshot_time(c->graph, v->integer, &ms, c->err));
        *ret_us = ms * 1000;
        return true;
    default: break;
    }
    return cypher_fail(c, e->span.from, "SyntaxError: InvalidArgumentType",
                       "AS OF takes a time such as '2026-01-31 12:00:00' or datetime(…), or the "
                       "number of a table's snapshot");
}

bool cypher_moment(arena *a, str text, const value *parameters, graph *g, int64_t *ret_us,
                   error *err)
{
    ast_statement s;
    value v;
    *ret_us = 0;
    if (!has_moment(a, text))
        return true;
    TRY(cypher_parse(a, text, &s, err));
    compiler c = { .arena = a, .graph = g, .text = text, .parameters = parameters, .err = err };
    if (!s.as_of)
        return true;
    if (graph_is_scratch(g))
        return cypher_fail(&c, s.as_of->span.from, "SyntaxError: UnexpectedSyntax",
                           "a graph in memory has no earlier snapshots");
    TRY(cypher_constant(&c, s.as_of, &v));
    TRY(moment_of(&c, s.as_of, &v, ret_us));
    return *ret_us > 0 ? true
                       : cypher_fail(&c, s.as_of->span.from, "SyntaxError: InvalidArgumentType",
                                     "AS OF takes a time after 1970");
}
