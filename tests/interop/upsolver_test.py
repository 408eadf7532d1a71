#!/usr/bin/env python3
"""The public Upsolver CLI and Python SDK, unmodified, run a worksheet and queries over POST /query."""
import json
import pathlib
import socket
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import *

import upsolver.dbapi

CLI = pathlib.Path(sys.executable).parent / "upsolver"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


with Home() as h:
    h.write("a_20240418T0100Z_x.log.gz", log_text(record("10.0.0.1", "10.0.0.2", 5), record("10.0.0.1", "10.0.0.3", 7)))
    ports = [free_port() for _ in range(3)]
    url = f"http://127.0.0.1:{ports[0]}"
    server = subprocess.Popen([FLOE, "serve", "--home", str(h.home), "--port", str(ports[0]), "--gremlin-port", str(ports[1]), "--bolt-port", str(ports[2]),
                               "--no-sign-in", "--interval", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url + "/healthz")
                break
            except OSError:
                time.sleep(0.1)

        def cli(*args):
            return subprocess.run([CLI, "-c", str(h.path / "upsolver.conf"), *args], capture_output=True, text=True, timeout=60)

        check("CLI configures", cli("configure", "-t", "token", "-u", url).returncode, 0)
        for statement in h.worksheet.read_text().split(";"):
            if statement.strip():
                done = cli("execute", "-c", statement.strip())
                check(f"CLI: {statement.strip().splitlines()[-1][:50]}", (done.returncode, done.stderr), (0, ""))
        rows = []
        for _ in range(100):
            rows = json.loads("[" + cli("execute", "-c", f"SELECT count(*) AS n FROM {DEVICES}").stdout.strip().replace("}\n{", "},{") + "]")
            if rows and rows[0].get("n") == "3":
                break
            time.sleep(0.2)
        check("the jobs run and the CLI sees it", rows, [{"n": "3"}])
        done = cli("execute", "-c", "CREATE NONSENSE")
        check("a wrong statement: exit code and message", (done.returncode, "Syntax Error" in done.stderr + done.stdout), (254, True))

        c = upsolver.dbapi.connect(token="token", api_url=url + "/").cursor()
        c.execute(f"SELECT dstaddr, packets FROM {CONNECTIONS} ORDER BY 2")
        check("SDK: columns", [d[0] for d in c.description], ["dstaddr", "packets"])
        check("SDK: rows", c.fetchall(), [["10.0.0.2", "5"], ["10.0.0.3", "7"]])
        c.execute("SELECT name FROM system.information_schema.jobs ORDER BY 1")
        check("SDK: jobs", len(c.fetchall()), 3)
        jobs = json.load(urllib.request.urlopen(url + "/api/jobs"))["rows"]
        check("HTTP: jobs", [(j["job_name"], j["rows"]) for j in jobs][:1], [("ingest_vpcflowlogs_connections", 2)])
        metrics = urllib.request.urlopen(url + "/metrics").read().decode()
        check("Prometheus: rows", 'floe_job_rows_total{job="ingest_vpcflowlogs_connections"} 2\n' in metrics)
        started = time.monotonic()
    finally:
        server.terminate()
        server.wait(30)
    check("it stops within two seconds", time.monotonic() - started < 2)
finish()
