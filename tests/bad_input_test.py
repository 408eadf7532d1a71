#!/usr/bin/env python3
"""Bad input: one clear error, exit code 1, tables and ledger as they were; the other files are loaded."""
import json
import os
import subprocess

from harness import *

GOOD = log_text(record("10.0.0.1", "10.0.0.2"), record("10.0.0.2", "10.0.0.3"))


def bad_files():
    cases = [
        ("truncated gzip", "bad.log.gz", gzip.compress(GOOD.encode() * 50)[:-20], False, "ends early"),
        ("not what its name says: gzip", "bad.log.gz", GOOD, False, "not gzip"),
        ("not what its name says: Parquet", "bad.log.parquet", GOOD, False, "not Parquet"),
        ("truncated Parquet", "bad.log.parquet", b"PAR1" + b"x" * 100, False, "cut off"),
        ("damaged Parquet", "bad.log.parquet", b"PAR1" + b"x" * 100 + b"\x50\0\0\0PAR1", False, "bad.log.parquet"),
        ("unknown column", "bad.log.gz", log_text("1 2", header="srcaddr dstaddr nonsense"), True, "'nonsense' is not a flow-log field"),
        ("missing column", "bad.log.gz", log_text("1 2", header="version srcaddr"), True, "no column dstaddr"),
        ("no header, and no record of version 2", "bad.log.gz", record().rsplit(" ", 1)[0] + "\n", True, "not a header"),
        ("too few fields", "bad.log.gz", log_text("2 123456789012 eni-1"), True, "line 2 has 3 fields, the header has 14"),
        ("not a number", "bad.log.gz", GOOD.replace(" 443 ", " https "), True, "dstport is 'https'"),
        ("half written", "bad.log", GOOD[:-30], False, "may still be being written"),
        ("empty", "bad.log.gz", b"", False, "empty"),
    ]
    for name, file, content, pack, part in cases:
        with Home() as h:
            h.write("good.log.gz", GOOD)
            path = h.write(file, content, pack=pack)
            done = h.load()
            check(f"{name}: exit code", done.returncode, 1)
            check_in(name, part, done.stderr)
            check_in(f"{name} names the file", str(path), done.stderr)
            check(f"{name}: the good file is loaded", h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["2"])
            check_in(f"{name} is listed", part, h.floe("jobs").stdout)
            check(f"{name}: again it is still bad", h.load().returncode, 1)
            check(f"{name}: and nothing is loaded twice", h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["2"])
            os.unlink(path)
            h.write(file if not file.endswith("parquet") else "fixed.log.gz", GOOD.replace("10.0.0.1", "10.9.9.9"), pack=not file.endswith(".log"))
            if not file.endswith("parquet"):
                check(f"{name}: mended, it is loaded", (h.load().returncode, h.sql(f"SELECT count(*) FROM {CONNECTIONS}")), (0, ["4"]))


def missing_column_of_a_transformation():
    with Home() as h:
        h.write("a.log.gz", log_text("10.0.0.1 10.0.0.2", header="srcaddr dstaddr"))
        done = h.load()
        check("missing account-id", done.returncode, 1)
        check_in("missing account-id", "account_id", done.stderr)
        check("no rows", h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["0"])


def folders_and_disks():
    with Home() as h:
        h.write("a.log.gz", GOOD)
        text = h.worksheet.read_text()
        h.worksheet.write_text(text.replace(str(h.samples), str(h.samples / "nowhere")))
        done = h.load()
        check("missing folder", done.returncode, 1)
        check_in("missing folder", "nowhere", done.stderr)
        h.worksheet.write_text(text.replace("LOCATION = '.'", "LOCATION = 'nowhere'"))
        done = h.load()
        check("missing location", done.returncode, 1)
        check_in("missing location", "nowhere", done.stderr)
    blocked = subprocess.run([FLOE, "sql", "SELECT 1", "--home", "/proc/floe-home"], capture_output=True, text=True)
    check("a home that cannot be made", blocked.returncode, 1)
    check_in("a home that cannot be made", "/proc/floe-home", blocked.stderr)
    if os.geteuid() != 0:
        return skip("full disk (needs root for a small file system)")
    with Home() as h:
        h.write("a.log.gz", log_text(*[record(f"10.{i % 250}.{i // 250 % 250}.{i % 7}", f"172.16.{i % 200}.{i % 90}", i, i % 60000) for i in range(200000)]))
        h.home.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(h.home)], capture_output=True).returncode != 0:
            return skip("full disk (mount is not allowed)")
        try:
            done = h.load()
            check("full disk", done.returncode, 1)
            check("full disk: one clear error", "No space left" in done.stderr or "full" in done.stderr or "write" in done.stderr, True)
            subprocess.run(["mount", "-o", "remount,size=64m", str(h.home)], check=True)
            check("with room again, everything is loaded", h.load().returncode, 0)
            check("exactly once", h.sql(f"SELECT count(*), count(DISTINCT primary_key) FROM {CONNECTIONS}"), ["200000,200000"])
        finally:
            subprocess.run(["umount", str(h.home)])


