#!/usr/bin/env python3
"""Draws a terminal's screen, as `tmux capture-pane -e -p` gives it, as an SVG on stdout."""
import html, re, sys

W, H, COLUMNS = 8.4, 18, 120
INK, GROUND = "#d0d0d0", "#14161b"
PALETTE = "#14161b #e06c75 #7fc379 #e5c07b #61a0ef #c678dd #56b6c2 #d0d0d0".split()
PALETTE += "#7f848e #ff7a85 #98e08f #ffd88a #7ab8ff #dd8ff2 #7fe0ec #ffffff".split()


def apply(style, codes):
    """The style after one escape sequence."""
    codes = iter(codes)
    for code in codes:
        if code == 0:
            style = {}
        elif code in (1, 4, 7):
            style = style | {code: True}
        elif code in (38, 48):  # 38;5;N, of the palette of sixteen
            next(codes)
            style = style | {code: PALETTE[next(codes) % 16]}
        elif 30 <= code <= 37 or 40 <= code <= 47:
            style = style | {code // 10 * 10 + 8: PALETTE[code % 10]}
        elif code in (39, 49):
            style = {key: value for key, value in style.items() if key != code - 1}
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
            ink, ground = style.get(38, INK), style.get(48, GROUND)
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
