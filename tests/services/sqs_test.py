#!/usr/bin/env python3
"""S3's event notifications out of an SQS queue (moto): the objects they tell of, each message once."""
import json
import urllib.parse
import urllib.request

from services import *


def sqs(moto, operation, **body):
    request = urllib.request.Request(moto.endpoint, json.dumps(body).encode(), {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0", "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"})
    return json.load(urllib.request.urlopen(request))


def record(key, event="ObjectCreated:Put", **more):
    return {"eventVersion": "2.1", "eventName": event, "s3": {"bucket": {"name": "logs"}, "object": {"key": urllib.parse.quote_plus(key), "size": 7, "eTag": "0123", **more}}}


def drain(proxy, queue):
    options = [part for o in (f"sqs.endpoint={proxy.endpoint}", "s3.access-key-id=testing", "s3.secret-access-key=x") for part in ("-o", o)]
    return subprocess.run([PROBE, *options, "drain", queue], capture_output=True, text=True, timeout=60)


try:
    moto = Moto()
    proxy = Proxy(moto.endpoint)
    url = sqs(moto, "CreateQueue", QueueName="new-objects")["QueueUrl"]
    bodies = [json.dumps({"Records": [record(f"AWSLogs/{i} ü+.gz")]}) for i in range(23)]
    bodies += [json.dumps({"Type": "Notification", "Message": json.dumps({"Records": [record("by-sns"), record("second")]})}), json.dumps({"Event": "s3:TestEvent"}), "no json", json.dumps({"Records": [record("gone", "ObjectRemoved:Delete"), {"s3": 1}, 5, record("negative", size=-1)]})]
    for body in bodies:
        sqs(moto, "SendMessage", QueueUrl=url, MessageBody=body)
    proxy.reset(first(3, ("status", 503, b"")))
    done = drain(proxy, "new-objects")
    check("every object is told of once", sorted(done.stdout.splitlines()), sorted(f"s3://logs/{k}\t7\t0123" for k in [f"AWSLogs/{i} ü+.gz" for i in range(23)] + ["by-sns", "second"]))
    check("it works", (done.returncode, done.stderr), (0, ""))
    check("calls are signed", all("/us-east-1/sqs/aws4_request" in r["headers"]["authorization"] for r in proxy.requests))
    left = sqs(moto, "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    check("the queue is empty", (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]), ("0", "0"))
    check("a queue by URL", drain(proxy, url).returncode, 0)
    check_in("a queue that is not there", "NOT_FOUND sqs GetQueueUrl: status 400", drain(proxy, "none").stderr)
finally:
    stop_all()
finish()