def worksheets_and_queries():
    for text, part in [("CREATE SYNC TABEL x", "1:13: expected JOB, found TABEL"), ("CREATE TABLE a.b (c string", "expected ',' or ')'"),
                       ("CREATE JOB j AS COPY FROM FILE f LOCATION = 'x' INTO default_glue_catalog.a.b", "has no table a.b"),
                       ("CREATE TABLE default_glue_catalog.a.b (c blorp)", "type blorp is not known"), ("SELECT nothing_here", "nothing_here")]:
        with Home() as h:
            h.worksheet.write_text(text)
            done = h.load()
            check(f"{text}: exit code", done.returncode, 1)
            check_in(text, part, done.stderr)
    check("wrong usage", subprocess.run([FLOE, "run"], capture_output=True).returncode, 2)
    check("unknown command", subprocess.run([FLOE, "rnu"], capture_output=True).returncode, 2)
    check("unknown option", subprocess.run([FLOE, "run", "--frobnicate", "x"], capture_output=True).returncode, 2)
    check("help", subprocess.run([FLOE, "run", "--help"], capture_output=True).returncode, 0)


def schemas():
    with Home() as h:
        h.write("a.log.gz", GOOD)
        h.load()
        check_in("no schema yet", "no graph schema", h.gremlin("g.V().count()")[0])
        good = json.loads((ROOT / "examples/vpc-flow-logs/schema.json").read_text())
        path = h.path / "schema.json"

        def apply(change):
            copy = json.loads(json.dumps(good))
            change(copy)
            path.write_text(json.dumps(copy))
            return h.floe("schema", "apply", path)

        cases = [
            (lambda s: s["vertices"][0]["mappedTableSource"].update(table="nope"), ["vertices[0]", "no table puppygraph.nope", "vpcflowlogs_devices"]),
            (lambda s: s["edges"][0]["mappedTableSource"]["metaFields"].update(to="dest"), ["edges[0].to", "no column 'dest'", "dstaddr"]),
            (lambda s: s["vertices"][0]["attributes"].append({"type": "Int", "name": "age"}), ["vertices[0].attributes", "no column 'age'"]),
            (lambda s: s["edges"][0].pop("from"), ["edges[0].from is missing"]),
            (lambda s: s["edges"][0].update(to="person"), ["edges[0]", "'person'"]),
            (lambda s: s["catalogs"][0]["metastore"].update(type="hive"), ["catalogs[0].metastore.type", "hive"]),
            (lambda s: s["vertices"][0]["mappedTableSource"].update(catalog="other"), ["no catalog 'other'"]),
        ]
        for change, parts in cases:
            done = apply(change)
            check(f"schema {parts}: exit code", done.returncode, 1)
            for part in parts:
                check_in("schema", part, done.stderr)
        path.write_text("{ not json")
        check_in("not JSON", "schema.json:1", h.floe("schema", "apply", path).stderr)
        check("still none", h.floe("schema", "show").returncode, 1)
        check("a good one", apply(lambda s: None).returncode, 0)
        for cache in (h.home / "cache").glob("*"):
            cache.unlink()
        check("answers", h.gremlin("g.V('devices:::10.0.0.2').in().count()"), ["1"])
        for cache in (h.home / "cache").glob("*.cache"):
            data = bytearray(cache.read_bytes())
            data[len(data) // 2] ^= 1
            data[-1] ^= 255
            cache.write_bytes(data)
        check("damaged caches are built again", h.gremlin("g.V('devices:::10.0.0.2').in().count()"), ["1"])
        for cache in (h.home / "cache").glob("*.cache"):
            cache.write_bytes(cache.read_bytes()[:100])
        check("cut caches as well", h.gremlin("g.V('devices:::10.0.0.2').in().count()"), ["1"])


bad_files()
missing_column_of_a_transformation()
folders_and_disks()
worksheets_and_queries()
schemas()
finish()
