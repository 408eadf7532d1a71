#include "column/sql.h"

#include "test.h"

#include <stdatomic.h>

#include "base/arena.h"

static sql_engine *engine(void)
{
    static sql_engine *e;
    error err = { 0 };
    if (!e && !sql_engine_open(&(sql_options){ .threads = 2 }, &e, &err))
        test_failed(__FILE__, __LINE__, "%s", err.message);
    return e;
}

TEST(every_type_of_cell_reads_as_people_write_it)
{
    static const struct cell_case {
        const char *name, *sql, *text;
        column_type type;
    } cases[] = {
        { "boolean", "true", "true", COLUMN_BOOL },
        { "tinyint", "(-3)::TINYINT", "-3", COLUMN_INT32 },
        { "unsigned", "4000000000::UINTEGER", "4000000000", COLUMN_INT64 },
        { "unsigned big", "18446744073709551615::UBIGINT", "18446744073709551615", COLUMN_DECIMAL },
        { "huge", "sum(5::BIGINT)", "5", COLUMN_DECIMAL },
        { "decimal", "-12.50::DECIMAL(9,2)", "-12.50", COLUMN_DECIMAL },
        { "small decimal", "-0.05::DECIMAL(4,2)", "-0.05", COLUMN_DECIMAL },
        { "double", "0.1::DOUBLE", "0.1", COLUMN_DOUBLE },
        { "date", "DATE '1969-12-31'", "1969-12-31", COLUMN_DATE },
        { "time", "TIME '03:04:05.5'", "03:04:05.500000", COLUMN_TIME },
        { "timestamp", "TIMESTAMP '2024-04-18 03:00:00'", "2024-04-18 03:00:00", COLUMN_TIMESTAMP },
        { "timestamp of nanoseconds", "TIMESTAMP_NS '1969-12-31 23:59:59.5'",
          "1969-12-31 23:59:59.500000", COLUMN_TIMESTAMP },
        { "uuid", "'01234567-89ab-8def-8123-456789abcdef'::UUID",
          "01234567-89ab-8def-8123-456789abcdef", COLUMN_UUID },
        { "uuid with a high bit", "'f1234567-89ab-8def-8123-456789abcdef'::UUID",
          "f1234567-89ab-8def-8123-456789abcdef", COLUMN_UUID },
        { "text", "'long enough not to be inlined'", "long enough not to be inlined",
          COLUMN_STRING },
        { "enum", "'b'::ENUM('a','b')", "b", COLUMN_STRING },
        { "binary", "'\\xAA\\x01'::BLOB", "aa01", COLUMN_BINARY },
        { "list", "[1, NULL, 3]", "[1, NULL, 3]", COLUMN_VALUE },
        { "struct", "{'a': 1, 'b': 'x'}", "{a=1, b=x}", COLUMN_VALUE },
        { "map", "map {'k': [1, 2]}", "{k=[1, 2]}", COLUMN_VALUE },
        { "null", "NULL", "", COLUMN_INT32 },
    };
    AUTO(sql_disconnect) sql_connection *c = NULL;
    error err = { 0 };
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    const struct cell_case *k;
    FOR_EACH_CASE (k, cases) {
        AUTO(arena_free) arena *a = arena_new();
        batch *rows;
        CHECK_OK(sql_query_all(c, a, str_format(a, "SELECT %s", k->sql), &rows, &err), &err);
        CHECK_INT(rows->rows, 1);
        CHECK_INT(rows->columns[0].type, k->type);
        CHECK_STR(column_text(&rows->columns[0], a, 0), str_of(k->text));
    }
}

TEST(rows_stream_in_batches_and_errors_arrive)
{
    AUTO(sql_disconnect) sql_connection *c = NULL;
    AUTO(sql_stream_close) sql_stream *s = NULL;
    error err = { 0 };
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    CHECK_OK(sql_query(c,
                       STR("SELECT i, i::VARCHAR || ' is a number' AS t FROM range(100000) r(i)"),
                       &s, &err),
             &err);
    CHECK_STR(sql_stream_column_name(s, 1), STR("t"));
    int64_t sum = 0;
    size_t rows = 0;
    for (batch *b;;) {
        CHECK_OK(sql_stream_next(s, &b, &err), &err);
        if (!b)
            break;
        CHECK(b->rows <= BATCH_ROWS);
        for (size_t i = 0; i < b->rows; i++)
            sum += ((const int64_t *)b->columns[0].data)[i];
        rows += b->rows;
    }
    CHECK_INT(rows, 100000);
    CHECK_INT(sum, 4999950000);
    sql_stream *none = NULL;
    CHECK_FAILS(sql_query(c, STR("SELECT nothing_here"), &none, &err), &err, "nothing_here");
    CHECK_FAILS(sql_query(c, STR("SELEC 1"), &none, &err), &err, "SELEC");
    CHECK_FAILS(sql_query(c, STR("SELECT 1; SELECT 2"), &none, &err), &err, "one query");
    CHECK_FAILS(sql_run(c, STR("SELECT error('boom')"), &err), &err, "boom");
}

static _Atomic int64_t sink_sum, sink_nulls;

static bool add_up(void *context, const batch *in, error *err)
{
    (void)context;
    for (size_t i = 0; i < in->rows; i++) {
        if (column_is_null(&in->columns[0], i))
            sink_nulls++;
        else
            sink_sum += ((const int64_t *)in->columns[0].data)[i];
    }
    return in->rows <= BATCH_ROWS ? true : fail(err, ERR_INVALID, "batch too large");
}

static bool refuse(void *context, const batch *in, error *err)
{
    (void)context;
    (void)in;
    return fail(err, ERR_CORRUPT, "the sink is full");
}

static void length_of(void *context, const str *texts, size_t count, uint32_t *ret)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        ret[i] = (uint32_t)texts[i].len;
}

TEST(sinks_take_every_row_and_can_end_the_query)
{
    AUTO(sql_disconnect) sql_connection *c = NULL;
    error err = { 0 };
    int64_t count = 0;
    CHECK_OK(sql_register_sink(engine(), "test_sink", (column_type[]){ COLUMN_INT64 }, 1, add_up,
                               NULL, &err),
             &err);
    CHECK_OK(sql_register_sink(engine(), "test_refuse", (column_type[]){ COLUMN_INT64 }, 1, refuse,
                               NULL, &err),
             &err);
    CHECK_OK(sql_register_encode(engine(), "test_length", length_of, NULL, &err), &err);
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    CHECK_OK(sql_query_int(
                 c, STR("SELECT sum(test_sink(if(i % 10 = 0, NULL, i))) FROM range(1000000) r(i)"),
                 &count, &err),
             &err);
    CHECK_INT(count, 1000000);
    CHECK_INT(sink_nulls, 100000);
    CHECK_INT(sink_sum, 450000000000);
    CHECK_FAILS(sql_query_int(c, STR("SELECT sum(test_refuse(1))"), &count, &err), &err,
                "the sink is full");
    CHECK_OK(sql_query_int(
                 c, STR("SELECT sum(test_length(t)) FROM (VALUES ('abc'), (NULL), ('de')) v(t)"),
                 &count, &err),
             &err);
    CHECK_INT(count, 5);
}
