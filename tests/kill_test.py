#!/usr/bin/env python3
"""kill -9 at random points of a load with the devices upsert behind it: nothing lost, nothing doubled."""
import argparse
import random
import signal
import time

from harness import *


def fingerprint(h):
    return (h.sql(f"SELECT count(*), count(DISTINCT primary_key), sum(packets), bit_xor(hash(primary_key, srcaddr, dstaddr, packets)) FROM {CONNECTIONS}"),
            h.sql(f"SELECT count(*), count(DISTINCT device_id), bit_xor(hash(device_id, device_type, last_seen, partition_date)) FROM {DEVICES}"))


def fill(h, files):
    for i in range(files):
        records = [record(f"10.0.{(i * 7 + k) % 40}.{k % 50}", f"172.16.{k % 30}.{(i + k) % 60}", 1 + k % 9, k) for k in range(60)]
        h.write(f"f_202404{18 + i // 60:02d}T{i % 24:02d}{i % 60:02d}Z_{i:08x}.log.gz", log_text(*records), day=f"2024/04/{18 + i // 60:02d}")


options = argparse.ArgumentParser()
options.add_argument("--kills", type=int, default=30)
options.add_argument("--seed", type=int, default=1)
options = options.parse_args()
dice = random.Random(options.seed)
files = 240

with Home() as clean:
    fill(clean, files)
    check("the clean load works", clean.load().returncode, 0)
    want = fingerprint(clean)
    check("every row is there", want[0][0].split(",")[:2], [str(files * 60)] * 2)
    kills, rounds = 0, 0
    while kills < options.kills and rounds < options.kills * 4:
        rounds += 1
        with Home(clean.samples) as h:
            for _ in range(60):
                p = subprocess.Popen([FLOE, "run", str(h.worksheet), "--until-caught-up", "--most-files", "20", "--quiet", "--home", str(h.home)], stderr=subprocess.DEVNULL)
                try:
                    p.wait(timeout=dice.uniform(0.005, 0.35))
                    break
                except subprocess.TimeoutExpired:
                    p.send_signal(signal.SIGKILL)
                    p.wait()
                    kills += 1
            check("it ends well", h.load("--most-files", "20").returncode, 0)
            check(f"after {kills} kills the tables equal one clean load", fingerprint(h), want)
            leftovers = h.sql("SELECT count(*) FROM glob('" + str(h.home / "warehouse/puppygraph/vpcflowlogs_connections/data/**/*.parquet") + "')")
            known = h.sql(f"SELECT count(DISTINCT \"$event_date\") FROM {CONNECTIONS}")
            check("files are there", int(leftovers[0]) >= int(known[0]))
    check(f"killed at least {options.kills} times ({kills})", kills >= options.kills)
    print(f"killed {kills} times")
finish()
