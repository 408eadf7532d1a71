#!/usr/bin/env python3
"""Tables in AWS Glue, emulated by moto (AWS offers no Glue to run), with their files on a real S3 server."""
import json
import urllib.request

from services import *


def sheet(glue, s3):
    return s3.connection("s3c") + f"""CREATE GLUE_CATALOG CONNECTION glue AWS_ACCESS_KEY_ID = 'testing' AWS_SECRET_ACCESS_KEY = 'testing-secret' REGION = 'eu-west-1' ENDPOINT = '{glue}'
  DEFAULT_STORAGE_CONNECTION = s3c DEFAULT_STORAGE_LOCATION = 's3://lake/warehouse/';
CREATE ICEBERG TABLE glue.net.flows() PARTITIONED BY $event_date;
CREATE SYNC JOB j START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd' COLUMN_TRANSFORMATIONS = (k = UUID_GENERATOR(account_id::string)) AS COPY FROM S3 s3c LOCATION = 's3://inbox/AWSLogs/' INTO glue.net.flows;
CREATE ICEBERG TABLE glue.net.devices (device_id string, last_seen timestamp) PRIMARY KEY device_id;
CREATE SYNC JOB j_devices START_FROM = BEGINNING AS INSERT INTO glue.net.devices MAP_COLUMNS_BY_NAME SELECT srcaddr::string AS device_id, $event_time AS last_seen FROM glue.net.flows WHERE TIME_FILTER();
"""


def glue_call(moto, operation, **body):
    request = urllib.request.Request(moto.endpoint, json.dumps(body).encode(), {"X-Amz-Target": f"AWSGlue.{operation}", "Content-Type": "application/x-amz-json-1.1", "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-west-1/glue/aws4_request, SignedHeaders=host, Signature=0"})
    return json.load(urllib.request.urlopen(request))


def load(text, *more):
    h = Home()
    h.worksheet.write_text(text)
    return h, h.load("--most-files", "10", *more)


QUESTION = "SELECT count(*), count(DISTINCT k) FROM glue.net.flows"


def drop(h):
    done = h.path / "drop.sql"
    done.write_text("DROP JOB j; DROP JOB j_devices; DROP TABLE glue.net.flows; DROP TABLE glue.net.devices;")
    gone = h.floe("run", done)
    check("dropped", (gone.returncode, gone.stderr if gone.returncode else ""), (0, ""))
    h.close()


def main(moto, s3, proxy):
    h, done = load(sheet(proxy.endpoint, s3))
    check("the load works", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    check("every row, once", h.sql(QUESTION), ["20000,20000"])
    table = glue_call(moto, "GetTable", DatabaseName="net", Name="flows")["Table"]
    check("Glue has it as an Iceberg table", (table["Parameters"]["table_type"], table["TableType"]), ("ICEBERG", "EXTERNAL_TABLE"))
    check_in("points at the current metadata", "s3://lake/warehouse/net/flows/metadata/00002-", table["Parameters"]["metadata_location"])
    check_in("and the one before", "s3://lake/warehouse/net/flows/metadata/00001-", table["Parameters"]["previous_metadata_location"])
    columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
    check("shows its columns", [columns.get(name) for name in ("$event_date", "$event_time", "srcaddr", "packets")], ["date", "timestamp", "string", "bigint"])
    check("every call is signed for the region", all("/eu-west-1/glue/aws4_request" in r["headers"]["authorization"] for r in proxy.requests))
    check("updates name the version they replace", all("VersionId" in json.loads(r["body"]) for r in proxy.requests if r["headers"]["x-amz-target"] == "AWSGlue.UpdateTable"))
    check("the secret is nowhere in the home", any(b"testing-secret" in p.read_bytes() for p in h.home.rglob("*") if p.is_file()), False)
    check_in("a table that is not there", "nothing", h.sql("SELECT * FROM glue.net.nothing")[0])
    check_graph(h, s3, "glue", {"type": "glue", "region": "eu-west-1", "endpoint": proxy.endpoint, "accessKey": "testing", "secretKey": "testing-of-schema"}, "testing-of-schema")
    drop(h)

    update = lambda r: r["headers"].get("x-amz-target") == "AWSGlue.UpdateTable"
    conflict = ("status", 400, json.dumps({"__type": "ConcurrentModificationException", "Message": "by test"}).encode())
    throttled = ("status", 400, json.dumps({"__type": "ThrottlingException", "Message": "Rate exceeded"}).encode())
    for name, rule in (("the answer to an update is lost", first(1, ("lose",), update)), ("500 though carried out", first(1, ("answer", lambda *a: (500, [], b"{}")), update)), ("somebody was faster", first(2, conflict, update)), ("throttled", first(3, throttled, update)), ("503 now and then", first(4, ("status", 503, b"")))):
        proxy.reset(rule)
        h, done = load(sheet(proxy.endpoint, s3))
        check(f"{name}: the load works", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
        proxy.reset()
        check(f"{name}: every row, once", h.sql(QUESTION), ["20000,20000"])
        drop(h)
    proxy.reset(lambda r: ("status", 400, json.dumps({"__type": "AccessDeniedException", "Message": "not authorized to perform glue:GetTable"}).encode()))
    h, done = load(sheet(proxy.endpoint, s3))
    check_in("a refusal in Glue's words", "glue GetTable: status 400 AccessDeniedException: not authorized", done.stderr)
    h.close()


try:
    s3 = S3("lake", "inbox")
    run(FLOE, "gen", "flow-logs", "--rows", 20000, "--rows-per-file", 1000, "--out", s3.path / "inbox", "--format", "text", "--seed", 1)
    moto = Moto()
    main(moto, s3, Proxy(moto.endpoint))
    s3.close()
finally:
    stop_all()
finish()
