#include "worksheet/worksheet.h"

#include "test.h"

#include "base/arena.h"
#include "base/clock.h"
#include "worksheet/date_pattern.h"

TEST(statements_of_the_tutorial_parse_as_written)
{
    static const char text[] =
        "CREATE S3 CONNECTION upsolver_s3_samples\n&nbsp; AWS_ROLE = "
        "'arn:aws:iam::949275490180:role/r'\n&nbsp; READ_ONLY = TRUE;\n"
        "CREATE ICEBERG TABLE default_glue.puppygraph.vpcflowlogs_connections()PARTITIONED BY "
        "$event_date;\n"
        "CREATE SYNC JOB ingest START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd/HH/mm' "
        "CONTENT_TYPE = PARQUET\n"
        " COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))\n"
        "AS COPY FROM S3 upsolver_s3_samples LOCATION = 's3://upsolver-samples/vpc_flow_logs/'\n"
        "INTO default_glue.puppygraph.vpcflowlogs_connections;\n"
        "CREATE ICEBERG TABLE c.p.devices (device_id string, last_seen timestamp, partition_date "
        "date) PARTITIONED BY partition_date PRIMARY KEY device_id;\n"
        "CREATE SYNC JOB up START_FROM = BEGINNING ADD_MISSING_COLUMNS = TRUE RUN_INTERVAL = 1 "
        "MINUTE\n"
        "AS INSERT INTO c.p.devices MAP_COLUMNS_BY_NAME SELECT dstaddr::string as device_id, "
        "'dest' as device_type,\n"
        " $event_date as partition_date, $event_time as last_seen FROM c.p.connections WHERE "
        "TIME_FILTER();";
    AUTO(arena_free) arena *a = arena_new();
    worksheet *w;
    error err = { 0 };
    CHECK_OK(worksheet_parse(a, STR("t.sql"), str_of(text), &w, &err), &err);
    CHECK_INT(w->count, 5);
    CHECK_STR(w->statements[1].table.name, STR("vpcflowlogs_connections"));
    CHECK_STR(w->statements[1].partitions[0].column, STR("$event_date"));
    const statement *copy = &w->statements[2];
    CHECK_INT(copy->kind, STATEMENT_CREATE_COPY_JOB);
    CHECK_STR(option_find(copy->options, "COLUMN_TRANSFORMATIONS")->assignments.items[0].expression,
              STR("UUID_GENERATOR(account_id::string)"));
    CHECK_STR(option_find(copy->source_options, "LOCATION")->text,
              STR("s3://upsolver-samples/vpc_flow_logs/"));
    CHECK_STR(w->statements[3].primary_key[0], STR("device_id"));
    const statement *insert = &w->statements[4];
    CHECK_INT(insert->query.item_count, 4);
    CHECK_STR(insert->query.items[0].column, STR("dstaddr"));
    CHECK_STR(insert->query.items[0].name, STR("device_id"));
    CHECK(!insert->query.items[1].is_column);
    CHECK_STR(insert->query.items[3].column, STR("$event_time"));
    str sql;
    CHECK_OK(select_to_sql(a, w->text, &insert->query, STR("(SELECT 1)"), STR("\"x\" AS y"), 0, 0,
                           &sql, &err),
             &err);
    CHECK_STR(sql, STR("SELECT dstaddr::string as device_id, 'dest' as device_type,\n "
                       "\"$event_date\" as partition_date, \"$event_time\" as"
                       " last_seen , \"x\" AS y FROM (SELECT 1) AS \"connections\" WHERE TRUE"));
}

