/* /api/query: asking in any language, rows as lines of JSON. */
#include "base/clock.h"
#include "server/ask.h"

/* ---- NDJSON ---- */

static bool begin_lines(ask *k, strbuf *out, error *err)
{
    json_writer w = json_writer_new(out);
    (void)err;
    json_put_object_begin(&w);
    json_put_key(&w, STR("id"));
    json_put_text(&w, k->ticket->id);
    json_put_key(&w, STR("columns"));
    json_put_array_begin(&w);
    for (size_t i = 0; i < answer_column_count(k->answer); i++) {
        json_put_object_begin(&w);
        json_put_key(&w, STR("name"));
        json_put_text(&w, answer_column_name(k->answer, i));
        json_put_key(&w, STR("type"));
        json_put_text(&w, answer_column_type(k->answer, i));
        json_put_object_done(&w);
    }
    json_put_array_done(&w);
    json_put_object_done(&w);
    strbuf_add_char(out, '\n');
    return true;
}

static bool put_row(ask *k, size_t row, strbuf *out, error *err)
{
    json_writer w = json_writer_new(out);
    plain_json p = { .out = &w,
                     .elements = k->elements,
                     .arena = k->row_arena,
                     .has_properties = k->has_properties };
    json_put_array_begin(&w);
    for (size_t i = 0; i < answer_column_count(k->answer); i++) {
        value v = answer_cell(k->answer, i, row);
        TRY(plain_json_put(&p, &v, err));
    }
    json_put_array_done(&w);
    return true;
}

/* Rows share a line until it is sent. */
static bool add_row(ask *k, size_t row, uint64_t times, strbuf *out, error *err)
{
    strbuf one = strbuf_new(k->row_arena);
    TRY(put_row(k, row, &one, err));
    for (uint64_t i = 0; i < times; i++) {
        strbuf_add_c(out, k->is_first ? "{\"rows\":[" : ",");
        strbuf_add(out, strbuf_str(&one));
        k->is_first = false;
    }
    return true;
}

static void end_batch(ask *k, strbuf *out)
{
    if (!k->is_first)
        strbuf_add_c(out, "]}\n");
    k->is_first = true;
}

static void end_lines(ask *k, strbuf *out)
{
    strbuf_format(out, "{\"end\":{\"rows\":%llu,\"elapsedMs\":%llu,\"isTruncated\":%s}}\n",
                  (unsigned long long)k->rows, (unsigned long long)ask_elapsed_ms(k),
                  k->is_truncated ? "true" : "false");
}

static void fail_lines(ask *k, const error *err, strbuf *out)
{
    json_writer w = json_writer_new(out);
    if (!k->is_first)
        strbuf_add_c(out, "]}\n");
    json_put_object_begin(&w);
    json_put_key(&w, STR("error"));
    error_put_json(&w, k->arena, err);
    json_put_object_done(&w);
    strbuf_add_char(out, '\n');
}

static const ask_form lines = { .content_type = "application/x-ndjson",
                                .ticks = true,
                                .begin = begin_lines,
                                .row = add_row,
                                .batch_end = end_batch,
                                .end = end_lines,
                                .failed = fail_lines };

static bool check_id(str id, error *err)
{
    bool is_fine = id.len <= 64;
    for (size_t i = 0; is_fine && i < id.len; i++) {
        char c = id.data[i];
        is_fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_';
    }
    return is_fine ? true
                   : fail(err, ERR_INVALID,
                          "an id has up to 64 letters, digits, '-' and '_': '" STR_FMT "'",
                          STR_ARG(str_slice(id, 0, 80)));
}

static bool fill(ask *k, const json_t *body, error *err)
{
    arena *a = k->arena;
    str text, as_of = json_text_or(body, "asOf", STR(""));
    TRY(json_need_text(body, "$", "text", &text, err));
    k->request.text = str_copy(a, text);
    k->request.graph = str_copy(a, json_text_or(body, "graph", STR("")));
    k->id = str_copy(a, json_text_or(body, "id", STR("")));
    int64_t timeout = json_int_or(body, "timeoutMs", 0), limit = json_int_or(body, "limit", 0);
    k->timeout_ms = timeout > 0 ? (uint64_t)timeout : 0;
    k->limit = limit > 0 ? (uint64_t)limit : 0;
    k->has_properties = !json_is_false(json_object_get(body, "properties"));
    TRY(check_id(k->id, err));
    if (as_of.len && !clock_parse_us(as_of, &k->request.as_of_us))
        return fail(err, ERR_INVALID,
                    "asOf is a time such as '2026-01-31 12:00:00', not '" STR_FMT "'",
                    STR_ARG(as_of));
    return value_of_json(a, json_object_get(body, "parameters"), &k->request.parameters, err);
}

static bool read_language(const json_t *body, answer_language *ret, error *err)
{
    str name;
    TRY(json_need_text(body, "$", "language", &name, err));
    return answer_language_of(name, ret)
               ? true
               : fail(err, ERR_INVALID, "language is sql, gremlin or cypher, not '" STR_FMT "'",
                      STR_ARG(name));
}

static bool run_query(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    answer_language language;
    TRY(exchange_body(x, &body, err));
    TRY(read_language(body, &language, err));
    ask *k = ask_new(x, &lines, language);
    TRY(fill(k, body, err));
    return exchange_ask(k, err);
}

static bool list_queries(exchange *x, error *err)
{
    ticket_record *all;
    size_t count = tickets_list(x->server->tickets, x->arena, &all);
    json_reply r;
    (void)err;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("queries"));
    json_put_array_begin(&r.out);
    for (size_t i = 0; i < count; i++) {
        json_put_object_begin(&r.out);
        json_put_key(&r.out, STR("id"));
        json_put_text(&r.out, all[i].id);
        json_put_key(&r.out, STR("language"));
        json_put_text(&r.out, str_of(answer_language_name(all[i].language)));
        json_put_key(&r.out, STR("text"));
        json_put_text(&r.out, all[i].text);
        json_put_key(&r.out, STR("user"));
        json_put_text(&r.out, all[i].user);
        json_put_key(&r.out, STR("via"));
        json_put_text(&r.out, str_of(all[i].via));
        json_put_key(&r.out, STR("elapsedMs"));
        json_put_int(&r.out, (int64_t)all[i].elapsed_ms);
        json_put_key(&r.out, STR("rows"));
        json_put_int(&r.out, (int64_t)all[i].rows);
        json_put_object_done(&r.out);
    }
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static bool cancel_query(exchange *x, error *err)
{
    if (!tickets_cancel(x->server->tickets, x->rest))
        return fail(err, ERR_NOT_FOUND, "no query with the id " STR_FMT " runs", STR_ARG(x->rest));
    http_reply(x->request, 204, STR(""), STR(""), STR(""));
    return true;
}

const route query_routes[] = {
    { HTTP_POST, "/api/query", run_query, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/query", list_queries, NEEDS_SIGN_IN },
    { HTTP_DELETE, "/api/query/*", cancel_query, NEEDS_SIGN_IN },
};
const size_t query_route_count = ARRAY_LEN(query_routes);
