"""Values of the TCK's tables, and those of the driver, in one comparable form."""
import math
import re

import neo4j.graph
import neo4j.spatial
import neo4j.time


class Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def blanks(self):
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def peek(self, part):
        self.blanks()
        return self.text.startswith(part, self.at)

    def take(self, part):
        there = self.peek(part)
        self.at += len(part) if there else 0
        return there

    def need(self, part):
        if not self.take(part):
            raise ValueError(f"expected {part} at {self.at} of {self.text}")

    def name(self):
        self.blanks()
        m = re.compile(r"`([^`]*)`|(\w+)").match(self.text, self.at)
        if not m:
            raise ValueError(f"expected a name at {self.at} of {self.text}")
        self.at = m.end()
        return m.group(1) if m.group(1) is not None else m.group(2)

    def string(self):
        out, self.at = "", self.at + 1
        while self.text[self.at] != "'":
            if self.text[self.at] == "\\" and self.text[self.at + 1] in "'\\":
                self.at += 1
            out += self.text[self.at]
            self.at += 1
        self.at += 1
        return out

    def map(self):
        out = {}
        self.need("{")
        while not self.take("}"):
            key = self.name()
            self.need(":")
            out[key] = self.value()
            self.take(",")
        return out

    def node(self):
        labels, properties = [], {}
        self.need("(")
        while self.take(":"):
            labels.append(self.name())
        if self.peek("{"):
            properties = self.map()
        self.need(")")
        return ("node", tuple(sorted(labels)), frozen(properties))

    def edge(self):
        properties = {}
        self.need("[")
        self.need(":")
        kind = self.name()
        if self.peek("{"):
            properties = self.map()
        self.need("]")
        return ("edge", kind, frozen(properties))

    def path(self):
        parts = [self.node()]
        while not self.take(">"):
            backwards = self.take("<-")
            if not backwards:
                self.need("-")
            edge = self.edge()
            if backwards:
                self.need("-")
            else:
                self.need("->")
            parts += [edge, "in" if backwards else "out", self.node()]
        return ("path", tuple(parts))

    def value(self):
        self.blanks()
        if self.peek("'"):
            return self.string()
        if self.take("<"):
            return self.path()
        if self.peek("("):
            return self.node()
        if self.peek("[:"):
            return self.edge()
        if self.peek("{"):
            return self.map()
        if self.take("["):
            items = []
            while not self.take("]"):
                items.append(self.value())
                self.take(",")
            return items
        m = re.compile(r"[^,\]}\s]+").match(self.text, self.at)
        word, self.at = m.group(0), m.end()
        known = {"null": None, "true": True, "false": False, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}
        if word in known:
            return known[word]
        return int(word) if re.fullmatch(r"-?\d+", word) else float(word)


def parse(text):
    r = Reader(text)
    v = r.value()
    r.blanks()
    if r.at != len(text):
        raise ValueError(f"more than a value: {text}")
    return v


def frozen(v, unordered=False):
    """Hashable; numbers with their type; lists as bags where their order does not count."""
    if isinstance(v, bool) or v is None:
        return (type(v).__name__, v)
    if isinstance(v, float):
        return ("float", "NaN" if math.isnan(v) else v)
    if isinstance(v, int):
        return ("int", v)
    if isinstance(v, dict):
        return ("map", frozenset((k, frozen(x, unordered)) for k, x in v.items()))
    if isinstance(v, list):
        items = [frozen(x, unordered) for x in v]
        return ("list", tuple(sorted(items, key=repr) if unordered else items))
    return v


def clock(hour, minute, second, nano):
    text = f"{hour:02}:{minute:02}"
    if second or nano:
        text += f":{second:02}"
    if nano:
        text += f".{nano:09}".rstrip("0")
    return text


def offset(delta):
    seconds = int(delta.total_seconds())
    if seconds == 0:
        return "Z"
    n = abs(seconds)
    return ("-" if seconds < 0 else "+") + f"{n // 3600:02}:{n // 60 % 60:02}" + (f":{n % 60:02}" if n % 60 else "")


def duration(d):
    """As openCypher writes it; written apart from the server's own printing."""
    total = d.seconds * 10**9 + d.nanoseconds
    sign, n = (-1 if total < 0 else 1), abs(total)
    years, months = int(d.months / 12), int(math.fmod(d.months, 12))
    date = "".join(f"{x}{u}" for x, u in ((years, "Y"), (months, "M"), (d.days, "D")) if x)
    seconds, nanos = n // 10**9, n % 10**9
    time = "".join(f"{sign * x}{u}" for x, u in ((seconds // 3600, "H"), (seconds // 60 % 60, "M")) if x)
    if seconds % 60 or nanos:
        time += ("-" if sign < 0 else "") + f"{seconds % 60}" + (f".{nanos:09}".rstrip("0") if nanos else "") + "S"
    return "P" + date + ("T" + time if time else "") if date or time else "PT0S"


def date_text(v):
    return f"{v.year:04}-{v.month:02}-{v.day:02}"


def of_driver(v):
    """A driver's value as parse() would give it."""
    if isinstance(v, neo4j.graph.Node):
        return ("node", tuple(sorted(v.labels)), frozen({k: of_driver(x) for k, x in v.items()}))
    if isinstance(v, neo4j.graph.Relationship):
        return ("edge", v.type, frozen({k: of_driver(x) for k, x in v.items()}))
    if isinstance(v, neo4j.graph.Path):
        parts = [of_driver(v.nodes[0])]
        for i, r in enumerate(v.relationships):
            forward = r.start_node.element_id == v.nodes[i].element_id
            parts += [of_driver(r), "out" if forward else "in", of_driver(v.nodes[i + 1])]
        return ("path", tuple(parts))
    if isinstance(v, list):
        return [of_driver(x) for x in v]
    if isinstance(v, dict):
        return {k: of_driver(x) for k, x in v.items()}
    if isinstance(v, neo4j.time.DateTime):
        text = date_text(v) + "T" + clock(v.hour, v.minute, int(v.second), v.nanosecond)
        if v.tzinfo is not None:
            text += offset(v.utcoffset())
            zone = getattr(v.tzinfo, "zone", None) or getattr(v.tzinfo, "key", None)
            text += f"[{zone}]" if zone and zone != "UTC" else ""
        return text
    if isinstance(v, neo4j.time.Date):
        return date_text(v)
    if isinstance(v, neo4j.time.Time):
        text = clock(v.hour, v.minute, int(v.second), v.nanosecond)
        return text + (offset(v.utcoffset()) if v.tzinfo is not None else "")
    if isinstance(v, neo4j.time.Duration):
        return duration(v)
    return v
