/* A console: lines with history, editing and completion, from a terminal. */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"

/* Takes words that could stand at the cursor; those that do not begin like it are passed over. */
typedef void (*console_add)(void *to, str word);

typedef struct console {
    const char *prompt, *more;  /* `more` stands before the further lines of one entry */
    str history;                /* file; empty: none is kept */
    bool (*is_whole)(str text); /* false: the entry goes on in the next line */
    void (*complete)(void *context, console_add add, void *to);
    /* One entry. A failure is printed and the console goes on. */
    bool (*answer)(void *context, str text, error *err);
    void *context;
} console;

/* Set by Ctrl-C while an entry is answered; for query_options.cancel. */
extern _Atomic bool console_cancelled;

/* Whether standard input is a terminal: else lines are read plainly. */
bool console_is_terminal(void);
/* Until the end of input, :exit or :q. */
void console_run(const console *c);
