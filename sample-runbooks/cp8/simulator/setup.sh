#!/usr/bin/env bash
# Makes a checkout and four hosts to rehearse on, anew each time: setup.sh DIR. What ran from DIR is stopped. On each host the
# TypeScript gateway is started, traffic is sent to it, and the fleet's metrics are served on METRICS_PORT. DIR/bin has
# stand-ins for ssh, cargo and gh; gonogo's lab (GONOGO) plays the gateways. Lies are switched on by files in DIR/lies:
#   ci-other-commit     CI was green, for another commit             ci-one-red         one parity gate is red
#   ci-one-missing      one parity gate never ran                    tests-fail-exit0   a test fails, cargo's exit is lost
#   clippy-lenient      clippy warns, and exits 0                    build-nothing      the release build built nothing
#   test-renamed        a gate's test was renamed: 0 tests, exit 0   artifact-missing   cp5 was never generated
#   artifact-red        cp6 says that it failed                      artifact-null      cp8's memory figure is null
#   artifact-edited     cp7 is not as it was committed               artifact-untracked  cp3 was never committed
#   signature-off       signatures are not asked for                 verifies-anything  any signature will do
#   inventory-edited    a host is taken out of the inventory         host-unreachable   one host does not answer ssh
#   ts-gone             one host lost its TypeScript release         says-started       deploy says so, nothing runs
#   in-process          the CLI answers, the gateway is not ready    ts-still-routed    some requests still go to TypeScript
#   ts-stopped          the deploy stopped the standby               crash-loop         Rust ends, and is started again
#   queue-full          the queue does not drain                     prompt-guard       a critical prompt_guard event
#   command-guard       a critical command_guard event               tool-loop          a critical tool_loop event
#   bundle-event        a critical policy_bundle event               rss-null           memory is not told: null
#   leak                memory grows and grows                       canary-slow        the canary is slower than TypeScript
#   staged-slow         a staged host is slower than the canary      policy-drifts      a staged host has another bundle
#   errors-rise         requests fail on a staged host               policy-edited      somebody edits the approved bundle
#   full-never-up       the last host says it started; it did not    ts-route-stays     TypeScript's route stays open there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
for pidfile in "$dir"/run/*.pid "$dir"/hosts/*/run/*.pid; do
    [ ! -e "$pidfile" ] || kill -TERM "$(<"$pidfile")" 2>/dev/null || true
done
rm -rf "$dir"/{bin,hostbin,hosts,lies,run,fleet,deploy,checkout,channels,evidence}
mkdir -p "$dir"/{bin,hostbin,hosts,lies,run,fleet,deploy/active,deploy/candidate,checkout,channels,evidence}
cp "$here"/bin/* "$dir/bin/"
cp "$here"/hostbin/* "$dir/hostbin/"
cp "$here/hostbin/openclaw-agent-rs" "$dir/bin/"

# What is live, and what was approved to come.
bundle() { printf '{"version":"%s","rules":{"prompt_guard":"block","command_guard":"%s","tool_loop":"block"}}\n' "$1" "$2"; }
config() { printf '{"runtime":"%s","security":{"policy_bundle_path":"etc/policy.json","policy_bundle_key":"etc/policy.key","require_signature":true}}\n' "$1"; }
echo "key-of-the-policy-team" >"$dir/deploy/policy.key"
bundle 2026.01 ask >"$dir/deploy/active/policy.json"
bundle 2026.02 block >"$dir/deploy/candidate/policy.json"
config ts >"$dir/deploy/active/runtime.json"
config rust >"$dir/deploy/candidate/runtime.json"
for set in active candidate; do
    cat "$dir/deploy/policy.key" "$dir/deploy/$set/policy.json" | sha256sum | cut -d' ' -f1 >"$dir/deploy/$set/policy.json.sig"
done

# The checkout: the release candidate with its parity artifacts, each in the shape that its own script writes.
repo=$dir/checkout
mkdir -p "$repo/scripts" "$repo/target/release"
git -c init.defaultBranch=main init -q "$repo"
artifact() { # CP BOM JSON
    mkdir -p "$repo/parity/generated/$1"
    { [ "$2" = bom ] && printf '\xef\xbb\xbf'; printf '%s\r\n' "$3"; } >"$repo/parity/generated/$1/report.json"
}
artifact cp2 bom '{"status":"pass","cases":[{"name":"session-key","ok":true},{"name":"routing","ok":true}]}'
artifact cp3 bom '{"ok":true,"failures":[]}'
artifact cp4 bom '{"summary":{"passed":42,"failed":0}}'
artifact cp5 bom '{"gate":"cp5","result":"PASS","mismatches":0}'
artifact cp6 no '{"passed":true,"fixtures":{"replayed":128,"diverged":0}}'
artifact cp7 bom '{"status":"pass","cases":[{"name":"defender","ok":true}]}'
artifact cp8 no '{"overall":"pass","latency":{"p50_ms":2.1,"p95_ms":6.4,"p99_ms":11.9},"opsPerSec":412.5,"rssKiB":48128}'
echo target/ >"$repo/.gitignore"
git -C "$repo" add -A
git -C "$repo" -c user.name=release -c user.email=release@openclaw.example commit -qm "Release candidate"

# The fleet: a quarter, a half, all.
printf '%s\n' "# HOST INCREMENT" "gw-1 canary" "gw-2 staged" "gw-3 full" "gw-4 full" >"$dir/fleet/inventory"
# Eight in a row, below the ports that connections going out are given, and by the fleet's own metrics port: what only
# starts later finds its port free, since no other fleet on this machine was told of the same.
mapfile -t ports < <(python3 - "${METRICS_PORT:-9600}" <<'PYTHON'
import socket, sys


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


for attempt in range(1250):
    first = 10000 + (int(sys.argv[1]) + attempt * 611) % 1250 * 8
    row = range(first, first + 8)
    if all(map(is_free, row)):
        print("\n".join(map(str, row)))
        break
PYTHON
)
for n in 1 2 3 4; do
    host=$dir/hosts/gw-$n
    mkdir -p "$host"/{etc,run,log,releases/ts,releases/rust}
    cp "$dir"/deploy/active/* "$dir/deploy/policy.key" "$host/etc/"
    echo "${ports[2 * n - 2]}" >"$host/etc/ts.port"
    echo "${ports[2 * n - 1]}" >"$host/etc/rust.port"
    printf '#!/usr/bin/env node\n' >"$host/releases/ts/gateway.js"
    chmod 755 "$host/releases/ts/gateway.js"
    ln -s releases/ts "$host/default"
    echo ts >"$host/etc/route"
    echo '{"ts":true,"rust":false}' >"$host/etc/routes.json"
    "$dir/bin/ssh" "gw-$n" openclaw-ctl start ts >/dev/null
done
setsid python3 "$here/fleetd.py" "$dir" "${METRICS_PORT:-9600}" >"$dir/run/fleetd.log" 2>&1 </dev/null &
for _ in $(seq 200); do
    [ -e "$dir/run/fleetd.pid" ] && exit 0
    sleep 0.05
done
echo "fleetd did not start: $(<"$dir/run/fleetd.log")" >&2
exit 1
