/* Sockets: what libwebsockets tells of each, turned into requests, messages and streams. */
#include "wire/connection.h"

#include <stdlib.h>

#include "base/arena.h"

/* Of a request that is refused so much is read, so that the client gets to hear it. */
enum { READ_OVER_BYTES = 64 << 20 };

static connection *connection_of(struct lws *wsi)
{
    connection *c = lws_get_opaque_user_data(wsi);
    if (c)
        return c;
    loop *p = lws_context_user(lws_get_context(wsi));
    c = memory_alloc(sizeof *c);
    c->wsi = wsi;
    c->loop = p;
    c->listener = lws_vhost_user(lws_get_vhost(wsi));
    pthread_mutex_lock(&p->lock);
    c->next = p->connections;
    if (c->next)
        c->next->previous = c;
    p->connections = c;
    pthread_mutex_unlock(&p->lock);
    lws_set_opaque_user_data(wsi, c);
    return c;
}

static void open_stream(connection *c)
{
    char peer[64] = "";
    lws_get_peer_simple(c->wsi, peer, sizeof peer);
    stream *s = stream_new(c->loop, str_of(peer), lws_is_ssl(c->wsi));
    s->connection = c;
    pthread_mutex_lock(&c->loop->lock);
    c->stream = s;
    pthread_mutex_unlock(&c->loop->lock);
    c->is_paused = false;
}

/* The stream has come to its end, well or not. */
static void close_stream(connection *c)
{
    stream *s = c->stream;
    if (!s)
        return;
    pthread_mutex_lock(&c->loop->lock);
    c->stream = NULL;
    pthread_mutex_unlock(&c->loop->lock);
    s->connection = NULL;
    if (c->protocol)
        c->protocol->close(c->self);
    c->protocol = NULL;
    stream_leave(s);
    stream_unref(s);
}

static void drop_request(connection *c)
{
    if (c->request)
        http_request_free(c->request);
    c->request = NULL;
}

static void forget(struct lws *wsi)
{
    connection *c = lws_get_opaque_user_data(wsi);
    if (!c)
        return;
    drop_request(c);
    close_stream(c);
    pthread_mutex_lock(&c->loop->lock);
    if (c->previous)
        c->previous->next = c->next;
    else
        c->loop->connections = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_mutex_unlock(&c->loop->lock);
    lws_set_opaque_user_data(wsi, NULL);
    free(c);
}

/* ---- HTTP ---- */

static str header(arena *a, struct lws *wsi, enum lws_token_indexes token)
{
    int len = lws_hdr_total_length(wsi, token);
    if (len <= 0)
        return STR("");
    char *text = arena_alloc(a, (size_t)len + 1);
    int copied = lws_hdr_copy(wsi, text, len + 1, token);
    return (str){ text, copied > 0 ? (size_t)copied : 0 };
}

static str read_arguments(arena *a, struct lws *wsi)
{
    strbuf b = strbuf_new(a);
    for (int i = 0; i < 64; i++) {
        int len = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (len <= 0)
            break;
        char *text = arena_alloc(a, (size_t)len + 2);
        int copied = lws_hdr_copy_fragment(wsi, text, len + 1, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (copied < 0)
            break;
        if (b.len)
            strbuf_add_char(&b, '\0');
        strbuf_add(&b, (str){ text, (size_t)copied });
    }
    return strbuf_str(&b);
}

/* Without doubled slashes: some clients put two at the start. */
static str tidy_path(arena *a, str path)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] != '/' || i == 0 || path.data[i - 1] != '/')
            strbuf_add_char(&b, path.data[i]);
    return strbuf_str(&b);
}

