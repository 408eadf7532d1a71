#include "iceberg/avro.h"

#include "test.h"

#include "base/arena.h"
#include "base/file.h"
#include "catalog/catalog.h"
#include "iceberg/internal.h"

static const iceberg_field columns[] = {
    { 1, STR_INIT("day"), false, &(iceberg_type){ .kind = ICEBERG_DATE }, { 0 } },
    { 2, STR_INIT("$name \"x\""), false, &(iceberg_type){ .kind = ICEBERG_STRING }, { 0 } },
};
static const iceberg_schema schema = { .fields = columns, .field_count = 2 };
static const iceberg_partition_field by_day[] = { { 1, 1000, STR_INIT("day"), TRANSFORM_IDENTITY,
                                                    0 } };
static const iceberg_spec spec = { .fields = by_day, .field_count = 1 };

/* A catalog with one empty table t.a in a fresh folder. */
static catalog *make_catalog(arena *a, str *ret_folder)
{
    error err = { 0 };
    catalog *c = NULL;
    iceberg_table *t;
    *ret_folder = str_of(test_folder());
    iceberg_definition d = { .schema = &schema, .spec = &spec };
    str database = str_format(a, STR_FMT "/state.db", STR_ARG(*ret_folder)),
        warehouse = str_format(a, "file://" STR_FMT "/w", STR_ARG(*ret_folder));
    if (!catalog_open_embedded(database, STR("c"), warehouse, &c, &err) ||
        !catalog_create(c, a, STR("t"), STR("a"), &d, &t, &err))
        test_failed(__FILE__, __LINE__, "%s", err.message);
    return c;
}

static iceberg_file file_of(arena *a, const char *uri, int32_t day, iceberg_content content,
                            int64_t rows)
{
    value *partition = arena_new_of(a, value);
    *partition = (value){ .kind = VALUE_DATE, .integer = day };
    iceberg_column_stats *stats = arena_new_of(a, iceberg_column_stats);
    *stats = (iceberg_column_stats){ 2, 10, rows, 1, -1, STR("a"), STR("z") };
    return (iceberg_file){ .content = content,
                           .uri = str_of(uri),
                           .partition = partition,
                           .row_count = rows,
                           .size_bytes = 100,
                           .stats = stats,
                           .stats_count = 1 };
}

TEST(commits_add_files_and_deletes_apply_by_partition_and_sequence)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder;
    AUTO(catalog_close) catalog *c = make_catalog(a, &folder);
    error err = { 0 };
    iceberg_table *t;
    iceberg_file first[] = { file_of(a, "file:///x/1", 10, ICEBERG_DATA, 5),
                             file_of(a, "file:///x/2", 11, ICEBERG_DATA, 6) };
    iceberg_change append = { .operation = STR("append"),
                              .added = first,
                              .added_count = 2,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    int64_t snapshot = iceberg_table_current(t)->id;
    iceberg_file second[] = { file_of(a, "file:///x/d", 10, ICEBERG_POSITION_DELETES, 1),
                              file_of(a, "file:///x/3", 10, ICEBERG_DATA, 7) };
    iceberg_change overwrite = { .operation = STR("overwrite"),
                                 .added = second,
                                 .added_count = 2,
                                 .only_after_snapshot_id = snapshot };
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &overwrite, &t, &err), &err);
    iceberg_scan scan;
    CHECK_OK(iceberg_table_scan(t, a, -1, &scan, &err), &err);
    CHECK_INT(scan.file_count, 3);
    CHECK_INT(scan.row_count, 18);
    CHECK_INT(scan.files[0].delete_count, 1); /* same day, older */
    CHECK_INT(scan.files[1].delete_count, 0); /* another day */
    CHECK_INT(scan.files[2].delete_count, 1); /* same commit: position deletes may name its rows */
    CHECK_INT(scan.files[0].file.stats[0].null_count, 1);
    CHECK_STR(scan.files[0].file.stats[0].upper, STR("z"));
    CHECK_OK(iceberg_table_added(t, a, snapshot, iceberg_table_current(t)->id, &scan, &err), &err);
    CHECK_INT(scan.file_count, 1);
    CHECK_STR(scan.files[0].file.uri, STR("file:///x/3"));
    CHECK_STR(iceberg_snapshot_summary(iceberg_table_current(t), STR("total-records")), STR("18"));
    CHECK_FAILS(catalog_commit(c, a, STR("t"), STR("a"), &overwrite, &t, &err), &err,
                "changed meanwhile");
}

