/* EXPLAIN, PREVIEW and REPLAY of a job: what its next run will do, what it would write, and what
 * was set aside once more. */
#include "base/clock.h"
#include "pipeline/execute_internal.h"
#include "pipeline/run_internal.h"

enum { SHOWN_FILES = 5 };

static bool open_job(context *x, state_job *record, job **ret, error *err)
{
    TRY(execute_find_job(x, record, err));
    return job_open(x->home, record, &(job_limits){ .is_look_only = true }, ret, err);
}

static bool explain_copy(job *j, arena *a, strbuf *out, error *err)
{
    state_object *objects;
    size_t count;
    bool has_more;
    uint64_t bytes = 0;
    const statement *s = j->statement;
    TRY(copy_source_open(j, err));
    TRY(copy_source_find(j, a, &objects, &count, &has_more, err));
    for (size_t i = 0; i < count; i++)
        bytes += objects[i].size_bytes;
    strbuf_format(out,
                  "read    " STR_FMT " objects of connection " STR_FMT ": %zu new%s, %.1f MB\n",
                  STR_ARG(s->type), STR_ARG(s->connection), count,
                  has_more ? " in this run, more behind" : "", (double)bytes / 1e6);
    for (size_t i = 0; i < count && i < SHOWN_FILES; i++)
        strbuf_format(out, "          " STR_FMT "  ($event_time " STR_FMT ")\n",
                      STR_ARG(objects[i].uri), STR_ARG(clock_format_us(a, objects[i].event_us)));
    if (count > SHOWN_FILES)
        strbuf_format(out, "          … %zu more\n", count - SHOWN_FILES);
    const option *o = option_find(s->options, "COLUMN_TRANSFORMATIONS");
    for (size_t i = 0; o && i < o->assignments.count; i++)
        strbuf_format(out, "compute " STR_FMT " = " STR_FMT "\n",
                      STR_ARG(o->assignments.items[i].column),
                      STR_ARG(o->assignments.items[i].expression));
    return true;
}

static void explain_expectations(const statement *s, strbuf *out)
{
    for (size_t i = 0; i < s->expectation_count; i++)
        strbuf_format(out, "expect  " STR_FMT ": " STR_FMT " (%s)\n",
                      STR_ARG(s->expectations[i].name), STR_ARG(s->expectations[i].predicate),
                      s->expectations[i].drops ? "else to the dead letters" : "else counted");
}

bool execute_explain_job(context *x, error *err)
{
    AUTO(job_close) job *j = NULL;
    state_job record;
    strbuf out = strbuf_new(x->arena);
    TRY(open_job(x, &record, &j, err));
    strbuf_format(&out, "job     " STR_FMT "%s, every %.0f s\n", STR_ARG(record.name),
                  record.is_paused ? " (paused)" : "", (double)job_interval_us(j, 60000000) / 1e6);
    if (j->statement->kind == STATEMENT_CREATE_COPY_JOB)
        TRY(explain_copy(j, x->arena, &out, err));
    else
        TRY(insert_explain(j, x->arena, &out, err));
    explain_expectations(j->statement, &out);
    strbuf_format(&out, "write   " STR_FMT "\n", STR_ARG(record.target));
    strbuf_add_c(&out, "commit  one snapshot; run number and position stand in the same commit");
    strbuf b = strbuf_new(x->arena);
    strbuf_add_c(&b, "SELECT unnest(string_split(");
    strbuf_add_sql_text(&b, strbuf_str(&out));
    strbuf_add_c(&b, ", chr(10))) AS \"plan\"");
    return execute_answer(x, strbuf_str(&b));
}

bool execute_preview_job(context *x, error *err)
{
    AUTO(job_close) job *j = NULL;
    state_job record;
    TRY(open_job(x, &record, &j, err));
    str name = str_format(x->arena, "memory.main.\"preview of %lld\"", (long long)record.id);
    if (j->statement->kind == STATEMENT_CREATE_COPY_JOB)
        TRY(copy_preview(j, x->arena, name, x->statement->limit, err));
    else
        TRY(insert_preview(j, x->arena, name, x->statement->limit, err));
    return execute_answer(x, str_format(x->arena, "SELECT * FROM " STR_FMT, STR_ARG(name)));
}

bool execute_replay_job(context *x, error *err)
{
    state_job j;
    TRY(execute_find_job(x, &j, err));
    value id = value_int(j.id);
    TRY(state_execute(home_state(x->home),
                      "DELETE FROM floe_objects WHERE job_id = ? AND state = 'bad'", &id, 1, err));
    TRY(state_execute(
        home_state(x->home),
        "INSERT INTO floe_job_state (job_id, pending_files, pending_bytes, replays) "
        "VALUES (?, 0, 0, 1) ON CONFLICT (job_id) DO UPDATE SET replays = replays + 1",
        &id, 1, err));
    return execute_say(x, true, "job " STR_FMT " tries again, at its next run, what was set aside",
                       STR_ARG(j.name));
}
