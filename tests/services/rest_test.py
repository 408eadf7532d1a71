#!/usr/bin/env python3
"""Tables in an Iceberg REST catalog (Apache Iceberg's own server) with their files on S3: loads, upserts, commits whose answer is lost."""
import json
import random

from services import *


def sheet(rest, s3, more="", catalog="lake", storage=True, job="j"):
    return s3.connection("s3c") + f"""CREATE ICEBERG_REST CATALOG CONNECTION {catalog} URI = '{rest}' {"DEFAULT_STORAGE_CONNECTION = s3c" if storage else ""} {more};
CREATE ICEBERG TABLE {catalog}.net.flows() PARTITIONED BY $event_date;
CREATE SYNC JOB {job} START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd' COLUMN_TRANSFORMATIONS = (k = UUID_GENERATOR(account_id::string)) AS COPY FROM S3 s3c LOCATION = 's3://inbox/AWSLogs/' INTO {catalog}.net.flows;
CREATE ICEBERG TABLE {catalog}.net.devices (device_id string, last_seen timestamp) PRIMARY KEY device_id;
CREATE SYNC JOB {job}_devices START_FROM = BEGINNING AS INSERT INTO {catalog}.net.devices MAP_COLUMNS_BY_NAME SELECT srcaddr::string AS device_id, $event_time AS last_seen FROM {catalog}.net.flows WHERE TIME_FILTER();
"""


QUESTION = "SELECT count(*), count(DISTINCT k), bit_xor(hash(k, srcaddr, dstaddr, packets)) FROM lake.net.flows"
DEVICES = "SELECT count(*), count(DISTINCT device_id) FROM lake.net.devices"


def load(text):
    h = Home()
    h.worksheet.write_text(text)
    return h, h.load("--most-files", "10")


def drop(h):
    done = h.path / "drop.sql"
    done.write_text("DROP JOB j; DROP JOB j_devices; DROP TABLE lake.net.flows; DROP TABLE lake.net.devices;")
    gone = h.floe("run", done)
    check("dropped", (gone.returncode, gone.stderr if gone.returncode else ""), (0, ""))
    h.close()


def ours(h):
    return h.sql(QUESTION)[0], h.sql(DEVICES)[0]


