#!/usr/bin/env python3
"""Cuts the power of a file system under a running cutover, and asks whether what was acknowledged is still there.

The session lies on an ext4 image on a loop device, its processes live in a PID namespace. At a random moment all of
them are killed, and in the same breath the file system is shut down without flushing its journal (the ioctl
EXT4_IOC_SHUTDOWN: what was not synced is gone, as after a power cut). It is mounted again, the session is resumed, and
cut again. What was printed and which commands ran is kept outside, on the host's file system. The killing comes
first because a cut kernel may tell who is in the middle of a sync that it went well, and nobody lives to hear that.

A real cut changes the boot; here the shims are just gone. Either way what became of a command that was running cannot
be known: the session must then say so, and it ends there (exit code 3, `unknown`; 9 where that command was to undo
something). Nothing else is a good end of a round but the cutover's own.
"""

import argparse
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

import lab

EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


class Disk:
    """An ext4 image, mounted."""

    def __init__(self, base):
        self.image, self.mount = base / "disk.img", base / "disk"
        self.mount.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(64 << 20)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.plug_in()

    def plug_in(self):
        run("mount", "-o", "loop", self.image, self.mount)

    def cut(self):
        folder = os.open(self.mount, os.O_RDONLY)
        fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(folder)

    def pull(self):
        """Unmounts it; False while somebody is still dying on it, or in a mount namespace that has it too: mounted
        again now it would be the file system that was shut down."""
        if os.path.ismount(self.mount):
            subprocess.run(["umount", self.mount], stderr=subprocess.DEVNULL)
        return not os.path.ismount(self.mount) and str(self.image) not in images_in_use()

    def throw_away(self):
        subprocess.run(["umount", "-l", self.mount], stderr=subprocess.DEVNULL)


def images_in_use():
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            found.append(file.read_text().strip())
        except OSError:
            # It was let go of in this moment.
            pass
    return found


def run(*argv):
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True)
    if done.returncode != 0:
        raise lab.Failure(f"{argv[0]}: {done.stderr.strip()}")


def why_not(base):
    """Why power cannot be cut here, or None."""
    if os.geteuid() != 0:
        return "it needs root, to mount and to shut down a file system"
    for tool in ("mkfs.ext4", "mount", "umount", "unshare"):
        if not shutil.which(tool):
            return f"{tool} is missing"
    probe = base / "probe"
    probe.mkdir()
    try:
        disk = Disk(probe)
    except (OSError, lab.Failure) as e:
        return f"a file system in a file cannot be mounted here ({e})"
    try:
        disk.cut()
        run(*WORLD, "true")
    except OSError as e:
        return f"this kernel does not shut an ext4 down ({e})"
    except lab.Failure as e:
        return f"a PID namespace cannot be made here ({e})"
    finally:
        disk.throw_away()
    return None


# A world of its own for an engine and what it starts. Its first process ends with the engine, and all others with it.
WORLD = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", '"$@" & wait $!', "sh"]