TEST(replaced_files_leave_and_are_not_new)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder;
    AUTO(catalog_close) catalog *c = make_catalog(a, &folder);
    error err = { 0 };
    iceberg_table *t;
    iceberg_file one = file_of(a, "file:///x/1", 10, ICEBERG_DATA, 5),
                 two = file_of(a, "file:///x/2", 10, ICEBERG_DATA, 5);
    iceberg_change append = { .operation = STR("append"),
                              .added = &one,
                              .added_count = 1,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    iceberg_change replace = { .operation = STR("replace"),
                               .added = &two,
                               .added_count = 1,
                               .removed_uris = &one.uri,
                               .removed_count = 1,
                               .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &replace, &t, &err), &err);
    iceberg_scan scan;
    CHECK_OK(iceberg_table_scan(t, a, -1, &scan, &err), &err);
    CHECK_INT(scan.file_count, 1);
    CHECK_STR(scan.files[0].file.uri, STR("file:///x/2"));
    CHECK_OK(iceberg_table_added(t, a, -1, iceberg_table_current(t)->id, &scan, &err), &err);
    CHECK_INT(scan.file_count, 1);
    CHECK_STR(scan.files[0].file.uri, STR("file:///x/1"));
    CHECK_FAILS(catalog_commit(c, a, STR("t"), STR("a"), &replace, &t, &err), &err,
                "not in it any more");
}

TEST(many_small_manifests_become_one)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder;
    AUTO(catalog_close) catalog *c = make_catalog(a, &folder);
    error err = { 0 };
    iceberg_table *t = NULL;
    for (int i = 0; i < 110; i++) {
        iceberg_file f = file_of(a, str_format(a, "file:///x/%d%c", i, 0).data, i, ICEBERG_DATA, 1);
        iceberg_change append = { .operation = STR("append"),
                                  .added = &f,
                                  .added_count = 1,
                                  .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
        CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    }
    manifest *manifests;
    size_t count;
    iceberg_scan scan;
    CHECK_OK(manifests_of_snapshot(t, a, iceberg_table_current(t), &manifests, &count, &err), &err);
    CHECK(count < 20);
    CHECK_OK(iceberg_table_scan(t, a, -1, &scan, &err), &err);
    CHECK_INT(scan.row_count, 110);
}

TEST(damaged_metadata_and_manifests_fail_cleanly)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder, metadata, list;
    AUTO(catalog_close) catalog *c = make_catalog(a, &folder);
    error err = { 0 };
    iceberg_table *t;
    iceberg_file one = file_of(a, "file:///x/1", 10, ICEBERG_DATA, 5);
    iceberg_change append = { .operation = STR("append"),
                              .added = &one,
                              .added_count = 1,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    manifest *manifests;
    size_t count;
    CHECK_OK(manifests_of_snapshot(t, a, iceberg_table_current(t), &manifests, &count, &err), &err);
    CHECK_OK(store_read(t->store, a, manifests[0].uri, &list, &err), &err);
    CHECK_OK(store_read(t->store, a, iceberg_table_metadata_uri(t), &metadata, &err), &err);
    uint64_t seed = 42;
    for (int i = 0; i < 3000; i++) {
        AUTO(arena_free) arena *scratch = arena_new();
        str from = i % 2 ? list : metadata;
        char *bytes = arena_copy(scratch, from.data, from.len);
        for (int k = 0; k < 1 + i % 4; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            bytes[(seed >> 33) % from.len] ^= (char)(1 << (seed >> 20) % 8);
        }
        size_t len = i % 5 ? from.len : (seed >> 30) % from.len;
        iceberg_table broken = { 0 };
        avro_file f;
        bool works = i % 2 ? avro_read(scratch, (str){ bytes, len }, STR("m.avro"), &f, &err)
                           : metadata_parse(scratch, (str){ bytes, len }, &broken, &err);
        CHECK(works || err.message[0]);
        error_clear(&err);
    }
}

TEST(a_history_that_runs_in_a_circle_is_refused)
{
    AUTO(arena_free) arena *a = arena_new();
    error err = { 0 };
    for (int own = 0; own < 2; own++) {
        iceberg_table t = { 0 };
        str text = str_format(
            a,
            "{\"format-version\":1,\"location\":\"file:///t\",\"table-uuid\":\"u\","
            "\"last-column-id\":1,\"schema\":{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":"
            "\"a\",\"required\":false,\"type\":\"int\"}]},\"partition-spec\":[],\"snapshots\":["
            "{\"snapshot-id\":1,\"parent-snapshot-id\":%d,\"timestamp-ms\":1,\"manifest-list\":"
            "\"l\"},{\"snapshot-id\":2,\"parent-snapshot-id\":%d,\"timestamp-ms\":2,"
            "\"manifest-list\":\"m\"}]}",
            own ? 9 : 2, own ? 2 : 1);
        CHECK_FAILS(metadata_parse(a, text, &t, &err), &err, "is its own ancestor");
        error_clear(&err);
    }
}

