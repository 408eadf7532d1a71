#!/usr/bin/env python3
"""COPY jobs over a bucket: all accounts and regions in one job, listings that stay cheap, and S3's event notifications from SQS."""
import gzip
import hashlib
import json
import random
import urllib.parse

from services import *

TABLE = "default_glue_catalog.o.flows"
TODAY = time.strftime("%Y/%m/%d", time.gmtime())


def sqs(moto, operation, **body):
    request = urllib.request.Request(moto.endpoint, json.dumps(body).encode(), {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0", "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"})
    return json.load(urllib.request.urlopen(request))


def notify(moto, url, *keys):
    records = [{"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "eventTime": "2026-01-01T00:00:00.000Z", "s3": {"bucket": {"name": "logs"}, "object": {"key": urllib.parse.quote_plus(k), "size": len(d), "eTag": hashlib.md5(d).hexdigest()}}} for k, d in keys]
    sqs(moto, "SendMessage", QueueUrl=url, MessageBody=json.dumps({"Records": records}))


def left(moto, url):
    a = sqs(moto, "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(a["ApproximateNumberOfMessages"]) + int(a["ApproximateNumberOfMessagesNotVisible"])


def put(s3, key, *records):
    """Through the server, so that the ETag is S3's. Returns what a notification tells."""
    data = gzip.compress(log_text(*records).encode(), mtime=0)
    path = WORK / "put"
    path.write_bytes(data)
    done = s3.probe("put", f"s3://logs/{key}", path)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return key, data


def job(h, s3, options, location, endpoint=None, sqs_endpoint=None):
    more = f"SQS_ENDPOINT = '{sqs_endpoint}' REGION = 'us-east-1'" if sqs_endpoint else ""
    h.worksheet.write_text(s3.connection("bucket", endpoint, more) + f"CREATE TABLE {TABLE}() PARTITIONED BY $event_date;\nCREATE JOB org {options} AS COPY FROM S3 bucket LOCATION = '{location}' INTO {TABLE};\n")


def rows(h):
    return h.sql(f"SELECT count(*), count(DISTINCT srcaddr) FROM {TABLE}")


class Serving:
    def __init__(self, h):
        check("the job is made", h.floe("run", h.worksheet).returncode, 0)
        self.p = subprocess.Popen([FLOE, "serve", "--home", str(h.home), "--port", "0", "--no-sign-in"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait(30)


def until(what, seconds=40):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.3)
    return False


def organisation(s3):
    with Home() as h:
        proxy = Proxy(s3.endpoint)
        n = 0
        for a in range(6):
            for r in ("eu-west-1", "us-east-1"):
                for day in (TODAY, "2024/04/17", "2024/04/18"):
                    for i in range(2):
                        n += 1
                        put(s3, f"org/AWSLogs/{a:012}/vpcflowlogs/{r}/{day}/f{i}.log.gz", record(f"10.0.0.{n}"))
        for i in range(5):
            put(s3, f"org/AWSLogs/000000000000/CloudTrail/us-east-1/{TODAY}/{i}.log.gz", record("10.9.9.9"))
        job(h, s3, "DATE_PATTERN = 'yyyy/MM/dd' COMMIT_INTERVAL = 1 SECOND FULL_LISTING_INTERVAL = 20 SECONDS", "s3://logs/org/AWSLogs/*/vpcflowlogs/*/", proxy.endpoint)
        with Serving(h):
            check("all of them load", until(lambda: rows(h) == [f"{n},{n}"]))
            time.sleep(3)
            proxy.reset()
            time.sleep(4)
            listings = [urllib.parse.unquote(r["path"]) for r in proxy.requests if "list-type" in r["path"]]
            old = [path for path in listings if "/2024/" in path and TODAY not in path]
            check(f"between full listings nothing but the newest days is listed ({len(listings)} requests)", (len(listings) > 0, all("prefix=org/AWSLogs/" in p and p.count("/") > 8 for p in listings), bool(old)), (True, True, False))
            put(s3, f"org/AWSLogs/000000000003/vpcflowlogs/eu-west-1/{TODAY}/new.log.gz", record("10.0.1.1"))
            check("a new file of today", until(lambda: rows(h) == [f"{n + 1},{n + 1}"], 10))
            put(s3, "org/AWSLogs/000000000003/vpcflowlogs/eu-west-1/2024/04/18/late.log.gz", record("10.0.1.2"))
            put(s3, f"org/AWSLogs/000000000009/vpcflowlogs/ap-south-1/{TODAY}/account.log.gz", record("10.0.1.3"))
            check("a late file and a new account", until(lambda: rows(h) == [f"{n + 3},{n + 3}"], 45))


def hive(s3):
    with Home() as h:
        for a in range(3):
            put(s3, f"hive/AWSLogs/aws-account-id={a:012}/aws-service=vpcflowlogs/aws-region=us-east-1/year=2024/month=04/day=18/hour=03/f.log.gz", record(f"10.0.0.{a}"))
        job(h, s3, "DATE_PATTERN = '''year=''yyyy''/month=''MM''/day=''dd''/hour=''HH'", "s3://logs/hive/AWSLogs/aws-account-id=*/aws-service=vpcflowlogs/aws-region=*")
        check("hive keys", (h.load().stderr.count("3 rows"), h.sql(f"SELECT count(*), min($event_date) FROM {TABLE}")), (1, ["3,2024-04-18"]))
        h.worksheet.write_text(s3.connection("b2") + f"CREATE JOB wild AS COPY FROM S3 b2 LOCATION = 's3://*/x' INTO {TABLE};\n")
        check_in("a bucket is no wildcard", "the bucket needs a name", h.load().stderr)


def notifications(s3, moto):
    """Told of twice, not told of at all, told of before it is there, with other things in between: each object loads once, and the queue is empty."""
    random.seed(5)
    with Home() as h:
        proxy, url = Proxy(s3.endpoint), sqs(moto, "CreateQueue", QueueName="logs-events")["QueueUrl"]
        first_one = put(s3, f"q/AWSLogs/1/vpcflowlogs/us-east-1/{TODAY}/0.log.gz", record("10.0.0.0"))
        job(h, s3, "DATE_PATTERN = 'yyyy/MM/dd' COMMIT_INTERVAL = 1 SECOND SQS_QUEUE_NAME = 'logs-events' FULL_LISTING_INTERVAL = 30 SECONDS", "s3://logs/q/AWSLogs/*/vpcflowlogs/*/", proxy.endpoint, moto.endpoint)
        notify(moto, url, first_one)
        sqs(moto, "SendMessage", QueueUrl=url, MessageBody=json.dumps({"Event": "s3:TestEvent"}))
        check_in("EXPLAIN counts the object", "1 new", (h.floe("run", h.worksheet), h.floe("sql", "EXPLAIN JOB org"))[1].stdout)
        check("and leaves the queue alone", left(moto, url), 2)
        with Serving(h):
            check("what was there", until(lambda: rows(h) == ["1,1"]))
            check("its message is deleted after the commit", until(lambda: left(moto, url) == 0))
            time.sleep(1)
            proxy.reset()
            told = [put(s3, f"q/AWSLogs/{1 + i % 3}/vpcflowlogs/us-east-1/2024/04/{1 + i % 28:02}/{i}.log.gz", record(f"10.0.1.{i}")) for i in range(40)]
            other = put(s3, f"q/other/{TODAY}/x.log.gz", record("10.9.9.9"))
            messages = [[t] for t in told] + [[t] for t in told[:20]] + [told[:7]] + [[other]]
            random.shuffle(messages)
            for m in messages:
                notify(moto, url, *m)
            check("duplicates load once", until(lambda: rows(h) == ["41,41"]))
            listed = proxy.count("GET", "list-type")
            check("without a listing", listed, 0)
            check("every message is deleted", until(lambda: left(moto, url) == 0))
            put(s3, "q/AWSLogs/1/vpcflowlogs/us-east-1/2024/04/02/lost.log.gz", record("10.0.2.1"))
            notify(moto, url, ("q/AWSLogs/1/vpcflowlogs/us-east-1/2024/04/02/never-there.log.gz", b"x"))
            check("an object that nobody told of comes with a full listing", until(lambda: rows(h) == ["42,42"], 60))
        check("again: nothing new", (h.load().returncode in (0, 1), rows(h)), (True, ["42,42"]))
        bad = h.floe("jobs").stdout
        check_in("one that was told of and is not there is said", "never-there", bad)


def dead_letters(s3):
    with Home() as h:
        lines = [record("10.0.0.1"), "2 x", record("10.0.0.3")]
        put(s3, "dead/2024/04/18/a.log.gz", *lines)
        job(h, s3, "DATE_PATTERN = 'yyyy/MM/dd'", "s3://logs/dead/")
        check("a bad line in S3", (h.load().returncode, rows(h), h.sql("SELECT file, line FROM default_glue_catalog.o.org_dead_letters")), (0, ["2,2"], ["s3://logs/dead/2024/04/18/a.log.gz,3"]))
        put(s3, "dead/2024/04/18/a.log.gz", lines[0], record("10.0.0.2"), lines[2])
        h.sql("REPLAY JOB org")
        check("mended there, it is loaded", (h.load().returncode, rows(h), h.sql("SELECT count(*) FROM default_glue_catalog.o.org_dead_letters")), (0, ["3,3"], ["0"]))


def abuse(s3, moto):
    """Killed at any moment, with notifications twice and some lost: every object once."""
    random.seed(7)
    with Home() as h:
        url = sqs(moto, "CreateQueue", QueueName="abused", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
        job(h, s3, "DATE_PATTERN = 'yyyy/MM/dd' COMMIT_INTERVAL = 1 SECOND SQS_QUEUE_NAME = 'abused'", "s3://logs/abuse/*/", None, moto.endpoint)
        n = 0
        for wave in range(12):
            for i in range(6):
                n += 1
                told = put(s3, f"abuse/{i % 2}/2024/04/{1 + wave:02}/{n}.log.gz", *[record(f"10.1.{n}.{k}") for k in range(5)])
                for _ in range(random.choice((0, 1, 2))):
                    notify(moto, url, told)
            p = subprocess.Popen([FLOE, "run", str(h.worksheet), "--until-caught-up", "--home", str(h.home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.random() * 0.5)
            p.kill()
            p.wait()
        check("it ends well", h.load().returncode, 0)
        check(f"{n} objects, each once", rows(h), [f"{n * 5},{n * 5}"])
        time.sleep(1.5)
        h.load()
        check("the queue is empty", left(moto, url), 0)


try:
    store = S3("logs")
    aws = Moto()
    organisation(store)
    hive(store)
    dead_letters(store)
    notifications(store, aws)
    abuse(store, aws)
    store.close()
finally:
    stop_all()
finish()
