#!/usr/bin/env bash
# Takes the native service away. Like the real one it hides every error of stopping it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${SUDO_UID:-}" ] || { echo "must run as root" >&2; exit 1; }
systemctl disable --now freekill-runtime-host-native >/dev/null 2>&1 || true
rm -f "$root/etc/systemd/system/freekill-runtime-host-native.service"
systemctl daemon-reload
systemctl reset-failed >/dev/null 2>&1 || true
echo "NATIVE_SYSTEMD_SERVICE_UNINSTALLED"
echo "SERVICE_NAME=freekill-runtime-host-native"
