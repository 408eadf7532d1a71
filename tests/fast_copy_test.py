#!/usr/bin/env python3
"""The fast path of COPY: Parquet files taken over page by page give the same table as the SQL path, which an expectation forces."""
import gzip
import random

from harness import CONNECTIONS, Home, check, check_in, finish

COLUMNS = ("2::INT AS version, '123456789012' AS account_id, 'eni-' || (i % 5) AS interface_id, CASE WHEN i % 11 > 0 THEN '10.0.' || (i % 250) || '.' || (i % 7) END AS srcaddr, "
           "'10.1.0.' || (i % 200) AS dstaddr, (i % 60000)::INT AS srcport, 443::INT AS dstport, 6::INT AS protocol, (i % 90)::BIGINT AS packets, (i * 7)::BIGINT AS bytes, "
           "(1713400000 + i % 50)::BIGINT AS start, (1713400060 + i % 50)::BIGINT AS \"end\", CASE WHEN i % 13 = 0 THEN 'REJECT' ELSE 'ACCEPT' END AS action, 'OK' AS log_status")
DAY = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/04/"
FACTS = (f"SELECT count(*), count(DISTINCT primary_key), sum(hash(primary_key)), sum(hash(srcaddr)), sum(hash(dstaddr)), sum(hash(account_id, interface_id, srcport, dstport, protocol)), "
         f"sum(hash(packets, bytes, start, \"end\", action, log_status)), sum(hash(\"$event_time\", \"$event_date\")), count(srcaddr), min(srcaddr), max(bytes) FROM {CONNECTIONS}")


def make(h, name, first, rows, options="COMPRESSION gzip, ROW_GROUP_SIZE 20480", columns=COLUMNS, day="18"):
    path = h.samples / DAY / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    h.sql(f"COPY (SELECT {columns} FROM range({first}, {first + rows}) r(i)) TO '{path}' (FORMAT parquet, {options})")
    return path


def force_sql(h):
    text = h.worksheet.read_text()
    at = text.index(";", text.index("COPY FROM"))
    h.worksheet.write_text(text[:at] + " WITH EXPECTATION every_row EXPECT true ON VIOLATION DROP" + text[at:])


def writers(h):
    """Which program wrote each data file."""
    files = sorted(str(p) for p in (h.home / "warehouse").rglob("*.parquet") if "connections" in str(p))
    return [("floe" if "floe" in by else "duckdb") for by in h.sql("SELECT created_by FROM parquet_file_metadata([" + ", ".join(f"'{f}'" for f in files) + "]) ORDER BY file_name")]


def both(title, fill, want):
    answers = []
    with Home() as h:
        fill(h)
        for is_fast in (True, False):      # row keys come from where the files lie: the same files for both
            h.home = h.path / ("fast" if is_fast else "sql")
            if not is_fast:
                force_sql(h)
            done = h.load()
            check(f"{title}: loads: {done.stderr[-300:]}", done.returncode, 0)
            answers.append(h.sql(FACTS))
            if is_fast:
                check(f"{title}: who wrote the files", sorted(writers(h)), sorted(want))
            else:
                check(f"{title}: the expectation forces the SQL path", set(writers(h)), {"duckdb"})
    check(f"{title}: both paths give the same table", answers[0], answers[1])


def two_days(h):
    make(h, "a.log.parquet", 0, 50000)
    make(h, "b.log.parquet", 50000, 30000, "COMPRESSION snappy, ROW_GROUP_SIZE 16384")
    make(h, "c.log.parquet", 80000, 25000, "COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 16384", day="19")


both("several codecs, two days", two_days, ["floe", "floe"])
both("small row groups", lambda h: [make(h, f"{i}.log.parquet", i * 300, 300) for i in range(5)], ["duckdb"])
both("small and large", lambda h: [make(h, "big.log.parquet", 0, 30000), make(h, "tiny.log.parquet", 30000, 100)], ["floe", "duckdb"])
DASHES = (COLUMNS.replace("'OK' AS log_status", "CASE WHEN i % 3 > 0 THEN 'OK' ELSE '-' END AS log_status").replace("'10.1.0.' || (i % 200) AS dstaddr", "CASE WHEN i % 17 = 0 THEN '-' WHEN i % 19 > 0 THEN '10.1.' || i END AS dstaddr")
          .replace("'eni-' || (i % 5) AS interface_id", "CASE WHEN i BETWEEN 3000 AND 9000 OR i % 7 = 0 THEN '-' ELSE 'eni-' || (i % 5) END AS interface_id").replace("'123456789012' AS account_id", "'-' AS account_id"))
