/* Which metadata file of a table is the current one. One interface, one file for each kind of
 * catalog. */
#pragma once

#include "iceberg/table.h"

/* Thread-safe. Tables are named by namespace (levels joined by '.') and name. */
typedef struct catalog catalog;

/* The catalog in a home's own database, with the tables of Iceberg's JDBC catalog (schema version
 * V1), so that pyiceberg's SqlCatalog and Iceberg's JdbcCatalog open it as it is. Made when absent.
 * New tables live under `warehouse_uri`. */
NODISCARD bool catalog_open_embedded(str database_path, str name, str warehouse_uri,
                                     catalog **ret_catalog, error *err);
/* The same over a store that others use as well (borrowed; it must outlive the catalog). */
NODISCARD bool catalog_open_embedded_on(store *s, str database_path, str name, str warehouse_uri,
                                        catalog **ret_catalog, error *err);

/* A catalog that a service keeps. */
typedef struct catalog_remote {
    str name;
    store *store; /* of tables' files; borrowed, outlives the catalog */
    /* Settings of the catalog, named as Iceberg names them (docs/catalogs.md), and those of the
     * store of its tables where the service gives none. Copied. */
    const store_option *options;
    size_t option_count;
    const store_option *storage_options;
    size_t storage_count;
} catalog_remote;

/* An Iceberg REST catalog (its configuration is asked for on first use), AWS Glue. */
NODISCARD bool catalog_open_rest(const catalog_remote *r, catalog **ret_catalog, error *err);
NODISCARD bool catalog_open_glue(const catalog_remote *r, catalog **ret_catalog, error *err);
void catalog_close(catalog *c);
DEFINE_AUTO(catalog, catalog_close)
str catalog_name(const catalog *c);

typedef struct catalog_entry {
    str namespace, name;
} catalog_entry;

NODISCARD bool catalog_list(catalog *c, arena *a, catalog_entry **ret_entries, size_t *ret_count,
                            error *err);
/* ERR_NOT_FOUND names the table and the near misses. */
NODISCARD bool catalog_load(catalog *c, arena *a, str namespace, str name,
                            iceberg_table **ret_table, error *err);
/* URI of the table's current metadata file: whether anything has changed, without reading it. */
NODISCARD bool catalog_locate(catalog *c, arena *a, str namespace, str name, str *ret_metadata_uri,
                              error *err);
/* Makes the namespace when it is absent. `definition->location` empty:
 * <warehouse>/<namespace>/<name>. ERR_CONFLICT when the table exists. */
NODISCARD bool catalog_create(catalog *c, arena *a, str namespace, str name,
                              const iceberg_definition *definition, iceberg_table **ret_table,
                              error *err);
/* Optimistic commit: prepare, make current, and on a lost race load again, re-check that the change
 * still holds (ERR_CONFLICT when it does not: work it out again) and repeat with back-off.
 * `*ret_table` is the table after the change. */
NODISCARD bool catalog_commit(catalog *c, arena *a, str namespace, str name,
                              const iceberg_change *change, iceberg_table **ret_table, error *err);
/* Forget the table; with `delete_data` its files are deleted as well. */
NODISCARD bool catalog_drop(catalog *c, str namespace, str name, bool delete_data, error *err);
