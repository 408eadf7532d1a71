/* Bolt's messages: what each does in each state. */
#include "server/bolt.h"

#include <stdlib.h>

#include "base/clock.h"
#include "server/bolt_reply.h"

enum {
    HELLO = 0x01,
    GOODBYE = 0x02,
    RESET = 0x0F,
    RUN = 0x10,
    BEGIN = 0x11,
    COMMIT = 0x12,
    ROLLBACK = 0x13,
    DISCARD = 0x2F,
    PULL = 0x3F,
    TELEMETRY = 0x54,
    ROUTE = 0x66,
    LOGON = 0x6A,
    LOGOFF = 0x6B,
};

/* ---- Results ---- */

static void close_result(bolt *b, bolt_result *r)
{
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->result_count; i++)
        if (b->results[i] == r) {
            memmove(&b->results[i], &b->results[i + 1],
                    (b->result_count - i - 1) * sizeof(bolt_result *));
            b->result_count--;
            break;
        }
    ticket *t = TAKE(r->ticket);
    pthread_mutex_unlock(&b->lock);
    if (b->pulling == r)
        b->pulling = NULL;
    if (r->elements)
        element_reader_done(r->elements);
    answer_close(r->answer);
    ticket_close(t);
    arena_free(r->row_arena);
    arena_free(r->arena);
}

void bolt_drop_results(bolt *b)
{
    while (b->result_count)
        close_result(b, b->results[b->result_count - 1]);
}

void bolt_end_transaction(bolt *b, bool is_kept)
{
    graph_transaction_close(TAKE(b->transaction), is_kept);
    graph_close(TAKE(b->pinned));
    arena_free(TAKE(b->tx_arena));
    b->tx_graph = STR("");
    b->tx_timeout_ms = 0;
    b->next_qid = 0;
}

static bool fail_request(bolt *b, const error *err, bool is_compiling)
{
    bolt_put_failure(b, err, is_compiling);
    bolt_drop_results(b);
    b->state = BOLT_FAILED;
    return true;
}

/* ---- Signing in ---- */

static bool find_user(bolt *b, const value *auth, error *err, str *ret_message)
{
    str scheme = value_member_text(auth, STR("scheme")),
        name = value_member_text(auth, STR("principal")),
        secret = value_member_text(auth, STR("credentials"));
    *ret_message = STR("");
    if (b->server->options.no_sign_in)
        return true;
    if (str_eq(scheme, STR("bearer"))) {
        TRY(users_token_get(b->server->users, b->arena, secret, &b->user, err));
        if (!b->user.len)
            *ret_message = STR("this token is not known, or was taken back");
        return true;
    }
    if (!str_eq(scheme, STR("basic"))) {
        *ret_message = STR("sign in with a user name and password (scheme basic) or a token "
                           "(scheme bearer)");
        return true;
    }
    TRY(server_sign_in(b->server, b->arena, name, secret, stream_peer(b->stream), ret_message,
                       err));
    if (!ret_message->len)
        b->user = str_copy(b->arena, name);
    return true;
}

/* A refused sign-in ends the connection, as the protocol wants. */
static bool check_sign_in(bolt *b, const value *auth)
{
    error err = { 0 };
    str message;
    if (!find_user(b, auth, &err, &message)) {
        bolt_put_failure(b, &err, false);
        return false;
    }
    if (message.len) {
        bool waits = str_starts_with(message, STR("too many"));
        bolt_put_failure_text(b,
                              waits ? "Neo.ClientError.Security.AuthenticationRateLimit"
                                    : "Neo.ClientError.Security.Unauthorized",
                              message);
        return false;
    }
    pthread_mutex_lock(&b->lock);
    b->has_signed_in = true;
    pthread_mutex_unlock(&b->lock);
    stream_hurry(b->stream, 0);
    b->state = BOLT_READY;
    return true;
}

static bool takes_logon(const bolt *b)
{
    return b->major == 5 && b->minor >= 1;
}

static bool hello(bolt *b, const value *fields, arena *a)
{
    const value *patches = value_member(&fields[0], STR("patch_bolt"));
    bool is_patched = false;
    (void)a;
    for (size_t i = 0; patches && patches->kind == VALUE_LIST && i < patches->list.count; i++)
        is_patched |= value_compare(&patches->list.items[i],
                                    &(value){ .kind = VALUE_STRING, .text = STR("utc") }) == 0;
    b->is_utc = b->major >= 5 || is_patched;
    b->state = BOLT_AUTHENTICATION;
    if (!takes_logon(b) && !check_sign_in(b, &fields[0]))
        return false;
    bolt_put_hello(b, is_patched && b->major < 5);
    return true;
}

