#!/usr/bin/env python3
"""Kills the engine with -9 at random moments, resumes, kills again, and asks whether anything was lost.

Each round drives one small real cutover of about forty events; half of the rounds roll back. Only the engine is
killed: commands live on under their shims. Afterwards every line that any engine printed must be in the log, and every
event that a client was told over the socket, which follows half of the engines; every command must have run once,
ended as in an uninterrupted run and left its whole output; and the log must verify.
"""

import argparse
import queue
import random
import shutil
import sys
import threading
import time
import traceback

import lab


def drive(args, folder, port, rng, expected, took):
    """One round. Returns the number of kills, and of events that somebody was promised."""
    last = rng.choice((0, 3))
    cutover = lab.Cutover(args.gonogo, folder, port, last)
    kills = rng.randint(1, args.kills)
    while True:
        engine = cutover.launch(watched=rng.random() < 0.5)
        if cutover.kills >= kills:
            code = engine.wait()
            if code is None:
                engine.kill()
                raise lab.Failure(f"still not over after {lab.DEADLINE:.0f} s: {engine.said()}")
        else:
            if rng.random() < 0.5:
                # At any time, the very first moments of a process included.
                engine.wait(rng.uniform(0, took[last]))
            else:
                # Right behind something that was acknowledged.
                engine.wait_for_line(rng.randint(1, 45), 2 * took[last])
                time.sleep(rng.uniform(0, 0.004))
            if engine.kill():
                lab.check_acks(cutover)
                if cutover.is_over():
                    check_stays_over(cutover)
                    lab.check_over(cutover, expected[last])
                    return cutover.kills, len(cutover.acks) + len(cutover.told)
                if rng.random() < 0.5:
                    time.sleep(rng.uniform(0, 0.4))
                continue
            code = engine.process.returncode
        if code != (0 if last == 0 else 4):
            raise lab.Failure(f"ended with {code}: {engine.said()}")
        lab.check_over(cutover, expected[last])
        return cutover.kills, len(cutover.acks) + len(cutover.told)


def check_stays_over(cutover):
    """A session that was closed right before the kill is not taken up again."""
    log = cutover.session() / "audit.jsonl"
    before = log.read_bytes()
    engine = cutover.launch()
    code = engine.wait()
    if code != 3 or "is over" not in engine.said() or log.read_bytes() != before:
        raise lab.Failure(f"a closed session, resumed: {code}: {engine.said()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--kills", type=int, default=3, help="at most so many in a round (default 3)")
    parser.add_argument("--seed", type=int, help="the first round's seed; the next has the next number")
    parser.add_argument("--jobs", type=int, default=6, help="rounds at the same time; they mostly wait")
    parser.add_argument("--dir", help="where the sessions lie (default: the system's temporary folder)")
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    args = parser.parse_args()
    args.gonogo = lab.binary(args.gonogo)
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    base = lab.scratch("kill", args.dir)
    port = lab.serve(args.gonogo, base)
    expected, took = {}, {}
    for last in (0, 3):
        expected[last], took[last], events = lab.uninterrupted(args.gonogo, base / f"whole-{last}", port, last)
        print(f"uninterrupted: {len(events)} events in {took[last]:.1f} s")
    print(f"{args.rounds} rounds, --seed {seed}, {args.gonogo}, in {base}", flush=True)

    rounds, lock = queue.Queue(), threading.Lock()
    for number in range(args.rounds):
        rounds.put(seed + number)
    done, kills, told, failures = 0, 0, 0, []

    def work():
        nonlocal done, kills, told
        while True:
            try:
                own = rounds.get_nowait()
            except queue.Empty:
                return
            folder = base / f"round-{own}"
            try:
                killed, heard = drive(args, folder, port, random.Random(own), expected, took)
                shutil.rmtree(folder)
                why = None
            except Exception as e:  # whatever it is, it belongs to this seed
                killed, heard, why = 0, 0, e if isinstance(e, lab.Failure) else traceback.format_exc()
            with lock:
                done, kills, told = done + 1, kills + killed, told + heard
                if why:
                    failures.append(own)
                    print(f"FAILED --seed {own} --rounds 1: {why}\n  kept: {folder}", flush=True)
                elif done % 100 == 0:
                    print(f"  {done} rounds, {kills} kills, {len(failures)} failures", flush=True)

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(args.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{done} rounds, {kills} kills, {told} events printed or told, {len(failures)} failures "
          f"in {time.monotonic() - began:.0f} s")
    if failures:
        print(f"the first failure: --seed {failures[0]} --rounds 1")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
