/* S3 event notifications as a source of a COPY job: the queue says which objects are new. A message
 * is deleted after its objects' commit, so a crash brings it again; a listing of everything, now
 * and then, finds what no message told of. */
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/connection.h"
#include "pipeline/copy_source_internal.h"
#include "store/sqs.h"

enum { MOST_MESSAGES = 2000, KEPT_SECONDS = 600 };

/* A message whose objects are not settled yet. */
typedef struct held_message {
    sqs_message message;
    int64_t received_us;
} held_message;

struct copy_events {
    sqs_queue *queue;
    arena *arena; /* of the messages */
    VEC(held_message) held;
};

bool copy_events_open(job *j, str queue, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    copy_source *s = j->source;
    store_option *options;
    size_t count;
    TRY(connection_store_options(j->home, scratch, j->statement->connection, &options, &count,
                                 err));
    struct copy_events *e = memory_alloc(sizeof *e);
    e->arena = arena_new();
    s->events = e;
    if (!sqs_open(queue, options, count, &e->queue, err))
        return fail_while(err, "SQS_QUEUE_NAME '" STR_FMT "'", STR_ARG(queue));
    return true;
}

void copy_events_close(struct copy_events *e)
{
    if (!e)
        return;
    sqs_close(e->queue);
    arena_free(e->arena);
    free(e);
}

static str bucket_and_more(str uri)
{
    return str_slice(uri, (size_t)(str_find(uri, STR("://")) + 3), uri.len);
}

/* s3a: and s3n: of LOCATION are other spellings. */
static store_object as_located(const copy_source *s, arena *a, const store_object *told)
{
    store_object o = *told;
    str scheme = str_slice(s->location, 0, (size_t)str_find(s->location, STR("://")));
    o.uri =
        str_format(a, STR_FMT "://" STR_FMT, STR_ARG(scheme), STR_ARG(bucket_and_more(told->uri)));
    return o;
}

bool copy_events_receive(copy_source *s, error *err)
{
    struct copy_events *e = s->events;
    int64_t now = (int64_t)clock_monotonic_us();
    if (e->held.count == 0) {
        arena_reset(e->arena);
        e->held = (__typeof__(e->held)){ 0 };
    }
    for (size_t received = 0, count = 1; count && received < MOST_MESSAGES; received += count) {
        sqs_message *messages;
        TRY(sqs_receive(e->queue, e->arena, 0, &messages, &count, err));
        for (size_t i = 0; i < count; i++) {
            store_object *objects =
                arena_array_of(e->arena, store_object, messages[i].object_count);
            for (size_t k = 0; k < messages[i].object_count; k++) {
                objects[k] = as_located(s, e->arena, &messages[i].objects[k]);
                if (copy_source_is_in_place(s, objects[k].uri))
                    TRY(copy_find_object(s, &objects[k], err));
            }
            messages[i].objects = objects;
            vec_push(e->arena, &e->held, (held_message){ messages[i], now });
        }
    }
    return true;
}

/* Nothing is left to do for the object: it is loaded, bad, or not the job's. */
static bool is_settled(const copy_source *s, const store_object *o)
{
    if (!copy_source_is_in_place(s, o->uri) || !copy_source_wants(s, o))
        return true;
    int64_t at = copy_source_time(s, o);
    return at < s->start_us || at >= s->end_us;
}

void copy_events_settle(copy_source *s)
{
    struct copy_events *e = s->events;
    if (!e || e->held.count == 0)
        return;
    AUTO(arena_free) arena *scratch = arena_new();
    int64_t now = (int64_t)clock_monotonic_us();
    VEC(sqs_message) done = { 0 };
    size_t kept = 0;
    for (size_t i = 0; i < e->held.count; i++) {
        held_message *h = &e->held.items[i];
        bool is_done = true;
        for (size_t k = 0; is_done && k < h->message.object_count; k++)
            is_done = is_settled(s, &h->message.objects[k]);
        if (is_done)
            vec_push(scratch, &done, h->message);
        else if (now - h->received_us < KEPT_SECONDS * 1000000ll)
            e->held.items[kept++] = *h;
    }
    e->held.count = kept;
    error ignored = { 0 };
    if (done.count && !sqs_delete(e->queue, done.items, done.count, &ignored))
        error_clear(&ignored);
}
