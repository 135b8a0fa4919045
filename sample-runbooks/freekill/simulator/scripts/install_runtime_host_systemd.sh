#!/usr/bin/env bash
# Installs and starts the Python-hosted service. Like the real one it ends well whatever `systemctl status` says.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${SUDO_UID:-}" ] || { echo "must run as root" >&2; exit 1; }
for file in runtime_host_watchdog.py runtime_host_server.py runtime_host.config.example.json; do
    [ -f "$root/scripts/$file" ] || { echo "$file not found" >&2; exit 1; }
done
unit=$root/etc/systemd/system/freekill-runtime-host.service
cat >"$unit" <<UNIT
[Service]
Type=simple
ExecStart=python3 $root/scripts/runtime_host_watchdog.py
Restart=always
RestartSec=2
UNIT
systemctl daemon-reload
systemctl enable --now freekill-runtime-host
systemctl status --no-pager --lines=20 freekill-runtime-host || true
echo "SYSTEMD_SERVICE_INSTALLED"
echo "SERVICE_NAME=freekill-runtime-host"
echo "UNIT_PATH=$unit"
