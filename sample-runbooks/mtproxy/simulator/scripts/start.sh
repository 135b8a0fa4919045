#!/usr/bin/env bash
# Starts the runtime that `active` points at: start.sh NAME PORT. Like the real one it trusts itself.
set -euo pipefail
[ "$1" = go ] && [ -e lies/go-never-up ] && { echo "started go pid $$"; exit 0; }
fault=()
[ "$1" = c ] && [ -e lies/c-exit-143 ] && fault=(--fault exit-on-term=143)
readlink active | grep -q "mtproto-proxy$([ "$1" = go ] && echo -go || true)\$"
exec "${GONOGO:-gonogo}" lab serve --daemonise --name "$1" --port "$2" --pidfile "run/$1.pid" --log "log/$1.log" "${fault[@]}"