TEST(bounds_are_cut_at_16_characters_and_upper_ones_raised)
{
    static const struct bound_case {
        const char *name, *text, *lower, *upper;
    } cases[] = {
        { "short", "abc", "abc", "abc" },
        { "exactly 16", "0123456789abcdef", "0123456789abcdef", "0123456789abcdef" },
        { "cut", "0123456789abcdefXYZ", "0123456789abcdef", "0123456789abcdeg" },
        { "last cannot grow", "0123456789abcde~XYZ", "0123456789abcde~", "0123456789abcdf" },
    };
    AUTO(arena_free) arena *a = arena_new();
    const struct bound_case *c;
    FOR_EACH_CASE (c, cases) {
        str lower, upper;
        CHECK(bounds_of_text(a, iceberg_primitive(ICEBERG_STRING), str_of(c->text), false, &lower));
        CHECK(bounds_of_text(a, iceberg_primitive(ICEBERG_STRING), str_of(c->text), true, &upper));
        CHECK_STR(lower, str_of(c->lower));
        CHECK_STR(upper, str_of(c->upper));
    }
}

TEST(bucket_hashes_are_those_of_the_specification)
{
    AUTO(arena_free) arena *a = arena_new();
    uint32_t h;
    int64_t n = 34;
    CHECK_INT((int64_t)transform_hash((str){ (char *)&n, 8 }), 2017239379);
    CHECK_INT((int64_t)transform_hash(STR("iceberg")), 1210000089);
    str bytes;
    iceberg_type money = { .kind = ICEBERG_DECIMAL, .precision = 9, .scale = 2 };
    CHECK(bounds_of_text(a, &money, STR("14.20"), false, &bytes));
    h = transform_hash(bytes);
    CHECK_INT((int64_t)(int32_t)h, -500754589);
    CHECK(bounds_of_text(a, iceberg_primitive(ICEBERG_UUID),
                         STR("f79c3e09-677c-4bbd-a479-3f349cb785e7"), false, &bytes));
    CHECK_INT((int64_t)transform_hash(bytes), 1488055340);
}

TEST(transforms_before_1970_round_down)
{
    static const struct transform_case {
        const char *name;
        iceberg_transform_kind kind;
        int64_t us, want;
    } cases[] = {
        { "last microsecond of 1969, day", TRANSFORM_DAY, -1, -1 },
        { "last microsecond of 1969, hour", TRANSFORM_HOUR, -1, -1 },
        { "last microsecond of 1969, month", TRANSFORM_MONTH, -1, -1 },
        { "last microsecond of 1969, year", TRANSFORM_YEAR, -1, -1 },
        { "2017-11-16T22:31:08, hour", TRANSFORM_HOUR, 1510871468000000, 419686 },
        { "2017-11-16T22:31:08, month", TRANSFORM_MONTH, 1510871468000000, 574 },
    };
    const struct transform_case *c;
    AUTO(arena_free) arena *a = arena_new();
    FOR_EACH_CASE (c, cases) {
        value v = { .kind = VALUE_TIMESTAMP, .integer = c->us }, out;
        CHECK(transform_value(a, iceberg_primitive(ICEBERG_TIMESTAMP), c->kind, 0, &v, &out));
        CHECK_INT(out.integer, c->want);
    }
}

TEST(deletion_vectors_come_back_as_they_were)
{
    AUTO(arena_free) arena *a = arena_new();
    uint64_t rows = 200000, seed = 7;
    error err = { 0 };
    for (int density = 0; density < 4; density++) { /* none, arrays, bitmaps, all */
        iceberg_deleted_rows v = { .row_count = rows,
                                   .words = arena_array_of(a, uint64_t, rows / 64 + 1) },
                             back;
        for (uint64_t i = 0; i < rows; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            bool is_deleted =
                density == 3 || (density && (seed >> 40) % (density == 1 ? 99 : 3) == 0);
            v.words[i / 64] |= (uint64_t)is_deleted << (i % 64);
            v.deleted_count += is_deleted;
        }
        str blob = vector_encode(a, &v);
        CHECK_OK(vector_decode(a, blob, (int64_t)rows, &back, &err), &err);
        CHECK_INT((int64_t)back.deleted_count, (int64_t)v.deleted_count);
        CHECK(memcmp(back.words, v.words, (rows / 64 + 1) * 8) == 0);
        if (v.deleted_count)
            CHECK_FAILS(vector_decode(a, blob, 100, &back, &err), &err, "beyond the file");
        char *broken = arena_copy(a, blob.data, blob.len);
        broken[blob.len / 2] ^= 4;
        CHECK_FAILS(vector_decode(a, (str){ broken, blob.len }, (int64_t)rows, &back, &err), &err,
                    "checksum");
        error_clear(&err);
    }
}

