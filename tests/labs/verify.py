#!/usr/bin/env python3
"""Judges a session's record without gonogo, by what README and `gonogo verify --help` say of it and nothing else:
verify.py SESSION-or-LOG [--anchor SEQ:HASH]… [--allowed-signers FILE]; ends with the code of the gravest verdict."""
import argparse, fcntl, hashlib, json, os, pathlib, re, stat, subprocess, sys

LONGEST, KEYS = 1 << 20, ["seq", "at", "up_ms", "by", "event", "prev", "hash"]


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def whole(digits):
    if not -(2**63) <= int(digits) < 2**64:
        raise ValueError("a number that nobody keeps as it is")
    return int(digits)


def why_no_line(line, prev, seq):
    """What is wrong with a line, given without its LF; else None, and its event."""
    body, tail = line[:-75], line[-75:]
    digest = hashlib.sha256(body).hexdigest().encode()
    if len(line) > LONGEST or tail != b',"hash":"' + digest + b'"}':
        return "its hash does not fit, or it is over 1 MiB", None
    if not body.endswith(b',"prev":"' + prev + b'"'):
        return "it does not follow the line before", None
    try:
        read = json.loads(line.decode(), object_pairs_hook=once, parse_int=whole, parse_constant=whole)
        event, ours = read["event"], json.dumps(read, ensure_ascii=False, separators=(",", ":"))
        if ours.encode() != line or list(read) != KEYS or not isinstance(event["kind"], str):
            return "it is not written as a log line is", None
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        return f"it is no log line: {e}", None
    if type(read["seq"]) is not int or read["seq"] != seq or (seq == 1) > (event["kind"] == "session_opened"):
        return "its number does not follow, or the log does not begin with session_opened", None
    return None, event


def differs(folder, path, size, sha256, grows=False):
    """How a file is not what the log says of it."""
    at = folder
    for name in pathlib.PurePosixPath(path).parts:
        at /= name
        if name in ("..", "/") or at.is_symlink():
            return "it leads elsewhere"
    if not at.exists() and grows and size == 0:
        return None
    if not at.exists() or not stat.S_ISREG(at.stat().st_mode):
        return "it is no file"
    kept = at.read_bytes()
    if len(kept) < size or len(kept) > size and not grows:
        return f"it is {len(kept)} bytes long, and was {size}"
    return None if hashlib.sha256(kept[:size]).hexdigest() == sha256 else "its content is another"


def copies(folder, path, sha256):
    """The exact copies of a step that are not what the log says of them, and how."""
    manifest = f"{path}/manifest.json"
    there = (folder / manifest).is_file()
    why = differs(folder, manifest, (folder / manifest).stat().st_size if there else 0, sha256)
    if why:
        return [(manifest, why)]
    kept = json.loads((folder / manifest).read_bytes())["files"]
    kept = [(f"{path}/files{file['path']}", file["what"]["file"]) for file in kept if "file" in file["what"]]
    return [(copy, why) for copy, said in kept if (why := differs(folder, copy, said["bytes"], said["sha256"]))]


def signer(allowed, text, sig):
    keygen = lambda *args: subprocess.run(["ssh-keygen", "-Y", *args], input=text, capture_output=True)
    found = keygen("find-principals", "-f", allowed, "-s", sig).stdout.decode().split("\n")
    return any(who and keygen("verify", "-n", "gonogo", "-I", who, "-f", allowed, "-s", sig).returncode == 0 for who in found)


