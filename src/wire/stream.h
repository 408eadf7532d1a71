/* The waist of all protocols: a connection as a queue of bytes out, and the tasks that fill it.
 *
 * One network thread moves bytes and never waits; workers run tasks. A protocol gets bytes on the
 * network thread, turns them into messages, and wakes a task; the task writes its answer in pieces
 * and steps aside whenever the connection has enough to send, so a slow client holds memory for
 * STREAM_FULL_BYTES and a piece, and no worker. */
#pragma once

#include <stdatomic.h>

#include "base/error.h"

enum { STREAM_FULL_BYTES = 512 << 10, STREAM_ROOM_BYTES = 128 << 10 };

typedef struct stream stream;
typedef struct task task;
typedef struct workers workers;

/* ---- Streams. Every function is thread-safe. ---- */

stream *stream_ref(stream *s);
void stream_unref(stream *s); /* NULL is fine */
DEFINE_AUTO(stream, stream_unref)

typedef enum stream_form {
    STREAM_BYTES, /* no message bounds: TCP, HTTP bodies */
    STREAM_TEXT,  /* one WebSocket message */
    STREAM_BINARY,
} stream_form;

/* Queue bytes; copied. Nothing happens when the peer has left. A message of another form than
 * STREAM_BYTES goes out whole. */
void stream_write(stream *s, str bytes, stream_form form);
/* More than STREAM_FULL_BYTES wait: a task should return TASK_WAITS. */
bool stream_is_full(stream *s);
/* End the connection (of HTTP: the exchange) when all that is queued has been sent. */
void stream_end(stream *s);
/* The last bytes and the end at once: a peer that has read them finds the exchange ended. */
void stream_finish(stream *s, str bytes);
/* Drop the connection now, with what is queued. */
void stream_drop(stream *s);
/* Stop reading from the peer, or go on. */
void stream_pause(stream *s, bool is_paused);
/* The peer must get the connection somewhere (signed in) within so long, else it is dropped; 0:
 * no hurry. */
void stream_hurry(stream *s, uint64_t ms);
/* The peer has left, or was dropped. The same flag as queries read as `cancel`. */
bool stream_is_gone(const stream *s);
/* Call `left` on the network thread when the peer leaves, or here and now when it has; NULL: no
 * more. It holds the stream's lock: cancel something and return. */
void stream_on_leave(stream *s, void (*left)(void *context), void *context);
str stream_peer(const stream *s); /* its address */
bool stream_is_tls(const stream *s);

/* ---- Tasks ---- */

typedef enum task_turn {
    TASK_IDLE,  /* until somebody wakes it */
    TASK_AGAIN, /* others first, then again */
    TASK_WAITS, /* until its stream has room */
    TASK_DONE,  /* never again: `free` is called */
} task_turn;

/* Embedded in what a protocol keeps of a connection or request. One worker at a time runs it, any
 * one. After its stream is gone it is woken once and must come to TASK_DONE. */
struct task {
    task_turn (*step)(task *t);
    void (*free)(task *t);
    stream *stream; /* the task's own reference, given back after `free` */
    workers *workers;
    /* The rest is stream.c's. */
    int state;
    bool is_woken, is_waiting;
    task *next, *next_on_stream, *next_waiting;
};

/* `s` gains a reference. The task starts idle. */
void task_init(task *t, workers *w, stream *s, task_turn (*step)(task *t), void (*free)(task *t));
/* Have it run (again); thread-safe, cheap when it is queued already. */
void task_wake(task *t);

/* ---- Workers ---- */

/* Threads come as they are needed, up to `most`; one whose task does not step aside for long is
 * given less of the processor, so that short tasks overtake it. */
workers *workers_open(int most);
/* No task may be left that can wake. Waits for the running ones, and meanwhile calls `look` again
 * and again, unless it is NULL. */
void workers_close(workers *w, void (*look)(void *context), void *context);

typedef struct workers_load {
    int threads, running;
    size_t queued;
} workers_load;
workers_load workers_load_get(workers *w);

/* ---- Protocols ---- */

/* How one kind of connection is read. All of it runs on the network thread and must not wait. */
typedef struct protocol {
    const char *name; /* in metrics: "bolt" */
    /* A connection is there. `context` as given to loop_listen. The result is `self`. */
    void *(*open)(stream *s, workers *w, void *context);
    /* Bytes as they come. Of a WebSocket `form` is its message's and `is_end` says that the
     * message ends with them. false: drop the connection. */
    bool (*receive)(void *self, str bytes, stream_form form, bool is_end);
    /* The peer has left: cancel what runs and wake its tasks. */
    void (*close)(void *self);
} protocol;
