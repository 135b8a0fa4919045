//! Whose recording this is and what it is worth; where the playhead stands, and how it plays.

use chrono::FixedOffset;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::clock::Now;
use crate::event::Mode;
use crate::session::State;
use crate::text;
use crate::ui::format;
use crate::ui::replay::{Play, Replay};
use crate::ui::theme::{Mark, Theme};
use crate::ui::widgets::Row;

/// The first lines of the screen over a recording.
#[derive(Debug)]
pub struct ReplayHeader<'a> {
    pub state: &'a State,
    pub replay: &'a Replay,
    /// The playhead's time.
    pub now: Now,
    /// The operator's own clock.
    pub zone: FixedOffset,
    pub theme: &'a Theme,
}

impl Widget for &ReplayHeader<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let wide = area.width >= 120;
        // Where there is one line only, where the playhead stands is what counts.
        let mut lines = area.rows();
        if area.height > 1
            && let Some(area) = lines.next()
        {
            self.world(wide, area.width).render(area, buf, Style::new());
        }
        if let Some(area) = lines.next() {
            self.playhead(wide, area.width).render(area, buf, Style::new());
        }
    }
}

impl ReplayHeader<'_> {
    fn world(&self, wide: bool, cols: u16) -> Row {
        let theme = self.theme;
        let mut row = Row::new(cols).gap(1);
        if wide {
            row = row.text("gonogo", theme.title).gap(2);
        }
        row = row.text(if cols >= 72 { "REPLAY (read-only)" } else { "REPLAY" }, theme.unreal).gap(1);
        row = match self.state.opened.as_ref().map(|opened| opened.mode) {
            Some(Mode::Rehearsal) => row.text(" REHEARSAL ", theme.unreal).gap(1),
            Some(Mode::Simulated) => row.text(" SIMULATED ", theme.unreal).gap(1),
            Some(Mode::Live) | None => row,
        };
        let recorded =
            format!("recorded {} by {} ", self.replay.from.at.format("%Y-%m-%d"), self.replay.record.by);
        let room = row.left().saturating_sub(text::width(&text::safe(&recorded)) + 2);
        let Some(runbook) = &self.state.runbook else {
            return row.upto("no runbook yet", room, theme.dim).end(&recorded, theme.dim);
        };
        let before = row.left();
        row = row.upto(&runbook.title, room, theme.title);
        let mut room = room.saturating_sub(before - row.left());
        for word in runbook.ticket.iter().chain(&runbook.environment) {
            let cols = text::width(&text::safe(word)) + 2;
            if cols <= room {
                row = row.gap(2).text(word, theme.text);
                room -= cols;
            }
        }
        row.end(&recorded, theme.dim)
    }

    fn playhead(&self, wide: bool, cols: u16) -> Row {
        let theme = self.theme;
        let Replay { play, record, seq, events, cursor_ms, .. } = self.replay;
        let mut row = Row::new(cols)
            .gap(1)
            .text("at ", theme.dim)
            .text(&self.replay.from.second(self.now.at), theme.title);
        if wide && self.zone.local_minus_utc() != 0 {
            row = row.gap(1).text(&format::local(self.now, self.zone), theme.dim);
        }
        let gap = if wide { 3 } else { 1 };
        row = row
            .gap(gap)
            .text(&format!("T+{}", format::clock(*cursor_ms)), theme.text)
            .gap(gap)
            .text(if wide { "event " } else { "#" }, theme.dim)
            .text(&format!("{seq} of {events}"), theme.text)
            .gap(gap);
        row = self.play(*play, row, wide).gap(gap);
        let (mark, verdict) = &record.verdict;
        // An untouched record is the ordinary case; anything else is to be seen.
        let style = if *mark == Mark::Ok { theme.ok } else { theme.mark(*mark) };
        let verdict = if *mark == Mark::Ok && cols < 72 { "chain ok" } else { verdict };
        row = row.text(verdict, style);
        if record.live {
            row = row.gap(gap).text("LIVE, still growing", theme.live);
        }
        match &record.seal {
            Some(seal) if row.left() > text::width(&text::safe(seal)) + gap => {
                row.gap(gap).text(seal, theme.dim)
            }
            _ => row,
        }
    }

    fn play(&self, play: Play, row: Row, wide: bool) -> Row {
        let theme = self.theme;
        let speed = format!("{}{}x", if wide { "speed " } else { "" }, play.speed);
        let row = row.text(&speed, theme.text).gap(1);
        let row = if play.playing {
            row.text(theme.glyphs.running, theme.running).gap(1).text("PLAYING", theme.running)
        } else {
            row.text(theme.glyphs.halted, theme.warn).gap(1).text("HALTED", theme.warn)
        };
        if play.skips_idle && wide { row.gap(1).text("skips idle", theme.dim) } else { row }
    }
}
