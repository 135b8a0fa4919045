"""The HTML report in a real browser: recorded sessions, hostile texts, a day of a hundred checks. Each page is opened
from the disk, 1280 and 400 pixels wide, dark and light, and printed: no console message, no request, nothing wider than
its screen, no hidden output on paper, no colour that cannot be read. Pictures stay in the folder that is named."""

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import browser
import lab

# What a day of a hundred checks may take, in bytes and in seconds of a debug build on a busy machine.
BIGGEST = 5_000_000
SLOWEST = 120

HOSTILE = r"""
id     = "hostile"
title  = "</title><script>alert('title')</script>]]>"
owner  = "\"' onmouseover='alert(1)"
ticket = "<img src=x onerror=alert(2)>"
policy = ["</style><script>alert('policy')</script>"]
[vars]
work = { help = "Scratch folder" }
port = { help = "Where the service listens" }
last = { default = "0", help = "Unused" }
[[stage]]
id    = "only"
title = "<svg onload=alert(3)>]]>"
  [[stage.step]]
  id  = "prints"
  title = "</summary></details><h1>broken out"
  run = '''printf '<script>alert("out")</script>\n\033[31mred\033[0m \342\200\256 ]]> &lt;\n'; printf '</pre><img src=http://192.0.2.1/x>\n' >&2'''
  expect.matches = ['script']
"""

DAY = """
id    = "day"
title = "A day of a hundred checks"
{checks}
[[stage]]
id       = "watch"
title    = "Watch for a day"
estimate = "23h"
  [[stage.step]]
  id      = "sure"
  confirm = "Is everybody sure?"
  [stage.gate]
  checks = ["c0"]
  soak = "23h"
"""
CHECK = """[check.c{n}]
title  = "service {n} answers"
http   = "http://127.0.0.1:1/{n}"
period = "10s"
expect = {{ max_latency = "500ms" }}
"""


class Log:
    """A log that is written by hand, with its chain."""

    def __init__(self, folder):
        self.file = open(folder / "audit.jsonl", "wb")
        self.seq, self.hash = 0, "0" * 64

    def add(self, at, up_ms, event, by="engine"):
        self.seq += 1
        told = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"seq": self.seq, "at": told, "up_ms": up_ms, "by": by, "event": event, "prev": self.hash}
        head = json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
        self.hash = hashlib.sha256(head).hexdigest()
        self.file.write(head + b',"hash":"' + self.hash.encode() + b'"}\n')


def day(folder, template, checks=100, period=10, hours=24):
    """A session of a day, some of whose checks fail now and then and some all the time anew. `template` is a first
    event of a real one."""
    folder.mkdir(parents=True)
    rng = random.Random(4)
    began = datetime(2026, 11, 20, 6, 0, tzinfo=timezone.utc)
    runbook = DAY.format(checks="".join(CHECK.format(n=n) for n in range(checks)))
    log, up = Log(folder), 1_000_000
    opened = {**template, "session": folder.name, "runbook": runbook, "session_dir": str(folder),
              "sha256": hashlib.sha256(runbook.encode()).hexdigest(), "vars": {}}
    log.add(began, up, opened)
    log.add(began, up, {"kind": "engine_started", "boot_id": "lab", "version": "0.1.0", "pid": 1, "recovered": []})
    person = {"person": "opsA", "uid": 1000, "seat": "driver"}
    log.add(began, up, {"kind": "stage_entered", "stage": "watch"}, by=person)
    health = ["idle"] * checks
    (folder / "runbook.toml").write_text(runbook)
    with open(folder / "telemetry.jsonl", "w") as telemetry:
        for second in range(0, hours * 3600, period):
            now, now_up = began + timedelta(seconds=second), up + second * 1000
            samples = []
            for n in range(checks):
                bad = rng.random() < (0.3 if n < 5 else 0.0005)
                took = int(rng.lognormvariate(3.5, 0.6))
                samples.append([f"c{n}", "failed" if bad else "pass", "503" if bad else "200", took, rng.randrange(900)])
                to = "failing" if bad else "ok"
                if health[n] != to:
                    log.add(now, now_up, {"kind": "check_changed", "check": f"c{n}", "from": health[n], "to": to,
                                          "reason": "status 503 (expected 200)" if bad else "a good sample",
                                          "value": "503" if bad else "200", "since": now_up})
                    health[n] = to
            telemetry.write(json.dumps({"after": log.seq, "up_ms": now_up, "s": samples}, separators=(",", ":")) + "\n")
    log.add(began + timedelta(hours=hours), up + hours * 3_600_000,
            {"kind": "session_closed", "outcome": "aborted", "reason": "the day is over"}, by=person)
    log.file.close()
    return folder


