/* Which scheme and which settings serve a URI, and the forms of file URIs. */
#include "store/store.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/http.h"
#include "store/internal.h"
#include "store/s3_client.h"
#include "store/spool.h"

static const store_kind *const kinds[] = { &store_file_kind, &store_s3_kind };

/* The settings of a prefix. */
typedef struct rule {
    struct rule *next;
    arena *arena;
    str prefix;
    const store_option *options;
    size_t count;
    s3_client *client;
} rule;

struct store {
    pthread_mutex_t lock; /* guards all that follows */
    http_client *http;
    rule *rules;
    spool *spool;
    char *spool_folder; /* NULL: a temporary one of this store */
    bool has_own_folder;
    uint64_t spool_bytes;
};

static const store_kind *kind_of(str uri)
{
    ptrdiff_t colon = str_find(uri, STR("://"));
    if (colon < 0)
        return &store_file_kind;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (size_t k = 0; k < ARRAY_LEN(kinds[i]->schemes) && kinds[i]->schemes[k]; k++)
            if (str_eq(str_slice(uri, 0, (size_t)colon), str_of(kinds[i]->schemes[k])))
                return kinds[i];
    return NULL;
}

static bool find_kind(str uri, const store_kind **ret, error *err)
{
    *ret = kind_of(uri);
    if (*ret)
        return true;
    return fail(err, ERR_INVALID,
                "'" STR_FMT "': objects of this scheme cannot be reached by this version, which "
                "knows: file, s3",
                STR_ARG(uri));
}

