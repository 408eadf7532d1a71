/* The system catalogs: what the home has and does, as tables that SQL reads:
 * system.information_schema.*, system.monitoring.*, logs.tasks.task_executions. */
#pragma once

#include "column/rows.h"
#include "pipeline/home.h"

/* Make the system catalogs known to an engine of the home. Once an engine. */
NODISCARD bool system_register(home *h, sql_engine *e, error *err);
/* The rows of one system table, e.g. "monitoring.jobs", as they are now. ERR_NOT_FOUND for others.
 */
NODISCARD bool system_rows(home *h, arena *a, str table, sql_rows *ret, error *err);
/* Prometheus' text format, version 0.0.4: counters and gauges of every job. */
NODISCARD bool system_metrics(home *h, strbuf *out, error *err);

/* A row of system.monitoring.lineage. */
typedef struct system_lineage_line {
    str job, kind, source, source_column, target, target_column, expression;
} system_lineage_line;
/* What a folder above knows of lineage: the labels that a graph makes of columns. Rows in `a`. */
typedef bool (*system_lineage)(home *h, arena *a, const system_lineage_line **ret,
                               size_t *ret_count, error *err);
/* Once a process, at start. */
void system_set_lineage(system_lineage more);
