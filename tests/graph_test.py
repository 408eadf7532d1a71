#!/usr/bin/env python3
"""The graph engine on small random graphs, against plain Python: algorithms, paths, walks, repeat; unions of tables; refresh, AS OF, damaged caches."""
import collections
import ipaddress
import itertools
import json
import random
import re
import subprocess
import time

from harness import FLOE, Home, check, check_in, finish

T = "default_glue_catalog.t.e"


def schema(where=""):
    source = {"catalog": "c", "schema": "t", "table": "e", **({"whereClause": where} if where else {})}
    ends = [{**source, "mappedField": [{"sourceFieldName": name, "targetFieldName": "id"}]} for name in ("a", "b")]
    return {"catalogs": [{"name": "c", "type": "iceberg", "metastore": {"type": "embedded"}}],
            "node": [{"label": "v", "id": [{"name": "id", "type": "String"}], "dataSourceGroup": {"unionDataSource": {"enabled": True, "dedupKey": ["id"], "input": ends}}}],
            "edge": [{"label": "e", "fromNodeLabel": "v", "toNodeLabel": "v", "id": [{"name": "n", "type": "Long"}], "fromKey": [{"name": "a", "type": "String"}],
                      "toKey": [{"name": "b", "type": "String"}], "attribute": [{"name": "w", "type": "Long"}, {"name": "due", "type": "Long"}],
                      "dataSourceGroup": {"externalDataSource": {"enabled": True, **source, "mappedField": [
                          {"sourceFieldName": x, "targetFieldName": x} for x in ("n", "a", "b", "w", "due")]}}}]}


class Graph(Home):
    """A table of edges (n, a, b, w, due) and a graph of nothing else."""

    def __init__(self, edges):
        super().__init__()
        self.worksheet.write_text(f"CREATE FILE CONNECTION s ROOT = '{self.samples}'; CREATE ICEBERG TABLE {T}(); "
                                  f"CREATE SYNC JOB load START_FROM = BEGINNING CONTENT_TYPE = AUTO AS COPY FROM FILE s LOCATION = '.' INTO {T};")
        self.files = 0
        self.add(edges)
        path = self.path / "schema.json"
        path.write_text(json.dumps(schema()))
        done = self.floe("schema", "apply", path)
        check("apply: " + done.stderr, done.returncode, 0)

    def add(self, edges):
        rows = ", ".join(f"({n}::BIGINT, '{a}', '{b}', {w}::BIGINT, {at}::BIGINT)" for n, a, b, w, at in edges)
        self.files += 1
        self.sql(f"COPY (SELECT * FROM (VALUES {rows}) x(n, a, b, w, due)) TO '{self.samples}/{self.files}.parquet'")
        done = self.load()
        check("load: " + done.stderr[-300:], done.returncode, 0)

    def cypher(self, text):
        done = self.floe("cypher", text)
        return [line.split(" | ") for line in done.stdout.splitlines()[1:]] if done.returncode == 0 else [[done.stderr]]


