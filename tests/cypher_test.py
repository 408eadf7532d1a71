#!/usr/bin/env python3
"""Cypher of the newer language, over tables by `floe cypher` and over a graph in memory by the server."""
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness import FLOE, HEADER, Home, check, check_in, finish

LINES = [f"2 1 eni 10.0.0.{a} 10.0.0.{b} 1000 {80 + b} 6 {a} {100 * b} 1713427200 1713427260 ACCEPT OK" for a in range(1, 5) for b in range(1, 5) if a < b]
FIRST = "WHERE id(a) = 'devices[10.0.0.1]' "

ON_TABLES = [
    ("MATCH (a) RETURN count(*) AS n", ["n", "4"]),
    ("MATCH (a)-[e]->(b) " + FIRST + "RETURN count(*) AS n, sum(e.bytes) AS s", ["n | s", "3 | 900"]),
    ("MATCH (a:devices|nothing) RETURN count(*) AS n", ["n", "4"]),
    ("MATCH (a) " + FIRST + "CALL { WITH a MATCH (a)-[e]->() RETURN max(e.bytes) AS most } RETURN most", ["most", "400"]),
    ("MATCH (a) WHERE NOT EXISTS { (a)-->() } RETURN count(*) AS n", ["n", "1"]),
    ("MATCH (a) " + FIRST + "RETURN COUNT { (a)-->() } AS n", ["n", "3"]),
    ("MATCH (a) " + FIRST + "RETURN COLLECT { MATCH (a)-[e]->(b) RETURN e.bytes ORDER BY e.bytes } AS l", ["l", "[200,300,400]"]),
    ("MATCH (a)-[:connections]->{2}(b) " + FIRST + "RETURN count(*) AS n", ["n", "3"]),
    ("MATCH (a) WHERE inCidr(a, '10.0.0.2/31') RETURN count(*) AS n", ["n", "2"]),
    ("RETURN ipNetwork('10.1.2.3', 16) AS n, ipVersion('::1') AS v", ["n | v", "10.1.0.0/16 | 6"]),
    ("CALL db.labels()", ["label", "devices"]),
    ("CALL db.relationshipTypes()", ["relationshipType", "connections"]),
    ("CALL apoc.meta.data() YIELD label, property, type WHERE property = 'packets' RETURN label, type", ["label | type", "connections | INTEGER"]),
]
MADE = ("CREATE (a:person {name: 'ada', age: 29}), (b:person {name: 'ben', age: 27}), (c:software {name: 'loom'}), "
        "(a)-[:knows]->(b), (a)-[:created]->(c), (b)-[:created]->(c)")
SAME = ", ".join(f"{i} AS c{i}" for i in range(19))  # more keys than one thinks of
IN_MEMORY = [
    ("MATCH (p:person|software) RETURN count(*)", [[3]]),
    ("MATCH (p:person&software) RETURN count(*)", [[0]]),
    ("MATCH (p:person) WHERE EXISTS { (p)-[:knows]->() } RETURN p.name", [["ada"]]),
    ("MATCH (p:person) RETURN p.name AS n, COUNT { (p)-->() } ORDER BY n", [["ada", 2], ["ben", 1]]),
    ("MATCH (p:person) CALL { WITH p RETURN p.age * 2 AS d } RETURN sum(d)", [[112]]),
    ("MATCH ({name: 'ada'})-[]->+(s:software) RETURN count(*)", [[2]]),
    ("MATCH (a:software) WITH id(a) AS i MATCH (b) WHERE id(b) = i RETURN b.name", [["loom"]]),
    ("MATCH (a:software) WITH elementId(a) AS i MATCH (b) WHERE elementId(b) = i RETURN b.name", [["loom"]]),
    ("RETURN point.distance(point({x: 0, y: 0}), point({x: 3, y: 4}))", [[5.0]]),
    ("RETURN $a + size($l)", [[7]]),
    ("UNWIND range(1, 5000) AS x OPTIONAL MATCH (n:software {name: 'none'}) RETURN DISTINCT n", [[None]]),
    (f"UNWIND range(1, 3000) AS x WITH DISTINCT {SAME}, x % 3 AS c19 RETURN count(*), sum(c19)", [[3, 3]]),
    (f"UNWIND range(1, 3000) AS x WITH {SAME}, x % 3 AS c19, count(*) AS n RETURN count(*), sum(c19), max(n)", [[3, 3, 1000]]),
    (f"UNWIND range(1, 3) AS x WITH x, {SAME} ORDER BY {', '.join(f'c{i}' for i in range(19))}, x DESC RETURN collect(x)", [[[3, 2, 1]]]),
    ("RETURN {a: 1, b: 2, a: 3} AS m", [[{"a": 3, "b": 2}]]),
    ("CALL floe.defineProcedure({signature: 'test.port(number :: INTEGER?, way :: STRING) :: (name :: STRING, weight :: FLOAT)', "
     "rows: [[22, 'in', 'ssh', 1], [22, 'out', 'ssh', 2.5], [null, 'in', 'any', 0.5]]})", [["test.port(number :: INTEGER?, way :: STRING) :: (name :: STRING, weight :: FLOAT)"]]),
    ("UNWIND [22, 80, null] AS n CALL test.port(n, 'in') YIELD name AS x, weight RETURN n, x, weight", [[22, "ssh", 1], [None, "any", 0.5]]),
    ("CALL test.port(22, 'out')", [["ssh", 2.5]]),
]
MEMORY_ERRORS = [
    ("CALL test.port('x', 'in')", "number takes a value of type INTEGER"),
    ("CALL test.port(1)", "takes 2 arguments, not 1"),
    ("MATCH (a) CALL test.port YIELD name RETURN name", "a call inside a query writes its arguments"),
    ("CALL test.port(22, 'in') YIELD * RETURN name", "YIELD * stands in a call that is the whole query"),
    ("CALL test.port", "number"),
    ("CALL floe.defineProcedure({signature: 'f(a : INTEGER) :: ()', rows: []})", "expected '::' at character 5"),
    ("CALL floe.defineProcedure({signature: 'f(a :: WORD) :: ()', rows: []})", "expected a type (ANY, BOOLEAN"),
    ("CALL floe.defineProcedure({signature: 'f(a :: INTEGER) :: ()', rows: [['x']]})", "row 1: the cell of a is no INTEGER"),
    ("CALL floe.defineProcedure({signature: 'f() :: (a :: ANY)', rows: [[1, 2]]})", "row 1 is no list of 1 cells"),
]
ERRORS = [
    ("CREATE (:devices)", "read-only"),
    ("MATCH (a) SET a.x = 1", "read-only"),
    ("MATCH (a) DETACH DELETE a", "read-only"),
    ("MATCH (a) RETURN b", "cypher:1:18: variable `b` is not defined\n  MATCH (a) RETURN b\n" + " " * 19 + "^"),
    ("CALL floe.defineProcedure({signature: 'f() :: (a :: ANY)', rows: [[1]]})", "read-only"),
    ("RETURN 1 +", "cypher:1:11: "),
]


