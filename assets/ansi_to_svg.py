#!/usr/bin/env python3
"""Draws a terminal's screen, as `tmux capture-pane -e -p` gives it, as an SVG on stdout; `light` draws a light terminal."""
import html, re, sys

W, H, COLUMNS = 8.4, 18, 120
LIGHT = sys.argv[1:] == ["light"]
INK, GROUND = ("#24292f", "#ffffff") if LIGHT else ("#d0d0d0", "#14161b")
PALETTE = "#14161b #e06c75 #7fc379 #e5c07b #61a0ef #c678dd #56b6c2 #d0d0d0".split()
PALETTE += "#7f848e #ff7a85 #98e08f #ffd88a #7ab8ff #dd8ff2 #7fe0ec #ffffff".split()
if LIGHT:
    PALETTE = "#24292f #cf222e #116329 #7d4e00 #0550ae #8250df #1b7c83 #57606a".split()
    PALETTE += "#6e7781 #a40e26 #1a7f37 #633c01 #0969da #a475f9 #3192aa #ffffff".split()


def indexed(number):
    """The colour of that number: the terminal's own sixteen, a cube of six, greys."""
    if number < 16:
        return PALETTE[number]
    if number >= 232:
        return "#%02x%02x%02x" % ((8 + 10 * (number - 232),) * 3)
    steps = [0, 95, 135, 175, 215, 255]
    number -= 16
    return "#%02x%02x%02x" % (steps[number // 36], steps[number // 6 % 6], steps[number % 6])


def dim(ink, ground):
    """Between the two, as terminals draw what is dim."""
    pairs = zip(bytes.fromhex(ink[1:]), bytes.fromhex(ground[1:]))
    return "#" + "".join(f"{(3 * a + 2 * b) // 5:02x}" for a, b in pairs)


def apply(style, codes):
    """The style after one escape sequence."""
    codes = iter(codes)
    for code in codes:
        if code == 0:
            style = {}
        elif code in (1, 2, 4, 7):
            style = style | {code: True}
        elif code in (38, 48):
            style = style | {code: indexed(next(codes)) if next(codes) == 5 else "#%02x%02x%02x" % (
                next(codes), next(codes), next(codes))}
        elif 30 <= code <= 37 or 40 <= code <= 47:
            style = style | {code // 10 * 10 + 8: PALETTE[code % 10]}
        elif 90 <= code <= 97 or 100 <= code <= 107:
            style = style | {38 if code < 100 else 48: PALETTE[code % 10 + 8]}
        elif code in (39, 49):
            style = {key: value for key, value in style.items() if key != code - 1}
    return style


lines = sys.stdin.read().rstrip("\n").split("\n")
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * W + 16:.0f} {len(lines) * H + 16}"'
      f' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="{INK}">')
print("<style>text { white-space: pre }</style>")
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
            if style.get(2):
                ink = dim(ink, ground)
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
