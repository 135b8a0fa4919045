//! Everything that a key can mean. What an action does is in `update.rs`; which key means it is in `keymap/`.

use std::fmt;

use super::view::Pane;

/// What an operator wants, before it is a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Lets a recording run, or halts it.
    Play,
    NextEvent,
    PreviousEvent,
    MinuteOn,
    MinuteBack,
    NextStage,
    PreviousStage,
    NextFailure,
    PreviousFailure,
    NextMark,
    PreviousMark,
    Faster,
    Slower,
    SkipIdle,
    ErrorsOnly,
    Filter,
    WhatIf,
    /// Between a recording's own panels and the cockpit as it was.
    AsItWas,
    /// To that tenth of a recording.
    Tenth(u8),
    Advance,
    Pause,
    Resume,
    RollBack,
    Retry,
    Skip,
    Kill,
    Veto,
    Vote,
    /// Offer, ask for, take or hand back the wheel.
    Wheel,
    Note,
    /// Answer, tick, or show the detail of what is selected.
    Open,
    Help,
    Palette,
    Detach,
    Quit,
    Focus(Pane),
    NextPane,
    PreviousPane,
    Zoom,
    /// Long lines of the output go on below themselves, or to the right.
    Wrap,
    /// To the next theme.
    Theme,
    /// Take the mouse, or give it back to the terminal.
    Mouse,
    Search,
    SearchNext,
    SearchPrevious,
    /// The selected row.
    Copy,
    /// All of the panel in focus.
    CopyPanel,
    Up,
    Down,
    Left,
    Right,
    Top,
    Bottom,
    PageUp,
    PageDown,
}

/// Where an action stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Replay,
    Cutover,
    Screen,
    Moving,
}

impl Action {
    /// Every action, in the order of the help.
    pub const ALL: &[Self] = &[
        Self::Play,
        Self::NextEvent,
        Self::PreviousEvent,
        Self::MinuteOn,
        Self::MinuteBack,
        Self::NextStage,
        Self::PreviousStage,
        Self::NextFailure,
        Self::PreviousFailure,
        Self::NextMark,
        Self::PreviousMark,
        Self::Faster,
        Self::Slower,
        Self::SkipIdle,
        Self::ErrorsOnly,
        Self::WhatIf,
        Self::AsItWas,
        Self::Tenth(0),
        Self::Tenth(1),
        Self::Tenth(2),
        Self::Tenth(3),
        Self::Tenth(4),
        Self::Tenth(5),
        Self::Tenth(6),
        Self::Tenth(7),
        Self::Tenth(8),
        Self::Tenth(9),
        Self::Advance,
        Self::Pause,
        Self::Resume,
        Self::RollBack,
        Self::Retry,
        Self::Skip,
        Self::Kill,
        Self::Veto,
        Self::Vote,
        Self::Wheel,
        Self::Note,
        Self::Open,
        Self::Help,
        Self::Palette,
        Self::Detach,
        Self::Quit,
        Self::Focus(Pane::Stages),
        Self::Focus(Pane::Checks),
        Self::Focus(Pane::Steps),
        Self::Focus(Pane::Processes),
        Self::Focus(Pane::Output),
        Self::Focus(Pane::Audit),
        Self::Focus(Pane::Crew),
        Self::Focus(Pane::WayBack),
        Self::Focus(Pane::Versus),
        Self::Focus(Pane::Timeline),
        Self::Focus(Pane::Events),
        Self::Focus(Pane::Detail),
        Self::NextPane,
        Self::PreviousPane,
        Self::Zoom,
        Self::Wrap,
        Self::Theme,
        Self::Mouse,
        Self::Search,
        Self::SearchNext,
        Self::SearchPrevious,
        Self::Filter,
        Self::Copy,
        Self::CopyPanel,
        Self::Up,
        Self::Down,
        Self::Left,
        Self::Right,
        Self::Top,
        Self::Bottom,
        Self::PageUp,
        Self::PageDown,
    ];

