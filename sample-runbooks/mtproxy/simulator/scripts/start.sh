#!/usr/bin/env bash
# Starts the runtime that `active` points at: start.sh NAME PORT. Like the real one it trusts itself.
set -euo pipefail
[ "$1" = go ] && [ -e lies/go-never-up ] && { echo "started go pid $$"; exit 0; }
binary=mtproto-proxy
[ "$1" = go ] && binary=mtproto-proxy-go
[ "$(basename "$(readlink active)")" = "$binary" ] || { echo "active is not $binary" >&2; exit 1; }
exec scripts/runtime.sh "$1" "$2" "run/$1.pid" "log/$1.log" --daemonise
