/* Making temporal values and points: from maps, texts, other values, by cutting, by difference. */
#include <math.h>

#include "base/clock.h"
#include "column/temporal.h"
#include "exec/named.h"

static const value *field(const value *map, const char *name)
{
    for (size_t i = 0; map && map->kind == VALUE_MAP && i < map->map.count; i++)
        if (map->map.keys[i].kind == VALUE_STRING &&
            str_eq_nocase(map->map.keys[i].text, str_of(name)) &&
            map->map.values[i].kind != VALUE_NULL)
            return &map->map.values[i];
    return NULL;
}

static bool number_field(const value *map, const char *name, int64_t otherwise, int64_t least,
                         int64_t most, int64_t *ret, bool *ret_is_given, error *err)
{
    const value *v = field(map, name);
    *ret = otherwise;
    if (ret_is_given)
        *ret_is_given = v != NULL;
    if (!v)
        return true;
    if (v->kind != VALUE_INT)
        return fail_type(err, "TypeError: InvalidArgumentType", "%s takes a whole number", name);
    if (v->integer < least || v->integer > most)
        return fail_type(err, "ArgumentError: NumberOutOfRange",
                         "%s takes a number from %lld to %lld, not %lld", name, (long long)least,
                         (long long)most, (long long)v->integer);
    *ret = v->integer;
    return true;
}

/* ---- Dates from maps ---- */

static bool week_date(const value *map, const temporal_parts *base, int64_t *ret_days, error *err)
{
    int64_t base_year = 0, year, week, day;
    int base_week = 1;
    if (base->has_date)
        temporal_week_of(base->days, &base_year, &base_week);
    TRY(number_field(map, "year", base_year, -TEMPORAL_YEAR_MAX, TEMPORAL_YEAR_MAX, &year, NULL,
                     err));
    TRY(number_field(map, "week", base_week, 1, 53, &week, NULL, err));
    TRY(number_field(map, "dayOfWeek", base->has_date ? temporal_weekday(base->days) : 1, 1, 7,
                     &day, NULL, err));
    *ret_days = temporal_week_year_start(year) + (week - 1) * 7 + day - 1;
    return true;
}

static bool quarter_date(const value *map, const temporal_parts *base, int64_t year, int base_month,
                         int64_t *ret_days, error *err)
{
    int64_t quarter, day, base_quarter = (base_month - 1) / 3 + 1, base_year;
    int month, base_day;
    temporal_date_of(base->days, &base_year, &month, &base_day);
    int64_t base_start = temporal_days_of(base_year, (int)base_quarter * 3 - 2, 1);
    TRY(number_field(map, "quarter", base_quarter, 1, 4, &quarter, NULL, err));
    TRY(number_field(map, "dayOfQuarter", base->has_date ? base->days - base_start + 1 : 1, 1, 92,
                     &day, NULL, err));
    *ret_days = temporal_days_of(year, (int)quarter * 3 - 2, 1) + day - 1;
    return true;
}

static bool read_date(const value *map, const temporal_parts *base, temporal_parts *p, error *err)
{
    int64_t base_year = 0, year, month, day;
    int base_month = 1, base_day = 1;
    if (base->has_date)
        temporal_date_of(base->days, &base_year, &base_month, &base_day);
    p->has_date = true;
    if (!base->has_date && !field(map, "year"))
        return fail_type(err, "ArgumentError: InvalidArgumentValue", "a date needs its year");
    if (field(map, "week") || field(map, "dayOfWeek"))
        return week_date(map, base, &p->days, err);
    TRY(number_field(map, "year", base_year, -TEMPORAL_YEAR_MAX, TEMPORAL_YEAR_MAX, &year, NULL,
                     err));
    if (field(map, "quarter") || field(map, "dayOfQuarter"))
        return quarter_date(map, base, year, base_month, &p->days, err);
    if (field(map, "ordinalDay")) {
        TRY(number_field(map, "ordinalDay", 1, 1, 366, &day, NULL, err));
        p->days = temporal_days_of(year, 1, 1) + day - 1;
        return true;
    }
    bool has_day;
    TRY(number_field(map, "month", base_month, 1, 12, &month, NULL, err));
    TRY(number_field(map, "day", base_day, 1, 31, &day, &has_day, err));
    int last = temporal_month_days(year, (int)month);
    if (has_day && day > last)
        return fail_type(err, "ArgumentError: NumberOutOfRange", "month %lld of %lld has %d days",
                         (long long)month, (long long)year, last);
    p->days = temporal_days_of(year, (int)month, (int)(day < last ? day : last));
    return true;
}

