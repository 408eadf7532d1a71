/* Tables of an Iceberg REST catalog. Source: rest-catalog-open-api.yaml ("LoadTableResult",
 * "CreateTableRequest", "CommitTableRequest", "StorageCredential"). */
#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"
#include "catalog/internal.h"
#include "catalog/rest_session.h"
#include "store/credentials.h"
#include "store/http.h"

enum { DEEPEST_NAMESPACE = 8, MOST_PAGES = 10000, MOST_CHECKS = 8 };

typedef struct rest_catalog {
    catalog base;
    rest_session *session;
    store *store;
    const store_option *storage_options;
    size_t storage_count;
} rest_catalog;

/* ---- Paths ---- */

/* Levels are joined by the unit separator, 0x1F. */
static void add_namespace(strbuf *b, str namespace)
{
    for (bool is_first = true; namespace.len; is_first = false) {
        if (!is_first)
            strbuf_add_c(b, "%1F");
        http_escape(b, str_cut(&namespace, '.'), false);
    }
}

static str table_path(arena *a, str namespace, str name)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, "namespaces/");
    add_namespace(&b, namespace);
    strbuf_add_c(&b, "/tables");
    if (name.len) {
        strbuf_add_char(&b, '/');
        http_escape(&b, name, false);
    }
    return strbuf_str(&b);
}

static str joined_levels(arena *a, const json_t *levels)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < json_array_size(levels); i++) {
        const json_t *level = json_array_get(levels, i);
        strbuf_format(&b, "%s" STR_FMT, i ? "." : "",
                      STR_ARG(json_is_string(level) ? json_str(level) : STR("")));
    }
    return strbuf_str(&b);
}

/* ---- Listing ---- */

typedef struct listing {
    rest_catalog *catalog;
    arena *arena;
    VEC(catalog_entry) entries;
} listing;

typedef bool (*take_page)(listing *l, const json_t *page, int depth, error *err);

/* All pages of a listing. `query` is what the path's query starts with ("?…" or ""). */
static bool each_page(listing *l, str path, int depth, take_page take, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str token = STR("");
    for (int i = 0; i < MOST_PAGES; i++) {
        AUTO(json_release) json_t *page = NULL;
        rest_answer answer;
        strbuf b = strbuf_new(a);
        strbuf_add(&b, path);
        if (token.len) {
            strbuf_format(&b, "%spageToken=", str_find_char(path, '?') < 0 ? "?" : "&");
            http_escape(&b, token, false);
        }
        rest_call c = { .method = "GET", .path = strbuf_str(&b) };
        TRY(rest_session_call(l->catalog->session, &c, a, &page, &answer, err));
        TRY(take(l, page, depth, err));
        token = str_copy(a, json_text_or(page, "next-page-token", STR("")));
        if (token.len == 0)
            return true;
    }
    return fail(err, ERR_LIMIT, "catalog " STR_FMT ": a listing has more than %d pages",
                STR_ARG(l->catalog->base.name), MOST_PAGES);
}

static bool take_tables(listing *l, const json_t *page, int depth, error *err)
{
    (void)depth;
    (void)err;
    const json_t *list = json_object_get(page, "identifiers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        vec_push(l->arena, &l->entries,
                 (catalog_entry){ joined_levels(l->arena, json_object_get(id, "namespace")),
                                  str_copy(l->arena, json_text_or(id, "name", STR(""))) });
    }
    return true;
}

static bool is_gone(error *err)
{
    if (err->code != ERR_NOT_FOUND)
        return false;
    error_clear(err);
    return true;
}

static bool take_namespaces(listing *l, const json_t *page, int depth, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    const json_t *list = json_object_get(page, "namespaces");
    for (size_t i = 0; i < json_array_size(list); i++) {
        str namespace = joined_levels(a, json_array_get(list, i));
        strbuf below = strbuf_new(a);
        if (!each_page(l, table_path(a, namespace, STR("")), depth, take_tables, err) &&
            !is_gone(err))
            return false;
        strbuf_add_c(&below, "namespaces?parent=");
        add_namespace(&below, namespace);
        if (depth < DEEPEST_NAMESPACE &&
            !each_page(l, strbuf_str(&below), depth + 1, take_namespaces, err) && !is_gone(err) &&
            err->code != ERR_INVALID)
            return false;
        error_clear(err); /* a server without nested namespaces refuses the question */
    }
    return true;
}

