#!/usr/bin/env bash
# Becomes a runtime in the foreground: runtime.sh NAME PORT PIDFILE LOG [MORE]
set -euo pipefail
# The old runtime ends on TERM with 143, or with 1; the new one with 0.
code=0
[ "$1" = c ] && code=143
[ "$1" = c ] && [ -e lies/c-exit-1 ] && code=1
[ "$1" = c ] && [ -e lies/c-exit-0 ] && code=0
[ "$1" = go ] && [ -e lies/go-exit-143 ] && code=143
[[ $3 == */slot.pid ]] && [ -e lies/config-drifts ] && echo "proxy_for 2 192.0.2.1:8888;" >>config/backend.conf
more=()
# An error that both have always had, and that nobody minds.
more+=(--say "proxy: protocol error: unknown auth key from 203.0.113.7")
if [ "$1" = go ]; then
    [ -e lies/go-forward-fails ] && more+=(--fault errors=5)
    [ -e lies/go-new-error ] && more+=(--say "proxy: runtime error: index out of range [17]")
    # Only at the live port there is anybody to be refused.
    [[ $3 == */go.pid || $3 == run/go.pid ]] && [ -e lies/go-drops ] && more+=(--fault set=successful_requests:0)
    [[ $3 == */slot-go.pid ]] && [ -e lies/go-slow-start ] && sleep 15
fi
exec "${GONOGO:-gonogo}" lab serve --name "$1" --port "$2" --pidfile "$3" --log "$4" --fault "exit-on-term=$code" "${more[@]}" "${@:5}"
