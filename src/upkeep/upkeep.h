/* Keeping tables healthy: small files together, deletes resolved, old snapshots, rows and garbage
 * gone, manifests few. Safe beside writers: each step is an ordinary commit, worked out again when
 * others were faster. */
#pragma once

#include "catalog/catalog.h"
#include "column/sql.h"

typedef struct upkeep_options {
    /* what to do; in this order */
    bool retains, compacts, rewrites_manifests, expires, removes_orphans;
    bool is_dry_run; /* of orphan removal and expiry: count, delete nothing */
    int64_t
        target_bytes; /* of data files; 0: the table's write.target-file-size-bytes, else 128 MiB */
    int64_t least_files;     /* small files of a partition worth a rewrite; 0: 5 */
    int64_t snapshot_age_s;  /* expire older ones; 0: history.expire.max-snapshot-age-ms, else 5
                                days; -1: any */
    int64_t least_snapshots; /* of main to keep; 0: history.expire.min-snapshots-to-keep, else 1 */
    int64_t orphan_age_s;    /* leave younger files alone; 0: 3 days; -1: any age */
    int64_t retention_days;  /* 0: the property floe.retention.days, else nothing is too old */
    str retention_column;    /* empty: floe.retention.column, else the first partition's source */
    str sort_columns;        /* "a, b"; "none"; empty: the table's order, else by source address */
    /* Snapshots that somebody still needs, and everything newer than them. */
    const int64_t *needed_snapshots;
    size_t needed_count;
    sql_connection *connection;     /* to work on, so that it can be interrupted; NULL: its own */
    const _Atomic bool *is_stopped; /* asked between commits; NULL: never */
} upkeep_options;

/* How a table stands; what a planner has to read is manifests and their bytes. */
typedef struct upkeep_figures {
    int64_t files, bytes, rows, delete_files, deleted_rows, manifests, manifest_bytes, snapshots;
    int64_t plan_us; /* one planning of a full scan, measured */
} upkeep_figures;

typedef struct upkeep_report {
    upkeep_figures before, after;
    int64_t files_rewritten, bytes_rewritten, snapshots_expired, files_deleted, bytes_deleted,
        rows_retired, conflicts;
} upkeep_report;

NODISCARD bool upkeep_figures_of(const iceberg_table *t, upkeep_figures *ret, error *err);
/* Do what the options say; `*ret_report` says what changed, as far as it came. */
NODISCARD bool upkeep_run(catalog *c, sql_engine *e, str namespace, str name,
                          const upkeep_options *options, upkeep_report *ret_report, error *err);
/* Snapshots that jobs of the catalog's tables have yet to read on from; they must not expire. */
NODISCARD bool upkeep_needed_snapshots(catalog *c, arena *a, int64_t **ret_ids, size_t *ret_count,
                                       error *err);

/* One fault that upkeep_check found. */
typedef void (*upkeep_fault)(void *context, str fault);
typedef struct upkeep_proof {
    int64_t files, rows, delete_files, deleted_rows, bounds, faults;
} upkeep_proof;
/* Prove the current snapshot: every file is there with the recorded size and row count, every bound
 * holds, no live position is deleted twice or lies beyond its file, totals add up. */
NODISCARD bool upkeep_check(catalog *c, sql_engine *e, str namespace, str name, upkeep_fault fault,
                            void *context, upkeep_proof *ret_proof, error *err);
