/* Failed sign-ins are counted for a peer with a name, and for a peer over all names. */
#include "server/attempts.h"

#include "base/clock.h"
#include "base/hash.h"

enum { PEER_FREE_FACTOR = 4 }; /* one peer may be many people */

static struct attempt *place(attempts *t, uint64_t who)
{
    return &t->places[who % ATTEMPTS_PLACES];
}

static uint64_t who_is(str peer, str name)
{
    return hash64_seeded(name.data, name.len, hash64(peer.data, peer.len)) | 1;
}

static int wait_s(attempts *t, uint64_t who)
{
    const struct attempt *p = place(t, who);
    uint64_t now = clock_monotonic_us();
    return p->who == who && p->until_us > now ? (int)((p->until_us - now) / 1000000 + 1) : 0;
}

int attempts_wait_s(attempts *t, str peer, str name)
{
    int pair = wait_s(t, who_is(peer, name)), all = wait_s(t, who_is(peer, STR("")));
    return pair > all ? pair : all;
}

static void note_failure(attempts *t, uint64_t who, uint32_t most_free)
{
    struct attempt *p = place(t, who);
    if (p->who != who)
        *p = (struct attempt){ .who = who };
    if (++p->failures < most_free)
        return;
    uint32_t doubled = p->failures - most_free;
    uint64_t seconds = doubled < 6 ? 1u << doubled : ATTEMPTS_MOST_S;
    p->until_us = clock_monotonic_us() + seconds * 1000000;
}

void attempts_note(attempts *t, str peer, str name, bool is_right)
{
    uint64_t pair = who_is(peer, name), all = who_is(peer, STR(""));
    if (!is_right) {
        note_failure(t, pair, ATTEMPTS_FREE);
        note_failure(t, all, ATTEMPTS_FREE * PEER_FREE_FACTOR);
        return;
    }
    if (place(t, pair)->who == pair)
        *place(t, pair) = (struct attempt){ 0 };
    if (place(t, all)->who == all)
        *place(t, all) = (struct attempt){ 0 };
}
