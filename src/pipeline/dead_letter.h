/* The table of rows that were kept out of a job's target, for an expectation or because they
 * cannot be read: <job>_dead_letters beside the job's target.
 */
#pragma once

#include "pipeline/run_internal.h"

/* Write the rows of `rows_sql` (columns file, row, line, expectation, reason, run, event_time,
 * record) as a data file `name`; nothing is committed. */
bool dead_letter_write(job *j, arena *a, str rows_sql, str name, file_vec *files, error *err);
/* After the run's own commit. A replay takes out what stood there before. */
bool dead_letter_commit(job *j, arena *a, const file_vec *files, str prefix, int64_t run,
                        bool is_replay, error *err);
/* What a crash left of run `run`. */
bool dead_letter_recover(job *j, arena *a, int64_t run, str prefix, bool is_committed, error *err);
/* A relation of all dead letters; empty: there are none. */
bool dead_letter_rows(job *j, arena *a, str *ret_sql, error *err);
