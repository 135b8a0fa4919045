//! Who is at the controls: where they sit, for what they stand, and who has the wheel.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Look, between};
use crate::clock::Now;
use crate::session::{Operator, State, Telemetry};
use crate::ui::theme::Mark;
use crate::ui::widgets::Row;
use crate::ui::{crew, format, lists};

/// From how long without a key on somebody counts as idle, in milliseconds.
const IDLE_MS: u64 = 60_000;

/// Columns of the time since when somebody is here; more where one of them came on another day.
const SINCE: usize = 6;

/// The crew panel.
#[derive(Debug)]
pub struct Crew<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    pub selected: Option<&'a str>,
    pub now: Now,
    pub look: Look<'a>,
}

impl Widget for &Crew<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let inner = self.look.frame("Crew", self.wheel(), area, buf);
        let crew = lists::people(self.state, self.look.sift);
        let since = crew.iter().map(|operator| self.since(operator).len()).max().unwrap_or(0).max(SINCE);
        let head = usize::from(usize::from(inner.height) > crew.len());
        if head > 0 {
            self.heading(inner.width, since).render(inner, buf, Style::new());
        }
        let selected =
            self.selected.and_then(|name| crew.iter().position(|operator| operator.person.person == name));
        let row = |i: usize| self.row(crew[i], inner.width, since);
        self.look.rows(crew.len(), selected, between(inner, head, 0), buf, row);
    }
}

impl Crew<'_> {
    /// What becomes of the wheel.
    fn wheel(&self) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let state = self.state;
        let words = match (&state.wheel_offer, state.wheel_asked.as_slice()) {
            (Some(offer), _) => (format!("wheel offered to {}", offer.to), theme.ask),
            (None, [who]) => (format!("{who} asks for the wheel"), theme.ask),
            (None, [who, rest @ ..]) => {
                (format!("{who} and {} more ask for the wheel", rest.len()), theme.ask)
            }
            (None, []) if state.wheel.is_none() => ("nobody has the wheel".to_owned(), theme.warn),
            (None, []) if crew::driver_is_away(state) => ("the driver is away".to_owned(), theme.warn),
            (None, []) => (format!("{} here", state.present().count()), theme.dim),
        };
        vec![words]
    }

    fn heading(&self, cols: u16, since: usize) -> Row {
        let dim = self.look.theme.dim;
        let who = who_cols(cols, since);
        Row::new(cols)
            .gap(3)
            .cell("who", who, dim)
            .gap(1)
            .cell("as", 9, dim)
            .gap(1)
            .cell("since", since, dim)
            .gap(1)
            .cell("", 11, dim)
            .gap(1)
            .text("for", dim)
    }

    fn row(&self, operator: &Operator, cols: u16, since: usize) -> Row {
        let theme = self.look.theme;
        let person = &operator.person;
        let drives = self.state.wheel.as_ref() == Some(&person.person);
        let (mark, presence) = self.presence(operator);
        let style = if operator.left.is_some() { theme.dim } else { theme.text };
        self.look
            .row(cols)
            .gap(1)
            .cell(if drives { theme.glyph(Mark::Running) } else { "" }, 2, theme.running)
            .cell(&person.person, who_cols(cols, since), if drives { theme.title } else { style })
            .gap(1)
            .cell(self.state.seat_of(person).word(), 9, style)
            .gap(1)
            .cell(&self.since(operator), since, theme.dim)
            .gap(1)
            .cell(&presence, 11, theme.mark(mark))
            .gap(1)
            .text(&operator.roles.join(","), theme.text)
    }

    fn since(&self, operator: &Operator) -> String {
        self.now.minute(operator.since.at)
    }

    /// Whether somebody is here and since when they pressed nothing, or since when they are away.
    fn presence(&self, operator: &Operator) -> (Mark, String) {
        match operator.left {
            Some(left) => {
                let away = format::took(self.state.since(left, self.now));
                (Mark::Warn, format!("AWAY {away}"))
            }
            None => {
                let seen = self.telemetry.presence.iter().find(|p| p.person == operator.person.person);
                let idle = seen.map_or(0, |seen| self.now.up_ms.saturating_sub(seen.active_up_ms));
                let more = match seen.map_or(1, |seen| seen.connections) {
                    0 | 1 => String::new(),
                    n => format!(" x{n}"),
                };
                if idle < IDLE_MS {
                    (Mark::Ok, format!("here{more}"))
                } else {
                    (Mark::Pending, format!("idle {}{more}", format::about(idle)))
                }
            }
        }
    }
}

/// The names get what the other columns leave, within reason.
fn who_cols(cols: u16, since: usize) -> usize {
    usize::from(cols).saturating_sub(32 + since).clamp(8, 24)
}