    /// Its name in a keymap: `roll-back`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Play => "play",
            Self::NextEvent => "next-event",
            Self::PreviousEvent => "previous-event",
            Self::MinuteOn => "minute-on",
            Self::MinuteBack => "minute-back",
            Self::NextStage => "next-stage",
            Self::PreviousStage => "previous-stage",
            Self::NextFailure => "next-failure",
            Self::PreviousFailure => "previous-failure",
            Self::NextMark => "next-mark",
            Self::PreviousMark => "previous-mark",
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::SkipIdle => "skip-idle",
            Self::ErrorsOnly => "errors-only",
            Self::Filter => "filter",
            Self::WhatIf => "what-if",
            Self::AsItWas => "as-it-was",
            Self::Tenth(tenth) => {
                const TENTHS: [&str; 10] = [
                    "to-start", "to-10", "to-20", "to-30", "to-40", "to-50", "to-60", "to-70", "to-80",
                    "to-90",
                ];
                TENTHS[usize::from(tenth % 10)]
            }
            Self::Advance => "advance",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::RollBack => "roll-back",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Kill => "kill",
            Self::Veto => "veto",
            Self::Vote => "vote",
            Self::Wheel => "hand-over",
            Self::Note => "note",
            Self::Open => "open",
            Self::Help => "help",
            Self::Palette => "palette",
            Self::Detach => "detach",
            Self::Quit => "quit",
            Self::Focus(Pane::Stages) => "stages",
            Self::Focus(Pane::Checks) => "checks",
            Self::Focus(Pane::Steps) => "steps",
            Self::Focus(Pane::Processes) => "processes",
            Self::Focus(Pane::Output) => "output",
            Self::Focus(Pane::Audit) => "audit",
            Self::Focus(Pane::Crew) => "crew",
            Self::Focus(Pane::WayBack) => "way-back",
            Self::Focus(Pane::Versus) => "old-new",
            Self::Focus(Pane::Timeline) => "timeline",
            Self::Focus(Pane::Events) => "events",
            Self::Focus(Pane::Detail) => "detail",
            Self::NextPane => "next-pane",
            Self::PreviousPane => "previous-pane",
            Self::Zoom => "zoom",
            Self::Wrap => "wrap",
            Self::Theme => "theme",
            Self::Mouse => "mouse",
            Self::Search => "search",
            Self::SearchNext => "search-next",
            Self::SearchPrevious => "search-previous",
            Self::Copy => "copy",
            Self::CopyPanel => "copy-panel",
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
            Self::Right => "right",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }

    /// One or two words for the line of hints.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RollBack => "roll back",
            Self::Wheel => "hand over",
            Self::NextPane => "panel",
            Self::Play => "play/halt",
            Self::NextEvent => "event",
            Self::NextFailure => "failure",
            Self::NextStage => "stage",
            Self::NextMark => "mark",
            Self::Faster => "speed",
            Self::SkipIdle => "skip idle",
            Self::ErrorsOnly => "errors",
            Self::AsItWas => "as it was",
            Self::Tenth(0) => "tenths",
            other => other.name(),
        }
    }

    /// What it does, as the help says it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Play => "play, or halt; at the end, play from the beginning",
            Self::NextEvent => "to the next event",
            Self::PreviousEvent => "to the event before",
            Self::MinuteOn => "a minute on",
            Self::MinuteBack => "a minute back",
            Self::NextStage => "to the next stage's beginning",
            Self::PreviousStage => "to the beginning of the stage, or of the one before",
            Self::NextFailure => "to the next failure; while something is searched for, to its next place",
            Self::PreviousFailure => {
                "to the failure before; while something is searched for, to its place before"
            }
            Self::NextMark => "to the next decision or note",
            Self::PreviousMark => "to the decision or note before",
            Self::Faster => "play faster, up to 1000 times",
            Self::Slower => "play slower",
            Self::SkipIdle => "pass over times in which nothing happened, or not",
            Self::ErrorsOnly => "list failures only, or every event again",
            Self::Filter => {
                "keep only rows with some words, in the panel in focus; among a replay's events also by:, kind:, on:"
            }
            Self::WhatIf => "what other limits would have done (with --what-if)",
            Self::AsItWas => "the cockpit as it was at this moment, and back",
            Self::Tenth(0) => "to the beginning, or that tenth of the session; Tab goes through the panels",
            Self::Tenth(_) => "to that tenth of the session",
            Self::Advance => "go on to the next stage: opens the GO / NO-GO dialog",
            Self::Pause => "pause: nothing new starts, commands that run finish, triggers go on; never asks",
            Self::Resume => "resume after a pause",
            Self::RollBack => "roll back: choose how far, see exactly what will run",
            Self::Retry => "run the selected step again",
            Self::Skip => "skip the selected step, with a reason",
            Self::Kill => "end the selected step's command",
            Self::Veto => "veto a trigger that is about to fire",
            Self::Vote => "vote GO or NO-GO at the gate, with a note",
            Self::Wheel => "the wheel: offer it, ask for it, take it; where the session stands",
            Self::Note => "write a note into the log, with a tag; attach a file",
            Self::Open => "answer the question, tick the item, or show the detail",
            Self::Help => "this help",
            Self::Palette => "every action by its name, also those without a key",
            Self::Detach => "leave the cockpit at once; the session goes on",
            Self::Quit => "leave: asks whether to detach, stay or abort",
            Self::Focus(pane) => pane.help(),
            Self::NextPane => "next panel",
            Self::PreviousPane => "previous panel",
            Self::Zoom => "the panel in focus fills the screen, and back",
            Self::Wrap => "long lines of the output go on below themselves, or to the right again",
            Self::Theme => "the next theme: other colours, or none",
            Self::Mouse => "take the mouse, or give it back to the terminal, which selects text with it",
            Self::Search => "search in the panel in focus",
            Self::SearchNext => "next match",
            Self::SearchPrevious => "previous match",
            Self::Copy => "copy the selected row: to the clipboard (OSC 52) and to a file",
            Self::CopyPanel => {
                "copy the panel in focus, of the output the lines in sight: to the clipboard (OSC 52) and a file"
            }
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "scroll left",
            Self::Right => "scroll right",
            Self::Top => "to the top",
            Self::Bottom => "to the end; output follows again",
            Self::PageUp => "a page up",
            Self::PageDown => "a page down",
        }
    }

    /// Whether there is something to do only over a recording.
    #[must_use]
    pub fn needs_recording(self) -> bool {
        let panel = matches!(self, Self::Focus(Pane::Timeline | Pane::Events | Pane::Detail));
        panel || self.group() == Group::Replay
    }

    /// Where it stands in the help.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Self::Play
            | Self::NextEvent
            | Self::PreviousEvent
            | Self::MinuteOn
            | Self::MinuteBack
            | Self::NextStage
            | Self::PreviousStage
            | Self::NextFailure
            | Self::PreviousFailure
            | Self::NextMark
            | Self::PreviousMark
            | Self::Faster
            | Self::Slower
            | Self::SkipIdle
            | Self::ErrorsOnly
            | Self::WhatIf
            | Self::AsItWas
            | Self::Tenth(_) => Group::Replay,
            Self::Advance
            | Self::Pause
            | Self::Resume
            | Self::RollBack
            | Self::Retry
            | Self::Skip
            | Self::Kill
            | Self::Veto
            | Self::Vote
            | Self::Wheel
            | Self::Note
            | Self::Open => Group::Cutover,
            Self::Up
            | Self::Down
            | Self::Left
            | Self::Right
            | Self::Top
            | Self::Bottom
            | Self::PageUp
            | Self::PageDown => Group::Moving,
            _ => Group::Screen,
        }
    }
}

impl Group {
    /// The heading in the help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Replay => "The recording",
            Self::Cutover => "The cutover",
            Self::Screen => "The screen",
            Self::Moving => "Moving",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(*action));
        }
    }
}
