/* Temporal values: calendar, parts, printing, order. */
#include "column/temporal.h"

#include <math.h>
#include <stdio.h>

/* ---- Calendar: days from and to civil dates by 400-year eras ---- */

int64_t temporal_days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void temporal_date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *ret_month = (int)(m < 10 ? m + 3 : m - 9);
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

int temporal_month_days(int64_t year, int month)
{
    return (int)(temporal_days_of(month == 12 ? year + 1 : year, month % 12 + 1, 1) -
                 temporal_days_of(year, month, 1));
}

static int64_t floor_divide(int64_t x, int64_t by)
{
    return x / by - (x % by < 0);
}

int temporal_weekday(int64_t days)
{
    return (int)(days + 3 - floor_divide(days + 3, 7) * 7) + 1;
}

int64_t temporal_week_year_start(int64_t year)
{
    int64_t fourth = temporal_days_of(year, 1, 4);
    return fourth - temporal_weekday(fourth) + 1;
}

void temporal_week_of(int64_t days, int64_t *ret_week_year, int *ret_week)
{
    int month, day;
    temporal_date_of(days - temporal_weekday(days) + 4, ret_week_year, &month, &day);
    *ret_week = (int)((days - temporal_week_year_start(*ret_week_year)) / 7) + 1;
}

int64_t temporal_add_months(int64_t days, int64_t months)
{
    int64_t year;
    int month, day;
    temporal_date_of(days, &year, &month, &day);
    int64_t total = year * 12 + month - 1 + months;
    year = floor_divide(total, 12);
    month = (int)(total - year * 12) + 1;
    int last = temporal_month_days(year, month);
    return temporal_days_of(year, month, day < last ? day : last);
}

/* ---- Parts ---- */

bool temporal_is(const value *v)
{
    temporal_parts ignored;
    return temporal_parts_of(v, &ignored);
}

bool temporal_parts_of(const value *v, temporal_parts *ret)
{
    *ret = (temporal_parts){ 0 };
    int64_t seconds;
    switch (v->kind) {
    case VALUE_DATE:
        ret->has_date = true;
        ret->days = v->integer;
        return true;
    case VALUE_TIME:
    case VALUE_LOCAL_TIME:
        ret->has_time = true;
        ret->nanos = v->kind == VALUE_TIME ? v->integer * 1000 : v->integer;
        return true;
    case VALUE_ZONED_TIME:
        ret->has_time = ret->has_zone = true;
        ret->nanos = v->zoned_time.nanos;
        ret->offset_s = v->zoned_time.offset_s;
        return true;
    case VALUE_TIMESTAMP:
        *ret = (temporal_parts){ .has_date = true, .has_time = true, .has_zone = true };
        seconds = floor_divide(v->integer, 1000000);
        ret->days = floor_divide(seconds, SECONDS_PER_DAY);
        ret->nanos = (v->integer - ret->days * SECONDS_PER_DAY * 1000000) * 1000;
        return true;
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
        *ret = (temporal_parts){ .has_date = true, .has_time = true };
        ret->has_zone = v->kind == VALUE_DATETIME;
        ret->offset_s = v->datetime.offset_s;
        ret->zone = v->datetime.zone;
        seconds = v->datetime.seconds + v->datetime.offset_s;
        ret->days = floor_divide(seconds, SECONDS_PER_DAY);
        ret->nanos = (seconds - ret->days * SECONDS_PER_DAY) * NANOS_PER_SECOND + v->datetime.nanos;
        return true;
    default: return false;
    }
}

/* The offset of a zone for a wall clock: the one before a change where both hold, unless `wanted`
 * is the other. */
static int32_t offset_of_wall(const time_zone *z, int64_t wall, int32_t wanted)
{
    int32_t before = temporal_zone_offset(z, wall - SECONDS_PER_DAY - wanted),
            after = temporal_zone_offset(z, wall + SECONDS_PER_DAY - wanted);
    if (temporal_zone_offset(z, wall - wanted) == wanted && (wanted == before || wanted == after))
        return wanted;
    if (temporal_zone_offset(z, wall - before) == before)
        return before;
    return temporal_zone_offset(z, wall - after) == after ? after : before;
}

