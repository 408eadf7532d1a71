/* Tables of the AWS Glue Data Catalog. Source: AWS Glue Web API ("GetTable", "UpdateTable" with
 * VersionId), and the table parameters that Iceberg's GlueCatalog uses. */
#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"
#include "catalog/glue_type.h"
#include "catalog/internal.h"
#include "store/aws_json.h"

enum { MOST_PAGES = 10000, MOST_CHECKS = 6 };

typedef struct glue_catalog {
    catalog base;
    aws_json *service;
    store *store;
    str catalog_id; /* empty: the account of the keys */
    str warehouse;
    const store_option *storage_options;
    size_t storage_count;
} glue_catalog;

/* ---- Requests ---- */

typedef struct request {
    strbuf text;
    json_writer writer;
} request;

static void put_pair(request *q, const char *key, str value)
{
    json_put_key(&q->writer, str_of(key));
    json_put_text(&q->writer, value);
}

/* `q` stays where it is: the writer points into it. */
static void request_start(request *q, const glue_catalog *c, arena *a)
{
    q->text = strbuf_new(a);
    q->writer = json_writer_new(&q->text);
    json_put_object_begin(&q->writer);
    if (c->catalog_id.len)
        put_pair(q, "CatalogId", c->catalog_id);
}

static bool request_send(request *q, glue_catalog *c, arena *a, const char *operation, bool changes,
                         json_t **ret, aws_outcome *outcome, error *err)
{
    json_put_object_done(&q->writer);
    return aws_json_call(c->service, a, operation, strbuf_str(&q->text), changes, ret, outcome,
                         err);
}

static bool is_gone(error *err)
{
    if (err->code != ERR_NOT_FOUND)
        return false;
    error_clear(err);
    return true;
}

/* ---- Looking ---- */

static bool get_table(glue_catalog *c, arena *a, str namespace, str name, json_t **ret,
                      bool *ret_is_found, error *err)
{
    request q;
    aws_outcome outcome;
    request_start(&q, c, a);
    put_pair(&q, "DatabaseName", namespace);
    put_pair(&q, "Name", name);
    *ret_is_found = false;
    if (!request_send(&q, c, a, "GetTable", false, ret, &outcome, err))
        return is_gone(err);
    *ret_is_found = true;
    return true;
}

static str parameter(const json_t *table, const char *name)
{
    return json_text_or(json_object_get(table, "Parameters"), name, STR(""));
}

/* The metadata file that Glue points at. Tables that are not Iceberg's are not ours. */
static bool locate(catalog *base, arena *a, str namespace, str name, str *ret_metadata_uri,
                   bool *ret_is_found, error *err)
{
    AUTO(json_release) json_t *answer = NULL;
    TRY(get_table((glue_catalog *)base, a, namespace, name, &answer, ret_is_found, err));
    if (!*ret_is_found)
        return true;
    const json_t *table = json_object_get(answer, "Table");
    str uri = parameter(table, "metadata_location");
    if (!str_eq_nocase(parameter(table, "table_type"), STR("ICEBERG")) || uri.len == 0)
        return fail(err, ERR_INVALID,
                    "table " STR_FMT "." STR_FMT " of catalog " STR_FMT " is no Iceberg table",
                    STR_ARG(namespace), STR_ARG(name), STR_ARG(base->name));
    *ret_metadata_uri = str_copy(a, uri);
    return true;
}

static bool load(catalog *base, arena *a, str namespace, str name, iceberg_table **ret_table,
                 bool *ret_is_found, error *err)
{
    glue_catalog *c = (glue_catalog *)base;
    str uri = { 0 };
    TRY(locate(base, a, namespace, name, &uri, ret_is_found, err));
    if (!*ret_is_found)
        return true;
    /* <table>/metadata/<file>: everything of the table lies in that folder, as a rule */
    str folder = str_slice(uri, 0, (size_t)str_rfind_char(uri, '/'));
    folder = str_slice(folder, 0, (size_t)str_rfind_char(folder, '/'));
    if (c->storage_count && !store_is_local(uri))
        TRY(store_set_options(c->store, folder, c->storage_options, c->storage_count, err));
    str full = str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
    return iceberg_table_read(c->store, a, full, uri, ret_table, err);
}

/* ---- Listing ---- */

typedef VEC(catalog_entry) entry_vec;
typedef VEC(str) name_vec;

