//! What time it is, and how long what is open stays open: the header's second line, as full as there is room for.

use chrono::FixedOffset;
use ratatui::style::Style;

use crate::clock::Now;
use crate::session::forecast::{BackLeft, Forecast, Known, back_left};
use crate::session::way_back::{Deadline, NoReturn, Ready, RollbackWindow};
use crate::session::window::Standing;
use crate::session::{Situation, State};
use crate::text;
use crate::ui::course;
use crate::ui::format;
use crate::ui::hatch::Hatch;
use crate::ui::theme::Theme;
use crate::ui::widgets::Row;

/// The line of clocks.
#[derive(Debug)]
pub struct Clocks<'a> {
    pub state: &'a State,
    pub hatch: &'a Hatch,
    pub forecast: &'a Forecast,
    pub now: Now,
    pub zone: FixedOffset,
    /// The engine is gone.
    pub lost: bool,
    pub theme: &'a Theme,
}

/// One fact in several lengths, the fullest first; where all are too long it is left out.
type Ways = Vec<(String, Style)>;

/// In which order facts get shorter where there is too little room, by their places in the line.
const SHORTEN: [usize; 7] = [2, 4, 4, 2, 3, 4, 3];

impl Clocks<'_> {
    /// The line, `cols` columns wide.
    #[must_use]
    pub fn row(&self, cols: u16) -> Row {
        let theme = self.theme;
        let situation = match self.state.situation() {
            _ if self.lost && !self.state.is_closed() => "LOST",
            Situation::Running if self.state.paused.is_some() => "PAUSED",
            other => other.word(),
        };
        let situation = format!("{} ", situation.to_uppercase());
        let time = format::time(self.now.at);
        let room = usize::from(cols).saturating_sub(2 + time.len() + 2 + situation.len());
        // Outside the change window that counts for more than how long the session has lasted.
        let outside = self.hatch.change.is_some_and(|change| change.is_outside());
        let dropped = if outside { [1, 2] } else { [2, 1] };
        let last = match back_left(self.state, self.now) {
            Some(left) => self.going_back(&left),
            None => self.last_start(),
        };
        let facts = [self.local(), self.elapsed(), self.change(), self.way_back(), last];
        let mut facts = fitted(facts, dropped, room);
        // The stages tell it too: here it only takes the room that is left.
        let used: usize = facts.iter().map(cols_of).sum();
        facts.extend(self.end().into_iter().filter(|end| used + cols_of(end) <= room));
        let mut row = Row::new(cols).gap(1).text(&time, theme.title);
        for (fact, style) in facts {
            row = row.gap(2).text(&fact, style);
        }
        row.end(&situation, theme.title)
    }

    fn local(&self) -> Ways {
        if self.zone.local_minus_utc() == 0 {
            return Vec::new();
        }
        vec![(format::local(self.now, self.zone), self.theme.dim)]
    }

    fn elapsed(&self) -> Ways {
        vec![(format!("T+{}", format::clock(self.state.elapsed_ms(self.now))), self.theme.text)]
    }

    /// When it will be done, and how much later than planned.
    fn end(&self) -> Option<(String, Style)> {
        let late = course::mark(self.forecast.late_ms());
        let style = late.map_or(self.theme.text, |mark| self.theme.mark(mark));
        course::eta(self.forecast, self.now).map(|eta| (eta, style))
    }

    /// A rollback is under way: how long it still takes, in place of until when one could begin.
    fn going_back(&self, left: &BackLeft) -> Ways {
        let style = if left.known == Known::No { self.theme.fail } else { self.theme.warn };
        let (time, at) = (course::back(left), course::back_at(left, self.now));
        let steps = format!("{}/{}", left.done, left.of);
        [format!("ROLLBACK {steps}: {time}, {at}"), format!("ROLLBACK {steps}: {time}"), time]
            .map(|way| (way, style))
            .into()
    }

    fn change(&self) -> Ways {
        let theme = self.theme;
        let ways = |style: Style, ways: &[String]| ways.iter().map(|way| (way.clone(), style)).collect();
        match self.hatch.change {
            None | Some(Standing::Open { closes: None }) => Vec::new(),
            Some(Standing::Before { opens, in_ms }) => {
                let (at, left) = (self.now.minute(opens), format::about(in_ms));
                ways(
                    theme.warn,
                    &[
                        format!("CHANGE WINDOW OPENS {at} (in {left})"),
                        format!("WINDOW OPENS {at}"),
                        format!("OPENS {at}"),
                    ],
                )
            }
            Some(Standing::Open { closes: Some((closes, left_ms)) }) => {
                let (at, left) = (self.now.minute(closes), format::about(left_ms));
                ways(
                    theme.text,
                    &[
                        format!("window closes {at} (in {left})"),
                        format!("closes {at} (in {left})"),
                        format!("closes {at}"),
                    ],
                )
            }
            Some(Standing::After { closed, since_ms }) => {
                let (at, ago) = (self.now.minute(closed), format::about(since_ms));
                ways(
                    theme.fail,
                    &[
                        format!("CHANGE WINDOW CLOSED {at} ({ago} ago)"),
                        format!("WINDOW CLOSED {at}"),
                        format!("CLOSED {at}"),
                    ],
                )
            }
        }
    }

    fn way_back(&self) -> Ways {
        let (theme, hatch) = (self.theme, self.hatch);
        let style = theme.mark(hatch.mark);
        let glyph = theme.glyph(hatch.mark);
        match &hatch.back.ready {
            _ if self.state.runbook.is_none() => Vec::new(),
            Ready::Closed | Ready::InUse | Ready::Stuck(_) => Vec::new(),
            Ready::NotReady(_) => {
                vec![(format!("{glyph} WAY BACK NOT READY"), style), (format!("{glyph} NO WAY BACK"), style)]
            }
            _ => {
                let time = hatch.time();
                let plan = hatch.plan().unwrap_or_else(|| "nothing to undo".to_owned());
                let (style, to) = match &hatch.back.no_return {
                    NoReturn { passed: Some(passed), .. } => (theme.warn, format!(" to {passed} only")),
                    _ => (style, String::new()),
                };
                vec![
                    (format!("{glyph} way back{to}: {plan}"), style),
                    (format!("{glyph} way back {}", time.as_deref().unwrap_or(hatch.word)), style),
                    (format!("{glyph} back {}", time.as_deref().unwrap_or("-")), style),
                ]
            }
        }
    }

    fn last_start(&self) -> Ways {
        let theme = self.theme;
        let ways = |style: Style, ways: &[String]| ways.iter().map(|way| (way.clone(), style)).collect();
        if let Some(Deadline { ends, last_start, is_known, left_ms, .. }) = self.hatch.deadline() {
            let Some(left_ms) = left_ms else {
                let ends = self.now.minute(*ends);
                return ways(
                    theme.fail,
                    &[format!("TOO LATE TO BE BACK BY {ends}"), format!("TOO LATE: {ends}")],
                );
            };
            let (at, left) = (self.now.minute(*last_start), format::about(*left_ms));
            let at = if *is_known { at } else { format!("before {at}") };
            return ways(
                theme.warn,
                &[
                    format!("LAST SAFE ROLLBACK START {at} (in {left})"),
                    format!("LAST SAFE ROLLBACK START {at}"),
                    format!("last safe rollback {at}"),
                    if *is_known { format!("until {at}") } else { at },
                ],
            );
        }
        match &self.hatch.back.window {
            Some(RollbackWindow::From(stage)) => {
                ways(theme.dim, &[format!("rollback window opens with {stage}")])
            }
            Some(RollbackWindow::Over) => ways(theme.fail, &["ROLLBACK WINDOW OVER".to_owned()]),
            _ => Vec::new(),
        }
    }
}

/// The columns of a fact, and of the gap before it.
fn cols_of((fact, _): &(String, Style)) -> usize {
    text::width(&text::safe(fact)) + 2
}

/// Of each fact the fullest way that leaves room for the others; those of `dropped` are left out first.
fn fitted(mut facts: [Ways; 5], dropped: [usize; 2], room: usize) -> Vec<(String, Style)> {
    let cols = |ways: &Ways| ways.first().map_or(0, cols_of);
    for fact in SHORTEN {
        if facts.iter().map(cols).sum::<usize>() > room && facts[fact].len() > 1 {
            facts[fact].remove(0);
        }
    }
    for fact in [0].into_iter().chain(dropped).chain([4, 3]) {
        if facts.iter().map(cols).sum::<usize>() > room {
            facts[fact].clear();
        }
    }
    facts.into_iter().filter_map(|ways| ways.into_iter().next()).collect()
}
