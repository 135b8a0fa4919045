//! A second person's word on an override: who asks, what it lifts, why, and what runs then. It is as grave as the
//! override itself, so the stage's name is typed here too.

use super::advance::{Crossing, if_it_goes_wrong, will_run};
use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome, preflight, roll_call};
use crate::runbook::StageId;
use crate::session::second::{self, OverrideAsked};
use crate::session::{Command, Refusal, gate};
use crate::ui::theme::Mark;

/// Opens the override that waits for a second person.
pub fn open(cx: &Context) -> Opened {
    let Some((stage, _)) = second::standing(cx.state) else {
        return Err(Refusal::new("no override waits for a second person"));
    };
    Dialog::open(Second { stage: stage.clone() }, cx)
}

#[derive(Debug)]
struct Second {
    stage: StageId,
}

impl Second {
    fn command(&self, go: bool, note: Option<String>) -> Command {
        Command::Second { stage: self.stage.clone(), go, note }
    }

    /// What is asked here and still waits.
    fn asked<'a>(&self, cx: &Context<'a>) -> Option<&'a OverrideAsked> {
        second::standing(cx.state).filter(|(stage, _)| **stage == self.stage).map(|(_, asked)| asked)
    }
}

impl Question for Second {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.command(false, None), cx)?;
        let Some(asked) = self.asked(cx) else {
            return Err(Refusal::new("no override waits for a second person"));
        };
        let crossing = Crossing::of(cx);
        let mut rows = vec![
            Row::title(format!("{} asks to override the gate of {}", asked.by, self.stage)),
            Row::new("reason: ").and(Tone::Title, &asked.reason),
            Row::blank(),
            Row::title("IT LIFTS"),
        ];
        rows.extend(asked.missing.iter().map(|what| Row::mark(Mark::Fail, what).indent(1)));
        rows.push(Row::blank());
        if let Some(next) = crossing.next.filter(|next| next.point_of_no_return) {
            rows.push(Row::toned(
                Tone::PointOfNoReturn,
                format!(" {} IS THE POINT OF NO RETURN: nothing before it can be rolled back then ", next.id),
            ));
            rows.push(Row::blank());
        }
        rows.extend(preflight::rows(Some(&self.stage), cx));
        rows.push(Row::blank());
        let calls = roll_call::rows(&self.stage, cx);
        if !calls.is_empty() {
            rows.extend(calls);
            rows.push(Row::blank());
        }
        let mut page = Page {
            title: "OVERRIDE: it waits for a second person, never times out to GO".to_owned(),
            tier: Tier::Grave,
            body: vec![
                Text::Rows(rows),
                Text::Pair(will_run(&crossing, cx.state), if_it_goes_wrong(&crossing, cx)),
            ],
            buttons: vec![Button::close("not now").key(None)],
            first: 1,
            ..Page::default()
        };
        let mine = cx.operator.is_some_and(|me| me.person == asked.by);
        let no = if mine { "take it back" } else { "NO-GO: decline" };
        page.fields.push(Field::text("note", "note", false));
        page.buttons.push(Button::act("no", no).key('n').at_once());
        match (may(&self.command(true, None), cx), crossing.to_type()) {
            (Ok(()), Some(id)) => {
                page.fields.push(Field::typed("typed", format!("type {id}"), id.as_str()));
                page.buttons.push(Button::act("go", "GO: override").needs("typed"));
            }
            (Ok(()), None) => {}
            (Err(Refusal(why)), _) => {
                page.body.push(Text::Rows(vec![
                    Row::blank(),
                    Row::mark(Mark::Fail, format!("no GO here: {why}")),
                ]));
            }
        }
        Ok(page)
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let asked = self.asked(cx).map(|asked| format!("asked by {} (#{:04})", asked.by, asked.seq));
        Facts::default()
            .and("the override", asked.unwrap_or_else(|| "not asked for any more".to_owned()))
            .and("the gate", gate::evaluate(cx.state, &self.stage).in_a_line())
    }

    fn decisive(&self) -> bool {
        true
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: self.command(word == "go", form.text("note")), seen }
    }
}
