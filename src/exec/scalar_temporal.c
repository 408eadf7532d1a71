/* Components of temporal values, and arithmetic with durations. */
#include <math.h>

#include "column/temporal.h"
#include "exec/internal.h"

/* ---- Components ---- */

static bool date_component(int64_t days, str key, int64_t *ret)
{
    int64_t year, week_year;
    int month, day, week;
    temporal_date_of(days, &year, &month, &day);
    temporal_week_of(days, &week_year, &week);
    int64_t quarter = (month - 1) / 3 + 1;
    const struct {
        const char *name;
        int64_t number;
    } all[] = {
        { "year", year },
        { "quarter", quarter },
        { "month", month },
        { "week", week },
        { "weekYear", week_year },
        { "day", day },
        { "dayOfMonth", day },
        { "ordinalDay", days - temporal_days_of(year, 1, 1) + 1 },
        { "weekDay", temporal_weekday(days) },
        { "dayOfWeek", temporal_weekday(days) },
        { "dayOfQuarter", days - temporal_days_of(year, (int)quarter * 3 - 2, 1) + 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_eq_nocase(key, str_of(all[i].name))) {
            *ret = all[i].number;
            return true;
        }
    return false;
}

static bool clock_component(int64_t nanos, str key, int64_t *ret)
{
    int64_t fraction = nanos % NANOS_PER_SECOND, seconds = nanos / NANOS_PER_SECOND;
    const struct {
        const char *name;
        int64_t number;
    } all[] = { { "hour", seconds / 3600 },         { "minute", seconds / 60 % 60 },
                { "second", seconds % 60 },         { "millisecond", fraction / 1000000 },
                { "microsecond", fraction / 1000 }, { "nanosecond", fraction } };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_eq_nocase(key, str_of(all[i].name))) {
            *ret = all[i].number;
            return true;
        }
    return false;
}

static bool zone_component(arena *a, const temporal_parts *p, str key, value *ret)
{
    strbuf b = strbuf_new(a);
    int64_t seconds = p->days * SECONDS_PER_DAY + p->nanos / NANOS_PER_SECOND - p->offset_s;
    if (str_eq_nocase(key, STR("offsetMinutes")))
        *ret = value_int(p->offset_s / 60);
    else if (str_eq_nocase(key, STR("offsetSeconds")))
        *ret = value_int(p->offset_s);
    else if (str_eq_nocase(key, STR("timezone")) && p->zone)
        *ret = value_text(temporal_zone_name(p->zone));
    else if (str_eq_nocase(key, STR("timezone")) || str_eq_nocase(key, STR("offset"))) {
        temporal_print_offset(p->offset_s, &b);
        *ret = value_text(strbuf_str(&b));
    } else if (p->has_date && str_eq_nocase(key, STR("epochSeconds")))
        *ret = value_int(seconds);
    else if (p->has_date && str_eq_nocase(key, STR("epochMillis")))
        *ret = value_int(seconds * 1000 + p->nanos % NANOS_PER_SECOND / 1000000);
    else
        return false;
    return true;
}

static bool duration_component(const duration *d, str key, value *ret)
{
    int64_t seconds = d->seconds, months = d->months;
    __int128 nanos = (__int128)seconds * NANOS_PER_SECOND + d->nanos;
    const struct {
        const char *name;
        int64_t number;
    } all[] = {
        { "years", months / 12 },
        { "quarters", months / 3 },
        { "months", months },
        { "weeks", d->days / 7 },
        { "days", d->days },
        { "hours", seconds / 3600 },
        { "minutes", seconds / 60 },
        { "seconds", seconds },
        { "milliseconds", (int64_t)(nanos / 1000000) },
        { "microseconds", (int64_t)(nanos / 1000) },
        { "nanoseconds", (int64_t)nanos },
        { "quartersOfYear", months / 3 % 4 },
        { "monthsOfQuarter", months % 3 },
        { "monthsOfYear", months % 12 },
        { "daysOfWeek", d->days % 7 },
        { "minutesOfHour", seconds / 60 % 60 },
        { "secondsOfMinute", seconds % 60 },
        { "millisecondsOfSecond", d->nanos / 1000000 },
        { "microsecondsOfSecond", d->nanos / 1000 },
        { "nanosecondsOfSecond", d->nanos },
    };
    *ret = value_null();
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_eq_nocase(key, str_of(all[i].name)))
            *ret = value_int(all[i].number);
    return true;
}

static bool point_component(const point *p, str key, value *ret)
{
    bool has_z = p->srid == SRID_WGS84_3D || p->srid == SRID_CARTESIAN_3D,
         is_earth = p->srid == SRID_WGS84 || p->srid == SRID_WGS84_3D;
    *ret = value_null();
    if (str_eq_nocase(key, STR("x")) || (is_earth && str_eq_nocase(key, STR("longitude"))))
        *ret = value_double(p->x);
    else if (str_eq_nocase(key, STR("y")) || (is_earth && str_eq_nocase(key, STR("latitude"))))
        *ret = value_double(p->y);
    else if (has_z &&
             (str_eq_nocase(key, STR("z")) || (is_earth && str_eq_nocase(key, STR("height")))))
        *ret = value_double(p->z);
    else if (str_eq_nocase(key, STR("srid")))
        *ret = value_int(p->srid);
    else if (str_eq_nocase(key, STR("crs")))
        *ret = value_text(p->srid == SRID_WGS84       ? STR("wgs-84")
                          : p->srid == SRID_WGS84_3D  ? STR("wgs-84-3d")
                          : p->srid == SRID_CARTESIAN ? STR("cartesian")
                                                      : STR("cartesian-3d"));
    return true;
}

