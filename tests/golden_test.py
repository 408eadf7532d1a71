#!/usr/bin/env python3
"""Golden scripts of the SQL dialect: tests/golden/sql/*.test. UPDATE_GOLDEN=1 rewrites them; a reviewer reads the diff.

A script is blocks with an empty line between. A block is a statement, a line ----, and what comes of it: the message, the rows as CSV, or
the error. `file NAME` followed by lines puts a flow-log file into the samples; `load` runs all jobs until nothing is left."""
import re

from harness import *

SCRIPTS = sorted((ROOT / "tests/golden/sql").glob("*.test"))
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


def mask(text, h):
    text = text.replace(str(h.samples), "<samples>").replace(str(h.home), "<home>").replace(str(h.path), "<folder>")
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+Z?", "<now>", text)
    return re.sub(r"\b\d{15,19}\b", "<snapshot>", text).rstrip()


def carry_out(h, block):
    if block.startswith("file "):
        name, _, content = block[5:].partition("\n")
        path = h.samples / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = (content + "\n").encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return "written"
    if block == "load":
        (h.path / "nothing.sql").write_text("")
        done = h.floe("run", h.path / "nothing.sql", "--until-caught-up", "--quiet")
        return "loaded" if done.returncode == 0 else done.stderr
    done = h.floe("sql", block.replace("<samples>", str(h.samples)), "--format", "csv")
    return done.stdout if done.returncode == 0 else done.stderr


for script in SCRIPTS:
    out = []
    with Home() as h:
        for block in re.split(r"\n\n+", script.read_text().strip()):
            if block.startswith("#"):
                out.append(block)
                continue
            ask, _, want = block.partition("\n----\n")
            ask = ask.removesuffix("\n----")
            got = mask(carry_out(h, ask), h)
            got = re.sub(r"\n\s*\n", "\n", got)
            out.append(f"{ask}\n----\n{got}")
            if not UPDATE:
                check(f"{script.name}: {ask.splitlines()[0][:100]}", got, want.rstrip())
    if UPDATE:
        script.write_text("\n\n".join(out) + "\n")
finish()
