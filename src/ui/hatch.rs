//! The escape hatch as it is shown: is the way back ready, what would run, until when is it open.

use super::format;
use super::theme::Mark;
use crate::clock::Now;
use crate::session::way_back::{self, Deadline, Ready, RollbackWindow, Takes, WayBack};
use crate::session::{State, window};

/// The way back, at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Hatch {
    pub mark: Mark,
    /// `READY`, or the word for what it is instead.
    pub word: &'static str,
    /// Why it is not ready; empty where it is.
    pub why: String,
    pub back: WayBack,
    /// Where the change window stands.
    pub change: Option<window::Standing>,
}

/// How the way back stands.
#[must_use]
pub fn hatch(state: &State, now: Now) -> Hatch {
    let back = way_back::way_back(state, now);
    let change = window::standing(state, now);
    if state.runbook.is_none() {
        let why = "no runbook yet".to_owned();
        return Hatch { mark: Mark::Pending, word: "UNKNOWN", why, back, change };
    }
    let (mark, word, why) = match &back.ready {
        Ready::Closed => (Mark::Pending, "CLOSED", "the session is over".to_owned()),
        Ready::InUse => (Mark::Running, "IN USE", "rolling back".to_owned()),
        Ready::Stuck(why) => (Mark::Fail, "STUCK", why.clone()),
        Ready::Unproven => (Mark::Pending, "UNPROVEN", "the runbook names no check for it".to_owned()),
        Ready::Unseen(check) => (Mark::Pending, "NOT SEEN YET", format!("check {check}")),
        Ready::NotReady(missing) => (Mark::Fail, "NOT READY", missing.first().cloned().unwrap_or_default()),
        Ready::Ready => (Mark::Ok, "READY", String::new()),
    };
    Hatch { mark, word, why, back, change }
}

impl Hatch {
    /// `READY`, or why not.
    #[must_use]
    pub fn ready(&self) -> String {
        let Self { word, why, .. } = self;
        if why.is_empty() { (*word).to_owned() } else { format!("{word}: {why}") }
    }

    /// What rolling back as far as it goes would run: `4 steps, 40s`; `None` where there is nothing to undo.
    #[must_use]
    pub fn plan(&self) -> Option<String> {
        let Takes { steps, unknown, .. } = self.back.takes;
        let plural = if steps == 1 { "" } else { "s" };
        let time = match (self.time()?, unknown) {
            (time, 0) => time,
            (time, _) => format!("{time} ({unknown} without a time)"),
        };
        Some(format!("{steps} step{plural}, {time}"))
    }

    /// How long that takes: `40s` as it was measured, `~40s` as it is written, `40s+` where some steps have no time,
    /// `time unknown` where none has one.
    #[must_use]
    pub fn time(&self) -> Option<String> {
        let Takes { ms, steps, unknown, measured, .. } = self.back.takes;
        match (steps, unknown) {
            (0, _) => None,
            (_, 0) if measured == steps => Some(format::about(ms)),
            (_, 0) => Some(format!("~{}", format::about(ms))),
            (steps, unknown) if steps == unknown => Some("time unknown".to_owned()),
            _ => Some(format!("{}+", format::about(ms))),
        }
    }

    /// The deadline of a rollback, where there is anything to roll back.
    #[must_use]
    pub fn deadline(&self) -> Option<&Deadline> {
        self.back.deadline.as_ref().filter(|_| self.back.takes.steps > 0)
    }

    /// Something about it has to be known before anything goes on.
    #[must_use]
    pub fn alarm(&self, now: Now) -> Option<String> {
        if let Ready::NotReady(_) = self.back.ready {
            return Some(format!("WAY BACK {}", self.ready()));
        }
        let late = self.deadline().filter(|deadline| deadline.left_ms.is_none())?;
        Some(late.in_words(now))
    }

    /// How many things about it are wrong.
    #[must_use]
    pub fn wrong(&self) -> usize {
        let red = match &self.back.ready {
            Ready::NotReady(missing) => missing.len(),
            Ready::Stuck(_) => 1,
            _ => 0,
        };
        red + usize::from(self.deadline().is_some_and(|deadline| deadline.left_ms.is_none()))
    }

    /// Rolling back needs a reason by now.
    #[must_use]
    pub fn window_is_over(&self) -> bool {
        self.back.window == Some(RollbackWindow::Over)
    }
}
