//! From one screen to the next as a terminal is told it, in few bytes: where the cursor goes, how it looks from there
//! on, and text. Nothing else is ever sent, so that every terminal and every player shows the same.

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

/// What the codes of colours begin at: of letters, of their ground, of lines under them.
const LETTERS: u8 = 30;
const GROUND: u8 = 40;
const LINES: u8 = 50;

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self =
        Self { fg: Color::Reset, bg: Color::Reset, underline: Color::Reset, modifier: Modifier::empty() };

    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }

    /// As one sequence, for a terminal that writes as `before` until then: what differs, or all of it after a reset,
    /// which alone takes a modifier away.
    fn write(self, before: Self, out: &mut String) {
        let anew = format!("0{}", self.unlike(Self::PLAIN));
        let codes = match before.modifier.difference(self.modifier).is_empty() {
            true => Some(self.unlike(before)).filter(|codes| codes.len() <= anew.len()),
            false => None,
        };
        let codes = codes.as_ref().map_or(anew.as_str(), |codes| codes.trim_start_matches(';'));
        let _ = write!(out, "\x1b[{codes}m");
    }

    /// The codes for what it has and `other` has not, each after a `;`.
    fn unlike(self, other: Self) -> String {
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
        let mut codes = String::new();
        let more = self.modifier.difference(other.modifier);
        for (_, code) in MODIFIERS.iter().filter(|(modifier, _)| more.contains(*modifier)) {
            let _ = write!(codes, ";{code}");
        }
        let colours = [
            (self.fg, other.fg, LETTERS),
            (self.bg, other.bg, GROUND),
            (self.underline, other.underline, LINES),
        ];
        for (own, before, base) in colours {
            if own != before {
                colour(own, base, &mut codes);
            }
        }
        codes
    }
}

/// A colour as `base` counts it. The sixteen of every terminal go by their own short codes, which old ones know too. Lines
/// under letters have none, and theirs hang together by colons: a terminal that knows no such lines would take numbers
/// of their own for blinking and the like.
fn colour(colour: Color, base: u8, out: &mut String) {
    let named = match colour {
        Color::Black => Some(0),
        Color::Red => Some(1),
        Color::Green => Some(2),
        Color::Yellow => Some(3),
        Color::Blue => Some(4),
        Color::Magenta => Some(5),
        Color::Cyan => Some(6),
        Color::Gray => Some(7),
        Color::DarkGray => Some(8),
        Color::LightRed => Some(9),
        Color::LightGreen => Some(10),
        Color::LightYellow => Some(11),
        Color::LightBlue => Some(12),
        Color::LightMagenta => Some(13),
        Color::LightCyan => Some(14),
        Color::White => Some(15),
        Color::Reset | Color::Indexed(_) | Color::Rgb(..) => None,
    };
    // Writing to a string cannot fail.
    let _ = match (named, colour) {
        (Some(dark @ 0..=7), _) if base < LINES => write!(out, ";{}", base + dark),
        (Some(bright), _) if base < LINES => write!(out, ";{}", base + 52 + bright),
        (Some(index), _) => write!(out, ";58:5:{index}"),
        (None, Color::Indexed(index)) if base == LINES => write!(out, ";58:5:{index}"),
        (None, Color::Rgb(r, g, b)) if base == LINES => write!(out, ";58:2::{r}:{g}:{b}"),
        (None, Color::Indexed(index)) => write!(out, ";{};5;{index}", base + 8),
        (None, Color::Rgb(r, g, b)) => write!(out, ";{};2;{r};{g};{b}", base + 8),
        (None, _) => write!(out, ";{}", base + 9),
    };
}

/// What makes a terminal that shows `from` show `to`, of the same size; empty where they are the same. The cursor's
/// place is taken as unknown before; looks are plain before and after.
#[must_use]
pub fn change(from: &Buffer, to: &Buffer) -> String {
    let mut out = String::new();
    let (mut look, mut cursor) = (Look::PLAIN, None);
    // Terminals differ in how wide they think some characters are: after one that is not plain, where the cursor is
    // counts for what stands right behind it alone.
    let mut sure = false;
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
                    go(cursor.filter(|_| sure), (x, y), &mut out);
                    sure = true;
                }
                let own = Look::of(cell);
                if own != look {
                    own.write(look, &mut out);
                    look = own;
                }
                out.push_str(cell.symbol());
                sure &= cell.symbol().is_ascii();
                cleared = (x..next).fold(cleared, |to, x| to.max(x.saturating_add(width(&from[(x, y)]))));
                // Behind the last column a terminal has ideas of its own about where the cursor is.
                cursor = (next < columns).then_some((next, y));
            }
            x = next;
        }
    }
    if look != Look::PLAIN {
        out.push_str("\x1b[0m");
    }
    out
}

/// Moves the cursor: by steps from where it is, if that is known and shorter.
fn go(cursor: Option<(u16, u16)>, (x, y): (u16, u16), out: &mut String) {
    let to = format!("\x1b[{};{}H", y + 1, x + 1);
    let steps = cursor.filter(|(_, row)| *row <= y).map(|(column, row)| {
        let step = |n: u16, way: char| match n {
            0 => String::new(),
            1 => format!("\x1b[{way}"),
            n => format!("\x1b[{n}{way}"),
        };
        let aside = match column.checked_sub(x) {
            None => step(x - column, 'C'),
            // Not by backspaces, of which the screen never has one: what a text brought would stand out.
            Some(back) => step(back, 'D'),
        };
        step(y - row, 'B') + &aside
    });
    out.push_str(steps.as_ref().filter(|steps| steps.len() < to.len()).unwrap_or(&to));
}

/// How many columns a cell's text takes.
fn width(cell: &Cell) -> u16 {
    if cell.symbol().len() == 1 {
        return 1;
    }
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
        let word =
            prop::sample::select(vec!["a", "GO", "日本", "✓", "…", "é", " ", "x y z", "│", "a-longer-one"]);
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
                let style = Style::new().fg(fg).bg(bg).underline_color(fg).add_modifier(modifier);
                buffer.set_string(x, y, word, style);
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

    #[test]
    fn what_changes_in_a_column_costs_few_bytes() {
        let screen = |age: &str| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 120, HEIGHT));
            let dim = Style::new().fg(Color::DarkGray);
            for y in 0..HEIGHT {
                buffer.set_string(108, y, age, dim);
                buffer.set_string(110, y, "✓", Style::new().fg(Color::Green));
            }
            buffer
        };
        let steps = "\x1b[1;109H\x1b[90m2\x1b[B\x1b[D2\x1b[B\x1b[D2\x1b[0m";
        assert_eq!(change(&screen("1s"), &screen("2s")), steps);
        // After what a terminal may think wider than it is, nothing is reckoned from where the cursor is.
        let marked = |mark: &str| {
            let mut buffer = screen("1s");
            (0..HEIGHT).for_each(|y| buffer.set_string(110, y, mark, Style::new()));
            buffer
        };
        let jumps = "\x1b[1;111H\x1b[32m▲\x1b[2;111H▲\x1b[3;111H▲\x1b[0m";
        assert_eq!(change(&marked("~"), &marked("▲")), jumps);
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
