//! Leaving: detach, stay, or abort. The engine is a process of its own, so detaching stops nothing; the dialog says
//! what goes on without a pair of eyes.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome};
use crate::session::{Command, Refusal, rollback};
use crate::ui::crew;
use crate::ui::theme::Mark;

/// Opens the question whether to leave.
pub fn open(cx: &Context, tied: bool) -> Opened {
    Dialog::open(Quit { tied }, cx)
}

#[derive(Debug)]
struct Quit {
    /// The session was made for this cockpit alone, and ends with it.
    tied: bool,
}

fn abort(reason: String) -> Command {
    Command::Abort { reason }
}

impl Question for Quit {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        let state = cx.state;
        let mut page = Page { title: "QUIT".to_owned(), ..Page::default() };
        page.buttons.push(Button::close("stay"));
        let leave = Button::act("leave", "leave").key('y').at_once();
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
            Row::title("The session is not over")
                .and(Tone::Plain, format!("  it is {}", state.situation().word())),
            Row::blank(),
        ];
        if self.tied {
            let ends = ": this session was made for this cockpit, and ends with it; nothing is undone.";
            rows.push(Row::title("leave").and(Tone::Plain, ends));
        } else {
            rows.extend(detach(cx));
        }
        rows.push(Row::blank());
        rows.push(
            Row::title("abort").and(
                Tone::Plain,
                ": ends the session for good as it stands, with a reason. Nothing is undone.",
            ),
        );
        page.buttons.push(match self.tied {
            true => Button::act("leave", "leave").key('d'),
            false => Button::act("leave", "detach").key('d').at_once(),
        });
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

/// What goes on without this cockpit.
fn detach(cx: &Context) -> Vec<Row> {
    let what = ": this cockpit leaves, the session goes on. Checks are polled, soaks count, triggers fire.";
    let mut rows = vec![Row::title("detach").and(Tone::Plain, what)];
    rows.extend(name(cx).map(|session| Row::new(format!("`gonogo attach {session}` comes back.")).indent(2)));
    rows.extend(under_way(cx));
    rows.extend(left_alone(cx));
    rows
}

fn name(cx: &Context) -> Option<String> {
    cx.state.opened.as_ref().map(|opened| opened.session.clone())
}

/// The steps that run on.
fn under_way(cx: &Context) -> Vec<Row> {
    let open: Vec<_> = cx.state.runbook.iter().flat_map(|r| rollback::open_steps(cx.state, r)).collect();
    if open.is_empty() {
        return vec![Row::new("No step is under way.").indent(2)];
    }
    let mut rows = vec![Row::mark(Mark::Warn, "Under way, and goes on:").indent(2)];
    rows.extend(open.into_iter().map(|step| {
        let attempt = cx.state.step(&step.id).attempt;
        Row::toned(Tone::Key, step.id.as_str())
            .and(Tone::Plain, format!("  {}  attempt {attempt}", step.action.kind()))
            .indent(4)
    }));
    rows
}

/// What the session goes without, once this operator is away.
fn left_alone(cx: &Context) -> Vec<Row> {
    let drives = cx.operator.is_some_and(|me| cx.state.wheel.as_ref() == Some(&me.person));
    if !drives {
        return Vec::new();
    }
    let others = crew::others(cx.state);
    let mut others = others.iter().map(|o| &o.person).filter(|person| crew::may_drive(cx.state, person));
    let who = match others.next() {
        Some(other) => format!("{} can take it while you are away", other.person),
        None => "nobody else here can take it: questions and gates wait".to_owned(),
    };
    vec![Row::mark(Mark::Warn, format!("You have the wheel and keep it; {who}.")).indent(2)]
}
