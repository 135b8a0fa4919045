#!/usr/bin/env python3
"""The fleet's traffic and metrics, of the simulator: fleetd.py DIR PORT. Clients of each host send ten requests a second
to the runtime that its route names. `GET /GROUP/RUNTIME` tells the figures of a group as one JSON: the worst latency,
the sum of the counters; a figure that one host does not tell is null.
What was sent, delivered and failed is told with it, whoever served."""
import http.client
import http.server
import json
import os
import pathlib
import sys
import threading
import time
import uuid

DIR, PORT = pathlib.Path(sys.argv[1]), int(sys.argv[2])
HOSTS = sorted(host.name for host in (DIR / "hosts").iterdir())
WORST = ("p50_ms", "p95_ms", "p99_ms", "queue_depth")
SUMS = ("accepted", "rssKiB", "restarts", "prompt_guard", "command_guard", "tool_loop", "policy_bundle")
counts = {host: {"sent": 0, "delivered": 0, "failed": 0} for host in HOSTS}
told_well = dict.fromkeys(HOSTS, 0)
telling = threading.Lock()


def lie(name):
    return (DIR / "lies" / name).exists()


def port_of(host, runtime):
    return int((DIR / "hosts" / host / "etc" / f"{runtime}.port").read_text())


def send(host, runtime):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(host, runtime), timeout=2)
    try:
        headers = {"X-Request-ID": str(uuid.uuid4()), "Idempotency-Key": str(uuid.uuid4())}
        connection.request("POST", "/v1/decisions", "{}", headers)
        return connection.getresponse().status == 202
    except OSError:
        return False
    finally:
        connection.close()


def clients(host):
    while True:
        runtime = (DIR / "hosts" / host / "etc/route").read_text().strip()
        count = counts[host]
        count["sent"] += 1
        # What a load balancer with a long memory does.
        if lie("ts-still-routed") and runtime == "rust" and count["sent"] % 5 == 0:
            send(host, "ts")
        good = runtime and send(host, runtime)
        if lie("errors-rise") and host == "gw-2" and runtime == "rust" and count["sent"] % 2 == 0:
            good = False
        count["delivered" if good else "failed"] += 1
        time.sleep(0.1)


def figures(host, runtime):
    if runtime == "rust":
        happen_if_due(host)
    connection = http.client.HTTPConnection("127.0.0.1", port_of(host, runtime), timeout=2)
    try:
        connection.request("GET", "/stats.json")
        told = json.loads(connection.getresponse().read())
    except (OSError, ValueError):
        return None
    finally:
        connection.close()
    starts = DIR / "hosts" / host / "run" / f"{runtime}.starts"
    told["restarts"] = len(starts.read_text().splitlines()) - 1 if starts.exists() else None
    return told


def of_group(group, runtime):
    inventory = [line.split() for line in (DIR / "fleet/inventory").read_text().splitlines()]
    hosts = [line[0] for line in inventory if line[0] != "#" and (group == "all" or line[1] in group.split(","))]
    told = [figures(host, runtime) for host in hosts]
    answer = {"hosts": len(hosts), "answered": sum(one is not None for one in told)}
    for names, of_all in ((WORST, max), (SUMS, sum)):
        for name in names:
            values = [one and one.get(name) for one in told]
            answer[name] = of_all(values) if values and all(isinstance(v, (int, float)) for v in values) else None
    for name in ("sent", "delivered", "failed"):
        answer[name] = sum(counts[host][name] for host in hosts)
    return answer


def order(host, fault):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(host, "rust"), timeout=10)
    try:
        connection.request("POST", "/lab/fault", fault)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        # What crashes as it was told gives no answer.
        pass
    finally:
        connection.close()


def crash_again_and_again(host):
    while True:
        order(host, "crash")
        time.sleep(1)


def edit(path):
    path.write_text(path.read_text().replace("block", "allow", 1))


# What happens to a host that serves by Rust, by lie.
EVENTS = {
    "crash-loop": ("gw-1", lambda: threading.Thread(target=crash_again_and_again, args=("gw-1",), daemon=True).start()),
    "prompt-guard": ("gw-1", lambda: order("gw-1", "set=prompt_guard:1")),
    "command-guard": ("gw-1", lambda: order("gw-1", "set=command_guard:1")),
    "tool-loop": ("gw-1", lambda: order("gw-1", "set=tool_loop:2")),
    "bundle-event": ("gw-1", lambda: order("gw-1", "set=policy_bundle:1")),
    "policy-edited": ("gw-1", lambda: edit(DIR / "deploy/candidate/policy.json")),
    "policy-drifts": ("gw-2", lambda: edit(DIR / "hosts/gw-2/etc/policy.json")),
}
# How often a host that serves by Rust is told of as well, before anything happens to it. Counted and not timed: whoever
# looks slowly sees it happen no later than whoever looks fast.
TOLD_WELL = 10


def happen_if_due(host):
    if (DIR / "hosts" / host / "etc/route").read_text().strip() != "rust":
        return
    with telling:
        told_well[host] += 1
        if told_well[host] != TOLD_WELL:
            return
        for name, (whom, happen) in EVENTS.items():
            if whom == host and lie(name):
                happen()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        known = len(parts) == 2 and parts[1] in ("ts", "rust")
        body = json.dumps(of_group(*parts) if known else {"error": "GET /GROUP/RUNTIME"}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    # Whoever asks while five wait would be let in a second later.
    request_queue_size = 128


server = Server(("127.0.0.1", PORT), Answer)
for name in HOSTS:
    threading.Thread(target=clients, args=(name,), daemon=True).start()
# Forgotten, it ends by itself.
threading.Timer(3600, os._exit, (0,)).start()
(DIR / "run/fleetd.pid").write_text(f"{os.getpid()}\n")
server.serve_forever()
