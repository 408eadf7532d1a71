/* Lines for the person who runs Floe, on stderr. Called by `cli/` and `server/` only: libraries
 * return errors. */
#pragma once

#include "base/str.h"

void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *format, ...) PRINTF_LIKE(1, 2);

/* Progress of something long: a bar on a terminal, a plain line every few seconds elsewhere.
 * Thread-safe. */
typedef struct progress progress;

progress *progress_start(const char *what, const char *unit);     /* "loading", "rows" */
void progress_update(progress *p, uint64_t done, uint64_t total); /* total 0: not known */
void progress_end(progress *p);                                   /* NULL is fine; clears the bar */
void progress_set_quiet(bool quiet);                              /* --quiet */
