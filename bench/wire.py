#!/usr/bin/env python3
"""The protocols' own cost: small queries over Bolt and Gremlin by plain sockets, a million Bolt records, 200 clients at once."""
import json
import statistics
import sys
import threading
import time

from report import ROOT, finish, report

sys.path.insert(0, str(ROOT / "tests"))
import raw_clients as raw  # noqa: E402
from serving import serving, small_home  # noqa: E402



def median_ms(times):
    return statistics.median(times) * 1e3


def small_queries(server):
    s = raw.bolt(server)
    times = []
    for _ in range(2000):
        started = time.perf_counter()
        s.sendall(raw.bolt_message(raw.bolt_struct(0x10, "RETURN 1", {}, {})) + raw.bolt_message(raw.bolt_struct(0x3F, {"n": -1})))
        for _ in range(3):
            raw.read_bolt(s)
        times.append(time.perf_counter() - started)
    report("Bolt: RETURN 1, whole round trip", median_ms(times), "ms", "< 0.3", median_ms(times) < 0.3)
    s.close()
    s = raw.gremlin(server)
    request = json.dumps({"requestId": "41d2e28a-20a4-4ab0-b379-d810dede3786", "op": "eval", "processor": "", "args": {"gremlin": "g.V().limit(1).count()"}}).encode()
    times = []
    for _ in range(2000):
        data = raw.frame(request, 1)
        started = time.perf_counter()
        s.sendall(data)
        raw.read_frame(s)
        times.append(time.perf_counter() - started)
    report("Gremlin: g.V().limit(1).count(), whole round trip", median_ms(times), "ms", "< 0.3", median_ms(times) < 0.3)
    s.close()


def many_records(server):
    before = server.memory_mb()
    s = raw.bolt(server)
    query = "MATCH (a)-[e]->(b)<-[f]-(c) RETURN e.packets AS p, f.bytes AS b LIMIT 1000000"
    started = time.perf_counter()
    s.sendall(raw.bolt_message(raw.bolt_struct(0x10, query, {}, {})) + raw.bolt_message(raw.bolt_struct(0x3F, {"n": -1})))
    mark = b"\xb1\x71\x92"  # of a record; one that lies across two reads counts once
    tail, size, records, most = b"", 0, 0, before
    while b"t_last" not in tail:
        part = s.recv(1 << 20)
        size += len(part)
        records += (tail[-2:] + part).count(mark)
        tail = tail[-200:] + part
        if size % 64 == 0:
            most = max(most, server.memory_mb())
    seconds = time.perf_counter() - started
    report("Bolt: records that came", records, "records", "1000000", records == 1000000)
    most = max(most, server.memory_mb())
    report("Bolt: records a second, drained by a plain socket", records / seconds, "records/s", ">= 300000", records / seconds >= 300000)
    report("Bolt: memory grown by them", most - before, "MB", "< 60", most - before < 60)


def clients(server):
    """Of 200 clients every tenth asks long queries, the others short ones."""
    stop, short = time.perf_counter() + 8, []
    lock = threading.Lock()

    def one(number):
        s = raw.bolt(server)
        is_long = number % 10 == 0
        query = "MATCH (a)-[e]->(b)<-[f]-(c) RETURN count(*)" if is_long else "MATCH (a) RETURN id(a) LIMIT 1"
        own = []
        while time.perf_counter() < stop:
            started = time.perf_counter()
            s.sendall(raw.bolt_message(raw.bolt_struct(0x10, query, {}, {})) + raw.bolt_message(raw.bolt_struct(0x3F, {"n": -1})))
            for _ in range(3):
                raw.read_bolt(s)
            own.append(time.perf_counter() - started)
            time.sleep(0.2)
        with lock:
            if not is_long:
                short.extend(own)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    short.sort()
    p99 = short[int(len(short) * 0.99)] * 1e3
    report("200 clients: p99 of the short queries", p99, "ms", "< 50", p99 < 50)


home = small_home(25000)
try:
    with serving(home=home) as server:
        small_queries(server)
        many_records(server)
        clients(server)
finally:
    home.close()
finish("wire")
