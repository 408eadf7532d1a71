/* One Gremlin request: from its message to the last of its answers. */
#include <stdlib.h>

#include "base/clock.h"
#include "gremlin/gremlin.h"
#include "server/gremlin.h"
#include "wire/graphbinary.h"
#include "wire/graphson.h"

enum { SLICE_US = 10000 };

static const str no_id = STR_INIT("00000000-0000-0000-0000-000000000000");

/* ---- Answers ---- */

static bool is_binary(const gremlin_request *r)
{
    return r->form == FORM_GRAPHBINARY || r->form == FORM_STRINGD;
}

static void put_binary(gremlin_request *r, strbuf *b, int code, str message, str items,
                       size_t count)
{
    strbuf_add_c(b, "\x81");
    strbuf_add_char(b, 0);
    binary_put_uuid(b, r->message.request_id.len == 36 ? r->message.request_id : no_id);
    binary_put_number(b, (uint64_t)code, 4);
    strbuf_add_char(b, 0);
    binary_put_text(b, message);
    binary_put_number(b, 0, 4); /* attributes */
    binary_put_number(b, 0, 4); /* meta */
    if (code == 200 || code == 206) {
        binary_put_head(b, BINARY_LIST);
        binary_put_number(b, count, 4);
        strbuf_add(b, items);
    } else {
        strbuf_add_bytes(b, "\xFE\x01", 2);
    }
}

static void put_json(gremlin_request *r, strbuf *b, int code, str message, str items)
{
    bool is_typed = r->form == FORM_GRAPHSON_3, has_data = code == 200 || code == 206;
    str empty = is_typed ? STR("{\"@type\":\"g:Map\",\"@value\":[]}") : STR("{}");
    json_writer w = json_writer_new(b);
    json_put_object_begin(&w);
    json_put_key(&w, STR("requestId"));
    json_put_text(&w, r->message.request_id.len ? r->message.request_id : no_id);
    json_put_key(&w, STR("status"));
    json_put_object_begin(&w);
    json_put_key(&w, STR("message"));
    json_put_text(&w, message);
    json_put_key(&w, STR("code"));
    json_put_int(&w, code);
    json_put_key(&w, STR("attributes"));
    json_put_raw(&w, empty);
    json_put_object_done(&w);
    json_put_key(&w, STR("result"));
    json_put_object_begin(&w);
    json_put_key(&w, STR("data"));
    if (!has_data) {
        json_put_null(&w);
    } else {
        json_put_raw(&w, is_typed ? STR("{\"@type\":\"g:List\",\"@value\":[") : STR("["));
        strbuf_add(b, items);
        strbuf_add_c(b, is_typed ? "]}" : "]");
    }
    json_put_key(&w, STR("meta"));
    json_put_raw(&w, empty);
    json_put_object_done(&w);
    json_put_object_done(&w);
}

static void respond(gremlin_request *r, int code, str message, str items, size_t count)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    strbuf_reserve(&b, items.len + 512);
    if (is_binary(r))
        put_binary(r, &b, code, message, items, count);
    else
        put_json(r, &b, code, message, items);
    stream_write(r->task.stream, strbuf_str(&b), r->frame);
}

void gremlin_respond(gremlin_request *r, int code, str message)
{
    respond(r, code, message, STR(""), 0);
}

/* ---- Reading the message ---- */

static const struct mime {
    const char *name;
    gremlin_form form;
} mimes[] = {
    { "application/vnd.gremlin-v3.0+json", FORM_GRAPHSON_3 },
    { "application/vnd.gremlin-v2.0+json", FORM_GRAPHSON_2 },
    { "application/vnd.graphbinary-v1.0", FORM_GRAPHBINARY },
    { "application/vnd.graphbinary-v1.0-stringd", FORM_STRINGD },
    { "application/json", FORM_GRAPHSON_3 },
};

