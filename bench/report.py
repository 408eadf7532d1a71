"""What every bench shares: where the program is, running it, and a row for each figure, on stdout for people and as a line of JSON for programs."""
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOE = str(ROOT / "build/floe")
results = []


def report(name, value, unit, target=None, ok=None, **peers):
    """One figure beside its target (`ok`: whether it holds; None: there is none) and what peers reach in the same run, by name (None: the peer gave no figure)."""
    peers = {peer.replace("_", " "): figure for peer, figure in peers.items() if figure is not None}
    results.append({"name": name, "value": round(value, 4), "unit": unit, "target": target, "ok": None if ok is None else bool(ok),
                    "peers": {peer: round(figure, 4) for peer, figure in peers.items()}, "ratios": {peer: round(value / figure, 3) for peer, figure in peers.items() if figure}})
    beside = ", ".join(f"{peer} {figure:,.2f} ({value / figure:.3g})" if figure else f"{peer} 0" for peer, figure in peers.items())
    mark = "" if ok is None else "  ok" if ok else "  MISSED"
    print(f"{name:58} {value:14,.2f} {unit:9} {'target ' + target if target else '':28} {beside}{mark}", flush=True)


def run(*command, **more):
    """Runs a command that must succeed; its output is in the result."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stdout[-500:]} {done.stderr[-2000:]}")
    return done


def timed(*command, **more):
    started = time.monotonic()
    done = run(*command, **more)
    return time.monotonic() - started, done


def finish(name):
    """Writes build/bench-NAME.jsonl and ends the program: 1 when a target was missed."""
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / f"build/bench-{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in results))
    sys.exit(0 if all(row["ok"] is not False for row in results) else 1)
