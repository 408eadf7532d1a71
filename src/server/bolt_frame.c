/* Bolt's handshake and chunks, and the task of a connection. */
#include <stdlib.h>

#include "base/clock.h"
#include "server/bolt.h"

enum { SLICE_US = 10000, SEND_BYTES = 64 << 10 };
enum { TAG_RESET = 0x0F };

/* ---- In: on the network thread ---- */

/* Versions that are spoken, the newest first within a major one. */
static const struct bolt_version {
    int major, newest_minor, oldest_minor;
} versions[] = { { 5, 4, 0 }, { 4, 4, 2 } };

/* Of four wishes the first that can be met; each is 0, range, minor, major. */
static void choose_version(bolt *b, uint8_t *ret)
{
    memset(ret, 0, 4);
    for (int i = 0; i < 4; i++) {
        const uint8_t *wish = b->greeting + 4 + i * 4;
        for (size_t k = 0; k < ARRAY_LEN(versions); k++) {
            const struct bolt_version *v = &versions[k];
            int newest = wish[2] < v->newest_minor ? wish[2] : v->newest_minor;
            if (wish[3] != v->major || newest < v->oldest_minor || newest < wish[2] - wish[1])
                continue;
            ret[2] = (uint8_t)newest;
            ret[3] = (uint8_t)v->major;
            b->minor = newest;
            b->major = v->major;
            return;
        }
    }
}

/* False: not Bolt, or no version in common. */
static bool greet(bolt *b, str *bytes)
{
    static const uint8_t magic[4] = { 0x60, 0x60, 0xB0, 0x17 };
    size_t n = sizeof b->greeting - b->greeting_len;
    n = n < bytes->len ? n : bytes->len;
    memcpy(b->greeting + b->greeting_len, bytes->data, n);
    b->greeting_len += n;
    *bytes = str_slice(*bytes, n, bytes->len);
    size_t seen = b->greeting_len < 4 ? b->greeting_len : 4;
    if (memcmp(b->greeting, magic, seen) != 0)
        return false;
    if (b->greeting_len < sizeof b->greeting)
        return true;
    uint8_t chosen[4];
    choose_version(b, chosen);
    stream_write(b->stream, (str){ (char *)chosen, 4 }, b->form);
    if (!b->major)
        stream_end(b->stream);
    return true;
}

static void interrupt(bolt *b)
{
    for (size_t i = 0; i < b->result_count; i++)
        if (b->results[i]->ticket)
            ticket_cancel(b->results[i]->ticket);
}

static void queue(bolt *b, bolt_message *m)
{
    pthread_mutex_lock(&b->lock);
    if (b->last)
        b->last->next = m;
    else
        b->first = m;
    b->last = m;
    b->queued_bytes += m->len + sizeof *m;
    if (m->len >= 2 && (uint8_t)m->data[1] == TAG_RESET) {
        b->resets++;
        interrupt(b);
    }
    bool pauses = b->queued_bytes > BOLT_QUEUE_BYTES && !b->is_paused;
    b->is_paused |= pauses;
    pthread_mutex_unlock(&b->lock);
    if (pauses)
        stream_pause(b->stream, true);
    task_wake(&b->task);
}

static bool add_bytes(bolt *b, str bytes)
{
    size_t old = b->building ? b->building->len : 0, len = old + bytes.len;
    if (len > (b->has_signed_in ? BOLT_MESSAGE_BYTES : BOLT_GREETING_BYTES))
        return false;
    size_t room = old ? (size_t)1 << (64 - __builtin_clzll(old)) : 0;
    if (!b->building || len >= room) { /* room is always more than what is in it */
        size_t grown = (size_t)1 << (64 - __builtin_clzll(len | 64));
        b->building = memory_grow(b->building, sizeof *b->building + grown);
        b->building->next = NULL;
    }
    memcpy(b->building->data + old, bytes.data, bytes.len);
    b->building->len = len;
    return true;
}

static bool read_chunks(bolt *b, str bytes)
{
    while (bytes.len) {
        if (b->chunk_left) {
            str part = str_slice(bytes, 0, b->chunk_left);
            if (!add_bytes(b, part))
                return false;
            b->chunk_left -= part.len;
            bytes = str_slice(bytes, part.len, bytes.len);
            continue;
        }
        b->head[b->head_len++] = (uint8_t)bytes.data[0];
        bytes = str_slice(bytes, 1, bytes.len);
        if (b->head_len < 2)
            continue;
        b->head_len = 0;
        b->chunk_left = (size_t)b->head[0] << 8 | b->head[1];
        if (!b->chunk_left && b->building) /* else the peer only says that it is there */
            queue(b, TAKE(b->building));
    }
    return true;
}

