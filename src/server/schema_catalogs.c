/* From the catalogs of a graph schema to open ones. */
#include "server/schema_catalogs.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/secret.h"
#include "base/vec.h"

#define SEALED "sealed:"
#define PURPOSE "graph.schema.catalogs"

/* A member of a description and the setting that it is (docs/catalogs.md). */
typedef struct field {
    const char *type; /* of the metastore; NULL: of the storage */
    const char *name, *setting;
    bool is_secret;
} field;

static const field fields[] = {
    { "rest", "uri", "uri", false },
    { "rest", "warehouse", "warehouse", false },
    { "rest", "credential", "credential", true },
    { "rest", "scope", "scope", false },
    { "rest", "oauthServerUri", "oauth2-server-uri", false },
    { "rest", "token", "token", true },
    { "rest", "region", "client.region", false },
    { "glue", "region", "client.region", false },
    { "glue", "accessKey", "s3.access-key-id", false },
    { "glue", "secretKey", "s3.secret-access-key", true },
    { "glue", "iamRoleArn", "client.assume-role.arn", false },
    { "glue", "endpoint", "glue.endpoint", false },
    { "glue", "catalogId", "glue.id", false },
    { "glue", "warehouse", "warehouse", false },
    { NULL, "region", "client.region", false },
    { NULL, "accessKey", "s3.access-key-id", false },
    { NULL, "secretKey", "s3.secret-access-key", true },
    { NULL, "iamRoleArn", "client.assume-role.arn", false },
    { NULL, "endpoint", "s3.endpoint", false },
    { NULL, "enablePathStyleAccess", "s3.path-style-access", false },
};

typedef VEC(store_option) settings;

/* A description, and where it stands. */
typedef struct description {
    home *home;
    const json_t *json;
    str path, name;
} description;

/* ---- Values ---- */

/* "${ENV:NAME}" is what the variable holds, a sealed text what was sealed. */
static bool plain_text(const description *d, arena *a, const char *where, str text, str *ret,
                       error *err)
{
    *ret = text;
    if (str_starts_with(text, STR("${ENV:")) && str_ends_with(text, STR("}"))) {
        str name = str_slice(text, STR("${ENV:").len, text.len - 1);
        const char *value = getenv(str_to_c(a, name));
        if (!value)
            return fail(err, ERR_INVALID, STR_FMT ".%s: the environment has no variable " STR_FMT,
                        STR_ARG(d->path), where, STR_ARG(name));
        *ret = str_copy(a, str_of(value));
    }
    if (str_starts_with(text, STR(SEALED))) {
        secret_key key;
        TRY(home_secret_key(d->home, &key, err));
        if (!secret_unseal(a, &key, STR(PURPOSE), str_slice(text, STR(SEALED).len, text.len), ret,
                           err))
            return fail_while(err, STR_FMT ".%s", STR_ARG(d->path), where);
    }
    return true;
}

static bool read_settings(const description *d, arena *a, const char *member, const char *type,
                          settings *ret, error *err)
{
    const json_t *from = json_object_get(d->json, member);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const field *f = &fields[i];
        const json_t *v = json_object_get(from, f->name);
        if ((type == NULL) != (f->type == NULL) || (type && strcmp(type, f->type) != 0) || !v)
            continue;
        const char *where = str_format(a, "%s.%s%c", member, f->name, 0).data;
        if (!json_is_string(v) && !json_is_boolean(v))
            return fail(err, ERR_INVALID, STR_FMT ".%s must be a text", STR_ARG(d->path), where);
        str text = json_is_string(v) ? json_str(v) : json_is_true(v) ? STR("true") : STR("false");
        TRY(plain_text(d, a, where, text, &text, err));
        if (text.len)
            vec_push(a, ret, (store_option){ str_of(f->setting), text });
    }
    return true;
}

/* ---- Opening ---- */

static bool is_type(const json_t *of, const char *name)
{
    return str_eq_nocase(json_text_or(of, "type", STR("")), str_of(name));
}

