//! Where a session stands, in the lines that an operator reads.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{ChangeWindow, Engine, Log, OverrideAsked, Question, Running, Stage, Status, Voted, WayBack};
use crate::session::gate;
use crate::text::safe_line;
use crate::ui::format;

/// The text that an operator reads; every line of it is safe for a terminal.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        lines.iter().try_for_each(|line| writeln!(f, "{}", safe_line(line)))
    }
}

impl Engine {
    /// That nobody drives `session`, where nobody does.
    pub(in crate::cli::ctl) fn in_words(self, session: &str) -> Option<String> {
        match self {
            Self::Live => None,
            Self::Gone { since } => Some(gone(session, since)),
            Self::Over { since } => Some(format!("over since {}", instant(since))),
        }
    }
}

impl Status {
    fn lines(&self) -> Vec<String> {
        let elapsed = format::clock(self.elapsed_ms);
        let mut lines = vec![format!("{}: {}, {}, T+{elapsed}", self.session, self.title, self.mode)];
        lines.extend(self.engine.in_words(&self.session));
        lines.push(self.standing.clone());
        lines.extend(self.where_it_is());
        lines.extend(self.holds.iter().flat_map(|hold| blocked("hold", hold)));
        lines.extend(self.questions.iter().flat_map(|question| question.lines(&self.session)));
        lines.extend(self.countdowns.iter().map(|countdown| {
            let left = countdown.fires_in_ms.div_ceil(1000);
            row("countdown", &format!("{} fires in {left}s: {}", countdown.trigger, countdown.why))
        }));
        lines.extend(self.running.iter().map(|running| row("running", &running.in_words())));
        lines.extend(self.stage.as_ref().into_iter().flat_map(Stage::gate_lines));
        if !matches!(self.engine, Engine::Over { .. }) {
            lines.extend(self.change_window.iter().map(|window| row("window", &window.in_words())));
            lines.extend(self.way_back_lines());
        }
        lines.extend(self.crew_lines());
        lines.push(row("log", &self.log.in_words()));
        lines
    }

    fn where_it_is(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(Stage { id, title, number, of, at_gate, .. }) = &self.stage {
            let gate = if *at_gate { ", at its gate" } else { "" };
            lines.push(row("stage", &format!("{number} of {of}, {id}: {title}{gate}")));
        }
        if let Some(next) = &self.next_stage {
            let point = if next.point_of_no_return { ", a point of no return" } else { "" };
            lines.push(row("next", &format!("{}: {}{point}", next.id, next.title)));
        }
        lines
    }

    fn way_back_lines(&self) -> Vec<String> {
        // At a gate it is among what blocks.
        let told = self.stage.as_ref().is_some_and(|stage| stage.at_gate);
        self.way_back.lines(told)
    }

    fn crew_lines(&self) -> Vec<String> {
        let driver = match (self.driver.as_deref(), self.driver_away) {
            (None, _) => "nobody".to_owned(),
            (Some(driver), None) => driver.to_owned(),
            (Some(driver), Some(since)) => {
                format!("{driver}, AWAY since {}: `wheel take`", instant(since))
            }
        };
        let mut lines = vec![row("driver", &driver)];
        lines.extend(self.here.iter().map(|here| row("here", &here.in_words())));
        lines.extend(self.wheel_offered_to.iter().map(|to| row("wheel", &format!("offered to {to}"))));
        lines.extend(self.wheel_asked_by.iter().map(|by| row("wheel", &format!("asked for by {by}"))));
        lines
    }
}

impl Question {
    fn lines(&self, session: &str) -> Vec<String> {
        let Self { step, question, .. } = self;
        let asked = row("question", &format!("{step}: {question}"));
        let answer = match self.kind {
            "unknown" => {
                format!("`gonogo ctl {session} resolve {step} done|failed|run-again \"how you know\"`")
            }
            _ => format!("`gonogo ctl {session} confirm {step} yes|no`"),
        };
        vec![asked, row("", &format!("answered by: {answer}"))]
    }
}

