//! Everything known of one thing, made anew for each frame: nothing is asked, so nothing is frozen.

mod check;
mod event;
mod person;
mod stage;
mod step;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::form::{Button, Form, Page};
use super::row::{Row, Text, Tone};
use super::words;
use super::{Context, Opened, Outcome, Popup, Subject, draw, handover};
use crate::event::Proof;
use crate::session::Refusal;
use crate::ui::theme::{Mark, Theme};

/// Opens the detail of `subject`.
pub fn open(cx: &Context, subject: &Subject) -> Opened {
    text(subject, cx).ok_or_else(|| Refusal::new("there is nothing more to show of it"))?;
    let title = match subject {
        Subject::Stage(id) => format!("stage {id}"),
        Subject::Step(id) => format!("step {id}"),
        Subject::Check(id) => format!("check {id}"),
        Subject::Event(seq) => format!("event #{seq:04}"),
        Subject::Person(name) => format!("crew: {name}"),
        Subject::Handover => "WHERE THE SESSION STANDS".to_owned(),
        Subject::WhatIf => "WHAT IF".to_owned(),
    };
    let buttons = vec![Button::close("close").key('q')];
    let form = Form::new(Page { title, buttons, ..Page::default() });
    Ok(Box::new(Detail { subject: subject.clone(), form }))
}

#[derive(Debug)]
struct Detail {
    subject: Subject,
    form: Form,
}

fn text(subject: &Subject, cx: &Context) -> Option<Vec<Text>> {
    let rows = match subject {
        Subject::Stage(id) => stage::rows(id, cx),
        Subject::Step(id) => step::rows(id, cx),
        Subject::Check(id) => check::rows(id, cx),
        Subject::Event(seq) => event::rows(*seq, cx),
        Subject::Person(name) => person::rows(name, cx),
        Subject::Handover => return Some(handover::text(cx)),
        Subject::WhatIf => {
            let table = &cx.replay?.what_if.as_ref()?.table;
            Some(Row::exact(Tone::Plain, table).collect())
        }
    };
    rows.map(|rows| vec![Text::Rows(rows)])
}

/// What was expected, and what was seen for it.
fn proof(proof: &Proof) -> Vec<Row> {
    let (mark, word) = if proof.met { (Mark::Ok, "met") } else { (Mark::Fail, "not met") };
    vec![
        Row::mark(mark, &proof.expected).and(Tone::Marked(mark), format!("  {word}")).indent(1),
        Row::dim(format!("seen: {}", proof.seen)).indent(4),
    ]
}

impl Popup for Detail {
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome {
        use super::form::Pressed;
        match self.form.key(key.into(), cx.watched_ms) {
            Pressed::Close => Outcome::Close,
            _ => Outcome::Stay,
        }
    }

    fn wheel(&mut self, by: isize, _cx: &Context) {
        self.form.wheel(by);
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context, theme: &Theme) {
        let text = text(&self.subject, cx).unwrap_or_else(|| {
            let gone = "it is gone: only the last events are kept here, the log has them all";
            vec![Text::Rows(vec![Row::dim(gone)])]
        });
        draw::form(&self.form, &text, draw::Around::default(), area, buf, theme);
    }

    fn hints(&self) -> Vec<(&'static str, String)> {
        words(&[("j k", "scroll"), ("esc", "close")])
    }
}
