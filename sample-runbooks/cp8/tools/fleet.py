#!/usr/bin/env python3
"""Does one thing on every host of a group, by ssh, side by side, and says how it went on each. A host that cannot be
reached is told apart from one where it failed, and none is ever left out.

fleet.py INVENTORY GROUP run COMMAND…          runs it on each host
fleet.py INVENTORY GROUP ask COMMAND…          the same for a command that answers in JSON: one object of all hosts
fleet.py INVENTORY GROUP push FOLDER FILE…     copies files into a folder of each
fleet.py INVENTORY GROUP hash FILE [SHA256]    says which hosts have the same; with a digest, who has another

A line of the inventory is `HOST INCREMENT`; a group is an increment, several with commas, or `all`. The last line is
`ok: N of N hosts`, or `not ok: …` with what went wrong where; after `ask` it goes to the standard error.
"""
import json
import os
import shlex
import subprocess
import sys

SSH = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
UNREACHABLE = 255


def hosts_of(inventory, group):
    with open(inventory, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return [host for host, increment, *_ in lines if group == "all" or increment in group.split(",")]


def on_each(hosts, command, data=b""):
    """Starts it on all of them, then waits for each: exit code and lines."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    started = [subprocess.Popen([*SSH, host, command], **pipes) for host in hosts]
    for process in started:
        # A host that is gone already reads nothing, and its exit code says so.
        try:
            process.stdin.write(data)
            process.stdin.close()
        except BrokenPipeError:
            pass
    outputs = [process.stdout.read().decode(errors="replace") for process in started]
    return [(process.wait(), output.splitlines()) for process, output in zip(started, outputs)]


def push(hosts, folder, files):
    for file in files:
        to = shlex.quote(folder + os.path.basename(file))
        with open(file, "rb") as content:
            # Whole or not at all: nobody reads half a file.
            results = on_each(hosts, f"cat >{to}.next && mv {to}.next {to}", content.read())
        if any(code != 0 for code, _ in results):
            break
    return results


def main():
    inventory, group, verb, *words = sys.argv[1:]
    hosts = hosts_of(inventory, group)
    if verb == "push":
        results = push(hosts, words[0], words[1:])
    elif verb in ("run", "ask", "hash"):
        results = on_each(hosts, f"sha256sum {words[0]}" if verb == "hash" else " ".join(words))
    else:
        sys.exit(__doc__)
    wanted = words[1] if verb == "hash" and len(words) > 1 else None
    wrong, digests, answers = [], {}, {}
    said = sys.stderr if verb == "ask" else sys.stdout
    for host, (code, lines) in zip(hosts, results):
        if code == UNREACHABLE:
            wrong.append(f"{host} is unreachable")
        elif code != 0:
            wrong.append(f"{host} failed with {code}")
        elif verb == "ask":
            try:
                answers[host] = json.loads("\n".join(lines))
                continue
            except ValueError:
                wrong.append(f"{host} did not answer in JSON")
        elif verb == "hash":
            digest = lines[0].split()[0]
            digests.setdefault(digest, []).append(host)
            if wanted and digest != wanted:
                wrong.append(f"{host} has another {words[0]}")
        for line in lines:
            print(f"{host}: {line}", file=said)
    for digest, having in digests.items():
        print(f"{digest} on {len(having)} of {len(hosts)} hosts: {' '.join(having)}")
    if verb == "ask":
        print(json.dumps(answers))
    good = f"{len(hosts) - len(wrong)} of {len(hosts)} hosts"
    bad = ", ".join(wrong) or ("" if hosts else "there is no host")
    print(f"not ok: {good}: {bad}" if bad else f"ok: {good}", file=said)
    sys.exit(1 if bad else 0)


main()
