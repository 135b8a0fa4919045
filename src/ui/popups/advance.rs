//! GO / NO-GO: the preflight, what will run, what the way back is, and the one button that goes on.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::preflight;
use super::preview;
use super::roll_call;
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome};
use crate::event::Seat;
use crate::runbook::StageId;
use crate::runbook::model::{Override, Stage, Trigger};
use crate::runbook::plan::{describe_trigger, steps_estimate};
use crate::session::gate::{self, Missing, Verdict};
use crate::session::telemetry::LogHealth;
use crate::session::{Command, Refusal, StageStatus, State, rollback, second, way_back as back};
use crate::ui::crew;
use crate::ui::format::{about, ms, time};
use crate::ui::theme::Mark;

/// Opens GO / NO-GO for the next stage.
pub fn open(cx: &Context) -> Opened {
    // Whoever does not drive is told so at once, and not at the end of a preflight.
    if cx.operator.is_some_and(|operator| cx.state.seat_of(operator) != Seat::Driver) {
        may(&Command::Advance { typed: None, over: None }, cx)?;
    }
    Dialog::open(Advance, cx)
}

#[derive(Debug)]
struct Advance;

/// Where the cutover stands before an advance.
pub struct Crossing<'a> {
    pub current: Option<&'a StageId>,
    pub next: Option<&'a Stage>,
    pub verdict: Verdict,
    /// The stage in hand has come to its gate; true where none is in hand.
    at_gate: bool,
}

impl<'a> Crossing<'a> {
    pub fn of(cx: &Context<'a>) -> Self {
        let state = cx.state;
        let current = state.current_stage();
        let mut verdict = current.map_or_else(|| gate::escape_hatch(state), |id| gate::evaluate(state, id));
        if let LogHealth::Full(why) | LogHealth::Failed(why) = &cx.telemetry.log {
            verdict.missing.push(Missing {
                what: format!("the log cannot be written: {why}"),
                release: "a log that can be written".to_owned(),
                liftable: false,
            });
        }
        let at_gate = current
            .and_then(|id| state.stages.get(id))
            .is_none_or(|stage| stage.status == StageStatus::AtGate);
        let next = state.next_stage().and_then(|id| state.stage_plan(id));
        let mut crossing = Self { current, next, verdict, at_gate };
        if crossing.is_go() {
            // the engine has the last word: a pause, a hold, a seat
            let typed = crossing.to_type().map(ToString::to_string);
            if let Err(Refusal(what)) = may(&Command::Advance { typed, over: None }, cx) {
                crossing.verdict.missing.push(Missing { what, release: String::new(), liftable: false });
            }
        }
        crossing
    }

    fn is_go(&self) -> bool {
        self.verdict.is_go() && self.at_gate
    }

    /// Whether a NO-GO may be overridden now.
    ///
    /// # Errors
    /// Why not, in the engine's own words.
    fn may_override(&self, cx: &Context) -> Result<(), Refusal> {
        if self.verdict.is_go() {
            return Err(Refusal::new("the stage has not come to its gate yet"));
        }
        if let Some(missing) = self.verdict.missing.iter().find(|missing| !missing.liftable) {
            return Err(Refusal::new(format!("an override does not lift this: {}", missing.what)));
        }
        let typed = self.to_type().map(ToString::to_string);
        may(&Command::Advance { typed, over: Some("-".to_owned()) }, cx)
    }

    /// An override needs a second person's word.
    fn needs_two(&self, state: &State) -> bool {
        let plan = self.current.and_then(|id| state.stage_plan(id));
        plan.is_some_and(|plan| plan.gate.over == Override::Two)
    }

    /// What has to be typed: the next stage where there is no way back from it, this one for an override.
    pub fn to_type(&self) -> Option<&'a StageId> {
        match self.next {
            Some(next) if next.point_of_no_return => Some(&next.id),
            _ if self.is_go() => None,
            _ => self.current,
        }
    }
}

