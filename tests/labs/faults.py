#!/usr/bin/env python3
"""Hits the engine at each of its system calls that touch a disk, one run a call.

order   what is written, synced, printed and started, in which order, in the engine and in its shims
kills   KILL right before and right after the Nth call; then KILL in the resumed engine too; then resume
errors  the Nth write or sync of the log fails with EIO, ENOSPC, EDQUOT, EROFS, EFBIG or falls short, once or for 2 s

Every run is judged like those of kill.py. The order of calls is judged in all of them.
"""

import argparse
import errno
import json
import multiprocessing
import os
import re
import shutil
import sys
import time
import traceback

import lab
import ptrace

ERRORS = ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EFBIG", "short", "EINTR"]
TOUCHES = {"write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate", "truncate", "rename", "renameat",
           "renameat2", "mkdir", "mkdirat", "link", "linkat", "unlink", "unlinkat"}
# Nothing depends on these: they help a person, or are written anew.
HELPS = re.compile(r"/(spec\.json|command\.json|output\.(log|idx)|late\.log|lock|locks/[^/]+|telemetry\.jsonl"
                   r"|engine\.log|control\.sock|receipts\.jsonl.*|seat\.json|\.[^/]*)$")
LAST = 3
LASTS = 2.0


class Order:
    """Watches one engine: what may only follow what."""

    def __init__(self):
        self.pending, self.synced, self.started = [], 0, set()
        self.spent = set()
        self.wrong = []

    def entering(self, call):
        if call.fd in self.spent and call.name in ("write", "fsync", "fdatasync", "ftruncate"):
            self.wrong.append(f"{call} on a descriptor that had failed")
        if call.name == "write" and is_log(call):
            if not call.data.endswith(b"\n") or call.data.count(b"\n") != 1:
                self.wrong.append(f"one write to the log that is not one line: {call.data[:80]!r}")
        elif call.name == "write" and call.fd == 1:
            for seq in re.findall(rb"^\S+Z #(\d+) ", call.data, re.M):
                if int(seq) > self.synced:
                    self.wrong.append(f"event {int(seq)} is printed while only {self.synced} are durable")
        elif call.name == "write" and call.data.startswith(b'{"spec":'):
            for step, attempt in re.findall(rb'echo \\"([a-z.-]+) (\d+)\\"', call.data):
                if (step.decode(), int(attempt)) not in self.started:
                    self.wrong.append(f"{step.decode()} is started before that is durable")

    def left(self, call):
        if call.name == "close":
            self.spent.discard(call.fd)
        if not is_log(call):
            return
        if call.name == "write" and call.result == len(call.data):
            self.pending.append(json.loads(call.data))
        elif call.name in ("fsync", "fdatasync") and call.result == 0:
            for event in self.pending:
                self.synced = max(self.synced, event["seq"])
                if event["event"]["kind"] == "step_started":
                    self.started.add((event["event"]["step"], event["event"]["attempt"]))
            self.pending = []
        elif call.name in ("write", "fsync", "fdatasync") and call.result != -errno.EINTR:
            self.pending = []
            self.spent.add(call.fd)

    def resumed(self, events):
        """What an earlier engine left in the log counts once this one has synced it; it does so on opening."""
        self.synced = max([self.synced, *(e["seq"] for e in events)])
        self.started |= {(e["event"]["step"], e["event"]["attempt"]) for e in events
                         if e["event"]["kind"] == "step_started"}

    def check(self):
        if self.wrong:
            raise lab.Failure("; ".join(self.wrong[:5]))


def is_log(call):
    return call.path is not None and call.path.endswith("/audit.jsonl") and call.fd is not None


def is_point(call, cutover):
    """A call at which a death or a loss may matter."""
    path = call.path or ""
    ours = path.startswith(str(cutover.state)) or call.fd == 1 or path.startswith("pipe:")
    return (call.name in TOUCHES and ours) or (call.creates() and ours) or (call.name == "clone3" and call.spawns())


def trace(cutover, entering, left, follow=False):
    """Runs or resumes the cutover under the tracer; returns the exit code and what it said."""
    cutover.launches += 1
    out, err = (cutover.keep / f"{name}-{cutover.launches}" for name in ("stdout", "stderr"))
    env = {**os.environ, "GONOGO_STATE_DIR": str(cutover.state)}
    code = ptrace.Tracer(entering, left, follow).run(cutover.command(), env, str(out), str(err), lab.DEADLINE)
    for line in out.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            cutover.note(line)
    said = err.read_text(errors="replace")
    if "panicked" in said or code in (101, -6):
        raise lab.Failure(f"it panicked: {said}")
    return code, said


