/* Schemas and graphs of a home. */
#include "server/session.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "pipeline/state.h"
#include "server/schema_catalogs.h"

enum { LOOK_US = 100000 };

/* What a graph asks while it opens. */
typedef struct finder {
    home *home;
    const json_t *schema;
} finder;

static bool find_catalog(void *context, str name, catalog **ret_catalog, error *err)
{
    const finder *f = context;
    return schema_catalog_find(f->home, f->schema, name, ret_catalog, err);
}

static bool find_engine(void *context, sql_engine **ret_engine, error *err)
{
    return home_engine(context, ret_engine, err);
}

/* FLOE_GRAPH_MEMORY: MiB that topology and columns may take; unset: half the machine. */
static size_t graph_memory_bytes(void)
{
    const char *text = getenv("FLOE_GRAPH_MEMORY");
    uint64_t mib;
    return text && str_to_u64(str_of(text), &mib) && mib <= SIZE_MAX >> 20 ? (size_t)mib << 20 : 0;
}

static graph_options options_for(home *h, const finder *f, str json, str name, int64_t as_of_ms)
{
    return (graph_options){ .schema_json = json,
                            .schema_name = name,
                            .find_catalog = find_catalog,
                            .find_context = (void *)(uintptr_t)f,
                            .find_engine = find_engine,
                            .engine_context = h,
                            .cache_folder = home_cache_folder(h),
                            .memory_bytes = graph_memory_bytes(),
                            .as_of_ms = as_of_ms };
}

bool session_schema_check(home *h, str json, str name, error *err)
{
    AUTO(graph_close) graph *g = NULL;
    AUTO(json_release) json_t *root = NULL;
    TRY(json_parse(json, name, &root, err));
    finder f = { h, root };
    graph_options options = options_for(h, &f, json, name, 0);
    return graph_open(&options, &g, err);
}

bool session_schema_version(home *h, int64_t *ret_version, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str text;
    bool is_found;
    TRY(state_setting_get(home_state(h), a, STR("graph.schema.version"), &text, &is_found, err));
    if (!is_found || !str_to_i64(text, ret_version))
        *ret_version = 0;
    return true;
}

/* What is kept: as it was written, but for secrets. */
static bool without_secrets(home *h, arena *a, str json, str name, str *ret, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    bool has_changed;
    TRY(json_parse(json, name, &root, err));
    TRY(schema_catalogs_seal(h, root, &has_changed, err));
    *ret = json;
    if (!has_changed)
        return true;
    char *text = json_dumps(root, JSON_INDENT(2));
    *ret = str_copy(a, str_of(text));
    free(text);
    return true;
}

bool session_schema_apply(home *h, str json, str name, int64_t *ret_version, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    TRY(session_schema_check(h, json, name, err));
    TRY(without_secrets(h, a, json, name, &json, err));
    TRY(session_schema_version(h, ret_version, err));
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

bool session_schema_roll_back(home *h, int64_t to, int64_t *ret_version, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str json;
    bool is_found = false;
    if (to > 0)
        TRY(state_setting_get(home_state(h), a, str_format(a, "graph.schema.%lld", (long long)to),
                              &json, &is_found, err));
    if (!is_found) {
        TRY(session_schema_version(h, ret_version, err));
        return fail(err, ERR_NOT_FOUND,
                    "there is no version %lld of the graph schema; the newest is %lld",
                    (long long)to, (long long)*ret_version);
    }
    return session_schema_apply(h, json, str_format(a, "version %lld", (long long)to), ret_version,
                                err);
}

/* ---- The graph ---- */

struct session {
    home *home;
    int64_t as_of_ms;
    pthread_mutex_t lock;      /* guards the rest */
    pthread_mutex_t following; /* taken by who brings the graph up to date, before `lock` */
    graph *graph;
    uint64_t looked_us; /* when it was known to be current; 0: look */
    int64_t version;    /* of the schema that it was opened with */
};

bool session_open(home *h, int64_t as_of_ms, session **ret_session, error *err)
{
    (void)err;
    session *s = memory_alloc(sizeof *s);
    s->home = h;
    s->as_of_ms = as_of_ms;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->following, NULL);
    *ret_session = s;
    return true;
}

bool session_open_at(const session *s, int64_t as_of_ms, session **ret_session, error *err)
{
    return session_open(s->home, as_of_ms, ret_session, err);
}

void session_close(session *s)
{
    if (!s)
        return;
    graph_close(s->graph);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->following);
    free(s);
}

static void publish(session *s, graph *next, int64_t version)
{
    pthread_mutex_lock(&s->lock);
    graph *old = s->graph;
    if (next)
        s->graph = next;
    s->version = version;
    s->looked_us = clock_monotonic_us();
    pthread_mutex_unlock(&s->lock);
    if (next)
        graph_close(old);
}

/* Under `following`: nobody else changes the graph meanwhile. */
static bool follow(session *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *root = NULL;
    graph *next = NULL;
    int64_t version;
    str json;
    bool is_current = false;
    TRY(session_schema_version(s->home, &version, err));
    if (s->graph && s->version == version && s->as_of_ms)
        return true;
    TRY(session_schema_get(s->home, a, &json, err));
    TRY(json_parse(json, STR("graph schema"), &root, err));
    finder f = { s->home, root };
    graph_options options = options_for(s->home, &f, json, STR("graph schema"), s->as_of_ms);
    if (s->graph && s->version == version)
        TRY(graph_is_current(s->graph, &options, &is_current, err));
    if (s->graph && !is_current)
        TRY(graph_refresh(s->graph, &options, &next, err));
    else if (!s->graph)
        TRY(graph_open(&options, &next, err));
    publish(s, next, version);
    return true;
}

bool session_graph(session *s, graph **ret_graph, error *err)
{
    pthread_mutex_lock(&s->lock);
    bool is_there = s->graph != NULL,
         is_fresh = is_there && clock_monotonic_us() - s->looked_us < LOOK_US;
    pthread_mutex_unlock(&s->lock);
    if (!is_fresh) {
        bool works = true;
        if (!is_there)
            pthread_mutex_lock(&s->following);
        if (!is_there || pthread_mutex_trylock(&s->following) == 0) {
            works = follow(s, err);
            pthread_mutex_unlock(&s->following);
        }
        TRY(works);
    }
    pthread_mutex_lock(&s->lock);
    *ret_graph = graph_share(s->graph);
    pthread_mutex_unlock(&s->lock);
    return true;
}

void session_look(session *s)
{
    pthread_mutex_lock(&s->lock);
    s->looked_us = 0;
    pthread_mutex_unlock(&s->lock);
}
