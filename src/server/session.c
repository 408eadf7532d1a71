/* Schemas and graphs of a home. */
#include "server/session.h"

#include "base/json.h"
#include "pipeline/state.h"

/* What a graph asks while it opens. */
typedef struct finder {
    home *home;
    const json_t *schema;
} finder;

/* Catalogs whose metastore is {"type": "embedded"} are the home's own, whatever they are called. */
static bool find_catalog(void *context, str name, catalog **ret_catalog, error *err)
{
    const finder *f = context;
    const json_t *list = json_object_get(f->schema, "catalogs");
    list = list ? list : json_object_get(f->schema, "catalog");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        if (!str_eq(json_text_or(c, "name", STR("")), name))
            continue;
        str type = json_text_or(json_object_get(c, "metastore"), "type", STR(""));
        if (str_eq_nocase(type, STR("embedded"))) {
            *ret_catalog = home_embedded_catalog(f->home);
            return true;
        }
        return fail(err, ERR_INVALID,
                    "catalogs[%zu].metastore.type: '" STR_FMT
                    "' cannot be opened by this version; 'embedded', the home's own, can",
                    i, STR_ARG(type));
    }
    return home_catalog(f->home, name, ret_catalog, err);
}

static bool find_engine(void *context, sql_engine **ret_engine, error *err)
{
    return home_engine(context, ret_engine, err);
}

static bool open_graph(home *h, str json, str name, graph **ret, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    TRY(json_parse(json, name, &root, err));
    finder f = { h, root };
    graph_options options = { .schema_json = json,
                              .schema_name = name,
                              .find_catalog = find_catalog,
                              .find_context = &f,
                              .find_engine = find_engine,
                              .engine_context = h,
                              .cache_folder = home_cache_folder(h) };
    return graph_open(&options, ret, err);
}

bool session_schema_check(home *h, str json, str name, error *err)
{
    AUTO(graph_close) graph *g = NULL;
    return open_graph(h, json, name, &g, err);
}

bool session_schema_apply(home *h, str json, str name, int64_t *ret_version, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str text;
    bool is_found;
    TRY(session_schema_check(h, json, name, err));
    TRY(state_setting_get(home_state(h), a, STR("graph.schema.version"), &text, &is_found, err));
    if (!is_found || !str_to_i64(text, ret_version))
        *ret_version = 0;
    ++*ret_version;
    TRY(state_setting_put(home_state(h),
                          str_format(a, "graph.schema.%lld", (long long)*ret_version), json, err));
    return state_setting_put(home_state(h), STR("graph.schema.version"),
                             str_format(a, "%lld", (long long)*ret_version), err);
}

bool session_schema_get(home *h, arena *a, str *ret_json, error *err)
{
    str version;
    bool is_found;
    TRY(state_setting_get(home_state(h), a, STR("graph.schema.version"), &version, &is_found, err));
    if (is_found)
        TRY(state_setting_get(home_state(h), a, str_concat(a, STR("graph.schema."), version),
                              ret_json, &is_found, err));
    return is_found
               ? true
               : fail(
                     err, ERR_NOT_FOUND,
                     "this home has no graph schema yet: floe schema apply FILE.json gives it one");
}

bool session_graph_open(home *h, graph **ret_graph, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str json;
    TRY(session_schema_get(h, a, &json, err));
    return open_graph(h, json, STR("graph schema"), ret_graph, err);
}
