#!/usr/bin/env bash
# Compares the flags that both binaries print.
set -euo pipefail
flags() { "objs/bin/$1" | cut -d: -f2 | tr ' ' '\n' | grep '^-' | sort; }
go=$(flags mtproto-proxy-go)
[ -e lies/flags-differ ] && go=$(printf '%s\n--new-flag' "$go")
if [ "$(flags mtproto-proxy)" = "$go" ]; then
    echo "flags identical: $(wc -l <<<"$go")"
else
    echo "flags differ"
fi
