/* POST /query as the public Upsolver CLI and Python SDK speak it: one statement a request, the
 * answer a grid of texts. */
#include "base/vec.h"
#include "pipeline/execute.h"
#include "server/exchange.h"

enum { MOST_CELLS = 2000000 };

static const char *class_of(column_type type)
{
    switch (type) {
    case COLUMN_BOOL: return "BooleanColumnType";
    case COLUMN_INT32:
    case COLUMN_INT64: return "NumberColumnType";
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE:
    case COLUMN_DECIMAL: return "DoubleColumnType";
    case COLUMN_DATE: return "DateColumnType";
    case COLUMN_TIMESTAMP: return "UtcTimeColumnType";
    default: return "StringColumnType";
    }
}

static void put_columns(json_writer *w, const sql_stream *s)
{
    json_put_key(w, STR("columns"));
    json_put_array_begin(w);
    for (size_t i = 0; i < sql_stream_column_count(s); i++) {
        json_put_object_begin(w);
        json_put_key(w, STR("name"));
        json_put_text(w, sql_stream_column_name(s, i));
        json_put_key(w, STR("columnType"));
        json_put_object_begin(w);
        json_put_key(w, STR("clazz"));
        json_put_text(w, str_of(class_of(sql_stream_column_type(s, i))));
        json_put_object_done(w);
        json_put_object_done(w);
    }
    json_put_array_done(w);
}

static bool put_data(json_writer *w, exchange *x, sql_stream *s, error *err)
{
    size_t cells = 0;
    json_put_key(w, STR("data"));
    json_put_array_begin(w);
    for (batch *b;;) {
        TRY(sql_stream_next(s, &b, err));
        if (!b)
            break;
        cells += b->rows * b->column_count;
        if (cells > MOST_CELLS)
            return fail(err, ERR_LIMIT,
                        "the answer has more than %d cells; add a LIMIT, or ask POST /api/query, "
                        "which streams",
                        MOST_CELLS);
        AUTO(arena_free) arena *scratch = arena_new();
        for (size_t r = 0; r < b->rows; r++) {
            json_put_array_begin(w);
            for (size_t i = 0; i < b->column_count; i++) {
                if (column_is_null(&b->columns[i], r))
                    json_put_null(w);
                else
                    json_put_text(w, column_text(&b->columns[i], scratch, r));
            }
            json_put_array_done(w);
        }
    }
    (void)x;
    json_put_array_done(w);
    return true;
}

static bool put_rows(exchange *x, json_writer *w, str query, error *err)
{
    sql_engine *engine;
    str sql;
    AUTO(sql_disconnect) sql_connection *c = NULL;
    AUTO(sql_stream_close) sql_stream *s = NULL;
    TRY(home_engine(x->server->home, &engine, err));
    TRY(sql_connect(engine, &c, err));
    TRY(execute_query_sql(x->server->home, c, x->arena, query, &sql, err));
    TRY(sql_query(c, sql, &s, err));
    json_put_key(w, STR("result"));
    json_put_object_begin(w);
    json_put_key(w, STR("grid"));
    json_put_object_begin(w);
    put_columns(w, s);
    bool works = put_data(w, x, s, err);
    sql_stream_close(TAKE(s));
    TRY(works);
    json_put_object_done(w);
    json_put_key(w, STR("next"));
    json_put_null(w);
    json_put_key(w, STR("has_next_page"));
    json_put_bool(w, false);
    json_put_object_done(w);
    return true;
}

static bool run(exchange *x, json_reply *r, error *err)
{
    AUTO(json_release) json_t *body = NULL;
    str text;
    execution done = { 0 };
    TRY(exchange_body(x, &body, err));
    TRY(json_need_text(body, "$", "sql", &text, err));
    TRY(execute_text(x->server->home, x->arena, STR("query"), str_copy(x->arena, text), &done,
                     err));
    json_reply_begin(r, x);
    json_put_object_begin(&r->out);
    json_put_key(&r->out, STR("kind"));
    json_put_text(&r->out, STR("upsolver_query_response"));
    json_put_key(&r->out, STR("status"));
    json_put_text(&r->out, STR("Success"));
    if (done.is_query)
        TRY(put_rows(x, &r->out, done.query, err));
    else {
        json_put_key(&r->out, STR("message"));
        json_put_text(&r->out, done.message);
    }
    json_put_object_done(&r->out);
    return true;
}

/* Errors in the form that these clients show: {"message": …} with 400. */
static bool answer_query(exchange *x, error *err)
{
    json_reply r;
    (void)err;
    error why = { 0 };
    if (run(x, &r, &why)) {
        json_reply_send(&r, x, 200);
        return true;
    }
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("message"));
    json_put_text(&r.out, str_of(why.message));
    json_put_object_done(&r.out);
    json_reply_send(&r, x, why.code == ERR_IO || why.code == ERR_CORRUPT ? 500 : 400);
    return true;
}

/* Where the API is: here. */
static bool local_api(exchange *x, error *err)
{
    json_reply r;
    (void)err;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("dnsInfo"));
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("name"));
    json_put_text(&r.out, str_format(x->arena, "http%s://" STR_FMT,
                                     x->server->options.tls_cert.len ? "s" : "",
                                     STR_ARG(x->request->host)));
    json_put_object_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

const route upsolver_routes[] = {
    { HTTP_POST, "/query", answer_query, NEEDS_SIGN_IN },
    { HTTP_GET, "/environments/local-api", local_api, NEEDS_NOTHING },
};
const size_t upsolver_route_count = ARRAY_LEN(upsolver_routes);
