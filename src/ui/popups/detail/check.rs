//! A check: what it looks at, what it expects, its thresholds, its last samples.

use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::describe::describe_probe;
use crate::runbook::model::Check;
use crate::runbook::plan::{self, expect};
use crate::session::telemetry::{SamplePoint, Verdict};
use crate::session::versus;
use crate::ui::format::{about, latency, ms};
use crate::ui::popups::Context;
use crate::ui::popups::row::{Row, Tone};
use crate::ui::theme::Mark;

/// How many samples are listed, newest first.
const SAMPLES: usize = 40;

pub fn rows(id: &CheckId, cx: &Context) -> Option<Vec<Row>> {
    let runbook = cx.state.runbook.as_ref()?;
    let check = runbook.check(id)?;
    let seen = cx.state.check(id);
    let mark = match seen.health {
        Health::Ok => Mark::Ok,
        Health::Failing => Mark::Fail,
        Health::Stale => Mark::Stale,
        Health::Idle | Health::Pending => Mark::Pending,
    };
    let mut rows = vec![
        Row::title(id.as_str()).and(Tone::Plain, format!("  {}", check.title)),
        Row::mark(mark, seen.health.word())
            .and(Tone::Plain, seen.value.as_ref().map(|value| format!("  {value}")).unwrap_or_default())
            .and(
                Tone::Dim,
                seen.changed.map(|at| format!("  since {}", cx.now.second(at.at))).unwrap_or_default(),
            ),
    ];
    if !seen.reason.is_empty() {
        rows.push(Row::new(&seen.reason).indent(2));
    }
    if !check.applies || check.advisory {
        let why = if check.applies { "advisory" } else { "its `when` is false here" };
        rows.push(Row::dim(format!("shown, never counted: {why}")));
    }
    rows.push(Row::blank());
    let scope = plan::scope(runbook);
    rows.push(Row::title("LOOKS AT"));
    let target = describe_probe(&check.probe, &scope, &runbook.shell);
    rows.extend(Row::exact(Tone::Plain, &target).map(|row| row.indent(2)));
    rows.push(Row::title("EXPECTS"));
    rows.extend(expect::of_check(check, &scope).into_iter().map(|phrase| Row::new(phrase).indent(2)));
    rows.push(Row::dim(format!(
        "every {}, timeout {}; OK after {} good in a row, failing after {} bad",
        about(ms(check.period)),
        about(ms(check.timeout)),
        check.success_threshold,
        check.failure_threshold,
    )));
    rows.extend(beside(check, cx));
    rows.push(Row::blank());
    let series = cx.telemetry.checks.get(id);
    let streak = series.map_or(0, |series| series.streak);
    rows.push(Row::title("SAMPLES").and(
        Tone::Dim,
        match streak {
            0 => "  none yet".to_owned(),
            n if n > 0 => format!("  {n} good in a row"),
            n => format!("  {} bad in a row", n.unsigned_abs()),
        },
    ));
    let samples = series.into_iter().flat_map(|series| series.samples.iter().rev().take(SAMPLES));
    rows.extend(samples.map(|sample| self::sample(sample, cx.now.up_ms)));
    Some(rows)
}

/// What it is held against, and what is left of the way to the limits.
fn beside(check: &Check, cx: &Context) -> Vec<Row> {
    let all = versus::all(cx.state, cx.telemetry);
    let Some(one) = all.iter().find(|one| one.check.id == check.id) else { return Vec::new() };
    let mut rows = vec![Row::blank(), Row::title("OLD | NEW")];
    let step = versus::step_of(cx.state, &one.rule.baseline);
    let Some(old) = one.old else {
        let by = step.map_or_else(|| "nothing takes it".to_owned(), |step| format!("{step} takes it"));
        rows.push(Row::mark(Mark::Pending, format!("no baseline {}: {by}", one.rule.baseline)).indent(1));
        return rows;
    };
    let ended = step.and_then(|step| cx.state.step(step).ended);
    let taken = ended.map(|at| format!(", taken {}", cx.now.second(at.at))).unwrap_or_default();
    let from =
        format!("  baseline {} of {}, {} samples{taken}", one.rule.baseline, one.rule.check, old.samples);
    rows.push(Row::new(format!("old  {}", one.unit.show(old.value))).and(Tone::Dim, from).indent(1));
    let new = one.new.map_or_else(|| "not known yet".to_owned(), |new| one.unit.show(new));
    rows.push(Row::new(format!("new  {new}")).indent(1));
    let (least, most) = one.rule.bounds(old.value);
    let limits = [("min", least), ("max", most)].into_iter();
    rows.extend(
        limits.filter_map(|(word, limit)| {
            Some(Row::new(format!("{word}  {}", one.unit.show(limit?))).indent(1))
        }),
    );
    rows.extend(one.headroom.map(|headroom| {
        let mark = if headroom.room < 0.0 { Mark::Fail } else { Mark::Ok };
        Row::mark(mark, format!("headroom {}", one.unit.show(headroom.room))).indent(1)
    }));
    rows
}

fn sample(sample: &SamplePoint, now_up_ms: u64) -> Row {
    let (mark, word) = match sample.verdict {
        Verdict::Pass => (Mark::Ok, "pass"),
        Verdict::Failed => (Mark::Fail, "failed"),
        Verdict::Error => (Mark::Stale, "not observed"),
        Verdict::Pending => (Mark::Pending, "too early"),
    };
    let ago = about(now_up_ms.saturating_sub(sample.up_ms));
    Row::mark(mark, word)
        .and(Tone::Plain, sample.value.as_ref().map(|value| format!("  {value}")).unwrap_or_default())
        .and(Tone::Dim, format!("  {}, {ago} ago", latency(sample.took_ms)))
        .and(
            Tone::Plain,
            if sample.reason.is_empty() { String::new() } else { format!("  {}", sample.reason) },
        )
        .indent(1)
}
