#!/usr/bin/env python3
"""The servers of `floe serve`: HTTP by the standard library, WebSocket and Bolt by plain sockets, the npm drivers."""
import base64
import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import check, check_in, finish, log_text, record, skip
from raw_clients import GREETING, NONE, bolt, bolt_message, bolt_struct, frame, gremlin, greet, pack, read_bolt, read_frame, v, web_socket
from serving import PASSWORD, connect, node_modules, serving, small_home

BASIC = "Basic " + base64.b64encode(f"tester:{PASSWORD}".encode()).decode()


def ask(server, method, path, body=None, port=None, **headers):
    """Status, headers, body as text."""
    c = http.client.HTTPConnection("127.0.0.1", port or server.http, timeout=30)
    sent = {"Authorization": BASIC, **{k.replace("_", "-"): v for k, v in headers.items()}}
    data = json.dumps(body) if isinstance(body, (dict, list)) else body
    c.request(method, path, data, {k: v for k, v in sent.items() if v is not None})
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, r.headers, text


def lines(server, **query):
    status, _, text = ask(server, "POST", "/api/query", query)
    return status, [json.loads(x) for x in text.splitlines()]


def rows_of(answer):
    return [row for line in answer for row in line.get("rows", [])]


def test_queries(server):
    status, got = lines(server, language="gremlin", text="g.V().count()")
    count = rows_of(got)[0][0]
    check("columns come first", got[0]["columns"], [{"name": "result", "type": "ANY"}])
    check("the end comes last", got[-1]["end"]["rows"], 1)
    _, got = lines(server, language="cypher", text="MATCH (a) RETURN count(a) AS n")
    check("Cypher counts the same", rows_of(got), [[count]])
    _, got = lines(server, language="sql", text="SELECT count(*) AS n, sum(packets) AS p FROM vpcflowlogs_connections")
    check("SQL names its columns", [c["name"] for c in got[0]["columns"]], ["n", "p"])
    edges = rows_of(got)[0][0]
    _, got = lines(server, language="gremlin", text="g.E()", properties=False)
    check("every edge comes", len(rows_of(got)), edges)
    check("an edge names its ends", sorted(rows_of(got)[0][0]), ["@type", "from", "id", "label", "to"])
    _, got = lines(server, language="gremlin", text="g.E()", limit=10)
    check("limit ends the stream", (len(rows_of(got)), got[-1]["end"]["isTruncated"]), (10, True))
    status, got = lines(server, language="gremlin", text="g.V().lmit(2)")
    check("a wrong text is 400", status, 400)
    check("its place is told", got[0]["error"]["position"], {"line": 1, "column": 7})
    check("an unknown language", lines(server, language="prolog", text="x")[0], 400)
    check("an unknown graph", lines(server, language="gremlin", text="g.V()", graph="nosuch")[0], 404)
    check("no JSON", ask(server, "POST", "/api/query", "{")[0], 400)
    check("a body too large", ask(server, "POST", "/api/query", "x" * (17 << 20))[0], 413)


def test_compatible(server):
    _, _, text = ask(server, "POST", "/submitCypher", {"query": "MATCH (a) RETURN count(a) AS total"})
    check("submitCypher", json.loads(text)[0]["Keys"], ["total"])
    _, _, text = ask(server, "POST", "/gremlin", {"gremlin": "g.V().limit(x).count()", "bindings": {"x": 3}}, port=server.gremlin)
    check("POST /gremlin", json.loads(text)["result"]["data"]["@value"], [{"@type": "g:Int64", "@value": 3}])
    _, _, text = ask(server, "POST", "/submit", {"query": "g.V().limit(1)"})
    vertex = json.loads(text)["@value"][0]["@value"]["id"]
    _, _, text = ask(server, "POST", "/ui-api/props", {"type": "V", "ids": [vertex]})
    check_in("props of a vertex", vertex, text)
    _, _, text = ask(server, "GET", "/schemajson")
    schema = json.loads(text)
    _, _, text = ask(server, "POST", "/schema?preflight=true", schema)
    check("preflight", json.loads(text)["ok"], True)
    before = json.loads(ask(server, "GET", "/api/schema")[2])["version"]
    check("an upload is a new version", json.loads(ask(server, "POST", "/schema", schema)[2])["version"], before + 1)
    check_in("a wrong schema says why", "errorMessage", ask(server, "POST", "/schema", {"vertices": [{}]})[2])
    check("rolling back", json.loads(ask(server, "POST", "/api/schema/rollback", {"version": before})[2])["version"], before + 2)
    check("validate", json.loads(ask(server, "POST", "/api/schema/validate", {"vertices": [{}]})[2])["ok"], False)
    graph = json.loads(ask(server, "GET", "/api/graph")[2])
    check("labels", [x["label"] for x in graph["vertices"]], ["devices"])
    status, headers, text = ask(server, "GET", "/", Accept="application/json", Authorization=None)
    check("what Neo4j Browser looks for", json.loads(text)["bolt_direct"].endswith(f":{server.bolt}"), True)
    _, headers, _ = ask(server, "GET", "/", Authorization=None)
    check_in("pages carry a policy", "default-src 'none'; script-src 'self'; style-src 'self';", headers["Content-Security-Policy"])
    _, _, text = ask(server, "GET", "/metrics")
    check_in("metrics", 'floe_queries_total{language="cypher",outcome="done"}', text)
    check("status", json.loads(ask(server, "GET", "/status")[2])["connections"]["http"] >= 1, True)