static bool logon(bolt *b, const value *fields, arena *a)
{
    (void)a;
    if (!check_sign_in(b, &fields[0]))
        return false;
    bolt_put_success(b);
    return true;
}

static bool logoff(bolt *b, const value *fields, arena *a)
{
    (void)fields;
    (void)a;
    b->user = STR("");
    b->state = BOLT_AUTHENTICATION;
    bolt_put_success(b);
    return true;
}

/* ---- Queries ---- */

/* The graph that `db` names; Neo4j's own names mean the home's. */
static str graph_of(const value *extra)
{
    str name = value_member_text(extra, STR("db"));
    return str_eq(name, STR("neo4j")) || str_eq(name, STR("system")) ? STR("g") : name;
}

static uint64_t timeout_of(const bolt *b, const value *extra)
{
    int64_t ms = value_member_int(extra, STR("tx_timeout"), 0);
    if (ms > 0)
        return (uint64_t)ms;
    if (b->tx_timeout_ms)
        return b->tx_timeout_ms;
    return b->server->options.timeout_ms ? b->server->options.timeout_ms : DEFAULT_TIMEOUT_MS;
}

static bool open_result(bolt *b, bolt_result *r, const value *fields, error *err)
{
    answer_request request = { .text = fields[0].text,
                               .parameters = fields[1],
                               .graph = graph_of(&fields[2]),
                               .pinned = b->pinned,
                               .transaction = b->transaction };
    ticket *t;
    if (!ticket_open(b->server->tickets, ANSWER_CYPHER, STR(""), b->user, request.text, "bolt",
                     timeout_of(b, &fields[2]), &t, err)) {
        arena_free(r->row_arena);
        return false;
    }
    b->keeps_arena = true;
    pthread_mutex_lock(&b->lock);
    r->ticket = t;
    b->results[b->result_count++] = r;
    if (b->resets)
        ticket_cancel(t);
    pthread_mutex_unlock(&b->lock);
    TRY(answer_open(b->server, t, &request, &r->answer, err));
    r->elements = element_reader_new(r->arena, answer_graph(r->answer));
    return true;
}

static bool run(bolt *b, const value *fields, arena *a)
{
    error err = { 0 };
    (void)a;
    if (fields[0].kind != VALUE_STRING || fields[1].kind != VALUE_MAP) {
        fail(&err, ERR_INVALID, "RUN takes a text and a map of parameters");
        return fail_request(b, &err, false);
    }
    if (b->result_count == BOLT_RESULTS) {
        fail(&err, ERR_LIMIT, "%d results are open in this transaction: read them first",
             BOLT_RESULTS);
        return fail_request(b, &err, false);
    }
    uint64_t started = clock_monotonic_us();
    bolt_result *r = arena_new_of(a, bolt_result);
    r->arena = a;
    r->row_arena = arena_new();
    r->qid = b->next_qid++;
    if (!open_result(b, r, fields, &err))
        return fail_request(b, &err, true);
    bolt_put_run(b, r, (clock_monotonic_us() - started) / 1000);
    return true;
}

static bolt_result *find_result(bolt *b, int64_t qid)
{
    if (qid < 0)
        return b->result_count ? b->results[b->result_count - 1] : NULL;
    for (size_t i = 0; i < b->result_count; i++)
        if (b->results[i]->qid == qid)
            return b->results[i];
    return NULL;
}

static bool begin_pull(bolt *b, const value *extra, bool is_discarding)
{
    error err = { 0 };
    int64_t n = value_member_int(extra, STR("n"), -1);
    bolt_result *r = find_result(b, value_member_int(extra, STR("qid"), -1));
    if (!r || n == 0 || n < -1) {
        fail(&err, ERR_INVALID, r ? "n is -1 or at least 1" : "there is no result to read");
        return fail_request(b, &err, false);
    }
    if (is_discarding && n < 0) {
        answer_drop_rest(r->answer);
        r->rows = r->at = 0;
        r->left = 0;
    }
    b->pulling = r;
    b->pull_left = n;
    b->is_discarding = is_discarding;
    return true;
}

static bool pull(bolt *b, const value *fields, arena *a)
{
    (void)a;
    return begin_pull(b, &fields[0], false);
}

