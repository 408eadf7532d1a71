/* Functions that queries call by name and that neither plans nor their translation look into. */
#pragma once

#include "exec/internal.h"

typedef struct named_function {
    const char *name;
    int8_t least, most; /* arguments; most -1: any number */
    bool (*call)(query *q, const value *args, size_t count, value *ret, error *err);
    const char *gives; /* type of the result, for SHOW FUNCTIONS and checks */
    const char *what;  /* description */
} named_function;

/* -1: none. Upper and lower case are the same. */
int named_function_find(str name);
const named_function *named_function_at(size_t number); /* NULL: no more */

#define NAMED(name) bool name(query *q, const value *args, size_t count, value *ret, error *err)

/* named_text.c */
NAMED(named_to_integer);
NAMED(named_to_float);
NAMED(named_to_text);
NAMED(named_to_boolean);
NAMED(named_substring);
NAMED(named_left);
NAMED(named_right);
NAMED(named_replace);
NAMED(named_split);
NAMED(named_trim);
NAMED(named_left_trim);
NAMED(named_right_trim);
NAMED(named_lower);
NAMED(named_upper);
NAMED(named_reverse);
NAMED(named_matches);
NAMED(named_ip_version);
NAMED(named_ip_in_network);
NAMED(named_ip_network);

/* named_element.c */
NAMED(named_keys);
NAMED(named_labels);
NAMED(named_has_labels);
NAMED(named_type);
NAMED(named_properties);
NAMED(named_size);
NAMED(named_length);
NAMED(named_head);
NAMED(named_last);
NAMED(named_tail);
NAMED(named_range);
NAMED(named_slice);
NAMED(named_distinct);
NAMED(named_list_sum);
NAMED(named_list_mean);
NAMED(named_list_least);
NAMED(named_list_most);
NAMED(named_percentile_cont);
NAMED(named_percentile_disc);
NAMED(named_deviation);
NAMED(named_deviation_population);
NAMED(named_random);
NAMED(named_random_uuid);
NAMED(named_pi);
NAMED(named_e);
NAMED(named_degrees);
NAMED(named_radians);
NAMED(named_atan2);
NAMED(named_cot);
NAMED(named_haversin);
NAMED(named_round);
NAMED(named_is_nan);
NAMED(named_is_empty);
NAMED(named_map_projection);
NAMED(named_null_if);
NAMED(named_value_type);

/* What range() of these arguments counts out; `*ret_count` may be more than a list can hold. */
NODISCARD bool range_read(const value *args, size_t count, int64_t *ret_first, int64_t *ret_step,
                          uint64_t *ret_count, error *err);

/* named_temporal.c */
NAMED(named_date);
NAMED(named_local_time);
NAMED(named_time);
NAMED(named_local_datetime);
NAMED(named_datetime);
NAMED(named_duration);
NAMED(named_date_truncate);
NAMED(named_local_time_truncate);
NAMED(named_time_truncate);
NAMED(named_local_datetime_truncate);
NAMED(named_datetime_truncate);
NAMED(named_from_epoch);
NAMED(named_from_epoch_millis);
NAMED(named_between);
NAMED(named_in_months);
NAMED(named_in_days);
NAMED(named_in_seconds);
NAMED(named_timestamp);
NAMED(named_point);
NAMED(named_distance);
NAMED(named_within_box);
