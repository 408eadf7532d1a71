/* Expectations of jobs: how many rows of a run each does not hold for. */
#pragma once

#include "pipeline/run_internal.h"

typedef struct expectation_counts {
    int64_t rows, dropped; /* of the run */
    int64_t *violations;   /* one for each expectation of the job */
} expectation_counts;

/* Add the rows of `query`, whose columns the predicates name. */
bool expectations_count(job *j, arena *a, str query, expectation_counts *counts, error *err);
/* Add a run's counts to the home's; kept when the expectation or the job is dropped. */
bool expectations_note(job *j, const expectation_counts *counts, error *err);
/* "NOT coalesce(p, false) OR …" of those that drop; empty when none does. */
str expectations_drop_sql(const job *j, arena *a);
