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
