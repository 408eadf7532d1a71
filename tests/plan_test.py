#!/usr/bin/env python3
"""Random questions answered twice: by the graph engine after all its rewrites, and by DuckDB from the plan's SQL, which is taken before any.

PLAN_TEST_COUNT (120) questions of each language, PLAN_TEST_SEED (1). A failure prints the question; the same seed asks it again."""
import collections
import csv
import io
import json
import os
import random

from harness import FLOE, Home, check, check_in, finish

COUNT = int(os.environ.get("PLAN_TEST_COUNT", 120))
SEED = int(os.environ.get("PLAN_TEST_SEED", 1))
TABLES = {
    # hosts: few have a row, so that edges lead to vertices that no table lists; some keys come twice
    "host": "SELECT 'h' || (i % 20)::INT AS id, 'z' || (i % 3) AS zone, CASE WHEN i % 4 > 0 THEN i % 7 END::BIGINT AS weight, (i % 5) / 4.0 AS load, i % 2 = 0 AS is_open "
            "FROM range(23) r(i)",
    "user": "SELECT 'u' || i AS id, CASE WHEN i % 3 > 0 THEN 'name ' || i % 4 END AS name, (i % 6)::BIGINT AS weight FROM range(9) r(i)",
    "flow": "SELECT i::BIGINT AS n, CASE WHEN i % 41 > 0 THEN 'h' || (hash(i) % 26)::INT END AS a, CASE WHEN i % 37 > 0 THEN 'h' || (hash(i + 7000) % 23)::INT END AS b, (hash(i + 90) % 5)::INT AS port, "
            "CASE WHEN i % 6 > 0 THEN (hash(i + 500) % 50)::BIGINT END AS bytes, CASE WHEN hash(i + 3) % 3 = 0 THEN 'REJECT' ELSE 'ACCEPT' END AS action, "
            "TIMESTAMP '2026-01-01' + INTERVAL (i % 97) MINUTE AS due FROM range(170) r(i)",
    "login": "SELECT 'u' || (hash(i + 11) % 9)::INT AS who, 'h' || (hash(i + 12) % 20)::INT AS host, (hash(i + 13) % 4)::BIGINT AS weight FROM range(40) r(i)",
}


def schema():
    def source(table, columns):
        return {"externalDataSource": {"enabled": True, "catalog": "c", "schema": "t", "table": table, "mappedField": [{"sourceFieldName": x, "targetFieldName": x} for x in columns]}}

    def attributes(**types):
        return [{"name": k, "type": v} for k, v in types.items()]

    return {"catalogs": [{"name": "c", "type": "iceberg", "metastore": {"type": "embedded"}}],
            "node": [{"label": "Host", "id": attributes(id="String"), "attribute": attributes(zone="String", weight="Long", load="Double", is_open="Boolean"),
                      "dataSourceGroup": source("host", ["id", "zone", "weight", "load", "is_open"])},
                     {"label": "User", "id": attributes(id="String"), "attribute": attributes(name="String", weight="Long"), "dataSourceGroup": source("user", ["id", "name", "weight"])}],
            "edge": [{"label": "FLOW", "fromNodeLabel": "Host", "toNodeLabel": "Host", "id": attributes(n="Long"), "fromKey": attributes(a="String"), "toKey": attributes(b="String"),
                      "attribute": attributes(port="Int", bytes="Long", action="String", due="DateTime"), "dataSourceGroup": source("flow", ["n", "a", "b", "port", "bytes", "action", "due"])},
                     {"label": "LOGIN", "fromNodeLabel": "User", "toNodeLabel": "Host", "fromKey": attributes(who="String"), "toKey": attributes(host="String"),
                      "attribute": attributes(weight="Long"), "dataSourceGroup": source("login", ["who", "host", "weight"])}]}


class Graph(Home):
    def __init__(self):
        super().__init__()
        statements = [f"CREATE FILE CONNECTION s ROOT = '{self.samples}';"]
        for name, query in TABLES.items():
            (self.samples / name).mkdir()
            self.sql(f"COPY ({query}) TO '{self.samples}/{name}/1.parquet' (ROW_GROUP_SIZE 50)")
            table = f"default_glue_catalog.t.{name}"
            statements.append(f"CREATE ICEBERG TABLE {table}(); CREATE SYNC JOB load_{name} START_FROM = BEGINNING CONTENT_TYPE = AUTO AS COPY FROM FILE s LOCATION = '{name}' INTO {table};")
        self.worksheet.write_text("\n".join(statements))
        done = self.load()
        check("load: " + done.stderr[-400:], done.returncode, 0)
        (self.path / "schema.json").write_text(json.dumps(schema()))
        done = self.floe("schema", "apply", self.path / "schema.json")
        check("apply: " + done.stderr, done.returncode, 0)


# ---- Random questions ----

