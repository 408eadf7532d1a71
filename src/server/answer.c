/* Queries of all languages behind one face. */
#include "server/answer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/execute.h"
#include "server/language.h"
#include "worksheet/worksheet.h"

/* ---- SQL ---- */

/* Statements are carried out in turn. What they did is said in a row, unless the last one gives
 * rows itself: then `*ret_query` is what gives them. */
static bool run_statements(answer *a, const worksheet *w, str *ret_query, error *err)
{
    strbuf said = strbuf_new(a->arena);
    *ret_query = (str){ 0 };
    for (size_t i = 0; i < w->count; i++) {
        execution done = { 0 };
        TRY(execute_statement(a->server->home, a->arena, w, &w->statements[i],
                              home_path(a->server->home), &done, err));
        if (done.is_query && i + 1 == w->count)
            *ret_query = done.query;
        if (!done.is_query)
            strbuf_format(&said, "%s" STR_FMT, said.len ? "\n" : "", STR_ARG(done.message));
    }
    if (!ret_query->len)
        answer_say(a, STR("message"), strbuf_str(&said));
    return true;
}

static bool open_sql(answer *a, str text, error *err)
{
    sql_engine *engine;
    worksheet *w;
    str query, sql;
    TRY(worksheet_parse(a->arena, STR("query"), text, &w, err));
    TRY(run_statements(a, w, &query, err));
    if (!query.len)
        return true;
    TRY(home_engine(a->server->home, &engine, err));
    TRY(sql_connect(engine, &a->connection, err));
    TRY(execute_query_sql(a->server->home, a->connection, a->arena, query, &sql, err));
    ticket_interrupts(a->ticket, a->connection);
    if (atomic_load(&a->ticket->is_cancelled))
        return fail(err, ERR_CANCELLED, "the query was cancelled");
    TRY(sql_query(a->connection, sql, &a->stream, err));
    a->column_count = sql_stream_column_count(a->stream);
    return true;
}

/* ---- Graph languages ---- */

bool answer_turn_back(answer *a, int64_t moment_us, error *err)
{
    graph_close(TAKE(a->graph));
    session_close(TAKE(a->earlier));
    TRY(session_open(a->server->home, moment_us / 1000, &a->earlier, err));
    return session_graph(a->earlier, &a->graph, err);
}

static bool choose_graph(answer *a, const answer_request *r, error *err)
{
    if (r->pinned) {
        a->graph = graph_share(r->pinned);
        a->transaction = r->transaction;
        return graph_transaction_check(r->transaction, err);
    }
    if (!r->as_of_us)
        return server_graph(a->server, r->graph, &a->graph, err);
    return answer_turn_back(a, r->as_of_us, err);
}

query_options answer_limits(const answer *a)
{
    uint64_t now = clock_monotonic_us(), deadline = a->ticket->deadline_us;
    return (query_options){ .deadline_ms = !deadline        ? 0
                                           : deadline > now ? (deadline - now) / 1000 + 1
                                                            : 1,
                            .cancel = &a->ticket->is_cancelled };
}

bool answer_run(answer *a, plan *p, error *err)
{
    query_options options = answer_limits(a);
    options.transaction = a->transaction;
    options.is_profiled = p->ending == ENDING_PROFILE;
    str text;
    a->plan = p;
    a->column_count = p->column_count;
    if (p->ending == ENDING_EXPLAIN || p->ending == ENDING_SQL) {
        if (p->ending == ENDING_SQL)
            TRY(plan_to_sql(p, a->graph, &text, err));
        else
            text = plan_explain(p, a->arena, a->graph);
        answer_say(a, STR("plan"), text);
        a->is_plan = true;
        return true;
    }
    TRY(query_open(a->graph, p, &options, &a->query, err));
    if (p->ending == ENDING_PROFILE) {
        TRY(query_profile(a->query, a->arena, &text, err));
        answer_say(a, STR("plan"), text);
        a->is_plan = true;
    }
    return true;
}

void answer_say(answer *a, str name, str text)
{
    a->said_name = name;
    a->said = arena_new_of(a->arena, value);
    *a->said = value_text(text);
    a->column_count = 1;
}

void answer_give(answer *a, const value *items, size_t count)
{
    a->given = items;
    a->given_count = count;
    a->column_count = 1;
}

