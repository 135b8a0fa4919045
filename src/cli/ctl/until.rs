//! What a script may wait for.

use clap::ValueEnum;
use serde::Serialize;

use crate::session::{Situation, StageStatus, State, gate};

/// A state that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Until {
    /// A stage is at its gate, GO or not.
    Gate,
    /// A stage is at its gate, and the gate is GO.
    Go,
    /// It holds: a step failed, or its end is unknown, or a trigger holds, or the rollback is stuck.
    Held,
    /// A step waits for an answer.
    Question,
    /// No stage is in hand and the next can be entered: before the first one.
    Ready,
    /// It is over: completed, rolled back or aborted.
    Closed,
}

impl Until {
    /// The word for it on the command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Go => "go",
            Self::Held => "held",
            Self::Question => "question",
            Self::Ready => "ready",
            Self::Closed => "closed",
        }
    }

    /// Whether `state` is one.
    pub(super) fn is_reached(self, state: &State) -> bool {
        let at_gate = || {
            let stage = state.current_stage()?;
            state.stages.get(stage).filter(|seen| seen.status == StageStatus::AtGate).map(|_| stage)
        };
        let situation = state.situation();
        match self {
            Self::Gate => situation == Situation::Running && at_gate().is_some(),
            Self::Go => {
                situation == Situation::Running
                    && at_gate().is_some_and(|stage| gate::evaluate(state, stage).is_go())
            }
            Self::Held => matches!(situation, Situation::Holding | Situation::RollbackStuck),
            Self::Question => !state.is_closed() && !state.questions().is_empty(),
            Self::Ready => {
                situation == Situation::Running
                    && state.current_stage().is_none()
                    && state.next_stage().is_some()
            }
            Self::Closed => state.is_closed(),
        }
    }
}