def make(seed, vertices, count):
    r = random.Random(seed)
    names = [f"10.0.0.{i}" if i % 3 else f"host-{i}" for i in range(vertices)]
    return [(n, r.choice(names), r.choice(names[: vertices // 2 + 1]), r.randrange(1, 9), r.randrange(100)) for n in range(count)]


def name(text):
    return text[2:-1]


def distances(out, start):
    seen = {start: 0}
    queue = collections.deque([start])
    while queue:
        x = queue.popleft()
        for y in out[x]:
            if y not in seen:
                seen[y] = seen[x] + 1
                queue.append(y)
    return seen


def components(vertices, neighbours):
    left, found = set(vertices), []
    while left:
        group = set(distances(neighbours, next(iter(left))))
        found.append(len(group & left))
        left -= group
    return sorted(found)


def page_rank(vertices, edges, rounds):
    weight = collections.Counter((a, b) for _, a, b, _, _ in edges)
    out = collections.Counter(a for _, a, _, _, _ in edges)
    rank = {v: 1 / len(vertices) for v in vertices}
    for _ in range(rounds):
        dangling = sum(rank[v] for v in vertices if not out[v])
        new = {v: 0.15 / len(vertices) + 0.85 * dangling / len(vertices) for v in vertices}
        for (a, b), n in weight.items():
            new[b] += 0.85 * rank[a] * n / out[a]
        rank = new
    return rank


def core_numbers(neighbours):
    degree = {v: len(n) for v, n in neighbours.items()}
    left, core, k = set(neighbours), {}, 0
    while left:
        v = min(left, key=lambda x: degree[x])
        k = max(k, degree[v])
        core[v] = k
        left.remove(v)
        for y in neighbours[v] & left:
            degree[y] -= 1
    return core


def betweenness(vertices, out):
    score = dict.fromkeys(vertices, 0.0)
    for s in vertices:
        far = distances(out, s)
        order = sorted(far, key=far.get)
        ways, share = dict.fromkeys(vertices, 0), dict.fromkeys(vertices, 0.0)
        ways[s] = 1
        for x in order:
            for y in out[x]:
                if far[y] == far[x] + 1:
                    ways[y] += ways[x]
        for x in reversed(order):
            for y in out[x]:
                if far[y] == far[x] + 1:
                    share[x] += ways[x] / ways[y] * (1 + share[y])
            if x != s:
                score[x] += share[x]
    return score


def modularity(weights, community):
    """Of a graph without direction: {(a, b): weight}, loops once."""
    degree, total, inside = collections.Counter(), 0, 0
    for (a, b), w in weights.items():
        degree[a] += w
        degree[b] += w
        total += w
        inside += w if community[a] == community[b] else 0
    of = collections.Counter()
    for v, d in degree.items():
        of[community[v]] += d
    return inside / total - sum((d / (2 * total)) ** 2 for d in of.values())


def communities():
    """Four cliques of twelve in a ring, and few edges between them."""
    edges, r = [], random.Random(9)
    for c in range(4):
        edges += [(c * 12 + i, c * 12 + k) for i in range(12) for k in range(12) if i != k and r.random() < 0.7] + [(c * 12, (c + 1) % 4 * 12 + 5)]
    with Graph([(n, f"n{a}", f"n{b}", 1 + (a // 12 == b // 12) * 3, n % 6) for n, (a, b) in enumerate(edges)]) as g:
        weights, plain = collections.Counter(), collections.Counter()
        for a, b in edges:
            plain[f"n{min(a, b)}", f"n{max(a, b)}"] += 1
            weights[f"n{min(a, b)}", f"n{max(a, b)}"] += 1 + (a // 12 == b // 12) * 3
        planted = modularity(plain, {f"n{i}": i // 12 for i in range(48)})
        for call, w in (("algo.louvain({seed: 42, maxIterations: 30, maxLevels: 10})", plain), ("algo.labelPropagation({maxIterations: 30})", plain),
                        ("algo.louvain({relationshipWeightProperty: 'w'})", weights)):
            found = {name(i): c for i, c in g.cypher(f"CALL {call} YIELD id, communityId RETURN id, communityId")}
            check(f"{call}: every vertex", len(found), 48)
            check(f"{call}: as good as what was planted", modularity(w, found) >= min(planted, modularity(w, {f'n{i}': i // 12 for i in range(48)})) - 1e-9)
        check("louvain: four", len(set(c for _, c in g.cypher("CALL algo.louvain({}) YIELD id, communityId RETURN id, communityId"))), 4)
        forms = ["graph.program(PageRankProgram.build().maxIteration(20).vertices('v').edges('e').setParams('weight', 'w', 'threshold', 2.0, 'dampingFactor', 0.7).create()).submitAndGet().toList()",
                 "graph.program(LabelPropagationProgram.build().maxIteration(20).vertices('v').edges('e').setParams('weight','w').setParams('labelProperty','id').setParams('pinLabel',true).create()).submitAndGet().toList()",
                 "graph.program(WeakConnectedComponentProgram.build().maxIteration(20).vertices('v').edges('e').setParams('threshold',2.0,'weight','w').create()).submitAndGet().toList()",
                 "graph.program(LouvainProgram.build().vertices('v').edges('e').maxIteration(30).maxLevels(1).setParams('weight','w','threshold',0.0001,'largeCommunityThreshold',10000,'seed',42).create()).submitAndGet().toList()"]
        for form in forms:
            check(f"{form}: a result a vertex", len(g.gremlin(form)), 48)
        pinned = g.cypher("CALL algo.labelPropagation({labels: ['v'], relationshipTypes: ['e'], labelProperty: 'id', pinLabel: true}) YIELD id, communityId RETURN count(DISTINCT communityId)")
        check("pinned labels stay", pinned, [["48"]])
        apart = g.cypher("CALL algo.wcc({relationshipWeightProperty: 'w', threshold: 2.0}) YIELD componentId RETURN count(DISTINCT componentId)")
        check("components over heavy edges only", apart, [["4"]])
        got = {name(i): float(s) for i, s in g.cypher("CALL algo.paral.pagerank({relationshipWeightProperty: 'w', threshold: 2.0, maxIterations: 15}) YIELD id, score RETURN id, score")}
        heavy = [(n, f"n{a}", f"n{b}", 4, 0) for n, (a, b) in enumerate(edges) if a // 12 == b // 12]
        want = page_rank([f"n{i}" for i in range(48)], heavy, 15)
        check("pagerank over heavy edges only", max(abs(got[v] - want[v]) for v in want) < 1e-9)
        check("bad options are refused", all("floe:" in str(g.cypher(f"CALL {x}")) for x in ("algo.labelPropagation({pinLabel: 3})", "algo.pagerank({dampingFactor: 7})", "algo.wcc({labels: ['nobody']})")))


def trails(edges, start, least, most):
    out = collections.defaultdict(list)
    for e in edges:
        out[e[1]].append(e)
    ends = collections.Counter()

    def walk(v, used):
        if least <= len(used) <= most:
            ends[v] += 1
        if len(used) < most:
            for e in out[v]:
                if e[0] not in used:
                    walk(e[2], used | {e[0]})
    walk(start, frozenset())
    return ends


def answers_equal_python(seed):
    edges = make(seed, 24, 70)
    vertices = sorted({e[1] for e in edges} | {e[2] for e in edges})
    out, both = collections.defaultdict(set), {v: set() for v in vertices}
    for _, a, b, _, _ in edges:
        out[a].add(b)
        if a != b:
            both[a].add(b)
            both[b].add(a)
    with Graph(edges) as g:
        check("V", g.gremlin("g.V().count()"), [str(len(vertices))])
        check("E", g.gremlin("g.E().count()"), [str(len(edges))])
        got = {name(i): float(s) for i, s in g.cypher("CALL algo.pagerank({maxIterations: 12}) YIELD id, score RETURN id, score")}
        want = page_rank(vertices, edges, 12)
        check("pagerank", sorted(got) == vertices and max(abs(got[v] - want[v]) for v in vertices) < 1e-9)
        for call, neighbours in (("algo.wcc", both),):
            check(call, sorted(int(n) for _, n in g.cypher(f"CALL {call}({{}}) YIELD componentId RETURN componentId, count(*) AS n")), components(vertices, neighbours))
        reach = {v: set(distances(out, v)) for v in vertices}
        strong = sorted(len(group) for group in {frozenset(y for y in vertices if y in reach[x] and x in reach[y]) for x in vertices})
        check("scc", sorted(int(n) for _, n in g.cypher("CALL algo.scc({}) YIELD componentId RETURN componentId, count(*) AS n")), strong)
        check("kcore", {name(i): int(n) for i, n in g.cypher("CALL algo.kcore({}) YIELD id, coreNumber RETURN id, coreNumber")}, core_numbers(both))
        want = {v: sum(1 for x, y in itertools.combinations(sorted(both[v]), 2) if y in both[x]) for v in vertices}
        check("triangles", {name(i): int(n) for i, n in g.cypher("CALL algo.triangleCount({}) YIELD id, triangles RETURN id, triangles")}, want)
        got = {name(i): float(s) for i, s in g.cypher("CALL algo.betweenness({}) YIELD id, score RETURN id, score")}
        want = betweenness(vertices, out)
        check("betweenness", max(abs(got[v] - want[v]) for v in vertices) < 1e-6)
        ends, starts = collections.Counter(e[2] for e in edges), collections.Counter(e[1] for e in edges)
        check("degree", {name(i): (int(o), int(n), int(d)) for i, o, n, d in g.cypher("CALL algo.degree({}) YIELD id, outDegree, inDegree, degree RETURN id, outDegree, inDegree, degree")},
              {v: (starts[v], ends[v], starts[v] + ends[v]) for v in vertices})
        start = edges[0][1]
        check("bfs", {name(i): int(n) for i, n in g.cypher(f"CALL algo.bfs({{source: 'v[{start}]'}}) YIELD id, distance RETURN id, distance")}, distances(out, start))
        for target in vertices[::4]:
            far = distances(out, start).get(target)
            where = f"WHERE id(a) = 'v[{start}]' AND id(b) = 'v[{target}]'"
            check(f"shortest to {target}", g.cypher(f"MATCH p = shortestPath((a)-[*]->(b)) {where} RETURN length(p)"), [] if far is None else [[str(far)]])
            if far:
                parallel = collections.Counter((e[1], e[2]) for e in edges)
                ways = {start: 1}
                for step in range(far):
                    following = collections.Counter()
                    for x, n in ways.items():
                        for y in out[x]:
                            if distances(out, start).get(y) == step + 1:
                                following[y] += n * parallel[x, y]
                    ways = following
                check(f"all shortest to {target}", g.cypher(f"MATCH p = allShortestPaths((a)-[*]->(b)) {where} RETURN count(p)"), [[str(ways[target])]])
        for least, most in ((1, 1), (1, 3), (0, 2), (2, 3)):
            want = trails(edges, start, least, most)
            match = f"MATCH (a)-[e*{least}..{most}]->(b) WHERE id(a) = 'v[{start}]' RETURN"
            check(f"trails {least}..{most}", g.cypher(f"{match} count(b)"), [[str(sum(want.values()))]])
            check(f"trails {least}..{most} by edges", g.cypher(f"{match} sum(size(e)), count(b)")[0][1], str(sum(want.values())))
            check(f"ends {least}..{most}", {name(i): int(n) for i, n in g.cypher(f"{match} id(b), count(*) AS n")}, dict(want))
            check(f"distinct ends {least}..{most}", g.cypher(f"{match} count(DISTINCT b)"), [[str(len(want))]])
        one = f"g.V('v[{start}]')"
        check("repeat is the body so many times", g.gremlin(f"{one}.repeat(out()).times(3).count()"), g.gremlin(f"{one}.out().out().out().count()"))
        check("repeat with a test", g.gremlin(f"{one}.repeat(out()).until(loops().is(3)).count()"), g.gremlin(f"{one}.out().out().out().count()"))
        check("emit before", g.gremlin(f"{one}.emit().repeat(out()).times(2).count()"), [str(sum(int(g.gremlin(f"{one}{x}.count()")[0]) for x in ("", ".out()", ".out().out()")))])
        check("reached", set(map(name, g.gremlin(f"{one}.repeat(out().dedup()).emit().dedup().id()"))), set().union(*(set(distances(out, y)) for y in out[start])))
        check("path", len(g.gremlin(f"{one}.out().out().path()")), int(g.gremlin(f"{one}.out().out().count()")[0]))
        check("a label selected twice is one key", g.gremlin(f"{one}.as('a').select('a', 'a').by(constant(1)).by(constant(2)).unfold().count()"), ["1"])
        check("a name projected twice", "the name 'a' twice" in g.gremlin(f"{one}.project('a', 'a')")[0], True)
        check("too many paths", "more paths than" in g.gremlin("g.V().repeat(out()).times(200).count()")[0], True)
        costs = collections.defaultdict(lambda: float("inf"), {start: 0})
        for _ in vertices:
            for _, a, b, w, _ in edges:
                costs[b] = min(costs[b], costs[a] + w)
        target = max((v for v in vertices if v in costs and costs[v] < float("inf")), key=lambda v: costs[v])
        got = g.cypher(f"CALL algo.dijkstra({{source: 'v[{start}]', target: 'v[{target}]', relationshipWeightProperty: 'w', k: 4}}) YIELD path, cost RETURN cost")
        check("dijkstra", float(got[0][0]), float(costs[target]))
        check("k cheapest are in order", [float(x) for x, in got] == sorted(float(x) for x, in got))
        arrival = {start: -1}
        for _ in vertices:
            for _, a, b, _, at in edges:
                if a in arrival and at >= arrival[a] and at < arrival.get(b, 1000):
                    arrival[b] = at
        for target in vertices[::5]:
            got = g.cypher(f"CALL algo.earliestPath({{source: 'v[{start}]', target: 'v[{target}]', startProperty: 'due'}}) YIELD arrival RETURN arrival")
            check(f"earliest arrival at {target}", got == ([[str(arrival[target])]] if target in arrival else []) or target == start)
        check_in("unknown procedure", "the nearest is algo.wcc", g.cypher("CALL algo.wccc({})")[0][0])
        check_in("unknown option", "has no option 'labls'", g.cypher("CALL algo.wcc({labls: ['v']})")[0][0])
        check_in("unknown vertex", "there is no vertex", g.cypher("CALL algo.bfs({source: 'v[nobody]'})")[0][0])
        check("optional", g.cypher("UNWIND [1, 2] AS x OPTIONAL MATCH (a) WHERE id(a) = 'v[nobody]' RETURN x, a"), [["1", "null"], ["2", "null"]])
        check_in("profile", "rows in", "\n".join(x for line in g.cypher("PROFILE MATCH (a)-[e]->(b) RETURN sum(e.w)") for x in line))


def directed(edges, arrow):
    """The edges as they may be passed."""
    back = [(n, b, a, w, due) for n, a, b, w, due in edges if a != b or arrow == "<"]
    return edges if arrow == ">" else back if arrow == "<" else edges + back


def ends_of_trails(seed):
    """Few vertices with loops and parallel edges, where it matters that no edge is passed twice."""
    r = random.Random(seed)
    edges = [(n, f"10.0.0.{r.randrange(5)}", f"10.0.0.{r.randrange(5)}", 1, 1) for n in range(r.choice((6, 8, 11)))]
    questions, wants = [], []
    for start in sorted({e[1] for e in edges}):
        for arrow, link in ((">", "-{}->"), ("<", "<-{}-"), ("-", "-{}-")):
            for least, most in ((2, 2), (3, 3), (4, 4), (2, 3), (2, 4), (3, 4), (1, 2), (1, 3), (1, 4), (1, 6)):
                forms = [link.format(f"[*{least}..{most}]")]
                forms += ["()".join([link.format("[]")] * most)] if least == most else []
                for form in forms:
                    questions.append(f"MATCH (a){form}(c) WHERE id(a) = 'v[{start}]' WITH DISTINCT c RETURN id(c) AS n")
                    wants.append(sorted(trails(directed(edges, arrow), start, least, most)))
    with Graph(edges) as g:
        text = "\n".join(q + "\nRETURN 'end' AS n" for q in questions) + "\n"
        done = subprocess.run([FLOE, "cypher", "--home", str(g.home)], input=text, capture_output=True, text=True, timeout=120)
        blocks = [sorted(name(line) for line in block.split() if line.startswith("v[")) for block in done.stdout.split("end")]
        for question, want, got in zip(questions, wants, blocks):
            check(question, got, want)
        check("all are answered: " + done.stderr[:200], len(blocks), len(questions) + 1)
        check_in("without following each walk", "Trail a out 3..3 (each vertex once)", g.floe("cypher", "EXPLAIN MATCH (a)-->()-->()-->(c) WHERE id(a) = 'v[10.0.0.1]' RETURN count(DISTINCT c)").stdout)


def blocks_of_addresses():
    """inCidr() is a range of ids for each run of keys, whatever else keys are."""
    r = random.Random(5)
    keys = [f"10.{r.randrange(3)}.{r.randrange(4)}.{r.randrange(256)}" for _ in range(60)] + ["host", "010.0.0.1", "2001:db8::1", "10.1.0", "255.255.255.255", "0.0.0.0"]
    edges = [(n, r.choice(keys), r.choice(keys), 1, 1) for n in range(200)]
    more = [(n, f"10.0.9.{n % 256}", r.choice(keys), 1, 1) for n in range(200, 260)]

    def is_in(key, block):
        try:
            return ipaddress.ip_address(key) in ipaddress.ip_network(block)
        except ValueError:
            return False

    def compare(g, rows, what):
        there = {x for e in rows for x in e[1:3]}
        for block in ("10.0.0.0/8", "10.1.0.0/16", "10.0.9.0/24", "10.0.9.128/25", "10.2.3.4/32", "0.0.0.0/0", "255.255.255.255/32", "192.168.0.0/16", "2001:db8::/32"):
            want = sorted(x for x in there if is_in(x, block))
            network = f"{what}, {block}"
            check(f"{network}: Cypher", sorted(name(x) for x, in g.cypher(f"MATCH (a) WHERE inCidr(a, '{block}') RETURN id(a)")), want)
            check(f"{network}: of the key", sorted(name(x) for x, in g.cypher(f"MATCH (a) WHERE inCidr(a.id, '{block}') RETURN id(a)")), want)
            check(f"{network}: Gremlin", sorted(g.gremlin(f"g.V().has('id', inCidr('{block}')).values('id')")), want)
            check(f"{network}: step by step", sorted(g.gremlin(f"g.V().filter(values('id').is(inCidr('{block}'))).values('id')")), want)
            check(f"{network}: targets", g.cypher(f"MATCH (a)-[e]->(b) WHERE inCidr(b, '{block}') AND NOT inCidr(a, '{block}') RETURN count(*)"),
                  [[str(sum(is_in(e[2], block) and not is_in(e[1], block) for e in rows))]])

    with Graph(edges) as g:
        compare(g, edges, "one run")
        g.add(more)
        compare(g, edges + more, "two runs")
        check_in("EXPLAIN shows the range", "range of ids '10.0.0.0/8'", g.floe("cypher", "EXPLAIN MATCH (a) WHERE inCidr(a, '10.0.0.0/8') RETURN count(*)").stdout)
        check_in("in both languages", "range of ids '10.0.0.0/8'", g.floe("gremlin", "g.V().has('id', inCidr('10.0.0.0/8')).count().explain()").stdout)
        check_in("no block", "no block of addresses", g.floe("gremlin", "g.V().has('id', inCidr('10.0.0.0/64'))").stderr)


def graph_follows_its_table():
    edges = make(3, 12, 40)
    more = [(n + 1000, a, b.replace("10.0.0", "10.0.9"), w, at) for n, a, b, w, at in make(4, 12, 25)]
    with Graph(edges) as g:
        process = subprocess.Popen([FLOE, "cypher", "--home", str(g.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ask():
            process.stdin.write("MATCH (a)-[e]->(b) RETURN count(*) AS n, sum(e.w) AS s\n")
            process.stdin.flush()
            process.stdout.readline()
            return process.stdout.readline().strip()

        def want(rows):
            return f"{len(rows)} | {sum(e[3] for e in rows)}"
        check("before", ask(), want(edges))
        time.sleep(1.1)
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        time.sleep(1.1)
        g.add(more)
        check("after new rows", ask(), want(edges + more))
        profile = g.floe("cypher", "PROFILE MATCH (a)-[e]->(b) RETURN sum(e.w)").stdout
        check("PROFILE tells what was read of the tables", bool(re.search(r"tables: [1-9]\d* scans, [1-9]\d* files of [1-9]\d* bytes and [1-9]\d* row groups read, \d+ files passed over", profile)), True)
        check_in("only what was asked for: " + profile, "tables: 0 scans, 0 files", g.floe("gremlin", "g.V().count().profile()").stdout)
        process.stdin.close()
        process.wait()
        check("refreshed from disk", g.cypher("MATCH (a)-[e]->(b) RETURN count(*) AS n, sum(e.w) AS s"), [want(edges + more).split(" | ")])
        check("vertices", g.gremlin("g.V().count()"), [str(len({x for e in edges + more for x in e[1:3]}))])
        done = g.floe("cypher", "MATCH (a)-[e]->(b) RETURN count(*) AS n, sum(e.w) AS s", "--as-of", moment)
        check("as of the time before: " + done.stderr, done.stdout.splitlines()[1:], [want(edges)])
        check("as of before all", g.floe("cypher", "RETURN 1", "--as-of", "1999-01-01").returncode != 0)
        for cache in (g.home / "cache").glob("*.cache"):
            content = bytearray(cache.read_bytes())
            content[-1 if len(content) < 5000 else 4097] ^= 255
            cache.write_bytes(content)
        check("damaged caches", g.cypher("MATCH (a)-[e]->(b) RETURN count(*) AS n, sum(e.w) AS s"), [want(edges + more).split(" | ")])
        path = g.path / "schema.json"
        path.write_text(json.dumps(schema("w > 4")))
        check("filtered schema", g.floe("schema", "apply", path).returncode, 0)
        check("filtered", g.gremlin("g.E().count()"), [str(sum(1 for e in edges + more if e[3] > 4))])
        check("roll back", g.floe("schema", "roll-back", "1").returncode, 0)
        check("all again", g.gremlin("g.E().count()"), [str(len(edges + more))])
        check("no such version", g.floe("schema", "roll-back", "9").returncode != 0)


for seed in (1, 2):
    answers_equal_python(seed)
for seed in range(6):
    ends_of_trails(seed)
communities()
blocks_of_addresses()
graph_follows_its_table()
finish()
