/* From an HTTP request to its route: sign-in, errors, and the task that answers. */
#include <stdlib.h>

#include "server/exchange.h"
#include "wire/text.h"

/* ---- Answers ---- */

static const struct error_http {
    const char *name;
    int status;
} error_table[] = {
    [ERR_NONE] = { "INTERNAL", 500 },       [ERR_INVALID] = { "INVALID", 400 },
    [ERR_NOT_FOUND] = { "NOT_FOUND", 404 }, [ERR_CONFLICT] = { "CONFLICT", 409 },
    [ERR_CORRUPT] = { "CORRUPT", 500 },     [ERR_IO] = { "IO", 502 },
    [ERR_LIMIT] = { "LIMIT", 408 },         [ERR_CANCELLED] = { "CANCELLED", 499 },
};

int error_http_status(error_code code)
{
    return error_table[code].status;
}

const char *error_http_name(const error *err)
{
    return error_table[err->code].name;
}

/* "name:3:14: message" → its line and column. */
static bool position_of(str message, int64_t *ret_line, int64_t *ret_column)
{
    str name = str_cut(&message, ':'), line = str_cut(&message, ':'),
        column = str_cut(&message, ':');
    return name.len < 64 && str_to_i64(line, ret_line) && str_to_i64(column, ret_column);
}

void error_put_json(json_writer *w, arena *a, const error *err)
{
    int64_t line, column;
    json_put_object_begin(w);
    json_put_key(w, STR("code"));
    json_put_text(w, str_of(error_http_name(err)));
    json_put_key(w, STR("message"));
    json_put_text(w, str_of(err->message));
    if (position_of(str_of(err->message), &line, &column)) {
        json_put_key(w, STR("position"));
        json_put_raw(w, str_format(a, "{\"line\":%lld,\"column\":%lld}", (long long)line,
                                   (long long)column));
    }
    json_put_object_done(w);
}

void exchange_json(exchange *x, int status, str json)
{
    http_reply(x->request, status, STR("application/json"), STR("Cache-Control: no-store\r\n"),
               json);
}

void json_reply_begin(json_reply *r, exchange *x)
{
    r->text = strbuf_new(x->arena);
    r->out = json_writer_new(&r->text);
}

void json_reply_send(json_reply *r, exchange *x, int status)
{
    strbuf_add_char(&r->text, '\n');
    exchange_json(x, status, strbuf_str(&r->text));
}

void exchange_error(exchange *x, const error *err)
{
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("error"));
    error_put_json(&r.out, x->arena, err);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, error_http_status(err->code));
}

bool exchange_body(exchange *x, json_t **ret, error *err)
{
    TRY(json_parse(x->request->body, STR("request body"), ret, err));
    if (json_is_object(*ret))
        return true;
    return fail(err, ERR_INVALID, "the request body must be a JSON object");
}

static bool fill_of_json(arena *a, const json_t *j, int depth, value *ret, error *err);

static bool list_of_json(arena *a, const json_t *j, int depth, value *ret, error *err)
{
    size_t count = json_array_size(j);
    value *items = arena_array_of(a, value, count);
    for (size_t i = 0; i < count; i++)
        TRY(fill_of_json(a, json_array_get(j, i), depth + 1, &items[i], err));
    *ret = value_list(items, count);
    return true;
}

static bool map_of_json(arena *a, json_t *j, int depth, value *ret, error *err)
{
    size_t count = json_object_size(j), i = 0;
    const char *key;
    json_t *item;
    *ret = (value){ .kind = VALUE_MAP,
                    .map = { arena_array_of(a, value, count), arena_array_of(a, value, count),
                             count } };
    json_object_foreach(j, key, item)
    {
        ret->map.keys[i] = value_text(str_copy(a, str_of(key)));
        TRY(fill_of_json(a, item, depth + 1, &ret->map.values[i++], err));
    }
    return true;
}