def main(s3, rest, proxy):
    h, done = load(sheet(rest.uri, s3))
    check("the load works", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    want = ours(h)
    check("every row", want[0].split(",")[:2], ["20000", "20000"])
    reader = run(venv(), HERE / "read_rest.py", rest.uri, s3.endpoint, *KEYS, "net.flows")
    check("pyiceberg reads the same rows from the same server", reader.stdout.split(), ["20000", h.sql("SELECT sum(packets) FROM lake.net.flows")[0]])
    missing = h.sql("SELECT * FROM lake.net.nothing")
    check("a table that is not there", "nothing" in missing[0])
    check("again: nothing to do", h.load().returncode, 0)
    check("the same rows", ours(h), want)
    check_graph(h, s3, "lake", {"type": "rest", "uri": rest.uri}, None)
    drop(h)
    check("the files are gone", [p for p in (s3.path / "lake/net/flows").rglob("*") if p.is_file()], [])

    # commits: refused for a while, carried out but not answered, not carried out and not answered
    commit = lambda r: r["method"] == "POST" and "/tables/" in r["path"]
    body = json.dumps({"error": {"message": "by test", "type": "ServiceUnavailableException", "code": 503}}).encode()
    for name, action, n in (("503", ("status", 503, body), 2), ("the answer is lost", ("lose",), 1), ("500 though carried out", ("answer", lambda *a: (500, [], b"")), 1), ("502 though carried out", ("answer", lambda *a: (502, [], b"<html>")), 2), ("an answer that is no JSON", ("answer", lambda *a: (200, [], b"{")), 1)):
        proxy.reset()
        dice = random.Random(name)
        left = [n * 4]

        def rule(request):
            if commit(request) and left[0] > 0 and dice.random() < 0.5:
                left[0] -= 1
                return action
            return None

        proxy.reset(rule)
        h, done = load(sheet(proxy.uri, s3))
        check(f"{name}: the load works", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
        check(f"{name}: it happened", left[0] < n * 4)
        proxy.reset()
        check(f"{name}: the same rows", ours(h), want)
        drop(h)
    return want


def sign_in(s3, rest, proxy, want):
    proxy.reset()
    h, done = load(sheet(proxy.uri, s3, "CREDENTIAL = 'floe-client:very-secret' SCOPE = 'PRINCIPAL_ROLE:ALL'"))
    check("OAuth2 client credentials", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    tokens = [r for r in proxy.requests if r["path"].endswith("/oauth/tokens")]
    check("one token is enough for a process", len(tokens), 1)
    check_in("by client credentials", "grant_type=client_credentials&client_id=floe-client&client_secret=very-secret&scope=PRINCIPAL_ROLE%3AALL", tokens[0]["body"].decode())
    others = [r for r in proxy.requests if r not in tokens]
    check("every request brings it", all(r["headers"].get("authorization", "").startswith("Bearer ") for r in others))
    check("the secret is nowhere in the home", any(b"very-secret" in p.read_bytes() for p in h.home.rglob("*") if p.is_file()), False)
    drop(h)
    refused = json.dumps({"error": "invalid_client", "error_description": "unknown client"}).encode()
    proxy.reset(lambda r: ("status", 401, refused) if "oauth" in r["path"] else None)
    h, done = load(sheet(proxy.uri, s3, "CREDENTIAL = 'floe-client:very-secret'"))
    check_in("a refused client", "status 401 invalid_client: unknown client", done.stderr)
    check("does not show the secret", "very-secret" in done.stderr, False)
    h.close()
    proxy.reset(first(1, ("status", 401, b"{}"), lambda r: "/tables" in r["path"]))
    h, done = load(sheet(proxy.uri, s3, "CREDENTIAL = 'a:b'"))
    check("a token that ended is renewed", (done.returncode, sum("oauth" in r["path"] for r in proxy.requests)), (0, 2))
    drop(h)
    proxy.reset()
    h, done = load(sheet(proxy.uri, s3, "TOKEN = 'bearer-of-mine'"))
    check("a bearer token", (done.returncode, {r["headers"].get("authorization") for r in proxy.requests}), (0, {"Bearer bearer-of-mine"}))
    drop(h)
    proxy.reset()
    h, done = load(sheet(proxy.uri, s3, "SIGV4 = TRUE SIGNING_NAME = 'glue' REGION = 'eu-central-1' AWS_ACCESS_KEY_ID = 'AKIDEXAMPLE' AWS_SECRET_ACCESS_KEY = 'abc'"))
    check("SigV4", done.returncode, 0)
    check("signs every request", all("/eu-central-1/glue/aws4_request,SignedHeaders=" in r["headers"].get("authorization", "") for r in proxy.requests))
    drop(h)


def vended(s3, rest, proxy, want):
    """The server gives the keys of a table's files with the table: the connection has none."""
    keys = {"s3.access-key-id": KEYS[0], "s3.secret-access-key": KEYS[1]}

    def give(as_list):
        def change(status, headers, body):
            loaded = json.loads(body)
            if "metadata" in loaded:
                loaded["config"] = {"s3.endpoint": s3.endpoint, "s3.path-style-access": "true", "client.region": "us-east-1", **({} if as_list else keys)}
                if as_list:
                    loaded["storage-credentials"] = [{"prefix": "s3://lake/", "config": keys}]
            return status, headers, json.dumps(loaded).encode()

        return lambda r: ("answer", change) if "/tables" in r["path"] and r["method"] in ("GET", "POST") else None

    for as_list in (False, True):
        proxy.reset(give(as_list))
        h, done = load(sheet(proxy.uri, s3, storage=False))
        check(f"vended keys ({'list' if as_list else 'config'})", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
        check("they are asked for", any(r["headers"].get("x-iceberg-access-delegation") == "vended-credentials" for r in proxy.requests))
        check("the same rows", ours(h), want)
        drop(h)
    # prefix and warehouse
    def configured(request):
        if request["path"].startswith("/v1/config"):
            return ("status", 200, json.dumps({"defaults": {}, "overrides": {"prefix": "ws/1"}}).encode())
        return ("status", 404, json.dumps({"error": {"message": "no such table", "type": "NoSuchTableException", "code": 404}}).encode())

    proxy.reset(configured)
    h, done = load(sheet(proxy.uri, s3, "WAREHOUSE = 'main one'"))
    check("the warehouse is asked for", proxy.requests[0]["path"], "/v1/config?warehouse=main%20one")
    check("the prefix stands in every path", all(r["path"].startswith("/v1/ws/1/") for r in proxy.requests[1:]) and len(proxy.requests) > 1)
    h.close()


def concurrent(s3, rest):
    """Homes load into one table at the same time: one whose columns a first one has found, and an empty one, which all of them give columns."""
    homes = []
    for i in range(4):
        h = Home()
        h.worksheet.write_text(sheet(rest.uri, s3).replace("SYNC JOB j ", f"SYNC JOB j{i} ").replace("SYNC JOB j_devices", f"SYNC JOB j{i}_devices").split("CREATE ICEBERG TABLE lake.net.devices")[0])
        homes.append(h)
    load_one = lambda h: subprocess.Popen([FLOE, "run", str(h.worksheet), "--until-caught-up", "--most-files", "2", "--quiet", "--home", str(h.home)], stderr=subprocess.PIPE, text=True)
    def all_at_once(some):
        done = [(p.communicate(timeout=240)[1], p.returncode) for p in [load_one(h) for h in some]]
        check(f"{len(some)} writers at the same time", ([code for _, code in done], [text for text, code in done if code]), ([0] * len(some), []))

    check("the first writer", load_one(homes[0]).wait(timeout=120), 0)
    all_at_once(homes[1:])
    check("every row of each, once", homes[0].sql("SELECT count(*) FROM lake.net.flows")[0], "80000")
    for h in homes:
        (h.path / "drop.sql").write_text("".join(f"DROP JOB j{i};" for i in range(4) if h is homes[i]) + ("DROP TABLE lake.net.flows;" if h is homes[3] else ""))
        check("dropped", h.floe("run", h.path / "drop.sql").returncode, 0)
    # each brings a column of its own, too: all of them are there afterwards, with ids of their own
    for i, h in enumerate(homes):
        h.worksheet.write_text(h.worksheet.read_text().replace("(k = UUID", f"(own{i} = {i} + 1, k = UUID"))
    check("the table is there, without columns", homes[0].floe("sql", "CREATE ICEBERG TABLE lake.net.flows() PARTITIONED BY $event_date").returncode, 0)
    all_at_once(homes)
    names = homes[0].sql("SELECT column_name FROM (DESCRIBE lake.net.flows) WHERE column_name LIKE 'own%' ORDER BY 1")
    check("every writer's column", names, [f"own{i}" for i in range(4)])
    check("every row of each, with its own column", homes[0].sql("SELECT count(*), count(own0), sum(own1), sum(own2), sum(own3), count(DISTINCT srcaddr) > 100, count(srcaddr) FROM lake.net.flows"), ["80000,20000,40000,60000,80000,true,80000"])
    check_in("the table is sound", "sound", homes[0].floe("table", "check", "lake.net.flows").stdout)
    for h in homes:
        h.close()


work = pathlib.Path(tempfile.mkdtemp(prefix="floe-rest-test-"))
try:
    if not shutil.which("mvn") or not shutil.which("java"):
        skip("the REST catalog (needs mvn and a JDK)")
    else:
        s3 = S3("lake", "inbox")
        run(FLOE, "gen", "flow-logs", "--rows", 20000, "--rows-per-file", 1000, "--out", s3.path / "inbox", "--format", "text", "--seed", 1)
        rest = Rest(s3, "s3://lake")
        proxy = Proxy(rest.uri)
        want = main(s3, rest, proxy)
        sign_in(s3, rest, proxy, want)
        vended(s3, rest, proxy, want)
        concurrent(s3, rest)
        s3.close()
finally:
    stop_all()
    shutil.rmtree(work, ignore_errors=True)
finish()
