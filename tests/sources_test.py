#!/usr/bin/env python3
"""What a COPY job reads: one job over all accounts and regions, both layouts of AWS's keys, late files, ever new folders."""
import signal
import time

from harness import *

PATTERNS = {"plain": ("AWSLogs/*/vpcflowlogs/*/", "yyyy/MM/dd", "AWSLogs/{a}/vpcflowlogs/{r}/2024/04/{d}/"),
            "hive": ("AWSLogs/aws-account-id=*/aws-service=vpcflowlogs/aws-region=*/", "''year=''yyyy''/month=''MM''/day=''dd''/hour=''HH",
                     "AWSLogs/aws-account-id={a}/aws-service=vpcflowlogs/aws-region={r}/year=2024/month=04/day={d}/hour=03/")}
ACCOUNTS, REGIONS = ("111111111111", "222222222222", "333333333333"), ("eu-west-1", "us-east-1")


def put(h, folder, name, *records):
    path = h.samples / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(log_text(*records).encode(), mtime=0))


def job(h, location, pattern, more=""):
    h.worksheet.write_text(f"CREATE FILE CONNECTION logs ROOT = '{h.samples}';\nCREATE TABLE default_glue_catalog.o.flows() PARTITIONED BY $event_date;\n"
                           f"CREATE JOB org DATE_PATTERN = '{pattern}' {more} AS COPY FROM FILE logs LOCATION = '{location}' INTO default_glue_catalog.o.flows;\n")


def count(h):
    return h.sql("SELECT count(*), count(DISTINCT srcaddr), count(DISTINCT $event_date) FROM default_glue_catalog.o.flows")


def organisation(layout):
    location, pattern, folder = PATTERNS[layout]
    with Home() as h:
        n = 0
        for a in ACCOUNTS:
            for r in REGIONS:
                for d in (17, 18):
                    n += 1
                    put(h, folder.format(a=a, r=r, d=d), f"{a}_vpcflowlogs_{r}_fl-1_202404{d}T0325Z_{n:08x}.log.gz", record(f"10.0.0.{n}"))
        put(h, f"AWSLogs/{ACCOUNTS[0]}/CloudTrail/us-east-1/2024/04/18/", "trail.json.gz", "this is no flow log")
        put(h, "elsewhere/2024/04/18/", "other.log.gz", record("10.9.9.9"))
        job(h, location, pattern)
        check(f"{layout}: loads", (h.load().returncode, count(h)), (0, [f"{n},{n},2"]))
        put(h, folder.format(a=ACCOUNTS[1], r=REGIONS[0], d="01"), "late_20240401T0325Z_1.log.gz", record("10.0.1.1"))
        put(h, folder.format(a="444444444444", r="ap-south-1", d=19), "new_20240419T0325Z_1.log.gz", record("10.0.1.2"))
        check(f"{layout}: late files and new accounts load", (h.load().returncode, count(h)), (0, [f"{n + 2},{n + 2},4"]))
        check(f"{layout}: nothing twice", (h.load().returncode, count(h)), (0, [f"{n + 2},{n + 2},4"]))
        check(f"{layout}: the event's time", h.sql("SELECT count(*) FROM default_glue_catalog.o.flows WHERE $event_date = DATE '2024-04-18'"), ["6"])


def one_account_of_many():
    with Home() as h:
        for a in ACCOUNTS:
            put(h, f"AWSLogs/{a}/vpcflowlogs/us-east-1/2024/04/18", "x.log.gz", record(f"10.0.0.{a[0]}"))
        job(h, "AWSLogs/?2*/vpcflowlogs/*", "yyyy/MM/dd")
        check("a question mark is one character", (h.load().returncode, h.sql("SELECT srcaddr FROM default_glue_catalog.o.flows")), (0, ["10.0.0.2"]))
    with Home() as h:
        job(h, "AWSLogs/*/vpcflowlogs/*", "yyyy/MM/dd")
        check_in("a place that is not there", "AWSLogs", h.load().stderr)


def from_a_day_on():
    with Home() as h:
        for day in ("2024/04/17", "2024/04/18", time.strftime("%Y/%m/%d", time.gmtime())):
            put(h, f"AWSLogs/1/vpcflowlogs/us-east-1/{day}", "x.log.gz", record())
        job(h, "AWSLogs/*/vpcflowlogs/*", "yyyy/MM/dd", "START_FROM = TIMESTAMP '2024-04-18 00:00:00'")
        check("START_FROM a day long ago", (h.load().returncode, count(h)), (0, ["2,1,2"]))
    with Home() as h:
        for day in ("2024/04/17", time.strftime("%Y/%m/%d", time.gmtime())):
            put(h, f"AWSLogs/1/vpcflowlogs/us-east-1/{day}", "x.log.gz", record())
        job(h, "AWSLogs/*/vpcflowlogs/*", "yyyy/MM/dd", f"START_FROM = TIMESTAMP '{time.strftime('%Y-%m-%d', time.gmtime(time.time() - 86400 * 5))} 00:00:00'")
        check("START_FROM a recent day: only its folders are listed", (h.load().returncode, count(h)), (0, ["1,1,1"]))


def while_serving():
    """Between full listings only the newest days are listed; what comes late is found by the next full one."""
    with Home() as h:
        today = time.strftime("%Y/%m/%d", time.gmtime())
        put(h, f"AWSLogs/1/vpcflowlogs/us-east-1/{today}", "a.log.gz", record("10.0.0.1"))
        job(h, "AWSLogs/*/vpcflowlogs/*", "yyyy/MM/dd", "COMMIT_INTERVAL = 1 SECOND FULL_LISTING_INTERVAL = 8 SECONDS")
        check("the job is made", h.floe("run", h.worksheet).returncode, 0)
        p = subprocess.Popen([FLOE, "serve", "--home", str(h.home), "--port", "0", "--no-sign-in"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            def wait(want, seconds):
                end = time.time() + seconds
                while time.time() < end and count(h)[0].split(",")[0] != str(want):
                    time.sleep(0.2)
                return count(h)[0].split(",")[0], round(seconds - (end - time.time()))
            check("the first file", wait(1, 20)[0], "1")
            put(h, f"AWSLogs/1/vpcflowlogs/us-east-1/{today}", "b.log.gz", record("10.0.0.2"))
            check("today's next file", wait(2, 10)[0], "2")
            put(h, "AWSLogs/1/vpcflowlogs/us-east-1/2024/04/01", "late.log.gz", record("10.0.0.3"))
            put(h, f"AWSLogs/2/vpcflowlogs/eu-west-1/{today}", "c.log.gz", record("10.0.0.4"))
            check("late files and new accounts come with the next full listing", wait(4, 30)[0], "4")
        finally:
            p.send_signal(signal.SIGTERM)
            p.wait(30)


for layout in PATTERNS:
    organisation(layout)
one_account_of_many()
from_a_day_on()
while_serving()
finish()