bool store_open_spooled(str spool_folder, uint64_t spool_bytes, store **ret_store, error *err)
{
    (void)err;
    store *s = memory_alloc(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->spool_folder = spool_folder.len ? strndup(spool_folder.data, spool_folder.len) : NULL;
    s->spool_bytes = spool_bytes;
    *ret_store = s;
    return true;
}

bool store_open(str uri, store **ret_store, error *err)
{
    const store_kind *kind;
    TRY(find_kind(uri, &kind, err));
    return store_open_spooled(STR(""), 0, ret_store, err);
}

static void rule_free(rule *r)
{
    s3_client_unref(r->client);
    arena_free(r->arena);
    free(r);
}

void store_close(store *s)
{
    if (!s)
        return;
    while (s->rules) {
        rule *next = s->rules->next;
        rule_free(s->rules);
        s->rules = next;
    }
    spool_close(s->spool);
    error ignored = { 0 };
    if (s->has_own_folder && !folder_remove(s->spool_folder, &ignored))
        error_clear(&ignored);
    free(s->spool_folder);
    http_client_free(s->http);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- Settings by prefix ---- */

static bool same_options(const rule *r, const store_option *options, size_t count)
{
    bool is_same = r->count == count;
    for (size_t i = 0; is_same && i < count; i++)
        is_same = str_eq(r->options[i].key, options[i].key) &&
                  str_eq(r->options[i].value, options[i].value);
    return is_same;
}

/* The rule that stands for `prefix` exactly; made when there is none. Under the lock. */
static rule *rule_of(store *s, str prefix)
{
    for (rule *r = s->rules; r; r = r->next)
        if (str_eq(r->prefix, prefix))
            return r;
    rule *r = memory_alloc(sizeof *r);
    r->arena = arena_new();
    r->prefix = str_copy(r->arena, prefix);
    r->next = s->rules;
    s->rules = r;
    return r;
}

bool store_set_options(store *s, str prefix_uri, const store_option *options, size_t count,
                       error *err)
{
    const store_kind *kind;
    TRY(find_kind(prefix_uri, &kind, err));
    TRY(s3_client_check(options, count, err));
    pthread_mutex_lock(&s->lock);
    rule *r = rule_of(s, prefix_uri);
    if (!same_options(r, options, count)) {
        arena *a = arena_new();
        store_option *copy = arena_array_of(a, store_option, count);
        for (size_t i = 0; i < count; i++)
            copy[i] = (store_option){ str_copy(a, options[i].key), str_copy(a, options[i].value) };
        r->prefix = str_copy(a, prefix_uri);
        s3_client_unref(r->client);
        r->client = NULL;
        arena_free(r->arena);
        r->arena = a;
        r->options = copy;
        r->count = count;
    }
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* s3a: and s3n: are other spellings of s3:. */
static str without_scheme(str uri)
{
    ptrdiff_t colon = str_find(uri, STR("://"));
    return colon < 0 ? uri : str_slice(uri, (size_t)colon, uri.len);
}

bool store_s3_client(store *s, str uri, s3_client **ret_client, error *err)
{
    (void)err;
    rule *best = NULL;
    pthread_mutex_lock(&s->lock);
    for (rule *r = s->rules; r; r = r->next)
        if (str_starts_with(without_scheme(uri), without_scheme(r->prefix)) &&
            (!best || r->prefix.len > best->prefix.len))
            best = r;
    if (!best)
        best = rule_of(s, STR("s3://"));
    if (!s->http)
        s->http = http_client_new();
    if (!best->client)
        best->client = s3_client_new(s->http, best->options, best->count);
    *ret_client = s3_client_ref(best->client);
    pthread_mutex_unlock(&s->lock);
    return true;
}

static bool make_own_folder(store *s, error *err)
{
    const char *tmp = getenv("TMPDIR");
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/floe-spool-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (len < 0 || (size_t)len >= sizeof path || !mkdtemp(path))
        return fail_errno(err, "making a folder for copies of objects");
    s->spool_folder = strdup(path);
    s->has_own_folder = true;
    return true;
}

bool store_spool(store *s, spool **ret_spool, error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = s->spool || s->spool_folder || make_own_folder(s, err);
    if (works && !s->spool)
        works = spool_open(str_of(s->spool_folder), s->spool_bytes, &s->spool, err);
    *ret_spool = s->spool;
    pthread_mutex_unlock(&s->lock);
    return works;
}

/* ---- The functions of a scheme ---- */

bool store_list(store *s, str prefix_uri, store_visit visit, void *context, error *err)
{
    const store_kind *k;
    return find_kind(prefix_uri, &k, err) && k->list(s, prefix_uri, visit, context, err);
}

bool store_list_folders(store *s, str folder_uri, store_visit visit, void *context, error *err)
{
    const store_kind *k;
    return find_kind(folder_uri, &k, err) && k->list_folders(s, folder_uri, visit, context, err);
}

bool store_stat(store *s, arena *a, str uri, store_object *ret_object, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->stat(s, a, uri, ret_object, err);
}

bool store_read(store *s, arena *a, str uri, str *ret_content, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->read(s, a, uri, ret_content, err);
}

bool store_read_range(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->read_range(s, uri, offset, ret_bytes, len, err);
}

bool store_write(store *s, str uri, str content, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->write(s, uri, content, false, err);
}

bool store_write_new(store *s, str uri, str content, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->write(s, uri, content, true, err);
}

bool store_delete(store *s, str uri, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->delete (s, uri, err);
}

bool store_delete_many(store *s, const str *uris, size_t count, error *err)
{
    for (size_t from = 0, to; from < count; from = to) {
        const store_kind *k;
        TRY(find_kind(uris[from], &k, err));
        for (to = from + 1; to < count && kind_of(uris[to]) == k;)
            to++;
        TRY(k->delete_many(s, uris + from, to - from, err));
    }
    return true;
}

bool store_local_path(store *s, arena *a, str uri, str *ret_path, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->local_path(s, a, uri, STR(""), ret_path, err);
}

bool store_local_copy(store *s, arena *a, const store_object *object, str *ret_path, error *err)
{
    const store_kind *k;
    return find_kind(object->uri, &k, err) &&
           k->local_path(s, a, object->uri, object->etag, ret_path, err);
}

void store_local_forget(store *s, const store_object *object)
{
    const store_kind *k = kind_of(object->uri);
    if (k)
        k->local_forget(s, object->uri, object->etag);
}

bool store_local_target(store *s, arena *a, str uri, str *ret_path, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->local_target(s, a, uri, ret_path, err);
}

bool store_publish(store *s, str uri, str path, error *err)
{
    const store_kind *k;
    return find_kind(uri, &k, err) && k->publish(s, uri, path, err);
}

/* ---- Forms of URIs ---- */

bool store_is_local(str uri)
{
    return kind_of(uri) == &store_file_kind;
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

bool store_is_below(str uri, str prefix)
{
    while (prefix.len && prefix.data[prefix.len - 1] == '/')
        prefix.len--;
    return str_starts_with(uri, prefix) && (uri.len == prefix.len || uri.data[prefix.len] == '/');
}

bool store_is_hidden(str below)
{
    bool is_hidden = str_ends_with(below, STR(".tmp"));
    while (below.len && !is_hidden) {
        str part = str_cut(&below, '/');
        is_hidden = part.len && (part.data[0] == '.' || part.data[0] == '_');
    }
    return is_hidden;
}
