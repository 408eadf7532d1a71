#!/usr/bin/env python3
"""S3 beside its peers, on a server on loopback: ranged reads in parallel against curl, loading flow logs from S3 against a folder."""
import datetime
import hashlib
import hmac
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/services"))
from services import *
from report import finish, report  # after the harness, which has a finish() of its own

MEGABYTES = int(os.environ.get("BENCH_S3_MB", 256))
ROWS = int(os.environ.get("BENCH_S3_ROWS", 1_000_000))


def signed_headers(s3, path):
    """Headers of a signed GET: what curl is given."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    empty = hashlib.sha256(b"").hexdigest()
    host = f"127.0.0.1:{s3.port}"
    names = "host;x-amz-content-sha256;x-amz-date"
    request = f"GET\n{path}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{now}\n\n{names}\n{empty}"
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    key = ("AWS4" + KEYS[1]).encode()
    for part in (now[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}".encode(), hashlib.sha256).hexdigest()
    return ["-H", f"x-amz-date: {now}", "-H", f"x-amz-content-sha256: {empty}", "-H", f"Authorization: AWS4-HMAC-SHA256 Credential={KEYS[0]}/{scope},SignedHeaders={names},Signature={signature}"]


def reads(s3):
    (s3.path / "lake/big").write_bytes(os.urandom(MEGABYTES << 20))
    by_floe, by_curl = [], []
    for _ in range(5):
        by_floe.append(float(s3.probe("measure", "s3://lake/big", 4).stdout) / 1e6)
        begin = time.perf_counter()
        for _ in range(4):
            run("curl", "-sf", "-o", "/dev/null", *signed_headers(s3, "/lake/big"), f"{s3.endpoint}/lake/big")
        by_curl.append(4 * (MEGABYTES << 20) / 1e6 / (time.perf_counter() - begin))
    mine, curl = statistics.median(by_floe), statistics.median(by_curl)
    report(f"ranged parallel reads of {MEGABYTES} MB into memory", mine, "MB/s", ">= 0.8 of curl", mine >= 0.8 * curl, curl=curl)


def loads(s3):
    run(FLOE, "gen", "flow-logs", "--rows", ROWS, "--rows-per-file", 20000, "--out", s3.path / "inbox", "--format", "text", "--seed", 1)
    table = "CREATE ICEBERG TABLE default_glue_catalog.net.flows() PARTITIONED BY $event_date %s;\nCREATE SYNC JOB j START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd' AS COPY FROM %s LOCATION = '%s' INTO default_glue_catalog.net.flows;\n"
    rates = {"s3": [], "folder": []}
    for i in range(3):
        sheets = {"s3": s3.connection("s") + table % (f"STORAGE_CONNECTION = s STORAGE_LOCATION = 's3://lake/t{i}/'", "S3 s", "s3://inbox/AWSLogs/"), "folder": f"CREATE FILE CONNECTION f ROOT = '{s3.path}/inbox';\n" + table % ("", "FILE f", "AWSLogs")}
        for kind, sheet in sheets.items():
            with Home() as h:
                h.worksheet.write_text(sheet)
                begin = time.perf_counter()
                done = h.load()
                rates[kind].append(ROWS / (time.perf_counter() - begin))
                if done.returncode:
                    sys.exit(done.stderr)
    s3, folder = statistics.median(rates["s3"]), statistics.median(rates["folder"])
    report(f"load of {ROWS:,} rows of text from S3", s3, "rows/s", ">= 0.5 of a folder", s3 >= 0.5 * folder, from_a_folder=folder)


try:
    s3 = S3("lake", "inbox")
    reads(s3)
    loads(s3)
    s3.close()
finally:
    stop_all()
finish("store")
