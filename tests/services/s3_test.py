#!/usr/bin/env python3
"""The S3 store against a real server: every operation, pages, races, uploads in parts; then with faults in between."""
import concurrent.futures
import hashlib
import json
import random

from services import *


def operations(s3):
    p = s3.probe
    check("write", p("write", "s3://lake/a/b.txt", "hello").returncode, 0)
    check("read", p("read", "s3://lake/a/b.txt").stdout, "hello")
    check("stat", p("stat", "s3://lake/a/b.txt").stdout, f"s3://lake/a/b.txt\t5\t{hashlib.md5(b'hello').hexdigest()}\n")
    check("range", p("range", "s3://lake/a/b.txt", 1, 3).stdout, "ell")
    check_in("range beyond the end", "CORRUPT reading s3://lake/a/b.txt: it ends at byte 5", p("range", "s3://lake/a/b.txt", 1, 30).stderr)
    check_in("an object that is not there", "NOT_FOUND", p("read", "s3://lake/a/none").stderr)
    check_in("a bucket that is not there", "NOT_FOUND GET s3://nobucket/: status 404 NoSuchBucket", p("list", "s3://nobucket/").stderr)
    check_in("a folder that is not there", "NOT_FOUND", p("list", "s3://lake/none/").stderr)
    check_in("no bucket in the URI", "names no bucket", p("list", "s3://").stderr)
    name = "s3://lake/a/new ü+%&=?#.txt"
    check("a name of odd characters", p("write-new", name, "x").returncode, 0)
    check("is read by it", p("read", name).stdout, "x")
    check_in("written twice", "CONFLICT", p("write-new", name, "y").stderr)
    check("listed by it", sorted(line.split("\t")[0] for line in p("list", "s3://lake/a").stdout.splitlines()), ["s3://lake/a/b.txt", name])
    check("a prefix is no folder", p("list", "s3://lake/a/b.t").returncode, 1)
    check("folders", p("folders", "s3://lake/").stdout.split("\t")[0], "s3://lake/a/")
    check("delete many", p("delete", name, "s3://lake/a/b.txt", "s3://lake/a/none").returncode, 0)
    check("gone", p("read", name).returncode, 1)
    for hidden in ("_tmp/x", ".hidden", "c.tmp"):
        p("write", f"s3://lake/h/{hidden}", "x")
    p("write", "s3://lake/h/seen", "x")
    check("hidden names are passed over", [line.split("\t")[0] for line in p("list", "s3://lake/h/").stdout.splitlines()], ["s3://lake/h/seen"])
    bad = p("list", "s3://lake/", options=["s3.secret-access-key=wrong-secret"])
    check_in("a wrong secret", "INVALID GET s3://lake/: status 403 SignatureDoesNotMatch", bad.stderr)
    check("does not show it", "wrong-secret" in bad.stderr or KEYS[1] in bad.stderr, False)
    check_in("a wrong key id, in the words of this server", "No user exists", p("list", "s3://lake/", options=["s3.access-key-id=nobody"]).stderr)
    check_in("read only", "READ_ONLY", p("write", "s3://lake/x", "x", options=["s3.read-only=true"]).stderr)
    check_in("an option that cannot be", "s3.path-style-access is 'maybe'", p("list", "s3://lake/", options=["s3.path-style-access=maybe"]).stderr)
    virtual = p("list", "s3://lake/h", endpoint=f"http://localhost:{s3.port}", options=["s3.path-style-access=false"])
    check("virtual-host addresses", virtual.stdout.count("\n"), 1)


def pages(s3):
    for day in range(25):
        folder = s3.path / f"logs/AWSLogs/2024/04/{day:02d}"
        folder.mkdir(parents=True)
        for i in range(100):
            (folder / f"{i:04d}.log").write_text("x")
    listed = [line.split("\t")[0] for line in s3.probe("list", "s3://logs/AWSLogs/").stdout.splitlines()]
    check("2,500 objects in pages, in order", (len(listed), listed == sorted(listed)), (2500, True))
    prefixes = [f"s3://logs/AWSLogs/2024/04/{day:02d}/" for day in range(26)]
    check("26 prefixes side by side, one of them empty", s3.probe("count", *prefixes).stdout.strip(), "2500")


