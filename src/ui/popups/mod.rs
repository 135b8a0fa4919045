//! What lies over the screen: dialogs, help, details. A popup takes every key while it is open; it is opened by
//! `update.rs` through the functions below, and what it decides leaves it as an [`Outcome`].

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

use super::action::Action;
use super::keymap::Keymap;
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
    pub keymap: &'a Keymap,
    /// Who sits here; `None` where nothing can be commanded.
    pub operator: Option<&'a Person>,
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
    /// Closes, and does what a key would have done.
    Run(Action),
    /// Leaves the cockpit.
    Leave,
}

/// Something over the screen.
pub trait Popup: std::fmt::Debug + Send {
    /// Takes a key press.
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome;

    /// Takes pasted text, which is never a key.
    fn paste(&mut self, _text: &str) {}

    /// Draws itself over the middle of `area`, which is the whole screen.
    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context, theme: &Theme);

    /// The keys that mean something in it, for the line of hints.
    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("esc", "close")]
    }
}

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
}

/// The policy, to be acknowledged.
pub fn acknowledge(_cx: &Context) -> Opened {
    placeholder("acknowledge")
}

/// GO / NO-GO for the next stage.
pub fn advance(_cx: &Context) -> Opened {
    placeholder("advance")
}

/// Goes on after a pause.
pub fn resume(_cx: &Context) -> Opened {
    placeholder("resume")
}

/// How far to roll back, and what will run.
pub fn rollback(_cx: &Context) -> Opened {
    placeholder("roll back")
}

/// Runs a step again.
pub fn retry(_cx: &Context, _step: &StepId) -> Opened {
    placeholder("retry")
}

/// Skips a step, with a reason.
pub fn skip(_cx: &Context, _step: &StepId) -> Opened {
    placeholder("skip")
}

/// Ends a step's command.
pub fn kill(_cx: &Context, _step: &StepId) -> Opened {
    placeholder("kill")
}

/// Answers a `confirm` step.
pub fn confirm(_cx: &Context, _step: &StepId) -> Opened {
    placeholder("confirm")
}

/// Says what became of a step that is unknown.
pub fn resolve(_cx: &Context, _step: &StepId) -> Opened {
    placeholder("resolve")
}

/// Ticks an `accept` item of a stage's gate.
pub fn tick(_cx: &Context, _stage: &StageId, _item: &str) -> Opened {
    placeholder("tick")
}

/// Silences a trigger that is armed.
pub fn veto(_cx: &Context, _trigger: &TriggerId) -> Opened {
    placeholder("veto")
}

/// Writes a note.
pub fn note(_cx: &Context) -> Opened {
    placeholder("note")
}

/// Every key and what it does, and why it would not now.
pub fn help(_cx: &Context) -> Opened {
    placeholder("help")
}

/// Leave, stay, or abort.
pub fn quit(_cx: &Context) -> Opened {
    placeholder("quit")
}

/// Everything known of one thing.
pub fn detail(_cx: &Context, _subject: &Subject) -> Opened {
    placeholder("detail")
}

#[derive(Debug)]
struct Placeholder(&'static str);

#[expect(clippy::unnecessary_wraps, reason = "the dialogs that follow may refuse to open")]
fn placeholder(title: &'static str) -> Opened {
    Ok(Box::new(Placeholder(title)))
}

impl Popup for Placeholder {
    fn key(&mut self, key: KeyEvent, _cx: &Context) -> Outcome {
        match key.code {
            KeyCode::Esc | KeyCode::Char('n') => Outcome::Close,
            KeyCode::Enter if self.0 == "quit" => Outcome::Leave,
            _ => Outcome::Stay,
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, _cx: &Context, theme: &Theme) {
        let area = area.centered(40.into(), 3.into()).intersection(area);
        Clear.render(area, buf);
        let block = Block::bordered().title(self.0).border_style(theme.focus);
        let inner = block.inner(area);
        block.render(area, buf);
        Line::raw("esc closes").render(inner, buf);
    }
}
