"""openCypher's TCK: every scenario over Bolt, on a graph in memory."""
import collections
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import neo4j

import gherkin
import values

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLOE = ROOT / "build/floe"
GRAPH = "ggraph"
WRITING = re.compile(r"\b(CREATE|MERGE|SET|REMOVE|DELETE|FOREACH)\b", re.I)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="floe-tck-")
        self.ports = [free_port() for _ in range(3)]
        names = ("--port", "--gremlin-port", "--bolt-port")
        ports = [x for pair in zip(names, map(str, self.ports)) for x in pair]
        self.log = open(os.path.join(self.home, "log"), "w")
        self.process = subprocess.Popen([FLOE, "serve", "--home", self.home, "--no-sign-in", *ports], stdout=self.log, stderr=self.log)
        self.driver = neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{self.ports[2]}", auth=("admin", "x"), connection_timeout=5)
        for _ in range(100):
            try:
                self.driver.verify_connectivity()
                return
            except Exception:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise SystemExit("the server did not start: " + open(self.log.name).read())

    def run(self, text, parameters=None):
        with self.driver.session(database=GRAPH) as session:
            result = session.run(text, parameters or {})
            keys = result.keys()
            return keys, [list(r.values()) for r in result]

    def close(self):
        self.driver.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.home, ignore_errors=True)


def snapshot(server):
    """Nodes, relationships, labels and properties as sets."""
    nodes = server.run("MATCH (n) RETURN id(n), labels(n), properties(n)")[1]
    edges = server.run("MATCH ()-[r]->() RETURN id(r), properties(r)")[1]
    properties = {("n", i, k, repr(v)) for i, _, p in nodes for k, v in p.items()}
    properties |= {("r", i, k, repr(v)) for i, p in edges for k, v in p.items()}
    return {"nodes": {n[0] for n in nodes}, "relationships": {e[0] for e in edges},
            "labels": {x for n in nodes for x in n[1]}, "properties": properties}


def effects(before, after):
    found = {}
    for what in before:
        more, less = len(after[what] - before[what]), len(before[what] - after[what])
        found.update({f"+{what}": more} if more else {})
        found.update({f"-{what}": less} if less else {})
    return found


