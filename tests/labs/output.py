#!/usr/bin/env python3
"""Commands that do not end as they should, and output that does not either.

shapes  ten ways to leave a process behind that holds the output, in bash and in sh, ending well and badly: the true
        exit status is known soon after the command's own end, and what remains is named
stops   a command that ignores TERM, with descendants that fled into sessions of their own: after its time nothing
        of it is left
floods  a step that prints --size bytes as fast as it can, and one line of that size without an end: the engine's and
        the shim's memory stay flat, what is kept is bounded, what was dropped is counted
"""

import argparse
import datetime
import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import lab

# What stays behind sleeps for as long as nothing else on the machine does.
STAY = "sleep 31536011"
SHAPES = {
    "background": f"{STAY} &",
    "subshell": f"({STAY} &)",
    "session": f"setsid {STAY} &",
    "fled": f"(setsid {STAY} &)",
    "nohup": f"nohup {STAY} &",
    "pipeline": f"{STAY} | cat &",
    "to-stderr": f"{STAY} >&2 &",
    "copied": f"{STAY} 3>&1 >/dev/null 2>&1 &",
    "thrice": f"( ( ( {STAY} & ) & ) & )",
    "deaf": f"(trap '' TERM HUP; {STAY}) &",
}
SOON = 5.0
MOST_GROWTH = 64 << 20
LIMIT = 1 << 20

HEAD = 'id = "output"\n[vars]\nwork = { default = "" }\nport = { default = "" }\nlast = { default = "" }\n[[stage]]\nid = "stage"\n'
ANSWERS = 'advance = true\n[on_hold]\ndefault = "stop"\n'


def step(id_, run, shell=None, expect="", more=""):
    argv = json.dumps([shell, "-c", run]) if shell else json.dumps(run)
    return f'[[stage.step]]\nid = "{id_}"\nneeds = []\nrun = {argv}\n{expect}\n{more}\n'


def finished(cutover):
    return {e["event"]["step"].split(".")[1]: e for e in cutover.events() if e["event"]["kind"] == "step_finished"}


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def exits(cutover, id_):
    return json.loads((cutover.session() / f"steps/stage.{id_}.1/exit.json").read_text())


def stayed(text=STAY):
    words = text.encode().replace(b" ", b"\0") + b"\0"
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and Path("/proc", entry, "cmdline").read_bytes() == words:
                found.append(int(entry))
        except OSError:
            pass
    return found


def shapes(args, folder):
    steps, runs = "", {}
    for name, leave in SHAPES.items():
        for shell in ("bash", "sh"):
            for code in (0, 5):
                id_ = f"{name}-{shell}-{code}"
                runs[id_] = code
                expect = f'expect.exit = [{code}]\nexpect.matches = ["^said$"]'
                steps += step(id_, f"{leave}\necho said; exit {code}", shell, expect)
    cutover = lab.Cutover(args.gonogo, folder, "", "", runbook=HEAD + steps, answers=ANSWERS)
    before = stayed()
    engine = cutover.launch()
    code = engine.wait()
    try:
        if code != 0:
            raise lab.Failure(f"it ended with {code}: {engine.said()[-2000:]}")
        slowest = 0.0
        for id_, expected in runs.items():
            event = finished(cutover)[id_]
            told = event["event"]
            if not told["passed"] or told["exit"] != expected:
                raise lab.Failure(f"{id_}: {told}")
            if not told["remains"]:
                raise lab.Failure(f"{id_}: nobody says that a process remains: {told}")
            slowest = max(slowest, (at(event["at"]) - at(exits(cutover, id_)["at"])).total_seconds())
        if slowest > SOON:
            raise lab.Failure(f"a status was known only {slowest:.1f} s after the command's own end")
        lab.check_acks(cutover)
        print(f"shapes: {len(runs)} of {len(runs)} with their true status, at the latest {slowest:.2f} s after their "
              f"own end ({len(runs)} commands at once)")
    finally:
        for pid in set(stayed()) - set(before):
            os.kill(pid, signal.SIGKILL)
    lab.wait_until(lambda: not lab.pids_with(str(cutover.session()) + "/steps/"), "the shims have ended")


