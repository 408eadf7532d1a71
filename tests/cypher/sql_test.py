"""The TCK's reading scenarios on tables: their graphs become Iceberg tables, and each query is answered by the graph engine and by DuckDB
from its translation. sql_test.py FOLDER [NAME]. What SQL has no counterpart for, and rows with relationships (which SQL only numbers), are
counted apart. Nodes keep their label where a type of relationship leads from one label to one; else all have the same."""
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import gherkin  # noqa: E402
import values  # noqa: E402
from harness import Home, check, finish  # noqa: E402
from served import Served, difference, rows  # noqa: E402
from serving import Server  # noqa: E402
from tck_test import WRITING  # noqa: E402

KINDS = {int: ("Long", "BIGINT"), float: ("Double", "DOUBLE"), bool: ("Boolean", "BOOLEAN"), str: ("String", "VARCHAR")}


def column(items, key):
    """The type of a property and its values; None where no column holds it."""
    found = {type(p[key]) for p in items if p.get(key) is not None}
    if len(found) != 1 or not (kind := KINDS.get(found.pop())):
        return None
    return kind


def literal(v, kind):
    if v is None:
        return f"NULL::{kind}"
    return ("'" + v.replace("'", "''") + "'" if isinstance(v, str) else str(v)) + f"::{kind}"


class Lake(Home):
    """A home whose tables hold a graph that the scratch graph gave: nodes (id, label, properties), edges (id, type, from, to, properties)."""

    def __init__(self, nodes, edges):
        super().__init__()
        pairs = collections.defaultdict(set)
        labels = {i: label for i, label, _ in nodes}
        for _, kind, a, b, _ in edges:
            pairs[kind].add((labels[a], labels[b]))
        if any(len(p) > 1 for p in pairs.values()):
            one = collections.Counter(labels.values()).most_common(1)[0][0]
            labels = dict.fromkeys(labels, one)
            pairs = {kind: {(one, one)} for kind in pairs}
        schema = {"catalogs": [{"name": "c", "type": "iceberg", "metastore": {"type": "embedded"}}], "node": [], "edge": []}
        self.statements = [f"CREATE FILE CONNECTION s ROOT = '{self.samples}';"]
        for n, label in enumerate(sorted(set(labels.values()) or {"Plain"})):
            own = [(i, p) for i, _, p in nodes if labels[i] == label]
            types = self.table(f"v{n}", ["key"], [[i] for i, _ in own], [p for _, p in own])
            schema["node"].append({"label": label, "id": [{"name": "key", "type": "String"}], "attribute": types, "dataSourceGroup": self.source(f"v{n}", ["key"], types)})
        for n, (kind, pair) in enumerate(sorted(pairs.items())):
            own = [e for e in edges if e[1] == kind]
            types = self.table(f"e{n}", ["rel", "src", "dst"], [[e[0], e[2], e[3]] for e in own], [e[4] for e in own])
            (a, b), keys = next(iter(pair)), ["rel", "src", "dst"]
            schema["edge"].append({"label": kind, "fromNodeLabel": a, "toNodeLabel": b, "id": [{"name": "rel", "type": "String"}], "fromKey": [{"name": "src", "type": "String"}],
                                   "toKey": [{"name": "dst", "type": "String"}], "attribute": types, "dataSourceGroup": self.source(f"e{n}", keys, types)})
        self.worksheet.write_text("\n".join(self.statements))
        done = self.load()
        if done.returncode:
            raise RuntimeError(done.stderr)
        (self.path / "schema.json").write_text(json.dumps(schema))
        done = self.floe("schema", "apply", self.path / "schema.json")
        if done.returncode:
            raise RuntimeError(done.stderr)

    def source(self, table, keys, types):
        fields = [{"sourceFieldName": x, "targetFieldName": x} for x in [*keys, *(t["name"] for t in types)]]
        return {"externalDataSource": {"enabled": True, "catalog": "c", "schema": "t", "table": table, "mappedField": fields}}

    def table(self, name, keys, cells, properties):
        names = sorted({k for p in properties for k in p if k.lower() not in {*keys, *(x.lower() for x in {k2 for p2 in properties for k2 in p2} if x != k)}})
        kinds = {k: column(properties, k) for k in names}
        kinds = {k: v for k, v in kinds.items() if v}
        lines = [", ".join([literal(str(c), "VARCHAR") for c in own] + [literal(p.get(k), kind[1]) for k, kind in kinds.items()]) for own, p in zip(cells, properties)]
        quoted = ", ".join('"' + k.replace('"', '""') + '"' for k in [*keys, *kinds])
        empty = ", ".join(f"NULL::{t}" for t in ["VARCHAR"] * len(keys) + [k[1] for k in kinds.values()])
        (self.samples / name).mkdir()
        rows_of = "VALUES " + ", ".join(f"({x})" for x in lines) if lines else f"SELECT {empty} WHERE false"
        self.sql(f"COPY (SELECT * FROM ({rows_of}) t({quoted})) TO '{self.samples}/{name}/1.parquet'")
        table = f"default_glue_catalog.t.{name}"
        self.statements.append(f"CREATE ICEBERG TABLE {table}(); CREATE SYNC JOB load_{name} START_FROM = BEGINNING CONTENT_TYPE = AUTO AS COPY FROM FILE s LOCATION = '{name}' INTO {table};")
        return [{"name": k, "type": kind[0]} for k, kind in kinds.items()]


