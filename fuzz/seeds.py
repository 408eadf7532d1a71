#!/usr/bin/env python3
"""Seeds of the protocols, made on the spot: seeds.py FOLDER writes FOLDER/<target>/<name>."""
import json
import pathlib
import struct
import sys
import uuid

folder = pathlib.Path(sys.argv[1])
ID = "41d2e28a-20a4-4ab0-b379-d810dede3786"


def seed(target, name, data):
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# ---- GraphSON ----


def typed(kind, v):
    return {"@type": "g:" + kind, "@value": v}


def bytecode(*steps):
    return typed("Bytecode", {"step": list(steps)})


PREDICATE = typed("P", {"predicate": "gt", "value": typed("Int32", 27)})
TRAVERSALS = {
    "count": bytecode(["V"], ["count"]),
    "has": bytecode(["V"], ["has", "age", PREDICATE], ["values", "name"]),
    "repeat": bytecode(["V"], ["repeat", bytecode(["out"])], ["times", typed("Int32", 2)], ["path"]),
    "by": bytecode(["V"], ["order"], ["by", "name", typed("Order", "desc")], ["elementMap"]),
    "project": bytecode(["V"], ["project", "a", "b"], ["by", typed("T", "id")], ["by", bytecode(["outE"], ["count"])]),
    "and": bytecode(["V"], ["has", "age", typed("P", {"predicate": "and", "value": [PREDICATE, PREDICATE]})], ["group"], ["by", typed("T", "label")]),
}
for name, gremlin in TRAVERSALS.items():
    request = {"requestId": typed("UUID", ID), "op": "bytecode", "processor": "traversal", "args": typed("Map", ["gremlin", gremlin, "aliases", typed("Map", ["g", "g"])])}
    seed("graphson", name, json.dumps(request))
VALUES = [typed("List", [typed("Int64", 5), typed("Double", "NaN"), None, True]), typed("Set", ["a"]), typed("Map", ["k", typed("Date", 1481750076295)]), typed("UUID", ID),
          typed("Float", 1.5), {"@type": "gx:BigDecimal", "@value": "12.5"}, {"@type": "gx:Duration", "@value": "PT5M"}, {"@type": "gx:OffsetDateTime", "@value": "2024-04-18T03:00:00Z"},
          typed("Vertex", {"id": typed("Int64", 1), "label": "person"})]
for i, v in enumerate(VALUES):
    seed("graphson", f"value{i}", json.dumps({"requestId": ID, "op": "eval", "processor": "", "args": {"gremlin": "x", "bindings": {"x": v}}}))

# ---- GraphBinary ----


def text(s):
    return struct.pack(">i", len(s)) + s.encode()


def full(code, data):
    return bytes([code, 0]) + data


def b_int(i):
    return full(0x01, struct.pack(">i", i))


def b_text(s):
    return full(0x03, text(s))


def b_code(*steps):
    data = struct.pack(">i", len(steps))
    for step, *arguments in steps:
        data += text(step) + struct.pack(">i", len(arguments)) + b"".join(arguments)
    return full(0x15, data + struct.pack(">i", 0))


def b_request(op, processor, arguments):
    data = b"\x81" + uuid.UUID(ID).bytes + text(op) + text(processor) + struct.pack(">i", len(arguments))
    return data + b"".join(b_text(k) + x for k, x in arguments.items())


greater = full(0x1E, text("gt") + struct.pack(">i", 1) + b_int(27))
for name, code in {
    "count": b_code(("V",), ("count",)),
    "has": b_code(("V",), ("has", b_text("age"), greater), ("values", b_text("name"))),
    "repeat": b_code(("V",), ("repeat", b_code(("out",))), ("times", b_int(2)), ("path",)),
    "by": b_code(("V",), ("order",), ("by", b_text("name"), full(0x1A, b_text("desc"))), ("elementMap",)),
}.items():
    seed("graphbinary", name, b_request("bytecode", "traversal", {"gremlin": code, "aliases": full(0x0A, struct.pack(">i", 1) + b_text("g") + b_text("g"))}))
