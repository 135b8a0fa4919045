//! A runbook's question to an operator: first its checklist, an item at a time, then yes or no.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::preview;
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome};
use crate::event::ItemOf;
use crate::runbook::StepId;
use crate::runbook::model::Action;
use crate::session::{Command, Refusal, StepState, StepStatus};
use crate::ui::format::{about, time};
use crate::ui::theme::Mark;

/// Opens the question of `step`.
pub fn open(cx: &Context, step: &StepId) -> Opened {
    Dialog::open(Confirm { step: step.clone() }, cx)
}

#[derive(Debug)]
struct Confirm {
    step: StepId,
}

impl Confirm {
    /// What is being answered, as a command with an answer that is never in the way.
    fn decline(&self) -> Command {
        Command::Confirm { step: self.step.clone(), yes: false, note: Some("-".to_owned()) }
    }

    /// The items that are not passed, those without a word first: what the choice is made of.
    fn open_items<'a>(items: &'a [String], seen: &StepState) -> Vec<&'a String> {
        let mut open: Vec<_> =
            items.iter().filter(|item| !seen.ticks.get(*item).is_some_and(|t| t.pass)).collect();
        open.sort_by_key(|item| seen.ticks.contains_key(*item));
        open
    }
}

impl Question for Confirm {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.decline(), cx)?;
        let plan = cx.state.step_plan(&self.step);
        let Some((plan, Action::Confirm { question, note_required, role, items })) =
            plan.map(|plan| (plan, &plan.action))
        else {
            return Err(Refusal::new(format!("{} is not a question", self.step)));
        };
        let seen = cx.state.step(&self.step);
        let mut rows = vec![Row::title(&plan.title).and(Tone::Dim, format!("  {}", self.step))];
        rows.extend(preview::resolved(question, plan, cx.state).lines().map(Row::new));
        rows.extend(seen.started.map(|started| {
            let ago = about(cx.state.since(started, cx.now));
            Row::dim(format!("asked {}, {ago} ago", time(started.at)))
        }));
        rows.extend(role.as_ref().map(|role| Row::dim(format!("to be answered for {role}"))));
        if let Some(description) = &plan.description {
            rows.push(Row::blank());
            rows.extend(description.lines().map(Row::new));
        }
        rows.push(Row::blank());
        rows.extend(items.iter().map(|item| ticked(item, seen)));
        rows.push(preview::failing("\"no\"", plan));
        let open = Self::open_items(items, seen);
        let mut page = Page {
            title: "QUESTION".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            buttons: vec![Button::close("not now").key(None)],
            ..Page::default()
        };
        let mut no = Button::act("no", "no").key('n');
        if *note_required {
            no = no.needs("note");
        }
        if open.is_empty() {
            page.fields.push(Field::text("note", "note", *note_required));
            let mut yes = Button::act("yes", "YES").key('y');
            if *note_required {
                yes = yes.needs("note");
            }
            page.buttons.extend([no, yes]);
        } else {
            page.fields.push(Field::choice("item", "item", open.into_iter().cloned().collect()));
            page.fields.push(Field::text("note", "note", false));
            page.buttons.push(Button { label: "no to the whole question".to_owned(), ..no });
            page.buttons.push(Button::act("fail", "item FAILS").needs("note"));
            page.buttons.push(Button::act("pass", "item passes").key('y'));
        }
        Ok(page)
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let seen = cx.state.step(&self.step);
        let waits = if seen.status == StepStatus::Waiting { "waits" } else { "does not wait" };
        let ticks =
            seen.ticks.iter().map(|(item, tick)| format!("{item} {} by {}", word(tick.pass), tick.by));
        Facts::default()
            .and(self.step.to_string(), format!("{waits}, attempt {}", seen.attempt))
            .and("the checklist", ticks.collect::<Vec<_>>().join(", "))
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, cx: &Context) -> Outcome {
        let (step, note) = (self.step.clone(), form.text("note"));
        let command = match word {
            "yes" | "no" => Command::Confirm { step, yes: word == "yes", note },
            _ => {
                let Some(Action::Confirm { items, .. }) = cx.state.step_plan(&step).map(|plan| &plan.action)
                else {
                    return Outcome::Close;
                };
                let open = Self::open_items(items, cx.state.step(&step));
                let Some(item) = open.get(form.choice("item")).map(|item| (*item).clone()) else {
                    return Outcome::Close;
                };
                Command::Tick { on: ItemOf::Step(step), item, pass: word == "pass", note }
            }
        };
        Outcome::Ask { command, seen }
    }
}

/// An item with what was said of it.
pub fn ticked(item: &str, seen: &StepState) -> Row {
    match seen.ticks.get(item) {
        None => Row::mark(Mark::Ask, item),
        Some(tick) => {
            let mark = if tick.pass { Mark::Ok } else { Mark::Fail };
            let note = tick.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            Row::mark(mark, item)
                .and(Tone::Dim, format!("  {} by {} {}{note}", word(tick.pass), tick.by, time(tick.at)))
        }
    }
}

fn word(pass: bool) -> &'static str {
    if pass { "passed" } else { "failed" }
}
