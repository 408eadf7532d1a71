#include "column/temporal.h"

#include "test.h"

TEST(temporal_texts_are_read_and_written_as_openCypher_does)
{
    static const struct parse_case {
        const char *name;
        value_kind kind;
        const char *text, *want;
    } cases[] = {
        { "date", VALUE_DATE, "2015-07-21", "2015-07-21" },
        { "week date", VALUE_DATE, "2015W302", "2015-07-21" },
        { "ordinal date", VALUE_DATE, "2015202", "2015-07-21" },
        { "no such day", VALUE_DATE, "2015-02-30", NULL },
        { "far year", VALUE_DATE, "+12345-01-02", "+12345-01-02" },
        { "local time", VALUE_LOCAL_TIME, "214032.142", "21:40:32.142" },
        { "hour alone", VALUE_LOCAL_TIME, "21", "21:00" },
        { "time", VALUE_ZONED_TIME, "2140-02", "21:40-02:00" },
        { "local datetime", VALUE_LOCAL_DATETIME, "2015-W30T2140", "2015-07-20T21:40" },
        { "named zone", VALUE_DATETIME, "2015-07-21T21:40:32.142[Europe/London]",
          "2015-07-21T21:40:32.142+01:00[Europe/London]" },
        { "local mean time", VALUE_DATETIME, "1818-07-21T21:40:32.142[America/New_York]",
          "1818-07-21T21:40:32.142-04:56:02[America/New_York]" },
        { "behind the file's last change", VALUE_DATETIME, "2050-07-21T12:00[Europe/Stockholm]",
          "2050-07-21T12:00+02:00[Europe/Stockholm]" },
        { "clock set back, second pass", VALUE_DATETIME, "2017-10-29T02:30+01:00[Europe/Stockholm]",
          "2017-10-29T02:30+01:00[Europe/Stockholm]" },
        { "clock set forward", VALUE_DATETIME, "2017-03-26T02:30[Europe/Stockholm]",
          "2017-03-26T03:30+02:00[Europe/Stockholm]" },
        { "most of an offset", VALUE_DATETIME, "2017-03-26T02:30-18:00", "2017-03-26T02:30-18:00" },
        { "offset beyond", VALUE_DATETIME, "2017-03-26T02:30-18:18", NULL },
        { "no such zone", VALUE_DATETIME, "2017-03-26T02:30[Europe/../London]", NULL },
        { "fractions run over", VALUE_DURATION, "P0.75M", "P22DT19H51M49.5S" },
        { "weeks", VALUE_DURATION, "P2.5W", "P17DT12H" },
        { "dated duration", VALUE_DURATION, "P2012-02-02T14:37:21.545",
          "P2012Y2M2DT14H37M21.545S" },
        { "negative", VALUE_DURATION, "PT-0.001S", "PT-0.001S" },
        { "nothing", VALUE_DURATION, "P", NULL },
    };
    const struct parse_case *c;
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        strbuf b = strbuf_new(a);
        error err = { 0 };
        value v;
        bool works = temporal_parse(a, c->kind, str_of(c->text), &v, &err);
        CHECK_INT(works, c->want != NULL);
        if (!works || !c->want)
            continue;
        temporal_print(&v, &b);
        CHECK_STR(strbuf_str(&b), str_of(c->want));
        value copy = value_copy(a, &v);
        CHECK_INT(value_equal(&v, &copy), 1);
        CHECK_INT(value_hash(&v) == value_hash(&copy), 1);
    }
}