/* A binary message begins with the length of its type, and the type. */
static bool read_form(gremlin_request *r, str *bytes, error *err)
{
    r->form = FORM_GRAPHSON_3;
    if (r->frame == STREAM_TEXT)
        return true;
    size_t len = bytes->len ? (uint8_t)bytes->data[0] : 0;
    str mime = str_slice(*bytes, 1, 1 + len);
    if (mime.len == len)
        for (size_t i = 0; i < ARRAY_LEN(mimes); i++)
            if (str_eq(mime, str_of(mimes[i].name))) {
                r->form = mimes[i].form;
                *bytes = str_slice(*bytes, 1 + len, bytes->len);
                return true;
            }
    return fail(err, ERR_INVALID,
                "a binary message begins with the length and name of its type; application/"
                "vnd.gremlin-v3.0+json, -v2.0+json and vnd.graphbinary-v1.0 are known");
}

static bool read_message(gremlin_request *r, str bytes, error *err)
{
    TRY(read_form(r, &bytes, err));
    return is_binary(r) ? graphbinary_read_message(r->arena, bytes, &r->message, err)
                        : graphson_read_message(r->arena, bytes, &r->message, err);
}

gremlin_request *gremlin_request_new(gremlin_connection *c, const gremlin_message_in *m)
{
    arena *a = arena_new();
    gremlin_request *r = arena_new_of(a, gremlin_request);
    error err = { 0 };
    r->connection = c;
    r->arena = a;
    r->frame = m->form;
    r->task.stream = c->stream; /* to answer what is no request */
    if (!read_message(r, (str){ m->data, m->len }, &err)) {
        gremlin_respond(r, 498, str_of(err.message));
        arena_free(a);
        return NULL;
    }
    r->row_arena = arena_new();
    r->batch_arena = arena_new();
    r->batch = strbuf_new(r->batch_arena);
    task_init(&r->task, c->task.workers, c->stream, gremlin_request_turn, gremlin_request_finish);
    atomic_fetch_add(&c->references, 1);
    pthread_mutex_lock(&c->lock);
    r->next_of = c->requests;
    if (r->next_of)
        r->next_of->previous_of = r;
    c->requests = r;
    c->in_flight++;
    pthread_mutex_unlock(&c->lock);
    return r;
}

/* ---- Running ---- */

static bool read_bindings(gremlin_request *r, value *ret, error *err)
{
    const gremlin_argument *arg = gremlin_message_arg(&r->message, STR("bindings"));
    *ret = value_null();
    if (!arg || (arg->kind == ARG_LITERAL && arg->literal.kind == VALUE_NULL))
        return true;
    if (arg->kind != ARG_LITERAL || arg->literal.kind != VALUE_MAP)
        return fail(err, ERR_INVALID, "bindings is a map of names to values");
    for (size_t i = 0; i < arg->literal.map.count; i++)
        if (arg->literal.map.keys[i].kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "bindings has a name that is no text");
    *ret = arg->literal;
    return true;
}

/* What `g` stands for. */
static str alias_of(const gremlin_request *r)
{
    const gremlin_argument *arg = gremlin_message_arg(&r->message, STR("aliases"));
    for (size_t i = 0; arg && arg->kind == ARG_LITERAL && arg->literal.kind == VALUE_MAP &&
                       i < arg->literal.map.count;
         i++) {
        const value *key = &arg->literal.map.keys[i], *to = &arg->literal.map.values[i];
        if (key->kind == VALUE_STRING && to->kind == VALUE_STRING && str_eq(key->text, STR("g")))
            return to->text;
    }
    return STR("");
}

/* The traversal, or the text, that the request brings. */
static bool read_query(gremlin_request *r, answer_request *q, error *err)
{
    const gremlin_argument *arg = gremlin_message_arg(&r->message, STR("gremlin"));
    if (!arg)
        return fail(err, ERR_INVALID, "args has no gremlin");
    if (str_eq(r->message.op, STR("bytecode"))) {
        if (arg->kind != ARG_TRAVERSAL)
            return fail(err, ERR_INVALID, "args.gremlin is no bytecode");
        r->is_bytecode = true;
        q->bytecode = arg->traversal;
        q->text = STR("");
        return true;
    }
    if (arg->kind == ARG_TRAVERSAL) {
        r->is_bytecode = true;
        q->bytecode = arg->traversal;
        return true;
    }
    q->text = gremlin_message_text(&r->message, STR("gremlin"));
    return q->text.len ? true : fail(err, ERR_INVALID, "args.gremlin is no text");
}

