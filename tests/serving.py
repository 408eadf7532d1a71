"""A running `floe serve` for tests: a small home, free ports, a user with a known password."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import harness
from harness import FLOE, ROOT, Home, log_text, record

PASSWORD = "correct horse battery"


def certificate(folder):
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


class Server:
    def __init__(self, home, *arguments):
        self.log = home.path / f"serve-{time.monotonic_ns()}.log"
        out = open(self.log, "wb")
        command = os.environ.get("FLOE_SERVER", FLOE).split()
        self.process = subprocess.Popen([*command, "serve", "--home", str(home.home), "--port", "0", "--jobs", "false", *map(str, arguments)], stdout=out, stderr=out)
        out.close()
        for _ in range(600):
            text = self.log.read_text()
            if "open http" in text or self.process.poll() is not None:
                break
            time.sleep(0.05)
        ports = re.search(r":(\d+)  browser.*:(\d+)/gremlin.*:(\d+)  Bolt", text, re.S)
        if not ports:
            raise SystemExit(f"floe serve did not start: {text}")
        self.http, self.gremlin, self.bolt = map(int, ports.groups())
        self.link = re.search(r"open (\S+)", text)[1]
        first = re.search(r"user admin, password (\S+)", text)
        self.first_password = first[1] if first else None

    def stop(self):
        """Ends by SIGTERM; the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        harness.check("SIGTERM ends the server with 0", code, 0)
        return time.monotonic() - started

    def check_log(self):
        """Under sanitizers (FLOE_SERVER=build-asan/floe) what they found is in its log."""
        faults = [x for x in self.log.read_text(errors="replace").splitlines() if "runtime error:" in x or "AddressSanitizer" in x]
        if faults:
            harness.check("the server's sanitizers are silent", faults[:5], [])

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def small_home(records=3000):
    """Two hundred addresses that talk to each other."""
    home = Home()
    rows = [record(f"10.0.{i % 7}.{i % 97}", f"10.1.{i % 5}.{i % 89}", packets=1 + i % 13, number=i % 1000) for i in range(records)]
    home.write("123456789012_vpcflowlogs_us-east-1_fl-1_20240418T0000Z_abc.log.gz", log_text(*rows))
    loaded = home.load()
    if loaded.returncode:
        raise SystemExit(loaded.stderr)
    applied = home.apply_schema()
    if applied.returncode:
        raise SystemExit(applied.stderr)
    subprocess.run([FLOE, "user", "add", "tester", "--home", str(home.home)], input=PASSWORD + "\n", text=True, check=True)
    return home


@contextlib.contextmanager
def serving(*arguments, home=None):
    own = home or small_home()
    server = Server(own, *arguments)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        server.check_log()
        if not home:
            own.close()


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def node_modules():
    """tests/clients/node_modules, by npm ci; None without npm."""
    folder = ROOT / "tests/clients"
    if not shutil.which("npm"):
        return None
    mark = folder / "node_modules/.package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < (folder / "package-lock.json").stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, capture_output=True, text=True, timeout=300)
        if done.returncode:
            print(done.stderr)
            return None
    return folder
