/* The flag that a thread follows. */
#include "base/stop.h"

static _Thread_local const stop_flag *followed;

void stop_follow(const stop_flag *flag)
{
    followed = flag;
}

const stop_flag *stop_followed(void)
{
    return followed;
}

bool stop_check(error *err)
{
    if (followed && atomic_load_explicit(followed, memory_order_relaxed))
        return fail(err, ERR_CANCELLED, "the work was given up");
    return true;
}
