"""Runs a program under ptrace, hands every system call of interest to a callback, and makes calls fail or the program
die where the callback says so. Unlike strace's injection it counts calls over all threads together, and it leaves
children alone, so that a fault hits the engine and never a shim. x86_64 Linux; standard library only."""

import ctypes
import os
import platform
import signal
import struct
import threading

TRACEME, SYSCALL, SETOPTIONS, EVENT_MESSAGE, POKEUSER, SYSCALL_INFO = 0, 24, 0x4200, 0x4201, 6, 0x420E
SYSGOOD, FORKS, VFORKS, CLONES, EXECS, EXITKILL = 1, 2, 4, 8, 0x10, 0x100000
# Stops that tell of a child: by fork, vfork, clone.
BIRTHS = (1, 2, 3)
# Offsets in the kernel's struct user.
RAX, RDX, ORIG_RAX = 80, 96, 120
WALL, WNOTHREAD = 0x40000000, 0x20000000
ENTRY, EXIT = 1, 2

CALLS = {
    1: "write", 2: "open", 3: "close", 18: "pwrite64", 20: "writev", 56: "clone", 57: "fork", 58: "vfork",
    74: "fsync", 75: "fdatasync", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 86: "link", 87: "unlink",
    257: "openat", 258: "mkdirat", 263: "unlinkat", 264: "renameat", 265: "linkat", 316: "renameat2", 435: "clone3",
}
# What starts programs and reaches others: for whoever is to do neither.
BEYOND = {
    2: "open", 42: "connect", 44: "sendto", 49: "bind", 56: "clone", 57: "fork", 58: "vfork", 59: "execve", 62: "kill",
    200: "tkill", 234: "tgkill", 257: "openat", 322: "execveat", 424: "pidfd_send_signal", 435: "clone3",
}
BY_FD = {"write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate", "close"}
# Which arguments are paths.
PATHS = {"open": (0,), "mkdir": (0,), "rename": (0, 1), "link": (0, 1), "unlink": (0,), "openat": (1,), "mkdirat": (1,),
         "unlinkat": (1,), "renameat": (1, 3), "linkat": (1, 3), "renameat2": (1, 3), "execve": (0,), "execveat": (1,)}
