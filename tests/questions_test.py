#!/usr/bin/env python3
"""docs/questions.md on the shared real flow logs: what Gremlin says is what SQL says, and both are what the
page says. Rows are compared as text: devices[a] is a, maps are their values."""
import os
import pathlib
import re

from harness import CONNECTIONS, DEVICES, ROOT, Home, check, finish, skip

DATA = pathlib.Path(os.environ.get("FLOE_TEST_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs/questions.md"


def questions(text):
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        blocks = dict(re.findall(r"```(gremlin|sql|text)\n(.*?)```", part, re.S))
        yield part.split("\n", 1)[0], blocks


def row(line):
    line = re.sub(r"devices\[([^\]]*)\]", r"\1", line.strip())
    if line.startswith("[") and line.endswith("]"):
        line = re.sub(r"(^|,)\w+:", r"\1", line[1:-1])
    line = line.replace("=", ",").replace('"', "")
    return ",".join(number(cell) for cell in line.split(","))


def number(cell):
    try:
        return f"{float(cell):.6g}" if "." in cell and cell.count(".") == 1 else cell
    except ValueError:
        return cell


def main():
    if not DATA.is_dir():
        skip("questions on real flow logs (their folder is not here)")
        finish()
    found = list(questions(PAGE.read_text()))
    check("there are at least 30 questions", len(found) >= 30)
    with Home(DATA / "rita_vpc_v5") as h:
        check("the flow logs load", h.load().returncode, 0)
        check("the schema fits", h.apply_schema().returncode, 0)
        answers = {}
        for name, blocks in found:
            want = [l for l in blocks.get("text", "").splitlines() if l]
            for language in ("gremlin", "sql"):
                if language not in blocks:
                    continue
                text = " ".join(blocks[language].split())
                text = re.sub(r"\bconnections\b(?=[ )]|$)", CONNECTIONS, text) if language == "sql" else text
                text = re.sub(r"\bdevices\b(?=[ )]|$)", DEVICES, text) if language == "sql" else text
                got = [row(l) for l in (h.gremlin(text) if language == "gremlin" else h.sql(text))]
                if os.environ.get("UPDATE_GOLDEN"):
                    want = answers.setdefault(name, got)
                check(f"{name}: {language}", got[: len(want)], want)
                check(f"{name}: {language} says no more", len(got), len(want))
    if answers:
        PAGE.write_text(with_answers(PAGE.read_text(), answers))
    finish()


def with_answers(text, answers):
    """The page with what was answered; a reviewer reads the difference."""
    for name, rows in answers.items():
        head, part = text.split(f"### {name}\n", 1)
        part, mark, rest = part.partition("\n##")
        part = re.sub(r"```text\n.*?```\n", "", part, flags=re.S).rstrip("\n")
        text = f"{head}### {name}\n{part}\n```text\n" + "\n".join(rows) + "\n```\n" + mark + rest
    return text


main()