TEST(errors_of_worksheets_point_and_say_what_was_expected)
{
    static const struct error_case {
        const char *name, *text, *part;
    } cases[] = {
        { "unknown statement", "MAKE TABLE x", "t.sql:1:1: expected a statement" },
        { "misspelt word", "CREATE SYNC TABEL x", "t.sql:1:13: expected JOB, found TABEL" },
        { "caret", "\nCREATE TABLE a", "  CREATE TABLE a\n               ^" },
        { "no schema", "CREATE TABLE a;", "has no schema" },
        { "open text", "CREATE FILE CONNECTION a ROOT = 'x", "not closed" },
        { "open comment", "/* x", "comment is not closed" },
        { "unknown option", "CREATE FILE CONNECTION a ROOT = 'x' COMENT = 'y'",
          "did you mean COMMENT?" },
        { "wrong value", "CREATE FILE CONNECTION a ROOT = 5", "expected a folder" },
        { "missing root", "CREATE FILE CONNECTION a", "needs ROOT" },
        { "twice", "CREATE FILE CONNECTION a ROOT = 'x' ROOT = 'y'", "given twice" },
        { "unclosed list", "CREATE TABLE a.b (c string", "expected ',' or ')'" },
        { "options behind",
          "CREATE JOB j AS COPY FROM FILE f LOCATION = 'x' INTO a.b START_FROM = NOW",
          "stand before AS" },
        { "start without pattern",
          "CREATE JOB j START_FROM = NOW AS COPY FROM FILE f LOCATION = 'x' INTO a.b",
          "needs a DATE_PATTERN" },
        { "interval",
          "CREATE JOB j RUN_INTERVAL = 5 HOURS AS INSERT INTO a.b MAP_COLUMNS_BY_NAME SELECT x "
          "FROM c.d",
          "must divide a day" },
        { "nameless item",
          "CREATE JOB j AS INSERT INTO a.b MAP_COLUMNS_BY_NAME SELECT x + 1 FROM c.d",
          "needs a name" },
        { "star", "CREATE JOB j AS INSERT INTO a.b SELECT * FROM c.d", "MAP_COLUMNS_BY_NAME" },
        { "two tables",
          "CREATE JOB j AS INSERT INTO a.b MAP_COLUMNS_BY_NAME SELECT x FROM c.d UNION "
          "SELECT x FROM e.f",
          "reads a table" },
        { "text behind", "DROP JOB j k", "expected ';'" },
        { "an option that nothing does",
          "CREATE JOB j DELETE_FILES_AFTER_LOAD = TRUE AS COPY FROM FILE f LOCATION = 'x' INTO a.b",
          "t.sql:1:14: DELETE_FILES_AFTER_LOAD is not supported yet" },
        { "deduplication",
          "CREATE JOB j DEDUPLICATE_WITH = (COLUMNS = (a) WINDOW = 1 HOUR) AS COPY FROM FILE f "
          "LOCATION = 'x' INTO a.b",
          "DEDUPLICATE_WITH is not supported yet" },
        { "arguments of TIME_FILTER",
          "CREATE JOB j AS INSERT INTO a.b MAP_COLUMNS_BY_NAME SELECT x FROM c.d WHERE "
          "TIME_FILTER(x)",
          "arguments of TIME_FILTER are not supported yet" },
    };
    const struct error_case *c;
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        worksheet *w;
        error err = { 0 };
        CHECK_FAILS(worksheet_parse(a, STR("t.sql"), str_of(c->text), &w, &err), &err, c->part);
    }
}

TEST(any_cut_of_a_worksheet_parses_or_fails_cleanly)
{
    static const char text[] = "CREATE SYNC JOB j START_FROM = BEGINNING CONTENT_TYPE = (TYPE = "
                               "CSV DELIMITER = ' ') COLUMN_TRANSFORMATIONS = (a = f(b, 'x'))"
                               " AS COPY FROM FILE f LOCATION = 'l' INTO a.b.c WITH EXPECTATION e "
                               "EXPECT x > 1 ON VIOLATION DROP; SELECT \"a\" /* b */ FROM x";
    uint64_t seed = 7;
    for (size_t i = 0; i < 4000; i++) {
        AUTO(arena_free) arena *a = arena_new();
        char *copy = arena_copy(a, text, sizeof text - 1);
        size_t len = i < sizeof text ? i : sizeof text - 1;
        for (int k = 0; i >= sizeof text && k < 3; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            copy[(seed >> 33) % len] = "()',;=\"a.$ \n/*-"[(seed >> 20) % 15];
        }
        worksheet *w;
        error err = { 0 };
        if (!worksheet_parse(a, STR("t"), (str){ copy, len }, &w, &err))
            CHECK(err.message[0] != 0);
    }
}

/* `count` names, each of which is twice the one before. */
static str doubling_lets(arena *a, int count)
{
    strbuf b = strbuf_new(a);
    strbuf_format(&b, "SELECT x%d FROM t GROUP BY g LET x0 = SUM(packets)", count - 1);
    for (int i = 1; i < count; i++)
        strbuf_format(&b, ", x%d = x%d + x%d", i, i - 1, i - 1);
    return strbuf_str(&b);
}

