//! A stage: what it is, how it went, what its gate wants, what undoing it would run.

use crate::runbook::StageId;
use crate::runbook::model::Override;
use crate::runbook::plan::in_order;
use crate::session::{StageStatus, gate};
use crate::ui::format::{about, ms};
use crate::ui::popups::row::{Row, Tone};
use crate::ui::popups::standing::{mark, word};
use crate::ui::popups::{Context, preflight, preview, roll_call};
use crate::ui::theme::Mark;

pub fn rows(id: &StageId, cx: &Context) -> Option<Vec<Row>> {
    let plan = cx.state.stage_plan(id)?;
    let seen = cx.state.stages.get(id);
    let status = seen.map_or(StageStatus::Pending, |stage| stage.status);
    let mut rows = vec![Row::title(&plan.title).and(Tone::Dim, format!("  {}", status_word(status)))];
    rows.extend(plan.description.iter().flat_map(|text| text.lines()).map(Row::new));
    if let Some(entered) = seen.and_then(|stage| stage.entered) {
        let ended = seen.and_then(|stage| stage.ended).map(|at| format!(", ended {}", cx.now.second(at.at)));
        rows.push(Row::dim(format!("entered {}{}", cx.now.second(entered.at), ended.unwrap_or_default())));
    }
    rows.extend(plan.estimate.map(|estimate| Row::dim(format!("about {}", about(ms(estimate))))));
    if !plan.applies {
        rows.push(Row::mark(Mark::Pending, "its `when` is false here: it counts as skipped"));
    }
    if plan.point_of_no_return {
        rows.push(Row::toned(Tone::PointOfNoReturn, " POINT OF NO RETURN "));
    }
    rows.push(Row::blank());
    rows.push(Row::title("STEPS"));
    for step in &plan.steps {
        let status = cx.state.step(&step.id).status;
        rows.push(
            Row::mark(mark(status), step.id.as_str())
                .and(Tone::Dim, format!("  {}  {}  ", step.action.kind(), word(status)))
                .and(Tone::Plain, &step.title)
                .indent(1),
        );
    }
    rows.push(Row::blank());
    if matches!(status, StageStatus::Active | StageStatus::AtGate) {
        rows.extend(preflight::verdict(&gate::evaluate(cx.state, id)));
        rows.push(Row::blank());
        rows.extend(preflight::rows(Some(id), cx));
        rows.extend(roll_call::rows(id, cx));
    } else {
        rows.push(Row::title("GATE"));
        let checks = plan.gate.checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        rows.push(Row::new(if checks.is_empty() { "no checks".to_owned() } else { checks }).indent(1));
        rows.extend(plan.gate.soak.map(|soak| Row::new(format!("soak {}", about(ms(soak)))).indent(1)));
        rows.extend(plan.gate.accept.iter().map(|item| Row::new(format!("accept: {item}")).indent(1)));
    }
    rows.push(Row::dim(match plan.gate.over {
        Override::Reason => "a NO-GO may be overridden with a reason",
        Override::Two => "a NO-GO may be overridden with a reason and a second person's word",
        Override::Never => "a NO-GO may never be overridden",
    }));
    if let Some(reason) = seen.and_then(|stage| stage.overridden.as_ref()) {
        rows.push(Row::mark(Mark::Warn, format!("promoted with an override: {reason}")));
    }
    rows.push(Row::blank());
    if plan.rollback.is_empty() {
        rows.push(Row::title("TO UNDO IT").and(Tone::Plain, "  nothing is run: it has no undo steps"));
        return Some(rows);
    }
    rows.push(Row::title("TO UNDO IT").and(Tone::Dim, format!("  {}", in_order(&plan.rollback))));
    rows.extend(plan.rollback.iter().flat_map(|step| preview::step(step, cx.state)));
    Some(rows)
}

fn status_word(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Pending => "pending",
        StageStatus::Active => "active",
        StageStatus::AtGate => "at its gate",
        StageStatus::Passed => "passed",
        StageStatus::RollingBack => "rolling back",
        StageStatus::RolledBack => "rolled back",
        StageStatus::Skipped => "skipped",
    }
}
