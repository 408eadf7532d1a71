/* Which objects a COPY job has yet to load: listings, held against what is taken.
 *
 * With a DATE_PATTERN not every look lists everything. A full listing, at the start and now and
 * then, finds whatever came late or out of order and learns in which folders dates begin; looks in
 * between list the newest days of those. What was found and left for later runs is not listed
 * again. */
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/copy_source_internal.h"
#include "worksheet/date_pattern.h"

enum { MOST_LISTED_DAYS = 800, LISTING_SHARE = 20 };
static const int64_t us_per_day = 86400000000ll, us_per_minute = 60000000;

typedef VEC(str) uris;

/* ---- Where to look ---- */

typedef struct folder_search {
    arena *arena;
    str wild;
    uris found;
} folder_search;

static bool find_folder(void *context, const store_object *folder, error *err)
{
    folder_search *f = context;
    (void)err;
    str uri = str_slice(folder->uri, 0, folder->uri.len - 1);
    str name = str_slice(uri, (size_t)(str_rfind_char(uri, '/') + 1), uri.len);
    if (copy_source_folder_matches(f->wild, name))
        vec_push(f->arena, &f->found, str_copy(f->arena, uri));
    return true;
}

/* The folders that LOCATION stands for, one level of it after the other. */
static bool find_roots(copy_source *s, arena *a, uris *ret, error *err)
{
    vec_push(a, ret, s->location);
    for (str rest = s->wild; rest.len;) {
        folder_search f = { .arena = a, .wild = str_cut(&rest, '/') };
        bool has_wildcard = str_find_char(f.wild, '*') >= 0 || str_find_char(f.wild, '?') >= 0;
        for (size_t i = 0; i < ret->count; i++) {
            error why = { 0 };
            if (!has_wildcard) {
                vec_push(
                    a, &f.found,
                    str_format(a, STR_FMT "/" STR_FMT, STR_ARG(ret->items[i]), STR_ARG(f.wild)));
            } else if (!store_list_folders(s->store, ret->items[i], find_folder, &f, &why) &&
                       (why.code != ERR_NOT_FOUND || ret->items[i].len == s->location.len)) {
                *err = why;
                return false;
            }
        }
        *ret = f.found;
    }
    return true;
}

/* The folders of these days below each root. */
static void add_days(const copy_source *s, arena *a, const uris *roots, int32_t from, int32_t to,
                     map *seen, uris *ret)
{
    for (int32_t day = from; day <= to; day++) {
        str folder = date_pattern_folder(a, s->pattern, day);
        for (size_t i = 0; i < roots->count; i++) {
            str uri = str_format(a, STR_FMT "/" STR_FMT, STR_ARG(roots->items[i]), STR_ARG(folder));
            if (map_has(seen, uri)) /* a pattern that ends with the month */
                continue;
            map_set(seen, uri, seen);
            vec_push(a, ret, uri);
        }
    }
}

static int32_t day_of(int64_t us)
{
    return (int32_t)(us / us_per_day);
}

/* Whether days have folders of their own, so that some can be listed without the others. */
static bool has_day_folders(const copy_source *s, arena *a)
{
    return s->pattern.len && date_pattern_folder(a, s->pattern, 0).len;
}

/* ---- Looking ---- */

static void note_date_root(copy_source *s, str uri)
{
    int64_t us;
    size_t at, from = s->location.len + 1;
    str below = from <= uri.len ? str_slice(uri, from, uri.len) : STR("");
    if (!date_pattern_find_at(s->pattern, below, &us, &at))
        return;
    str root = str_slice(uri, 0, from + at - 1);
    if (!map_has(&s->date_roots, root))
        map_set(&s->date_roots, str_copy(s->arena, root), s);
}

bool copy_find_object(void *source, const store_object *object, error *err)
{
    copy_source *s = source;
    (void)err;
    if (s->pattern.len)
        note_date_root(s, object->uri);
    if (!copy_source_wants(s, object) || map_has(&s->found_uris, object->uri))
        return true;
    arena *a = s->found_arena;
    state_object found = { .uri = str_copy(a, object->uri),
                           .etag = str_copy(a, object->etag),
                           .size_bytes = object->size_bytes,
                           .modified_us = object->modified_us,
                           .event_us = copy_source_time(s, object) };
    if (found.event_us < s->start_us || found.event_us >= s->end_us)
        return true;
    if (found.event_us > s->newest_us)
        s->newest_us = found.event_us;
    map_set(&s->found_uris, found.uri, s);
    vec_push(a, &s->found, found);
    return true;
}

