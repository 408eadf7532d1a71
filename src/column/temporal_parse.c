/* ISO 8601 texts to temporal values. */
#include "column/internal.h"
#include "column/temporal.h"

typedef struct reader {
    str text;
    size_t at;
} reader;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : 0;
}

static bool take(reader *r, char c)
{
    bool is_there = peek(r) == c;
    r->at += is_there;
    return is_there;
}

static size_t digits_ahead(const reader *r)
{
    size_t n = 0;
    while (r->at + n < r->text.len && is_digit(r->text.data[r->at + n]))
        n++;
    return n;
}

static bool take_number(reader *r, size_t digits, int64_t *ret)
{
    if (digits_ahead(r) < digits || digits == 0 || digits > 10)
        return false;
    *ret = 0;
    for (size_t i = 0; i < digits; i++)
        *ret = *ret * 10 + (r->text.data[r->at++] - '0');
    return true;
}

static bool make_date(int64_t year, int64_t month, int64_t day, int64_t *ret)
{
    if (month < 1 || month > 12 || day < 1 || day > temporal_month_days(year, (int)month))
        return false;
    *ret = temporal_days_of(year, (int)month, (int)day);
    return true;
}

static bool make_ordinal(int64_t year, int64_t day, int64_t *ret)
{
    int64_t first = temporal_days_of(year, 1, 1), count = temporal_days_of(year + 1, 1, 1) - first;
    *ret = first + day - 1;
    return day >= 1 && day <= count;
}

/* 2015-07-21, 20150721, 2015-07, 201507, 2015-W30-2, 2015W302, 2015-W30, 2015-202, 2015202, 2015 */
static bool read_date(reader *r, int64_t *ret_days)
{
    int64_t year, month, day = 1, week;
    bool is_negative = peek(r) == '-', has_sign = take(r, '-') || take(r, '+');
    size_t ahead = digits_ahead(r);
    if (!take_number(r, has_sign ? ahead : 4, &year) || year > TEMPORAL_YEAR_MAX)
        return false;
    year = is_negative ? -year : year;
    bool has_dash = take(r, '-');
    if (take(r, 'W')) {
        if (!take_number(r, 2, &week) || week < 1 || week > 53)
            return false;
        if (has_dash ? take(r, '-') : digits_ahead(r) > 0)
            if (!take_number(r, 1, &day))
                return false;
        *ret_days = temporal_week_year_start(year) + (week - 1) * 7 + day - 1;
        int64_t week_year;
        int found;
        temporal_week_of(*ret_days, &week_year, &found);
        return day >= 1 && day <= 7 && found == week;
    }
    ahead = digits_ahead(r);
    if (ahead == 3)
        return take_number(r, 3, &day) && make_ordinal(year, day, ret_days);
    if (ahead == 0 && !has_dash)
        return make_date(year, 1, 1, ret_days);
    if (!take_number(r, 2, &month))
        return false;
    if (has_dash ? take(r, '-') : digits_ahead(r) > 0)
        if (!take_number(r, 2, &day))
            return false;
    return make_date(year, month, day, ret_days);
}

static bool read_fraction(reader *r, int64_t *ret_nanos)
{
    int64_t scale = NANOS_PER_SECOND / 10;
    *ret_nanos = 0;
    if (!take(r, '.') && !take(r, ','))
        return true;
    if (digits_ahead(r) == 0 || digits_ahead(r) > 9)
        return false;
    for (; is_digit(peek(r)); scale /= 10)
        *ret_nanos += (r->text.data[r->at++] - '0') * scale;
    return true;
}

/* 21:40:32.142, 214032.142, 21:40, 2140, 21 */
static bool read_clock(reader *r, int64_t *ret_nanos)
{
    int64_t hour, minute = 0, second = 0, nanos = 0;
    if (!take_number(r, 2, &hour))
        return false;
    bool has_colon = take(r, ':');
    if (has_colon || digits_ahead(r) >= 2) {
        if (!take_number(r, 2, &minute))
            return false;
        if (has_colon ? take(r, ':') : digits_ahead(r) >= 2)
            if (!take_number(r, 2, &second) || !read_fraction(r, &nanos))
                return false;
    }
    *ret_nanos = ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos;
    return hour < 24 && minute < 60 && second < 60;
}

/* Z, +01:00, +0100, -01, +01:00:28; at most 18 hours either way, as java.time and Bolt have it. */
static bool read_offset(reader *r, int32_t *ret)
{
    int64_t hour, minute = 0, second = 0;
    if (take(r, 'Z') || take(r, 'z')) {
        *ret = 0;
        return true;
    }
    bool is_negative = peek(r) == '-';
    if (!(take(r, '-') || take(r, '+')) || !take_number(r, 2, &hour))
        return false;
    if (take(r, ':') || digits_ahead(r) >= 2)
        if (!take_number(r, 2, &minute))
            return false;
    if (take(r, ':') || digits_ahead(r) >= 2)
        if (!take_number(r, 2, &second))
            return false;
    int64_t offset = (hour * 60 + minute) * 60 + second;
    *ret = (int32_t)offset * (is_negative ? -1 : 1);
    return offset <= 18 * 3600 && minute < 60 && second < 60;
}

bool temporal_zone_parse(str text, int32_t *ret_offset_s, const time_zone **ret_zone, error *err)
{
    reader r = { text, 0 };
    *ret_zone = NULL;
    *ret_offset_s = 0;
    if (read_offset(&r, ret_offset_s) && r.at == text.len)
        return true;
    *ret_offset_s = 0;
    *ret_zone = temporal_zone_find(text);
    return *ret_zone ? true
                     : fail(err, ERR_INVALID, "there is no time zone '" STR_FMT "'", STR_ARG(text));
}

