#!/usr/bin/env bash
# Stops the runtime of a pid file: stop.sh PIDFILE
set -euo pipefail
exec "${GONOGO:-gonogo}" lab stop --pidfile "$1" --wait 8s
