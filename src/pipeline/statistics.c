/* Statistics of columns: counts, bounds, distinct values by HyperLogLog, frequent values and value
 * histograms from samples. Source of the estimator: Flajolet et al., "HyperLogLog", 2007. */
#include "pipeline/statistics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/vec.h"
#include "pipeline/state_select.h"
#include "pipeline/system_internal.h"

enum {
    REGISTER_BITS = 11,
    REGISTERS = 1 << REGISTER_BITS,
    TOP_VALUES = 40,
    SHOWN_VALUES = 20,
    SAMPLE_ROWS = 40000,
    MOST_ROWS = 1000000, /* read of what a table gained; of more than that these stand for all */
    BUCKETS = 130,       /* powers of two below and above zero */
    MOST_COLUMNS = 512
};

typedef struct top_value {
    str text;
    int64_t count, error;
} top_value;

typedef struct column_statistics {
    str name, type, types; /* types: "long since …, double since …" */
    int64_t rows, nulls, first_us, last_us;
    str min, max;
    bool has_bounds;
    _Atomic uint8_t registers[REGISTERS];
    VEC(top_value) top;
    int64_t evicted; /* the largest count that was ever forgotten */
    int64_t buckets[BUCKETS];
} column_statistics;

typedef struct table_statistics {
    arena *arena;
    VEC(column_statistics *) columns;
} table_statistics;

/* ---- HyperLogLog ---- */

/* The columns that the pass under way fills; one pass at a time in a process. */
static column_statistics *filled[MOST_COLUMNS];

static bool add_hashes(void *context, const batch *in, error *err)
{
    (void)context;
    (void)err;
    const int64_t *which = in->columns[0].data, *hashes = in->columns[1].data;
    for (size_t i = 0; i < in->rows; i++) {
        if (column_is_null(&in->columns[1], i))
            continue;
        column_statistics *c = filled[which[i] & (MOST_COLUMNS - 1)];
        uint64_t hash = (uint64_t)hashes[i] << 1;
        uint64_t rest = hash << REGISTER_BITS | 1ull << (REGISTER_BITS - 1);
        uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
        _Atomic uint8_t *r = &c->registers[hash >> (64 - REGISTER_BITS)];
        uint8_t now = atomic_load_explicit(r, memory_order_relaxed);
        while (now < rank && !atomic_compare_exchange_weak(r, &now, rank))
            ;
    }
    return true;
}

static int64_t distinct_of(const column_statistics *c)
{
    double sum = 0, m = REGISTERS;
    int zeros = 0;
    for (size_t i = 0; i < REGISTERS; i++) {
        uint8_t r = atomic_load_explicit(&c->registers[i], memory_order_relaxed);
        sum += ldexp(1, -r);
        zeros += r == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && zeros)
        estimate = m * log(m / zeros);
    return llround(estimate);
}

/* ---- Stored as JSON ---- */

static str text_of(const json_t *o, const char *key, arena *a)
{
    return str_copy(a, json_text_or(o, key, STR("")));
}

static void read_column(table_statistics *t, const json_t *o)
{
    arena *a = t->arena;
    column_statistics *c = arena_new_of(a, column_statistics);
    str registers = json_text_or(o, "registers", STR(""));
    size_t i;
    json_t *item;
    c->name = text_of(o, "name", a);
    c->type = text_of(o, "type", a);
    c->types = text_of(o, "types", a);
    c->rows = json_int_or(o, "rows", 0);
    c->nulls = json_int_or(o, "nulls", 0);
    c->first_us = json_int_or(o, "first", 0);
    c->last_us = json_int_or(o, "last", 0);
    c->evicted = json_int_or(o, "evicted", 0);
    c->min = text_of(o, "min", a);
    c->max = text_of(o, "max", a);
    c->has_bounds = json_object_get(o, "min") != NULL;
    for (i = 0; i < registers.len && i < REGISTERS; i++)
        c->registers[i] = (uint8_t)(registers.data[i] - '0');
    json_array_foreach(json_object_get(o, "top"), i, item)
        vec_push(a, &c->top,
                 (top_value){ text_of(item, "value", a), json_int_or(item, "count", 0),
                              json_int_or(item, "error", 0) });
    json_array_foreach(json_object_get(o, "buckets"), i, item) if (i < BUCKETS) c->buckets[i] =
        json_integer_value(item);
    vec_push(a, &t->columns, c);
}