def test_tables(h):
    for text, wanted in ON_TABLES:
        done = h.floe("cypher", text)
        check(text, done.stdout.splitlines() or [done.stderr], wanted)
    for text, part in ERRORS:
        done = h.floe("cypher", text)
        check(f"{text} fails", done.returncode != 0)
        check_in(text, part, done.stderr)
    query = "MATCH (a)-[e]->(b) RETURN count(*) AS n"
    plan = h.floe("cypher", "EXPLAIN " + query).stdout
    check_in("EXPLAIN shows the plan", "Aggregate count()", plan)
    check("EXPLAIN does not run it", "ms" in plan, False)
    profile = h.floe("cypher", "PROFILE " + query).stdout
    check_in("PROFILE adds times", "ms", profile)
    listed = h.floe("cypher", "SHOW PROCEDURES").stdout
    check_in("SHOW PROCEDURES", "algo.pagerank", listed)
    check_in("SHOW FUNCTIONS", "ipVersion", h.floe("cypher", "SHOW FUNCTIONS").stdout)
    check_in("dbms.components", "5.", h.floe("cypher", "CALL dbms.components()").stdout)


def test_as_of(h):
    """The graph as it was: by a time, a parameter's too, and by a table's snapshot."""
    before = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 1))
    time.sleep(2)
    h.write("b.log.gz", "\n".join([HEADER, LINES[0].replace("10.0.0.2", "10.0.9.9")]) + "\n")
    check("load more", h.load().returncode, 0)
    count = "MATCH ()-[e]->() RETURN count(e) AS n"
    check("now", h.floe("cypher", count).stdout.split(), ["n", "7"])
    for moment in (f"'{before}'", f"datetime('{before.replace(' ', 'T')}Z')", f"localdatetime('{before.replace(' ', 'T')}') + duration('PT0S')"):
        check(f"AS OF {moment}", h.floe("cypher", f"AS OF {moment} {count}").stdout.split(), ["n", "6"])
    check_in("EXPLAIN of it", "Aggregate", h.floe("cypher", f"EXPLAIN AS OF '{before}' {count}").stdout)
    for text, part in [("AS OF '1999-01-01' " + count, "no snapshot that old"), ("AS OF 'noon' " + count, "cypher:1:7: AS OF takes a time"), ("AS OF 5 " + count, "no table of the graph has a snapshot 5"),
                       ("AS OF x " + count, "must not depend on a variable")]:
        check_in(text, part, h.floe("cypher", text).stderr)
    return before


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(port, text):
    """Rows of a query on the graph in memory, or the error's text."""
    body = json.dumps({"language": "cypher", "graph": "ggraph", "text": text, "parameters": {"a": 5, "l": [1, 2]}}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/api/query", body), timeout=20) as r:
            lines = [json.loads(x) for x in r.read().splitlines()]
    except urllib.error.HTTPError as e:
        return e.read().decode()
    failed = [x["error"] for x in lines if "error" in x]
    return failed or [row for x in lines for row in x.get("rows", [])]


def test_memory(h):
    ports = [free_port() for _ in range(3)]
    more = [x for pair in zip(("--port", "--gremlin-port", "--bolt-port"), map(str, ports)) for x in pair]
    server = subprocess.Popen([FLOE, "serve", "--home", h.home, "--no-sign-in", *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                check("make the graph", ask(ports[0], MADE), [])
                break
            except OSError:
                time.sleep(0.1)
        for text, wanted in IN_MEMORY:
            check(text, ask(ports[0], text), wanted)
        for text, part in MEMORY_ERRORS:
            check_in(text, part, str(ask(ports[0], text)))
        check("a procedure is taken away", ask(ports[0], "CALL floe.defineProcedure({signature: 'test.port'})"), [["test.port"]])
        check_in("and gone", "no procedure test.port", str(ask(ports[0], "CALL test.port(22, 'in')")))
        check_in("EXPLAIN SQL of a graph in memory is refused", "no tables", str(ask(ports[0], "EXPLAIN SQL MATCH (a) RETURN a.name")))
    finally:
        server.terminate()
        server.wait(20)


def main():
    with Home() as h:
        h.write("a.log.gz", "\n".join([HEADER, *LINES]) + "\n")
        check("load", h.load().returncode, 0)
        check("schema", h.apply_schema().returncode, 0)
        test_tables(h)
        test_as_of(h)
        test_memory(h)
    finish()


main()