class Run:
    def __init__(self, server, graphs):
        self.server, self.graphs, self.parameters = server, graphs, {}
        self.result, self.error, self.before, self.query = None, None, None, ""
        self.procedures = []

    def ask(self, text):
        self.result = self.error = None
        try:
            self.result = self.server.run(text, self.parameters)
        except neo4j.exceptions.Neo4jError as e:
            self.error = e

    def step(self, step):
        text = step.text
        if text in ("an empty graph", "any graph"):
            self.server.run("MATCH (n) DETACH DELETE n")
        elif m := re.fullmatch(r"the (\S+) graph", text):
            self.server.run("MATCH (n) DETACH DELETE n")
            self.server.run((self.graphs / m.group(1) / f"{m.group(1)}.cypher").read_text() if (self.graphs / m.group(1)).is_dir() else next(self.graphs.rglob(f"{m.group(1)}.cypher")).read_text())
        elif text == "having executed:":
            self.server.run(step.doc)
        elif text == "parameters are:":
            self.parameters = {k: values.parse(v) for k, v in step.table}
        elif text.startswith("there exists a procedure"):
            signature = text.removeprefix("there exists a procedure ").rstrip(" :")
            rows = [[values.parse(c) for c in row] for row in step.table[1:]]
            self.server.run("CALL floe.defineProcedure({signature: $signature, rows: $rows})", {"signature": signature, "rows": rows})
            self.procedures.append(signature.split("(")[0])
        elif text == "executing query:":
            self.query = step.doc
            self.before = snapshot(self.server)
            self.ask(step.doc)
        elif text == "executing control query:":
            self.parameters = {}
            self.ask(step.doc)
        elif text.startswith("the result should be"):
            self.check_result(step)
        elif text == "no side effects":
            self.check_effects({})
        elif text == "the side effects should be:":
            self.check_effects({k: int(v) for k, v in step.table})
        elif m := re.fullmatch(r"an? (\w+) should be raised at (compile time|runtime|any time): (\S+)", text):
            self.check_error(m.group(1), m.group(3))
        else:
            raise AssertionError(f"unknown step: {text}")

    def clean(self):
        for name in self.procedures:
            self.server.run("CALL floe.defineProcedure({signature: $name})", {"name": name})

    def check_result(self, step):
        assert self.error is None, f"failed: {self.error.code}: {self.error.message}"
        keys, rows = self.result
        if step.text == "the result should be empty":
            assert not rows, f"{len(rows)} rows instead of none"
            return
        unordered = "ignoring element order" in step.text
        names, *wanted = step.table
        wanted = [tuple(values.frozen(values.parse(c), unordered) for c in row) for row in wanted]
        assert sorted(keys) == sorted(names), f"columns {keys} instead of {names}"
        places = [keys.index(n) for n in names]
        got = [tuple(values.frozen(values.of_driver(row[p]), unordered) for p in places) for row in rows]
        if "in order" in step.text:
            assert got == wanted, f"got {got}\n    want {wanted}"
        else:
            assert collections.Counter(got) == collections.Counter(wanted), f"got {got}\n    want {wanted}"

    def check_effects(self, wanted):
        if self.error is not None:
            raise AssertionError(f"failed: {self.error.code}: {self.error.message}")
        found = effects(self.before, snapshot(self.server))
        assert found == wanted, f"side effects {found} instead of {wanted}"

    def check_error(self, kind, detail):
        assert self.error is not None, f"no error; {kind}: {detail} was expected"
        code = self.error.code.rsplit(".", 1)[-1]
        alike = {"ConstraintVerificationFailed": "ConstraintValidationFailed", "ProcedureError": "ProcedureNotFound"}
        got = (self.error.message or "").split(":")[0]
        assert code in (kind, alike.get(kind)), f"{self.error.code} ({got}) instead of {kind}: {detail}"
        if detail not in ("*", "DeleteConnectedNode"):
            assert got == detail, f"{kind}: {got} instead of {detail}\n    {self.error.message}"


# The driver keeps offsets in whole minutes: of these the server's value is compared as the text that toString() makes of it.
AS_TEXT = re.compile(r"Temporal1 \[13\] .* #[234]")


def as_text(steps):
    """The scenario with RETURN toString(…)."""
    for step in steps:
        if step.text == "executing query:":
            step.doc = re.sub(r"RETURN (.*) AS result", r"RETURN toString(\1) AS result", step.doc)
    return steps


def known_scenarios():
    """Names of scenarios that do not pass, with the reason."""
    lines = (pathlib.Path(__file__).parent / "known.txt").read_text().splitlines()
    return dict(line.rsplit(": ", 1) for line in lines if line and not line.startswith("#"))


def main():
    known = known_scenarios()
    work = pathlib.Path(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    server = Server()
    counts, reading, failures = collections.Counter(), collections.Counter(), []
    try:
        for path in sorted((work / "features").rglob("*.feature")):
            for name, steps in gherkin.read(path):
                if only not in name:
                    continue
                run, outcome = Run(server, work / "graphs"), "passed"
                steps = as_text(steps) if AS_TEXT.fullmatch(name) else steps
                try:
                    for step in steps:
                        run.step(step)
                except Exception as e:
                    outcome = "skipped" if name in known else "failed"
                    failures.append(f"SKIPPED {name}: fails, known: {known[name]}" if name in known
                                    else f"FAILED {name}: {type(e).__name__} {e}\n    {run.query}")
                    if server.process.poll() is not None:
                        outcome = "failed"
                        failures.append(f"FAILED {name}: the server ended: " + open(server.log.name).read()[-2000:])
                        server.close()
                        server = run.server = Server()
                run.clean()
                if outcome == "passed" and name in known:
                    failures.append(f"passes, so known.txt need not list it: {name}")
                counts[outcome] += 1
                texts = " ".join(s.doc or "" for s in steps if s.text == "executing query:")
                reading[outcome] += not WRITING.search(texts)
    finally:
        server.close()
    print("\n".join(failures))
    print(f"reading: {reading['passed']} passed, {reading['failed']} failed, {reading['skipped']} skipped")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()