def finish(cutover, expected, tries=8):
    """Resumes without any more harm until it is over."""
    for _ in range(tries):
        if cutover.is_over():
            lab.check_over(cutover, expected)
            return
        engine = cutover.launch()
        code = engine.wait()
        if code != 4:
            raise lab.Failure(f"resumed, it ended with {code}: {engine.said()}")
    raise lab.Failure("it does not come to an end")


def kill_case(args, expected, folder, port, number, after):
    """KILL at the Nth point, then in the engine that resumes."""
    cutover = lab.Cutover(args.gonogo, folder, port, LAST)
    # The resumed one is hit at its first points, each in its turn.
    for target in (number, 1 + number % 29):
        if cutover.is_over():
            break
        order, count, hit = Order(), 0, []
        order.resumed(cutover.events())

        def entering(call):
            nonlocal count
            order.entering(call)
            if is_point(call, cutover):
                count += 1
                if count == target:
                    hit.append(call)
                    if not after:
                        return "kill"

        def left(call):
            order.left(call)
            if after and call in hit:
                return "kill"

        code, said = trace(cutover, entering, left)
        order.check()
        if code not in ((-9,) if hit else (4,)):
            raise lab.Failure(f"hit {hit}, it ended with {code}: {said}")
        if hit:
            cutover.kills += 1
        lab.check_acks(cutover)
    finish(cutover, expected)


