"""What every lab shares: the runbook that is driven, engines that are started, killed and resumed, and the oracle
that says afterwards whether anything was lost. Standard library only."""

import atexit
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
# Nothing here takes this long; what does hangs.
DEADLINE = 120.0
SAID = " " * 14 + "| "
ACK = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3})Z #(\d+) +(\S+) +(.*)\n$")

RUNBOOK = """\
id     = "lab"
policy = ["This is a lab."]

[vars]
work = { help = "Scratch folder" }
port = { help = "Where the service listens" }
last = { default = "0", help = "What the last step exits with" }

[env]
TALLY = "${{ work }}/tally"

[check.web]
http   = "http://127.0.0.1:${{ port }}/livez"
period = "100ms"

[[stage]]
id = "prepare"
  [[stage.step]]
  id  = "silent"
  run = 'echo "prepare.silent ${{ step.attempt }}" >> "$TALLY"'
  expect.not_matches = ['.']
  [[stage.step]]
  id    = "big"
  needs = ["silent"]
  run   = 'echo "prepare.big ${{ step.attempt }}" >> "$TALLY"; head -c 1048576 /dev/zero | tr "\\0" x'
  expect.matches = ['^x+$']
  [[stage.step]]
  id    = "slow"
  needs = ["silent"]
  run   = 'echo "prepare.slow ${{ step.attempt }}" >> "$TALLY"; for i in {1..12}; do echo "line $i"; sleep 0.03; done'
  expect.matches = ['^line 12$']
  [[stage.step]]
  id  = "version"
  run = 'echo "prepare.version ${{ step.attempt }}" >> "$TALLY"; echo version 2.7.1'
  expect.matches = ['^version']
  capture.version = '^version (\\S+)$'
  [[stage.rollback]]
  id     = "undo-slow"
  undoes = ["slow"]
  run    = 'echo "prepare.undo-slow ${{ step.attempt }}" >> "$TALLY"; for i in {1..6}; do echo "back $i"; sleep 0.03; done'
  expect.matches = ['^back 6$']

[[stage]]
id    = "switch"
watch = ["web"]
  [[stage.step]]
  id    = "answers"
  await = ["web"]
  for   = "200ms"
  [[stage.step]]
  id  = "status"
  run = 'echo "switch.status ${{ step.attempt }}" >> "$TALLY"; echo "${{ version }} is on its way" >&2; sleep 0.1; exit 7'
  expect.exit    = [7]
  expect.matches = ['^2\\.7\\.1 is on its way$']
  [[stage.step]]
  id      = "sure"
  confirm = "Is everybody sure?"
  [[stage.step]]
  id   = "breathe"
  wait = "150ms"
  [[stage.rollback]]
  id     = "undo-status"
  undoes = ["status"]
  run    = 'echo "switch.undo-status ${{ step.attempt }}" >> "$TALLY"; sleep 0.1; echo undone'
  expect.matches = ['^undone$']
  [[stage.rollback]]
  id   = "answers-again"
  await = ["web"]
  [stage.gate]
  soak = "300ms"

[[stage]]
id = "finish"
  [[stage.step]]
  id  = "last"
  run = 'echo "finish.last ${{ step.attempt }}" >> "$TALLY"; for i in {1..5}; do echo "end $i"; sleep 0.03; done; exit ${{ last }}'
  expect.matches = ['^end 5$']
  [[stage.rollback]]
  id     = "undo-last"
  undoes = ["last"]
  run    = 'echo "finish.undo-last ${{ step.attempt }}" >> "$TALLY"; echo undone'
  expect.matches = ['^undone$']
"""

ANSWERS = """\
acknowledge = true
advance     = true
gate_within = "60s"
[confirm]
"switch.sure" = "yes"
[on_hold]
default = "rollback"
"""


class Failure(Exception):
    """What did not hold, as a sentence."""