static uint64_t timeout_of(const gremlin_request *r)
{
    int64_t ms = gremlin_message_int(&r->message, STR("evaluationTimeout"), -1);
    ms = ms < 0 ? gremlin_message_int(&r->message, STR("scriptEvaluationTimeout"), -1) : ms;
    const server_options *o = &r->connection->server->options;
    if (ms > 0)
        return (uint64_t)ms;
    return ms == 0 ? 0 : o->timeout_ms ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
}

static bool open_answer(gremlin_request *r, error *err)
{
    gremlin_connection *c = r->connection;
    answer_request q = { .graph = alias_of(r),
                         .variables = r->session ? r->session->variables : NULL };
    ticket *t;
    int64_t most = gremlin_message_int(&r->message, STR("batchSize"), GREMLIN_BATCH);
    r->batch_most = most < 1 ? 1 : most > GREMLIN_BATCH_MOST ? GREMLIN_BATCH_MOST : (size_t)most;
    r->has_properties =
        !str_eq(gremlin_message_text(&r->message, STR("materializeProperties")), STR("tokens"));
    TRY(read_query(r, &q, err));
    TRY(read_bindings(r, &q.parameters, err));
    TRY(ticket_open(c->server->tickets, ANSWER_GREMLIN, STR(""), c->user,
                    q.text.len ? q.text : STR("(bytecode)"), "gremlin", timeout_of(r), &t, err));
    pthread_mutex_lock(&c->lock);
    r->ticket = t;
    pthread_mutex_unlock(&c->lock);
    if (stream_is_gone(c->stream))
        ticket_cancel(t);
    TRY(answer_open(c->server, t, &q, &r->answer, err));
    r->elements = element_reader_new(r->arena, answer_graph(r->answer));
    return true;
}

/* ---- Results ---- */

static void put_traverser_head(gremlin_request *r, json_writer *w, uint64_t bulk)
{
    if (is_binary(r)) {
        binary_put_head(&r->batch, BINARY_TRAVERSER);
        binary_put_number(&r->batch, bulk, 8);
        return;
    }
    json_put_object_begin(w);
    json_put_key(w, STR("@type"));
    json_put_text(w, STR("g:Traverser"));
    json_put_key(w, STR("@value"));
    json_put_object_begin(w);
    json_put_key(w, STR("bulk"));
    json_put_raw(w, str_format(r->row_arena, "{\"@type\":\"g:Int64\",\"@value\":%llu}",
                               (unsigned long long)bulk));
    json_put_key(w, STR("value"));
}

static bool put_value(gremlin_request *r, json_writer *w, const value *v, error *err)
{
    str text;
    if (r->form == FORM_STRINGD) {
        TRY(gremlin_print(answer_graph(r->answer), r->row_arena, v, &text, err));
        binary_put_head(&r->batch, BINARY_STRING);
        binary_put_text(&r->batch, text);
        return true;
    }
    if (r->form == FORM_GRAPHBINARY) {
        graphbinary g = { .out = &r->batch,
                          .elements = r->elements,
                          .arena = r->row_arena,
                          .has_properties = r->has_properties };
        return graphbinary_put(&g, v, err);
    }
    graphson s = { .out = w,
                   .elements = r->elements,
                   .arena = r->row_arena,
                   .version = r->form == FORM_GRAPHSON_2 ? 2 : 3,
                   .has_properties = r->has_properties };
    return graphson_put(&s, v, err);
}

static bool add_result(gremlin_request *r, const value *v, uint64_t bulk, error *err)
{
    json_writer w = json_writer_new(&r->batch);
    size_t before = r->batch.len;
    arena_reset(r->row_arena);
    if (!is_binary(r) && r->batch_count)
        strbuf_add_char(&r->batch, ',');
    if (r->is_bytecode)
        put_traverser_head(r, &w, bulk);
    if (!put_value(r, &w, v, err)) {
        r->batch.len = before;
        return false;
    }
    if (r->is_bytecode && !is_binary(r)) {
        json_put_object_done(&w);
        json_put_object_done(&w);
    }
    r->batch_count++;
    return true;
}

static void send_batch(gremlin_request *r, int code)
{
    respond(r, code, STR(""), strbuf_str(&r->batch), r->batch_count);
    r->has_sent = true;
    r->batch_count = 0;
    arena_reset(r->batch_arena);
    r->batch = strbuf_new(r->batch_arena);
}

