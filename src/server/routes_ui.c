/* /api/documents and /api/sample: what only the browser UI asks for. */
#include "base/file.h"
#include "pipeline/flow_gen.h"
#include "pipeline/state.h"
#include "server/exchange.h"

enum { DOCUMENT_BYTES = 1 << 20, NAME_BYTES = 80, SAMPLE_ROWS = 200000, SAMPLE_MOST = 5000000 };

/* ---- Documents: worksheets, dashboards, scenes, history, by names such as "scenes.1f2e" ---- */

static bool is_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
        if (!is_good)
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES;
}

/* Scenes are for everybody: an address that names one can be passed on. The rest is each user's. */
static bool document_key(exchange *x, str *ret, error *err)
{
    if (!is_name(x->rest))
        return fail(err, ERR_INVALID,
                    "a document's name has up to %d letters, digits, '.', '-', '_': not '" STR_FMT
                    "'",
                    NAME_BYTES, STR_ARG(x->rest));
    bool is_shared = str_starts_with(x->rest, STR("scenes."));
    *ret = str_format(x->arena, "ui." STR_FMT "/" STR_FMT, STR_ARG(is_shared ? STR("") : x->user),
                      STR_ARG(x->rest));
    return true;
}

static bool show_document(exchange *x, error *err)
{
    str key, text;
    bool is_found;
    TRY(document_key(x, &key, err));
    TRY(state_setting_get(home_state(x->server->home), x->arena, key, &text, &is_found, err));
    if (!is_found)
        text = STR("{\"content\":null}");
    exchange_json(x, 200, text);
    return true;
}

static bool put_document(exchange *x, error *err)
{
    str key;
    json_t *body;
    TRY(document_key(x, &key, err));
    if (x->request->body.len > DOCUMENT_BYTES)
        return fail(err, ERR_LIMIT, "a document has at most %d bytes, this one has %zu",
                    DOCUMENT_BYTES, x->request->body.len);
    TRY(exchange_body(x, &body, err));
    bool has_content = json_object_get(body, "content") != NULL;
    json_decref(body);
    if (!has_content)
        return fail(err, ERR_INVALID, "a document is {\"content\": …}");
    TRY(state_setting_put(home_state(x->server->home), key, x->request->body, err));
    http_reply(x->request, 204, STR(""), STR(""), STR(""));
    return true;
}

/* ---- Sample flow logs, for the first look ---- */

static void send_sample(exchange *x, str folder, str stories)
{
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("folder"));
    json_put_text(&r.out, folder);
    json_put_key(&r.out, STR("stories"));
    json_put_text(&r.out, stories);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
}

static bool make_sample(exchange *x, error *err)
{
    sql_engine *engine;
    json_t *body;
    str stories,
        folder = str_format(x->arena, STR_FMT "/demo/samples", STR_ARG(home_path(x->server->home))),
        mark = str_format(x->arena, STR_FMT "/.stories", STR_ARG(folder));
    TRY(exchange_body(x, &body, err));
    json_int_t rows = json_integer_value(json_object_get(body, "rows"));
    json_decref(body);
    if (rows < 0 || rows > SAMPLE_MOST)
        return fail(err, ERR_INVALID, "rows is at most %d, not %lld", SAMPLE_MOST, (long long)rows);
    if (file_exists(str_to_c(x->arena, mark))) {
        TRY(file_read(x->arena, str_to_c(x->arena, mark), &stories, err));
        send_sample(x, folder, stories);
        return true;
    }
    TRY(home_engine(x->server->home, &engine, err));
    TRY(flow_gen(engine, x->arena,
                 &(flow_gen_options){ .rows = rows ? (uint64_t)rows : SAMPLE_ROWS,
                                      .seed = 1,
                                      .folder = folder,
                                      .version = 5,
                                      .start_day = 19831,
                                      .account = STR("123456789012"),
                                      .region = STR("us-east-1"),
                                      .rows_per_file = 20000 },
                 &stories, err));
    TRY(file_write_atomic(str_to_c(x->arena, mark), stories, err));
    send_sample(x, folder, stories);
    return true;
}

const route ui_routes[] = {
    { HTTP_GET, "/api/documents/*", show_document, NEEDS_SIGN_IN },
    { HTTP_PUT, "/api/documents/*", put_document, NEEDS_SIGN_IN },
    { HTTP_POST, "/api/sample", make_sample, NEEDS_SIGN_IN },
};
const size_t ui_route_count = ARRAY_LEN(ui_routes);