static bool open_described(void *context, catalog **ret_catalog, error *err)
{
    const description *d = context;
    AUTO(arena_free) arena *a = arena_new();
    const json_t *metastore = json_object_get(d->json, "metastore"),
                 *storage = json_object_get(d->json, "storage");
    bool is_rest = is_type(metastore, "rest"), is_s3 = is_type(storage, "S3");
    settings options = { 0 }, places = { 0 };
    if (!is_rest && !is_type(metastore, "glue"))
        return fail(err, ERR_INVALID,
                    STR_FMT
                    ".metastore.type: '" STR_FMT
                    "' cannot be opened; 'embedded' (the home's own), 'rest' and 'glue' can",
                    STR_ARG(d->path), STR_ARG(json_text_or(metastore, "type", STR(""))));
    if (storage && !is_s3 && !is_type(storage, "FromMetaStore"))
        return fail(err, ERR_INVALID,
                    STR_FMT ".storage.type: '" STR_FMT
                            "' cannot be opened; 'S3' and 'FromMetaStore' can",
                    STR_ARG(d->path), STR_ARG(json_text_or(storage, "type", STR(""))));
    TRY(read_settings(d, a, "metastore", is_rest ? "rest" : "glue", &options, err));
    if (is_s3)
        TRY(read_settings(d, a, "storage", NULL, &places, err));
    catalog_remote remote = { .name = d->name,
                              .store = home_store(d->home),
                              .options = options.items,
                              .option_count = options.count,
                              .storage_options = places.items,
                              .storage_count = places.count };
    if (!(is_rest ? catalog_open_rest : catalog_open_glue)(&remote, ret_catalog, err))
        return fail_while(err, STR_FMT ".metastore", STR_ARG(d->path));
    return true;
}

static const json_t *descriptions(const json_t *schema, const char **ret_member)
{
    const json_t *list = json_object_get(schema, *ret_member = "catalogs");
    return list ? list : json_object_get(schema, *ret_member = "catalog");
}

bool schema_catalog_find(home *h, const json_t *schema, str name, catalog **ret_catalog, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    const char *member;
    const json_t *list = descriptions(schema, &member);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        if (!str_eq(json_text_or(c, "name", STR("")), name))
            continue;
        if (is_type(json_object_get(c, "metastore"), "embedded")) {
            *ret_catalog = home_embedded_catalog(h);
            return true;
        }
        description d = { h, c, str_format(a, "%s[%zu]", member, i), name };
        char *text = json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS);
        str key = str_copy(a, str_of(text));
        free(text);
        return home_described_catalog(h, key, open_described, &d, ret_catalog, err);
    }
    return home_catalog(h, name, ret_catalog, err);
}

/* ---- Secrets ---- */

static void seal_member(const secret_key *key, json_t *of, const field *f, bool *has_changed)
{
    AUTO(arena_free) arena *a = arena_new();
    const json_t *v = json_object_get(of, f->name);
    str text = json_is_string(v) ? json_str(v) : STR("");
    if (text.len == 0 || str_starts_with(text, STR("${ENV:")) || str_starts_with(text, STR(SEALED)))
        return;
    str sealed = str_concat(a, STR(SEALED), secret_seal(a, key, STR(PURPOSE), text));
    json_object_set_new(of, f->name, json_stringn(sealed.data, sealed.len));
    *has_changed = true;
}

bool schema_catalogs_seal(home *h, json_t *schema, bool *ret_has_changed, error *err)
{
    const char *member;
    const json_t *list = descriptions(schema, &member);
    secret_key key;
    *ret_has_changed = false;
    if (json_array_size(list) == 0)
        return true;
    TRY(home_secret_key(h, &key, err));
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t k = 0; k < ARRAY_LEN(fields); k++)
            if (fields[k].is_secret)
                seal_member(&key,
                            json_object_get(json_array_get(list, i),
                                            fields[k].type ? "metastore" : "storage"),
                            &fields[k], ret_has_changed);
    return true;
}