def test_sign_in(server):
    check("nobody is let in", ask(server, "GET", "/status", Authorization=None)[0], 401)
    check("a wrong password", ask(server, "GET", "/status", Authorization="Basic " + base64.b64encode(b"tester:x").decode())[0], 401)
    check("healthz needs nothing", ask(server, "GET", "/healthz", Authorization=None)[0], 200)
    status, headers, _ = ask(server, "POST", "/api/session", {"username": "tester", "password": PASSWORD}, Authorization=None)
    cookie = headers["Set-Cookie"]
    check("the cookie is for the browser alone", all(x in cookie for x in ("HttpOnly", "SameSite=Strict")), True)
    cookie = cookie.split(";")[0]
    check("it signs in", json.loads(ask(server, "GET", "/api/session", Authorization=None, Cookie=cookie)[2])["user"], "tester")
    query = {"language": "gremlin", "text": "g.V().count()"}
    own = f"http://127.0.0.1:{server.http}"
    kind = "application/json"
    check("a page of its own", ask(server, "POST", "/api/query", query, Authorization=None, Cookie=cookie, Origin=own, Content_Type=kind)[0], 200)
    check("a page from elsewhere", ask(server, "POST", "/api/query", query, Authorization=None, Cookie=cookie, Origin="http://evil.example", Content_Type=kind)[0], 403)
    check("a form from elsewhere", ask(server, "POST", "/api/query", json.dumps(query), Authorization=None, Cookie=cookie, Content_Type="text/plain")[0], 403)
    token = json.loads(ask(server, "POST", "/api/tokens", {"name": "ci"})[2])
    check("a token", ask(server, "GET", "/status", Authorization="Bearer " + token["token"])[0], 200)
    check("taken back", ask(server, "DELETE", "/api/tokens/" + token["id"])[0], 204)
    check("and gone", ask(server, "GET", "/status", Authorization="Bearer " + token["token"])[0], 401)
    check("signed out", ask(server, "DELETE", "/api/session", Authorization=None, Cookie=cookie)[0], 204)
    check("for good", ask(server, "GET", "/api/session", Authorization=None, Cookie=cookie)[0], 401)
    path = server.link.split(str(server.http), 1)[1]
    check("the link signs in", "Set-Cookie" in ask(server, "GET", path, Authorization=None)[1], True)
    check("once", "Set-Cookie" in ask(server, "GET", path, Authorization=None)[1], False)
    wrong = {"username": "nobody", "password": "wrong wrong"}
    codes = [ask(server, "POST", "/api/session", wrong, Authorization=None)[0] for _ in range(7)]
    check("failures are slowed", (codes[0], codes[-1]), (401, 429))
    check("of that name alone", ask(server, "GET", "/status")[0], 200)


LONG = "g.V().out().in().out().in().out().in().out().in().out().in().count()"
LONG_SQL = "SELECT count(*) FROM range(100000) a, range(1000000) b WHERE a.range % 7 + b.range % 3 = 4"


def running(server):
    return [q["id"] for q in json.loads(ask(server, "GET", "/api/query")[2])["queries"]]


def wait_until(what, test):
    for _ in range(200):
        if test():
            check(what, True)
            return
        time.sleep(0.05)
    check(what, False)


def test_cancel(server):
    for name, language, text in (("SQL", "sql", LONG_SQL),):
        got = []
        thread = threading.Thread(target=lambda: got.extend(lines(server, language=language, text=text, id="long-one")))
        thread.start()
        wait_until(f"{name} runs", lambda: "long-one" in running(server))
        check("an id runs once", lines(server, language="sql", text="SELECT 1", id="long-one")[0], 409)
        check(f"{name} is cancelled", ask(server, "DELETE", "/api/query/long-one")[0], 204)
        thread.join(20)
        check(f"{name} says so", got[1][-1].get("error", {}).get("code"), "CANCELLED")
    s = connect(server.http)
    s.sendall(post(language="sql", text=LONG_SQL, id="left"))
    wait_until("it runs", lambda: "left" in running(server))
    s.close()
    wait_until("who leaves cancels", lambda: "left" not in running(server))
    status, got = lines(server, language="sql", text=LONG_SQL, timeoutMs=1500)
    check("time is up", got[-1].get("error", {}).get("code"), "LIMIT")
    check("progress came", any("progress" in x for x in got), True)