static bool list(catalog *base, arena *a, catalog_entry **ret_entries, size_t *ret_count,
                 error *err)
{
    listing l = { .catalog = (rest_catalog *)base, .arena = a };
    TRY(each_page(&l, STR("namespaces"), 0, take_namespaces, err));
    *ret_entries = l.entries.items;
    *ret_count = l.entries.count;
    return true;
}

/* ---- Storage of a table ---- */

typedef VEC(store_option) settings;

static void add_config(arena *a, const json_t *config, settings *ret)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)config, key, value)
    {
        str k = str_of(key);
        if (json_is_string(value) &&
            (str_starts_with(k, STR("s3.")) || str_starts_with(k, STR("client."))))
            vec_push(a, ret, (store_option){ str_copy(a, k), str_copy(a, json_str(value)) });
    }
}

static bool serve(rest_catalog *c, arena *a, const settings *common, const json_t *credential,
                  str prefix, error *err)
{
    settings all = { 0 };
    for (size_t i = 0; i < common->count; i++)
        vec_push(a, &all, common->items[i]);
    add_config(a, json_object_get(credential, "config"), &all);
    return all.count == 0 || store_set_options(c->store, prefix, all.items, all.count, err);
}

/* Keys and settings that the catalog gives for the table's files, on top of the connection's own.
 * Of several credentials the one with the longest prefix counts; those for other places than the
 * table's own are kept for these. */
static bool serve_storage(rest_catalog *c, arena *a, const json_t *loaded, error *err)
{
    const json_t *credentials = json_object_get(loaded, "storage-credentials"), *best = NULL;
    str location = json_text_or(json_object_get(loaded, "metadata"), "location", STR(""));
    size_t best_len = 0;
    settings common = { 0 };
    for (size_t i = 0; i < c->storage_count; i++)
        vec_push(a, &common, c->storage_options[i]);
    add_config(a, json_object_get(loaded, "config"), &common);
    for (size_t i = 0; i < json_array_size(credentials); i++) {
        const json_t *one = json_array_get(credentials, i);
        str prefix = json_text_or(one, "prefix", STR(""));
        if (str_starts_with(location, prefix) && prefix.len >= best_len) {
            best = one;
            best_len = prefix.len;
        } else if (str_starts_with(prefix, STR("s3://"))) {
            TRY(serve(c, a, &common, one, prefix, err));
        }
    }
    return location.len == 0 || store_is_local(location) ||
           serve(c, a, &common, best, location, err);
}

/* ---- Tables ---- */

static str full_name(arena *a, str namespace, str name)
{
    return str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
}

/* A LoadTableResult, or a CommitTableResponse, as a table. */
static bool table_of(rest_catalog *c, arena *a, str namespace, str name, const json_t *loaded,
                     iceberg_table **ret, error *err)
{
    const json_t *metadata = json_object_get(loaded, "metadata");
    str full = full_name(a, namespace, name);
    if (!json_is_object(metadata))
        return fail(err, ERR_CORRUPT,
                    "catalog " STR_FMT ": table " STR_FMT " came without metadata",
                    STR_ARG(c->base.name), STR_ARG(full));
    str uri = json_text_or(loaded, "metadata-location", STR("the catalog's answer"));
    char *text = json_dumps(metadata, JSON_COMPACT);
    bool works = iceberg_table_of_text(c->store, a, full, uri, str_of(text), ret, err);
    free(text);
    return works;
}

static bool load(catalog *base, arena *a, str namespace, str name, iceberg_table **ret_table,
                 bool *ret_is_found, error *err)
{
    rest_catalog *c = (rest_catalog *)base;
    AUTO(json_release) json_t *loaded = NULL;
    rest_answer answer;
    rest_call call = { .method = "GET",
                       .path = table_path(a, namespace, name),
                       .wants_storage_keys = c->storage_count == 0 };
    *ret_is_found = false;
    if (!rest_session_call(c->session, &call, a, &loaded, &answer, err))
        return is_gone(err);
    TRY(serve_storage(c, a, loaded, err));
    *ret_is_found = true;
    return table_of(c, a, namespace, name, loaded, ret_table, err);
}

static bool make_namespace(rest_catalog *c, arena *a, str namespace, error *err)
{
    for (size_t end = 0; end <= namespace.len; end++) {
        if (end < namespace.len && namespace.data[end] != '.')
            continue;
        AUTO(json_release) json_t *made = NULL;
        rest_answer answer;
        strbuf b = strbuf_new(a);
        json_writer w = json_writer_new(&b);
        str levels = str_slice(namespace, 0, end);
        json_put_object_begin(&w);
        json_put_key(&w, STR("namespace"));
        json_put_array_begin(&w);
        while (levels.len)
            json_put_text(&w, str_cut(&levels, '.'));
        json_put_array_done(&w);
        json_put_key(&w, STR("properties"));
        json_put_object_begin(&w);
        json_put_object_done(&w);
        json_put_object_done(&w);
        rest_call call = { .method = "POST", .path = STR("namespaces"), .body = strbuf_str(&b) };
        if (rest_session_call(c->session, &call, a, &made, &answer, err))
            continue;
        if (err->code != ERR_CONFLICT)
            return false;
        error_clear(err); /* it is there already */
    }
    return true;
}

