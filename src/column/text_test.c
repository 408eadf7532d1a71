#include "column/text.h"

#include "test.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"

static const text_column known[] = {
    { STR_INIT("account_id"), COLUMN_STRING },
    { STR_INIT("srcaddr"), COLUMN_STRING },
    { STR_INIT("packets"), COLUMN_INT64 },
    { STR_INIT("protocol"), COLUMN_INT32 },
};

static const text_options options = {
    .columns = known,
    .column_count = ARRAY_LEN(known),
    .delimiter = ' ',
    .null_text = STR_INIT("-"),
    .required = (const str[]){ STR_INIT("srcaddr") },
    .required_count = 1,
    .known_as = "test field",
};

static sql_engine *engine(void)
{
    static sql_engine *e;
    error err = { 0 };
    if (!e && !sql_engine_open(&(sql_options){ .threads = 2 }, &e, &err))
        test_failed(__FILE__, __LINE__, "%s", err.message);
    return e;
}

/* Write `content` under `name` in a fresh folder, through gzip when `pack`; cut to `keep` bytes (0:
 * all). */
static str make_file(arena *a, const char *name, const char *content, bool pack, size_t keep)
{
    error err = { 0 };
    str path = str_format(a, "%s/%s", test_folder(), name);
    const char *plain = str_format(a, STR_FMT ".plain%c", STR_ARG(path), 0).data;
    if (!file_write_atomic(plain, str_of(content), &err))
        test_failed(__FILE__, __LINE__, "%s", err.message);
    str command = pack ? str_format(a, "gzip -nc '%s' > '" STR_FMT "'%c", plain, STR_ARG(path), 0)
                       : str_format(a, "cp '%s' '" STR_FMT "'%c", plain, STR_ARG(path), 0);
    if (system(command.data) != 0 ||
        (keep &&
         system(str_format(a, "truncate -s %zu '" STR_FMT "'%c", keep, STR_ARG(path), 0).data) !=
             0))
        test_failed(__FILE__, __LINE__, "making " STR_FMT, STR_ARG(path));
    return path;
}

TEST(text_files_are_read_by_their_own_headers)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *c = NULL;
    AUTO(text_scan_close) text_scan *s = NULL;
    error err = { 0 };
    str paths[] = {
        make_file(a, "a.log.gz", "srcaddr packets account-id\n10.0.0.1 5 111\n10.0.0.2 - 222\n",
                  true, 0),
        make_file(a, "b.log", "PROTOCOL srcaddr\r\n6 ::1\r\n", false, 0),
        make_file(a, "c.log.gz", "srcaddr\n", true, 0),
    };
    CHECK_OK(text_scan_open(engine(), &options, paths, 3, &s, &err), &err);
    CHECK(text_scan_has_column(s, 0) && text_scan_has_column(s, 3));
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    batch *rows;
    str query = str_format(a, "SELECT * FROM " STR_FMT " ORDER BY _file, _row",
                           STR_ARG(text_scan_relation(s)));
    CHECK_OK(sql_query_all(c, a, query, &rows, &err), &err);
    static const char *want[3][6] = { { "111", "10.0.0.1", "5", "", "0", "0" },
                                      { "222", "10.0.0.2", "", "", "0", "1" },
                                      { "", "::1", "", "6", "1", "0" } };
    CHECK_INT(rows->rows, 3);
    for (size_t i = 0; i < rows->rows; i++)
        for (size_t k = 0; k < 6; k++)
            CHECK_STR(column_text(&rows->columns[k], a, i), str_of(want[i][k]));
}

