#!/usr/bin/env python3
"""Drivers and tools from PyPI, Maven and Go's proxy, and Gremlin Console, against `floe serve`, with TLS and a password: make test-clients. Runs itself in a
virtual environment."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build/clients"
VENV = HERE.parent / "build/venv-clients"
if pathlib.Path(sys.prefix) != VENV:
    if not (VENV / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r", HERE / "clients/requirements.txt"], check=True)
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])

import ssl  # noqa: E402

import neo4j  # noqa: E402
from gremlin_python.driver import serializer  # noqa: E402
from gremlin_python.driver.client import Client  # noqa: E402
from gremlin_python.driver.driver_remote_connection import DriverRemoteConnection  # noqa: E402
from gremlin_python.process.anonymous_traversal import traversal  # noqa: E402
from gremlin_python.process.traversal import P, T  # noqa: E402

from harness import check, check_in, finish, skip  # noqa: E402
from serving import PASSWORD, certificate, node_modules, serving, small_home  # noqa: E402


def test_gremlinpython(server, is_tls):
    url = f"{'wss' if is_tls else 'ws'}://localhost:{server.gremlin}/gremlin"
    more = {}
    if is_tls:
        more["ssl_options"] = ssl._create_unverified_context()
    for form in (serializer.GraphBinarySerializersV1, serializer.GraphSONSerializersV3d0, serializer.GraphSONSerializersV2d0):
        name = f"gremlinpython {form.__name__}{' TLS' if is_tls else ''}"
        c = Client(url, "g", username="tester", password=PASSWORD, message_serializer=form(), **more)
        check(f"{name}: bindings", c.submit("g.V().limit(x).count()", {"x": 4}).all().result(), [4])
        check(f"{name}: a stream", len(c.submit("g.E()").all().result()), 3000)
        try:
            c.submit("g.V().lmit(1)").all().result()
            check(f"{name}: a fault is told", False)
        except Exception as why:
            check_in(f"{name}: a fault is told", "lmit", str(why))
        c.close()
        r = DriverRemoteConnection(url, "g", username="tester", password=PASSWORD, message_serializer=form(), **more)
        g = traversal().with_remote(r)
        check(f"{name}: bytecode", g.V().out_e().has("packets", P.gt(5)).count().next(), sum(1 for i in range(3000) if 1 + i % 13 > 5))
        check(f"{name}: a map", list(g.V().group_count().by(T.label).next()), ["devices"])
        check(f"{name}: a vertex", g.V().limit(1).next().label, "devices")
        r.close()


def test_neo4j(server, is_tls):
    for scheme in ("bolt+ssc", "neo4j+ssc") if is_tls else ("bolt", "neo4j"):
        with neo4j.GraphDatabase.driver(f"{scheme}://localhost:{server.bolt}", auth=("tester", PASSWORD)) as d:
            d.verify_connectivity()
            records, summary, keys = d.execute_query("MATCH (a)-[e]->(b) RETURN a, e, e.packets AS p LIMIT 3")
            check(f"{scheme}: keys", keys, ["a", "e", "p"])
            check(f"{scheme}: a node", list(records[0]["a"].labels), ["devices"])
            check(f"{scheme}: its edge", records[0]["e"].start_node.element_id, records[0]["a"].element_id)
            with d.session() as s:
                check(f"{scheme}: a stream", sum(1 for _ in s.run("MATCH ()-[e]->() RETURN e")), 3000)
                with s.begin_transaction() as tx:
                    check(f"{scheme}: a transaction", tx.run("MATCH ()-[e]->() RETURN count(e) AS n").single()["n"], 3000)
                try:
                    s.run("MATCH (a RETURN a").consume()
                    check(f"{scheme}: a fault", False)
                except neo4j.exceptions.CypherSyntaxError:
                    check(f"{scheme}: a fault", True)


# ---- Java ----

HAS_JAVA = shutil.which("mvn") and shutil.which("javac")


def jars(project):
    """What the project's pom.xml names, and what that needs, as a class path."""
    pom, into = HERE / "clients" / project / "pom.xml", BUILD / f"{project}-jars"
    mark = into / "pom.xml"
    if not mark.exists() or mark.read_text() != pom.read_text():
        shutil.rmtree(into, ignore_errors=True)
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
        subprocess.run(["mvn", "-q", "-B", "-f", pom, goal, f"-DoutputDirectory={into}", "-DincludeScope=runtime"], check=True, timeout=900, stdin=subprocess.DEVNULL)
        mark.write_text(pom.read_text())
    return f"{into}/*"


