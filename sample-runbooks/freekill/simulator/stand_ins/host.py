"""The simulated host: which services and tasks run under its supervisor, and which lies are switched on."""
import os
import signal
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "run"
GONOGO = os.environ.get("GONOGO", "gonogo")


def lie(name):
    return (ROOT / "lies" / name).exists()


def platform():
    return (RUN / "platform").read_text().strip()


def port():
    return int((RUN / "port").read_text())


def processes():
    """(pid, process group, words of the command line) of each living process of this checkout."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            state, _parent, group = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        # The stand-ins themselves are no part of the host.
        stand_in = any(word.startswith(f"{ROOT}/bin/") for word in words)
        if state != "Z" and not stand_in and any(str(ROOT) in word for word in words):
            yield int(entry.name), int(group), words


def group_of(name):
    try:
        return int((RUN / f"{name}.group").read_text())
    except (OSError, ValueError):
        return None


def runs(name):
    group = group_of(name)
    return group is not None and any(g == group for _, g, _ in processes())


def start(name, command):
    """Starts `command` under a supervisor that starts it again 2 s after each end."""
    import subprocess

    if runs(name):
        return
    with open(ROOT / "log" / f"{name}.log", "ab") as log:
        supervise = [GONOGO, "lab", "supervise", "--pidfile", str(RUN / f"{name}.pid"), *command]
        child = subprocess.Popen(
            supervise, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (RUN / f"{name}.group").write_text(str(child.pid))


def stop(name, patience=8):
    """TERM to the whole group, and KILL to what is left of it."""
    group = group_of(name)
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + patience
        while runs(name) and time.monotonic() < end:
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                return
            time.sleep(0.1)


def stop_all():
    for file in RUN.glob("*.group"):
        stop(file.stem)
    # What a step started by itself: the trial, a health check that hangs.
    for pid, _, words in list(processes()):
        if "runtime" in words[0] and "release/native" in words[0]:
            os.kill(pid, signal.SIGKILL)


def listens():
    import socket

    try:
        socket.create_connection(("127.0.0.1", port()), timeout=0.5).close()
        return True
    except OSError:
        return False


def wait_for_port():
    end = time.monotonic() + 10
    while not listens():
        if time.monotonic() > end:
            raise SystemExit("the Python host does not listen")
        time.sleep(0.05)


def native_answers():
    """Whether it is the native runtime that answers."""
    import socket

    try:
        with socket.create_connection(("127.0.0.1", port()), timeout=1) as stream:
            stream.settimeout(1)
            stream.sendall(b"GET /stats HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n")
            return b"name\tnative" in stream.recv(65536)
    except OSError:
        return False
