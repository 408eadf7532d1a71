/* Runs the registered unit tests as one cmocka group. Arguments pick tests by a part of their name.
 */
#include "test.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

static struct registered {
    const char *name;
    void (*run)(void);
} * tests;
static size_t test_count;
static const char *current_case;
static int failures;
static char folders[PATH_MAX];
static int folder_count;

void test_register(const char *name, void (*run)(void))
{
    tests = memory_grow(tests, (test_count + 1) * sizeof *tests);
    tests[test_count++] = (struct registered){ name, run };
}

void test_case(const char *name)
{
    current_case = name;
}

void test_failed(const char *file, int line, const char *format, ...)
{
    const char *base = strrchr(file, '/');
    fprintf(stderr, "%s:%d: ", base ? base + 1 : file, line);
    if (current_case)
        fprintf(stderr, "[%s] ", current_case);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    failures++;
}

const char *test_folder(void)
{
    static char path[PATH_MAX + 16];
    error err = { 0 };
    snprintf(path, sizeof path, "%s/%d", folders, folder_count++);
    if (!folder_make(path, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return strdup(path);
}

static void run_one(void **state)
{
    const struct registered *t = *state;
    current_case = NULL;
    failures = 0;
    t->run();
    if (failures)
        _fail(__FILE__, __LINE__);
}

int main(int argc, char **argv)
{
    const char *base = getenv("TMPDIR");
    snprintf(folders, sizeof folders, "%s/floe-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folders)) {
        perror(folders);
        return 1;
    }
    struct CMUnitTest *units = memory_alloc(test_count * sizeof *units);
    size_t count = 0;
    for (size_t i = 0; i < test_count; i++) {
        bool is_picked = argc < 2;
        for (int k = 1; k < argc; k++)
            is_picked |= strstr(tests[i].name, argv[k]) != NULL;
        if (is_picked)
            units[count++] = (struct CMUnitTest){ tests[i].name, run_one, NULL, NULL, &tests[i] };
    }
    int failed = _cmocka_run_group_tests("unit", units, count, NULL, NULL);
    error err = { 0 };
    if (!folder_remove(folders, &err))
        fprintf(stderr, "%s\n", err.message);
    printf("%zu passed, %d failed\n", count - (size_t)failed, failed);
    return failed ? 1 : 0;
}
