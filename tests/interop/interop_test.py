#!/usr/bin/env python3
"""Other Iceberg readers see the rows that Floe's own SQL sees: pyiceberg, and Iceberg's own Java library."""
import csv
import io
import pathlib
import shutil
import subprocess
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import *

WORK = ROOT / "build" / "interop"


def by_floe(h, table):
    """The same lines from `floe sql`; an empty cell of CSV is null (no value of these tables is an empty text)."""
    done = h.floe("sql", f"SELECT * FROM {table}", "--format", "csv")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    lines = []
    for i, name in enumerate(rows[0]):
        values = [row[i] for row in rows[1:] if row[i] != ""]
        lines.append(f"{name}\t{len(values)}\t{sum(zlib.crc32(v.encode()) for v in values) % 2**64}")
    return sorted(lines)


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        print(done.stdout[-2000:], done.stderr[-3000:], file=sys.stderr)
    return done


def by_pyiceberg(h, table):
    return sorted(run(WORK / "venv/bin/python", HERE / "read_pyiceberg.py", h.home, table).stdout.splitlines())


def by_java(h, table):
    classpath = (WORK / "classpath").read_text().strip()
    return sorted(run("java", "-cp", f"{WORK}/java/classes:{classpath}", "ReadTable", h.home, table).stdout.splitlines())


def set_up():
    WORK.mkdir(parents=True, exist_ok=True)
    if not (WORK / "venv/bin/python").exists():
        run(sys.executable, "-m", "venv", WORK / "venv")
        run(WORK / "venv/bin/pip", "install", "--quiet", "-r", HERE / "requirements.txt")
    readers = [("pyiceberg", by_pyiceberg)]
    if shutil.which("mvn") and shutil.which("java"):
        built = run("mvn", "--batch-mode", "-q", f"-Dmdep.outputFile={WORK}/classpath", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath", cwd=HERE / "java") if not (WORK / "classpath").exists() else None
        if built is None or built.returncode == 0:
            shutil.rmtree(WORK / "java", ignore_errors=True)
            (WORK / "java/classes").mkdir(parents=True)
            run("javac", "-cp", (WORK / "classpath").read_text().strip(), "-d", WORK / "java/classes", HERE / "java/src/main/java/ReadTable.java")
            readers.append(("Iceberg for Java", by_java))
            return readers
    skip("Iceberg for Java (needs mvn and a JDK)")
    return readers


def compare(h, readers, when):
    for table in ("puppygraph.vpcflowlogs_connections", "puppygraph.vpcflowlogs_devices"):
        want = by_floe(h, f"default_glue_catalog.{table}")
        check(f"{when}: {table} has rows", len(want) > 3 and not want[0].endswith("\t0\t0"))
        for name, reader in readers:
            check(f"{when}: {name} reads {table}", reader(h, table), want)


readers = set_up()
with Home() as h:
    subprocess.run([FLOE, "gen", "flow-logs", "--rows", "30000", "--rows-per-file", "2000", "--out", str(h.samples / "parquet")], check=True, capture_output=True)
    check("load", h.load().returncode, 0)
    compare(h, readers, "after the first load")
    subprocess.run([FLOE, "gen", "flow-logs", "--rows", "20000", "--rows-per-file", "2000", "--out", str(h.samples / "text"), "--format", "text", "--seed", "2", "--start", "2024-04-19"],
                   check=True, capture_output=True)
    h.write("late.log.gz", log_text("10.1.1.1 10.0.1.10 task-7", header="srcaddr dstaddr ecs-task-id".replace("srcaddr", "account-id srcaddr")).replace("10.1.1.1", "123456789012 10.1.1.1"))
    check("second load", h.load("--most-files", "4").returncode, 0)
    compare(h, readers, "after schema evolution, upserts and deletes")
finish()