/* Members of all pages of an operation: `take` gets each. */
typedef void (*take_item)(arena *a, const json_t *item, str database, void *context);

static bool each_item(glue_catalog *c, arena *a, const char *operation, const char *member,
                      str database, take_item take, void *context, error *err)
{
    str token = STR("");
    for (int i = 0; i < MOST_PAGES; i++) {
        AUTO(json_release) json_t *page = NULL;
        request q;
        aws_outcome outcome;
        request_start(&q, c, a);
        if (database.len)
            put_pair(&q, "DatabaseName", database);
        if (token.len)
            put_pair(&q, "NextToken", token);
        TRY(request_send(&q, c, a, operation, false, &page, &outcome, err));
        const json_t *list = json_object_get(page, member);
        for (size_t k = 0; k < json_array_size(list); k++)
            take(a, json_array_get(list, k), database, context);
        token = str_copy(a, json_text_or(page, "NextToken", STR("")));
        if (token.len == 0)
            return true;
    }
    return fail(err, ERR_LIMIT, "catalog " STR_FMT ": a listing has more than %d pages",
                STR_ARG(c->base.name), MOST_PAGES);
}

static void take_database(arena *a, const json_t *item, str database, void *context)
{
    (void)database;
    name_vec *names = context;
    vec_push(a, names, str_copy(a, json_text_or(item, "Name", STR(""))));
}

static void take_table(arena *a, const json_t *item, str database, void *context)
{
    entry_vec *entries = context;
    if (str_eq_nocase(parameter(item, "table_type"), STR("ICEBERG")))
        vec_push(a, entries,
                 (catalog_entry){ database, str_copy(a, json_text_or(item, "Name", STR(""))) });
}

static bool list(catalog *base, arena *a, catalog_entry **ret_entries, size_t *ret_count,
                 error *err)
{
    glue_catalog *c = (glue_catalog *)base;
    name_vec names = { 0 };
    entry_vec entries = { 0 };
    TRY(each_item(c, a, "GetDatabases", "DatabaseList", STR(""), take_database, &names, err));
    for (size_t i = 0; i < names.count; i++)
        if (!each_item(c, a, "GetTables", "TableList", names.items[i], take_table, &entries, err) &&
            !is_gone(err))
            return false;
    *ret_entries = entries.items;
    *ret_count = entries.count;
    return true;
}

/* ---- Changing ---- */

static void put_table(request *q, arena *a, str name, const iceberg_table *t, str previous)
{
    json_writer *w = &q->writer;
    json_put_key(w, STR("TableInput"));
    json_put_object_begin(w);
    put_pair(q, "Name", name);
    put_pair(q, "TableType", STR("EXTERNAL_TABLE"));
    json_put_key(w, STR("Parameters"));
    json_put_object_begin(w);
    put_pair(q, "table_type", STR("ICEBERG"));
    put_pair(q, "metadata_location", iceberg_table_metadata_uri(t));
    if (previous.len)
        put_pair(q, "previous_metadata_location", previous);
    json_put_object_done(w);
    glue_put_storage(w, a, t);
    json_put_object_done(w);
}

static bool make_database(glue_catalog *c, arena *a, str name, error *err)
{
    AUTO(json_release) json_t *done = NULL;
    request q;
    aws_outcome outcome;
    request_start(&q, c, a);
    json_put_key(&q.writer, STR("DatabaseInput"));
    json_put_object_begin(&q.writer);
    put_pair(&q, "Name", name);
    json_put_object_done(&q.writer);
    if (request_send(&q, c, a, "CreateDatabase", false, &done, &outcome, err))
        return true;
    if (err->code != ERR_CONFLICT)
        return false;
    error_clear(err);
    return true;
}

static bool find_location(glue_catalog *c, arena *a, str namespace, str name, iceberg_definition *d,
                          error *err)
{
    AUTO(json_release) json_t *answer = NULL;
    request q;
    aws_outcome outcome;
    if (d->location.len)
        return true;
    request_start(&q, c, a);
    put_pair(&q, "Name", namespace);
    if (!request_send(&q, c, a, "GetDatabase", false, &answer, &outcome, err) && !is_gone(err))
        return false;
    str of_database = json_text_or(json_object_get(answer, "Database"), "LocationUri", STR(""));
    while (str_ends_with(of_database, STR("/")))
        of_database.len--;
    if (of_database.len)
        d->location = str_format(a, STR_FMT "/" STR_FMT, STR_ARG(of_database), STR_ARG(name));
    else if (c->warehouse.len)
        d->location = str_format(a, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(c->warehouse),
                                 STR_ARG(namespace), STR_ARG(name));
    else
        return fail(err, ERR_INVALID,
                    "catalog " STR_FMT ": where does table " STR_FMT "." STR_FMT
                    " belong? Neither it, nor its database, nor the connection "
                    "(DEFAULT_STORAGE_LOCATION) has a location",
                    STR_ARG(c->base.name), STR_ARG(namespace), STR_ARG(name));
    return true;
}

