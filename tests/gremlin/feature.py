"""TinkerPop's feature files: scenarios, and values in their notation."""

import json
import re
import subprocess
import zipfile
from pathlib import Path

VERSION = "3.8.1"
JAR = Path.home() / f".m2/repository/org/apache/tinkerpop/gremlin-test/{VERSION}/gremlin-test-{VERSION}.jar"


def jar():
    """gremlin-test from Maven, as a zip file."""
    if not JAR.exists():
        subprocess.run(
            [
                "mvn",
                "-q",
                "dependency:get",
                f"-Dartifact=org.apache.tinkerpop:gremlin-test:{VERSION}",
                "-Dtransitive=false",
            ],
            check=True,
            timeout=300,
        )
    return zipfile.ZipFile(JAR)


class Scenario:
    def __init__(self, feature, name, tags):
        self.feature = feature
        self.name = name
        self.tags = tags
        self.graph = None
        self.initializer = None
        self.traversal = None
        self.earlier = []  # traversals that are run before
        self.parameters = {}
        self.sides = {}
        self.how = "list"
        self.expectations = []  # (what, argument, table)
        self.is_unsupported = False


def scenarios(archive):
    names = sorted(n for n in archive.namelist() if n.endswith(".feature"))
    return [s for n in names for s in parse(n, archive.read(n).decode())]


def parse(path, text):
    found, feature_tags, tags, current = [], [], [], None
    lines = [l for l in text.split("\n") if not l.strip().startswith("#")]
    i = 0
    while i < len(lines):
        line = lines[i].strip()
        i += 1
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            tags += line.split()
        elif line.startswith("Feature:"):
            feature_tags, tags = tags, []
        elif line.startswith("Scenario:"):
            current = Scenario(Path(path).stem, line[9:].strip(), set(tags + feature_tags))
            tags = []
            found.append(current)
        elif current is not None:
            block, table = None, []
            if i < len(lines) and lines[i].strip() == '"""':
                end = next(k for k in range(i + 1, len(lines)) if lines[k].rstrip().endswith('"""'))
                indent = len(lines[i]) - len(lines[i].lstrip())
                block = "\n".join(l[indent:] for l in lines[i + 1 : end + 1]).rstrip()[:-3].rstrip()
                i = end + 1
            while i < len(lines) and lines[i].strip().startswith("|") and not lines[i].strip().startswith("|--"):
                cells = re.split(r"(?<!\\)\|", lines[i].strip())[1:-1]
                table.append([c.strip().replace("\\|", "|").replace("\\\\", "\\") for c in cells])
                i += 1
            read_line(current, line, block, table)
    return found


def read_line(s, line, block, table):
    text = re.sub(r"^(Given|When|Then|And|But)\s+", "", line)
    if m := re.fullmatch(r"the (\w+) graph", text):
        s.graph = m[1]
    elif text == "the graph initializer of":
        s.initializer = block
    elif text == "the traversal of":
        if s.traversal:
            s.earlier.append(s.traversal)
        s.traversal = block
    elif m := re.fullmatch(r'using the parameter (\w+) defined as "(.*)"', text):
        s.parameters[m[1]] = m[2].replace('\\"', '"')
    elif m := re.fullmatch(r'using the parameter (\w+) of P\.(\w+)\("(.*)"\)', text):
        s.parameters[m[1]] = ("P", m[2], m[3])
    elif m := re.fullmatch(r'using the side effect (\w+) defined as "(.*)"', text):
        s.sides[m[1]] = m[2].replace('\\"', '"')
    elif text == "iterated to list":
        s.how = "list"
    elif text == "iterated next":
        s.how = "next"
    elif text in ("an unsupported test", "nothing should happen because"):
        s.is_unsupported = True
    else:
        s.expectations.append((text, block, table))


