/* Streaming a query's rows over HTTP, a slice of work at a time. */
#include "server/ask.h"

#include <stdlib.h>

#include "base/clock.h"

enum { SLICE_US = 10000, FLUSH_BYTES = 32 << 10, PIECE_ROWS = 64 };

static void left(void *context)
{
    ticket_cancel(context);
}

uint64_t ask_elapsed_ms(const ask *k)
{
    return (clock_monotonic_us() - k->ticket->started_us) / 1000;
}

/* The head goes out before the columns are known when that takes long. */
static void begin_head(ask *k)
{
    if (!k->exchange->request->is_answered)
        http_begin(k->exchange->request, 200, str_of(k->form->content_type),
                   STR("Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"));
}

static void tick(void *context)
{
    ask *k = context;
    char line[128];
    uint64_t rows = atomic_load(&k->ticket->rows);
    if (stream_is_full(k->exchange->request->stream) || ask_elapsed_ms(k) < 500)
        return;
    begin_head(k);
    snprintf(line, sizeof line, "{\"progress\":{\"rows\":%llu,\"elapsedMs\":%llu}}\n",
             (unsigned long long)rows, (unsigned long long)ask_elapsed_ms(k));
    http_write(k->exchange->request, str_of(line));
}

static void ask_free(ask *k)
{
    if (k->ticket) {
        ticket_ticks(k->ticket, NULL, NULL);
        stream_on_leave(k->exchange->request->stream, NULL, NULL);
    }
    if (k->elements)
        element_reader_done(k->elements);
    answer_close(k->answer);
    ticket_close(k->ticket);
    arena_free(k->row_arena);
    arena_free(k->arena);
    free(k);
}

static void done(exchange *x)
{
    ask_free(x->state);
}

ask *ask_new(exchange *x, const ask_form *form, answer_language language)
{
    ask *k = memory_alloc(sizeof *k);
    k->exchange = x;
    k->form = form;
    k->language = language;
    k->arena = arena_new();
    k->row_arena = arena_new();
    k->has_properties = true;
    k->is_first = true;
    x->state = k;
    x->done = done;
    return k;
}

static void flush(ask *k, strbuf *out)
{
    http_write(k->exchange->request, strbuf_str(out));
    out->len = 0;
}

/* Some rows of the batch; one that stands for many is written a few at a time. */
static bool write_piece(ask *k, strbuf *out, error *err)
{
    for (uint64_t left = PIECE_ROWS; left && k->batch_at < k->batch_rows;) {
        uint64_t times = k->row_left ? k->row_left : answer_bulk(k->answer, k->batch_at);
        k->row_left = times;
        times = times < left ? times : left;
        if (k->limit && times > k->limit - k->rows)
            times = k->limit - k->rows;
        arena_reset(k->row_arena);
        if (times)
            TRY(k->form->row(k, k->batch_at, times, out, err));
        k->rows += times;
        k->row_left -= times;
        left -= times;
        if (!k->row_left)
            k->batch_at++;
        if (k->limit && k->rows >= k->limit) {
            k->is_truncated = true;
            k->batch_at = k->batch_rows;
            k->row_left = 0;
        }
    }
    return true;
}

/* Rows until the slice is over, the stream full or all is written. */
static bool write_rows(ask *k, strbuf *out, bool *ret_is_done, error *err)
{
    uint64_t until = clock_monotonic_us() + SLICE_US;
    *ret_is_done = false;
    while (clock_monotonic_us() < until && !stream_is_full(k->exchange->request->stream)) {
        if (k->batch_at == k->batch_rows) {
            if (k->batch_rows)
                k->form->batch_end(k, out);
            k->batch_at = 0;
            k->batch_rows = 0;
            if (k->is_truncated) {
                *ret_is_done = true;
                return true;
            }
            TRY(answer_next(k->answer, &k->batch_rows, err));
            if (!k->batch_rows) {
                *ret_is_done = true;
                return true;
            }
        }
        TRY(write_piece(k, out, err));
        if (out->len > FLUSH_BYTES) {
            k->form->batch_end(k, out); /* whole lines only: progress may come between */
            flush(k, out);
        }
    }
    return true;
}

static task_turn more(exchange *x)
{
    ask *k = x->state;
    AUTO(arena_free) arena *a = arena_new();
    strbuf out = strbuf_new(a);
    error err = { 0 };
    bool is_done;
    if (stream_is_gone(x->request->stream))
        return TASK_DONE;
    if (!write_rows(k, &out, &is_done, &err)) {
        ticket_ticks(k->ticket, NULL, NULL);
        k->ticket->has_failed = true;
        k->form->failed(k, &err, &out);
        flush(k, &out);
        http_end(x->request);
        return TASK_DONE;
    }
    if (is_done) {
        ticket_ticks(k->ticket, NULL, NULL);
        k->ticket->has_failed = false;
        k->form->end(k, &out);
        flush(k, &out);
        http_end(x->request);
        return TASK_DONE;
    }
    k->form->batch_end(k, &out);
    flush(k, &out);
    return stream_is_full(x->request->stream) ? TASK_WAITS : TASK_AGAIN;
}

static bool open_answer(ask *k, strbuf *out, error *err)
{
    TRY(answer_open(k->exchange->server, k->ticket, &k->request, &k->answer, err));
    if (answer_graph(k->answer))
        k->elements = element_reader_new(k->arena, answer_graph(k->answer));
    return k->form->begin(k, out, err);
}

bool exchange_ask(ask *k, error *err)
{
    exchange *x = k->exchange;
    server *s = x->server;
    AUTO(arena_free) arena *a = arena_new();
    strbuf out = strbuf_new(a);
    if (!k->timeout_ms)
        k->timeout_ms = s->options.timeout_ms ? s->options.timeout_ms : DEFAULT_TIMEOUT_MS;
    TRY(ticket_open(s->tickets, k->language, k->id, x->user, k->request.text, "http", k->timeout_ms,
                    &k->ticket, err));
    stream_on_leave(x->request->stream, left, k->ticket);
    if (k->form->ticks)
        ticket_ticks(k->ticket, tick, k);
    bool works = open_answer(k, &out, err);
    if (!works) {
        ticket_ticks(k->ticket, NULL, NULL);
        if (!x->request->is_answered)
            return false;
        k->form->failed(k, err, &out);
        flush(k, &out);
        http_end(x->request);
        return true;
    }
    ticket_ticks(k->ticket, NULL, NULL);
    begin_head(k);
    flush(k, &out);
    if (k->form->ticks)
        ticket_ticks(k->ticket, tick, k);
    x->more = more;
    return true;
}
