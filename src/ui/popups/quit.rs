//! Leaving the cockpit: stay, leave, or end the session. The engine lives in this process, so leaving a running session
//! stops what drives it; the dialog says what lives on and what does not.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome};
use crate::session::{Command, Refusal, rollback};
use crate::ui::theme::Mark;

/// Opens the question whether to leave.
pub fn open(cx: &Context) -> Opened {
    Dialog::open(Quit, cx)
}

#[derive(Debug)]
struct Quit;

fn abort(reason: String) -> Command {
    Command::Abort { reason }
}

impl Question for Quit {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        let state = cx.state;
        let mut page = Page { title: "QUIT".to_owned(), ..Page::default() };
        page.buttons.push(Button::close("stay"));
        let leave = Button::act("leave", "leave").key('y');
        if cx.operator.is_none() {
            page.body.push(Text::Rows(vec![Row::new(
                "This session is only shown here: leaving changes nothing of it.",
            )]));
            page.buttons.push(leave);
            return Ok(page);
        }
        if let Some((outcome, _)) = &state.outcome {
            let word = outcome.word();
            page.body.push(Text::Rows(vec![Row::new(format!(
                "The session is over: {word}. Its record is whole."
            ))]));
            page.buttons.push(leave);
            return Ok(page);
        }
        page.tier = Tier::Grave;
        let mut rows = vec![
            Row::title("The session is not over").and(Tone::Plain, format!("  it is {}", state.situation().word())),
            Row::blank(),
            Row::title("leave").and(Tone::Plain, ": this cockpit drives the session, so its engine stops with it."),
            Row::new("Nothing new starts, no check is polled, no soak counts, no trigger fires. Nothing is undone.").indent(2),
        ];
        let open: Vec<_> = state.runbook.iter().flat_map(|r| rollback::open_steps(state, r)).collect();
        if open.is_empty() {
            rows.push(Row::new("No step is under way.").indent(2));
        } else {
            rows.push(
                Row::mark(
                    Mark::Warn,
                    "Under way; commands live on under their shims, which record how they end:",
                )
                .indent(2),
            );
        }
        for step in open {
            let attempt = state.step(&step.id).attempt;
            rows.push(
                Row::toned(Tone::Key, step.id.as_str())
                    .and(Tone::Plain, format!("  {}  attempt {attempt}", step.action.kind()))
                    .indent(4),
            );
        }
        rows.push(Row::blank());
        rows.push(
            Row::title("abort").and(
                Tone::Plain,
                ": ends the session for good as it stands, with a reason. Nothing is undone.",
            ),
        );
        page.buttons.push(leave.key(None));
        match may(&abort("-".to_owned()), cx) {
            Ok(()) => {
                page.fields.push(Field::text("reason", "reason to abort", false));
                page.buttons.push(Button::act("abort", "ABORT").needs("reason"));
            }
            Err(Refusal(why)) => rows.push(Row::mark(Mark::Fail, format!("not now: {why}")).indent(2)),
        }
        page.body.push(Text::Rows(rows));
        Ok(page)
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let open: Vec<_> = cx.state.runbook.iter().flat_map(|r| rollback::open_steps(cx.state, r)).collect();
        let open = open.iter().map(|step| step.id.as_str()).collect::<Vec<_>>().join(", ");
        Facts::default().and("the session", cx.state.situation().word()).and("what is under way", open)
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        match (word, form.text("reason")) {
            ("abort", Some(reason)) => Outcome::Ask { command: abort(reason), seen },
            _ => Outcome::Leave,
        }
    }
}
