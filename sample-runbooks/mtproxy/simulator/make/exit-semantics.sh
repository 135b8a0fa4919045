#!/usr/bin/env bash
# Starts a runtime on a spare port, ends it with TERM once it listens, and exits as it did: exit-semantics.sh NAME PORT
set -uo pipefail
scripts/runtime.sh "$1" "$2" "run/probe-$1.pid" "log/probe-$1.log" &
pid=$!
for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && { echo "$1 listened"; break; }
    sleep 0.05
done
kill -TERM "$pid"
wait "$pid"
code=$?
echo "$1 exit $code"
exit "$code"