static value make_datetime(const temporal_parts *p)
{
    int64_t wall = p->days * SECONDS_PER_DAY + p->nanos / NANOS_PER_SECOND;
    value v = { .kind = VALUE_DATETIME };
    v.datetime.nanos = (int32_t)(p->nanos % NANOS_PER_SECOND);
    v.datetime.zone = p->zone;
    v.datetime.offset_s = p->zone ? offset_of_wall(p->zone, wall, p->offset_s) : p->offset_s;
    v.datetime.seconds = wall - v.datetime.offset_s;
    if (p->zone) /* a wall clock that was passed over stands behind the gap */
        v.datetime.offset_s = temporal_zone_offset(p->zone, v.datetime.seconds);
    return v;
}

value temporal_make(value_kind kind, const temporal_parts *p)
{
    value v = { .kind = kind };
    switch (kind) {
    case VALUE_DATE: v.integer = p->days; break;
    case VALUE_TIME: v.integer = p->nanos / 1000; break;
    case VALUE_LOCAL_TIME: v.integer = p->nanos; break;
    case VALUE_ZONED_TIME:
        v.zoned_time.nanos = p->nanos;
        v.zoned_time.offset_s = p->offset_s;
        if (p->zone)
            v.zoned_time.offset_s = make_datetime(p).datetime.offset_s;
        break;
    case VALUE_LOCAL_DATETIME:
        v.datetime.seconds = p->days * SECONDS_PER_DAY + p->nanos / NANOS_PER_SECOND;
        v.datetime.nanos = (int32_t)(p->nanos % NANOS_PER_SECOND);
        break;
    default: return make_datetime(p);
    }
    return v;
}

value temporal_duration(arena *a, int64_t months, int64_t days, __int128 nanos)
{
    duration *d = arena_new_of(a, duration);
    __int128 seconds = nanos / NANOS_PER_SECOND;
    int64_t rest = (int64_t)(nanos % NANOS_PER_SECOND);
    if (rest < 0) {
        rest += NANOS_PER_SECOND;
        seconds--;
    }
    *d = (duration){ months, days, (int64_t)seconds, (int32_t)rest };
    return (value){ .kind = VALUE_DURATION, .duration = d };
}

/* ---- Printing ---- */

