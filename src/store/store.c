/* Opening a store by scheme, and the forms of file URIs. */
#include "store/store.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/internal.h"

static const store_kind *const kinds[] = { &store_file_kind };

struct store {
    const store_kind *kind;
};

bool store_open(str uri, store **ret_store, error *err)
{
    ptrdiff_t colon = str_find(uri, STR("://"));
    str scheme = colon < 0 ? STR("file") : str_slice(uri, 0, (size_t)colon);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(scheme, str_of(kinds[i]->scheme))) {
            store *s = memory_alloc(sizeof *s);
            s->kind = kinds[i];
            *ret_store = s;
            return true;
        }
    return fail(err, ERR_INVALID,
                "'" STR_FMT "': objects of scheme '" STR_FMT
                "' cannot be reached by this version, which knows: file",
                STR_ARG(uri), STR_ARG(scheme));
}

void store_close(store *s)
{
    free(s);
}

bool store_list(store *s, str prefix_uri, store_visit visit, void *context, error *err)
{
    return s->kind->list(prefix_uri, visit, context, err);
}

bool store_stat(store *s, arena *a, str uri, store_object *ret_object, error *err)
{
    return s->kind->stat(a, uri, ret_object, err);
}

bool store_read(store *s, arena *a, str uri, str *ret_content, error *err)
{
    return s->kind->read(a, uri, ret_content, err);
}

bool store_read_range(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len, error *err)
{
    return s->kind->read_range(uri, offset, ret_bytes, len, err);
}

bool store_write(store *s, str uri, str content, error *err)
{
    return s->kind->write(uri, content, false, err);
}

bool store_write_new(store *s, str uri, str content, error *err)
{
    return s->kind->write(uri, content, true, err);
}

bool store_delete(store *s, str uri, error *err)
{
    return s->kind->delete (uri, err);
}

bool store_local_path(store *s, arena *a, str uri, str *ret_path, error *err)
{
    return s->kind->local_path(a, uri, ret_path, err);
}

str store_path_of_uri(str uri)
{
    if (str_starts_with(uri, STR("file://")))
        return str_slice(uri, 7, uri.len);
    if (str_starts_with(uri, STR("file:/")))
        return str_slice(uri, 5, uri.len);
    return uri;
}

str store_uri_of_path(arena *a, str path)
{
    char here[PATH_MAX];
    if (path.len && path.data[0] == '/')
        return str_format(a, "file://" STR_FMT, STR_ARG(path));
    if (!getcwd(here, sizeof here))
        here[0] = 0;
    while (str_starts_with(path, STR("./")))
        path = str_slice(path, 2, path.len);
    return str_format(a, "file://%s/" STR_FMT, here, STR_ARG(path));
}
