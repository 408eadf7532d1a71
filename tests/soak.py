#!/usr/bin/env python3
"""Continuous loading: files made beforehand are released on a clock at so many rows a second while `floe serve` loads them, keeps the devices up to
date and compacts behind itself. Says how far behind it is, how much memory it takes, and how many files its tables have."""
import argparse
import json
import socket
import time
import urllib.request

from harness import *

options = argparse.ArgumentParser()
options.add_argument("--minutes", type=float, default=10)
options.add_argument("--rate", type=int, default=400000, help="rows a second")
options.add_argument("--interval", type=int, default=10, help="seconds, of both kinds of jobs")
options.add_argument("--rows-per-file", type=int, default=50000)
options = options.parse_args()
BASE_FILES = 80


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def memory_mb(pid):
    """Resident memory of a process, in all and what of it is files' pages, which the system takes back at will."""
    lines = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
    return tuple(int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "RssFile"))


with Home() as h:
    base = h.path / "base"
    made = subprocess.run([FLOE, "gen", "flow-logs", "--rows", str(BASE_FILES * options.rows_per_file), "--rows-per-file", str(options.rows_per_file), "--seed", "3",
                           "--out", str(base)], capture_output=True, text=True)
    check("files are made", (made.returncode, made.stderr if made.returncode else ""), (0, ""))
    files = sorted(p for p in base.rglob("*.parquet"))
    rows_of = made.returncode == 0 and options.rows_per_file
    text = h.worksheet.read_text().replace("RUN_INTERVAL = 1 MINUTE", f"RUN_INTERVAL = {options.interval} SECONDS")
    h.worksheet.write_text(text.replace("CONTENT_TYPE = AUTO", f"CONTENT_TYPE = AUTO\n  COMMIT_INTERVAL = {options.interval} SECONDS"))
    check("the jobs are made", h.floe("run", h.worksheet).returncode, 0)
    ports = [free_port() for _ in range(3)]
    server = subprocess.Popen([FLOE, "serve", "--home", str(h.home), "--port", str(ports[0]), "--gremlin-port", str(ports[1]), "--bolt-port", str(ports[2]), "--no-sign-in"],
                              stdout=subprocess.DEVNULL, stderr=open(h.path / "log", "w"))

    def jobs():
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/api/jobs", timeout=60) as reply:
            return json.load(reply)["rows"]

    released, samples, started = [], [], None     # released: (seconds, rows so far)
    folder = h.samples / "AWSLogs/123456789012/vpcflowlogs/us-east-1" / time.strftime("%Y/%m/%d", time.gmtime())
    folder.mkdir(parents=True)
    next_look, number, rows = 0, 0, 0
    try:
        time.sleep(2)
        started = time.monotonic()
        while (now := time.monotonic() - started) < options.minutes * 60:
            while rows < now * options.rate:
                source = files[number % len(files)]
                os.link(source, folder / f"123456789012_vpcflowlogs_us-east-1_fl-1_{time.strftime('%Y%m%dT%H%MZ', time.gmtime())}_{number:08x}.log.parquet")
                number += 1
                rows += options.rows_per_file
                released.append((now, rows))
            if now >= next_look:
                next_look = now + 5
                done = jobs()[0]["rows"] or 0
                loaded_until = max([t for t, n in released if n <= done], default=0)
                memory, mapped = memory_mb(server.pid)
                samples.append((now, now - loaded_until, memory, done))
                print(f"{now:6.0f} s  released {rows / 1e6:7.1f} M  loaded {done / 1e6:7.1f} M  behind {now - loaded_until:5.1f} s  memory {memory:6.0f} MB, {mapped:.0f} of them files'", flush=True)
            time.sleep(0.05)
        end = time.monotonic()
        while jobs()[0]["rows"] < rows and time.monotonic() - end < 60:
            time.sleep(0.2)
        catch_up = time.monotonic() - end
        while time.monotonic() - end < 90 and (h.sql(f"SELECT max(last_seen) >= (SELECT max(\"$event_time\") FROM {CONNECTIONS}) FROM {DEVICES}") != ["true"]):
            time.sleep(1)
        devices_up = time.monotonic() - end
    finally:
        server.terminate()
        server.wait(60)
    lag = samples[-1][1]
    third = max(len(samples) // 3, 1)
    early, late = max(s[2] for s in samples[:2 * third]), max(s[2] for s in samples[-third:])
    data_files = h.sql("SELECT files FROM system.information_schema.tables WHERE name = 'vpcflowlogs_connections'")
    tables = h.sql(f"SELECT (SELECT count(*) FROM {CONNECTIONS}), (SELECT count(*) - count(DISTINCT device_id) FROM {DEVICES})")
    print((h.path / "log").read_text()[-1500:])
    print(f"released {rows} rows in {options.minutes * 60:.0f} s ({rows / options.minutes / 60:.0f} rows/s); behind at the end {lag:.1f} s, all loaded {catch_up:.1f} s later, devices "
          f"{devices_up:.1f} s later; memory {early:.0f} MB early, {late:.0f} MB late; data files {data_files}")
    check(f"behind at the end by less than two intervals ({lag:.1f} s)", lag < 2 * options.interval)
    check(f"memory is flat ({early:.0f} to {late:.0f} MB)", late < early * 1.25 + 50)
    check("every row once, one row a device", tables, [f"{rows},0"])
finish()
