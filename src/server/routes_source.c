/* /api/source: what lies under a connection, and the lines around a fault of a job's file. */
#include <string.h>

#include "base/vec.h"
#include "column/inflate.h"
#include "pipeline/connection.h"
#include "server/exchange.h"

enum { OBJECTS_MOST = 20000, ENTRIES_MOST = 1000, LINES_AROUND = 2, LINE_BYTES = 2000 };

/* ---- One level of a connection ---- */

typedef struct entry {
    str name; /* of a folder with '/' at the end */
    uint64_t objects, bytes;
    int64_t modified_us; /* the newest */
} entry;

typedef struct browse {
    arena *arena;
    size_t prefix_len;
    VEC(entry) entries;
    uint64_t objects;
    bool is_cut; /* there is more than was looked at */
} browse;

/* Objects come in name order, so those of one folder come together. */
static bool visit_object(void *context, const store_object *o, error *err)
{
    browse *b = context;
    str rest = str_slice(o->uri, b->prefix_len, o->uri.len);
    while (rest.len && rest.data[0] == '/')
        rest = str_slice(rest, 1, rest.len);
    ptrdiff_t slash = str_find_char(rest, '/');
    str name = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash + 1);
    entry *last = b->entries.count ? &b->entries.items[b->entries.count - 1] : NULL;
    if (++b->objects > OBJECTS_MOST ||
        (b->entries.count == ENTRIES_MOST && last && !str_eq(last->name, name))) {
        b->is_cut = true;
        return fail(err, ERR_LIMIT, "there are more objects");
    }
    if (!last || !str_eq(last->name, name)) {
        vec_push(b->arena, &b->entries, (entry){ .name = str_copy(b->arena, name) });
        last = &b->entries.items[b->entries.count - 1];
    }
    last->objects++;
    last->bytes += o->size_bytes;
    if (o->modified_us > last->modified_us)
        last->modified_us = o->modified_us;
    return true;
}

static bool has_parent_step(str path)
{
    while (path.len)
        if (str_eq(str_cut(&path, '/'), STR("..")))
            return true;
    return false;
}

/* The URI of `path` within a connection, whose store settings hold from then on. */
static bool place_of(exchange *x, str name, str path, str *ret, error *err)
{
    state_connection c;
    bool is_found;
    home *h = x->server->home;
    TRY(state_connection_get(home_state(h), x->arena, name, &c, &is_found, err));
    if (!is_found)
        return fail(err, ERR_NOT_FOUND, "there is no connection '" STR_FMT "'", STR_ARG(name));
    if (has_parent_step(path))
        return fail(err, ERR_INVALID, "path '" STR_FMT "' leads out of the connection",
                    STR_ARG(path));
    if (str_eq(c.type, STR("FILE"))) {
        *ret = store_uri_of_path(x->arena, path.len ? str_format(x->arena, STR_FMT "/" STR_FMT,
                                                                 STR_ARG(c.root), STR_ARG(path))
                                                    : c.root);
        return true;
    }
    if (!str_eq(c.type, STR("S3")))
        return fail(err, ERR_INVALID, "a connection of type " STR_FMT " holds no files",
                    STR_ARG(c.type));
    if (!str_starts_with(path, STR("s3://")) || path.len <= 5)
        return fail(err, ERR_INVALID, "path in S3 is s3://bucket/prefix, not '" STR_FMT "'",
                    STR_ARG(path));
    *ret = path;
    return connection_serve(h, c.name, path, false, err);
}

static void send_entries(exchange *x, const browse *b)
{
    json_reply r;
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("isCut"));
    json_put_bool(&r.out, b->is_cut);
    json_put_key(&r.out, STR("entries"));
    json_put_array_begin(&r.out);
    for (size_t i = 0; i < b->entries.count; i++) {
        const entry *e = &b->entries.items[i];
        json_put_object_begin(&r.out);
        json_put_key(&r.out, STR("name"));
        json_put_text(&r.out, e->name);
        json_put_key(&r.out, STR("objects"));
        json_put_int(&r.out, (int64_t)e->objects);
        json_put_key(&r.out, STR("bytes"));
        json_put_int(&r.out, (int64_t)e->bytes);
        json_put_key(&r.out, STR("modifiedUs"));
        json_put_int(&r.out, e->modified_us);
        json_put_object_done(&r.out);
    }
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
}

static bool show_entries(exchange *x, error *err)
{
    str prefix;
    browse b = { .arena = x->arena };
    error why = { 0 };
    TRY(place_of(x, http_argument(x->request, STR("connection"), STR("")),
                 http_argument(x->request, STR("path"), STR("")), &prefix, err));
    while (prefix.len && prefix.data[prefix.len - 1] == '/')
        prefix.len--;
    b.prefix_len = prefix.len;
    if (!store_list(home_store(x->server->home), prefix, visit_object, &b, &why) && !b.is_cut) {
        *err = why;
        return false;
    }
    send_entries(x, &b);
    return true;
}

