#include "gremlin/gremlin.h"

#include "test.h"

#include "base/arena.h"
#include "exec/query.h"
#include "gremlin/ast.h"

TEST(gremlin_text_parses_in_the_forms_people_type)
{
    static const char *const texts[] = {
        "g.V().count()",
        "g.V('devices:::10.0.1.10').out().dedup().count();",
        "g.V().has('a', P.gt(5).and(P.lt(7))).order().by('a', Order.desc).limit(10).toList()",
        "g.V().where(__.out('x').has(\"b\", within(['p', 'q']))).values('n') // end",
        "g.V(1, 2L, 3.5d, -4).hasLabel('x').as('a').select('a').by(T.id)",
        "g.V().not(has('a')).has('b', not(eq(null))).has('c', true)",
        "g.V().has('t', 'it\\'s \\u00e9').group().by(label).by(values('x').sum()).unfold()",
        "g.\n  V().\n  /* all */ out()",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(arena_free) arena *a = arena_new();
        traversal t;
        error err = { 0 };
        test_case(texts[i]);
        CHECK_OK(gremlin_parse(a, str_of(texts[i]), &t, &err), &err);
        CHECK(t.count > 0);
    }
}

TEST(wrong_gremlin_text_is_told_where)
{
    static const struct wrong_case {
        const char *name, *text, *part;
    } cases[] = {
        { "nothing", "", "expected g" },
        { "no source", "V().count()", "begins with g." },
        { "no call", "g.V", "expected '('" },
        { "open call", "g.V().out(", "ends here" },
        { "open text", "g.V('x", "not closed" },
        { "text behind", "g.V() g", "gremlin:1:7: expected '.'" },
        { "bad list", "g.V([1,out()])", "expected a value" },
    };
    const struct wrong_case *c;
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        traversal t;
        error err = { 0 };
        CHECK_FAILS(gremlin_parse(a, str_of(c->text), &t, &err), &err, c->part);
    }
}

TEST(any_change_of_a_query_parses_or_fails_cleanly)
{
    static const char text[] = "g.V('a:::1').outE('x').as('s').inV().group().by(select('d').id())."
                               "by(values('p').sum()).order().by(select(values), desc).limit(20)";
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        AUTO(arena_free) arena *a = arena_new();
        char *copy = arena_copy(a, text, sizeof text - 1);
        for (int k = 0; k < 1 + i % 5; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            copy[(seed >> 33) % (sizeof text - 1)] = "().,'\"[]g_P1-\\ "[(seed >> 20) % 15];
        }
        traversal t;
        error err = { 0 };
        if (!gremlin_parse(a, (str){ copy, sizeof text - 1 - (size_t)(i % 9) }, &t, &err))
            CHECK(err.message[0] != 0);
    }
}

TEST(deep_nesting_is_refused)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, "g.V()");
    for (int i = 0; i < 5000; i++)
        strbuf_add_c(&b, ".where(out()");
    traversal t;
    error err = { 0 };
    CHECK_FAILS(gremlin_parse(a, strbuf_str(&b), &t, &err), &err, "nested more than");
}

TEST(errors_in_broken_text_stay_inside_of_it)
{
    static const char *const texts[] = {
        "g.V()\r x(",
        "g.V().out('\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        "g.inject(1.0d).is(P.\xC8\xC8\xC8\r\xC8N))",
        "[               __\xA5.",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(arena_free) arena *a = arena_new();
        char text[256] = "                                                                        "
                         "                                                                        "
                         "                            ";
        traversal t;
        error err = { 0 };
        strcpy(text + 170, texts[i]);
        CHECK(!gremlin_parse(a, str_of(text), &t, &err));
        CHECK(err.message[0] != 0);
    }
}

/* ---- Traversals built by hand, as decoders of bytecode do ---- */

static graph *a_graph(void)
{
    graph *g = NULL;
    error err = { 0 };
    CHECK(graph_open_scratch(STR("bytecode"), 16 << 20, &g, &err));
    return g;
}