def stops(args, folder):
    deaf = STAY.replace("11", "12")
    run = f"""trap '' TERM HUP INT
(setsid sh -c "trap '' TERM HUP; {deaf}; true" &)
setsid sh -c "trap '' TERM; ({deaf} &); {deaf}; true" &
({deaf}; true) & kill -STOP $!
echo deaf; while :; do sleep 1; done"""
    steps = step("deaf", run, "bash", 'expect.matches = ["^never$"]', 'timeout = "1s"')
    cutover = lab.Cutover(args.gonogo, folder, "", "", runbook=HEAD + steps, answers=ANSWERS)
    engine = cutover.launch()
    most = 0

    def over():
        nonlocal most
        most = max(most, len(stayed(deaf)))
        return engine.process.poll() is not None

    lab.wait_until(over, "the step is ended and the run holds")
    code = engine.wait()
    told = finished(cutover).get("deaf", {}).get("event")
    left = stayed(deaf) + lab.pids_with(str(cutover.session()) + "/steps/")
    if code != 3 or not told or told["passed"]:
        raise lab.Failure(f"it ended with {code}, {told}: {engine.said()}")
    if most < 3:
        raise lab.Failure(f"only {most} descendants were seen: this shows nothing")
    if left:
        raise lab.Failure(f"left after a stop: {left}")
    print(f"stops: {most} deaf and fled descendants, none left ({told['why']})")


class Memory:
    """The most that the engine and any shim held."""

    def __init__(self, engine):
        self.engine, self.first, self.most, self.shims, self.done = engine.process.pid, None, 0, 0, False
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    @staticmethod
    def resident(pid):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return 0
        return sum(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))

    def _watch(self):
        while not self.done:
            now = self.resident(self.engine)
            self.most = max(self.most, now)
            try:
                children = Path(f"/proc/{self.engine}/task/{self.engine}/children").read_text().split()
                children += [c for t in os.listdir(f"/proc/{self.engine}/task")
                             for c in Path(f"/proc/{self.engine}/task/{t}/children").read_text().split()]
            except OSError:
                children = []
            if children and self.first is None:
                self.first = now
            self.shims = max([self.shims, *map(self.resident, children)])
            time.sleep(0.05)

    def stop(self):
        self.done = True
        self.thread.join()


def floods(args, folder):
    size = args.size
    for id_, run in (("lines", f"yes 'a line of output that is neither long nor short' | head -c {size}; echo; echo end"),
                     ("one-line", f"head -c {size} /dev/zero | tr '\\0' x; echo; echo end")):
        steps = step(id_, run, "sh", 'expect.matches = ["^end$"]', f'timeout = "1h"\noutput_limit = "{LIMIT}B"')
        cutover = lab.Cutover(args.gonogo, folder / id_, "", "", runbook=HEAD + steps, answers=ANSWERS)
        began = time.monotonic()
        engine = cutover.launch()
        memory = Memory(engine)
        code = engine.wait(3600)
        memory.stop()
        took = time.monotonic() - began
        if code != 0:
            raise lab.Failure(f"{id_}: it ended with {code}: {engine.said()[-2000:]}")
        output = finished(cutover)[id_]["event"]["output"]
        kept = (cutover.session() / output["path"]).stat().st_size
        recorded = exits(cutover, id_)["output"]
        if recorded["kept"] + recorded["dropped"] != size + len("\nend\n"):
            raise lab.Failure(f"{id_}: kept and dropped are not what was printed ({size} and five bytes): {recorded}")
        if kept > LIMIT + (256 << 10):
            raise lab.Failure(f"{id_}: {kept} bytes are kept of a limit of {LIMIT}")
        growth = memory.most - (memory.first or 0)
        if growth > MOST_GROWTH or memory.shims > MOST_GROWTH + (32 << 20):
            raise lab.Failure(f"{id_}: the engine grew by {growth >> 20} MiB, a shim to {memory.shims >> 20} MiB")
        lab.check_acks(cutover)
        lab.check_verified(cutover)
        print(f"floods: {id_}: {size >> 20} MiB in {took:.0f} s, {kept >> 10} KiB kept, engine {memory.most >> 20} MiB "
              f"(grew by {growth >> 20}), shim at most {memory.shims >> 20} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("shapes", "stops", "floods"))
    parser.add_argument("--size", type=int, default=2 << 30, help="bytes of a flood (default: 2 GiB)")
    parser.add_argument("--dir", help="where the sessions lie (default: the system's temporary folder)")
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    args = parser.parse_args()
    args.gonogo = lab.binary(args.gonogo)
    base = lab.scratch("output", args.dir)
    failures = 0
    for part in (shapes, stops, floods):
        if args.only in (None, part.__name__):
            try:
                part(args, base / part.__name__)
            except lab.Failure as e:
                failures += 1
                print(f"FAILED {part.__name__}: {e}\n  kept: {base / part.__name__}")
    if failures == 0:
        shutil.rmtree(base)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
