//! The stages in order: when each was to begin and when it did, what it waits for, the point of no return as a line
//! between them, and how far it all has come.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::tally::Tally;
use super::{Entry, Look, between, going_back, height, last};
use crate::clock::Now;
use crate::runbook::StageId;
use crate::runbook::model::{Runbook, Stage};
use crate::session::forecast::{Forecast, StageTimes, back_left};
use crate::session::{StageStatus, State, rollback};
use crate::text;
use crate::ui::widgets::{Row, bar, window_with};
use crate::ui::{course, format, lists, status};

/// The stage list.
#[derive(Debug)]
pub struct Stages<'a> {
    pub state: &'a State,
    pub forecast: &'a Forecast,
    pub selected: Option<&'a StageId>,
    /// What is red and green elsewhere, where the panels that show it are not on the screen.
    pub tally: Option<Tally<'a>>,
    pub now: Now,
    pub look: Look<'a>,
}

enum Item<'a> {
    Stage(usize, &'a Stage),
    PointOfNoReturn(&'a Stage),
}

/// Columns of a clock time, of a drift, and the fewest for a stage's title and for its state with the time it took.
const TIME: usize = 6;
const DRIFT: usize = 6;
const TITLE: usize = 12;
const STATUS: usize = 18;
/// What stands before the title: the mark of the selection, the number and a gap.
const FRONT: usize = 5;

/// How wide each column is; 0: it is left out.
#[derive(Debug, Clone, Copy, Default)]
struct Columns {
    title: usize,
    plan: usize,
    actual: usize,
    drift: usize,
    expect: usize,
}

impl Widget for &Stages<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let Some(runbook) = &self.state.runbook else {
            self.look.frame("Stages", vec![], area, buf);
            return;
        };
        let kept = lists::stages(self.state, self.look.sift);
        let mut items: Vec<Item> = items(runbook);
        items.retain(|item| !matches!(item, Item::Stage(_, stage) if !kept.contains(&&stage.id)));
        let border = if self.look.boxed { 2 } else { 0 };
        let rows = usize::from(area.height).saturating_sub(border);
        // The head needs a line of its own, the bar one at the bottom with an empty one above it.
        let head = usize::from(rows > items.len());
        let foot = rows > items.len() + head + 1;
        let tally = self.tally.as_ref().filter(|_| foot && rows > items.len() + head + 3);
        let below = usize::from(foot) * 2 + usize::from(tally.is_some());
        let inner = self.look.frame("Stages", self.right(foot), area, buf);
        let columns = self.columns(runbook, inner.width);
        if head > 0 {
            self.head(columns, inner.width).render(inner, buf, Style::new());
        }
        let at = |id: Option<&StageId>| {
            items.iter().position(|item| matches!(item, Item::Stage(_, stage) if Some(&stage.id) == id))
        };
        let (selected, in_hand) = (at(self.selected), self.state.current_stage());
        let in_hand = at(in_hand.or_else(|| self.state.next_stage()));
        let area = between(inner, head, below);
        let shown = window_with(items.len(), selected, in_hand, area.height.into());
        let near = shown.iter().position(|i| Some(*i) == selected.or(in_hand)).unwrap_or(0);
        let all = shown.len() == items.len();
        let entries = |tall| -> Vec<Entry> {
            let entry = |i: &usize| match &items[*i] {
                Item::Stage(number, stage) => {
                    let place = kept.iter().position(|id| **id == stage.id);
                    let style = self.look.selected(self.selected == Some(&stage.id));
                    Entry { row: self.stage(*number, stage, columns, inner.width, tall), style, place }
                }
                Item::PointOfNoReturn(stage) => {
                    let row = self.point_of_no_return(stage, inner.width);
                    Entry { row, style: Style::new(), place: None }
                }
            };
            shown.iter().map(entry).collect()
        };
        // Where there is room for it titles go on below themselves; where it fills the screen they do in any case.
        let whole = Some(entries(true))
            .filter(|all_of| self.look.zoomed || (all && height(all_of) <= usize::from(area.height)));
        self.look.list(whole.unwrap_or_else(|| entries(false)), near, area, buf);
        if let Some(tally) = tally {
            tally.row(self.look.theme, inner.width).render(last(inner, 2), buf, Style::new());
        }
        if foot {
            self.progress_line(inner.width).render(last(inner, 1), buf, Style::new());
        }
    }
}

fn items(runbook: &Runbook) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    for (i, stage) in runbook.stages.iter().enumerate() {
        if stage.point_of_no_return {
            items.push(Item::PointOfNoReturn(stage));
        }
        items.push(Item::Stage(i + 1, stage));
    }
    items
}

fn title(stage: &Stage) -> &str {
    if stage.title.is_empty() { stage.id.as_str() } else { &stage.title }
}

