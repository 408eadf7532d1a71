#!/usr/bin/env python3
"""SELECTs over tables: files that conditions exclude are not read (EXPLAIN says so), rows are the same as without; AS OF in its forms."""
import random
import re

from harness import *

COLUMNS = "i int, l bigint, r double, n decimal(9,2), s string, d date, t timestamp, f boolean, u uuid"
FILES = 8
seed = int(os.environ.get("PRUNE_TEST_SEED", "7"))
count = int(os.environ.get("PRUNE_TEST_COUNT", "84"))
rng = random.Random(seed)


def rows(k):
    """Rows of file `k`: ranges that overlap a little, nulls, NaN, signs, texts longer than bounds."""
    return f"""SELECT CASE WHEN x % 17 = 0 THEN NULL ELSE ({k} - 3) * 100 + x END::INTEGER i, ({k} * 1000000007::BIGINT + x * 31) l,
        CASE WHEN {k} = 2 AND x = 5 THEN 'nan' WHEN x % 23 = 0 THEN NULL ELSE ({k} - 4) * 1.5 + x / 100.0 END::DOUBLE r,
        (({k} - 4) * 10 + x / 7.0)::DECIMAL(9,2) n, CASE WHEN {k} = 6 THEN NULL ELSE 'a common prefix of texts ' || chr(97 + {k}) || chr(233) || x END s,
        DATE '1969-12-28' + {k}::INTEGER d, TIMESTAMP '2024-03-30 20:00:00' + INTERVAL ({k} * 7 + x / 20) HOUR t, x % 2 = {k} % 2 f,
        (printf('%08x', {k} * 1000 + x) || '-0000-4000-8000-000000000000')::UUID u FROM range(120) q(x)"""


def column_condition():
    k, x, op = rng.randrange(-1, FILES + 1), rng.randrange(120), rng.choice(["=", "<", "<=", ">", ">="])
    other = rng.choice(["=", "<", ">=", "<>"])
    stamp = f"TIMESTAMP '2024-03-30 20:00:00' + INTERVAL ({k * 7 + x % 9}) HOUR"
    return rng.choice([
        f"i {op} {(k - 3) * 100 + x}", f"i BETWEEN {(k - 3) * 100} AND {(k - 2) * 100}", f"i IN ({(k - 3) * 100 + x}, {x}, {-x})", "i IS NULL", "i IS NOT NULL",
        f"l {op} {k * 1000000007 + x * 31}", f"l % 7 = 3", f"r {op} {(k - 4) * 1.5 + x / 100}", f"r = 'nan'::DOUBLE", f"r {op} {k}", f"n {op} {(k - 4) * 10 + x / 7:.2f}",
        f"s {op} 'a common prefix of texts {chr(97 + max(k, 0))}'", f"s LIKE 'a common prefix of texts {chr(97 + max(k, 0))}%'", "s IS NULL",
        f"s IN ('a common prefix of texts bé3', 'it''s')", f"d {op} DATE '1969-12-28' + {k}", f"d BETWEEN '1969-12-29' AND '1970-01-01'", f"t {op} {stamp}",
        f"t::DATE = '2024-04-0{1 + x % 3}'", f"t < '2024-04-01 05:00:00+00'::TIMESTAMPTZ", f"t {op} now()", "f", "NOT f", f"(i = {x} OR i = {-x})", f"(i {op} {x} OR l {other} 5)",
        f"NOT (i {op} {x})", f"i + 1 {op} {x}", f"u {op} '{(k if k > 0 else 0) * 1000 + x:08x}-0000-4000-8000-000000000000'", f"coalesce(i, 0) {op} {x}", f"i {op} r", f"i = {x} + 0.5",
    ])


def explain(h, query):
    done = h.floe("sql", "EXPLAIN " + query, "--format", "csv")
    return re.findall(r"^([\w.]+),\"?(reads [^\"\n]*)", done.stdout, re.M) if done.returncode == 0 else [done.stderr]


