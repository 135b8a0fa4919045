//! A note into the log: text, a tag, and a file that goes into the session's evidence. Nothing is at stake, so it opens
//! ready to type and Enter writes it.

use std::path::{Path, PathBuf};

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text};
use super::{Context, Opened, Outcome};
use crate::event::NoteTag;
use crate::session::{Command, Refusal};

const TAGS: [(NoteTag, &str); 3] =
    [(NoteTag::Observation, "observation"), (NoteTag::Decision, "decision"), (NoteTag::Bug, "bug")];

/// A note that was not written: what was typed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten {
    pub tag: NoteTag,
    pub text: String,
    /// The path of the file that was to go along, as it was typed.
    pub file: Option<PathBuf>,
    pub why: String,
}

impl Unwritten {
    /// The note that a command would have written; `None` where it is none.
    #[must_use]
    pub fn of(command: &Command, file: Option<&Path>) -> Option<Self> {
        let Command::Note { tag, text, .. } = command else { return None };
        let file = file.map(Path::to_owned);
        Some(Self { tag: *tag, text: text.clone(), file, why: String::new() })
    }
}

/// Opens a note.
pub fn open(cx: &Context) -> Opened {
    Dialog::open(Note, cx)
}

/// Opens a note that was not written, with all that was typed.
pub fn again(cx: &Context, note: &Unwritten) -> Opened {
    Dialog::filled(Note, cx, |form| {
        form.fill("text", &note.text);
        form.choose("tag", TAGS.iter().position(|(tag, _)| *tag == note.tag).unwrap_or(0));
        form.fill("file", &note.file.iter().map(|file| file.to_string_lossy()).collect::<String>());
        form.notice = Some(format!("not written: {}", note.why));
    })
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
