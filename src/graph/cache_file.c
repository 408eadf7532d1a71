/* Arrays on disk: a checked header, then sections aligned to pages. A file that is not whole is as
 * good as none. */
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "graph/internal.h"

enum { PAGE_BYTES = 4096, MOST_SECTIONS = 16, CACHE_VERSION = 1 };
static const char magic[8] = "FLOECAC";

typedef struct header {
    char magic[8];
    uint32_t version, section_count;
    struct {
        uint64_t offset, bytes, checksum;
    } sections[MOST_SECTIONS];
    uint64_t checksum; /* of all before it */
} header;

static uint64_t aligned(uint64_t offset)
{
    return (offset + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static bool write_sections(FILE *f, const cache_section *sections, size_t count)
{
    header h = { .version = CACHE_VERSION, .section_count = (uint32_t)count };
    uint64_t offset = PAGE_BYTES;
    memcpy(h.magic, magic, sizeof magic);
    for (size_t i = 0; i < count; i++) {
        h.sections[i].offset = offset;
        h.sections[i].bytes = sections[i].bytes;
        h.sections[i].checksum = hash64(sections[i].data, sections[i].bytes);
        offset = aligned(offset + sections[i].bytes);
    }
    h.checksum = hash64(&h, offsetof(header, checksum));
    if (fwrite(&h, sizeof h, 1, f) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        if (fseeko(f, (off_t)h.sections[i].offset, SEEK_SET) != 0 ||
            (sections[i].bytes && fwrite(sections[i].data, sections[i].bytes, 1, f) != 1))
            return false;
    return fflush(f) == 0; /* no fsync: a file that a power cut tears fails its checksums */
}

void cache_file_write(str folder, str name, const cache_section *sections, size_t count)
{
    AUTO(arena_free) arena *a = arena_new();
    if (folder.len == 0)
        return;
    const char *path =
        str_format(a, STR_FMT "/" STR_FMT "%c", STR_ARG(folder), STR_ARG(name), 0).data;
    const char *temporary = str_format(a, STR_FMT "/" STR_FMT ".%d.tmp%c", STR_ARG(folder),
                                       STR_ARG(name), (int)getpid(), 0)
                                .data;
    FILE *f = fopen(temporary, "w");
    if (!f)
        return;
    bool works = write_sections(f, sections, count);
    works = fclose(f) == 0 && works;
    if (!works || rename(temporary, path) != 0)
        unlink(temporary);
}

static bool check(str bytes, cache_section *ret_sections, size_t count)
{
    const header *h = (const header *)(const void *)bytes.data;
    if (bytes.len < sizeof *h || memcmp(h->magic, magic, sizeof magic) != 0 ||
        h->version != CACHE_VERSION || h->section_count != count ||
        h->checksum != hash64(h, offsetof(header, checksum)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (h->sections[i].bytes == 0) { /* nothing was written, not even up to its place */
            ret_sections[i] = (cache_section){ bytes.data, 0 };
            continue;
        }
        if (h->sections[i].offset > bytes.len ||
            h->sections[i].bytes > bytes.len - h->sections[i].offset)
            return false;
        ret_sections[i] =
            (cache_section){ bytes.data + h->sections[i].offset, h->sections[i].bytes };
        if (hash64(ret_sections[i].data, ret_sections[i].bytes) != h->sections[i].checksum)
            return false;
    }
    return true;
}

bool cache_file_open(str folder, str name, cache_section *ret_sections, size_t count,
                     file_map **ret_map)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(file_map_close) file_map *map = NULL;
    error ignored = { 0 };
    if (folder.len == 0 ||
        !file_map_open(
            str_format(a, STR_FMT "/" STR_FMT "%c", STR_ARG(folder), STR_ARG(name), 0).data, &map,
            &ignored))
        return false;
    if (!check(file_map_bytes(map), ret_sections, count))
        return false;
    *ret_map = TAKE(map);
    return true;
}
