"""Questions to a running server over HTTP, and their rows in a form that other engines' can be compared with."""
import collections
import json
import urllib.error
import urllib.request


class Served:
    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.http}/api/query"

    def ask(self, language, text, parameters=None):
        """(rows, ""), or (None, what is wrong)."""
        body = json.dumps({"language": language, "text": text, "timeoutMs": 5000, "parameters": parameters or {}}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body), timeout=60) as answer:
                lines = [json.loads(x) for x in answer.read().splitlines()]
        except urllib.error.HTTPError as e:
            lines = [json.loads(e.read())]
        for x in lines:
            if "error" in x:
                return None, x["error"]["message"] if isinstance(x["error"], dict) else str(x["error"])
        return [row for x in lines for row in x.get("rows", [])], ""


def cell(v):
    if isinstance(v, dict) and v.get("@type") == "integer":
        v = int(v["value"])
    if isinstance(v, dict) and "id" in v:
        v = v["id"]
    if isinstance(v, bool) or v is None:
        return str(v)
    if isinstance(v, (int, float)):
        return f"{float(v):.9g}"
    if isinstance(v, list):
        return str([cell(x) for x in v])
    return str(v)


def rows(found):
    return None if found is None else collections.Counter(tuple(cell(x) for x in row) for row in found)


def difference(got, want):
    return f"engine {sorted((got - want).items())[:5]}\n    other  {sorted((want - got).items())[:5]}"
