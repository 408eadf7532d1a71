#!/usr/bin/env python3
"""TinkerPop's own scenarios against `floe gremlin --batch`: graphs in memory, made from the data that
gremlin-test carries. Usage: scenarios.py [--server | --lake [--traversers]] [--verbose] [words that names contain]
--server: through `floe serve` and the gremlinpython driver; --lake: modern, sink and grateful as Iceberg tables
with a graph schema; --traversers: without the relational operators"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import feature
import graphson

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = "org/apache/tinkerpop/gremlin/structure/io/graphson/"
FILES = {
    "modern": "tinkerpop-modern-v3.json",
    "crew": "tinkerpop-crew-v3.json",
    "sink": "tinkerpop-sink-v3.json",
    "grateful": "grateful-dead-v3.json",
}

SKIPPED = {
    "GraphComputerOnly": "steps of graph computers; call() has the algorithms",
    "MultiProperties": "a property has one value",
    "MetaProperties": "properties have no properties",
    "MultiMetaProperties": "properties have one value and no properties",
    "UserSuppliedVertexPropertyIds": "properties have no ids of their own",
    "AllowNullPropertyValues": "null takes a property away",
    "TinkerServiceRegistry": "services of TinkerGraph",
    "StepRead": "queries read no files",
    "StepWrite": "queries write no files",
}


class Engine:
    def __init__(self, home=None):
        self.home = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [str(ROOT / "build/floe"), "gremlin", "--batch", "--home", str(home or self.home.name), "--timeout-ms", "20000"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, graph, text):
        self.process.stdin.write(json.dumps({"graph": graph, "gremlin": text}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"floe ended at: {text}")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return [graphson.value(x) for x in answer["result"]]

    def empty(self, number):
        return f"empty{number}"

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


LAKES = ("modern", "sink", "grateful")


def graph_lines(archive, graph):
    return [json.loads(l) for l in archive.read(DATA + FILES[graph]).decode().splitlines() if l.strip()]


def open_lakes(archive):
    """One home for each graph that tables can hold; their graph is called g."""
    from lake import Lake

    return {graph: Lake(graph_lines(archive, graph)) for graph in LAKES}


def plain(x):
    return x["@value"] if isinstance(x, dict) else x


def load(engine, archive, graph):
    """The graph's vertices and edges, one query each; names, for the notation."""
    vertices = graph_lines(archive, graph)
    for v in vertices:
        text = f"g.addV({json.dumps(v['label'])}).property(T.id, {plain(v['id'])})"
        for key, values in v.get("properties", {}).items():
            text += f".property({json.dumps(key)}, {feature.literal(graphson.value(values[-1]['value']))})"
        engine.ask(graph, text)
    for v in vertices:
        for label, edges in v.get("outE", {}).items():
            for e in edges:
                text = f"g.addE({json.dumps(label)}).from(__.V({plain(v['id'])})).to(__.V({plain(e['inV'])}))"
                text += f".property(T.id, {plain(e['id'])})"
                for key, x in e.get("properties", {}).items():
                    text += f".property({json.dumps(key)}, {feature.literal(graphson.value(x))})"
                engine.ask(graph, text)


def notation(engine, graph):
    ids, labels, edges = {}, {}, {}
    rows = engine.ask(graph, "g.V().project('n','i','l').by(coalesce(values('name'),id())).by(id()).by(label())")
    for row in rows:
        x = {k[1]: v for k, v in row[1]}
        ids[str(x["n"][1])] = x["i"]
        labels[str(x["n"][1])] = x["l"]
    rows = engine.ask(
        graph,
        "g.E().project('o','l','i','d').by(outV().coalesce(values('name'),id())).by(label())"
        ".by(inV().coalesce(values('name'),id())).by(id())",
    )
    for row in rows:
        x = {k[1]: v for k, v in row[1]}
        edges[(str(x["o"][1]), x["l"][1], str(x["i"][1]))] = x["d"]
    return feature.Notation(ids, labels, edges)


ON_SERVER = "--server" in sys.argv
# The relational operators add in 64 bits: a sum of Integers is a Long.
SUMS_ARE_WIDE = "--lake" in sys.argv and "--traversers" not in sys.argv


class Wrong(Exception):
    pass


def text_with_parameters(s, n):
    """The traversal with its parameters as literals; vertices and edges are looked up first."""
    text, before = s.traversal, ""
    for name, given in sorted(s.parameters.items(), key=lambda p: -len(p[0])):
        x = n.read(given)
        as_text = feature.literal(x)
        if as_text is None:
            as_text, before = element_text(x, name, before)
        text = re.sub(rf"\b{name}\b", lambda _: as_text, text)
    for name, given in s.sides.items():
        as_text = feature.literal(n.read(given))
        text = re.sub(r"^(\s*)g\.", lambda m: f"{m[1]}g.withSideEffect({json.dumps(name)}, {as_text}).", text)
    return before, text


