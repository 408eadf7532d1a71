/* The UI's files over HTTP, and what Neo4j Browser asks of the same address. */
#include "server/ui.h"

#include <string.h>

#include "server/exchange.h"

/* Styles too come from files alone: what scripts set goes through the object model. */
#define PAGE_HEADERS                                                                               \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "img-src 'self' data: blob:; font-src 'self'; worker-src 'self'; connect-src 'self'; "         \
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"           \
    "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"                                    \
    "Cross-Origin-Opener-Policy: same-origin\r\n"

#define NO_UI                                                                                      \
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Floe</title>"                 \
    "<h1>Floe is running</h1><p>This binary was built without the browser UI. "                    \
    "<code>make ui build</code> in the source folder builds and embeds it.</p>"                    \
    "<p>The HTTP interface (<code>docs/http-api.md</code>), Gremlin and Bolt are "                 \
    "there.</p></html>\n"

static const ui_file *find(str path)
{
    size_t low = 0, high = ui_file_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(str_of(ui_files[middle].path), path);
        if (order == 0)
            return &ui_files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void send(http_request *r, const ui_file *f)
{
    bool is_packed = f->packed && http_accepts(r->accept_encoding, STR("gzip"));
    /* Names of assets carry a hash of their content. */
    bool is_fixed = str_starts_with(str_of(f->path), STR("/assets/"));
    str headers = str_format(
        r->arena, "%sETag: %s\r\nVary: Accept-Encoding\r\nCache-Control: %s\r\n%s", PAGE_HEADERS,
        f->etag, is_fixed ? "public, max-age=31536000, immutable" : "no-cache",
        is_packed ? "Content-Encoding: gzip\r\n" : "");
    if (str_contains(r->if_none_match, str_of(f->etag)))
        http_reply(r, 304, STR(""), headers, STR(""));
    else
        http_reply(r, 200, str_of(f->type), headers,
                   is_packed ? (str){ (const char *)f->packed, f->packed_len }
                             : (str){ (const char *)f->bytes, f->len });
}

/* What Neo4j Browser reads to find Bolt. */
static void send_discovery(server *s, http_request *r)
{
    str host = r->host;
    if (host.len && host.data[0] == '[')
        host = str_slice(host, 0, (size_t)(str_find_char(host, ']') + 1));
    else
        host = str_cut(&host, ':');
    const char *tls = s->options.tls_cert.len ? "+s" : "";
    str body = str_format(
        r->arena,
        "{\"bolt_direct\":\"bolt%s://" STR_FMT ":%d\",\"bolt_routing\":\"neo4j%s://" STR_FMT
        ":%d\",\"neo4j_version\":\"5.4.0\",\"neo4j_edition\":\"community\"}\n",
        tls, STR_ARG(host), server_bolt_port(s), tls, STR_ARG(host), server_bolt_port(s));
    http_reply(r, 200, STR("application/json"), STR("Access-Control-Allow-Origin: *\r\n"), body);
}

void ui_answer(server *s, http_request *r)
{
    const ui_file *f = find(str_eq(r->path, STR("/")) ? STR("/index.html") : r->path);
    if (str_eq(r->path, STR("/")) && http_accepts(r->accept, STR("application/json")) &&
        !http_accepts(r->accept, STR("text/html")))
        send_discovery(s, r);
    else if (f)
        send(r, f);
    else if (str_find_char(r->path, '.') >= 0)
        http_reply(
            r, 404, STR("application/json"), STR(""),
            STR("{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"there is no such file\"}}\n"));
    else if (find(STR("/index.html")))
        send(r, find(STR("/index.html")));
    else
        http_reply(r, 200, STR("text/html; charset=utf-8"), STR(PAGE_HEADERS), STR(NO_UI));
    http_request_free(r);
}