static bool discard(bolt *b, const value *fields, arena *a)
{
    (void)a;
    return begin_pull(b, &fields[0], true);
}

static bool put_record(bolt *b, bolt_result *r, error *err)
{
    packer p = { .out = b->out,
                 .major = b->major,
                 .is_utc = b->is_utc,
                 .elements = r->elements,
                 .arena = r->row_arena };
    size_t columns = answer_column_count(r->answer), began = bolt_message_begin(b);
    arena_reset(r->row_arena);
    pack_struct(b->out, 0x71, 1);
    pack_list(b->out, columns);
    for (size_t i = 0; i < columns; i++) {
        value v = answer_cell(r->answer, i, r->at);
        if (!pack_value(&p, &v, err)) {
            b->out->len = began;
            return false;
        }
    }
    bolt_message_end(b, began);
    return true;
}

/* The next row is there, or `r->is_ended`. */
static bool look_ahead(bolt_result *r, error *err)
{
    if (r->at < r->rows || r->is_ended)
        return true;
    r->at = 0;
    TRY(answer_next(r->answer, &r->rows, err));
    r->is_ended = r->rows == 0;
    return true;
}

/* `*ret_is_done`: as many as were asked for are sent, or all. */
static bool send_rows(bolt *b, bolt_result *r, uint64_t until_us, bool *ret_is_done, error *err)
{
    *ret_is_done = false;
    for (size_t i = 1;; i++) {
        TRY(look_ahead(r, err));
        if (r->is_ended || b->pull_left == 0) {
            *ret_is_done = true;
            return true;
        }
        if (!b->is_discarding)
            TRY(put_record(b, r, err));
        r->sent++;
        if (b->pull_left > 0)
            b->pull_left--;
        if (!r->left)
            r->left = answer_bulk(r->answer, r->at);
        if (--r->left == 0)
            r->at++;
        if (i % 64 == 0 && (clock_monotonic_us() > until_us || stream_is_full(b->stream)))
            return true;
    }
}

bool bolt_pull_on(bolt *b, uint64_t until_us)
{
    bolt_result *r = b->pulling;
    error err = { 0 };
    bool is_done = true;
    if (!send_rows(b, r, until_us, &is_done, &err)) {
        b->pulling = NULL;
        bolt_put_failure(b, &err, false);
        bolt_drop_results(b);
        b->state = BOLT_FAILED;
        return true;
    }
    if (!is_done)
        return false;
    b->pulling = NULL;
    if (!r->is_ended) {
        bolt_put_more(b);
        return true;
    }
    bolt_put_summary(b, r);
    close_result(b, r);
    return true;
}

/* ---- Transactions ---- */

static bool begin(bolt *b, const value *fields, arena *a)
{
    error err = { 0 };
    bolt_drop_results(b);
    bolt_end_transaction(b, false);
    b->tx_arena = arena_new();
    b->tx_graph = str_copy(b->tx_arena, graph_of(&fields[0]));
    b->tx_timeout_ms = timeout_of(b, &fields[0]);
    (void)a;
    if (!server_graph(b->server, b->tx_graph, &b->pinned, &err))
        return fail_request(b, &err, true);
    b->transaction = graph_transaction_open(b->pinned);
    b->state = BOLT_TX;
    bolt_put_success(b);
    return true;
}

static bool commit(bolt *b, const value *fields, arena *a)
{
    error err = { 0 };
    (void)fields;
    (void)a;
    bolt_drop_results(b);
    bool stands = graph_transaction_check(b->transaction, &err);
    bolt_end_transaction(b, true);
    if (!stands)
        return fail_request(b, &err, false);
    b->state = BOLT_READY;
    bolt_put_commit(b);
    return true;
}

static bool roll_back(bolt *b, const value *fields, arena *a)
{
    (void)fields;
    (void)a;
    bolt_drop_results(b);
    bolt_end_transaction(b, false);
    b->state = BOLT_READY;
    bolt_put_success(b);
    return true;
}

static bool route(bolt *b, const value *fields, arena *a)
{
    (void)a;
    bolt_put_route(b, value_member_text(&fields[0], STR("address")),
                   fields[2].kind == VALUE_STRING ? fields[2].text
                                                  : value_member_text(&fields[2], STR("db")));
    return true;
}

static bool telemetry(bolt *b, const value *fields, arena *a)
{
    (void)fields;
    (void)a;
    bolt_put_success(b);
    return true;
}