O_CREAT, CLONE_THREAD = 0o100, 0x10000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def why_not():
    """Why this machine cannot be used, or None."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "the tracer knows x86_64 Linux only"
    if os.geteuid() != 0:
        return "reading a guarded process needs root"
    child = os.fork()
    if child == 0:
        os._exit(0 if libc.ptrace(TRACEME, 0, None, None) == 0 else 1)
    if os.waitpid(child, 0)[1] != 0:
        return "ptrace is not permitted here"
    return None


class Call:
    """One system call: `path` of its descriptor or first path, `data` that a write carries, `result` once it is known."""

    def __init__(self, tid, name, args):
        self.tid, self.name, self.args = tid, name, args
        self.fd = args[0] if name in BY_FD else None
        self.path, self.to, self.data, self.result, self.is_thread = None, None, b"", None, False

    def creates(self):
        return self.name == "openat" and bool(self.args[2] & O_CREAT)

    def spawns(self):
        return self.name in ("fork", "vfork") or (self.name in ("clone", "clone3") and not self.is_thread)

    def __repr__(self):
        return f"{self.name}({self.path or self.fd or ''}{' -> ' + self.to if self.to else ''})"


class Tracer:
    """`entering(call)` returns None, "kill", ("fail", errno) or ("short", bytes); `left(call)` None or "kill".
    `numbers` are the calls that they are told of."""

    def __init__(self, entering, left, follow=False, numbers=CALLS):
        self.entering, self.left, self.follow, self.numbers = entering, left, follow, numbers
        self.pid, self.calls, self.forced = 0, {}, {}

    def run(self, argv, env, stdout, stderr, seconds, terminal=None):
        """Runs the program to its end, on a `terminal` of its own if one is named, and then without the files;
        returns its exit code, negative for a signal."""
        self.pid = os.fork()
        if self.pid == 0:
            try:
                if terminal:
                    # The first one that a session's leader opens is its own.
                    os.setsid()
                    screen = os.open(terminal, os.O_RDWR)
                    for fd in (0, 1, 2):
                        os.dup2(screen, fd)
                else:
                    os.setpgid(0, 0)
                    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                    os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
                    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
                libc.ptrace(TRACEME, 0, None, None)
                os.execve(argv[0], argv, env)
            finally:
                os._exit(127)
        watchdog = threading.Timer(seconds, lambda: os.kill(self.pid, signal.SIGKILL))
        watchdog.start()
        try:
            return self._loop()
        finally:
            watchdog.cancel()

    def _loop(self):
        os.waitpid(self.pid, WALL)
        options = SYSGOOD | CLONES | EXECS | EXITKILL | ((FORKS | VFORKS) if self.follow else 0)
        libc.ptrace(SETOPTIONS, self.pid, None, options)
        libc.ptrace(SYSCALL, self.pid, None, None)
        alive, met, code = {self.pid}, {self.pid}, None
        while alive:
            tid, status = os.waitpid(-1, WALL | WNOTHREAD)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                alive.discard(tid)
                met.discard(tid)
                if tid == self.pid:
                    code = os.waitstatus_to_exitcode(status)
                    if not self.follow:
                        return code
                continue
            stop, event, deliver = os.WSTOPSIG(status), status >> 16, 0
            if stop == signal.SIGTRAP | 0x80:
                self._syscall(tid)
            elif event in BIRTHS:
                born = ctypes.c_ulong()
                libc.ptrace(EVENT_MESSAGE, tid, None, ctypes.addressof(born))
                alive.add(born.value)
            elif event == 0 and not (stop == signal.SIGSTOP and tid not in met):
                # Every new one begins with a stop of its own.
                deliver = 0 if stop == signal.SIGTRAP else stop
            met.add(tid)
            # It may have been killed meanwhile: then its end comes next.
            libc.ptrace(SYSCALL, tid, None, deliver)
        return code

    def _syscall(self, tid):
        info = ctypes.create_string_buffer(88)
        if libc.ptrace(SYSCALL_INFO, tid, ctypes.c_void_p(88), ctypes.addressof(info)) <= 0:
            return
        op = info.raw[0]
        if op == ENTRY:
            number, *args = struct.unpack_from("<7Q", info.raw, 24)
            name = self.numbers.get(number)
            if name is None:
                self.calls.pop(tid, None)
                return
            call = self._read(tid, name, args)
            self.calls[tid] = call
            self._act(call, self.entering(call))
        elif op == EXIT and (call := self.calls.pop(tid, None)):
            call.result = struct.unpack_from("<q", info.raw, 24)[0]
            if (forced := self.forced.pop(tid, None)) is not None:
                libc.ptrace(POKEUSER, tid, RAX, ctypes.c_void_p(forced & (2**64 - 1)))
                call.result = forced
            self._act(call, self.left(call))

    def _act(self, call, action):
        if action == "kill":
            os.kill(self.pid, signal.SIGKILL)
        elif action and action[0] == "fail":
            libc.ptrace(POKEUSER, call.tid, ORIG_RAX, ctypes.c_void_p(2**64 - 1))
            self.forced[call.tid] = -action[1]
        elif action and action[0] == "short":
            libc.ptrace(POKEUSER, call.tid, RDX, ctypes.c_void_p(action[1]))

    def _read(self, tid, name, args):
        call = Call(tid, name, args)
        if call.fd is not None:
            try:
                call.path = os.readlink(f"/proc/{tid}/fd/{call.fd}")
            except OSError:
                call.path = "?"
            if name == "write":
                call.data = self._bytes(tid, args[1], min(args[2], 1 << 20))
        for at in PATHS.get(name, ()):
            path = self._string(tid, args[at])
            call.path, call.to = (call.path or path), (path if call.path else None)
        if name in ("clone", "clone3"):
            flags = args[0] if name == "clone" else struct.unpack("<Q", self._bytes(tid, args[0], 8).ljust(8, b"\0"))[0]
            call.is_thread = bool(flags & CLONE_THREAD)
        return call

    def _bytes(self, tid, at, length):
        try:
            with open(f"/proc/{tid}/mem", "rb", buffering=0) as memory:
                memory.seek(at)
                return memory.read(length)
        except (OSError, ValueError, OverflowError):
            return b""

    def _string(self, tid, at):
        text = b""
        while b"\0" not in text:
            # Page by page: it may end right before one that is not there.
            part = self._bytes(tid, at + len(text), 4096 - (at + len(text)) % 4096)
            text += part or b"\0"
        return text.split(b"\0")[0].decode(errors="replace")