def uploads(s3, work):
    dice = random.Random(1)
    for size in (0, 1, (16 << 20), (16 << 20) + 1, 41_000_003):
        path = work / "big"
        path.write_bytes(dice.randbytes(size))
        check(f"put {size} bytes", s3.probe("put", "s3://lake/big", path).returncode, 0)
        check(f"read {size} bytes", s3.probe("read", "s3://lake/big", binary=True).stdout == path.read_bytes())
        check(f"range of {size} bytes in parallel", s3.probe("range", "s3://lake/big", 0, size, binary=True).stdout == path.read_bytes())
    check_in("an upload in parts does not replace", "CONFLICT", s3.probe("put-new", "s3://lake/big", path).stderr)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda i: s3.probe("write-new", "s3://lake/race", f"{i}").returncode, range(8)))
    check("of 8 that write one new object one wins", sorted(codes), [0] + [1] * 7)


def spool(s3, proxy, work):
    folder = work / "spool"
    content = random.Random(2).randbytes(20_000_000)
    (s3.path / "lake/blob").write_bytes(content)
    proxy.reset()
    one = s3.probe("local", "s3://lake/blob", endpoint=proxy.endpoint, spool=folder).stdout.strip()
    check("a local copy", pathlib.Path(one).read_bytes() == content)
    before = len(proxy.requests)
    check("is found again", s3.probe("local", "s3://lake/blob", endpoint=proxy.endpoint, spool=folder).stdout.strip(), one)
    check("without a request", len(proxy.requests), before)
    etag = s3.probe("stat", "s3://lake/blob").stdout.split("\t")[2].strip()
    two = s3.probe("local-version", "s3://lake/blob", etag, spool=folder).stdout.strip()
    check("a version by its etag", pathlib.Path(two).read_bytes() == content)
    check_in("another version", "CONFLICT s3://lake/blob has changed", s3.probe("local-version", "s3://lake/blob", "0123", spool=folder).stderr)
    full = s3.probe("local", "s3://lake/big", spool=folder, env={"FLOE_SPOOL_BYTES": "50000000"})
    check_in("a full spool says so", "LIMIT copies of remote objects in use fill", full.stderr)
    for copy in folder.iterdir():
        os.utime(copy, (1, 1))
    check("old copies make room", s3.probe("local", "s3://lake/big", spool=folder, env={"FLOE_SPOOL_BYTES": "50000000"}).returncode, 0)
    check("and are gone", pathlib.Path(one).exists(), False)
    (folder / "999999-1-x.part").write_bytes(b"x")
    s3.probe("local", "s3://lake/big", spool=folder)
    check("what a dead process left is removed", (folder / "999999-1-x.part").exists(), False)