TEST(avro_containers_of_every_codec_read_alike)
{
    static const char *const codecs[] = { "null", "deflate", "zstandard", "snappy" };
    AUTO(arena_free) arena *a = arena_new();
    error err = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        strbuf records = strbuf_new(a);
        avro_file f;
        for (int64_t n = 0; n < 1000; n++)
            avro_put_long(&records, n * n);
        str file = avro_container(
            a,
            STR("{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\","
                "\"field-id\":5}]}"),
            NULL, NULL, 0, str_of(codecs[i]), strbuf_str(&records), 1000);
        CHECK_OK(avro_read(a, file, STR("test"), &f, &err), &err);
        CHECK_INT((int64_t)f.record_count, 1000);
        CHECK_INT(avro_field(&f.records[999], 5)->integer, 998001);
    }
}

static void files_where(const iceberg_table *t, arena *a, iceberg_compare compare,
                        const char *column, const char *text, iceberg_scan *scan)
{
    error err = { 0 };
    value v = value_text(str_of(text));
    iceberg_predicate p = { str_of(column), compare, &v, 1 };
    CHECK_OK(iceberg_table_scan_where(t, a, -1, &p, 1, scan, &err), &err);
}

TEST(scans_pass_over_files_by_partition_and_bounds)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder;
    AUTO(catalog_close) catalog *c = make_catalog(a, &folder);
    error err = { 0 };
    iceberg_table *t = NULL;
    iceberg_scan scan;
    for (int i = 0; i < 6; i++) {
        iceberg_file f = file_of(a, str_format(a, "file:///x/%d%c", i, 0).data, i, ICEBERG_DATA, 2);
        iceberg_change append = { .operation = STR("append"),
                                  .added = &f,
                                  .added_count = 1,
                                  .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
        CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    }
    files_where(t, a, ICEBERG_IN, "day", "1970-01-03", &scan);
    CHECK_INT((int64_t)scan.file_count, 1);
    CHECK_INT((int64_t)scan.manifests_skipped, 5);
    files_where(t, a, ICEBERG_LESS, "day", "1970-01-03", &scan);
    CHECK_INT((int64_t)scan.file_count, 2);
    files_where(t, a, ICEBERG_GREATER_OR_EQUAL, "day", "1970-01-03", &scan);
    CHECK_INT((int64_t)scan.file_count, 4);
    files_where(t, a, ICEBERG_IN, "$name \"x\"", "zz", &scan);
    CHECK_INT((int64_t)scan.file_count, 0);
    CHECK_INT((int64_t)scan.files_skipped, 6);
    files_where(t, a, ICEBERG_STARTS_WITH, "$name \"x\"", "b", &scan);
    CHECK_INT((int64_t)scan.file_count, 6);
}

TEST(a_change_that_others_made_void_is_a_conflict)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder;
    AUTO(catalog_close) catalog *c = make_catalog(a, &folder);
    error err = { 0 };
    iceberg_table *t;
    iceberg_file one = file_of(a, "file:///x/1", 10, ICEBERG_DATA, 5),
                 two = file_of(a, "file:///x/2", 10, ICEBERG_DATA, 5),
                 three = file_of(a, "file:///x/3", 11, ICEBERG_DATA, 5),
                 gone = file_of(a, "file:///x/d", 10, ICEBERG_POSITION_DELETES, 1);
    iceberg_change append = { .operation = STR("append"),
                              .added = &one,
                              .added_count = 1,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    int64_t base = iceberg_table_current(t)->id;
    iceberg_change upsert = append, rewrite = append;
    upsert.operation = STR("overwrite");
    upsert.added = &gone;
    upsert.based_on_snapshot_id = base;
    upsert.live_uris = &one.uri;
    upsert.live_count = 1;
    upsert.forbids_new_rows = true;
    rewrite.operation = STR("replace");
    rewrite.added = &two;
    rewrite.removed_uris = &one.uri;
    rewrite.removed_count = 1;
    rewrite.based_on_snapshot_id = base;
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &upsert, &t, &err), &err);
    CHECK_FAILS(catalog_commit(c, a, STR("t"), STR("a"), &rewrite, &t, &err), &err,
                "added deletes for files of this change");
    int64_t second = iceberg_table_current(t)->id;
    rewrite.based_on_snapshot_id = second;
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &rewrite, &t, &err), &err);
    upsert.based_on_snapshot_id = second;
    gone.uri = STR("file:///x/d2");
    CHECK_FAILS(catalog_commit(c, a, STR("t"), STR("a"), &upsert, &t, &err), &err, "took out");
    int64_t third = iceberg_table_current(t)->id;
    append.added = &three;
    CHECK_OK(catalog_commit(c, a, STR("t"), STR("a"), &append, &t, &err), &err);
    upsert.live_uris = &two.uri;
    upsert.based_on_snapshot_id = third;
    CHECK_FAILS(catalog_commit(c, a, STR("t"), STR("a"), &upsert, &t, &err), &err, "added rows");
}
