//! The CP8 sample: forward, back from every stage, and how it fails where no lie is told.

use std::collections::BTreeSet;
use std::process::Command;

use super::turns::side_by_side;
use super::{Ended, Rehearsal, Running, runbook};

const STAGES: [&str; 9] =
    ["gates", "prepare", "deploy", "canary", "sign-off", "staged", "staged-soak", "full", "observe"];
const HOSTS: [&str; 4] = ["gw-1", "gw-2", "gw-3", "gw-4"];

fn made() -> Rehearsal {
    Rehearsal::of("cp8")
}

fn of_host(of: &Rehearsal, host: &str, file: &str) -> String {
    let text = std::fs::read_to_string(of.root().join("hosts").join(host).join(file)).unwrap_or_default();
    text.trim().to_owned()
}

/// What every host has in a file.
fn everywhere(of: &Rehearsal, file: &str) -> BTreeSet<String> {
    HOSTS.iter().map(|host| of_host(of, host, file)).collect()
}

fn deployed(of: &Rehearsal, file: &str) -> String {
    std::fs::read_to_string(of.root().join("deploy").join(file))
        .expect("the deploy machine has it")
        .trim()
        .to_owned()
}

/// TypeScript serves everywhere, by the policy of before, and no Rust is left.
#[track_caller]
fn is_typescript(of: &Rehearsal) {
    assert_eq!(everywhere(of, "etc/route"), BTreeSet::from(["ts".to_owned()]));
    assert!(everywhere(of, "etc/policy.json").iter().all(|policy| policy.contains("2026.01")));
    assert!(deployed(of, "active/policy.json").contains("2026.01"));
    for host in HOSTS {
        assert!(is_alive(&of_host(of, host, "run/ts.pid")), "{host} has no TypeScript");
        assert!(!is_alive(&of_host(of, host, "run/rust.pid")), "{host} has still Rust");
    }
}

fn is_alive(pid: &str) -> bool {
    !pid.is_empty() && std::fs::metadata(format!("/proc/{pid}")).is_ok()
}

fn kill(pid: &str) {
    assert!(Command::new("kill").args(["-KILL", pid]).status().expect("kill runs").success());
}

/// A run with soaks that do not end, at its gate of this stage.
fn soaking<'r>(of: &'r Rehearsal, stage: &str) -> Running<'r> {
    let mut running = of.start();
    running.until(|e| e["kind"] == "stage_entered" && e["stage"] == stage);
    running.until(|e| e["kind"] == "soak_started" && e["stage"] == stage);
    running
}

#[track_caller]
fn says(ended: &Ended, check: &str, why: &str) {
    let said = ended.said.lines().any(|line| line.contains(check) && line.contains(why));
    assert!(said, "nobody says {why:?} of {check}:\n{}", ended.at_last());
}

#[test]
fn cp8_brings_rust_to_every_host_and_keeps_typescript_to_go_back_to() {
    let made = made();
    made.drive().with(0);
    assert_eq!(everywhere(&made, "etc/route"), BTreeSet::from(["rust".to_owned()]));
    assert_eq!(
        everywhere(&made, "etc/policy.json"),
        BTreeSet::from([deployed(&made, "candidate/policy.json")])
    );
    for host in HOSTS {
        let folder = made.root().join("hosts").join(host);
        assert_eq!(
            std::fs::read_link(folder.join("default")).expect("a link").to_string_lossy(),
            "releases/rust"
        );
        assert!(folder.join("releases/ts/gateway.js").exists(), "{host} has lost its TypeScript");
    }
}

#[test]
fn cp8_goes_back_to_typescript_from_every_stage() {
    assert!(runbook("cp8").stages.iter().map(|stage| stage.id.as_str()).eq(STAGES), "all of them");
    side_by_side(&STAGES, |stage| {
        let made = made();
        let ended = made.drive_back_from(stage).with(4);
        assert!(ended.entered(stage), "{}", ended.at_last());
        assert_eq!(ended.first_failure(), None, "{}", ended.at_last());
        is_typescript(&made);
    });
}

#[test]
fn a_canary_that_is_killed_and_started_again_by_its_unit_is_rolled_back() {
    let made = made().set("soak", "10m");
    let running = soaking(&made, "canary");
    kill(&of_host(&made, "gw-1", "run/rust.pid"));
    let ended = running.end().with(4);
    says(&ended, "canary-process", "fired");
    is_typescript(&made);
    assert!(ended.passed("rollback.forensics") && ended.passed("rollback.restore"), "{}", ended.at_last());
}

#[test]
fn metrics_that_nobody_serves_any_more_are_no_green() {
    let made = made().set("soak", "10m");
    let running = soaking(&made, "canary");
    let pid = std::fs::read_to_string(made.root().join("run/fleetd.pid")).expect("a pid");
    kill(pid.trim());
    let ended = running.end().with(3);
    says(&ended, "gate of canary is NO-GO", "error");
    assert!(!ended.entered("sign-off"));
}

#[test]
fn a_host_that_vanishes_between_two_increments_keeps_the_gate_shut() {
    let made = made().set("staged_soak", "10m");
    let running = soaking(&made, "staged-soak");
    std::fs::write(made.root().join("lies/host-unreachable"), "").expect("written");
    let ended = running.end().with(3);
    says(&ended, "ts-binaries", "gw-3 is unreachable");
    assert!(!ended.touched("full"));
}

#[test]
fn a_policy_that_drifts_on_one_host_stops_the_fleets_soak_with_its_name() {
    let made = made().set("observe", "10m");
    let running = soaking(&made, "observe");
    std::fs::write(made.root().join("hosts/gw-4/etc/policy.json"), "{}").expect("written");
    let ended = running.end().with(3);
    says(&ended, "drift", "gw-4 has another etc/policy.json");
}

#[test]
fn a_fleet_that_becomes_slow_is_rolled_back_in_the_order_traffic_policy_health_incident() {
    let made = made().set("observe", "10m");
    let running = soaking(&made, "observe");
    let port = of_host(&made, "gw-3", "etc/rust.port");
    let slow =
        made.gonogo(&["lab", "fault", "--port", &port, "slow=200ms"], false).status().expect("gonogo runs");
    assert!(slow.success());
    let ended = running.end().with(4);
    is_typescript(&made);
    let steps =
        ended.events.iter().filter(|e| e["kind"] == "step_finished").filter_map(|e| e["step"].as_str());
    let order = [
        "rollback.forensics",
        "full.repoint",
        "staged.repoint",
        "deploy.repoint",
        "rollback.restore",
        "rollback.policy-everywhere",
        "rollback.health",
        "rollback.incident",
    ];
    let back: Vec<&str> = steps.filter(|step| order.contains(step)).collect();
    assert_eq!(back, order);
}

#[test]
fn a_command_that_hangs_on_one_host_is_ended_and_holds() {
    let made = made().set("start_within", "3s");
    let program = made.root().join("hostbin/openclaw-agent-rs");
    let real = std::fs::read_to_string(&program).expect("the simulator's");
    let hangs = "case \"$PWD$1\" in */gw-1gateway) sleep 600;; esac\n";
    std::fs::write(&program, real.replacen("set -euo pipefail\n", &format!("set -euo pipefail\n{hangs}"), 1))
        .expect("written");
    let ended = made.drive().with(3);
    assert_eq!(ended.first_failure().map(|(step, _)| step), Some("deploy.up"), "{}", ended.at_last());
    assert!(!ended.touched("full"));
}
