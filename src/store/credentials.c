/* The chain of sources, and the keys it found, renewed before they end. */
#include "store/credentials.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/credentials_source.h"
#include "store/profile.h"

enum { DEEPEST_PROFILE = 5, RENEW_EARLY_S = 300 };

struct credentials {
    http_client *client;
    arena *arena;
    const store_option *options;
    size_t option_count;
    pthread_mutex_t lock; /* guards what follows */
    arena *found;         /* owns `keys` */
    aws_keys keys;
    bool has_keys;
    int64_t renew_us; /* wall clock */
};

str store_option_text(const store_option *options, size_t count, const char *key)
{
    for (size_t i = count; i-- > 0;)
        if (str_eq(options[i].key, str_of(key)))
            return options[i].value;
    return STR("");
}

static str option(const credentials *c, const char *key)
{
    return store_option_text(c->options, c->option_count, key);
}

static str env(const char *name)
{
    return str_of(getenv(name));
}

credentials *credentials_new(http_client *client, const store_option *options, size_t count)
{
    credentials *c = memory_alloc(sizeof *c);
    c->client = client;
    c->arena = arena_new();
    store_option *copy = arena_array_of(c->arena, store_option, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = (store_option){ str_copy(c->arena, options[i].key),
                                  str_copy(c->arena, options[i].value) };
    c->options = copy;
    c->option_count = count;
    c->found = arena_new();
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void credentials_free(credentials *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    arena_free(c->found);
    arena_free(c->arena);
    free(c);
}

static str profile_name(const credentials *c)
{
    str name = option(c, "client.profile");
    if (name.len == 0)
        name = env("AWS_PROFILE");
    return name.len ? name : STR("default");
}

str credentials_region(credentials *c, arena *a)
{
    static const char *const keys[] = { "s3.region", "client.region", "glue.region" };
    static const char *const variables[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
    str region = STR("");
    for (size_t i = 0; region.len == 0 && i < ARRAY_LEN(keys); i++)
        region = option(c, keys[i]);
    for (size_t i = 0; region.len == 0 && i < ARRAY_LEN(variables); i++)
        region = env(variables[i]);
    profile_set *profiles;
    error ignored = { 0 };
    if (region.len == 0 && profile_read(a, &profiles, &ignored))
        region = profile_setting(profiles, profile_name(c), "region");
    return str_copy(a, region.len ? region : STR("us-east-1"));
}

/* ---- Sources ---- */

static str sts_endpoint(const credentials *c)
{
    str endpoint = option(c, "sts.endpoint");
    if (endpoint.len == 0)
        endpoint = env("AWS_ENDPOINT_URL_STS");
    while (endpoint.len && endpoint.data[endpoint.len - 1] == '/')
        endpoint.len--;
    return endpoint;
}

static bool by_web_identity(credentials *c, arena *a, str token_file, str role, str session,
                            aws_keys *ret, error *err)
{
    str token;
    TRY(file_read(a, str_to_c(a, token_file), &token, err));
    role_request q = { .role_arn = role,
                       .session_name = session,
                       .region = credentials_region(c, a),
                       .endpoint = sts_endpoint(c),
                       .web_identity_token = str_trim(token) };
    return keys_of_role(c->client, a, &q, ret, err);
}

static bool by_container_or_machine(credentials *c, arena *a, aws_keys *ret, error *err)
{
    if (keys_container_is_set())
        return keys_of_container(c->client, a, ret, err);
    return keys_of_machine(c->client, a, ret, err);
}

static bool by_profile(credentials *c, arena *a, const profile_set *p, str name, int depth,
                       aws_keys *ret, bool *ret_is_found, error *err);

/* A profile with role_arn: the keys that assume it come from another profile or source. */
static bool by_profile_role(credentials *c, arena *a, const profile_set *p, str name, int depth,
                            aws_keys *ret, error *err)
{
    str role = profile_setting(p, name, "role_arn"),
        source = profile_setting(p, name, "source_profile"),
        from = profile_setting(p, name, "credential_source"),
        token_file = profile_setting(p, name, "web_identity_token_file"),
        session = profile_setting(p, name, "role_session_name");
    aws_keys base;
    bool is_found = true;
    if (token_file.len)
        return by_web_identity(c, a, token_file, role, session, ret, err);
    if (source.len)
        TRY(by_profile(c, a, p, source, depth + 1, &base, &is_found, err));
    else if (str_eq(from, STR("Environment")))
        base = (aws_keys){ env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"),
                           env("AWS_SESSION_TOKEN"), 0 };
    else if (str_eq(from, STR("EcsContainer")))
        TRY(keys_of_container(c->client, a, &base, err));
    else if (str_eq(from, STR("Ec2InstanceMetadata")))
        TRY(keys_of_machine(c->client, a, &base, err));
    else
        is_found = false;
    if (!is_found || base.access_key_id.len == 0)
        return fail(err, ERR_INVALID,
                    "profile " STR_FMT " assumes a role, but its source_profile or "
                    "credential_source has no keys",
                    STR_ARG(name));
    int64_t duration_s = 0;
    str_to_i64(profile_setting(p, name, "duration_seconds"), &duration_s);
    role_request q = { .role_arn = role,
                       .external_id = profile_setting(p, name, "external_id"),
                       .session_name = session,
                       .region = credentials_region(c, a),
                       .endpoint = sts_endpoint(c),
                       .base = &base,
                       .duration_s = duration_s };
    return keys_of_role(c->client, a, &q, ret, err);
}

static bool by_profile(credentials *c, arena *a, const profile_set *p, str name, int depth,
                       aws_keys *ret, bool *ret_is_found, error *err)
{
    aws_keys keys = { profile_setting(p, name, "aws_access_key_id"),
                      profile_setting(p, name, "aws_secret_access_key"),
                      profile_setting(p, name, "aws_session_token"), 0 };
    *ret_is_found = false;
    if (depth > DEEPEST_PROFILE)
        return fail(err, ERR_INVALID, "profile " STR_FMT ": source_profile goes round in a circle",
                    STR_ARG(name));
    /* a profile that names itself as its source means its own keys */
    bool has_role = profile_setting(p, name, "role_arn").len > 0;
    bool is_own_source = depth > 0 && str_eq(profile_setting(p, name, "source_profile"), name) &&
                         keys.access_key_id.len;
    if (has_role && !is_own_source) {
        *ret_is_found = true;
        return by_profile_role(c, a, p, name, depth, ret, err);
    }
    if (keys.access_key_id.len && keys.secret_access_key.len) {
        *ret = keys;
        *ret_is_found = true;
        return true;
    }
    if (profile_setting(p, name, "sso_start_url").len ||
        profile_setting(p, name, "sso_session").len ||
        profile_setting(p, name, "credential_process").len)
        return fail(
            err, ERR_INVALID,
            "profile " STR_FMT " uses single sign-on or a credential process, which are "
            "not read; export its keys: aws configure export-credentials --profile " STR_FMT,
            STR_ARG(name), STR_ARG(name));
    return true;
}

/* ---- The chain ---- */

static bool find_base(credentials *c, arena *a, aws_keys *ret, error *err)
{
    bool is_found = false;
    profile_set *profiles;
    aws_keys given = { option(c, "s3.access-key-id"), option(c, "s3.secret-access-key"),
                       option(c, "s3.session-token"), 0 };
    aws_keys around = { env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"),
                        env("AWS_SESSION_TOKEN"), 0 };
    if (given.access_key_id.len) {
        str_to_i64(option(c, "s3.session-token-expires-at-ms"), &given.expires_us);
        given.expires_us *= 1000;
        *ret = given;
        return true;
    }
    TRY(profile_read(a, &profiles, err));
    str asked = option(c, "client.profile");
    if (asked.len && !profile_exists(profiles, asked))
        return fail(err, ERR_INVALID, "there is no profile '" STR_FMT "' in AWS's profile files",
                    STR_ARG(asked));
    if (asked.len == 0 && around.access_key_id.len && around.secret_access_key.len) {
        *ret = around;
        return true;
    }
    if (asked.len == 0 && env("AWS_WEB_IDENTITY_TOKEN_FILE").len && env("AWS_ROLE_ARN").len)
        return by_web_identity(c, a, env("AWS_WEB_IDENTITY_TOKEN_FILE"), env("AWS_ROLE_ARN"),
                               env("AWS_ROLE_SESSION_NAME"), ret, err);
    TRY(by_profile(c, a, profiles, profile_name(c), 0, ret, &is_found, err));
    if (is_found)
        return true;
    str off = env("AWS_EC2_METADATA_DISABLED");
    bool has_machine = !str_eq_nocase(off, STR("true"));
    if ((keys_container_is_set() || has_machine) && by_container_or_machine(c, a, ret, err))
        return true;
    if (keys_container_is_set())
        return false;
    error why = *err;
    error_clear(err);
    return fail(err, ERR_INVALID,
                "there are no AWS keys: none in the connection, in AWS_ACCESS_KEY_ID, "
                "AWS_WEB_IDENTITY_TOKEN_FILE, profile '" STR_FMT
                "' or AWS_CONTAINER_CREDENTIALS_FULL_URI, and this is no machine with a role%s%s",
                STR_ARG(profile_name(c)), why.code ? ": " : "", why.code ? why.message : "");
}

static bool find(credentials *c, arena *a, aws_keys *ret, error *err)
{
    str role = option(c, "client.assume-role.arn");
    TRY(find_base(c, a, ret, err));
    if (role.len == 0)
        return true;
    aws_keys base = *ret;
    role_request q = { .role_arn = role,
                       .external_id = option(c, "client.assume-role.external-id"),
                       .session_name = option(c, "client.assume-role.session-name"),
                       .region = option(c, "client.assume-role.region"),
                       .endpoint = sts_endpoint(c),
                       .base = &base };
    if (q.region.len == 0)
        q.region = credentials_region(c, a);
    return keys_of_role(c->client, a, &q, ret, err);
}

/* When to look for new keys: five minutes before the end, or a quarter of a short life. */
static int64_t renew_time(const aws_keys *keys, int64_t now_us)
{
    if (keys->expires_us == 0)
        return INT64_MAX;
    int64_t early_us = (keys->expires_us - now_us) / 4;
    if (early_us > (int64_t)RENEW_EARLY_S * 1000000)
        early_us = (int64_t)RENEW_EARLY_S * 1000000;
    return keys->expires_us - (early_us > 0 ? early_us : 0);
}

static bool renew(credentials *c, int64_t now_us, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    aws_keys keys;
    if (!find(c, scratch, &keys, err)) {
        if (!c->has_keys || now_us >= c->keys.expires_us || c->keys.expires_us == 0)
            return false;
        error_clear(err); /* those at hand are still good: try again in a while */
        c->renew_us = now_us + 10000000;
        return true;
    }
    arena_reset(c->found);
    c->keys = (aws_keys){ str_copy(c->found, keys.access_key_id),
                          str_copy(c->found, keys.secret_access_key),
                          str_copy(c->found, keys.session_token), keys.expires_us };
    c->has_keys = true;
    c->renew_us = renew_time(&keys, now_us);
    return true;
}

bool credentials_get(credentials *c, arena *a, aws_keys *ret, error *err)
{
    int64_t now_us = clock_wall_us();
    pthread_mutex_lock(&c->lock);
    bool works = (c->has_keys && now_us < c->renew_us) || renew(c, now_us, err);
    if (works)
        *ret =
            (aws_keys){ str_copy(a, c->keys.access_key_id), str_copy(a, c->keys.secret_access_key),
                        str_copy(a, c->keys.session_token), c->keys.expires_us };
    pthread_mutex_unlock(&c->lock);
    return works;
}

void credentials_expire(credentials *c)
{
    pthread_mutex_lock(&c->lock);
    c->has_keys = false;
    pthread_mutex_unlock(&c->lock);
}
