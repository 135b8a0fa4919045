#!/usr/bin/env bash
# Makes a checkout to rehearse on, anew each time: setup.sh [--stop] DIR. What ran from DIR is stopped; without --stop the
# desktop app is started in Python mode, its backend at PORT (18400); PLATFORM=windows for paths and the user's environment
# of Windows. GONOGO names the gonogo binary, whose lab plays the C# programs. DIR/bin has what stands in for powershell.
# Yesterday's good results lie about. Lies are switched on by files in DIR/lies:
#   gate-exit0          the API build fails, and exit 0
#   gate-mute           the contract tests say nothing
#   gate-zero           the smoke tests' filter matches no test
#   gate-skip           the parity harness is skipped
#   gate-crash          the script throws after its first line
#   gate-hangs          it never comes back
#   parity-stale        PASS, over yesterday's results
#   parity-missing      PASS, and no results
#   parity-differs      PASS, and three cases differ
#   parity-null         the number of mismatches is null
#   parity-empty        PASS, and the harness compared no case
#   manifest-stale      the fixtures' manifest is yesterday's
#   fixture-changed     a fixture vault is not its manifest's
#   merge-bare          a contract merge brought no evidence
#   falls-back          hybrid is asked for, and Python answers
#   mode-lost           the API does not get the mode
#   no-ai               hybrid comes up without its AI
#   sidecar-loops       the sidecar dies, and is started again at once
#   login-loops         it asks for the login again and again
#   exit-dirty          it ends on TERM and leaves the session in plain
#   canary-left         the vault's text is in a log
#   ignores-term        it does not end on TERM
#   vault-cut           saving cuts the vault in half
#   bug-open            a pilot's bug is open
#   bug-vague           a bug has no timestamp
#   rollback-gone       the Python backend is deleted meanwhile
# and these, which nothing before the switch can show:
#   default-ignored     the app does not read the new default
#   default-dies        the new default dies after 2 s
#   python-broken       Python mode does not come up any more
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stop=
[ "$1" != --stop ] || { stop=yes; shift; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
mkdir -p "$dir"/{bin,lies,run,log,logs,tmp,journal,scripts,vaults,pilot,fixtures/vaults,contracts}
for pidfile in "$dir"/run/*.pid; do
    [ ! -e "$pidfile" ] || "${GONOGO:-gonogo}" lab stop --pidfile "$pidfile"
done
[ -z "$stop" ] || exit 0
rm -rf "$dir"/{lies,log,logs,run,tmp,pilot}/* "$dir/.git" "$dir/.env"
export PYTHONDONTWRITEBYTECODE=1
cp "$here"/bin/* "$dir/bin/"
cp "$here"/journal/* "$dir/journal/"
printf '%s\n' "${PORT:-18400}" >"$dir/run/port"
printf '%s\n' "${PLATFORM:-posix}" >"$dir/run/platform"
printf '# What it does here is in bin/migration-gate.\r\n' >"$dir/scripts/migration-gate.ps1"
for mode in python csharp-hybrid; do
    printf 'JOURNAL_BACKEND_MODE=%s\n' "$mode" >"$dir/.env.$mode"
done
ln -s .env.python "$dir/.env"
printf 'python\n' >"$dir/run/user-environment"
"$dir/bin/vault" "$dir/vaults/internal.vault" "monday: rain" "tuesday: canary-5d41402a-plaintext, and more of it" "wednesday: sun"
"$dir/bin/vault" "$dir/fixtures/vaults/reference.vault" "one" "two"
printf '\xef\xbb\xbf{"reports": []}\r\n' >"$dir/pilot/bug-reports.json"
printf 'ai.complete\nspeech.transcribe\n' >"$dir/contracts/bridge.txt"
"$dir/bin/repository" "$dir"
"$dir/bin/migration-gate" >/dev/null
touch -t 202602231000 "$dir"/logs/* "$dir"/fixtures/vaults/*
cd "$dir"
JOURNAL_BACKEND_MODE=python setsid python3 "$dir/journal/run_desktop.py" </dev/null >"$dir/log/desktop.log" 2>&1 &
for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/${PORT:-18400}") 2>/dev/null && exit 0
    sleep 0.1
done
echo "the app does not come up" >&2
exit 1