/* DuckDB only says that it was interrupted, or that what it was interrupted in went wrong. */
static bool fail_sql(answer *a, error *err)
{
    if (!a->ticket->is_late && !atomic_load(&a->ticket->is_cancelled))
        return false;
    error_clear(err);
    return a->ticket->is_late ? fail(err, ERR_LIMIT, "the query took longer than its time limit")
                              : fail(err, ERR_CANCELLED, "the query was cancelled");
}

/* ---- All ---- */

bool answer_open(server *s, ticket *t, const answer_request *r, answer **ret, error *err)
{
    AUTO(answer_close) answer *a = memory_alloc(sizeof *a);
    a->server = s;
    a->ticket = t;
    a->arena = arena_new();
    t->has_failed = true; /* until its end is seen */
    if (t->language == ANSWER_SQL) {
        if (!open_sql(a, r->text, err))
            return fail_sql(a, err);
    } else {
        TRY(choose_graph(a, r, err));
        TRY(t->language == ANSWER_CYPHER ? language_open_cypher(a, r, err)
                                         : language_open_gremlin(a, r, err));
    }
    *ret = TAKE(a);
    return true;
}

void answer_close(answer *a)
{
    if (!a)
        return;
    if (a->connection)
        ticket_interrupts(a->ticket, NULL);
    sql_stream_close(a->stream);
    sql_disconnect(a->connection);
    query_close(a->query);
    graph_close(a->graph);
    session_close(a->earlier);
    arena_free(a->cells);
    arena_free(a->arena);
    free(a);
}

size_t answer_column_count(const answer *a)
{
    return a->column_count;
}

str answer_column_name(const answer *a, size_t column)
{
    if (a->said)
        return a->said_name;
    if (a->stream)
        return sql_stream_column_name(a->stream, column);
    return a->ticket->language == ANSWER_GREMLIN ? STR("result") : a->plan->columns[column].name;
}

str answer_column_type(const answer *a, size_t column)
{
    if (a->said)
        return STR("VARCHAR");
    return a->stream ? sql_stream_column_type_text(a->stream, column) : STR("ANY");
}

graph *answer_graph(const answer *a)
{
    return a->graph;
}

static bool next_batch(answer *a, error *err)
{
    a->rows = NULL;
    if (!a->stream)
        return a->query ? query_next(a->query, &a->rows, err) : true;
    return sql_stream_next(a->stream, &a->rows, err) ? true : fail_sql(a, err);
}

bool answer_next(answer *a, size_t *ret_rows, error *err)
{
    *ret_rows = 0;
    if (a->cells)
        arena_reset(a->cells);
    if (a->said) {
        *ret_rows = a->is_said ? 0 : 1;
        a->is_said = true;
    } else if (a->given) {
        a->given_at += a->given_rows;
        a->given_rows =
            a->given_count - a->given_at < BATCH_ROWS ? a->given_count - a->given_at : BATCH_ROWS;
        *ret_rows = a->given_rows;
    } else {
        TRY(next_batch(a, err));
        *ret_rows = a->rows ? a->rows->rows : 0;
    }
    if (!*ret_rows)
        a->ticket->has_failed = false;
    atomic_fetch_add_explicit(&a->ticket->rows, *ret_rows, memory_order_relaxed);
    return true;
}

void answer_drop_rest(answer *a)
{
    if (a->plan && !plan_changes_graph(a->plan))
        query_close(TAKE(a->query));
}

value answer_cell(answer *a, size_t column, size_t row)
{
    if (a->said)
        return *a->said;
    if (a->given)
        return a->given[a->given_at + row];
    const struct column *c = &a->rows->columns[column];
    if (c->type == COLUMN_VALUE)
        return ((const value *)c->data)[row];
    if (!a->cells)
        a->cells = arena_new();
    return column_value(c, a->cells, row);
}

uint64_t answer_bulk(const answer *a, size_t row)
{
    if (!a->rows || !a->query)
        return 1;
    return ((const uint64_t *)a->rows->columns[a->column_count].data)[row];
}

graph_changes answer_changes(const answer *a)
{
    return a->query ? query_changes(a->query) : (graph_changes){ 0 };
}

bool answer_is_plan(const answer *a)
{
    return a->is_plan;
}
