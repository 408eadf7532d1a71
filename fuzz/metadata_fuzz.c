/* Any bytes as a table's metadata file; what parses is asked the usual questions, changed and parsed
 * again. */
#include <stdlib.h>

#include "iceberg/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    error err = { 0 };
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table t = { .metadata_uri = STR("fuzz") };
    const iceberg_snapshot *s;
    if (!metadata_parse(a, (str){ (const char *)data, size }, &t, &err)) {
        if (err.message[0] == 0)
            abort();
        return 0;
    }
    iceberg_table_property(&t, STR("x"), STR(""));
    if (!iceberg_table_as_of(&t, a, STR("2024-01-01"), &s, &err))
        error_clear(&err);
    for (size_t i = 0; i < t.schema->field_count; i++)
        iceberg_type_sql(a, t.schema->fields[i].type);
    iceberg_schema_json(a, t.schema);
    AUTO(json_release) json_t *root = NULL, *updates = NULL;
    if (!json_parse(t.text, STR("fuzz"), &root, &err) ||
        !json_parse(STR("[{\"action\":\"upgrade-format-version\",\"format-version\":3},"
                        "{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}},"
                        "{\"action\":\"remove-snapshots\",\"snapshot-ids\":[1,2]}]"),
                    STR("updates"), &updates, &err))
        abort();
    if (!metadata_update(root, updates, 1, &err))
        error_clear(&err);
    return 0;
}
