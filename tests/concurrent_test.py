#!/usr/bin/env python3
"""Eight processes on one table: appends, upserts, upkeep. Every acknowledged row is there exactly once in its acknowledged version, no
process fails, also when they are killed at random points or the disk is full.

    concurrent_test.py [--seconds 15] [--kill-seconds 10]"""
import argparse
import random
import signal
import time

from harness import *

WRITER = str(ROOT / "build" / "table_writer")
options = argparse.ArgumentParser()
options.add_argument("--seconds", type=int, default=12)
options.add_argument("--kill-seconds", type=int, default=8)
options.add_argument("--seed", type=int, default=1)
options = options.parse_args()
dice = random.Random(options.seed)


def writer(h, *args, **more):
    return subprocess.Popen([WRITER, args[0], str(h.home), *map(str, args[1:])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def make(h, version):
    check(f"make a table of version {version}", writer(h, "make", version).wait(), 0)


def maintain(h, *steps):
    return subprocess.Popen([FLOE, "table", "maintain", "t.rows", *steps, "--least-files", "3", "--home", str(h.home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def acknowledge(rows, text):
    """The newest version of each row that a writer said was committed."""
    for line in text.splitlines():
        if line.startswith("row ") and line.count(" ") == 3:
            _, w, n, v = line.split()
            rows[w, n] = max(int(v), rows.get((w, n), 0))


def verify(h, rows, when, exact=True):
    there = {}
    for line in h.sql("SELECT writer, number, version FROM default_glue_catalog.t.rows"):
        w, n, v = line.split(",")
        there.setdefault((w, n), []).append(int(v))
    check(f"{when}: no row twice", [k for k, v in there.items() if len(v) != 1][:3], [])
    if exact:
        wrong = [(k, v, there.get(k)) for k, v in rows.items() if there.get(k) != [v]]
        check(f"{when}: every acknowledged row in its version ({len(rows)} rows)", wrong[:3], [])
        check(f"{when}: no other row", len(there), len(rows))
    else:  # the last commit of a killed writer may stand without having been acknowledged
        wrong = [(k, v, there.get(k)) for k, v in rows.items() if (there.get(k) or [-1])[0] < v]
        check(f"{when}: no acknowledged row lost ({len(rows)} rows)", wrong[:3], [])
    done = h.floe("table", "check", "t.rows")
    check(f"{when}: sound", (done.returncode, done.stdout[-200:] if done.returncode else ""), (0, ""))


def columns():
    """Writers that give one table columns at the same time: each has its own ids, every value is in its column."""
    with Home() as h:
        source, empty, kinds = h.path / "source", h.path / "empty.sql", range(6)
        empty.write_text("")
        source.mkdir()
        h.floe("sql", f"CREATE FILE CONNECTION here ROOT = '{source}'")
        h.floe("sql", "CREATE TABLE t.wide()")
        for k in kinds:
            (source / str(k)).mkdir()
            for part in range(4):
                h.floe("sql", f"COPY (SELECT {k} AS kind, x AS n, {k} * 1000 + x AS own{k}_{part} FROM range(50) q(x)) TO '{source}/{k}/{part}.parquet'")
            made = h.floe("sql", f"CREATE JOB wide{k} AS COPY FROM FILE here LOCATION = '{k}' INTO t.wide")
            check(f"job {k}", (made.returncode, made.stderr), (0, ""))
        running = [subprocess.Popen([FLOE, "run", str(empty), "--until-caught-up", "--most-files", "1", "--quiet", "--home", str(h.home)], stderr=subprocess.PIPE, text=True) for _ in kinds]
        running += [subprocess.Popen([FLOE, "sql", f"ALTER TABLE t.wide ADD COLUMN later{k} string", "--home", str(h.home)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) for k in kinds]
        said = [p.communicate(timeout=240)[1] for p in running]  # each job is run by one of them; the others say so
        check("no writer gives way to another's columns", [line for text in said for line in text.splitlines() if "is run by another floe" not in line], [])
        check("every ALTER ends well", [p.returncode for p in running[6:]], [0] * 6)
        check("the rest", h.floe("run", empty, "--until-caught-up", "--quiet").returncode, 0)
        own = [f"own{k}_{part}" for k in kinds for part in range(4)]
        names = h.sql("SELECT column_name FROM (DESCRIBE t.wide) WHERE column_name LIKE 'own%' OR column_name LIKE 'later%' ORDER BY 1")
        check("every column", names, sorted(own + [f"later{k}" for k in kinds]))
        wrong = " OR ".join(f"{name} <> kind * 1000 + n OR {name} IS NOT NULL AND kind <> {name[3]}" for name in own)
        values = " + ".join(f"count({name})" for name in own)
        check("every value in its column", h.sql(f"SELECT count(*), {values}, count(*) FILTER ({wrong}), count(later0) FROM t.wide"), ["1200,1200,0,0"])
        check_in("sound", "sound", h.floe("table", "check", "t.wide").stdout)


def together(version):
    with Home() as h:
        make(h, version)
        writers = [writer(h, "append", k, options.seconds) for k in range(3)] + [writer(h, "upsert", k, options.seconds) for k in range(3, 6)]
        end, rounds, faults = time.monotonic() + options.seconds, 0, []
        while time.monotonic() < end:
            for p in [maintain(h, "--compact", "--manifests"), maintain(h, "--compact", "--expire", "--snapshot-age", "2", "--least-snapshots", "5")]:
                out, err = p.communicate()
                rounds += 1
                if p.returncode:
                    faults.append(err.strip()[-300:])
        check(f"v{version}: {rounds} rounds of upkeep, none failed", faults[:2], [])
        rows, commits, conflicts = {}, 0, 0
        for p in writers:
            out, err = p.communicate()
            check(f"v{version}: the writer ended well", (p.returncode, err[-300:]), (0, ""))
            acknowledge(rows, out)
            commits += sum(1 for line in out.splitlines() if line.startswith("row ")) // (1 if "row 3" in out or "row 4" in out or "row 5" in out else 5)
            conflicts += out.count("conflict")
        check(f"v{version}: work was done", len(rows) > 50 and rounds > 0)
        verify(h, rows, f"v{version}, together")
        print(f"v{version}: about {commits} commits by six writers and {rounds} rounds of upkeep in {options.seconds} s, {conflicts} conflicts worked out again")


def killed(version):
    with Home() as h:
        make(h, version)
        rows, kills, number = {}, 0, 0
        end = time.monotonic() + options.kill_seconds
        while time.monotonic() < end:
            number += 10
            group = [writer(h, dice.choice(("append", "upsert")), number + k, 60) for k in range(3)] + [maintain(h, "--compact", "--expire", "--snapshot-age", "1")]
            time.sleep(dice.uniform(0.2, 1.2))
            for p in group:
                if p.poll() is None:
                    p.send_signal(signal.SIGKILL)
                    kills += 1
                out, _ = p.communicate()
                acknowledge(rows, out)
        verify(h, rows, f"v{version}, {kills} kills", exact=False)
        before = sum(1 for p in (h.home / "warehouse").rglob("*") if p.is_file())
        done = h.floe("table", "maintain", "t.rows", "--expire", "--orphans", "--snapshot-age", "0", "--orphan-age", "0")
        check("orphan clean-up", (done.returncode, done.stderr), (0, ""))
        verify(h, rows, f"v{version}, after clean-up", exact=False)
        left = [p for p in (h.home / "warehouse").rglob("*") if p.is_file()]
        check("garbage went", len(left) < before and not [p for p in left if p.name.endswith(".tmp")])
        listed = h.floe("table", "files", "t.rows", "--format", "csv").stdout.count("\n") - 1
        check("nothing but live files stays in data/", len([p for p in left if "/data/" in str(p)]), listed if version == 2 else len({r.split(",")[1] for r in h.floe("table", "files", "t.rows", "--format", "csv").stdout.splitlines()[1:]}))
        print(f"v{version}: killed {kills} processes, {len(rows)} acknowledged rows")


def disk_full():
    """A file system of 3 MB, where one can be mounted."""
    with Home() as h:
        folder = h.path / "small"
        folder.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True).returncode:
            skip("disk full (no file system can be mounted here)")
            return
        try:
            h.home = folder / "home"
            make(h, 2)
            p = writer(h, "append", 1, 60)
            out, err = p.communicate()
            rows = {}
            acknowledge(rows, out)
            check("the writer says that the disk is full", p.returncode == 1 and "No space left" in err or "full" in err, True)
            check("some rows were written", len(rows) > 0)
            ballast = sorted((p for p in (h.home / "warehouse").rglob("*.metadata.json")), key=lambda p: p.stat().st_mtime)
            subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)
            verify(h, rows, "disk full", exact=False)
            check("old metadata is there", len(ballast) > 0)
            p = writer(h, "append", 2, 1)
            out, err = p.communicate()
            acknowledge(rows, out)
            check("writing goes on when there is room", (p.returncode, err), (0, ""))
            verify(h, rows, "after disk full", exact=False)
        finally:
            subprocess.run(["umount", "-l", str(folder)])


columns()
for version in (2, 3):
    together(version)
killed(2)
killed(3)
disk_full()
finish()