both("dashes mean null", lambda h: [make(h, "a.log.parquet", 0, 30000, columns=DASHES), make(h, "b.log.parquet", 0, 30000, "COMPRESSION snappy, PARQUET_VERSION v2", columns=DASHES.replace("'10.1.' || i ", "'10.1.' || (i % 40) "))], ["floe"])
both("a dash in a version 2 page that is no dictionary", lambda h: make(h, "a.log.parquet", 0, 20000, "PARQUET_VERSION v2", columns=DASHES), ["duckdb"])
both("a number column that is wider in the table", lambda h: [make(h, "a.log.parquet", 0, 20000), make(h, "b.log.parquet", 20000, 20000, columns=COLUMNS.replace("::BIGINT AS packets", "::INT AS packets"))], ["floe", "duckdb"])
both("a column that one file lacks", lambda h: [make(h, "a.log.parquet", 0, 20000), make(h, "b.log.parquet", 20000, 20000, columns=COLUMNS.replace(", 'OK' AS log_status", ""))], ["floe", "floe"])

def text(h, name, first, rows, header="version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status", day="18", end="\n"):
    path = h.samples / DAY / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = header.split(" ")
    lines = [header]
    for i in range(first, first + rows):
        values = {"version": "2", "account-id": "123456789012", "interface-id": f"eni-{i % 5}", "srcaddr": "-" if i % 11 == 0 else f"10.0.{i % 250}.{i % 7}", "dstaddr": f"10.{i % 200}.{i // 200 % 250}.{i % 3}", "srcport": str(i % 60000),
                  "dstport": "443", "protocol": "6", "packets": "-" if i % 23 == 0 else str(i % 90), "bytes": str(i * 7919 % 1000003 * 4001), "start": str(1713400000 + i % 50), "end": str(1713400060 + i % 50),
                  "action": "REJECT" if i % 13 == 0 else "ACCEPT", "log-status": "NODATA" if i % 301 == 0 else "OK", "pkt-srcaddr": f"x{i}é"}
        lines.append(" ".join(values[f] for f in fields))
    path.write_bytes(gzip.compress((end.join(lines) + end).encode(), 1) if name.endswith(".gz") else (end.join(lines) + end).encode())
    return path


def many_texts(h):
    text(h, "a.log.gz", 0, 150000)      # more than one row group; more addresses than a dictionary takes
    text(h, "b.log", 150000, 500, header="end start dstaddr srcaddr pkt-srcaddr bytes packets version log-status", end="\r\n")
    text(h, "c.log.gz", 150500, 70000, header="version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status pkt-srcaddr")
    text(h, "d.log.gz", 220500, 3000, day="19")


both("text", many_texts, ["floe", "floe"])
both("text and Parquet", lambda h: [text(h, "a.log.gz", 0, 9000), make(h, "b.log.parquet", 9000, 20000)], ["floe", "floe"])

with Home() as h:       # a bad line: it goes to the dead letters, everything else is loaded
    text(h, "a.log.gz", 0, 130000)
    bad = text(h, "b.log", 0, 5000)
    bad.write_text(bad.read_text().replace(" 443 6 ", " 443 six ", 1))
    done = h.load()
    check("a bad line: the run goes on: " + done.stderr[-300:], h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["134999"])
    check_in("a bad line: named", "protocol is 'six'", "".join(h.sql(f"SELECT reason FROM {CONNECTIONS.replace('vpcflowlogs', 'ingest_vpcflowlogs')}_dead_letters")))

with Home() as h:       # damage: the file is named and left out, the others are loaded
    make(h, "good.log.parquet", 0, 20000)
    bad = make(h, "bad.log.parquet", 20000, 20000)
    content = bytearray(bad.read_bytes())
    r = random.Random(5)
    for _ in range(40):
        content[r.randrange(1000, len(content) // 2)] ^= 0x55
    bad.write_bytes(content)
    done = h.load()
    check("damaged pages: the run goes on: " + done.stderr[-300:], h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["20000"])
    check_in("damaged pages: named", "bad.log.parquet", h.floe("jobs").stdout + done.stderr)

finish()
