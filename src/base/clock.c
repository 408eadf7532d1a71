/* Clocks and the calendar. */
#include "base/clock.h"

#include <time.h>

enum { US_PER_SECOND = 1000000, SECONDS_PER_DAY = 86400 };

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * US_PER_SECOND + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return (int64_t)read_clock(CLOCK_REALTIME);
}

/* "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant): days_from_civil. */
int32_t clock_days_of(int year, int month, int day)
{
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400;
    int year_of_era = year - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* Same source: civil_from_days. */
void clock_date_of(int32_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = (int64_t)days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int day_of_era = (int)(z - era * 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_index = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * month_index + 2) / 5 + 1;
    *ret_month = month_index < 10 ? month_index + 3 : month_index - 9;
    *ret_year = (int)(year_of_era + era * 400) + (*ret_month <= 2);
}

str clock_format_days(arena *a, int32_t days)
{
    int year, month, day;
    clock_date_of(days, &year, &month, &day);
    return str_format(a, "%04d-%02d-%02d", year, month, day);
}

str clock_format_us(arena *a, int64_t wall_us)
{
    int64_t seconds = wall_us / US_PER_SECOND, fraction = wall_us % US_PER_SECOND;
    if (fraction < 0) {
        fraction += US_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY, rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        rest += SECONDS_PER_DAY;
        days--;
    }
    int year, month, day;
    clock_date_of((int32_t)days, &year, &month, &day);
    str head = str_format(a, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(rest / 3600),
                          (int)(rest / 60 % 60), (int)(rest % 60));
    return fraction ? str_format(a, STR_FMT ".%06dZ", STR_ARG(head), (int)fraction)
                    : str_format(a, STR_FMT "Z", STR_ARG(head));
}

static bool take_number(str *s, size_t digits, int *ret_value)
{
    uint64_t value;
    if (s->len < digits || !str_to_u64(str_slice(*s, 0, digits), &value))
        return false;
    *ret_value = (int)value;
    *s = str_slice(*s, digits, s->len);
    return true;
}

static bool take_char(str *s, char c)
{
    if (s->len == 0 || s->data[0] != c)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

static bool take_fraction(str *s, int64_t *ret_us)
{
    int64_t us = 0, scale = US_PER_SECOND;
    size_t n = 0;
    for (; n < s->len && s->data[n] >= '0' && s->data[n] <= '9'; n++)
        if (scale > 1) {
            us = us * 10 + (s->data[n] - '0');
            scale /= 10;
        }
    *s = str_slice(*s, n, s->len);
    *ret_us = us * scale;
    return n > 0;
}

bool clock_parse_us(str text, int64_t *ret_wall_us)
{
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0;
    str s = text;
    if (!take_number(&s, 4, &year) || !take_char(&s, '-') || !take_number(&s, 2, &month) ||
        !take_char(&s, '-') || !take_number(&s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if (s.len) {
        if ((!take_char(&s, 'T') && !take_char(&s, ' ')) || !take_number(&s, 2, &hour) ||
            !take_char(&s, ':') || !take_number(&s, 2, &minute))
            return false;
        if (take_char(&s, ':') && !take_number(&s, 2, &second))
            return false;
        if (take_char(&s, '.') && !take_fraction(&s, &fraction))
            return false;
        take_char(&s, 'Z');
    }
    if (s.len || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t days = clock_days_of(year, month, day);
    *ret_wall_us =
        ((days * 24 + hour) * 3600 + minute * 60 + second) * (int64_t)US_PER_SECOND + fraction;
    return true;
}
