/* JSON calls of AWS services: signed, tried again, errors in words. Source: Smithy, "AWS JSON 1.0
 * and 1.1 protocols". */
#include "store/aws_json.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/http.h"

enum { MOST_BODY_BYTES = 64 << 20 };

struct aws_json {
    http_client *http;
    credentials *credentials;
    arena *arena;
    const char *service, *target, *version;
    str url;
    aws_scope scope;
};

aws_json *aws_json_new(const char *service, const char *target, const char *version, str endpoint,
                       const store_option *options, size_t count)
{
    aws_json *s = memory_alloc(sizeof *s);
    s->arena = arena_new();
    s->http = http_client_new();
    s->credentials = credentials_new(s->http, options, count);
    s->service = service;
    s->target = target;
    s->version = version;
    s->scope = (aws_scope){ credentials_region(s->credentials, s->arena), str_of(service) };
    while (endpoint.len && endpoint.data[endpoint.len - 1] == '/')
        endpoint.len--;
    s->url = endpoint.len ? str_format(s->arena, STR_FMT "/", STR_ARG(endpoint))
                          : str_format(s->arena, "https://%s." STR_FMT ".amazonaws.com%s/", service,
                                       STR_ARG(s->scope.region),
                                       str_starts_with(s->scope.region, STR("cn-")) ? ".cn" : "");
    return s;
}

void aws_json_free(aws_json *s)
{
    if (!s)
        return;
    credentials_free(s->credentials);
    http_client_free(s->http);
    arena_free(s->arena);
    free(s);
}

static error_code code_of(int status, str code)
{
    static const struct {
        const char *name;
        error_code code;
    } known[] = { { "EntityNotFoundException", ERR_NOT_FOUND },
                  { "QueueDoesNotExist", ERR_NOT_FOUND },
                  { "AlreadyExistsException", ERR_CONFLICT },
                  { "ConcurrentModificationException", ERR_CONFLICT },
                  { "VersionMismatchException", ERR_CONFLICT } };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(code, str_of(known[i].name)))
            return known[i].code;
    return status >= 500 || status == 429 ? ERR_IO : ERR_INVALID;
}

static bool is_throttled(str code)
{
    return str_contains(code, STR("Throttl")) || str_contains(code, STR("RequestLimitExceeded")) ||
           str_eq(code, STR("SlowDown"));
}

static bool is_key_fault(str code)
{
    return str_contains(code, STR("ExpiredToken"));
}

/* "com.amazonaws.glue#EntityNotFoundException:…" → "EntityNotFoundException" */
static str bare_code(str code)
{
    ptrdiff_t hash = str_rfind_char(code, '#');
    code = str_slice(code, (size_t)(hash + 1), code.len);
    ptrdiff_t dot = str_rfind_char(code, '.');
    code = str_slice(code, (size_t)(dot + 1), code.len);
    return str_cut(&code, ':');
}

static void read_fault(arena *a, const http_response *r, str *ret_code, str *ret_message)
{
    AUTO(json_release) json_t *root = NULL;
    error ignored = { 0 };
    *ret_code = str_copy(a, bare_code(http_header_of(r, STR("x-amzn-errortype"))));
    *ret_message = STR("");
    if (!json_parse(r->body, STR("answer"), &root, &ignored))
        return;
    if (ret_code->len == 0)
        *ret_code = str_copy(a, bare_code(json_text_or(root, "__type", STR(""))));
    str message = json_text_or(root, "Message", json_text_or(root, "message", STR("")));
    *ret_message = str_copy(a, str_slice(message, 0, 400));
}

static bool send_once(aws_json *s, arena *a, const char *operation, str body, http_response *r,
                      error *err)
{
    str type = str_format(a, "application/x-amz-json-%s", s->version);
    str target = str_format(a, "%s.%s", s->target, operation);
    http_header headers[] = { { STR("content-type"), type }, { STR("x-amz-target"), target } };
    http_request q = { .method = "POST",
                       .url = s->url,
                       .headers = headers,
                       .header_count = 2,
                       .body = body,
                       .most_body_bytes = MOST_BODY_BYTES,
                       .stall_seconds = 40 }; /* SQS waits up to 20 s for a message */
    aws_keys keys;
    TRY(credentials_get(s->credentials, a, &keys, err));
    aws_sign(a, &q, &keys, &s->scope, clock_wall_us(), &q.headers, &q.header_count);
    return http_send(s->http, a, &q, r, err);
}

static bool read_answer(const http_response *r, const char *service, const char *operation,
                        json_t **ret, error *err)
{
    if (r->body.len == 0) {
        *ret = json_object();
        return true;
    }
    if (json_parse(r->body, STR("answer"), ret, err))
        return true;
    err->code = ERR_CORRUPT;
    return fail_while(err, "%s %s", service, operation);
}

bool aws_json_call(aws_json *s, arena *a, const char *operation, str body, bool changes,
                   json_t **ret_json, aws_outcome *outcome, error *err)
{
    retry again = retry_start(0, 0);
    bool has_renewed = false;
    *outcome = (aws_outcome){ .code = STR("") };
    for (;;) {
        AUTO(arena_free) arena *scratch = arena_new();
        http_response r;
        str code = STR(""), message = STR("");
        bool works = send_once(s, scratch, operation, body, &r, err);
        if (works && r.status == 200)
            return read_answer(&r, s->service, operation, ret_json, err);
        if (works)
            read_fault(a, &r, &code, &message);
        if (works && is_key_fault(code) && !has_renewed) {
            has_renewed = true;
            credentials_expire(s->credentials);
            continue;
        }
        bool is_passing =
            works ? retry_is_useful(r.status) || is_throttled(code) : err->code == ERR_IO;
        bool may_be_done = works ? r.status >= 500 : r.was_sent;
        outcome->is_uncertain |= is_passing && may_be_done;
        if (is_passing && !(changes && may_be_done) &&
            retry_again(&again, works ? retry_after_ms(&r) : 0)) {
            error_clear(err);
            continue;
        }
        outcome->code = code;
        return works ? fail(err, code_of(r.status, code), "%s %s: status %d " STR_FMT "%s" STR_FMT,
                            s->service, operation, r.status, STR_ARG(code), message.len ? ": " : "",
                            STR_ARG(message))
                     : fail_while(err, "%s %s", s->service, operation);
    }
}
