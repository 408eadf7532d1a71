/* What all kinds of catalogs share: names, the loop of an optimistic commit, dropping. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"
#include "catalog/internal.h"

/* Waits double from 1 ms to about 2 s, each with up to as much again at random: in sum about a
 * minute, which many writers on one table need. */
enum { MOST_COMMIT_TRIES = 40, LONGEST_WAIT_US = 2000000 };

void catalog_close(catalog *c)
{
    if (!c)
        return;
    if (c->kind->close)
        c->kind->close(c);
    arena_free(c->arena);
    free(c);
}

str catalog_name(const catalog *c)
{
    return c->name;
}

bool catalog_list(catalog *c, arena *a, catalog_entry **ret_entries, size_t *ret_count, error *err)
{
    return c->kind->list(c, a, ret_entries, ret_count, err);
}

static bool fail_no_table(catalog *c, arena *a, str namespace, str name, error *err)
{
    catalog_entry *entries;
    size_t count;
    strbuf there = strbuf_new(a);
    TRY(catalog_list(c, a, &entries, &count, err));
    for (size_t i = 0; i < count && i < 20; i++)
        strbuf_format(&there, "%s" STR_FMT "." STR_FMT,
                      i ? ", " : "; there are: ", STR_ARG(entries[i].namespace),
                      STR_ARG(entries[i].name));
    if (count == 0)
        strbuf_add_c(&there, "; it has no tables yet");
    return fail(err, ERR_NOT_FOUND, "catalog " STR_FMT " has no table " STR_FMT "." STR_FMT STR_FMT,
                STR_ARG(c->name), STR_ARG(namespace), STR_ARG(name), STR_ARG(strbuf_str(&there)));
}

bool catalog_load(catalog *c, arena *a, str namespace, str name, iceberg_table **ret_table,
                  error *err)
{
    bool is_found = false;
    TRY(c->kind->load(c, a, namespace, name, ret_table, &is_found, err));
    return is_found ? true : fail_no_table(c, a, namespace, name, err);
}

bool catalog_locate(catalog *c, arena *a, str namespace, str name, str *ret_metadata_uri,
                    error *err)
{
    bool is_found = false;
    iceberg_table *t;
    if (c->kind->locate) {
        TRY(c->kind->locate(c, a, namespace, name, ret_metadata_uri, &is_found, err));
        return is_found ? true : fail_no_table(c, a, namespace, name, err);
    }
    TRY(catalog_load(c, a, namespace, name, &t, err));
    *ret_metadata_uri = iceberg_table_metadata_uri(t);
    return true;
}

static bool is_plain_name(str s)
{
    return s.len > 0 && str_find_char(s, '/') < 0 && str_find_char(s, 0) < 0 &&
           !str_eq(s, STR("..")) && !str_eq(s, STR("."));
}

bool catalog_create(catalog *c, arena *a, str namespace, str name,
                    const iceberg_definition *definition, iceberg_table **ret_table, error *err)
{
    if (!is_plain_name(namespace) || !is_plain_name(name))
        return fail(err, ERR_INVALID, "'" STR_FMT "." STR_FMT "' cannot be the name of a table",
                    STR_ARG(namespace), STR_ARG(name));
    return c->kind->create(c, a, namespace, name, definition, ret_table, err);
}

static void wait_before(int try)
{
    uint64_t wait_us = try < 11 ? 1000ull <<
    try : LONGEST_WAIT_US, extra
        ;
    random_bytes(&extra, sizeof extra);
    usleep((useconds_t)(wait_us + extra % wait_us));
}

bool catalog_commit(catalog *c, arena *a, str namespace, str name, const iceberg_change *change,
                    iceberg_table **ret_table, error *err)
{
    for (int try = 0; try < MOST_COMMIT_TRIES; try++) {
        iceberg_table *base;
        iceberg_commit commit;
        bool is_swapped = false;
        AUTO(arena_free) arena *scratch = arena_new(); /* of a try that may be lost */
        TRY(catalog_load(c, scratch, namespace, name, &base, err));
        TRY(iceberg_commit_prepare(base, scratch, change, &commit, err));
        /* an error here may have come after the swap was made durable: the files must stay */
        TRY(c->kind->commit(c, scratch, namespace, name, &commit, ret_table, &is_swapped, err));
        if (is_swapped) {
            arena_adopt(a, TAKE(scratch));
            return true;
        }
        iceberg_commit_discard(&commit);
        wait_before(try);
    }
    return fail(err, ERR_CONFLICT,
                "committing to " STR_FMT "." STR_FMT ": others were faster %d times",
                STR_ARG(namespace), STR_ARG(name), MOST_COMMIT_TRIES);
}

typedef VEC(str) uri_list;

typedef struct purge {
    arena *arena;
    uri_list uris;
} purge;

static bool note_object(void *context, const store_object *object, error *err)
{
    purge *p = context;
    (void)err;
    vec_push(p->arena, &p->uris, str_copy(p->arena, object->uri));
    return true;
}

bool catalog_drop(catalog *c, str namespace, str name, bool delete_data, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    iceberg_table *t;
    purge p = { .arena = scratch };
    TRY(catalog_load(c, scratch, namespace, name, &t, err));
    TRY(c->kind->drop(c, namespace, name, err));
    if (!delete_data)
        return true;
    str location = iceberg_table_location(t), path = store_path_of_uri(location);
    if (path.data != location.data || str_starts_with(path, STR("/")))
        return folder_remove(str_to_c(scratch, path), err);
    TRY(store_list(iceberg_table_store(t), str_format(scratch, STR_FMT "/", STR_ARG(location)),
                   note_object, &p, err));
    return store_delete_many(iceberg_table_store(t), p.uris.items, p.uris.count, err);
}