/* ---- Times from maps ---- */

/* `adds`: to what cutting has left; else a fraction that is named takes the place of all of it. */
static bool read_clock(const value *map, const temporal_parts *base, bool adds, temporal_parts *p,
                       error *err)
{
    int64_t seconds = base->nanos / NANOS_PER_SECOND, fraction = base->nanos % NANOS_PER_SECOND,
            hour, minute, second, parts[3];
    bool has[3];
    TRY(number_field(map, "hour", seconds / 3600, 0, 23, &hour, NULL, err));
    TRY(number_field(map, "minute", seconds / 60 % 60, 0, 59, &minute, NULL, err));
    TRY(number_field(map, "second", seconds % 60, 0, 59, &second, NULL, err));
    TRY(number_field(map, "millisecond", 0, 0, 999, &parts[0], &has[0], err));
    TRY(number_field(map, "microsecond", 0, 0, 999999, &parts[1], &has[1], err));
    TRY(number_field(map, "nanosecond", 0, 0, 999999999, &parts[2], &has[2], err));
    if (has[0] || has[1] || has[2])
        fraction = (adds ? fraction : 0) + parts[0] * 1000000 + parts[1] * 1000 + parts[2];
    if (fraction >= NANOS_PER_SECOND)
        return fail_type(err, "ArgumentError: NumberOutOfRange",
                         "the fraction of a second is too large");
    p->has_time = true;
    p->nanos = ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + fraction;
    return true;
}

static bool read_zone_field(const value *map, temporal_parts *p, bool *ret_is_given, error *err)
{
    const value *v = field(map, "timezone");
    *ret_is_given = v != NULL;
    if (!v)
        return true;
    if (v->kind != VALUE_STRING)
        return fail_type(err, "TypeError: InvalidArgumentType", "timezone takes a text");
    p->has_zone = true;
    return temporal_zone_parse(v->text, &p->offset_s, &p->zone, err);
}

/* The same moment in another zone. */
static void shift_zone(temporal_parts *p, const temporal_parts *to)
{
    value v = temporal_make(VALUE_DATETIME, p);
    v.datetime.zone = to->zone;
    v.datetime.offset_s =
        to->zone ? temporal_zone_offset(to->zone, v.datetime.seconds) : to->offset_s;
    temporal_parts_of(&v, p);
}

/* What `date`, `time` and `datetime` of the map give to start from. */
static bool read_base(const value *map, temporal_parts *ret, error *err)
{
    static const char *const names[] = { "datetime", "date", "time" };
    *ret = (temporal_parts){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        temporal_parts p;
        const value *v = field(map, names[i]);
        if (!v)
            continue;
        if (!temporal_parts_of(v, &p))
            return fail_type(err, "TypeError: InvalidArgumentType", "%s takes a temporal value",
                             names[i]);
        if (i != 2 && p.has_date) {
            ret->has_date = true;
            ret->days = p.days;
        }
        if (i != 1 && p.has_time) {
            ret->has_time = true;
            ret->nanos = p.nanos;
            ret->has_zone = p.has_zone;
            ret->offset_s = p.offset_s;
            ret->zone = p.zone;
        }
    }
    return true;
}

static bool has_date(value_kind kind)
{
    return kind == VALUE_DATE || kind == VALUE_LOCAL_DATETIME || kind == VALUE_DATETIME;
}

static bool has_zone(value_kind kind)
{
    return kind == VALUE_ZONED_TIME || kind == VALUE_DATETIME;
}

static bool read_epoch(const value *map, temporal_parts *base, error *err)
{
    int64_t number;
    bool has_seconds, has_millis;
    TRY(number_field(map, "epochSeconds", 0, INT64_MIN, INT64_MAX, &number, &has_seconds, err));
    value v = { .kind = VALUE_DATETIME, .datetime = { .seconds = number } };
    if (!has_seconds) {
        TRY(number_field(map, "epochMillis", 0, INT64_MIN, INT64_MAX, &number, &has_millis, err));
        if (!has_millis)
            return true;
        v.datetime.seconds = number / 1000 - (number % 1000 < 0);
        v.datetime.nanos = (int32_t)((number - v.datetime.seconds * 1000) * 1000000);
    }
    temporal_parts_of(&v, base);
    return true;
}

