/* Lines that cannot be records: to the dead letters of the job. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "pipeline/copy_internal.h"
#include "pipeline/dead_letter.h"

bool copy_passes_bad_lines(const job *j)
{
    const option *o = option_find(j->statement->options, "BAD_LINES");
    return !o || !str_eq_nocase(o->text, STR("REFUSE_FILE"));
}

static void put_line(strbuf *b, const run_object *o, const bad_record *l)
{
    json_writer w = json_writer_new(b);
    json_put_object_begin(&w);
    json_put_key(&w, STR("file"));
    json_put_text(&w, o->shown);
    json_put_key(&w, STR("row"));
    json_put_int(&w, (int64_t)l->row);
    json_put_key(&w, STR("line"));
    json_put_int(&w, (int64_t)l->line);
    json_put_key(&w, STR("reason"));
    json_put_text(&w, l->reason);
    json_put_key(&w, STR("event_us"));
    json_put_int(&w, o->object.event_us);
    json_put_key(&w, STR("record"));
    json_put_text(&w, l->text);
    json_put_object_done(&w);
    strbuf_add_char(b, '\n');
}

/* The rows for the dead letters; of a replay those that were dead letters before. */
static str select_lines(copy *c, const char *path)
{
    strbuf b = strbuf_new(c->arena);
    strbuf_format(&b,
                  "SELECT DISTINCT file, \"row\", line, NULL::VARCHAR AS expectation, reason, "
                  "%lld::BIGINT AS run, make_timestamp(event_us) AS event_time, record FROM "
                  "read_json(",
                  (long long)c->run);
    strbuf_add_sql_text(&b, str_of(path));
    strbuf_add_c(&b, ", format = 'newline_delimited', columns = {file: 'VARCHAR', \"row\": "
                     "'BIGINT', line: 'BIGINT', reason: 'VARCHAR', event_us: 'BIGINT', record: "
                     "'VARCHAR'})");
    if (c->replay.len)
        strbuf_format(&b, " WHERE (file, \"row\") IN (SELECT file, \"row\" FROM " STR_FMT ")",
                      STR_ARG(c->replay));
    strbuf_add_c(&b, " ORDER BY file, \"row\"");
    return strbuf_str(&b);
}

static bool write_lines(copy *c, str lines, size_t count, str name, error *err)
{
    if (count == 0 || c->preview.len)
        return true;
    str folder = str_format(c->arena, STR_FMT "/tmp%c", STR_ARG(home_path(c->job->home)), 0);
    const char *path =
        str_format(c->arena, "%s/" STR_FMT "-bad.json%c", folder.data, STR_ARG(name), 0).data;
    bool works =
        folder_make(folder.data, err) && file_write_atomic(path, lines, err) &&
        dead_letter_write(c->job, c->arena, select_lines(c, path),
                          str_format(c->arena, STR_FMT "-bad", STR_ARG(name)), &c->dead, err);
    unlink(path);
    c->counts.dropped += (int64_t)count;
    c->bad_lines += (int64_t)count;
    return works;
}

bool copy_bad_lines_write(copy *c, const day_objects *d, str name, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    const text_bad_line *lines;
    size_t count = text_scan_bad_lines(d->scan, &lines);
    for (size_t i = 0; i < count; i++)
        put_line(&b, &c->objects[d->from + lines[i].file],
                 &(bad_record){ .row = lines[i].row,
                                .line = lines[i].line,
                                .text = lines[i].text,
                                .reason = lines[i].reason });
    return write_lines(c, strbuf_str(&b), count, name, err);
}

bool copy_bad_records_write(copy *c, const size_t *objects, size_t count, str name, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    size_t bad_count = 0;
    for (size_t i = 0; i < count; i++) {
        const run_object *o = &c->objects[objects[i]];
        for (size_t k = 0; k < o->bad_count; k++)
            put_line(&b, o, &o->bad[k]);
        bad_count += o->bad_count;
    }
    return write_lines(c, strbuf_str(&b), bad_count, name, err);
}
