//! The panels of the cockpit: each a widget made of what it shows, and nothing else.

mod audit;
mod banner;
mod checks;
mod crew;
mod header;
mod hints;
mod output;
mod processes;
mod stage;
mod stages;

pub use audit::Audit;
pub use banner::Banner;
pub use checks::{Checks, order as check_order};
pub use crew::Crew;
pub use header::Header;
pub use hints::{Hints, Tabs};
pub use output::OutputPanel;
pub use processes::{Processes, rows as process_rows};
pub use stage::{StagePanel, rows as step_rows};
pub use stages::Stages;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::theme::Theme;
use super::widgets::Frame;

/// How a panel looks.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub theme: &'a Theme,
    pub focused: bool,
    /// Whether there is room for a box.
    pub boxed: bool,
}

impl Look<'_> {
    /// Draws the box where there is one, and returns what is inside.
    fn frame(&self, title: &str, right: Vec<(String, Style)>, area: Rect, buf: &mut Buffer) -> Rect {
        if self.boxed {
            Frame { title, right, focused: self.focused, theme: self.theme }.render(area, buf)
        } else {
            area
        }
    }

    /// What lies under a row.
    fn selected(&self, selected: bool) -> Style {
        if selected && self.focused { self.theme.selected } else { Style::new() }
    }
}
