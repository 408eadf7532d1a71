/* Gremlin over WebSocket: messages in order, sign-in, sessions, and how many run at once. */
#include <stdlib.h>

#include "server/gremlin.h"
#include "wire/text.h"

/* ---- The network thread ---- */

static bool receive(void *self, str bytes, stream_form form, bool is_end)
{
    gremlin_connection *c = self;
    gremlin_message_in *m = c->building;
    size_t old = m ? m->len : 0, len = old + bytes.len;
    if (len > GREMLIN_MESSAGE_BYTES)
        return false;
    if (!m || len > c->building_room) {
        c->building_room = len < 4096 ? 4096 : is_end ? len : len * 2;
        m = memory_grow(m, sizeof *m + c->building_room);
        c->building = m;
        if (!old)
            *m = (gremlin_message_in){ .form = form };
    }
    memcpy(m->data + old, bytes.data, bytes.len);
    m->len = len;
    if (!is_end)
        return true;
    c->building = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->last)
        c->last->next = m;
    else
        c->first = m;
    c->last = m;
    c->queued_bytes += len + sizeof *m;
    bool pauses = c->queued_bytes > GREMLIN_QUEUE_BYTES && !c->is_paused;
    c->is_paused |= pauses;
    pthread_mutex_unlock(&c->lock);
    if (pauses)
        stream_pause(c->stream, true);
    task_wake(&c->task);
    return true;
}

static void close_gremlin(void *self)
{
    gremlin_connection *c = self;
    pthread_mutex_lock(&c->lock);
    for (gremlin_request *r = c->requests; r; r = r->next_of)
        if (r->ticket)
            ticket_cancel(r->ticket);
    pthread_mutex_unlock(&c->lock);
}

/* ---- Messages in order ---- */

static gremlin_message_in *take(gremlin_connection *c)
{
    pthread_mutex_lock(&c->lock);
    gremlin_message_in *m = c->in_flight < GREMLIN_IN_FLIGHT ? c->first : NULL;
    bool resumes = false;
    if (m) {
        c->first = m->next;
        if (!c->first)
            c->last = NULL;
        c->queued_bytes -= m->len + sizeof *m;
        resumes = c->is_paused && c->queued_bytes < GREMLIN_QUEUE_BYTES / 2;
        c->is_paused &= !resumes;
    }
    pthread_mutex_unlock(&c->lock);
    if (resumes)
        stream_pause(c->stream, false);
    return m;
}

/* NULL: too many. */
static gremlin_session *find_session(gremlin_connection *c, str id)
{
    for (size_t i = 0; i < c->session_count; i++)
        if (str_eq(c->sessions[i]->id, id))
            return c->sessions[i];
    if (c->session_count == GREMLIN_SESSIONS)
        return NULL;
    gremlin_session *s = arena_new_of(c->arena, gremlin_session);
    s->id = str_copy(c->arena, id);
    s->variables = variables_new();
    c->sessions[c->session_count++] = s;
    return s;
}

/* Under the lock: may it run now? Else it is queued. */
static bool enter_session(gremlin_connection *c, gremlin_request *r)
{
    if (!str_eq(r->message.processor, STR("session")))
        return true;
    gremlin_session *s = find_session(c, gremlin_message_text(&r->message, STR("session")));
    if (!s)
        return true; /* answered with an error when it runs */
    r->session = s;
    if (!s->running) {
        s->running = r;
        return true;
    }
    gremlin_request **end = &s->waiting;
    while (*end)
        end = &(*end)->next;
    *end = r;
    return false;
}

static void start(gremlin_connection *c, gremlin_request *r)
{
    pthread_mutex_lock(&c->lock);
    bool runs = enter_session(c, r);
    pthread_mutex_unlock(&c->lock);
    if (runs)
        task_wake(&r->task);
}

/* Before sign-in requests wait. The answer to the first is the challenge; drivers that send several
 * at once bear only one. */
static void hold_back(gremlin_connection *c, gremlin_request *r)
{
    r->is_held = true;
    if (!c->before_sign_in)
        gremlin_respond(r, 407, STR(""));
    if (c->before_sign_in_last)
        c->before_sign_in_last->next = r;
    else
        c->before_sign_in = r;
    c->before_sign_in_last = r;
}

static void release_held(gremlin_connection *c)
{
    gremlin_request *r = c->before_sign_in, *next;
    c->before_sign_in = c->before_sign_in_last = NULL;
    for (; r; r = next) {
        next = r->next;
        r->next = NULL;
        r->is_held = false;
        if (stream_is_gone(c->stream))
            task_wake(&r->task);
        else
            start(c, r);
    }
}

