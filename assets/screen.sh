#!/usr/bin/env bash
# Takes the pictures anew: drives the demo to a gate that is NO-GO, and draws its screen as assets/screen.svg, and in each
# theme as themes/NAME.svg.
# Needs tmux and python3. Usage: assets/screen.sh [path of gonogo]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gonogo=$(realpath "${1:-$here/../target/release/gonogo}")
state=$(mktemp -d)
tmux=(tmux -L "gonogo-screen-$$")
finish() { # the session would outlive its terminal
    GONOGO_STATE_DIR=$state "$gonogo" ctl demo abort 'the pictures are taken' >/dev/null 2>&1 || true
    "${tmux[@]}" kill-server 2>/dev/null || true
    rm -rf "$state"
}
trap finish EXIT

shows() { # waits until the screen shows $1
    for _ in $(seq 300); do
        if "${tmux[@]}" capture-pane -p | grep -qF "$1"; then return; fi
        sleep 0.1
    done
    "${tmux[@]}" capture-pane -p >&2
    echo "the screen never showed: $1" >&2
    exit 1
}
press() { # presses $1 once the screen shows $2
    shows "$2"
    sleep 0.8 # a dialog hears no answer before it was on the screen for half a second
    "${tmux[@]}" send-keys "$1"
}

"${tmux[@]}" -f /dev/null new-session -d -x 120 -y 36 "env -u NO_COLOR COLORTERM=truecolor GONOGO_STATE_DIR='$state' LC_ALL=C.UTF-8 '$gonogo' demo"
press a     'POLICY'
press y     'ACKNOWLEDGE'
press a     'preconditions is next'
press y     'Enter stage 1'
press Enter 'QUESTION'
press y     'YES'
for next in prepare switch observe; do
    press a     "goes on to $next"
    press NPage ": $next" # GO is armed once the whole plan was on the screen
    press y     'GO  y '
done
shows 'NO-GO observe'
# The stage before, and of it a step that said something.
press Up 'SOAK 0:0'
press 3  '3 Stage 3 switch'
for _ in 1 2 3; do press Up '3 Stage 3 switch'; done
shows '| stopped process'
picture() { # draws what is shown as $1, on a light terminal where $2 says so
    "${tmux[@]}" capture-pane -e -p | "$here/ansi_to_svg.py" ${2:+"$2"} >"$1"
}
picture "$here/screen.svg"
for theme in light contrast blue-orange mono dark; do
    press t '3 Stage 3 switch'
    shows "theme: $theme"
    "${tmux[@]}" send-keys 3 # the keys again, in place of the theme's name
    shows 'a advance'
    picture "$here/../themes/$theme.svg" "$([ $theme = light ] && echo light || true)"
done
