#!/usr/bin/env python3
"""A zoo of damaged records: `gonogo verify` and `verify.py`, which share no code, are to judge each of them alike.

A real session is copied and spoilt in every way that is known here, some of them forged with a whole chain of hashes;
then at random, --edits times. A difference prints the case and keeps its folder."""

import argparse
import fcntl
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lab

RUNBOOK = """\
id = "zoo"
[check.here]
file = "/"
[[stage]]
id = "one"
watch = ["here"]
  [[stage.step]]
  id = "hello"
  run = ["echo", "hello"]
  expect.matches = ["^hello$"]
  [[stage.step]]
  id = "list"
  run = ["seq", "100"]
  expect.matches = ["^100$"]
  [stage.gate]
  auto = true
"""
OUTPUT = "steps/one.hello.1/output.log"


def session(gonogo, folder):
    """Runs a small cutover and returns its folder."""
    (folder / "zoo.toml").write_text(RUNBOOK)
    (folder / "answers.toml").write_text("advance = true\n")
    command = [gonogo, "run", "--headless", "--rehearsal", "--answers", folder / "answers.toml", folder / "zoo.toml"]
    env = {**os.environ, "GONOGO_STATE_DIR": str(folder / "state")}
    ran = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=lab.DEADLINE)
    if ran.returncode != 0:
        raise lab.Failure(f"the session ended with {ran.returncode}: {ran.stderr.decode()}")
    return next((folder / "state/sessions").iterdir())


def forged(bodies):
    """A log with a whole chain of hashes over these bodies, each up to its `prev`."""
    log, prev = b"", "0" * 64
    for body in bodies:
        line = body + f',"prev":"{prev}"'.encode()
        prev = hashlib.sha256(line).hexdigest()
        log += line + f',"hash":"{prev}"'.encode() + b"}\n"
    return log


def bodies(log):
    return [line[: -75 - 74] for line in log.split(b"\n")[:-1]]


def forgeries(log):
    """Logs whose every hash fits."""
    own = bodies(log)
    last = len(own) - 1
    assert forged(own) == log

    def with_line(at, change):
        changed = own.copy()
        changed[at] = change(own[at])
        return forged(changed)

    def sub(old, new):
        return lambda body: body.replace(old, new, 1)

    yield "rewritten whole", with_line(1, sub(b'"engine"', b'"engine "'))
    yield "a line less", forged(own[:3] + own[4:])
    yield "not closed", forged(own[:-1])
    yield "no beginning", forged(own[1:])
    yield "begins at 2", forged([re.sub(rb'"seq":\d+', b'"seq":%d' % (n + 2), body) for n, body in enumerate(own)])
    yield "only its first line", forged(own[:1])
    for name, old, new in [
        ("a blank", b'"seq":', b'"seq": '),
        ("a key twice", b',"by":', b',"up_ms":0,"by":'),
        ("a key twice within", b'"kind":', b'"kind":"x","kind":'),
        ("another order", b'"event":{"kind"', b'"event":{"a":1,"kind"'),
        ("a newer field", b'"event":{', b'"event":{"wings":[1,-2,{"a":null}],'),
        ("a newer kind", b'"kind":"', b'"kind":"x_'),
        ("no kind", b'"kind":', b'"kin":'),
        ("a number for a kind", b'"kind":"', b'"kind":7,"k":"'),
        ("a key beside", b'"event":', b'"extra":1,"event":'),
        ("a leading zero", b'"up_ms":', b'"up_ms":0'),
        ("a negative zero", b'"event":{', b'"event":{"n":-0,'),
        ("a huge number", b'"event":{', b'"event":{"n":99999999999999999999,'),
        ("the largest number", b'"event":{', b'"event":{"n":18446744073709551615,'),
        ("the least number", b'"event":{', b'"event":{"n":-9223372036854775808,'),
        ("a fraction", b'"event":{', b'"event":{"n":0.5,'),
        ("a longer fraction", b'"event":{', b'"event":{"n":0.50,'),
        ("no number", b'"event":{', b'"event":{"n":NaN,'),
        ("an escape too many", b'"event":{', b'"event":{"t":"\\u0041",'),
        ("an escape in capitals", b'"event":{', b'"event":{"t":"\\u001F",'),
        ("an escape as ours", b'"event":{', b'"event":{"t":"\\u001f\\n\\"\\\\",'),
        ("a slash escaped", b'"event":{', b'"event":{"t":"\\/",'),
        ("a DEL and a wide letter", b'"event":{', '"event":{"t":"\x7fü\u202e",'.encode()),
        ("no UTF-8", b'"event":{', b'"event":{"t":"\xff",'),
        ("a NUL", b'"event":{', b'"event":{"t":"\0",'),
        ("a CR", b'"event":{', b'\r"event":{'),
        ("depth", b'"event":{', b'"event":{"n":' + b"[" * 90 + b"]" * 90 + b","),
        ("a megabyte", b'"event":{', b'"event":{"t":"' + b"x" * (1 << 20) + b'",'),
        ("just no megabyte", b'"event":{', b'"event":{"t":"' + b"x" * 900_000 + b'",'),
        ("other times", b'"up_ms":', b'"up_ms":1'),
    ]:
        yield name, with_line(2, sub(old, new))
    yield "its close is another's", with_line(last, sub(b"session_closed", b"paused"))