static bool receive(void *self, str bytes, stream_form form, bool is_end)
{
    bolt *b = self;
    (void)is_end;
    if (form == STREAM_TEXT)
        return false;
    b->form = form;
    if (b->greeting_len < sizeof b->greeting && !greet(b, &bytes))
        return false;
    return !bytes.len || b->major == 0 || read_chunks(b, bytes);
}

/* ---- Out ---- */

size_t bolt_message_begin(bolt *b)
{
    size_t began = b->out->len;
    strbuf_add_bytes(b->out, "\0", 2);
    return began;
}

void bolt_message_end(bolt *b, size_t began)
{
    size_t len = b->out->len - began - 2;
    if (len > BOLT_CHUNK_BYTES) {
        AUTO(arena_free) arena *a = arena_new();
        str whole = str_copy(a, (str){ b->out->data + began + 2, len });
        b->out->len = began;
        while (whole.len) {
            str part = str_slice(whole, 0, BOLT_CHUNK_BYTES);
            char head[2] = { (char)(part.len >> 8), (char)part.len };
            strbuf_add_bytes(b->out, head, 2);
            strbuf_add(b->out, part);
            whole = str_slice(whole, part.len, whole.len);
        }
    } else {
        b->out->data[began] = (char)(len >> 8);
        b->out->data[began + 1] = (char)len;
    }
    strbuf_add_bytes(b->out, "\0", 2);
    if (b->out->len > SEND_BYTES) {
        stream_write(b->stream, strbuf_str(b->out), b->form);
        b->out->len = 0;
    }
}

/* ---- The task ---- */

static bolt_message *take(bolt *b)
{
    pthread_mutex_lock(&b->lock);
    bolt_message *m = b->first;
    bool resumes = false;
    if (m) {
        b->first = m->next;
        if (!b->first)
            b->last = NULL;
        b->queued_bytes -= m->len + sizeof *m;
        resumes = b->is_paused && b->queued_bytes < BOLT_QUEUE_BYTES / 2;
        b->is_paused &= !resumes;
    }
    pthread_mutex_unlock(&b->lock);
    if (resumes)
        stream_pause(b->stream, false);
    return m;
}

static task_turn work(bolt *b)
{
    uint64_t until = clock_monotonic_us() + SLICE_US;
    while (!stream_is_gone(b->stream)) {
        if (b->pulling && !bolt_pull_on(b, until))
            return stream_is_full(b->stream) ? TASK_WAITS : TASK_AGAIN;
        if (clock_monotonic_us() > until)
            return TASK_AGAIN;
        bolt_message *m = take(b);
        if (!m)
            return TASK_IDLE;
        bool goes_on = bolt_handle(b, m);
        free(m);
        if (!goes_on) {
            b->state = BOLT_DEFUNCT;
            break;
        }
    }
    return TASK_DONE;
}

static task_turn take_turn(task *t)
{
    bolt *b = (bolt *)t;
    AUTO(arena_free) arena *a = arena_new();
    strbuf out = strbuf_new(a);
    b->out = &out;
    task_turn turn = b->state == BOLT_DEFUNCT ? TASK_IDLE : work(b);
    b->out = NULL;
    if (out.len)
        stream_write(b->stream, strbuf_str(&out), b->form);
    if (stream_is_gone(b->stream))
        return TASK_DONE;
    if (turn != TASK_DONE)
        return turn;
    stream_end(b->stream); /* its going wakes the task for the last time */
    return TASK_IDLE;
}

static void finish(task *t)
{
    bolt *b = (bolt *)t;
    bolt_drop_results(b);
    bolt_end_transaction(b, false);
    for (bolt_message *m = b->first, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    free(b->building);
    arena_free(b->arena);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void *open_bolt(stream *s, workers *w, void *context)
{
    bolt *b = memory_alloc(sizeof *b);
    b->server = context;
    b->stream = s;
    b->arena = arena_new();
    b->form = STREAM_BYTES;
    pthread_mutex_init(&b->lock, NULL);
    task_init(&b->task, w, s, take_turn, finish);
    stream_hurry(s, SIGN_IN_MS);
    return b;
}

static void close_bolt(void *self)
{
    bolt *b = self;
    pthread_mutex_lock(&b->lock);
    interrupt(b);
    pthread_mutex_unlock(&b->lock);
}

const protocol bolt_protocol = { "bolt", open_bolt, receive, close_bolt };
