/* `floe user`: who may sign in. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "server/users.h"

static const char usage[] =
    "usage: floe user list\n"
    "       floe user add|password NAME [--password-file FILE]\n"
    "       floe user remove NAME\n"
    "\n"
    "Who may sign in to the home's servers, on every port. The password is asked for, or read from "
    "the\n"
    "first line of FILE or of standard input. Changing it ends the user's browser sessions.\n";

/* One line; not shown on a terminal. */
static bool read_line(FILE *from, char *line, size_t size, error *err)
{
    struct termios shown, hidden;
    bool is_terminal =
        from == stdin && isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (is_terminal) {
        fputs("password: ", stderr);
        hidden = shown;
        hidden.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    bool works = fgets(line, (int)size, from) != NULL;
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!works)
        return fail(err, ERR_INVALID, "no password was given");
    line[strcspn(line, "\r\n")] = 0;
    return true;
}

static bool read_password(const char *file, char *line, size_t size, error *err)
{
    if (!file)
        return read_line(stdin, line, size, err);
    FILE *f = fopen(file, "r");
    if (!f)
        return fail_errno(err, "%s", file);
    bool works = read_line(f, line, size, err);
    fclose(f);
    return works;
}

static bool list(users *u, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    user_record *all;
    size_t count;
    TRY(users_list(u, a, &all, &count, err));
    for (size_t i = 0; i < count; i++)
        printf(STR_FMT "\tsince " STR_FMT "\n", STR_ARG(all[i].name),
               STR_ARG(clock_format_us(a, all[i].created_us)));
    return true;
}

static bool act(users *u, str verb, str name, const char *file, error *err)
{
    char password[PASSWORD_BYTES_MOST + 2];
    if (str_eq(verb, STR("list")))
        return list(u, err);
    if (str_eq(verb, STR("remove")))
        return users_remove(u, name, err);
    TRY(read_password(file, password, sizeof password, err));
    return str_eq(verb, STR("add")) ? users_add(u, name, str_of(password), err)
                                    : users_set_password(u, name, str_of(password), err);
}

int user_command(int argc, char **argv)
{
    const char *given_home = NULL, *file = NULL, *words[2];
    size_t count;
    const argument options[] = { { "--home", &given_home, NULL },
                                 { "--password-file", &file, NULL } };
    static const char *const verbs[] = { "list", "add", "password", "remove" };
    int code = arguments_parse(argc, argv, options, ARRAY_LEN(options), words, 2, &count, usage);
    if (code >= 0)
        return code;
    size_t verb = 0;
    while (verb < ARRAY_LEN(verbs) && (!count || strcmp(words[0], verbs[verb]) != 0))
        verb++;
    if (verb == ARRAY_LEN(verbs) || count != (verb ? 2 : 1)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    error err = { 0 };
    AUTO(home_close) home *h = NULL;
    AUTO(users_close) users *u = NULL;
    if (!command_home(given_home, &h, &err) || !users_open(home_path(h), &u, &err) ||
        !act(u, str_of(words[0]), str_of(verb ? words[1] : NULL), file, &err))
        return command_failed(&err);
    return EXIT_DONE;
}
