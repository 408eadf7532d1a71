/* A home folder, opened: its state, catalogs, SQL engine and places. Everything a command or server
 * works on. */
#pragma once

#include "catalog/catalog.h"
#include "column/sql.h"

typedef struct secret_key secret_key;

typedef struct state state;
typedef struct home home;

typedef struct home_options {
    str path;            /* made when absent */
    int threads;         /* 0: as many as processors */
    size_t memory_bytes; /* of the SQL engine; 0: FLOE_SQL_MEMORY (MiB), else 1 GiB */
} home_options;

/* Layout: state.db (ledger and embedded catalog), warehouse/, cache/, tmp/. */
NODISCARD bool home_open(const home_options *options, home **ret_home, error *err);
void home_close(home *h);
DEFINE_AUTO(home, home_close)

str home_path(const home *h); /* absolute */
str home_cache_folder(const home *h);
state *home_state(home *h);
/* The engine starts on first use: commands that only look at metadata do without it. */
NODISCARD bool home_engine(home *h, sql_engine **ret_engine, error *err);
/* Another engine with half the memory, for what goes on in the background: the caller's to close.
 * It knows the functions of Iceberg and of statistics, not the system tables. */
NODISCARD bool home_second_engine(home *h, sql_engine **ret_engine, error *err);
/* The catalog with this name. The embedded one is called default_glue_catalog and exists from the
 * start. */
NODISCARD bool home_catalog(home *h, str name, catalog **ret_catalog, error *err);
/* A catalog that stands in no connection: opened by `open` when none is kept under `key` yet. */
NODISCARD bool home_described_catalog(home *h, str key,
                                      bool (*open)(void *context, catalog **ret_catalog,
                                                   error *err),
                                      void *context, catalog **ret_catalog, error *err);
/* The store of all places, with the settings of the connections that serve them. */
store *home_store(home *h);
/* The key that seals secrets: secrets.key, made on first use. */
NODISCARD bool home_secret_key(home *h, secret_key *ret_key, error *err);
/* A connection is gone: its catalog is opened anew when it is named again. */
void home_forget_catalog(home *h, str name);
/* The embedded catalog itself. */
catalog *home_embedded_catalog(home *h);

/* The right to run job `job_id`: one holder at a time among all processes that share the home. It
 * ends with home_unlock_job or with the process, however that ends. ERR_CONFLICT names the holder's
 * process id. */
NODISCARD bool home_lock_job(home *h, int64_t job_id, str job_name, int *ret_lock, error *err);
void home_unlock_job(int lock);

#define HOME_CATALOG "default_glue_catalog"