typedef struct built_step {
    const char *name;
    gremlin_argument args[3];
    size_t count;
} built_step;

static traversal *built(arena *a, const built_step *steps)
{
    traversal_builder b = traversal_builder_new(a);
    for (; steps->name; steps++) {
        for (size_t i = 0; i < steps->count; i++)
            traversal_builder_add(&b, steps->args[i]);
        traversal_builder_step(&b, str_of(steps->name), 0);
    }
    return traversal_builder_done(&b, STR(""));
}

TEST(arguments_of_the_wrong_kind_are_refused)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(graph_close) graph *g = a_graph();
    gremlin_argument inner = gremlin_arg_traversal(built(a, (built_step[]){ { "out" }, { 0 } }));
    gremlin_argument five = gremlin_arg_value(value_int(5));
    gremlin_argument text = gremlin_arg_value(value_text(STR("x")));
    gremlin_argument token = gremlin_arg_token(STR("id"));
    const str keys[] = { STR("partitionKey"), STR("keys"), STR("seed"), STR("vertices") };
    gremlin_argument partition = gremlin_arg_strategy(a, STR("PartitionStrategy"), keys, &five, 1);
    gremlin_argument reserved =
        gremlin_arg_strategy(a, STR("ReservedKeysVerificationStrategy"), keys + 1, &five, 1);
    gremlin_argument seed = gremlin_arg_strategy(a, STR("SeedStrategy"), keys + 2, &inner, 1);
    gremlin_argument part = gremlin_arg_strategy(a, STR("SubgraphStrategy"), keys + 3, &text, 1);
    const struct wrong_case {
        const char *name, *part;
        built_step steps[4];
    } cases[] = {
        { "V", "V() takes ids", { { "V", { inner }, 1 } } },
        { "E", "E() takes ids", { { "E", { token }, 1 } } },
        { "id", "id() takes no arguments", { { "V" }, { "id", { five }, 1 } } },
        { "toV", "toV() takes OUT", { { "E" }, { "toV" } } },
        { "timeLimit", "takes milliseconds", { { "V" }, { "timeLimit", { text }, 1 } } },
        { "repeat", "takes a name and", { { "V" }, { "repeat", { five, inner }, 2 } } },
        { "until",
          "until() takes a traversal",
          { { "V" }, { "until" }, { "repeat", { inner }, 1 } } },
        { "partition", "takes a text", { { "withStrategies", { partition }, 1 }, { "V" } } },
        { "reserved", "a set of up to", { { "withStrategies", { reserved }, 1 }, { "V" } } },
        { "seed", "takes a whole number", { { "withStrategies", { seed }, 1 }, { "V" } } },
        { "subgraph", "takes a traversal", { { "withStrategies", { part }, 1 }, { "V" } } },
    };
    const struct wrong_case *c;
    FOR_EACH_CASE (c, cases) {
        plan *p;
        error err = { 0 };
        CHECK_FAILS(gremlin_compile_traversal(a, STR(""), built(a, c->steps), NULL, g, &p, &err),
                    &err, c->part);
    }
}

/* times(-1) once stood for no times() at all, and no traversal said when to end. */
TEST(a_negative_number_of_times_goes_round_once)
{
    static const char *const texts[] = { "g.inject(1).repeat(identity()).times(-1).loops()",
                                         "g.inject(1).times(-5).repeat(identity()).loops()" };
    AUTO(graph_close) graph *g = a_graph();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(arena_free) arena *a = arena_new();
        AUTO(query_close) query *q = NULL;
        query_options options = { 0 };
        plan *p;
        batch *b;
        error err = { 0 };
        test_case(texts[i]);
        CHECK_OK(gremlin_compile(a, str_of(texts[i]), g, &p, &err), &err);
        CHECK_OK(query_open(g, p, &options, &q, &err), &err);
        CHECK_OK(query_next(q, &b, &err), &err);
        CHECK_INT(b->rows, 1);
    }
}
