/* /status, /metrics, /healthz: how the server is. */
#include "base/clock.h"
#include "pipeline/system.h"
#include "server/exchange.h"

static int connections(const server *s, size_t i)
{
    return loop_connection_count(s->loop, &s->listeners[i]);
}

static bool show_status(exchange *x, error *err)
{
    server *s = x->server;
    tickets_totals totals = tickets_totals_get(s->tickets);
    uint64_t done = 0, failed = 0;
    json_reply r;
    (void)err;
    for (size_t i = 0; i < ANSWER_LANGUAGES_; i++) {
        done += totals.languages[i].done;
        failed += totals.languages[i].failed;
    }
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("version"));
    json_put_text(&r.out, STR(FLOE_VERSION));
    json_put_key(&r.out, STR("uptimeS"));
    json_put_int(&r.out, (int64_t)((clock_monotonic_us() - s->started_us) / 1000000));
    json_put_key(&r.out, STR("home"));
    json_put_text(&r.out, home_path(s->home));
    json_put_key(&r.out, STR("graphs"));
    json_put_array_begin(&r.out);
    json_put_text(&r.out, STR("g"));
    for (size_t i = 0; i < s->scratch_count; i++)
        json_put_text(&r.out, s->scratch[i].name);
    json_put_array_done(&r.out);
    json_put_key(&r.out, STR("queries"));
    json_put_raw(&r.out, str_format(x->arena, "{\"running\":%llu,\"done\":%llu,\"failed\":%llu}",
                                    (unsigned long long)totals.running, (unsigned long long)done,
                                    (unsigned long long)failed));
    json_put_key(&r.out, STR("connections"));
    json_put_raw(&r.out, str_format(x->arena, "{\"http\":%d,\"gremlin\":%d,\"bolt\":%d}",
                                    connections(s, LISTEN_HTTP), connections(s, LISTEN_GREMLIN),
                                    connections(s, LISTEN_BOLT)));
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static bool show_health(exchange *x, error *err)
{
    (void)err;
    http_reply(x->request, 200, STR("text/plain"), STR(""), STR("ok\n"));
    return true;
}

/* ---- Prometheus text, version 0.0.4 ---- */

static void put_kind(strbuf *b, const char *name, const char *kind, const char *help)
{
    strbuf_format(b, "# HELP floe_%s %s\n# TYPE floe_%s %s\n", name, help, name, kind);
}

static void put_latency(strbuf *b, const char *language, const struct language_totals *l)
{
    uint64_t below = 0;
    for (size_t i = 0; i <= LATENCY_BUCKETS; i++) {
        below += l->buckets[i];
        if (i < LATENCY_BUCKETS)
            strbuf_format(b, "floe_query_seconds_bucket{language=\"%s\",le=\"%g\"} %llu\n",
                          language, latency_bounds_s[i], (unsigned long long)below);
        else
            strbuf_format(b, "floe_query_seconds_bucket{language=\"%s\",le=\"+Inf\"} %llu\n",
                          language, (unsigned long long)below);
    }
    strbuf_format(b,
                  "floe_query_seconds_sum{language=\"%s\"} %.6f\n"
                  "floe_query_seconds_count{language=\"%s\"} %llu\n",
                  language, l->seconds, language, (unsigned long long)below);
}

static void put_queries(strbuf *b, const tickets_totals *t)
{
    put_kind(b, "queries_total", "counter", "Queries that ended, by language and outcome.");
    for (size_t i = 0; i < ANSWER_LANGUAGES_; i++) {
        const char *name = answer_language_name((answer_language)i);
        strbuf_format(b,
                      "floe_queries_total{language=\"%s\",outcome=\"done\"} %llu\n"
                      "floe_queries_total{language=\"%s\",outcome=\"failed\"} %llu\n",
                      name, (unsigned long long)t->languages[i].done, name,
                      (unsigned long long)t->languages[i].failed);
    }
    put_kind(b, "query_rows_total", "counter", "Rows handed out.");
    for (size_t i = 0; i < ANSWER_LANGUAGES_; i++)
        strbuf_format(b, "floe_query_rows_total{language=\"%s\"} %llu\n",
                      answer_language_name((answer_language)i),
                      (unsigned long long)t->languages[i].rows);
    put_kind(b, "query_seconds", "histogram", "Time from a query's arrival to its last row.");
    for (size_t i = 0; i < ANSWER_LANGUAGES_; i++)
        put_latency(b, answer_language_name((answer_language)i), &t->languages[i]);
}

static bool show_metrics(exchange *x, error *err)
{
    server *s = x->server;
    tickets_totals totals = tickets_totals_get(s->tickets);
    workers_load load = workers_load_get(s->workers);
    strbuf b = strbuf_new(x->arena);
    put_queries(&b, &totals);
    put_kind(&b, "queries_running", "gauge", "Queries that run now.");
    strbuf_format(&b, "floe_queries_running %llu\n", (unsigned long long)totals.running);
    put_kind(&b, "connections", "gauge", "Open connections, by port.");
    for (size_t i = 0; i < LISTENERS; i++)
        strbuf_format(&b, "floe_connections{port=\"%s\"} %d\n", s->listeners[i].name,
                      connections(s, i));
    put_kind(&b, "worker_threads", "gauge", "Threads that run queries.");
    strbuf_format(&b, "floe_worker_threads %d\n", load.threads);
    put_kind(&b, "workers_queued", "gauge", "Tasks that wait for a thread.");
    strbuf_format(&b, "floe_workers_queued %zu\n", load.queued);
    put_kind(&b, "uptime_seconds", "gauge", "Since the server started.");
    strbuf_format(&b, "floe_uptime_seconds %.3f\n",
                  (double)(clock_monotonic_us() - s->started_us) / 1e6);
    TRY(system_metrics(s->home, &b, err));
    http_reply(x->request, 200, STR("text/plain; version=0.0.4"), STR(""), strbuf_str(&b));
    return true;
}

const route watch_routes[] = {
    { HTTP_GET, "/status", show_status, NEEDS_SIGN_IN },
    { HTTP_GET, "/healthz", show_health, NEEDS_NOTHING },
    { HTTP_GET, "/readyz", show_health, NEEDS_NOTHING },
    { HTTP_GET, "/metrics", show_metrics, NEEDS_SIGN_IN },
};
const size_t watch_route_count = ARRAY_LEN(watch_routes);
