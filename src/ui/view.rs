//! What the operator looks at: focus, selection, scroll, what lies on top. Nothing of it is recorded, and nothing of
//! the cutover depends on it. What is selected is kept by its name, never by its row.

use ratatui::layout::Rect;

use crate::runbook::model::{Check, Probe};
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{State, Telemetry};

use super::keymap::Key;
use super::layout::Layout;
use super::output::Output;
use super::popups::{Popup, Unwritten};
use super::replay::Filter;
use super::selection::Selection;
use super::sift::Sift;
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
    WayBack,
    Versus,
    Timeline,
    Events,
    Detail,
}

impl Pane {
    /// Every panel; those of the live cockpit first, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Stages,
        Self::Checks,
        Self::Steps,
        Self::Processes,
        Self::Output,
        Self::Audit,
        Self::Crew,
        Self::WayBack,
        Self::Versus,
        Self::Timeline,
        Self::Events,
        Self::Detail,
    ];

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
            Self::WayBack => "Back",
            Self::Versus => "Old|new",
            Self::Timeline => "Timeline",
            Self::Events => "Events",
            Self::Detail => "Detail",
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
            Self::WayBack => "to the way back: is it ready, how long it takes, until when it can start",
            Self::Versus => "to old beside new: what a baseline allows, and how much of it is left",
            Self::Timeline => "to the timeline",
            Self::Events => "to the events",
            Self::Detail => "to the event's detail, and what happened next",
        }
    }
}

/// The panels that share one place where there is not enough room for all.
pub const STACK: [Pane; 3] = [Pane::Processes, Pane::WayBack, Pane::Versus];

/// Which panels there are, and how they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Board {
    /// The cockpit: live, and in a replay as it was.
    #[default]
    Cockpit,
    /// A recording: its timeline and events beside what they led to.
    Replay,
}

impl Board {
    /// Its panels, in the order in which the focus goes round.
    #[must_use]
    pub fn panes(self) -> &'static [Pane] {
        match self {
            Self::Cockpit => &Pane::ALL[..9],
            Self::Replay => &[
                Pane::Timeline,
                Pane::Stages,
                Pane::Checks,
                Pane::Events,
                Pane::Detail,
                Pane::Output,
                Pane::Steps,
                Pane::Processes,
                Pane::Crew,
                Pane::WayBack,
                Pane::Versus,
            ],
        }
    }

    /// The panel `by` places further on from `pane`, round the end.
    #[must_use]
    pub fn step(self, pane: Pane, by: usize) -> Pane {
        let panes = self.panes();
        let at = panes.iter().position(|one| *one == pane).unwrap_or(0);
        panes[(at + by) % panes.len()]
    }

    /// The panel of this board that shows what `pane` shows.
    #[must_use]
    pub fn like(self, pane: Pane) -> Pane {
        match (self, pane) {
            (Self::Cockpit, Pane::Events | Pane::Detail) => Pane::Audit,
            (Self::Cockpit, Pane::Timeline) => Pane::Stages,
            (Self::Replay, Pane::Audit) => Pane::Events,
            (_, pane) => pane,
        }
    }
}

/// A line that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    pub text: String,
    pub what: Typed,
}

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// What is searched for in a panel.
    Search(Pane),
    /// Which rows of a panel are shown.
    Filter(Pane),
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
    pub board: Board,
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
    /// A step of the way back.
    pub back: Option<StepId>,
    /// A check that is held against a baseline.
    pub versus: Option<CheckId>,
    /// Which of [`STACK`] was looked at last.
    pub stacked: Option<Pane>,
    pub output: Output,
    /// Columns of the output to the left of the window.
    pub left: usize,
    /// Lines of the output go on below themselves.
    pub wrap: bool,
    /// What is searched for and kept, by the panels' numbers.
    sifts: [Sift; Pane::ALL.len()],
    /// Which events of a recording are listed.
    pub filter: Filter,
    /// Lines of the detail panel above the window.
    pub detail_top: usize,
    pub popup: Option<Box<dyn Popup>>,
    /// Notes that were not written, while something else is in the way of showing them.
    pub unwritten: Vec<Unwritten>,
    /// One line that answers the last key, or greets.
    pub toast: Option<Toast>,
    /// Keys of a sequence that is not whole yet.
    pub keys: Vec<Key>,
    /// What is being typed.
    pub typing: Option<Typing>,
    /// The session was made for this cockpit alone, and ends with it.
    pub tied: bool,
    /// The engine is gone; why.
    pub lost: Option<String>,
    /// What is selected, as of the newest frame.
    selection: Selection,
    /// How many rows each panel shows, by its number: what a page is.
    rows: [u16; Pane::ALL.len()],
}

