/* One run of a COPY job: plan, load, commit, done; a preview; and dead letters tried again. */
#include "base/clock.h"
#include "base/hash.h"
#include "pipeline/copy_internal.h"
#include "pipeline/dead_letter.h"

static bool commit(copy *c, int64_t run, state_run *done, error *err)
{
    arena *a = c->arena;
    for (size_t i = 0; i < c->files.count; i++)
        c->rows += c->files.items[i].row_count;
    str keys[] = { job_property(c->job, a, "run") };
    str values[] = { str_format(a, "%lld", (long long)run) };
    str summary_keys[] = { STR("floe.job"), STR("floe.job-id"), STR("floe.run") };
    str summary_values[] = { c->job->record.name, c->job->record.uuid, values[0] };
    iceberg_change change = { .operation = c->files.count ? STR("append") : STR(""),
                              .added = c->files.items,
                              .added_count = c->files.count,
                              .schema = c->has_new_columns ? c->schema : NULL,
                              .schema_base = c->table,
                              .property_keys = keys,
                              .property_values = values,
                              .property_count = 1,
                              .summary_keys = summary_keys,
                              .summary_values = summary_values,
                              .summary_count = 3,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    iceberg_table *after;
    TRY(catalog_commit(c->job->catalog, a, c->job->statement->table.namespace,
                       c->job->statement->table.name, &change, &after, err));
    done->snapshot_id = c->files.count ? iceberg_table_current(after)->id : 0;
    done->rows = c->rows;
    return true;
}

/* Write down what cannot be loaded; the rest of the run goes on without it. */
static bool note_faults(copy *c, int64_t run, error *err)
{
    VEC(state_object) bad = { 0 };
    for (size_t i = 0; i < c->object_count; i++) {
        run_object *o = &c->objects[i];
        o->object.fault = o->is_good ? STR("") : str_of(o->fault);
        if (!o->is_good)
            vec_push(c->arena, &bad, o->object);
    }
    return bad.count ? state_run_bad(home_state(c->job->home), c->job->record.id, run, bad.items,
                                     bad.count, err)
                     : true;
}

/* Others gave the table columns meanwhile: what was written has ids that are theirs now. */
static bool start_over(copy *c, error *err)
{
    iceberg_table *table;
    writer_discard(c->table, c->files.items, c->files.count);
    writer_discard(c->table, c->dead.items, c->dead.count);
    c->files.count = c->dead.count = 0;
    c->counts = (expectation_counts){ 0 };
    c->rows = 0;
    TRY(job_target(c->job, c->arena, &table, err));
    c->table = table;
    return true;
}

/* Until the commit stands. One that reports an error other than ERR_CONFLICT may stand all the
 * same: the next run's recovery asks the table. */
static bool load_and_commit(copy *c, state_run *done, error *err)
{
    enum { MOST_ATTEMPTS = 20 };
    str prefix = c->output_prefix;
    for (int number = 0;; number++) {
        if (number > 0)
            c->output_prefix = str_format(c->arena, STR_FMT "-%d", STR_ARG(prefix), number);
        bool works = copy_load(c, err) && (c->replay.len || note_faults(c, done->run, err));
        c->output_prefix = prefix;
        if (!works) {
            job_abandon(c->job, c->table, c->files.items, c->files.count, done->run);
            return false;
        }
        uint64_t started = clock_monotonic_us();
        if (commit(c, done->run, done, err)) {
            done->commit_us = (int64_t)(clock_monotonic_us() - started);
            return true;
        }
        if (err->code != ERR_CONFLICT || number >= MOST_ATTEMPTS)
            return false;
        error_clear(err);
        TRY(start_over(c, err));
    }
}

static bool finish(copy *c, state_run *done, job_progress *ret, error *err)
{
    state_object *all = arena_array_of(c->arena, state_object, c->object_count);
    size_t bad_count = 0;
    for (size_t i = 0; i < c->object_count; i++) {
        all[i] = c->objects[i].object;
        bad_count += !c->objects[i].is_good;
        done->bytes += c->objects[i].is_good ? (int64_t)all[i].size_bytes : 0;
    }
    bool is_replay = c->replay.len > 0;
    TRY(dead_letter_commit(c->job, c->arena, &c->dead, c->output_prefix, done->run, is_replay,
                           err));
    if (!is_replay)
        TRY(expectations_note(c->job, &c->counts, err));
    done->dropped = is_replay ? 0 : c->counts.dropped;
    TRY(state_run_done(home_state(c->job->home), c->job->record.id, done, err));
    if (is_replay)
        return true;
    TRY(copy_source_note_pending(c->job, err));
    copy_source_taken(c->job, all, c->object_count);
    *ret = (job_progress){ .did_work = true,
                           .rows = c->rows,
                           .objects = (int64_t)(c->object_count - bad_count),
                           .bad_objects = bad_count,
                           .bad_lines = c->bad_lines,
                           .has_more = ret->has_more };
    return true;
}

bool copy_preview(job *j, arena *a, str name, int64_t limit, error *err)
{
    enum { PREVIEW_FILES = 3 };
    copy c = { .job = j, .arena = a, .preview = name, .preview_limit = limit };
    state_object *objects;
    iceberg_table *table;
    bool has_more;
    TRY(copy_source_open(j, err));
    TRY(copy_register_functions(j, err));
    TRY(copy_source_find(j, a, &objects, &c.object_count, &has_more, err));
    c.object_count = c.object_count < PREVIEW_FILES ? c.object_count : PREVIEW_FILES;
    TRY(job_target(j, a, &table, err));
    c.table = table;
    c.objects = arena_array_of(a, run_object, c.object_count);
    for (size_t i = 0; i < c.object_count; i++)
        c.objects[i].object = objects[i];
    TRY(sql_run(j->connection, str_format(a, "DROP TABLE IF EXISTS " STR_FMT, STR_ARG(name)), err));
    TRY(copy_load(&c, err));
    return sql_run(j->connection,
                   str_format(a,
                              "CREATE TABLE IF NOT EXISTS " STR_FMT
                              " AS SELECT 'nothing new' AS \"note\" LIMIT 0",
                              STR_ARG(name)),
                   err);
}

/* The objects that dead letters came from and that are still there. */
static bool replay_objects(copy *c, error *err)
{
    batch *files;
    store *s = home_store(c->job->home);
    TRY(sql_query_all(c->job->connection, c->arena,
                      str_format(c->arena, "SELECT DISTINCT file FROM " STR_FMT " ORDER BY 1",
                                 STR_ARG(c->replay)),
                      &files, err));
    c->objects = arena_array_of(c->arena, run_object, files->rows);
    for (size_t i = 0; i < files->rows; i++) {
        str file = column_text(&files->columns[0], c->arena, i);
        str uri = str_contains(file, STR("://")) ? file : store_uri_of_path(c->arena, file);
        store_object found;
        error ignored = { 0 }; /* a file that is gone takes its dead letters with it */
        if (!store_stat(s, c->arena, uri, &found, &ignored))
            continue;
        c->objects[c->object_count++].object =
            (state_object){ .uri = uri,
                            .etag = str_copy(c->arena, found.etag),
                            .size_bytes = found.size_bytes,
                            .modified_us = found.modified_us,
                            .event_us = copy_source_event_time(c->job, &found) };
    }
    return true;
}

/* Load the dead letters again, as the job is now: what passes goes to the table, the rest stays. */
bool copy_replay(job *j, job_progress *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    copy c = { .job = j, .arena = a };
    iceberg_table *table;
    state_run done = { 0 };
    TRY(copy_register_functions(j, err));
    TRY(dead_letter_rows(j, a, &c.replay, err));
    if (c.replay.len == 0)
        return true;
    TRY(replay_objects(&c, err));
    TRY(job_target(j, a, &table, err));
    c.table = table;
    c.output_prefix = str_format(a, "p" STR_FMT, STR_ARG(str_slice(uuid_v4(a), 0, 18)));
    TRY(state_run_plan(home_state(j->home), j->record.id, NULL, 0, c.output_prefix, &done.run,
                       err));
    c.run = done.run;
    TRY(load_and_commit(&c, &done, err));
    ret->did_work = true;
    ret->rows = c.rows;
    return finish(&c, &done, ret, err);
}

bool copy_run(job *j, job_progress *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    copy c = { .job = j, .arena = a };
    state_object *objects;
    iceberg_table *table;
    state_run done = { 0 };
    *ret = (job_progress){ 0 };
    if (!j->source)
        TRY(copy_source_open(j, err));
    TRY(copy_register_functions(j, err));
    TRY(copy_source_find(j, a, &objects, &c.object_count, &ret->has_more, err));
    if (c.object_count == 0)
        return true;
    TRY(job_target(j, a, &table, err));
    c.table = table;
    c.objects = arena_array_of(a, run_object, c.object_count);
    for (size_t i = 0; i < c.object_count; i++)
        c.objects[i].object = objects[i];
    c.output_prefix = str_format(a, "r" STR_FMT, STR_ARG(str_slice(uuid_v4(a), 0, 18)));
    TRY(state_run_plan(home_state(j->home), j->record.id, objects, c.object_count, c.output_prefix,
                       &done.run, err));
    c.run = done.run;
    TRY(load_and_commit(&c, &done, err));
    for (size_t i = 0; i < c.files.count; i++)
        done.output_bytes += c.files.items[i].size_bytes;
    TRY(finish(&c, &done, ret, err));
    copy_forget(&c);
    return true;
}
