//! A note into the log: text, a tag, and a file that goes into the session's evidence. Nothing is at stake, so it opens
//! ready to type and Enter writes it.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text};
use super::{Context, Opened, Outcome};
use crate::event::NoteTag;
use crate::session::{Command, Refusal};

const TAGS: [(NoteTag, &str); 3] =
    [(NoteTag::Observation, "observation"), (NoteTag::Decision, "decision"), (NoteTag::Bug, "bug")];

/// Opens a note.
pub fn open(cx: &Context) -> Opened {
    Dialog::open(Note, cx)
}

#[derive(Debug)]
struct Note;

impl Question for Note {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&Command::Note { tag: NoteTag::default(), text: "-".to_owned(), attached: None }, cx)?;
        Ok(Page {
            title: "NOTE".to_owned(),
            tier: Tier::Safe,
            body: vec![Text::Rows(vec![Row::dim(
                "It is written to the log with your name and cannot be taken back.",
            )])],
            fields: vec![
                Field::text("text", "note", false),
                Field::choice("tag", "tag", TAGS.map(|(_, word)| word.to_owned()).to_vec()),
                Field::text("file", "file to attach", false),
            ],
            buttons: vec![Button::close("throw away").key(None), Button::act("write", "write").needs("text")],
            quick: true,
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, _cx: &Context) -> Facts {
        Facts::default()
    }

    fn answer(&self, _word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        let tag = TAGS.get(form.choice("tag")).map_or(NoteTag::default(), |(tag, _)| *tag);
        let text = form.text("text").unwrap_or_default();
        let command = Command::Note { tag, text, attached: None };
        match form.text("file") {
            Some(path) => Outcome::Attach { command, path: path.into(), seen },
            None => Outcome::Ask { command, seen },
        }
    }
}