impl Question for Advance {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        let state = cx.state;
        refuse_early(cx)?;
        let crossing = Crossing::of(cx);
        if crossing.current.is_none() && crossing.next.is_none() {
            return Err(Refusal::new("there is no stage left to enter"));
        }
        let mut body = vec![Text::Rows(header(&crossing, cx))];
        body.push(Text::Rows(verdict(&crossing)));
        body.push(Text::Rows(preflight::rows(crossing.current, cx)));
        body.push(Text::Rows(vec![Row::blank()]));
        let calls = crossing.current.map(|stage| roll_call::rows(stage, cx)).unwrap_or_default();
        if !calls.is_empty() {
            body.extend([Text::Rows(calls), Text::Rows(vec![Row::blank()])]);
        }
        body.push(Text::Pair(will_run(&crossing, state), if_it_goes_wrong(&crossing, cx)));
        let mut page = Page {
            title: "GO / NO-GO: waits for you, never times out to GO".to_owned(),
            tier: Tier::Risky,
            body,
            ..Page::default()
        };
        page.buttons.push(Button::close("NO-GO"));
        let go = crossing.is_go();
        if !go && let Err(Refusal(why)) = crossing.may_override(cx) {
            let why = Row::toned(Tone::Marked(Mark::Fail), format!("NO-GO: {why}"));
            page.body.push(Text::Rows(vec![Row::blank(), why]));
            return Ok(page);
        }
        let two = crossing.needs_two(state);
        let label = match (go, two) {
            (true, _) => "GO",
            (false, false) => "GO with override",
            (false, true) => "ASK A SECOND PERSON to override",
        };
        let mut button = Button::act("go", label).key('y');
        if !go {
            page.tier = Tier::Grave;
            page.body.push(Text::Rows(to_go_anyway(&crossing, two, cx)));
            page.fields.push(Field::text("reason", "reason", true));
            button = button.needs("reason");
        }
        if let Some(id) = crossing.to_type() {
            page.tier = Tier::Grave;
            page.fields.push(Field::typed("typed", format!("type {id}"), id.as_str()));
            button = button.needs("typed").key(None);
        }
        page.buttons.push(button);
        Ok(page)
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let crossing = Crossing::of(cx);
        let name = |id: Option<&StageId>| id.map_or("none", StageId::as_str).to_owned();
        Facts::default()
            .and("the stage in hand", name(crossing.current))
            .and("the next stage", name(crossing.next.map(|stage| &stage.id)))
            .and("the gate", if crossing.is_go() { "GO".to_owned() } else { crossing.verdict.in_a_line() })
            .and("what is missing", crossing.verdict.sentences().join("; "))
    }

    fn decisive(&self) -> bool {
        true
    }

    fn answer(&self, _word: &'static str, form: &Form, seen: u64, cx: &Context) -> Outcome {
        let go = Crossing::of(cx).is_go();
        let over = if go { None } else { form.text("reason") };
        let typed = form.page.fields.iter().any(|f| f.name == "typed").then(|| form.text("typed")).flatten();
        Outcome::Ask { command: Command::Advance { typed, over }, seen }
    }
}

/// What keeps the dialog shut, where a preflight would say nothing more.
fn refuse_early(cx: &Context) -> Result<(), Refusal> {
    let state = cx.state;
    let why = if cx.operator.is_none() {
        "nothing can be commanded here: this session is only shown"
    } else if state.runbook.is_none() {
        "this build cannot read the session's runbook"
    } else if state.is_closed() {
        "the session is over"
    } else if state.needs_acknowledgement() {
        "the policy is to be acknowledged first"
    } else if state.active_rollback().is_some() {
        "a rollback is under way"
    } else {
        return Ok(());
    };
    Err(Refusal::new(why))
}

fn header(crossing: &Crossing, cx: &Context) -> Vec<Row> {
    let Some(runbook) = &cx.state.runbook else { return Vec::new() };
    let mut rows = vec![match crossing.next {
        Some(next) => {
            let number = runbook.stage_index(&next.id).map_or(0, |n| n + 1);
            let head = if crossing.current.is_some() { "Advance to" } else { "Enter" };
            Row::title(format!("{head} stage {number} of {}: {}", runbook.stages.len(), next.id))
                .and(Tone::Plain, format!("  {}", next.title))
        }
        None => Row::title("Complete the session: this was the last stage"),
    }];
    let place = [runbook.environment.as_deref(), runbook.ticket.as_deref()];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join("  ");
    rows.push(Row::dim(format!(
        "evaluated {}, re-checked on confirm{}{place}",
        time(cx.now.at),
        if place.is_empty() { "" } else { "   " },
    )));
    if crossing.next.is_some_and(|next| next.point_of_no_return) {
        rows.push(Row::toned(
            Tone::PointOfNoReturn,
            " POINT OF NO RETURN: once its first step has started, nothing before it can be rolled back ",
        ));
    }
    rows.push(Row::blank());
    rows
}