static bool from_map(value_kind kind, const value *map, value *ret, error *err)
{
    temporal_parts base, p = { 0 }, zone = { 0 };
    bool has_zone_field;
    TRY(read_base(map, &base, err));
    if (kind == VALUE_DATETIME)
        TRY(read_epoch(map, &base, err));
    TRY(read_zone_field(map, &zone, &has_zone_field, err));
    bool shifts = has_zone(kind) && has_zone_field && base.has_time && base.has_zone;
    if (shifts) { /* on the day that the other fields name */
        temporal_parts day = base;
        if (has_date(kind))
            TRY(read_date(map, &base, &day, err));
        int64_t before = day.days;
        shift_zone(&day, &zone);
        base.nanos = day.nanos;
        base.offset_s = day.offset_s;
        p.days = day.days - before;
    }
    int64_t moved = p.days;
    if (has_date(kind)) {
        TRY(read_date(map, &base, &p, err));
        p.days += moved;
    }
    if (kind != VALUE_DATE)
        TRY(read_clock(map, &base, false, &p, err));
    p.has_zone = has_zone(kind);
    p.offset_s = has_zone_field ? zone.offset_s : base.offset_s;
    p.zone = has_zone_field ? zone.zone : base.zone;
    *ret = temporal_make(kind, &p);
    return true;
}

/* One moment for a whole statement. */
static value now(query *q, value_kind kind)
{
    q->now_us = q->now_us ? q->now_us : clock_wall_us();
    int64_t us = q->now_us;
    value v = { .kind = VALUE_DATETIME,
                .datetime = { .seconds = us / 1000000, .nanos = (int32_t)(us % 1000000) * 1000 } };
    temporal_parts p;
    temporal_parts_of(&v, &p);
    return temporal_make(kind, &p);
}

static bool make(query *q, value_kind kind, const value *args, size_t count, value *ret, error *err)
{
    temporal_parts p;
    *ret = value_null();
    if (count == 0) {
        *ret = now(q, kind);
        return true;
    }
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind == VALUE_STRING) {
        if (temporal_parse(q->arena, kind, args->text, ret, err))
            return true;
        err->detail = "ArgumentError: InvalidArgumentValue";
        return false;
    }
    if (args->kind == VALUE_MAP)
        return from_map(kind, args, ret, err);
    if (!temporal_parts_of(args, &p))
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "a temporal value is made from a text, a map or another one");
    *ret = temporal_make(kind, &p);
    return true;
}

#define MAKER(function, truncation, kind)                                                          \
    bool function(query *q, const value *args, size_t count, value *ret, error *err)               \
    {                                                                                              \
        return make(q, kind, args, count, ret, err);                                               \
    }                                                                                              \
    bool truncation(query *q, const value *args, size_t count, value *ret, error *err)             \
    {                                                                                              \
        return truncate_to(q, kind, args, count, ret, err);                                        \
    }

/* ---- Cutting ---- */

static bool cut_date(str unit, temporal_parts *p)
{
    int64_t year, week_year;
    int month, day, week;
    temporal_date_of(p->days, &year, &month, &day);
    temporal_week_of(p->days, &week_year, &week);
    static const struct {
        const char *name;
        int64_t years;
    } spans[] = { { "millennium", 1000 }, { "century", 100 }, { "decade", 10 }, { "year", 1 } };
    p->nanos = 0;
    for (size_t i = 0; i < ARRAY_LEN(spans); i++)
        if (str_eq_nocase(unit, str_of(spans[i].name))) {
            int64_t by = spans[i].years;
            p->days = temporal_days_of((year / by - (year % by < 0)) * by, 1, 1);
            return true;
        }
    if (str_eq_nocase(unit, STR("weekYear")))
        p->days = temporal_week_year_start(week_year);
    else if (str_eq_nocase(unit, STR("quarter")))
        p->days = temporal_days_of(year, (month - 1) / 3 * 3 + 1, 1);
    else if (str_eq_nocase(unit, STR("month")))
        p->days = temporal_days_of(year, month, 1);
    else if (str_eq_nocase(unit, STR("week")))
        p->days -= temporal_weekday(p->days) - 1;
    else
        return str_eq_nocase(unit, STR("day"));
    return true;
}

static bool cut_clock(str unit, temporal_parts *p)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = { { "hour", 3600 * NANOS_PER_SECOND },
                  { "minute", 60 * NANOS_PER_SECOND },
                  { "second", NANOS_PER_SECOND },
                  { "millisecond", 1000000 },
                  { "microsecond", 1000 } };
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_eq_nocase(unit, str_of(units[i].name))) {
            p->nanos -= p->nanos % units[i].nanos;
            return true;
        }
    return false;
}

