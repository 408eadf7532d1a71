/* The place that a COPY job reads, and which of its objects are taken already. */
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/connection.h"
#include "pipeline/copy_source_internal.h"
#include "pipeline/state_select.h"
#include "worksheet/date_pattern.h"

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

static bool has_wildcard(str text)
{
    return str_find_char(text, '*') >= 0 || str_find_char(text, '?') >= 0;
}

/* Part LOCATION before the first folder with a wildcard. */
static void part_location(copy_source *s)
{
    str rest = s->location;
    size_t scheme = (size_t)(str_find(rest, STR("://")) + 3);
    for (size_t from = scheme; from < rest.len;) {
        ptrdiff_t slash = str_find_char(str_slice(rest, from, rest.len), '/');
        size_t to = slash < 0 ? rest.len : from + (size_t)slash;
        if (has_wildcard(str_slice(rest, from, to))) {
            s->wild = str_slice(rest, from, rest.len);
            s->location = str_slice(rest, 0, from > scheme ? from - 1 : from);
            return;
        }
        from = to + 1;
    }
}

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
        part_location(s);
        if (s->location.len <= STR("s3://").len)
            return worksheet_fail_at(j->worksheet, j->statement->connection_span, err,
                                     "the bucket needs a name: wildcards stand after it");
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
    part_location(s);
    return read_times(j, s, err);
}

/* What is common to all places: names and times that are the job's business. */
static bool read_times(job *j, copy_source *s, error *err)
{
    const option *start = option_find(j->statement->options, "START_FROM"),
                 *end = option_find(j->statement->options, "END_AT");
    s->pattern = text_option(j->statement, "DATE_PATTERN");
    s->suffix = text_option(j->statement, "FILE_SUFFIX");
    const option *delay = option_find(j->statement->options, "MAX_DELAY"),
                 *full = option_find(j->statement->options, "FULL_LISTING_INTERVAL");
    s->look_back_us = delay && delay->kind == OPTION_DURATION ? delay->us : 86400000000ll;
    s->full_every_us = full && full->kind == OPTION_DURATION ? full->us : 0;
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

static bool check_content_type(const worksheet *w, const statement *s, error *err)
{
    static const char *const types[] = { "AUTO", "CSV", "TSV", "JSON", "PARQUET", "AVRO" };
    const option *o = option_find(s->options, "CONTENT_TYPE");
    const option *type = o && o->kind == OPTION_NESTED ? option_find(o->nested, "TYPE") : o;
    if (!type || (type->kind != OPTION_WORD && type->kind != OPTION_TEXT))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq_nocase(type->text, str_of(types[i])))
            return true;
    return worksheet_fail_at(w, type->span, err,
                             "CONTENT_TYPE " STR_FMT
                             " is not read; AUTO, CSV, TSV, JSON, PARQUET and AVRO are",
                             STR_ARG(type->text));
}

/* Options inside of CONTENT_TYPE. */
static bool check_content_options(const worksheet *w, const statement *s, error *err)
{
    static const struct {
        const char *name;
        int kinds;
        const char *expects;
    } known[] = {
        { "TYPE", 1 << OPTION_WORD | 1 << OPTION_TEXT, "AUTO, CSV, TSV, JSON, PARQUET or AVRO" },
        { "INFER_TYPES", 1 << OPTION_BOOL, "TRUE or FALSE" },
        { "HEADER", 1 << OPTION_LIST, "a list of names, ('a', 'b')" },
        { "HEADER_LINE", 1 << OPTION_TEXT, "names, 'a, b'" },
        { "DELIMITER", 1 << OPTION_TEXT, "one character" },
        { "NULL_VALUE", 1 << OPTION_TEXT, "a text, '-'" },
        { "QUOTE_ESCAPE_CHAR", 1 << OPTION_TEXT, "one character" },
        { "MAX_COLUMNS", 1 << OPTION_NUMBER, "a whole number" },
    };
    const option *o = option_find(s->options, "CONTENT_TYPE");
    for (size_t i = 0; o && o->kind == OPTION_NESTED && i < o->nested.count; i++) {
        const option *x = &o->nested.items[i];
        size_t k = 0;
        while (k < ARRAY_LEN(known) && !str_eq(x->name, str_of(known[k].name)))
            k++;
        if (k == ARRAY_LEN(known))
            return worksheet_fail_at(w, x->span, err,
                                     "CONTENT_TYPE has no option " STR_FMT
                                     "; TYPE, INFER_TYPES, HEADER, HEADER_LINE, DELIMITER, "
                                     "NULL_VALUE, QUOTE_ESCAPE_CHAR and MAX_COLUMNS are",
                                     STR_ARG(x->name));
        bool is_long =
            k == 4 ? !str_eq(x->text, STR("\\t")) && x->text.len != 1 : k == 6 && x->text.len != 1;
        if (!(known[k].kinds >> x->kind & 1) || is_long)
            return worksheet_fail_at(w, x->span, err, "%s is %s", known[k].name, known[k].expects);
    }
    return true;
}

