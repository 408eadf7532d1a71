/* Time: monotonic for durations, wall clock in UTC for records, and its text forms. */
#pragma once

#include "base/error.h"

uint64_t clock_monotonic_us(void);
int64_t clock_wall_us(void); /* microseconds since 1970-01-01 UTC */

/* "2024-04-18T03:00:00.123456Z", or without the fraction when it is zero. */
str clock_format_us(arena *a, int64_t wall_us);
/* Accepts "2024-04-18", "2024-04-18 03:00:00[.123456]", with 'T' and 'Z' optional. UTC. */
bool clock_parse_us(str text, int64_t *ret_wall_us);

/* Proleptic Gregorian calendar; days since 1970-01-01. */
int32_t clock_days_of(int year, int month, int day);
void clock_date_of(int32_t days, int *ret_year, int *ret_month, int *ret_day);
str clock_format_days(arena *a, int32_t days); /* "2024-04-18" */
