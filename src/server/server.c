/* Opening and closing the servers of a home. */
#include "server/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/internal.h"

enum { MOST_WORKERS = 64, SCRATCH_BYTES = 1 << 30 };

static bool is_loopback_host(str host)
{
    return str_eq(host, STR("127.0.0.1")) || str_eq(host, STR("::1")) ||
           str_eq(host, STR("localhost")) || str_starts_with(host, STR("127."));
}

/* "[::1]:8081", "localhost:8081" or "http://localhost:8081" → the host. */
static str host_of(str authority)
{
    ptrdiff_t scheme = str_find(authority, STR("://"));
    if (scheme >= 0)
        authority = str_slice(authority, (size_t)scheme + 3, authority.len);
    if (authority.len && authority.data[0] == '[')
        return str_slice(authority, 1, (size_t)(str_find_char(authority, ']') + 1) - 1);
    return str_cut(&authority, ':');
}

/* Without sign-in only pages of this machine may ask: a page from elsewhere that the browser shows
 * can name 127.0.0.1, or a name that resolves to it, but not hide its own origin. */
static bool admits(void *context, str host, str origin)
{
    const server *s = context;
    return !s->options.no_sign_in ||
           (is_loopback_host(host_of(host)) && (!origin.len || is_loopback_host(host_of(origin))));
}

static bool open_graphs(server *s, error *err)
{
    s->scratch = arena_array_of(s->arena, named_graph, s->options.scratch_count + 1);
    for (size_t i = 0; i <= s->options.scratch_count; i++) {
        str name = i ? s->options.scratch[i - 1] : STR("ggraph");
        s->scratch[i].name = name;
        TRY(graph_open_scratch(name, SCRATCH_BYTES, &s->scratch[i].graph, err));
        s->scratch_count++;
    }
    return session_open(s->home, 0, &s->session, err);
}

static bool listen_all(server *s, error *err)
{
    const server_options *o = &s->options;
    str host = o->host.len ? o->host : STR("127.0.0.1");
    if (str_eq(host, STR("localhost")))
        host = STR("127.0.0.1");
    const listener wanted[LISTENERS] = {
        [LISTEN_HTTP] = { .name = "http", .port = o->http_port, .answer = routes_answer },
        [LISTEN_GREMLIN] = { .name = "gremlin",
                             .port = o->gremlin_port,
                             .answer = routes_answer,
                             .websocket = &gremlin_protocol,
                             .websocket_path = "/gremlin" },
        [LISTEN_BOLT] = { .name = "bolt",
                          .port = o->bolt_port,
                          .raw = &bolt_protocol,
                          .websocket = &bolt_protocol },
    };
    for (size_t i = 0; i < LISTENERS; i++) {
        s->listeners[i] = wanted[i];
        s->listeners[i].host = host;
        s->listeners[i].context = s;
        s->listeners[i].admits = admits;
        TRY(loop_listen(s->loop, &s->listeners[i], err));
    }
    return true;
}

static void look(void *context)
{
    tickets_look(((server *)context)->tickets);
}

static bool start(server *s, error *err)
{
    const server_options *o = &s->options;
    AUTO(arena_free) arena *a = arena_new();
    str password;
    TRY(users_open(home_path(s->home), &s->users, err));
    TRY(users_first(s->users, a, &password, err));
    s->first_password = str_copy(s->arena, password);
    TRY(open_graphs(s, err));
    s->tickets = tickets_open();
    s->workers = workers_open(o->most_workers ? o->most_workers : MOST_WORKERS);
    loop_options options = { .workers = s->workers,
                             .tls_cert = o->tls_cert,
                             .tls_key = o->tls_key,
                             .look = look,
                             .context = s };
    TRY(loop_open(&options, &s->loop, err));
    return listen_all(s, err);
}

