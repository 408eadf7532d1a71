/* Date patterns of object paths: 'yyyy/MM/dd/HH/mm', '''year=''yyyy''/month=''MM''/day=''dd'.
 * Source: Java's SimpleDateFormat, the letters y M d H m s, quoted literals. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* Check the letters; fails naming the offending one. */
NODISCARD bool date_pattern_check(str pattern, error *err);
/* The first place in `path` at a folder's start where the pattern matches, as far as its folders go
 * (a path that stops at the day matches 'yyyy/MM/dd/HH/mm' down to the day). `*ret_us`: the time
 * found, UTC. False: nowhere. */
bool date_pattern_find(str pattern, str path, int64_t *ret_us);
/* The same, and where in `path` the match begins. */
bool date_pattern_find_at(str pattern, str path, int64_t *ret_us, size_t *ret_at);
/* The folders of a day, with '/' at the end: as many of the pattern's folders as the day fills
 * ("2024/04/18/" of 'yyyy/MM/dd/HH'). Empty when the first folder needs more than the day. */
str date_pattern_folder(arena *a, str pattern, int32_t days);