/* Everything there is, or with START_FROM and wildcards the days since then. */
static bool list_all(copy_source *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    uris roots = { 0 }, days = { 0 };
    if (s->wild.len == 0)
        return store_list(s->store, s->location, copy_find_object, s, err);
    TRY(find_roots(s, a, &roots, err));
    int32_t to = day_of(clock_wall_us()) + 1;
    int64_t from = s->start_us / us_per_day - 1;
    if (from > to - MOST_LISTED_DAYS && has_day_folders(s, a)) {
        map seen = map_new(a);
        add_days(s, a, &roots, (int32_t)from, to, &seen, &days);
        roots = days;
    }
    return store_list_many(s->store, roots.items, roots.count, copy_find_object, s, err);
}

/* The days up to tomorrow, and those around the newest event where the logs' clock is behind. */
static bool list_newest(copy_source *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    uris roots = { 0 }, days = { 0 };
    map seen = map_new(a);
    for (size_t i = 0; i < s->date_roots.count; i++)
        vec_push(a, &roots, s->date_roots.entries[i].key);
    int64_t back = s->look_back_us / us_per_day + (s->look_back_us % us_per_day != 0);
    if (back > MOST_LISTED_DAYS)
        back = MOST_LISTED_DAYS;
    int32_t today = day_of(clock_wall_us()), newest = day_of(s->newest_us);
    add_days(s, a, &roots, today - (int32_t)back, today + 1, &seen, &days);
    if (newest < today - (int32_t)back)
        add_days(s, a, &roots, newest - 1, newest + 1, &seen, &days);
    return store_list_many(s->store, days.items, days.count, copy_find_object, s, err);
}

/* On a local disk a full listing may take a twentieth of the time; requests to S3 cost money. */
static bool is_full_due(const copy_source *s, int64_t now)
{
    int64_t least = store_is_local(s->location) ? 0
                    : s->events                 ? 60 * us_per_minute
                                                : 15 * us_per_minute;
    int64_t every = LISTING_SHARE * s->listing_us;
    if (every < least)
        every = least;
    if (s->full_every_us)
        every = s->full_every_us;
    return s->listed_us == 0 || now - s->listed_us >= every;
}

static int by_event_time(const void *x, const void *y)
{
    const state_object *p = x, *q = y;
    return p->event_us != q->event_us ? (p->event_us > q->event_us) - (p->event_us < q->event_us)
                                      : str_compare(p->uri, q->uri);
}

static bool look(copy_source *s, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    int64_t started = (int64_t)clock_monotonic_us();
    bool can_be_partial = s->events || has_day_folders(s, scratch);
    if (!can_be_partial || is_full_due(s, started)) {
        TRY(list_all(s, err));
        s->listed_us = (int64_t)clock_monotonic_us();
        s->listing_us = s->listed_us - started;
    } else if (!s->events) {
        TRY(list_newest(s, err));
    }
    if (s->events)
        TRY(copy_events_receive(s, err));
    if (s->found.count)
        qsort(s->found.items, s->found.count, sizeof *s->found.items, by_event_time);
    return true;
}

static void forget_found(copy_source *s)
{
    arena_reset(s->found_arena);
    s->found_uris = map_new(s->found_arena);
    s->found = (__typeof__(s->found)){ 0 };
    s->found_at = 0;
}

bool copy_source_find(job *j, arena *a, state_object **ret_objects, size_t *ret_count,
                      bool *ret_has_more, error *err)
{
    copy_source *s = j->source;
    TRY(copy_source_read_ledger(j, err));
    if (s->is_out) { /* the run that had them failed: everything is looked for again */
        forget_found(s);
        s->listed_us = 0;
        s->is_out = false;
    }
    if (s->found_at == s->found.count) {
        forget_found(s);
        if (!look(s, err)) {
            forget_found(s);
            return fail_while(err, "LOCATION of job " STR_FMT, STR_ARG(j->record.name));
        }
    }
    size_t most = j->limits.most_files ? j->limits.most_files : 4000, count = 0,
           left = s->found.count - s->found_at;
    uint64_t room = j->limits.most_bytes ? j->limits.most_bytes : 1ull << 30;
    state_object *objects = arena_array_of(a, state_object, left < most ? left : most);
    while (count < left && count < most) {
        const state_object *o = &s->found.items[s->found_at + count];
        if (count && o->size_bytes > room)
            break;
        room -= o->size_bytes < room ? o->size_bytes : room;
        objects[count] = *o;
        objects[count].uri = str_copy(a, o->uri);
        objects[count].etag = str_copy(a, o->etag);
        count++;
    }
    s->found_at += count;
    s->is_out = count > 0;
    *ret_objects = objects;
    *ret_count = count;
    *ret_has_more = s->found_at < s->found.count;
    if (count == 0)
        copy_events_settle(s);
    return true;
}
