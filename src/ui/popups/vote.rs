//! A vote: GO or NO-GO at the gate of the stage in hand, for the role that one stands for, with a note. A NO-GO is a
//! vote too: Esc gives none.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome, preflight, roll_call};
use crate::event::Person;
use crate::runbook::StageId;
use crate::session::votes::Vote as Given;
use crate::session::{Command, Refusal, gate};
use crate::ui::theme::Mark;

/// Opens the vote at the gate of the stage in hand.
pub fn open(cx: &Context) -> Opened {
    let Some(stage) = cx.state.current_stage() else {
        return Err(Refusal::new("no stage is in hand: there is no gate to vote at"));
    };
    Dialog::open(Vote { stage: stage.clone() }, cx)
}

#[derive(Debug)]
struct Vote {
    stage: StageId,
}

/// The roles that the gate asks for and whoever sits here stands for.
fn own_roles(stage: &StageId, cx: &Context) -> Vec<String> {
    let asked = cx.state.stage_plan(stage).map(|plan| plan.gate.roles.as_slice()).unwrap_or_default();
    let me = cx.operator.and_then(|me| cx.state.crew.get(&me.person));
    asked.iter().filter(|role| me.is_some_and(|me| me.roles.contains(role))).cloned().collect()
}

impl Vote {
    fn command(&self, form: &Form, go: bool, cx: &Context) -> Command {
        let role = own_roles(&self.stage, cx).into_iter().nth(form.choice("role"));
        Command::Vote { stage: self.stage.clone(), role, go, note: form.text("note") }
    }
}

impl Question for Vote {
    fn page(&self, form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.command(form, true, cx), cx)?;
        let mut rows = vec![match cx.state.stage_plan(&self.stage) {
            Some(plan) => {
                Row::title(format!("Stage {}", self.stage)).and(Tone::Plain, format!("  {}", plan.title))
            }
            None => Row::title(format!("Stage {}", self.stage)),
        }];
        let roles = own_roles(&self.stage, cx);
        rows.extend(cx.operator.map(|me| as_whom(me, &roles)));
        rows.extend(former(&self.stage, cx));
        rows.push(Row::blank());
        rows.extend(preflight::verdict(&gate::evaluate(cx.state, &self.stage)));
        rows.push(Row::blank());
        let calls = roll_call::rows(&self.stage, cx);
        if calls.is_empty() {
            rows.push(Row::dim(
                "This gate asks for no vote. A NO-GO holds it all the same, until it is taken back.",
            ));
        }
        rows.extend(calls);
        rows.push(Row::blank());
        rows.extend(preflight::rows(Some(&self.stage), cx));
        let mut page = Page {
            title: "VOTE".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            buttons: vec![
                Button::close("no vote").key(None),
                Button::act("no", "NO-GO").key('n').at_once(),
                Button::act("go", "GO").key('y'),
            ],
            first: 1,
            ..Page::default()
        };
        if roles.len() > 1 {
            page.fields.push(Field::choice("role", "for", roles));
        }
        page.fields.push(Field::text("note", "note", false));
        Ok(page)
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let seen = cx.state.stages.get(&self.stage);
        let votes = seen.map(|seen| seen.votes.iter().map(line).collect::<Vec<_>>().join(", "));
        Facts::default()
            .and("the stage in hand", cx.state.current_stage().map_or("none", StageId::as_str))
            .and("the gate", gate::evaluate(cx.state, &self.stage).in_a_line())
            .and("the votes", votes.unwrap_or_default())
    }

    fn decisive(&self) -> bool {
        true
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, cx: &Context) -> Outcome {
        Outcome::Ask { command: self.command(form, word == "go", cx), seen }
    }
}

fn as_whom(me: &Person, roles: &[String]) -> Row {
    let role = match roles {
        [] => String::new(),
        [role] => format!(" for {role}"),
        _ => " for the role that you choose".to_owned(),
    };
    Row::dim(format!(
        "You vote as {}{role}, and it is recorded. It holds until a gate check fails or a step runs again.",
        me.person
    ))
}

/// What was said here before: another vote takes its place.
fn former(stage: &StageId, cx: &Context) -> Option<Row> {
    let me = cx.operator?;
    let vote = cx.state.stages.get(stage)?.standing().find(|vote| vote.person == me.person)?;
    let word = if vote.go { "GO" } else { "NO-GO" };
    Some(Row::mark(
        Mark::Warn,
        format!("You voted {word} at {}; another vote takes its place.", cx.now.second(vote.at)),
    ))
}

fn line(vote: &Given) -> String {
    let role = vote.role.as_ref().map(|role| format!(" for {role}")).unwrap_or_default();
    let void = if vote.void.is_some() { " (void)" } else { "" };
    format!("{} {}{role}{void}", vote.person, if vote.go { "GO" } else { "NO-GO" })
}