JAVA_ANSWERS = {
    "count": "true", "bindings": "4", "stream": "3000", "left early": "10", "vertex": "devices String", "fault": "597 true", "time": "598", "in flight": "1275", "session": "3",
    "has": str(sum(1 for i in range(3000) if 1 + i % 13 > 5)), "and": str(sum(1 for i in range(3000) if 5 < 1 + i % 13 < 9 or i % 13 == 0)), "text": "true", "labels": "[devices]",
    "order": "3 true true", "path": "2 true", "repeat": "2", "project": "[a, b] Long", "valueMap": "[device_id]", "elementMap": "5", "edge": "true", "sack": "1.0", "strategy": "[1, 2]",
    "inject": "[1, 2, 1.5, s, true, [1, a], {k=1}]", "sum": str(sum(1 + i % 13 for i in range(3000))), "branch": "5", "tree": "1", "read-only": "true", "scratch": "[bob] 2024",
}  # fmt: skip


def test_java(server, is_tls):
    """The Java driver: scripts, sessions, bytecode; GraphBinary, GraphSON 3 and 2."""
    classes = BUILD / "java-classes"
    path = jars("java")
    classes.mkdir(parents=True, exist_ok=True)
    subprocess.run(["javac", "-nowarn", "-cp", path, "-d", classes, HERE / "clients/java/Driver.java"], check=True, capture_output=True)
    command = ["java", "-Xmx512m", "-cp", f"{path}:{classes}", "Driver", str(server.gremlin), "tester", PASSWORD, "tls" if is_tls else "plain"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    got = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    if done.returncode:
        check("the Java driver's program ends well", done.stderr[-2000:], "")
    for form in ("graphbinary_v1", "graphson_v3", "graphson_v2"):
        for name, want in JAVA_ANSWERS.items():
            check(f"Java {form}{' TLS' if is_tls else ''}: {name}", got.get(f"{form} {name}"), want)
    check("Java: a wrong password", got.get("wrong password"), "refused")


CONSOLE = """:plugin use tinkerpop.server
:remote connect tinkerpop.server {settings}
:> g.V().limit(2).count()
:submit g.V('10.0.0.0').valueMap('device_id')
:> g.V('10.0.0.0').outE().limit(1).outV().path().by(id).by(label)
:> g.V().groupCount().by(label)
:remote connect tinkerpop.server {settings} session
:> x = g.V('10.0.0.0').toList()
:> x
:remote console
g.V('10.0.0.0').
out().
dedup().count()
g.V().has('device_id', startingWith('10.0.0.0')).values('device_id')
g.V().lmit(1)
n
"""  # what comes after a fault the console may lose: it asks about it with a reader of its own


def test_console(server, is_tls):
    """Gremlin Console with :remote and :submit, a session, and everything sent to the server."""
    settings = BUILD / "remote.yaml"
    form = "GraphSONMessageSerializerV3" if is_tls else "GraphBinaryMessageSerializerV1"
    settings.write_text(f"""hosts: [localhost]
port: {server.gremlin}
username: tester
password: {PASSWORD}
connectionPool: {{ enableSsl: {str(is_tls).lower()}, sslSkipCertValidation: true, maxSize: 2 }}
serializer: {{ className: org.apache.tinkerpop.gremlin.util.ser.{form}, config: {{}} }}
""")
    command = ["java", "-Xmx512m", "-cp", jars("console"), "org.apache.tinkerpop.gremlin.console.Console", "-C", "-Q"]
    done = subprocess.run(command, input=CONSOLE.format(settings=settings), capture_output=True, text=True, timeout=180)
    got = [x[3:] for x in done.stdout.splitlines() if x.startswith("==>") and not x.startswith(("==>Configured", "==>All scripts", "==>tinkerpop.server"))]
    neighbours = len({(i % 5, i % 89) for i in range(3000) if i % 7 == 0 and i % 97 == 0})
    count = len({(0, i % 7, i % 97) for i in range(3000)} | {(1, i % 5, i % 89) for i in range(3000)})
    wanted = ["2", "[device_id:[10.0.0.0]]", "[devices[10.0.0.0],connections,devices[10.0.0.0]]", f"[devices:{count}]"] + ["v[devices[10.0.0.0]]"] * 2 + [str(neighbours), "10.0.0.0"]
    check(f"Gremlin Console{' TLS' if is_tls else ''}", got, wanted)
    check_in("Gremlin Console: a fault is told", "did you mean limit()?", done.stdout + done.stderr)


# ---- Bolt by Java and Go: programs that print `name: what they got` ----

VALUES = {"java": '9223372036854775807 [1, 2.5, "é"] {k: TRUE} 2024-04-18 P0M1DT2S 1.0', "go": "9223372036854775807 [1 2.5 é] map[k:true] 2024-04-18 P0M1DT2S 1"}
ELEMENTS = {"java": "[a, e, b, packets] [devices] connections true 13", "go": "[a e b packets] [devices]connectionstrue 13"}


def bolt_java():
    """The command, or None without a JDK or Maven."""
    return ["java", "-Xmx512m", "-cp", jars("bolt-java"), HERE / "clients/bolt-java/Bolt.java"] if HAS_JAVA else None


def bolt_go():
    if not shutil.which("go"):
        return None
    folder = BUILD / "bolt-go"
    folder.mkdir(parents=True, exist_ok=True)
    more = {"GOMODCACHE": str(folder / "modules"), "GOCACHE": str(folder / "cache"), "GOFLAGS": "-mod=mod -modcacherw"}
    subprocess.run(["go", "build", "-o", folder / "bolt", "."], cwd=HERE / "clients/go", check=True, timeout=300, env={**os.environ, **more})
    return [folder / "bolt"]


def test_program(server, language, command, is_tls):
    if not command:
        skip(f"the {language} driver: no {language} here")
        return
    for scheme in ("bolt+ssc", "neo4j+ssc") if is_tls else ("bolt", "neo4j"):
        done = subprocess.run([*map(str, command), scheme, str(server.bolt), "tester", PASSWORD], capture_output=True, text=True, timeout=120)
        got = dict(x.split(": ", 1) for x in done.stdout.splitlines() if ": " in x)
        name = f"{language} over {scheme}"
        check(f"{name} runs: {done.stderr[-600:]}", done.returncode, 0)
        check(f"{name}: version", got.get("version"), "5.4")
        check(f"{name}: elements", got.get("elements"), ELEMENTS[language])
        check(f"{name}: a stream in portions", got.get("stream"), "3000")
        check(f"{name}: values there and back", got.get("values"), VALUES[language])
        check(f"{name}: a fault", got.get("fault"), "Neo.ClientError.Statement.SyntaxError")
        check(f"{name}: no such graph", got.get("database"), "Neo.ClientError.Database.DatabaseNotFound")
        check(f"{name}: two results in a transaction", got.get("transaction"), "3000 true")
        check(f"{name}: a managed transaction", got.get("managed"), "3000")
        check(f"{name}: changes", got.get("written"), "2 1 2")
        check(f"{name}: ROLLBACK undoes", got.get("rolled back", "").replace(",", ""), "[3 2 1]")
        check(f"{name}: changes taken away", got.get("cleaned"), "2")
        check(f"{name}: a time limit", got.get("time limit"), "Neo.ClientError.Transaction.TransactionTimedOut")
        check(f"{name}: left in the middle", got.get("left early", got.get("cancelled")), "true" if language == "java" else "true true")
        check(f"{name}: a wrong password", got.get("wrong"), "Neo.ClientError.Security.Unauthorized")


def test_npm(server, is_tls):
    folder = node_modules()
    for scheme in (("bolt+ssc", "neo4j+ssc") if is_tls else ()) if folder else ():  # without TLS: wire_test.py
        done = subprocess.run(["node", "bolt.js", scheme, str(server.bolt), "tester", PASSWORD], cwd=folder, capture_output=True, text=True, timeout=120)
        got = json.loads(done.stdout or "{}")
        check(f"npm neo4j-driver over {scheme} runs: {done.stderr[-600:]}", done.returncode, 0)
        check(f"npm neo4j-driver over {scheme}", (got.get("version"), got.get("many"), got.get("error"), got.get("wrong")), (5.4, 3000, "Neo.ClientError.Statement.SyntaxError", "Neo.ClientError.Security.Unauthorized"))


# ---- Tools ----


def test_langchain(server, is_tls):
    from langchain_neo4j import Neo4jGraph

    url = f"bolt{'+ssc' if is_tls else ''}://localhost:{server.bolt}"
    for is_enhanced in (False, True):
        g = Neo4jGraph(url=url, username="tester", password=PASSWORD, database="neo4j", enhanced_schema=is_enhanced, refresh_schema=True)
        name = f"LangChain{', enhanced schema' if is_enhanced else ''}"
        s = g.get_structured_schema
        check(f"{name}: labels", list(s["node_props"]), ["devices"])
        check(f"{name}: types", [x["property"] for x in s["rel_props"]["connections"]][:2] != [], True)
        check(f"{name}: where they lead", s["relationships"], [{"start": "devices", "type": "connections", "end": "devices"}])
        check_in(f"{name}: as text", "(:devices)-[:connections]->(:devices)", g.get_schema)
        check(f"{name}: a question", g.query("MATCH ()-[e:connections]->() RETURN count(e) AS n"), [{"n": 3000}])
        g.close()


# What Neo4j Browser and cypher-shell ask when they connect, and whether the tool needs an answer.
ON_CONNECT = [
    ("CALL dbms.components() YIELD name, versions, edition", True),
    ("SHOW DATABASES", True),
    ("SHOW DATABASES YIELD role, name WHERE name = 'neo4j'", True),
    ("CALL db.labels() YIELD label RETURN {name: 'labels', data: COLLECT(label)[..1000]} AS result UNION ALL "
     "CALL db.relationshipTypes() YIELD relationshipType RETURN {name: 'relationshipTypes', data: COLLECT(relationshipType)[..1000]} AS result UNION ALL "
     "CALL db.propertyKeys() YIELD propertyKey RETURN {name: 'propertyKeys', data: COLLECT(propertyKey)[..1000]} AS result", True),
    ("MATCH () RETURN {name: 'nodes', data: count(*)} AS result UNION ALL MATCH ()-[]->() RETURN {name: 'relationships', data: count(*)} AS result", True),
    ("SHOW PROCEDURES YIELD name, description, signature", True),
    ("SHOW FUNCTIONS YIELD name, description", True),
    ("CALL dbms.showCurrentUser()", True),
    ("CALL dbms.clientConfig()", True),
    ("SHOW INDEXES", True),
    ("SHOW CONSTRAINTS", True),
    ("CALL db.schema.visualization()", True),
    ("CALL db.schema.nodeTypeProperties()", True),
    ("CALL db.schema.relTypeProperties()", True),
    ("CALL db.ping()", True),
    ("CALL dbms.components() YIELD versions", True),
    ("CALL dbms.licenseAgreementDetails()", False),
    ("CALL dbms.cluster.role($database)", False),
]


def test_on_connect(server, is_tls):
    with neo4j.GraphDatabase.driver(f"bolt{'+ssc' if is_tls else ''}://localhost:{server.bolt}", auth=("tester", PASSWORD)) as d:
        for text, is_needed in ON_CONNECT:
            try:
                records, _, keys = d.execute_query(text, {"database": "neo4j"})
                got = "answered" if keys else "no columns"
            except neo4j.exceptions.Neo4jError as why:
                got = why.code
            check(f"on connect: {text[:60]}", got, "answered" if is_needed else "Neo.ClientError.Procedure.ProcedureNotFound")
        counted = d.execute_query(ON_CONNECT[4][0])[0]
        check("Browser's counts", [r["result"]["name"] for r in counted] + [counted[1]["result"]["data"]], ["nodes", "relationships", 3000])
        listed = {r["result"]["name"]: r["result"]["data"] for r in d.execute_query(ON_CONNECT[3][0])[0]}
        check("Browser's side bar", (listed["labels"], listed["relationshipTypes"], "packets" in listed["propertyKeys"]), (["devices"], ["connections"], True))


programs = {"java": bolt_java(), "go": bolt_go()}
home = small_home()
try:
    for is_tls in (False, True):
        arguments = []
        if is_tls:
            cert, key = certificate(home.path)
            arguments = ["--tls-cert", cert, "--tls-key", key]
        with serving(*arguments, home=home) as server:
            test_gremlinpython(server, is_tls)
            test_neo4j(server, is_tls)
            test_langchain(server, is_tls)
            test_on_connect(server, is_tls)
            test_npm(server, is_tls)
            for language, command in programs.items():
                test_program(server, language, command, is_tls)
            if HAS_JAVA:
                test_java(server, is_tls)
                test_console(server, is_tls)
            else:
                skip("the Java driver and Gremlin Console: there is no mvn or no javac")
finally:
    home.close()
finish()
