//! Rolling back: how far, and exactly what that cancels and runs, in order.

use super::advance::count;
use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::preflight;
use super::preview;
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome};
use crate::runbook::model::{Action, Step};
use crate::runbook::{StageId, StepId};
use crate::session::rollback::{self, Plan};
use crate::session::{Command, Refusal, State, gate, way_back};
use crate::ui::format::{about, ms, time};
use crate::ui::theme::Mark;

/// Opens the choice of how far to roll back: at first to where anything is undone, for nothing comes back of a stage that
/// did nothing.
pub fn open(cx: &Context) -> Opened {
    let undoes = |to: &StageId| {
        rollback::plan(cx.state, Some(to))
            .is_some_and(|plan| !plan.steps.is_empty() || !plan.cancels.is_empty())
    };
    let nearest = rollback::targets(cx.state).iter().position(undoes).unwrap_or(0);
    Dialog::filled(RollBack, cx, |form| form.choose("to", nearest))
}

#[derive(Debug)]
struct RollBack;

/// The plan for the choice that stands in the form.
fn chosen(form: &Form, state: &State) -> Option<Plan> {
    let targets = rollback::targets(state);
    let target = targets.get(form.choice("to")).or(targets.first())?;
    rollback::plan(state, Some(target))
}

impl Question for RollBack {
    fn page(&self, form: &Form, cx: &Context) -> Result<Page, Refusal> {
        let state = cx.state;
        // the smallest is the one that is possible where any is; whether a reason is needed shows in the form
        let to = rollback::targets(state).into_iter().next();
        may(&Command::Rollback { to, reason: Some("-".to_owned()) }, cx)?;
        let plan = chosen(form, state).ok_or_else(|| Refusal::new("there is nothing to roll back"))?;
        let needs_reason = rollback::window_is_over(state, cx.now);
        let mut fields = vec![
            Field::choice("to", "undo down to", options(state)),
            Field::text("reason", "reason", needs_reason),
        ];
        let mut button = Button::act("roll back", "ROLL BACK").key('y');
        if needs_reason {
            button = button.needs("reason");
        }
        let mut tier = Tier::Risky;
        if plan.stages.len() > 1 {
            tier = Tier::Grave;
            fields.push(Field::typed("typed", format!("type {}", plan.to), plan.to.as_str()));
            button = button.needs("typed").key(None);
        }
        Ok(Page {
            title: "ROLL BACK".to_owned(),
            tier,
            body: vec![Text::Rows(rows(&plan, cx))],
            fields,
            buttons: vec![Button::close("stay"), button],
            ..Page::default()
        })
    }

    fn facts(&self, form: &Form, cx: &Context) -> Facts {
        let names = |ids: &[StepId]| ids.iter().map(StepId::as_str).collect::<Vec<_>>().join(", ");
        let Some(plan) = chosen(form, cx.state) else {
            return Facts::default().and("the rollback", "possible no more");
        };
        Facts::default()
            .and("the rollback", format!("down to {}", plan.to))
            .and("what is cancelled", names(&plan.cancels))
            .and("what runs", names(&plan.steps))
    }

    fn decisive(&self) -> bool {
        true
    }

    fn answer(&self, _word: &'static str, form: &Form, seen: u64, cx: &Context) -> Outcome {
        let to = chosen(form, cx.state).map(|plan| plan.to);
        Outcome::Ask { command: Command::Rollback { to, reason: form.text("reason") }, seen }
    }
}

/// The stages that a rollback may go down to. How much that is stands in the text: while steps end it is another, and the
/// choice stays the same.
fn options(state: &State) -> Vec<String> {
    let plans = rollback::targets(state).into_iter().filter_map(|to| rollback::plan(state, Some(&to)));
    plans.map(|plan| format!("{}{}", plan.to, if plan.full { " (everything)" } else { "" })).collect()
}

fn rows(plan: &Plan, cx: &Context) -> Vec<Row> {
    let state = cx.state;
    let known = |ids: &[StepId]| ids.iter().filter_map(|id| state.step_plan(id)).collect::<Vec<&Step>>();
    let stages = plan.stages.iter().map(StageId::as_str).collect::<Vec<_>>().join(", then ");
    let mut rows = vec![
        Row::title("Undo ").and(Tone::Plain, stages),
        match rollback::stage_before(state, &plan.to).filter(|_| !plan.full) {
            Some(before) => Row::mark(
                Mark::Warn,
                format!(
                    "NOT all the way: what came before {} stays. It ends at the gate of {before}, whose checks start over.",
                    plan.to
                ),
            ),
            None => Row::new("Everything is undone; the session closes as rolled back."),
        },
        Row::dim(format!("as of {}; {}", time(cx.now.at), preflight::window(cx))),
    ];
    if !gate::escape_hatch(state).is_go() {
        rows.extend(preflight::escape_hatch(state));
        rows.push(Row::mark(Mark::Warn, "what is gone back to may not serve"));
    }
    rows.push(Row::blank());
    if !plan.cancels.is_empty() {
        rows.push(Row::toned(Tone::Marked(Mark::Warn), "ENDED FIRST"));
        for step in known(&plan.cancels) {
            let seen = state.step(&step.id);
            let how = if matches!(step.action, Action::Run { .. } | Action::Start { .. }) {
                "TERM, then KILL after 10s; counts as possibly applied"
            } else {
                "cancelled"
            };
            rows.push(
                Row::toned(Tone::Key, step.id.as_str())
                    .and(Tone::Plain, format!("  {}  attempt {}  {how}", step.action.kind(), seen.attempt))
                    .indent(1),
            );
        }
        rows.push(Row::blank());
    }
    let steps = known(&plan.steps);
    let time = way_back::takes_of(state, steps).in_words();
    let how_many = count(plan.steps.len(), "step");
    rows.push(Row::title("WILL RUN, in this order").and(Tone::Dim, format!("  {how_many}, {time}")));
    if plan.steps.is_empty() {
        rows.push(Row::new("no command: nothing that was started has an undo").indent(1));
    }
    rows.extend(preview::steps(&plan.steps, state));
    let left_out: Vec<_> = plan
        .stages
        .iter()
        .filter_map(|id| state.stage_plan(id))
        .flat_map(|stage| &stage.rollback)
        .filter(|step| !plan.steps.contains(&step.id))
        .map(|step| step.id.as_str())
        .collect();
    if !left_out.is_empty() {
        rows.push(Row::dim(format!(
            "left out, as what they undo was never started: {}",
            left_out.join(", ")
        )));
    }
    if let Some(gate) = state.runbook.as_ref().and_then(|r| r.rollback.gate.as_ref()).filter(|_| plan.full) {
        let checks = gate.checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let within = about(ms(gate.timeout));
        rows.push(Row::blank());
        rows.push(Row::title("PROVEN BY").and(Tone::Plain, format!("  {checks}, green within {within}")));
    }
    if let Some(point) = rollback::point_passed(state) {
        rows.push(Row::blank());
        rows.push(Row::toned(
            Tone::PointOfNoReturn,
            format!(" {point} is behind you: nothing before it can be rolled back "),
        ));
    }
    rows
}
