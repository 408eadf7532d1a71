#include "column/parquet.h"
#include "column/parquet_plain.h"

#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "column/sql.h"

/* Rows with nulls, texts, numbers, times; `options` of COPY. */
static str write_file(sql_connection *c, arena *a, const char *name, int from, int rows,
                      const char *options)
{
    error err = { 0 };
    str path = str_format(a, "%s/%s.parquet", test_folder(), name);
    str q = str_format(a,
                       "COPY (SELECT CASE WHEN i %% 7 > 0 THEN '10.0.' || (i %% 300)::INT END AS "
                       "src, i::BIGINT AS n, "
                       "(i %% 65536)::INT AS port, (i * 0.5)::DOUBLE AS d, i %% 3 = 0 AS ok, DATE "
                       "'2026-01-01' + (i %% 9)::INT AS day, "
                       "TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS due, 'x' || i AS many FROM "
                       "range(%d, %d) r(i)) TO '" STR_FMT "' (FORMAT parquet, %s)",
                       from, from + rows, STR_ARG(path), options);
    if (!sql_run(c, q, &err))
        test_failed(__FILE__, __LINE__, "%s", err.message);
    return path;
}

static str ask(sql_connection *c, arena *a, str query)
{
    error err = { 0 };
    batch *b;
    if (!sql_query_all(c, a, query, &b, &err)) {
        test_failed(__FILE__, __LINE__, "%s", err.message);
        return STR("");
    }
    return column_text(&b->columns[0], a, 0);
}

static void make_key(void *context, uint64_t row, char ret_text[PARQUET_KEY_BYTES])
{
    char text[PARQUET_KEY_BYTES + 1];
    snprintf(text, sizeof text, "%012d-%023llu", *(int *)context, (unsigned long long)row);
    memcpy(ret_text, text, PARQUET_KEY_BYTES);
}

enum { COLUMNS = 8 };

typedef struct merging {
    arena *arena;
    parquet_output outputs[COLUMNS + 2];
    size_t sources[COLUMNS + 2];
    int64_t constants[2][COLUMNS + 2];
    parquet_input inputs[2];
    int numbers[2];
    size_t bad;
} merging;

static bool prepare(merging *m, const str *files, error *err)
{
    for (size_t i = 0; i < 2; i++) {
        parquet_footer *f;
        TRY(parquet_footer_read(m->arena, files[i], &f, err));
        bool is_same = f && f->column_count == COLUMNS;
        for (size_t k = 0; is_same && k < COLUMNS; k++)
            is_same = parquet_column_can_be_copied(&f->columns[k]) &&
                      (i == 0 || (f->columns[k].type == m->outputs[k].column.type &&
                                  f->columns[k].meaning == m->outputs[k].column.meaning));
        if (!is_same)
            return fail(err, ERR_INVALID, "not the shape that was written");
        m->numbers[i] = (int)i;
        m->inputs[i] =
            (parquet_input){ files[i], f, m->sources, m->constants[i], make_key, &m->numbers[i] };
        m->constants[i][COLUMNS] = 20000 + (int64_t)i;
        for (size_t k = 0; k < COLUMNS; k++) {
            m->sources[k] = k;
            m->outputs[k] = (parquet_output){ f->columns[k], (int32_t)k + 1, ORIGIN_COPIED };
        }
    }
    parquet_column day = { STR("event"), PARQUET_INT32, MEANING_DATE, true },
                   key = { STR("key"), PARQUET_BYTE_ARRAY, MEANING_TEXT, true };
    m->outputs[COLUMNS] = (parquet_output){ day, COLUMNS + 1, ORIGIN_CONSTANT };
    m->outputs[COLUMNS + 1] = (parquet_output){ key, COLUMNS + 2, ORIGIN_KEY };
    return true;
}

static bool merge(merging *m, const str *files, const char *path, parquet_result *ret, error *err)
{
    TRY(prepare(m, files, err));
    return parquet_merge(m->arena, path, m->outputs, COLUMNS + 2, m->inputs, 2, ret, &m->bad, err);
}

