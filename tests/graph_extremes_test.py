#!/usr/bin/env python3
"""What the graph engine bears: a huge hub, more paths than can be counted, text that is no UTF-8, tables that go away under a query, damaged caches, budgets that
are too small, cancelled questions; tables that are upserted, compacted and expired while a graph follows them.

EXTREMES_HUB (1,000,000): neighbours of the hub."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from harness import FLOE, Home, check, check_in, finish

HUB = int(os.environ.get("EXTREMES_HUB", 1_000_000))
CATALOG = {"catalogs": [{"name": "c", "type": "iceberg", "metastore": {"type": "embedded"}}]}


def source(table, *columns):
    return {"externalDataSource": {"enabled": True, "catalog": "c", "schema": "t", "table": table, "mappedField": [{"sourceFieldName": x, "targetFieldName": x} for x in columns]}}


def fields(**types):
    return [{"name": k, "type": v} for k, v in types.items()]


def edges_only(table="e", **attributes):
    ends = [{"catalog": "c", "schema": "t", "table": table, "mappedField": [{"sourceFieldName": x, "targetFieldName": "id"}]} for x in "ab"]
    return {**CATALOG, "node": [{"label": "v", "id": fields(id="String"), "dataSourceGroup": {"unionDataSource": {"enabled": True, "dedupKey": ["id"], "input": ends}}}],
            "edge": [{"label": "e", "fromNodeLabel": "v", "toNodeLabel": "v", "fromKey": fields(a="String"), "toKey": fields(b="String"), "attribute": fields(**attributes),
                      "dataSourceGroup": source(table, "a", "b", *attributes)}]}


class Lake(Home):
    """Tables of given SELECTs, and a graph schema over them."""

    def __init__(self, schema, copy_options="", jobs="", **tables):
        super().__init__()
        self.statements, self.files = [f"CREATE FILE CONNECTION s ROOT = '{self.samples}';"], 0
        for name, query in tables.items():
            (self.samples / name).mkdir()
            self.write_rows(name, query, copy_options)
            table = f"default_glue_catalog.t.{name}"
            self.statements.append(f"CREATE ICEBERG TABLE {table}(); CREATE SYNC JOB load_{name} START_FROM = BEGINNING CONTENT_TYPE = AUTO AS COPY FROM FILE s LOCATION = '{name}' INTO {table};")
        self.worksheet.write_text("\n".join(self.statements) + jobs)
        done = self.load()
        check("load: " + done.stderr[-400:], done.returncode, 0)
        self.apply(schema)

    def write_rows(self, table, query, options=""):
        self.files += 1
        answer = self.sql(f"COPY ({query}) TO '{self.samples}/{table}/{self.files}.parquet' (FORMAT parquet{options})")
        check(f"rows of {table}: {answer}", len(answer) == 1 and answer[0].isdigit())

    def apply(self, schema, works=True):
        (self.path / "schema.json").write_text(json.dumps(schema))
        done = self.floe("schema", "apply", self.path / "schema.json")
        check("apply: " + done.stderr, (done.returncode == 0) == works)
        return done.stderr

    def cypher(self, text, **more):
        done = self.floe("cypher", text, **more)
        return [line.split(" | ") for line in done.stdout.splitlines()[1:]] if done.returncode == 0 else done.stderr


class Console:
    """A session that answers one line after the other."""

    def __init__(self, home, language="cypher", **environment):
        self.process = subprocess.Popen([FLOE, language, "--time", "--home", str(home.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **environment})

    def ask(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stderr.readline()

    def close(self):
        self.process.stdin.close()
        out = self.process.stdout.read()
        self.process.wait(60)
        self.process.stderr.close()
        self.process.stdout.close()
        return out.splitlines()


def hub():
    """One vertex with a million neighbours, each of which leads on to one of ten."""
    rows = (f"SELECT 'hub' AS a, 'n' || i AS b, (i % 7)::BIGINT AS w FROM range({HUB}) r(i) UNION ALL "
            f"SELECT 'n' || i, 'end' || (i % 10), (i % 5)::BIGINT FROM range({HUB}) r(i)")
    with Lake(edges_only(w="Long"), e=rows) as lake:
        one = "g.V('v[hub]')"
        check("neighbours", lake.gremlin(f"{one}.out().dedup().count()"), [str(HUB)])
        check("two hops", lake.gremlin(f"{one}.out().out().dedup().count()"), ["10"])
        check("two hops and back", lake.gremlin(f"{one}.out().out().in().count()"), [str(HUB * HUB // 10)])
        check("sum", lake.cypher("MATCH (a)-[e]->(b) WHERE id(a) = 'v[hub]' RETURN sum(e.w)"), [[str(sum(i % 7 for i in range(7)) * (HUB // 7) + sum(range(HUB % 7)))]])
        check("shortest", lake.cypher("MATCH p = shortestPath((a)-[*]->(b)) WHERE id(a) = 'v[hub]' AND id(b) = 'v[end3]' RETURN length(p)"), [["2"]])
        check("all shortest", lake.cypher("MATCH p = allShortestPaths((a)-[*]->(b)) WHERE id(a) = 'v[hub]' AND id(b) = 'v[end3]' RETURN count(p)"), [[str(HUB // 10)]])
        check("degree", lake.cypher("CALL algo.degree({}) YIELD id, degree RETURN id, degree ORDER BY degree DESC LIMIT 1"), [["v[hub]", str(HUB)]])
        check("first five", len(lake.gremlin(f"{one}.out().limit(5).path()")), 5)
        cancels(lake)


def cancels(lake):
    """A deadline ends every kind of loop soon, and the session goes on."""
    long = ["MATCH (a)--(b)--(c)--(d)--(f) RETURN count(DISTINCT f.id + a.id)", "CALL algo.triangleCount({}) YIELD id, triangles RETURN sum(triangles)",
            "CALL algo.louvain({}) YIELD id RETURN count(id)", "CALL algo.paral.pagerank({maxIterations: 100000, tolerance: 0}) YIELD id RETURN count(id)",
            "CALL algo.betweenness({}) YIELD id RETURN count(id)", "MATCH (a)-[*1..9]-(b) RETURN count(*)", "MATCH (a)-[e]->(b) RETURN b.id + a.id, count(*) ORDER BY count(*) LIMIT 1"]
    for text in long:
        process = subprocess.Popen([FLOE, "cypher", text, "--home", str(lake.home)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell's background jobs ignore it
        time.sleep(0.7)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            started = time.monotonic()
            process.wait(30)
            seconds = time.monotonic() - started
            print(f"  interrupted after {seconds * 1000:.0f} ms: {text}")
            check(f"interrupted soon: {text}", seconds < 0.5)
        process.stderr.close()


def paths_without_end():
    """A graph in which everything leads everywhere: 60^n paths of n edges."""
    with Lake(edges_only(), e="SELECT 'a' || i AS a, 'a' || j AS b FROM range(60) r(i), range(60) s(j)") as lake:
        check("10^14 walks counted", lake.gremlin("g.V().out().out().out().out().out().out().out().count()"), [str(60**8)])
        check_in("more walks than a number holds", "64-bit", str(lake.gremlin("g.V()" + ".out()" * 12 + ".count()")))
        check("as many as a number holds", lake.gremlin("g.V()" + ".out()" * 9 + ".count()"), [str(60**10)])
        for n in (10, 11):                                       # 60^11 is above 2^64 by a product alone, or by the sum of the last level
            check_in(f"{n} steps: one more than it holds", "64-bit", str(lake.gremlin("g.V()" + ".out()" * n + ".count()")))
        check_in("among the traversers, too", "64-bit", str(lake.gremlin("g.withSideEffect('x', 1).V()" + ".out()" * 10 + ".sideEffect(identity()).count()")))
        started = time.monotonic()
        answer = lake.cypher("MATCH (a)-[*6]->(b) RETURN count(*)", timeout=300)
        check(f"10^12 trails end in a clear error: {str(answer)[:200]}", isinstance(answer, str) and "floe:" in answer and "paths" in answer and time.monotonic() - started < 120)
        check("the first of them come at once", len(lake.cypher("MATCH p = (a)-[*6]->(b) RETURN p LIMIT 5")), 5)
        check("who is reached", lake.cypher("MATCH (a)-[*1..6]->(b) WHERE id(a) = 'v[a1]' RETURN count(DISTINCT b)"), [["60"]])


def sub_plans_of_many_rows():
    """What a sub-plan needs for one row is not kept for all of them: 60,000 times 300 sorted rows are more than a query may have."""
    with Lake(edges_only(), e="SELECT 'a' AS a, 'b' AS b") as lake:
        inner = "UNWIND range(1, 300) AS m WITH n + m AS x ORDER BY x DESC RETURN x"
        check("counted", lake.cypher(f"UNWIND range(1, 60000) AS n RETURN sum(COUNT {{ {inner} }})"), [["18000000"]])
        check("exist", lake.cypher(f"UNWIND range(1, 60000) AS n WITH n WHERE EXISTS {{ {inner} }} RETURN count(*)"), [["60000"]])
        nested = "UNWIND range(1, 30) AS m WITH m WHERE COUNT { UNWIND range(1, m) AS k WITH k ORDER BY k DESC RETURN k } > 10 RETURN m"
        check("one in another", lake.cypher(f"UNWIND range(1, 10000) AS n RETURN sum(COUNT {{ {nested} }})"), [["200000"]])
        lists = "COLLECT { UNWIND range(1, 50) AS m WITH n * m AS x ORDER BY x DESC RETURN 'number ' + x }"
        check("what they give outlives them", lake.cypher(f"UNWIND range(1, 20000) AS n WITH n, {lists} AS l WITH max(n) AS last, count(DISTINCT l) AS c, sum(size(l[0])) AS s RETURN last, c, s"),
              [["20000", "20000", str(sum(len(f"number {n * 50}") for n in range(1, 20001)))]])


def not_text():
    """Bytes that are no UTF-8, in a data file that somebody else wrote."""
    with Lake(edges_only(w="Long"), e="SELECT 'k' || (i % 10) AS a, 'cafeeee' || i AS b, i::BIGINT AS w FROM range(1000) r(i)") as lake:
        check("before", lake.gremlin("g.E().count()"), ["1000"])
        for path in (lake.home / "warehouse").rglob("*.parquet"):
            ids = ", ".join(x.replace(" ", ": ") for x in lake.sql(f"SELECT chr(39) || name || chr(39) || ' ' || field_id FROM parquet_schema('{path}') WHERE field_id IS NOT NULL AND type IS NOT NULL"))
            other = path.with_suffix(".new")
            lake.sql(f"COPY (SELECT * FROM read_parquet('{path}')) TO '{other}' (FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1, FIELD_IDS {{{ids}}})")
            content = other.read_bytes()
            check("there is something to change", content.count(b"cafeeee") > 900)
            path.write_bytes(content.replace(b"cafeeee", b"caf\xff\xfe\xff\xff"))
            other.unlink()
        shutil.rmtree(lake.home / "cache", ignore_errors=True)
        answer = lake.gremlin("g.V().count()")
        check_in("a clear error", "floe:", answer[0])
        check_in("that says what is wrong", "nvalid", answer[0])
        check("metadata still answers", lake.gremlin("g.E().count()"), ["1000"])


def tables_that_go_away():
    with Lake(edges_only(w="Long"), e="SELECT 'a' || (i % 50) AS a, 'b' || (i % 70) AS b, i::BIGINT AS w FROM range(5000) r(i)") as lake:
        console = Console(lake)
        console.ask("MATCH (a)-[e]->(b) RETURN count(*)")
        shutil.rmtree(lake.home / "warehouse")
        console.ask("MATCH (a)-[]->(b) RETURN count(*) AS still")
        failed = console.ask("MATCH (a)-[e]->(b) RETURN sum(e.w)")
        console.ask("RETURN 7 AS goes_on")
        lines = console.close()
        check_in("files that are gone", "floe:", failed)
        check("and it goes on", lines[-2:], ["goes_on", "7"])


def damaged_caches():
    with Lake(edges_only(w="Long"), e="SELECT 'a' || (i % 50) AS a, 'b' || (i % 70) AS b, i::BIGINT AS w FROM range(5000) r(i)") as lake:
        question = "MATCH (a)-[e]->(b) RETURN count(*), sum(e.w), max(b.id)"
        want = lake.cypher(question)
        whole = {path: path.read_bytes() for path in (lake.home / "cache").glob("*.cache")}
        check("caches are there", len(whole) >= 3)
        edges = next(path for path in whole if path.name.endswith("-e0.cache"))
        for i in range(5):                                       # the good ones are not mixed with the bad one
            edges.write_bytes(whole[edges][:4096 + i])
            lake.cypher(question)
            check(f"made anew {i}", [path.name for path in whole if path.read_bytes() != whole[path]], [])
        r = random.Random(5)
        for i in range(40):
            path = r.choice(sorted(whole, key=lambda path: path.name.split("-")[-1]))
            content = bytearray(path.read_bytes())
            if i % 2:
                content = content[: r.choice([0, 1, 100, 4096, 4097, len(content) // 2, len(content) - 1])]
            else:
                content[r.randrange(len(content))] ^= 1 << r.randrange(8)
            path.write_bytes(content)
            check(f"damage {i} to {path.name}", lake.cypher(question), want)


def small_budgets():
    """Columns come and go, arrays live in files: the same answers."""
    rows = "SELECT 'a' || (hash(i) % 5000) AS a, 'b' || (hash(i + 1) % 7000) AS b, " + ", ".join(f"(hash(i + {k}) % 1000)::BIGINT AS w{k}" for k in range(6)) + " FROM range(300000) r(i)"
    with Lake(edges_only(**{f"w{k}": "Long" for k in range(6)}), e=rows) as lake:
        questions = [f"MATCH (a)-[e]->(b) RETURN sum(e.w{k}), max(e.w{(k + 1) % 6}), count(*)" for k in range(6)]
        questions += ["MATCH (a)-[e]->(b) RETURN a, sum(e.w3) AS s ORDER BY s DESC, a LIMIT 3", "CALL algo.wcc({}) YIELD componentId RETURN componentId, count(*)"]
        want = Console(lake)
        for q in questions:
            want.ask(q)
        want = want.close()
        check("answers", len(want) > len(questions))
        for mib in ("1", "8", "14"):
            shutil.rmtree(lake.home / "cache")
            small = Console(lake, FLOE_GRAPH_MEMORY=mib)
            for q in questions * 2:
                small.ask(q)
            check(f"within {mib} MiB", small.close(), want * 2)
            again = Console(lake, FLOE_GRAPH_MEMORY=mib)
            for q in questions:
                again.ask(q)
            check(f"within {mib} MiB, from caches", again.close(), want)


def several_columns_and_tables():
    """Composite keys, and many rows of one table for one vertex."""
    schema = {**CATALOG, "node": [{"label": "place", "id": fields(x="Long", y="String"), "attribute": fields(kind="String"), "dataSourceGroup": source("place", "x", "y", "kind")}],
              "edge": [{"label": "way", "fromNodeLabel": "place", "toNodeLabel": "place", "fromKey": fields(ax="Long", ay="String"), "toKey": fields(bx="Long", by="String"),
                        "attribute": fields(cost="Long"), "dataSourceGroup": source("way", "ax", "ay", "bx", "by", "cost")}]}
    place = "SELECT (i // 3)::BIGINT AS x, 'p' || (i % 3) AS y, 'kind ' || (i % 2) AS kind FROM range(12) r(i)"
    way = "SELECT (i % 4)::BIGINT AS ax, 'p' || (i % 3) AS ay, ((i + 1) % 4)::BIGINT AS bx, CASE WHEN i % 10 > 0 THEN 'p' || ((i + 1) % 3) END AS by, i::BIGINT AS cost FROM range(24) r(i)"
    with Lake(schema, place=place, way=way) as lake:
        check("vertices", lake.gremlin("g.V().count()"), ["12"])
        check("edges without a half null key", lake.gremlin("g.E().count()"), ["21"])
        ids = lake.gremlin("g.V().id()")
        check("twelve different ids", len(set(ids)), 12)
        check("each is found by its id", lake.gremlin(f"g.V({', '.join(json.dumps(x) for x in ids)}).count()"), ["12"])
        check("key columns are properties", sorted(lake.cypher("MATCH (a)-[e]->(b) WHERE e.cost = 5 RETURN a.x, a.y, b.x, b.y, b.kind")), [["1", "p2", "2", "p0", "kind 0"]])
    many = {"catalogs": CATALOG["catalogs"], "graph": {
        "vertices": [{"label": "host", "manyToOne": {"tableSource": {"catalog": "c", "schema": "t", "table": "seen"}, "id": {"fields": [{"type": "String", "field": "host", "alias": "host"}]},
                                                    "attributes": [{"type": "String", "field": "os", "alias": "system"}]}}],
        "edges": [{"label": "next", "fromVertex": "host", "toVertex": "host", "tableSource": {"catalog": "c", "schema": "t", "table": "seen"},
                   "fromId": {"fields": [{"type": "String", "field": "host", "alias": "a"}]}, "toId": {"fields": [{"type": "String", "field": "peer", "alias": "b"}]}}]}}
    with Lake(many, seen="SELECT 'h' || (i % 5) AS host, 'h' || ((i + 1) % 6) AS peer, 'os ' || (i % 5) AS os FROM range(30) r(i)") as lake:
        check("many rows, one vertex", lake.gremlin("g.V().count()"), ["5"])
        check("its attribute under its alias", sorted(lake.gremlin("g.V().values('system')")), [f"os {i}" for i in range(5)])
        check("an end without a row", lake.gremlin("g.V('host[h5]').in().dedup().count()"), ["5"])


def upserts():
    """An edge table with a primary key: each change of a row moves its edge."""
    table = "default_glue_catalog.t.live"
    jobs = (f"CREATE ICEBERG TABLE {table} (n bigint, a string, b string, w bigint) PRIMARY KEY n; CREATE SYNC JOB keep START_FROM = BEGINNING RUN_INTERVAL = 1 MINUTE AS INSERT INTO {table} "
            "MAP_COLUMNS_BY_NAME SELECT n, a, b, w FROM default_glue_catalog.t.raw WHERE TIME_FILTER();")

    def rows(first, shift):
        return [(n, f"a{n % 9}", f"b{(n + shift) % 13}", n + shift) for n in range(first, first + 60)]

    def text(some):
        return "SELECT * FROM (VALUES " + ", ".join(f"({n}::BIGINT, '{a}', '{b}', {w}::BIGINT)" for n, a, b, w in some) + ") x(n, a, b, w)"
    state = {x[0]: x for x in rows(0, 0)}
    with Lake(edges_only("live", w="Long"), raw=text(rows(0, 0)), jobs=jobs) as lake:
        console = Console(lake)
        question = "MATCH (a)-[e]->(b) RETURN count(*), sum(e.w), max(b.id)"
        console.ask(question)
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        want = [f"{len(state)} | {sum(x[3] for x in state.values())} | {max(x[2] for x in state.values())}"]
        for round in range(1, 5):
            some = rows(round * 25, round * 100)
            state.update({x[0]: x for x in some})
            time.sleep(1.05)  # a later time wins
            lake.write_rows("raw", text(some))
            done = lake.load()
            check("load: " + done.stderr[-300:], done.returncode, 0)
            console.ask(question)
            want.append(f"{len(state)} | {sum(x[3] for x in state.values())} | {max(x[2] for x in state.values())}")
        done = lake.floe("table", "maintain", "t.live", "--compact", "--least-files", "2")
        check("compacted: " + done.stderr[-300:], done.returncode, 0)
        console.ask(question + " AS compacted")
        want.append(want[-1])
        some = rows(130, 900)
        state.update({x[0]: x for x in some})
        time.sleep(1.05)
        lake.write_rows("raw", text(some))
        check("loaded behind a compaction", lake.load().returncode, 0)
        console.ask(question)
        want.append(f"{len(state)} | {sum(x[3] for x in state.values())} | {max(x[2] for x in state.values())}")
        done = lake.floe("table", "maintain", "t.live", "--compact", "--least-files", "2", "--expire", "--snapshot-age", "0")
        check("compacted and expired: " + done.stderr[-300:], done.returncode, 0)
        console.ask(question + " AS expired")
        want.append(want[-1])
        gone = lake.floe("cypher", "MATCH (a)-[e]->(b) RETURN count(*)", "--as-of", began)
        check_in("a moment whose snapshots were expired", "no snapshot that old", gone.stderr)
        check("each state as Python has it", console.close()[1::2], want)
        check("and from the start", lake.cypher(question), [want[-1].split(" | ")])
        degrees = {}
        for _, a, _, _ in state.values():
            degrees[f"v[{a}]"] = degrees.get(f"v[{a}]", 0) + 1
        check("by source", {x: int(n) for x, n in lake.cypher("MATCH (a)-[e]->() RETURN id(a), count(*)")}, degrees)
        lake.worksheet.write_text(f"DROP JOB keep; DROP TABLE {table};")
        check("dropped", lake.floe("run", lake.worksheet).returncode, 0)
        console = Console(lake)
        dropped = console.ask(question)
        console.close()
        check_in("a table that was dropped: " + dropped, "live", dropped)


for test in (hub, paths_without_end, sub_plans_of_many_rows, not_text, tables_that_go_away, damaged_caches, small_budgets, several_columns_and_tables, upserts):
    if not os.environ.get("EXTREMES_ONLY") or os.environ["EXTREMES_ONLY"] == test.__name__:
        started = time.monotonic()
        test()
        print(f"{test.__name__}: {time.monotonic() - started:.1f} s", flush=True)
finish()
