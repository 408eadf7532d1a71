/* `floe schema`: the graph schema of a home. */
#include <stdio.h>

#include "base/file.h"
#include "cli/command.h"
#include "server/session.h"

static const char usage[] =
    "usage: floe schema apply FILE.json | validate FILE.json | show | roll-back VERSION\n"
    "                   [--home DIR]\n"
    "\n"
    "A graph schema says which tables are vertices and which are edges, in any of PuppyGraph's "
    "three\n"
    "JSON formats. A catalog whose metastore is {\"type\": \"embedded\"} is the home's own.\n";

static bool work(home *h, const char *what, const char *path, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    str json;
    int64_t version;
    if (strcmp(what, "show") == 0) {
        TRY(session_schema_get(h, a, &json, err));
        printf(STR_FMT "\n", STR_ARG(str_trim(json)));
        return true;
    }
    if (strcmp(what, "roll-back") == 0) {
        int64_t to;
        if (!str_to_i64(str_of(path), &to))
            return fail(err, ERR_INVALID, "roll-back takes the number of a version, not '%s'",
                        path);
        TRY(session_schema_roll_back(h, to, &version, err));
        printf("version %lld is in force again, as version %lld\n", (long long)to,
               (long long)version);
        return true;
    }
    TRY(file_read(a, path, &json, err));
    if (strcmp(what, "validate") == 0) {
        TRY(session_schema_check(h, json, str_of(path), err));
        printf("%s fits the tables\n", path);
        return true;
    }
    TRY(session_schema_apply(h, json, str_of(path), &version, err));
    printf("applied %s as version %lld\n", path, (long long)version);
    return true;
}

int schema_command(int argc, char **argv)
{
    const char *given_home = NULL, *words[2];
    size_t count;
    const argument options[] = { { "--home", &given_home, NULL } };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 2, &count, usage);
    if (code >= 0)
        return code;
    bool is_show = count == 1 && strcmp(words[0], "show") == 0;
    bool has_file =
        count == 2 && (strcmp(words[0], "apply") == 0 || strcmp(words[0], "validate") == 0 ||
                       strcmp(words[0], "roll-back") == 0);
    if (!is_show && !has_file) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    if (!command_home(given_home, &h, &err) ||
        !work(h, words[0], count == 2 ? words[1] : NULL, &err))
        return command_failed(&err);
    return EXIT_DONE;
}
