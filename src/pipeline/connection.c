/* Options of connections as settings of stores and catalogs; secrets sealed in the state. */
#include "pipeline/connection.h"

#include <strings.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/vec.h"

typedef VEC(store_option) settings;

/* What an option of a connection is called by the code that uses it. */
typedef struct meaning {
    const char *option;
    const char *setting;
    bool is_secret;
    const char *type; /* of connections that it is for; NULL: all */
} meaning;

static const meaning meanings[] = {
    { "AWS_ROLE", "client.assume-role.arn", false, NULL },
    { "EXTERNAL_ID", "client.assume-role.external-id", false, NULL },
    { "AWS_ACCESS_KEY_ID", "s3.access-key-id", false, NULL },
    { "AWS_SECRET_ACCESS_KEY", "s3.secret-access-key", true, NULL },
    { "SESSION_TOKEN", "s3.session-token", true, NULL },
    { "AWS_PROFILE", "client.profile", false, NULL },
    { "STS_ENDPOINT", "sts.endpoint", false, NULL },
    { "SQS_ENDPOINT", "sqs.endpoint", false, "S3" },
    { "REGION", "client.region", false, NULL },
    { "ENDPOINT", "s3.endpoint", false, "S3" },
    { "ENDPOINT", "glue.endpoint", false, "GLUE_CATALOG" },
    { "PATH_STYLE", "s3.path-style-access", false, NULL },
    { "READ_ONLY", "s3.read-only", false, NULL },
    { "STALL_SECONDS", "s3.stall-seconds", false, NULL },
    { "CATALOG_ID", "glue.id", false, "GLUE_CATALOG" },
    { "DEFAULT_STORAGE_LOCATION", "warehouse", false, "GLUE_CATALOG" },
    { "URI", "uri", false, "ICEBERG_REST" },
    { "WAREHOUSE", "warehouse", false, "ICEBERG_REST" },
    { "CREDENTIAL", "credential", true, "ICEBERG_REST" },
    { "TOKEN", "token", true, "ICEBERG_REST" },
    { "OAUTH2_SERVER_URI", "oauth2-server-uri", false, "ICEBERG_REST" },
    { "SCOPE", "scope", false, "ICEBERG_REST" },
    { "SIGV4", "rest.sigv4-enabled", false, "ICEBERG_REST" },
    { "SIGNING_NAME", "rest.signing-name", false, "ICEBERG_REST" },
};

/* Encryption keys are settings of two words. */
static const meaning encryption[] = {
    { "ENCRYPTION_KMS_KEY", "kms", false, NULL },
    { "ENCRYPTION_CUSTOMER_MANAGED_KEY", "custom", true, NULL },
};

static bool is_secret(str option)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (meanings[i].is_secret && str_eq_nocase(option, str_of(meanings[i].option)))
            return true;
    return str_eq_nocase(option, STR("ENCRYPTION_CUSTOMER_MANAGED_KEY"));
}

static str text_of(arena *a, const option *o)
{
    switch (o->kind) {
    case OPTION_TEXT:
    case OPTION_WORD: return o->text;
    case OPTION_BOOL: return o->is_true ? STR("true") : STR("false");
    case OPTION_NUMBER: return str_format(a, "%lld", (long long)o->number);
    default: return STR("");
    }
}

/* ---- Secrets ---- */

#define MASK "***"

/* The statement without its secrets, and these as a JSON object. `s` is what `text` parses as: each
 * secret is taken out where it stands. Where the statement has '***' for one already, it is the one
 * in `known` (or NULL). */
static str take_secrets(arena *a, const statement *s, str text, const json_t *known,
                        str *ret_secrets)
{
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    json_put_object_begin(&w);
    for (size_t i = 0; i < s->options.count; i++) {
        const option *o = &s->options.items[i];
        if (!is_secret(o->name) || o->kind != OPTION_TEXT)
            continue;
        str kept = json_text_or(known, str_to_c(a, o->name), STR(""));
        bool is_kept = str_eq(o->text, STR(MASK)) && kept.len;
        json_put_key(&w, o->name);
        json_put_text(&w, is_kept ? kept : o->text);
    }
    json_put_object_done(&w);
    for (size_t i = s->options.count; i-- > 0;) /* from the end: spans before it stay true */
        if (is_secret(s->options.items[i].name))
            text = statement_with_option(a, text, s, s->options.items[i].name, STR("'" MASK "'"));
    *ret_secrets = strbuf_str(&b);
    return text;
}

static str secret_setting(arena *a, str name)
{
    return str_format(a, "secret.connection." STR_FMT, STR_ARG(str_lower(a, name)));
}

