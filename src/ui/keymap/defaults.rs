//! What may I press? The keys as they come. Nothing that acts sits on Ctrl, on a function key or on a double tap,
//! and no key toggles: two people who both press "pause" must not resume.

use crate::ui::action::Action;
use crate::ui::view::Pane;

/// Each action with its keys, in the order of the help. Keys in one string, apart by a space, are pressed one after
/// the other.
pub const DEFAULTS: &[(Action, &[&str])] = &[
    (Action::Advance, &["a"]),
    (Action::Pause, &["p"]),
    (Action::Resume, &["P"]),
    (Action::RollBack, &["b"]),
    (Action::Retry, &["r"]),
    (Action::Skip, &["s"]),
    (Action::Kill, &["x"]),
    (Action::Veto, &["V"]),
    (Action::Vote, &["v"]),
    (Action::Wheel, &["H"]),
    (Action::Note, &["c"]),
    (Action::Open, &["enter"]),
    (Action::Help, &["?", "f1"]),
    (Action::Detach, &["d"]),
    (Action::Quit, &["q"]),
    (Action::Focus(Pane::Stages), &["1"]),
    (Action::Focus(Pane::Checks), &["2"]),
    (Action::Focus(Pane::Steps), &["3"]),
    (Action::Focus(Pane::Processes), &["4"]),
    (Action::Focus(Pane::Output), &["5"]),
    (Action::Focus(Pane::Audit), &["6"]),
    (Action::Focus(Pane::Crew), &["7"]),
    (Action::Focus(Pane::WayBack), &["8"]),
    (Action::Focus(Pane::Versus), &["9"]),
    (Action::NextPane, &["tab"]),
    (Action::PreviousPane, &["shift-tab"]),
    (Action::Zoom, &["z"]),
    (Action::Theme, &["t"]),
    (Action::Search, &["/"]),
    (Action::SearchNext, &["n"]),
    (Action::SearchPrevious, &["N"]),
    (Action::Up, &["k", "up"]),
    (Action::Down, &["j", "down"]),
    (Action::Left, &["h", "left"]),
    (Action::Right, &["l", "right"]),
    (Action::Top, &["g g", "home"]),
    (Action::Bottom, &["G", "end"]),
    (Action::PageUp, &["pgup"]),
    (Action::PageDown, &["pgdn"]),
];
