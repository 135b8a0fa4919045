#!/usr/bin/env bash
# Makes a checkout to rehearse on, anew each time: setup.sh [--stop] DIR. What ran from DIR is stopped; without --stop
# the C runtime is started at PORT (8888). GONOGO names the gonogo binary, whose lab plays both runtimes. Yesterday's
# good reports lie about. Lies are switched on by files in DIR/lies:
#   dualrun-exit0    the report says FAIL and the command exits 0     dualrun-skip     a test was skipped
#   dualrun-slow     PASS, with a figure that is out of its limit     report-stale     yesterday's report stays
#   report-missing   no report is written                             report-copied    yesterday's is copied anew
#   signed-changed   the signed report is not the one that was signed
#   flags-differ     the runtimes take different flags                c-exit-0         C ends on TERM with 0
#   go-exit-143      Go ends on TERM with 143                         binary-changed   Go's binary was built again
#   rollback-gone    the C binary is gone                             drill-fails      it fails behind `| tee`: exit 0
#   drill-skip       the drill is skipped, and so passes              drill-stale      its old report stays
#   drill-copied     its old report is copied anew                    drill-slow       PASS, and Go starts in 2 s
#   config-drifts    the pre-warm edits the config                    go-slow-start    Go takes 15 s to start
#   go-forward-fails   Go starts, and cannot forward                  go-new-error     Go's log has an error of its own
#   go-never-up      Go says that it started, and does not            go-drops         Go takes none of its requests
# and one truth: c-exit-1, C ends on TERM with 1 instead of 143.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stop=
[ "$1" != --stop ] || { stop=yes; shift; }
dir=$1
mkdir -p "$dir"/{objs/bin,artifacts/phase7,artifacts/phase8,artifacts/signed,bin,config,run,log,lies,scripts,make,docker}
# The clients first, so that nobody asks who is gone.
for pidfile in "$dir"/run/clients.pid "$dir"/run/*.pid; do
    [ ! -e "$pidfile" ] || "${GONOGO:-gonogo}" lab stop --pidfile "$pidfile"
done
[ -z "$stop" ] || exit 0
rm -f "$dir"/lies/* "$dir"/log/*
cp "$here"/scripts/* "$dir/scripts/"
cp "$here"/make/* "$dir/make/"
cp "$here"/docker/* "$dir/docker/"
cp "$here"/bin/* "$dir/bin/"
rm -f "$dir"/artifacts/phase8/*
for name in mtproto-proxy mtproto-proxy-go; do
    printf '#!/bin/sh\necho "%s: -p PORT -H PORT -S SECRET --aes-pwd FILE CONFIG"\n' "$name" >"$dir/objs/bin/$name"
    chmod 755 "$dir/objs/bin/$name"
done
# As the build writes it: absolute paths of the machine that built it, and CRLF.
for name in mtproto-proxy mtproto-proxy-go; do
    sum=$(sha256sum "$dir/objs/bin/$name" | cut -d' ' -f1)
    printf '%s *C:\\build\\MTProxy\\objs\\bin\\%s\r\n' "${sum^^}" "$name"
done >"$dir/artifacts/checksums.sha256"
echo "proxy_for 1 149.154.175.50:8888;" >"$dir/config/backend.conf"
echo "vault://edge/mtproxy" >"$dir/config/secret.source"
cat >"$dir/artifacts/phase7/phase7-dualrun-report.json" <<'JSON'
{"overall":"PASS","generated_at":"2026-02-14T10:00:53Z",
 "c":{"connect_p95_ms":41.2,"connect_p99_ms":66.0,"success_rate":0.998,"stats_p95_ms":9.1,"shutdown_ms":261.6},
 "go":{"connect_p95_ms":52.7,"connect_p99_ms":90.4,"success_rate":0.997,"stats_p95_ms":11.8,"shutdown_ms":282.4}}
JSON
cat >"$dir/artifacts/phase8/phase8-cutover-report.json" <<'JSON'
{"generated_at":"2026-02-14T10:00:53Z","steps":[
 {"name":"baseline_c","startup_ms":279.293,"shutdown_ms":261.6},
 {"name":"cutover_go","startup_ms":272.687,"shutdown_ms":282.4},
 {"name":"rollback_c","startup_ms":261.654,"shutdown_ms":260.9}]}
JSON
cp "$dir/artifacts/phase7/phase7-dualrun-report.json" "$dir/artifacts/signed/"
sum=$(sha256sum "$dir/artifacts/signed/phase7-dualrun-report.json" | cut -d' ' -f1)
printf '{"phase7":{"by":"release manager","sha256":"%s"}}\n' "$sum" >"$dir/artifacts/signed/sign-off.json"
touch -t 202602141000 "$dir"/artifacts/phase7/*.json "$dir"/artifacts/phase8/*.json
ln -sfn objs/bin/mtproto-proxy "$dir/active"
(cd "$dir" && scripts/start.sh c "${PORT:-8888}")
# Whoever uses the proxy, whichever runtime it is.
setsid python3 "$here/clients.py" "${PORT:-8888}" "$dir/run/clients.pid" </dev/null >/dev/null 2>&1 &
