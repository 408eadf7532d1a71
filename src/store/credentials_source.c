/* Keys from the metadata service, containers and STS: one small HTTP conversation each. */
#include "store/credentials_source.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/xml.h"

static str env(const char *name)
{
    return str_of(getenv(name));
}

/* Send until there is an answer that is no passing trouble. */
static bool ask(http_client *c, arena *a, http_request *q, int tries, http_response *r, error *err)
{
    retry again = retry_start(tries, 30);
    for (;;) {
        bool works = http_send(c, a, q, r, err);
        if (works && !retry_is_useful(r->status))
            return true;
        if (!works && err->code != ERR_IO)
            return false;
        if (!retry_again(&again, works ? retry_after_ms(r) : 0))
            return works;
        error_clear(err);
    }
}

/* {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …} */
static bool keys_of_json(arena *a, str body, const char *what, aws_keys *ret, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    str expires;
    aws_keys keys = { .session_token = STR("") };
    if (!json_parse(body, str_of(what), &root, err)) { /* its message quotes the text: a secret */
        error_clear(err);
        return fail(err, ERR_CORRUPT, "%s: its answer is not JSON", what);
    }
    TRY(json_need_text(root, what, "AccessKeyId", &keys.access_key_id, err));
    TRY(json_need_text(root, what, "SecretAccessKey", &keys.secret_access_key, err));
    keys.access_key_id = str_copy(a, keys.access_key_id);
    keys.secret_access_key = str_copy(a, keys.secret_access_key);
    keys.session_token = str_copy(a, json_text_or(root, "Token", STR("")));
    expires = json_text_or(root, "Expiration", STR(""));
    if (expires.len && !clock_parse_us(expires, &keys.expires_us))
        return fail(err, ERR_CORRUPT, "%s: Expiration is not a time", what);
    *ret = keys;
    return true;
}

/* ---- Machine ---- */

bool keys_of_machine(http_client *c, arena *a, aws_keys *ret, error *err)
{
    static const char what[] = "the machine's metadata service";
    str base = env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    http_response r;
    if (base.len == 0)
        base = STR("http://169.254.169.254");
    while (base.len && base.data[base.len - 1] == '/')
        base.len--;
    http_header ttl = { STR("x-aws-ec2-metadata-token-ttl-seconds"), STR("21600") };
    http_request q = { .method = "PUT",
                       .url = str_format(a, STR_FMT "/latest/api/token", STR_ARG(base)),
                       .headers = &ttl,
                       .header_count = 1,
                       .is_local = true,
                       .timeout_ms = 2000 };
    TRY(ask(c, a, &q, 2, &r, err));
    if (r.status != 200)
        return fail(err, ERR_IO, "%s gave no token: status %d", what, r.status);
    http_header token = { STR("x-aws-ec2-metadata-token"), str_trim(r.body) };
    q.method = "GET";
    q.headers = &token;
    q.url = str_format(a, STR_FMT "/latest/meta-data/iam/security-credentials/", STR_ARG(base));
    TRY(ask(c, a, &q, 3, &r, err));
    str role = str_trim(r.body);
    ptrdiff_t line = str_find_char(role, '\n');
    role = line < 0 ? role : str_slice(role, 0, (size_t)line);
    if (r.status != 200 || role.len == 0)
        return fail(err, ERR_INVALID, "%s: this machine has no role (status %d)", what, r.status);
    strbuf url = strbuf_new(a);
    strbuf_add(&url, q.url);
    http_escape(&url, role, false);
    q.url = strbuf_str(&url);
    TRY(ask(c, a, &q, 3, &r, err));
    if (r.status != 200)
        return fail(err, ERR_IO, "%s gave no keys: status %d", what, r.status);
    return keys_of_json(a, r.body, what, ret, err);
}

/* ---- Container ---- */

bool keys_container_is_set(void)
{
    return env("AWS_CONTAINER_CREDENTIALS_FULL_URI").len ||
           env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").len;
}

/* A token must not travel in the clear to just anybody. */
static bool is_trusted_host(str url)
{
    str scheme, host, path, query;
    if (!http_url_parts(url, &scheme, &host, &path, &query))
        return false;
    ptrdiff_t colon = str_rfind_char(host, ':');
    str name =
        colon > 0 && !str_ends_with(host, STR("]")) ? str_slice(host, 0, (size_t)colon) : host;
    return str_eq(scheme, STR("https")) || str_eq(name, STR("localhost")) ||
           str_starts_with(name, STR("127.")) || str_eq(name, STR("[::1]")) ||
           str_eq(name, STR("169.254.170.2")) || str_eq(name, STR("169.254.170.23")) ||
           str_eq(name, STR("[fd00:ec2::23]"));
}

