#!/usr/bin/env python3
"""Draws a terminal's screen, as `tmux capture-pane -e -p` gives it, as an SVG on stdout."""
import html, re, sys

W, H, COLUMNS = 8.4, 18, 120
INK, GROUND = "#d0d0d0", "#14161b"
PALETTE = "#14161b #e06c75 #7fc379 #e5c07b #61a0ef #c678dd #56b6c2 #d0d0d0".split()
PALETTE += "#7f848e #ff7a85 #98e08f #ffd88a #7ab8ff #dd8ff2 #7fe0ec #ffffff".split()


def colour(code):
    """The palette's colour of a code of 30 to 37 or 90 to 97, or of 10 more for the ground."""
    return PALETTE[code % 10 + (8 if code >= 90 else 0)]


def apply(style, codes):
    """The style after one escape sequence."""
    for code in codes:
        if code == 0:
            style = {}
        elif code in (1, 4, 7):
            style = style | {code: True}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = style | {"ink": colour(code)}
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = style | {"ground": colour(code)}
        elif code in (39, 49):
            style = {k: v for k, v in style.items() if k != {39: "ink", 49: "ground"}[code]}
    return style


lines = sys.stdin.read().rstrip("\n").split("\n")
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * W + 16:.0f} {len(lines) * H + 16}"'
      f' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="{INK}" xml:space="preserve">')
print(f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>')
style = {}
for row, line in enumerate(lines):
    column, y = 0, 8 + row * H
    for part in re.split(r"(\x1b\[[0-9;]*m|\x0e|\x0f)", line):
        if part.startswith("\x1b"):
            style = apply(style, [int(code or 0) for code in part[2:-1].split(";")])
        elif part and part not in "\x0e\x0f":
            ink, ground = style.get("ink", INK), style.get("ground", GROUND)
            if style.get(7):
                ink, ground = ground, ink
            x, width = 8 + column * W, len(part) * W
            if ground != GROUND:
                print(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{H}" fill="{ground}"/>')
            if part.strip():
                bold = ' font-weight="bold"' if style.get(1) else ""
                under = ' text-decoration="underline"' if style.get(4) else ""
                print(f'<text x="{x:.1f}" y="{y + 14}" textLength="{width:.1f}" fill="{ink}"{bold}{under}>'
                      f"{html.escape(part)}</text>")
            column += len(part)
print("</svg>")
