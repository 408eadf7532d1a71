"""The graphs of the feature files in a running `floe serve`, asked by gremlinpython: runs scenarios.py in the
virtual environment of the drivers."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
VENV = TESTS.parent / "build/venv-clients"
if Path(sys.prefix) != VENV:
    if not (VENV / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r", TESTS / "clients/requirements.txt"], check=True)
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])

from gremlin_python.driver.client import Client  # noqa: E402
from gremlin_python.driver.protocol import GremlinServerError  # noqa: E402
from gremlin_python.driver.serializer import GraphSONSerializersV3d0  # noqa: E402

import graphson  # noqa: E402
from harness import Home  # noqa: E402
from serving import Server  # noqa: E402

logging.getLogger("gremlinpython").setLevel(logging.CRITICAL)  # scenarios that want an error are no news
ALIASES = {"modern": "gmodern", "crew": "gcrew", "sink": "gsink", "grateful": "ggrateful", "empty": "ggraph"}


class Typed(GraphSONSerializersV3d0):
    """The driver's own reader reads each message; what is compared keeps the types that Python has no words for."""

    def deserialize_message(self, message):
        read = super().deserialize_message(message)
        data = json.loads(message)["result"]["data"]
        read["result"]["data"] = data["@value"] if data else []
        return read


class Served:
    def __init__(self):
        self.home = Home()
        names = ",".join(a for a in ALIASES.values() if a != "ggraph")
        self.server = Server(self.home, "--no-sign-in", "--scratch", names)
        self.url = f"ws://127.0.0.1:{self.server.gremlin}/gremlin"
        self.clients = {}

    def ask(self, graph, text):
        alias = ALIASES[graph]
        if alias not in self.clients:
            self.clients[alias] = Client(self.url, alias, message_serializer=Typed(), pool_size=1)
        if self.server.process.poll() is not None:
            raise SystemExit(f"floe serve ended before: {text}")
        try:
            return [graphson.value(x) for x in self.clients[alias].submit(text).all().result(timeout=30)]
        except GremlinServerError as why:
            raise ValueError(str(why)) from None

    def empty(self, _):
        """The one graph that scenarios change, without vertices."""
        self.ask("empty", "g.V().drop()")
        return "empty"

    def end(self):
        for c in self.clients.values():
            c.close()
        self.server.stop()
        self.home.close()
