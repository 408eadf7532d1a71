/* What a kind of catalog can do; one static table for each, one file each. */
#pragma once

#include "base/arena.h"
#include "catalog/catalog.h"

/* The functions of catalog.h that differ. Names are checked and errors get their context in
 * catalog.c. All are thread-safe. */
typedef struct catalog_kind {
    const char *name; /* as messages say it: "embedded", "REST", "Glue" */
    bool (*list)(catalog *c, arena *a, catalog_entry **ret_entries, size_t *ret_count, error *err);
    /* `*ret_is_found` false: there is no such table, and no error. */
    bool (*load)(catalog *c, arena *a, str namespace, str name, iceberg_table **ret_table,
                 bool *ret_is_found, error *err);
    /* Text that changes with each commit, without reading more than needed; NULL: load does. */
    bool (*locate)(catalog *c, arena *a, str namespace, str name, str *ret_metadata_uri,
                   bool *ret_is_found, error *err);
    /* ERR_CONFLICT when it exists. */
    bool (*create)(catalog *c, arena *a, str namespace, str name,
                   const iceberg_definition *definition, iceberg_table **ret_table, error *err);
    /* Try to make `commit` (prepared on the table as it was loaded) current, once. Lost to another
     * writer: true with `*ret_is_swapped` false, and what was written will be discarded. An error
     * may mean that the outcome is not known: then the files stay. */
    bool (*commit)(catalog *c, arena *a, str namespace, str name, iceberg_commit *commit,
                   iceberg_table **ret_table, bool *ret_is_swapped, error *err);
    /* Forget the table. */
    bool (*drop)(catalog *c, str namespace, str name, error *err);
    void (*close)(catalog *c); /* what the kind added; NULL: nothing */
} catalog_kind;

/* The first member of each kind's own struct. */
struct catalog {
    const catalog_kind *kind;
    arena *arena; /* lifetime of the catalog */
    str name;
};
