//! `link` by the real driver: what the link was before is known to the log, whatever became of the attempt.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use gonogo::engine::driver::{Driver as _, Effect, Report, StepOrder, World};
use gonogo::event::{EventKind, StepFinished};
use gonogo::session::{Guarded, LinkWas};

use crate::adopt::{Stage, end_of};

const STEP: &str = "link = { path = \"current\", to = \"new\" }\n\
    [[stage.rollback]]\nid = \"back\"\nundoes = [\"it\"]\nlink = { path = \"current\", back_to = \"it\" }";

/// Where the link points to.
fn current(stage: &Stage) -> Option<String> {
    let to = std::fs::read_link(stage.path("current")).ok()?;
    Some(to.into_os_string().into_string().expect("UTF-8"))
}

fn point(stage: &Stage, to: Option<&str>) {
    let _ = std::fs::remove_file(stage.path("current"));
    to.into_iter().for_each(|to| symlink(to, stage.path("current")).expect("linked"));
}

/// What the log knows of the link, as a report vouches for it.
fn known(before: &[EventKind]) -> LinkWas {
    match before {
        [EventKind::LinkFound { was, to, .. }] => LinkWas { was: was.clone(), to: to.clone() },
        other => panic!("{other:?}"),
    }
}

fn was(link: &LinkWas) -> Option<&str> {
    link.was.as_deref()
}

/// An attempt at a step where the log knows that of the link of `s.it`.
async fn tried(
    stage: &Stage,
    step: &str,
    attempt: u32,
    link: Option<&LinkWas>,
) -> (Vec<EventKind>, StepFinished) {
    let links = link.map(|link| ("s.it".into(), link.clone())).into_iter().collect();
    let world = World { guarded: Guarded { links, ..Guarded::default() }, ..World::default() };
    let (mut driver, mut reports) = stage.driver();
    driver.carry_out(Effect::Step(StepOrder { step: step.into(), attempt, world, ..stage.order() }));
    match end_of(&mut reports).await {
        Report::Finished { before, finish } => (before, *finish),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_link_was_is_known_where_the_engine_died_behind_the_switch() {
    for old in [Some("old"), None] {
        let stage = Stage::new(STEP);
        point(&stage, old);
        stage.left_by_an_engine("it is switched", || current(&stage).as_deref() == Some("new")).await;
        let Report::Unknown { before, evidence, .. } = stage.adopted(false).await else {
            panic!("nobody can know")
        };
        let link = known(&before);
        assert_eq!(was(&link), old, "{evidence}");
        assert!(evidence.contains(&format!("it was {} before", old.unwrap_or("nothing"))), "{evidence}");
        let (_, back) = tried(&stage, "s.back", 1, Some(&link)).await;
        assert!(back.passed, "{back:?}");
        assert_eq!(current(&stage).as_deref(), old);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_back_already_is_no_failure() {
    for old in [Some("old"), None] {
        let stage = Stage::new(STEP);
        point(&stage, old);
        let link = LinkWas { was: old.map(str::to_owned), to: Some("new".to_owned()) };
        let (_, back) = tried(&stage, "s.back", 1, Some(&link)).await;
        assert!(back.passed, "{back:?}");
        assert_eq!(current(&stage).as_deref(), old);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_failed_knows_its_way_back_and_so_does_one_that_had_nothing_to_do() {
    let stage = Stage::new("link = { path = \"not/there\", to = \"new\" }");
    let (before, finish) = tried(&stage, "s.it", 1, None).await;
    assert!(!finish.passed, "{finish:?}");
    assert_eq!(was(&known(&before)), None);

    let stage = Stage::new(STEP);
    point(&stage, Some("new"));
    let (before, finish) = tried(&stage, "s.it", 1, None).await;
    assert!(finish.passed, "{finish:?}");
    assert_eq!(was(&known(&before)), Some("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_attempt_keeps_what_was_before_the_first_and_sees_what_somebody_else_made_of_it() {
    let stage = Stage::new(STEP);
    point(&stage, Some("old"));
    let link = known(&tried(&stage, "s.it", 1, None).await.0);
    let again = known(&tried(&stage, "s.it", 2, Some(&link)).await.0);
    assert_eq!((was(&again), current(&stage).as_deref()), (Some("old"), Some("new")));
    point(&stage, Some("hotfix"));
    let later = known(&tried(&stage, "s.it", 3, Some(&again)).await.0);
    assert_eq!((was(&later), current(&stage).as_deref()), (Some("hotfix"), Some("new")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_log_can_hold_is_not_switched_away() {
    let stage = Stage::new(STEP);
    let odd = std::ffi::OsStr::from_bytes(b"old\xff");
    symlink(odd, stage.path("current")).expect("linked");
    let (before, finish) = tried(&stage, "s.it", 1, None).await;
    assert!(!finish.passed && finish.why.contains("no UTF-8"), "{finish:?}");
    assert!(before.is_empty());
    assert_eq!(std::fs::read_link(stage.path("current")).expect("a link").as_os_str(), odd);
}
