#!/usr/bin/env bash
# Installs and starts the native service. Like the real one it says INSTALLED whatever `systemctl status` says.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${SUDO_UID:-}" ] || { echo "must run as root" >&2; exit 1; }
binary=$root/release/native/linux-x64/bin/freekill-asio-sengoo-runtime
[ -f "$binary" ] || { echo "native runtime binary not found: $binary" >&2; exit 1; }
unit=$root/etc/systemd/system/freekill-runtime-host-native.service
started=$binary
[ -e "$root/lies/wrong-binary" ] && started=$binary.old
cat >"$unit" <<UNIT
[Service]
Type=simple
ExecStart=$started
Restart=always
RestartSec=2
TimeoutStopSec=20
UNIT
systemctl daemon-reload
systemctl enable --now freekill-runtime-host-native
systemctl status --no-pager --lines=20 freekill-runtime-host-native || true
echo "NATIVE_SYSTEMD_SERVICE_INSTALLED"
echo "SERVICE_NAME=freekill-runtime-host-native"
echo "UNIT_PATH=$unit"
echo "BINARY_PATH=$binary"