static bool truncate_to(query *q, value_kind kind, const value *args, size_t count, value *ret,
                        error *err)
{
    temporal_parts base, p = { 0 }, zone = { 0 };
    bool has_zone_field;
    const value *map = count > 2 ? &args[2] : NULL;
    value today = now(q, kind);
    *ret = value_null();
    if (args[0].kind == VALUE_NULL || (count > 1 && args[1].kind == VALUE_NULL))
        return true;
    if (args[0].kind != VALUE_STRING || !temporal_parts_of(count > 1 ? &args[1] : &today, &base))
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "truncate() takes a unit, a temporal value and a map");
    bool works =
        (kind != VALUE_DATE && cut_clock(args[0].text, &base)) || cut_date(args[0].text, &base);
    if (!works)
        return fail_type(err, "ArgumentError: InvalidArgumentValue",
                         "truncate() knows no unit '" STR_FMT "'", STR_ARG(args[0].text));
    TRY(read_zone_field(map, &zone, &has_zone_field, err));
    if (has_date(kind))
        TRY(read_date(map, &base, &p, err));
    if (kind != VALUE_DATE)
        TRY(read_clock(map, &base, true, &p, err));
    p.has_zone = has_zone(kind);
    p.offset_s = has_zone_field ? zone.offset_s : base.offset_s;
    p.zone = has_zone_field ? zone.zone : base.zone;
    *ret = temporal_make(kind, &p);
    return true;
}

MAKER(named_date, named_date_truncate, VALUE_DATE)
MAKER(named_local_time, named_local_time_truncate, VALUE_LOCAL_TIME)
MAKER(named_time, named_time_truncate, VALUE_ZONED_TIME)
MAKER(named_local_datetime, named_local_datetime_truncate, VALUE_LOCAL_DATETIME)
MAKER(named_datetime, named_datetime_truncate, VALUE_DATETIME)

bool named_from_epoch(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args[0].kind == VALUE_NULL || args[1].kind == VALUE_NULL)
        return true;
    if (args[0].kind != VALUE_INT || args[1].kind != VALUE_INT || args[1].integer < 0 ||
        args[1].integer >= NANOS_PER_SECOND)
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "fromepoch() takes seconds and nanoseconds");
    *ret = (value){ .kind = VALUE_DATETIME,
                    .datetime = { .seconds = args[0].integer, .nanos = (int32_t)args[1].integer } };
    return true;
}

bool named_from_epoch_millis(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args[0].kind == VALUE_NULL)
        return true;
    if (args[0].kind != VALUE_INT)
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "fromepochmillis() takes milliseconds");
    int64_t seconds = args[0].integer / 1000 - (args[0].integer % 1000 < 0);
    *ret =
        (value){ .kind = VALUE_DATETIME,
                 .datetime = { .seconds = seconds,
                               .nanos = (int32_t)((args[0].integer - seconds * 1000) * 1000000) } };
    return true;
}

bool named_timestamp(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_int(clock_wall_us() / 1000);
    return true;
}

/* ---- Durations ---- */

bool named_duration(query *q, const value *args, size_t count, value *ret, error *err)
{
    static const struct {
        const char *name;
        int64_t months, days, nanos;
    } units[] = {
        { "years", 12, 0, 0 },
        { "quarters", 3, 0, 0 },
        { "months", 1, 0, 0 },
        { "weeks", 0, 7, 0 },
        { "days", 0, 1, 0 },
        { "hours", 0, 0, 3600 * NANOS_PER_SECOND },
        { "minutes", 0, 0, 60 * NANOS_PER_SECOND },
        { "seconds", 0, 0, NANOS_PER_SECOND },
        { "milliseconds", 0, 0, 1000000 },
        { "microseconds", 0, 0, 1000 },
        { "nanoseconds", 0, 0, 1 },
    };
    *ret = value_null();
    if (args->kind == VALUE_NULL || args->kind == VALUE_DURATION) {
        *ret = *args;
        return true;
    }
    if (args->kind == VALUE_STRING) {
        if (temporal_parse(q->arena, VALUE_DURATION, args->text, ret, err))
            return true;
        err->detail = "ArgumentError: InvalidArgumentValue";
        return false;
    }
    if (args->kind != VALUE_MAP)
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "a duration is made from a text or a map");
    int64_t months = 0, days = 0;
    __int128 nanos = 0;
    long double part_months = 0, part_days = 0, part_nanos = 0; /* of numbers with a fraction */
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        const value *v = field(args, units[i].name);
        if (!v)
            continue;
        if (!value_is_number(v))
            return fail_type(err, "TypeError: InvalidArgumentType", "%s takes a number",
                             units[i].name);
        if (v->kind == VALUE_INT) {
            months += v->integer * units[i].months;
            days += v->integer * units[i].days;
            nanos += (__int128)v->integer * units[i].nanos;
        } else {
            part_months += (long double)value_to_double(v) * units[i].months;
            part_days += (long double)value_to_double(v) * units[i].days;
            part_nanos += (long double)value_to_double(v) * units[i].nanos;
        }
    }
    months += (int64_t)part_months;
    part_days += (part_months - truncl(part_months)) * SECONDS_PER_MONTH / SECONDS_PER_DAY;
    days += (int64_t)part_days;
    part_nanos += (part_days - truncl(part_days)) * NANOS_PER_DAY;
    *ret = temporal_duration(q->arena, months, days, nanos + (__int128)roundl(part_nanos));
    return true;
}

