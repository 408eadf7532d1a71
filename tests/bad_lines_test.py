#!/usr/bin/env python3
"""Lines that cannot be read go to the job's dead letters, the file's other lines load; mended, REPLAY loads them with the keys they would have had."""
import json
import random

from harness import *

DEAD = "default_glue_catalog.puppygraph.ingest_vpcflowlogs_connections_dead_letters"
LINES = [record("10.0.0.1"), "2 123456789012 eni-1", record("10.0.0.3"), record("10.0.0.4").replace(" 443 ", " https "), record("10.0.0.5"), record("10.0.0.6") + " more", record("10.0.0.7"), record("10.0.0.8")]
EXPECTATION = " WITH EXPECTATION is_there EXPECT srcaddr IS NOT NULL ON VIOLATION DROP"


def sheet(h, more="", expectation=""):
    """Only the COPY job of the example."""
    text = "".join(s + ";" for s in h.worksheet.read_text().split(";")[:3])
    text = text.replace("CONTENT_TYPE = AUTO", more if more.startswith("CONTENT_TYPE") else f"CONTENT_TYPE = AUTO {more}")
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


CSV = ["srcaddr,dstaddr,packets,account_id"] + [f'10.0.0.{i},10.0.1.1,{i},"a, b"' for i in range(9)]
BAD_CSV = {2: '10.0.0.1,10.0.1.1', 5: '10.0.0.4,10.0.1.1,4,"a, b",more', 8: '10.0.0.7,10.0.1.1,7,"open'}
NAMES = "version account_id interface_id srcaddr dstaddr srcport dstport protocol packets bytes start end action log_status".split()


def as_json(line):
    return json.dumps(dict(zip(NAMES, [int(x) if x.isdigit() and len(x) < 12 else x for x in line.split()])))


def other_text(name, lines, bad, reasons, more="", expectation="", pack=True):
    """`bad`: index among the lines → what stands there instead. A load of the file with it equals one of the good lines, with their own keys."""
    header = 1 if name in ("CSV", "TSV", "CSV of gzip") else 0
    name += " checked" if expectation else ""
    what = f"srcaddr, dstaddr, packets, right(primary_key, 4)"
    with Home() as h:
        sheet(h, more, expectation)
        h.write("a.log" + (".gz" if pack else ""), "\n".join(lines) + "\n", pack=pack)
        h.load()
        whole = h.sql(f"SELECT {what} FROM {CONNECTIONS} ORDER BY right(primary_key, 4)")
        check(f"{name}: all lines", len(whole), len(lines) - header)
    want = [row for i, row in enumerate(whole) if i + header not in bad]
    with Home() as h:
        sheet(h, more, expectation)
        path = "a.log" + (".gz" if pack else "")
        h.write(path, "\n".join(bad.get(i, line) for i, line in enumerate(lines)) + "\n", pack=pack)
        h.write("b.log", "\n".join(lines) + "\n", pack=False, day="2024/04/19")
        done = h.load()
        check_in(f"{name}: says so", f"{len(bad)} line{'s' if len(bad) > 1 else ''} could not be read", done.stderr)
        first = "WHERE \"$event_date\" = DATE '2024-04-18'"
        check(f"{name}: the good lines keep their keys", (done.returncode, h.sql(f"SELECT {what} FROM {CONNECTIONS} {first} ORDER BY right(primary_key, 4)")), (0, want))
        check(f"{name}: the other file", h.sql(f"SELECT count(*) FROM {CONNECTIONS} WHERE \"$event_date\" = DATE '2024-04-19'"), [str(len(whole))])
        check(f"{name}: the bad ones", h.sql(f"SELECT parse_filename(file) || ' ' || line || ' ' || \"row\" || ' ' || run FROM {DEAD} ORDER BY line"), [f"{path} {i + 1} {i - header} 1" for i in sorted(bad)])
        check(f"{name}: as they are", [row.replace('""', '"').removeprefix('"').removesuffix('"') for row in h.sql(f"SELECT record FROM {DEAD} ORDER BY line")], [bad[i].removesuffix('"') if bad[i].startswith('"') else bad[i] for i in sorted(bad)])
        for want_reason, got in zip(reasons, h.sql(f"SELECT reason FROM {DEAD} ORDER BY line"), strict=True):
            check_in(f"{name}: why", want_reason, got)
        check(f"{name}: counted, nothing twice", (h.load().returncode, h.sql("SELECT rows_dropped FROM system.monitoring.jobs"), h.sql(f"SELECT count(*) FROM {CONNECTIONS} {first}")), (0, [str(len(bad))], [str(len(want))]))
        mended = dict(list(sorted(bad.items()))[1:])
        h.write(path, "\n".join(mended.get(i, line) for i, line in enumerate(lines)) + "\n", pack=pack)
        h.sql("REPLAY JOB ingest_vpcflowlogs_connections")
        check(f"{name}: mended, it loads with the key it would have had", (h.load().returncode, h.sql(f"SELECT {what} FROM {CONNECTIONS} {first} ORDER BY right(primary_key, 4)")),
              (0, [row for i, row in enumerate(whole) if i + header not in mended]))
        check(f"{name}: the others stay", h.sql(f"SELECT line FROM {DEAD} ORDER BY 1"), [str(i + 1) for i in sorted(mended)])