static bool read_secrets(home *h, arena *a, str name, str *ret, error *err)
{
    str sealed, setting = secret_setting(a, name);
    secret_key key;
    bool is_found;
    *ret = STR("{}");
    TRY(state_setting_get(home_state(h), a, setting, &sealed, &is_found, err));
    if (!is_found)
        return true;
    TRY(home_secret_key(h, &key, err));
    if (!secret_unseal(a, &key, setting, sealed, ret, err))
        return fail_while(err, "connection " STR_FMT, STR_ARG(name));
    return true;
}

static bool write_secrets(home *h, arena *a, str name, str secrets, error *err)
{
    str setting = secret_setting(a, name);
    secret_key key;
    TRY(home_secret_key(h, &key, err));
    return state_setting_put(home_state(h), setting, secret_seal(a, &key, setting, secrets), err);
}

/* ---- Settings ---- */

static void add_settings(arena *a, const statement *s, const json_t *secrets, settings *ret)
{
    for (size_t i = 0; i < s->options.count; i++) {
        const option *o = &s->options.items[i];
        str value = text_of(a, o);
        str secret = json_text_or(secrets, str_to_c(a, o->name), STR(""));
        if (secret.len)
            value = str_copy(a, secret);
        for (size_t k = 0; k < ARRAY_LEN(meanings); k++)
            if (str_eq(o->name, str_of(meanings[k].option)) &&
                (!meanings[k].type || str_eq(s->type, str_of(meanings[k].type))))
                vec_push(a, ret, (store_option){ str_of(meanings[k].setting), value });
        for (size_t k = 0; k < ARRAY_LEN(encryption); k++)
            if (str_eq(o->name, str_of(encryption[k].option))) {
                vec_push(a, ret,
                         (store_option){ STR("s3.sse.type"), str_of(encryption[k].setting) });
                vec_push(a, ret, (store_option){ STR("s3.sse.key"), value });
            }
    }
}

/* The statement of a connection, parsed, and its settings with their secrets. */
static bool read_connection(home *h, arena *a, const state_connection *c, const statement **ret,
                            settings *ret_settings, error *err)
{
    worksheet *w;
    str secrets;
    AUTO(json_release) json_t *root = NULL;
    TRY(worksheet_parse(a, c->name, c->statement, &w, err));
    TRY(read_secrets(h, a, c->name, &secrets, err));
    TRY(json_parse(secrets, STR("secrets"), &root, err));
    *ret = &w->statements[0];
    add_settings(a, *ret, root, ret_settings);
    return true;
}

static bool need_connection(home *h, arena *a, str name, state_connection *ret, error *err)
{
    bool is_found;
    TRY(state_connection_get(home_state(h), a, name, ret, &is_found, err));
    return is_found ||
           fail(err, ERR_NOT_FOUND, "there is no connection '" STR_FMT "'", STR_ARG(name));
}

bool connection_store_options(home *h, arena *a, str name, store_option **ret_options,
                              size_t *ret_count, error *err)
{
    state_connection c;
    const statement *s;
    settings found = { 0 };
    TRY(need_connection(h, a, name, &c, err));
    if (!str_eq(c.type, STR("S3")))
        return fail(err, ERR_INVALID, "connection '" STR_FMT "' is of type " STR_FMT ", not S3",
                    STR_ARG(name), STR_ARG(c.type));
    TRY(read_connection(h, a, &c, &s, &found, err));
    *ret_options = found.items;
    *ret_count = found.count;
    return true;
}

bool connection_create(home *h, const statement *s, str text, str root, bool *ret_has_changed,
                       error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *parsed = NULL;
    AUTO(store_close) store *trial = NULL;
    state_connection there;
    settings found = { 0 };
    bool is_found;
    str secrets, known;
    worksheet *w;
    state_connection made = { .name = s->name, .type = s->type, .root = root };
    TRY(worksheet_parse(a, s->name, text, &w, err));
    made.statement = take_secrets(a, &w->statements[0], text, NULL, &secrets);
    TRY(json_parse(secrets, STR("secrets"), &parsed, err));
    add_settings(a, s, parsed, &found);
    TRY(store_open(STR("s3://"), &trial, err));
    TRY(store_set_options(trial, STR("s3://"), found.items, found.count, err));
    TRY(state_connection_get(home_state(h), a, s->name, &there, &is_found, err));
    *ret_has_changed = false;
    if (is_found) {
        TRY(read_secrets(h, a, s->name, &known, err));
        if (str_eq(there.statement, made.statement) && str_eq(there.root, made.root) &&
            str_eq(known, secrets))
            return true;
        return fail(err, ERR_CONFLICT,
                    "connection '" STR_FMT
                    "' exists with another definition; DROP it first to change it",
                    STR_ARG(s->name));
    }
    *ret_has_changed = true;
    TRY(write_secrets(h, a, s->name, secrets, err));
    return state_connection_put(home_state(h), &made, err);
}

