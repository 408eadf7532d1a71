/* Streams: the queue of bytes between a worker and the network thread. */
#include "wire/stream.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "wire/internal.h"

stream *stream_new(loop *l, str peer, bool is_tls)
{
    stream *s = memory_alloc(sizeof *s + peer.len);
    s->references = 1;
    s->loop = l;
    memcpy(s + 1, peer.data, peer.len);
    s->peer = (str){ (char *)(s + 1), peer.len };
    s->is_tls = is_tls;
    s->progress_us = clock_monotonic_us();
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

stream *stream_ref(stream *s)
{
    atomic_fetch_add(&s->references, 1);
    return s;
}

void stream_unref(stream *s)
{
    if (!s || atomic_fetch_sub(&s->references, 1) > 1)
        return;
    for (chunk *c = s->first, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static chunk *chunk_add(stream *s, size_t capacity, stream_form form)
{
    chunk *c = malloc(sizeof *c + CHUNK_HEAD_BYTES + capacity);
    if (!c)
        abort();
    *c = (chunk){ .capacity = capacity, .form = form };
    if (s->last)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    return c;
}

static size_t chunk_fill(chunk *c, str bytes)
{
    size_t n = c->capacity - c->len < bytes.len ? c->capacity - c->len : bytes.len;
    memcpy(c->data + CHUNK_HEAD_BYTES + c->len, bytes.data, n);
    c->len += n;
    return n;
}

static void add_bytes(stream *s, str bytes)
{
    while (bytes.len) {
        chunk *c = s->last;
        if (!c || c->form != STREAM_BYTES || c->len == c->capacity)
            c = chunk_add(s,
                          bytes.len < CHUNK_BYTES ? (bytes.len < 1024 ? 1024 : CHUNK_BYTES)
                                                  : CHUNK_BYTES * 2,
                          STREAM_BYTES);
        size_t n = chunk_fill(c, bytes);
        bytes = str_slice(bytes, n, bytes.len);
    }
}

/* A message is one frame: the Java driver does not put the pieces of a message together. */
static void add_message(stream *s, str bytes, stream_form form)
{
    chunk_fill(chunk_add(s, bytes.len, form), bytes);
}

void stream_write(stream *s, str bytes, stream_form form)
{
    if (stream_is_gone(s) || (form == STREAM_BYTES && !bytes.len))
        return;
    pthread_mutex_lock(&s->lock);
    if (!s->first)
        s->progress_us = clock_monotonic_us();
    if (form == STREAM_BYTES)
        add_bytes(s, bytes);
    else
        add_message(s, bytes, form);
    s->queued_bytes += bytes.len;
    pthread_mutex_unlock(&s->lock);
    loop_list(s->loop, s);
}

bool stream_is_full(stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_full = s->queued_bytes > STREAM_FULL_BYTES;
    pthread_mutex_unlock(&s->lock);
    return is_full;
}

static void set_flag(stream *s, bool *flag, bool value)
{
    pthread_mutex_lock(&s->lock);
    bool is_new = *flag != value;
    *flag = value;
    pthread_mutex_unlock(&s->lock);
    if (is_new)
        loop_list(s->loop, s);
}

void stream_end(stream *s)
{
    set_flag(s, &s->is_ended, true);
}

void stream_finish(stream *s, str bytes)
{
    pthread_mutex_lock(&s->lock);
    if (!stream_is_gone(s) && bytes.len) {
        if (!s->first)
            s->progress_us = clock_monotonic_us();
        add_bytes(s, bytes);
        s->queued_bytes += bytes.len;
    }
    s->is_ended = true;
    pthread_mutex_unlock(&s->lock);
    loop_list(s->loop, s);
}

void stream_drop(stream *s)
{
    set_flag(s, &s->is_dropped, true);
}

void stream_pause(stream *s, bool is_paused)
{
    set_flag(s, &s->is_paused, is_paused);
}

void stream_hurry(stream *s, uint64_t ms)
{
    pthread_mutex_lock(&s->lock);
    s->hurry_us = ms ? clock_monotonic_us() + ms * 1000 : 0;
    pthread_mutex_unlock(&s->lock);
}

void stream_on_leave(stream *s, void (*left)(void *context), void *context)
{
    pthread_mutex_lock(&s->lock);
    s->left = left;
    s->left_context = context;
    bool is_late = left && stream_is_gone(s);
    pthread_mutex_unlock(&s->lock);
    if (is_late)
        left(context);
}

bool stream_is_gone(const stream *s)
{
    return atomic_load_explicit(&s->is_gone, memory_order_relaxed);
}

str stream_peer(const stream *s)
{
    return s->peer;
}

bool stream_is_tls(const stream *s)
{
    return s->is_tls;
}

chunk *stream_take(stream *s)
{
    pthread_mutex_lock(&s->lock);
    chunk *c = s->first;
    if (c) {
        s->first = c->next;
        if (!s->first)
            s->last = NULL;
        s->queued_bytes -= c->len;
        s->progress_us = clock_monotonic_us();
        if (s->queued_bytes < STREAM_ROOM_BYTES)
            stream_wake_waiting(s);
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}
