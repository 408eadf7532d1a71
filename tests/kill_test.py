#!/usr/bin/env python3
"""kill -9 at random points of a load with the devices upsert behind it: nothing lost, nothing doubled."""
import argparse
import random
import signal
import time

from harness import *


def fingerprint(h, keys="primary_key, "):
    return (h.sql(f"SELECT count(*), count(DISTINCT primary_key), sum(packets), sum(hash({keys}srcaddr, dstaddr, srcport, packets, \"$event_time\")::HUGEINT) FROM {CONNECTIONS}"),
            h.sql(f"SELECT count(*), count(DISTINCT device_id), bit_xor(hash(device_id, device_type, last_seen, partition_date)) FROM {DEVICES}"))


def fill(h, files):
    for i in range(files):
        records = [record(f"10.0.{(i * 7 + k) % 40}.{k % 50}", f"172.16.{k % 30}.{(i + k) % 60}", 1 + k % 9, k) for k in range(60)]
        h.write(f"f_202404{18 + i // 60:02d}T{i % 24:02d}{i % 60:02d}Z_{i:08x}.log.gz", log_text(*records), day=f"2024/04/{18 + i // 60:02d}")


options = argparse.ArgumentParser()
options.add_argument("--kills", type=int, default=30)
options.add_argument("--seed", type=int, default=1)
options.add_argument("--abuse", action="store_true", help="one load: files held back, cut off, rewritten in place, touched, while it is killed")
options = options.parse_args()
dice = random.Random(options.seed)
files = 240

class Abuser:
    """The source of one load as bad days have it. At the end every file is there with its own content."""

    def __init__(self, clean, h):
        self.h, self.sources = h, sorted(p for p in clean.samples.rglob("*") if p.is_file())
        self.waiting = self.sources[:]
        dice.shuffle(self.waiting)      # out of order, late files among them
        self.cut = []
        self.clean = clean

    def path(self, source):
        path = self.h.samples / source.relative_to(self.clean.samples)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, source, content=None):
        path = self.path(source)
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_bytes(source.read_bytes() if content is None else content)
        os.rename(temporary, path)

    def step(self, most):
        for source in self.cut:                        # a file that was cut off is whole again
            self.put(source)
        self.cut = []
        for _ in range(min(most, len(self.waiting))):
            source = self.waiting.pop()
            if dice.random() < 0.2:
                whole = source.read_bytes()
                self.put(source, whole[:dice.randrange(len(whole))])
                self.cut.append(source)
            else:
                self.put(source)
        present = [p for p in self.sources if self.path(p).exists() and p not in self.cut]
        for source in dice.sample(present, min(4, len(present))):
            self.put(source) if dice.random() < 0.5 else os.utime(self.path(source))


def abuse(clean, want):
    kills, rounds = 0, 0
    with Home() as h:
        source = Abuser(clean, h)
        while (kills < options.kills or source.waiting or source.cut) and rounds < options.kills * 4:
            rounds += 1
            left = max(options.kills - kills, 1)
            source.step(max(1, len(source.waiting) // left) if kills < options.kills else files)
            p = subprocess.Popen([FLOE, "run", str(h.worksheet), "--until-caught-up", "--most-files", "5", "--quiet", "--home", str(h.home)], stderr=subprocess.DEVNULL)
            try:
                p.wait(timeout=dice.uniform(0.005, 0.3))
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGKILL)
                p.wait()
                kills += 1
        source.step(files)
        source.step(files)
        check("it ends well", h.load("--most-files", "20").returncode, 0)
        check(f"after {kills} kills across one abused load the tables equal one clean load", fingerprint(h, ""), want)
        check(f"killed at least {options.kills} times ({kills})", kills >= options.kills)
        print(f"killed {kills} times in {rounds} rounds")


with Home() as clean:
    fill(clean, files)
    check("the clean load works", clean.load().returncode, 0)
    want = fingerprint(clean)
    check("every row is there", want[0][0].split(",")[:2], [str(files * 60)] * 2)
    if options.abuse:
        abuse(clean, fingerprint(clean, ""))   # keys come from the object's place, which is another one
        clean.close()
        finish()
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
