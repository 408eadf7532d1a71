/* Objects by URI: list, read, write, delete. Local files and S3. */
#pragma once

#include "base/error.h"

/* Places that objects live in. Thread-safe. One store serves all schemes:
 * "file:///absolute/path" (also a plain absolute path), "s3://bucket/key" (also s3a:, s3n:). */
typedef struct store store;

typedef struct store_object {
    str uri; /* whole */
    uint64_t size_bytes;
    int64_t modified_us; /* wall clock, UTC */
    str etag; /* changes whenever the content does; for files: size, modification time and inode */
} store_object;

/* A setting of a place, named as Iceberg names it ("s3.endpoint", "s3.access-key-id", …; all of
 * them: docs/s3.md). */
typedef struct store_option {
    str key, value;
} store_option;

/* Called for each object in name order; the object is valid during the call. Return false to stop
 * with its error. */
typedef bool (*store_visit)(void *context, const store_object *object, error *err);

/* A store for `uri`, with no settings but the environment's. ERR_INVALID for an unknown scheme
 * (names those that are known). */
NODISCARD bool store_open(str uri, store **ret_store, error *err);
/* The same for any place; copies of remote objects are kept in `spool_folder` (made on first use,
 * shared between processes) and evicted, the longest unused first, beyond `spool_bytes` (0: 8 GiB).
 */
NODISCARD bool store_open_spooled(str spool_folder, uint64_t spool_bytes, store **ret_store,
                                  error *err);
void store_close(store *s);
DEFINE_AUTO(store, store_close)

/* Settings for all URIs that start with `prefix_uri`; the longest prefix counts. Replaces the
 * settings of the same prefix. ERR_INVALID names an option whose value cannot be. */
NODISCARD bool store_set_options(store *s, str prefix_uri, const store_option *options,
                                 size_t count, error *err);

/* All objects below `prefix_uri` (ending in '/' or not), recursively. ERR_NOT_FOUND when the folder
 * is missing. Hidden names (starting with '.' or '_') and names ending in ".tmp" are passed over.
 */
NODISCARD bool store_list(store *s, str prefix_uri, store_visit visit, void *context, error *err);
/* The same below several prefixes, listed at the same time: one call of `visit` at a time, each
 * prefix in name order, the prefixes in any order. A prefix that is missing has no objects. */
NODISCARD bool store_list_many(store *s, const str *prefix_uris, size_t count, store_visit visit,
                               void *context, error *err);
/* The folders directly in `folder_uri`, each with '/' at the end, as objects without size. */
NODISCARD bool store_list_folders(store *s, str folder_uri, store_visit visit, void *context,
                                  error *err);
NODISCARD bool store_stat(store *s, arena *a, str uri, store_object *ret_object, error *err);
NODISCARD bool store_read(store *s, arena *a, str uri, str *ret_content, error *err);
/* ERR_CORRUPT when the object ends before. */
NODISCARD bool store_read_range(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len,
                                error *err);
/* Durable and all or nothing. `store_write_new` fails with ERR_CONFLICT when the object exists. */
NODISCARD bool store_write(store *s, str uri, str content, error *err);
NODISCARD bool store_write_new(store *s, str uri, str content, error *err);
NODISCARD bool store_delete(store *s, str uri, error *err); /* fine when absent */
NODISCARD bool store_delete_many(store *s, const str *uris, size_t count, error *err);

/* ---- Local copies: what DuckDB reads and writes ---- */

/* The local path of an object that never changes once written (a table's files): of a file URI its
 * path, of others a copy. A copy stays for at least ten minutes. In `a` or borrowed from `uri`. */
NODISCARD bool store_local_path(store *s, arena *a, str uri, str *ret_path, error *err);
/* The same for the version of an object that a listing gave. ERR_CONFLICT when it is another by
 * now, ERR_NOT_FOUND when it is gone. */
NODISCARD bool store_local_copy(store *s, arena *a, const store_object *object, str *ret_path,
                                error *err);
/* Copy many at the same time, so that store_local_path finds them. Files: nothing to do. */
NODISCARD bool store_prefetch(store *s, const str *uris, size_t count, error *err);
NODISCARD bool store_prefetch_objects(store *s, const store_object *objects, size_t count,
                                      error *err);
/* The copy is not needed any more (no error when there is none). Files stay, of course. */
void store_local_forget(store *s, const store_object *object);
/* Where to write a file that is to become the object `uri`, and its way there: durable when the
 * call returns. A path that is not published is the caller's to unlink. */
NODISCARD bool store_local_target(store *s, arena *a, str uri, str *ret_path, error *err);
NODISCARD bool store_publish(store *s, str uri, str path, error *err);

/* Whether the URI is of a local file. */
bool store_is_local(str uri);
/* "file:///a/b" of "/a/b" or "a/b" (made absolute). */
str store_uri_of_path(arena *a, str path);
/* The path of a file URI or plain path; the URI itself when it has another scheme. */
str store_path_of_uri(str uri);