impl View {
    /// What a recording is looked at with first.
    #[must_use]
    pub fn of_a_recording() -> Self {
        Self { board: Board::Replay, focus: Pane::Events, ..Self::default() }
    }

    /// Fits the view to the screen and to what there is to see; to be called before each frame.
    pub fn arrange(&mut self, area: Rect, state: &State, telemetry: &Telemetry) {
        self.stacked = self.on_top(state);
        let layout = Layout::of(area, self);
        self.rows = Pane::ALL.map(|pane| layout.rows(pane));
        // Who has scrolled back reads: what is read stays until the end is followed again.
        let reads = self.output.unseen().and_then(|_| self.output.source.clone());
        self.selection = Selection::of(self, state, telemetry);
        let source = reads.or_else(|| self.selection.output(state));
        if self.output.source != source {
            self.left = 0;
        }
        self.output.look_at(source, state, telemetry);
        self.output.sift(&self.sifts[Pane::Output as usize]);
        // Each line has its mark before it.
        let cols = usize::from(layout.cols(Pane::Output)).saturating_sub(2);
        self.output.wrap(self.wrap.then_some(cols));
    }

    /// Which panel of the stack is on top: the one in focus, else the one that was last, else the first that has
    /// anything to show.
    fn on_top(&self, state: &State) -> Option<Pane> {
        let focused = Some(self.focus).filter(|pane| STACK.contains(pane));
        focused.or(self.stacked).or_else(|| {
            let runbook = state.runbook.as_ref()?;
            let is_process = |check: &Check| check.applies && matches!(check.probe, Probe::Process { .. });
            let first = runbook.checks.values().any(is_process);
            Some(if first { Pane::Processes } else { Pane::WayBack })
        })
    }

    /// Answers the last key with why it did nothing.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.toast = Some(Toast { mark: Mark::Fail, text: why.into(), passes: Passes::Soon });
    }

    /// Says what a key did, until another is pressed.
    pub fn done(&mut self, what: impl Into<String>) {
        self.toast = Some(Toast { mark: Mark::Ok, text: what.into(), passes: Passes::WithAKey });
    }

    /// Says something that stays until a key is pressed.
    pub fn note(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { mark: Mark::Warn, text: text.into(), passes: Passes::WithAKey });
    }

    /// Drops the line that has stood long enough. `up_ms` is the clock of whoever looks: in a replay another than the
    /// session's.
    pub fn expire(&mut self, up_ms: u64) {
        let Some(toast) = &mut self.toast else { return };
        match toast.passes {
            Passes::WithAKey => {}
            Passes::Soon => toast.passes = Passes::At(up_ms.saturating_add(TOAST_MS)),
            Passes::At(until) if up_ms > until => self.toast = None,
            Passes::At(_) => {}
        }
    }

    /// What is selected, as of the newest frame.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What is searched for and kept in a panel.
    #[must_use]
    pub fn sift(&self, pane: Pane) -> &Sift {
        &self.sifts[pane as usize]
    }

    /// The same, to change it.
    pub fn sift_mut(&mut self, pane: Pane) -> &mut Sift {
        &mut self.sifts[pane as usize]
    }

    /// The panel whose rows are searched and filtered from where the focus is.
    #[must_use]
    pub fn sifted(&self) -> Pane {
        match self.focus {
            Pane::Timeline | Pane::Detail => Pane::Events,
            pane => pane,
        }
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
    pub passes: Passes,
}

/// When a line goes away by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// Not before a key is pressed.
    WithAKey,
    /// A while after it is first shown.
    Soon,
    /// At this reading of the clock, in milliseconds.
    At(u64),
}

/// How long an answer to a key stays, in milliseconds.
const TOAST_MS: u64 = 6_000;
