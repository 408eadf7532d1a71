/* Elements of XML over expat. */
#include "store/xml.h"

#include <expat.h>

#include "base/arena.h"

enum { DEEPEST = 16, LONGEST_TEXT = 64 << 10, LONGEST_NAME = 128 };

typedef struct reader {
    XML_Parser parser;
    xml_visit visit;
    void *context;
    error *err;
    char names[DEEPEST][LONGEST_NAME];
    int depth;
    bool has_children;
    arena *arena;
    strbuf text;
    const char *fault;
} reader;

static void stop(reader *r, const char *fault)
{
    r->fault = fault;
    XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *context, const char *name, const char **attributes)
{
    reader *r = context;
    (void)attributes;
    const char *colon = strrchr(name, ':');
    name = colon ? colon + 1 : name;
    if (r->depth == DEEPEST || strlen(name) >= LONGEST_NAME) {
        stop(r, "elements are nested too deep, or a name is too long");
        return;
    }
    memcpy(r->names[r->depth++], name, strlen(name) + 1);
    r->has_children = false;
    r->text.len = 0;
}

static void on_end(void *context, const char *name)
{
    reader *r = context;
    (void)name;
    if (r->depth == 0 || r->err->code != ERR_NONE || r->fault)
        return;
    r->depth--;
    str parent = r->depth ? str_of(r->names[r->depth - 1]) : STR("");
    str text = r->has_children ? STR("") : strbuf_str(&r->text);
    if (!r->visit(r->context, parent, str_of(r->names[r->depth]), text, r->err))
        stop(r, NULL);
    r->has_children = true;
    r->text.len = 0;
}

static void on_text(void *context, const char *text, int len)
{
    reader *r = context;
    if (r->text.len + (size_t)len > LONGEST_TEXT)
        stop(r, "a text is longer than 64 KiB");
    else
        strbuf_add_bytes(&r->text, text, (size_t)len);
}

static void on_doctype(void *context, const char *name, const char *system, const char *public,
                       int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    stop(context, "it has a DOCTYPE");
}

bool xml_parse(str xml, str what, xml_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    reader r = { .parser = XML_ParserCreate("UTF-8"),
                 .visit = visit,
                 .context = context,
                 .err = err,
                 .text = strbuf_new(scratch) };
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    bool works =
        xml.len < 1u << 30 && XML_Parse(r.parser, xml.data, (int)xml.len, 1) == XML_STATUS_OK;
    if (!works && err->code == ERR_NONE)
        fail(err, ERR_CORRUPT, STR_FMT ": its XML cannot be read at line %lu: %s", STR_ARG(what),
             (unsigned long)XML_GetCurrentLineNumber(r.parser),
             r.fault ? r.fault : XML_ErrorString(XML_GetErrorCode(r.parser)));
    XML_ParserFree(r.parser);
    return works;
}

typedef struct wanted {
    arena *arena;
    const char *const *names;
    str *texts;
    size_t count;
} wanted;

static bool keep_text(void *context, str parent, str name, str text, error *err)
{
    wanted *w = context;
    (void)parent;
    (void)err;
    for (size_t i = 0; i < w->count; i++)
        if (w->texts[i].len == 0 && str_eq(name, str_of(w->names[i])))
            w->texts[i] = str_copy(w->arena, text);
    return true;
}

bool xml_texts(arena *a, str xml, str what, const char *const *names, str *ret_texts, size_t count,
               error *err)
{
    wanted w = { a, names, ret_texts, count };
    for (size_t i = 0; i < count; i++)
        ret_texts[i] = STR("");
    return xml_parse(xml, what, keep_text, &w, err);
}
