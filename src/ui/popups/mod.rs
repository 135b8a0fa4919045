//! What lies over the screen: dialogs, help, details. A popup takes every key while it is open; it is opened by
//! `update.rs` through the functions below, and what it decides leaves it as an [`Outcome`].

mod acknowledge;
mod actions;
mod advance;
mod available;
mod confirm;
mod detail;
mod dialog;
mod draw;
mod drift;
mod field;
mod form;
mod handover;
mod help;
mod kill;
mod note;
mod palette;
mod preflight;
mod preview;
mod quit;
mod resolve;
mod resume;
mod retry;
mod roll_call;
mod rollback;
pub mod row;
mod second;
mod skip;
mod standing;
#[cfg(test)]
pub mod tests;
mod tick;
mod veto;
mod vote;
mod wheel;

pub use available::why_not;
pub use note::Unwritten;

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Action;
use super::keymap::Keymap;
use super::replay::Replay;
use super::theme::Theme;
use crate::clock::Now;
use crate::event::Person;
use crate::runbook::{CheckId, StageId, StepId, TriggerId};
use crate::session::{Command, Refusal, State, Telemetry};

/// What a popup may look at. It is made anew for each key and each frame.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    pub now: Now,
    /// How long somebody has looked at a screen, in milliseconds since any moment: it goes on where the session's time
    /// stands still, and stands still while a frame is written, which nobody can see yet.
    pub watched_ms: u64,
    pub keymap: &'a Keymap,
    /// Who sits here, or over a recording who drove; `None` where nobody does.
    pub operator: Option<&'a Person>,
    /// The recording whose moment this is; `None` of a session that is under way.
    pub replay: Option<&'a Replay>,
}

impl<'a> Context<'a> {
    /// Of a session that is only shown: nobody sits at it.
    pub fn shown(state: &'a State, telemetry: &'a Telemetry, now: Now, keymap: &'a Keymap) -> Self {
        Self { state, telemetry, now, watched_ms: 0, keymap, operator: None, replay: None }
    }
}

/// What a key led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Stay,
    Close,
    /// Closes, and asks the engine; `seen` is the event up to which the operator had seen the session when deciding.
    Ask {
        command: Command,
        seen: u64,
    },
    /// Closes, and asks the engine; the file at `path` goes along.
    Attach {
        command: Command,
        path: PathBuf,
        seen: u64,
    },
    /// Closes, and does what a key would have done.
    Run(Action),
    /// Closes, and shows what is known of something.
    Show(Subject),
    /// Leaves the cockpit.
    Leave,
}

/// Something over the screen.
pub trait Popup: std::fmt::Debug + Send {
    /// Takes a key press.
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome;

    /// Takes pasted text, which is never a key.
    fn paste(&mut self, _text: &str) {}

    /// Takes a turn of the wheel by so many lines: it reads on, and never does anything.
    fn wheel(&mut self, by: isize, cx: &Context);

    /// Draws itself over the middle of `area`, which is the whole screen.
    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context, theme: &Theme);

    /// From when on it looks as it does for good, by [`Context::watched_ms`]: a button may act then that does not now.
    fn settles_ms(&self) -> u64 {
        0
    }

    /// The keys that mean something in it, for the line of hints.
    fn hints(&self) -> Vec<(&'static str, String)>;
}

/// Hints that are the same whatever the popup holds.
fn words(hints: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    hints.iter().map(|(key, word)| (*key, (*word).to_owned())).collect()
}

/// Why nothing that acts on the cutover does so over a recording.
pub const RECORDED: &str = "this is a recording: it cannot be commanded";

/// Why what moves a playhead does nothing where there is none.
pub const NOT_RECORDED: &str = "that is for a recording: `gonogo replay SESSION`";

/// An open popup, or why there is nothing to open: the words go to the operator.
pub type Opened = Result<Box<dyn Popup>, Refusal>;

/// What a detail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Stage(StageId),
    Step(StepId),
    Check(CheckId),
    /// One of the recent events, by its number.
    Event(u64),
    /// Somebody of the crew, by name.
    Person(String),
    /// Where the session stands, for whoever takes it over.
    Handover,
    /// What would have gone another way under other limits.
    WhatIf,
}

/// The policy, to be acknowledged.
pub fn acknowledge(cx: &Context) -> Opened {
    acknowledge::open(cx)
}

/// GO / NO-GO for the next stage.
pub fn advance(cx: &Context) -> Opened {
    advance::open(cx)
}

/// Goes on after a pause.
pub fn resume(cx: &Context) -> Opened {
    resume::open(cx)
}

/// How far to roll back, and what will run.
pub fn rollback(cx: &Context) -> Opened {
    rollback::open(cx)
}

/// Runs a step again.
pub fn retry(cx: &Context, step: &StepId) -> Opened {
    retry::open(cx, step)
}

/// Skips a step, with a reason.
pub fn skip(cx: &Context, step: &StepId) -> Opened {
    skip::open(cx, step)
}

/// Ends a step's command.
pub fn kill(cx: &Context, step: &StepId) -> Opened {
    kill::open(cx, step)
}

/// Answers a `confirm` step.
pub fn confirm(cx: &Context, step: &StepId) -> Opened {
    confirm::open(cx, step)
}

/// Says what became of a step that is unknown.
pub fn resolve(cx: &Context, step: &StepId) -> Opened {
    resolve::open(cx, step)
}

/// Ticks an `accept` item of a stage's gate.
pub fn tick(cx: &Context, stage: &StageId, item: &str) -> Opened {
    tick::open(cx, stage, item)
}

/// Silences a trigger that is armed.
pub fn veto(cx: &Context, trigger: &TriggerId) -> Opened {
    veto::open(cx, trigger)
}

/// GO or NO-GO at the gate of the stage in hand; where an override waits for a second person, a word on that.
pub fn vote(cx: &Context) -> Opened {
    if crate::session::second::standing(cx.state).is_some() { second::open(cx) } else { vote::open(cx) }
}

/// Offers the wheel, asks for it, takes it, by what is the case.
pub fn wheel(cx: &Context) -> Opened {
    wheel::open(cx)
}

/// Writes a note.
pub fn note(cx: &Context) -> Opened {
    note::open(cx)
}

/// Opens a note that was not written, with all that was typed.
pub fn note_again(cx: &Context, note: &Unwritten) -> Opened {
    note::again(cx, note)
}

/// Every key and what it does, and why it would not now.
pub fn help(cx: &Context) -> Opened {
    help::open(cx)
}

/// Every action by its name, and why it would do nothing now.
pub fn palette(cx: &Context) -> Opened {
    palette::open(cx)
}

/// Leave, stay, or abort; `tied` says that the session ends with this cockpit.
pub fn quit(cx: &Context, tied: bool) -> Opened {
    quit::open(cx, tied)
}

/// Everything known of one thing.
pub fn detail(cx: &Context, subject: &Subject) -> Opened {
    detail::open(cx, subject)
}
