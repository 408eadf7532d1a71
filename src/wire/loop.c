/* The network thread over libwebsockets: contexts, listeners, and what wakes them. */
#include "wire/loop.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "wire/connection.h"

enum {
    HEADER_BYTES = 16 << 10,
    HEADER_POOL = 512,
    READ_BYTES = 64 << 10,
    MOST_FILES = 8192,
    HANDSHAKE_S = 20,
    KEEP_ALIVE_S = 60,
    LOOK_US = 1000000,
    STUCK_US = 60000000, /* a peer that takes nothing for so long is dropped */
};

/* What libwebsockets says of errors, for the message of a failed listen. */
static char last_log[256];

static void note_log(int level, const char *line)
{
    (void)level;
    snprintf(last_log, sizeof last_log, "%s", line);
    last_log[strcspn(last_log, "\n")] = 0;
}

/* ---- What other threads ask for ---- */

void loop_list(loop *p, stream *s)
{
    pthread_mutex_lock(&p->lock);
    bool wakes = !p->listed && !p->is_closing;
    if (!s->is_listed) {
        s->is_listed = true;
        s->next_listed = p->listed;
        p->listed = stream_ref(s);
    }
    pthread_mutex_unlock(&p->lock);
    if (wakes)
        lws_cancel_service(p->context);
}

static void look_at(stream *s)
{
    connection *c = s->connection;
    if (!c)
        return;
    pthread_mutex_lock(&s->lock);
    bool writes = s->first || s->is_ended, is_dropped = s->is_dropped, is_paused = s->is_paused;
    pthread_mutex_unlock(&s->lock);
    if (is_dropped) {
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        return;
    }
    if (c->is_paused != is_paused) {
        c->is_paused = is_paused;
        lws_rx_flow_control(c->wsi, !is_paused);
    }
    if (writes)
        lws_callback_on_writable(c->wsi);
}

void loop_look(loop *p)
{
    pthread_mutex_lock(&p->lock);
    stream *s = p->listed;
    p->listed = NULL;
    pthread_mutex_unlock(&p->lock);
    for (stream *next; s; s = next) {
        pthread_mutex_lock(&p->lock);
        next = s->next_listed;
        s->is_listed = false;
        pthread_mutex_unlock(&p->lock);
        look_at(s);
        stream_unref(s);
    }
}

/* Once a second: who takes nothing, and who has not signed in. */
static void look_for_stuck(lws_sorted_usec_list_t *timer)
{
    loop *p = lws_container_of(timer, loop, timer);
    uint64_t now = clock_monotonic_us();
    for (connection *c = p->connections; c; c = c->next) {
        stream *s = c->stream;
        if (!s)
            continue;
        pthread_mutex_lock(&s->lock);
        bool is_stuck = (s->first && now - s->progress_us > STUCK_US && now > s->progress_us) ||
                        (s->hurry_us && now > s->hurry_us);
        pthread_mutex_unlock(&s->lock);
        if (is_stuck)
            lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    }
    if (p->look)
        p->look(p->look_context);
    lws_sul_schedule(p->context, 0, &p->timer, look_for_stuck, LOOK_US);
}

/* ---- Opening and running ---- */

static const struct lws_protocols protocols[] = {
    { "floe", connection_callback, 0, READ_BYTES, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 },
};

bool loop_open(const loop_options *options, loop **ret_loop, error *err)
{
    loop *p = memory_alloc(sizeof *p);
    lws_set_log_level(LLL_ERR, note_log);
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (options->tls_cert.len ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .port = CONTEXT_PORT_NO_LISTEN,
        .max_http_header_data = HEADER_BYTES,
        .max_http_header_pool = HEADER_POOL,
        .pt_serv_buf_size = READ_BYTES,
        .fd_limit_per_thread = MOST_FILES,
        .timeout_secs = HANDSHAKE_S,
        .user = p,
    };
    pthread_mutex_init(&p->lock, NULL);
    p->workers = options->workers;
    p->look = options->look;
    p->look_context = options->context;
    p->arena = arena_new();
    p->tls_cert = options->tls_cert.len ? str_to_c(p->arena, options->tls_cert) : NULL;
    p->tls_key = options->tls_key.len ? str_to_c(p->arena, options->tls_key) : NULL;
    p->context = lws_create_context(&info);
    if (!p->context) {
        loop_close(p);
        return fail(err, ERR_IO, "the network could not be started: %s", last_log);
    }
    lws_sul_schedule(p->context, 0, &p->timer, look_for_stuck, LOOK_US);
    *ret_loop = p;
    return true;
}

bool loop_listen(loop *p, listener *l, error *err)
{
    bool is_any =
        str_eq(l->host, STR("0.0.0.0")) || str_eq(l->host, STR("::")) || str_eq(l->host, STR("*"));
    struct lws_context_creation_info info = {
        .vhost_name = l->name,
        .port = l->port,
        .iface = is_any ? NULL : str_to_c(p->arena, l->host),
        .protocols = protocols,
        .user = l,
        .ssl_cert_filepath = p->tls_cert,
        .ssl_private_key_filepath = p->tls_key,
        .ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1,
        .alpn = "http/1.1",
        .keepalive_timeout = KEEP_ALIVE_S,
        .timeout_secs = HANDSHAKE_S,
        .ka_time = 60,
        .ka_probes = 3,
        .ka_interval = 10,
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
    };
    if (str_find_char(l->host, ':') < 0 && !str_eq(l->host, STR("*")))
        info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    if (p->tls_cert)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    if (l->raw) {
        info.options |= LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG;
        info.listen_accept_role = "raw-skt";
        info.listen_accept_protocol = "floe";
    }
    last_log[0] = 0;
    struct lws_vhost *host = lws_create_vhost(p->context, &info);
    if (!host)
        return fail(err, ERR_IO,
                    "%s cannot listen on port %d of " STR_FMT
                    " (%s): is it taken? --%s-port N picks another, 0 a free one",
                    l->name, l->port, STR_ARG(l->host), last_log, l->name);
    l->ret_port = lws_get_vhost_listen_port(host);
    return true;
}

void loop_run(loop *p)
{
    while (!atomic_load(&p->is_stopping) && lws_service(p->context, 0) >= 0)
        ;
}

void loop_stop(loop *p)
{
    atomic_store(&p->is_stopping, true);
    lws_cancel_service(p->context);
}

void loop_close(loop *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_closing = true;
    pthread_mutex_unlock(&p->lock);
    if (p->context)
        lws_context_destroy(p->context);
    /* Tasks that were cancelled let go of their streams now; what they list is dropped here. */
    workers_close(p->workers, p->look, p->look_context);
    for (stream *s = p->listed, *next; s; s = next) {
        next = s->next_listed;
        stream_unref(s);
    }
    pthread_mutex_destroy(&p->lock);
    arena_free(p->arena);
    free(p);
}

int loop_connection_count(loop *p, const listener *l)
{
    pthread_mutex_lock(&p->lock);
    int count = 0;
    for (connection *c = p->connections; c; c = c->next)
        count += c->listener == l && c->stream;
    pthread_mutex_unlock(&p->lock);
    return count;
}
