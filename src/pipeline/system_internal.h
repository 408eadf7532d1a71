/* What the files that fill system tables share. */
#pragma once

#include "base/vec.h"
#include "pipeline/system.h"

/* Cells of a table, row after row. */
typedef VEC(value) system_cells;

/* Every table of the home's catalogs that can be read. */
typedef bool (*system_visit)(void *context, arena *a, str catalog_name, const catalog_entry *e,
                             const iceberg_table *t, error *err);
bool system_each_table(home *h, arena *a, system_visit visit, void *context, error *err);

bool system_fill_views(home *h, arena *a, system_cells *cells, error *err);
bool system_fill_athena(home *h, arena *a, system_cells *cells, error *err);
bool system_fill_statistics(home *h, arena *a, system_cells *cells, error *err);
bool system_fill_top_values(home *h, arena *a, system_cells *cells, error *err);
bool system_fill_histograms(home *h, arena *a, system_cells *cells, error *err);
bool system_fill_lineage(home *h, arena *a, system_cells *cells, error *err);