for i, v in enumerate([full(0x02, struct.pack(">q", 5)), full(0x07, struct.pack(">d", 0.5)), full(0x09, struct.pack(">i", 2) + b_int(1) + b_text("a")), full(0x0C, uuid.UUID(ID).bytes),
                       full(0x04, struct.pack(">q", 1481750076295)), full(0x22, struct.pack(">ii", 1, 1) + b"\x7d"), full(0x23, struct.pack(">i", 9) + b"\1" * 9), full(0x27, b"\1"),
                       full(0x81, struct.pack(">qi", 5, 1)), full(0x88, struct.pack(">ibbqi", 2024, 4, 18, 0, 3600)), full(0x11, b_int(1) + text("person") + b"\xfe\1"), b"\xfe\1"]):
    seed("graphbinary", f"value{i}", b_request("eval", "", {"gremlin": b_text("x"), "bindings": full(0x0A, struct.pack(">i", 1) + b_text("x") + v)}))

# ---- PackStream: a first byte says whether times are UTC ----

for i, data in enumerate([b"\x2a", b"\xc9\x01\x00", b"\xc1" + struct.pack(">d", 1.5), b"\x83abc", b"\x93\x01\xc0\xc3", b"\xa1\x81k\x92\x01\x02", b"\xcc\x02ab", b"\xb1\x44\xc9\x4d\xe2",
                          b"\xb2\x54\x01\xc9\x0e\x10", b"\xb1\x74\x01", b"\xb3\x49\xca\x66\x20\x90\x00\x01\xc9\x0e\x10", b"\xb3\x69\xca\x66\x20\x90\x00\x01\x8dEurope/Berlin",
                          b"\xb2\x64\xca\x66\x20\x90\x00\x01", b"\xb4\x45\x01\x02\x03\x04", b"\xb3\x58\xc9\x10\xe6" + (b"\xc1" + struct.pack(">d", 1.0)) * 2,
                          b"\xb4\x59\xc9\x13\x73" + (b"\xc1" + struct.pack(">d", 1.0)) * 3, b"\xb3\x10\x88RETURN 1\xa0\xa0"]):
    seed("packstream", f"{i}", b"\1" + data)
    seed("packstream", f"{i}local", b"\0" + data)

# ---- HTTP ----

for name, body in {
    "gremlin": {"language": "gremlin", "text": "g.V().out().path()", "timeoutMs": 1000, "limit": 5},
    "cypher": {"language": "cypher", "text": "MATCH (a)-[e]->(b) WHERE a.age > $x RETURN {a: a, e: [e]} AS m", "parameters": {"x": 27, "y": [1.5, None, {"k": True}]}},
    "unwind": {"language": "cypher", "text": "UNWIND $rows AS r RETURN r.name, r", "parameters": {"rows": [{"name": "é\u0000", "d": -0.0}]}},
    "bindings": {"text": "RETURN date('2024-04-18') AS d", "bindings": {"x": typed("Int32", 5), "l": typed("List", [1])}},
}.items():
    seed("query_body", name, json.dumps(body))

# ---- Cypher ----