def faults(s3, proxy, work):
    def through(*arguments, rule=None, **more):
        proxy.reset(rule)
        return s3.probe(*arguments, endpoint=proxy.endpoint, **more)

    content = (s3.path / "lake/big").read_bytes()
    for name, action in (("500", s3_error(500, "InternalError")), ("503", s3_error(503, "SlowDown")), ("SlowDown as 400", s3_error(400, "SlowDown")), ("reset", ("lose",)), ("502 of a proxy", ("status", 502, b"<html>bad gateway"))):
        check(f"{name} three times", through("read", "s3://lake/h/seen", rule=first(3, action)).stdout, "x")
        check(f"{name}: so many requests", proxy.count("GET"), 4)
    dice = random.Random(3)
    done = through("range", "s3://lake/big", 0, len(content), binary=True, rule=lambda r: ("cut", dice.randrange(1, 6 << 20)) if r["method"] == "GET" and dice.random() < 0.7 else None)
    check("connections cut inside bodies", done.stdout == content)
    check("goes on where it was cut", sum("if-match" in r["headers"] for r in proxy.requests) > 2)
    done = through("range", "s3://lake/big", 0, 1 << 20, binary=True, options=["s3.stall-seconds=1"], rule=first(1, ("stall", 30)))
    check("a stall", done.stdout == content[: 1 << 20])
    check("a put whose answer is lost", through("write-new", "s3://lake/lost", "mine", rule=first(1, ("lose",))).returncode, 0)
    check("is there", s3.probe("read", "s3://lake/lost").stdout, "mine")
    check("one whose answer is lost, but which was another's", through("write-new", "s3://lake/lost", "other", rule=first(1, ("lose",))).returncode, 1)
    path = work / "big"
    for name, rule in (("a part lost", first(2, ("lose",), lambda r: "partNumber" in r["path"])), ("the completion lost", first(1, ("lose",), lambda r: r["method"] == "POST" and "uploadId" in r["path"])), ("a completion that fails within 200", first(1, ("status", 200, b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>"), lambda r: r["method"] == "POST" and "uploadId" in r["path"]))):
        s3.probe("delete", "s3://lake/parts")
        check(f"{name}: works", through("put-new", "s3://lake/parts", path, rule=rule).returncode, 0)
        check(f"{name}: content", (s3.path / "lake/parts").read_bytes() == path.read_bytes())
    dead = through("read", "s3://lake/h/seen", options=["s3.retry.num-retries=2"], rule=lambda r: s3_error(503, "SlowDown"))
    check_in("it gives up with S3's words", "IO GET s3://lake/h/seen: status 503 SlowDown: by test", dead.stderr)
    check("after three requests", len(proxy.requests), 3)
    dead = through("read", "s3://lake/h/seen", options=["s3.retry.num-retries=1"], rule=lambda r: ("lose",))
    check_in("resets to the end", "IO after 2 tries", dead.stderr)
    dead = s3.probe("read", "s3://lake/h/seen", endpoint="http://127.0.0.1:1", options=["s3.retry.num-retries=1"])
    check_in("nobody there", "Failed to connect", dead.stderr)
    whole = ("answer", lambda status, headers, body: (200, headers, content))
    check_in("a server without ranges", "it sent more bytes than were asked for", through("range", "s3://lake/big", 5, len(content) - 5, rule=lambda r: whole).stderr)
    for name, body, part in (("no XML", b"this is no XML", "XML cannot be read"), ("a bomb", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><x>&b;</x>", "DOCTYPE"), ("too deep", b"<a>" * 50, "nested too deep"), ("a size that is none", b"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>", "size '-1'"), ("a page without end", b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "names no next one"), ("a page that leads to itself", b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>", "a page leads to itself")):
        check_in(name, part, through("list", "s3://lake/", rule=lambda r: ("status", 200, body)).stderr)


def load(s3, proxy, work):
    """A worksheet over S3 through all the faults at once: every row, once."""
    source = work / "gen"
    run(FLOE, "gen", "flow-logs", "--rows", 30000, "--rows-per-file", 1000, "--out", source, "--format", "text", "--seed", 1)
    files = sorted(p for p in source.rglob("*") if p.is_file())
    rows = 0
    for path in files:
        target = s3.path / "inbox" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    sheet = lambda endpoint: s3.connection("s", endpoint) + """CREATE ICEBERG TABLE default_glue_catalog.net.flows() PARTITIONED BY $event_date STORAGE_CONNECTION = s STORAGE_LOCATION = 's3://lake/%s/flows/';
CREATE SYNC JOB j START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd' COLUMN_TRANSFORMATIONS = (k = UUID_GENERATOR(account_id::string)) AS COPY FROM S3 s LOCATION = 's3://inbox/AWSLogs/' INTO default_glue_catalog.net.flows;
"""
    question = "SELECT count(*), count(DISTINCT k), bit_xor(hash(k, srcaddr, dstaddr, packets)) FROM default_glue_catalog.net.flows"

    def load_once(name, endpoint, **more):
        h = Home()
        h.worksheet.write_text(sheet(endpoint) % name)
        done = h.load("--most-files", "10", **more)
        return h, done

    h, done = load_once("clean", s3.endpoint)
    check("the load works", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    want = h.sql(question)
    rows = int(want[0].split(",")[0])
    check("every row", rows >= 30000 and want[0].split(",")[1] == str(rows))
    check("secrets are nowhere in the home", any(KEYS[1].encode() in p.read_bytes() for p in h.home.rglob("*") if p.is_file()), False)
    h.close()
    dice = random.Random(5)

    def storm(request):
        x = dice.random()
        if x < 0.04:
            return s3_error(503, "SlowDown")
        if x < 0.08:
            return s3_error(500, "InternalError")
        if x < 0.12:
            return ("lose",)
        if x < 0.20 and request["method"] == "GET":
            return ("cut", dice.randrange(1, 4000))
        return None

    proxy.reset(storm)
    h, done = load_once("storm", proxy.endpoint)
    check("the load works in a storm", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    proxy.reset()
    check("the same rows", h.sql(question), want)
    h.close()

    # kills and faults together
    proxy.reset(storm)
    h = Home()
    h.worksheet.write_text(sheet(proxy.endpoint) % "kills")
    kills = 0
    for _ in range(12):
        p = subprocess.Popen([FLOE, "run", str(h.worksheet), "--until-caught-up", "--most-files", "4", "--quiet", "--home", str(h.home)], stderr=subprocess.DEVNULL)
        try:
            p.wait(timeout=dice.uniform(0.05, 0.8))
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            kills += 1
    check("it was killed", kills > 0)
    check("and ends well", h.load("--most-files", "10").returncode, 0)
    proxy.reset()
    check(f"after {kills} kills the same rows", h.sql(question), want)
    h.close()

    # stale lists: one that lacks the newest objects, and one with an object that is gone
    h = Home()
    h.worksheet.write_text(sheet(proxy.endpoint) % "stale")
    newest = s3.path / "inbox" / files[-1].relative_to(source)
    kept = newest.read_bytes()
    newest.unlink()
    captured = {}

    def capture(request):
        if "list-type" in request["path"] and "prefix=AWSLogs" in request["path"]:
            return ("answer", lambda status, headers, body: captured.setdefault("list", (status, headers, body)))
        return None

    proxy.reset(capture)
    s3.probe("list", "s3://inbox/AWSLogs/", endpoint=proxy.endpoint)
    newest.write_bytes(kept)
    proxy.reset(capture)
    check("a stale list loads what it shows", h.load().returncode, 0)
    check("not the newest", int(h.sql(question)[0].split(",")[0]) < rows)
    proxy.reset()
    check("the next list", h.load().returncode, 0)
    check("brings it", h.sql(question), want)
    h.close()

    h = Home()
    h.worksheet.write_text(sheet(proxy.endpoint) % "gone")
    captured.clear()
    proxy.reset(capture)
    s3.probe("list", "s3://inbox/AWSLogs/", endpoint=proxy.endpoint)
    newest.unlink()
    done = h.load()
    check_in("an object that a stale list still shows is set aside", "it was listed, but is not there", done.stderr + h.floe("jobs").stdout + h.floe("jobs").stderr)
    without = int(h.sql(question)[0].split(",")[0])
    check("the others are loaded", 0 < without < rows)
    newest.write_bytes(kept)
    proxy.reset()
    h.load()
    check("when it is there again it is loaded", h.sql(question), want)
    h.close()


def secrets(s3):
    """Secrets of connections: sealed in the home, changed by ALTER, hidden in errors."""
    with Home() as h:
        sheet = h.path / "secrets.sql"
        folder = s3.path / "lake/seen"
        folder.mkdir()
        (folder / "f_20240418T0000Z_1.log").write_text(log_text(record()))

        def carry_out(text):
            sheet.write_text(text)
            return h.floe("run", sheet)

        check("a connection with a wrong secret", carry_out(f"CREATE S3 CONNECTION s AWS_ACCESS_KEY_ID = '{KEYS[0]}' AWS_SECRET_ACCESS_KEY = 'wrong-secret' ENDPOINT = '{s3.endpoint}';").returncode, 0)
        job = """CREATE ICEBERG TABLE default_glue_catalog.net.seen() PARTITIONED BY $event_date;
CREATE SYNC JOB j START_FROM = BEGINNING AS COPY FROM S3 s LOCATION = 's3://lake/seen/' INTO default_glue_catalog.net.seen;"""
        h.worksheet.write_text(job)
        refused = h.load()
        check_in("is refused", "SignatureDoesNotMatch", refused.stderr)
        check("without being shown", "wrong-secret" in refused.stderr, False)
        check("ALTER gives the right one", carry_out(f"ALTER S3 CONNECTION s SET AWS_SECRET_ACCESS_KEY = '{KEYS[1]}';").returncode, 0)
        check("another option keeps it", carry_out("ALTER S3 CONNECTION s SET PATH_STYLE = TRUE;").returncode, 0)
        check("then it loads", h.load().returncode, 0)
        check("the row", h.sql("SELECT count(*) FROM default_glue_catalog.net.seen"), ["1"])
        shown = h.floe("sql", "SHOW CREATE CONNECTION s", "--format", "csv").stdout
        check_in("a listing hides it", "AWS_SECRET_ACCESS_KEY = '***'", shown)
        check("it is nowhere in the home", any(secret in p.read_bytes() for secret in (b"wrong-secret", KEYS[1].encode()) for p in h.home.rglob("*") if p.is_file()), False)
        wrong = carry_out("CREATE S3 CONNECTION b AWS_SECRET_ACCESS_KEY = 'oops-secret' NIX = 3;")
        check_in("an error shows the line", "AWS_SECRET_ACCESS_KEY = '***********' NIX = 3", wrong.stderr)
        check("secrets.key is its owner's alone", (h.home / "secrets.key").stat().st_mode & 0o777, 0o600)


work = pathlib.Path(tempfile.mkdtemp(prefix="floe-s3-test-"))
try:
    s3 = S3("lake", "logs", "inbox")
    proxy = Proxy(s3.endpoint)
    for part in (lambda: operations(s3), lambda: pages(s3), lambda: uploads(s3, work), lambda: spool(s3, proxy, work), lambda: faults(s3, proxy, work), lambda: load(s3, proxy, work), lambda: secrets(s3)):
        begin = time.time()
        part()
        print(f"{time.time() - begin:.1f} s")
    s3.close()
finally:
    stop_all()
    shutil.rmtree(work, ignore_errors=True)
finish()
