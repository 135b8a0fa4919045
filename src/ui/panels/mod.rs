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

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::sift::Sift;
use super::theme::Theme;
use super::view::Pane;
use super::widgets::Frame;

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

    /// What lies under a row.
    fn selected(&self, selected: bool) -> Style {
        if selected && self.focused { self.theme.selected } else { Style::new() }
    }
}