for i, statement in enumerate("""
MATCH (a:person {name: 'marko'})-[e:knows|created*1..3 {weight: 0.5}]->(b)<--(c) WHERE a.age > 27 AND NOT b:software RETURN DISTINCT a, e, b.name AS n ORDER BY n DESC SKIP 1 LIMIT 5
OPTIONAL MATCH p = (a)-[:knows]-(b) WITH a, collect(b) AS l, count(DISTINCT b) AS c WHERE c >= 0 UNWIND l AS x RETURN p, x
MATCH (a) WHERE EXISTS { (a)-->(:software) } AND COUNT { (a)--() } > 1 RETURN COLLECT { MATCH (a)-->(b) RETURN b.name ORDER BY b.name } AS l
MATCH p = shortestPath((a:person)-[*..4]-(b:software)) RETURN nodes(p), relationships(p), length(p)
MATCH p = allShortestPaths((a)-[:created*]->(b)) RETURN p
MATCH (a)-[:knows]->{1,3}(b)-[]->+(c) RETURN count(*)
MATCH (a) ((x)-[:knows]->(y) WHERE x.age > y.age){0,2} (b) RETURN a, x, y, b
CALL { MATCH (a:person) RETURN a UNION ALL MATCH (b:software) RETURN b AS a } RETURN a
MATCH (a) CALL (a) { WITH a MATCH (a)-->(b) RETURN max(b.age) AS m } RETURN a.name, m
CALL algo.pagerank({maxIterations: 5}) YIELD id, score WHERE score > 0 RETURN id, score
CALL algo.louvain() YIELD node AS n, communityId RETURN n.name, communityId
CALL db.labels() YIELD label RETURN label UNION CALL db.relationshipTypes() YIELD relationshipType AS label RETURN label
SHOW FUNCTIONS YIELD name WHERE name STARTS WITH 'a' RETURN name
EXPLAIN MATCH (a)-->(b) RETURN b, count(*)
EXPLAIN SQL MATCH (a)-->(b) RETURN b.name, count(*)
PROFILE MATCH (a) RETURN a
RETURN [x IN range(1, 10) WHERE x % 2 = 0 | x ^ 2] AS l, reduce(t = 0, x IN [1, 2] | t + x) AS r, all(x IN [1] WHERE x > 0) AS q
RETURN CASE 1 WHEN 1 THEN 'a' ELSE 'b' END AS c, CASE WHEN true THEN null END AS d, {a: 1, b: [1.5, -2e3, 0x1F, 0o17]}['a'] AS m
MATCH (a:person) RETURN a {.name, .*, age: a.age + 1, b: [(a)-->(x) WHERE x.name <> '' | x.name]} AS m
RETURN date('2024-04-18') + duration('P1M2DT3H') AS d, datetime({year: 2024, month: 4, timezone: 'Europe/Berlin'}) AS t, localtime('12:31:14.645876123') AS l
RETURN duration.between(date('1984-10-11'), datetime('2015-06-24T12:00+01:00')) AS d, date.truncate('week', date()) AS w, time('10:00:00+01:00').offset AS o
RETURN point({x: 1, y: 2}) = point({x: 1.0, y: 2.0}) AS e, point.distance(point({latitude: 1, longitude: 2}), point({latitude: 3, longitude: 4})) AS d
RETURN 'a' + 'b' STARTS WITH 'a' XOR null IS NULL OR 'abc' =~ 'a.*' AND 3 IN [1, 2, 3] AS b, toUpper('é') AS u, split('a,b', ',')[0..1] AS s
RETURN "\\u00e9\\n'" AS t, `back``tick` IS NOT NULL AS b, $p.q[1].r AS x
CREATE (a:person {name: 'x'})-[:knows {since: date()}]->(b) SET a.age = 3, a += {b: 1}, b:software REMOVE a.age, b:software DELETE a
MERGE (a:person {name: 'x'}) ON CREATE SET a.new = true ON MATCH SET a.old = true
MATCH (a) FOREACH (x IN [1, 2] | CREATE (a)-[:made]->({n: x})) DETACH DELETE a
MATCH (a)-[e]->(b), (b)-[f]->(c) WHERE id(a) = 'person[0]' OR elementId(b) IN ['1', '2'] USING INDEX a:person(name) RETURN type(e), startNode(f), labels(c), keys(a), properties(b)
RETURN inCidr('10.0.0.1', '10.0.0.0/8') AS a, ipNetwork('10.1.2.3', 16) AS b, ipVersion('::1') AS c
UNWIND [[1, 'a', null], [2.5, true, {a: 1}]] AS r WITH r ORDER BY r[0] RETURN min(r), max(r[1]), avg(r[0]), stDev(r[0]), percentileCont(r[0], 0.5), sum(r[0])
""".strip().splitlines()):
    seed("cypher", str(i), statement.replace("\\\\", "\\"))