def element_text(x, name, before):
    if x[0] in ("v", "e"):
        start = "V" if x[0] == "v" else "E"
        return name, before + f"{name} = g.{start}({feature.literal(x[1])}).next(); "
    if x[0] in ("list", "set"):
        names = []
        for i, item in enumerate(x[1]):
            if feature.literal(item) is None:
                _, before = element_text(item, f"{name}i{i}", before)
                names.append(f"{name}i{i}")
        ids = ", ".join(feature.literal(i[1]) for i in x[1])
        start = "V" if all(i[0] == "v" for i in x[1]) else "E"
        return name, before + f"{name} = g.{start}({ids}).toList(); "
    raise Wrong(f"no literal for {x}")


def same(a, b):
    """Equal, but for what the notation does not say: owners of properties, the order of sets."""
    if a == b:
        return True
    if not isinstance(a, tuple) or not isinstance(b, tuple) or not a or not b:
        return False
    if isinstance(a[0], tuple) or isinstance(b[0], tuple):  # an entry of a map
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if a[0] in ("vp", "pr") and b[0] in ("vp", "pr"):
        return a[-2:] == b[-2:]
    if SUMS_ARE_WIDE and {a[0], b[0]} == {"i", "l"}:
        return a[1] == b[1]
    if a[0] != b[0] or len(a) != 2 or len(b) != 2:
        return False
    if a[0] in ("list", "p"):
        return len(a[1]) == len(b[1]) and all(same(x, y) for x, y in zip(a[1], b[1]))
    if a[0] in ("set", "map") and isinstance(a[1], frozenset) and isinstance(b[1], frozenset):
        return contains_all(list(a[1]), list(b[1]))
    if isinstance(a[1], float) and isinstance(b[1], float):
        return abs(a[1] - b[1]) <= 1e-9 * max(1, abs(a[1]))
    return False


def contains_all(got, wanted):
    rest = list(wanted)
    for x in got:
        at = next((i for i, y in enumerate(rest) if same(x, y)), None)
        if at is None:
            return False
        rest.pop(at)
    return not rest


def tree_lines(t, depth=0):
    lines = []
    for key, inner in t[1]:
        lines.append((depth, key))
        lines += tree_lines(inner, depth + 1)
    return lines


