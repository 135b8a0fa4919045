//! Which world this is, what for, who drives; what time it is, and how long the way back stays open.

use chrono::FixedOffset;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::clocks::Clocks;
use crate::clock::Now;
use crate::event::{Mode, Seat};
use crate::session::State;
use crate::session::forecast::Forecast;
use crate::text;
use crate::ui::crew;
use crate::ui::hatch::Hatch;
use crate::ui::theme::Theme;
use crate::ui::widgets::Row;

/// How many columns of the title the people beside it leave alone.
const TITLE: usize = 30;

/// The first lines of the screen.
#[derive(Debug)]
pub struct Header<'a> {
    pub state: &'a State,
    pub hatch: &'a Hatch,
    pub forecast: &'a Forecast,
    pub now: Now,
    /// The operator's own clock.
    pub zone: FixedOffset,
    /// It is a moment of a recording.
    pub recorded: bool,
    /// The engine is gone.
    pub lost: bool,
    /// The seat of whoever sits here.
    pub seat: Option<Seat>,
    pub theme: &'a Theme,
}

impl Widget for &Header<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let wide = area.width >= 120;
        let mut lines = area.rows();
        if let Some(area) = lines.next() {
            self.world(wide, area.width).render(area, buf, Style::new());
        }
        if let Some(area) = lines.next() {
            let Header { state, hatch, forecast, now, zone, lost, theme, .. } = *self;
            Clocks { state, hatch, forecast, now, zone, lost, theme }.row(area.width).render(
                area,
                buf,
                Style::new(),
            );
        }
    }
}

impl Header<'_> {
    fn world(&self, wide: bool, cols: u16) -> Row {
        let theme = self.theme;
        let mut row = Row::new(cols).gap(1);
        if wide {
            row = row.text("gonogo", theme.title).gap(2);
        }
        if let Some(opened) = &self.state.opened {
            row = match opened.mode {
                _ if self.recorded => row.text("REPLAY", theme.unreal),
                Mode::Live => row.text("LIVE", theme.live),
                Mode::Rehearsal => row.text(" REHEARSAL ", theme.unreal),
                Mode::Simulated => row.text(" SIMULATED ", theme.unreal),
            };
            row = row.gap(1);
        }
        let Some(runbook) = &self.state.runbook else {
            return row.text("no runbook yet", theme.dim);
        };
        if let Some(environment) = &runbook.environment {
            row = if is_production(environment) {
                let word = environment.to_uppercase();
                row.upto(&format!(" {word} "), 14, theme.prod)
            } else {
                row.upto(environment, 14, theme.title)
            };
            row = row.gap(2);
        }
        let ticket = runbook.ticket.as_deref().map(|ticket| text::safe(ticket)).unwrap_or_default();
        let title = text::width(&text::safe(&runbook.title)).min(TITLE);
        let beside = title + 2 + text::width(&ticket) + 2;
        let right = self.people(wide, row.left().saturating_sub(beside));
        let style = if crew::driver_is_away(self.state) { theme.warn } else { theme.text };
        let right_cols = text::width(&right);
        let room = row.left().saturating_sub(right_cols + 2);
        row = row.upto(&runbook.title, room, theme.title);
        if !ticket.is_empty() && row.left() > right_cols + text::width(&ticket) + 4 {
            row = row.gap(2).text(&ticket, theme.text);
        }
        row.end(&right, style)
    }

    /// Who drives and who else is here, as fully as `room` allows; at the least, who drives.
    fn people(&self, wide: bool, room: usize) -> String {
        let host = match &self.state.opened {
            Some(opened) if wide => format!("@{}", name(&opened.host.name)),
            _ => String::new(),
        };
        let away = self.state.wheel.as_deref().and_then(|holder| {
            let away = crew::away_for(self.state, holder, self.now)?;
            Some(format!(" AWAY {away}"))
        });
        let holder = self.state.wheel.as_deref().map_or_else(|| "nobody".to_owned(), name);
        let here = if self.seat == Some(Seat::Observer) { "YOU OBSERVE  " } else { "" };
        let driver = format!("{here}driver: {holder}{host}{}", away.unwrap_or_default());
        let ways = self.others().into_iter().map(|others| format!("{driver}{others} "));
        let mut ways: Vec<_> = ways.collect();
        let shortest = ways.pop().unwrap_or_default();
        ways.into_iter().find(|way| text::width(way) <= room).unwrap_or(shortest)
    }

    /// Who else is here, the fullest first.
    fn others(&self) -> Vec<String> {
        let others = crew::others(self.state);
        let count = others.len();
        match others.as_slice() {
            [] => vec![String::new()],
            [one] => {
                let (seat, who) = (self.state.seat_of(&one.person).word(), name(&one.person.person));
                vec![format!("   +1 {seat}: {who}"), format!("  +1 {who}"), "  +1".to_owned()]
            }
            more => {
                let names: Vec<_> = more.iter().map(|operator| name(&operator.person.person)).collect();
                vec![format!("   +{count}: {}", names.join(", ")), format!("  +{count}")]
            }
        }
    }
}

/// A name as it stands in the header: displayable, and not longer than a name is.
fn name(name: &str) -> String {
    text::fit(&text::safe(name), 24).into_owned()
}

fn is_production(environment: &str) -> bool {
    environment.to_lowercase().starts_with("prod")
}
