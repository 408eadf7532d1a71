#include "base/clock.h"

#include "test.h"

#include "base/arena.h"

TEST(dates_and_days_agree_both_ways)
{
    for (int32_t days = -800000; days < 800000; days += 373) {
        int year, month, day;
        clock_date_of(days, &year, &month, &day);
        CHECK_INT(clock_days_of(year, month, day), days);
    }
    CHECK_INT(clock_days_of(1970, 1, 1), 0);
    CHECK_INT(clock_days_of(2024, 2, 29), 19782);
}

TEST(times_are_read_and_written)
{
    static const struct time_case {
        const char *name, *text, *back;
    } cases[] = {
        { "date", "2024-04-18", "2024-04-18T00:00:00Z" },
        { "blank", "2024-04-18 03:04:05", "2024-04-18T03:04:05Z" },
        { "fraction", "2024-04-18T03:04:05.25Z", "2024-04-18T03:04:05.250000Z" },
        { "before the epoch", "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z" },
        { "no month", "2024", NULL },
        { "month 13", "2024-13-01", NULL },
        { "text behind", "2024-04-18x", NULL },
    };
    AUTO(arena_free) arena *a = arena_new();
    const struct time_case *c;
    FOR_EACH_CASE (c, cases) {
        int64_t us;
        bool works = clock_parse_us(str_of(c->text), &us);
        CHECK_INT(works, c->back != NULL);
        if (works && c->back)
            CHECK_STR(clock_format_us(a, us), str_of(c->back));
    }
}
