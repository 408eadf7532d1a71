"""WebSocket, Gremlin and Bolt over plain sockets."""
import base64
import json
import os
import struct

from serving import PASSWORD, connect

# ---- WebSocket by hand ----


def web_socket(port, path="/gremlin"):
    s = connect(port)
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = s.recv(1)
        if not byte:
            return None
        head += byte
    return s if b" 101 " in head else None


def frame(data, opcode=2, final=True):
    mask = os.urandom(4)
    n = len(data)
    size = bytes([0x80 | n]) if n < 126 else bytes([0xFE]) + struct.pack(">H", n) if n < 65536 else bytes([0xFF]) + struct.pack(">Q", n)
    return bytes([(0x80 if final else 0) | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_frame(s):
    head = read_exactly(s, 2)
    n = head[1] & 127
    n = struct.unpack(">H", read_exactly(s, 2))[0] if n == 126 else struct.unpack(">Q", read_exactly(s, 8))[0] if n == 127 else n
    return read_exactly(s, n)


# ---- Bolt by hand ----

GREETING = bytes.fromhex("6060B017")


def bolt_message(data):
    return struct.pack(">H", len(data)) + data + b"\0\0"


def pack(v):
    if v is None:
        return b"\xC0"
    if isinstance(v, bool):
        return b"\xC3" if v else b"\xC2"
    if isinstance(v, int):
        return struct.pack(">b", v) if -16 <= v < 128 else b"\xCB" + struct.pack(">q", v)
    if isinstance(v, str):
        b = v.encode()
        return (bytes([0x80 | len(b)]) if len(b) < 16 else b"\xD0" + bytes([len(b)]) if len(b) < 256 else b"\xD1" + struct.pack(">H", len(b))) + b
    if isinstance(v, dict):
        return bytes([0xA0 | len(v)]) + b"".join(pack(k) + pack(x) for k, x in v.items())
    raise TypeError(v)


def bolt_struct(tag, *fields):
    return bytes([0xB0 | len(fields), tag]) + b"".join(map(pack, fields))


def read_bolt(s):
    data = b""
    while True:
        n = struct.unpack(">H", read_exactly(s, 2))[0]
        if n == 0 and data:
            return data
        data += read_exactly(s, n)


def greet(server, versions):
    s = connect(server.bolt)
    s.sendall(GREETING + b"".join(versions))
    return s, read_exactly(s, 4)


def v(major, minor, spread=0):
    return bytes([0, spread, minor, major])


NONE = bytes(4)


def bolt(server):
    """A Bolt 5.4 connection, signed in."""
    s, _ = greet(server, (v(5, 4), NONE, NONE, NONE))
    s.sendall(bolt_message(bolt_struct(0x01, {"user_agent": "test/1"})))
    read_bolt(s)
    s.sendall(bolt_message(bolt_struct(0x6A, {"scheme": "basic", "principal": "tester", "credentials": PASSWORD})))
    if read_bolt(s)[1] != 0x70:
        raise SystemExit("not let in")
    return s


def gremlin(server):
    """A Gremlin connection, signed in."""
    s = web_socket(server.gremlin)
    request = {"requestId": "41d2e28a-20a4-4ab0-b379-d810dede3786", "op": "eval", "processor": "", "args": {"gremlin": "1"}}
    s.sendall(frame(json.dumps(request).encode(), 1))
    read_frame(s)
    sasl = base64.b64encode(f"\0tester\0{PASSWORD}".encode()).decode()
    s.sendall(frame(json.dumps({**request, "op": "authentication", "args": {"sasl": sasl}}).encode(), 1))
    read_frame(s)
    return s
