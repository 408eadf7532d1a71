#!/usr/bin/env python3
"""Garbage as input, 1 GiB of it unless MIB says otherwise: clean errors, bounded memory, the good file beside it loads."""
import resource
import threading
import time

from harness import *

MIB = int(os.environ.get("MIB", "1024"))


def watch(p, most):
    while p.poll() is None:
        try:
            most[0] = max(most[0], next(int(line.split()[1]) / 1024 for line in open(f"/proc/{p.pid}/status") if line.startswith("VmRSS")))
        except (OSError, StopIteration):
            pass
        time.sleep(0.02)


with Home() as h:
    h.write("good_20240418T0100Z_x.log.gz", log_text(record()))
    day = h.samples / "AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/04/18"
    block = os.urandom(1 << 20)
    kinds = [("noise.log", b"", block), ("lines.log", log_text().encode(), block.replace(b"\n", b" ") [: 1 << 16] + b"\n"), ("one_line.log", b"", b"x" * (1 << 20)), ("noise.log.gz", b"\x1f\x8b", block), ("noise.log.zst", b"\x28\xb5\x2f\xfd", block), ("noise.log.bz2", b"BZh91AY&SY", block), ("noise.sz", b"\xff\x06\0\0sNaPpY", block), ("noise.snappy", b"", block), ("noise.avro", b"Obj\x01", block),
             ("noise.parquet", b"PAR1", block), ("brackets.json", b"", b"[" * (1 << 20)), ("commas.csv", b"a,b\n", b"," * (1 << 20))]
    for name, head, body in kinds:
        with open(day / name, "wb") as f:
            f.write(head)
            for _ in range(max(1, MIB // len(kinds) * (1 << 20) // len(body))):
                f.write(body)
    most = [0]
    p = subprocess.Popen([FLOE, "run", str(h.worksheet), "--until-caught-up", "--home", str(h.home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    t = threading.Thread(target=watch, args=(p, most))
    t.start()
    err = p.communicate(timeout=500)[1]
    t.join()
    check("it ends with an error, not a crash", p.returncode, 1)
    for name, _, _ in kinds:
        check_in(f"{name} is named", name, err)
    check("the good file is loaded", h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["1"])
    check(f"memory stays below 1.5 GiB ({most[0]:.0f} MB)", most[0] < 1536)
    print(f"{MIB} MiB of garbage: at most {most[0]:.0f} MB of memory")
finish()