bool temporal_component(arena *a, const value *v, str key, value *ret)
{
    temporal_parts p;
    int64_t number;
    *ret = value_null();
    if (v->kind == VALUE_DURATION)
        return duration_component(v->duration, key, ret);
    if (v->kind == VALUE_POINT)
        return point_component(v->point, key, ret);
    if (!temporal_parts_of(v, &p))
        return false;
    if ((p.has_date && date_component(p.days, key, &number)) ||
        (p.has_time && clock_component(p.nanos, key, &number)))
        *ret = value_int(number);
    else if (p.has_zone)
        zone_component(a, &p, key, ret);
    return true;
}

/* ---- Arithmetic ---- */

static __int128 nanos_of(const duration *d)
{
    return (__int128)d->seconds * NANOS_PER_SECOND + d->nanos;
}

/* Months first, then days, then the rest. */
static value move(const value *v, const duration *d, int sign)
{
    temporal_parts p;
    temporal_parts_of(v, &p);
    __int128 nanos = sign * nanos_of(d);
    int64_t local = 0;
    if (p.has_date) {
        p.days = temporal_add_months(p.days, sign * d->months) + sign * d->days;
        if (!p.has_time) {
            p.days += (int64_t)(nanos / NANOS_PER_DAY);
            return temporal_make(v->kind, &p);
        }
    }
    if (v->kind == VALUE_DATETIME && p.zone) { /* hours pass on the clock of the world */
        value there = temporal_make(VALUE_DATETIME, &p);
        nanos += (__int128)there.datetime.seconds * NANOS_PER_SECOND + there.datetime.nanos;
        __int128 seconds = nanos / NANOS_PER_SECOND;
        int64_t rest = (int64_t)(nanos % NANOS_PER_SECOND);
        if (rest < 0) {
            rest += NANOS_PER_SECOND;
            seconds--;
        }
        there.datetime.seconds = (int64_t)seconds;
        there.datetime.nanos = (int32_t)rest;
        there.datetime.offset_s = temporal_zone_offset(p.zone, there.datetime.seconds);
        return there;
    }
    nanos += p.nanos;
    local = (int64_t)(nanos / NANOS_PER_DAY);
    nanos %= NANOS_PER_DAY;
    if (nanos < 0) {
        nanos += NANOS_PER_DAY;
        local--;
    }
    p.days += local;
    p.nanos = (int64_t)nanos;
    return temporal_make(v->kind == VALUE_TIMESTAMP ? VALUE_DATETIME
                         : v->kind == VALUE_TIME    ? VALUE_LOCAL_TIME
                                                    : v->kind,
                         &p);
}

/* What is left of months and days goes on as days and seconds. */
static value scaled(arena *a, const duration *d, double by)
{
    double months = (double)d->months * by, whole_months = trunc(months);
    double days = (double)d->days * by +
                  (months - whole_months) * (double)SECONDS_PER_MONTH / (double)SECONDS_PER_DAY,
           whole_days = trunc(days);
    long double nanos = (long double)nanos_of(d) * (long double)by +
                        (long double)(days - whole_days) * (long double)NANOS_PER_DAY;
    return temporal_duration(a, (int64_t)whole_months, (int64_t)whole_days, (__int128)nanos);
}

bool temporal_arithmetic(query *q, plan_function f, const value *x, const value *y, value *ret,
                         bool *ret_is_done, error *err)
{
    int sign = f == FN_SUBTRACT ? -1 : 1;
    bool is_sum = f == FN_ADD || f == FN_SUBTRACT;
    *ret_is_done = true;
    if (is_sum && x->kind == VALUE_DURATION && y->kind == VALUE_DURATION) {
        const duration *a = x->duration, *b = y->duration;
        *ret = temporal_duration(q->arena, a->months + sign * b->months, a->days + sign * b->days,
                                 nanos_of(a) + sign * nanos_of(b));
    } else if (is_sum && temporal_is(x) && y->kind == VALUE_DURATION) {
        *ret = move(x, y->duration, sign);
    } else if (f == FN_ADD && x->kind == VALUE_DURATION && temporal_is(y)) {
        *ret = move(y, x->duration, 1);
    } else if ((f == FN_MULTIPLY || f == FN_DIVIDE) && x->kind == VALUE_DURATION &&
               value_is_number(y)) {
        double by = value_to_double(y);
        if (f == FN_DIVIDE && by == 0)
            return fail_type(err, "ArithmeticError: DivisionByZero", "division by zero");
        *ret = scaled(q->arena, x->duration, f == FN_DIVIDE ? 1 / by : by);
    } else if (f == FN_MULTIPLY && y->kind == VALUE_DURATION && value_is_number(x)) {
        *ret = scaled(q->arena, y->duration, value_to_double(x));
    } else {
        *ret_is_done = false;
    }
    return true;
}