def damages(log, rng, edits):
    """Logs that are spoilt without care."""
    lines = log.splitlines(keepends=True)
    yield "whole", log
    yield "empty", b""
    yield "an LF", b"\n"
    yield "an LF more", log + b"\n"
    yield "no last LF", log[:-1]
    for zeros in (1, 75, 76, 4096, 3 << 20):
        yield f"{zeros} zeros", log + b"\0" * zeros
        yield f"{zeros} zeros and an LF", log + b"\0" * zeros + b"\n"
    yield "CRLF", log.replace(b"\n", b"\r\n")
    yield "a byte order mark", b"\xef\xbb\xbf" + log
    yield "twice", log + log
    for n in range(len(lines)):
        yield f"cut behind line {n + 1}", b"".join(lines[: n + 1])
        yield f"line {n + 1} out", b"".join(lines[:n] + lines[n + 1 :])
        yield f"line {n + 1} twice", b"".join(lines[: n + 1] + lines[n:])
        yield f"line {n + 1} at the end", b"".join(lines[:n] + lines[n + 1 :] + [lines[n]])
    for n in range(edits):
        at, other = rng.randrange(len(log)), bytes([rng.randrange(256)])
        end = min(len(log), at + rng.choice([0, 1, 1, 2, 300]))
        what = rng.choice([b"", other, other, log[at:end] * 2, lines[rng.randrange(len(lines))]])
        yield f"bytes {at} to {end} become {what[:20]!r}", log[:at] + what + log[end:]


def link(folder, path):
    moved = folder / "moved"
    (folder / path).rename(moved)
    (folder / path).symlink_to(moved)


def spoilings():
    """What can become of what lies beside a log."""
    write = lambda path, text: lambda folder: (folder / path).write_text(text)
    yield "an output in other words", write(OUTPUT, "hallo\n")
    yield "an output longer", write(OUTPUT, "hello\nhello\n")
    yield "an output shorter", write(OUTPUT, "hello")
    yield "an output away", lambda folder: (folder / OUTPUT).unlink()
    yield "an output a folder", lambda folder: ((folder / OUTPUT).unlink(), (folder / OUTPUT).mkdir())
    yield "an output a pipe", lambda folder: ((folder / OUTPUT).unlink(), os.mkfifo(folder / OUTPUT))
    yield "an output a link", lambda folder: link(folder, OUTPUT)
    yield "an attempt's folder a link", lambda folder: link(folder, "steps/one.hello.1")
    yield "all outputs a link", lambda folder: link(folder, "steps")
    yield "all outputs away", lambda folder: shutil.rmtree(folder / "steps")
    yield "the runbook another", write("runbook.toml", RUNBOOK.replace("hello", "hallo"))
    yield "the runbook away", lambda folder: (folder / "runbook.toml").unlink()
    yield "the telemetry away", lambda folder: (folder / "telemetry.jsonl").unlink(missing_ok=True)
    yield "the telemetry another", write("telemetry.jsonl", "{}\n" * 100)
    yield "the telemetry longer", lambda folder: (folder / "telemetry.jsonl").open("a").write("{}\n")
    yield "the log away", lambda folder: (folder / "audit.jsonl").unlink()
    yield "a seal of junk", lambda folder: ((folder / "seals").mkdir(), (folder / "seals/1-x.seal").write_text("junk"))


class Zoo:
    def __init__(self, gonogo, folder):
        self.gonogo, self.folder = gonogo, folder
        self.seen, self.codes = 0, {}

    def compare(self, what, log, *args):
        ours = subprocess.run([self.gonogo, "verify", log, *args], capture_output=True)
        judge = [sys.executable, Path(__file__).with_name("verify.py"), log, *args]
        theirs = subprocess.run(judge, capture_output=True)
        self.seen += 1
        self.codes[ours.returncode] = self.codes.get(ours.returncode, 0) + 1
        if ours.returncode != theirs.returncode:
            told = "\n".join(out.decode(errors="replace") for out in (ours.stdout, ours.stderr, theirs.stdout, theirs.stderr))
            raise lab.Failure(f"{what} {args}: gonogo {ours.returncode}, verify.py {theirs.returncode}\n{told}")
        return ours.returncode

    def expect(self, code, what, log, *args):
        found = self.compare(what, log, *args)
        if found != code:
            raise lab.Failure(f"{what} {args}: {found}, and should be {code}")