def binary(given=None):
    """The gonogo to test: given, $GONOGO, or the newest that cargo has built here."""
    found = [Path(p) for p in (given, os.environ.get("GONOGO")) if p]
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target"))
    built = [p for p in (target / "release/gonogo", target / "debug/gonogo") if p.exists()]
    found += sorted(built, key=lambda p: -p.stat().st_mtime)
    if not found:
        sys.exit("there is no gonogo to test: `cargo build`, or --gonogo PATH")
    return str(found[0].resolve())


def skip(what, why):
    """Ends a lab that this machine does not allow."""
    print(f"SKIPPED {what}: {why}")
    sys.exit(0)


def scratch(prefix, base=None):
    """A fresh folder."""
    return Path(tempfile.mkdtemp(prefix=f"gonogo-{prefix}-", dir=base))


def wait_until(holds, what, deadline=DEADLINE):
    """Waits for a condition, and fails where it does not come true."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"waited {deadline:.0f} s for: {what}")
        time.sleep(0.01)


def free_port():
    """Below the ports that connections going out are given: none of them takes it before its server starts."""
    for port in random.sample(range(10000, 20000), 1000):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no port from 10000 to 20000 is free")


def serve(gonogo, folder):
    """A real service on loopback for the checks to look at; ends with this process. Returns its port."""
    port = free_port()
    child = subprocess.Popen(
        [gonogo, "lab", "serve", "--name", "lab", "--port", str(port), "--lifetime", "4h"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(Path(folder) / "service.log", "wb"),
    )
    atexit.register(child.kill)

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, "the lab's service answers")
    return port


def pids_with(text):
    """The living processes whose command line holds this text."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                line = Path("/proc", entry, "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in line:
                found.append(int(entry))
    return found


