//! An item of a stage's gate that a person ticks: passed, or failed with a note.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text};
use super::{Context, Opened, Outcome};
use crate::event::ItemOf;
use crate::runbook::StageId;
use crate::session::{Command, Refusal};

/// Opens the item of `stage`'s gate.
pub fn open(cx: &Context, stage: &StageId, item: &str) -> Opened {
    Dialog::open(Tick { stage: stage.clone(), item: item.to_owned() }, cx)
}

#[derive(Debug)]
struct Tick {
    stage: StageId,
    item: String,
}

impl Tick {
    fn command(&self, pass: bool, note: Option<String>) -> Command {
        Command::Tick { on: ItemOf::Gate(self.stage.clone()), item: self.item.clone(), pass, note }
    }

    fn said(&self, cx: &Context) -> String {
        let tick = cx.state.stages.get(&self.stage).and_then(|stage| stage.ticks.get(&self.item));
        tick.map_or_else(
            || "not ticked yet".to_owned(),
            |tick| {
                let word = if tick.pass { "passed" } else { "failed" };
                let note = tick.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                format!("{word} by {} at {}{note}", tick.by, cx.now.second(tick.at))
            },
        )
    }
}

impl Question for Tick {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.command(true, None), cx)?;
        let title = cx.state.stage_plan(&self.stage).map(|stage| stage.title.clone()).unwrap_or_default();
        let rows = vec![
            Row::title(&self.item),
            Row::dim(format!("for the gate of {}  {title}", self.stage)),
            Row::blank(),
            Row::new(self.said(cx)),
            Row::dim(
                "Passing it is your word, in the log. A failed item keeps the gate NO-GO, and no override lifts it.",
            ),
        ];
        Ok(Page {
            title: "ACCEPT".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            fields: vec![Field::text("note", "note", false)],
            buttons: vec![
                Button::close("not now"),
                Button::act("fail", "FAILS").needs("note"),
                Button::act("pass", "passes").key('y'),
            ],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let current = cx.state.current_stage().map_or("none", StageId::as_str);
        Facts::default().and("the stage in hand", current).and("the item", self.said(cx))
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: self.command(word == "pass", form.text("note")), seen }
    }
}
