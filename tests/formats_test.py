#!/usr/bin/env python3
"""What a COPY job can read: every compression by content, by name and by option; every version of flow logs."""
import bz2
import json
import struct
import zlib

from harness import *


def raw_snappy(data):
    out, n = b"", len(data)
    while True:
        out += bytes([n & 0x7F | (0x80 if n > 0x7F else 0)])
        n >>= 7
        if not n:
            break
    for i in range(0, len(data), 60):
        piece = data[i : i + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed_snappy(data):
    out = b"\xff\x06\0\0sNaPpY"
    for i in range(0, len(data), 1000):
        piece = data[i : i + 1000]
        body = struct.pack("<I", crc32c(piece)) + (raw_snappy(piece) if i % 2000 == 0 else piece)
        out += bytes([0 if i % 2000 == 0 else 1]) + struct.pack("<I", len(body))[:3] + body
    return out + b"\xfe\x02\0\0xx"


def hadoop_snappy(data):
    out = b""
    for i in range(0, len(data), 5000):
        block = data[i : i + 5000]
        out += struct.pack(">I", len(block))
        for k in range(0, len(block), 700):
            packed = raw_snappy(block[k : k + 700])
            out += struct.pack(">I", len(packed)) + packed
    return out


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


def packings():
    made = {"gzip": (gzip.compress, ".gz"), "bzip2": (bz2.compress, ".bz2"), "framed": (framed_snappy, ".sz"), "hadoop": (hadoop_snappy, ".snappy"), "raw": (raw_snappy, ".snappy")}
    if shutil.which("zstd"):
        made["zstd"] = (zstd, ".zst")
    return made


PACKINGS = packings()
OPTION = {"gzip": "GZIP", "bzip2": "BZIP2", "framed": "SNAPPY", "hadoop": "SNAPPY", "raw": "SNAPPY_UNFRAMED", "zstd": "ZSTD"}
TABLE = "default_glue_catalog.f.t"


def load(h, files, options=""):
    for name, data in files.items():
        path = h.samples / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    h.worksheet.write_text(f"CREATE FILE CONNECTION logs ROOT = '{h.samples}';\nCREATE TABLE {TABLE}();\nCREATE JOB j {options} AS COPY FROM FILE logs LOCATION = '.' INTO {TABLE};\n")
    return h.load()


def compressions():
    text = log_text(*[record(f"10.0.{i // 250}.{i % 250}") for i in range(700)]).encode()
    rows = "".join(json.dumps({"srcaddr": f"10.0.{i // 250}.{i % 250}", "n": i}) + "\n" for i in range(700)).encode()
    csv = ("srcaddr,n\n" + "".join(f"10.0.{i // 250}.{i % 250},{i}\n" for i in range(700))).encode()
    for kind, content in (("text", text), ("json", rows), ("csv", csv)):
        for name, (pack, suffix) in PACKINGS.items():
            data = pack(content)
            for how, file, options in (("by name", f"a.{kind}{suffix}", ""), ("by content", f"a.{kind}", ""), ("by option", f"a.{kind}", f"COMPRESSION = {OPTION[name]}")):
                if how == "by content" and name in ("raw", "hadoop"):
                    continue        # these two have no mark
                with Home() as h:
                    done = load(h, {file: data}, options)
                    check(f"{kind}, {name}, {how}: {done.stderr[-200:]}", (done.returncode, h.sql(f"SELECT count(*), count(DISTINCT srcaddr) FROM {TABLE}")), (0, ["700,700"]))
                    check(f"{kind}, {name}, {how}: no copy stays", list((h.home / "tmp").glob("*")), [])


def several_members():
    parts = [log_text(record("10.0.0.1")).encode(), (record("10.0.0.2") + "\n").encode()]
    for name in ("gzip", "bzip2", "zstd"):
        if name not in PACKINGS:
            skip(name)
            continue
        with Home() as h:
            load(h, {"a.log": b"".join(PACKINGS[name][0](p) for p in parts)})
            check(f"{name} of several parts is one text", h.sql(f"SELECT count(*) FROM {TABLE}"), ["2"])


def damage():
    text = log_text(*[record(f"10.0.{i // 250}.{i % 250}") for i in range(700)]).encode()
    for name, (pack, suffix) in PACKINGS.items():
        data = pack(text)
        for how, bad in (("cut", data[: len(data) * 2 // 3]), ("changed", data[:400] + bytes(b ^ 0x5A for b in data[400:440]) + data[440:])):
            if how == "changed" and name in ("raw", "hadoop"):
                continue            # no checksum; the lines may still be lines
            with Home() as h:
                done = load(h, {f"bad{suffix}": bad, "good.log": log_text(record())})
                check(f"{name}, {how}: an error", done.returncode, 1)
                check_in(f"{name}, {how}", f"bad{suffix}: ", done.stderr)
                check_in(f"{name}, {how}", " data is bad: ", done.stderr)
                check(f"{name}, {how}: the other loads", h.sql(f"SELECT count(*) FROM {TABLE}"), ["1"])
    for name in ("bz2", "zst", "gz"):
        with Home() as h:
            check_in(f"a name ending in {name}", f"its name ends in .{name}, but its content is not", load(h, {f"a.log.{name}": text}).stderr)
    with Home() as h:
        check_in("not what COMPRESSION says", "its content is not bzip2, which the job's COMPRESSION is", load(h, {"a.log": text}, "COMPRESSION = BZIP2").stderr)
    with Home() as h:
        bomb = raw_snappy(b"x")[:0] + b"\xff\xff\xff\xff\x0f" + b"\0" * 100
        check_in("a snappy bomb", "larger than it may be", load(h, {"a.snappy": bomb}).stderr)


def avro_long(n):
    z = (n << 1) ^ (n >> 63)
    out = b""
    while True:
        out += bytes([z & 0x7F | (0x80 if z > 0x7F else 0)])
        z >>= 7
        if not z:
            return out


def avro_text(s):
    data = s if isinstance(s, bytes) else s.encode()
    return avro_long(len(data)) + data


def avro_file(schema, blocks, codec):
    """`blocks`: lists of encoded records."""
    sync = bytes(range(16))
    out = b"Obj\x01" + avro_long(2) + avro_text("avro.schema") + avro_text(json.dumps(schema)) + avro_text("avro.codec") + avro_text(codec) + avro_long(0) + sync
    for records in blocks:
        data = b"".join(records)
        packed = {"null": lambda d: d, "deflate": lambda d: zlib.compress(d, 9)[2:-4], "snappy": lambda d: raw_snappy(d) + struct.pack(">I", zlib.crc32(d)), "zstandard": zstd}[codec](data)
        out += avro_long(len(records)) + avro_text(packed) + sync
    return out


FLOW = {"type": "record", "name": "flow", "fields": [
    {"name": "srcaddr", "type": ["null", "string"]}, {"name": "packets", "type": "long"}, {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]}, {"name": "ratio", "type": "double"}, {"name": "is_new", "type": "boolean"},
    {"name": "kind", "type": {"type": "enum", "name": "kinds", "symbols": ["A", "B"]}}, {"name": "tags", "type": {"type": "array", "items": "string"}}, {"name": "raw", "type": "bytes"}]}


def avro_record(i):
    address = avro_long(0) if i % 10 == 9 else avro_long(1) + avro_text(f"10.0.0.{i}")
    return address + avro_long(i) + avro_long(1713400000000 + i) + avro_long(1) + avro_long(19831) + struct.pack("<d", i / 4) + bytes([i % 2]) + avro_long(i % 2) + avro_long(2) + avro_text("x") + avro_text(f'q"{i}') + avro_long(0) + avro_text(b"\x00\xff")


def avro():
    for codec in ("null", "deflate", "snappy") + (("zstandard",) if "zstd" in PACKINGS else ()):
        with Home() as h:
            done = load(h, {"a.avro": avro_file(FLOW, [[avro_record(i) for i in range(30)], [avro_record(30)]], codec), "b.log": log_text(record("10.9.9.9"))})
            check(f"Avro, {codec}: {done.stderr[-300:]}", (done.returncode, h.sql(f"SELECT count(*), count(srcaddr), sum(packets) FROM {TABLE} WHERE seen IS NOT NULL")), (0, ["31,28,465"]))
            check(f"Avro, {codec}: types", h.sql(f"SELECT srcaddr, packets, seen, day, ratio, is_new, kind, tags, raw FROM {TABLE} WHERE packets = 7 AND seen IS NOT NULL"), ['10.0.0.7,7,2024-04-18 00:26:40.007000,2024-04-18,1.75,true,B,"[""x"",""q\\""7""]",00ff'])
            check(f"Avro, {codec}: no copy stays", list((h.home / "tmp").glob("unpacked*")), [])
            h.load()
            check(f"Avro, {codec}: once", h.sql(f"SELECT count(*) FROM {TABLE}"), ["32"])
    good = avro_file(FLOW, [[avro_record(i) for i in range(30)]], "deflate")
    for name, data, options, part in (("cut", good[:-40], "", "ends inside a value"), ("changed", good[:-60] + b"x" * 20 + good[-40:], "", "bad.avro"), ("no schema", good.replace(b'"record"', b'"rekord"'), "", "bad.avro"), ("not Avro", log_text(record()), "CONTENT_TYPE = AVRO", "its content is not Avro"),
                                      ("another codec", good.replace(b"\x0edeflate", b"\x0exxxxxxx"), "", "codec 'xxxxxxx' is not known"), ("ORC", b"ORC" + b"x" * 50, "", "its content is ORC, which is not read")):
        with Home() as h:
            done = load(h, {"bad.avro": data}, options)
            check(f"Avro, {name}: an error", done.returncode, 1)
            check_in(f"Avro, {name}", part, done.stderr)


# The fields of each version, in AWS's order, and of transit gateways.
V2 = HEADER.split()
V3 = V2 + "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr".split()
V4 = V3 + "region az-id sublocation-type sublocation-id".split()
V5 = V4 + "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path".split()
V7 = V5 + "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id".split()
V8 = V7 + ["reject-reason"]
V9 = V8 + ["resource-id"]
V10 = V9 + ["encryption-status"]
V11 = V10 + "instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type".split()
TGW = ("version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id "
       "srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service").split()
NUMBERS = {"version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags", "traffic-path", "packets-lost-no-route", "packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired"}
VERSIONS = {"2": (V2, 14), "3": (V3, 21), "4": (V4, 25), "5": (V5, 29), "7": (V7, 39), "8": (V8, 40), "9": (V9, 41), "10": (V10, 42), "11": (V11, 54), "6": (TGW, 36)}


def versions():
    for version, (fields, number) in VERSIONS.items():
        check(f"version {version} has its fields", len(fields), number)
        def row(i):
            return " ".join(version if f == "version" else "10.0.0.1" if f == "srcaddr" else "10.0.0.2" if f == "dstaddr" else str(i + k) if f in NUMBERS else f"{f}%20x{i}" for k, f in enumerate(fields))
        empty = " ".join(version if f == "version" else "1713400000" if f in ("start", "end") else "NODATA" if f == "log-status" else "-" for f in fields)
        skipped = empty.replace("NODATA", "SKIPDATA")
        with Home() as h:
            done = load(h, {"a.log": "\n".join([" ".join(fields), row(7), empty, skipped]) + "\n", "b.log": "\n".join([" ".join(reversed(fields)), " ".join(reversed(row(9).split()))]) + "\n"})
            names = [f.replace("-", "_") for f in fields]
            got = h.floe("sql", "SELECT " + ", ".join(f'"{n}"' for n in names) + f" FROM {TABLE} ORDER BY packets, log_status", "--format", "csv")
            want = [",".join("" if v == "-" else v for v in r.split()) for r in (row(7), row(9))]
            lines = got.stdout.splitlines()[1:]
            rest = [",".join("" if v == "-" else v for v in r.split()) for r in (empty, skipped)]
            check(f"version {version}: every field, in any order; NODATA and SKIPDATA: {done.stderr[-300:]}", sorted(lines), sorted(want + rest))


def firehose():
    """A JSON value for each record, or one behind the other; with NODATA."""
    lines = [record("10.0.0.1"), "2 123456789012 eni-1 - - - - - - - 1713400000 1713400060 - NODATA", record("10.0.0.2")]
    for name, data in (("a line each", "\n".join(json.dumps({"message": r}) for r in lines) + "\n"), ("one behind the other", "".join(json.dumps({"message": r}) for r in lines)), ("packed", gzip.compress("".join(json.dumps({"message": r}) + "\n" for r in lines).encode()))):
        with Home() as h:
            done = load(h, {"stream-1-2024-04-18-03-00-00-x" + (".gz" if name == "packed" else ""): data})
            check(f"Firehose, {name}: {done.stderr[-200:]}", h.sql(f"SELECT srcaddr, dstport, log_status FROM {TABLE} ORDER BY srcaddr"), ["10.0.0.1,443,OK", "10.0.0.2,443,OK", ",,NODATA"])


compressions()
several_members()
damage()
avro()
versions()
firehose()
finish()