impl Stages<'_> {
    fn right(&self, foot: bool) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let (done, _, of) = self.progress();
        let mut right = vec![(format!("{done}/{of} done"), theme.text)];
        right.extend(course::eta(self.forecast, self.now).filter(|_| !foot).map(|eta| (eta, theme.text)));
        right
    }

    /// The titles get what they need, the states all that is left; where it is narrow, the least telling goes first.
    fn columns(&self, runbook: &Runbook, cols: u16) -> Columns {
        let mut columns = match cols {
            // Beside tabs, what is being done counts for more.
            64.. if self.tally.is_none() || cols >= 90 => {
                Columns { plan: TIME, actual: TIME, drift: DRIFT, expect: TIME + 1, title: 0 }
            }
            56.. => Columns { plan: TIME, actual: TIME, drift: DRIFT, ..Columns::default() },
            46.. => Columns { plan: TIME, actual: TIME, ..Columns::default() },
            _ => Columns::default(),
        };
        self.make_room_for_days(&mut columns);
        let status = runbook.stages.iter().map(|stage| self.status_cols(stage)).max();
        let status = status.unwrap_or_default().clamp(10, STATUS);
        let room = |columns: &Columns| {
            let Columns { plan, actual, drift, expect, .. } = columns;
            let gaps = 1 + usize::from(*actual > 0);
            usize::from(cols).saturating_sub(FRONT + plan + actual + drift + expect + gaps + status)
        };
        let longest = runbook.stages.iter().map(|stage| text::width(&text::safe(title(stage)))).max();
        let longest = longest.unwrap_or_default().max(TITLE);
        if longest > room(&columns) {
            // When a stage is to begin by now is known of its plan and its drift too.
            columns.expect = 0;
        }
        if room(&columns) < TITLE {
            columns.drift = 0;
        }
        if room(&columns) < TITLE {
            columns.plan = 0;
        }
        columns.title = longest.min(room(&columns));
        columns
    }

    /// A time on another day than today says which: it needs more columns.
    fn make_room_for_days(&self, columns: &mut Columns) {
        let stages = || self.forecast.stages.iter();
        let widest = |times: &mut dyn Iterator<Item = String>| {
            times.map(|time| text::width(&time) + 1).max().unwrap_or_default()
        };
        let clock = |at| self.now.hour_minute(at);
        let plan = widest(&mut stages().filter_map(|times| times.planned).map(clock));
        let actual = widest(&mut stages().filter_map(|times| times.actual).map(clock));
        let expect = widest(
            &mut stages().filter_map(|times| times.expected).map(|moment| course::expected(moment, self.now)),
        );
        let Columns { plan: has_plan, actual: has_actual, expect: has_expect, .. } = columns;
        for (column, cols) in [(has_plan, plan), (has_actual, actual), (has_expect, expect)] {
            if *column > 0 {
                *column = cols.max(*column);
            }
        }
    }

    /// The columns of a stage's state, and of how long it took beside it.
    fn status_cols(&self, stage: &Stage) -> usize {
        let (_, word) = status::stage(self.state, stage, self.now);
        let took = self.took(stage).first().map_or(0, String::len);
        2 + text::width(&text::safe(&word)) + took
    }

    fn head(&self, columns: Columns, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        Row::new(cols)
            .cell("", 2, dim)
            .right("#", 2, dim)
            .gap(1)
            .cell("stage", columns.title, dim)
            .right("plan", columns.plan, dim)
            .right("actual", columns.actual + usize::from(columns.actual > 0), dim)
            .right("drift", columns.drift, dim)
            .right("expect", columns.expect, dim)
            .gap(1)
            .text("status", dim)
            .end(" took", dim)
    }

    /// A stage's row; `tall` says whether its title may take several lines.
    fn stage(&self, number: usize, stage: &Stage, columns: Columns, cols: u16, tall: bool) -> Row {
        let theme = self.look.theme;
        let selected = self.selected == Some(&stage.id);
        let in_hand = self.state.current_stage() == Some(&stage.id);
        let (mark, word) = status::stage(self.state, stage, self.now);
        let row = Row::new(cols).cell(if selected { ">" } else { "" }, 2, theme.key);
        let row = row.right(&number.to_string(), 2, theme.dim).gap(1);
        let name = if in_hand { theme.title } else { theme.text };
        let row = row.tall(tall).name(title(stage), columns.title, name).tall(self.look.zoomed);
        let row = self.times(self.forecast.stage(&stage.id), columns, row).gap(1);
        let what = format!("{} {word}", theme.glyph(mark));
        let left = row.left().saturating_sub(text::width(&text::safe(&what)));
        let took = self.took(stage).into_iter().find(|took| took.len() <= left).unwrap_or_default();
        let row = row.text(&what, theme.mark(mark));
        // What is being done in it, where there is room beside what it took.
        let beside = left.saturating_sub(took.len() + 2);
        let doing = self.doing(stage).filter(|_| in_hand && beside > 7);
        let row = match doing {
            Some(doing) => row.gap(2).upto(&doing, beside, theme.text),
            None => row,
        };
        let over = in_hand && self.is_over(stage);
        row.end(&took, if over { theme.warn } else { theme.text })
    }

    fn times(&self, times: Option<&StageTimes>, columns: Columns, row: Row) -> Row {
        let theme = self.look.theme;
        let late = times.and_then(StageTimes::late_ms);
        let drift_style = course::mark(late).map_or(theme.dim, |mark| theme.mark(mark));
        let clock = |at: Option<_>| at.map_or_else(|| "-".to_owned(), |at| self.now.hour_minute(at));
        let expected =
            times.and_then(|times| times.expected).map(|moment| course::expected(moment, self.now));
        row.right(&clock(times.and_then(|times| times.planned)), columns.plan, theme.dim)
            .right(
                &clock(times.and_then(|times| times.actual)),
                columns.actual + usize::from(columns.actual > 0),
                theme.text,
            )
            .right(&late.map(course::drift).unwrap_or_default(), columns.drift, drift_style)
            .right(&expected.unwrap_or_default(), columns.expect, theme.dim)
    }

    /// How long it took or has taken; while its steps run, of how long. The fuller way first, a gap before each.
    fn took(&self, stage: &Stage) -> Vec<String> {
        let seen = self.state.stages.get(&stage.id);
        let Some((seen, entered)) = seen.and_then(|seen| Some((seen, seen.entered?))) else {
            return Vec::new();
        };
        // What is over does not go on.
        let over = self.state.outcome.as_ref().map(|(_, closed)| *closed);
        let end = seen.ended.or(over).unwrap_or(self.now);
        let took = format!(" {}", format::took(self.state.since(entered, end)));
        let budget = stage.estimate.filter(|_| seen.status == StageStatus::Active);
        let of = budget.map(|budget| format!("{took}/{}", format::about(format::ms(budget))));
        of.into_iter().chain([took]).collect()
    }

    fn is_over(&self, stage: &Stage) -> bool {
        let seen = self.state.stages.get(&stage.id).filter(|seen| seen.status == StageStatus::Active);
        let elapsed = seen.and_then(|seen| seen.entered).map(|at| self.state.since(at, self.now));
        elapsed.zip(stage.estimate).is_some_and(|(elapsed, estimate)| elapsed > format::ms(estimate))
    }

    /// The step in hand.
    fn doing(&self, stage: &Stage) -> Option<String> {
        let open = stage.steps.iter().find(|step| self.state.step(&step.id).status.is_open());
        let over = if self.is_over(stage) { "  OVER" } else { "" };
        open.map(|step| format!("{}{over}", step.id.step()))
    }

    fn point_of_no_return(&self, stage: &Stage, cols: u16) -> Row {
        let theme = self.look.theme;
        let (line, style) = (theme.glyphs.line, theme.point_of_no_return);
        let passed = rollback::point_passed(self.state) == Some(&stage.id);
        let (text, tail) = match passed {
            true => (" POINT OF NO RETURN PASSED ", " what came before it is only restored "),
            false => (" POINT OF NO RETURN ", " after it: restore, not rollback "),
        };
        let row = Row::new(cols).text(&line.repeat(2), style).text(text, style);
        let row = row.text(&line.repeat(2), style);
        let row = if row.left() > tail.len() { row.text(tail, theme.dim) } else { row };
        let rest = line.repeat(row.left());
        row.text(&rest, style)
    }

    /// Stages that are done, that are under way, and all that apply.
    fn progress(&self) -> (usize, usize, usize) {
        let count = |wanted: &[StageStatus]| {
            self.state.stages.values().filter(|stage| wanted.contains(&stage.status)).count()
        };
        let begun = count(&[StageStatus::Active, StageStatus::AtGate]);
        (count(&[StageStatus::Passed]), begun, self.state.stages.len() - count(&[StageStatus::Skipped]))
    }

    /// How far it has come and when it will be done; while it goes back, how far back it is.
    fn progress_line(&self, cols: u16) -> Row {
        let theme = self.look.theme;
        if let Some(left) = back_left(self.state, self.now) {
            return going_back::row(&left, self.now, cols, theme);
        }
        let (done, begun, of) = self.progress();
        let eta = course::eta(self.forecast, self.now).map(|eta| format!("  {eta}")).unwrap_or_default();
        let words = format!("{done}/{of} done{eta}");
        let bar_cols = usize::from(cols).saturating_sub(text::width(&words) + 4).min(40);
        let row = Row::new(cols).gap(1);
        let row = match bar_cols {
            6.. => row.text(&bar(done, begun, of, bar_cols, theme.glyphs), theme.dim).gap(2),
            _ => row,
        };
        let row = row.text(&words, theme.text);
        match self.without() {
            Some(without) if row.left() > without.len() + 2 => row.gap(2).text(&without, theme.dim),
            _ => row,
        }
    }

    /// What is in no estimate.
    fn without(&self) -> Option<String> {
        let gates = self.forecast.gates;
        let plural = if gates == 1 { "" } else { "s" };
        (gates > 0).then(|| format!("and what people take at {gates} gate{plural}"))
    }
}