def children(pid):
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += [int(child) for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
    except OSError:
        pass
    return found


def end_all(engine):
    """Sends KILL to everything in the engine's world; it may still be dying when this returns. The engine goes first,
    so that it starts nothing behind our back."""
    firsts = children(engine.process.pid)
    engines = [pid for first in firsts for pid in children(first)]
    shims = [pid for engine_ in engines for pid in children(engine_)]
    for pid in [*engines, *shims, *firsts, engine.process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def drive(args, base, number, port, rng, took):
    """One round: one session, cut until it is over or cannot be gone on with. Returns (cuts, how it ended)."""
    keep = base / f"round-{number}"
    keep.mkdir()
    disk, engine = Disk(keep), None
    try:
        cutover = lab.Cutover(args.gonogo, disk.mount, port, rng.choice((0, 3)), keep=keep / "kept")
        cuts, session = 0, None
        for _ in range(args.cuts):
            engine = cutover.launch(WORLD)
            if rng.random() < 0.5:
                engine.wait(rng.uniform(0, took))
            else:
                engine.wait_for_line(rng.randint(1, 45), 2 * took)
                time.sleep(rng.uniform(0, 0.004))
            end_all(engine)
            disk.cut()
            cuts += 1
            engine.kill()
            lab.wait_until(disk.pull, "nobody holds the disk any more")
            disk.plug_in()
            lab.check_acks(cutover)
            if cutover.session():
                check_prefix(cutover)
            if cutover.is_over():
                break
            if unknown(cutover):
                break
        end = finish(cutover)
        lab.wait_until(disk.pull, "nobody holds the disk any more")
        shutil.rmtree(keep)
        return cuts, end
    except BaseException:
        if engine:
            end_all(engine)
        disk.throw_away()
        raise


def check_prefix(cutover):
    """After a cut the log may end in a part of a record that nobody was told of, and in nothing worse."""
    env = {**os.environ, "GONOGO_STATE_DIR": str(cutover.state)}
    done = subprocess.run([cutover.gonogo, "verify", str(cutover.session())], env=env, capture_output=True, text=True)
    if done.returncode not in (0, 5):
        raise lab.Failure(f"after a cut, verify ends with {done.returncode}: {done.stdout}{done.stderr}")


def unknown(cutover):
    return [e["event"]["step"] for e in cutover.events() if e["event"]["kind"] == "step_unknown"]


def finish(cutover):
    """Resumes without another cut: to the end, or to the question what became of a command."""
    if cutover.is_over():
        end = "over"
    else:
        engine = cutover.launch(WORLD)
        code = engine.wait()
        if code is None:
            engine.kill()
            raise lab.Failure(f"it does not come to an end: {engine.said()}")
        # A step of the way back of which nothing can be known leaves the rollback stuck there.
        asks = (code == 3 and "is unknown" in engine.said()) or (code == 9 and "rollback is stuck" in engine.said())
        if asks and unknown(cutover):
            end = "unknown"
        elif code == (0 if cutover.last == 0 else 4):
            end = "over"
        else:
            raise lab.Failure(f"resumed, it ended with {code}: {engine.said()}")
    events = cutover.events()
    lab.check_acks(cutover, events)
    # A shim that the cut met before it had spawned its command leaves an attempt that never ran.
    lab.check_tally(cutover, events, cut=True)
    lab.check_verified(cutover)
    return end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cuts", type=int, default=3, help="at most so many in a round (default 3)")
    parser.add_argument("--seed", type=int, help="the first round's seed; the next has the next number")
    parser.add_argument("--dir", help="where the images lie (default: the system's temporary folder)")
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    args = parser.parse_args()
    base = lab.scratch("powercut", args.dir)
    if why := why_not(base):
        shutil.rmtree(base, ignore_errors=True)
        lab.skip("power cuts", why)
    args.gonogo = lab.binary(args.gonogo)
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    port = lab.serve(args.gonogo, base)
    _, took, events = lab.uninterrupted(args.gonogo, base / "whole", port, 0)
    print(f"{args.rounds} rounds of {len(events)} events, --seed {seed}, {args.gonogo}, in {base}", flush=True)
    began, cuts, ends, failures = time.monotonic(), 0, {}, []
    for number in range(seed, seed + args.rounds):
        try:
            cut, end = drive(args, base, number, port, random.Random(number), took)
            cuts, ends[end] = cuts + cut, ends.get(end, 0) + 1
        except Exception as e:  # whatever it is, it belongs to this seed
            failures.append(number)
            why = e if isinstance(e, lab.Failure) else traceback.format_exc()
            print(f"FAILED --seed {number} --rounds 1: {why}\n  kept: {base / f'round-{number}'}", flush=True)
    print(f"{args.rounds} rounds, {cuts} power cuts, {ends.get('over', 0)} came to their end, "
          f"{ends.get('unknown', 0)} ask what became of a command, {len(failures)} failures "
          f"in {time.monotonic() - began:.0f} s")
    if failures:
        print(f"the first failure: --seed {failures[0]} --rounds 1")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
