/* The objects of a COPY run become data files: fetched, looked at, written day by day; bad ones are
 * set aside. */
#include <stdlib.h>

#include "base/stop.h"
#include "pipeline/copy_internal.h"

static const int64_t us_per_day = 86400000000ll;

/* Write all days; a file that proves bad is named, and everything is written again without it. */
static bool write_all(copy *c, day_objects *days, size_t day_count, error *err)
{
    for (;;) {
        error why = { 0 };
        bool works = copy_find_shapes(c, &why) && copy_grow_schema(c, days, day_count, &why);
        for (size_t i = 0; works && i < day_count; i++)
            works = copy_day_write(c, &days[i], &why);
        if (works)
            return true;
        writer_discard(c->table, c->files.items, c->files.count);
        writer_discard(c->table, c->dead.items, c->dead.count);
        c->files.count = c->dead.count = 0;
        c->counts = (expectation_counts){ 0 };
        c->bad_lines = 0;
        if (why.code == ERR_CANCELLED || why.code == ERR_LIMIT) {
            *err = why;
            return false;
        }
        size_t found = c->has_faults;
        c->has_faults = false;
        for (size_t i = 0; i < day_count; i++) {
            if (days[i].scan)
                text_scan_check(days[i].scan);
            found += copy_day_note_faults(c, &days[i]);
        }
        if (found + copy_find_faults(c) == 0) {
            *err = why;
            return false;
        }
    }
}

static int by_day_and_kind(const void *x, const void *y)
{
    const run_object *p = x, *q = y;
    int64_t d = p->object.event_us / us_per_day, e = q->object.event_us / us_per_day;
    if (d != e)
        return d < e ? -1 : 1;
    return p->is_text != q->is_text ? (p->is_text ? -1 : 1)
                                    : str_compare(p->object.uri, q->object.uri);
}

static store_object version_of(const run_object *o)
{
    return (store_object){ o->object.uri, o->object.size_bytes, o->object.modified_us,
                           o->object.etag };
}

/* Copy what is remote, many at a time. */
static bool stage(copy *c, store *s, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    store_object *objects = arena_array_of(scratch, store_object, c->object_count);
    for (size_t i = 0; i < c->object_count; i++)
        objects[i] = version_of(&c->objects[i]);
    if (store_prefetch_objects(s, objects, c->object_count, err))
        return true;
    if (err->code != ERR_NOT_FOUND && err->code != ERR_CONFLICT)
        return false;
    error_clear(err); /* find_copy says of which */
    return true;
}

/* An object that was listed may be gone, or another, by now: it is set aside, and its next version
 * is a new object. */
static bool find_copy(copy *c, store *s, run_object *o, error *err)
{
    store_object version = version_of(o);
    error why = { 0 };
    o->path = STR("");
    o->shown = store_path_of_uri(o->object.uri);
    if (store_local_copy(s, c->arena, &version, &o->path, &why))
        return true;
    if (why.code != ERR_NOT_FOUND && why.code != ERR_CONFLICT) {
        *err = why;
        return false;
    }
    copy_set_fault(o, str_format(c->arena, COPY_GONE ": %s%c", why.message, 0).data);
    return true;
}

/* The copies have served. */
void copy_forget(copy *c)
{
    for (size_t i = 0; i < c->object_count; i++) {
        store_object version = version_of(&c->objects[i]);
        store_local_forget(home_store(c->job->home), &version);
    }
}

bool copy_load(copy *c, error *err)
{
    VEC(day_objects) days = { 0 };
    store *s = home_store(c->job->home);
    str type = copy_content_type(c->job);
    TRY(stage(c, s, err));
    for (size_t i = 0; i < c->object_count; i++) {
        TRY(stop_check(err));
        TRY(find_copy(c, s, &c->objects[i], err));
        if (c->objects[i].path.len == 0)
            continue;
        copy_look_at(c, s, &c->objects[i], type);
    }
    qsort(c->objects, c->object_count, sizeof *c->objects, by_day_and_kind);
    copy_publish_objects(c);
    bool works = true;
    for (size_t i = 0; works && i < c->object_count;) {
        day_objects d = { .day = (int32_t)(c->objects[i].object.event_us / us_per_day), .from = i };
        while (i < c->object_count && c->objects[i].object.event_us / us_per_day == d.day &&
               c->objects[i].is_text)
            i++;
        d.text_to = i;
        while (i < c->object_count && c->objects[i].object.event_us / us_per_day == d.day)
            i++;
        d.to = i;
        works = d.text_to == d.from || copy_day_open(c, &d, err);
        copy_day_note_faults(c, &d);
        vec_push(c->arena, &days, d);
    }
    works = works && write_all(c, days.items, days.count, err);
    copy_forget_unpacked(c);
    for (size_t i = 0; i < days.count; i++)
        text_scan_close(days.items[i].scan);
    return works &&
           stop_check(err); /* what failed because it was interrupted is no fault of a file */
}