bool keys_of_container(http_client *c, arena *a, aws_keys *ret, error *err)
{
    static const char what[] = "the container's credentials endpoint";
    str url = env("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        relative = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    str token_file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        token = env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    http_response r;
    if (relative.len)
        url = str_format(a, "http://169.254.170.2" STR_FMT, STR_ARG(relative));
    if (!is_trusted_host(url))
        return fail(err, ERR_INVALID,
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https or an address of this host");
    if (token_file.len)
        TRY(file_read(a, str_to_c(a, token_file), &token, err));
    http_header authorization = { STR("authorization"), str_trim(token) };
    http_request q = { .method = "GET",
                       .url = url,
                       .headers = &authorization,
                       .header_count = token.len ? 1 : 0,
                       .is_local = true,
                       .timeout_ms = 5000 };
    TRY(ask(c, a, &q, 3, &r, err));
    if (r.status != 200)
        return fail(err, ERR_IO, "%s gave no keys: status %d", what, r.status);
    return keys_of_json(a, r.body, what, ret, err);
}

/* ---- STS ---- */

static void add_parameter(strbuf *b, const char *name, str value)
{
    if (value.len == 0)
        return;
    strbuf_format(b, "%s%s=", b->len ? "&" : "", name);
    http_escape(b, value, false);
}

static str role_form(arena *a, const role_request *role)
{
    strbuf b = strbuf_new(a);
    bool is_web = role->web_identity_token.len > 0;
    add_parameter(&b, "Action", is_web ? STR("AssumeRoleWithWebIdentity") : STR("AssumeRole"));
    add_parameter(&b, "Version", STR("2011-06-15"));
    add_parameter(&b, "RoleArn", role->role_arn);
    add_parameter(&b, "RoleSessionName", role->session_name.len ? role->session_name : STR("floe"));
    add_parameter(&b, "ExternalId", is_web ? STR("") : role->external_id);
    add_parameter(&b, "WebIdentityToken", role->web_identity_token);
    if (role->duration_s)
        add_parameter(&b, "DurationSeconds", str_format(a, "%lld", (long long)role->duration_s));
    return strbuf_str(&b);
}

static bool read_role_keys(arena *a, const http_response *r, str url, aws_keys *ret, error *err)
{
    static const char *const names[] = { "AccessKeyId", "SecretAccessKey", "SessionToken",
                                         "Expiration" };
    str texts[4];
    TRY(xml_texts(a, r->body, url, names, texts, 4, err));
    if (texts[0].len == 0 || texts[1].len == 0)
        return fail(err, ERR_CORRUPT, STR_FMT ": its answer holds no keys", STR_ARG(url));
    *ret = (aws_keys){ texts[0], texts[1], texts[2], 0 };
    if (texts[3].len && !clock_parse_us(texts[3], &ret->expires_us))
        return fail(err, ERR_CORRUPT, STR_FMT ": Expiration is not a time", STR_ARG(url));
    return true;
}

bool keys_of_role(http_client *c, arena *a, const role_request *role, aws_keys *ret, error *err)
{
    str url = role->endpoint.len
                  ? str_format(a, STR_FMT "/", STR_ARG(role->endpoint))
                  : str_format(a, "https://sts." STR_FMT ".amazonaws.com/", STR_ARG(role->region));
    http_header form = { STR("content-type"), STR("application/x-www-form-urlencoded") };
    http_response r;
    retry again = retry_start(4, 30);
    for (;;) {
        http_request q = { .method = "POST",
                           .url = url,
                           .headers = &form,
                           .header_count = 1,
                           .body = role_form(a, role) };
        if (role->base) {
            aws_scope scope = { role->region, STR("sts") };
            aws_sign(a, &q, role->base, &scope, clock_wall_us(), &q.headers, &q.header_count);
        }
        bool works = http_send(c, a, &q, &r, err);
        if (works && r.status == 200)
            return read_role_keys(a, &r, url, ret, err);
        bool is_passing = works ? retry_is_useful(r.status) : err->code == ERR_IO;
        if (is_passing && retry_again(&again, works ? retry_after_ms(&r) : 0)) {
            error_clear(err);
            continue;
        }
        if (!works)
            return false;
        static const char *const names[] = { "Code", "Message" };
        str texts[2] = { STR(""), STR("") };
        error unread = { 0 };
        if (!xml_texts(a, r.body, url, names, texts, 2, &unread))
            error_clear(&unread);
        return fail(err, r.status >= 500 ? ERR_IO : ERR_INVALID,
                    "assuming role " STR_FMT ": status %d " STR_FMT " " STR_FMT,
                    STR_ARG(role->role_arn), r.status, STR_ARG(texts[0]), STR_ARG(texts[1]));
    }
}
