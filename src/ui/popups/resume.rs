//! Going on after a pause, after a trigger held or after a drift was put back: what stood still, and what starts again.

use super::dialog::{Dialog, Facts, Question, may};
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text};
use super::{Context, Opened, Outcome};
use crate::session::{Command, Hold, Refusal};
use crate::ui::theme::Mark;

/// Opens the question whether the session goes on.
pub fn open(cx: &Context) -> Opened {
    match &cx.state.drift {
        // What is not put back cannot be resumed from, only accepted.
        Some(drift) if !drift.put_back && cx.state.paused.is_none() => super::drift::open(cx),
        _ => Dialog::open(Resume, cx),
    }
}

#[derive(Debug)]
struct Resume;

/// What stands in the way, a sentence each.
fn standing(cx: &Context) -> Vec<String> {
    let pause =
        cx.state.paused.iter().map(|pause| format!("paused by {} at {}", pause.by, cx.now.second(pause.at)));
    let holds = cx.state.holds();
    pause.chain(holds.iter().filter(|hold| hold.is_resumable()).map(Hold::sentence)).collect()
}

impl Question for Resume {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&Command::Resume, cx)?;
        let mut rows: Vec<Row> = standing(cx).into_iter().map(|why| Row::mark(Mark::Warn, why)).collect();
        rows.push(Row::blank());
        rows.push(Row::new(
            "Steps that are due start at once; soak clocks go on. A gate without `auto` still waits for you.",
        ));
        for hold in cx.state.holds() {
            if let Hold::StepFailed { step, why } | Hold::StepUnknown { step, why } = hold {
                rows.push(Row::mark(Mark::Fail, format!("{step} still holds: {why}")));
            } else if !hold.is_resumable() {
                rows.push(Row::mark(Mark::Fail, format!("it still holds: {}", hold.sentence())));
            }
        }
        Ok(Page {
            title: "RESUME".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            buttons: vec![Button::close("not yet"), Button::act("resume", "RESUME").key('y')],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        Facts::default().and("what holds", standing(cx).join("; "))
    }

    fn answer(&self, _word: &'static str, _form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: Command::Resume, seen }
    }
}
