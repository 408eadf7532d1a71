/* Self-registering unit tests over cmocka.
 *
 *     TEST(limit_passes_the_asked_window) { CHECK_INT(rows, 5); }
 *
 * A failing check prints file, line, case, what it was, got and want; the test goes on to its end
 * and then fails. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#undef fail /* ours is in base/error.h */

#include "base/error.h"
#include "base/str.h"

void test_register(const char *name, void (*run)(void));
/* The case of a table that the following checks belong to; NULL for none. */
void test_case(const char *name);
void test_failed(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
/* A fresh empty folder, removed at the end of the run. */
const char *test_folder(void);

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        test_register(#name, name);                                                                \
    }                                                                                              \
    static void name(void)

#define FOR_EACH_CASE(c, cases)                                                                    \
    for ((c) = (cases); (c) < (cases) + ARRAY_LEN(cases) && (test_case((c)->name), 1); (c)++)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_failed(__FILE__, __LINE__, "%s", #condition);                                     \
    } while (0)
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            test_failed(__FILE__, __LINE__, "%s  got %lld  want %lld", #got, got_, want_);         \
    } while (0)
#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        str got_ = (got), want_ = (want);                                                          \
        if (!str_eq(got_, want_))                                                                  \
            test_failed(__FILE__, __LINE__, "%s  got '" STR_FMT "'  want '" STR_FMT "'", #got,     \
                        STR_ARG(got_), STR_ARG(want_));                                            \
    } while (0)
/* The call works; else its error is printed and the test ends. */
#define CHECK_OK(call, err)                                                                        \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            test_failed(__FILE__, __LINE__, "%s  failed: %s", #call, (err)->message);              \
            return;                                                                                \
        }                                                                                          \
    } while (0)
/* The call fails with a message that contains `part`. Clears the error. */
#define CHECK_FAILS(call, err, part)                                                               \
    do {                                                                                           \
        if (call)                                                                                  \
            test_failed(__FILE__, __LINE__, "%s  worked; an error was expected", #call);           \
        else if (!strstr((err)->message, part))                                                    \
            test_failed(__FILE__, __LINE__, "%s  message '%s' lacks '%s'", #call, (err)->message,  \
                        part);                                                                     \
        error_clear(err);                                                                          \
    } while (0)