static bool reset(bolt *b)
{
    pthread_mutex_lock(&b->lock);
    b->resets--;
    bool is_last = b->resets == 0;
    pthread_mutex_unlock(&b->lock);
    bolt_drop_results(b);
    bolt_end_transaction(b, false);
    if (!is_last) {
        bolt_put_ignored(b);
        return true;
    }
    b->state = BOLT_READY;
    bolt_put_success(b);
    return true;
}

/* ---- All ---- */

enum {
    IN_CONNECTED = 1 << BOLT_CONNECTED,
    IN_AUTHENTICATION = 1 << BOLT_AUTHENTICATION,
    IN_READY = 1 << BOLT_READY,
    IN_TX = 1 << BOLT_TX,
};

static const struct bolt_kind {
    uint8_t tag;
    const char *name;
    size_t fewest_fields;
    int states;
    bool (*handle)(bolt *b, const value *fields, arena *a);
} kinds[] = {
    { HELLO, "HELLO", 1, IN_CONNECTED, hello },
    { LOGON, "LOGON", 1, IN_AUTHENTICATION, logon },
    { LOGOFF, "LOGOFF", 0, IN_READY, logoff },
    { RUN, "RUN", 2, IN_READY | IN_TX, run },
    { PULL, "PULL", 1, IN_READY | IN_TX, pull },
    { DISCARD, "DISCARD", 1, IN_READY | IN_TX, discard },
    { BEGIN, "BEGIN", 0, IN_READY, begin },
    { COMMIT, "COMMIT", 0, IN_TX, commit },
    { ROLLBACK, "ROLLBACK", 0, IN_TX, roll_back },
    { ROUTE, "ROUTE", 2, IN_READY, route },
    { TELEMETRY, "TELEMETRY", 1, IN_READY | IN_TX, telemetry },
};

static const struct bolt_kind *find_kind(uint8_t tag)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].tag == tag)
            return &kinds[i];
    return NULL;
}

/* The peer does not keep to the protocol: say so, and end. */
static bool fail_protocol(bolt *b, const error *err)
{
    bolt_put_failure_text(b, "Neo.ClientError.Request.Invalid", str_of(err->message));
    return false;
}

static bool dispatch(bolt *b, const struct bolt_kind *k, unpacker *u, size_t count)
{
    error err = { 0 };
    value fields[4] = { 0 };
    for (size_t i = 0; i < count && i < ARRAY_LEN(fields); i++)
        if (!unpack_value(u, &fields[i], &err)) {
            bool is_parameter = b->state == BOLT_READY || b->state == BOLT_TX;
            return is_parameter ? fail_request(b, &err, false) : fail_protocol(b, &err);
        }
    if (count < k->fewest_fields || count > ARRAY_LEN(fields)) {
        fail(&err, ERR_INVALID, "%s has %zu fields, not %zu", k->name, k->fewest_fields, count);
        return fail_protocol(b, &err);
    }
    return k->handle(b, fields, u->arena);
}

bool bolt_handle(bolt *b, bolt_message *m)
{
    AUTO(arena_free) arena *a = arena_new();
    unpacker u = { .arena = a, .is_utc = b->is_utc };
    error err = { 0 };
    uint8_t tag;
    size_t count;
    u.in = str_copy(a, (str){ m->data, m->len });
    if (!unpack_struct(&u, &tag, &count, &err))
        return fail_protocol(b, &err);
    if (tag == GOODBYE)
        return false;
    if (tag == RESET && b->state >= BOLT_READY)
        return reset(b);
    pthread_mutex_lock(&b->lock);
    bool is_ignored = b->resets > 0 && b->state >= BOLT_READY;
    pthread_mutex_unlock(&b->lock);
    const struct bolt_kind *k = find_kind(tag);
    if (k && (is_ignored || b->state == BOLT_FAILED)) {
        bolt_put_ignored(b);
        return true;
    }
    if (!k || !(k->states & 1 << b->state)) {
        if (k)
            fail(&err, ERR_INVALID, "%s cannot come now", k->name);
        else
            fail(&err, ERR_INVALID, "0x%02X is no message of Bolt", tag);
        return fail_protocol(b, &err);
    }
    bool works = dispatch(b, k, &u, count);
    if (b->keeps_arena)
        a = NULL; /* the result's, or freed with it */
    b->keeps_arena = false;
    return works;
}
