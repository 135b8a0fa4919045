//! From one screen to the next as a terminal is told it: where the cursor goes, how it looks from there on, and text.
//! Nothing else is ever sent, so that every terminal and every player shows the same.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// What a player is told before the first screen: an empty screen without a cursor.
pub const BEGIN: &str = "\x1b[0m\x1b[?25l\x1b[2J\x1b[H";

/// What it is told after the last: the screen stays, and whoever looked at it has a cursor again, below it.
#[must_use]
pub fn end(height: u16) -> String {
    format!("\x1b[0m\x1b[{height};1H\x1b[?25h")
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// As one sequence that needs nothing of what was before it.
    fn write(self, out: &mut String) {
        const MODIFIERS: [(Modifier, u8); 8] = [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::ITALIC, 3),
            (Modifier::UNDERLINED, 4),
            (Modifier::SLOW_BLINK, 5),
            (Modifier::REVERSED, 7),
            (Modifier::HIDDEN, 8),
            (Modifier::CROSSED_OUT, 9),
        ];
        out.push_str("\x1b[0");
        for (modifier, code) in MODIFIERS {
            if self.modifier.contains(modifier) {
                let _ = write!(out, ";{code}");
            }
        }
        colour(self.fg, 30, out);
        colour(self.bg, 40, out);
        out.push('m');
    }
}

/// A colour as `base` counts it: 30 for the letters, 40 for the ground.
fn colour(colour: Color, base: u8, out: &mut String) {
    let basic = |number: u8| Some(base + number);
    let bright = |number: u8| Some(base + 60 + number);
    let code = match colour {
        Color::Reset => return,
        Color::Black => basic(0),
        Color::Red => basic(1),
        Color::Green => basic(2),
        Color::Yellow => basic(3),
        Color::Blue => basic(4),
        Color::Magenta => basic(5),
        Color::Cyan => basic(6),
        Color::Gray => basic(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(_) | Color::Rgb(..) => None,
    };
    // Writing to a string cannot fail.
    let _ = match (code, colour) {
        (Some(code), _) => write!(out, ";{code}"),
        (None, Color::Indexed(index)) => write!(out, ";{};5;{index}", base + 8),
        (None, Color::Rgb(r, g, b)) => write!(out, ";{};2;{r};{g};{b}", base + 8),
        (None, _) => Ok(()),
    };
}

/// What makes a terminal that shows `from` show `to`, of the same size; empty where they are the same. The cursor's
/// place is taken as unknown before; looks are plain before and after.
#[must_use]
pub fn change(from: &Buffer, to: &Buffer) -> String {
    let mut out = String::new();
    let (mut look, mut cursor) = (Look::PLAIN, None);
    let columns = to.area.width;
    for y in 0..to.area.height {
        // Up to here a terminal may have cleared what stood there, because half of it was written over.
        let mut cleared = 0;
        let mut x = 0;
        while x < columns {
            let cell = &to[(x, y)];
            let next = x.saturating_add(width(cell)).min(columns);
            if *cell != from[(x, y)] || x < cleared {
                if cursor != Some((x, y)) {
                    let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
                }
                if Look::of(cell) != look {
                    look = Look::of(cell);
                    look.write(&mut out);
                }
                out.push_str(cell.symbol());
                cleared = (x..next).fold(cleared, |to, x| to.max(x.saturating_add(width(&from[(x, y)]))));
                // Behind the last column a terminal has ideas of its own about where the cursor is.
                cursor = (next < columns).then_some((next, y));
            }
            x = next;
        }
    }
    if look != Look::PLAIN {
        Look::PLAIN.write(&mut out);
    }
    out
}

/// How many columns a cell's text takes.
fn width(cell: &Cell) -> u16 {
    u16::try_from(cell.symbol().width()).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const WIDTH: u16 = 12;
    const HEIGHT: u16 = 3;

    /// Another's idea of a terminal.
    fn terminal() -> vt100::Parser {
        let size = |n| NonZeroU16::new(n).expect("not 0");
        vt100::Parser::new(size(HEIGHT), size(WIDTH), 0)
    }

    fn rows(buffer: &Buffer) -> Vec<String> {
        let rows = buffer.content().chunks(WIDTH.into());
        let row = |row: &[Cell]| {
            let mut text = String::new();
            let mut skip = 0;
            for cell in row {
                if skip == 0 {
                    text.push_str(cell.symbol());
                    skip = width(cell);
                }
                skip -= 1;
            }
            text.trim_end().to_owned()
        };
        rows.map(row).collect()
    }

    fn any_screen() -> impl Strategy<Value = Buffer> {
        let word = prop::sample::select(vec!["a", "GO", "日本", "✓", "…", "é", " ", "x y z", "│"]);
        let colour = prop::sample::select(vec![
            Color::Reset,
            Color::Gray,
            Color::LightRed,
            Color::Indexed(99),
            Color::Rgb(1, 2, 3),
        ]);
        let modifier = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::REVERSED | Modifier::BOLD,
            Modifier::UNDERLINED,
        ]);
        let piece = (0..WIDTH, 0..HEIGHT, word, colour.clone(), colour, modifier);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            for (x, y, word, fg, bg, modifier) in pieces {
                buffer.set_string(x, y, word, Style::new().fg(fg).bg(bg).add_modifier(modifier));
            }
            buffer
        })
    }

    fn as_vt(colour: Color) -> vt100::Color {
        match colour {
            Color::Gray => vt100::Color::Idx(7),
            Color::LightRed => vt100::Color::Idx(9),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            _ => vt100::Color::Default,
        }
    }

    proptest! {
        #[test]
        fn a_terminal_shows_each_screen_as_it_was_drawn(screens in prop::collection::vec(any_screen(), 1..6)) {
            let mut terminal = terminal();
            terminal.process(BEGIN.as_bytes());
            let mut before = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            for screen in screens {
                terminal.process(change(&before, &screen).as_bytes());
                let shown: Vec<String> = terminal.screen().rows(0, WIDTH).map(|row| row.trim_end().to_owned()).collect();
                prop_assert_eq!(shown, rows(&screen));
                for y in 0..HEIGHT {
                    for x in 0..WIDTH {
                        let (cell, seen) = (&screen[(x, y)], terminal.screen().cell(y, x).expect("inside"));
                        if seen.is_wide_continuation() {
                            continue;
                        }
                        prop_assert_eq!(seen.fgcolor(), as_vt(cell.fg));
                        prop_assert_eq!(seen.bgcolor(), as_vt(cell.bg));
                        prop_assert_eq!(seen.bold(), cell.modifier.contains(Modifier::BOLD));
                        prop_assert_eq!(seen.inverse(), cell.modifier.contains(Modifier::REVERSED));
                        prop_assert_eq!(seen.underline(), cell.modifier.contains(Modifier::UNDERLINED));
                    }
                }
                prop_assert_eq!(change(&screen, &screen), "");
                before = screen;
            }
            prop_assert!(!terminal.screen().fgcolor().ne(&vt100::Color::Default), "plain in the end");
        }
    }
}
