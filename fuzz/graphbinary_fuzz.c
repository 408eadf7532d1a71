/* Any bytes as a request in GraphBinary 1, bytecode and all; what is read is run, or written as a result. */
#include "gremlin_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) arena *a = arena_new();
    gremlin_message m = { 0 };
    error err = { 0 };
    if (graphbinary_read_message(a, (str){ (const char *)data, size }, &m, &err))
        use_message(a, &m);
    return 0;
}