/// What an override takes.
fn to_go_anyway(crossing: &Crossing, two: bool, cx: &Context) -> Vec<Row> {
    let count = crossing.verdict.missing.len();
    let warn = |text: String| Row::toned(Tone::Marked(Mark::Warn), text);
    if !two {
        let how = "To go anyway, give a reason and type the stage's id. Both are logged.";
        return vec![Row::blank(), warn(format!("{count} BLOCKING. {how}"))];
    }
    let how = "To go anyway, give a reason and type the stage's id; then a second person must confirm. Both are logged.";
    let mut rows = vec![Row::blank(), warn(format!("{count} BLOCKING. {how}"))];
    if let Some((_, asked)) = second::standing(cx.state) {
        rows.push(Row::mark(Mark::Ask, format!("{} asked already: {}", asked.by, asked.reason)));
    }
    let seconds = cx.operator.map(|me| crew::seconds(cx.state, &me.person)).unwrap_or_default();
    rows.push(match seconds.as_slice() {
        [] => Row::mark(Mark::Warn, "nobody is here who could confirm it: `gonogo attach` brings somebody"),
        some => Row::mark(Mark::Ok, format!("could confirm it: {}", some.join(", "))),
    });
    rows
}

fn verdict(crossing: &Crossing) -> Vec<Row> {
    let mut rows = if crossing.verdict.is_go() && !crossing.at_gate {
        vec![Row::toned(Tone::Marked(Mark::Fail), "NO-GO: the stage has not come to its gate yet")]
    } else {
        preflight::verdict(&crossing.verdict)
    };
    rows.push(Row::blank());
    rows
}

/// The steps of the next stage.
pub fn will_run(crossing: &Crossing, state: &State) -> Vec<Row> {
    let Some(next) = crossing.next else {
        return vec![Row::title("WILL RUN"), Row::new("nothing: the session closes as completed").indent(1)];
    };
    let steps: Vec<_> = next.steps.iter().filter(|step| step.applies).collect();
    let time = next.estimate.map_or_else(
        || steps_estimate(&next.steps).to_string(),
        |estimate| format!("about {}", about(ms(estimate))),
    );
    let what = match steps.len() {
        0 => "no step: it comes to its gate at once".to_owned(),
        number => format!("{}, {time}", count(number, "step")),
    };
    let mut rows = vec![Row::title("WILL RUN").and(Tone::Dim, format!("  {what}"))];
    rows.extend(steps.into_iter().flat_map(|step| preview::step(step, state)));
    rows.extend(
        next.gate.soak.map(|soak| Row::dim(format!("then it soaks for {}", about(ms(soak)))).indent(1)),
    );
    rows
}

/// The way back from the next stage.
pub fn if_it_goes_wrong(crossing: &Crossing, cx: &Context) -> Vec<Row> {
    let mut rows = vec![Row::title("IF IT GOES WRONG")];
    let Some(next) = crossing.next else {
        rows.push(Row::new("a completed session cannot be rolled back").indent(1));
        return rows;
    };
    let undo: Vec<_> = next.rollback.iter().filter(|step| step.applies).collect();
    if undo.is_empty() {
        let what =
            if next.steps.is_empty() { "it changes nothing" } else { "it has no rollback steps of its own" };
        rows.push(Row::new(what).indent(1));
    } else {
        let time = back::takes_of(cx.state, undo.iter().copied()).in_words();
        rows.push(
            Row::new(format!("{} of this stage, {time}:", count(undo.len(), "rollback step"))).indent(1),
        );
        rows.extend(undo.into_iter().flat_map(|step| preview::step(step, cx.state)));
    }
    if next.point_of_no_return {
        let behind = "behind its first step what was done before stays: there is no rollback to before it";
        rows.push(Row::new(behind).indent(1));
    } else {
        rows.push(Row::new(way_back(cx.state)).indent(1));
        rows.push(Row::new(preflight::window(cx)).indent(1));
    }
    let runbook = cx.state.runbook.as_ref();
    let of_it = |trigger: &&Trigger| trigger.stage.as_ref().is_none_or(|stage| *stage == next.id);
    for trigger in runbook.iter().flat_map(|r| &r.triggers).filter(|t| t.applies).filter(of_it) {
        rows.push(Row::mark(Mark::Warn, format!("by itself: {}", describe_trigger(trigger))).indent(1));
    }
    let after = runbook.and_then(|r| r.stages.get(r.stage_index(&next.id)? + 1));
    if after.is_some_and(|stage| stage.point_of_no_return && stage.applies) {
        rows.push(
            Row::toned(Tone::PointOfNoReturn, " the stage after it is the point of no return ").indent(1),
        );
    }
    rows
}

/// What everything that was done so far takes to undo.
fn way_back(state: &State) -> String {
    let Some(plan) = rollback::plan(state, None) else {
        return "so far there is nothing to roll back".to_owned();
    };
    let steps: Vec<_> = plan.steps.iter().filter_map(|id| state.step_plan(id)).collect();
    let how_many = count(steps.len(), "step");
    let how_long = back::takes_of(state, steps).in_words();
    format!("so far, all the way back to before {}: {how_many}, {how_long}", plan.to)
}

/// `1 step`, `3 steps`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