def post(**query):
    body = json.dumps(query)
    return f"POST /api/query HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_at_once(server):
    """A question that comes in the moment after a long one does not wait for it, whatever threads were idle."""
    get = f"GET /api/query HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\n\r\n".encode()
    answered = 0
    for n in range(60):
        with connect(server.http) as long, connect(server.http) as short:
            ask(server, "GET", "/healthz")
            long.sendall(post(language="sql", text=LONG_SQL, id=f"first-{n}"))
            short.sendall(get)
            answered += short.recv(12) == b"HTTP/1.1 200"
            if n % 2:
                time.sleep(0.03)                                 # long enough to be slowed
    check("each of them was answered", answered, 60)
    for n in range(20):
        with connect(server.http) as s:
            s.sendall(post(language="sql", text=LONG_SQL, id=f"gone-{n}"))
    time.sleep(0.2)                                              # those that begin only now know that nobody waits
    wait_until("nothing runs for those who left", lambda: not running(server))


def test_pipelined(server):
    """Requests that do not wait for the answer before: they may lose the connection, others notice nothing."""
    body = b'{"language":"sql","text":"SELECT 1"}'
    head = f"Host: 127.0.0.1:{server.http}\r\nAuthorization: {BASIC}\r\nContent-Type: application/json\r\n".encode()
    post = b"POST /api/query HTTP/1.1\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    get = b"GET /healthz HTTP/1.1\r\n" + head + b"\r\n"
    for name, sent in {"GET, POST": get + post, "POST, POST": post + post, "POST, GET": post + get}.items():
        with connect(server.http) as s:
            s.sendall(sent)
            time.sleep(0.3)
            check(f"the server answers others after {name} at once", ask(server, "GET", "/healthz")[0], 200)


