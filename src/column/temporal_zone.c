/* Named time zones from the system's tzdata (RFC 8536, version 2 and up). */
#include "column/internal.h"
#include "column/temporal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ZONE_BYTES_MAX = 1 << 20, ZONES_MAX = 4096 };

struct time_zone {
    str name;
    size_t count;
    int64_t *times;   /* changes, seconds of UTC */
    int32_t *offsets; /* from then on */
    int32_t first;    /* before the first */
    struct time_zone *next;
};

/* Zones that were asked for; the lock guards the list. */
static struct {
    pthread_mutex_t lock;
    struct time_zone *first;
    size_t count;
} zones = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t read_big(const unsigned char *p, int bytes)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

/* The second block, with 64-bit times, lies behind the first. */
static struct time_zone *read_zone(const unsigned char *data, size_t size)
{
    for (int block = 0; block < 2; block++) {
        if (size < 44 || memcmp(data, "TZif", 4) != 0 || data[4] < '2')
            return NULL;
        uint64_t n[6];
        for (int i = 0; i < 6; i++)
            n[i] = (uint64_t)read_big(data + 20 + 4 * i, 4) & 0xFFFFFFFFu;
        uint64_t isut = n[0], isstd = n[1], leap = n[2], times = n[3], types = n[4], chars = n[5];
        uint64_t width = block ? 8 : 4, need = 44 + times * (width + 1) + types * 6 + chars +
                                               leap * (width + 4) + isstd + isut;
        if (times > 100000 || types > 256 || types == 0 || need > size)
            return NULL;
        if (block == 0) {
            data += need;
            size -= need;
            continue;
        }
        struct time_zone *z = memory_alloc(sizeof *z);
        const unsigned char *kinds = data + 44 + times * 8, *infos = kinds + times;
        z->count = times;
        z->times = memory_alloc((times + 1) * sizeof *z->times);
        z->offsets = memory_alloc((times + 1) * sizeof *z->offsets);
        z->first = (int32_t)read_big(infos, 4);
        for (size_t i = 0; i < times; i++) {
            z->times[i] = read_big(data + 44 + 8 * i, 8);
            size_t kind = kinds[i] < types ? kinds[i] : 0;
            z->offsets[i] = (int32_t)read_big(infos + 6 * kind, 4);
        }
        return z;
    }
    return NULL;
}

/* Europe/Stockholm and the like: no dots, no leading slash, so it stays inside the folder. */
static bool is_name(str name)
{
    bool is_fine = name.len > 0 && name.len < 64 && name.data[0] != '/';
    for (size_t i = 0; is_fine && i < name.len; i++) {
        char c = name.data[i];
        is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
    }
    return is_fine;
}

static struct time_zone *load(str name)
{
    char path[128];
    struct time_zone *z = NULL;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/" STR_FMT, STR_ARG(name));
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    unsigned char *data = memory_alloc(ZONE_BYTES_MAX);
    size_t size = fread(data, 1, ZONE_BYTES_MAX, f);
    fclose(f);
    z = read_zone(data, size);
    free(data);
    if (z) {
        char *copy = memory_alloc(name.len + 1);
        memcpy(copy, name.data, name.len);
        z->name = (str){ copy, name.len };
    }
    return z;
}

const time_zone *temporal_zone_find(str name)
{
    if (!is_name(name))
        return NULL;
    pthread_mutex_lock(&zones.lock);
    struct time_zone *z = zones.first;
    while (z && !str_eq(z->name, name))
        z = z->next;
    if (!z && zones.count < ZONES_MAX && (z = load(name))) {
        z->next = zones.first;
        zones.first = z;
        zones.count++;
    }
    pthread_mutex_unlock(&zones.lock);
    return z;
}

/* Behind the last change of the file: the same day of the calendar's 28-year cycle. */
int32_t temporal_zone_offset(const time_zone *z, int64_t utc_seconds)
{
    const int64_t cycle = 28 * 365 * SECONDS_PER_DAY + 7 * SECONDS_PER_DAY;
    if (z->count && utc_seconds > z->times[z->count - 1] && z->times[z->count - 1] > 2000000000) {
        int64_t beyond = utc_seconds - z->times[z->count - 1];
        utc_seconds -= (beyond / cycle + 1) * cycle;
    }
    size_t low = 0, high = z->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (z->times[middle] <= utc_seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? z->offsets[low - 1] : z->first;
}

str temporal_zone_name(const time_zone *z)
{
    return z->name;
}
