/* A writer for tests of concurrency and crashes: commits to one table until told to stop and says
 * on stdout what was acknowledged, one line a commit.
 *
 *   table_writer make HOME VERSION          makes t.rows(writer, number, version), key (writer,
 * number) table_writer append HOME WRITER SECONDS new rows, five a commit: "row WRITER NUMBER 0"
 *   table_writer upsert HOME WRITER SECONDS the same, and newer versions of rows of before
 *   table_writer files HOME FILES COMMITS   appends entries of files that do not exist: for
 * planning table_writer plan HOME                  plans a full scan, cold; "plan MILLISECONDS
 * FILES" table_writer commit HOME TIMES          appends one such entry; "commit MILLISECONDS" each
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"
#include "pipeline/home.h"
#include "pipeline/key_index.h"

static const iceberg_type number_type = { .kind = ICEBERG_LONG };
static const iceberg_field fields[] = {
    { .id = 1, .name = STR_INIT("writer"), .type = &number_type, .is_required = true },
    { .id = 2, .name = STR_INIT("number"), .type = &number_type, .is_required = true },
    { .id = 3, .name = STR_INIT("version"), .type = &number_type },
};
static const int32_t keys[] = { 1, 2 };
static const iceberg_schema schema = {
    .fields = fields, .field_count = 3, .identifier_ids = keys, .identifier_count = 2
};
static const iceberg_partition_field by_writer[] = { { .source_id = 1,
                                                       .field_id = 1000,
                                                       .name = STR_INIT("writer"),
                                                       .transform = TRANSFORM_IDENTITY } };

typedef struct writer {
    home *home;
    catalog *catalog;
    sql_connection *connection;
    int64_t number; /* of this writer */
} writer;

static bool make(writer *w, int32_t version, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_spec spec = { .fields = by_writer, .field_count = 1 };
    iceberg_definition d = { .schema = &schema, .spec = &spec, .format_version = version };
    iceberg_table *t;
    return catalog_create(w->catalog, a, STR("t"), STR("rows"), &d, &t, err);
}

static const value *partition_of(arena *a, int64_t number)
{
    value *v = arena_new_of(a, value);
    *v = value_int(number);
    return v;
}

/* A data file of `rows_sql`. */
static bool write_rows(writer *w, arena *a, const iceberg_table *t, str rows_sql, iceberg_file *ret,
                       error *err)
{
    bool has_rows;
    str uri = iceberg_data_uri(a, t, 0, partition_of(a, w->number), uuid_v4(a));
    return iceberg_data_file_write(w->connection, a, t, iceberg_table_schema(t), rows_sql, uri,
                                   partition_of(a, w->number), NULL, ret, &has_rows, err);
}

