use std::sync::Arc;

use super::*;
use crate::event::EventKind;
use crate::report::testing::{RUNBOOK, Story, cutover};

/// The same cutover with another runbook, which ended before its switch.
fn earlier() -> Story {
    let mut story = cutover();
    story.events.truncate(15);
    if let EventKind::SessionOpened(opened) = &mut Arc::make_mut(&mut story.events[0]).event {
        opened.runbook = RUNBOOK.replace("estimate = \"5m\"", "estimate = \"3m\"\n# ```\n# <b>");
        opened.sha256 = "77".repeat(32);
        opened.session = "20270108-080000-orders-db".to_owned();
        opened.vars.insert("target".to_owned(), "db1 | x".to_owned());
    }
    story
}

#[test]
fn what_differs_is_said_and_what_only_one_has_is_seen() {
    let comparison = compare(&cutover().report(), &earlier().report());
    for said in
        ["the runbook was changed", "rolled back", "input target", "only this one came to step switch.go"]
    {
        assert!(
            comparison.differences.iter().any(|what| what.contains(said)),
            "{:?}",
            comparison.differences
        );
    }
    assert!(comparison.runbook_diff.contains("-estimate = \"3m\""));
    let switch = comparison.stages.iter().find(|stage| stage.id == "switch").expect("it is planned");
    assert_eq!(
        switch.this.as_ref().map(|of| (of.red_ms, of.soak_breaks, of.overridden)),
        Some((25_000, 1, true))
    );
    assert_eq!(switch.other.as_ref().map(|of| of.passages), Some(0));
}

#[test]
fn a_session_against_itself_differs_in_nothing() {
    let report = cutover().report();
    let comparison = compare(&report, &report);
    assert!(
        comparison.differences.is_empty() && comparison.runbook_diff.is_empty() && comparison.vars.is_empty()
    );
    assert!(comparison.steps.iter().all(|step| step.this == step.other && step.proofs.is_empty()));
    assert!(markdown(&comparison).contains("Nothing but how long it took"));
}

#[test]
fn two_sessions_side_by_side_as_they_are_pasted_into_a_ticket() {
    insta::assert_snapshot!(markdown(&compare(&cutover().report(), &earlier().report())));
}