def error_case(args, expected, folder, port, name, number, error, lasting):
    """The Nth write or sync of the log fails."""
    cutover = lab.Cutover(args.gonogo, folder, port, LAST)
    order, count, failed_from, durable = Order(), 0, None, 0

    def entering(call):
        nonlocal count, failed_from, durable
        order.entering(call)
        if not is_log(call) or call.name not in ("write", "fsync", "fdatasync", "ftruncate"):
            return None
        count += call.name == name
        first = failed_from is None and call.name == name and count == number
        if first:
            failed_from, durable = time.monotonic(), order.synced
        if first or (lasting and failed_from is not None and time.monotonic() < failed_from + LASTS):
            if error == "short":
                return ("short", len(call.data) // 2) if call.name == "write" else ("fail", errno.EIO)
            return ("fail", getattr(errno, error))

    code, said = trace(cutover, entering, order.left)
    order.check()
    lab.check_acks(cutover)
    if code not in (0, 3, 4):
        raise lab.Failure(f"it ended with {code}: {said}")
    if failed_from is not None and error != "EINTR":
        recovered = [e["event"] for e in cutover.events() if e["event"]["kind"] == "log_recovered"]
        # Nobody is there yet while nothing was recorded: one failure, mended by the next try, is nobody's news then.
        if durable and "log cannot be written" not in said + json.dumps(recovered):
            raise lab.Failure(f"the log failed and nobody was told; exit {code}: {said}")
        if lasting and "log cannot be written" not in said:
            raise lab.Failure(f"the log failed for {LASTS} s and nothing was said; exit {code}: {said}")
    finish(cutover, expected)


def check_order(args, folder, port):
    """A traced run, its shims with it: every new file that matters is synced, and its folder."""
    cutover = lab.Cutover(args.gonogo, folder, port, LAST)
    order, calls = Order(), []

    def left(call):
        order.left(call)
        calls.append(call)

    code, said = trace(cutover, order.entering, left, follow=True)
    order.check()
    if code != 4:
        raise lab.Failure(f"it ended with {code}: {said}")
    state = str(cutover.state)
    made, synced, renamed = {}, {}, 0
    for at, call in enumerate(calls):
        if call.result is None or call.result < 0:
            continue
        if call.name in ("fsync", "fdatasync"):
            synced.setdefault(call.path, []).append(at)
        elif call.creates() or call.name == "mkdir":
            made.setdefault(call.path, at)
        elif call.to:
            # The last sync of what is put in place comes before.
            renamed += 1
            if call.path.startswith(state) and not synced.get(call.path):
                raise lab.Failure(f"{call}: put in place before it was synced")
            made[call.to] = at
            synced.setdefault(call.to, []).append(at)
    judged = 0
    for path, at in made.items():
        if not path.startswith(state) or HELPS.search(path) or not os.path.exists(path):
            continue
        judged += 1
        later = lambda what: any(s >= at for s in synced.get(what, []))
        if os.path.isfile(path) and not later(path):
            raise lab.Failure(f"{path} was created and never synced")
        if not later(os.path.dirname(path)):
            raise lab.Failure(f"{path} was created and its folder never synced")
    points = sum(is_point(call, cutover) for call in calls)
    print(f"order: {len(calls)} calls of engine and shims, {judged} new files and folders synced, "
          f"{renamed} put in place, {order.synced} events durable before they were printed")
    return points


def count_points(args, folder, port):
    """How many points a run has, and how many writes and syncs of the log."""
    cutover = lab.Cutover(args.gonogo, folder, port, LAST)
    points, log = 0, {"write": 0, "fdatasync": 0}

    def left(call):
        nonlocal points
        points += is_point(call, cutover)
        if is_log(call) and call.name in log:
            log[call.name] += 1

    trace(cutover, lambda call: None, left)
    return points, log


def work(job):
    args, expected, base, port, case = job
    folder = base / "-".join(str(part) for part in case)
    try:
        kind, *rest = case
        (kill_case if kind == "kill" else error_case)(args, expected, folder, port, *rest)
        shutil.rmtree(folder)
        return case, None
    except Exception as e:  # whatever it is, it belongs to this case
        return case, f"{e if isinstance(e, lab.Failure) else traceback.format_exc()}\n  kept: {folder}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("order", "kills", "errors"))
    parser.add_argument("--stride", type=int, default=1, help="every so many points (default: each)")
    parser.add_argument("--offset", type=int, default=0, help="with --stride: begin with this point")
    parser.add_argument("--case", help="one case alone, as a failure names it: kill,17,True")
    parser.add_argument("--jobs", type=int, default=6, help="runs at the same time; they mostly wait")
    parser.add_argument("--dir", help="where the sessions lie (default: the system's temporary folder)")
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    args = parser.parse_args()
    if why := ptrace.why_not():
        lab.skip("faults at system calls", why)
    args.gonogo = lab.binary(args.gonogo)
    base = lab.scratch("faults", args.dir)
    port = lab.serve(args.gonogo, base)
    failures = 0
    if args.only in (None, "order") and not args.case:
        try:
            check_order(args, base / "order", port)
        except lab.Failure as e:
            failures += 1
            print(f"FAILED order: {e}\n  kept: {base / 'order'}")
        if args.only:
            return 1 if failures else shutil.rmtree(base) or 0
    expected, _, _ = lab.uninterrupted(args.gonogo, base / "whole", port, LAST)
    points, log = count_points(args, base / "count", port)
    cases = []
    if args.only in (None, "kills"):
        cases += [("kill", n, after) for n in range(1, points + 1) for after in (False, True)]
    if args.only in (None, "errors"):
        for name, count in log.items():
            # A sync cannot fall short; the kernel never interrupts one.
            kinds = ERRORS if name == "write" else ERRORS[:5]
            cases += [("error", name, n, kind, lasting) for n in range(1, count + 1) for kind in kinds
                      for lasting in (False, True) if not (lasting and kind == "EINTR")]
    cases = cases[args.offset % args.stride::args.stride]
    if args.case:
        cases = [tuple(json.loads(p.lower()) if p in ("True", "False") or p.isdigit() else p
                       for p in args.case.split(","))]
    print(f"{points} points to kill at, {log['write']} writes and {log['fdatasync']} syncs of the log; "
          f"{len(cases)} runs, in {base}", flush=True)
    began = time.monotonic()
    jobs = [(args, expected, base, port, case) for case in cases]
    with multiprocessing.Pool(args.jobs) as pool:
        for done, (case, why) in enumerate(pool.imap_unordered(work, jobs), 1):
            if why:
                failures += 1
                print(f"FAILED --case {','.join(map(str, case))}: {why}", flush=True)
            elif done % 100 == 0:
                print(f"  {done} runs, {failures} failures", flush=True)
    kills = sum(case[0] == "kill" for case in cases)
    print(f"{kills} runs with kills, {len(cases) - kills} with errors, {failures} failures "
          f"in {time.monotonic() - began:.0f} s")
    if failures == 0:
        shutil.rmtree(base)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