def slow_reader(server):
    """Asks for far more than it reads."""
    s = connect(server.http)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    body = json.dumps({"language": "gremlin", "text": "g.V().out().in().out()", "properties": False})
    s.sendall(f"POST /api/query HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    return s


def test_slow(server):
    before = server.memory_mb()
    slow = [slow_reader(server) for _ in range(80)]
    time.sleep(1)
    started = time.monotonic()
    check("others are served", lines(server, language="gremlin", text="g.V().count()")[0], 200)
    check("at once", time.monotonic() - started < 2, True)
    check("slow readers hold a megabyte each at most", server.memory_mb() - before < 80 * 2.5, True)
    for s in slow:
        s.close()
    wait_until("and nothing when they leave", lambda: not running(server))


def test_requests_before_sign_in(server, request):
    """Several requests in flight: one challenge, and the answer to it decides for all."""
    ids = [f"41d2e28a-20a4-4ab0-b379-d810dede378{i}" for i in range(5)]
    for password, code in (("wrong", 401), (PASSWORD, 200)):
        s = web_socket(server.gremlin)
        for i in ids:
            s.sendall(frame(json.dumps({**request, "requestId": i}).encode(), 1))
        got = json.loads(read_frame(s))
        check("one challenge", (got["status"]["code"], got["requestId"]), (407, ids[0]))
        sasl = base64.b64encode(f"\0tester\0{password}".encode()).decode()
        s.sendall(frame(json.dumps({**request, "requestId": ids[0], "op": "authentication", "args": {"sasl": sasl}}).encode(), 1))
        got = [json.loads(read_frame(s)) for _ in ids]
        check(f"all are answered, {code}", sorted((x["requestId"], x["status"]["code"]) for x in got), [(i, code) for i in ids])
        s.close()


def test_gremlin_frames(server):
    s = web_socket(server.gremlin)
    check("no other path", web_socket(server.gremlin, "/elsewhere"), None)
    for name, data in (("an unknown mime type", b"\x04abcd{}"), ("a mime length past the end", b"\xffabc"), ("an empty message", b""), ("no JSON", b"\x10application/json{")):
        s.sendall(frame(data))
        check(name, json.loads(read_frame(s))["status"]["code"], 498)
    request = {"requestId": "41d2e28a-20a4-4ab0-b379-d810dede3786", "op": "eval", "processor": "", "args": {"gremlin": "g.V().count()"}}
    text = json.dumps(request).encode()
    s.sendall(frame(text[:20], 1, False) + frame(text[20:], 0))
    got = json.loads(read_frame(s))
    check("sign in first", (got["status"]["code"], got["requestId"]), (407, request["requestId"]))
    sasl = base64.b64encode(f"\0tester\0{PASSWORD}".encode()).decode()
    s.sendall(frame(json.dumps({**request, "op": "authentication", "args": {"sasl": sasl}}).encode(), 1))
    check("then the answer", json.loads(read_frame(s))["status"]["code"], 200)
    test_requests_before_sign_in(server, request)
    for name, change, code in (("an unknown op", {"op": "dance"}, 499), ("no gremlin", {"args": {}}, 499), ("a fault in the text", {"args": {"gremlin": "g.V("}}, 597),
                               ("bytecode that is none", {"op": "bytecode", "processor": "traversal"}, 499), ("no id", {"requestId": 5}, 498)):
        s.sendall(frame(json.dumps({**request, **change}).encode(), 1))
        check(name, json.loads(read_frame(s))["status"]["code"], code)
    s.sendall(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 1000)
    s.close()
    big = web_socket(server.gremlin)
    try:
        for _ in range(18):
            big.sendall(frame(b"x" * (1 << 20), 2 if _ == 0 else 0, False))
        big.settimeout(5)
        closed = big.recv(1) == b""
    except OSError:
        closed = True
    check("a message without end is cut", closed)
    check("the server stands", ask(server, "GET", "/healthz")[0], 200)


def test_bolt(server):
    for wishes, want in (((v(5, 8, 8), v(4, 4, 2), NONE, NONE), v(5, 4)), ((v(4, 4, 2), NONE, NONE, NONE), v(4, 4)), ((b"\0\0\1\xff", v(5, 1), NONE, NONE), v(5, 1)),
                         ((v(3, 0), NONE, NONE, NONE), NONE), ((v(6, 0), v(5, 6), v(5, 3), NONE), v(5, 3))):
        check(f"versions {wishes}", greet(server, wishes)[1], want)
    s, _ = greet(server, (v(4, 4), NONE, NONE, NONE))
    s.sendall(bolt_message(bolt_struct(0x01, {"scheme": "basic", "principal": "tester", "credentials": "no"})))
    check_in("a wrong password", b"Unauthorized", read_bolt(s))
    check("ends the connection", s.recv(1), b"")
    s = bolt(server)
    s.sendall(bolt_message(bolt_struct(0x10, "MATCH (a RETURN a", {}, {})) + bolt_message(bolt_struct(0x3F, {"n": -1})))
    check_in("a fault", b"SyntaxError", read_bolt(s))
    check("what follows is ignored", read_bolt(s)[1], 0x7E)
    s.sendall(bolt_message(bolt_struct(0x0F)))
    check("until a reset", read_bolt(s)[1], 0x70)
    s.sendall(bolt_message(bolt_struct(0x10, "MATCH (a) RETURN id(a)", {}, {})) + bolt_message(bolt_struct(0x3F, {"n": 3})))
    got = [read_bolt(s) for _ in range(5)]
    check("RUN, three records, more", [m[1] for m in got], [0x70, 0x71, 0x71, 0x71, 0x70])
    check_in("has_more", b"has_more", got[-1])
    s.sendall(bolt_message(bolt_struct(0x2F, {"n": -1})))
    check("the rest is discarded", read_bolt(s)[1], 0x70)
    s.sendall(bolt_message(bolt_struct(0x10, "MATCH (a)-[*1..8]->(b) RETURN count(*)", {}, {})) + bolt_message(bolt_struct(0x3F, {"n": -1})))
    read_bolt(s)
    time.sleep(0.3)
    started = time.monotonic()
    s.sendall(bolt_message(bolt_struct(0x0F)))
    while read_bolt(s)[1] != 0x70:
        pass
    check("RESET stops what runs", time.monotonic() - started < 2, True)
    s.sendall(bolt_message(bolt_struct(0x66, {"address": "somewhere:7687"}, None, None)))
    while b"ROUTE" not in read_bolt(s):
        pass
    check("ROUTE", True)
    s.close()
    for name, data in (("rubbish", os.urandom(400)), ("an endless map", GREETING + v(5, 4) + NONE * 3 + bolt_message(b"\xB1\x01\xDA\xFF\xFF\xFF\xFF")),
                       ("nesting", GREETING + v(5, 4) + NONE * 3 + bolt_message(b"\xB1\x01" + b"\x91" * 5000))):
        s = connect(server.bolt)
        s.sendall(data)
        s.settimeout(5)
        try:
            while s.recv(4096):
                pass
            ended = True
        except (ConnectionError, TimeoutError) as why:
            ended = not isinstance(why, TimeoutError)
        check(f"{name} ends the connection", ended)
    ws = web_socket(server.bolt, "/")
    ws.sendall(frame(GREETING + v(5, 4) + NONE * 3))
    check("Bolt over WebSocket", read_frame(ws), v(5, 4))
    ws.close()


def test_bolt_frames(server):
    """Messages that fill the room they are put together in exactly, or miss it by one, in chunks of many sizes."""
    s = bolt(server)
    for exponent in range(6, 18):
        for off in (-1, 0, 1):
            size = (1 << exponent) + off
            shell = 2 + len(pack("RETURN size($t) AS n")) + len(pack({})) + 1 + len(pack("t"))
            head = 5 if size - shell > 65540 else 3 if size - shell > 258 else 2
            text = "x" * (size - shell - head)
            packed = (b"\xD2" + len(text).to_bytes(4, "big") if head == 5 else b"\xD1" + len(text).to_bytes(2, "big") if head == 3 else b"\xD0" + bytes([len(text)])) + text.encode()
            message = b"\xB3\x10" + pack("RETURN size($t) AS n") + b"\xA1" + pack("t") + packed + pack({})
            assert len(message) == size
            for step in (size, size // 2, size // 4, size // 7):
                chunks = [message[i:i + step] for i in range(0, size, step)]
                chunks = [c[i:i + 65535] for c in chunks for i in range(0, len(c), 65535)]
                s.sendall(b"".join(struct.pack(">H", len(c)) + c for c in chunks) + b"\0\0" + bolt_message(bolt_struct(0x3F, {"n": -1})))
                got = [read_bolt(s) for _ in range(3)]
                if got[1] != b"\xB1\x71\x91" + pack_number(len(text)):
                    check(f"a message of {size} bytes in chunks of {step}", got[1], len(text))
    check("messages of every size around powers of two", True)
    s.sendall(bolt_message(bolt_struct(0x55)))
    check_in("an unknown message is told by its number", b"0x55 is no message of Bolt", read_bolt(s))
    s = bolt(server)
    s.sendall(bolt_message(bolt_struct(0x12)))
    check_in("one that cannot come now by its name", b"COMMIT cannot come now", read_bolt(s))


def pack_number(n):
    """The shortest form, as the server writes it."""
    return struct.pack(">b", n) if n < 128 else b"\xC9" + struct.pack(">h", n) if n < 32768 else b"\xCA" + struct.pack(">i", n)


DENSE = 16  # vertices, each with an edge to every other: more paths than a year can walk


def make_dense(server):
    s = bolt(server)
    for text in (f"UNWIND range(1, {DENSE}) AS i CREATE (:N {{i: i}})", "MATCH (a:N), (b:N) WHERE a.i <> b.i CREATE (a)-[:R]->(b)"):
        s.sendall(bolt_message(bolt_struct(0x10, text, {}, {"db": "dense"})) + bolt_message(bolt_struct(0x3F, {"n": -1})))
        check("the dense graph is made", [read_bolt(s)[1] for _ in range(2)], [0x70, 0x70])
    s.close()


ENDLESS_GREMLIN = f"g.V().repeat(out().simplePath()).times({DENSE - 1}).count()"
ENDLESS_CYPHER = "UNWIND range(1, 1000) AS a UNWIND range(1, 1000) AS b UNWIND range(1, 1000) AS c UNWIND range(1, 1000) AS d WITH a, d WHERE a * d % 7 = 3 RETURN count(*)"


def took(started):
    """About as long as the limit of the tests, 150 ms."""
    return 0.1 < time.monotonic() - started < 4


def test_time_limits(server):
    make_dense(server)
    s = gremlin(server)
    for name, text in (("a count", ENDLESS_GREMLIN), ("a stream", "g.V()" + ".out()" * 12 + ".path()")):
        request = {"requestId": "41d2e28a-20a4-4ab0-b379-d810dede3786", "op": "eval", "processor": "", "args": {"gremlin": text, "aliases": {"g": "dense"}, "evaluationTimeout": 150}}
        started, codes = time.monotonic(), []
        s.sendall(frame(json.dumps(request).encode(), 1))
        while not codes or codes[-1] == 206:
            codes.append(json.loads(read_frame(s))["status"]["code"])
        check(f"evaluationTimeout ends {name} with 598", (codes[-1], took(started), set(codes[:-1]) <= {206}), (598, True, True))
    s.close()
    s = bolt(server)
    for name, extra, before in (("tx_timeout of RUN", {"db": "dense", "tx_timeout": 150}, b""), ("tx_timeout of BEGIN", {}, bolt_message(bolt_struct(0x11, {"db": "dense", "tx_timeout": 150})))):
        started = time.monotonic()
        s.sendall(before + bolt_message(bolt_struct(0x10, ENDLESS_CYPHER, {}, extra)) + bolt_message(bolt_struct(0x3F, {"n": -1})))
        got = [read_bolt(s) for _ in range(3 if before else 2)]
        check(f"{name}: a failure, in time", (got[-1][1], took(started)), (0x7F, True))
        check_in(f"{name}: its code", b"Neo.ClientError.Transaction.TransactionTimedOut", got[-1])
        s.sendall(bolt_message(bolt_struct(0x0F)))
        check(f"{name}: a reset goes on", read_bolt(s)[1], 0x70)
    s.close()
    for language, text in (("gremlin", ENDLESS_GREMLIN), ("cypher", ENDLESS_CYPHER)):
        started = time.monotonic()
        _, got = lines(server, language=language, text=text, graph="dense", timeoutMs=150)
        check(f"timeoutMs of {language}", (got[-1].get("error", {}).get("code"), took(started)), ("LIMIT", True))
        check_in(f"{language} is told what ended it", "took longer", str(got[-1]))
    started = time.monotonic()
    _, _, text = ask(server, "POST", "/gremlin", {"gremlin": ENDLESS_GREMLIN, "aliases": {"g": "dense"}, "evaluationTimeout": 150}, port=server.gremlin)
    check_in("POST /gremlin: evaluationTimeout", "598", text)
    check("in time", took(started), True)
    wait_until("nothing runs on", lambda: not running(server))
    for text in ("[" * 60, "g.inject(" + "[" * 50 + "]" * 50 + ")", "[(" * 25):
        started = time.monotonic()
        ask(server, "POST", "/gremlin", {"gremlin": text}, port=server.gremlin)
        check(f"a row of brackets is read at once: {text[:12]}", time.monotonic() - started < 2, True)
    _, got = lines(server, language="cypher", text="UNWIND range(1, 20000) AS a UNWIND range(1, 1000) AS b RETURN count(*)")
    check("range() is counted out, not kept", rows_of(got), [[20000000]])
    _, got = lines(server, language="cypher", text="UNWIND range(1, 1000000) AS a WITH range(a, 1000000) AS l RETURN max(size(l))")
    check_in("lists without end meet the memory's limit", "bytes of memory", str(got[-1]))
    check("ends of range() too far apart", lines(server, language="cypher", text="RETURN range(-9223372036854775807, 9223372036854775807)")[1][-1].get("error", {}).get("code"), "INVALID")
    for more in ({"timeoutMs": (1 << 63) - 1}, {"timeoutMs": (1 << 63) // 1000}):
        check(f"the longest limits {more}", lines(server, language="cypher", text="RETURN 1 AS n", **more)[0], 200)
    for more in ({"timeout": (1 << 63) - 1}, {"timeout": (1 << 63) // 1000 + 1}, {"timeout": -(1 << 63)}):
        check(f"of submitCypher {more}", json.loads(ask(server, "POST", "/submitCypher", {"query": "RETURN 1 AS n", **more})[2])[0]["Values"], [1])


LEAVING = """
import json, socket, sys, time
sys.path.insert(0, sys.argv[1])
import types
import raw_clients as raw
server = types.SimpleNamespace(http=int(sys.argv[2]), gremlin=int(sys.argv[3]), bolt=int(sys.argv[4]))
kept = []
for _ in range(8):
    s = raw.connect(server.http)
    body = json.dumps({"language": "gremlin", "text": "g.V().out().in().out()", "properties": False})
    s.sendall(f"POST /api/query HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: {sys.argv[5]}\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
    s.recv(1000)
    kept.append(s)
    s = raw.gremlin(server)
    request = {"requestId": "41d2e28a-20a4-4ab0-b379-d810dede3786", "op": "eval", "processor": "", "args": {"gremlin": "g.V().out().in().out()"}}
    s.sendall(raw.frame(json.dumps(request).encode(), 1))
    s.recv(1000)
    kept.append(s)
    s = raw.bolt(server)
    s.sendall(raw.bolt_message(raw.bolt_struct(0x10, "MATCH (a)-->(b)<--(c)-->(d) RETURN a, b, c, d", {}, {})) + raw.bolt_message(raw.bolt_struct(0x3F, {"n": -1})))
    s.recv(1000)
    kept.append(s)
    for port in (server.http, server.gremlin, server.bolt):
        kept.append(raw.connect(port))
if sys.argv[6] == "half":
    for s in kept:
        s.shutdown(socket.SHUT_WR)
print("asked", flush=True)
time.sleep(100)
"""


def leaving(server, how):
    arguments = [str(pathlib.Path(__file__).parent), str(server.http), str(server.gremlin), str(server.bolt), BASIC, how]
    client = subprocess.Popen([sys.executable, "-c", LEAVING, *arguments], stdout=subprocess.PIPE, text=True)
    check(f"clients that will be {how} ask", client.stdout.readline().strip(), "asked")
    return client


def check_idle(server, what):
    time.sleep(1)
    before = server.cpu_seconds()
    time.sleep(5)
    used = server.cpu_seconds() - before
    check(f"{what}: {used:.2f} s of CPU in 5 s", used < 0.25, True)


def test_abandoned(server):
    """Clients that die or go still in the middle of an answer cost nothing afterwards."""
    still = [leaving(server, how) for how in ("half", "stopped")]
    still[1].send_signal(signal.SIGSTOP)
    check_idle(server, "half closed and stopped clients")
    killed = leaving(server, "killed")
    for client in (killed, *still):
        client.kill()
        client.wait()
        client.stdout.close()
    wait_until("their queries end", lambda: not running(server))
    check_idle(server, "dead clients")
    check("others are served", lines(server, language="gremlin", text="g.V().count()")[0], 200)


def say(s, *messages):
    """Each message's answers but records: (tag, data)."""
    s.sendall(b"".join(map(bolt_message, messages)))
    got = []
    while len(got) < len(messages):
        m = read_bolt(s)
        if m[1] == 0x71:
            records.append(m)
        else:
            got.append((m[1], m))
    return got


records = []
PULL, RESET, COMMIT, ROLLBACK = bolt_struct(0x3F, {"n": -1}), bolt_struct(0x0F), bolt_struct(0x12), bolt_struct(0x13)


def run(s, text, database="ggraph"):
    """(fine, the last record's bytes, the answer that ends it)."""
    records.clear()
    got = say(s, bolt_struct(0x10, text, {}, {"db": database}), PULL)
    return got[0][0] == 0x70 and got[1][0] == 0x70, records[-1] if records else b"", got[0][1] if got[0][0] == 0x7F else got[1][1]


def test_transactions(server, home):
    """On a graph in memory several statements stand or fall together; on tables they see one moment."""
    one, other = bolt(server), bolt(server)
    count = "MATCH (a:tx) RETURN count(a)"
    check("BEGIN", say(one, bolt_struct(0x11, {"db": "ggraph"}))[0][0], 0x70)
    check("it changes the graph", run(one, "CREATE (:tx), (:tx {n: 1})")[0])
    check("and again", run(one, "MATCH (a:tx {n: 1}) SET a.n = 2 CREATE (a)-[:of]->(:tx)")[0])
    check("others may read meanwhile", run(other, count)[1][-1], 3)
    fine, _, why = run(other, "CREATE (:tx)")
    check("but not change it", fine, False)
    check_in("and may try again", b"Neo.TransientError", why)
    say(other, RESET)
    check("a statement of it that fails", run(one, "MATCH (a:tx) SET a.m = 1 WITH a RETURN 1 / 0")[0], False)
    check("RESET ends it", say(one, RESET)[0][0], 0x70)
    check("and undoes all", run(other, count)[1][-1], 0)
    say(one, bolt_struct(0x11, {"db": "ggraph"}))
    run(one, "CREATE (:tx)-[:of]->(:tx)")
    check("ROLLBACK", say(one, ROLLBACK)[0][0], 0x70)
    check("undoes", run(one, count)[1][-1], 0)
    say(one, bolt_struct(0x11, {"db": "ggraph"}))
    run(one, "CREATE (:tx)-[:of]->(:tx)")
    check("COMMIT", say(one, COMMIT)[0][0], 0x70)
    check("keeps", run(one, count)[1][-1], 2)
    say(one, bolt_struct(0x11, {"db": "ggraph"}))
    run(one, "MATCH (a:tx) DETACH DELETE a")
    check("an emptied graph", run(one, count)[1][-1], 0)
    one.close()
    wait_until("is back when the client leaves", lambda: run(other, count)[1][-1] == 2)
    check("the relationship, too", run(other, "MATCH (:tx)-[e:of]->(:tx) RETURN count(e)")[1][-1], 1)
    run(other, "MATCH (a:tx) DETACH DELETE a")
    say(other, bolt_struct(0x11, {}))
    edges = "MATCH ()-[e]->() WHERE e.packets = 77 RETURN count(e)"
    before = run(other, edges, "g")[1][-1]
    home.write("123456789012_vpcflowlogs_us-east-1_fl-1_20240419T0000Z_tx.log.gz", log_text(record("10.9.9.1", "10.9.9.2", packets=77, number=1)))
    check("more is loaded", home.load().returncode, 0)
    check("a transaction sees one moment", (before, run(other, edges, "g")[1][-1], run(other, "MATCH (a) WHERE id(a) = 'devices[10.9.9.1]' RETURN count(a)")[1][-1]), (0, 0, 0))
    say(other, COMMIT)
    wait_until("the next one the new rows", lambda: run(other, edges, "g")[1][-1] == 1)
    other.close()


def test_npm(server, scheme_tail=""):
    folder = node_modules()
    if not folder:
        skip("npm drivers: no npm")
        return
    count = rows_of(lines(server, language="gremlin", text="g.V().count()")[1])[0][0] if not scheme_tail else None
    ws = "wss" if scheme_tail else "ws"
    done = subprocess.run(["node", "gremlin.js", f"{ws}://localhost:{server.gremlin}/gremlin", "tester", PASSWORD], cwd=folder, capture_output=True, text=True, timeout=120)
    check("npm gremlin runs: " + done.stderr[-600:], done.returncode, 0)
    if done.returncode == 0:
        got = json.loads(done.stdout)
        for form in ("graphbinary", "graphson3", "graphson2"):
            g = got[form]
            check(f"{form}: a count", g["count"] > 100 and (count is None or g["count"] == count), True)
            check(f"{form}: bindings", g["bound"], 5)
            check(f"{form}: a vertex", g["vertex"], ["Vertex", "devices", "string"])
            check(f"{form}: many batches", g["many"], 3000)
            check_in(f"{form}: a fault", "there is no step lmit()", g["error"])
            check(f"{form}: fifty at once", g["flight"], list(range(1, 51)))
            check(f"{form}: bytecode", g["bytecode"], sum(1 for i in range(3000) if 1 + i % 13 > 5))
            check(f"{form}: a map", g["labels"], [["devices", g["count"]]])
            check(f"{form}: a path", g["path"], 2)
        check("a session keeps its variables", got["session"], 2)
        check_in("a wrong password", "wrong", got["wrong"])
    for scheme in ("bolt", "neo4j"):
        tail = "+ssc" if scheme_tail else ""
        done = subprocess.run(["node", "bolt.js", scheme + tail, str(server.bolt), "tester", PASSWORD], cwd=folder, capture_output=True, text=True, timeout=120)
        check(f"npm neo4j-driver over {scheme}{tail} runs: " + done.stderr[-600:], done.returncode, 0)
        if done.returncode == 0:
            got = json.loads(done.stdout)
            check(f"{scheme}: version", got["version"], 5.4)
            check(f"{scheme}: an edge", (got["edge"][0], got["edge"][1], got["edge"][2]), ("connections", True, 13))
            check(f"{scheme}: all records", got["many"], 3000)
            check(f"{scheme}: fetch size", got["fetched"], got["after"])
            check(f"{scheme}: two results in a transaction", got["tx"], [got["after"], 3000])
            check(f"{scheme}: codes", (got["error"], got["database"], got["wrong"]), ("Neo.ClientError.Statement.SyntaxError", "Neo.ClientError.Database.DatabaseNotFound", "Neo.ClientError.Security.Unauthorized"))
            check(f"{scheme}: another graph", got["scratch"], 0)


def main():
    home = small_home()
    try:
        with serving("--scratch", "dense", home=home) as server:
            check("the first start makes no admin where there is a user", server.first_password, None)
            for test in (test_queries, test_compatible, test_sign_in, test_pipelined, test_at_once, test_cancel, test_slow, test_gremlin_frames, test_bolt, test_bolt_frames, test_time_limits, test_abandoned, test_npm):
                if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
                    test(server)
            if len(sys.argv) < 2 or "test_transactions" in sys.argv[1:]:
                test_transactions(server, home)
            check("it stops at once", server.stop() < 3, True)
        with serving("--no-sign-in", home=home) as server:
            check("nobody need sign in", ask(server, "GET", "/api/session", Authorization=None)[0], 200)
            check("but no page from elsewhere", ask(server, "GET", "/status", Authorization=None, Origin="http://evil.example")[0], 403)
            check("nor by another name", ask(server, "GET", "/status", Authorization=None, Host="evil.example")[0], 403)
        done = home.floe("serve", "--no-sign-in", "--host", "0.0.0.0", "--port", "0")
        check("not on other addresses", (done.returncode, "for this machine alone" in done.stderr), (1, True))
        done = home.floe("serve", "--port", "x")
        check("a wrong port", (done.returncode, "--port: port is a whole number" in done.stderr), (1, True))
    finally:
        home.close()


main()
finish()