class Cutover:
    """One cutover in a folder of its own: its runbook, its answers, its sessions. `keep` is where what was
    acknowledged goes, outside of what may break."""

    def __init__(self, gonogo, folder, port, last=0, keep=None, runbook=RUNBOOK, answers=ANSWERS):
        self.gonogo, self.folder, self.keep = gonogo, Path(folder), Path(keep or folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.keep.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / "state"
        self.tally = self.keep / "tally"
        self.port, self.last = port, last
        (self.keep / "runbook.toml").write_text(runbook)
        (self.keep / "answers.toml").write_text(answers)
        # seq -> the line that an engine printed of it, and what clients were told of it over the socket.
        self.acks = {}
        self.told = {}
        self.launches = 0
        self.kills = 0

    def session(self):
        """The folder of the newest session that has a first line, or None."""
        folders = sorted((self.state / "sessions").glob("*"), key=lambda p: p.stat().st_mtime_ns)
        having = [f for f in folders if b"\n" in read(f / "audit.jsonl")]
        return having[-1] if having else None

    def command(self):
        """What starts the session, or goes on with it."""
        session = self.session()
        ends = ["--headless", "--answers", str(self.keep / "answers.toml")]
        if session:
            return [self.gonogo, "resume", str(session), *ends]
        sets = [f"--set={k}={v}" for k, v in (("work", self.keep), ("port", self.port), ("last", self.last))]
        return [self.gonogo, "run", str(self.keep / "runbook.toml"), *sets, *ends]

    def launch(self, wrap=(), watched=False):
        """Starts the session, or goes on with it; `watched` by a client that follows its events."""
        self.launches += 1
        return Engine(self, [*wrap, *self.command()], watched)

    def note(self, line):
        """Takes a printed line as what it is: a promise, or what a step that failed said last."""
        if line.startswith(SAID):
            return
        found = ACK.match(line)
        if not found:
            raise Failure(f"a printed line that is no event: {line!r}")
        seq = int(found[2])
        before = self.acks.setdefault(seq, line)
        if before != line:
            raise Failure(f"event {seq} was printed as {before!r} and then as {line!r}")

    def is_over(self):
        events = self.events()
        return bool(events) and events[-1]["event"]["kind"] == "session_closed"

    def events(self):
        session = self.session()
        whole = read(session / "audit.jsonl") if session else b""
        return [json.loads(line) for line in whole.split(b"\n")[:-1]]


def read(path):
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""


class Engine:
    """An engine in the foreground of a process group of its own."""

    def __init__(self, cutover, argv, watched=False):
        self.cutover = cutover
        self.errors = cutover.keep / f"stderr-{cutover.launches}"
        env = {**os.environ, "GONOGO_STATE_DIR": str(cutover.state), "RUST_BACKTRACE": "1"}
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, process_group=0,
            )
        self.lines = []
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.told = b""
        self.watcher = threading.Thread(target=self._watch, daemon=True) if watched else None
        if self.watcher:
            self.watcher.start()

    def _read(self):
        for line in self.process.stdout:
            # Only a whole line was said.
            if line.endswith(b"\n"):
                with self.news:
                    self.lines.append(line.decode())
                    self.news.notify_all()
        with self.news:
            self.lines.append(None)
            self.news.notify_all()

    def _watch(self):
        """Has a client print all events, until the engine is gone."""
        self.wait_for_line(1, DEADLINE)
        session = self.cutover.session()
        if session is None or self.process.poll() is not None:
            return
        argv = [self.cutover.gonogo, "ctl", str(session), "events", "--follow", "--json"]
        env = {**os.environ, "GONOGO_STATE_DIR": str(self.cutover.state)}
        client = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        self.told = client.communicate()[0]

    def wait_for_line(self, count, seconds):
        """Waits until so many lines were printed, the engine ended, or the time is over."""
        with self.news:
            self.news.wait_for(lambda: len(self.lines) >= count or None in self.lines, seconds)

    def wait(self, seconds=DEADLINE):
        """Waits for its end; returns the exit code, or None where it goes on."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._finish()
        return code

    def kill(self):
        """KILL for this process alone. Returns False where it had ended by itself."""
        ended = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.cutover.kills += ended is None
        self._finish()
        return ended is None

    def _finish(self):
        self.reader.join(DEADLINE)
        if self.reader.is_alive():
            raise Failure("somebody holds the dead engine's stdout")
        for line in self.lines[:-1]:
            self.cutover.note(line)
        self.lines = [None]
        if self.watcher:
            self.watcher.join(DEADLINE)
            if self.watcher.is_alive():
                raise Failure("a client of a dead engine does not end")
            for line in self.told.split(b"\n")[:-1]:
                event = json.loads(line)
                if "seq" not in event:
                    # Its last word, why it ends.
                    continue
                before = self.cutover.told.setdefault(event["seq"], event)
                if before != event:
                    raise Failure(f"a client was told {before} and then {event}")

    def said(self):
        return self.errors.read_text(errors="replace")


def results(events):
    """(step, attempt) -> what is the same in every run that ends well."""
    found = {}
    for event in (e["event"] for e in events):
        if event["kind"] == "step_finished":
            output = event["output"] or {}
            key = (event["step"], event["attempt"])
            if key in found:
                raise Failure(f"{key[0]}, attempt {key[1]}, has ended twice")
            found[key] = (
                event["passed"], event["exit"], output.get("bytes"), output.get("sha256"), event["captures"],
            )
    return found


def check_acks(cutover, events=None):
    """Every line that was printed is in the log, with its number, time and author, and every event that a client was
    told, as it was told."""
    log = {e["seq"]: e for e in (cutover.events() if events is None else events)}
    for seq, told in cutover.told.items():
        if {key: log.get(seq, {}).get(key) for key in told} != told:
            raise Failure(f"a client was told {told}, and the log says {log.get(seq)}")
    for seq, line in sorted(cutover.acks.items()):
        time_, _, author, _ = ACK.match(line).groups()
        event = log.get(seq)
        if event is None:
            raise Failure(f"event {seq} was acknowledged and is lost (the log has {len(log)}): {line!r}")
        by = event["by"]
        name = by if isinstance(by, str) else by.get("person") or by.get("trigger")
        name = name if isinstance(name, str) else name.get("name")
        at = event["at"][11:-1]
        at = at if "." in at else at + ".000"
        if time_ != at[:12]:
            raise Failure(f"event {seq} was acknowledged as {line!r} and the log says {event['at']} by {by}")
        if author not in ("engine", name) and not author.startswith(str(name)):
            raise Failure(f"event {seq} was acknowledged as {line!r} and the log says it is by {by}")


def check_tally(cutover, events, cut=False):
    """Every command that was run is an attempt in the log, once. `cut`: attempts need not have come to run."""
    ran = [tuple(line.split()) for line in read(cutover.tally).decode().splitlines()]
    twice = {run for run in ran if ran.count(run) > 1}
    if twice:
        raise Failure(f"run twice for one attempt: {sorted(twice)}")
    runs = {line.split("echo \"")[1].split()[0] for line in RUNBOOK.splitlines() if "TALLY\"" in line}
    started = [
        (e["event"]["step"], str(e["event"]["attempt"]))
        for e in events if e["event"]["kind"] == "step_started" and e["event"]["step"] in runs
    ]
    if len(started) != len(set(started)):
        raise Failure(f"an attempt was recorded as started twice: {started}")
    if set(ran) - set(started) or (not cut and set(started) != set(ran)):
        raise Failure(f"run: {sorted(ran)}; recorded as started: {sorted(started)}")


def check_verified(cutover):
    """gonogo itself and an independent reader find the log whole."""
    session = cutover.session()
    env = {**os.environ, "GONOGO_STATE_DIR": str(cutover.state)}
    ours = subprocess.run([cutover.gonogo, "verify", str(session)], env=env, capture_output=True, text=True)
    if ours.returncode != 0 or not ours.stdout.startswith("CLEAN"):
        raise Failure(f"verify ends with {ours.returncode}: {ours.stdout} {ours.stderr}")
    script = REPO / "tests/verify_log.py"
    theirs = subprocess.run([sys.executable, script, session / "audit.jsonl"], capture_output=True, text=True)
    if theirs.returncode != 0:
        raise Failure(f"verify_log.py: {theirs.stdout} {theirs.stderr}")


def check_over(cutover, expected):
    """All that must hold of a session that came to its end, however often its engine was killed."""
    events = cutover.events()
    check_acks(cutover, events)
    check_tally(cutover, events)
    kinds = [e["event"]["kind"] for e in events]
    unknown = [e["event"] for e in events if e["event"]["kind"] == "step_unknown"]
    if unknown:
        raise Failure(f"unknown, though its shim lived: {unknown}")
    if kinds.count("session_closed") != 1 or kinds[-1] != "session_closed":
        raise Failure(f"the session is not closed once, as its last event: {kinds[-3:]}")
    if kinds.count("engine_started") > cutover.launches:
        raise Failure(f"{kinds.count('engine_started')} engine_started of {cutover.launches} engines")
    found = results(events)
    if found != expected:
        differ = {k: (expected.get(k), found.get(k)) for k in expected.keys() | found.keys()
                  if expected.get(k) != found.get(k)}
        raise Failure(f"not as in an uninterrupted run (step: expected, found): {differ}")
    check_verified(cutover)
    left = pids_with(str(cutover.session()) + "/steps/")
    wait_until(lambda: not pids_with(str(cutover.session()) + "/steps/"), f"the shims have ended: {left}")


def uninterrupted(gonogo, folder, port, last):
    """Runs the cutover once without any harm; returns its results, how long it took, and its events."""
    cutover = Cutover(gonogo, folder, port, last)
    began = time.monotonic()
    engine = cutover.launch()
    code = engine.wait()
    took = time.monotonic() - began
    if code != (0 if last == 0 else 4):
        raise Failure(f"the uninterrupted run ended with {code}: {engine.said()}")
    events = cutover.events()
    expected = results(events)
    check_over(cutover, expected)
    if [e["seq"] for e in events] != sorted(cutover.acks):
        raise Failure("the uninterrupted run did not print every event")
    return expected, took, events
