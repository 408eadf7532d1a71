#!/usr/bin/env python3
"""Loading, beside a bare DuckDB COPY of the same files with the same output columns, in one run: Parquet taken over page by page, Parquet through SQL,
gzip text; what a run costs when there is almost nothing to load; pyiceberg's append of the same Parquet files where it is at hand.

BENCH_ROWS (10,000,000), BENCH_RUNS (3). Run with a Python that has pyiceberg and pyarrow to have the last row."""
import os
import pathlib
import shutil
import statistics
import tempfile
import time

from report import FLOE, ROOT, finish, report, run, timed

ROWS = int(os.environ.get("BENCH_ROWS", 10_000_000))
TEXT_ROWS = ROWS // 5
RUNS = int(os.environ.get("BENCH_RUNS", 3))
KEY = "uuid()::VARCHAR AS primary_key, DATE '2024-04-18' AS \"$event_date\", TIMESTAMP '2024-04-18 00:00:00' AS \"$event_time\""
FIELDS = ("version INT, account_id VARCHAR, interface_id VARCHAR, srcaddr VARCHAR, dstaddr VARCHAR, srcport INT, dstport INT, protocol INT, packets BIGINT, bytes BIGINT, start BIGINT, end BIGINT, action VARCHAR, log_status VARCHAR, "
          "vpc_id VARCHAR, subnet_id VARCHAR, instance_id VARCHAR, tcp_flags INT, type VARCHAR, pkt_srcaddr VARCHAR, pkt_dstaddr VARCHAR, region VARCHAR, az_id VARCHAR, sublocation_type VARCHAR, sublocation_id VARCHAR, "
          "pkt_src_aws_service VARCHAR, pkt_dst_aws_service VARCHAR, flow_direction VARCHAR, traffic_path INT")


def job_seconds(log):
    return next(float(line.split(" in ")[1].split()[0]) for line in log.splitlines() if line.startswith("job ") and " rows in " in line)


def worksheet(path, samples, expectation=""):
    path.write_text(f"""CREATE FILE CONNECTION samples ROOT = '{samples}';
CREATE ICEBERG TABLE default_glue_catalog.net.connections() PARTITIONED BY $event_date;
CREATE SYNC JOB load START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd' CONTENT_TYPE = AUTO COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))
AS COPY FROM FILE samples LOCATION = '.' INTO default_glue_catalog.net.connections {expectation};
""")
    return path


def beside_bare_copy(name, work, rows, sheet, source, least):
    """Load and bare COPY in turn, so that drift of the machine meets both."""
    mine, bare = [], []
    for _ in range(RUNS):
        shutil.rmtree(work / "home", ignore_errors=True)
        mine.append(job_seconds(run(FLOE, "run", sheet, "--until-caught-up", "--home", work / "home").stderr))
        bare.append(timed(ROOT / "build/bare_copy", f"COPY (SELECT *, {KEY} FROM {source}) TO '{work}/bare.parquet' (FORMAT parquet, COMPRESSION zstd)")[0])
    mine, bare = statistics.median(mine), statistics.median(bare)
    report(name, rows / mine, "rows/s", f">= {least} x bare COPY", bare / mine >= least, bare_COPY=rows / bare)


def fixed_cost(work):
    """What a run over one small file takes, by the job's own clock."""
    home = work / "fixed"
    tiny = work / "tiny/2024/04/18"
    tiny.mkdir(parents=True)
    sheet = worksheet(work / "tiny.sql", work / "tiny")
    header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    times = []
    for i in range(7):
        (tiny / f"{i}.log").write_text(header + f"2 123456789012 eni-1 10.0.0.{i} 10.0.1.1 1 443 6 1 40 1713400000 1713400060 ACCEPT OK\n")
        seconds, done = timed(FLOE, "run", sheet, "--until-caught-up", "--home", home)
        times.append(job_seconds(done.stderr) * 1000)
    report("a run over one small file", statistics.median(times[1:]), "ms", "< 150", statistics.median(times[1:]) < 150)


def pyiceberg_append(work, samples):
    try:
        import pyarrow.dataset
        from pyiceberg.catalog.sql import SqlCatalog
    except ImportError:
        print("pyiceberg is not at hand: no append beside it")
        return
    catalog = SqlCatalog("bench", uri=f"sqlite:///{work}/py.db", warehouse=f"file://{work}/py")
    catalog.create_namespace("net")
    rows, started = 0, time.monotonic()
    table = None
    for path in sorted(samples.rglob("*.parquet"))[:max(1, ROWS // 50_000 // 10)]:      # a tenth: it is slow
        data = pyarrow.dataset.dataset(str(path)).to_table()
        table = table or catalog.create_table("net.connections", schema=data.schema)
        table.append(data)
        rows += data.num_rows
    report("pyiceberg append, a file at a time", rows / (time.monotonic() - started), "rows/s")


work = pathlib.Path(tempfile.mkdtemp(prefix="floe-load-", dir=os.environ.get("BENCH_DIR")))
try:
    samples = work / "samples"
    run(FLOE, "gen", "flow-logs", "--rows", ROWS, "--out", samples)
    parquet = f"read_parquet('{samples}/**/*.parquet')"
    beside_bare_copy("Parquet, page by page", work, ROWS, worksheet(work / "fast.sql", samples), parquet, 4)
    beside_bare_copy("Parquet, through SQL", work, ROWS, worksheet(work / "sql.sql", samples, "WITH EXPECTATION every_row EXPECT true ON VIOLATION DROP"), parquet, 0.9)
    pyiceberg_append(work, samples)
    shutil.rmtree(samples)
    run(FLOE, "gen", "flow-logs", "--rows", TEXT_ROWS, "--out", samples, "--format", "text")
    columns = "{" + ", ".join("'{}': '{}'".format(*f.split()) for f in FIELDS.split(", ")) + "}"
    text = f"read_csv('{samples}/**/*.gz', delim=' ', header=true, nullstr='-', auto_detect=false, columns={columns})"
    beside_bare_copy("gzip text", work, TEXT_ROWS, worksheet(work / "text.sql", samples), text, 2)
    fixed_cost(work)
finally:
    shutil.rmtree(work, ignore_errors=True)
finish("load")
