#!/usr/bin/env python3
"""Stands in for the old watchdog: keeps one Python host running."""
import signal
import subprocess
import sys
import time
from pathlib import Path

signal.alarm(3600)
root = Path(__file__).resolve().parent.parent
port = (root / "run/port").read_text().strip()
child = None


def end(*_):
    if child is not None:
        child.terminate()
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    child = subprocess.Popen([sys.executable, str(root / "scripts/runtime_host_server.py"), port])
    child.wait()
    time.sleep(1)
