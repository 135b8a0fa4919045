//! What a script may ask for, and the command that it becomes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::until::Until;
use crate::event::{ItemOf, NoteTag, Resolution};
use crate::runbook::model::Action;
use crate::runbook::{StageId, StepId};
use crate::session::{Command, State};

/// What is asked for.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// Say where the session stands, in a second's reading.
    #[command(after_help = super::help::STATUS)]
    Status,
    /// Say what whoever takes over needs to know: what is open, what comes by itself, what rolling back would do.
    #[command(after_help = super::help::HANDOVER)]
    Handover,
    /// Print a line an event, from the first one on.
    #[command(after_help = super::help::EVENTS)]
    Events {
        /// Go on with what happens, until the session is over.
        #[arg(long)]
        follow: bool,
        /// Only events after this number.
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
    },
    /// Wait until the session is in one of these states; says which one it was.
    #[command(after_help = super::help::WAIT)]
    Wait {
        #[arg(required = true, value_name = "STATE")]
        until: Vec<Until>,
        /// Give up after this time, `90s` or `10m`; exit code 3.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        timeout: Option<std::time::Duration>,
    },
    /// Acknowledge the runbook's policy.
    #[command(after_help = "Example: gonogo ctl orders acknowledge")]
    Acknowledge,
    /// Enter the first stage, or promote the one at its gate and enter the next.
    #[command(after_help = super::help::ADVANCE)]
    Advance {
        /// The next stage's id, needed before a point of no return; the gate's own stage for an override.
        #[arg(long, value_name = "STAGE")]
        typed: Option<String>,
        /// Override a gate that is NO-GO, for this reason.
        #[arg(long = "override", value_name = "REASON")]
        over: Option<String>,
    },
    /// Start nothing new; anyone may, at any time.
    #[command(after_help = "Example: gonogo ctl orders pause\n\n\
        Running commands finish, checks go on, soaks stand still. A pause is never refused.")]
    Pause,
    /// Go on after a pause, or after a trigger that holds.
    #[command(after_help = "Example: gonogo ctl orders resume\n\n\
        Not `gonogo resume SESSION`, which brings an engine back that is gone.")]
    Resume,
    /// Take frozen files as they are now for what is frozen, with a reason.
    #[command(
        after_help = "Example: gonogo ctl orders accept-drift \"the ops team turned the log level up\"\n\n\
        Put back instead, they need nothing but `resume`."
    )]
    AcceptDrift {
        #[command(flatten)]
        why: Why,
    },
    /// Undo the entered stages: all of them, or down to one.
    #[command(after_help = super::help::ROLLBACK)]
    Rollback {
        /// The stage that is undone last.
        #[arg(long, value_name = "STAGE")]
        to: Option<String>,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Run a step that failed once more.
    #[command(after_help = "Example: gonogo ctl orders retry switch.start-new")]
    Retry { step: String },
    /// Leave a step out.
    #[command(after_help = "Example: gonogo ctl orders skip switch.warm-up \"the cache is warm\"")]
    Skip {
        step: String,
        #[command(flatten)]
        why: Why,
    },
    /// End a running step.
    #[command(after_help = "Example: gonogo ctl orders kill switch.copy")]
    Kill { step: String },
    /// Answer a step that asks.
    #[command(after_help = "Example: gonogo ctl orders confirm freeze.told yes --note \"told in #ops\"")]
    Confirm {
        step: String,
        answer: Answer,
        /// The role that you answer for, where the question asks for one.
        #[arg(long, alias = "for")]
        role: Option<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Tick an item of a gate or of a step that asks.
    #[command(after_help = super::help::TICK)]
    Tick {
        /// A stage, for its gate; or STAGE.STEP.
        on: String,
        /// The item, or a part of it that only one has.
        item: String,
        /// Fail it instead, with this note.
        #[arg(long, value_name = "NOTE")]
        fail: Option<String>,
        #[arg(long, conflicts_with = "fail")]
        note: Option<String>,
    },
    /// Vote at the gate of the stage in hand.
    #[command(after_help = super::help::VOTE)]
    Vote {
        vote: Word,
        /// The stage that is meant, where it must be that one.
        #[arg(long)]
        stage: Option<String>,
        /// The role that you vote for.
        #[arg(long, alias = "for")]
        role: Option<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Say a second person's word on an override that the driver asked for.
    #[command(after_help = "Example: gonogo ctl orders second go --note \"latency is the load test's\"")]
    Second {
        vote: Word,
        /// The stage that is meant, where it must be that one.
        #[arg(long)]
        stage: Option<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Stop a trigger that counts down.
    #[command(
        after_help = "Example: gonogo ctl orders veto switch.readyz.rollback --reason \"a known blip\""
    )]
    Veto {
        trigger: String,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Put a note into the record, with a file if you like.
    #[command(after_help = super::help::NOTE)]
    Note {
        text: String,
        #[arg(long, value_enum, default_value_t = Tag::Observation)]
        tag: Tag,
        /// A file that goes into the session's evidence, without its secrets.
        #[arg(long, value_name = "FILE")]
        attach: Option<PathBuf>,
    },
    /// Say what became of a step whose end nobody saw.
    #[command(
        after_help = "Example: gonogo ctl orders resolve switch.copy done \"the table is complete, counted\""
    )]
    Resolve {
        step: String,
        outcome: Became,
        #[command(flatten)]
        why: Why,
    },
    /// Offer the wheel to somebody who is here.
    #[command(after_help = super::help::PASS)]
    Pass { person: String },
    /// Ask for the wheel, offer, accept, decline or take it.
    #[command(after_help = super::help::PASS)]
    Wheel {
        #[command(subcommand)]
        wheel: Wheel,
    },
    /// End the session as it stands; nothing is undone.
    #[command(after_help = "Example: gonogo ctl orders abort \"the change is withdrawn\"")]
    Abort {
        #[command(flatten)]
        why: Why,
    },
}

