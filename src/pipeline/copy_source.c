/* Which objects a COPY job has yet to load: a listing held against the ledger. */
#include <regex.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "pipeline/connection.h"
#include "pipeline/run_internal.h"
#include "pipeline/state_select.h"
#include "worksheet/date_pattern.h"

struct copy_source {
    arena *arena;
    store *store; /* the home's */
    str location; /* URI of the folder or file */
    str pattern;  /* DATE_PATTERN, or empty */
    str suffix;
    regex_t file_pattern;
    bool has_file_pattern;
    int64_t start_us, end_us; /* event times outside are not the job's business */
    map taken;                /* URI → its state_object, whose etag says which version */
    map gone;                 /* URI → how often it was listed, but not there */
    bool is_ledger_read;
    int64_t pending_files, pending_bytes; /* found and left for later runs */
};

static const state_object
    loaded_mark; /* stands for objects that are loaded: no version loads again */

/* Listings may be stale: what was not there is looked for again, a few times in one process. */
static bool is_tried_again(copy_source *s, const state_object *object, bool is_new)
{
    enum { MOST_TRIES = 3 };
    if (!str_starts_with(object->fault, STR(COPY_GONE)))
        return false;
    uintptr_t count = (uintptr_t)map_get(&s->gone, object->uri) + (is_new ? 1 : 0);
    map_set(&s->gone, str_copy(s->arena, object->uri), (void *)count);
    return count < MOST_TRIES;
}

static void take(copy_source *s, const state_object *object, bool is_bad)
{
    state_object *kept = arena_new_of(s->arena, state_object);
    kept->etag = str_copy(s->arena, object->etag);
    map_set(&s->taken, str_copy(s->arena, object->uri),
            is_bad ? kept : (void *)(uintptr_t)&loaded_mark);
}

static void take_from_ledger(void *context, const state_object *object, str object_state)
{
    bool is_bad = str_eq(object_state, STR("bad"));
    if (!is_bad || !is_tried_again(context, object, false))
        take(context, object, is_bad);
}

static str text_option(const statement *s, const char *name)
{
    const option *o = option_find(s->options, name);
    return o && o->kind == OPTION_TEXT ? o->text : STR("");
}

/* LOCATION = 's3://bucket/prefix/', or BUCKET = 'bucket' PREFIX = 'prefix'. */
static bool s3_location(job *j, copy_source *s, error *err)
{
    const option_list options = j->statement->source_options;
    const option *location = option_find(options, "LOCATION"),
                 *bucket = option_find(options, "BUCKET"), *prefix = option_find(options, "PREFIX");
    str key = prefix ? prefix->text : STR("");
    if (location) {
        if (!str_starts_with(location->text, STR("s3://")))
            return worksheet_fail_at(j->worksheet, location->span, err,
                                     "a LOCATION in S3 is 's3://bucket/prefix/'");
        s->location = location->text;
    } else if (bucket) {
        while (key.len && key.data[0] == '/')
            key = str_slice(key, 1, key.len);
        s->location =
            str_format(s->arena, "s3://" STR_FMT "/" STR_FMT, STR_ARG(bucket->text), STR_ARG(key));
    } else {
        return worksheet_fail_at(j->worksheet, j->statement->connection_span, err,
                                 "COPY FROM S3 needs LOCATION = 's3://bucket/prefix/'");
    }
    while (s->location.len && s->location.data[s->location.len - 1] == '/')
        s->location.len--;
    return true;
}

static bool read_times(job *j, copy_source *s, error *err);

