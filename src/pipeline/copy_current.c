/* What SQL functions ask about the COPY run that is under way; there is one at a time in a process.
 */
#include "base/hash.h"
#include "base/map.h"
#include "pipeline/copy_internal.h"

static struct {
    const run_object *objects;
    uint64_t *keys; /* of each object: hash of its URI */
    map by_path;    /* path → index + 1 */
    size_t count;
} current;

uint32_t copy_object_of_path(str path)
{
    uintptr_t i = (uintptr_t)map_get(&current.by_path, path);
    return i ? (uint32_t)(i - 1) : 0;
}

static void encode_paths(void *context, const str *paths, size_t count, uint32_t *ret)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        ret[i] = copy_object_of_path(paths[i]);
}

static int64_t event_time_of(void *context, int64_t object)
{
    (void)context;
    return (size_t)object < current.count ? current.objects[object].object.event_us : 0;
}

void copy_row_key(uint64_t key, uint64_t row, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t high = (key & ~0xFFFFull) | 0x8000 | (key & 0x0FFF);
    uint64_t low = 0x8000000000000000ull | (key >> 12 & 0xF) << 58 | (row & 0x03FFFFFFFFFFFFFFull);
    for (int i = 0, at = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            ret_text[at++] = '-';
        uint64_t half = i < 16 ? high : low;
        ret_text[at++] = digits[half >> (60 - 4 * (i % 16)) & 15];
    }
}

static size_t row_key(void *context, int64_t object, int64_t row, char *ret_text)
{
    (void)context;
    copy_row_key((size_t)object < current.count ? current.keys[object] : 0, (uint64_t)row,
                 ret_text);
    return 36;
}

static size_t source_row(void *context, int64_t object, int64_t row, char *ret_text)
{
    (void)context;
    if ((size_t)object < current.count)
        row = (int64_t)copy_lines_row(&current.objects[object], (uint64_t)row);
    return (size_t)snprintf(ret_text, SQL_ROW_TEXT_BYTES, "%lld", (long long)row);
}

bool copy_register_functions(job *j, error *err)
{
    static bool is_registered;
    if (!is_registered) {
        TRY(sql_register_encode(j->engine, "floe_object", encode_paths, NULL, err));
        TRY(sql_register_row_time(j->engine, "floe_event_time", event_time_of, NULL, err));
        TRY(sql_register_row_text(j->engine, "floe_row_key", row_key, NULL, err));
        TRY(sql_register_row_text(j->engine, "floe_source_row", source_row, NULL, err));
        is_registered = true;
    }
    return true;
}

void copy_publish_objects(copy *c)
{
    current.objects = c->objects;
    current.count = c->object_count;
    current.keys = arena_array_of(c->arena, uint64_t, c->object_count);
    current.by_path = map_new(c->arena);
    for (size_t i = 0; i < c->object_count; i++) {
        current.keys[i] = hash64(c->objects[i].object.uri.data, c->objects[i].object.uri.len);
        map_set(&current.by_path, c->objects[i].path, (void *)(uintptr_t)(i + 1));
        map_set(&current.by_path, c->objects[i].shown, (void *)(uintptr_t)(i + 1));
    }
}