def contrast(one, other):
    """How far two colours are apart, as WCAG counts it."""
    def luminance(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def judge(tab, name, page, pictures):
    """Opens a page in every way; returns what is wrong with it, a sentence each."""
    wrong = []
    tab.open(page)
    for width in (1280, 400):
        for scheme in ("light", "dark"):
            tab.look(width, scheme)
            wide = tab.value("document.documentElement.scrollWidth")
            if wide > width:
                wrong.append(f"{wide} pixels wide on {width}")
            for word in ("fg", "dim", "link", "ok", "fail", "warn", "stale", "ask", "running", "pending"):
                for ground in ("bg", "raised"):
                    ask = "getComputedStyle(document.documentElement).getPropertyValue('--%s').trim()"
                    colours = [tab.value(ask % colour) for colour in (word, ground)]
                    if contrast(*colours) < 4.5:
                        wrong.append(f"--{word} on --{ground} in {scheme}: {contrast(*colours):.1f} to 1")
            tab.screenshot(pictures / f"{name}-{width}-{scheme}.png")
    unnamed = tab.value("[...document.querySelectorAll('svg[role=img]')].filter(s => !s.querySelector(':scope > title')).length")
    if unnamed:
        wrong.append(f"{unnamed} pictures without a title")
    if tab.value("document.querySelectorAll('script,iframe,object,img,link,form').length"):
        wrong.append("an element that has no place here")
    if tab.value("[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))"):
        wrong.append("an attribute that would run")
    tab.look(1280, "dark", media="print")
    hidden = tab.value("[...document.querySelectorAll('details > pre, details > table')].filter(e => !e.offsetHeight).length")
    if hidden:
        wrong.append(f"{hidden} outputs or tables are hidden on paper")
    if tab.value("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)":
        wrong.append("a dark background on paper")
    tab.look(1280)
    tab.pdf(pictures / f"{name}.pdf")
    return wrong + tab.complaints()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gonogo")
    parser.add_argument("--pictures", type=Path, help="where the pictures go; by default a fresh folder")
    parser.add_argument("--no-demo", action="store_true", help="leave the demo out, which takes half a minute")
    args = parser.parse_args()
    chromium = browser.found()
    if not chromium:
        lab.skip("report.py", "there is no chromium")
    gonogo = lab.binary(args.gonogo)
    folder = lab.scratch("report")
    pictures = args.pictures or folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)

    def cutover(name, **how):
        made = lab.Cutover(gonogo, folder / name, port, **how)
        code = made.launch().wait()
        print(f"   {name}: recorded, exit {code}", flush=True)
        return made.session()

    port = lab.serve(gonogo, folder)
    sessions = {
        "completed": cutover("completed"),
        "rolled-back": cutover("rolled-back", last=1),
        "hostile": cutover("hostile", runbook=HOSTILE, answers="acknowledge = true\nadvance = true\n"),
    }
    if not args.no_demo:
        env = {**os.environ, "GONOGO_STATE_DIR": str(folder / "demo")}
        subprocess.run([gonogo, "demo", "--headless"], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        sessions["demo"] = next((folder / "demo/sessions").iterdir())
    first = json.loads((sessions["completed"] / "audit.jsonl").read_bytes().split(b"\n")[0])
    sessions["day"] = day(folder / "day", first["event"])

    pages = {name: [str(session)] for name, session in sessions.items()}
    pages["against"] = [str(sessions["completed"]), "--against", str(sessions["rolled-back"])]
    failed = False
    for name, asked in pages.items():
        page = pictures / f"{name}.html"
        began = time.monotonic()
        said = subprocess.run([gonogo, "report", *asked, "--format", "html", "-o", str(page)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        took = time.monotonic() - began
        if said.returncode:
            wrong = [f"gonogo report ended with {said.returncode}: {said.stderr}"]
        else:
            with browser.Browser(chromium) as tab:
                wrong = judge(tab, name, page, pictures)
            size = page.stat().st_size
            print(f"{name}: {size} bytes in {took:.1f} s", flush=True)
            if size > BIGGEST:
                wrong.append(f"{size} bytes, and {BIGGEST} are allowed")
            if took > SLOWEST:
                wrong.append(f"took {took:.0f} s")
            if re.search(r"(?:src|href)=['\"](?!#)", page.read_text()):
                wrong.append("it names something to load")
        for sentence in wrong:
            failed = True
            print(f"FAILED {name}: {sentence}", flush=True)
    print(f"pictures: {pictures}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
