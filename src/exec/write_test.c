#include "exec/query.h"

#include "test.h"

#include "base/arena.h"
#include "gremlin/gremlin.h"

/* One CREATE of `count` persons named by number, and edges from each to the next, type by turns. */
static void fill(graph *g, size_t count)
{
    graph_ref last = 0, r, edge;
    graph_statement_begin(g, NULL);
    for (size_t i = 0; i < count; i++) {
        error err = { 0 };
        str label = STR("person");
        value number = value_int((int64_t)i);
        CHECK_OK(graph_add_vertex(g, &label, 1, NULL, &r, &err), &err);
        CHECK_OK(graph_set_property(g, true, r, STR("n"), &number, &err), &err);
        if (i)
            CHECK_OK(
                graph_add_edge(g, i % 2 ? STR("odd") : STR("even"), last, r, NULL, &edge, &err),
                &err);
        last = r;
    }
    graph_statement_end(g, true);
}

static int64_t ask(graph *g, const char *text)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(query_close) query *q = NULL;
    query_options options = { 0 };
    plan *p;
    batch *b;
    error err = { 0 };
    bool works = gremlin_compile(a, str_of(text), g, &p, &err) &&
                 query_open(g, p, &options, &q, &err) && query_next(q, &b, &err);
    if (!works)
        test_failed(__FILE__, __LINE__, "%s: %s", text, err.message);
    if (!works || !b)
        return -1;
    return ((const value *)b->columns[0].data)[0].integer;
}

/* A plan that changes the graph; `last` is its root. */
static bool run(graph *g, plan *p, plan_op *last, graph_changes *ret_changes, error *err)
{
    AUTO(query_close) query *q = NULL;
    query_options options = { 0 };
    p->root = last;
    TRY(plan_finish(p, g, err));
    TRY(query_open(g, p, &options, &q, err));
    for (batch *b = NULL;;) {
        TRY(query_next(q, &b, err));
        if (!b)
            break;
    }
    *ret_changes = query_changes(q);
    return true;
}

/* MATCH (v) */
static plan_op *match_all(plan *p, plan_slot *ret_slot)
{
    error err = { 0 };
    CHECK(plan_slot_new(p, STR("v"), SLOT_VERTEX, ret_slot, &err));
    plan_op *scan = plan_op_new(p, PLAN_SCAN_VERTICES, plan_op_new(p, PLAN_ONE, NULL, 0), 0);
    scan->scan.labels.is_any = true;
    scan->scan.to = *ret_slot;
    return scan;
}

static plan_op *delete_all(plan *p, bool is_detached)
{
    plan_slot v;
    plan_op *scan = match_all(p, &v);
    plan_op *del = plan_op_new(p, PLAN_DELETE, scan, 0);
    del->delete.items = arena_new_of(p->arena, plan_expr *);
    del->delete.items[0] = plan_slot_expr(p, v);
    del->delete.count = 1;
    del->delete.is_detached = is_detached;
    return del;
}

TEST(a_scratch_graph_is_read_like_tables)
{
    AUTO(graph_close) graph *g = NULL;
    error err = { 0 };
    CHECK_OK(graph_open_scratch(STR("s"), 0, &g, &err), &err);
    CHECK_INT(ask(g, "g.V().count()"), 0);
    fill(g, 5000);
    static const struct ask_case {
        const char *name;
        int64_t want;
    } cases[] = {
        { "g.V().count()", 5000 },
        { "g.E().count()", 4999 },
        { "g.V().hasLabel('person').count()", 5000 },
        { "g.V().hasLabel('nobody').count()", 0 },
        { "g.E().hasLabel('even').count()", 2499 },
        { "g.V().has('n', 7).out().out().values('n')", 9 },
        { "g.V().has('n', gt(4990)).count()", 9 },
        { "g.V().has('n', 7).outE('even').inV().values('n')", 8 },
        { "g.V().has('n', 7).inE().outV().values('n')", 6 },
        { "g.V().has('n', 10).both().count()", 2 },
        { "g.V().values('n').sum()", 12497500 },
        { "g.V(3).id()", 3 },
        { "g.V().out().dedup().count()", 4999 },
        { "g.V().has('n', 0).repeat(out()).times(40).values('n')", 40 },
        { "g.V().groupCount().by(label).unfold().count()", 1 },
    };
    const struct ask_case *c;
    FOR_EACH_CASE (c, cases)
        CHECK_INT(ask(g, c->name), c->want);
}

TEST(a_failing_statement_leaves_nothing_behind)
{
    AUTO(graph_close) graph *g = NULL;
    error err = { 0 };
    CHECK_OK(graph_open_scratch(STR("s"), 0, &g, &err), &err);
    fill(g, 10);
    graph_ref r;
    str label = STR("ghost");
    value taken = value_int(3), text = value_text(STR("x"));
    graph_statement_begin(g, NULL);
    CHECK_OK(graph_add_vertex(g, &label, 1, NULL, &r, &err), &err);
    CHECK_OK(graph_set_property(g, true, graph_ref_of(0, 4), STR("n"), &text, &err), &err);
    CHECK_OK(graph_delete(g, true, graph_ref_of(0, 7), true, &err), &err);
    CHECK_FAILS(graph_add_vertex(g, &label, 1, &taken, &r, &err), &err, "exists already");
    graph_statement_end(g, false);
    CHECK_INT(ask(g, "g.V().count()"), 10);
    CHECK_INT(ask(g, "g.E().count()"), 9);
    CHECK_INT(ask(g, "g.V(4).values('n')"), 4);
    CHECK_INT(ask(g, "g.V(7).out().values('n')"), 8);
    CHECK_INT(ask(g, "g.V().hasLabel('ghost').count()"), 0);
}