/* An answer was lost: does Glue point at this metadata file? */
static bool is_current(glue_catalog *c, arena *a, str namespace, str name, str metadata_uri,
                       bool *ret, error *err)
{
    bool is_found;
    str uri = STR("");
    TRY(locate(&c->base, a, namespace, name, &uri, &is_found, err));
    *ret = is_found && str_eq(uri, metadata_uri);
    return true;
}

static bool create(catalog *base, arena *a, str namespace, str name,
                   const iceberg_definition *definition, iceberg_table **ret_table, error *err)
{
    glue_catalog *c = (glue_catalog *)base;
    AUTO(json_release) json_t *done = NULL;
    iceberg_definition d = *definition;
    iceberg_table *t;
    request q;
    aws_outcome outcome;
    str full = str_format(a, STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name)), there;
    bool exists, is_ours = false;
    if (str_find_char(namespace, '.') >= 0)
        return fail(err, ERR_INVALID, "Glue's databases have one level; '" STR_FMT "' has more",
                    STR_ARG(namespace));
    TRY(locate(base, a, namespace, name, &there, &exists, err));
    if (exists)
        return fail(err, ERR_CONFLICT, "table " STR_FMT " exists already in catalog " STR_FMT,
                    STR_ARG(full), STR_ARG(base->name));
    TRY(find_location(c, a, namespace, name, &d, err));
    TRY(make_database(c, a, namespace, err));
    if (c->storage_count && !store_is_local(d.location))
        TRY(store_set_options(c->store, d.location, c->storage_options, c->storage_count, err));
    TRY(iceberg_table_create(c->store, a, full, &d, &t, err));
    request_start(&q, c, a);
    put_pair(&q, "DatabaseName", namespace);
    put_table(&q, a, name, t, STR(""));
    str uri = iceberg_table_metadata_uri(t);
    bool works = request_send(&q, c, a, "CreateTable", true, &done, &outcome, err);
    error why = *err, unknown = { 0 };
    if (!works && outcome.is_uncertain)
        works = is_current(c, a, namespace, name, uri, &is_ours, &unknown) && is_ours;
    if (!works && !outcome.is_uncertain && !store_delete(c->store, uri, &unknown))
        error_clear(&unknown);
    *err = works ? (error){ 0 } : why;
    if (works)
        *ret_table = t;
    return works;
}

/* What has become of an update whose answer was lost: look until somebody can tell. Glue accepts
 * one version of a table once, so the same update is sent again while the old version stands. */
typedef struct update {
    str namespace, name, version_id, previous;
    const iceberg_table *next;
} update;

static bool send_update(glue_catalog *c, arena *a, const update *u, aws_outcome *outcome,
                        error *err)
{
    AUTO(json_release) json_t *done = NULL;
    request q;
    request_start(&q, c, a);
    put_pair(&q, "DatabaseName", u->namespace);
    put_table(&q, a, u->name, u->next, u->previous);
    json_put_key(&q.writer, STR("SkipArchive"));
    json_put_bool(&q.writer, true);
    if (u->version_id.len)
        put_pair(&q, "VersionId", u->version_id);
    return request_send(&q, c, a, "UpdateTable", true, &done, outcome, err);
}

/* Whether the metadata file belongs to the table's history: then the commit landed. */
static bool is_in_history(glue_catalog *c, arena *a, const update *u, bool *ret_is_there,
                          bool *ret_is_untouched, error *err)
{
    iceberg_table *t;
    bool is_found;
    str uri = iceberg_table_metadata_uri(u->next);
    TRY(load(&c->base, a, u->namespace, u->name, &t, &is_found, err));
    *ret_is_there = is_found && (str_eq(iceberg_table_metadata_uri(t), uri) ||
                                 str_contains(iceberg_table_metadata_text(t), uri));
    *ret_is_untouched = is_found && str_eq(iceberg_table_metadata_uri(t), u->previous);
    return true;
}

