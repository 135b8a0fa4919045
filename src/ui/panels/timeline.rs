//! A recording along its time: stages and gates as bands, what people did and what went wrong as letters, the playhead
//! through all of it. Who zooms it in sees every check and every step.
//!
//! ```text
//!              02:00      02:10    v  02:20        scale
//! stages    [1====--] [2==========|--------       = in work   - at its gate   < rolling back
//! gates            -==        ----|xxxx----       = GO   - NO-GO   x NO-GO for a red check
//! people    @ d     d  d         n|      v        see PEOPLE
//! marks                 x         |   T  R        see MARKS
//!                                 ^ 02:13:07Z gate of switch is NO-GO
//! ```
//! Where nobody observed anything there is a gap of question marks.

mod bands;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Timelike as _};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::Look;
use crate::clock::Now;
use crate::history::{Band, Mark, MarkKind, Timeline};
use crate::runbook::model::Runbook;
use crate::text;
use crate::ui::theme::Theme;
use crate::ui::widgets::Row;

/// The column of names, and the same where checks and steps are named.
const NAMES: u16 = 9;
const LONG_NAMES: u16 = 26;

/// From how many rows on checks and steps have theirs.
const TALL: u16 = 12;

/// What people did, by letter; the first that fits counts, and of several in one column the first of these.
const PEOPLE: &[(MarkKind, char, &str)] = &[
    (MarkKind::Override, 'O', "override"),
    (MarkKind::Rollback, 'b', "roll back"),
    (MarkKind::Pause, 'p', "pause"),
    (MarkKind::Vote, 'v', "vote"),
    (MarkKind::Stage, 'a', "advance"),
    (MarkKind::Decision, 'd', "decision"),
    (MarkKind::Note, 'n', "note"),
    (MarkKind::Person, '@', "crew"),
];

/// What happened, by letter, likewise.
const MARKS: &[(MarkKind, char, &str)] = &[
    (MarkKind::Unknown, '?', "unknown"),
    (MarkKind::PointOfNoReturn, '!', "no return"),
    (MarkKind::Trigger, 'T', "trigger"),
    (MarkKind::Rollback, 'R', "rollback"),
    (MarkKind::Failure, 'x', "failure"),
    (MarkKind::Session, 'S', "session"),
];

/// The timeline panel.
#[derive(Debug)]
pub struct TimelinePanel<'a> {
    pub timeline: &'a Timeline,
    /// As of the cursor.
    pub runbook: Option<&'a Runbook>,
    /// When the session began.
    pub from: Now,
    /// How long it is, as far as it is read.
    pub end_ms: u64,
    pub cursor_ms: u64,
    /// What happened at the cursor last.
    pub caption: String,
    /// Under other limits: when something would have gone another way.
    pub what_if: Option<&'a [u64]>,
    pub look: Look<'a>,
}

/// A row of characters with their styles.
struct Strip(Vec<(char, Style)>);

impl Strip {
    fn new(cols: usize) -> Self {
        Self(vec![(' ', Style::new()); cols])
    }

    fn set(&mut self, at: usize, glyph: char, style: Style) {
        if let Some(cell) = self.0.get_mut(at) {
            *cell = (glyph, style);
        }
    }

    fn write(&mut self, at: usize, text: &str, style: Style) {
        text.chars().enumerate().for_each(|(n, glyph)| self.set(at + n, glyph, style));
    }

    /// Whether nothing stands in `cols` columns from `at`, or beside them.
    fn is_free(&self, at: usize, cols: usize) -> bool {
        let to = (at + cols + 1).min(self.0.len());
        self.0.get(at.saturating_sub(1)..to).is_some_and(|cells| cells.iter().all(|(glyph, _)| *glyph == ' '))
    }
}