static str create_body(arena *a, str name, const iceberg_definition *d)
{
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    bool has_version = false;
    json_put_object_begin(&w);
    json_put_key(&w, STR("name"));
    json_put_text(&w, name);
    if (d->location.len) {
        json_put_key(&w, STR("location"));
        json_put_text(&w, d->location);
    }
    json_put_key(&w, STR("schema"));
    json_put_raw(&w, iceberg_schema_json(a, d->schema));
    json_put_key(&w, STR("partition-spec"));
    json_put_raw(&w, iceberg_spec_json(a, d->spec));
    json_put_key(&w, STR("stage-create"));
    json_put_bool(&w, false);
    json_put_key(&w, STR("properties"));
    json_put_object_begin(&w);
    for (size_t i = 0; i < d->property_count; i++) {
        has_version |= str_eq(d->property_keys[i], STR("format-version"));
        json_put_key(&w, d->property_keys[i]);
        json_put_text(&w, d->property_values[i]);
    }
    if (!has_version) {
        json_put_key(&w, STR("format-version"));
        json_put_text(&w, d->format_version == 3 ? STR("3") : STR("2"));
    }
    json_put_object_done(&w);
    json_put_object_done(&w);
    return strbuf_str(&b);
}

static bool create(catalog *base, arena *a, str namespace, str name,
                   const iceberg_definition *definition, iceberg_table **ret_table, error *err)
{
    rest_catalog *c = (rest_catalog *)base;
    AUTO(json_release) json_t *made = NULL;
    rest_answer answer;
    rest_call call = { .method = "POST",
                       .path = table_path(a, namespace, STR("")),
                       .body = create_body(a, name, definition),
                       .wants_storage_keys = c->storage_count == 0 };
    if (!rest_session_call(c->session, &call, a, &made, &answer, err)) {
        if (err->code != ERR_NOT_FOUND) /* the namespace is not there yet */
            return false;
        error_clear(err);
        TRY(make_namespace(c, a, namespace, err));
        TRY(rest_session_call(c->session, &call, a, &made, &answer, err));
    }
    TRY(serve_storage(c, a, made, err));
    return table_of(c, a, namespace, name, made, ret_table, err);
}

/* ---- Commits ---- */

static str commit_body(arena *a, str namespace, str name, const iceberg_commit *commit)
{
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    json_put_object_begin(&w);
    json_put_key(&w, STR("identifier"));
    json_put_object_begin(&w);
    json_put_key(&w, STR("namespace"));
    json_put_array_begin(&w);
    while (namespace.len)
        json_put_text(&w, str_cut(&namespace, '.'));
    json_put_array_done(&w);
    json_put_key(&w, STR("name"));
    json_put_text(&w, name);
    json_put_object_done(&w);
    json_put_key(&w, STR("requirements"));
    json_put_raw(&w, commit->requirements);
    json_put_key(&w, STR("updates"));
    json_put_raw(&w, commit->updates);
    json_put_object_done(&w);
    return strbuf_str(&b);
}

/* The id of the snapshot that the commit adds; -1: it adds none. */
static int64_t snapshot_of(const iceberg_commit *commit)
{
    AUTO(json_release) json_t *updates = NULL;
    error ignored = { 0 };
    if (!json_parse(commit->updates, STR("updates"), &updates, &ignored))
        return -1;
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const json_t *u = json_array_get(updates, i);
        if (str_eq(json_text_or(u, "action", STR("")), STR("add-snapshot")))
            return json_int_or(json_object_get(u, "snapshot"), "snapshot-id", -1);
    }
    return -1;
}

typedef enum landing { LANDED, NOT_THERE, LOST } landing;

