#!/usr/bin/env python3
"""The Gremlin console on a pseudo-terminal: results, completion, entries of several lines, variables, Ctrl-C."""
import os
import pty
import select
import time

from harness import FLOE, HEADER, Home, check, check_in, finish

LINES = [f"2 1 eni 10.0.0.{a} 10.0.0.{b} 1000 {80 + b} 6 {a} {100 * b} 1713427200 1713427260 ACCEPT OK" for a in range(1, 9) for b in range(1, 9) if a != b]


class Console:
    def __init__(self, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(FLOE, [FLOE, "gremlin", "--home", str(home)])
        self.wait("gremlin> ")

    def wait(self, part, seconds=20):
        seen, end = "", time.monotonic() + seconds
        while time.monotonic() < end and part not in seen:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    break
        return seen

    def say(self, text, part):
        os.write(self.fd, text.encode())
        check_in(f"console: {text!r}", part, self.wait(part))


def main():
    with Home() as h:
        h.write("a.log.gz", "\n".join([HEADER, *LINES]) + "\n")
        check("load", h.load().returncode, 0)
        check("schema", h.apply_schema().returncode, 0)
        c = Console(h.home)
        c.say("g.V().cou\tnt()\n", "==>8")
        c.wait("gremlin> ")
        c.say("x = g.V('devices[10.0.0.1]').\n", "......> ")
        c.say("next()\n", "==>v[devices[10.0.0.1]]")
        c.say("g.V(x).out().count()\n", "==>7")
        c.say("g.E().has('dstp\t', 81).count()\n", "==>7")
        c.say("g.V().cont()\n", "did you mean count()?")
        c.wait("gremlin> ")
        os.write(c.fd, b"g.V().repeat(both()).times(12).path().count()\n")
        time.sleep(0.5)
        c.say("\x03", "cancelled")
        c.say("g.V(", "g.V(")
        c.say("\x03", "gremlin> ")
        c.say("g.E().count()\n", "==>56")
        os.write(c.fd, b":q\n")
        check("console: ends", os.waitpid(c.pid, 0)[1], 0)
        check_in("console: keeps its history", "g.E().count()", (h.home / "gremlin.history").read_text().replace("\\040", " "))
    finish()


main()
