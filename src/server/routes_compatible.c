/* Routes that clients of PuppyGraph know: schemas and Cypher over HTTP. */
#include "base/hash.h"
#include "server/ask.h"

/* ---- Schemas ---- */

static bool upload_schema(exchange *x, error *err)
{
    bool is_check = str_eq(http_argument(x->request, STR("preflight"), STR("")), STR("true"));
    int64_t version = 0;
    error why = { 0 };
    json_reply r;
    bool works = is_check ? session_schema_check(x->server->home, x->request->body,
                                                 STR("graph schema"), &why)
                          : session_schema_apply(x->server->home, x->request->body,
                                                 STR("graph schema"), &version, &why);
    session_look(x->server->session);
    if (works && is_check)
        TRY(session_schema_version(x->server->home, &version, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    if (works) {
        json_put_key(&r.out, STR("ok"));
        json_put_bool(&r.out, true);
        json_put_key(&r.out, STR("version"));
        json_put_int(&r.out, version);
        json_put_key(&r.out, STR("message"));
        json_put_text(&r.out,
                      is_check ? STR("Schema is valid") : STR("Schema uploaded successfully"));
        json_put_key(&r.out, STR("warnings"));
        json_put_raw(&r.out, STR("[]"));
    } else {
        json_put_key(&r.out, STR("errorMessage"));
        json_put_text(&r.out, str_of(why.message));
    }
    json_put_object_done(&r.out);
    json_reply_send(&r, x, works ? 200 : error_http_status(why.code));
    return true;
}

static bool show_live_schema(exchange *x, error *err)
{
    str json;
    error why = { 0 };
    (void)err;
    bool is_there = session_schema_get(x->server->home, x->arena, &json, &why);
    exchange_json(x, 200, is_there ? json : STR("{}\n"));
    return true;
}

/* ---- POST /submitCypher ---- */

static bool begin_rows(ask *k, strbuf *out, error *err)
{
    (void)k;
    (void)err;
    strbuf_add_c(out, "[");
    return true;
}

/* 32 bits of a hash, as the numeric id that these clients show. */
static bool put_vertex(ask *k, json_writer *w, const value *v, error *err)
{
    plain_json p = { .out = w, .elements = k->elements, .arena = k->row_arena };
    graph *g = answer_graph(k->answer);
    struct value_pairs properties;
    str id, *labels;
    TRY(wire_element_id_text(k->elements, *v, k->row_arena, &id, err));
    json_put_object_begin(w);
    json_put_key(w, STR("Id"));
    json_put_int(w, (int64_t)(hash64(id.data, id.len) & UINT32_MAX));
    json_put_key(w, STR("ElementId"));
    json_put_text(w, id);
    if (v->kind == VALUE_VERTEX) {
        size_t count = graph_vertex_labels(g, v->ref, k->row_arena, &labels);
        json_put_key(w, STR("Labels"));
        json_put_array_begin(w);
        for (size_t i = 0; i < count; i++)
            json_put_text(w, labels[i]);
        json_put_array_done(w);
    } else {
        value ends[2];
        static const str names[] = { STR_INIT("StartElementId"), STR_INIT("EndElementId") };
        TRY(wire_element_ends(k->elements, *v, &ends[0], &ends[1], err));
        for (size_t i = 0; i < 2; i++) {
            TRY(wire_element_id_text(k->elements, ends[i], k->row_arena, &id, err));
            json_put_key(w, names[i]);
            json_put_text(w, id);
        }
        json_put_key(w, STR("Type"));
        json_put_text(w, graph_element_label(g, false, v->ref));
    }
    TRY(wire_element_properties(k->elements, *v, k->row_arena, &properties, err));
    json_put_key(w, STR("Props"));
    json_put_object_begin(w);
    for (size_t i = 0; i < properties.count; i++) {
        json_put_key(w, properties.keys[i].text);
        TRY(plain_json_put(&p, &properties.values[i], err));
    }
    json_put_object_done(w);
    json_put_object_done(w);
    return true;
}

static bool put_row(ask *k, size_t row, strbuf *out, error *err)
{
    json_writer w = json_writer_new(out);
    plain_json p = {
        .out = &w, .elements = k->elements, .arena = k->row_arena, .has_properties = true
    };
    size_t columns = answer_column_count(k->answer);
    json_put_object_begin(&w);
    json_put_key(&w, STR("Keys"));
    json_put_array_begin(&w);
    for (size_t i = 0; i < columns; i++)
        json_put_text(&w, answer_column_name(k->answer, i));
    json_put_array_done(&w);
    json_put_key(&w, STR("Values"));
    json_put_array_begin(&w);
    for (size_t i = 0; i < columns; i++) {
        value v = answer_cell(k->answer, i, row);
        bool is_element = v.kind == VALUE_VERTEX || v.kind == VALUE_EDGE;
        TRY(is_element ? put_vertex(k, &w, &v, err) : plain_json_put(&p, &v, err));
    }
    json_put_array_done(&w);
    json_put_object_done(&w);
    return true;
}

static bool add_row(ask *k, size_t row, uint64_t times, strbuf *out, error *err)
{
    strbuf one = strbuf_new(k->row_arena);
    TRY(put_row(k, row, &one, err));
    for (uint64_t i = 0; i < times; i++) {
        strbuf_add_c(out, k->is_first ? "" : ",\n");
        strbuf_add(out, strbuf_str(&one));
        k->is_first = false;
    }
    return true;
}

static void end_nothing(ask *k, strbuf *out)
{
    (void)k;
    (void)out;
}

static void end_rows(ask *k, strbuf *out)
{
    (void)k;
    strbuf_add_c(out, "]\n");
}

/* The client must see that the list is not whole: the connection ends without the last chunk. */
static void fail_rows(ask *k, const error *err, strbuf *out)
{
    (void)err;
    (void)out;
    stream_drop(k->exchange->request->stream);
}

static const ask_form cypher_rows = { .content_type = "application/json",
                                      .begin = begin_rows,
                                      .row = add_row,
                                      .batch_end = end_nothing,
                                      .end = end_rows,
                                      .failed = fail_rows };

static bool submit_cypher(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    str text;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "query", &text, err));
    ask *k = ask_new(x, &cypher_rows, ANSWER_CYPHER);
    int64_t seconds = json_int_or(body, "timeout", 0), timeout_ms;
    if (__builtin_mul_overflow(seconds, 1000, &timeout_ms))
        timeout_ms = INT64_MAX;
    timeout_ms = json_int_or(body, "timeoutMs", timeout_ms);
    k->timeout_ms = timeout_ms > 0 ? (uint64_t)timeout_ms : 0;
    k->request.text = str_copy(k->arena, text);
    const json_t *parameters = json_object_get(body, "parameters");
    TRY(value_of_json(k->arena, parameters ? parameters : json_object_get(body, "params"),
                      &k->request.parameters, err));
    return exchange_ask(k, err);
}

const route compatible_routes[] = {
    { HTTP_POST, "/schema", upload_schema, NEEDS_SIGN_IN },
    { HTTP_GET, "/schema", show_live_schema, NEEDS_SIGN_IN },
    { HTTP_GET, "/schemajson", show_live_schema, NEEDS_SIGN_IN },
    { HTTP_POST, "/submitCypher", submit_cypher, NEEDS_SIGN_IN },
};
const size_t compatible_route_count = ARRAY_LEN(compatible_routes);
