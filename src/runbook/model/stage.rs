//! Stages and their gates.

use std::time::Duration;

use super::Step;
use crate::runbook::id::{CheckId, StageId};

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage {
    pub id: StageId,
    pub title: String,
    pub description: Option<String>,
    /// False where `when` rules it out: it counts as skipped.
    pub applies: bool,
    pub watch: Vec<CheckId>,
    pub estimate: Option<Duration>,
    pub point_of_no_return: bool,
    pub steps: Vec<Step>,
    pub rollback: Vec<Step>,
    pub gate: Gate,
}

/// When a stage is GO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub checks: Vec<CheckId>,
    pub soak: Option<Duration>,
    /// Items that an operator ticks.
    pub accept: Vec<String>,
    /// So many people must vote GO.
    pub approvals: u32,
    /// For each of these somebody must vote GO who stands for it.
    pub roles: Vec<String>,
    /// So many live sessions in a row, this one with them, must have had this gate GO; 1 where none is asked.
    pub consecutive_sessions: u32,
    /// The drill that must be on record.
    pub drilled: Option<Drilled>,
    /// Promote by itself when GO.
    pub auto: bool,
    pub over: Override,
}

/// A good drill that must be on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// It is no older than this.
    pub within: Duration,
    /// The environment that it was made in; `None`: any.
    pub environment: Option<String>,
}

/// Whether a NO-GO may be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override {
    /// By the driver, with a typed reason.
    Reason,
    /// As `Reason`, and a second person must say so too.
    Two,
    /// Not at all.
    Never,
}
