/* The console over libedit, through its readline interface. */
#include "cli/console.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <editline/readline.h>

#include "base/vec.h"

_Atomic bool console_cancelled;

static sigjmp_buf prompt_again;
static volatile sig_atomic_t is_prompting;
static const console *current; /* of the completion: libedit gives it no context */

bool console_is_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void interrupted(int signal_number)
{
    (void)signal_number;
    if (is_prompting)
        siglongjmp(prompt_again, 1);
    atomic_store(&console_cancelled, true);
}

/* ---- Completion ---- */

typedef struct candidates {
    str prefix;
    char **items; /* malloc'd, as libedit wants them */
    size_t count, capacity;
} candidates;

static void add_candidate(void *to, str word)
{
    candidates *c = to;
    if (!word.len || !str_starts_with(word, c->prefix))
        return;
    for (size_t i = 0; i < c->count; i++)
        if (str_eq(str_of(c->items[i]), word))
            return;
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 64;
        c->items = memory_grow(c->items, c->capacity * sizeof *c->items);
    }
    c->items[c->count++] = strndup(word.data, word.len);
}

/* libedit asks again and again, with 0 first. */
static char *next_candidate(const char *prefix, int state)
{
    static candidates found;
    static size_t next;
    if (state == 0) {
        free(found.items);
        found = (candidates){ .prefix = str_of(prefix) };
        next = 0;
        current->complete(current->context, add_candidate, &found);
    }
    return next < found.count ? found.items[next++] : NULL;
}

static char **complete(const char *prefix, int from, int to)
{
    (void)from;
    (void)to;
    rl_attempted_completion_over = 1; /* no names of files */
    rl_completion_append_character = 0;
    return rl_completion_matches(prefix, next_candidate);
}

/* ---- Entries ---- */

/* One entry, of as many lines as it takes; false at the end of input. */
static bool read_entry(const console *c, arena *a, str *ret)
{
    strbuf text = strbuf_new(a);
    for (const char *prompt = c->prompt;; prompt = c->more) {
        is_prompting = 1;
        char *line = readline(prompt);
        is_prompting = 0;
        if (!line)
            return false;
        strbuf_add_c(&text, text.len ? "\n" : "");
        strbuf_add_c(&text, line);
        free(line);
        if (c->is_whole(strbuf_str(&text)))
            break;
    }
    *ret = str_trim(strbuf_str(&text));
    return true;
}

static void remember(const console *c, arena *a, str entry)
{
    strbuf line = strbuf_new(a);
    for (size_t i = 0; i < entry.len; i++)
        strbuf_add_char(&line, entry.data[i] == '\n' ? ' ' : entry.data[i]);
    add_history(str_to_c(a, strbuf_str(&line)));
    if (c->history.len)
        write_history(str_to_c(a, c->history));
}

static bool is_end(str entry)
{
    return str_eq(entry, STR(":exit")) || str_eq(entry, STR(":quit")) || str_eq(entry, STR(":q")) ||
           str_eq(entry, STR("exit")) || str_eq(entry, STR("quit"));
}

void console_run(const console *c)
{
    AUTO(arena_free) arena *a = arena_new();
    struct sigaction action = { .sa_handler = interrupted }, before;
    current = c;
    rl_readline_name = "floe";
    rl_attempted_completion_function = complete;
    using_history();
    stifle_history(10000);
    if (c->history.len)
        read_history(str_to_c(a, c->history));
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before);
    if (sigsetjmp(prompt_again, 1))
        putchar('\n'); /* Ctrl-C drops the line */
    for (;;) {
        str entry;
        error err = { 0 };
        arena_reset(a);
        if (!read_entry(c, a, &entry)) {
            putchar('\n');
            break;
        }
        if (!entry.len)
            continue;
        remember(c, a, entry);
        if (is_end(entry))
            break;
        atomic_store(&console_cancelled, false);
        if (!c->answer(c->context, entry, &err))
            fprintf(stderr, "%s\n", err.message);
        fflush(stdout);
    }
    sigaction(SIGINT, &before, NULL);
}
