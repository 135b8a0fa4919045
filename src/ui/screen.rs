//! The whole screen, drawn from state, telemetry and view at a given time; no effects.
//!
//! ```text
//! header     world, environment, title, ticket, who drives        120 columns and 30 rows: all panels
//!            clocks, T+, rollback window, situation
//! banner     the one thing that blocks now
//! ┌ 1 stages ────────────┐┌ 2 checks ─────────────┐              80x24: tabs, one panel, a little output,
//! │                      ││                       │                     the newest event
//! └──────────────────────┘└───────────────────────┘              60x15: one panel without a box
//! ┌ 3 stage (steps) ─────┐┌ 4 processes ──────────┐              less:  banner, newest event, header, stages
//! └──────────────────────┘└───────────────────────┘              way back and old | new lie under processes, in a
//! ┌ 5 output ─────────────────────────────────────┐
//! └───────────────────────────────────────────────┘              third row of a high screen, or in a third column
//! ┌ 6 audit ──────────────────┐┌ 7 crew ──────────┐
//! └───────────────────────────┘└──────────────────┘
//! hints      keys, or the answer to the last one                 a popup lies over everything
//! ```
//!
//! Over a recording the same panels show the moment of its playhead, among some of its own:
//!
//! ```text
//! header     whose recording; the playhead, how it plays, what the record is worth
//! banner     the one thing that blocked then
//! ┌ timeline ─────────────────────────────────────┐              a panel that has no place of its own takes
//! └───────────────────────────────────────────────┘              a neighbour's while it is in focus: steps that of
//! ┌ stages ──────────────┐┌ checks ───────────────┐              stages, processes that of checks, crew that of detail
//! └──────────────────────┘└───────────────────────┘
//! ┌ events ──────────────┐┌ detail, and what next ┐              80x24: the timeline as a strip over the tabs' panel
//! └──────────────────────┘└───────────────────────┘
//! ┌ output ───────────────────────────────────────┐
//! └───────────────────────────────────────────────┘
//! hints
//! ```

mod sweep;

use chrono::FixedOffset;
use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::Widget;

use self::sweep::sweep;
use super::action::Action;
use super::blocker::blocker;
use super::crew;
use super::hatch::{Hatch, hatch};
use super::layout::{Layout, Size};
use super::output::Count;
use super::panels::{
    Audit, Banner, Checks, Crew, Detail, Events, Header, Hints, Laid, Look, OutputPanel, Processes, Reach,
    ReplayHeader, StagePanel, Stages, Tabs, Tally, TimelinePanel, Titled, VersusPanel, WayBackPanel,
    process_rows, versus_rows,
};
use super::popups::Context;
use super::replay::Replay;
use super::theme::{Mark, Theme};
use super::view::{Board, Pane, STACK, View};
use super::widgets::Row;
use super::widgets::mark_found;
use super::{lists, sift, status};
use crate::event::{Seat, describe};
use crate::runbook::CheckId;
use crate::session::forecast::{Forecast, forecast};
use crate::text;

/// How many columns a panel is drawn on that is drawn whole.
const WHOLE: u16 = 400;

/// How many rows a panel has besides those of its list, at the most.
const BESIDES: usize = 80;

/// Everything that the screen is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Screen<'a> {
    pub cx: Context<'a>,
    pub view: &'a View,
    /// The operator's own clock.
    pub zone: FixedOffset,
    pub theme: &'a Theme,
}

/// What lies at a place of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Pane(Pane),
    /// A row of a panel's list, by its place among those that its filter leaves.
    Row(Pane, usize),
    Tab(Pane),
    Hint(Action),
}

