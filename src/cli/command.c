/* What commands share: arguments, the home, failing. */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/session.h"

static bool match_option(const argument *o, int argc, char **argv, int *at, bool *ret_is_fine)
{
    str arg = str_of(argv[*at]), name = str_of(o->name);
    *ret_is_fine = true;
    if (!str_starts_with(arg, name) || (arg.len > name.len && arg.data[name.len] != '='))
        return false;
    if (!o->value) {
        *ret_is_fine = arg.len == name.len;
        *o->is_set = true;
        return true;
    }
    if (arg.len > name.len)
        *o->value = argv[*at] + name.len + 1;
    else if (*at + 1 < argc)
        *o->value = argv[++*at];
    else
        *ret_is_fine = false;
    return true;
}

int arguments_parse(int argc, char **argv, const argument *options, size_t option_count,
                    const char **words, size_t most, size_t *ret_word_count, const char *usage)
{
    *ret_word_count = 0;
    for (int i = 1; i < argc; i++) {
        bool is_option = false, is_fine = true;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        for (size_t k = 0; k < option_count && !is_option; k++)
            is_option = match_option(&options[k], argc, argv, &i, &is_fine);
        if (!is_option && argv[i][0] == '-' && argv[i][1] == '-') {
            fprintf(stderr, "floe %s: there is no option %s (floe %s --help lists them)\n", argv[0],
                    argv[i], argv[0]);
            return EXIT_USAGE;
        }
        if (!is_fine) {
            fprintf(stderr, "floe %s: %s needs a value\n", argv[0], argv[i]);
            return EXIT_USAGE;
        }
        if (is_option)
            continue;
        if (*ret_word_count == most) {
            fprintf(stderr, "floe %s: '%s' is one argument too many (floe %s --help)\n", argv[0],
                    argv[i], argv[0]);
            return EXIT_USAGE;
        }
        words[(*ret_word_count)++] = argv[i];
    }
    return -1;
}

bool argument_number(const char *name, const char *text, int64_t smallest, int64_t *ret)
{
    if (!text || (str_to_i64(str_of(text), ret) && *ret >= smallest))
        return true;
    fprintf(stderr, "floe: %s takes a whole number of at least %lld, not '%s'\n", name,
            (long long)smallest, text);
    return false;
}

int command_failed(const error *err)
{
    fprintf(stderr, "floe: %s\n", err->message);
    return EXIT_FAILED;
}

bool command_home(const char *given, home **ret_home, error *err)
{
    const char *path = given ? given : getenv("FLOE_HOME");
    session_tell_lineage();
    return home_open(&(home_options){ .path = str_of(path && path[0] ? path : "./floe-home") },
                     ret_home, err);
}
