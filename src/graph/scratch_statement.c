/* Statements and transactions of a scratch graph: what they change stands or is undone as a whole.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "graph/scratch.h"

enum { STILL_SECONDS = 60 }; /* after which others may undo what a transaction has changed */

struct graph_transaction {
    graph *graph;
    uint64_t used_us; /* when a statement of it ended last */
    bool is_undone;   /* by others */
};

static void undo(struct scratch *s, size_t from)
{
    if (s->events.count > from)
        s->change++;
    while (s->events.count > from)
        scratch_put_back(s, &s->events.items[--s->events.count]);
}

static void forget(struct scratch *s)
{
    s->events.items = NULL;
    s->events.count = s->events.capacity = s->statement_from = 0;
    arena_reset(s->journal);
}

void graph_statement_begin(graph *g, graph_transaction *t)
{
    struct scratch *s = g->scratch;
    scratch_lock(s);
    if (s->depth++ > 0)
        return;
    if (!s->owner)
        forget(s);
    s->running = t;
    s->statement_from = s->events.count;
    s->changes = (graph_changes){ 0 };
}

/* Nobody needs what is there no more. */
static void tidy(struct scratch *s)
{
    bool is_empty = !s->owner && s->live[0] + s->live[1] == 0 && s->vertices.count > 0;
    if (is_empty)
        scratch_start_anew(s);
    scratch_versions_free(s, !is_empty);
}

void graph_statement_end(graph *g, bool is_kept)
{
    struct scratch *s = g->scratch;
    assert(s->depth > 0);
    if (s->depth == 1) {
        if (!is_kept) {
            undo(s, s->statement_from);
            s->changes = (graph_changes){ 0 };
        }
        if (s->running && s->events.count > s->statement_from)
            s->owner = s->running;
        if (s->running)
            s->running->used_us = clock_monotonic_us();
        s->running = NULL;
        tidy(s);
    }
    s->depth--;
    scratch_unlock(s);
}

graph_changes graph_statement_changes(const graph *g)
{
    scratch_lock(g->scratch);
    graph_changes changes = g->scratch->changes;
    scratch_unlock(g->scratch);
    return changes;
}

bool scratch_take_over(struct scratch *s, error *err)
{
    if (clock_monotonic_us() - s->owner->used_us < STILL_SECONDS * 1000000ull) {
        err->detail = "TransientError: GraphIsTaken";
        return fail(err, ERR_CONFLICT,
                    "another transaction is changing this graph; try again when it has ended, or "
                    "been still for %d seconds",
                    STILL_SECONDS);
    }
    undo(s, 0);
    s->owner->is_undone = true;
    s->owner = NULL;
    forget(s);
    return true;
}

/* ---- Transactions ---- */

graph_transaction *graph_transaction_open(graph *g)
{
    if (!g->scratch)
        return NULL;
    graph_transaction *t = memory_alloc(sizeof *t);
    t->graph = g;
    return t;
}

bool graph_transaction_check(const graph_transaction *t, error *err)
{
    if (!t)
        return true;
    scratch_lock(t->graph->scratch);
    bool is_undone = t->is_undone;
    scratch_unlock(t->graph->scratch);
    return is_undone ? fail(err, ERR_CONFLICT,
                            "this transaction was still for more than %d seconds and another "
                            "changed the graph: what it had changed was undone; begin it anew",
                            STILL_SECONDS)
                     : true;
}

void graph_transaction_close(graph_transaction *t, bool is_kept)
{
    if (!t)
        return;
    struct scratch *s = t->graph->scratch;
    scratch_lock(s);
    if (s->owner == t) {
        if (!is_kept)
            undo(s, 0);
        s->owner = NULL;
        forget(s);
        tidy(s);
    }
    scratch_unlock(s);
    free(t);
}