bool server_open(home *h, const server_options *options, server **ret, error *err)
{
    str host = options->host;
    if (options->no_sign_in && host.len && !is_loopback_host(host))
        return fail(err, ERR_INVALID,
                    "--no-sign-in is for this machine alone: it cannot go with --host " STR_FMT,
                    STR_ARG(host));
    if (options->tls_cert.len != 0 && options->tls_key.len == 0)
        return fail(err, ERR_INVALID, "--tls-cert needs --tls-key, the file of its private key");
    if (options->tls_key.len != 0 && options->tls_cert.len == 0)
        return fail(err, ERR_INVALID, "--tls-key needs --tls-cert, the file of its certificate");
    AUTO(server_close) server *s = memory_alloc(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->options = *options;
    s->home = h;
    s->arena = arena_new();
    s->started_us = clock_monotonic_us();
    TRY(start(s, err));
    *ret = TAKE(s);
    return true;
}

int server_http_port(const server *s)
{
    return s->listeners[LISTEN_HTTP].ret_port;
}

int server_gremlin_port(const server *s)
{
    return s->listeners[LISTEN_GREMLIN].ret_port;
}

int server_bolt_port(const server *s)
{
    return s->listeners[LISTEN_BOLT].ret_port;
}

str server_first_password(const server *s)
{
    return s->first_password;
}

str server_link(server *s, arena *a)
{
    str host = s->options.host.len ? s->options.host : STR("127.0.0.1");
    const char *scheme = s->options.tls_cert.len ? "https" : "http";
    if (str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("::")) || str_eq(host, STR("*")))
        host = STR("localhost");
    if (str_find_char(host, ':') >= 0)
        host = str_format(a, "[" STR_FMT "]", STR_ARG(host));
    if (s->options.no_sign_in)
        return str_format(a, "%s://" STR_FMT ":%d/", scheme, STR_ARG(host), server_http_port(s));
    str secret = secret_new(a);
    pthread_mutex_lock(&s->lock);
    memcpy(s->link_memory, secret.data, secret.len);
    s->link_secret = (str){ s->link_memory, secret.len };
    pthread_mutex_unlock(&s->lock);
    return str_format(a, "%s://" STR_FMT ":%d/sign-in?token=" STR_FMT, scheme, STR_ARG(host),
                      server_http_port(s), STR_ARG(secret));
}

void server_run(server *s)
{
    loop_run(s->loop);
}

void server_stop(server *s)
{
    loop_stop(s->loop);
}

void server_close(server *s)
{
    if (!s)
        return;
    if (s->loop)
        loop_close(s->loop);
    else if (s->workers)
        workers_close(s->workers, NULL, NULL);
    for (size_t i = 0; i < s->scratch_count; i++)
        graph_close(s->scratch[i].graph);
    session_close(s->session);
    tickets_close(s->tickets);
    users_close(s->users);
    pthread_mutex_destroy(&s->lock);
    arena_free(s->arena);
    free(s);
}

bool server_graph(server *s, str name, graph **ret, error *err)
{
    if (!name.len || str_eq(name, STR("g")))
        return session_graph(s->session, ret, err);
    for (size_t i = 0; i < s->scratch_count; i++)
        if (str_eq(s->scratch[i].name, name)) {
            *ret = graph_share(s->scratch[i].graph);
            return true;
        }
    return fail(err, ERR_NOT_FOUND,
                "there is no graph '" STR_FMT "': g is the home's, ggraph is in memory",
                STR_ARG(name));
}

bool server_sign_in(server *s, arena *a, str name, str password, str peer, str *ret_message,
                    error *err)
{
    sign_in result;
    int wait_s;
    *ret_message = STR("");
    if (s->options.no_sign_in)
        return true;
    TRY(users_check(s->users, name, password, peer, &result, &wait_s, err));
    if (result == SIGN_IN_NO)
        *ret_message = STR("the user name or password is wrong");
    else if (result == SIGN_IN_LATER)
        *ret_message = str_format(a, "too many wrong passwords: try again in %d second%s", wait_s,
                                  wait_s == 1 ? "" : "s");
    return true;
}