TEST(merged_parquet_files_hold_the_same_rows)
{
    static const struct merge_case {
        const char *name, *first, *second;
    } cases[] = {
        { "gzip", "COMPRESSION gzip", "COMPRESSION gzip, ROW_GROUP_SIZE 5000" },
        { "snappy and zstd", "COMPRESSION snappy", "COMPRESSION zstd, ROW_GROUP_SIZE 3000" },
        { "plain and version 2", "COMPRESSION uncompressed",
          "COMPRESSION gzip, PARQUET_VERSION v2" },
    };
    const struct merge_case *c;
    AUTO(sql_engine_close) sql_engine *engine = NULL;
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    error err = { 0 };
    CHECK_OK(sql_engine_open(&(sql_options){ .threads = 2 }, &engine, &err), &err);
    CHECK_OK(sql_connect(engine, &connection, &err), &err);
    FOR_EACH_CASE (c, cases) {
        AUTO(arena_free) arena *a = arena_new();
        merging m = { .arena = a };
        parquet_result done;
        str paths[2] = { write_file(connection, a, "one", 0, 30000, c->first),
                         write_file(connection, a, "two", 30000, 20000, c->second) };
        str files[2];
        CHECK_OK(file_read(a, str_to_c(a, paths[0]), &files[0], &err), &err);
        CHECK_OK(file_read(a, str_to_c(a, paths[1]), &files[1], &err), &err);
        const char *out =
            str_to_c(a, str_format(a, "%s/merged-%zu.parquet", test_folder(), (size_t)(c - cases)));
        CHECK_OK(merge(&m, files, out, &done, &err), &err);
        CHECK_INT(done.row_count, 50000);
        CHECK_INT(done.columns[3].stats.null_count, 0);
        const char *columns = "src, n, port, d, ok, day, due, many";
        str want = ask(connection, a,
                       str_format(a,
                                  "SELECT sum(hash((%s)))::VARCHAR FROM read_parquet(['" STR_FMT
                                  "', '" STR_FMT "'])",
                                  columns, STR_ARG(paths[0]), STR_ARG(paths[1])));
        str got = ask(connection, a,
                      str_format(a, "SELECT sum(hash((%s)))::VARCHAR FROM '%s'", columns, out));
        CHECK(want.len > 0);
        CHECK_STR(got, want);
        CHECK_STR(
            ask(connection, a, str_format(a, "SELECT count(DISTINCT key)::VARCHAR FROM '%s'", out)),
            STR("50000"));
        CHECK_STR(ask(connection, a, str_format(a, "SELECT key FROM '%s' WHERE n = 30001", out)),
                  STR("000000000001-00000000000000000000001"));
        CHECK_STR(
            ask(connection, a,
                str_format(a, "SELECT string_agg(DISTINCT event, ' ' ORDER BY event) FROM '%s'",
                           out)),
            STR("2024-10-04 2024-10-05"));
        CHECK_STR(
            ask(connection, a,
                str_format(
                    a,
                    "SELECT count(*)::VARCHAR FROM parquet_schema('%s') WHERE field_id IS NOT NULL",
                    out)),
            STR("10"));
        CHECK_STR(
            ask(connection, a,
                str_format(a, "SELECT count(*)::VARCHAR FROM '%s' WHERE n BETWEEN 29990 AND 30009",
                           out)),
            STR("20"));
        CHECK_INT(done.columns[1].stats.null_count, 0);
        CHECK_INT(done.columns[0].stats.null_count, 50000 - 42857);
        int64_t most;
        memcpy(&most, done.columns[1].stats.max.data, sizeof most);
        CHECK_INT(most, 49999);
        CHECK_STR(done.columns[0].stats.min, STR("10.0.0"));
    }
}

