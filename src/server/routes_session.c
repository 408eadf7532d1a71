/* /api/session, /api/tokens, /sign-in: who is there. */
#include <string.h>

#include "base/clock.h"
#include "server/exchange.h"

static str cookie_header(exchange *x, str secret, int64_t seconds)
{
    return str_format(x->arena,
                      "Set-Cookie: floe_session=" STR_FMT
                      "; HttpOnly; SameSite=Strict; Path=/; Max-Age=%lld%s\r\n",
                      STR_ARG(secret), (long long)seconds,
                      stream_is_tls(x->request->stream) ? "; Secure" : "");
}

static str session_json(exchange *x)
{
    server *s = x->server;
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("user"));
    json_put_text(&r.out, x->user);
    json_put_key(&r.out, STR("signIn"));
    json_put_bool(&r.out, !s->options.no_sign_in);
    json_put_key(&r.out, STR("version"));
    json_put_text(&r.out, STR(FLOE_VERSION));
    json_put_key(&r.out, STR("ports"));
    json_put_raw(&r.out,
                 str_format(x->arena, "{\"http\":%d,\"gremlin\":%d,\"bolt\":%d}",
                            server_http_port(s), server_gremlin_port(s), server_bolt_port(s)));
    json_put_object_done(&r.out);
    strbuf_add_char(&r.text, '\n');
    return strbuf_str(&r.text);
}

static bool show_session(exchange *x, error *err)
{
    (void)err;
    exchange_json(x, 200, session_json(x));
    return true;
}

static bool sign_in_as(exchange *x, str user, int status, str headers, error *err)
{
    str secret;
    TRY(users_session_new(x->server->users, x->arena, user, SESSION_SECONDS, &secret, err));
    x->user = user;
    http_reply(x->request, status, status == 200 ? STR("application/json") : STR(""),
               str_concat(x->arena, cookie_header(x, secret, SESSION_SECONDS), headers),
               status == 200 ? session_json(x) : STR(""));
    return true;
}

/* `status` and the message as the error body. */
static void refuse(exchange *x, int status, str message)
{
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("error"));
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("code"));
    json_put_text(&r.out, status == 429 ? STR("LIMIT") : STR("UNAUTHORIZED"));
    json_put_key(&r.out, STR("message"));
    json_put_text(&r.out, message);
    json_put_object_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, status);
}

static bool create_session(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    str name, password, message;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "username", &name, err));
    TRY(json_need_text(body, "$", "password", &password, err));
    if (x->server->options.no_sign_in) {
        exchange_json(x, 200, session_json(x));
        return true;
    }
    TRY(server_sign_in(x->server, x->arena, name, password, stream_peer(x->request->stream),
                       &message, err));
    if (!message.len)
        return sign_in_as(x, str_copy(x->arena, name), 200, STR("Cache-Control: no-store\r\n"),
                          err);
    refuse(x, str_starts_with(message, STR("too many")) ? 429 : 401, message);
    return true;
}

static bool drop_session(exchange *x, error *err)
{
    TRY(users_session_drop(x->server->users, http_cookie(x->request, STR("floe_session")), err));
    http_reply(x->request, 204, STR(""), cookie_header(x, STR(""), 0), STR(""));
    return true;
}

/* The one-time link. */
static bool follow_link(exchange *x, error *err)
{
    server *s = x->server;
    str token = http_argument(x->request, STR("token"), STR(""));
    pthread_mutex_lock(&s->lock);
    bool is_right = s->link_secret.len && token.len == s->link_secret.len &&
                    memcmp(token.data, s->link_secret.data, token.len) == 0;
    if (is_right)
        s->link_secret = STR("");
    pthread_mutex_unlock(&s->lock);
    if (is_right)
        return sign_in_as(x, STR("admin"), 303, STR("Location: /\r\n"), err);
    http_reply(x->request, 303, STR(""), STR("Location: /?link=used\r\n"), STR(""));
    return true;
}

/* ---- Tokens ---- */

static bool create_token(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    str id, secret;
    json_reply r;
    TRY(exchange_body(x, &body, err));
    TRY(users_token_new(x->server->users, x->arena, x->user,
                        json_text_or(body, "name", STR("token")), &id, &secret, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("id"));
    json_put_text(&r.out, id);
    json_put_key(&r.out, STR("token"));
    json_put_text(&r.out, secret);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 201);
    return true;
}

static bool list_tokens(exchange *x, error *err)
{
    user_token *all;
    size_t count;
    json_reply r;
    TRY(users_token_list(x->server->users, x->arena, &all, &count, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("tokens"));
    json_put_array_begin(&r.out);
    for (size_t i = 0; i < count; i++) {
        json_put_object_begin(&r.out);
        json_put_key(&r.out, STR("id"));
        json_put_text(&r.out, all[i].id);
        json_put_key(&r.out, STR("name"));
        json_put_text(&r.out, all[i].label);
        json_put_key(&r.out, STR("user"));
        json_put_text(&r.out, all[i].user);
        json_put_key(&r.out, STR("createdAt"));
        json_put_text(&r.out, clock_format_us(x->arena, all[i].created_us));
        json_put_object_done(&r.out);
    }
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static bool drop_token(exchange *x, error *err)
{
    bool is_found;
    TRY(users_token_drop(x->server->users, x->rest, &is_found, err));
    if (!is_found)
        return fail(err, ERR_NOT_FOUND, "there is no token " STR_FMT, STR_ARG(x->rest));
    http_reply(x->request, 204, STR(""), STR(""), STR(""));
    return true;
}

const route session_routes[] = {
    { HTTP_GET, "/api/session", show_session, NEEDS_SIGN_IN },
    { HTTP_POST, "/api/session", create_session, NEEDS_NOTHING },
    { HTTP_DELETE, "/api/session", drop_session, NEEDS_SIGN_IN },
    { HTTP_GET, "/sign-in", follow_link, NEEDS_NOTHING },
    { HTTP_POST, "/login", create_session, NEEDS_NOTHING },
    { HTTP_POST, "/logout", drop_session, NEEDS_SIGN_IN },
    { HTTP_POST, "/api/tokens", create_token, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/tokens", list_tokens, NEEDS_SIGN_IN },
    { HTTP_DELETE, "/api/tokens/*", drop_token, NEEDS_SIGN_IN },
};
const size_t session_route_count = ARRAY_LEN(session_routes);
