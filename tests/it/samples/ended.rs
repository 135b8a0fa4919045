//! How a rehearsal ended, and what its record says.

use gonogo::session::State;
use serde_json::Value;

/// As many lines as tell of the last stage or two.
const LAST_LINES: usize = 60;

pub(crate) struct Ended {
    /// The exit code: 0 completed, 3 held, 4 rolled back, 9 the rollback is stuck.
    pub(crate) code: i32,
    /// What was printed, a line an event, and why it ended.
    pub(crate) said: String,
    pub(crate) events: Vec<Value>,
    /// What its record makes; empty where no session was opened.
    pub(crate) state: State,
}

impl Ended {
    /// Fails, with all that was said, unless it ended with this code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.at_last());
        self
    }

    /// The end of what was said: why it ended is there, and a log of failures may be cut.
    pub(crate) fn at_last(&self) -> String {
        let lines: Vec<&str> = self.said.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// The newest end of a step.
    pub(crate) fn finish(&self, step: &str) -> Option<&Value> {
        self.events.iter().rev().find(|e| e["kind"] == "step_finished" && e["step"] == step)
    }

    /// Whether the step passed, last.
    pub(crate) fn passed(&self, step: &str) -> bool {
        self.finish(step).is_some_and(|e| e["passed"] == true)
    }

    /// The first step that failed, and why.
    pub(crate) fn first_failure(&self) -> Option<(&str, &str)> {
        let failed = self.events.iter().find(|e| e["kind"] == "step_finished" && e["passed"] == false)?;
        Some((failed["step"].as_str()?, failed["why"].as_str().unwrap_or_default()))
    }

    /// Whether a stage was entered.
    pub(crate) fn entered(&self, stage: &str) -> bool {
        self.events.iter().any(|e| e["kind"] == "stage_entered" && e["stage"] == stage)
    }

    /// Whether any step of a stage was started.
    pub(crate) fn touched(&self, stage: &str) -> bool {
        let own = format!("{stage}.");
        let steps = self.events.iter().filter(|e| e["kind"] == "step_started").map(|e| &e["step"]);
        steps.filter_map(Value::as_str).any(|step| step.starts_with(&own))
    }
}
