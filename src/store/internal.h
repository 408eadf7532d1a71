/* What a scheme's store can do (one static table for each), and what stores share. */
#pragma once

#include "base/arena.h"
#include "store/store.h"

/* The functions of store.h, for one scheme. */
typedef struct store_kind {
    const char *schemes[3];
    bool (*list)(store *s, str prefix_uri, store_visit visit, void *context, error *err);
    bool (*list_folders)(store *s, str uri, store_visit visit, void *context, error *err);
    bool (*stat)(store *s, arena *a, str uri, store_object *ret_object, error *err);
    bool (*read)(store *s, arena *a, str uri, str *ret_content, error *err);
    bool (*read_range)(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len, error *err);
    bool (*write)(store *s, str uri, str content, bool must_be_new, error *err);
    bool (*delete)(store *s, str uri, error *err);
    bool (*delete_many)(store *s, const str *uris, size_t count, error *err);
    /* `etag` empty: the object never changes */
    bool (*local_path)(store *s, arena *a, str uri, str etag, str *ret_path, error *err);
    void (*local_forget)(store *s, str uri, str etag);
    bool (*local_target)(store *s, arena *a, str uri, str *ret_path, error *err);
    bool (*publish)(store *s, str uri, str path, error *err);
} store_kind;

extern const store_kind store_file_kind, store_s3_kind;

/* The client for `uri` by the longest prefix that has settings; the caller unrefs it. */
typedef struct s3_client s3_client;
NODISCARD bool store_s3_client(store *s, str uri, s3_client **ret_client, error *err);
/* The folder of copies, made on first use. */
typedef struct spool spool;
NODISCARD bool store_spool(store *s, spool **ret_spool, error *err);

/* Whether `uri` is the folder or file `prefix`, or lies below it. */
bool store_is_below(str uri, str prefix);
/* Names that listings pass over, in any part of the path `below` a prefix. */
bool store_is_hidden(str below);

/* Run `work` for each of `count` pieces on up to `threads` threads; the first error is passed on.
 */
typedef bool (*store_piece)(void *context, size_t i, error *err);
NODISCARD bool store_each(size_t count, size_t threads, store_piece work, void *context,
                          error *err);
