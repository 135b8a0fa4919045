#!/usr/bin/env bash
# Makes a checkout to rehearse on: setup.sh DIR [PORT]. With PORT the C runtime is started there; GONOGO names the
# gonogo binary, whose lab plays both runtimes. Lies are switched on by files in DIR/lies:
#   dualrun-exit0   the report says FAIL and the command exits 0      dualrun-skip    a test was skipped
#   report-stale    yesterday's report stays                          report-missing  no report is written
#   drill-fails     the drill fails behind `| tee`, so exit 0         drill-stale     its old report stays
#   c-exit-143      the C runtime ends on TERM with 143               go-never-up     Go says it started and does not
#   flags-differ    the runtimes take different flags                 binary-changed  the Go binary is another one
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"/{objs/bin,artifacts/phase7,artifacts/phase8,config,run,log,lies,scripts,make,docker}
cp "$here"/scripts/* "$dir/scripts/"
cp "$here"/make/* "$dir/make/"
cp "$here"/docker/* "$dir/docker/"
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
ln -sfn objs/bin/mtproto-proxy "$dir/active"
if [ $# -gt 1 ]; then
    (cd "$dir" && scripts/start.sh c "$2")
fi
