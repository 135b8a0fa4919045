//! How one step stands: what every dialog about a step shows of it and holds it to.

use super::Context;
use super::dialog::Facts;
use super::row::{Row, Tone};
use crate::runbook::StepId;
use crate::runbook::model::Step;
use crate::session::{Refusal, State, StepStatus};
use crate::ui::theme::Mark;

/// The runbook's step of that name.
///
/// # Errors
/// That there is none.
pub fn known<'a>(state: &'a State, step: &StepId) -> Result<&'a Step, Refusal> {
    state.step_plan(step).ok_or_else(|| Refusal::new(format!("there is no step {step}")))
}

/// What a dialog about one step must find unchanged.
pub fn of_step(step: &StepId, state: &State) -> Facts {
    let seen = state.step(step);
    let ending = if seen.killed.is_some() { ", being ended" } else { "" };
    Facts::default().and(step.to_string(), format!("{}{ending}, attempt {}", word(seen.status), seen.attempt))
}

/// How a step stands: its state, its attempt, why.
pub fn standing(step: &StepId, cx: &Context) -> Vec<Row> {
    let seen = cx.state.step(step);
    let title = cx.state.step_plan(step).map(|plan| plan.title.clone()).unwrap_or_default();
    let attempt = if seen.attempt > 0 { format!("  attempt {}", seen.attempt) } else { String::new() };
    let mut rows = vec![
        Row::title(step.as_str()).and(Tone::Plain, format!("  {title}")),
        Row::mark(mark(seen.status), word(seen.status)).and(Tone::Dim, attempt),
    ];
    if let Some(why) = &seen.why {
        rows.extend(why.lines().map(|line| Row::new(line).indent(2)));
    }
    rows
}

/// The word for a step's state.
pub fn word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "pending",
        StepStatus::Running => "running",
        StepStatus::Waiting => "waiting",
        StepStatus::Passed => "passed",
        StepStatus::Failed => "failed",
        StepStatus::Unknown => "unknown",
        StepStatus::Skipped => "skipped",
    }
}

/// The glyph for a step's state.
pub fn mark(status: StepStatus) -> Mark {
    match status {
        StepStatus::Pending => Mark::Pending,
        StepStatus::Running => Mark::Running,
        StepStatus::Waiting | StepStatus::Unknown => Mark::Ask,
        StepStatus::Passed => Mark::Ok,
        StepStatus::Failed => Mark::Fail,
        StepStatus::Skipped => Mark::Warn,
    }
}
