/* Receiving and deleting messages over SQS's JSON protocol. Source: AWS, "Amazon SQS API
 * Reference"; "Event message structure" (S3, versions 2.0 to 2.3). */
#include "store/sqs.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/aws_json.h"
#include "store/http.h"

enum { MOST_MESSAGES = 10, MOST_RECORDS = 1000 };

struct sqs_queue {
    aws_json *service;
    arena *arena;
    str url;
};

static bool find_url(sqs_queue *q, str name, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *answer = NULL;
    aws_outcome outcome;
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    json_put_object_begin(&w);
    json_put_key(&w, STR("QueueName"));
    json_put_text(&w, name);
    json_put_object_done(&w);
    TRY(aws_json_call(q->service, a, "GetQueueUrl", strbuf_str(&b), false, &answer, &outcome, err));
    str url;
    TRY(json_need_text(answer, "sqs GetQueueUrl", "QueueUrl", &url, err));
    q->url = str_copy(q->arena, url);
    return true;
}

bool sqs_open(str queue, const store_option *options, size_t count, sqs_queue **ret_queue,
              error *err)
{
    AUTO(sqs_close) sqs_queue *q = memory_alloc(sizeof *q);
    str endpoint = store_option_text(options, count, "sqs.endpoint");
    if (endpoint.len == 0)
        endpoint = str_of(getenv("AWS_ENDPOINT_URL_SQS"));
    q->arena = arena_new();
    q->service = aws_json_new("sqs", "AmazonSQS", "1.0", endpoint, options, count);
    if (str_contains(queue, STR("://")))
        q->url = str_copy(q->arena, queue);
    else
        TRY(find_url(q, queue, err));
    *ret_queue = TAKE(q);
    return true;
}

void sqs_close(sqs_queue *q)
{
    if (!q)
        return;
    aws_json_free(q->service);
    arena_free(q->arena);
    free(q);
}

/* One record of S3's message; false when it tells of no new object. */
static bool object_of(arena *a, const json_t *record, store_object *ret)
{
    const json_t *s3 = json_object_get(record, "s3"), *object = json_object_get(s3, "object");
    str event = json_text_or(record, "eventName", STR(""));
    str bucket = json_text_or(json_object_get(s3, "bucket"), "name", STR("")),
        key = json_text_or(object, "key", STR(""));
    int64_t size = json_int_or(object, "size", 0), told_us = 0;
    if (!clock_parse_us(json_text_or(record, "eventTime", STR("")), &told_us))
        told_us = clock_wall_us();
    if (bucket.len == 0 || key.len == 0 || size < 0 ||
        !(str_starts_with(event, STR("ObjectCreated:")) ||
          str_starts_with(event, STR("s3:ObjectCreated:"))))
        return false;
    *ret = (store_object){ .uri = str_format(a, "s3://" STR_FMT "/" STR_FMT, STR_ARG(bucket),
                                             STR_ARG(http_unescape(a, key))),
                           .size_bytes = (uint64_t)size,
                           .modified_us = told_us,
                           .etag = str_copy(a, json_text_or(object, "eTag", STR(""))) };
    return true;
}

/* The body is S3's message, or SNS's with S3's as its "Message". */
static void read_body(arena *a, str body, int depth, sqs_message *ret)
{
    AUTO(json_release) json_t *root = NULL;
    error ignored = { 0 };
    VEC(store_object) objects = { 0 };
    if (depth > 1 || !json_parse(body, STR("message"), &root, &ignored))
        return;
    const json_t *records = json_object_get(root, "Records");
    str inner = json_text_or(root, "Message", STR(""));
    if (!json_is_array(records) && inner.len) {
        read_body(a, inner, depth + 1, ret);
        return;
    }
    for (size_t i = 0; i < json_array_size(records) && i < MOST_RECORDS; i++) {
        store_object o;
        if (object_of(a, json_array_get(records, i), &o))
            vec_push(a, &objects, o);
    }
    ret->objects = objects.items;
    ret->object_count = objects.count;
}

bool sqs_receive(sqs_queue *q, arena *a, int wait_seconds, sqs_message **ret_messages,
                 size_t *ret_count, error *err)
{
    AUTO(json_release) json_t *answer = NULL;
    aws_outcome outcome;
    VEC(sqs_message) messages = { 0 };
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    json_put_object_begin(&w);
    json_put_key(&w, STR("QueueUrl"));
    json_put_text(&w, q->url);
    json_put_key(&w, STR("MaxNumberOfMessages"));
    json_put_int(&w, MOST_MESSAGES);
    json_put_key(&w, STR("WaitTimeSeconds"));
    json_put_int(&w, wait_seconds);
    json_put_object_done(&w);
    TRY(aws_json_call(q->service, a, "ReceiveMessage", strbuf_str(&b), false, &answer, &outcome,
                      err));
    const json_t *list = json_object_get(answer, "Messages");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        sqs_message m = { .receipt = str_copy(a, json_text_or(one, "ReceiptHandle", STR(""))) };
        read_body(a, json_text_or(one, "Body", STR("")), 0, &m);
        vec_push(a, &messages, m);
    }
    *ret_messages = messages.items;
    *ret_count = messages.count;
    return true;
}

static bool delete_ten(sqs_queue *q, const sqs_message *messages, size_t count, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(json_release) json_t *answer = NULL;
    aws_outcome outcome;
    strbuf b = strbuf_new(a);
    json_writer w = json_writer_new(&b);
    json_put_object_begin(&w);
    json_put_key(&w, STR("QueueUrl"));
    json_put_text(&w, q->url);
    json_put_key(&w, STR("Entries"));
    json_put_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        json_put_object_begin(&w);
        json_put_key(&w, STR("Id"));
        json_put_text(&w, str_format(a, "%zu", i));
        json_put_key(&w, STR("ReceiptHandle"));
        json_put_text(&w, messages[i].receipt);
        json_put_object_done(&w);
    }
    json_put_array_done(&w);
    json_put_object_done(&w);
    TRY(aws_json_call(q->service, a, "DeleteMessageBatch", strbuf_str(&b), false, &answer, &outcome,
                      err));
    size_t failed = json_array_size(json_object_get(answer, "Failed"));
    return failed == 0 ||
           fail(err, ERR_IO, "sqs DeleteMessageBatch: %zu of %zu messages stay", failed, count);
}

bool sqs_delete(sqs_queue *q, const sqs_message *messages, size_t count, error *err)
{
    for (size_t i = 0; i < count; i += MOST_MESSAGES)
        TRY(delete_ten(q, messages + i, count - i < MOST_MESSAGES ? count - i : MOST_MESSAGES,
                       err));
    return true;
}