impl Widget for Screen<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let Context { state, now, .. } = self.cx;
        let (view, theme) = (self.view, self.theme);
        let layout = Layout::of(area, view);
        let hatch = hatch(state, now);
        let forecast = forecast(state, now);
        let blocker = blocker(&self.cx, view.lost.as_deref());
        let (zone, board) = (self.zone, view.board);
        let lost = view.lost.is_some();
        // A recording is seen as whoever drove then saw it.
        let seat = self.cx.operator.filter(|_| self.cx.replay.is_none()).map(|me| state.seat_of(me));

        match self.cx.replay.filter(|_| board == Board::Replay) {
            Some(replay) => ReplayHeader { state, replay, now, zone, theme }.render(layout.header, buf),
            None => {
                let recorded = self.cx.replay.is_some();
                let (hatch, forecast) = (&hatch, &forecast);
                Header { state, hatch, forecast, now, zone, recorded, lost, seat, theme }
                    .render(layout.header, buf);
            }
        }
        Banner { blocker: &blocker, theme }.render(layout.banner, buf);
        let wrong = Pane::ALL.map(|pane| self.wrong(pane, &hatch));
        let known = Known { hatch: &hatch, forecast: &forecast, tabs: layout.size == Size::Tabs };
        self.tabs(wrong).render(layout.tabs, buf);
        for pane in Pane::ALL {
            let area = layout.pane(pane);
            if !area.is_empty() {
                let is_stacked = layout.stacked && STACK.contains(&pane);
                let under = STACK.into_iter().filter(|other| is_stacked && *other != pane);
                let under: Vec<_> = under.map(|other| (other, wrong[other as usize])).collect();
                let told = self.told(pane);
                self.pane(pane, area, self.look(pane, &layout, &under, &told), known, buf);
            }
        }
        // Without a box a list has no title that would say what it leaves out.
        let listed = if layout.size == Size::Tiny { Pane::Stages } else { view.focus };
        let left_out = if layout.boxed(listed) { Vec::new() } else { self.told(listed) };
        if !left_out.is_empty() {
            let row = Row::new(layout.news.width).gap(1);
            let row = left_out.iter().fold(row, |row, (word, style)| row.text(word, *style).gap(2));
            row.render(layout.news, buf, Style::new());
        } else if !layout.news.is_empty() {
            let look = Look { sift: sift::NONE, ..self.look(Pane::Audit, &layout, &[], &[]) };
            let audit = self.audit(None, look);
            audit.news(layout.news.width).render(layout.news, buf, Style::new());
        }
        self.hints().render(layout.hints, buf);
        if let Some(popup) = &view.popup {
            popup.render(area, buf, &self.cx, theme);
        }
        sweep(buf, theme);
    }
}

/// What is typed, so that what is told of it has room beside it.
fn short(words: &str) -> String {
    text::fit(&text::safe(words), 16).into_owned()
}

/// What several panels show a part of.
#[derive(Clone, Copy)]
struct Known<'a> {
    hatch: &'a Hatch,
    forecast: &'a Forecast,
    /// Most panels lie behind a tab.
    tabs: bool,
}

impl<'a> Screen<'a> {
    /// What lies at this place of a screen of that size.
    #[must_use]
    pub fn at(&self, area: Rect, place: Position) -> Option<Target> {
        let layout = Layout::of(area, self.view);
        if layout.hints.contains(place) {
            return self.hints().at(place.x - layout.hints.x, layout.hints.width).map(Target::Hint);
        }
        if layout.tabs.contains(place) {
            let hatch = hatch(self.cx.state, self.cx.now);
            let wrong = Pane::ALL.map(|pane| self.wrong(pane, &hatch));
            return self.tabs(wrong).at(place.x - layout.tabs.x, layout.tabs.width).map(Target::Tab);
        }
        let pane = Pane::ALL.into_iter().find(|pane| layout.pane(*pane).contains(place))?;
        Some(self.row_at(pane, &layout, place).map_or(Target::Pane(pane), |row| Target::Row(pane, row)))
    }

    /// The row that lies there: a panel alone knows where it draws which, so it is drawn for itself.
    fn row_at(&self, pane: Pane, layout: &Layout, place: Position) -> Option<usize> {
        let (state, now) = (self.cx.state, self.cx.now);
        let (hatch, forecast) = (hatch(state, now), forecast(state, now));
        let known = Known { hatch: &hatch, forecast: &forecast, tabs: layout.size == Size::Tabs };
        let laid = Laid::default();
        let look = Look { laid: Some(&laid), ..self.look(pane, layout, &[], &[]) };
        let area = layout.pane(pane);
        self.pane(pane, area, look, known, &mut Buffer::empty(area));
        let rows = laid.into_inner();
        rows.into_iter().find(|(row, _)| row.contains(place)).map(|(_, row)| row)
    }

