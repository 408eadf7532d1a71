#!/usr/bin/env python3
"""Lines that cannot be read go to the job's dead letters, the file's other lines load; mended, REPLAY loads them with the keys they would have had."""
from harness import *

DEAD = "default_glue_catalog.puppygraph.ingest_vpcflowlogs_connections_dead_letters"
LINES = [record("10.0.0.1"), "2 123456789012 eni-1", record("10.0.0.3"), record("10.0.0.4").replace(" 443 ", " https "), record("10.0.0.5"), record("10.0.0.6") + " more", record("10.0.0.7"), record("10.0.0.8")]
EXPECTATION = " WITH EXPECTATION is_there EXPECT srcaddr IS NOT NULL ON VIOLATION DROP"


def sheet(h, more="", expectation=""):
    """Only the COPY job of the example."""
    text = "".join(s + ";" for s in h.worksheet.read_text().split(";")[:3])
    text = text.replace("CONTENT_TYPE = AUTO", f"CONTENT_TYPE = AUTO {more}")
    h.worksheet.write_text(text[:-1] + expectation + ";" if expectation else text)


def path_of(name, expectation):
    with Home() as h:
        sheet(h, expectation=expectation)
        h.write("a.log.gz", log_text(*LINES))
        h.write("b.log.gz", log_text(record("10.0.1.1")))
        done = h.load()
        check(f"{name}: it loads", done.returncode, 0)
        check_in(f"{name}: and says so", "3 lines could not be read", done.stderr)
        check(f"{name}: the good lines", h.sql(f"SELECT srcaddr FROM {CONNECTIONS} ORDER BY 1"), [f"10.0.0.{i}" for i in (1, 3, 5, 7, 8)] + ["10.0.1.1"])
        check(f"{name}: the bad ones", h.sql(f"SELECT parse_filename(file), line, \"row\", expectation, run, record FROM {DEAD} ORDER BY line"),
              [f"a.log.gz,{i + 2},{i},,1,{LINES[i]}" for i in (1, 3, 5)])
        reasons = h.sql(f"SELECT reason FROM {DEAD} ORDER BY line")
        for want, got in zip(("line 3 has 3 fields, the header has 14", "line 5: dstport is 'https'", "line 7 has at least 15 fields"), reasons):
            check_in(f"{name}: why", want, got)
        check(f"{name}: counted", h.sql("SELECT rows_dropped FROM system.monitoring.jobs"), ["3"])
        check(f"{name}: nothing twice", (h.load().returncode, h.sql(f"SELECT count(*) FROM {CONNECTIONS}")), (0, ["6"]))
        job = "ingest_vpcflowlogs_connections"
        h.sql(f"REPLAY JOB {job}")
        check(f"{name}: a replay of what is still bad changes nothing", (h.load().returncode, h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), h.sql(f"SELECT count(*) FROM {DEAD}")), (0, ["6"], ["3"]))
        mended = list(LINES)
        mended[3] = record("10.0.0.4")
        h.write("a.log.gz", log_text(*mended))
        h.sql(f"REPLAY JOB {job}")
        check(f"{name}: mended, it loads", (h.load().returncode, h.sql(f"SELECT srcaddr FROM {CONNECTIONS} ORDER BY 1")), (0, [f"10.0.0.{i}" for i in (1, 3, 4, 5, 7, 8)] + ["10.0.1.1"]))
        check(f"{name}: keys differ", h.sql(f"SELECT count(DISTINCT primary_key) FROM {CONNECTIONS}"), ["7"])
        check(f"{name}: the others stay", h.sql(f"SELECT line FROM {DEAD} ORDER BY 1"), ["3", "7"])


def keys_do_not_depend_on_bad_lines():
    with Home() as h:
        sheet(h)
        h.write("a.log.gz", log_text(*LINES))
        h.load()
        check("a row's key is that of its place in the file", h.sql(f"SELECT right(primary_key, 4) FROM {CONNECTIONS} ORDER BY srcaddr"), [f"000{i}" for i in (0, 2, 4, 6, 7)])


def garbage():
    with Home() as h:
        sheet(h)
        h.write("half.log.gz", log_text(*[record()] * 5, *["x y"] * 6))
        h.write("many.log.gz", log_text(*[record()] * 5000, *["x y"] * 1001))
        h.write("just.log.gz", log_text(*[record("10.0.0.2")] * 1500, *["x y"] * 1000))
        done = h.load()
        check("garbage is an error", done.returncode, 1)
        check_in("more than half", "half.log.gz: 6 of its 11 lines are no records; the first: line 7 has 2 fields", done.stderr)
        check_in("more than a thousand", "many.log.gz: more than 1000 of its lines are no records; the first: line 5002", done.stderr)
        check("a thousand pass", (h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), h.sql(f"SELECT count(*) FROM {DEAD}")), (["1500"], ["1000"]))


def refused_as_a_whole():
    with Home() as h:
        sheet(h, "BAD_LINES = REFUSE_FILE")
        path = h.write("a.log.gz", log_text(*LINES))
        done = h.load()
        check("REFUSE_FILE", (done.returncode, h.sql(f"SELECT count(*) FROM {CONNECTIONS}")), (1, ["0"]))
        check_in("names the line", "line 3 has 3 fields", done.stderr)


def odd_bytes():
    with Home() as h:
        sheet(h)
        h.write("a.log.gz", log_text(record(), record()).encode() + b"\xff\xfe 'quoted' \"x\" \\ \0 end\n")
        check("any bytes are kept", (h.load().returncode, h.sql(f"SELECT length(record) > 10 FROM {DEAD}")), (0, ["true"]))


def without_a_header(expectation):
    """Text as CloudWatch and Firehose deliver it: the first line is a record, or bad."""
    with Home() as h:
        sheet(h, expectation=expectation)
        h.write("a.log.gz", "\n".join(LINES) + "\n")
        h.write("b.log.gz", "\n".join([record("10.0.1.1"), record("-")]) + "\n")
        done = h.load()
        check(f"no header{expectation}: {done.stderr[-200:]}", (done.returncode, h.sql(f"SELECT srcaddr, bytes FROM {CONNECTIONS} WHERE srcaddr IS NOT NULL ORDER BY 1")), (0, [f"10.0.0.{i},100" for i in (1, 3, 5, 7, 8)] + ["10.0.1.1,100"]))
        check(f"no header{expectation}: the bad lines", h.sql(f"SELECT line, \"row\", record FROM {DEAD} WHERE expectation IS NULL ORDER BY line"), [f"{i + 1},{i},{LINES[i]}" for i in (1, 3, 5)])
        check(f"no header{expectation}: the dropped one", h.sql(f"SELECT parse_filename(file), line, \"row\" FROM {DEAD} WHERE expectation IS NOT NULL"), ["b.log.gz,2,1"] if expectation else [])


path_of("page by page", "")
path_of("through SQL", EXPECTATION)
keys_do_not_depend_on_bad_lines()
without_a_header("")
without_a_header(EXPECTATION)
garbage()
refused_as_a_whole()
odd_bytes()
finish()
