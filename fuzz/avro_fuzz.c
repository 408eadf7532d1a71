/* Any bytes as an Avro container, as a manifest list and as a manifest of a small table. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "iceberg/avro.h"
#include "iceberg/internal.h"

static const iceberg_type number = { .kind = ICEBERG_LONG }, text = { .kind = ICEBERG_STRING },
                          money = { .kind = ICEBERG_DECIMAL, .precision = 9, .scale = 2 };
static const iceberg_field columns[] = {
    { .id = 1, .name = STR_INIT("n"), .type = &number },
    { .id = 2, .name = STR_INIT("t"), .type = &text },
    { .id = 3, .name = STR_INIT("m"), .type = &money },
};
static const iceberg_schema schema = { .fields = columns, .field_count = 3 };
static const iceberg_partition_field parts[] = {
    { .source_id = 1, .field_id = 1000, .name = STR_INIT("writer") },
    { .source_id = 3, .field_id = 1001, .name = STR_INIT("m") },
    { .source_id = 2, .field_id = 1002, .name = STR_INIT("b"), .transform = TRANSFORM_BUCKET, .argument = 4 },
};
static const iceberg_spec specs[] = { { .id = 0, .fields = parts, .field_count = 1 },
                                      { .id = 1, .fields = parts, .field_count = 3 } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool pass_record(void *context, size_t number, const value *record, error *err)
{
    (void)context;
    (void)number;
    (void)record;
    (void)err;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static store *files;
    error err = { 0 };
    AUTO(arena_free) arena *a = arena_new();
    avro_file file;
    if (!files) {
        snprintf(path, sizeof path, "/dev/shm/floe-fuzz-%d", (int)getpid());
        if (!store_open(STR("file:///"), &files, &err))
            abort();
    }
    str bytes = { (const char *)data, size };
    if (!avro_read(a, bytes, STR("fuzz"), &file, &err))
        error_clear(&err);
    if (!avro_each_by_name(a, bytes, pass_record, NULL, &err))
        error_clear(&err);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(data, 1, size, out) != size || fclose(out) != 0)
        abort();
    for (int32_t spec = 0; spec < 2; spec++) {
        const iceberg_schema *all[] = { &schema };
        iceberg_table t = { .store = files,
                            .name = STR("fuzz"),
                            .format_version = 3,
                            .schema = &schema,
                            .schemas = all,
                            .schema_count = 1,
                            .specs = specs,
                            .spec_count = 2 };
        manifest *list;
        size_t count;
        manifest m = { .uri = str_of(path), .spec_id = spec, .first_row_id = 0 };
        manifest_entry *entries;
        if (!manifest_list_read(&t, a, m.uri, &list, &count, &err))
            error_clear(&err);
        if (!manifest_read(&t, a, &m, &entries, &count, &err)) {
            if (err.message[0] == 0)
                abort();
            error_clear(&err);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            iceberg_partition_key(&t, a, &entries[i].file);
    }
    return 0;
}