TEST(a_damaged_parquet_file_gives_an_error_or_a_readable_file)
{
    AUTO(sql_engine_close) sql_engine *engine = NULL;
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    AUTO(arena_free) arena *kept = arena_new();
    error err = { 0 };
    str files[2];
    CHECK_OK(sql_engine_open(&(sql_options){ .threads = 2 }, &engine, &err), &err);
    CHECK_OK(sql_connect(engine, &connection, &err), &err);
    str path =
        write_file(connection, kept, "small", 0, 900, "COMPRESSION gzip, ROW_GROUP_SIZE 300");
    CHECK_OK(file_read(kept, str_to_c(kept, path), &files[0], &err), &err);
    files[1] = files[0];
    const char *out = str_to_c(kept, str_format(kept, "%s/damaged.parquet", test_folder()));
    uint64_t seed = 11;
    size_t failures = 0;
    for (int round = 0; round < 1500; round++) {
        AUTO(arena_free) arena *a = arena_new();
        merging m = { .arena = a, .bad = 99 };
        parquet_result done;
        error why = { 0 };
        char *copy = arena_copy(a, files[0].data, files[0].len);
        for (int k = 0; k <= round % 3; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            copy[(seed >> 20) % files[0].len] ^= (char)(1 << (seed >> 60 & 7));
        }
        size_t len = round % 10 == 0 ? (seed >> 10) % files[0].len : files[0].len;
        str damaged[2] = { files[1], { copy, len } };
        if (merge(&m, damaged, out, &done, &why)) {
            unlink(out);
            continue;
        }
        failures++;
        CHECK(why.message[0] != 0);
        CHECK(!file_exists(out)); /* nothing is left */
    }
    CHECK(failures > 1000);
}

TEST(integers_lose_their_annotations_and_nothing_else)
{
    AUTO(sql_engine_close) sql_engine *engine = NULL;
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    AUTO(arena_free) arena *a = arena_new();
    error err = { 0 };
    int64_t bytes, again;
    CHECK_OK(sql_engine_open(&(sql_options){ .threads = 2 }, &engine, &err), &err);
    CHECK_OK(sql_connect(engine, &connection, &err), &err);
    str path =
        write_file(connection, a, "plain", 0, 5000,
                   "FIELD_IDS {src: 1, n: 2, port: 3, d: 4, ok: 5, day: 6, due: 7, many: 8}");
    str rows = str_format(a, "SELECT count(*) || ' ' || sum(hash(t)) FROM '" STR_FMT "' t",
                          STR_ARG(path)),
        schema =
            str_format(a,
                       "SELECT string_agg(concat_ws(' ', name, type, converted_type, "
                       "field_id), ', ') FROM parquet_schema('" STR_FMT "') WHERE field_id > 1",
                       STR_ARG(path)),
        before = ask(connection, a, rows);
    CHECK(str_find(ask(connection, a, schema), STR("port INT32 INT_32 3")) >= 0);
    CHECK_OK(parquet_make_plain(str_to_c(a, path), &bytes, &err), &err);
    CHECK_STR(ask(connection, a, schema),
              STR("n INT64 2, port INT32 3, d DOUBLE 4, ok BOOLEAN 5, day INT32 DATE 6, due INT64 "
                  "TIMESTAMP_MICROS 7, many BYTE_ARRAY UTF8 8"));
    CHECK_STR(ask(connection, a, rows), before);
    CHECK_OK(parquet_make_plain(str_to_c(a, path), &again, &err), &err);
    CHECK_INT(again, bytes);
    str whole;
    CHECK_OK(file_read(a, str_to_c(a, path), &whole, &err), &err);
    CHECK_INT(whole.len, bytes);
}

TEST(a_damaged_footer_is_an_error_or_stays_readable)
{
    AUTO(sql_engine_close) sql_engine *engine = NULL;
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    AUTO(arena_free) arena *kept = arena_new();
    error err = { 0 };
    str whole;
    uint64_t seed = 5;
    size_t failures = 0;
    CHECK_OK(sql_engine_open(&(sql_options){ .threads = 1 }, &engine, &err), &err);
    CHECK_OK(sql_connect(engine, &connection, &err), &err);
    str path = write_file(connection, kept, "hurt", 0, 10, "COMPRESSION zstd");
    CHECK_OK(file_read(kept, str_to_c(kept, path), &whole, &err), &err);
    for (int round = 0; round < 1000; round++) {
        AUTO(arena_free) arena *a = arena_new();
        error why = { 0 };
        int64_t bytes;
        char *copy = arena_copy(a, whole.data, whole.len);
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        size_t len = round % 10 == 0 ? (seed >> 10) % whole.len : whole.len;
        copy[whole.len - 1 - (seed >> 20) % (whole.len / 2)] ^= (char)(1 << (seed >> 60 & 7));
        FILE *f = fopen(str_to_c(a, path), "wb");
        CHECK(f && fwrite(copy, 1, len, f) == len && fclose(f) == 0);
        failures += !parquet_make_plain(str_to_c(a, path), &bytes, &why);
    }
    CHECK(failures > 100);
}
