/* Matching date patterns. */
#include "worksheet/date_pattern.h"

#include "base/clock.h"

typedef struct found_date {
    int year, month, day, hour, minute, second;
} found_date;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool date_pattern_check(str pattern, error *err)
{
    bool is_quoted = false, has_year = false;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i];
        is_quoted ^= c == '\'';
        if (is_quoted || !is_letter(c))
            continue;
        has_year |= c == 'y';
        if (!strchr("yMdHms", c))
            return fail(err, ERR_INVALID,
                        "DATE_PATTERN '" STR_FMT
                        "': the letter '%c' is not one of y M d H m s (put plain text in quotes)",
                        STR_ARG(pattern), c);
    }
    if (is_quoted)
        return fail(err, ERR_INVALID, "DATE_PATTERN '" STR_FMT "': a quote is not closed",
                    STR_ARG(pattern));
    if (!has_year)
        return fail(err, ERR_INVALID, "DATE_PATTERN '" STR_FMT "' has no year (yyyy)",
                    STR_ARG(pattern));
    return true;
}

/* Read the digits of one run of letters. */
static bool read_digits(str path, size_t *at, char letter, size_t width, found_date *d)
{
    int number = 0;
    for (size_t i = 0; i < width; i++, ++*at) {
        if (*at >= path.len || path.data[*at] < '0' || path.data[*at] > '9')
            return false;
        number = number * 10 + (path.data[*at] - '0');
    }
    switch (letter) {
    case 'y': d->year = number; return width == 4;
    case 'M': d->month = number; return number >= 1 && number <= 12;
    case 'd': d->day = number; return number >= 1 && number <= 31;
    case 'H': d->hour = number; return number <= 23;
    case 'm': d->minute = number; return number <= 59;
    default: d->second = number; return number <= 59;
    }
}

/* Match at `at`; true when the whole pattern, or its part up to one of its '/', matched up to a '/'
 * of the path. */
static bool match_at(str pattern, str path, size_t at, found_date *ret)
{
    found_date d = { .month = 1, .day = 1 };
    bool is_quoted = false, has_match = false;
    for (size_t i = 0; i <= pattern.len;) {
        char c = i < pattern.len ? pattern.data[i] : '/';
        if (i < pattern.len && c == '\'' && i + 1 < pattern.len && pattern.data[i + 1] == '\'') {
            i++; /* a doubled quote is a quote */
        } else if (i < pattern.len && c == '\'') {
            is_quoted = !is_quoted;
            i++;
            continue;
        } else if (!is_quoted && is_letter(c)) {
            size_t width = 1;
            while (i + width < pattern.len && pattern.data[i + width] == c)
                width++;
            if (!read_digits(path, &at, c, width, &d))
                return has_match;
            i += width;
            continue;
        }
        if (at >= path.len || path.data[at] != c)
            return has_match;
        if (c == '/' && d.year) {
            *ret = d;
            has_match = true;
        }
        at++;
        i++;
    }
    return has_match;
}

bool date_pattern_find(str pattern, str path, int64_t *ret_us)
{
    size_t at;
    return date_pattern_find_at(pattern, path, ret_us, &at);
}

bool date_pattern_find_at(str pattern, str path, int64_t *ret_us, size_t *ret_at)
{
    while (pattern.len && pattern.data[pattern.len - 1] == '/')
        pattern.len--;
    for (size_t at = 0; at < path.len; at++) {
        found_date d;
        if ((at == 0 || path.data[at - 1] == '/') && match_at(pattern, path, at, &d)) {
            int64_t days = clock_days_of(d.year, d.month, d.day);
            *ret_at = at;
            *ret_us = (((days * 24 + d.hour) * 60 + d.minute) * 60 + d.second) * 1000000;
            return true;
        }
    }
    return false;
}

str date_pattern_folder(arena *a, str pattern, int32_t days)
{
    int year, month, day;
    bool is_quoted = false;
    size_t whole = 0; /* length of the folders that are complete */
    strbuf b = strbuf_new(a);
    clock_date_of(days, &year, &month, &day);
    for (size_t i = 0; i < pattern.len;) {
        char c = pattern.data[i];
        if (c == '\'' && i + 1 < pattern.len && pattern.data[i + 1] == '\'') {
            strbuf_add_char(&b, c);
            i += 2;
        } else if (c == '\'') {
            is_quoted = !is_quoted;
            i++;
        } else if (!is_quoted && is_letter(c)) {
            int width = 0;
            for (; i < pattern.len && pattern.data[i] == c; i++)
                width++;
            if (c != 'y' && c != 'M' && c != 'd')
                return str_slice(strbuf_str(&b), 0, whole);
            strbuf_format(&b, "%0*d", width, c == 'y' ? year : c == 'M' ? month : day);
        } else {
            strbuf_add_char(&b, c);
            i++;
            if (c == '/')
                whole = b.len;
        }
    }
    if (b.len && b.data[b.len - 1] != '/')
        strbuf_add_char(&b, '/');
    return strbuf_str(&b);
}
