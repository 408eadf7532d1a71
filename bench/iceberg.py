#!/usr/bin/env python3
"""The bars of the tables: planning and committing with 10,000 files in 100 manifests, compaction against a bare COPY, upsert over ten
million keys; pyiceberg and DuckDB beside them. Run in the bench's virtual environment (bench/run)."""
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from report import FLOE, ROOT, finish, report, run

WRITER = str(ROOT / "build/table_writer")
KEYS = int(os.environ.get("BENCH_KEYS", 10_000_000))
ROWS = int(os.environ.get("BENCH_COMPACT_ROWS", 4_000_000))


def numbers(text, word):
    return [float(line.split()[1]) for line in text.splitlines() if line.startswith(word + " ")]


def peer_catalog(home):
    from pyiceberg.catalog.sql import SqlCatalog
    return SqlCatalog("default_glue_catalog", uri=f"sqlite:///{home}/state.db", warehouse=f"file://{home}/warehouse")


def plan_and_commit(work):
    home = work / "plan"
    run(WRITER, "make", home, 2)
    run(WRITER, "files", home, 10_000, 100)
    plans = [numbers(run(WRITER, "plan", home, 0).stdout, "plan")[0] for _ in range(7)]
    started = time.perf_counter()
    files = len(list(peer_catalog(home).load_table("t.rows").scan().plan_files()))
    peer = (time.perf_counter() - started) * 1000
    assert files == 10_000
    report("plan 10,000 files in 100 manifests", statistics.median(plans), "ms", "< 100", statistics.median(plans) < 100, pyiceberg=peer)
    commits = numbers(run(WRITER, "commit", home, 21).stdout, "commit")
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record
    peers = []
    for k in range(5):
        table = peer_catalog(home).load_table("t.rows")
        started = time.perf_counter()
        with table.transaction() as tx, tx.update_snapshot().fast_append() as append:
            f = DataFile.from_args(content=DataFileContent.DATA, file_path=f"file:///data/peer-{k}.parquet", file_format=FileFormat.PARQUET, partition=Record(1), record_count=1,
                                   file_size_in_bytes=1, column_sizes={}, value_counts={}, null_value_counts={}, nan_value_counts={}, lower_bounds={}, upper_bounds={}, split_offsets=None, sort_order_id=None, equality_ids=None, key_metadata=None)
            f.spec_id = 0
            append.append_data_file(f)
        peers.append((time.perf_counter() - started) * 1000)
    report("commit an append to it", statistics.median(commits), "ms", "< 50", statistics.median(commits) < 50, pyiceberg=statistics.median(peers))
    report("the slowest of 21 (merges manifests)", max(commits), "ms")


