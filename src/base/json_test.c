#include "base/json.h"

#include "test.h"

#include "base/arena.h"

TEST(json_is_written_with_commas_escapes_and_shortest_numbers)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf out = strbuf_new(a);
    json_writer w = json_writer_new(&out);
    json_put_object_begin(&w);
    json_put_key(&w, STR("a"));
    json_put_array_begin(&w);
    json_put_int(&w, -1);
    json_put_double(&w, 0.1);
    json_put_double(&w, 3);
    json_put_null(&w);
    json_put_array_done(&w);
    json_put_key(&w, STR("b\n"));
    json_put_text(&w, STR("\x01 \xff \xc3\xa9 \"\\"));
    json_put_object_done(&w);
    CHECK_STR(strbuf_str(&out),
              STR("{\"a\":[-1,0.1,3.0,null],\"b\\n\":\"\\u0001 \xEF\xBF\xBD \xc3\xa9 \\\"\\\\\"}"));
}

TEST(json_errors_name_line_and_member)
{
    json_t *root = NULL;
    error err = { 0 };
    CHECK_FAILS(json_parse(STR("{\n \"a\": }"), STR("x.json"), &root, &err), &err, "x.json:2:");
    AUTO(json_release) json_t *good = NULL;
    CHECK_OK(json_parse(STR("{\"a\": 1}"), STR("x.json"), &good, &err), &err);
    str text;
    CHECK_FAILS(json_need_text(good, "vertices[0]", "label", &text, &err), &err,
                "vertices[0].label is missing");
    CHECK_FAILS(json_need_text(good, "", "a", &text, &err), &err, "a is not a string");
}
