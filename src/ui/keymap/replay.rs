//! What may I press over a recording? Nothing here acts on a cutover: the keys that do stay where they are and say why
//! they do nothing.

use crate::ui::action::Action;

/// What only a recording has, and the keys that mean something else there; every other key is that of `defaults.rs`.
pub const REPLAY: &[(Action, &[&str])] = &[
    (Action::Play, &["space"]),
    (Action::NextEvent, &["right"]),
    (Action::PreviousEvent, &["left"]),
    (Action::MinuteOn, &["shift-right", "."]),
    (Action::MinuteBack, &["shift-left", ","]),
    (Action::NextStage, &["}"]),
    (Action::PreviousStage, &["{"]),
    (Action::NextFailure, &["n"]),
    (Action::PreviousFailure, &["N"]),
    (Action::NextMark, &["]"]),
    (Action::PreviousMark, &["["]),
    (Action::Faster, &[">"]),
    (Action::Slower, &["<"]),
    (Action::SkipIdle, &["i"]),
    (Action::ErrorsOnly, &["e"]),
    (Action::WhatIf, &["w"]),
    (Action::AsItWas, &["o"]),
    (Action::Tenth(0), &["0"]),
    (Action::Tenth(1), &["1"]),
    (Action::Tenth(2), &["2"]),
    (Action::Tenth(3), &["3"]),
    (Action::Tenth(4), &["4"]),
    (Action::Tenth(5), &["5"]),
    (Action::Tenth(6), &["6"]),
    (Action::Tenth(7), &["7"]),
    (Action::Tenth(8), &["8"]),
    (Action::Tenth(9), &["9"]),
];
