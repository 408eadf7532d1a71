/* /api/schema and /api/graph: what the graph is, and changing it. */
#include "pipeline/state.h"
#include "server/exchange.h"

static bool find_schema(exchange *x, int64_t version, str *ret_json, error *err)
{
    bool is_found;
    str key = str_format(x->arena, "graph.schema.%lld", (long long)version);
    TRY(state_setting_get(home_state(x->server->home), x->arena, key, ret_json, &is_found, err));
    if (is_found)
        return true;
    return fail(err, ERR_NOT_FOUND,
                version ? "there is no version %lld of the graph schema"
                        : "this home has no graph schema yet (version %lld)",
                (long long)version);
}

static bool show_schema(exchange *x, error *err)
{
    int64_t version;
    str json, asked = http_argument(x->request, STR("version"), STR(""));
    json_reply r;
    TRY(session_schema_version(x->server->home, &version, err));
    if (asked.len && !str_to_i64(asked, &version))
        return fail(err, ERR_INVALID, "version is a number, not '" STR_FMT "'", STR_ARG(asked));
    TRY(find_schema(x, version, &json, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("version"));
    json_put_int(&r.out, version);
    json_put_key(&r.out, STR("schema"));
    json_put_raw(&r.out, json);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static bool show_versions(exchange *x, error *err)
{
    int64_t live, most = 1000;
    str limit = http_argument(x->request, STR("limit"), STR(""));
    json_reply r;
    TRY(session_schema_version(x->server->home, &live, err));
    if (limit.len && !str_to_i64(limit, &most))
        return fail(err, ERR_INVALID, "limit is a number, not '" STR_FMT "'", STR_ARG(limit));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("versions"));
    json_put_array_begin(&r.out);
    for (int64_t v = live; v > 0 && v > live - most; v--)
        json_put_raw(&r.out, str_format(x->arena, "{\"version\":%lld,\"isLive\":%s}", (long long)v,
                                        v == live ? "true" : "false"));
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static bool validate_schema(exchange *x, error *err)
{
    error why = { 0 };
    json_reply r;
    (void)err;
    bool is_fine =
        session_schema_check(x->server->home, x->request->body, STR("graph schema"), &why);
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("ok"));
    json_put_bool(&r.out, is_fine);
    json_put_key(&r.out, STR("errors"));
    json_put_array_begin(&r.out);
    for (str rest = str_of(is_fine ? "" : why.message); rest.len;)
        json_put_text(&r.out, str_cut(&rest, '\n'));
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static void reply_version(exchange *x, int64_t version)
{
    exchange_json(x, 200, str_format(x->arena, "{\"version\":%lld}\n", (long long)version));
}

static bool apply_schema(exchange *x, error *err)
{
    int64_t version;
    TRY(session_schema_apply(x->server->home, x->request->body, STR("graph schema"), &version,
                             err));
    session_look(x->server->session);
    reply_version(x, version);
    return true;
}

static bool roll_back_schema(exchange *x, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    int64_t to, version;
    TRY(exchange_body(x, &body, err));
    TRY(json_need_int(body, "$", "version", &to, err));
    TRY(session_schema_roll_back(x->server->home, to, &version, err));
    session_look(x->server->session);
    reply_version(x, version);
    return true;
}

/* ---- The graph ---- */

static void put_properties(json_writer *w, const graph_label *l)
{
    json_put_key(w, STR("properties"));
    json_put_array_begin(w);
    for (size_t i = 0; i < l->property_count; i++) {
        json_put_object_begin(w);
        json_put_key(w, STR("name"));
        json_put_text(w, l->properties[i].name);
        json_put_key(w, STR("type"));
        json_put_text(w, str_of(column_type_name(l->properties[i].type)));
        json_put_key(w, STR("isId"));
        json_put_bool(w, l->properties[i].is_id);
        json_put_object_done(w);
    }
    json_put_array_done(w);
}

static bool put_label(json_writer *w, graph *g, bool is_vertex, size_t i, error *err)
{
    const graph_label *l = is_vertex ? graph_vertex_label(g, i) : graph_edge_label(g, i);
    uint64_t count;
    TRY(is_vertex ? graph_vertex_count(g, i, &count, err) : graph_edge_count(g, i, &count, err));
    json_put_object_begin(w);
    json_put_key(w, STR("label"));
    json_put_text(w, l->name);
    if (!is_vertex && !graph_is_scratch(g)) {
        json_put_key(w, STR("from"));
        json_put_text(w, graph_vertex_label(g, l->from_label)->name);
        json_put_key(w, STR("to"));
        json_put_text(w, graph_vertex_label(g, l->to_label)->name);
    }
    json_put_key(w, STR("count"));
    json_put_int(w, (int64_t)count);
    put_properties(w, l);
    json_put_object_done(w);
    return true;
}

static bool put_labels(json_writer *w, graph *g, bool is_vertex, error *err)
{
    size_t count = is_vertex ? graph_vertex_label_count(g) : graph_edge_label_count(g);
    json_put_key(w, is_vertex ? STR("vertices") : STR("edges"));
    json_put_array_begin(w);
    for (size_t i = 0; i < count; i++)
        TRY(put_label(w, g, is_vertex, i, err));
    json_put_array_done(w);
    return true;
}

static bool show_graph(exchange *x, error *err)
{
    AUTO(graph_close) graph *g = NULL;
    server *s = x->server;
    int64_t version;
    json_reply r;
    TRY(server_graph(s, http_argument(x->request, STR("graph"), STR("")), &g, err));
    TRY(session_schema_version(s->home, &version, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("graphs"));
    json_put_array_begin(&r.out);
    json_put_text(&r.out, STR("g"));
    for (size_t i = 0; i < s->scratch_count; i++)
        json_put_text(&r.out, s->scratch[i].name);
    json_put_array_done(&r.out);
    json_put_key(&r.out, STR("version"));
    json_put_int(&r.out, version);
    TRY(put_labels(&r.out, g, true, err));
    TRY(put_labels(&r.out, g, false, err));
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

const route schema_routes[] = {
    { HTTP_GET, "/api/schema", show_schema, NEEDS_SIGN_IN },
    { HTTP_PUT, "/api/schema", apply_schema, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/schema/versions", show_versions, NEEDS_SIGN_IN },
    { HTTP_GET, "/ui-api/schema/versions", show_versions, NEEDS_SIGN_IN },
    { HTTP_POST, "/api/schema/validate", validate_schema, NEEDS_SIGN_IN },
    { HTTP_POST, "/api/schema/rollback", roll_back_schema, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/graph", show_graph, NEEDS_SIGN_IN },
};
const size_t schema_route_count = ARRAY_LEN(schema_routes);