static bool load_statistics(home *h, arena *a, str table, table_statistics *ret,
                            int64_t *ret_snapshot, error *err)
{
    static const column_type types[] = { COLUMN_STRING, COLUMN_INT64, COLUMN_STRING };
    value *rows;
    size_t count, k;
    json_t *item;
    *ret = (table_statistics){ .arena = a };
    *ret_snapshot = -1;
    TRY(state_select(home_state(h), a,
                     "SELECT table_name, snapshot_id, content FROM "
                     "floe_statistics",
                     types, 3, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        AUTO(json_release) json_t *root = NULL;
        error ignored = { 0 }; /* statistics that are damaged are made again */
        if (!str_eq(rows[i * 3].text, table) ||
            !json_parse(rows[i * 3 + 2].text, STR("statistics"), &root, &ignored))
            continue;
        *ret_snapshot = rows[i * 3 + 1].integer;
        json_array_foreach(root, k, item) read_column(ret, item);
    }
    return true;
}

static void put_column(json_writer *w, arena *a, const column_statistics *c)
{
    char *registers = arena_alloc(a, REGISTERS);
    for (size_t i = 0; i < REGISTERS; i++)
        registers[i] = (char)('0' + c->registers[i]);
    json_put_object_begin(w);
    const struct {
        const char *key;
        str text;
    } texts[] = { { "name", c->name },
                  { "type", c->type },
                  { "types", c->types },
                  { "registers", { registers, REGISTERS } } };
    const struct {
        const char *key;
        int64_t number;
    } numbers[] = { { "rows", c->rows },
                    { "nulls", c->nulls },
                    { "first", c->first_us },
                    { "last", c->last_us },
                    { "evicted", c->evicted } };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        json_put_key(w, str_of(texts[i].key));
        json_put_text(w, texts[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        json_put_key(w, str_of(numbers[i].key));
        json_put_int(w, numbers[i].number);
    }
    if (c->has_bounds) {
        json_put_key(w, STR("min"));
        json_put_text(w, c->min);
        json_put_key(w, STR("max"));
        json_put_text(w, c->max);
    }
    json_put_key(w, STR("top"));
    json_put_array_begin(w);
    for (size_t i = 0; i < c->top.count; i++) {
        json_put_object_begin(w);
        json_put_key(w, STR("value"));
        json_put_text(w, c->top.items[i].text);
        json_put_key(w, STR("count"));
        json_put_int(w, c->top.items[i].count);
        json_put_key(w, STR("error"));
        json_put_int(w, c->top.items[i].error);
        json_put_object_done(w);
    }
    json_put_array_done(w);
    json_put_key(w, STR("buckets"));
    json_put_array_begin(w);
    for (size_t i = 0; i < BUCKETS; i++)
        json_put_int(w, c->buckets[i]);
    json_put_array_done(w);
    json_put_object_done(w);
}

static bool save_statistics(home *h, str table, const table_statistics *t, int64_t snapshot_id,
                            error *err)
{
    strbuf b = strbuf_new(t->arena);
    json_writer w = json_writer_new(&b);
    json_put_array_begin(&w);
    for (size_t i = 0; i < t->columns.count; i++)
        put_column(&w, t->arena, t->columns.items[i]);
    json_put_array_done(&w);
    value parameters[] = { value_text(table), value_int(snapshot_id), value_text(strbuf_str(&b)) };
    return state_execute(home_state(h),
                         "INSERT OR REPLACE INTO floe_statistics (table_name, snapshot_id, "
                         "content) VALUES (?, ?, ?)",
                         parameters, 3, err);
}

/* ---- One table ---- */

static column_statistics *column_named(table_statistics *t, const iceberg_field *f)
{
    str type = iceberg_type_text(t->arena, f->type);
    column_statistics *c = NULL;
    for (size_t i = 0; i < t->columns.count; i++)
        if (str_eq(t->columns.items[i]->name, f->name))
            c = t->columns.items[i];
    if (!c) {
        c = arena_new_of(t->arena, column_statistics);
        c->name = f->name;
        vec_push(t->arena, &t->columns, c);
    }
    if (!str_eq(c->type, type))
        c->types = str_format(t->arena, STR_FMT "%s" STR_FMT " since " STR_FMT, STR_ARG(c->types),
                              c->types.len ? ", " : "", STR_ARG(type),
                              STR_ARG(clock_format_us(t->arena, clock_wall_us())));
    c->type = type;
    return c;
}

static bool is_counted(const iceberg_type *type)
{
    return type->field_count == 0 && type->kind != ICEBERG_BINARY && type->kind != ICEBERG_FIXED;
}

static bool is_numeric(const iceberg_type *type)
{
    return type->kind == ICEBERG_INT || type->kind == ICEBERG_LONG || type->kind == ICEBERG_FLOAT ||
           type->kind == ICEBERG_DOUBLE || type->kind == ICEBERG_DECIMAL;
}

/* Which bound counts is told by the numbers themselves where they are numbers. */
static bool is_less(const iceberg_type *type, str x, str y)
{
    double p, q;
    return is_numeric(type) && str_to_double(x, &p) && str_to_double(y, &q) ? p < q
                                                                            : str_compare(x, y) < 0;
}

/* Counts, bounds and hashes of all columns in one pass over the new rows. */
static bool count_rows(sql_connection *c, table_statistics *t, const iceberg_schema *s, str rows,
                       int64_t all_rows, error *err)
{
    arena *a = t->arena;
    strbuf q = strbuf_new(a);
    batch *result;
    int64_t now = clock_wall_us();
    strbuf_add_c(&q, "SELECT count(*)");
    for (size_t i = 0; i < s->field_count && i < MOST_COLUMNS; i++) {
        strbuf name = strbuf_new(a);
        strbuf_add_sql_name(&name, s->fields[i].name);
        str n = strbuf_str(&name);
        filled[i] = column_named(t, &s->fields[i]);
        if (is_counted(s->fields[i].type))
            strbuf_format(&q,
                          ", count(" STR_FMT "), min(" STR_FMT ")::VARCHAR, max(" STR_FMT
                          ")::VARCHAR, sum(floe_count_distinct(%zu::BIGINT, CASE WHEN " STR_FMT
                          " IS NOT NULL THEN (hash(" STR_FMT ") >> 1)::BIGINT END))",
                          STR_ARG(n), STR_ARG(n), STR_ARG(n), i, STR_ARG(n), STR_ARG(n));
        else
            strbuf_format(&q, ", count(" STR_FMT "), NULL, NULL, NULL", STR_ARG(n));
    }
    strbuf_format(&q, " FROM " STR_FMT, STR_ARG(rows));
    TRY(sql_query_all(c, a, strbuf_str(&q), &result, err));
    int64_t row_count = column_value(&result->columns[0], a, 0).integer;
    for (size_t i = 0; i < s->field_count && i < MOST_COLUMNS; i++) {
        column_statistics *x = filled[i];
        const column *cells = &result->columns[1 + i * 4];
        int64_t count = column_value(&cells[0], a, 0).integer;
        x->rows += all_rows;
        if (row_count)
            x->nulls +=
                (int64_t)((double)(row_count - count) * (double)all_rows / (double)row_count);
        if (count == 0 || !is_counted(s->fields[i].type))
            continue;
        str low = column_text(&cells[1], a, 0), high = column_text(&cells[2], a, 0);
        if (!x->has_bounds || is_less(s->fields[i].type, low, x->min))
            x->min = low;
        if (!x->has_bounds || is_less(s->fields[i].type, x->max, high))
            x->max = high;
        x->has_bounds = true;
        x->first_us = x->first_us ? x->first_us : now;
        x->last_us = now;
    }
    return true;
}

static int by_count(const void *x, const void *y)
{
    const top_value *p = x, *q = y;
    return (p->count < q->count) - (p->count > q->count);
}

static void add_top(table_statistics *t, column_statistics *x, str text, int64_t count,
                    int64_t error_bound)
{
    for (size_t i = 0; i < x->top.count; i++)
        if (str_eq(x->top.items[i].text, text)) {
            x->top.items[i].count += count;
            x->top.items[i].error += error_bound;
            return;
        }
    vec_push(t->arena, &x->top, (top_value){ text, count, error_bound + x->evicted });
}

static bool sample_column(sql_connection *c, table_statistics *t, const iceberg_field *f,
                          column_statistics *x, double scale, error *err)
{
    arena *a = t->arena;
    batch *rows;
    strbuf name = strbuf_new(a);
    strbuf_add_sql_name(&name, f->name);
    str n = strbuf_str(&name);
    TRY(sql_query_all(c, a,
                      str_format(a,
                                 "SELECT left(" STR_FMT "::VARCHAR, 200), count(*) FROM "
                                 "\"_sample\" WHERE " STR_FMT
                                 " IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT %d",
                                 STR_ARG(n), STR_ARG(n), TOP_VALUES),
                      &rows, err));
    for (size_t i = 0; i < rows->rows; i++) {
        int64_t count = column_value(&rows->columns[1], a, i).integer;
        add_top(t, x, column_text(&rows->columns[0], a, i), llround((double)count * scale),
                scale > 1 ? llround(2 * sqrt((double)count) * scale) : 0);
    }
    if (x->top.count)
        qsort(x->top.items, x->top.count, sizeof *x->top.items, by_count);
    for (; x->top.count > TOP_VALUES; x->top.count--)
        if (x->top.items[x->top.count - 1].count > x->evicted)
            x->evicted = x->top.items[x->top.count - 1].count;
    if (!is_numeric(f->type))
        return true;
    TRY(sql_query_all(
        c, a,
        str_format(a,
                   "SELECT (sign(" STR_FMT ") * floor(log2(abs(" STR_FMT
                   "::DOUBLE) + 1)))::BIGINT, count(*) FROM \"_sample\" WHERE " STR_FMT
                   " IS NOT NULL GROUP BY 1",
                   STR_ARG(n), STR_ARG(n), STR_ARG(n)),
        &rows, err));
    for (size_t i = 0; i < rows->rows; i++) {
        int64_t bucket = column_value(&rows->columns[0], a, i).integer + BUCKETS / 2;
        if (bucket >= 0 && bucket < BUCKETS)
            x->buckets[bucket] +=
                llround((double)column_value(&rows->columns[1], a, i).integer * scale);
    }
    return true;
}

static bool sample_rows(sql_connection *c, table_statistics *t, const iceberg_schema *s, str rows,
                        int64_t row_count, error *err)
{
    int64_t taken;
    TRY(sql_run(c,
                str_format(t->arena,
                           "CREATE OR REPLACE TEMP TABLE \"_sample\" AS SELECT * FROM " STR_FMT
                           " USING SAMPLE reservoir(%d ROWS) REPEATABLE (7)",
                           STR_ARG(rows), SAMPLE_ROWS),
                err));
    TRY(sql_query_int(c, STR("SELECT count(*) FROM \"_sample\""), &taken, err));
    for (size_t i = 0; i < s->field_count && i < MOST_COLUMNS; i++)
        if (is_counted(s->fields[i].type))
            TRY(sample_column(c, t, &s->fields[i], filled[i],
                              taken ? (double)row_count / (double)taken : 1, err));
    return sql_run(c, STR("DROP TABLE \"_sample\""), err);
}

typedef struct following {
    home *home;
    sql_connection *connection;
    bool (*should_stop)(void *context);
    void *context;
} following;

typedef struct stale_search {
    home *home;
    value *rows; /* of floe_statistics: table, snapshot */
    size_t count;
    bool is_found;
} stale_search;

static bool follow_table(void *context, arena *outer, str catalog_name, const catalog_entry *e,
                         const iceberg_table *table, error *err)
{
    (void)outer;
    following *f = context;
    AUTO(arena_free) arena *a = arena_new();
    const iceberg_snapshot *current = iceberg_table_current(table);
    table_statistics t;
    int64_t after;
    iceberg_scan scan;
    str rows, name = str_format(a, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(catalog_name),
                                STR_ARG(e->namespace), STR_ARG(e->name));
    if (!current || (f->should_stop && f->should_stop(f->context)))
        return true;
    TRY(load_statistics(f->home, a, name, &t, &after, err));
    if (after == current->id)
        return true;
    if (!iceberg_table_added(table, a, after, current->id, &scan, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        error_clear(err); /* that snapshot is expired: from the beginning */
        t = (table_statistics){ .arena = a };
        TRY(iceberg_table_added(table, a, -1, current->id, &scan, err));
    }
    const iceberg_schema *s = iceberg_table_schema(table);
    if (scan.file_count) {
        TRY(iceberg_scan_sql(table, a, &scan, NULL, 0, false, &rows, err));
        if (scan.row_count > MOST_ROWS)
            rows = str_format(a, "(SELECT * FROM " STR_FMT " LIMIT %d)", STR_ARG(rows), MOST_ROWS);
        if (!count_rows(f->connection, &t, s, rows, scan.row_count, err) ||
            !sample_rows(f->connection, &t, s, rows, scan.row_count, err))
            return fail_while(err, "statistics of " STR_FMT, STR_ARG(name));
    }
    return save_statistics(f->home, name, &t, current->id, err);
}

bool statistics_register(sql_engine *engine, error *err)
{
    static const column_type types[] = { COLUMN_INT64, COLUMN_INT64 };
    return sql_register_sink(engine, "floe_count_distinct", types, 2, add_hashes, NULL, err);
}

static pthread_mutex_t following_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool is_followed; /* somebody in this process keeps the statistics */

bool statistics_follow(home *h, sql_engine *engine, bool (*should_stop)(void *context),
                       void *context, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *c = NULL;
    TRY(sql_connect(engine, &c, err));
    following f = { h, c, should_stop, context };
    atomic_store(&is_followed, true);
    pthread_mutex_lock(&following_lock);
    bool works = system_each_table(h, a, follow_table, &f, err);
    pthread_mutex_unlock(&following_lock);
    return works;
}

/* Whether a table has a snapshot that its statistics do not know. */
static bool find_stale(void *context, arena *a, str catalog_name, const catalog_entry *e,
                       const iceberg_table *table, error *err)
{
    static const column_type types[] = { COLUMN_STRING, COLUMN_INT64 };
    stale_search *s = context;
    const iceberg_snapshot *current = iceberg_table_current(table);
    str name = str_format(a, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(catalog_name),
                          STR_ARG(e->namespace), STR_ARG(e->name));
    if (!s->rows)
        TRY(state_select(home_state(s->home), a,
                         "SELECT table_name, snapshot_id FROM floe_statistics", types, 2, &s->rows,
                         &s->count, err));
    bool is_known = current == NULL;
    for (size_t i = 0; i < s->count; i++)
        is_known |= current && s->rows[i * 2 + 1].integer == current->id &&
                    str_eq(s->rows[i * 2].text, name);
    s->is_found |= !is_known;
    return true;
}

/* Where no server does it, who asks brings them up to date. */
static bool bring_up_to_date(home *h, arena *a, error *err)
{
    AUTO(sql_engine_close) sql_engine *e = NULL;
    stale_search s = { .home = h };
    if (atomic_load(&is_followed))
        return true;
    TRY(system_each_table(h, a, find_stale, &s, err));
    if (!s.is_found)
        return true;
    TRY(home_second_engine(h, &e, err));
    bool works = statistics_follow(h, e, NULL, NULL, err);
    atomic_store(&is_followed, false);
    return works;
}

/* ---- As system tables ---- */

typedef void (*put_rows)(arena *a, str table, column_statistics *c, system_cells *cells);

static bool each_column(home *h, arena *a, put_rows put, system_cells *cells, error *err)
{
    static const column_type types[] = { COLUMN_STRING };
    value *names;
    size_t count;
    TRY(bring_up_to_date(h, a, err));
    TRY(state_select(home_state(h), a, "SELECT table_name FROM floe_statistics ORDER BY 1", types,
                     1, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        table_statistics t;
        int64_t snapshot;
        TRY(load_statistics(h, a, names[i].text, &t, &snapshot, err));
        for (size_t k = 0; k < t.columns.count; k++)
            put(a, names[i].text, t.columns.items[k], cells);
    }
    return true;
}

static value time_or_null(int64_t us)
{
    return us ? (value){ .kind = VALUE_TIMESTAMP, .integer = us } : value_null();
}

static void put_statistics(arena *a, str table, column_statistics *c, system_cells *cells)
{
    double rows = c->rows ? (double)c->rows : 1;
    vec_push(a, cells, value_text(table));
    vec_push(a, cells, value_text(c->name));
    vec_push(a, cells, value_text(c->type));
    vec_push(a, cells, value_int(c->rows));
    vec_push(a, cells, value_int(c->nulls));
    vec_push(a, cells, value_double((double)(c->rows - c->nulls) / rows));
    vec_push(a, cells, value_int(distinct_of(c)));
    vec_push(a, cells, value_double(1.04 / sqrt(REGISTERS)));
    vec_push(a, cells, c->has_bounds ? value_text(c->min) : value_null());
    vec_push(a, cells, c->has_bounds ? value_text(c->max) : value_null());
    vec_push(a, cells, time_or_null(c->first_us));
    vec_push(a, cells, time_or_null(c->last_us));
    vec_push(a, cells, value_text(c->types));
}

static void put_top(arena *a, str table, column_statistics *c, system_cells *cells)
{
    for (size_t i = 0; i < c->top.count && i < SHOWN_VALUES; i++) {
        vec_push(a, cells, value_text(table));
        vec_push(a, cells, value_text(c->name));
        vec_push(a, cells, value_text(c->top.items[i].text));
        vec_push(a, cells, value_int(c->top.items[i].count));
        vec_push(a, cells, value_int(c->top.items[i].error));
    }
}

static double edge_of(int bucket)
{
    return bucket >= 0 ? ldexp(1, bucket) - 1 : 1 - ldexp(1, -bucket);
}

static void put_histogram(arena *a, str table, column_statistics *c, system_cells *cells)
{
    for (int i = 0; i < BUCKETS; i++) {
        int b = i - BUCKETS / 2;
        if (c->buckets[i] == 0)
            continue;
        vec_push(a, cells, value_text(table));
        vec_push(a, cells, value_text(c->name));
        vec_push(a, cells, value_double(b < 0 ? edge_of(b - 1) : edge_of(b)));
        vec_push(a, cells, value_double(b < 0 ? edge_of(b) : edge_of(b + 1)));
        vec_push(a, cells, value_int(c->buckets[i]));
    }
}

bool system_fill_statistics(home *h, arena *a, system_cells *cells, error *err)
{
    return each_column(h, a, put_statistics, cells, err);
}

bool system_fill_top_values(home *h, arena *a, system_cells *cells, error *err)
{
    return each_column(h, a, put_top, cells, err);
}

bool system_fill_histograms(home *h, arena *a, system_cells *cells, error *err)
{
    return each_column(h, a, put_histogram, cells, err);
}
