#include "test.h"

#include <stdlib.h>

#include "graph/internal.h"

TEST(only_canonical_dotted_quads_are_addresses)
{
    static const struct ip_case {
        const char *name, *text;
        bool is_ip;
    } cases[] = {
        { "plain", "10.0.0.1", true },
        { "largest", "255.255.255.255", true },
        { "leading zero", "10.0.0.01", false },
        { "too large", "256.0.0.1", false },
        { "three parts", "10.0.1", false },
        { "five parts", "1.2.3.4.5", false },
        { "blank", "10.0.0.1 ", false },
        { "empty", "", false },
        { "dash", "-", false },
    };
    const struct ip_case *c;
    uint32_t ip;
    FOR_EACH_CASE (c, cases)
        CHECK_INT(ipv4_parse(str_of(c->text), &ip), c->is_ip);
}

/* Key number i: addresses, names, and what only looks like an address. */
static str key_of(arena *a, uint32_t i)
{
    return i % 3 == 0   ? str_format(a, "10.%u.%u.%u", i % 7, i / 256 % 256, i % 256)
           : i % 3 == 1 ? str_format(a, "host-%u", i)
                        : str_format(a, "010.0.0.%u", i);
}

TEST(keys_keep_their_ids_and_exact_text_while_more_come)
{
    AUTO(arena_free) arena *a = arena_new();
    enum { ROUNDS = 3, KEYS = 3000 };
    dictionary d = { 0 };
    uint32_t *ids = arena_array_of(a, uint32_t, ROUNDS * KEYS), *again;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        interner *x = interner_new();
        dictionary next;
        again = arena_array_of(a, uint32_t, ROUNDS * KEYS);
        for (uint32_t i = 0; i < round * KEYS; i++)
            CHECK_INT(interner_code(x, key_of(a, i)), i);
        dictionary_extend(a, &d, x, &next, again);
        for (uint32_t i = 0; i < (round - 1) * KEYS; i++)
            CHECK_INT(again[i], ids[i]);
        interner_free(x);
        d = next;
        ids = again;
    }
    CHECK_INT((int64_t)d.count, ROUNDS * KEYS);
    CHECK_INT((int64_t)d.run_count, ROUNDS);
    for (uint32_t i = 0; i < ROUNDS * KEYS; i++) {
        uint64_t id = 0;
        str key = key_of(a, i);
        if (!dictionary_find(&d, key, &id) || id != ids[i] ||
            !str_eq(dictionary_key(&d, a, id), key)) {
            test_failed(__FILE__, __LINE__, "key " STR_FMT " is lost", STR_ARG(key));
            return;
        }
    }
    uint64_t id;
    CHECK_INT(dictionary_find(&d, STR("10.9.9.9"), &id), false);
    CHECK_INT(dictionary_find(&d, STR(""), &id), false);
}

TEST(damaged_cache_files_are_as_good_as_none)
{
    AUTO(arena_free) arena *a = arena_new();
    str folder = str_of(test_folder());
    char data[9000];
    memset(data, 7, sizeof data);
    cache_section written[] = { { "abc", 3 }, { data, sizeof data }, { NULL, 0 } }, read[3];
    cache_file_write(folder, STR("x.cache"), written, 3);
    AUTO(file_map_close) file_map *map = NULL;
    CHECK(cache_file_open(folder, STR("x.cache"), read, 3, &map));
    CHECK_STR(((str){ read[0].data, read[0].bytes }), STR("abc"));
    CHECK_INT(read[2].bytes, 0);
    error err = { 0 };
    str content;
    const char *path = str_format(a, STR_FMT "/x.cache%c", STR_ARG(folder), 0).data;
    CHECK_OK(file_read(a, path, &content, &err), &err);
    for (size_t i = 0; i < content.len; i += 577) {
        AUTO(file_map_close) file_map *broken = NULL;
        char *copy = arena_copy(a, content.data, content.len);
        copy[i] ^= 1;
        CHECK_OK(file_write_atomic(path, (str){ copy, content.len }, &err), &err);
        bool is_padding = i >= sizeof(uint64_t) * 52 && i < 4096;
        is_padding |= i >= 4096 + 3 && i < 8192;
        if (!is_padding && cache_file_open(folder, STR("x.cache"), read, 3, &broken))
            test_failed(__FILE__, __LINE__, "a changed byte %zu was not noticed", i);
    }
    CHECK_OK(file_write_atomic(path, str_slice(content, 0, 5000), &err), &err);
    AUTO(file_map_close) file_map *cut = NULL;
    CHECK(!cache_file_open(folder, STR("x.cache"), read, 3, &cut));
}