TEST(bad_text_files_are_named_with_line_and_reason)
{
    static const struct bad_case {
        const char *name, *file, *content, *part;
        bool pack;
        size_t keep;
    } cases[] = {
        { "truncated gzip", "a.gz", "srcaddr packets\n10.0.0.1 123456\n10.0.0.2 7\n", "ends early",
          true, 40 },
        { "not gzip", "a.gz", "srcaddr\n1\n", "not gzip", false, 0 },
        { "empty", "a.log", "", "empty", false, 0 },
        { "no header", "a.log", "2 123456789012 eni-1\n", "not a header", false, 0 },
        { "unknown column", "a.log", "srcaddr foo\n1 2\n", "'foo' is not a test field", false, 0 },
        { "missing column", "a.log", "packets protocol\n1 2\n", "no column srcaddr", false, 0 },
        { "column twice", "a.log", "srcaddr srcaddr\n1 2\n", "twice", false, 0 },
        { "too few fields", "a.log", "srcaddr packets\na 1\na\n",
          "line 3 has 1 fields, the header has 2", false, 0 },
        { "too many fields", "a.log", "srcaddr packets\na 1 2\n", "line 2 has at least 3 fields",
          false, 0 },
        { "not a number", "a.log", "srcaddr packets\na 1x\n", "line 2: packets is '1x'", false, 0 },
        { "too large", "a.log", "srcaddr protocol\na 4000000000\n", "32-bit", false, 0 },
        { "not UTF-8", "a.log", "srcaddr\n\xff\xfe\n", "UTF-8", false, 0 },
        { "half written", "a.log", "srcaddr packets\na 1\nb 2", "still be being written", false,
          0 },
    };
    AUTO(sql_disconnect) sql_connection *c = NULL;
    error err = { 0 };
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    const struct bad_case *k;
    FOR_EACH_CASE (k, cases) {
        AUTO(arena_free) arena *a = arena_new();
        AUTO(text_scan_close) text_scan *s = NULL;
        str paths[] = { make_file(a, "good.log", "srcaddr\nx\n", false, 0),
                        make_file(a, k->file, k->content, k->pack, k->keep) };
        CHECK_OK(text_scan_open(engine(), &options, paths, 2, &s, &err), &err);
        str query = str_format(
            a, "SELECT count(*), sum(packets), max(srcaddr), max(protocol) FROM " STR_FMT,
            STR_ARG(text_scan_relation(s)));
        batch *rows;
        bool is_known = text_scan_fault(s, 1).len > 0;
        if (!is_known)
            CHECK_FAILS(sql_query_all(c, a, query, &rows, &err), &err, k->part);
        text_scan_check(s);
        CHECK(str_contains(text_scan_fault(s, 1), str_of(k->part)));
        CHECK_STR(text_scan_fault(s, 0), STR(""));
        CHECK_OK(sql_query_all(c, a, query, &rows, &err), &err);
        CHECK_STR(column_text(&rows->columns[0], a, 0), STR("1"));
    }
}

TEST(gzip_of_several_members_is_one_text)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *c = NULL;
    AUTO(text_scan_close) text_scan *s = NULL;
    error err = { 0 };
    str first = make_file(a, "a.gz", "srcaddr pack", true, 0),
        second = make_file(a, "b.gz", "ets\nx 1\ny 2\n", true, 0);
    str both = str_format(a, "%s/both.gz", test_folder());
    CHECK_INT(system(str_format(a, "cat '" STR_FMT "' '" STR_FMT "' > '" STR_FMT "'%c",
                                STR_ARG(first), STR_ARG(second), STR_ARG(both), 0)
                         .data),
              0);
    CHECK_OK(text_scan_open(engine(), &options, &both, 1, &s, &err), &err);
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    int64_t sum = 0;
    CHECK_OK(sql_query_int(
                 c,
                 str_format(a, "SELECT sum(packets) FROM " STR_FMT, STR_ARG(text_scan_relation(s))),
                 &sum, &err),
             &err);
    CHECK_INT(sum, 3);
}

TEST(a_query_cannot_name_a_scan_that_is_not_there)
{
    AUTO(sql_disconnect) sql_connection *c = NULL;
    error err = { 0 };
    int64_t count;
    CHECK_OK(sql_connect(engine(), &c, &err), &err);
    CHECK_FAILS(sql_query_int(c, STR("SELECT count(*) FROM floe_text(987654)"), &count, &err), &err,
                "no such job");
}