static bool read_zone(reader *r, temporal_parts *p)
{
    error ignored = { 0 };
    int32_t offset;
    if (peek(r) != '[') {
        if (!read_offset(r, &p->offset_s))
            return false;
        p->has_zone = true;
    }
    if (!take(r, '['))
        return true;
    size_t from = r->at;
    while (peek(r) && peek(r) != ']')
        r->at++;
    str name = str_slice(r->text, from, r->at);
    p->has_zone = true;
    return take(r, ']') && temporal_zone_parse(name, &offset, &p->zone, &ignored);
}

/* ---- Durations ---- */

typedef struct amount {
    int64_t whole, billionths; /* of one sign */
} amount;

static bool read_amount(reader *r, amount *ret)
{
    bool is_negative = take(r, '-');
    if (!is_negative)
        take(r, '+');
    size_t digits = digits_ahead(r);
    int64_t scale = 100000000;
    *ret = (amount){ 0 };
    if (digits == 0 || digits > 18)
        return false;
    for (size_t i = 0; i < digits; i++)
        ret->whole = ret->whole * 10 + (r->text.data[r->at++] - '0');
    if (take(r, '.') || take(r, ',')) {
        if (digits_ahead(r) == 0)
            return false;
        for (; is_digit(peek(r)); scale /= 10)
            ret->billionths += (r->text.data[r->at++] - '0') * scale;
    }
    if (is_negative)
        *ret = (amount){ -ret->whole, -ret->billionths };
    return true;
}

/* P2012-02-02T14:37:21.545 */
static bool read_dated_duration(reader *r, arena *a, value *ret)
{
    int64_t years, months, days, nanos = 0;
    if (!take_number(r, 4, &years) || !take(r, '-') || !take_number(r, 2, &months) ||
        !take(r, '-') || !take_number(r, 2, &days))
        return false;
    if (take(r, 'T') && !read_clock(r, &nanos))
        return false;
    *ret = temporal_duration(a, years * 12 + months, days, nanos);
    return r->at == r->text.len;
}

static bool read_duration(reader *r, arena *a, value *ret)
{
    bool is_negative = take(r, '-'), is_clock = false;
    if (!take(r, 'P') || r->at == r->text.len)
        return false;
    size_t start = r->at;
    if (digits_ahead(r) == 4 && r->at + 4 < r->text.len && r->text.data[r->at + 4] == '-')
        return read_dated_duration(r, a, ret);
    int64_t months = 0, days = 0;
    __int128 nanos = 0;
    while (r->at < r->text.len) {
        amount x;
        if (!is_clock && take(r, 'T')) {
            is_clock = true;
            continue;
        }
        if (!read_amount(r, &x))
            return false;
        char unit = peek(r);
        r->at++;
        __int128 month_nanos = 0, day_nanos = 0;
        if (!is_clock && unit == 'Y') {
            months += x.whole * 12 + x.billionths * 12 / NANOS_PER_SECOND;
            month_nanos = (__int128)(x.billionths * 12 % NANOS_PER_SECOND) * SECONDS_PER_MONTH;
        } else if (!is_clock && unit == 'M') {
            months += x.whole;
            month_nanos = (__int128)x.billionths * SECONDS_PER_MONTH;
        } else if (!is_clock && (unit == 'W' || unit == 'D')) {
            int64_t by = unit == 'W' ? 7 : 1;
            days += x.whole * by + x.billionths * by / NANOS_PER_SECOND;
            day_nanos = (__int128)(x.billionths * by % NANOS_PER_SECOND) * SECONDS_PER_DAY;
        } else if (is_clock && (unit == 'H' || unit == 'M' || unit == 'S')) {
            int64_t by = unit == 'H' ? 3600 : unit == 'M' ? 60 : 1;
            nanos += (__int128)x.whole * by * NANOS_PER_SECOND + (__int128)x.billionths * by;
        } else {
            return false;
        }
        days += (int64_t)(month_nanos / NANOS_PER_DAY);
        nanos += month_nanos % NANOS_PER_DAY + day_nanos;
    }
    int sign = is_negative ? -1 : 1;
    *ret = temporal_duration(a, sign * months, sign * days, sign * nanos);
    return r->at > start;
}

static const char *kind_name(value_kind kind)
{
    switch (kind) {
    case VALUE_DATE: return "date";
    case VALUE_LOCAL_TIME: return "local time";
    case VALUE_ZONED_TIME: return "time";
    case VALUE_LOCAL_DATETIME: return "local date and time";
    case VALUE_DURATION: return "duration";
    default: return "date and time";
    }
}

bool temporal_parse(arena *a, value_kind kind, str text, value *ret, error *err)
{
    reader r = { text, 0 };
    temporal_parts p = { 0 };
    bool works;
    if (kind == VALUE_DURATION) {
        works = read_duration(&r, a, ret);
    } else {
        bool has_date = kind != VALUE_LOCAL_TIME && kind != VALUE_ZONED_TIME;
        works = !has_date || read_date(&r, &p.days);
        if (works && kind != VALUE_DATE && (!has_date || take(&r, 'T')))
            works = read_clock(&r, &p.nanos);
        if (works && (kind == VALUE_ZONED_TIME || kind == VALUE_DATETIME) && r.at < text.len)
            works = read_zone(&r, &p);
        *ret = temporal_make(kind, &p);
    }
    return works && r.at == text.len
               ? true
               : fail(err, ERR_INVALID, "'" STR_FMT "' cannot be read as a %s", STR_ARG(text),
                      kind_name(kind));
}