static http_request *read_head(connection *c, str path)
{
    static const http_method methods[] = {
        [LWSHUMETH_GET] = HTTP_GET,         [LWSHUMETH_POST] = HTTP_POST,
        [LWSHUMETH_OPTIONS] = HTTP_OPTIONS, [LWSHUMETH_PUT] = HTTP_PUT,
        [LWSHUMETH_PATCH] = HTTP_PATCH,     [LWSHUMETH_DELETE] = HTTP_DELETE,
        [LWSHUMETH_HEAD] = HTTP_HEAD,
    };
    struct lws *wsi = c->wsi;
    arena *a = arena_new();
    http_request *r = arena_new_of(a, http_request);
    char *uri;
    int uri_len, method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
    *r = (http_request){
        .arena = a,
        .method = method >= 0 && (size_t)method < ARRAY_LEN(methods) ? methods[method] : HTTP_GET,
        .path = tidy_path(a, path),
        .query = read_arguments(a, wsi),
        .host = header(a, wsi, WSI_TOKEN_HOST),
        .origin = header(a, wsi, WSI_TOKEN_ORIGIN),
        .authorization = header(a, wsi, WSI_TOKEN_HTTP_AUTHORIZATION),
        .cookie = header(a, wsi, WSI_TOKEN_HTTP_COOKIE),
        .accept = header(a, wsi, WSI_TOKEN_HTTP_ACCEPT),
        .accept_encoding = header(a, wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING),
        .content_type = header(a, wsi, WSI_TOKEN_HTTP_CONTENT_TYPE),
        .if_none_match = header(a, wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH),
        .user_agent = header(a, wsi, WSI_TOKEN_HTTP_USER_AGENT),
    };
    open_stream(c);
    r->stream = stream_ref(c->stream);
    return r;
}

static const struct refusal {
    int status;
    const char *code, *message;
} refusals[] = {
    { 400, "INVALID", "Content-Length is no number" },
    { 403, "FORBIDDEN", "without sign-in only this machine's own pages may ask" },
    { 404, "NOT_FOUND", "nothing is served over HTTP on this port" },
    { 411, "INVALID", "a request body needs a Content-Length" },
    { 413, "LIMIT", "a request body may have 16 MiB" },
};

static void refuse(http_request *r, int status)
{
    size_t i = 0;
    while (refusals[i].status != status)
        i++;
    http_reply(r, status, STR("application/json"), STR("Connection: close\r\n"),
               str_format(r->arena, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n",
                          refusals[i].code, refusals[i].message));
    http_request_free(r);
}

static void answer(connection *c)
{
    http_request *r = TAKE(c->request);
    r->body = strbuf_str(&c->body);
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    if (c->refusal)
        refuse(r, c->refusal);
    else
        c->listener->answer(c->listener->context, c->loop->workers, r);
}

/* The status of a request that is refused by its head; 0: it is not. */
static int judge(connection *c, const http_request *r, uint64_t *ret_bytes)
{
    const listener *l = c->listener;
    str length = header(r->arena, c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    *ret_bytes = 0;
    c->closes = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    if (length.len && !str_to_u64(length, ret_bytes)) {
        c->closes = true;
        return 400;
    }
    if (*ret_bytes > READ_OVER_BYTES)
        c->closes = true;
    if (!l->answer)
        return 404;
    if (l->admits && !l->admits(l->context, r->host, r->origin))
        return 403;
    if (c->closes && *ret_bytes == 0)
        return 411;
    return *ret_bytes > HTTP_BODY_BYTES ? 413 : 0;
}

/* A head is there: 0, or -1 to close. */
static int begin_request(connection *c, str path)
{
    http_request *r = read_head(c, path);
    uint64_t bytes;
    c->refusal = judge(c, r, &bytes);
    c->request = r;
    c->body = strbuf_new(r->arena);
    if (!bytes || c->closes)
        answer(c);
    else if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_EXPECT) > 0 && !c->refusal)
        stream_write(r->stream, STR("HTTP/1.1 100 Continue\r\n\r\n"), STREAM_BYTES);
    return 0;
}

static int add_body(connection *c, str bytes)
{
    if (!c->request || c->refusal)
        return 0; /* read over */
    if (c->body.len + bytes.len > HTTP_BODY_BYTES)
        return -1;
    strbuf_add(&c->body, bytes);
    return 0;
}

