/* A query over HTTP: an exchange whose answer streams, in a form that the route chooses. */
#pragma once

#include "server/exchange.h"
#include "wire/plain_json.h"

typedef struct ask ask;

/* How rows become bytes. Each puts text into `out`; what it puts is sent. */
typedef struct ask_form {
    const char *content_type;
    bool ticks; /* `progress` is sent each second */
    bool (*begin)(ask *k, strbuf *out, error *err);
    /* A row of the current batch, so many times. */
    bool (*row)(ask *k, size_t row, uint64_t times, strbuf *out, error *err);
    void (*batch_end)(ask *k, strbuf *out);
    void (*end)(ask *k, strbuf *out);
    /* After the head has gone; before it errors are plain HTTP. */
    void (*failed)(ask *k, const error *err, strbuf *out);
} ask_form;

struct ask {
    exchange *exchange;
    const ask_form *form;
    ticket *ticket;
    answer *answer;
    element_reader *elements; /* NULL: SQL */
    arena *arena;             /* as long as the ask */
    arena *row_arena;
    uint64_t limit, rows; /* limit 0: none */
    uint64_t sent_us;     /* when rows were last sent */
    bool has_properties, is_truncated, is_first;
    size_t batch_rows, batch_at; /* of the batch that is being written */
    uint64_t row_left;           /* how often the row at batch_at is still to be written */
    answer_request request;
    str id;
    uint64_t timeout_ms;
    answer_language language;
};

/* Belongs to the exchange from then on. The route fills it, `exchange_ask` takes over. */
ask *ask_new(exchange *x, const ask_form *form, answer_language language);
NODISCARD bool exchange_ask(ask *k, error *err);
uint64_t ask_elapsed_ms(const ask *k);
