/* Clean-up at scope exit for handles, and hand-over of ownership. */
#pragma once

/* Declare a variable that is closed on every way out of its scope:
 *     AUTO(file_close) file *f = NULL;
 * DEFINE_AUTO(type, close) must stand beside the type; `close` is called only when the pointer is
 * not NULL. */
#define AUTO(close) __attribute__((cleanup(close##_auto_)))
#define DEFINE_AUTO(type, close)                                                                   \
    static inline __attribute__((unused)) void close##_auto_(type **p)                             \
    {                                                                                              \
        if (*p)                                                                                    \
            close(*p);                                                                             \
    }

/* Take the pointer out of an AUTO variable, which then closes nothing. */
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