static bool fill_of_json(arena *a, const json_t *j, int depth, value *ret, error *err)
{
    if (depth > JSON_DEPTH)
        return fail(err, ERR_LIMIT, "a parameter is nested deeper than %d", JSON_DEPTH);
    switch (json_typeof(j)) {
    case JSON_NULL: *ret = value_null(); return true;
    case JSON_TRUE: *ret = value_bool(true); return true;
    case JSON_FALSE: *ret = value_bool(false); return true;
    case JSON_INTEGER: *ret = value_int(json_integer_value(j)); return true;
    case JSON_REAL: *ret = value_double(json_real_value(j)); return true;
    case JSON_STRING: *ret = value_text(str_copy(a, json_str(j))); return true;
    case JSON_ARRAY: return list_of_json(a, j, depth, ret, err);
    case JSON_OBJECT: return map_of_json(a, (json_t *)(uintptr_t)j, depth, ret, err);
    }
    return fail(err, ERR_INVALID, "a parameter is no JSON value");
}

bool value_of_json(arena *a, const json_t *j, value *ret, error *err)
{
    if (!j) {
        *ret = value_null();
        return true;
    }
    return fill_of_json(a, j, 0, ret, err);
}

/* ---- Signing in ---- */

static bool by_basic(exchange *x, str coded, str *ret_message, error *err)
{
    str pair;
    if (!base64_decode(x->arena, str_trim(coded), &pair)) {
        *ret_message = STR("the Authorization header is not Basic with base64");
        return true;
    }
    str name = str_cut(&pair, ':');
    TRY(server_sign_in(x->server, x->arena, name, pair, stream_peer(x->request->stream),
                       ret_message, err));
    if (!ret_message->len)
        x->user = name;
    return true;
}

static bool by_token(exchange *x, str token, str *ret_message, error *err)
{
    TRY(users_token_get(x->server->users, x->arena, str_trim(token), &x->user, err));
    if (!x->user.len)
        *ret_message = STR("this token is not known, or was taken back");
    return true;
}

static bool find_user(exchange *x, str *ret_message, error *err)
{
    str given = x->request->authorization, cookie = http_cookie(x->request, STR("floe_session"));
    *ret_message = STR("");
    if (x->server->options.no_sign_in)
        return true;
    if (str_starts_with(given, STR("Basic ")))
        return by_basic(x, str_slice(given, 6, given.len), ret_message, err);
    if (str_starts_with(given, STR("Bearer ")))
        return by_token(x, str_slice(given, 7, given.len), ret_message, err);
    if (given.len)
        return by_token(x, given, ret_message, err);
    TRY(users_session_get(x->server->users, x->arena, cookie, &x->user, err));
    x->has_cookie = x->user.len > 0;
    if (!x->user.len)
        *ret_message = STR("sign in: send the session cookie, Basic or a Bearer token");
    return true;
}

/* The cookie goes along with what any page makes the browser send. */
static bool is_own_page(const exchange *x)
{
    const http_request *r = x->request;
    str origin = r->origin;
    if (!x->has_cookie || r->method == HTTP_GET || r->method == HTTP_HEAD)
        return true;
    if (r->body.len && !str_starts_with(r->content_type, STR("application/json")))
        return false;
    ptrdiff_t scheme = str_find(origin, STR("://"));
    return !origin.len ||
           (scheme >= 0 && str_eq(str_slice(origin, (size_t)scheme + 3, origin.len), r->host));
}

static void refuse(exchange *x, int status, const char *code, str message)
{
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("error"));
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("code"));
    json_put_text(&r.out, str_of(code));
    json_put_key(&r.out, STR("message"));
    json_put_text(&r.out, message);
    json_put_object_done(&r.out);
    json_put_object_done(&r.out);
    strbuf_add_char(&r.text, '\n');
    bool wants_basic = status == 401 && !str_starts_with(x->request->path, STR("/api/"));
    http_reply(x->request, status, STR("application/json"),
               wants_basic     ? STR("WWW-Authenticate: Basic realm=\"floe\"\r\n")
               : status == 429 ? STR("Retry-After: 5\r\n")
                               : STR(""),
               strbuf_str(&r.text));
}