with Home() as h:
    source = h.path / "source"
    source.mkdir()
    h.floe("sql", f"CREATE FILE CONNECTION here ROOT = '{source}'")
    shapes = {"plain": "", "days": "PARTITIONED BY day(t)", "mixed": "PARTITIONED BY bucket(4, i), truncate(26, s), month(d)", "whole": "PARTITIONED BY d"}
    for name, partition in shapes.items():
        made = h.floe("sql", f"CREATE TABLE p.{name} ({COLUMNS}) {partition}")
        check(f"make {name}", made.returncode, 0)
        h.floe("sql", f"CREATE JOB {name} AS COPY FROM FILE here LOCATION = '{name}' INTO p.{name}")
        (source / name).mkdir()
    snapshots = []
    for k in range(FILES):
        for name in shapes:
            done = h.floe("sql", f"COPY ({rows(k)}) TO '{source}/{name}/{k}.parquet'")
            check(f"write {name} {k} {done.stderr}", done.returncode, 0)
        (h.path / "nothing.sql").write_text("")
        done = h.floe("run", h.path / "nothing.sql", "--until-caught-up", "--quiet")
        check(f"load {k} {done.stderr}", done.returncode, 0)
        snapshots.append(h.sql("SELECT count(*) FROM p.plain")[0])
    check("rows after each load", snapshots, [str(120 * (k + 1)) for k in range(FILES)])

    # the same rows as with the conditions kept away from the files
    for at in range(0, count, 4):
        parts, texts = [], []
        for _ in range(4):
            name = rng.choice(list(shapes))
            condition = f" {rng.choice(['AND', 'AND', 'OR'])} ".join(column_condition() for _ in range(rng.randrange(1, 4)))
            texts.append(f"{name}: {condition}")
            parts.append(f"(SELECT (count(*), sum(l), sum(hash(q)))::VARCHAR FROM p.{name} q WHERE {condition}), (SELECT (count(*), sum(l), sum(hash(q)))::VARCHAR FROM (SELECT * FROM p.{name} LIMIT 1000000) q WHERE {condition})")
        done = h.floe("sql", "SELECT unnest([" + ", ".join(parts) + "])", "--format", "csv")
        got = done.stdout.splitlines()[1:]
        check(f"rows of (seed {seed}) {texts} {done.stderr}", len(got), 8)
        for i, text in enumerate(texts):
            if len(got) == 8:
                check(f"conditions (seed {seed}) {text}", got[2 * i], got[2 * i + 1])

    # and fewer files
    for query, want in [
        ("SELECT * FROM p.plain WHERE i = 150", "reads 1 of 8 files (1 conditions)"),
        ("SELECT * FROM p.plain WHERE i BETWEEN 150 AND 160 AND s IS NOT NULL", "reads 1 of 8 files (3 conditions)"),
        ("SELECT count(*) FROM p.whole WHERE d = '1970-01-01'", "reads 1 of 8 files (1 conditions), 1 of 8 manifests"),
        ("SELECT count(*) FROM p.days WHERE t >= '2024-04-02'", "reads 1 of 10 files (1 conditions), 1 of 8 manifests"),
        ("SELECT * FROM p.plain WHERE s LIKE 'a common prefix of texts b%'", "reads 7 of 8 files (1 conditions)"),
        ("SELECT * FROM p.plain WHERE i IN (-290, 5000)", "reads 1 of 8 files (1 conditions)"),
        ("SELECT * FROM p.plain WHERE s IS NULL", "reads 1 of 8 files (1 conditions)"),
        ("SELECT * FROM p.plain WHERE i % 2 = 1", "reads all files: no condition reaches it"),
        ("WITH q AS (SELECT *, l + 1 AS m FROM p.plain) SELECT count(*) FROM q WHERE d < '1969-12-30' AND m > 0", "reads 2 of 8 files (1 conditions)"),
        ("SELECT count(*) FROM default_glue_catalog.p.plain AS x WHERE x.l < 1000", "reads 1 of 8 files (1 conditions)"),
    ]:
        got = explain(h, query)
        check(f"plan of {query}", [line for _, line in got], [want])
    got = explain(h, "SELECT count(*) FROM p.plain a JOIN p.whole b USING (i) WHERE a.d = '1970-01-01' AND b.i < -290")
    check("conditions of one side of a join hold for its table", [w.split(" (")[0] for _, w in got], ["reads 0 of 8 files", "reads 1 of 8 files"])
    got = explain(h, "SELECT count(*) FROM p.plain a LEFT JOIN p.whole b ON a.l = b.l AND b.d = '1970-01-01'")
    check("the outer side of a join is read whole", [w.split(" (")[0] for _, w in got], ["reads all files: no condition reaches it", "reads 1 of 8 files"])
    got = explain(h, "WITH plain AS (SELECT 1 AS i) SELECT * FROM plain WHERE i = 2")
    check("a name that the query itself gives is no table", got, [])
    check_in("columns by their full name", "960", h.sql("SELECT count(p.plain.l) FROM p.plain")[0])
    check_in("a column that is not there", 'Referenced column "nothing" not found', h.floe("sql", "SELECT nothing FROM p.plain").stderr)
    check_in("ANALYZE", "Total Time", h.floe("sql", "EXPLAIN ANALYZE SELECT count(*) FROM p.plain WHERE i = 5", "--format", "csv").stdout)

    # AS OF
    history = [line.split(",") for line in h.floe("table", "snapshots", "p.plain", "--format", "csv").stdout.splitlines()[1:]]
    check("eight snapshots", len(history), FILES)
    third, when = history[2][0], history[2][1]
    stamp = when.replace("T", " ").rstrip("Z")
    for form in [f"FOR VERSION AS OF {third}", f"VERSION AS OF '{third}'", f"AS OF {third}", f"AS OF '{third}'", f"FOR TIMESTAMP AS OF '{stamp}'", f"FOR SYSTEM_TIME AS OF TIMESTAMP '{stamp}'",
                 f"AT (VERSION => {third})", f"AT (TIMESTAMP => TIMESTAMP '{stamp}')", f"TIMESTAMP AS OF ('{stamp}'::TIMESTAMP + INTERVAL 1 MILLISECOND)", f"AS OF '{when}'"]:
        check(form, h.sql(f"SELECT count(*), max(d) FROM p.plain {form}"), ["360,1969-12-30"])
    check("as of, with an alias", h.sql(f"SELECT count(x.i) + count(y.i) FROM p.plain AS OF {third} x JOIN p.plain FOR VERSION AS OF {history[0][0]} AS y ON x.l = y.l WHERE x.d = '1969-12-28'"), ["224"])
    check("as of, with now()", h.sql("SELECT count(*) FROM p.plain FOR TIMESTAMP AS OF now() + INTERVAL 1 DAY"), ["960"])
    check("as of, with LET", h.sql(f"SELECT count(*) FROM p.plain AS OF {third} LET m = l + 1 WHERE m > 0"), ["360"])
    check("conditions beside it", explain(h, f"SELECT * FROM p.plain AS OF {third} WHERE i < -200"), [("p.plain", f"reads 1 of 3 files (1 conditions), snapshot {third}")])
    check_in("as of a time before", "has no snapshot as of '1999", h.floe("sql", "SELECT * FROM p.plain FOR TIMESTAMP AS OF '1999-01-01'").stderr)
    check_in("as of nothing known", "has no snapshot as of 'nothing'", h.floe("sql", "SELECT * FROM p.plain AS OF 'nothing'").stderr)
    check("one that was there before a column", h.floe("sql", "ALTER TABLE p.plain ADD COLUMN later int").returncode, 0)
    check_in("is not there", "later", h.floe("sql", f"SELECT later FROM p.plain AS OF {third}").stderr)
    check("all columns as they were", h.floe("sql", f"SELECT * FROM p.plain AS OF {third} LIMIT 1", "--format", "csv").stdout.splitlines()[0], "i,l,r,n,s,d,t,f,u")
    check("and as they are", h.floe("sql", "SELECT * FROM p.plain LIMIT 1", "--format", "csv").stdout.splitlines()[0], "i,l,r,n,s,d,t,f,u,later")
finish()