/* ---- Lines of a file ---- */

typedef struct find_object {
    arena *arena;
    str uri;
    store_object found;
    bool is_found;
} find_object;

static void match_object(void *context, const state_object *o, str state)
{
    find_object *f = context;
    (void)state;
    if (!str_eq(o->uri, f->uri))
        return;
    f->is_found = true;
    f->found = (store_object){ .uri = f->uri,
                               .size_bytes = o->size_bytes,
                               .modified_us = o->modified_us,
                               .etag = str_copy(f->arena, o->etag) };
}

/* Only files that the job has looked at can be looked into; dead letters name local ones by path.
 */
static bool local_file(exchange *x, str *ret_path, error *err)
{
    state_job job;
    bool is_found;
    home *h = x->server->home;
    str name = http_argument(x->request, STR("job"), STR(""));
    str uri = http_argument(x->request, STR("uri"), STR(""));
    find_object f = { .arena = x->arena,
                      .uri =
                          str_starts_with(uri, STR("/")) ? store_uri_of_path(x->arena, uri) : uri,
                      .is_found = false };
    TRY(state_job_get(home_state(h), x->arena, name, &job, &is_found, err));
    if (!is_found)
        return fail(err, ERR_NOT_FOUND, "there is no job '" STR_FMT "'", STR_ARG(name));
    TRY(state_objects(home_state(h), job.id, match_object, &f, err));
    if (!f.is_found)
        return fail(err, ERR_NOT_FOUND, "job " STR_FMT " has not met " STR_FMT, STR_ARG(name),
                    STR_ARG(f.uri));
    return store_local_copy(home_store(h), x->arena, &f.found, ret_path, err);
}

typedef struct line_window {
    int64_t at, low, high; /* the line that is read; those that are kept */
    strbuf line;
    bool has_text; /* of the current line */
    json_writer *out;
} line_window;

static void end_line(line_window *w)
{
    if (w->at >= w->low && w->at <= w->high) {
        json_put_object_begin(w->out);
        json_put_key(w->out, STR("line"));
        json_put_int(w->out, w->at);
        json_put_key(w->out, STR("text"));
        json_put_text(w->out, str_trim(strbuf_str(&w->line)));
        json_put_object_done(w->out);
    }
    w->line.len = 0;
    w->has_text = false;
    w->at++;
}

static void add_text(line_window *w, str text)
{
    while (text.len && w->at <= w->high) {
        ptrdiff_t end = str_find_char(text, '\n');
        str part = end < 0 ? text : str_slice(text, 0, (size_t)end);
        if (w->at >= w->low && w->line.len < LINE_BYTES)
            strbuf_add(&w->line, str_slice(part, 0, LINE_BYTES - w->line.len));
        w->has_text = true;
        if (end < 0)
            return;
        end_line(w);
        text = str_slice(text, (size_t)end + 1, text.len);
    }
}

/* The lines from `low` to `high`; what is damaged ends them and is said, as that is what was asked.
 */
static bool put_lines(exchange *x, inflate_reader *reader, line_window *w, error *err)
{
    enum { CHUNK = 1 << 16 };
    error why = { 0 };
    size_t count = 0;
    char *bytes = arena_array_of(x->arena, char, CHUNK);
    json_put_key(w->out, STR("lines"));
    json_put_array_begin(w->out);
    do {
        if (!inflate_read(reader, bytes, CHUNK, &count, &why))
            break;
        add_text(w, (str){ bytes, count });
        if (stream_is_gone(x->request->stream))
            return fail(err, ERR_CANCELLED, "the client left");
    } while (count && w->at <= w->high);
    if (w->has_text)
        end_line(w);
    json_put_array_done(w->out);
    if (why.code) {
        json_put_key(w->out, STR("broken"));
        json_put_text(w->out, str_of(why.message));
    }
    return true;
}

static bool show_lines(exchange *x, error *err)
{
    AUTO(inflate_close) inflate_reader *reader = NULL;
    int64_t line;
    str path, asked = http_argument(x->request, STR("line"), STR("1"));
    json_reply r;
    if (!str_to_i64(asked, &line) || line < 1)
        return fail(err, ERR_INVALID, "line is a number from 1, not '" STR_FMT "'", STR_ARG(asked));
    TRY(local_file(x, &path, err));
    TRY(inflate_open(path, PACKING_AUTO, &reader, err));
    json_reply_begin(&r, x);
    line_window w = { .at = 1,
                      .low = line - LINES_AROUND,
                      .high = line + LINES_AROUND,
                      .line = strbuf_new(x->arena),
                      .out = &r.out };
    json_put_object_begin(&r.out);
    TRY(put_lines(x, reader, &w, err));
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

const route source_routes[] = {
    { HTTP_GET, "/api/source/list", show_entries, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/source/lines", show_lines, NEEDS_SIGN_IN },
};
const size_t source_route_count = ARRAY_LEN(source_routes);