/// A reason that there must be: the last word, or `--reason` as where there only may be one. (A word behind `rollback`
/// would be taken for the stage to go back to, so that one takes no reason but by its name.)
#[derive(Debug, Clone, Args)]
pub(super) struct Why {
    /// Why, for the record: needed, here or with --reason.
    #[arg(value_name = "REASON", required_unless_present = "by_flag")]
    reason: Option<String>,
    /// The same by its name.
    #[arg(long = "reason", id = "by_flag", value_name = "REASON", conflicts_with = "reason")]
    by_flag: Option<String>,
}

impl Why {
    fn said(&self) -> String {
        // One of both is there: clap has seen to that.
        self.reason.iter().chain(&self.by_flag).next().cloned().unwrap_or_default()
    }
}

/// What is done about the wheel.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Wheel {
    /// Ask whoever drives for it.
    Ask,
    /// Offer it to somebody who is here; the same as `pass`.
    Offer { person: String },
    /// Take it when it is offered, having read the handover.
    Accept,
    /// Decline an offer, or take your own back.
    Decline,
    /// Take it when whoever has it is away.
    Take,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Answer {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Word {
    Go,
    NoGo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tag {
    Observation,
    Decision,
    Bug,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Became {
    Done,
    Failed,
    RunAgain,
}

impl Verb {
    /// The role that it is said for.
    pub(super) fn role(&self) -> Option<&String> {
        match self {
            Self::Vote { role, .. } | Self::Confirm { role, .. } => role.as_ref(),
            _ => None,
        }
    }

    /// The command that it becomes, seen from `state`; `None` where it only looks.
    ///
    /// # Errors
    /// It names something that is not there, as a sentence.
    pub(super) fn command(&self, state: &State) -> Result<Option<Command>, String> {
        let step = |name: &String| StepId::from(name.as_str());
        Ok(Some(match self {
            Self::Status | Self::Handover | Self::Events { .. } | Self::Wait { .. } => return Ok(None),
            Self::Acknowledge => Command::Acknowledge,
            Self::Advance { typed, over } => Command::Advance { typed: typed.clone(), over: over.clone() },
            Self::Pause => Command::Pause,
            Self::Resume => Command::Resume,
            Self::AcceptDrift { why } => Command::AcceptDrift { reason: why.said() },
            Self::Rollback { to, reason } => {
                Command::Rollback { to: to.as_deref().map(StageId::from), reason: reason.clone() }
            }
            Self::Retry { step: name } => Command::Retry { step: step(name) },
            Self::Skip { step: name, why } => Command::Skip { step: step(name), reason: why.said() },
            Self::Kill { step: name } => Command::Kill { step: step(name) },
            Self::Confirm { step: name, answer, note, .. } => {
                Command::Confirm { step: step(name), yes: *answer == Answer::Yes, note: note.clone() }
            }
            Self::Tick { on, item, fail, note } => {
                let (on, item) = item_of(state, on, item)?;
                let note = fail.as_ref().or(note.as_ref()).cloned();
                Command::Tick { on, item, pass: fail.is_none(), note }
            }
            Self::Vote { vote, stage, role, note } => Command::Vote {
                stage: stage_of(state, stage.as_deref())?,
                role: role.clone(),
                go: *vote == Word::Go,
                note: note.clone(),
            },
            Self::Second { vote, stage, note } => Command::Second {
                stage: stage_of(state, stage.as_deref())?,
                go: *vote == Word::Go,
                note: note.clone(),
            },
            Self::Veto { trigger, reason } => {
                Command::Veto { trigger: trigger.as_str().into(), reason: reason.clone() }
            }
            Self::Note { text, tag, .. } => {
                let tag = match tag {
                    Tag::Observation => NoteTag::Observation,
                    Tag::Decision => NoteTag::Decision,
                    Tag::Bug => NoteTag::Bug,
                };
                Command::Note { tag, text: text.clone(), attached: None }
            }
            Self::Resolve { step: name, outcome, why } => {
                let outcome = match outcome {
                    Became::Done => Resolution::Done,
                    Became::Failed => Resolution::Failed,
                    Became::RunAgain => Resolution::RunAgain,
                };
                Command::Resolve { step: step(name), outcome, reason: why.said() }
            }
            Self::Pass { person } | Self::Wheel { wheel: Wheel::Offer { person } } => {
                Command::OfferWheel { to: person.clone() }
            }
            Self::Wheel { wheel: Wheel::Ask } => Command::AskWheel,
            Self::Wheel { wheel: Wheel::Accept } => Command::AcceptWheel,
            Self::Wheel { wheel: Wheel::Decline } => Command::DeclineWheel,
            Self::Wheel { wheel: Wheel::Take } => Command::TakeWheel,
            Self::Abort { why } => Command::Abort { reason: why.said() },
        }))
    }
}

/// The stage that was named, else the one in hand.
fn stage_of(state: &State, named: Option<&str>) -> Result<StageId, String> {
    match (named, state.current_stage()) {
        (Some(named), _) => Ok(named.into()),
        (None, Some(current)) => Ok(current.clone()),
        (None, None) => Err("no stage is in hand now".to_owned()),
    }
}

/// Whose item is meant, and which.
fn item_of(state: &State, on: &str, item: &str) -> Result<(ItemOf, String), String> {
    let (of, items) = if on.contains('.') {
        let id = StepId::from(on);
        let items = match state.step_plan(&id).map(|step| &step.action) {
            Some(Action::Confirm { items, .. }) => items,
            Some(_) => return Err(format!("step {on} has no items")),
            None => return Err(format!("there is no step {on}")),
        };
        (ItemOf::Step(id), items)
    } else {
        let id = StageId::from(on);
        let stage = state.stage_plan(&id).ok_or_else(|| format!("there is no stage {on}"))?;
        (ItemOf::Gate(id), &stage.gate.accept)
    };
    let fitting: Vec<&String> = match items.iter().find(|known| *known == item) {
        Some(exact) => vec![exact],
        None => items.iter().filter(|known| known.contains(item)).collect(),
    };
    match fitting.as_slice() {
        [one] => Ok((of, (*one).clone())),
        _ => {
            let what = if fitting.is_empty() { "no item" } else { "more than one item" };
            let all = items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ");
            Err(format!("{what} of {on} has \"{item}\" in it; there are: {all}"))
        }
    }
}