/* A wrong password is the end of what waits for it; the request that it answered has been told. */
static void refuse_held(gremlin_connection *c, const gremlin_request *answered, str message)
{
    gremlin_request *r = c->before_sign_in, *next;
    c->before_sign_in = c->before_sign_in_last = NULL;
    for (; r; r = next) {
        next = r->next;
        r->next = NULL;
        if (!str_eq(r->message.request_id, answered->message.request_id))
            gremlin_respond(r, 401, message);
        r->has_started = true; /* comes to its end */
        r->is_held = false;
        task_wake(&r->task);
    }
}

/* "\0name\0password", plain or in base64. */
static bool check_sasl(gremlin_connection *c, gremlin_request *r, str *ret_message, error *err)
{
    str given = gremlin_message_text(&r->message, STR("sasl")), decoded;
    if (given.len && given.data[0] != '\0') {
        if (!base64_decode(r->arena, given, &decoded)) {
            *ret_message = STR("sasl is not base64");
            return true;
        }
        given = decoded;
    }
    (void)str_cut(&given, '\0'); /* whom to act for */
    str name = str_cut(&given, '\0');
    TRY(server_sign_in(c->server, r->arena, name, given, stream_peer(c->stream), ret_message, err));
    if (!ret_message->len) {
        c->user = str_copy(c->arena, name);
        pthread_mutex_lock(&c->lock);
        c->has_signed_in = true;
        pthread_mutex_unlock(&c->lock);
        stream_hurry(c->stream, 0);
    }
    return true;
}

/* The answer to a right password is the answer to the request that was held back. */
static void authenticate(gremlin_connection *c, gremlin_request *r)
{
    error err = { 0 };
    str message;
    if (!check_sasl(c, r, &message, &err)) {
        gremlin_respond(r, 500, str_of(err.message));
    } else if (message.len) {
        gremlin_respond(r, 401, message);
        refuse_held(c, r, message);
    } else if (!c->before_sign_in) {
        gremlin_respond(r, 200, STR(""));
    }
    if (c->has_signed_in)
        release_held(c);
    task_wake(&r->task); /* comes to its end */
}

static void handle(gremlin_connection *c, const gremlin_message_in *m)
{
    gremlin_request *r = gremlin_request_new(c, m);
    if (!r)
        return; /* was no request, and has been answered */
    if (str_eq(r->message.op, STR("authentication"))) {
        r->has_started = true;
        authenticate(c, r);
    } else if (!c->has_signed_in && !c->server->options.no_sign_in) {
        hold_back(c, r);
    } else {
        start(c, r);
    }
}

static task_turn take_turn(task *t)
{
    gremlin_connection *c = (gremlin_connection *)t;
    for (int i = 0; i < 32; i++) {
        if (stream_is_gone(c->stream)) {
            release_held(c);
            return TASK_DONE;
        }
        gremlin_message_in *m = take(c);
        if (!m)
            return TASK_IDLE;
        handle(c, m);
        free(m);
    }
    return TASK_AGAIN;
}

void gremlin_request_gone(gremlin_request *r)
{
    gremlin_connection *c = r->connection;
    gremlin_request *next = NULL;
    pthread_mutex_lock(&c->lock);
    if (r->previous_of)
        r->previous_of->next_of = r->next_of;
    else
        c->requests = r->next_of;
    if (r->next_of)
        r->next_of->previous_of = r->previous_of;
    c->in_flight--;
    if (r->session && r->session->running == r) {
        next = r->session->waiting;
        r->session->running = next;
        if (next) {
            r->session->waiting = next->next;
            next->next = NULL;
        }
    } else if (r->session) { /* it never ran: the peer has left */
        for (gremlin_request **p = &r->session->waiting; *p; p = &(*p)->next)
            if (*p == r) {
                *p = r->next;
                break;
            }
    }
    bool has_more = c->first != NULL;
    if (next)
        task_wake(&next->task);
    if (has_more && !stream_is_gone(c->stream))
        task_wake(&c->task);
    pthread_mutex_unlock(&c->lock);
}

void gremlin_connection_unref(gremlin_connection *c)
{
    if (atomic_fetch_sub(&c->references, 1) > 1)
        return;
    for (gremlin_message_in *m = c->first, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    for (size_t i = 0; i < c->session_count; i++)
        variables_free(c->sessions[i]->variables);
    free(c->building);
    arena_free(c->arena);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void finish(task *t)
{
    gremlin_connection_unref((gremlin_connection *)t);
}

static void *open_gremlin(stream *s, workers *w, void *context)
{
    gremlin_connection *c = memory_alloc(sizeof *c);
    c->server = context;
    c->stream = s;
    c->arena = arena_new();
    c->references = 1;
    pthread_mutex_init(&c->lock, NULL);
    task_init(&c->task, w, s, take_turn, finish);
    if (!c->server->options.no_sign_in)
        stream_hurry(s, SIGN_IN_MS);
    return c;
}

const protocol gremlin_protocol = { "gremlin", open_gremlin, receive, close_gremlin };
