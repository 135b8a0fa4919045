//! What the operator looks at: focus, selection, scroll, what lies on top. Nothing of it is recorded, and nothing of
//! the cutover depends on it. What is selected is kept by its name, never by its row.

use ratatui::layout::Rect;

use crate::clock::Now;
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{State, Telemetry};

use super::keymap::Key;
use super::layout::Layout;
use super::output::Output;
use super::popups::Popup;
use super::search::Search;
use super::selection::Selection;
use super::theme::Mark;

/// One of the panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pane {
    #[default]
    Stages,
    Checks,
    Steps,
    Processes,
    Output,
    Audit,
    Crew,
}

impl Pane {
    /// In the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Stages, Self::Checks, Self::Steps, Self::Processes, Self::Output, Self::Audit, Self::Crew];

    /// Its number in its title.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// Its title, as on a tab.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Stages => "Stages",
            Self::Checks => "Checks",
            Self::Steps => "Steps",
            Self::Processes => "Procs",
            Self::Output => "Output",
            Self::Audit => "Audit",
            Self::Crew => "Crew",
        }
    }

    /// What jumping to it does, as the help says it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Stages => "to the stages",
            Self::Checks => "to the checks",
            Self::Steps => "to the steps of the stage",
            Self::Processes => "to the processes",
            Self::Output => "to the output",
            Self::Audit => "to the audit log",
            Self::Crew => "to the crew: who is here, and who has the wheel",
        }
    }

    /// The pane `by` places further on, round the end.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// A row of the steps panel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StepRow {
    Step(StepId),
    /// An item of the stage's gate that a person ticks.
    Item(StageId, String),
    /// The votes at the stage's gate.
    Votes(StageId),
}

/// What the operator looks at.
#[derive(Debug, Default)]
pub struct View {
    pub focus: Pane,
    /// The panel in focus fills the screen.
    pub zoom: bool,
    /// `None` follows the stage in hand.
    pub stage: Option<StageId>,
    pub check: Option<CheckId>,
    /// `None` follows the step in hand.
    pub step: Option<StepRow>,
    /// The row of the process panel, by its check and pid.
    pub process: Option<(CheckId, Option<u32>)>,
    /// `None` follows the newest event.
    pub event: Option<u64>,
    /// Somebody of the crew, by name.
    pub person: Option<String>,
    pub output: Output,
    /// Columns of the output to the left of the window.
    pub left: usize,
    /// What is searched for in the output.
    pub search: Option<Search>,
    pub popup: Option<Box<dyn Popup>>,
    /// One line that answers the last key, or greets.
    pub toast: Option<Toast>,
    /// Keys of a sequence that is not whole yet.
    pub keys: Vec<Key>,
    /// What is being typed after `/`.
    pub typing: Option<String>,
    /// The engine is gone; why.
    pub lost: Option<String>,
    /// What is selected, as of the newest frame.
    selection: Selection,
    /// How many rows each panel shows, by its number: what a page is.
    rows: [u16; Pane::ALL.len()],
}

impl View {
    /// Fits the view to the screen and to what there is to see; to be called before each frame.
    pub fn arrange(&mut self, area: Rect, state: &State, telemetry: &Telemetry) {
        let layout = Layout::of(area, self.focus, self.zoom);
        self.rows = Pane::ALL.map(|pane| layout.rows(pane));
        // Who has scrolled back reads: what is read stays until the end is followed again.
        let reads = self.output.unseen().and_then(|_| self.output.source.clone());
        self.selection = Selection::of(self, state, telemetry);
        let source = reads.or_else(|| self.selection.output(state));
        self.output.look_at(source, state, telemetry);
    }

    /// Answers the last key with why it did nothing.
    pub fn refuse(&mut self, why: impl Into<String>, now: Now) {
        let until_up_ms = Some(now.up_ms.saturating_add(TOAST_MS));
        self.toast = Some(Toast { mark: Mark::Fail, text: why.into(), until_up_ms });
    }

    /// Says something that stays until a key is pressed.
    pub fn note(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { mark: Mark::Warn, text: text.into(), until_up_ms: None });
    }

    /// Drops the line that has stood long enough.
    pub fn expire(&mut self, now: Now) {
        self.toast.take_if(|toast| toast.until_up_ms.is_some_and(|until| now.up_ms > until));
    }

    /// What is selected, as of the newest frame.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// How many rows a panel shows.
    #[must_use]
    pub fn rows(&self, pane: Pane) -> usize {
        usize::from(self.rows[pane as usize])
    }
}

/// One line in place of the hints, until a key is pressed: mostly why the last one did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub mark: Mark,
    pub text: String,
    /// Boot-clock time at which it goes away by itself; `None` where it stays.
    pub until_up_ms: Option<u64>,
}

/// How long an answer to a key stays, in milliseconds.
const TOAST_MS: u64 = 6_000;
