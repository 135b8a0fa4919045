//! Numbers over time, played on the stage: the old system is measured, and the new one is held against it.

use std::time::Duration;

use super::theatre::Theatre;
use crate::event::{EventKind, Health};
use crate::session::StepStatus;

const MEASURED: &str = r#"
id = "measured"
[check.latency]
metric = { file = "latency", regex = '(\d+)' }
unit = "ms"
period = "1s"
expect.vs = { baseline = "old", max_times = 3, plus = 10 }
[check.errors]
metric = { file = "errors", regex = '(\d+)', as = "rate" }
period = "1s"
expect = { max = 0.5, window = "10s", min_samples = 5 }

[[stage]]
id = "before"
  [[stage.step]]
  id = "measure"
  baseline = { name = "old", checks = ["latency"], window = "20s" }

[[stage]]
id = "after"
  [[stage.step]]
  id = "fast-enough"
  await = ["latency", "errors"]
  timeout = "1m"
"#;

fn number(theatre: &mut Theatre, check: &str, number: f64) {
    theatre.script.numbers.insert(check.into(), number);
}

fn is_over(theatre: &Theatre, step: &str) -> bool {
    matches!(theatre.state().step(&step.into()).status, StepStatus::Passed | StepStatus::Failed)
}

fn why(theatre: &Theatre, step: &str) -> String {
    theatre.state().step(&step.into()).finish.as_ref().map(|finish| finish.why.clone()).unwrap_or_default()
}

#[test]
fn the_new_system_is_held_against_what_was_measured_of_the_old_one() {
    let mut t = Theatre::new(MEASURED);
    number(&mut t, "latency", 40.0);
    t.advance().expect("nothing is in the way");
    t.pass(Duration::from_secs(19));
    assert!(!is_over(&t, "before.measure"), "it measures for 20 seconds");
    t.until("it is measured", |state| state.baselines.contains_key("old"));
    let measured = &t.state().baselines["old"]["latency"];
    assert_eq!((measured.value, measured.shown.as_str()), (40.0, "40 ms"));
    assert!(measured.samples >= 19, "{}", measured.samples);
    t.until("the step is over", |state| state.step(&"before.measure".into()).status == StepStatus::Passed);
    number(&mut t, "latency", 131.0);
    t.advance().expect("it is GO");
    t.pass(Duration::from_secs(10));
    let seen = t.state().check(&"latency".into());
    assert_eq!(seen.health, Health::Failing);
    let said = "failed: 131 ms, and the most is 130 ms: the old system had 40 ms (3 in a row)";
    assert_eq!(seen.reason, said);
    number(&mut t, "latency", 100.0);
    t.until("it is fast enough", |state| {
        state.step(&"after.fast-enough".into()).status == StepStatus::Passed
    });
    assert_eq!(t.state().check(&"latency".into()).value.as_deref(), Some("100 ms, headroom 30 ms"));
}

#[test]
fn a_window_is_not_green_before_its_numbers_are_there() {
    let mut t = Theatre::new(MEASURED);
    t.advance().expect("nothing is in the way");
    t.until("it is measured", |state| state.step(&"before.measure".into()).status == StepStatus::Passed);
    t.advance().expect("it is GO");
    let began = t.now.up_ms;
    t.until("it is green", |state| state.step(&"after.fast-enough".into()).status == StepStatus::Passed);
    assert!(t.now.up_ms >= began + 5_000, "a rate of 5 numbers takes 6 looks");
}

#[test]
fn an_old_system_that_gives_too_few_numbers_is_not_measured() {
    let mut t = Theatre::new(MEASURED);
    t.advance().expect("nothing is in the way");
    t.pass(Duration::from_secs(1));
    t.blind = true;
    t.until("it is over", |state| state.step(&"before.measure".into()).status == StepStatus::Failed);
    let why = why(&t, "before.measure");
    assert!(why.contains("of 3 numbers were read") && why.contains("latency is measured"), "{why}");
    assert!(!t.happened(|event| matches!(event, EventKind::BaselineTaken { .. })));
}

#[test]
fn under_a_new_engine_the_old_system_is_measured_anew() {
    let mut t = Theatre::new(MEASURED);
    t.advance().expect("nothing is in the way");
    t.pass(Duration::from_secs(15));
    t.die(Duration::from_secs(30), false);
    let back = t.now.up_ms;
    t.pass(Duration::from_secs(19));
    assert!(!is_over(&t, "before.measure"), "{}", why(&t, "before.measure"));
    t.until("it is measured", |state| state.step(&"before.measure".into()).status == StepStatus::Passed);
    assert!(t.now.up_ms >= back + 20_000);
    assert!(t.state().baselines["old"]["latency"].samples <= 21);
}