def csv_and_json():
    good = [record(f"10.0.0.{i}", packets=i + 1) for i in range(9)]
    lines = [as_json(line) for line in good]
    for expectation in ("", EXPECTATION):
        other_text("CSV", CSV, BAD_CSV, ("line 3 has 2 fields, the header has 4", "line 6 has 5 fields", "line 9: a quote is not closed"), expectation=expectation)
        other_text("JSON", lines, {0: lines[0][:-9], 4: "[1, 2]", 8: '{"srcaddr": 10.0.0.1}'}, ("line 1", "line 5 is no JSON object", "line 9"), expectation=expectation)
    other_text("CSV of gzip", CSV, BAD_CSV, ("line 3", "line 6", "line 9"), pack=True)
    other_text("TSV", [line.replace(",", "\t") for line in CSV[:5]], {3: "10.0.0.2\t7"}, ("line 4 has 2 fields",), "", pack=False)
    other_text("CSV without a header", [",".join(line.split()) for line in good], {1: ",".join(good[1].split()).replace(",443,", ",https,"), 6: "x,y"}, ("line 2: ", "line 7 has 2 fields, HEADER names 14"),
               "CONTENT_TYPE = (TYPE = CSV DELIMITER = ',' HEADER = (" + ", ".join(f"'{n}'" for n in NAMES) + "))")
    other_text("Firehose", [json.dumps({"message": line}) for line in good],
               {1: json.dumps({"message": good[1].replace(" 443 ", " https ")}), 3: json.dumps({"message": "x y"}), 4: '{"message"'}, ("line 2: dstport is 'https'", "line 4: the message has 2 fields, not 14", "line 5"))


def csv_and_json_limits():
    with Home() as h:
        sheet(h)
        h.write("half.log", "\n".join(CSV[:3] + ["x,y"] * 3) + "\n", pack=False)
        h.write("many.log", '{"account_id": "1", "srcaddr": "10.0.0.1", "dstaddr": "10.0.0.2"}\n' * 3000 + "{\n" * 1001, pack=False)
        h.write("just.log", '{"account_id": "1", "srcaddr": "10.0.0.1", "dstaddr": "10.0.0.2"}\n' * 3000 + "{\n" * 1000, pack=False)
        done = h.load()
        check("limits are an error", done.returncode, 1)
        check_in("more than half", "half.log: 3 of its 5 lines are no records; the first: line 4 has 2 fields", done.stderr)
        check_in("more than a thousand", "many.log: more than 1000 of its lines are no records; the first: line 3001", done.stderr)
        check("a thousand pass", (h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), h.sql(f"SELECT count(*) FROM {DEAD}")), (["3000"], ["1000"]))
    with Home() as h:
        sheet(h, "BAD_LINES = REFUSE_FILE")
        h.write("a.log", "\n".join(BAD_CSV.get(i, line) for i, line in enumerate(CSV)) + "\n", pack=False)
        check("REFUSE_FILE of CSV", (h.load().returncode, h.sql(f"SELECT count(*) FROM {CONNECTIONS}")), (1, ["0"]))


def damaged_at_random():
    """Of files with damaged lines every line is a row or a dead letter, or the file is refused: none is lost."""
    dice = random.Random(4)
    with Home() as h:
        sheet(h)
        total = {}
        for number in range(30):
            kind = dice.choice(("csv", "json"))
            good = [record(f"10.{number}.0.{i}", packets=i) for i in range(dice.randrange(2, 40))]
            lines = ["srcaddr,dstaddr,packets,account_id"] + [f'10.{number}.0.{i},10.0.1.1,{i},"a, ""b"""' for i in range(len(good))] if kind == "csv" else [as_json(line) for line in good]
            for _ in range(dice.randrange(1, 6)):
                i = dice.randrange(1, len(lines)) if kind == "csv" else dice.randrange(len(lines))
                at = dice.randrange(len(lines[i]))
                lines[i] = lines[i][:at] + dice.choice(['"', ",", "{", "}", "'", "", "\\", "\x01", "\xff"]) + lines[i][at + dice.randrange(2):]
            name = f"{number:02d}.{kind}"
            h.write(name, "\n".join(lines).encode("latin-1") + b"\n" * dice.randrange(2), pack=False)
            total[name] = len(lines) - (kind == "csv")
        h.load()
        loaded = h.sql(f"SELECT count(*) FROM {CONNECTIONS}")
        refused = h.sql("SELECT parse_filename(uri) FROM system.monitoring.failures WHERE uri IS NOT NULL")
        dead = h.sql(f"SELECT count(*), count(DISTINCT (file, \"row\")) FROM {DEAD}")[0].split(",")
        check(f"no line is lost ({len(refused)} files refused, {dead} dead letters)", int(loaded[0]) + int(dead[0]), sum(n for name, n in total.items() if name not in refused))
        check("some of both", (len(refused) < 10, int(dead[0]) > 20, dead[0] == dead[1]), (True, True, True))
        check("no key twice", h.sql(f"SELECT count(*) - count(DISTINCT primary_key) FROM {CONNECTIONS}"), ["0"])


path_of("page by page", "")
path_of("through SQL", EXPECTATION)
keys_do_not_depend_on_bad_lines()
without_a_header("")
without_a_header(EXPECTATION)
garbage()
refused_as_a_whole()
odd_bytes()
csv_and_json()
csv_and_json_limits()
damaged_at_random()
finish()
