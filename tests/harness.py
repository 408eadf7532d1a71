"""What the command tests share: running build/floe, making flow-log files, counting checks."""
import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOE = os.environ.get("FLOE_BINARY", str(ROOT / "build" / "floe"))   # another build, or one that stays while build/ changes
CONNECTIONS = "default_glue_catalog.puppygraph.vpcflowlogs_connections"
DEVICES = "default_glue_catalog.puppygraph.vpcflowlogs_devices"
HEADER = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

passed, failed, skipped = 0, 0, 0


def check(name, got, want=True):
    global passed, failed
    if got == want:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}\n  got  {got!r}\n  want {want!r}", file=sys.stderr)


def check_in(name, part, text):
    check(f"{name}: {part!r} in {text!r}", part in text)


def skip(name):
    global skipped
    skipped += 1
    print(f"skipped: {name}")


def finish():
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


class Home:
    """A fresh home, a folder of samples and the example worksheet over them."""

    def __init__(self, samples=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="floe-test-"))
        self.samples = pathlib.Path(samples) if samples else self.path / "samples"
        self.samples.mkdir(exist_ok=True)
        self.home = self.path / "home"
        self.worksheet = self.path / "worksheet.sql"
        text = (ROOT / "examples/vpc-flow-logs/worksheet.sql").read_text()
        self.worksheet.write_text(text.replace("'./samples'", f"'{self.samples}'"))

    def floe(self, *args, timeout=120, **more):
        return subprocess.run([FLOE, *map(str, args), "--home", str(self.home)], capture_output=True, text=True, timeout=timeout, **more)

    def load(self, *more):
        return self.floe("run", self.worksheet, "--until-caught-up", *more)

    def sql(self, text):
        done = self.floe("sql", text, "--format", "csv")
        return done.stdout.splitlines()[1:] if done.returncode == 0 else [done.stderr]

    def apply_schema(self):
        return self.floe("schema", "apply", ROOT / "examples/vpc-flow-logs/schema.json")

    def gremlin(self, text):
        done = self.floe("gremlin", text)
        return [line[3:] for line in done.stdout.splitlines()] if done.returncode == 0 else [done.stderr]

    def write(self, name, content, day="2024/04/18", pack=True):
        path = self.samples / "AWSLogs/123456789012/vpcflowlogs/us-east-1" / day / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_bytes(gzip.compress(data, mtime=0) if pack else data)
        os.rename(temporary, path)
        return path

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()


def record(source="10.0.0.1", target="10.0.0.2", packets=1, number=0):
    return f"2 123456789012 eni-1 {source} {target} {1000 + number} 443 6 {packets} {packets * 100} 1713400000 1713400060 ACCEPT OK"


def log_text(*records, header=HEADER):
    return "\n".join([header, *records]) + "\n"
