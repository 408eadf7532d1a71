#!/usr/bin/env python3
"""What the system tables say of columns and of where they come from: true after loads, upserts and compaction, without a server; statistics are kept
from what was loaded, and lineage goes from the source to the labels of the graph."""
from harness import *

RAW, DEV = "default_glue_catalog.s.raw", "default_glue_catalog.s.dev"
SHEET = """CREATE FILE CONNECTION logs ROOT = '{samples}';
CREATE TABLE s.raw() PARTITIONED BY $event_date;
CREATE TABLE s.dev (id string, n bigint, seen timestamp) PRIMARY KEY id;
CREATE SYNC JOB load AS COPY FROM FILE logs LOCATION = '.' INTO s.raw;
CREATE JOB devices AS MERGE INTO s.dev t USING (SELECT ip, n AS count, $event_time AS at, gone FROM s.raw) u ON t.id = u.ip WHEN MATCHED AND u.gone = 1 THEN DELETE
  WHEN MATCHED THEN REPLACE WHEN NOT MATCHED THEN INSERT (id, n, seen) VALUES (u.ip, u.count, u.at);
"""


def put(h, name, *rows, header="ip,n,gone"):
    (h.samples / name).write_text("\n".join([header, *rows]) + "\n")
    os.utime(h.samples / name, (1713400000 + int(name[0]) * 60,) * 2)     # $event_time, without a DATE_PATTERN
    done = h.floe("run", h.worksheet, "--until-caught-up")
    check(f"{name} loads: {done.stderr[-300:]}", done.returncode, 0)


def column(h, table, name):
    return h.sql(f"SELECT type, rows, nulls, round(density, 3), distinct_values, min, max FROM system.monitoring.columns WHERE table_name = '{table}' AND column_name = '{name}'")


with Home() as h:
    h.worksheet.write_text(SHEET.format(samples=h.samples))
    check("nothing is known of nothing", h.sql("SELECT count(*) FROM system.monitoring.columns"), ["0"])
    put(h, "1.csv", "10.0.0.1,5,0", "10.0.0.2,6,0", "-,7,0", "10.0.0.3,8,0")
    check("counts, bounds and distinct values", column(h, RAW, "ip"), ["string,4,1,0.75,3,10.0.0.1,10.0.0.3"])
    check("of numbers", column(h, RAW, "n"), ["long,4,0,1.0,4,5,8"])
    check("the error of the estimate is told", h.sql("SELECT DISTINCT round(distinct_error, 3) FROM system.monitoring.columns"), ["0.023"])
    first = h.sql(f"SELECT first_seen, last_seen FROM system.monitoring.columns WHERE table_name = '{RAW}' AND column_name = 'n'")[0].split(",")
    put(h, "2.csv", "10.0.0.1,50,0", "10.0.0.2,6,1", "10.0.0.4,9,0")
    check("upserts and deletes", h.sql(f"SELECT id, n FROM {DEV} ORDER BY id"), ["10.0.0.1,50", "10.0.0.3,8", "10.0.0.4,9"])
    check("what came is added", (column(h, RAW, "ip"), column(h, RAW, "n")), (["string,7,1,0.857,4,10.0.0.1,10.0.0.4"], ["long,7,0,1.0,6,5,50"]))
    later = h.sql(f"SELECT first_seen, last_seen FROM system.monitoring.columns WHERE table_name = '{RAW}' AND column_name = 'n'")[0].split(",")
    check("first seen stays, last seen moves", (later[0] == first[0], later[1] > first[1]), (True, True))
    check("an upsert's rows count as they were loaded", column(h, DEV, "n"), ["long,5,0,1.0,5,5,50"])
    want = [column(h, t, c) for t, c in ((RAW, "ip"), (RAW, "n"), (DEV, "id"), (DEV, "n"))]
    for name in ("s.raw", "s.dev"):
        done = h.floe("table", "maintain", name)
        check(f"{name} is compacted: {done.stdout}", done.returncode, 0)
    check("compaction is nothing new", [column(h, t, c) for t, c in ((RAW, "ip"), (RAW, "n"), (DEV, "id"), (DEV, "n"))], want)
    check("frequent values", h.sql(f"SELECT value, count, count_error FROM system.monitoring.top_values WHERE table_name = '{RAW}' AND column_name = 'ip' ORDER BY count DESC, value"),
          ["10.0.0.1,2,0", "10.0.0.2,2,0", "10.0.0.3,1,0", "10.0.0.4,1,0"])
    check("the histogram has every value", h.sql(f"SELECT sum(count), bool_and(low < high) FROM system.monitoring.histograms WHERE table_name = '{RAW}' AND column_name = 'n'"), ["7,true"])
    put(h, "3.csv", "10.0.0.5,1.5,0")
    types = h.sql(f"SELECT column_name, type, types FROM system.monitoring.columns WHERE table_name = '{RAW}' AND column_name IN ('n', 'n_double') ORDER BY 1")
    check(f"another type has a column or a history: {types}", any("double" in t for t in types))

    lines = h.sql("SELECT kind, source, source_column, target, target_column FROM system.monitoring.lineage WHERE job_name = 'devices' ORDER BY ALL")
    check("lineage of a MERGE: what VALUES names, and no more", lines, [f"MERGE,{RAW},$event_time,{DEV},seen", f"MERGE,{RAW},ip,{DEV},id", f"MERGE,{RAW},n,{DEV},n"])
    check("lineage of a COPY", h.sql("SELECT kind, source, target FROM system.monitoring.lineage WHERE job_name = 'load'"), [f"COPY,logs:.,{RAW}"])
    check("a home without a graph has no labels", h.sql("SELECT count(*) FROM system.monitoring.lineage WHERE kind IN ('VERTEX', 'EDGE')"), ["0"])

with Home() as h:
    h.write("a.log.gz", log_text(record()))
    check("the example loads", h.load().returncode, 0)
    check("its schema is applied", h.apply_schema().returncode, 0)
    lines = h.sql("SELECT kind, source, source_column, target, target_column FROM system.monitoring.lineage WHERE kind IN ('VERTEX', 'EDGE') ORDER BY ALL")
    for want in (f"VERTEX,{DEVICES},device_id,devices,device_id", f"EDGE,{CONNECTIONS},srcaddr,connections,~from", f"EDGE,{CONNECTIONS},dstaddr,connections,~to", f"EDGE,{CONNECTIONS},packets,connections,packets"):
        check(f"lineage goes on to the labels: {want} in {lines[:40]}", want in lines)
    chain = h.sql("SELECT DISTINCT a.kind || ' ' || b.kind || ' ' || c.kind FROM system.monitoring.lineage a JOIN system.monitoring.lineage b ON a.target = b.source JOIN system.monitoring.lineage c ON b.target = c.source")
    check("source, job, table, job, label: one chain", chain, ["COPY INSERT VERTEX"])
finish()
