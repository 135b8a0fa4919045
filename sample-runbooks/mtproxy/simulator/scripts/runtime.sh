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
exec "${GONOGO:-gonogo}" lab serve --name "$1" --port "$2" --pidfile "$3" --log "$4" --fault "exit-on-term=$code" "${@:5}"
