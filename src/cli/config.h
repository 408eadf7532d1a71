/* Settings of `floe serve`: a flag, else the environment, else floe.yaml, else the default. */
#pragma once

#include "cli/command.h"

typedef struct setting {
    const char *name;      /* "http-port": --http-port, FLOE_HTTP_PORT, http-port: in the file */
    const char *otherwise; /* the default; NULL: none */
    const char *what;      /* for --help */
    const char *value;     /* result; NULL: not set anywhere */
    const char *from;      /* where it was set, for messages */
} setting;

/* Fills `value` of each. `flags[i]` is what the command line gave for `settings[i]`, or NULL.
 * `path` NULL: ./floe.yaml where there is one. Results live in `a`. */
NODISCARD bool config_read(arena *a, const char *path, setting *settings, size_t count,
                           const char **flags, error *err);
NODISCARD bool config_number(const setting *s, int64_t least, int64_t most, int64_t *ret,
                             error *err);
NODISCARD bool config_switch(const setting *s, bool *ret, error *err); /* true/false, yes/no, 1/0 */
