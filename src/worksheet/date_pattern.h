/* Date patterns of object paths: 'yyyy/MM/dd/HH/mm', '''year=''yyyy''/month=''MM''/day=''dd'.
 * Source: Java's SimpleDateFormat, the letters y M d H m s, quoted literals. */
#pragma once

#include "base/error.h"

/* Check the letters; fails naming the offending one. */
NODISCARD bool date_pattern_check(str pattern, error *err);
/* The first place in `path` at a folder's start where the pattern matches, as far as its folders go
 * (a path that stops at the day matches 'yyyy/MM/dd/HH/mm' down to the day). `*ret_us`: the time
 * found, UTC. False: nowhere. */
bool date_pattern_find(str pattern, str path, int64_t *ret_us);
