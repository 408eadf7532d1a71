/* Serving a home, for the commands that end by it. */
#pragma once

#include "cli/command.h"

/* Jobs and servers until SIGTERM or SIGINT; the exit code. `settings`: by turns the name of a
 * setting and its value, as the command line would give them. */
int serve_home(home *h, int count, const char **settings);
