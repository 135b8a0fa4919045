//! Frozen files that have changed: which, and taking them as they are, with a reason. Never what they hold.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text};
use super::{Context, Opened, Outcome};
use crate::event::drift_line;
use crate::session::{Command, Refusal};
use crate::ui::theme::Mark;

/// Opens the question whether the drift is accepted.
pub fn open(cx: &Context) -> Opened {
    Dialog::open(Drift, cx)
}

#[derive(Debug)]
struct Drift;

impl Question for Drift {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&Command::AcceptDrift { reason: "-".to_owned() }, cx)?;
        let mut rows = Vec::new();
        if let Some(drift) = &cx.state.drift {
            rows.push(Row::title(format!("NOT WHAT THEY WERE, SEEN AT {}", cx.now.second(drift.since.at))));
            let line = |file: &crate::event::Drifted| format!("{} {}", file.file, file.what.words());
            rows.extend(drift.files.iter().map(|file| Row::mark(Mark::Fail, line(file))));
            rows.push(Row::blank());
        }
        rows.push(Row::new(
            "Put back, they only need RESUME. Accepted, they are frozen as they are now; the reason is recorded.",
        ));
        Ok(Page {
            title: "FROZEN FILES DRIFTED".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            fields: vec![Field::text("reason", "reason", true)],
            buttons: vec![
                Button::close("leave it"),
                Button::act("accept", "ACCEPT").key('y').needs("reason"),
            ],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let files = cx.state.drift.as_ref().filter(|drift| !drift.put_back);
        Facts::default()
            .and("what drifted", files.map_or("nothing".to_owned(), |drift| drift_line(&drift.files)))
    }

    fn answer(&self, _word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        let reason = form.text("reason").unwrap_or_default();
        Outcome::Ask { command: Command::AcceptDrift { reason }, seen }
    }
}