static bool append(writer *w, int64_t from, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    iceberg_file file;
    TRY(catalog_load(w->catalog, a, STR("t"), STR("rows"), &t, err));
    TRY(write_rows(w, a, t,
                   str_format(a,
                              "SELECT %lld::BIGINT AS writer, i::BIGINT AS number, 0::BIGINT AS "
                              "version FROM range(%lld, %lld) r(i)",
                              (long long)w->number, (long long)from, (long long)from + 5),
                   &file, err));
    iceberg_change change = { .operation = STR("append"),
                              .added = &file,
                              .added_count = 1,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    TRY(catalog_commit(w->catalog, a, STR("t"), STR("rows"), &change, &t, err));
    for (int64_t i = from; i < from + 5; i++)
        printf("row %lld %lld 0\n", (long long)w->number, (long long)i);
    fflush(stdout);
    return true;
}

/* Replace this writer's row `number` by its next version: delete by position, add. */
static bool upsert_once(writer *w, int64_t number, int64_t version, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    iceberg_scan scan;
    iceberg_file files[2];
    batch *place;
    str live;
    value who = value_int(w->number);
    iceberg_predicate mine = { STR("writer"), ICEBERG_IN, &who, 1 };
    TRY(catalog_load(w->catalog, a, STR("t"), STR("rows"), &t, err));
    const iceberg_snapshot *base = iceberg_table_current(t);
    TRY(iceberg_table_scan_where(t, a, -1, &mine, 1, &scan, err));
    TRY(iceberg_scan_sql(t, a, &scan, NULL, 0, true, &live, err));
    TRY(sql_query_all(w->connection, a,
                      str_format(a,
                                 "SELECT \"_file\", \"_pos\" FROM " STR_FMT
                                 " WHERE writer = %lld AND number = %lld",
                                 STR_ARG(live), (long long)w->number, (long long)number),
                      &place, err));
    if (place->rows != 1)
        return fail(err, ERR_CORRUPT, "row %lld of writer %lld is there %zu times",
                    (long long)number, (long long)w->number, place->rows);
    str uri = str_copy(a, column_text(&place->columns[0], a, 0));
    int64_t row = column_value(&place->columns[1], a, 0).integer;
    TRY(write_rows(w, a, t,
                   str_format(a,
                              "SELECT %lld::BIGINT AS writer, %lld::BIGINT AS number, "
                              "%lld::BIGINT AS version",
                              (long long)w->number, (long long)number, (long long)version),
                   &files[0], err));
    iceberg_change change = { .operation = STR("overwrite"),
                              .added = files,
                              .added_count = 2,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT,
                              .based_on_snapshot_id = base->id,
                              .live_uris = &uri,
                              .live_count = 1 };
    const iceberg_scan_file *hit = NULL;
    for (size_t i = 0; i < scan.file_count; i++)
        if (str_eq(scan.files[i].file.uri, uri))
            hit = &scan.files[i];
    if (iceberg_table_format_version(t) >= 3) {
        iceberg_vector v = { .data_file = &hit->file };
        v.rows = (iceberg_deleted_rows){ .row_count = (uint64_t)hit->file.row_count };
        v.rows.words = arena_array_of(a, uint64_t, hit->file.row_count / 64 + 1);
        for (size_t k = 0; k < hit->delete_count; k++) {
            TRY(iceberg_vector_read(t, a, hit->deletes[k], hit->file.row_count, &v.rows, err));
            change.removed_deletes = hit->deletes[k];
            change.removed_delete_count = 1;
        }
        v.rows.words[row / 64] |= 1ull << (row % 64);
        v.rows.deleted_count++;
        TRY(iceberg_vectors_write(t, a,
                                  str_format(a, STR_FMT "/data/" STR_FMT ".puffin",
                                             STR_ARG(iceberg_table_location(t)),
                                             STR_ARG(uuid_v4(a))),
                                  &v, 1, &files[1], err));
    } else {
        strbuf q = strbuf_new(a);
        strbuf_add_c(&q, "SELECT ");
        strbuf_add_sql_text(&q, uri);
        strbuf_format(&q, " AS file_path, %lld::BIGINT AS pos", (long long)row);
        TRY(iceberg_position_deletes_write(
            w->connection, a, t, strbuf_str(&q),
            iceberg_data_uri(a, t, 0, hit->file.partition, uuid_v4(a)), 0, hit->file.partition,
            &files[1], err));
    }
    TRY(catalog_commit(w->catalog, a, STR("t"), STR("rows"), &change, &t, err));
    printf("row %lld %lld %lld\n", (long long)w->number, (long long)number, (long long)version);
    fflush(stdout);
    return true;
}

/* Again while others change what it was worked out from: nothing that a retry can save may fail. */
static bool upsert(writer *w, int64_t number, int64_t version, error *err)
{
    for (int try = 0; try < 100; try++) {
        if (upsert_once(w, number, version, err))
            return true;
        if (err->code != ERR_CONFLICT)
            return false;
        printf("conflict\n");
        error_clear(err);
    }
    return fail(err, ERR_CONFLICT, "row %lld could not be replaced in 100 tries",
                (long long)number);
}

static bool write_for(writer *w, bool is_upsert, int64_t seconds, error *err)
{
    uint64_t end = clock_monotonic_us() + (uint64_t)seconds * 1000000, random;
    VEC(int64_t) versions = { 0 };
    AUTO(arena_free) arena *a = arena_new();
    while (clock_monotonic_us() < end) {
        if (!is_upsert || versions.count < 20) {
            TRY(append(w, (int64_t)versions.count, err));
            for (int i = 0; i < 5; i++)
                vec_push(a, &versions, 0);
            continue;
        }
        random_bytes(&random, sizeof random);
        size_t number = random % versions.count;
        TRY(upsert(w, (int64_t)number, ++versions.items[number], err));
    }
    return true;
}

/* ---- Entries alone ---- */

static bool append_entries(writer *w, int64_t first, size_t count, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    iceberg_file *files = arena_array_of(a, iceberg_file, count);
    for (size_t i = 0; i < count; i++) {
        int64_t n = first + (int64_t)i, size = 1 << 20;
        iceberg_column_stats *stats = arena_array_of(a, iceberg_column_stats, 30);
        for (int k = 0; k < 30; k++) {
            int64_t *low = arena_new_of(a, int64_t), *high = arena_new_of(a, int64_t);
            *low = n * 100 + k;
            *high = n * 100 + 99;
            stats[k] = (iceberg_column_stats){
                k + 1, size / 30, 1000, 0, -1, { (char *)low, 8 }, { (char *)high, 8 }
            };
        }
        files[i] = (iceberg_file){ .uri = str_format(a, "file:///data/%08lld-" STR_FMT ".parquet",
                                                     (long long)n, STR_ARG(uuid_v4(a))),
                                   .partition = partition_of(a, n / 100),
                                   .row_count = 1000,
                                   .size_bytes = size,
                                   .stats = stats,
                                   .stats_count = 30 };
    }
    iceberg_change change = { .operation = STR("append"),
                              .added = files,
                              .added_count = count,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    return catalog_commit(w->catalog, a, STR("t"), STR("rows"), &change, &t, err);
}

static bool plan(writer *w, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    iceberg_scan scan;
    uint64_t start = clock_monotonic_us();
    TRY(catalog_load(w->catalog, a, STR("t"), STR("rows"), &t, err));
    TRY(iceberg_table_scan(t, a, -1, &scan, err));
    printf("plan %.3f %zu\n", (double)(clock_monotonic_us() - start) / 1e3, scan.file_count);
    return true;
}

static int64_t resident_bytes(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * 4096;
}

static bool fill_keys(int64_t count)
{
    int64_t before = resident_bytes();
    uint64_t start = clock_monotonic_us();
    key_index *x = key_index_new();
    key_index_reset(x, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "10.%lld.%lld", (long long)(i >> 16), (long long)i);
        key_index_put(x, key_hash_of((str){ text, (size_t)len }),
                      &(key_place){ .order = i, .row = (uint32_t)i });
    }
    double ms = (double)(clock_monotonic_us() - start) / 1e3;
    printf("keys %.1f %.1f\n", (double)(resident_bytes() - before) / (double)count, ms);
    bool is_whole = key_index_count(x) == (size_t)count;
    key_index_close(x);
    return is_whole;
}

static bool run(writer *w, int argc, char **argv, error *err)
{
    const char *what = argv[1];
    int64_t x = atoll(argv[3]), y = argc > 4 ? atoll(argv[4]) : 0;
    w->number = x;
    if (strcmp(what, "make") == 0)
        return make(w, (int32_t)x, err);
    if (strcmp(what, "append") == 0 || strcmp(what, "upsert") == 0)
        return write_for(w, what[0] == 'u', y, err);
    if (strcmp(what, "plan") == 0)
        return plan(w, err);
    if (strcmp(what, "keys") == 0)
        return fill_keys(x) || fail(err, ERR_CORRUPT, "keys got lost");
    for (int64_t i = 0; i < (strcmp(what, "files") == 0 ? y : x); i++) {
        bool is_files = strcmp(what, "files") == 0;
        size_t count = is_files ? (size_t)(x / y) : 1;
        uint64_t start = clock_monotonic_us();
        TRY(append_entries(w, is_files ? i * (int64_t)count : 1000000 + i, count, err));
        if (!is_files)
            printf("commit %.3f\n", (double)(clock_monotonic_us() - start) / 1e3);
    }
    return true;
}

int main(int argc, char **argv)
{
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    AUTO(sql_disconnect) sql_connection *c = NULL;
    sql_engine *e;
    if (argc < 4) {
        fprintf(stderr, "usage: see tests/table_writer.c\n");
        return 2;
    }
    home_options options = { .path = str_of(argv[2]), .threads = 1, .memory_bytes = 128 << 20 };
    writer w = { 0 };
    bool needs_engine = argv[1][0] == 'a' || argv[1][0] == 'u';
    bool works = home_open(&options, &h, &err) &&
                 (!needs_engine || (home_engine(h, &e, &err) && sql_connect(e, &c, &err)));
    if (works) {
        w = (writer){ .home = h, .catalog = home_embedded_catalog(h), .connection = c };
        works = run(&w, argc, argv, &err);
    }
    if (!works)
        fprintf(stderr, "%s: %s\n", error_code_name(err.code), err.message);
    sql_disconnect(TAKE(c));
    return works ? 0 : 1;
}
