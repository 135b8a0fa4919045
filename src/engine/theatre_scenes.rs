//! Where several plays begin: the runbooks that they share, and the way to where the play is.

use super::theatre::Theatre;
use crate::runbook::{StageId, StepId};
use crate::session::{StageStatus, State, StepStatus, gate};

pub(super) const TWO_STAGES: &str = r#"
id = "two"
[check.old]
http = "http://127.0.0.1:1/old"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 2
[check.hatch]
file = "/way/back"
period = "1s"

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "stop-old"
  run = ["stop"]
  [[stage.step]]
  id = "start-new"
  run = ["start"]
  [[stage.step]]
  id = "answers"
  await = ["new"]
  timeout = "30s"
  [[stage.rollback]]
  id = "stop-new"
  undoes = ["start-new"]
  run = ["stop"]
  [[stage.rollback]]
  id = "start-old"
  undoes = ["stop-old"]
  run = ["start"]

[[stage]]
id = "observe"
watch = ["new"]
  [[stage.step]]
  id = "look"
  run = ["true"]
  [stage.gate]
  soak = "10s"
  accept = ["calls are normal"]
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "10s"

[rollback]
ready = ["hatch"]
gate = { checks = ["old"], timeout = "20s" }
"#;

pub(super) fn stage(name: &str) -> StageId {
    name.into()
}

pub(super) fn step(name: &str) -> StepId {
    name.into()
}

pub(super) fn status(state: &State, name: &str) -> StageStatus {
    state.stages[name].status
}

pub(super) fn step_status(state: &State, name: &str) -> StepStatus {
    state.step(&step(name)).status
}

/// Opens a runbook and waits for its escape hatch.
pub(super) fn opened(runbook: &str) -> Theatre {
    let mut play = Theatre::new(runbook);
    play.until("the way back is ready", |s| gate::escape_hatch(s).is_go());
    play
}

/// Opens TWO_STAGES, waits for the escape hatch and enters the first stage.
pub(super) fn begun() -> Theatre {
    let mut play = opened(TWO_STAGES);
    play.advance().expect("the first stage is entered");
    play
}

/// The same, at the gate of the second stage.
pub(super) fn observing() -> Theatre {
    observing_in(TWO_STAGES)
}

/// The same in a runbook with the same stages.
pub(super) fn observing_in(runbook: &str) -> Theatre {
    let mut play = opened(runbook);
    play.advance().expect("the first stage is entered");
    play.until("the first gate is GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
    play.advance().expect("GO");
    play.until("the second stage is at its gate", |s| status(s, "observe") == StageStatus::AtGate);
    play
}

/// On the way into the first stage, with `start-new` under way for ever.
pub(super) fn hanging(runbook: &str) -> Theatre {
    let mut play = Theatre::new(runbook);
    play.hanging.insert(step("switch.start-new"));
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("the step runs", |s| step_status(s, "switch.start-new") == StepStatus::Running);
    play
}

/// A stage that soaks for ten seconds, behind one step and over one check. What `more` says follows on its gate.
pub(super) fn observed(more: &str) -> String {
    const OBSERVED: &str = r#"
id = "observed"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 2
[[stage]]
id = "observe"
watch = ["new"]
  [[stage.step]]
  id = "look"
  run = ["true"]
  [stage.gate]
  soak = "10s"
"#;
    format!("{OBSERVED}{more}")
}

/// Where the soak of the stage `observe`, the first one, has begun to run.
pub(super) fn soaking(runbook: &str) -> Theatre {
    let mut play = Theatre::new(runbook);
    play.advance().expect("it can begin");
    play.until("the soak runs", |s| s.stages["observe"].soak.running_since.is_some());
    play
}
