"""The part of Gherkin that the TCK uses: scenarios with their steps, outlines expanded."""
import re


class Step:
    def __init__(self, text):
        self.text, self.doc, self.table = text, None, []


def cells(line):
    parts, part, i = [], "", 1
    line = line.strip()
    while i < len(line):
        if line[i] == "\\" and i + 1 < len(line) and line[i + 1] in "|\\n":
            part += {"|": "|", "\\": "\\", "n": "\n"}[line[i + 1]]
            i += 2
        elif line[i] == "|":
            parts.append(part.strip())
            part = ""
            i += 1
        else:
            part += line[i]
            i += 1
    return parts


def substitute(text, names, row):
    for name, value in zip(names, row):
        text = text.replace(f"<{name}>", value)
    return text


def expand(step, names, row):
    copy = Step(substitute(step.text, names, row))
    copy.doc = None if step.doc is None else substitute(step.doc, names, row)
    copy.table = [[substitute(c, names, row) for c in line] for line in step.table]
    return copy


def read(path):
    """(name, steps) of each scenario; an outline gives one for each example."""
    feature, background, found, lines, i = "", [], [], path.read_text().splitlines(), 0
    name, steps, examples, into = None, [], [], None

    def close():
        if name is None:
            return
        if not examples:
            found.append((f"{feature} {name}", background + steps))
        for n, row in enumerate(examples[1:]):
            found.append((f"{feature} {name} #{n + 1}", background + [expand(s, examples[0], row) for s in steps]))

    while i < len(lines):
        line = lines[i].strip()
        i += 1
        if not line or line.startswith(("#", "@")):
            continue
        if line.startswith("Feature:"):
            feature = line[8:].split(" - ")[0].strip()
        elif line.startswith("Background:"):
            into = background
        elif re.match(r"Scenario( Outline)?:", line):
            close()
            name, steps, examples = line.split(":", 1)[1].strip(), [], []
            into = steps
        elif line.startswith("Examples:"):
            while i < len(lines) and (not lines[i].strip() or lines[i].strip().startswith(("|", "#"))):
                if lines[i].strip().startswith("|"):
                    row = cells(lines[i])
                    if not examples or row != examples[0]:
                        examples.append(row)
                i += 1
        elif line.startswith('"""'):
            indent, doc = len(lines[i - 1]) - len(lines[i - 1].lstrip()), []
            while not lines[i].strip().startswith('"""'):
                doc.append(lines[i][indent:])
                i += 1
            i += 1
            into[-1].doc = "\n".join(doc)
        elif line.startswith("|"):
            into[-1].table.append(cells(line))
        else:
            into.append(Step(re.sub(r"^(Given|When|Then|And|But) ", "", line)))
    close()
    return found
