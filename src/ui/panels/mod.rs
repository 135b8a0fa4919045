//! The panels of the cockpit: each a widget made of what it shows, and nothing else.

mod audit;
mod banner;
mod checks;
mod clocks;
mod crew;
mod detail;
mod events;
mod facts;
mod going_back;
mod header;
mod hints;
mod output;
mod processes;
mod replay_header;
mod stage;
mod stages;
mod tally;
mod timeline;
mod versus;
mod way_back;

pub use audit::Audit;
pub use banner::Banner;
pub use checks::{Checks, order as check_order};
pub use crew::Crew;
pub use detail::Detail;
pub use events::Events;
pub use header::Header;
pub use hints::{Hints, Reach, Tabs};
pub use output::OutputPanel;
pub use processes::{Processes, rows as process_rows};
pub use replay_header::ReplayHeader;
pub use stage::{StagePanel, rows as step_rows};
pub use stages::Stages;
pub use tally::Tally;
pub use timeline::TimelinePanel;
pub use versus::{VersusPanel, rows as versus_rows};
pub use way_back::{WayBackPanel, rows as back_rows};

use std::cell::RefCell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::sift::Sift;
use super::theme::Theme;
use super::view::Pane;
use super::widgets::{Frame, Row, window};

/// How a panel looks.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub theme: &'a Theme,
    pub focused: bool,
    /// Whether there is room for a box.
    pub boxed: bool,
    pub titled: Titled,
    /// What is searched for and kept in it, and what the title says of that.
    pub sift: &'a Sift,
    pub told: &'a [(String, Style)],
    /// The panels that lie under it, with how much is wrong with them.
    pub under: &'a [(Pane, usize)],
    /// It fills the screen: nothing in it is cut.
    pub zoomed: bool,
    /// Takes down where the rows of its list are drawn.
    pub laid: Option<&'a Laid>,
}

/// Where rows of a list are drawn, each by its place among those that are shown at all.
pub type Laid = RefCell<Vec<(Rect, usize)>>;

/// A row of a list, ready to be drawn.
#[derive(Debug)]
struct Entry {
    row: Row,
    style: Style,
    /// Its place in the list; `None` where it is no row of it.
    place: Option<usize>,
}

/// What stands in a panel's title beside what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Titled {
    /// The number that jumps to it.
    Number(usize),
    /// That it shows a moment of a recording.
    AsOfCursor,
    Plain,
}

impl Look<'_> {
    /// Draws the box where there is one, and returns what is inside.
    fn frame(&self, title: &str, mut right: Vec<(String, Style)>, area: Rect, buf: &mut Buffer) -> Rect {
        if !self.boxed {
            return area;
        }
        let title = match self.titled {
            Titled::Number(number) => format!("{number} {title}"),
            Titled::AsOfCursor | Titled::Plain => title.to_owned(),
        };
        if self.titled == Titled::AsOfCursor {
            right.push(("as of cursor".to_owned(), self.theme.dim));
        }
        right.splice(0..0, self.told.iter().cloned());
        for (pane, wrong) in self.under {
            let name = format!("{} {}", pane.number(), pane.title());
            right.push(match wrong {
                0 => (name, self.theme.dim),
                wrong => (format!("{name} {}{wrong}", self.theme.glyphs.fail), self.theme.fail),
            });
        }
        Frame { title: &title, right, focused: self.focused, theme: self.theme }.render(area, buf)
    }

    /// An empty row for what the panel tells.
    fn row(&self, cols: u16) -> Row {
        Row::new(cols).tall(self.zoomed)
    }

    /// The columns for who did something, of at least `cols`: where nothing is cut and there is room, most names' length.
    fn who(&self, cols: usize, of: u16) -> usize {
        if self.zoomed && of >= 100 { 24 } else { cols }
    }

    /// A row of its list that has this place.
    fn entry(&self, row: Row, place: usize, selected: Option<usize>) -> Entry {
        Entry { row, style: self.selected(selected == Some(place)), place: Some(place) }
    }

    /// Draws as many of `len` rows as there is room for round the selected one.
    fn rows(
        &self,
        len: usize,
        selected: Option<usize>,
        area: Rect,
        buf: &mut Buffer,
        row: impl Fn(usize) -> Row,
    ) {
        let shown = window(len, selected, area.height.into());
        let near = selected.unwrap_or(0).saturating_sub(shown.start);
        let entries = shown.map(|i| self.entry(row(i), i, selected)).collect();
        self.list(entries, near, area, buf);
    }

    /// Draws entries one under the other, each as tall as it is; where that is too much, those farthest from the one at
    /// `near` are left out.
    fn list(&self, mut entries: Vec<Entry>, near: usize, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.height);
        let mut kept = 0..entries.len();
        let near = near.min(kept.end.saturating_sub(1));
        while kept.len() > 1 && height(&entries[kept.clone()]) > room {
            if kept.end - 1 - near >= near - kept.start {
                kept.end -= 1;
            } else {
                kept.start += 1;
            }
        }
        let mut rest = area;
        for Entry { row, style, place } in entries.drain(kept) {
            let height = u16::try_from(row.height()).unwrap_or(u16::MAX).min(rest.height);
            let here = Rect { height, ..rest };
            row.render(here, buf, style);
            if let (Some(laid), Some(place)) = (self.laid, place) {
                laid.borrow_mut().push((here, place));
            }
            (rest.y, rest.height) = (rest.y + height, rest.height - height);
        }
    }

    /// What lies under a row.
    fn selected(&self, selected: bool) -> Style {
        if selected && self.focused { self.theme.selected } else { Style::new() }
    }
}

/// How many lines these take.
fn height(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.row.height()).sum()
}

/// The part of `area` that is left below `head` lines and above `foot`.
fn between(area: Rect, head: usize, foot: usize) -> Rect {
    let [head, foot] = [head, foot].map(|lines| u16::try_from(lines).unwrap_or(u16::MAX).min(area.height));
    Rect { y: area.y + head, height: (area.height - head).saturating_sub(foot), ..area }
}

/// The last `foot` lines of `area`.
fn last(area: Rect, foot: usize) -> Rect {
    between(area, usize::from(area.height).saturating_sub(foot), 0)
}
