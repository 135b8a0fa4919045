#!/usr/bin/env python3
"""Whoever reads a record only reads. A real cutover is driven; then its record is replayed on a terminal from the first
event to the last, at a thousand times its speed, verified, reported and bundled, and every system call is looked at:
no program is started, no connection opened, nobody signalled, and nothing opened for writing but the terminal and what
was asked for."""

import argparse
import fcntl
import os
import pty
import re
import shutil
import struct
import sys
import termios
import threading
import time
from pathlib import Path

import lab
import ptrace

# Signs and strings that a terminal is told, without what they are told it with.
ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()].|\x1b[=>78]")


class Looker:
    """Sorts out the calls of one program."""

    def __init__(self, may_write=()):
        self.may_write, self.beyond, self.seen = tuple(str(p) for p in may_write), [], 0

    def entering(self, call):
        self.seen += 1
        name, args = call.name, call.args
        if name in ("clone", "clone3", "fork", "vfork"):
            guilty = call.spawns()
        elif name == "sendto":
            # Without an address it is a write to what is connected already.
            guilty = args[4] != 0
        elif name in ("open", "openat"):
            flags = args[1] if name == "open" else args[2]
            path = call.path or ""
            theirs = path.startswith(("/dev/", "/proc/self/fd/")) or path.startswith(self.may_write)
            guilty = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and not theirs
        else:
            guilty = True
        if guilty:
            self.beyond.append(repr(call))

    def left(self, call):
        pass

    def run(self, argv, env, out, terminal=None):
        tracer = ptrace.Tracer(self.entering, self.left, follow=True, numbers=ptrace.BEYOND)
        return tracer.run(argv, env, str(out), str(out) + ".err", lab.DEADLINE, terminal)


class Desk:
    """A terminal, and a hand that presses keys on it when the screen says what it waits for."""

    def __init__(self, columns, rows, keys):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.name, self.slave, self.keys, self.raw = os.ttyname(slave), slave, keys, b""
        self.failed = None
        self.thread = threading.Thread(target=self._sit, daemon=True)
        self.thread.start()

    def _sit(self):
        end = time.monotonic() + lab.DEADLINE
        waiting = list(self.keys)
        since = 0
        while time.monotonic() < end:
            try:
                self.raw += os.read(self.master, 65536)
            except OSError:
                break
            while waiting and re.search(waiting[0][0], ESCAPES.sub(b"", self.raw[since:])):
                # What is said from here on answers this key.
                since = len(self.raw)
                os.write(self.master, waiting.pop(0)[1])
        if waiting:
            self.failed = f"the screen never said {waiting[0][0]!r}: …{ESCAPES.sub(b'', self.raw)[-3000:]!r}"

    def close(self):
        os.close(self.slave)
        self.thread.join(lab.DEADLINE)
        os.close(self.master)
        if self.failed:
            raise lab.Failure(self.failed)


def control(folder, env):
    """The tracer sees what is looked for, where it is done."""
    guilty = Looker(may_write=[folder])
    code = (
        "import socket, subprocess; s = socket.socket(socket.AF_UNIX); s.connect_ex('/nowhere'); "
        "subprocess.run(['/bin/true']); open('/tmp/gonogo-replay-control', 'w')"
    )
    guilty.run([sys.executable, "-S", "-c", code], env, folder / "control")
    os.unlink("/tmp/gonogo-replay-control")
    for call in ("connect", "execve", "openat(/tmp/gonogo-replay-control"):
        if not any(beyond.startswith(call) for beyond in guilty.beyond):
            raise lab.Failure(f"the tracer did not see {call}: {guilty.beyond}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    args = parser.parse_args()
    if why := ptrace.why_not():
        lab.skip("replay.py", why)
    gonogo = lab.binary(args.gonogo)
    base = lab.scratch("replay")
    try:
        port = lab.serve(gonogo, base)
        cutover = lab.Cutover(gonogo, base / "cutover", port)
        engine = cutover.launch()
        if engine.wait() != 0:
            raise lab.Failure(f"the cutover did not complete: {engine.said()}")
        session = cutover.session()
        before = {p: p.stat().st_mtime_ns for p in sorted(session.rglob("*"))}
        env = {
            "PATH": os.environ["PATH"], "HOME": str(base), "GONOGO_STATE_DIR": str(cutover.state),
            "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
        }
        out = base / "out"
        out.mkdir()
        control(out, env)

        replayed = Looker()
        desk = Desk(120, 36, REPLAY)
        code = replayed.run([gonogo, "replay", str(session), "--speed", "1000"], env, out / "replay", desk.name)
        desk.close()
        judge("replay", replayed, code)
        for name, argv, written in READERS:
            looker = Looker(may_write=[out])
            argv = [str(session) if arg == "SESSION" else arg.replace("OUT", str(out)) for arg in argv]
            judge(name, looker, looker.run([gonogo, *argv], env, out / name.replace(" ", "-")))
            if written and not (out / written).exists():
                raise lab.Failure(f"{name} did not write {written}")
        if before != {p: p.stat().st_mtime_ns for p in sorted(session.rglob("*"))}:
            raise lab.Failure("something in the session's folder is not as it was")
    except lab.Failure as e:
        print(f"FAILED {e}\n  kept: {base}")
        return 1
    shutil.rmtree(base)
    return 0


def judge(name, looker, code):
    if code != 0:
        raise lab.Failure(f"{name} ended with {code}")
    if looker.beyond:
        raise lab.Failure(f"{name} did more than read: {looker.beyond}")
    if not looker.seen:
        raise lab.Failure(f"no call of {name} was seen: this shows nothing")
    print(f"{name}: {looker.seen} calls that could have, and none started, connected, signalled or wrote")


# What the screen says, and the key that it is answered with.
REPLAY = [(rb"REPLAY", b" "), (rb"completed", b"q")]
READERS = [
    ("verify", ["verify", "SESSION"], None),
    ("report md", ["report", "SESSION"], None),
    ("report html", ["report", "SESSION", "--format", "html", "-o", "OUT/report.html"], "report.html"),
    ("report json", ["report", "SESSION", "--format", "json"], None),
    ("report asciicast", ["report", "SESSION", "--format", "asciicast", "-o", "OUT/session.cast"], "session.cast"),
    ("bundle", ["bundle", "SESSION", "-o", "OUT/bundle.tar.gz"], "bundle.tar.gz"),
]

if __name__ == "__main__":
    sys.exit(main())
