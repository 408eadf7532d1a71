/* Running worksheets and jobs from the command line. */
#pragma once

#include "pipeline/job.h"

/* Carry out a worksheet file; with `until_caught_up` the home's jobs as well. What happens is
 * logged. */
NODISCARD bool run_worksheet(home *h, const char *path, bool until_caught_up,
                             const job_limits *limits, error *err);
/* All jobs of the home that are not paused, in turn, as long as one of them finds work. A job that
 * fails does not stop the others; its error, or the files that could not be loaded, is the result.
 */
NODISCARD bool jobs_catch_up(home *h, const job_limits *limits, error *err);