/* `*ret_is_done`: everything is sent. */
static bool send_rows(gremlin_request *r, bool *ret_is_done, error *err)
{
    uint64_t until = clock_monotonic_us() + SLICE_US;
    *ret_is_done = false;
    for (;;) {
        if (r->at == r->rows) {
            r->at = 0;
            TRY(answer_next(r->answer, &r->rows, err));
            if (!r->rows)
                break;
        }
        if (r->batch_count >= r->batch_most || r->batch.len >= GREMLIN_BATCH_BYTES) {
            send_batch(r, 206);
            if (stream_is_full(r->task.stream) || clock_monotonic_us() > until)
                return true;
        }
        value v = answer_cell(r->answer, 0, r->at);
        uint64_t bulk = r->left ? r->left : answer_bulk(r->answer, r->at);
        uint64_t times = r->is_bytecode ? bulk : 1;
        TRY(add_result(r, &v, times, err));
        r->left = bulk - times;
        if (!r->left)
            r->at++;
    }
    if (r->batch_count)
        send_batch(r, 200);
    else
        gremlin_respond(r, r->has_sent ? 200 : 204, STR(""));
    *ret_is_done = true;
    return true;
}

static int code_of(const gremlin_request *r, const error *err)
{
    str message = str_of(err->message);
    if (err->code == ERR_LIMIT && str_contains(message, STR("took longer")))
        return 598;
    if (str_starts_with(message, STR("fail() Step Triggered")))
        return 595;
    return r->is_bytecode && err->code != ERR_INVALID ? 500 : r->is_bytecode ? 500 : 597;
}

static bool close_session(gremlin_request *r)
{
    if (r->session) {
        variables_free(r->session->variables);
        r->session->variables = variables_new();
    }
    gremlin_respond(r, 204, STR(""));
    return true;
}

/* False: the error is the answer, with `*ret_code`. */
static bool start(gremlin_request *r, bool *ret_is_done, int *ret_code, error *err)
{
    str op = r->message.op, processor = r->message.processor;
    bool is_session = str_eq(processor, STR("session"));
    *ret_code = 499;
    if (is_session && !r->session)
        return fail(err, ERR_LIMIT, "a connection may have %d sessions", GREMLIN_SESSIONS);
    if (is_session && str_eq(op, STR("close"))) {
        *ret_is_done = true;
        return close_session(r);
    }
    if (!str_eq(op, STR("eval")) && !str_eq(op, STR("bytecode")))
        return fail(err, ERR_INVALID,
                    "there is no op '" STR_FMT "' of the processor '" STR_FMT
                    "': eval, bytecode, authentication and close are known",
                    STR_ARG(str_slice(op, 0, 40)), STR_ARG(str_slice(processor, 0, 40)));
    bool works = open_answer(r, err);
    *ret_code = r->ticket && !works ? code_of(r, err) : 499;
    return works;
}

task_turn gremlin_request_turn(task *t)
{
    gremlin_request *r = (gremlin_request *)t;
    bool is_done = false;
    error err = { 0 };
    int code = 0;
    if (r->is_held)
        return TASK_IDLE;
    if (stream_is_gone(t->stream))
        return TASK_DONE;
    if (!r->has_started) {
        r->has_started = true;
        if (!start(r, &is_done, &code, &err)) {
            gremlin_respond(r, code, str_of(err.message));
            return TASK_DONE;
        }
    }
    if (!r->answer || is_done)
        return TASK_DONE;
    if (!send_rows(r, &is_done, &err)) {
        gremlin_respond(r, code_of(r, &err), str_of(err.message));
        return TASK_DONE;
    }
    return is_done ? TASK_DONE : stream_is_full(t->stream) ? TASK_WAITS : TASK_AGAIN;
}

void gremlin_request_finish(task *t)
{
    gremlin_request *r = (gremlin_request *)t;
    gremlin_connection *c = r->connection;
    pthread_mutex_lock(&c->lock);
    ticket *mine = TAKE(r->ticket);
    pthread_mutex_unlock(&c->lock);
    if (r->elements)
        element_reader_done(r->elements);
    answer_close(r->answer);
    ticket_close(mine);
    gremlin_request_gone(r);
    arena_free(r->row_arena);
    arena_free(r->batch_arena);
    arena_free(r->arena); /* `r` lies in it */
    gremlin_connection_unref(c);
}