/* Both on one clock: in `a`'s zone where both have one; one that has none takes the other's. */
static void align(temporal_parts *a, temporal_parts *b)
{
    if (a->has_zone && b->has_zone && a->has_date && b->has_date) {
        shift_zone(b, a);
    } else if (a->has_zone && !b->has_zone) {
        b->offset_s = a->offset_s;
        b->zone = a->zone;
    } else if (b->has_zone && !a->has_zone) {
        a->offset_s = b->offset_s;
        a->zone = b->zone;
    }
}

static __int128 moment(const temporal_parts *p)
{
    value v = temporal_make(VALUE_DATETIME, p);
    return (__int128)v.datetime.seconds * NANOS_PER_SECOND + v.datetime.nanos;
}

/* The day of `b` as whole days from `a` count it. */
static int64_t whole_day(const temporal_parts *a, const temporal_parts *b)
{
    return b->days - (b->days > a->days && b->nanos < a->nanos) +
           (b->days < a->days && b->nanos > a->nanos);
}

static int64_t months_between(const temporal_parts *a, const temporal_parts *b)
{
    int64_t y1, y2;
    int m1, m2, d1, d2;
    temporal_date_of(a->days, &y1, &m1, &d1);
    temporal_date_of(whole_day(a, b), &y2, &m2, &d2);
    return (((y2 * 12 + m2) * 32 + d2) - ((y1 * 12 + m1) * 32 + d1)) / 32;
}

typedef enum between_unit {
    BETWEEN_ALL,
    BETWEEN_MONTHS,
    BETWEEN_DAYS,
    BETWEEN_SECONDS
} between_unit;

static bool between(query *q, const value *args, between_unit unit, value *ret, error *err)
{
    temporal_parts a, b;
    *ret = value_null();
    if (args[0].kind == VALUE_NULL || args[1].kind == VALUE_NULL)
        return true;
    if (!temporal_parts_of(&args[0], &a) || !temporal_parts_of(&args[1], &b))
        return fail_type(err, "TypeError: InvalidArgumentType",
                         "duration.between() takes two temporal values");
    int64_t months = 0, days = 0;
    __int128 nanos = 0;
    if (a.has_date != b.has_date &&
        (a.zone || b.zone)) { /* a time alone is one of the other's day */
        (a.has_date ? &b : &a)->days = a.has_date ? a.days : b.days;
        align(&a, &b);
        nanos = unit == BETWEEN_ALL || unit == BETWEEN_SECONDS ? moment(&b) - moment(&a) : 0;
        *ret = temporal_duration(q->arena, 0, 0, nanos);
        return true;
    }
    if (!a.has_date || !b.has_date) {
        int64_t zones =
            a.has_zone && b.has_zone ? (int64_t)(a.offset_s - b.offset_s) * NANOS_PER_SECOND : 0;
        nanos = unit == BETWEEN_ALL || unit == BETWEEN_SECONDS ? (__int128)b.nanos - a.nanos + zones
                                                               : 0;
        *ret = temporal_duration(q->arena, 0, 0, nanos);
        return true;
    }
    align(&a, &b);
    switch (unit) {
    case BETWEEN_MONTHS: months = months_between(&a, &b); break;
    case BETWEEN_DAYS: days = whole_day(&a, &b) - a.days; break;
    case BETWEEN_SECONDS: nanos = moment(&b) - moment(&a); break;
    case BETWEEN_ALL:
        months = months_between(&a, &b);
        a.days = temporal_add_months(a.days, months);
        days = whole_day(&a, &b) - a.days;
        a.days += days;
        nanos = moment(&b) - moment(&a);
    }
    *ret = temporal_duration(q->arena, months, days, nanos);
    return true;
}