static void print_date(int64_t days, strbuf *out)
{
    int64_t year;
    int month, day;
    temporal_date_of(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        strbuf_format(out, "%+05lld-%02d-%02d", (long long)year, month, day);
    else
        strbuf_format(out, "%04lld-%02d-%02d", (long long)year, month, day);
}

/* `.142`, without zeros at the end. */
static void print_fraction(int64_t nanos, strbuf *out)
{
    char digits[16];
    int len = snprintf(digits, sizeof digits, ".%09lld", (long long)nanos);
    while (len > 1 && digits[len - 1] == '0')
        len--;
    if (len > 1)
        strbuf_add_bytes(out, digits, (size_t)len);
}

static void print_clock(int64_t nanos, strbuf *out)
{
    int64_t seconds = nanos / NANOS_PER_SECOND;
    strbuf_format(out, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    if (nanos % (60 * NANOS_PER_SECOND) == 0)
        return;
    strbuf_format(out, ":%02d", (int)(seconds % 60));
    print_fraction(nanos % NANOS_PER_SECOND, out);
}

void temporal_print_offset(int32_t offset_s, strbuf *out)
{
    int32_t n = offset_s < 0 ? -offset_s : offset_s;
    if (n == 0) {
        strbuf_add_char(out, 'Z');
        return;
    }
    strbuf_format(out, "%c%02d:%02d", offset_s < 0 ? '-' : '+', n / 3600, n / 60 % 60);
    if (n % 60)
        strbuf_format(out, ":%02d", n % 60);
}

static void print_duration(const duration *d, strbuf *out)
{
    int64_t seconds = d->seconds, nanos = d->nanos;
    if (seconds < 0 && nanos > 0) {
        seconds++;
        nanos -= NANOS_PER_SECOND;
    }
    struct {
        int64_t count;
        char unit;
    } dates[] = { { d->months / 12, 'Y' }, { d->months % 12, 'M' }, { d->days, 'D' } },
      clocks[] = { { seconds / 3600, 'H' }, { seconds / 60 % 60, 'M' } };
    strbuf_add_char(out, 'P');
    size_t before = out->len;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++)
        if (dates[i].count)
            strbuf_format(out, "%lld%c", (long long)dates[i].count, dates[i].unit);
    if (seconds == 0 && nanos == 0 && out->len > before)
        return;
    strbuf_add_char(out, 'T');
    bool has_any = false;
    for (size_t i = 0; i < ARRAY_LEN(clocks); i++)
        if (clocks[i].count) {
            strbuf_format(out, "%lld%c", (long long)clocks[i].count, clocks[i].unit);
            has_any = true;
        }
    if (seconds % 60 == 0 && nanos == 0 && has_any)
        return;
    bool is_negative = seconds % 60 < 0 || nanos < 0;
    strbuf_format(out, "%s%lld", is_negative ? "-" : "",
                  (long long)(seconds % 60 < 0 ? -(seconds % 60) : seconds % 60));
    print_fraction(nanos < 0 ? -nanos : nanos, out);
    strbuf_add_char(out, 'S');
}

static void print_point(const point *p, strbuf *out)
{
    bool has_z = p->srid == SRID_WGS84_3D || p->srid == SRID_CARTESIAN_3D;
    strbuf_format(out, "point({srid:%d, x:%.17g, y:%.17g", p->srid, p->x, p->y);
    if (has_z)
        strbuf_format(out, ", z:%.17g", p->z);
    strbuf_add_c(out, "})");
}

bool temporal_print(const value *v, strbuf *out)
{
    temporal_parts p;
    if (v->kind == VALUE_DURATION) {
        print_duration(v->duration, out);
        return true;
    }
    if (v->kind == VALUE_POINT) {
        print_point(v->point, out);
        return true;
    }
    if (!temporal_parts_of(v, &p))
        return false;
    if (p.has_date)
        print_date(p.days, out);
    if (p.has_date && p.has_time)
        strbuf_add_char(out, 'T');
    if (p.has_time)
        print_clock(p.nanos, out);
    if (p.has_zone)
        temporal_print_offset(p.offset_s, out);
    if (p.zone)
        strbuf_format(out, "[" STR_FMT "]", STR_ARG(temporal_zone_name(p.zone)));
    return true;
}

/* ---- Order ---- */

static int compare_int64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_durations(const duration *a, const duration *b)
{
    __int128 x = (__int128)a->months * SECONDS_PER_MONTH + (__int128)a->days * SECONDS_PER_DAY +
                 a->seconds,
             y = (__int128)b->months * SECONDS_PER_MONTH + (__int128)b->days * SECONDS_PER_DAY +
                 b->seconds;
    if (x != y)
        return x < y ? -1 : 1;
    int order = compare_int64(a->nanos, b->nanos);
    order = order ? order : compare_int64(a->months, b->months);
    return order ? order : compare_int64(a->days, b->days);
}

static int compare_points(const point *a, const point *b)
{
    double x[] = { a->srid, a->x, a->y, a->z }, y[] = { b->srid, b->x, b->y, b->z };
    for (size_t i = 0; i < ARRAY_LEN(x); i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

int temporal_compare(const value *a, const value *b)
{
    int order;
    switch (a->kind) {
    case VALUE_DURATION: return compare_durations(a->duration, b->duration);
    case VALUE_POINT: return compare_points(a->point, b->point);
    case VALUE_ZONED_TIME:
        order = compare_int64(a->zoned_time.nanos - a->zoned_time.offset_s * NANOS_PER_SECOND,
                              b->zoned_time.nanos - b->zoned_time.offset_s * NANOS_PER_SECOND);
        return order ? order : compare_int64(a->zoned_time.offset_s, b->zoned_time.offset_s);
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
        order = compare_int64(a->datetime.seconds, b->datetime.seconds);
        order = order ? order : compare_int64(a->datetime.nanos, b->datetime.nanos);
        return order ? order : compare_int64(a->datetime.offset_s, b->datetime.offset_s);
    default: return compare_int64(a->integer, b->integer);
    }
}

uint64_t temporal_hash_number(const value *v)
{
    switch (v->kind) {
    case VALUE_ZONED_TIME:
        return (uint64_t)(v->zoned_time.nanos - v->zoned_time.offset_s * NANOS_PER_SECOND);
    case VALUE_LOCAL_DATETIME:
    case VALUE_DATETIME:
        return (uint64_t)v->datetime.seconds * 1000003 + (uint64_t)v->datetime.nanos;
    case VALUE_DURATION:
        return (uint64_t)v->duration->months * 31 + (uint64_t)v->duration->days * 1009 +
               (uint64_t)v->duration->seconds * 100003 + (uint64_t)v->duration->nanos;
    case VALUE_POINT: {
        double sum = v->point->x * 31 + v->point->y * 1009 + v->point->z * 7;
        uint64_t bits;
        sum = sum == 0 ? 0 : sum;
        memcpy(&bits, &sum, sizeof bits);
        return bits + (uint64_t)v->point->srid;
    }
    default: return (uint64_t)v->integer;
    }
}