def tree_from(block, n):
    rows = []
    for line in block.split("\n"):
        m = re.match(r"(\s*)\|--(.*)", line)
        if m:
            rows.append((len(m[1]) // 3, n.read(m[2].strip())))

    def build(at, depth):
        children = {}
        while at < len(rows) and rows[at][0] >= depth:
            key = rows[at][1]
            children[key], at = build(at + 1, depth + 1)
        return children, at

    return build(0, 0)[0]


def tree_dict(t):
    return {k: tree_dict(v) for k, v in t[1]}


def check_results(s, n, engine, graph, got):
    for what, block, table in s.expectations:
        wanted = [n.read(r[0]) for r in table[1:]]
        if what == "the result should be unordered":
            if not contains_all(got, wanted):
                raise Wrong(f"got {got}\n   wanted {wanted}")
        elif what == "the result should be ordered":
            if len(got) != len(wanted) or not all(same(x, y) for x, y in zip(got, wanted)):
                raise Wrong(f"got {got}\n   wanted in order {wanted}")
        elif what == "the result should be of":
            if not all(any(same(x, y) for y in wanted) for x in got):
                raise Wrong(f"got {got}\n   wanted some of {wanted}")
        elif what == "the result should be empty":
            if got:
                raise Wrong(f"got {got}, wanted none")
        elif m := re.fullmatch(r"the result should have a count of (\d+)", what):
            count = len(got)
            if s.how == "next" and got and got[0][0] in ("list", "set", "map"):
                count = len(got[0][1])
            if count != int(m[1]):
                raise Wrong(f"got {count} results, wanted {m[1]}: {str(got)[:300]}")
        elif m := re.fullmatch(r'the graph should return (\d+) for count of "(.*)"', what):
            text = m[2].replace('\\"', '"')
            for name, given in sorted(s.parameters.items(), key=lambda p: -len(p[0])):
                as_text = feature.literal(n.read(given)) or feature.literal(notation(engine, graph).read(given)) or name
                text = re.sub(rf"\b{name}\b", lambda _: as_text, text)
            count = len(engine.ask(graph, text))
            if count != int(m[1]):
                raise Wrong(f"{m[2]} counts {count}, wanted {m[1]}")
        elif what == "the result should be a tree with a structure of":
            if tree_dict(got[0]) != tree_from(block, n):
                raise Wrong(f"got {tree_dict(got[0])}\n   wanted {tree_from(block, n)}")
        elif what == "the result should be a subgraph with the following":
            part = got[0][2] if table[0][0] == "edges" else got[0][1]
            if not contains_all(list(part), wanted):
                raise Wrong(f"got {part}\n   wanted {wanted}")
        else:
            raise Wrong(f"unknown expectation: {what}")


def run(s, engine, graph, n, prefix):
    for text in s.earlier:
        engine.ask(graph, text)
    before, text = text_with_parameters(s, n)
    if prefix:
        text = re.sub(r"^(\s*)g\.", rf"\1g.{prefix}.", text)
    wants_error = next((e for e in s.expectations if "will raise an error" in e[0]), None)
    wants_one = s.how == "next" and "next()" not in text
    # A server iterates what next() gives: a driver asks for all and takes the first.
    script = before + text + (".next()" if wants_one and not ON_SERVER else "")
    try:
        got = engine.ask(graph, script)
        if wants_one and ON_SERVER:
            got = got[:1]
    except ValueError as e:
        if not wants_error:
            raise Wrong(f"error: {e}") from None
        m = re.search(r'message (containing|starting|ending)? ?text of "(.*)"', wants_error[0])
        if m and m[2].lower() not in str(e).lower():
            raise Wrong(f"error: {e}\n   wanted: {m[2]}") from None
        return
    if wants_error:
        raise Wrong(f"got {got}, wanted an error: {wants_error[0]}")
    if s.how == "next" and len(got) == 1 and got[0][0] in ("list", "set", "p"):
        got = list(got[0][1])
    check_results(s, n, engine, graph, got)


ON_LAKE = {
    "ids of tables are label[key]": {"g_V_asString", "g_V_fold_asStringXlocalX_orderXlocalX", "g_E_asString"},
}
ALWAYS = {
    "the order of TinkerGraph's hash maps": {
        "g_VX1_2_3X_repeatXboth_barrierX_emit_timesX2X_path",
        "g_withStrategiesXSeedStrategyX_V_group_byXlabelX_byXbothE_weight_order_sampleX2X_foldXunfold",
        "g_V_playlist_paths",
    },
    "six shortest paths of three edges come as well; why TinkerPop leaves them out is not known": {"g_V_shortestpath"},
    "decimals reckon with the precision of doubles": {
        "g_withSackXBigInteger_TEN_powX1000X_assignX_V_localXoutXknowsX_barrierXnormSackXX_inXknowsX_barrier_sack"
    },
}


def reason_to_skip(s, on_lake):
    for why, names in [*ALWAYS.items(), *(ON_LAKE.items() if on_lake else ())]:
        if s.name in names:
            return why
    if s.is_unsupported:
        return "no Gremlin text stands in the scenario"
    for tag, why in SKIPPED.items():
        if "@" + tag in s.tags:
            return f"@{tag}: {why}"
    return None


def main():
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    verbose = "--verbose" in sys.argv
    archive = feature.jar()
    if ON_SERVER:
        from served import Served

        scratch = Served()
    else:
        scratch = Engine()
    on_lake = "--lake" in sys.argv
    prefix = "with('engine', 'traversers')" if "--traversers" in sys.argv else ""
    lakes = open_lakes(archive) if on_lake else {}
    engines = {graph: Engine(lake.home) for graph, lake in lakes.items()}
    notations = {}
    passed, failed, skipped = 0, [], {}
    for number, s in enumerate(feature.scenarios(archive)):
        if words and not any(w in s.name or w == s.feature for w in words):
            continue
        if on_lake and s.graph not in lakes:
            continue
        why = reason_to_skip(s, on_lake)
        if why:
            skipped[why] = skipped.get(why, 0) + 1
            continue
        try:
            graph = s.graph
            engine = engines.get(graph, scratch)
            if s.graph == "empty":
                graph = engine.empty(number)
                if s.initializer:
                    engine.ask(graph, s.initializer)
                n = notation(engine, graph)
            else:
                graph = s.graph
                if graph not in notations and on_lake:
                    notations[graph] = notation(engine, "g")
                elif graph not in notations:
                    load(engine, archive, graph)
                    notations[graph] = notation(engine, graph)
                n = notations[graph]
            run(s, engine, "g" if on_lake else graph, n, prefix)
            passed += 1
        except Wrong as e:
            failed.append(s)
            print(f"FAIL {s.feature}: {s.name}\n   {s.traversal.strip()}\n   {str(e)[:1500 if verbose else 500]}")
        except ValueError as e:
            failed.append(s)
            print(f"FAIL {s.feature}: {s.name}\n   {(s.traversal or '').strip()}\n   set-up: {str(e)[:300]}")
    for e in [scratch, *engines.values()]:
        e.end()
    for why, count in sorted(skipped.items()):
        print(f"skipped {count}: {why}")
    print(f"{passed} passed, {len(failed)} failed, {sum(skipped.values())} skipped")
    for lake in lakes.values():
        shutil.rmtree(lake.path, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