bool named_between(query *q, const value *args, size_t count, value *ret, error *err)
{
    return between(q, args, BETWEEN_ALL, ret, err);
}

bool named_in_months(query *q, const value *args, size_t count, value *ret, error *err)
{
    return between(q, args, BETWEEN_MONTHS, ret, err);
}

bool named_in_days(query *q, const value *args, size_t count, value *ret, error *err)
{
    return between(q, args, BETWEEN_DAYS, ret, err);
}

bool named_in_seconds(query *q, const value *args, size_t count, value *ret, error *err)
{
    return between(q, args, BETWEEN_SECONDS, ret, err);
}

/* ---- Points ---- */

static bool coordinate(const value *map, const char *name, const char *other, double *ret,
                       bool *ret_is_there, error *err)
{
    const value *v = field(map, name);
    v = v ? v : field(map, other);
    *ret_is_there = v != NULL;
    *ret = v && value_is_number(v) ? value_to_double(v) : 0;
    return !v || value_is_number(v)
               ? true
               : fail_type(err, "TypeError: InvalidArgumentType", "a coordinate is a number");
}

bool named_point(query *q, const value *args, size_t count, value *ret, error *err)
{
    point *p = arena_new_of(q->arena, point);
    bool has_x, has_y, has_z;
    *ret = value_null();
    if (args->kind == VALUE_NULL)
        return true;
    if (args->kind != VALUE_MAP)
        return fail_type(err, "TypeError: InvalidArgumentType", "point() takes a map");
    const value *crs = field(args, "crs"), *srid = field(args, "srid");
    bool is_earth = field(args, "longitude") || field(args, "latitude");
    TRY(coordinate(args, "x", "longitude", &p->x, &has_x, err));
    TRY(coordinate(args, "y", "latitude", &p->y, &has_y, err));
    TRY(coordinate(args, "z", "height", &p->z, &has_z, err));
    if (!has_x || !has_y) /* a null coordinate makes the point null */
        return true;
    if (crs && crs->kind == VALUE_STRING)
        is_earth = str_starts_with(str_lower(q->arena, crs->text), STR("wgs"));
    if (srid && srid->kind == VALUE_INT)
        is_earth = srid->integer == SRID_WGS84 || srid->integer == SRID_WGS84_3D;
    p->srid = is_earth ? has_z ? SRID_WGS84_3D : SRID_WGS84
              : has_z  ? SRID_CARTESIAN_3D
                       : SRID_CARTESIAN;
    if (is_earth && !(p->y >= -90 && p->y <= 90))
        return fail_type(err, "ArgumentError: NumberOutOfRange",
                         "a latitude lies between -90 and 90");
    *ret = (value){ .kind = VALUE_POINT, .point = p };
    return true;
}

/* Metres on a sphere of 6,378,140 m for places on earth, else a straight line. */
bool named_distance(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    if (args[0].kind != VALUE_POINT || args[1].kind != VALUE_POINT ||
        args[0].point->srid != args[1].point->srid)
        return true;
    const point *a = args[0].point, *b = args[1].point;
    double height = b->z - a->z;
    if (a->srid == SRID_CARTESIAN || a->srid == SRID_CARTESIAN_3D) {
        *ret = value_double(
            sqrt((b->x - a->x) * (b->x - a->x) + (b->y - a->y) * (b->y - a->y) + height * height));
        return true;
    }
    double to = M_PI / 180, half_y = sin((b->y - a->y) * to / 2),
           half_x = sin((b->x - a->x) * to / 2);
    double h = half_y * half_y + cos(a->y * to) * cos(b->y * to) * half_x * half_x;
    double way = 2 * (6378140.0 + (a->z + b->z) / 2) * asin(sqrt(h < 1 ? h : 1));
    *ret = value_double(sqrt(way * way + height * height));
    return true;
}

bool named_within_box(query *q, const value *args, size_t count, value *ret, error *err)
{
    *ret = value_null();
    for (int i = 0; i < 3; i++)
        if (args[i].kind != VALUE_POINT || args[i].point->srid != args[0].point->srid)
            return true;
    const point *p = args[0].point, *low = args[1].point, *high = args[2].point;
    *ret = value_bool(p->x >= low->x && p->x <= high->x && p->y >= low->y && p->y <= high->y &&
                      p->z >= low->z && p->z <= high->z);
    return true;
}
