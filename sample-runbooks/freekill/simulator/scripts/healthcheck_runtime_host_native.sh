#!/usr/bin/env bash
# Asks the native runtime whether it is there. The real one starts the binary itself, which the lies bring back.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
if [ -e "$root/lies/health-foreground" ]; then
    # A server does not come back.
    FREEKILL_PORT=0 "$root/release/native/linux-x64/bin/freekill-asio-sengoo-runtime"
fi
# Who does not speak HTTP may hang up at once.
trap '' PIPE
answers() {
    exec 3<>"/dev/tcp/127.0.0.1/$(cat "$root/run/port")" || return 1
    printf 'GET /stats HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n' >&3 || return 1
    grep -q $'^name\tnative' <&3 || return 1
}
if [ -e "$root/lies/health-blind" ]; then
    code=0
elif [ -e "$root/lies/health-mute" ]; then
    answers 2>/dev/null
    code=$?
else
    code=0
    answers 2>/dev/null || code=1
fi
if [ "$code" -eq 0 ]; then
    echo "NATIVE_HEALTH_OK=true"
else
    echo "NATIVE_HEALTH_OK=false"
fi
echo "NATIVE_HEALTH_EXIT=$code"
exit "$code"
