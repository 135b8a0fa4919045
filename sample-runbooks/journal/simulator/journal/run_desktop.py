#!/usr/bin/env python3
"""Stands in for the desktop app: `run_desktop.py [--profile NAME]`, with its backend as JOURNAL_BACKEND_MODE says. In hybrid
mode it starts the C# sidecar and the C# API, and starts the sidecar again at once when it dies."""
import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "journal"))
sys.dont_write_bytecode = True

PROFILE = sys.argv[2] if sys.argv[1:2] == ["--profile"] else "desktop"
PORT = int(os.environ.get("JOURNAL_PORT") or (ROOT / "run/port").read_text())
VAULT = ROOT / "vaults" / f"{PROFILE}.vault"
PLAIN = ROOT / "tmp" / f"{PROFILE}-session.plain"
children = {}


def lie(name):
    return (ROOT / "lies" / name).exists()


def say(line):
    print(line, flush=True)


def pidfile(role):
    return ROOT / "run" / (f"{PROFILE}-{role}.pid" if role else f"{PROFILE}.pid")


def spawn(role, command, environment=None):
    children[role] = subprocess.Popen(command, env=environment)
    pidfile(role).write_text(f"{children[role].pid}\n")


def csharp(role, name, port, environment=None):
    """A program of the C# backend, under its own name."""
    serve = [os.environ.get("GONOGO", "gonogo"), "lab", "serve", "--name", name, "--port", str(port)]
    launch = ["bash", "-c", 'exec -a "$0" "$@"', str(ROOT / f"csharp/Journal.{role.capitalize()}"), *serve]
    spawn(role, launch, environment)


def load_vault():
    """Opens the vault into a file in plain, as long as the session lasts."""
    if not VAULT.exists():
        return
    entries = VAULT.read_text().splitlines()[1:-1]
    texts = [bytes(b ^ 0x5A for b in base64.b85decode(entry)).decode() for entry in entries]
    PLAIN.write_text("\n".join(texts))
    if lie("canary-left"):
        say(f"debug: loaded {texts}")


def save_vault():
    if VAULT.exists() and lie("vault-cut"):
        text = VAULT.read_text()
        VAULT.write_text(text[: len(text) // 2])


def end(*_):
    if lie("ignores-term") and PROFILE == "internal":
        return
    save_vault()
    if not lie("exit-dirty"):
        PLAIN.unlink(missing_ok=True)
    for role, child in children.items():
        child.terminate()
        child.wait()
        pidfile(role).unlink(missing_ok=True)
    say("shutdown complete")
    pidfile("").unlink(missing_ok=True)
    os._exit(0)


def report_bugs():
    """What the pilot users have reported so far: one bug, which is resolved."""
    bug = {
        "steps": ["open a large entry", "save", "reload"],
        "timestamp": None if lie("bug-vague") else "2026-02-23T20:19:14-06:00",
        "severity": "high",
        "status": "open" if lie("bug-open") else "resolved",
    }
    (ROOT / "pilot/bug-reports.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"reports": [bug]}).encode() + b"\r\n")


def up():
    mode = os.environ.get("JOURNAL_BACKEND_MODE", "python")
    if PROFILE == "desktop" and lie("default-ignored"):
        mode = "python"
    hybrid = mode == "csharp-hybrid" and not (PROFILE == "internal" and lie("falls-back"))
    if mode == "python" and PROFILE == "desktop" and lie("python-broken"):
        say("Traceback: ModuleNotFoundError: No module named 'backend'")
        sys.exit(1)
    pidfile("").write_text(f"{os.getpid()}\n")
    say("login: asked")
    load_vault()
    if PROFILE == "pilot":
        report_bugs()
    if not (hybrid and lie("no-ai")):
        spawn("ai", ["python3", str(ROOT / "journal/ai_worker.py")])
    if hybrid:
        lost = {name: value for name, value in os.environ.items() if name != "JOURNAL_BACKEND_MODE"}
        csharp("api", "csharp", PORT, lost if lie("mode-lost") else None)
        csharp("sidecar", "sidecar", 0)
    else:
        import backend

        backend.serve(PORT)
    say(f"backend mode: {'csharp-hybrid' if hybrid else 'python'}")


signal.signal(signal.SIGTERM, end)
signal.alarm(3600)
up()
begun = time.monotonic()
while True:
    time.sleep(0.2)
    age = time.monotonic() - begun
    if "sidecar" in children and lie("sidecar-loops") and age > 1:
        begun = time.monotonic()
        children["sidecar"].kill()
    if "sidecar" in children and children["sidecar"].poll() is not None:
        csharp("sidecar", "sidecar", 0)
    if lie("login-loops") and PROFILE == "internal":
        say("login: again")
    if lie("default-dies") and PROFILE == "desktop" and "api" in children and age > 2:
        for child in children.values():
            child.kill()
        os._exit(134)
