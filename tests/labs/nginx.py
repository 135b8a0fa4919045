#!/usr/bin/env python3
"""A cutover between real servers: nginx gives a port to another release of its site, a real Prometheus scrapes it all the
while, and the runbook believes neither before it has seen it. Forward; back; into a release that is not what it says;
into a Prometheus that is gone; and what a Prometheus server says that is no number."""

import argparse
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import lab

HERE = Path(__file__).resolve().parent / "nginx"

NGINX = """\
user {user};
worker_processes 1;
pid run/{name}.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path run/body; proxy_temp_path run/proxy; fastcgi_temp_path run/fastcgi;
    uwsgi_temp_path run/uwsgi; scgi_temp_path run/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {name};
        types {{ text/plain txt; }}
        default_type text/plain;
    }}
}}
"""

PROMETHEUS = """\
global: {{ scrape_interval: 500ms, scrape_timeout: 400ms }}
scrape_configs:
  - job_name: site
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
  - job_name: itself
    static_configs: [{{ targets: ["127.0.0.1:{own}"] }}]
"""


class Chat(http.server.BaseHTTPRequestHandler):
    """Keeps what it is told."""

    told = []

    def do_POST(self):
        Chat.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class World:
    """A folder with both releases, the old one running, and a Prometheus that scrapes whichever does."""

    def __init__(self, gonogo, base, name, says="new"):
        self.gonogo, self.dir = gonogo, base / name
        shutil.copytree(HERE, self.dir)
        (self.dir / "run").mkdir()
        self.port, self.own = lab.free_port(), lab.free_port()
        for release, says in (("old", "old"), ("new", says)):
            (self.dir / f"{release}.conf").write_text(NGINX.format(name=release, port=self.port, user=user()))
            (self.dir / release).mkdir()
            (self.dir / release / "index.txt").write_text(f"the {release} release\n")
            metrics = f'site_release_info{{release="{says}"}} 1\nsite_errors_total 0\n'
            (self.dir / release / "metrics").write_text(metrics)
        (self.dir / "prometheus.yml").write_text(PROMETHEUS.format(port=self.port, own=self.own))
        subprocess.run(self.nginx("old"), check=True, stdin=subprocess.DEVNULL)
        self.prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={self.dir}/prometheus.yml", f"--storage.tsdb.path={self.dir}/tsdb",
             f"--web.listen-address=127.0.0.1:{self.own}", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.dir / "prometheus.log", "w"),
        )
        self.until("Prometheus is ready", lambda: self.get(self.own, "/-/ready") is not None)

    def nginx(self, release, *more):
        return ["nginx", "-p", str(self.dir), "-e", "run/error.log", "-c", f"{release}.conf", *more]

    def get(self, port, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def until(self, what, holds):
        end = time.monotonic() + lab.DEADLINE
        while not holds():
            if time.monotonic() > end:
                raise lab.Failure(f"it did not come to: {what}")
            time.sleep(0.1)

    def drive(self, runbook, answers, **given):
        """Drives it headless; returns the exit code and the events."""
        state = self.dir / "state"
        sets = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
        ran = subprocess.run(
            [self.gonogo, "run", "--headless", "--rehearsal", "--answers", str(self.dir / answers), *sets,
             str(self.dir / runbook)],
            env={**os.environ, "GONOGO_STATE_DIR": str(state), "PATH": f"{os.environ['PATH']}:/usr/sbin"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=lab.DEADLINE,
        )
        (self.dir / "said").write_text(ran.stdout + ran.stderr)
        session = max((state / "sessions").iterdir())
        verified = subprocess.run([self.gonogo, "verify", str(session)], capture_output=True, text=True)
        if verified.returncode != 0:
            raise lab.Failure(f"the record is not whole: {verified.stdout}")
        lines = (session / "audit.jsonl").read_text().splitlines()
        return ran.returncode, [json.loads(line)["event"] for line in lines]

    def cut_over(self, hook, **given):
        return self.drive("runbook.toml", "answers.toml", port=self.port, hook=hook,
                          prometheus=f"http://127.0.0.1:{self.own}", **given)

    def page(self):
        return self.get(self.port, "/index.txt")

    def close(self):
        self.prometheus.kill()
        self.prometheus.wait()
        for pidfile in (self.dir / "run").glob("*.pid"):
            try:
                os.kill(int(pidfile.read_text()), signal.SIGTERM)
            except (OSError, ValueError):
                pass


def user():
    """Workers that may read what this user has written."""
    import pwd
    return pwd.getpwuid(os.getuid()).pw_name


def finish(events, step):
    found = [e for e in events if e["kind"] == "step_finished" and e["step"] == step]
    if not found:
        raise lab.Failure(f"{step} has not finished")
    return found[-1]


def must(holds, what):
    if not holds:
        raise lab.Failure(what)


def forward(world, hook):
    code, events = world.cut_over(hook)
    must(code == 0, f"the cutover ended with {code}")
    must(world.page() == "the new release\n", f"the site says {world.page()!r}")
    measured = [e for e in events if e["kind"] == "baseline_taken"]
    must(measured and measured[0]["checks"]["slow"]["samples"] >= 5, "nothing was measured of the old release")
    must([t["on"] for t in Chat.told] == ["stage", "stage", "stage", "finished"], f"told: {Chat.told}")
    must(all(t["text"].startswith("REHEARSAL [lab] nginx: ") for t in Chat.told), f"told: {Chat.told[0]['text']}")


def back(world, hook):
    code, events = world.cut_over(hook, last="false")
    must(code == 4, f"the rollback ended with {code}")
    must(world.page() == "the old release\n", f"the site says {world.page()!r}")
    ended = finish(events, "switch.stop-new")
    must(ended["passed"] and ended["exit"] == 0, f"nginx was seen to end with {ended}")


def wrong_release(world, hook):
    code, events = world.cut_over(hook)
    must(code == 4, f"it ended with {code}")
    seen = finish(events, "switch.seen")
    must(not seen["passed"] and "release" in seen["why"], f"a release that is not what it says: {seen['why']}")
    must(world.page() == "the old release\n", f"the site says {world.page()!r}")


def no_prometheus(world, hook):
    world.prometheus.kill()
    world.prometheus.wait()
    code, events = world.cut_over(hook)
    must(code == 4, f"it ended with {code}")
    before = finish(events, "before.old-answers")
    must(not before["passed"] and "scraped" in before["why"], f"without Prometheus: {before['why']}")
    must(not any(e["kind"] == "step_started" and e["step"].startswith("switch.") for e in events), "it went on")
    must(world.page() == "the old release\n", f"the site says {world.page()!r}")


SAYS = {
    "one": None, "scalar": None, "below": "41", "nothing": "no data", "not-a-number": "NaN", "endless": "Inf",
    "several": "2 series", "range": "matrix", "misspelt": "parse error", "elsewhere": "refused",
}


def asks(world, _):
    world.until("two series", lambda: '"1"]},{"metric"' in (world.get(world.own, "/api/v1/query?query=up") or ""))
    _, events = world.drive("asks.toml", "asks-answers.toml", prometheus=f"http://127.0.0.1:{world.own}",
                            nobody=f"http://127.0.0.1:{lab.free_port()}")
    for step, word in SAYS.items():
        seen = finish(events, f"ask.{step}")
        must(seen["passed"] == (word is None), f"{step}: {seen['why']}")
        must(word is None or word in seen["why"], f"{step} does not say {word}: {seen['why']}")
        print(f"    {step}: {seen['why']}")


CASES = {
    "forward": (forward, "new"), "back": (back, "new"), "wrong release": (wrong_release, "old"),
    "no prometheus": (no_prometheus, "new"), "asks": (asks, "new"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gonogo", help="the binary (default: $GONOGO, or what cargo built)")
    parser.add_argument("--only", choices=CASES, help="one case")
    args = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    for program in ("nginx", "prometheus"):
        if not shutil.which(program):
            lab.skip("nginx.py", f"there is no {program}: apt-get install {program}")
    gonogo, base = lab.binary(args.gonogo), lab.scratch("nginx")
    chat = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    for name, (case, says) in CASES.items():
        if args.only not in (None, name):
            continue
        Chat.told.clear()
        world = World(gonogo, base, name.replace(" ", "-"), says)
        try:
            case(world, f"http://127.0.0.1:{chat.server_port}/")
            print(f"{name}: as it must be")
        except (lab.Failure, subprocess.TimeoutExpired) as e:
            print(f"FAILED {name}: {e}\n  kept: {world.dir}")
            return 1
        finally:
            world.close()
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
