//! The last look at a screen that is drawn: a theme's own ground and ink everywhere, no half of a wide character, and no
//! character that could deceive or that the terminal could not show.

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::text;
use crate::ui::theme::{ASCII, Theme};

/// The last line of defence: no cell leaves with a character that could deceive, whoever put it there.
pub(super) fn sweep(buf: &mut Buffer, theme: &Theme) {
    let ascii = std::ptr::eq(theme.glyphs, &raw const ASCII);
    // A theme with a ground of its own has it everywhere.
    for cell in &mut buf.content {
        if let (Color::Reset, Some(ground)) = (cell.bg, theme.text.bg) {
            cell.bg = ground;
        }
        if let (Color::Reset, Some(ink)) = (cell.fg, theme.text.fg) {
            cell.fg = ink;
        }
    }
    // Of a wide character that something lies over half of, nothing is shown: it would hide what lies there.
    for row in buf.area.rows() {
        for x in row.left()..row.right().saturating_sub(1) {
            let symbol = buf[(x, row.y)].symbol();
            let wide = !symbol.is_ascii() && text::width(symbol) > 1;
            if wide && buf[(x + 1, row.y)].symbol() != " " {
                buf[(x, row.y)].set_symbol(" ");
            }
        }
    }
    for cell in &mut buf.content {
        let symbol = cell.symbol();
        if let [b' '..=b'~'] = symbol.as_bytes() {
            continue;
        }
        if ascii && !symbol.is_ascii() {
            let shown = match symbol {
                "…" => ">",
                "≥" => ">",
                "≤" => "<",
                "→" => ">",
                "×" => "x",
                "−" => "-",
                _ => "?",
            };
            cell.set_symbol(shown);
        } else if !symbol.chars().all(text::is_allowed) {
            cell.set_symbol("?");
        }
    }
}