    fn tabs(&self, wrong: [usize; Pane::ALL.len()]) -> Tabs<'a> {
        Tabs { focus: self.view.focus, wrong, board: self.view.board, theme: self.theme }
    }

    fn reach(&self) -> Reach {
        let Context { state, operator, .. } = self.cx;
        match operator {
            _ if state.is_closed() || self.view.lost.is_some() => Reach::Nothing,
            Some(me) if state.seat_of(me) != Seat::Driver => Reach::Word,
            _ => Reach::Everything,
        }
    }

    fn hints(&self) -> Hints<'a> {
        let view = self.view;
        Hints {
            keymap: self.cx.keymap,
            popup: view.popup.as_ref().map(|popup| popup.hints()),
            recorded: self.cx.replay.is_some(),
            reach: self.reach(),
            state: self.cx.state,
            typing: view.typing.as_ref(),
            toast: view.toast.as_ref(),
            theme: self.theme,
        }
    }

    fn look<'b>(
        &'b self,
        pane: Pane,
        layout: &Layout,
        under: &'b [(Pane, usize)],
        told: &'b [(String, Style)],
    ) -> Look<'b> {
        let titled = match (self.view.board, pane) {
            (Board::Cockpit, _) => Titled::Number(pane.number()),
            (Board::Replay, Pane::Timeline | Pane::Events | Pane::Detail) => Titled::Plain,
            (Board::Replay, _) => Titled::AsOfCursor,
        };
        let (focused, boxed) = (self.view.focus == pane, layout.boxed(pane));
        let (sift, zoomed) = (self.view.sift(pane), self.view.zoom && focused);
        Look { theme: self.theme, focused, boxed, titled, sift, told, under, zoomed, laid: None }
    }

    /// A panel drawn as if there were room for all of it, and whether something in it was cut short all the same.
    #[must_use]
    pub fn whole(&self, pane: Pane) -> (Buffer, bool) {
        let Context { state, telemetry, now, .. } = self.cx;
        let rows = lists::shown(pane, self.view, state, telemetry).map_or(0, |shown| shown.words.len());
        let rows = u16::try_from(rows + BESIDES).unwrap_or(u16::MAX);
        let area = Rect::new(0, 0, WHOLE, rows);
        let mut buf = Buffer::empty(area);
        let look = Look {
            theme: self.theme,
            focused: false,
            boxed: false,
            titled: Titled::Plain,
            sift: self.view.sift(pane),
            told: &[],
            under: &[],
            // Nothing tells of what a detail says what a list's rows are copied by besides.
            zoomed: pane == Pane::Detail,
            laid: None,
        };
        match self.cx.replay.filter(|_| pane == Pane::Detail) {
            Some(replay) => {
                Detail { moment: replay.moment.as_deref(), top: 0, look }.render(area, &mut buf);
            }
            None => {
                let (hatch, forecast) = (hatch(state, now), forecast(state, now));
                let known = Known { hatch: &hatch, forecast: &forecast, tabs: false };
                self.pane(pane, area, look, known, &mut buf);
            }
        }
        // Afterwards the sign for it may be one that stands for other things too.
        let cut = buf.content().iter().any(|cell| cell.symbol() == "…");
        sweep(&mut buf, self.theme);
        (buf, cut)
    }

    fn pane(&self, pane: Pane, area: Rect, look: Look, known: Known, buf: &mut Buffer) {
        let Known { hatch, forecast, tabs } = known;
        let Context { state, telemetry, now, .. } = self.cx;
        let selection = self.view.selection();
        match pane {
            Pane::Stages => {
                let selected = selection.stage.as_ref();
                let tally = tabs.then_some(Tally { state, telemetry });
                Stages { state, forecast, selected, tally, now, look }.render(area, buf);
            }
            Pane::Checks => {
                Checks { state, telemetry, selected: selection.check.as_ref(), now, look }.render(area, buf);
            }
            Pane::Steps => {
                let (stage, selected) = (selection.stage.as_ref(), selection.step.as_ref());
                StagePanel { state, telemetry, stage, selected, hatch, now, look }.render(area, buf);
            }
            Pane::Processes => {
                let selected = selection.process.as_ref();
                Processes { state, telemetry, selected, look }.render(area, buf);
            }
            Pane::Output => {
                let View { output, left, wrap, .. } = self.view;
                OutputPanel { output, left: *left, wrap: *wrap, look }.render(area, buf);
            }
            Pane::Audit => {
                self.audit(selection.event, look).render(area, buf);
            }
            Pane::Crew => {
                let selected = selection.person.as_deref();
                Crew { state, telemetry, selected, now, look }.render(area, buf);
            }
            Pane::WayBack => {
                let selected = selection.back.as_ref();
                WayBackPanel { state, hatch, selected, now, look }.render(area, buf);
            }
            Pane::Versus => {
                let selected = selection.versus.as_ref();
                VersusPanel { state, telemetry, selected, look }.render(area, buf);
            }
            Pane::Timeline | Pane::Events | Pane::Detail => {
                if let Some(replay) = self.cx.replay {
                    self.recording(replay, pane, area, look, buf);
                }
            }
        }
        let sift = self.view.sift(pane);
        if let Some(words) = sift.search.as_ref().or(sift.filter.as_ref()) {
            let inner = if look.boxed { area.inner(Margin::new(1, 1)) } else { area };
            mark_found(words, inner, buf, self.theme.found);
        }
    }

    fn audit<'b>(&'b self, selected: Option<u64>, look: Look<'b>) -> Audit<'b> {
        let Context { state, telemetry, now, .. } = self.cx;
        let (log, file, head) = (&telemetry.log, telemetry.log_file, telemetry.head.as_deref());
        Audit { state, log, file, head, selected, now, look }
    }

    /// A panel that only a recording has.
    fn recording(&self, replay: &Replay, pane: Pane, area: Rect, look: Look, buf: &mut Buffer) {
        let (seq, moment) = (replay.seq, replay.moment.as_deref());
        match pane {
            Pane::Timeline => {
                let caption = moment.map(|moment| describe(&moment.event)).unwrap_or_default();
                TimelinePanel {
                    timeline: &replay.timeline,
                    runbook: self.cx.state.runbook.as_deref(),
                    from: replay.from,
                    end_ms: replay.end_ms,
                    cursor_ms: replay.cursor_ms,
                    caption,
                    what_if: replay.what_if.as_ref().map(|what_if| what_if.at_ms.as_slice()),
                    look,
                }
                .render(area, buf);
            }
            Pane::Events => {
                let (list, filter, now) = (&replay.list, &self.view.filter, self.cx.now);
                Events { list, seq, filter, now, look }.render(area, buf);
            }
            _ => Detail { moment, top: self.view.detail_top, look }.render(area, buf),
        }
    }

    /// What a panel's title says of its search and its filter.
    fn told(&self, pane: Pane) -> Vec<(String, Style)> {
        let sift = self.view.sift(pane);
        if sift.is_none() {
            return Vec::new();
        }
        let tally = lists::tally(pane, self.view, self.cx.state, self.cx.telemetry);
        let output = Some(&self.view.output).filter(|_| pane == Pane::Output);
        // Of a large file it is said how much of it was counted.
        let counted = |count: Count, word: &str| match count.counted {
            None => format!(" {} {word}", count.lines),
            Some(part) => format!(" {} {word}, {part}% counted", count.lines),
        };
        let kept = sift.filter.as_ref().map(|filter| {
            let of = tally.map(|tally| format!(" {} of {}", tally.kept, tally.rows));
            let look = || Some(format!(" looking at {}%", output?.keeping(self.view.rows(pane))?));
            let of = of.or_else(look).or_else(|| Some(counted(output?.kept_count()?, "kept")));
            let of = of.unwrap_or_default();
            (format!("f {}{of}", short(&filter.words)), self.theme.warn)
        });
        let found = sift.search.as_ref().map(|search| {
            let found = tally.map(|tally| format!(" {} found", tally.found));
            let hunt = || Some(format!(" looking at {}%", output?.hunting()?));
            let found = found.or_else(hunt).or_else(|| Some(counted(output?.found_count()?, "found")));
            (format!("/{}{}", short(&search.words), found.unwrap_or_default()), self.theme.key)
        });
        kept.into_iter().chain(found).collect()
    }

    /// How many red things lie behind a tab.
    fn wrong(&self, pane: Pane, hatch: &Hatch) -> usize {
        let Context { state, telemetry, .. } = self.cx;
        match pane {
            Pane::Checks => {
                let checks = state.checks.keys();
                checks.filter(|id| matches!(status::check(state, id).0, Mark::Fail | Mark::Stale)).count()
            }
            Pane::Steps => state.holds().len() + state.questions().len(),
            Pane::Processes => {
                let rows = process_rows(state, telemetry);
                let marks = rows.iter().map(|(id, pid)| status::process(state, telemetry, id, *pid).0);
                marks.filter(|mark| matches!(mark, Mark::Fail | Mark::Stale | Mark::Warn)).count()
            }
            Pane::Crew => usize::from(state.wheel_offer.is_some() || crew::driver_is_away(state)),
            Pane::WayBack => hatch.wrong(),
            Pane::Versus => {
                let red = |id: &CheckId| matches!(status::check(state, id).0, Mark::Fail | Mark::Stale);
                versus_rows(state).iter().filter(|id| red(id)).count()
            }
            Pane::Audit => usize::from(telemetry.log != crate::session::telemetry::LogHealth::Ok),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
