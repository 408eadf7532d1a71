/* Gremlin over HTTP: POST /gremlin as Gremlin Server has it, and what PuppyGraph's clients send. */
#include "base/hash.h"
#include "server/ask.h"
#include "wire/graphson.h"
#include "wire/gremlin_read.h"

static int version_of(const ask *k)
{
    str accept = k->exchange->request->accept;
    return http_accepts(accept, STR("application/vnd.gremlin-v2.0+json")) ? 2 : 3;
}

static const char *empty_map(const ask *k)
{
    return version_of(k) == 2 ? "{}" : "{\"@type\":\"g:Map\",\"@value\":[]}";
}

static bool add_item(ask *k, size_t row, uint64_t times, strbuf *out, error *err)
{
    strbuf one = strbuf_new(k->row_arena);
    json_writer w = json_writer_new(&one);
    graphson s = { .out = &w,
                   .elements = k->elements,
                   .arena = k->row_arena,
                   .version = version_of(k),
                   .has_properties = k->has_properties };
    value v = answer_cell(k->answer, 0, row);
    TRY(graphson_put(&s, &v, err));
    for (uint64_t i = 0; i < times; i++) {
        strbuf_add_c(out, k->is_first ? "" : ",");
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

static const char *list_begin(const ask *k)
{
    return version_of(k) == 2 ? "[" : "{\"@type\":\"g:List\",\"@value\":[";
}

static const char *list_end(const ask *k)
{
    return version_of(k) == 2 ? "]" : "]}";
}

/* ---- Gremlin Server's envelope; the status comes last, when it is known ---- */

static bool begin_envelope(ask *k, strbuf *out, error *err)
{
    (void)err;
    strbuf_format(out, "{\"requestId\":\"" STR_FMT "\",\"result\":{\"data\":%s",
                  STR_ARG(uuid_v4(k->arena)), list_begin(k));
    return true;
}

static void put_status(ask *k, strbuf *out, int code, str message)
{
    json_writer w = json_writer_new(out);
    strbuf_format(out, "%s,\"meta\":%s},\"status\":", list_end(k), empty_map(k));
    json_put_object_begin(&w);
    json_put_key(&w, STR("message"));
    json_put_text(&w, message);
    json_put_key(&w, STR("code"));
    json_put_int(&w, code);
    json_put_key(&w, STR("attributes"));
    json_put_raw(&w, str_of(empty_map(k)));
    json_put_object_done(&w);
    strbuf_add_c(out, "}\n");
}

static void end_envelope(ask *k, strbuf *out)
{
    put_status(k, out, 200, STR(""));
}

static void fail_envelope(ask *k, const error *err, strbuf *out)
{
    put_status(k, out, err->code == ERR_LIMIT ? 598 : 597, str_of(err->message));
}

static const ask_form envelope = { .content_type = "application/json",
                                   .begin = begin_envelope,
                                   .row = add_item,
                                   .batch_end = end_nothing,
                                   .end = end_envelope,
                                   .failed = fail_envelope };

/* ---- A bare list ---- */

static bool begin_list(ask *k, strbuf *out, error *err)
{
    (void)err;
    strbuf_add_c(out, list_begin(k));
    return true;
}

static void end_list(ask *k, strbuf *out)
{
    strbuf_add_c(out, list_end(k));
    strbuf_add_c(out, "\n");
}

/* The client must see that the list is not whole. */
static void fail_list(ask *k, const error *err, strbuf *out)
{
    (void)err;
    (void)out;
    stream_drop(k->exchange->request->stream);
}

static const ask_form bare_list = { .content_type = "application/json",
                                    .begin = begin_list,
                                    .row = add_item,
                                    .batch_end = end_nothing,
                                    .end = end_list,
                                    .failed = fail_list };

/* ---- Routes ---- */

static bool read_bindings(ask *k, const json_t *bindings, error *err)
{
    gremlin_argument arg;
    if (!bindings || json_is_null(bindings))
        return true;
    TRY(graphson_read(k->arena, bindings, &arg, err));
    TRY(gremlin_plain_value(&arg, &k->request.parameters, err));
    return k->request.parameters.kind == VALUE_MAP
               ? true
               : fail(err, ERR_INVALID, "bindings is an object of names and values");
}

static bool run_gremlin(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    str text, alias;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "gremlin", &text, err));
    ask *k = ask_new(x, &envelope, ANSWER_GREMLIN);
    alias = json_text_or(json_object_get(body, "aliases"), "g", STR(""));
    k->request.text = str_copy(k->arena, text);
    k->request.graph = str_copy(k->arena, alias);
    int64_t timeout = json_int_or(body, "evaluationTimeout", 0);
    k->timeout_ms = timeout > 0 ? (uint64_t)timeout : 0;
    TRY(read_bindings(k, json_object_get(body, "bindings"), err));
    return exchange_ask(k, err);
}

static bool run_list(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    str text;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "query", &text, err));
    ask *k = ask_new(x, &bare_list, ANSWER_GREMLIN);
    k->request.text = str_copy(k->arena, text);
    return exchange_ask(k, err);
}

/* elementMap() of each id. */
static bool run_props(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    json_t *ids;
    str type;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "type", &type, err));
    TRY(json_need_array(body, "$", "ids", &ids, err));
    bool is_edge = str_eq(type, STR("E"));
    if (!is_edge && !str_eq(type, STR("V")))
        return fail(err, ERR_INVALID, "type is V or E, not '" STR_FMT "'", STR_ARG(type));
    ask *k = ask_new(x, &bare_list, ANSWER_GREMLIN);
    traversal_builder b = traversal_builder_new(k->arena);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        gremlin_argument id;
        TRY(graphson_read(k->arena, json_array_get(ids, i), &id, err));
        traversal_builder_add(&b, id);
    }
    traversal_builder_step(&b, is_edge ? STR("E") : STR("V"), 0);
    traversal_builder_step(&b, STR("elementMap"), 0);
    k->request.bytecode = traversal_builder_done(&b, STR("g"));
    k->request.text = STR("");
    return exchange_ask(k, err);
}

const route gremlin_routes[] = {
    { HTTP_POST, "/gremlin", run_gremlin, NEEDS_SIGN_IN },
    { HTTP_POST, "/submitGremlin", run_list, NEEDS_SIGN_IN },
    { HTTP_POST, "/submit", run_list, NEEDS_SIGN_IN },
    { HTTP_POST, "/ui-api/props", run_props, NEEDS_SIGN_IN },
};
const size_t gremlin_route_count = ARRAY_LEN(gremlin_routes);
