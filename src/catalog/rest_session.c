/* Requests to an Iceberg REST catalog. Source: rest-catalog-open-api.yaml ("getConfig",
 * "OAuthTokenResponse", "ErrorModel"). */
#include "catalog/rest_session.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/credentials.h"
#include "store/http.h"

enum { MOST_BODY_BYTES = 512 << 20, EARLY_S = 60 };

struct rest_session {
    http_client *http;
    credentials *credentials; /* for SigV4 */
    arena *arena;
    const store_option *options;
    size_t option_count;
    pthread_mutex_t lock; /* guards what follows */
    json_t *config;       /* answer of getConfig */
    arena *token_arena;
    str token;
    int64_t token_ends_us; /* wall clock; 0: does not end */
};

rest_session *rest_session_new(const catalog_remote *r)
{
    rest_session *s = memory_alloc(sizeof *s);
    s->arena = arena_new();
    s->token_arena = arena_new();
    s->http = http_client_new();
    s->credentials = credentials_new(s->http, r->options, r->option_count);
    store_option *copy = arena_array_of(s->arena, store_option, r->option_count);
    for (size_t i = 0; i < r->option_count; i++)
        copy[i] = (store_option){ str_copy(s->arena, r->options[i].key),
                                  str_copy(s->arena, r->options[i].value) };
    s->options = copy;
    s->option_count = r->option_count;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void rest_session_free(rest_session *s)
{
    if (!s)
        return;
    json_decref(s->config);
    credentials_free(s->credentials);
    http_client_free(s->http);
    pthread_mutex_destroy(&s->lock);
    arena_free(s->token_arena);
    arena_free(s->arena);
    free(s);
}

/* Under the lock or before there is a configuration. */
static str setting(const rest_session *s, const char *key)
{
    str v = json_text_or(json_object_get(s->config, "overrides"), key, STR(""));
    if (v.len == 0)
        v = store_option_text(s->options, s->option_count, key);
    return v.len ? v : json_text_or(json_object_get(s->config, "defaults"), key, STR(""));
}

static str without_slash(str url)
{
    while (url.len && url.data[url.len - 1] == '/')
        url.len--;
    return url;
}

/* ---- Errors ---- */

static error_code code_of(int status)
{
    return status == 404                    ? ERR_NOT_FOUND
           : status == 409                  ? ERR_CONFLICT
           : status == 429 || status >= 500 ? ERR_IO
                                            : ERR_INVALID;
}

static void read_error(arena *a, const http_response *r, rest_answer *ret)
{
    AUTO(json_release) json_t *root = NULL;
    error ignored = { 0 };
    ret->error_type = ret->message = STR("");
    if (!json_parse(r->body, STR("answer"), &root, &ignored))
        return;
    const json_t *e = json_object_get(root, "error");
    if (json_is_object(e)) {
        ret->error_type = str_copy(a, json_text_or(e, "type", STR("")));
        ret->message = str_copy(a, json_text_or(e, "message", STR("")));
    } else if (json_is_string(e)) { /* OAuth's form */
        ret->error_type = str_copy(a, json_str(e));
        ret->message = str_copy(a, json_text_or(root, "error_description", STR("")));
    }
    if (ret->message.len > 600)
        ret->message.len = 600;
}

static bool fail_answer(const char *method, str url, const rest_answer *r, error *err)
{
    ptrdiff_t query = str_find_char(url, '?');
    str where = query < 0 ? url : str_slice(url, 0, (size_t)query);
    return fail(err, code_of(r->status), "%s " STR_FMT ": status %d%s" STR_FMT "%s" STR_FMT "%s",
                method, STR_ARG(where), r->status, r->error_type.len ? " " : "",
                STR_ARG(r->error_type), r->message.len ? ": " : "", STR_ARG(r->message),
                r->status == 401   ? "; CREDENTIAL or TOKEN of the connection is not accepted"
                : r->status == 403 ? "; who we are may not do this"
                                   : "");
}

/* ---- Who we are ---- */

static void add_parameter(strbuf *b, const char *name, str value)
{
    strbuf_format(b, "%s%s=", b->len ? "&" : "", name);
    http_escape(b, value, false);
}

/* Client credentials for a token (RFC 6749, section 4.4). Under the lock. */
static bool fetch_token(rest_session *s, str credential, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *root = NULL;
    str secret = credential, id = str_cut(&secret, ':'), scope = setting(s, "scope");
    str url = setting(s, "oauth2-server-uri");
    strbuf form = strbuf_new(a);
    http_response r;
    rest_answer answer = { 0 };
    if (secret.len == 0) { /* without ':' it is the secret alone */
        secret = id;
        id = STR("");
    }
    if (url.len == 0)
        url = str_format(a, STR_FMT "/v1/oauth/tokens", STR_ARG(without_slash(setting(s, "uri"))));
    add_parameter(&form, "grant_type", STR("client_credentials"));
    if (id.len)
        add_parameter(&form, "client_id", id);
    add_parameter(&form, "client_secret", secret);
    add_parameter(&form, "scope", scope.len ? scope : STR("catalog"));
    http_header header = { STR("content-type"), STR("application/x-www-form-urlencoded") };
    http_request q = { .method = "POST",
                       .url = url,
                       .headers = &header,
                       .header_count = 1,
                       .body = strbuf_str(&form) };
    retry again = retry_start(4, 20);
    for (;;) {
        bool works = http_send(s->http, a, &q, &r, err);
        bool is_passing = works ? retry_is_useful(r.status) : err->code == ERR_IO;
        if (works && !is_passing)
            break;
        if (!is_passing || !retry_again(&again, works ? retry_after_ms(&r) : 0)) {
            if (!works)
                return false;
            break;
        }
        error_clear(err);
    }
    answer.status = r.status;
    read_error(a, &r, &answer);
    if (r.status != 200)
        return fail_answer("POST", url, &answer, err);
    error unread = { 0 }; /* its message would quote the token */
    if (!json_parse(r.body, STR("token"), &root, &unread) ||
        json_text_or(root, "access_token", STR("")).len == 0)
        return fail(err, ERR_CORRUPT, "POST " STR_FMT ": the answer holds no access_token",
                    STR_ARG(url));
    arena_reset(s->token_arena);
    s->token = str_copy(s->token_arena, json_text_or(root, "access_token", STR("")));
    int64_t seconds = json_int_or(root, "expires_in", 0);
    int64_t early_s = seconds / 4 < EARLY_S ? seconds / 4 : EARLY_S;
    s->token_ends_us = seconds > 0 ? clock_wall_us() + (seconds - early_s) * 1000000 : 0;
    return true;
}

/* The authorization header's value; empty when the catalog asks for none. Under the lock. */
static bool authorize(rest_session *s, arena *a, bool is_renewed, str *ret, error *err)
{
    str token = setting(s, "token"), credential = setting(s, "credential");
    *ret = STR("");
    if (credential.len) {
        bool has_ended = s->token_ends_us && clock_wall_us() >= s->token_ends_us;
        if (s->token.len == 0 || has_ended || is_renewed)
            TRY(fetch_token(s, credential, err));
        token = s->token;
    }
    if (token.len)
        *ret = str_format(a, "Bearer " STR_FMT, STR_ARG(token));
    return true;
}

/* ---- One request ---- */

typedef VEC(http_header) header_vec;

static bool is_signed(const rest_session *s)
{
    return str_eq_nocase(setting(s, "rest.sigv4-enabled"), STR("true"));
}

/* What a try is sent with; read under the lock, since a new configuration replaces it. */
static bool prepare(rest_session *s, arena *a, const rest_call *c, bool is_renewed, http_request *q,
                    aws_scope *ret_scope, error *err)
{
    header_vec headers = { 0 };
    str authorization;
    bool works = true;
    pthread_mutex_lock(&s->lock);
    bool is_aws = is_signed(s);
    if (!is_aws)
        works = authorize(s, a, is_renewed, &authorization, err);
    if (works && !is_aws && authorization.len)
        vec_push(a, &headers, (http_header){ STR("authorization"), authorization });
    str prefix = setting(s, "prefix"), name = setting(s, "rest.signing-name"),
        region = setting(s, "rest.signing-region");
    bool is_config = str_starts_with(c->path, STR("config"));
    q->url =
        str_format(a, STR_FMT "/v1/" STR_FMT "%s" STR_FMT,
                   STR_ARG(without_slash(setting(s, "uri"))), STR_ARG(is_config ? STR("") : prefix),
                   prefix.len && !is_config ? "/" : "", STR_ARG(c->path));
    *ret_scope =
        (aws_scope){ str_copy(a, region), str_copy(a, name.len ? name : STR("execute-api")) };
    pthread_mutex_unlock(&s->lock);
    TRY(works);
    if (c->body.len)
        vec_push(a, &headers, (http_header){ STR("content-type"), STR("application/json") });
    if (c->wants_storage_keys)
        vec_push(a, &headers,
                 (http_header){ STR("x-iceberg-access-delegation"), STR("vended-credentials") });
    q->method = c->method;
    q->headers = headers.items;
    q->header_count = headers.count;
    q->body = c->body;
    q->most_body_bytes = MOST_BODY_BYTES;
    q->stall_seconds = 60; /* a catalog may work long on an answer */
    if (!is_aws)
        return true;
    aws_keys keys;
    if (ret_scope->region.len == 0)
        ret_scope->region = credentials_region(s->credentials, a);
    TRY(credentials_get(s->credentials, a, &keys, err));
    aws_sign(a, q, &keys, ret_scope, clock_wall_us(), &q->headers, &q->header_count);
    return true;
}

static bool is_unauthorized(int status)
{
    return status == 401 || status == 419;
}

/* Send, again where that can do no harm. True with any answer. */
static bool converse(rest_session *s, arena *a, const rest_call *c, http_response *r, str *ret_url,
                     bool *ret_is_uncertain, error *err)
{
    retry again = retry_start(6, 60);
    bool is_renewed = false;
    *ret_is_uncertain = false;
    for (;;) {
        http_request q = { 0 };
        aws_scope scope;
        TRY(prepare(s, a, c, is_renewed, &q, &scope, err));
        *ret_url = q.url;
        bool works = http_send(s->http, a, &q, r, err);
        if (works && is_unauthorized(r->status) && !is_renewed) {
            is_renewed = true;
            credentials_expire(s->credentials);
            continue;
        }
        bool is_passing = works ? retry_is_useful(r->status) : err->code == ERR_IO;
        if (!is_passing)
            return works;
        bool may_be_done = works ? r->status >= 500 : r->was_sent;
        *ret_is_uncertain |= may_be_done;
        if ((c->changes && may_be_done) || !retry_again(&again, works ? retry_after_ms(r) : 0))
            return works;
        error_clear(err);
    }
}

static bool exchange(rest_session *s, const rest_call *c, arena *a, json_t **ret_json,
                     rest_answer *ret, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    http_response r;
    str url = STR("");
    *ret_json = NULL;
    *ret = (rest_answer){ 0 };
    if (!converse(s, scratch, c, &r, &url, &ret->is_uncertain, err))
        return false;
    ret->status = r.status;
    if (r.status < 200 || r.status >= 300) {
        read_error(a, &r, ret);
        return fail_answer(c->method, url, ret, err);
    }
    if (r.body.len == 0)
        return true;
    if (json_parse(r.body, STR("the catalog's answer"), ret_json, err))
        return true;
    err->code = ERR_CORRUPT;
    return fail_while(err, "%s " STR_FMT, c->method, STR_ARG(url));
}

/* ---- Configuration ---- */

static bool configure(rest_session *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf path = strbuf_new(a);
    str warehouse = store_option_text(s->options, s->option_count, "warehouse");
    rest_answer answer;
    json_t *config;
    pthread_mutex_lock(&s->lock);
    bool is_known = s->config != NULL;
    pthread_mutex_unlock(&s->lock);
    if (is_known)
        return true;
    strbuf_add_c(&path, "config");
    if (warehouse.len) {
        strbuf_add_c(&path, "?warehouse=");
        http_escape(&path, warehouse, false);
    }
    rest_call c = { .method = "GET", .path = strbuf_str(&path) };
    if (!exchange(s, &c, a, &config, &answer, err))
        return fail_while(err, "asking the catalog for its configuration");
    pthread_mutex_lock(&s->lock);
    if (!s->config)
        s->config = config ? json_incref(config) : json_object();
    pthread_mutex_unlock(&s->lock);
    json_decref(config);
    return true;
}

bool rest_session_call(rest_session *s, const rest_call *call, arena *a, json_t **ret_json,
                       rest_answer *ret_answer, error *err)
{
    *ret_json = NULL;
    *ret_answer = (rest_answer){ 0 };
    return configure(s, err) && exchange(s, call, a, ret_json, ret_answer, err);
}

bool rest_session_setting(rest_session *s, arena *a, const char *key, str *ret, error *err)
{
    TRY(configure(s, err));
    pthread_mutex_lock(&s->lock);
    *ret = str_copy(a, setting(s, key));
    pthread_mutex_unlock(&s->lock);
    return true;
}
