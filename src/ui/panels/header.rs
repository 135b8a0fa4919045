//! Which world this is, what for, who drives; what time it is, and how long the way back stays open.

use chrono::FixedOffset;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::clock::Now;
use crate::event::Mode;
use crate::session::State;
use crate::ui::format;
use crate::ui::hatch::{Hatch, Window};
use crate::ui::theme::Theme;
use crate::ui::widgets::Row;

/// The first lines of the screen.
#[derive(Debug)]
pub struct Header<'a> {
    pub state: &'a State,
    pub hatch: &'a Hatch,
    pub now: Now,
    /// The operator's own clock.
    pub zone: FixedOffset,
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
            self.clocks(wide, area.width).render(area, buf, Style::new());
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
        let right = self.people(wide);
        let room = row.left().saturating_sub(right.chars().count() + 2);
        row = row.upto(&runbook.title, room, theme.title);
        if let Some(ticket) = &runbook.ticket
            && row.left() > right.chars().count() + ticket.chars().count() + 4
        {
            row = row.gap(2).text(ticket, theme.text);
        }
        row.end(&right, theme.text)
    }

    fn people(&self, wide: bool) -> String {
        let driver = match (&self.state.wheel, self.state.driver()) {
            (Some(holder), None) => format!("{holder} (away)"),
            (holder, _) => holder.clone().unwrap_or_else(|| "nobody".to_owned()),
        };
        let host = match &self.state.opened {
            Some(opened) if wide => format!("@{}", opened.host.name),
            _ => String::new(),
        };
        let others = match self.state.present().count() {
            0 | 1 => String::new(),
            n => format!("  +{}", n - 1),
        };
        format!("driver {driver}{host}{others} ")
    }

    fn clocks(&self, wide: bool, cols: u16) -> Row {
        let theme = self.theme;
        let mut row = Row::new(cols).gap(1).text(&format::time(self.now.at), theme.title);
        if self.zone.local_minus_utc() != 0 {
            let local = self.now.at.with_timezone(&self.zone);
            row = row.text(&local.format(" (%H:%M %:z)").to_string(), theme.dim);
        }
        row = row.gap(2).text(&format!("T+{}", format::clock(self.state.elapsed_ms(self.now))), theme.text);
        row = match &self.hatch.window {
            None => row,
            Some(Window::From(stage)) if wide => {
                row.gap(2).text(&format!("rollback window opens with {stage}"), theme.dim)
            }
            Some(Window::From(_)) => row,
            Some(Window::Open { left_ms, last_start }) => {
                let (window, last) = if wide {
                    ("rollback window", "LAST SAFE ROLLBACK START")
                } else {
                    ("window", "last safe rollback")
                };
                row.gap(2)
                    .text(&format!("{window} {} left", format::took(*left_ms)), theme.warn)
                    .gap(2)
                    .text(&format!("{last} {}", format::minute(*last_start)), theme.warn)
            }
            Some(Window::Over) => row.gap(2).text("ROLLBACK WINDOW OVER", theme.fail),
        };
        let situation = self.state.situation().word().to_uppercase();
        row.end(&format!("{situation} "), theme.title)
    }
}

fn is_production(environment: &str) -> bool {
    environment.to_lowercase().starts_with("prod")
}