static bool settle(glue_catalog *c, arena *a, const update *u, bool *ret_is_swapped, error *err)
{
    error why = *err;
    retry again = retry_start(MOST_CHECKS, 60);
    do {
        bool is_there, is_untouched;
        aws_outcome outcome;
        error_clear(err);
        if (!is_in_history(c, a, u, &is_there, &is_untouched, err))
            continue;
        if (is_there || !is_untouched) {
            *ret_is_swapped = is_there;
            return true;
        }
        if (send_update(c, a, u, &outcome, err))
            return *ret_is_swapped = true;
    } while (retry_again(&again, 0));
    *err = why;
    return fail_while(err, "it is not known whether the commit landed");
}

static bool commit(catalog *base, arena *a, str namespace, str name, iceberg_commit *commit,
                   iceberg_table **ret_table, bool *ret_is_swapped, error *err)
{
    glue_catalog *c = (glue_catalog *)base;
    AUTO(json_release) json_t *answer = NULL;
    iceberg_table *next;
    aws_outcome outcome;
    bool is_found;
    if (!get_table(c, a, namespace, name, &answer, &is_found, err) || !is_found) {
        iceberg_commit_discard(commit);
        return is_found || fail(err, ERR_NOT_FOUND, "table " STR_FMT "." STR_FMT " was dropped",
                                STR_ARG(namespace), STR_ARG(name));
    }
    const json_t *table = json_object_get(answer, "Table");
    update u = { namespace, name, json_text_or(table, "VersionId", STR("")),
                 iceberg_table_metadata_uri(commit->base), NULL };
    *ret_is_swapped = false;
    if (!str_eq(parameter(table, "metadata_location"), u.previous))
        return true;
    if (!iceberg_commit_write(commit, a, &next, err)) {
        iceberg_commit_discard(commit);
        return false;
    }
    u.next = *ret_table = next;
    if (send_update(c, a, &u, &outcome, err))
        return *ret_is_swapped = true;
    if (outcome.is_uncertain)
        return settle(c, a, &u, ret_is_swapped, err);
    if (err->code == ERR_CONFLICT) {
        error_clear(err);
        return true;
    }
    iceberg_commit_discard(commit);
    return false;
}

static bool drop(catalog *base, str namespace, str name, error *err)
{
    glue_catalog *c = (glue_catalog *)base;
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *done = NULL;
    request q;
    aws_outcome outcome;
    request_start(&q, c, a);
    put_pair(&q, "DatabaseName", namespace);
    put_pair(&q, "Name", name);
    return request_send(&q, c, a, "DeleteTable", false, &done, &outcome, err) || is_gone(err);
}

static void close_glue(catalog *base)
{
    aws_json_free(((glue_catalog *)base)->service);
}

static const catalog_kind glue_kind = {
    "Glue", list, load, locate, create, commit, drop, close_glue
};

bool catalog_open_glue(const catalog_remote *r, catalog **ret_catalog, error *err)
{
    (void)err;
    glue_catalog *c = memory_alloc(sizeof *c);
    c->base.kind = &glue_kind;
    arena *a = c->base.arena = arena_new();
    c->base.name = str_copy(a, r->name);
    c->store = r->store;
    c->catalog_id = str_copy(a, store_option_text(r->options, r->option_count, "glue.id"));
    str warehouse = store_option_text(r->options, r->option_count, "warehouse");
    while (str_ends_with(warehouse, STR("/")))
        warehouse.len--;
    c->warehouse = str_copy(a, warehouse);
    store_option *copy = arena_array_of(a, store_option, r->storage_count);
    for (size_t i = 0; i < r->storage_count; i++)
        copy[i] = (store_option){ str_copy(a, r->storage_options[i].key),
                                  str_copy(a, r->storage_options[i].value) };
    c->storage_options = copy;
    c->storage_count = r->storage_count;
    str endpoint = store_option_text(r->options, r->option_count, "glue.endpoint");
    if (endpoint.len == 0)
        endpoint = str_of(getenv("AWS_ENDPOINT_URL_GLUE"));
    c->service = aws_json_new("glue", "AWSGlue", "1.1", endpoint, r->options, r->option_count);
    *ret_catalog = &c->base;
    return true;
}
