/* What the columns of each table hold: kept up with what is added, snapshot by snapshot. */
#pragma once

#include "pipeline/home.h"

/* Read the rows that each table of the home gained since the last call and add them to its
 * statistics. Rows that were deleted or rewritten stay counted: these are statistics of what was
 * loaded. `should_stop` (may be NULL) is asked between tables. */
NODISCARD bool statistics_follow(home *h, sql_engine *engine, bool (*should_stop)(void *context),
                                 void *context, error *err);
/* What `engine` needs for it, once. */
NODISCARD bool statistics_register(sql_engine *engine, error *err);
