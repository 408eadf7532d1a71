/* Giving up work that nobody wants any more: one flag that a thread and those that help it look at
 * now and then. */
#pragma once

#include <stdatomic.h>

#include "base/error.h"

typedef _Atomic bool stop_flag;

/* From now on the calling thread works until `flag` is set; NULL: to the end. pool_each hands it on
 * to its threads. `flag` must outlive the work. */
void stop_follow(const stop_flag *flag);
const stop_flag *stop_followed(void);
/* ERR_CANCELLED once the flag is set. Asked where work may be long and may be left half done, never
 * within a commit. Costs one load. */
NODISCARD bool stop_check(error *err);
