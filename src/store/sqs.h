/* Event notifications of S3 from an SQS queue: which objects are new, without listing. */
#pragma once

#include "store/store.h"

/* Thread-safe. */
typedef struct sqs_queue sqs_queue;

/* `queue`: a URL, or a name (looked up). Options: keys and region as in store.h; "sqs.endpoint" for
 * another server than AWS's. ERR_NOT_FOUND when there is no such queue. */
NODISCARD bool sqs_open(str queue, const store_option *options, size_t count, sqs_queue **ret_queue,
                        error *err);
void sqs_close(sqs_queue *q); /* NULL is fine */
DEFINE_AUTO(sqs_queue, sqs_close)

/* One message: the objects that it tells of, none for test messages and other events. The message
 * comes again after the queue's visibility timeout unless it is deleted, so objects may be told of
 * more than once: the ledger knows which are loaded. */
typedef struct sqs_message {
    str receipt;
    const store_object
        *objects; /* made or overwritten; the event's time is the modification time */
    size_t object_count;
} sqs_message;

/* Up to 10 messages; waits up to `wait_seconds` (0 to 20) for the first. A message whose body is
 * not what S3 sends has no objects. In `a`. */
NODISCARD bool sqs_receive(sqs_queue *q, arena *a, int wait_seconds, sqs_message **ret_messages,
                           size_t *ret_count, error *err);
/* The messages have been dealt with. */
NODISCARD bool sqs_delete(sqs_queue *q, const sqs_message *messages, size_t count, error *err);
