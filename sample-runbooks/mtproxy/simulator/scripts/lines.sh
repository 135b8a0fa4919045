#!/usr/bin/env bash
# Keeps which errors a log has, without when and how often: lines.sh LOG FILE
set -euo pipefail
# A line that differs only in numbers, or in which runtime says it, is the same line.
{ grep -iE 'error|fail|fatal|panic|corrupt' "$1" || [ $? = 1 ]; } |
    sed -E 's/^[0-9TZ:.-]+ //; s/[0-9]+/N/g; s/\<(c|go)\>/RUNTIME/g' | sort -u >"$2.new"
mv "$2.new" "$2"
echo "kept $(wc -l <"$2") lines"