class Cypher:
    """MATCH with a few hops, WHERE, WITH, RETURN; only what is typed and has one right answer."""

    def __init__(self, r):
        self.r = r
        self.nodes, self.edges, self.count = [], [], 0

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def node(self, label=None):
        r = self.r
        if self.nodes and r.random() < 0.15:
            return f"({r.choice(self.nodes)})"
        name = self.name("v")
        self.nodes.append(name)
        label = label or r.choice(["", "", ":Host", ":Host", ":User"])
        return f"({name}{label})"

    def hop(self):
        r = self.r
        name, kind = "", r.choice(["", ":FLOW", ":FLOW", ":LOGIN", ":FLOW|LOGIN"])
        if r.random() < 0.6:
            name = self.name("e")
            self.edges.append(name)
        left, right = r.choice([("-", "->"), ("-", "->"), ("<-", "-"), ("-", "-")])
        return f"{left}[{name}{kind}]{right}"

    def match(self):
        chain = self.node()
        for _ in range(self.r.choice([0, 1, 1, 1, 2, 2])):
            chain += self.hop() + self.node()
        return chain

    def number(self):
        r = self.r
        options = ["1", "3", "10"]
        options += [f"{x}.weight" for x in self.nodes] + [f"{x}.bytes" for x in self.edges] + [f"{x}.port" for x in self.edges]
        one = r.choice(options)
        return one if r.random() < 0.7 else f"({one} {r.choice('+-*')} {r.choice(options)})"

    def text(self):
        options = ["'z1'", "'ACCEPT'"] + [f"{x}.zone" for x in self.nodes] + [f"{x}.name" for x in self.nodes] + [f"{x}.action" for x in self.edges] + [f"id({x})" for x in self.nodes]
        return self.r.choice(options)

    def condition(self, depth=0):
        r = self.r
        if depth < 2 and r.random() < 0.35:
            return r.choice(["({} AND {})", "({} OR {})", "(NOT {})"]).format(self.condition(depth + 1), self.condition(depth + 1))
        kind = r.randrange(8)
        if kind < 3:
            return f"{self.number()} {r.choice(['=', '<>', '<', '<=', '>', '>='])} {self.number()}"
        if kind == 3:
            return f"{self.text()} {r.choice(['=', '<>', '<', 'STARTS WITH', 'ENDS WITH', 'CONTAINS'])} {r.choice(['z1', 'ACCEPT', 'name 2', 'Host[h3]', 'e', ''])!r}"
        if kind == 4:
            return f"{self.number()} IS {r.choice(['', 'NOT '])}NULL"
        if kind == 5:
            return f"{self.number()} IN [1, 2, 5, 17]"
        if kind == 6 and self.nodes:
            return f"id({r.choice(self.nodes)}) {r.choice(['=', '=', 'IN'])} ".replace("IN ", "IN ['Host[h1]', 'User[u2]', 'Host[h24]']").replace("= ", f"= 'Host[h{r.randrange(26)}]'")
        if self.edges:
            return f"{r.choice(self.edges)}.due {r.choice(['<', '>='])} '2026-01-01 00:{r.randrange(60):02}:00'"
        return "true"

    def value(self):
        r = self.r
        kind = r.randrange(7)
        if kind == 0 and self.nodes:
            return r.choice(self.nodes)
        if kind == 1 and self.nodes:
            return f"labels({r.choice(self.nodes)})[0]" if False else f"id({r.choice(self.nodes)})"
        if kind == 2 and self.edges:
            return f"type({r.choice(self.edges)})"
        if kind == 3:
            return self.text()
        if kind == 4:
            return f"CASE WHEN {self.condition(1)} THEN {self.number()} ELSE {self.number()} END"
        if kind == 5:
            return f"coalesce({self.number()}, {self.number()})"
        return self.number()

    def aggregate(self):
        r = self.r
        return r.choice(["count(*)", "count({})", "sum({})", "sum({})", "min({})", "max({})", "avg({})"]).format(self.number())

    def query(self):
        r = self.r
        text = f"MATCH {self.match()}"
        if r.random() < 0.2:
            text += f", {self.match()}"
        if r.random() < 0.6:
            text += f" WHERE {self.condition()}"
        if r.random() < 0.2:
            text += f" OPTIONAL MATCH ({r.choice(self.nodes)}){self.hop()}{self.node()}"
            if r.random() < 0.5:
                text += f" WHERE {self.condition(1)}"
        if r.random() < 0.25:  # WITH an aggregate of a vertex, and go on from it
            kept = r.choice(self.nodes)
            text += f" WITH {kept}, {self.aggregate()} AS total"
            if r.random() < 0.5:
                text += " WHERE total > 2"
            self.nodes, self.edges = [kept], []
            if r.random() < 0.4:
                text += f" MATCH ({kept}){self.hop()}{self.node()}"
        items = [self.value() for _ in range(r.choice([1, 1, 2]))]
        if r.random() < 0.5:
            items += [self.aggregate() for _ in range(r.choice([1, 1, 2]))]
        names = [f"c{i}" for i in range(len(items))]
        text += " RETURN " + ("DISTINCT " if r.random() < 0.2 else "") + ", ".join(f"{x} AS {n}" for x, n in zip(items, names))
        if r.random() < 0.3:
            text += " ORDER BY " + ", ".join(n + r.choice(["", " DESC"]) for n in names) + f" LIMIT {r.choice([1, 3, 10])}"
        elif r.random() < 0.2:
            text += f" ORDER BY {', '.join(names)} SKIP 2 LIMIT 5"
        return text


