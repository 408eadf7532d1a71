/* Dates, times, durations and points as openCypher has them: nanoseconds, offsets, named zones.
 *
 * Calendar: proleptic Gregorian. Zones come from the system's tzdata (RFC 8536 files). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "column/value.h"

/* A named zone; lives as long as the process. */
typedef struct time_zone time_zone;

typedef struct duration {
    int64_t months, days, seconds;
    int32_t nanos; /* 0 to 999,999,999, added to the seconds whatever their sign */
} duration;

/* srid 4326: longitude, latitude; 4979: with height; 7203: x, y; 9157: x, y, z. */
typedef struct point {
    int32_t srid;
    double x, y, z;
} point;

enum {
    SRID_WGS84 = 4326,
    SRID_WGS84_3D = 4979,
    SRID_CARTESIAN = 7203,
    SRID_CARTESIAN_3D = 9157,
};

#define NANOS_PER_SECOND 1000000000ll
#define SECONDS_PER_DAY 86400ll
#define NANOS_PER_DAY (SECONDS_PER_DAY * NANOS_PER_SECOND)
#define SECONDS_PER_MONTH 2629746ll /* a year of 365.2425 days, by twelve */
#define TEMPORAL_YEAR_MAX 999999999ll

/* What a value says of date, clock and zone. */
typedef struct temporal_parts {
    bool has_date, has_time, has_zone;
    int64_t days;  /* since 1970-01-01 */
    int64_t nanos; /* of the day */
    int32_t offset_s;
    const time_zone *zone; /* NULL: the offset */
} temporal_parts;

bool temporal_is(const value *v); /* date, time or datetime of any kind; not a duration */
/* False: not a temporal value. */
bool temporal_parts_of(const value *v, temporal_parts *ret);
/* A value of that kind; what the parts lack is zero or UTC. In a named zone the offset is found
 * from the wall clock; where the clock was set back, parts->offset_s is kept if it held then. */
value temporal_make(value_kind kind, const temporal_parts *parts);

/* ISO 8601 texts as openCypher takes them. */
NODISCARD bool temporal_parse(arena *a, value_kind kind, str text, value *ret, error *err);
/* As openCypher writes them: 2015-07-21T21:40:32.142+02:00[Europe/Stockholm]. Durations and points
 * too; false: not one of these. */
bool temporal_print(const value *v, strbuf *out);

/* A zone's name or an offset such as +01:00 or Z. */
NODISCARD bool temporal_zone_parse(str text, int32_t *ret_offset_s, const time_zone **ret_zone,
                                   error *err);
int32_t temporal_zone_offset(const time_zone *z, int64_t utc_seconds);
str temporal_zone_name(const time_zone *z);
void temporal_print_offset(int32_t offset_s, strbuf *out);

value temporal_duration(arena *a, int64_t months, int64_t days, __int128 nanos);

/* ---- Calendar ---- */

int64_t temporal_days_of(int64_t year, int month, int day);
void temporal_date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);
int temporal_month_days(int64_t year, int month);
/* Monday is 1. */
int temporal_weekday(int64_t days);
/* The Monday of week 1 of a week-based year (ISO 8601). */
int64_t temporal_week_year_start(int64_t year);
void temporal_week_of(int64_t days, int64_t *ret_week_year, int *ret_week);
/* The day of the month is cut to the month's last. */
int64_t temporal_add_months(int64_t days, int64_t months);

/* Order of two values of one temporal kind, of durations by their average length, of points. */
int temporal_compare(const value *a, const value *b);
uint64_t temporal_hash_number(const value *v);
