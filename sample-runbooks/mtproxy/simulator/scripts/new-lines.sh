#!/usr/bin/env bash
# Says which errors a log has that a baseline has not: new-lines.sh BASELINE LOG
set -euo pipefail
own=$(mktemp)
trap 'rm -f "$own"' EXIT
"$(dirname "$0")/lines.sh" "$2" "$own" >/dev/null
echo "compared $(wc -l <"$own") lines with $(wc -l <"$1")"
comm -13 "$1" "$own" | sed 's/^/new: /'