def judge(log, anchors, allowed):
    folder, session, verdicts = log.parent, None, []
    seals = sorted((folder / "seals").glob("*.seal"))
    form = r"gonogo seal 1\nsession: (.*)\nseq: ([1-9]\d*)\nhash: ([0-9a-f]{64})\nsealed: [-0-9T:]+Z\n"
    sealed = {seal: re.fullmatch(form, seal.read_text(errors="replace")) for seal in seals}
    anchors = anchors + [(int(said[2]), said[3]) for said in sealed.values() if said]
    if not log.exists():
        return [(7, "MISSING")] if anchors else [(1, "there is no such log")]
    lock = folder / "lock"
    try:
        live = lock.exists() and fcntl.flock(os.open(lock, os.O_RDONLY), fcntl.LOCK_SH | fcntl.LOCK_NB) is not None
    except BlockingIOError:
        live = True
    *lines, rest = log.read_bytes().split(b"\n")
    prev, hashes, files, taken, kind = b"0" * 64, [], {}, [], None
    for seq, line in enumerate(lines, 1):
        why, event = why_no_line(line, prev, seq)
        if why:
            verdicts.append((6, f"BROKEN: line {seq}: {why}"))
            break
        prev, kind = line[-66:-2], event["kind"]
        hashes.append(prev.decode())
        if kind == "session_opened":
            session = event["session"]
            files["runbook.toml"] = (len(event["runbook"].encode()), event["sha256"])
        elif kind == "checkpoint":
            files["telemetry.jsonl"] = (event["telemetry_bytes"], event["telemetry_sha256"], True)
        elif kind == "snapshot_taken" and event["sha256"]:
            taken.append((event["path"], event["sha256"]))
        elif kind in ("evidence_added", "step_finished") and (said := event.get("output") or event) and "path" in said:
            files[said["path"]] = (said["bytes"], said["sha256"])
    else:
        if len(rest) > LONGEST + 1 or not (lines or rest or live):
            verdicts.append((6, "BROKEN: an endless line, or an empty log"))
        elif rest and not live:
            verdicts.append((5, f"TORN TAIL: {len(rest)} bytes"))
    for seq, known in anchors:
        if seq > len(hashes):
            verdicts.append((7, f"TRUNCATED: event {seq} was seen"))
        elif not hashes[seq - 1].startswith(known.lower()):
            verdicts.append((7, f"REWRITTEN: event {seq}"))
    if any(os.path.lexists(folder / sign) for sign in ("steps", "evidence", "snapshots", "engine.log", "runbook.toml", "telemetry.jsonl")):
        changed = ((path, differs(folder, path, *said)) for path, said in files.items())
        verdicts += [(8, f"OUTPUT CHANGED: {path}: {why}") for path, why in changed if why]
    # They never leave their host: no bundle has them.
    if (folder / "snapshots").is_dir():
        changed = (wrong for path, sha256 in taken for wrong in copies(folder, path, sha256))
        verdicts += [(8, f"OUTPUT CHANGED: {path}: {why}") for path, why in changed]
    for seal, said in sealed.items():
        sig = pathlib.Path(f"{seal}.sig")
        if not said or session not in (None, said[1]) or not sig.exists() or b"BEGIN SSH SIGNATURE" not in sig.read_bytes():
            verdicts.append((7, f"BAD SEAL: {seal.name}"))
        elif allowed and not signer(allowed, seal.read_bytes(), sig):
            verdicts.append((7, f"BAD SEAL or UNKNOWN SIGNER: {seal.name}"))
    if allowed and not seals:
        verdicts.append((7, "NOT SEALED"))
    return sorted(verdicts, reverse=True) or [(0, "CLEAN" if kind == "session_closed" else "CLEAN UNFINISHED")]


if __name__ == "__main__":
    args = argparse.ArgumentParser()
    args.add_argument("log", type=pathlib.Path)
    args.add_argument("--anchor", action="append", default=[])
    args.add_argument("--allowed-signers")
    args = args.parse_args()
    anchors = [(int(seq), known) for seq, known in (anchor.split(":") for anchor in args.anchor)]
    found = judge(args.log / "audit.jsonl" if args.log.is_dir() else args.log, anchors, args.allowed_signers)
    print("\n".join(text for _, text in found))
    sys.exit(found[0][0])