/* ---- The task ---- */

static bool handle(exchange *x, error *err)
{
    str message;
    if (x->route->needs == NEEDS_SIGN_IN) {
        TRY(find_user(x, &message, err));
        if (message.len) {
            bool waits = str_starts_with(message, STR("too many"));
            refuse(x, waits ? 429 : 401, waits ? "LIMIT" : "UNAUTHORIZED", message);
            return true;
        }
        if (!is_own_page(x)) {
            refuse(x, 403, "FORBIDDEN", STR("only this server's own pages may use the cookie"));
            return true;
        }
    }
    return x->route->handle(x, err);
}

static task_turn take_turn(task *t)
{
    exchange *x = (exchange *)t;
    error err = { 0 };
    if (x->more)
        return x->more(x);
    if (stream_is_gone(t->stream))
        return TASK_DONE;
    if (!handle(x, &err)) {
        if (x->request->is_answered)
            stream_drop(t->stream);
        else
            exchange_error(x, &err);
        return TASK_DONE;
    }
    return x->more ? TASK_AGAIN : TASK_DONE;
}

static void finish(task *t)
{
    exchange *x = (exchange *)t;
    if (x->done)
        x->done(x);
    http_request_free(x->request);
    free(x);
}

static bool matches(const route *r, const http_request *q, str *ret_rest)
{
    str path = str_of(r->path);
    http_method method = q->method == HTTP_HEAD ? HTTP_GET : q->method;
    if (r->method != method)
        return false;
    *ret_rest = STR("");
    if (!str_ends_with(path, STR("*")))
        return str_eq(path, q->path);
    path.len--;
    *ret_rest = str_slice(q->path, path.len, q->path.len);
    return str_starts_with(q->path, path) && ret_rest->len && str_find_char(*ret_rest, '/') < 0;
}

static const route *find_route(const http_request *q, str *ret_rest)
{
    const struct table {
        const route *routes;
        size_t count;
    } tables[] = {
        { session_routes, session_route_count },       { query_routes, query_route_count },
        { schema_routes, schema_route_count },         { watch_routes, watch_route_count },
        { compatible_routes, compatible_route_count }, { ui_routes, ui_route_count },
        { gremlin_routes, gremlin_route_count },       { job_routes, job_route_count },
        { upsolver_routes, upsolver_route_count },     { table_routes, table_route_count },
        { source_routes, source_route_count }
    };
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (size_t k = 0; k < tables[i].count; k++)
            if (matches(&tables[i].routes[k], q, ret_rest))
                return &tables[i].routes[k];
    return NULL;
}

static bool no_route(exchange *x, error *err)
{
    return fail(err, ERR_NOT_FOUND, "there is no %s " STR_FMT " (docs/http-api.md lists what is)",
                http_method_name(x->request->method), STR_ARG(x->request->path));
}

static bool say_options(exchange *x, error *err)
{
    (void)err;
    http_reply(x->request, 204, STR(""), STR("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"),
               STR(""));
    return true;
}

void routes_answer(void *context, workers *w, http_request *q)
{
    static const route none = { .handle = no_route, .needs = NEEDS_NOTHING },
                       options = { .handle = say_options, .needs = NEEDS_NOTHING };
    str rest = STR("");
    const route *r = q->method == HTTP_OPTIONS ? &options : find_route(q, &rest);
    bool is_page = (q->method == HTTP_GET || q->method == HTTP_HEAD) &&
                   !str_starts_with(q->path, STR("/api/"));
    if (!r && is_page) {
        ui_answer(context, q);
        return;
    }
    exchange *x = memory_alloc(sizeof *x);
    x->server = context;
    x->request = q;
    x->arena = q->arena;
    x->route = r ? r : &none;
    x->rest = rest;
    task_init(&x->task, w, q->stream, take_turn, finish);
    task_wake(&x->task);
}
