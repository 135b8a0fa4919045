//! A rollback under way as a bar, with the time that it still takes.

use crate::clock::Now;
use crate::session::forecast::{BackLeft, Known};
use crate::text;
use crate::ui::course;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, bar};

/// `▓▓▓▒▒▒░░░ 1/3 undone  0:20 left as measured, back 02:14Z`.
#[must_use]
pub fn row(left: &BackLeft, now: Now, cols: u16, theme: &Theme) -> Row {
    let words = format!("{}/{} undone  {}", left.done, left.of, course::back(left));
    let at = format!(", {}", course::back_at(left, now));
    let style = if left.known == Known::No { theme.fail } else { theme.warn };
    let words = match usize::from(cols).checked_sub(text::width(&words) + text::width(&at) + 10) {
        Some(_) => words + &at,
        None => words,
    };
    let room = usize::from(cols).saturating_sub(text::width(&words) + 4).min(40);
    let begun = usize::from(left.done < left.of);
    let row = Row::new(cols).gap(1);
    let row = match room {
        6.. => row.text(&bar(left.done, begun, left.of, room, theme.glyphs), theme.dim).gap(2),
        _ => row,
    };
    row.text(&words, style)
}
