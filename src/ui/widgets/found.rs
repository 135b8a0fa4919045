//! What is searched for, marked wherever it is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::search::Search;

/// Gives every place in `area` where the search's words stand this style.
pub fn mark_found(search: &Search, area: Rect, buf: &mut Buffer, style: Style) {
    let area = area.intersection(buf.area);
    for row in area.rows() {
        let mut line = String::new();
        // Of each cell, where its symbol begins in the line.
        let mut begins = Vec::with_capacity(usize::from(row.width));
        for x in row.left()..row.right() {
            begins.push(line.len());
            line.push_str(buf[(x, row.y)].symbol());
        }
        for (from, to) in search.found_in(&line) {
            let (first, after) =
                (begins.partition_point(|at| *at <= from) - 1, begins.partition_point(|at| *at < to));
            for (_, x) in (first..after).zip(row.left() + cols(first)..) {
                buf[(x, row.y)].set_style(style);
            }
        }
    }
}

fn cols(cell: usize) -> u16 {
    u16::try_from(cell).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Modifier;

    #[test]
    fn every_place_is_marked_and_nothing_beside_it() {
        let area = Rect::new(0, 0, 12, 2);
        let mut buf = Buffer::empty(area);
        buf.set_string(0, 0, "漢web, WEB", Style::new());
        buf.set_string(0, 1, "we b", Style::new());
        let search = Search::new("web").expect("a search");
        mark_found(&search, area, &mut buf, Style::new().add_modifier(Modifier::REVERSED));
        let marked: Vec<u16> =
            (0..24).filter(|i| buf[(i % 12, i / 12)].modifier.contains(Modifier::REVERSED)).collect();
        assert_eq!(marked, [2, 3, 4, 7, 8, 9]);
    }
}
