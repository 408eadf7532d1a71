#include "base/str.h"

#include "test.h"

#include "base/arena.h"

TEST(numbers_that_do_not_fit_are_refused)
{
    static const struct number_case {
        const char *name, *text;
        bool works;
        int64_t value;
    } cases[] = {
        { "zero", "0", true, 0 },
        { "largest", "9223372036854775807", true, INT64_MAX },
        { "smallest", "-9223372036854775808", true, INT64_MIN },
        { "one too large", "9223372036854775808", false, 0 },
        { "one too small", "-9223372036854775809", false, 0 },
        { "empty", "", false, 0 },
        { "just a sign", "-", false, 0 },
        { "text behind", "12x", false, 0 },
        { "two signs", "-+1", false, 0 },
    };
    const struct number_case *c;
    FOR_EACH_CASE (c, cases) {
        int64_t value = 0;
        CHECK_INT(str_to_i64(str_of(c->text), &value), c->works);
        CHECK_INT(value, c->value);
    }
}

TEST(text_is_cut_at_separators)
{
    str rest = STR("a,,b");
    CHECK_STR(str_cut(&rest, ','), STR("a"));
    CHECK_STR(str_cut(&rest, ','), STR(""));
    CHECK_STR(str_cut(&rest, ','), STR("b"));
    CHECK_INT(rest.len, 0);
}

TEST(a_buffer_keeps_what_was_added)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    for (int i = 0; i < 1000; i++) {
        strbuf_format(&b, "%d;", i);
        arena_alloc(a, 24);
    }
    CHECK(str_starts_with(strbuf_str(&b), STR("0;1;2;")));
    CHECK(str_ends_with(strbuf_str(&b), STR("998;999;")));
}

TEST(sql_quoting_doubles_quotes)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    strbuf_add_sql_text(&b, STR("it's"));
    strbuf_add_sql_name(&b, STR("a\"b"));
    CHECK_STR(strbuf_str(&b), STR("'it''s'\"a\"\"b\""));
}

TEST(memory_of_a_reset_arena_is_zero_again)
{
    AUTO(arena_free) arena *a = arena_new();
    for (int round = 0; round < 3; round++) {
        unsigned char *p = arena_alloc(a, 512);
        for (int i = 0; i < 512; i++) {
            if (p[i] != 0) {
                CHECK_INT(p[i], 0);
                return;
            }
        }
        memset(p, 0xFF, 512);
        arena_reset(a);
    }
}