/* libwebsockets tells the end of a body again and again, without reading on, when the request lay
 * in the bytes that came behind the one before (a client that does not wait): such a connection
 * ends. */
static int end_body(connection *c)
{
    if (!c->request)
        return -1;
    answer(c);
    return 0;
}

/* ---- WebSockets and raw TCP ---- */

static int admit_socket(connection *c)
{
    AUTO(arena_free) arena *a = arena_new();
    const listener *l = c->listener;
    if (!l->websocket)
        return -1;
    if (l->websocket_path &&
        !str_eq(header(a, c->wsi, WSI_TOKEN_GET_URI), str_of(l->websocket_path)))
        return -1;
    return l->admits && !l->admits(l->context, header(a, c->wsi, WSI_TOKEN_HOST),
                                   header(a, c->wsi, WSI_TOKEN_ORIGIN))
               ? -1
               : 0;
}

static int begin_protocol(connection *c, const protocol *protocol)
{
    if (!protocol)
        return -1;
    close_stream(c);
    open_stream(c);
    c->self = protocol->open(c->stream, c->loop->workers, c->listener->context);
    c->protocol = protocol;
    return 0;
}

static int receive(connection *c, str bytes, stream_form form, bool is_end)
{
    return c->protocol && c->protocol->receive(c->self, bytes, form, is_end) ? 0 : -1;
}

/* ---- Writing ---- */

static int write_flags(const chunk *k)
{
    return k->form == STREAM_BYTES  ? LWS_WRITE_HTTP
           : k->form == STREAM_TEXT ? LWS_WRITE_TEXT
                                    : LWS_WRITE_BINARY;
}

static bool is_sent(stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_sent = s->is_ended && !s->first;
    pthread_mutex_unlock(&s->lock);
    return is_sent;
}

static int write_some(connection *c, bool is_http)
{
    stream *s = c->stream;
    if (!s)
        return 0;
    for (chunk *k; (k = stream_take(s));) {
        int flags = write_flags(k);
        if (c->is_raw && k->form == STREAM_BYTES)
            flags = LWS_WRITE_RAW;
        int n = lws_write(c->wsi, (unsigned char *)k->data + CHUNK_HEAD_BYTES, k->len,
                          (enum lws_write_protocol)flags);
        free(k);
        if (n < 0)
            return -1;
        bool completes = is_http && !c->closes && is_sent(s); /* before the next request is read */
        if (!completes && lws_send_pipe_choked(c->wsi)) {
            lws_callback_on_writable(c->wsi);
            return 0;
        }
    }
    if (!is_sent(s))
        return 0;
    if (!is_http)
        return -1;
    close_stream(c);
    if (c->closes)
        return -1;
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

/* ---- The callback ---- */

int connection_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    (void)user;
    str bytes = { in, len };
    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        loop_look(lws_context_user(lws_get_context(wsi)));
        return 0;
    case LWS_CALLBACK_HTTP: return begin_request(connection_of(wsi), bytes);
    case LWS_CALLBACK_HTTP_BODY: return add_body(connection_of(wsi), bytes);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return end_body(connection_of(wsi));
    case LWS_CALLBACK_HTTP_WRITEABLE: return write_some(connection_of(wsi), true);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return admit_socket(connection_of(wsi));
    case LWS_CALLBACK_ESTABLISHED:
        return begin_protocol(connection_of(wsi), connection_of(wsi)->listener->websocket);
    case LWS_CALLBACK_RECEIVE:
        return receive(connection_of(wsi), bytes,
                       lws_frame_is_binary(wsi) ? STREAM_BINARY : STREAM_TEXT,
                       lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi));
    case LWS_CALLBACK_RAW_ADOPT:
        connection_of(wsi)->is_raw = true;
        return begin_protocol(connection_of(wsi), connection_of(wsi)->listener->raw);
    case LWS_CALLBACK_RAW_RX: return receive(connection_of(wsi), bytes, STREAM_BYTES, true);
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_RAW_WRITEABLE: return write_some(connection_of(wsi), false);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY: forget(wsi); return 0;
    default: return 0;
    }
}
