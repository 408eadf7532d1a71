#!/usr/bin/env python3
"""Drivers from npm and PyPI against `floe serve`, with TLS and a password: make test-clients. Runs itself in a virtual environment."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
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

from harness import check, check_in, finish  # noqa: E402
from serving import PASSWORD, certificate, serving, small_home  # noqa: E402


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
finally:
    home.close()
finish()
