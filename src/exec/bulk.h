/* How many equal rows one row stands for. A product or a sum that count() could not give is an
 * error, never a wrong number. */
#pragma once

#include "base/error.h"

/* `*bulk` × `times`. */
NODISCARD static inline bool bulk_multiply(uint64_t *bulk, uint64_t times, error *err)
{
    if (__builtin_mul_overflow(*bulk, times, bulk) || *bulk > INT64_MAX)
        return fail(err, ERR_LIMIT, "there are more paths than a 64-bit number counts");
    return true;
}

/* `*bulk` + `more`. */
NODISCARD static inline bool bulk_add(uint64_t *bulk, uint64_t more, error *err)
{
    if (__builtin_add_overflow(*bulk, more, bulk) || *bulk > INT64_MAX)
        return fail(err, ERR_LIMIT, "there are more paths than a 64-bit number counts");
    return true;
}