impl Stage {
    fn gate_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(soak) = &self.soak {
            let stands =
                if soak.running || soak.so_far_ms >= soak.asked_ms { "" } else { ", standing still" };
            let (so_far, asked) = (format::took(soak.so_far_ms), format::took(soak.asked_ms));
            lines.push(row("soak", &format!("{so_far} of {asked}{stands}")));
        }
        lines.extend(self.votes.iter().map(|vote| row("vote", &vote.in_words())));
        if let Some(OverrideAsked { by, reason, .. }) = &self.override_asked {
            lines.push(row("override", &format!("{by} asks for a second person's word: {reason}")));
        }
        // Before the gate most of it is still to come.
        let missing = self.gate.missing.iter().filter(|_| self.at_gate);
        lines.extend(missing.flat_map(|missing| blocked("blocked by", missing)));
        lines
    }
}

impl ChangeWindow {
    fn in_words(&self) -> String {
        let moment = |word: &str, at: DateTime<Utc>| format!("{word} {}", at.format("%Y-%m-%d %H:%MZ"));
        let ends = [self.opens.map(|at| moment("opens", at)), self.closes.map(|at| moment("closes", at))];
        let ends: Vec<String> = ends.into_iter().flatten().collect();
        self.warning.clone().unwrap_or_else(|| ends.join(", "))
    }
}

impl WayBack {
    fn lines(&self, told: bool) -> Vec<String> {
        let steps = match self.steps.len() {
            0 => String::new(),
            1 => "1 step, ".to_owned(),
            count => format!("{count} steps, "),
        };
        let word = match (self.gate.go, self.unproven) {
            (true, true) => "UNPROVEN: the runbook names no check for it",
            (true, false) => "ready",
            (false, _) => "NOT READY",
        };
        let mut lines = vec![row("way back", &format!("{word}; {steps}{}", self.takes))];
        lines.extend(self.gate.missing.iter().filter(|_| !told).map(|missing| row("", &missing.what)));
        lines.extend(self.in_time.iter().map(|in_time| row("", in_time)));
        lines.extend(
            self.no_return_passed
                .iter()
                .map(|stage| row("", &format!("nothing before {stage} can be rolled back any more"))),
        );
        lines
    }
}

impl Voted {
    fn in_words(&self) -> String {
        let word = if self.go { "GO" } else { "NO-GO" };
        let role = self.role.as_ref().map_or_else(String::new, |role| format!(" for {role}"));
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        let void = self.void.as_ref().map_or_else(String::new, |why| format!(" (void: {why})"));
        format!("{} {word}{role}{note}{void}", self.person)
    }
}

impl Log {
    fn in_words(&self) -> String {
        let head = self.head.as_deref().unwrap_or("unknown");
        match (self.health, &self.why) {
            (Some(health), Some(why)) => format!("{}: {why}, head {head}", health.to_uppercase()),
            (Some(health), None) => format!("{health}, head {head}"),
            (None, _) => format!("head {head}"),
        }
    }
}

impl Running {
    fn in_words(&self) -> String {
        let attempt = if self.attempt > 1 { format!(", attempt {}", self.attempt) } else { String::new() };
        let budget = self.budget_ms.map_or_else(String::new, |ms| format!(" of {}", format::took(ms)));
        let ending = self.ending.as_ref().map_or_else(String::new, |why| format!(", being ended: {why}"));
        format!("{}{attempt} for {}{budget}{ending}", self.step, format::took(self.elapsed_ms))
    }
}

/// That an engine is gone, and what brings it back.
pub(in crate::cli::ctl) fn gone(session: &str, since: DateTime<Utc>) -> String {
    format!(
        "the engine of {session} is gone since {}: `gonogo resume {session}` brings it back",
        instant(since)
    )
}

fn instant(at: DateTime<Utc>) -> impl fmt::Display {
    at.format("%Y-%m-%d %H:%M:%SZ")
}

/// What stands in the way, and what takes it out of it.
pub(in crate::cli::ctl) fn blocked(name: &str, missing: &gate::Missing) -> [String; 2] {
    [row(name, &missing.what), row("", &format!("released by: {}", missing.release))]
}

pub(in crate::cli::ctl) fn row(name: &str, what: &str) -> String {
    format!("  {name:<11} {what}")
}