def compaction(work):
    import duckdb
    samples, home = work / "samples", work / "compact"
    run(FLOE, "gen", "flow-logs", "--rows", ROWS, "--rows-per-file", ROWS // 16, "--out", samples)
    sheet = work / "sheet.sql"
    text = (ROOT / "examples/vpc-flow-logs/worksheet.sql").read_text()
    sheet.write_text(text[:text.index("-- 4.")].replace("'./samples'", f"'{samples}'"))
    run(FLOE, "run", sheet, "--until-caught-up", "--most-files", "1", "--home", home)
    table = "puppygraph.vpcflowlogs_connections"
    files = [line.split(",")[1].removeprefix("file://") for line in run(FLOE, "table", "files", table, "--format", "csv", "--home", home).stdout.splitlines()[1:]]
    size = sum(os.path.getsize(f) for f in files)
    for name, order, options in (("compaction, as it comes", "", ["--sort", "none"]), ("compaction, sorted by source address", " ORDER BY srcaddr, start", [])):
        bare = []
        for _ in range(2):
            c = duckdb.connect()
            c.execute("SET memory_limit = '1GB'")
            c.execute(f"SET temp_directory = '{work}/tmp'")
            c.execute("SET preserve_insertion_order = false" if not order else "SELECT 1")
            started = time.perf_counter()
            c.execute(f"COPY (SELECT * FROM read_parquet({files}){order}) TO '{work}/bare.parquet' (FORMAT parquet, COMPRESSION zstd)")
            bare.append(time.perf_counter() - started)
            c.close()
        copy = work / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        started = time.perf_counter()
        run(FLOE, "table", "maintain", table, "--compact", "--least-files", "2", *options, "--home", home)
        seconds = time.perf_counter() - started
        ratio = min(bare) / seconds
        report(name, size / seconds / 1e6, "MB/s", "≥ 0.7 of a bare COPY", ratio >= 0.7, DuckDB_COPY=size / min(bare) / 1e6)


def upsert(work):
    import duckdb
    home, samples = work / "upsert", work / "keys"
    samples.mkdir()
    c = duckdb.connect()
    columns = "concat('10.', k >> 16, '.', k) AS device_id, 'dest' AS device_type"
    c.execute(f"COPY (SELECT {columns}, TIMESTAMP '2024-04-18 00:00:00' AS last_seen FROM range({KEYS}) t(k)) TO '{samples}/one.parquet' (FORMAT parquet)")
    sheet = work / "upsert.sql"
    sheet.write_text(f"""
CREATE FILE CONNECTION keys ROOT = '{samples}';
CREATE ICEBERG TABLE default_glue_catalog.b.raw (device_id string, device_type string, last_seen timestamp);
CREATE SYNC JOB load_raw START_FROM = BEGINNING CONTENT_TYPE = PARQUET AS COPY FROM FILE keys LOCATION = '.' INTO default_glue_catalog.b.raw;
CREATE ICEBERG TABLE default_glue_catalog.b.devices (device_id string, device_type string, last_seen timestamp) PRIMARY KEY device_id;
CREATE SYNC JOB devices START_FROM = BEGINNING AS INSERT INTO default_glue_catalog.b.devices MAP_COLUMNS_BY_NAME
SELECT device_id, device_type, last_seen FROM default_glue_catalog.b.raw WHERE TIME_FILTER();
""")
    started = time.perf_counter()
    run(FLOE, "run", sheet, "--until-caught-up", "--home", home)
    report(f"first load of {KEYS:,} keys", time.perf_counter() - started, "s")
    batch = KEYS // 10
    c.execute(f"COPY (SELECT {columns}, TIMESTAMP '2024-04-19 00:00:00' AS last_seen FROM (SELECT CASE WHEN i % 10 = 0 THEN {KEYS} + i ELSE (i * 7919) % {KEYS} END AS k FROM range({batch}) t(i))) "
              f"TO '{samples}/two.parquet' (FORMAT parquet)")
    log = run(FLOE, "run", sheet, "--until-caught-up", "--home", home).stderr
    seconds = next(float(line.split(" in ")[1].split()[0]) for line in log.splitlines() if line.startswith("job devices:") and " rows in " in line)
    report(f"upsert of {batch:,} rows, index built anew", seconds, "s", "< 5", seconds < 5)
    rows = run(FLOE, "sql", "SELECT count(*), count(DISTINCT device_id), count(*) FILTER (last_seen > TIMESTAMP '2024-04-18 12:00:00') FROM default_glue_catalog.b.devices", "--format", "csv", "--home", home).stdout.splitlines()[1]
    assert rows == f"{KEYS + batch // 10},{KEYS + batch // 10},{batch}", rows
    keys = numbers(run(WRITER, "keys", home, KEYS).stdout, "keys")[0]
    report(f"memory of the index of {KEYS:,} keys", keys, "B/key", "< 64", keys < 64)


work = pathlib.Path(tempfile.mkdtemp(prefix="floe-bench-", dir=os.environ.get("BENCH_DIR")))
try:
    for part in (plan_and_commit, compaction, upsert):
        if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
            part(work)
finally:
    shutil.rmtree(work, ignore_errors=True)
finish("iceberg")
