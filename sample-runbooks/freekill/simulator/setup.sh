#!/usr/bin/env bash
# Makes a checkout to rehearse on, anew each time: setup.sh [--stop] DIR. What ran from DIR is stopped; without --stop
# the Python host is started at PORT (9527), as a service or, with PLATFORM=windows, as a scheduled task. GONOGO names the
# gonogo binary, whose lab plays the native runtime and the supervisor. DIR/bin has what stands in for sudo, systemctl and
# powershell. Yesterday's good reports lie about. Lies are switched on by files in DIR/lies:
#   verify-exit0        False, and exit 0
#   verify-mute         exit 0, and no marker at all
#   verify-stale        True, over yesterday's report
#   verify-missing      True, and no report
#   verify-short        it soaked for 20 s, not as asked
#   verify-soak-idle    the soak made no attempt, and passed
#   verify-lossy        a soak that loses 5 of 100, and passed
#   verify-null         the failure rate is null, and passed
#   verify-legacy       the gate in it ran in Python's mode
#   verify-hangs        it never comes back
#   binary-changed      the binary is not the one of its sums
#   manifest-changed    its manifest is of another binary
#   manifest-python     the manifest asks for Python
#   smoke-failed        the build's smoke test failed
#   health-foreground   it starts the binary itself, and hangs
#   health-mute         `set -e` eats the line that says false
#   health-blind        it says true whatever there is
#   binary-exits        the binary ends by itself, with 0
#   ignores-term        the binary does not end on TERM
#   sudo-asks           sudo wants a password
#   no-powershell       there is no PowerShell
#   rollback-gone       the legacy scripts are deleted meanwhile
# and these, which nothing before the switch can show:
#   stop-lies           the old service is stopped, they say
#   installer-lies      INSTALLED, and nothing was started
#   wrong-binary        the unit starts another binary
#   crash-loop          it dies each 300 ms; systemd: active
#   gate-exit0          False, and exit 0
#   gate-stale          True, over the verification's report
#   gate-partial        a part of the gate did not run
#   python-returns      a Python host comes back beside it
#   uninstaller-lies    UNINSTALLED, and it runs on
# and one truth: abi-partial, ABI hooks fail and the gate does not enforce them, which is a warning.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stop=
[ "$1" != --stop ] || { stop=yes; shift; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
mkdir -p "$dir"/{bin,lies,run,log,scripts,.tmp/runtime_host,etc/systemd/system}
export PYTHONDONTWRITEBYTECODE=1
cp -r "$here"/bin "$here"/stand_ins "$here"/scripts "$dir/"
"$dir/bin/sim" stop-all
[ -z "$stop" ] || exit 0
rm -rf "$dir"/lies/* "$dir"/log/* "$dir"/run/* "$dir"/release "$dir"/etc/systemd/system/*
for platform in linux windows; do
    mkdir -p "$dir/release/native/$platform-x64/bin"
done
cp "$here/native/runtime" "$dir/native-source"
for name in verify_native_release runtime_host_release_gate runtime_host_acceptance healthcheck_runtime_host_native \
    {,un}install_runtime_host_windows_task_native install_runtime_host_windows_task; do
    printf '# What it does here is in stand_ins/ps1.py.\r\n' >"$dir/scripts/$name.ps1"
done
printf '%s\n' "${PORT:-9527}" >"$dir/run/port"
printf '%s\n' "${PLATFORM:-linux}" >"$dir/run/platform"
"$dir/bin/sim" yesterday
"$dir/bin/sim" start-legacy
