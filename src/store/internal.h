/* What a scheme's store can do. One static table for each. */
#pragma once

#include "base/arena.h"
#include "store/store.h"

typedef struct store_kind {
    const char *scheme;
    bool (*list)(str prefix_uri, store_visit visit, void *context, error *err);
    bool (*stat)(arena *a, str uri, store_object *ret_object, error *err);
    bool (*read)(arena *a, str uri, str *ret_content, error *err);
    bool (*read_range)(str uri, uint64_t offset, void *ret_bytes, size_t len, error *err);
    bool (*write)(str uri, str content, bool must_be_new, error *err);
    bool (*delete)(str uri, error *err);
    bool (*local_path)(arena *a, str uri, str *ret_path, error *err);
} store_kind;

extern const store_kind store_file_kind;
