/* What the files of wire/ share: the inside of a stream and what the loop does for it. */
#pragma once

#include <pthread.h>

#include "wire/loop.h"
#include "wire/stream.h"

/* Room before the bytes for the WebSocket header that libwebsockets writes there. */
enum { CHUNK_HEAD_BYTES = 32, CHUNK_BYTES = 32 << 10 };

/* A run of bytes on its way out. */
typedef struct chunk {
    struct chunk *next;
    size_t len, capacity;
    stream_form form;
    char data[]; /* CHUNK_HEAD_BYTES, then `len` bytes */
} chunk;

struct stream {
    _Atomic int references;
    _Atomic bool is_gone;
    loop *loop;
    str peer;
    bool is_tls;
    pthread_mutex_t lock; /* guards what follows */
    chunk *first, *last;
    size_t queued_bytes;
    bool is_ended, is_dropped, is_paused;
    task *waiting; /* for room */
    task *tasks;   /* all that were made for it and are not done */
    uint64_t hurry_us, progress_us;
    void (*left)(void *context);
    void *left_context;
    /* The loop's own, under its lock. */
    bool is_listed;
    stream *next_listed;
    /* The network thread's alone. */
    void *connection;
};

stream *stream_new(loop *l, str peer, bool is_tls);
/* Network thread: the connection is gone. Wakes every task. */
void stream_leave(stream *s);
void stream_wake_waiting(stream *s);
/* Network thread: take the first chunk, or NULL. The caller frees it. Wakes who waited for room. */
chunk *stream_take(stream *s);
/* Have the network thread look at `s`. */
void loop_list(loop *l, stream *s);
