//! The vedicq sample: forward, back from every stage, and how it fails where no lie is told.

use std::process::Command;

use super::turns::side_by_side;
use super::{Ended, Rehearsal, runbook};

const STAGES: [&str; 7] = ["image", "slot", "contract", "database", "evidence", "switch", "observe"];
const OLD: &str = "vedicq-runtime:1.9.4";
const NEW: &str = "vedicq-runtime:2.0.0";

fn made() -> Rehearsal {
    Rehearsal::of("vedicq")
}

/// What the simulator's docker says of a container.
fn inspected(of: &Rehearsal, container: &str, what: &str) -> String {
    let mut docker = of.command(of.root().join("bin/docker"));
    docker.args(["inspect", "--format", what, container]);
    let output = docker.output().expect("docker runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[track_caller]
fn is_live(of: &Rehearsal, image: &str) {
    assert_eq!(inspected(of, "vedicq-runtime", "{{.Config.Image}}"), image);
    assert_eq!(inspected(of, "vedicq-runtime", "{{.State.Status}}"), "running");
}

/// Puts another script in the place of one of the simulator's.
fn replace(of: &Rehearsal, program: &str, script: &str) {
    std::fs::write(of.root().join(program), script).expect("it was there");
}

fn kill(of: &Rehearsal, container: &str) {
    let pid = inspected(of, container, "{{.State.Pid}}");
    assert!(
        Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs").success(),
        "{container} ran"
    );
}

#[track_caller]
fn failed(ended: &Ended, step: &str, why: &str) {
    let (at, said) = ended.first_failure().unwrap_or_default();
    assert!(
        at == step && said.contains(why),
        "{step} must say {why:?}, and {at:?} says {said:?}:\n{}",
        ended.said
    );
}

#[test]
fn vedicq_goes_live_with_the_new_image_and_keeps_the_previous_container() {
    let made = made();
    let ended = made.drive().with(0);
    is_live(&made, NEW);
    assert_eq!(inspected(&made, "vedicq-previous", "{{.State.Status}}"), "exited");
    let log = made.root().join("evidence/latest.log");
    assert!(
        std::fs::read(log).expect("the matrix's log").starts_with(&[0xff, 0xfe]),
        "it is UTF-16, as PowerShell writes it"
    );
    for secret in ["token", "old-token", "db-password"] {
        let value = std::fs::read_to_string(made.copy().join("secrets").join(secret)).expect("a secret");
        let record =
            std::fs::read_to_string(made.session().expect("a session").join("audit.jsonl")).expect("a log");
        assert!(
            !record.contains(value.trim()) && !ended.said.contains(value.trim()),
            "{secret} is in the record"
        );
    }
}

#[test]
fn vedicq_goes_back_to_the_previous_image_from_every_stage() {
    assert!(runbook("vedicq").stages.iter().map(|stage| stage.id.as_str()).eq(STAGES), "all of them");
    side_by_side(&STAGES, |stage| {
        let made = made();
        let ended = made.drive_back_from(stage).with(4);
        assert!(ended.entered(stage), "{}", ended.at_last());
        assert_eq!(ended.first_failure(), None, "{}", ended.at_last());
        is_live(&made, OLD);
        assert_eq!(inspected(&made, "vedicq-slot", "{{.State.Status}}"), "", "the slot is empty");
        assert_eq!(inspected(&made, "vedicq-slot-db", "{{.State.Status}}"), "running");
    });
}

#[test]
fn a_runtime_that_is_killed_while_it_is_observed_gives_way_to_the_previous_one() {
    let made = made().set("observe", "10m");
    let mut running = made.start();
    running.until(|e| e["kind"] == "stage_entered" && e["stage"] == "observe");
    running.until_kind("soak_started");
    kill(&made, "vedicq-runtime");
    let ended = running.end().with(4);
    is_live(&made, OLD);
    for step in ["rollback.forensics", "switch.previous-answers", "rollback.incident"] {
        assert!(ended.passed(step), "{step}");
    }
}

#[test]
fn a_runtime_that_is_too_slow_for_its_probes_gives_way_to_the_previous_one() {
    let made = made().set("observe", "10m");
    let mut running = made.start();
    running.until(|e| e["kind"] == "stage_entered" && e["stage"] == "observe");
    running.until_kind("soak_started");
    let port = made.port("port").to_string();
    let slow =
        made.gonogo(&["lab", "fault", "--port", &port, "slow=4s"], false).status().expect("gonogo runs");
    assert!(slow.success());
    running.end().with(4);
    is_live(&made, OLD);
}

#[test]
fn a_migration_that_hangs_is_ended_and_holds_the_cutover() {
    let made = made().set("migrate_within", "2s");
    let hangs = "#!/bin/sh\ncase \"$DB_PORT$2\" in \"$LIVE\"up) sleep 600;; esac\n";
    replace(
        &made,
        "image/dbctl",
        &format!("{hangs}echo 'applied migrations successfully: 2'\n")
            .replace("$LIVE", &made.port("db_port").to_string()),
    );
    let ended = made.drive().with(3);
    failed(&ended, "database.migrate", "timed out after 2s");
    is_live(&made, OLD);
}

#[test]
fn a_live_database_that_refuses_holds_before_anything_is_migrated() {
    let made = made();
    kill(&made, "vedicq-db");
    let ended = made.drive().with(3);
    failed(&ended, "database.roles", "exit 2");
    assert!(!ended.events.iter().any(|e| e["kind"] == "step_started" && e["step"] == "database.migrate"));
}

#[test]
fn evidence_that_is_written_by_nobody_proves_nothing() {
    let made = made();
    replace(&made, "bin/pwsh", "#!/bin/sh\necho evidence_log=evidence/live.log\n");
    failed(&made.drive().with(3), "evidence.matrix", "before this attempt");
    is_live(&made, OLD);
}

#[test]
fn a_slot_that_never_listens_stops_at_its_proof() {
    let made = made();
    replace(&made, "image/platform_runtime", "#!/bin/sh\nexit 1\n");
    failed(&made.drive().with(3), "slot.answers", "Connection refused");
}

#[test]
fn a_previous_container_that_was_removed_leaves_the_way_back_stuck_and_says_so() {
    let made = made().set("observe", "10m");
    let mut running = made.start();
    running.until(|e| e["kind"] == "stage_entered" && e["stage"] == "observe");
    running.until_kind("soak_started");
    let mut docker = made.command(made.root().join("bin/docker"));
    assert!(docker.args(["rm", "--force", "vedicq-previous"]).status().expect("docker runs").success());
    kill(&made, "vedicq-runtime");
    let ended = running.end().with(9);
    failed(&ended, "switch.start-previous", "exit 1");
}
