/* Honest synthetic flow logs: seeded, with the shape of real ones, AWS's key layout and planted
 * stories. */
#pragma once

#include "base/log.h"
#include "column/sql.h"

typedef struct flow_gen_options {
    uint64_t rows, seed;
    uint64_t addresses;     /* outside ones; 0: as many as suit the number of rows, to 60,000 */
    uint64_t rows_per_file; /* 0: 50,000 */
    str folder;             /* made when absent */
    bool is_text;           /* gzip text with a header line; else Parquet */
    int version;            /* 2: 14 columns; 3: 21; 5: 29 */
    int32_t start_day;      /* days since 1970-01-01 */
    str account, region;
    progress *progress; /* may be NULL */
} flow_gen_options;

/* The same options give the same rows. Files appear under their names when they are whole.
 * `*ret_stories`: what is planted, one line each, in `a`. */
NODISCARD bool flow_gen(sql_engine *e, arena *a, const flow_gen_options *options, str *ret_stories,
                        error *err);

/* The busiest sender, present in every data set. */
#define FLOW_GEN_SENDER "10.0.1.10"