def seals(zoo, own):
    """Signed records: with whose key, and what was done to them afterwards."""
    if not shutil.which("ssh-keygen"):
        print("SKIPPED seals: ssh-keygen is not installed")
        return
    keys = zoo.folder / "keys"
    keys.mkdir()
    allowed = {}
    for who in ("opsA", "opsB"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / who], check=True)
        allowed[who] = keys / f"allowed-{who}"
        allowed[who].write_text(f'{who} namespaces="gonogo" {(keys / f"{who}.pub").read_text()}')
    sealed = zoo.folder / "sealed"
    shutil.copytree(own, sealed)
    zoo.expect(7, "no seal", sealed, "--allowed-signers", allowed["opsA"])
    subprocess.run([zoo.gonogo, "seal", sealed, "--key", keys / "opsA"], check=True, capture_output=True)
    zoo.expect(0, "sealed", sealed)
    zoo.expect(0, "sealed", sealed, "--allowed-signers", allowed["opsA"])
    zoo.expect(7, "sealed by another", sealed, "--allowed-signers", allowed["opsB"])
    seal = next((sealed / "seals").glob("*.seal"))
    log, text, sig = (path.read_bytes() for path in (sealed / "audit.jsonl", seal, Path(f"{seal}.sig")))
    for what, code, path, content in [
        ("a sealed log cut", 7, sealed / "audit.jsonl", log[: log[:-1].rindex(b"\n") + 1]),
        ("another time", 7, seal, text.replace(b"sealed: 2", b"sealed: 3")),
        ("another session", 7, seal, text.replace(b"session: ", b"session: x")),
        ("another form", 7, seal, text + b"\n"),
        ("no signature", 7, Path(f"{seal}.sig"), b"junk"),
    ]:
        kept = path.read_bytes()
        path.write_bytes(content)
        zoo.expect(code, what, sealed, "--allowed-signers", allowed["opsA"])
        zoo.compare(what, sealed)
        path.write_bytes(kept)
    zoo.expect(0, "sealed again", sealed, "--allowed-signers", allowed["opsA"])


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--gonogo", help="the binary (default: the one that was built)")
    args.add_argument("--edits", type=int, default=200, help="random edits besides")
    args.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    args = args.parse_args()
    gonogo, folder = lab.binary(args.gonogo), lab.scratch("zoo")
    zoo, own = Zoo(gonogo, folder), session(gonogo, folder)
    log = (own / "audit.jsonl").read_bytes()
    hashes = [line[-66:-2].decode() for line in log.split(b"\n")[:-1]]
    anchors = [f"{seq}:{hashes[seq - 1][:8]}" for seq in (1, len(hashes) // 2, len(hashes))]
    alone = folder / "alone" / "audit.jsonl"
    alone.parent.mkdir()
    print(f"seed {args.seed}, {len(hashes)} events", flush=True)
    for what, spoilt in [*forgeries(log), *damages(log, random.Random(args.seed), args.edits)]:
        alone.write_bytes(spoilt)
        zoo.compare(what, alone)
        against = zoo.compare(what, alone, *(word for anchor in anchors for word in ("--anchor", anchor)))
        if spoilt != log and against == 0:
            raise lab.Failure(f"{what}: unseen against its head")
    zoo.expect(7, "another anchor", own, "--anchor", "1:00000000")
    zoo.expect(0, "its own", own, "--anchor", anchors[-1])
    for what, spoil in spoilings():
        shutil.rmtree(folder / "spoilt", ignore_errors=True)
        shutil.copytree(own, folder / "spoilt", ignore=shutil.ignore_patterns("*.sock"))
        spoil(folder / "spoilt")
        zoo.compare(what, folder / "spoilt")
        zoo.compare(what, folder / "spoilt", "--anchor", anchors[-1])
    # An engine that writes: what is torn is only on its way.
    with open(alone.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for what, spoilt, code in [("torn", log[:-9], 0), ("empty", b"", 0), ("spoilt", log.replace(b"a", b"b"), 6)]:
            alone.write_bytes(spoilt)
            zoo.expect(code, f"{what} and live", alone)
    seals(zoo, own)
    told = ", ".join(f"{count} ended with {code}" for code, count in sorted(zoo.codes.items()))
    print(f"{zoo.seen} judgements alike: {told}")


if __name__ == "__main__":
    try:
        main()
    except lab.Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        sys.exit(1)
