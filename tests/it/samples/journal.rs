//! The journal sample: forward and back on both of its platforms, and how it fails where no lie is told.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::turns::side_by_side;
use super::{Rehearsal, runbook, wait};

const STAGES: [&str; 6] = ["gate-green", "soak", "shutdown", "pilot", "switch", "settle"];
const PLATFORMS: [&str; 2] = ["posix", "windows"];

fn on(platform: &str) -> Rehearsal {
    let made = Rehearsal::of("journal").set("platform", platform);
    if platform != "posix" {
        let mut setup = made.command(made.copy().join("simulator/setup.sh"));
        setup.env("PLATFORM", platform).arg(made.root());
        let (code, said) = wait(made.spawn(&mut setup, "setup-again"), &made.said("setup-again"));
        assert_eq!(code, 0, "the simulator does not set up for {platform}:\n{said}");
    }
    made
}

/// Which backend the default app answers from.
fn backend(of: &Rehearsal) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", of.port("port"))).expect("somebody listens");
    stream.write_all(b"GET /stats HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let name = answer.lines().find_map(|line| line.strip_prefix("name\t"));
    name.unwrap_or_default().to_owned()
}

/// The default as it is kept: what the app is started with the next time.
fn kept(of: &Rehearsal, platform: &str) -> String {
    let file = if platform == "posix" { ".env" } else { "run/user-environment" };
    let text = std::fs::read_to_string(of.root().join(file)).expect("the default is kept");
    text.trim().trim_start_matches("JOURNAL_BACKEND_MODE=").to_owned()
}

fn kill(of: &Rehearsal, role: &str) {
    let pid = std::fs::read_to_string(of.root().join(format!("run/{role}.pid"))).expect("it runs");
    let killed = std::process::Command::new("kill").args(["-KILL", pid.trim()]).status();
    assert!(killed.expect("kill").success());
}

#[test]
fn journal_makes_csharp_the_default_on_both_platforms() {
    side_by_side(&PLATFORMS, |platform| {
        let made = on(platform);
        assert_eq!((backend(&made).as_str(), kept(&made, platform).as_str()), ("python", "python"));
        made.drive().with(0);
        assert_eq!((backend(&made).as_str(), kept(&made, platform).as_str()), ("csharp", "csharp-hybrid"));
    });
}

#[test]
fn journal_goes_back_to_python_from_every_stage_on_both_platforms() {
    assert!(runbook("journal").stages.iter().map(|stage| stage.id.as_str()).eq(STAGES), "all of them");
    let all: Vec<_> = PLATFORMS.iter().flat_map(|platform| STAGES.map(|stage| (*platform, stage))).collect();
    side_by_side(&all, |(platform, stage)| {
        let made = on(platform);
        let ended = made.drive_back_from(stage).with(4);
        assert!(ended.entered(stage), "{}", ended.at_last());
        assert_eq!(ended.first_failure(), None, "{}", ended.at_last());
        assert_eq!((backend(&made).as_str(), kept(&made, platform).as_str()), ("python", "python"));
        for role in ["internal", "pilot"] {
            assert!(!made.root().join(format!("run/{role}.pid")).exists(), "{role} runs on");
        }
    });
}

#[test]
fn journals_soak_is_no_go_once_the_csharp_api_was_killed() {
    let made = Rehearsal::of("journal").set("soak", "10m");
    let mut running = made.start();
    running.until_kind("soak_started");
    kill(&made, "internal-api");
    let ended = running.end().with(3);
    assert!(ended.said.contains("internal-api"), "{}", ended.at_last());
    assert!(!ended.touched("switch"), "{}", ended.at_last());
    assert_eq!(backend(&made), "python");
}

#[test]
fn journal_goes_back_by_itself_when_the_new_default_fails() {
    side_by_side(&["fault", "sidecar", "app"], |what| {
        let made = Rehearsal::of("journal").set("settle", "10m");
        let mut running = made.start();
        running.until(|event| event["kind"] == "soak_started" && event["stage"] == "settle");
        match *what {
            "fault" => {
                let port = made.port("port").to_string();
                let taken = made.gonogo(&["lab", "fault", "--port", &port, "failing"], false).output();
                assert!(taken.expect("gonogo runs").status.success());
            }
            "sidecar" => kill(&made, "desktop-sidecar"),
            _ => kill(&made, "desktop"),
        }
        // An app that was killed leaves what it had started: its API would keep the port, and is ended too.
        let ended = running.end();
        assert_eq!(ended.code, 4, "{what}: {}", ended.at_last());
        assert!(ended.passed("rollback.forensics"), "{what}: {}", ended.at_last());
        assert_eq!(backend(&made), "python", "{what}");
    });
}

#[test]
fn journal_does_not_begin_without_a_python_backend_to_go_back_to() {
    let made = Rehearsal::of("journal");
    std::fs::remove_file(made.root().join("journal/backend.py")).expect("it was there");
    let ended = made.drive().with(3);
    assert!(ended.said.contains("the way back is not ready"), "{}", ended.at_last());
    assert!(!ended.entered("gate-green"), "{}", ended.at_last());
}

#[test]
fn journal_stops_at_its_first_step_where_the_default_app_refuses_connections() {
    let made = Rehearsal::of("journal");
    kill(&made, "desktop");
    let ended = made.drive().with(3);
    assert_eq!(ended.first_failure().unwrap_or_default().0, "gate-green.baseline", "{}", ended.at_last());
}

#[test]
fn journal_takes_one_to_three_pilot_users_and_no_more() {
    side_by_side(&["", "ada,grace,joan,mary", "ada;grace"], |pilots| {
        let ended = Rehearsal::of("journal").set("pilots", pilots).drive();
        assert_eq!(ended.code, 2, "{pilots:?}: {}", ended.at_last());
        assert!(ended.said.contains("pilots"), "{}", ended.at_last());
    });
}

#[test]
fn journals_pilot_is_not_over_without_its_file_of_bug_reports() {
    let made = Rehearsal::of("journal");
    let mut running = made.start();
    running.until(|event| event["kind"] == "step_finished" && event["step"] == "pilot.start-posix");
    std::fs::remove_file(made.root().join("pilot/bug-reports.json")).expect("the pilot wrote it");
    let ended = running.end().with(3);
    assert_eq!(ended.first_failure().unwrap_or_default().0, "pilot.bugs", "{}", ended.at_last());
}