static bool read_options(job *j, copy_source *s, error *err)
{
    const option *location = option_find(j->statement->source_options, "LOCATION");
    state_connection connection;
    bool is_found;
    TRY(state_connection_get(home_state(j->home), s->arena, j->statement->connection, &connection,
                             &is_found, err));
    if (!is_found)
        return worksheet_fail_at(j->worksheet, j->statement->connection_span, err,
                                 "there is no connection '" STR_FMT "'",
                                 STR_ARG(j->statement->connection));
    if (str_eq(connection.type, STR("S3"))) {
        TRY(s3_location(j, s, err));
        TRY(connection_serve(j->home, connection.name, s->location, false, err));
        return read_times(j, s, err);
    }
    if (!str_eq(connection.type, STR("FILE")))
        return fail(err, ERR_INVALID,
                    "connection '" STR_FMT "' is of type " STR_FMT
                    ", which this version cannot read: a FILE or S3 connection is needed",
                    STR_ARG(connection.name), STR_ARG(connection.type));
    str path = location ? location->text : STR("");
    if (str_starts_with(path, STR("file://")))
        path = str_slice(path, 7, path.len);
    while (str_starts_with(path, STR("./")))
        path = str_slice(path, 2, path.len);
    if (str_eq(path, STR(".")))
        path = STR("");
    if (path.len && path.data[0] == '/' && !str_starts_with(path, connection.root))
        return fail(err, ERR_INVALID,
                    "LOCATION '" STR_FMT "' lies outside the ROOT of connection '" STR_FMT
                    "', " STR_FMT,
                    STR_ARG(path), STR_ARG(connection.name), STR_ARG(connection.root));
    s->location = path.len && path.data[0] == '/'
                      ? str_format(s->arena, "file://" STR_FMT, STR_ARG(path))
                  : path.len ? str_format(s->arena, "file://" STR_FMT "/" STR_FMT,
                                          STR_ARG(connection.root), STR_ARG(path))
                             : str_format(s->arena, "file://" STR_FMT, STR_ARG(connection.root));
    while (s->location.len > 8 && s->location.data[s->location.len - 1] == '/')
        s->location.len--;
    return read_times(j, s, err);
}

/* What is common to all places: names and times that are the job's business. */
static bool read_times(job *j, copy_source *s, error *err)
{
    const option *start = option_find(j->statement->options, "START_FROM"),
                 *end = option_find(j->statement->options, "END_AT");
    s->pattern = text_option(j->statement, "DATE_PATTERN");
    s->suffix = text_option(j->statement, "FILE_SUFFIX");
    s->start_us = INT64_MIN;
    s->end_us = INT64_MAX;
    if (start)
        s->start_us = start->kind == OPTION_TIMESTAMP          ? start->us
                      : str_eq_nocase(start->text, STR("NOW")) ? j->record.created_us
                                                               : INT64_MIN;
    if (end)
        s->end_us = end->kind == OPTION_TIMESTAMP ? end->us : j->record.created_us;
    return s->pattern.len ? date_pattern_check(s->pattern, err) : true;
}

bool copy_source_open(job *j, error *err)
{
    copy_source *s = memory_alloc(sizeof *s);
    j->source = s;
    s->arena = arena_new();
    s->taken = map_new(s->arena);
    s->gone = map_new(s->arena);
    TRY(read_options(j, s, err));
    str pattern = text_option(j->statement, "FILE_PATTERN");
    if (pattern.len) {
        if (regcomp(&s->file_pattern, str_to_c(s->arena, pattern), REG_EXTENDED | REG_NOSUB) != 0)
            return fail(err, ERR_INVALID, "FILE_PATTERN '" STR_FMT "' is not a regular expression",
                        STR_ARG(pattern));
        s->has_file_pattern = true;
    }
    s->store = home_store(j->home);
    return true;
}

void copy_source_close(copy_source *s)
{
    if (!s)
        return;
    if (s->has_file_pattern)
        regfree(&s->file_pattern);
    arena_free(s->arena);
    free(s);
}

/* AWS's names carry the time: <acct>_vpcflowlogs_<region>_<fl-id>_20240421T1825Z_<hash>.log.gz */
static bool time_in_name(str name, int64_t *ret_us)
{
    for (size_t i = 0; i + 15 <= name.len; i++) {
        const char *c = name.data + i;
        uint64_t date, time;
        if (c[0] != '_' || c[9] != 'T' || c[14] != 'Z' ||
            !str_to_u64(str_slice(name, i + 1, i + 9), &date) ||
            !str_to_u64(str_slice(name, i + 10, i + 14), &time))
            continue;
        int year = (int)(date / 10000), month = (int)(date / 100 % 100), day = (int)(date % 100);
        if (month < 1 || month > 12 || day < 1 || day > 31 || time / 100 > 23 || time % 100 > 59)
            continue;
        *ret_us = ((int64_t)clock_days_of(year, month, day) * 1440 +
                   (int64_t)(time / 100 * 60 + time % 100)) *
                  60000000;
        return true;
    }
    return false;
}

/* The time in the path by DATE_PATTERN, made finer by the time in the name when that lies in the
 * same day; else the time in the name; else the modification time. */