bool copy_source_check(const worksheet *w, const statement *s, error *err)
{
    const option *bad = option_find(s->options, "BAD_LINES"),
                 *packed = option_find(s->options, "COMPRESSION"),
                 *queue = option_find(s->options, "SQS_QUEUE_NAME");
    packing known;
    TRY(check_content_type(w, s, err) && check_content_options(w, s, err));
    if (bad && !str_eq_nocase(bad->text, STR("DEAD_LETTERS")) &&
        !str_eq_nocase(bad->text, STR("REFUSE_FILE")))
        return worksheet_fail_at(w, bad->span, err, "BAD_LINES is DEAD_LETTERS or REFUSE_FILE");
    if (packed && !copy_compression_find(packed->text, &known))
        return worksheet_fail_at(w, packed->span, err,
                                 "COMPRESSION " STR_FMT " is not read; AUTO, NONE, GZIP, ZSTD, "
                                 "BZIP2, SNAPPY and SNAPPY_UNFRAMED are",
                                 STR_ARG(packed->text));
    return !queue || str_eq(s->type, STR("S3")) ||
           worksheet_fail_at(w, queue->span, err, "SQS_QUEUE_NAME is for jobs that copy from S3");
}

bool copy_source_open(job *j, error *err)
{
    copy_source *s = memory_alloc(sizeof *s);
    j->source = s;
    s->arena = arena_new();
    s->taken = map_new(s->arena);
    s->gone = map_new(s->arena);
    s->date_roots = map_new(s->arena);
    s->found_arena = arena_new();
    s->found_uris = map_new(s->found_arena);
    TRY(read_options(j, s, err));
    str pattern = text_option(j->statement, "FILE_PATTERN");
    if (pattern.len) {
        if (regcomp(&s->file_pattern, str_to_c(s->arena, pattern), REG_EXTENDED | REG_NOSUB) != 0)
            return fail(err, ERR_INVALID, "FILE_PATTERN '" STR_FMT "' is not a regular expression",
                        STR_ARG(pattern));
        s->has_file_pattern = true;
    }
    s->store = home_store(j->home);
    str queue = text_option(j->statement, "SQS_QUEUE_NAME");
    return queue.len == 0 || j->limits.is_look_only || copy_events_open(j, queue, err);
}

void copy_source_close(copy_source *s)
{
    if (!s)
        return;
    if (s->has_file_pattern)
        regfree(&s->file_pattern);
    copy_events_close(s->events);
    arena_free(s->found_arena);
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

static str below_location(const copy_source *s, str uri)
{
    str below = str_slice(uri, s->location.len, uri.len);
    return below.len && below.data[0] == '/' ? str_slice(below, 1, below.len) : below;
}

/* The time in the path by DATE_PATTERN, made finer by the time in the name when that lies in the
 * same day; else the time in the name; else the modification time. */
int64_t copy_source_time(const copy_source *s, const store_object *object)
{
    str below = below_location(s, object->uri);
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
    return copy_source_time(j->source, object);
}

/* "*" stands for any text and "?" for any character. */
bool copy_source_folder_matches(str wild, str name)
{
    size_t w = 0, n = 0, star = SIZE_MAX, resume = 0;
    while (n < name.len) {
        if (w < wild.len && wild.data[w] == '*') {
            star = w++;
            resume = n;
        } else if (w < wild.len && (wild.data[w] == '?' || wild.data[w] == name.data[n])) {
            w++;
            n++;
        } else if (star != SIZE_MAX) {
            w = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (w < wild.len && wild.data[w] == '*')
        w++;
    return w == wild.len;
}

bool copy_source_is_in_place(const copy_source *s, str uri)
{
    str below = below_location(s, uri), wild = s->wild;
    if (!str_starts_with(uri, s->location) ||
        (uri.len > s->location.len && uri.data[s->location.len] != '/'))
        return false;
    while (wild.len) {
        if (!copy_source_folder_matches(str_cut(&wild, '/'), str_cut(&below, '/')))
            return false;
    }
    return true;
}

bool copy_source_wants(const copy_source *s, const store_object *object)
{
    const state_object *known = map_get(&s->taken, object->uri);
    if (known == &loaded_mark || (known && str_eq(known->etag, object->etag)))
        return false;
    if (s->suffix.len && !str_ends_with(object->uri, s->suffix))
        return false;
    if (!s->has_file_pattern)
        return true;
    AUTO(arena_free) arena *scratch = arena_new();
    str below = str_slice(object->uri, s->location.len, object->uri.len);
    return regexec(&s->file_pattern, str_to_c(scratch, below), 0, NULL, 0) == 0;
}

bool copy_source_read_ledger(job *j, error *err)
{
    copy_source *s = j->source;
    if (!s->is_ledger_read)
        TRY(state_objects(home_state(j->home), j->record.id, take_from_ledger, s, err));
    s->is_ledger_read = true;
    return true;
}

bool copy_source_note_pending(job *j, error *err)
{
    const copy_source *s = j->source;
    int64_t bytes = 0;
    for (size_t i = s->found_at; i < s->found.count; i++)
        bytes += (int64_t)s->found.items[i].size_bytes;
    value parameters[] = { value_int(j->record.id),
                           value_int((int64_t)(s->found.count - s->found_at)), value_int(bytes) };
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
    j->source->is_out = false;
    copy_events_settle(j->source);
}
