/* `floe gremlin` on a terminal: entries of several lines, variables, ==> results. */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/console.h"
#include "cli/gremlin_script.h"
#include "gremlin/gremlin.h"

typedef struct gremlin_console {
    session *session;
    uint64_t timeout_ms;
    script_variables variables;
} gremlin_console;

/* Brackets and quotes are closed, and nothing asks for more. */
static bool is_whole(str text)
{
    int depth = 0;
    char quote = 0, last = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (quote) {
            i += c == '\\';
            quote = c == quote ? 0 : quote;
            continue;
        }
        quote = c == '\'' || c == '"' ? c : 0;
        depth += c == '(' || c == '[' || c == '{';
        depth -= c == ')' || c == ']' || c == '}';
        last = c == ' ' || c == '\t' || c == '\n' ? last : c;
    }
    return !quote && depth <= 0 && last != '.' && last != ',';
}

static void add_labels(const graph *g, bool is_vertex, console_add add, void *to)
{
    size_t count = is_vertex ? graph_vertex_label_count(g) : graph_edge_label_count(g);
    for (size_t i = 0; i < count; i++) {
        const graph_label *l = is_vertex ? graph_vertex_label(g, i) : graph_edge_label(g, i);
        add(to, l->name);
        for (size_t k = 0; k < l->property_count; k++)
            add(to, l->properties[k].name);
    }
}

static void complete(void *context, console_add add, void *to)
{
    gremlin_console *c = context;
    AUTO(graph_close) graph *g = NULL;
    error ignored = { 0 };
    for (size_t i = 0; gremlin_step_name(i); i++)
        add(to, str_of(gremlin_step_name(i)));
    for (size_t i = 0; i < c->variables.names.count; i++)
        add(to, c->variables.names.items[i].text);
    if (!session_graph(c->session, &g, &ignored))
        return;
    add_labels(g, true, add, to);
    add_labels(g, false, add, to);
}

static bool is_plain(str text)
{
    AUTO(arena_free) arena *a = arena_new();
    traversal t;
    error ignored = { 0 };
    return gremlin_parse(a, text, &t, &ignored);
}

static bool answer(void *context, str text, error *err)
{
    gremlin_console *c = context;
    AUTO(arena_free) arena *a = arena_new();
    AUTO(graph_close) graph *g = NULL;
    script_values results = { 0 };
    script_options options = { c->timeout_ms, &console_cancelled };
    TRY(session_graph(c->session, &g, err));
    if (!c->variables.names.count && is_plain(text)) /* results appear as they come */
        return answer_gremlin(g, text, c->timeout_ms, stdout, err);
    TRY(gremlin_script_run(g, a, text, &c->variables, options, &results, err));
    for (size_t i = 0; i < results.count; i++) {
        str line;
        TRY(gremlin_print(g, a, &results.items[i], &line, err));
        printf("==>" STR_FMT "\n", STR_ARG(line));
    }
    return true;
}

void gremlin_console_run(session *s, str history, uint64_t timeout_ms)
{
    AUTO(arena_free) arena *a = arena_new();
    gremlin_console mine = { .session = s, .timeout_ms = timeout_ms, .variables.arena = a };
    console c = { .prompt = "gremlin> ",
                  .more = "......> ",
                  .history = history,
                  .is_whole = is_whole,
                  .complete = complete,
                  .answer = answer,
                  .context = &mine };
    puts("Gremlin over this home's graph. Tab completes, Ctrl-C cancels, :q ends.");
    console_run(&c);
}