def ask_scratch(scratch, text, parameters=None):
    body = {"parameters": parameters or {}}
    found, why = scratch.ask("cypher", text, **body)
    if found is None:
        raise RuntimeError(why)
    return found


class Scratch(Served):
    """The server's graph in memory, where the scenarios' set-ups run."""

    def ask(self, language, text, parameters=None):
        import urllib.error
        import urllib.request

        body = json.dumps({"language": language, "graph": "ggraph", "text": text, "parameters": parameters or {}}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body), timeout=60) as answer:
                lines = [json.loads(x) for x in answer.read().splitlines()]
        except urllib.error.HTTPError as e:
            return None, e.read().decode()
        bad = [x["error"] for x in lines if "error" in x]
        return (None, str(bad)) if bad else ([row for x in lines for row in x.get("rows", [])], "")

    def graph(self):
        nodes = ask_scratch(self, "MATCH (n) RETURN id(n), head(labels(n)), properties(n)")
        edges = ask_scratch(self, "MATCH (a)-[r]->(b) RETURN id(r), type(r), id(a), id(b), properties(r)")
        return [(i, label or "Plain", p) for i, label, p in nodes], [tuple(e) for e in edges]


def has_edge(v):
    if isinstance(v, dict):
        return ("from" in v and "id" in v) or any(map(has_edge, v.values()))
    return isinstance(v, list) and any(map(has_edge, v))


def prepare(scratch, steps, graphs):
    """Runs the set-up; the query and its parameters, or None: the scenario does not read, or is about an error."""
    ask_scratch(scratch, "MATCH (n) DETACH DELETE n")
    query, parameters = None, {}
    for step in steps:
        if step.text.endswith(" graph") and step.text.startswith("the "):
            ask_scratch(scratch, next(graphs.rglob(f"{step.text.split()[1]}.cypher")).read_text())
        elif step.text == "having executed:":
            ask_scratch(scratch, step.doc)
        elif step.text == "parameters are:":
            parameters = {k: values.parse(v) for k, v in step.table}
        elif step.text == "executing query:":
            query = step.doc
        elif "should be raised" in step.text or step.text.startswith("there exists a procedure"):
            return None, None
    return (None, None) if not query or WRITING.search(query) else (query, parameters)


def compare(served, name, query, parameters, tally):
    explained, why = served.ask("cypher", f"EXPLAIN SQL {query}", parameters)
    if explained is None:
        tally["without a counterpart" if "counterpart" in why else "refused"] += 1
        return
    found, wrong = served.ask("cypher", query, parameters)
    want, why = served.ask("sql", explained[0][0])
    if found is not None and has_edge(found):
        tally["with relationships"] += 1
        return
    tally["compared"] += 1
    if found is None or rows(found) != rows(want):
        check(f"{name}\n    {query}\n    {wrong or why or difference(rows(found), rows(want))}\n", False)


def main():
    work, only = pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    tally, by_graph = collections.Counter(), collections.defaultdict(list)
    base = Lake([], [])
    server = Server(base, "--no-sign-in")
    try:
        scratch = Scratch(server)
        for path in sorted((work / "features").rglob("*.feature")):
            for name, steps in gherkin.read(path):
                if only in name:
                    query, parameters = prepare(scratch, steps, work / "graphs")
                    if query:
                        by_graph[json.dumps(scratch.graph())].append((name, query, parameters))
    finally:
        server.process.terminate()
        server.process.wait(20)
        base.close()
    for text, asked in by_graph.items():
        try:
            lake = Lake(*json.loads(text))
        except RuntimeError as e:
            tally["graphs that are no tables"] += 1
            tally[str(e)[:80]] += 1
            continue
        server = Server(lake, "--no-sign-in")
        for name, query, parameters in asked:
            compare(Served(server), name, query, parameters, tally)
        server.process.terminate()
        server.process.wait(20)
        lake.close()
    check(f"{len(by_graph)} graphs: {dict(tally)}", tally["compared"] > (0 if only else 300))
    print(f"{len(by_graph)} graphs: {dict(tally)}")
    finish()


main()
