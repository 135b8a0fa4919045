#!/usr/bin/env bash
# Starts each runtime on a spare port, ends it with TERM, and prints what it exits with: exit-semantics.sh PORT
set -uo pipefail
for name in c go; do
    scripts/runtime.sh "$name" "$1" "run/probe-$name.pid" "log/probe-$name.log" &
    pid=$!
    for _ in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && break
        sleep 0.05
    done
    kill -TERM "$pid"
    wait "$pid"
    echo "$name exit $?"
done