class Notation:
    """Values such as d[1].i, v[marko].id, m[{"a": "b"}] of one graph. A value is a pair of its type
    and what it holds, so that values of different types differ."""

    def __init__(self, ids, labels, edges):
        self.ids = ids  # name of a vertex → its id, a value
        self.labels = labels
        self.edges = edges  # (name, label, name) → id

    def read(self, text):
        if not isinstance(text, str):
            return self.of_json(text)
        if m := re.fullmatch(r"d\[(.*)\]\.([bsilfdmn])", text):
            return number(m[1], m[2])
        if m := re.fullmatch(r"d\[(NaN|-?Infinity)\]", text):
            return number(m[1], "d")
        if text in ("null",):
            return ("null",)
        if text in ("true", "false"):
            return ("bool", text == "true")
        if m := re.fullmatch(r"str\[(.*)\]", text, re.S):
            return ("str", m[1])
        if m := re.fullmatch(r"v\[(.*)\]\.(id|sid)", text):
            return self.id_of(m[1], m[2])
        if m := re.fullmatch(r"v\[(.*)\]", text):
            return ("v", self.ids.get(m[1], ("missing", m[1])))
        if m := re.fullmatch(r"e\[(.*)-(\w+)->(.*)\](\.s?id)?", text):
            found = self.edges.get((m[1], m[2], m[3]), ("missing", text))
            if m[4] == ".sid":
                return ("str", str(found[1]))
            return found if m[4] else ("e", found)
        if m := re.fullmatch(r"vp\[(.*)-(\w+)->(.*)\]", text):
            return ("vp", self.ids.get(m[1]), m[2], self.read(m[3]))
        if m := re.fullmatch(r"p\[(.*)\]", text, re.S):
            return ("p", tuple(self.read(x) for x in split_items(m[1])))
        if m := re.fullmatch(r"l\[(.*)\]", text, re.S):
            return ("list", tuple(self.read(x) for x in split_items(m[1])))
        if m := re.fullmatch(r"s\[(.*)\]", text, re.S):
            return ("set", frozenset(self.read(x) for x in split_items(m[1])))
        if m := re.fullmatch(r"m\[(.*)\]", text, re.S):
            return self.of_json(json.loads(m[1]))
        if m := re.fullmatch(r"(t|D|M|T)\[(.*)\]", text):
            return ("token", {"from": "OUT", "to": "IN"}.get(m[2], m[2]) if m[1] == "D" else m[2])
        if m := re.fullmatch(r"dt\[(.*)\]", text):
            return ("dt", instant(m[1]))
        if m := re.fullmatch(r"uuid\[(.*)\]", text):
            return ("uuid", m[1].lower())
        return ("str", text)

    def id_of(self, name, how):
        found = self.ids.get(name, ("missing", name))
        return ("str", str(found[1])) if how == "sid" else found

    def of_json(self, x):
        if isinstance(x, dict):
            return ("map", frozenset((self.read(k), self.read(v)) for k, v in x.items()))
        if isinstance(x, list):
            return ("list", tuple(self.read(v) for v in x))
        if x is None:
            return ("null",)
        if isinstance(x, bool):
            return ("bool", x)
        if isinstance(x, int):
            return ("i", x)
        if isinstance(x, float):
            return ("d", x)
        return self.read(x)


def number(text, kind):
    if kind in tuple("fd"):
        special = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(text)
        return (kind, special or float(text))
    if kind == "map":
        return (kind, float(text))
    return (kind, int(text))


def instant(text):
    from datetime import datetime, timezone

    if re.search(r"T\d\d:\d\d(Z|$)", text):
        text = re.sub(r"(T\d\d:\d\d)", r"\1:00", text)
    d = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if d.tzinfo is None:
        d = d.replace(tzinfo=timezone.utc)
    return int(d.timestamp() * 1000)


def split_items(text):
    items, depth, start = [], 0, 0
    if text == "":
        return items
    for i, c in enumerate(text):
        if c in "[{":
            depth += 1
        elif c in "]}":
            depth -= 1
        elif c == "," and depth == 0:
            items.append(text[start:i])
            start = i + 1
    return items + [text[start:]]


def literal(x):
    """A value as Gremlin text; None where the language has no literal for it."""
    kind = x[0]
    if kind == "str":
        return json.dumps(x[1], ensure_ascii=False).replace("$", "\\u0024")
    if kind == "null":
        return "null"
    if kind == "bool":
        return "true" if x[1] else "false"
    if kind in tuple("bsilnm"):
        return f"{x[1] if kind == 'm' else int(x[1])}{kind}"
    if kind in tuple("fd"):
        text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(x[1])
        return text or f"{x[1]!r}{kind}"
    if kind == "token":
        owner = {"id": "T", "label": "T", "key": "T", "value": "T", "OUT": "Direction", "IN": "Direction"}
        return f"{owner.get(x[1], 'Merge')}.{x[1]}"
    if kind == "map":
        if not x[1]:
            return "[:]"
        parts = []
        for k, v in x[1]:
            parts.append((literal(k), literal(v)))
        if any(k is None or v is None for k, v in parts):
            return None
        return "[" + ", ".join(f"({k}): {v}" for k, v in parts) + "]"
    if kind == "list":
        items = [literal(v) for v in x[1]]
        return None if None in items else "[" + ", ".join(items) + "]"
    if kind == "set":
        return set_text(x)
    if kind == "dt":
        from datetime import datetime, timezone

        return f'datetime("{datetime.fromtimestamp(x[1] / 1000, timezone.utc).isoformat()}")'
    if kind == "uuid":
        return f'UUID("{x[1]}")'
    return None


def set_text(x):
    items = [literal(v) for v in x[1]]
    return None if None in items else "{" + ", ".join(items) + "}"