TEST(a_vertex_with_edges_is_deleted_only_with_them)
{
    AUTO(graph_close) graph *g = NULL;
    AUTO(arena_free) arena *a = arena_new();
    graph_changes changes;
    error err = { 0 };
    CHECK_OK(graph_open_scratch(STR("s"), 0, &g, &err), &err);
    fill(g, 100);
    plan *p = plan_new(a, STR(""));
    CHECK_FAILS(run(g, p, delete_all(p, false), &changes, &err), &err, "still has edges");
    CHECK_INT(ask(g, "g.E().count()"), 99);
    p = plan_new(a, STR(""));
    CHECK_OK(run(g, p, delete_all(p, true), &changes, &err), &err);
    CHECK_INT(changes.vertices_deleted, 100);
    CHECK_INT(changes.edges_deleted, 99);
    CHECK_INT(ask(g, "g.V().count()"), 0);
    fill(g, 3);
    CHECK_INT(ask(g, "g.V().count()"), 3);
}

TEST(what_is_matched_first_is_not_matched_again_after_creating)
{
    AUTO(graph_close) graph *g = NULL;
    AUTO(arena_free) arena *a = arena_new();
    graph_changes changes;
    error err = { 0 };
    plan_slot v, copy;
    CHECK_OK(graph_open_scratch(STR("s"), 0, &g, &err), &err);
    fill(g, 3000); /* more than one block */
    plan *p = plan_new(a, STR(""));
    plan_op *scan = match_all(p, &v);
    plan_op *create = plan_op_new(p, PLAN_CREATE_VERTEX, scan, 0);
    CHECK_OK(plan_slot_new(p, STR("copy"), SLOT_VERTEX, &copy, &err), &err);
    create->create.label = plan_literal_text(p, STR("copy"));
    create->create.properties = plan_slot_expr(p, v); /* of the vertex */
    create->create.slot = copy;
    plan_op *edge = plan_op_new(p, PLAN_CREATE_EDGE, create, 0);
    edge->create.label = plan_literal_text(p, STR("of"));
    edge->create.from = plan_slot_expr(p, copy);
    edge->create.to = plan_slot_expr(p, v);
    CHECK_OK(run(g, p, edge, &changes, &err), &err);
    CHECK_INT(changes.vertices_created, 3000);
    CHECK_INT(changes.edges_created, 3000);
    CHECK_INT(changes.properties_set, 3000);
    CHECK_INT(ask(g, "g.V().hasLabel('copy').count()"), 3000);
    CHECK_INT(ask(g, "g.V().has('n', 5).in('of').values('n')"), 5);
}

TEST(properties_and_labels_are_set_and_taken_away)
{
    AUTO(graph_close) graph *g = NULL;
    AUTO(arena_free) arena *a = arena_new();
    graph_changes changes;
    error err = { 0 };
    plan_slot v;
    CHECK_OK(graph_open_scratch(STR("s"), 0, &g, &err), &err);
    fill(g, 4);
    plan *p = plan_new(a, STR(""));
    plan_op *set = plan_op_new(p, PLAN_SET, match_all(p, &v), 0);
    plan_expr *of = plan_slot_expr(p, v);
    plan_change items[] = {
        { CHANGE_PROPERTY, of, plan_literal_text(p, STR("m")),
          plan_call(p, FN_ADD, plan_property(p, of, STR("n")), plan_literal_int(p, 10)) },
        { CHANGE_PROPERTY, of, plan_literal_text(p, STR("n")), plan_literal_null(p) },
        { CHANGE_ADD_LABELS, of, NULL, plan_literal_text(p, STR("host")) },
        { CHANGE_REMOVE_LABELS, of, NULL, plan_literal_text(p, STR("person")) },
    };
    set->set.items = items;
    set->set.count = ARRAY_LEN(items);
    CHECK_OK(run(g, p, set, &changes, &err), &err);
    CHECK_INT(changes.labels_added, 4);
    CHECK_INT(changes.labels_removed, 4);
    CHECK_INT(ask(g, "g.V().hasLabel('person').count()"), 0);
    CHECK_INT(ask(g, "g.V().hasLabel('host').values('m').sum()"), 46);
    CHECK_INT(ask(g, "g.V().has('n').count()"), 0);
    p = plan_new(a, STR(""));
    set = plan_op_new(p, PLAN_SET, match_all(p, &v), 0);
    plan_change bad = { CHANGE_PROPERTY, plan_slot_expr(p, v), plan_literal_text(p, STR("m")),
                        plan_slot_expr(p, v) };
    set->set.items = &bad;
    set->set.count = 1;
    CHECK_FAILS(run(g, p, set, &changes, &err), &err, "cannot hold a vertex");
}

TEST(a_scratch_graph_keeps_to_its_memory)
{
    AUTO(graph_close) graph *g = NULL;
    error err = { 0 };
    graph_ref r;
    str label = STR("x");
    CHECK_OK(graph_open_scratch(STR("s"), 1 << 20, &g, &err), &err);
    graph_statement_begin(g, NULL);
    bool works = true;
    for (size_t i = 0; works && i < 1 << 20; i++)
        works = graph_add_vertex(g, &label, 1, NULL, &r, &err);
    graph_statement_end(g, false);
    CHECK(!works);
    CHECK(strstr(err.message, "is full") != NULL);
    CHECK_INT(ask(g, "g.V().count()"), 0);
}
