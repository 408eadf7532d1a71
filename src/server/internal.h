/* What the files of server/ share. */
#pragma once

#include <pthread.h>

#include "base/json.h"
#include "server/answer.h"
#include "server/server.h"
#include "server/session.h"
#include "server/users.h"
#include "wire/element.h"
#include "wire/loop.h"

enum { LISTEN_HTTP, LISTEN_GREMLIN, LISTEN_BOLT, LISTENERS };
enum { SESSION_SECONDS = 14 * 24 * 3600, SIGN_IN_MS = 30000, DEFAULT_TIMEOUT_MS = 300000 };

typedef struct named_graph {
    str name;
    graph *graph;
} named_graph;

struct server {
    server_options options;
    arena *arena;
    home *home;
    session *session;
    users *users;
    tickets *tickets;
    workers *workers;
    loop *loop;
    listener listeners[LISTENERS];
    named_graph *scratch;
    size_t scratch_count;
    uint64_t started_us;
    pthread_mutex_t lock; /* guards the link */
    str first_password;
    str link_secret; /* empty: used, or none was made */
    char link_memory[64];
    _Atomic uint64_t connection_number;
};

/* A graph by its name; empty is the home's. The caller closes it. */
NODISCARD bool server_graph(server *s, str name, graph **ret, error *err);

/* ---- Signing in ---- */

/* Name and password as some protocol got them. `*ret_message` says why not; empty: signed in. */
NODISCARD bool server_sign_in(server *s, arena *a, str name, str password, str peer,
                              str *ret_message, error *err);

/* ---- Protocols ---- */

extern const protocol bolt_protocol;
extern const protocol gremlin_protocol;
/* Of every HTTP port; `context` is the server. */
void routes_answer(void *context, workers *w, http_request *r);