def gremlin_query(r):
    text, kind = r.choice(["g.V()", "g.V().hasLabel('Host')", "g.V('Host[h1]')", f"g.V('Host:::h{r.randrange(26)}')", "g.V().has('weight', gt(2))"]), "v"
    for _ in range(r.randrange(1, 5)):
        if kind == "v":
            step, kind = r.choice([(".out()", "v"), (".in()", "v"), (".both()", "v"), (".out('FLOW')", "v"), (".outE()", "e"), (".inE('FLOW')", "e"), (".bothE()", "e"), (".dedup()", "v"),
                                   (".has('weight', lt(4))", "v"), (".where(__.out('FLOW'))", "v"), (".not(__.in('LOGIN'))", "v"), (".filter(__.outE().has('bytes', gt(20)))", "v"),
                                   (".union(__.out('FLOW'), __.in('LOGIN'))", "v"), (".where(__.out().count().is(gt(3)))", "v"), (".hasLabel('Host')", "v")])
        else:
            step, kind = r.choice([(".inV()", "v"), (".outV()", "v"), (".bothV()", "v"), (".has('action', 'REJECT')", "e"), (".has('port', within(1, 2, 3))", "e"), (".has('bytes', between(5, 30))", "e")])
        text += step
    if kind == "e":
        return text + r.choice([".count()", ".values('bytes').sum()", ".values('port').dedup()", ".label()", ".values('bytes').max()", ".inV().id()"])
    return text + r.choice([".count()", ".id()", ".label()", ".dedup().count()", ".values('weight')", ".values('weight').sum()", ".values('weight').dedup()", ".out().count()", ".in().dedup().id()"])


# ---- Both ways ----

def cell(text):
    if text.startswith("v[") and text.endswith("]"):
        text = text[2:-1]
    try:
        return f"{float(text):.9g}"
    except ValueError:
        return "" if text == "null" else text.lower() if text in ("True", "False") else text


def native(home, language, text):
    done = home.floe(language, text)
    if done.returncode != 0:
        return None, done.stderr.strip()
    lines = done.stdout.splitlines()
    lines = [x[3:] for x in lines] if language == "gremlin" else lines[1:]
    return collections.Counter(tuple(cell(x) for x in line.split(" | ")) for line in lines), ""


def relational(home, language, text):
    explained = home.floe(language, f"EXPLAIN SQL {text}" if language == "cypher" else text + ".explain('sql')")
    if explained.returncode != 0:
        return None, explained.stderr.strip()
    done = home.floe("sql", explained.stdout, "--format", "csv")
    if done.returncode != 0:
        return None, done.stderr.strip()
    rows = list(csv.reader(io.StringIO(done.stdout)))[1:]
    return collections.Counter(tuple(cell(x) for x in row or [""]) for row in rows), ""  # one empty cell is an empty line


def compare(home, language, text, tally):
    want, why_not = relational(home, language, text)
    got, wrong = native(home, language, text)
    if want is None and "has no counterpart" in why_not:
        tally["without a counterpart"] += 1
        return
    if want is None and got is None:
        tally["refused by both"] += 1
        return
    tally["compared"] += 1
    if language == "gremlin" and want is not None:
        want = collections.Counter({k: n for k, n in want.items() if k != ("",)})  # sum() and max() of nothing give nothing
        got = got and collections.Counter({k: n for k, n in got.items() if k != ("null",)})
    if want is None or got is None or want != got:
        check(f"{language}: {text}\n    engine {wrong or sorted((got - want).items())[:6]}\n    SQL {why_not[-300:] or sorted((want - (got or collections.Counter())).items())[:6]}\n", False)


def fuzz(home, language, make):
    tally = collections.Counter()
    for i in range(COUNT):
        compare(home, language, make(random.Random(SEED * 1_000_003 + i)), tally)
    check(f"{language}: enough of the {COUNT} questions could be compared: {dict(tally)}", tally["compared"] > 0.6 * COUNT)


def explains(home):
    done = home.floe("cypher", "EXPLAIN SQL MATCH (a)-[*1..3]->(b) RETURN b")
    check("what SQL cannot say is refused", done.returncode, 1)
    check_in("with the reason", "no counterpart in SQL", done.stderr)
    done = home.floe("gremlin", "g.V().explain('dot')")
    check_in("explain() of something unknown", 'takes nothing, or "sql"', done.stderr)


def main():
    home = Graph()
    explains(home)
    fuzz(home, "cypher", lambda r: Cypher(r).query())
    fuzz(home, "gremlin", gremlin_query)
    finish()


if __name__ == "__main__":
    main()
