/* Jobs: what a worksheet's CREATE JOB made, and one run of it. */
#pragma once

#include "pipeline/home.h"
#include "pipeline/state.h"
#include "worksheet/worksheet.h"

/* Limits of one run; 0 takes the default. */
typedef struct job_limits {
    size_t most_files;   /* default 4,000 */
    uint64_t most_bytes; /* of input; default 1 GiB */
    bool is_look_only;   /* it will not run: nobody else is kept from running it */
} job_limits;

/* A job ready to run in this process. Keeps what makes the next run cheap (what is loaded, key
 * indexes). Not thread-safe. */
typedef struct job job;

/* Takes the right to run the job (see home_lock_job): ERR_CONFLICT when another process has it.
 * `record` is copied. Fails when its text does not parse or its connection is gone. */
NODISCARD bool job_open(home *h, const state_job *record, const job_limits *limits, job **ret_job,
                        error *err);
void job_close(job *j);
DEFINE_AUTO(job, job_close)

typedef struct job_progress {
    bool did_work; /* a run was committed, or objects were found bad */
    int64_t rows, objects;
    size_t bad_objects;
    int64_t bad_lines; /* put to the dead letters */
    bool has_more;     /* the limits left work for another run at once */
} job_progress;

/* Finish what a crash left (a run whose commit stands in the table is marked done, any other is
 * forgotten and its files deleted), then do one run of what is new. `did_work` false: there was
 * nothing. */
NODISCARD bool job_run(job *j, job_progress *ret, error *err);
/* What it was made from. */
const state_job *job_record(const job *j);
const statement *job_statement(const job *j);
/* How long from one run to the next: COMMIT_INTERVAL or RUN_INTERVAL, else `otherwise`. */
int64_t job_interval_us(const job *j, int64_t otherwise);