TEST(names_of_let_that_stand_for_each_other_end)
{
    static const struct let_case {
        const char *name, *query, *want, *part; /* `part`: of the error */
    } cases[] = {
        { "one of another", "SELECT b FROM t GROUP BY g LET a = SUM(x), b = a / 2",
          "SELECT ((SUM(x)) / 2) FROM t GROUP BY g ", NULL },
        { "a later one", "SELECT b FROM t GROUP BY g LET b = a / 2, a = SUM(x)",
          "SELECT ((SUM(x)) / 2) FROM t GROUP BY g ", NULL },
        { "the column of its own name", "SELECT x FROM t GROUP BY g LET x = SUM(x)",
          "SELECT (SUM(x)) FROM t GROUP BY g ", NULL },
        { "two formats",
          "SELECT a FROM t GROUP BY g LET b = MAX(PARSE_DATE(x, 'yyyy')), a = "
          "FORMAT_DATETIME(b, 'MM')",
          "SELECT (strftime((MAX(strptime(x, '%Y'))), '%m')) FROM t GROUP BY g ", NULL },
        { "a circle of two", "SELECT a FROM t GROUP BY g LET a = b, b = a", NULL,
          "LET a needs itself: a, b refer to each other in a circle" },
        { "a circle of three", "SELECT c FROM t GROUP BY g LET a = (b), b = f(c), c = -a", NULL,
          "refer to each other in a circle" },
    };
    const struct let_case *c;
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        error err = { 0 };
        str sql;
        if (c->part) {
            CHECK_FAILS(query_to_sql(a, str_of(c->query), &sql, &err), &err, c->part);
        } else {
            CHECK_OK(query_to_sql(a, str_of(c->query), &sql, &err), &err);
            CHECK_STR(sql, str_of(c->want));
        }
    }
}

TEST(text_that_grows_or_nests_without_end_is_one_error)
{
    AUTO(arena_free) arena *a = arena_new();
    error err = { 0 };
    str sql;
    worksheet *w;
    CHECK_OK(query_to_sql(a, doubling_lets(a, 12), &sql, &err), &err);
    CHECK_FAILS(query_to_sql(a, doubling_lets(a, 60), &sql, &err), &err, "longer than");
    CHECK_FAILS(query_to_sql(a, doubling_lets(a, 300), &sql, &err), &err, "more than 256 names");
    strbuf nested = strbuf_new(a);
    strbuf_add_c(&nested, "SELECT ");
    for (int i = 0; i < 100000; i++)
        strbuf_add_c(&nested, "(");
    CHECK_FAILS(query_to_sql(a, strbuf_str(&nested), &sql, &err), &err, "more than 200 deep");
    strbuf lists = strbuf_new(a);
    strbuf_add_c(&lists, "CREATE JOB j AS INSERT INTO a.b ");
    for (int i = 0; i < 100000; i++)
        strbuf_add_c(&lists, "UNNEST(");
    CHECK_FAILS(worksheet_parse(a, STR("t"), strbuf_str(&lists), &w, &err), &err, "200 deep");
}

TEST(days_have_folders)
{
    static const struct folder_case {
        const char *name, *pattern, *want;
    } cases[] = {
        { "whole", "yyyy/MM/dd", "2024/04/08/" },
        { "the hours are left out", "yyyy/MM/dd/HH/mm", "2024/04/08/" },
        { "hive", "'year='yyyy'/month='MM'/day='dd'/hour='HH", "year=2024/month=04/day=08/" },
        { "one folder", "yyyy-MM-dd", "2024-04-08/" },
        { "months", "yyyy/MM/", "2024/04/" },
        { "the hour is in the first folder", "yyyy-MM-dd-HH", "" },
        { "a quote", "yyyy''MM", "2024'04/" },
    };
    const struct folder_case *c;
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        CHECK_STR(date_pattern_folder(a, str_of(c->pattern), clock_days_of(2024, 4, 8)),
                  str_of(c->want));
    }
}

TEST(dates_are_found_in_paths)
{
    static const struct date_case {
        const char *name, *pattern, *path, *want;
    } cases[] = {
        { "whole", "yyyy/MM/dd/HH/mm", "a/2024/04/18/03/25/x.gz", "2024-04-18T03:25:00Z" },
        { "down to the day", "yyyy/MM/dd/HH/mm",
          "AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/04/18/x.gz", "2024-04-18T00:00:00Z" },
        { "hive", "'year='yyyy'/month='MM'/day='dd", "r/year=2024/month=04/day=18/x.parquet",
          "2024-04-18T00:00:00Z" },
        { "day only", "yyyy-MM-dd", "2024-04-18/x", "2024-04-18T00:00:00Z" },
        { "no date", "yyyy/MM/dd", "a/b/c.gz", NULL },
        { "month 13", "yyyy/MM/dd", "2024/13/01/x", "2024-01-01T00:00:00Z" },
        { "not at a folder", "yyyy/MM", "a2024/04/x", NULL },
    };
    const struct date_case *c;
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        int64_t us;
        bool is_found = date_pattern_find(str_of(c->pattern), str_of(c->path), &us);
        CHECK_INT(is_found, c->want != NULL);
        if (is_found && c->want)
            CHECK_STR(clock_format_us(a, us), str_of(c->want));
    }
}
