#!/usr/bin/env python3
"""Gives the process numbers of dead shims and commands to strangers, and asks whether anybody signals them.

In a PID namespace of its own each round starts a cutover, kills its engine, its shim and its command, and forks until
strangers have just their numbers. Then the session is resumed and told to end the step and to roll back: all that
would signal whoever has the recorded numbers. In every other round the engine lives, and only shim and command are
replaced under it. The strangers note every signal that comes; KILL shows by itself.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import lab

RUNBOOK = """\
id = "pids"
[vars]
work = { default = "" }
port = { default = "" }
last = { default = "" }
[[stage]]
id = "stage"
  [[stage.step]]
  id  = "long"
  run = "sleep 31536013"
  expect.matches = ['^never$']
  [[stage.rollback]]
  id     = "undo"
  undoes = ["long"]
  run    = "echo undone"
  expect.matches = ['^undone$']
"""
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
SIGNALS = [s for s in signal.valid_signals() if s not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD) and s < 32]


def why_not():
    if os.geteuid() != 0:
        return "it needs root, to make a PID namespace"
    if not shutil.which("unshare"):
        return "unshare is missing"
    probe = f"echo 300 > {LAST_PID}; /bin/true & test $! -ge 301 && test $! -lt 310"
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", probe], capture_output=True)
    return None if done.returncode == 0 else f"process numbers cannot be chosen here ({done.stderr.decode().strip()})"


def stranger(pid, hits):
    """Forks until somebody has this number; that one notes what comes."""
    for _ in range(200):
        LAST_PID.write_text(str(pid - 1))
        child = os.fork()
        if child == 0:
            def note(number, _):
                with open(hits, "a") as file:
                    file.write(f"{number}\n")

            for number in SIGNALS:
                signal.signal(number, note)
            hits.with_suffix(".ready").touch()
            while True:
                signal.pause()
        if child == pid:
            lab.wait_until(hits.with_suffix(".ready").exists, "the stranger listens")
            return
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    raise lab.Failure(f"number {pid} could not be had")


def gone(pid):
    """KILL, and the number is free: this process is the namespace's first, and inherits every orphan."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass

    def free():
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        return not Path(f"/proc/{pid}").exists()

    lab.wait_until(free, f"process {pid} is gone")


def ctl(cutover, *words):
    env = {**os.environ, "GONOGO_STATE_DIR": str(cutover.state)}
    return subprocess.run([cutover.gonogo, "ctl", str(cutover.session()), *words], env=env, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=lab.DEADLINE)


def drive(gonogo, folder, engine_lives):
    cutover = lab.Cutover(gonogo, folder, "", "", runbook=RUNBOOK, answers="advance = true\n")
    engine = cutover.launch()
    steps = lambda: cutover.session() and cutover.session() / "steps/stage.long.1"
    lab.wait_until(lambda: steps() and (steps() / "command.json").exists() and (steps() / "command.json").read_bytes()
                   .endswith(b"\n"), "the command runs")
    shim = json.loads((steps() / "started.json").read_text())["shim"]["pid"]
    command = json.loads((steps() / "command.json").read_text())["command"]["pid"]
    if engine_lives:
        # It can neither see nor ask before the numbers are another's.
        os.kill(engine.process.pid, signal.SIGSTOP)
        os.kill(shim, signal.SIGKILL)
        os.kill(command, signal.SIGKILL)
        gone(command)
        victims = [command]
    else:
        engine.kill()
        gone(shim)
        gone(command)
        victims = [shim, command]
    hits = [folder / f"hits-{pid}" for pid in victims]
    for pid, file in zip(victims, hits):
        stranger(pid, file)
    if engine_lives:
        os.kill(engine.process.pid, signal.SIGCONT)
        code = engine.wait()
        if code != 3:
            raise lab.Failure(f"its shim was killed, and it ended with {code}: {engine.said()}")
    env = {**os.environ, "GONOGO_STATE_DIR": str(cutover.state)}
    back = subprocess.run([gonogo, "resume", str(cutover.session()), "--detach"], env=env, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=lab.DEADLINE)
    if back.returncode != 0:
        raise lab.Failure(f"resume: {back.stdout}{back.stderr}")
    killed = ctl(cutover, "kill", "stage.long")
    asked = ctl(cutover, "rollback", "--reason", "a lab")
    if asked.returncode != 0:
        raise lab.Failure(f"rollback: {asked.stdout}{asked.stderr} (kill: {killed.returncode} {killed.stderr})")
    lab.wait_until(cutover.is_over, "it is rolled back")
    kinds = [e["event"]["kind"] for e in cutover.events()]
    if "step_unknown" not in kinds:
        raise lab.Failure(f"what became of the step cannot be known, and nobody said so: {kinds}")
    if lab.results(cutover.events()).get(("stage.undo", 1), [False])[0] is not True:
        raise lab.Failure(f"it was not undone: {kinds}")
    lab.check_acks(cutover)
    lab.check_verified(cutover)
    for pid, file in zip(victims, hits):
        if file.exists():
            raise lab.Failure(f"a stranger with number {pid} was hit by signals {file.read_text().split()}")
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            raise lab.Failure(f"a stranger with number {pid} was killed")
        gone(pid)
    return len(victims)


def inside(args):
    base = lab.scratch("pids", args.dir)
    # Numbers small enough to be met again.
    strangers = failures = 0
    began = time.monotonic()
    for number in range(args.rounds):
        try:
            strangers += drive(args.gonogo, base / f"round-{number}", number % 2 == 1)
        except lab.Failure as e:
            failures += 1
            print(f"FAILED round {number}: {e}\n  kept: {base / f'round-{number}'}", flush=True)
    print(f"{args.rounds} rounds, {strangers} strangers with recorded numbers, {failures} failures "
          f"in {time.monotonic() - began:.0f} s")
    if failures == 0:
        shutil.rmtree(base)
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--dir", help="where the sessions lie (default: the system's temporary folder)")
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.gonogo = lab.binary(args.gonogo)
    if args.inside:
        return inside(args)
    if why := why_not():
        lab.skip("reused process numbers", why)
    world = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    return subprocess.run([*world, sys.executable, "-u", __file__, "--inside", *sys.argv[1:]]).returncode


if __name__ == "__main__":
    sys.exit(main())