/* Send the commit once. `*ret_is_uncertain`: it may have landed all the same. */
static bool send_commit(rest_catalog *c, arena *a, str namespace, str name,
                        const iceberg_commit *commit, iceberg_table **ret_table, landing *ret,
                        bool *ret_is_uncertain, error *err)
{
    AUTO(json_release) json_t *done = NULL;
    rest_answer answer;
    rest_call call = { .method = "POST",
                       .path = table_path(a, namespace, name),
                       .body = commit_body(a, namespace, name, commit),
                       .changes = true };
    *ret = LANDED;
    *ret_is_uncertain = true; /* also when a 2xx answer cannot be read */
    if (rest_session_call(c->session, &call, a, &done, &answer, err))
        return table_of(c, a, namespace, name, done, ret_table, err);
    *ret_is_uncertain = answer.is_uncertain || (answer.status >= 200 && answer.status < 300);
    *ret = answer.status == 409 && !answer.is_uncertain ? LOST : NOT_THERE;
    if (*ret != LOST)
        return false;
    error_clear(err);
    return true;
}

/* A commit's outcome that no answer told: look for its snapshot, and send the same commit again
 * while it is not there. Its requirements let it land once at most, however often it is sent. */
static bool settle(rest_catalog *c, arena *a, str namespace, str name, const iceberg_commit *commit,
                   iceberg_table **ret_table, bool *ret_is_swapped, error *err)
{
    int64_t snapshot_id = snapshot_of(commit);
    error why = *err;
    retry again = retry_start(MOST_CHECKS, 60);
    bool was_refused = false;
    do {
        iceberg_table *t;
        bool is_found, is_uncertain;
        landing landing;
        error_clear(err);
        if (!load((catalog *)c, a, namespace, name, &t, &is_found, err))
            continue;
        if (is_found && snapshot_id >= 0 && iceberg_table_snapshot_by_id(t, snapshot_id)) {
            *ret_table = t;
            return *ret_is_swapped = true;
        }
        if (was_refused) { /* refused while it was not there: it cannot land any more */
            *ret_is_swapped = false;
            return true;
        }
        if (!send_commit(c, a, namespace, name, commit, ret_table, &landing, &is_uncertain, err)) {
            if (!is_uncertain && err->code != ERR_IO)
                return false;
            continue;
        }
        if (landing == LANDED)
            return *ret_is_swapped = true;
        was_refused = true;
    } while (retry_again(&again, 0));
    *err = why;
    return fail_while(err, "it is not known whether the commit landed");
}

static bool commit(catalog *base, arena *a, str namespace, str name, iceberg_commit *commit,
                   iceberg_table **ret_table, bool *ret_is_swapped, error *err)
{
    rest_catalog *c = (rest_catalog *)base;
    landing landing;
    bool is_uncertain;
    if (send_commit(c, a, namespace, name, commit, ret_table, &landing, &is_uncertain, err)) {
        *ret_is_swapped = landing == LANDED;
        return true;
    }
    if (is_uncertain)
        return settle(c, a, namespace, name, commit, ret_table, ret_is_swapped, err);
    iceberg_commit_discard(commit);
    return false;
}

static bool drop(catalog *base, str namespace, str name, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *none = NULL;
    rest_answer answer;
    str path =
        str_format(a, STR_FMT "?purgeRequested=false", STR_ARG(table_path(a, namespace, name)));
    rest_call call = { .method = "DELETE", .path = path };
    return rest_session_call(((rest_catalog *)base)->session, &call, a, &none, &answer, err) ||
           (err->code == ERR_NOT_FOUND && is_gone(err));
}

static void close_rest(catalog *base)
{
    rest_session_free(((rest_catalog *)base)->session);
}

static const catalog_kind rest_kind = {
    "REST", list, load, NULL, create, commit, drop, close_rest
};

bool catalog_open_rest(const catalog_remote *r, catalog **ret_catalog, error *err)
{
    str uri = store_option_text(r->options, r->option_count, "uri");
    str scheme, host, path, query;
    if (!http_url_parts(uri, &scheme, &host, &path, &query))
        return fail(err, ERR_INVALID,
                    "catalog " STR_FMT ": '" STR_FMT "' is no URL of a REST catalog",
                    STR_ARG(r->name), STR_ARG(uri));
    rest_catalog *c = memory_alloc(sizeof *c);
    c->base.kind = &rest_kind;
    c->base.arena = arena_new();
    c->base.name = str_copy(c->base.arena, r->name);
    c->store = r->store;
    store_option *copy = arena_array_of(c->base.arena, store_option, r->storage_count);
    for (size_t i = 0; i < r->storage_count; i++)
        copy[i] = (store_option){ str_copy(c->base.arena, r->storage_options[i].key),
                                  str_copy(c->base.arena, r->storage_options[i].value) };
    c->storage_options = copy;
    c->storage_count = r->storage_count;
    c->session = rest_session_new(r);
    *ret_catalog = &c->base;
    return true;
}
