#!/usr/bin/env python3
"""Several `floe serve` on one home: each job is run by one of them at a time, another takes over when that one is killed; SIGTERM in the middle of a
large batch ends a server within two seconds, and nothing is lost or doubled by any of it."""
import random
import signal
import time

from harness import *

dice = random.Random(int(os.environ.get("SHARED_HOME_SEED", "5")))


def serve(h, name):
    return subprocess.Popen([FLOE, "serve", "--home", str(h.home), "--port", "0", "--no-sign-in"], stdout=subprocess.DEVNULL, stderr=open(h.path / name, "a"))


def set_intervals(h, seconds):
    text = h.worksheet.read_text().replace("RUN_INTERVAL = 1 MINUTE", f"RUN_INTERVAL = {seconds} SECONDS")
    h.worksheet.write_text(text.replace("CONTENT_TYPE = AUTO", f"CONTENT_TYPE = AUTO\n  COMMIT_INTERVAL = {seconds} SECONDS"))


def owners(h):
    """The processes that run the jobs, as the locks say: a job each, in the order of their numbers. Two servers may have some each."""
    return [int(p.read_text()) for p in sorted((h.home / "locks").glob("job-*")) if p.read_text().isdigit()]


def wait_for(what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


def overlaps(h):
    """Pairs of runs of one job, one of which began before the other had ended."""
    return h.sql("SELECT count(*) FROM system.monitoring.runs a JOIN system.monitoring.runs b ON a.job_name = b.job_name AND a.run < b.run AND b.started < a.finished")


def rows(h):
    return h.sql(f"SELECT count(*), count(DISTINCT primary_key) FROM {CONNECTIONS}")


# ---- two servers, one home; the one that has the jobs is killed again and again ----
with Home() as h:
    set_intervals(h, 1)
    check("the jobs are made", h.floe("run", h.worksheet).returncode, 0)
    servers = [serve(h, "a"), serve(h, "b")]
    number, kills, taken_over = 0, 0, []
    try:
        check("somebody runs the jobs", wait_for(lambda: len(owners(h)) == 3))
        for round_number in range(4):
            for _ in range(12):
                number += 1
                records = [record(f"10.0.{number % 40}.{k % 50}", f"172.16.{k % 30}.{number % 60}", 1 + k % 9, k) for k in range(50)]
                h.write(f"f_20240418T{number % 24:02d}{number % 60:02d}Z_{number:08x}.log.gz", log_text(*records))
                time.sleep(dice.uniform(0.02, 0.15))
            owner = owners(h)[0]
            victim = next(s for s in servers if s.pid == owner)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            killed = time.monotonic()
            servers.remove(victim)
            servers.append(serve(h, "ab"[round_number % 2]))
            check(f"round {round_number}: another one takes over", wait_for(lambda: len(owners(h)) == 3 and owner not in owners(h)))
            taken_over.append(time.monotonic() - killed)
        check("every row is loaded", wait_for(lambda: rows(h) == [f"{number * 50},{number * 50}"], 60))
        check("the devices are up to date", wait_for(lambda: h.sql(f"SELECT count(*) - count(DISTINCT device_id), count(*) FROM {DEVICES}")
                                                     == h.sql(f"SELECT 0, count(DISTINCT a) FROM (SELECT srcaddr a FROM {CONNECTIONS} UNION ALL SELECT dstaddr FROM {CONNECTIONS})"), 60))
        check("no two runs of a job overlap", overlaps(h), ["0"])
        check("a job is run elsewhere, says another process", "is run by another floe" in h.floe("run", h.worksheet, "--until-caught-up").stderr)
        left = h.home / "tmp"
        check("what the killed ones put aside is gone", len(list(left.glob("*.lock"))) <= len(servers))
    finally:
        for s in servers:
            s.terminate()
        codes = [s.wait(20) for s in servers]
    check("both end well", (codes, [line for name in "ab" for line in (h.path / name).read_text().splitlines() if any(codes) and "rows in" not in line]), ([0, 0], []))
    check("nothing is left aside", list((h.home / "tmp").glob("*")), [])
    check("once more, nothing is new", h.load().returncode, 0)
    check("every row once", rows(h), [f"{number * 50},{number * 50}"])
    print(f"{len(taken_over)} takeovers after kill -9, the longest {max(taken_over):.1f} s")

# ---- SIGTERM at any moment of a large batch ----
longest = 0
for form, count in (("parquet", 4000000), ("text", 1500000)):
    with Home() as h:
        made = subprocess.run([FLOE, "gen", "flow-logs", "--rows", str(count), "--rows-per-file", "100000", "--seed", "4", "--format", form, "--out", str(h.samples / "AWSLogs")], capture_output=True, text=True)
        check(f"{form}: files are made", (made.returncode, made.stderr if made.returncode else ""), (0, ""))
        set_intervals(h, 1)
        check(f"{form}: the jobs are made", h.floe("run", h.worksheet).returncode, 0)
        for moment in (0.1, 0.4, 0.8, 1.3, 2.0, 3.0):
            server = serve(h, "log")
            time.sleep(moment)
            stopped = time.monotonic()
            server.terminate()
            code = server.wait(30)
            took = time.monotonic() - stopped
            longest = max(longest, took)
            # a server that has not yet set up its signals when it is stopped ends by the signal
            crowd = max(1, os.getloadavg()[0] / os.cpu_count())     # of a machine that others use too, a share counts
            check(f"{form}: SIGTERM after {moment} s ends it well and soon ({took:.2f} s)", (code in (0, -signal.SIGTERM), took < 2 * crowd), (True, True))
        check(f"{form}: then all is loaded", h.load().returncode, 0)
        check(f"{form}: every row once", rows(h), [f"{count},{count}"])
        check(f"{form}: one row a device", h.sql(f"SELECT count(*) - count(DISTINCT device_id) FROM {DEVICES}"), ["0"])
        check(f"{form}: no two runs overlap", overlaps(h), ["0"])
        data = sum(1 for _ in (h.home / "warehouse/puppygraph/vpcflowlogs_connections/data").rglob("*.parquet"))
        known = h.sql("SELECT files FROM system.information_schema.tables WHERE name = 'vpcflowlogs_connections'")
        check(f"{form}: runs that were abandoned left no files", str(data), known[0])
print(f"SIGTERM: the longest stop took {longest:.2f} s")
finish()