bool connection_alter(home *h, const state_connection *c, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *known = NULL, *parsed = NULL;
    AUTO(store_close) store *trial = NULL;
    worksheet *w;
    settings found = { 0 };
    str old, secrets;
    state_connection made = *c;
    TRY(worksheet_parse(a, c->name, c->statement, &w, err));
    TRY(read_secrets(h, a, c->name, &old, err));
    TRY(json_parse(old, STR("secrets"), &known, err));
    made.statement = take_secrets(a, &w->statements[0], c->statement, known, &secrets);
    TRY(json_parse(secrets, STR("secrets"), &parsed, err));
    add_settings(a, &w->statements[0], parsed, &found);
    TRY(store_open(STR("s3://"), &trial, err));
    TRY(store_set_options(trial, STR("s3://"), found.items, found.count, err));
    TRY(write_secrets(h, a, c->name, secrets, err));
    TRY(state_connection_put(home_state(h), &made, err));
    home_forget_catalog(h, c->name);
    connection_serve_kept(h);
    return true;
}

/* ---- Places ---- */

#define SERVED "storage.connections" /* setting: {"s3://bucket/prefix": "connection", …} */

static bool read_served(home *h, arena *a, json_t **ret, error *err)
{
    str text;
    bool is_found;
    TRY(state_setting_get(home_state(h), a, STR(SERVED), &text, &is_found, err));
    if (is_found)
        return json_parse(text, STR(SERVED), ret, err);
    *ret = json_object();
    return true;
}

static bool serve_now(home *h, str name, str prefix_uri, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    store_option *options;
    size_t count;
    TRY(connection_store_options(h, a, name, &options, &count, err));
    return store_set_options(home_store(h), prefix_uri, options, count, err);
}

bool connection_serve(home *h, str name, str prefix_uri, bool is_kept, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *served = NULL;
    TRY(serve_now(h, name, prefix_uri, err));
    if (!is_kept)
        return true;
    TRY(read_served(h, a, &served, err));
    json_object_set_new(served, str_to_c(a, prefix_uri), json_stringn(name.data, name.len));
    char *text = json_dumps(served, JSON_COMPACT);
    bool works = state_setting_put(home_state(h), STR(SERVED), str_of(text), err);
    free(text);
    return works;
}

void connection_serve_kept(home *h)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *served = NULL;
    const char *prefix;
    json_t *name;
    error ignored = { 0 };
    if (!read_served(h, a, &served, &ignored))
        return;
    json_object_foreach(served, prefix, name)
    {
        error gone = { 0 }; /* what lies there says so when it is read */
        if (!serve_now(h, json_str(name), str_of(prefix), &gone))
            error_clear(&gone);
    }
}

/* ---- Catalogs ---- */

static str option_text(const statement *s, const char *name)
{
    const option *o = option_find(s->options, name);
    return o && (o->kind == OPTION_TEXT || o->kind == OPTION_WORD) ? o->text : STR("");
}

bool connection_open_catalog(home *h, const state_connection *c, catalog **ret_catalog, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    const statement *s;
    settings found = { 0 };
    catalog_remote remote = { .name = c->name, .store = home_store(h) };
    TRY(read_connection(h, a, c, &s, &found, err));
    remote.options = found.items;
    remote.option_count = found.count;
    str storage = option_text(s, "DEFAULT_STORAGE_CONNECTION"),
        location = option_text(s, "DEFAULT_STORAGE_LOCATION");
    if (storage.len) {
        store_option *options;
        TRY(connection_store_options(h, a, storage, &options, &remote.storage_count, err));
        remote.storage_options = options;
    }
    if (storage.len && location.len)
        TRY(connection_serve(h, storage, location, false, err));
    if (str_eq(c->type, STR("ICEBERG_REST")))
        return catalog_open_rest(&remote, ret_catalog, err);
    if (str_eq(c->type, STR("GLUE_CATALOG")))
        return catalog_open_glue(&remote, ret_catalog, err);
    return fail(err, ERR_INVALID,
                "connection '" STR_FMT "' is of type " STR_FMT
                ", which is no catalog; GLUE_CATALOG and ICEBERG_REST connections are",
                STR_ARG(c->name), STR_ARG(c->type));
}
