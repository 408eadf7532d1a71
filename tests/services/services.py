"""Services on loopback for the tests: S3 (versitygw), Iceberg REST (Apache Iceberg's own), moto, and a proxy that fails on purpose."""
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import *

WORK = ROOT / "build" / "services"
PROBE = str(ROOT / "build" / "store_probe")
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
KEYS = ("floe-test", "floe-test-secret")
started = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            raise RuntimeError(f"a service ended at once: {process.args}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"a service does not listen: {process.args}")


def start(command, port, log, **more):
    WORK.mkdir(parents=True, exist_ok=True)
    out = open(WORK / log, "wb")
    p = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out, start_new_session=True, **more)
    started.append(p)
    wait_for(port, p)
    return p


def stop_all():
    for p in started:
        if p.poll() is None:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
    started.clear()


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        print(" ".join(map(str, command))[:300], done.stdout[-2000:], done.stderr[-3000:], file=sys.stderr)
    return done


def venv(name="python"):
    """Python with moto and pyiceberg."""
    if not (WORK / "venv/ready").exists():
        WORK.mkdir(parents=True, exist_ok=True)
        run(sys.executable, "-m", "venv", WORK / "venv")
        if run(WORK / "venv/bin/pip", "install", "--quiet", "-r", HERE / "requirements.txt").returncode == 0:
            (WORK / "venv/ready").touch()
    return WORK / "venv/bin" / name


class S3:
    """A real S3 server over a folder. Buckets are folders."""

    def __init__(self, *buckets):
        binary = WORK / "bin/versitygw"
        if not binary.exists():
            run("go", "install", "-p", "1", VERSITYGW, env={**os.environ, "GOBIN": str(WORK / "bin"), "GOFLAGS": "-mod=mod"})
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="floe-s3-", dir=WORK))
        for bucket in buckets:
            (self.path / bucket).mkdir()
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "ROOT_ACCESS_KEY": KEYS[0], "ROOT_SECRET_KEY": KEYS[1]}
        start([binary, "--port", f"127.0.0.1:{self.port}", "--virtual-domain", f"localhost:{self.port}", "--keep-alive", "--quiet", "posix", self.path], self.port, "s3.log", env=environment)

    def options(self, endpoint=None, **more):
        settings = {"s3.endpoint": endpoint or self.endpoint, "s3.access-key-id": KEYS[0], "s3.secret-access-key": KEYS[1], **{k.replace("_", "-").replace("--", "."): v for k, v in more.items()}}
        return [part for k, v in settings.items() for part in ("-o", f"{k}={v}")]

    def probe(self, *arguments, endpoint=None, options=(), binary=False, env=None, timeout=120, spool=None):
        extra = [part for o in options for part in ("-o", o)] + (["-s", str(spool)] if spool else [])
        return subprocess.run([PROBE, *self.options(endpoint), *extra, *map(str, arguments)], capture_output=True, text=not binary, env={**os.environ, **(env or {})}, timeout=timeout)

    def connection(self, name, endpoint=None, more=""):
        return f"CREATE S3 CONNECTION {name} AWS_ACCESS_KEY_ID = '{KEYS[0]}' AWS_SECRET_ACCESS_KEY = '{KEYS[1]}' ENDPOINT = '{endpoint or self.endpoint}' {more};\n"

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Moto:
    """AWS's APIs emulated: Glue, STS, SQS."""

    def __init__(self):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        start([venv("moto_server"), "-H", "127.0.0.1", "-p", self.port], self.port, "moto.log")


