#!/usr/bin/env bash
# Becomes a runtime in the foreground: runtime.sh NAME PORT PIDFILE LOG
set -euo pipefail
fault=()
[ "$1" = c ] && [ -e lies/c-exit-143 ] && fault=(--fault exit-on-term=143)
exec "${GONOGO:-gonogo}" lab serve --name "$1" --port "$2" --pidfile "$3" --log "$4" "${fault[@]}"