static int64_t event_time(const copy_source *s, const store_object *object)
{
    str below = str_slice(object->uri, s->location.len, object->uri.len);
    if (below.len && below.data[0] == '/')
        below = str_slice(below, 1, below.len);
    str name =
        str_slice(object->uri, (size_t)(str_rfind_char(object->uri, '/') + 1), object->uri.len);
    int64_t path_us, name_us;
    bool has_path = s->pattern.len && date_pattern_find(s->pattern, below, &path_us);
    bool has_name = time_in_name(name, &name_us);
    if (has_path && has_name && path_us / 86400000000ll == name_us / 86400000000ll)
        return name_us > path_us ? name_us : path_us;
    return has_path ? path_us : has_name ? name_us : object->modified_us;
}

int64_t copy_source_event_time(job *j, const store_object *object)
{
    return event_time(j->source, object);
}

typedef struct finding {
    job *job;
    copy_source *source;
    arena *arena;
    VEC(state_object) objects;
} finding;

static bool find_object(void *context, const store_object *object, error *err)
{
    (void)err;
    finding *f = context;
    copy_source *s = f->source;
    const state_object *known = map_get(&s->taken, object->uri);
    if (known == &loaded_mark || (known && str_eq(known->etag, object->etag)))
        return true;
    if (s->suffix.len && !str_ends_with(object->uri, s->suffix))
        return true;
    if (s->has_file_pattern) {
        AUTO(arena_free) arena *scratch = arena_new();
        if (regexec(&s->file_pattern,
                    str_to_c(scratch, str_slice(object->uri, s->location.len, object->uri.len)), 0,
                    NULL, 0) != 0)
            return true;
    }
    state_object found = { .uri = str_copy(f->arena, object->uri),
                           .etag = str_copy(f->arena, object->etag),
                           .size_bytes = object->size_bytes,
                           .modified_us = object->modified_us,
                           .event_us = event_time(s, object) };
    if (found.event_us >= s->start_us && found.event_us < s->end_us)
        vec_push(f->arena, &f->objects, found);
    return true;
}

static int by_event_time(const void *x, const void *y)
{
    const state_object *p = x, *q = y;
    return p->event_us != q->event_us ? (p->event_us > q->event_us) - (p->event_us < q->event_us)
                                      : str_compare(p->uri, q->uri);
}

bool copy_source_find(job *j, arena *a, state_object **ret_objects, size_t *ret_count,
                      bool *ret_has_more, error *err)
{
    copy_source *s = j->source;
    if (!s->is_ledger_read) {
        TRY(state_objects(home_state(j->home), j->record.id, take_from_ledger, s, err));
        s->is_ledger_read = true;
    }
    finding f = { .job = j, .source = s, .arena = a };
    if (!store_list(s->store, s->location, find_object, &f, err))
        return fail_while(err, "LOCATION of job " STR_FMT, STR_ARG(j->record.name));
    if (f.objects.count)
        qsort(f.objects.items, f.objects.count, sizeof *f.objects.items, by_event_time);
    size_t most = j->limits.most_files ? j->limits.most_files : 4000, count = 0;
    uint64_t room = j->limits.most_bytes ? j->limits.most_bytes : 1ull << 30;
    while (count < f.objects.count && count < most &&
           (count == 0 || f.objects.items[count].size_bytes <= room)) {
        room -= f.objects.items[count].size_bytes < room ? f.objects.items[count].size_bytes : room;
        count++;
    }
    *ret_objects = f.objects.items;
    *ret_count = count;
    *ret_has_more = count < f.objects.count;
    s->pending_files = (int64_t)(f.objects.count - count);
    s->pending_bytes = 0;
    for (size_t i = count; i < f.objects.count; i++)
        s->pending_bytes += (int64_t)f.objects.items[i].size_bytes;
    return true;
}

bool copy_source_note_pending(job *j, error *err)
{
    value parameters[] = { value_int(j->record.id), value_int(j->source->pending_files),
                           value_int(j->source->pending_bytes) };
    return state_execute(home_state(j->home),
                         "INSERT INTO floe_job_state (job_id, pending_files, pending_bytes) VALUES "
                         "(?, ?, ?) ON CONFLICT (job_id) DO UPDATE SET pending_files = "
                         "excluded.pending_files, pending_bytes = excluded.pending_bytes",
                         parameters, 3, err);
}

void copy_source_taken(job *j, const state_object *objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_tried_again(j->source, &objects[i], true))
            take(j->source, &objects[i], objects[i].fault.len > 0);
}
