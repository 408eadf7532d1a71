/* Any bytes as a packed file, of each kind and of the kind that they seem: unpacked or refused, at
 * most 64 MiB of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "column/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(const char *path, packing kind)
{
    static char bytes[1 << 16];
    AUTO(inflate_close) inflate_reader *r = NULL;
    error err = { 0 };
    if (!inflate_open(str_of(path), kind, &r, &err))
        return;
    size_t total = 0;
    for (size_t got = 1; got && total < 64u << 20; total += got) {
        size_t room = 1 + (total * 7919) % sizeof bytes; /* reads of many lengths */
        if (!inflate_read(r, bytes, room, &got, &err)) {
            if (err.message[0] == 0)
                abort();
            return;
        }
        if (got > room)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "", ".snappy" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[64];
        snprintf(path, sizeof path, "/dev/shm/floe-fuzz-%d%s", (int)getpid(), names[i]);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
            abort();
        unpack(path, PACKING_AUTO);
        for (packing kind = PACKING_NONE; i == 0 && kind <= PACKING_SNAPPY_BLOCK; kind++)
            unpack(path, kind);
    }
    return 0;
}