class Rest:
    """Apache Iceberg's REST catalog server (its RESTCatalogServer), with the warehouse on S3."""

    def __init__(self, s3, warehouse):
        classpath = WORK / "classpath"
        if not classpath.exists():
            run("mvn", "--batch-mode", "-q", f"-Dmdep.outputFile={classpath}", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath", cwd=HERE / "java")
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        database = tempfile.mkdtemp(prefix="rest-", dir=WORK)
        environment = {**os.environ, "CATALOG_REST_PORT": str(self.port), "CATALOG_WAREHOUSE": warehouse, "CATALOG_URI": f"jdbc:sqlite:file:{database}/catalog.db", "CATALOG_IO__IMPL": "org.apache.iceberg.aws.s3.S3FileIO", "CATALOG_S3_ENDPOINT": s3.endpoint, "CATALOG_S3_PATH__STYLE__ACCESS": "true", "CATALOG_S3_ACCESS__KEY__ID": KEYS[0], "CATALOG_S3_SECRET__ACCESS__KEY": KEYS[1], "AWS_REGION": "us-east-1"}
        start(["java", "-Xmx512m", "-cp", classpath.read_text().strip(), "org.apache.iceberg.rest.RESTCatalogServer"], self.port, "rest.log", env=environment)


def check_graph(h, s3, remote, metastore, secret):
    """Vertices in the home's own catalog, edges in one that the graph schema describes itself. Connection `remote` reaches the same tables."""
    name = metastore["type"]
    h.worksheet.write_text(f"""CREATE ICEBERG TABLE default_glue_catalog.own.devices (device_id string, last_seen timestamp) PRIMARY KEY device_id;
CREATE SYNC JOB own_devices START_FROM = BEGINNING AS INSERT INTO default_glue_catalog.own.devices MAP_COLUMNS_BY_NAME SELECT srcaddr::string AS device_id, $event_time AS last_seen FROM {remote}.net.flows WHERE TIME_FILTER();
""")
    done = h.load()
    check(f"graph over {name}: vertices in the home", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    storage = {"type": "S3", "endpoint": s3.endpoint, "accessKey": KEYS[0], "secretKey": "${ENV:TEST_S3_SECRET}", "enablePathStyleAccess": "true"}
    far = {"name": "far", "type": "iceberg", "metastore": metastore, "storage": storage}
    edge = {"label": "sends", "from": "device", "to": "device", "mappedTableSource": {"catalog": "far", "schema": "net", "table": "flows", "metaFields": {"id": "k", "from": "srcaddr", "to": "dstaddr"}}, "attributes": [{"type": "Long", "name": "bytes"}]}
    schema = {"catalogs": [{"name": "mine", "type": "iceberg", "metastore": {"type": "embedded"}}, far], "edges": [edge],
              "vertices": [{"label": "device", "mappedTableSource": {"catalog": "mine", "schema": "own", "table": "devices", "metaFields": {"id": "device_id"}}, "attributes": []}]}
    env = {**os.environ, "TEST_S3_SECRET": KEYS[1]}

    def schema_command(what, change=lambda s: None):
        other = json.loads(json.dumps(schema))
        change(other)
        (h.path / "schema.json").write_text(json.dumps(other))
        return h.floe("schema", what, h.path / "schema.json", env=env)

    at = lambda s: s["catalogs"][1]
    check_in("a kind of metastore that cannot be opened", "catalogs[1].metastore.type: 'HMS' cannot be opened", schema_command("validate", lambda s: at(s)["metastore"].update(type="HMS")).stderr)
    check_in("a kind of storage", "catalogs[1].storage.type: 'GCS' cannot be opened", schema_command("validate", lambda s: at(s)["storage"].update(type="GCS")).stderr)
    check_in("a variable that is not there", "catalogs[1].storage.secretKey: the environment has no variable NO_SUCH", schema_command("validate", lambda s: at(s)["storage"].update(secretKey="${ENV:NO_SUCH}")).stderr)
    missing = schema_command("validate", lambda s: s["edges"][0]["mappedTableSource"].update(table="nothing"))
    check("a table that is not there: path, catalog, table", all(x in missing.stderr for x in ("edges[0].mappedTableSource", "far", "net.nothing")) and missing.returncode == 1)
    missing = schema_command("validate", lambda s: s["edges"][0]["mappedTableSource"]["metaFields"].update(to="dst"))
    check("a column that is not there: path, table, column", all(x in missing.stderr for x in ("edges[0]", "net.flows", "'dst'", "dstaddr")) and missing.returncode == 1)
    done = schema_command("apply")
    check("the schema is applied", (done.returncode, done.stderr), (0, ""))
    if secret:
        check("its secret is nowhere in the home", any(secret.encode() in p.read_bytes() for p in h.home.rglob("*") if p.is_file()), False)
        check_in("and is shown sealed", "sealed:", h.floe("schema", "show").stdout)
    want = h.sql(f"SELECT count(*), count(DISTINCT srcaddr), sum(bytes) FROM {remote}.net.flows WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL")[0].split(",")
    ask = lambda text: h.floe("gremlin", text, env=env).stdout.removeprefix("==>").split()
    check("edges of the other catalog", ask("g.E().count()"), want[:1])
    check("vertices of the home's", ask("g.V().count()"), h.sql("SELECT count(*) FROM default_glue_catalog.own.devices"))
    check("from one to the other", ask("g.V().outE().values('bytes').sum()"), want[2:])
    h.worksheet.write_text("DROP JOB own_devices;")
    check("the job that made the vertices is dropped", h.floe("run", h.worksheet).returncode, 0)


class Proxy:
    """Hands requests on to `upstream`, except as `rule(request)` says: None, ("status", code, body[, headers]), ("cut", bytes),
    ("stall", seconds), ("lose",): carry out, but never answer; ("answer", function of (status, headers, body))."""

    def __init__(self, upstream, rule=None):
        self.host, self.port_up = upstream.split("//")[1].split(":")
        self.rule = rule or (lambda request: None)
        self.requests = []
        self.lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *text):
                pass

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                request = {"method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}
                with proxy.lock:
                    proxy.requests.append(request)
                    action = proxy.rule(request)
                if action and action[0] == "status":
                    return self.answer(action[1], list((action[3] if len(action) > 3 else {}).items()), action[2])
                c = http.client.HTTPConnection(proxy.host, int(proxy.port_up), timeout=60)
                c.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for k, v in self.headers.items():
                    c.putheader(k, v)
                c.endheaders(body)
                r = c.getresponse()
                data = r.read()
                headers = [(k, v) for k, v in r.getheaders() if k.lower() not in ("transfer-encoding", "connection", "content-length")]
                length = r.getheader("content-length")
                c.close()
                if action and action[0] == "lose":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status = r.status
                if action and action[0] == "answer":
                    status, headers, data = action[1](status, headers, data)
                    length = None
                self.answer(status, headers, data, length if self.command == "HEAD" else None, action)

            def answer(self, status, headers, data, length=None, action=None):
                self.send_response_only(status)
                for k, v in headers:
                    self.send_header(k, v)
                self.send_header("content-length", length or len(data))
                self.end_headers()
                if self.command == "HEAD":
                    return
                if action and action[0] == "cut":
                    self.wfile.write(data[: action[1]])
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif action and action[0] == "stall":
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    time.sleep(action[1])
                    self.close_connection = True
                else:
                    self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *what):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.endpoint = self.uri = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self, rule=None):
        with self.lock:
            self.requests.clear()
            self.rule = rule or (lambda request: None)

    def count(self, method, part=""):
        return sum(r["method"] == method and part in r["path"] for r in self.requests)


def first(n, action, wants=lambda r: True):
    """A rule: the first `n` requests that it wants get `action`."""
    left = [n]

    def rule(request):
        if left[0] > 0 and wants(request):
            left[0] -= 1
            return action
        return None

    return rule


def s3_error(status, code):
    return ("status", status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>by test</Message></Error>".encode(), {"content-type": "application/xml"})