impl Widget for &TimelinePanel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let inner = self.look.frame("Timeline", self.legend(), area, buf);
        let names = if inner.height >= TALL && inner.width > 80 { LONG_NAMES } else { NAMES };
        if inner.width <= names + 2 {
            return;
        }
        let cols = usize::from(inner.width - names - 1);
        for ((name, strip), area) in self.strips(cols, inner.height).into_iter().zip(inner.rows()) {
            self.row((&name, names), strip, inner.width).render(area, buf, Style::new());
        }
    }
}

impl TimelinePanel<'_> {
    /// The letters that stand in it, and what they mean.
    fn legend(&self) -> Vec<(String, Style)> {
        if !self.look.boxed {
            return Vec::new();
        }
        let mut there = HashSet::new();
        for mark in &self.timeline.marks {
            there.extend([false, true].into_iter().filter_map(|people| letter(mark, people)));
        }
        let known = MARKS.iter().chain(PEOPLE).filter(|(kind, letter, _)| there.contains(&(*letter, *kind)));
        known.map(|(_, letter, word)| (format!("{letter} {word}"), self.look.theme.dim)).collect()
    }

    /// The rows that fit into `height`, in their order.
    fn strips(&self, cols: usize, height: u16) -> Vec<(String, Strip)> {
        let row = |name: &str, strip| (name.to_owned(), strip);
        let mut rows = vec![row("stages", self.stages(cols))];
        if height >= 3 {
            rows.push(row("gates", self.gates(cols)));
        }
        if height >= 5 {
            rows.push(row("people", self.letters(cols, true)));
        }
        if height >= 2 {
            rows.push(row("marks", self.letters(cols, false)));
        }
        if height >= 4 {
            rows.insert(0, row("", self.scale(cols)));
        }
        if let Some(others) = self.what_if.filter(|_| height >= 6) {
            rows.push(row("what-if", self.others(cols, others)));
        }
        if usize::from(height) > rows.len() {
            rows.push(row("", self.caption(cols)));
        }
        if height >= TALL {
            rows.extend(self.checks().into_iter().map(|id| row(id.as_str(), self.check(cols, id))));
            rows.extend(self.steps().into_iter().map(|id| row(id.as_str(), self.step(cols, id))));
        }
        rows
    }

    fn row(&self, (name, names): (&str, u16), strip: Strip, width: u16) -> Row {
        let theme = self.look.theme;
        let cursor = self.column(self.cursor_ms, strip.0.len());
        let mut row = Row::new(width).gap(1).cell(name, usize::from(names) - 2, theme.dim).gap(1);
        let mut run = String::new();
        let mut under = Style::new();
        for (at, (glyph, style)) in strip.0.into_iter().enumerate() {
            let (glyph, style) = match glyph {
                ' ' if at == cursor && !name.is_empty() => (theme.glyphs.plain.vertical_left, theme.focus),
                _ if at == cursor => {
                    row = row.text(&std::mem::take(&mut run), under).text(&glyph.to_string(), theme.selected);
                    continue;
                }
                _ if style == under => {
                    run.push(glyph);
                    continue;
                }
                _ => {
                    row = row.text(&std::mem::take(&mut run), under);
                    (under, run) = (style, glyph.to_string());
                    continue;
                }
            };
            row = row.text(&std::mem::take(&mut run), under).text(glyph, style);
        }
        row.text(&run, under)
    }

    fn column(&self, t_ms: u64, cols: usize) -> usize {
        let last = cols.saturating_sub(1);
        let end = u128::from(self.end_ms.max(1));
        let at = u128::from(t_ms) * last as u128 / end;
        usize::try_from(at).unwrap_or(last).min(last)
    }

    /// The columns that a band covers.
    fn columns(&self, band: &Band, cols: usize) -> std::ops::RangeInclusive<usize> {
        let to = band.to_ms.unwrap_or(self.end_ms);
        self.column(band.from_ms, cols)..=self.column(to.max(band.from_ms), cols)
    }

    fn scale(&self, cols: usize) -> Strip {
        const STEPS: [i64; 17] =
            [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];
        let theme = self.look.theme;
        let mut strip = Strip::new(cols);
        let seconds = i64::try_from(self.end_ms / 1_000).unwrap_or(i64::MAX).max(1);
        let most = i64::try_from(cols / 12).unwrap_or(1).max(1);
        let step = STEPS.into_iter().find(|step| seconds / step <= most).unwrap_or(86_400);
        let begin = self.from.at.timestamp();
        let first = begin.div_euclid(step) * step + if begin.rem_euclid(step) == 0 { 0 } else { step };
        for n in 0..=most {
            let Some(at) = DateTime::from_timestamp(first + n * step, 0) else { break };
            let Ok(t_ms) = u64::try_from((at - self.from.at).num_milliseconds()) else { continue };
            let label = match step {
                ..60 => at.format("%H:%M:%S").to_string(),
                86_400.. => at.format("%d %b").to_string(),
                _ if at.num_seconds_from_midnight() == 0 => at.format("%d %b").to_string(),
                _ => format!("{:02}:{:02}", at.hour(), at.minute()),
            };
            let column = self.column(t_ms, cols);
            if t_ms <= self.end_ms && column + label.len() <= cols && strip.is_free(column, label.len()) {
                strip.write(column, &label, theme.dim);
            }
        }
        strip
    }

    fn letters(&self, cols: usize, people: bool) -> Strip {
        let table = if people { PEOPLE } else { MARKS };
        let rank =
            |glyph: char| table.iter().position(|(_, letter, _)| *letter == glyph).unwrap_or(usize::MAX);
        let mut strip = Strip::new(cols);
        for mark in &self.timeline.marks {
            let Some((glyph, kind)) = letter(mark, people) else { continue };
            let at = self.column(mark.t_ms, cols);
            if strip.0.get(at).is_some_and(|(there, _)| rank(glyph) <= rank(*there)) {
                strip.set(at, glyph, style(kind, self.look.theme));
            }
        }
        strip
    }

    fn others(&self, cols: usize, others: &[u64]) -> Strip {
        let mut strip = Strip::new(cols);
        for t_ms in others {
            strip.set(self.column(*t_ms, cols), 'W', self.look.theme.ask);
        }
        strip
    }

    fn caption(&self, cols: usize) -> Strip {
        let theme = self.look.theme;
        let mut strip = Strip::new(cols);
        let cursor = self.column(self.cursor_ms, cols);
        let at = self.from.at
            + TimeDelta::milliseconds(i64::try_from(self.cursor_ms).unwrap_or(i64::MAX).min(1 << 50));
        let text = format!("{} {}", self.from.second(at), self.caption);
        let text = text::safe_line(&text);
        let room = cols.saturating_sub(cursor + 2);
        strip.set(cursor, '^', theme.focus);
        if text::width(&text) <= room || room >= cols / 2 {
            strip.write(cursor + 2, &text::fit(&text, room), theme.text);
        } else {
            let text = text::fit(&text, cursor.saturating_sub(1));
            strip.write(cursor.saturating_sub(text::width(&text) + 1), &text, theme.text);
        }
        strip
    }
}

/// The letter of a mark among those of people, or of what happened by itself.
fn letter(mark: &Mark, people: bool) -> Option<(char, MarkKind)> {
    let person = mark.is(MarkKind::Decision)
        || matches!(mark.kind, MarkKind::Person | MarkKind::Note | MarkKind::Vote | MarkKind::Pause);
    let table = match people {
        true if !person => return None,
        true => PEOPLE,
        false => MARKS,
    };
    table.iter().find(|(kind, ..)| mark.is(*kind)).map(|(kind, letter, _)| (*letter, *kind))
}

fn style(kind: MarkKind, theme: &Theme) -> Style {
    match kind {
        MarkKind::Failure => theme.fail,
        MarkKind::Unknown => theme.ask,
        MarkKind::Trigger | MarkKind::Pause | MarkKind::Override => theme.warn,
        MarkKind::Rollback => theme.unreal,
        MarkKind::PointOfNoReturn => theme.point_of_no_return,
        MarkKind::Session | MarkKind::Person => theme.dim,
        _ => theme.title,
    }
}
