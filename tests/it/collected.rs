//! `collect` and `evidence` by the real driver: they can be ended, and leave the log its room.

use std::fs::File;

use gonogo::engine::driver::Report;
use gonogo::event::EventKind;

use crate::adopt::{Stage, finish};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_end_is_not_copied() {
    let stage = Stage::new("collect = [\"app.log\"]");
    stage.write("app.log", "a line\n");
    let finish = finish(stage.adopted(true).await);
    assert!(!finish.passed && finish.why.contains("it was ended"), "{finish:?}");
    assert!(!stage.path("session/evidence/s.it.1/app.log").exists(), "no part of it is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_room_beside_the_log_is_not_begun() {
    let stage = Stage::new("collect = [\"app.log\"]");
    // So long that no disk holds it twice; not a byte of it is written here.
    let huge = File::create(stage.path("app.log")).and_then(|file| file.set_len(1 << 43));
    if huge.is_err() {
        return;
    }
    let finish = stage.finished().await;
    assert!(!finish.passed && finish.why.contains("make room"), "{finish:?}");
    assert!(!stage.path("session/evidence/s.it.1/app.log").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_taken_of_what_was_ended_too() {
    let stage = Stage::new("run = \"echo up >app.log; sleep 1000\"\nevidence = [\"app.log\"]");
    stage.left_by_an_engine("it runs", || !stage.text("app.log").is_empty()).await;
    let Report::Finished { before, finish } = stage.adopted(true).await else { panic!("it ends") };
    assert!(!finish.passed);
    assert!(matches!(before.as_slice(), [EventKind::EvidenceAdded { bytes: 3, .. }]), "{before:?}");
}
