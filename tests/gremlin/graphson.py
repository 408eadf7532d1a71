"""GraphSON 3 as values of the feature files' notation (feature.py)."""

KINDS = {"g:Int32": "i", "g:Int64": "l", "gx:Int16": "s", "gx:Byte": "b", "gx:BigInteger": "n"}
REALS = {"g:Double": "d", "g:Float": "f", "gx:BigDecimal": "m"}


def real(kind, x):
    special = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    if isinstance(x, str) and x in special:
        return (kind, special[x])
    return (kind, float(x))


def value(x):
    if x is None:
        return ("null",)
    if isinstance(x, bool):
        return ("bool", x)
    if isinstance(x, str):
        return ("str", x)
    kind, of = x["@type"], x.get("@value")
    if kind in KINDS:
        return (KINDS[kind], int(of))
    if kind in REALS:
        return real(REALS[kind], of)
    if kind in ("g:List", "g:BulkSet"):
        return ("list", tuple(value(v) for v in of))
    if kind == "g:Set":
        return ("set", frozenset(value(v) for v in of))
    if kind == "g:Map":
        return ("map", frozenset((value(of[i]), value(of[i + 1])) for i in range(0, len(of), 2)))
    if kind in ("g:T", "g:Direction", "g:Merge"):
        return ("token", of)
    if kind == "g:Vertex":
        return ("v", value(of["id"]))
    if kind == "g:Edge":
        return ("e", value(of["id"]))
    if kind == "g:VertexProperty":
        return ("vp", value(of["id"]), of["label"], value(of["value"]))
    if kind == "g:Property":
        return ("pr", of["key"], value(of["value"]))
    if kind == "g:Path":
        return ("p", tuple(value(v) for v in of["objects"]["@value"]))
    if kind == "g:Tree":
        return ("tree", tuple((value(e["key"]), value(e["value"])) for e in of))
    if kind == "tinker:graph":
        return ("graph", tuple(value(v) for v in of["vertices"]), tuple(value(e) for e in of["edges"]))
    if kind in ("g:Timestamp", "g:Date"):
        return ("dt", of)
    if kind == "gx:OffsetDateTime":
        from feature import instant

        return ("dt", instant(of))
    if kind == "g:UUID":
        return ("uuid", of.lower())
    raise ValueError(kind)
