//! The FreeKill sample: forward and back on both of its platforms, and how it fails where no lie is told.

use super::turns::side_by_side;
use super::{Rehearsal, runbook, wait};

const STAGES: [&str; 3] = ["preconditions", "switch", "soak"];
const PLATFORMS: [&str; 2] = ["linux", "windows"];

fn on(platform: &str) -> Rehearsal {
    let made = Rehearsal::of("freekill").set("platform", platform);
    if platform != "linux" {
        let mut setup = made.command(made.copy().join("simulator/setup.sh"));
        setup.env("PLATFORM", platform).arg(made.root());
        let (code, said) = wait(made.spawn(&mut setup, "setup-again"), &made.said("setup-again"));
        assert_eq!(code, 0, "the simulator does not set up for {platform}:\n{said}");
    }
    made
}

/// The command lines of the processes that run from this rehearsal's checkout.
fn command_lines(of: &Rehearsal) -> Vec<(u32, String)> {
    let root = of.root().display().to_string();
    let all = std::fs::read_dir("/proc").expect("this test looks at processes").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let lines = numbers.filter_map(|pid| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&words).replace('\0', " ")))
    });
    lines.filter(|(_, line)| line.contains(&root)).collect()
}

/// The process of the native runtime, and not its supervisor.
fn native(of: &Rehearsal) -> Vec<u32> {
    let path = format!("{}/release/native/", of.root().display());
    command_lines(of).into_iter().filter(|(_, line)| line.starts_with(&path)).map(|(pid, _)| pid).collect()
}

fn python_hosts(of: &Rehearsal) -> Vec<u32> {
    let is_host = |line: &str| line.contains("python") && line.contains("scripts/runtime_host_server.py");
    command_lines(of).into_iter().filter(|(_, line)| is_host(line)).map(|(pid, _)| pid).collect()
}

#[track_caller]
fn is_native(of: &Rehearsal) {
    assert_eq!((native(of).len(), python_hosts(of).len()), (1, 0), "{:?}", command_lines(of));
}

#[track_caller]
fn is_python(of: &Rehearsal) {
    assert_eq!((native(of).len(), python_hosts(of).len()), (0, 1), "{:?}", command_lines(of));
}

fn kill(pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    assert!(std::process::Command::new("kill").arg("-KILL").args(pids).status().expect("kill").success());
}

#[test]
fn freekill_goes_over_to_the_native_runtime_on_both_platforms() {
    side_by_side(&PLATFORMS, |platform| {
        let made = on(platform);
        is_python(&made);
        let ended = made.drive().with(0);
        is_native(&made);
        let other = if *platform == "linux" { "windows" } else { "linux" };
        assert!(ended.passed(&format!("switch.install-{platform}")), "{}", ended.at_last());
        assert!(ended.finish(&format!("switch.install-{other}")).is_none(), "{}", ended.at_last());
    });
}

#[test]
fn freekill_goes_back_to_python_from_every_stage_on_both_platforms() {
    assert!(runbook("freekill").stages.iter().map(|stage| stage.id.as_str()).eq(STAGES), "all of them");
    let all: Vec<_> = PLATFORMS.iter().flat_map(|platform| STAGES.map(|stage| (*platform, stage))).collect();
    side_by_side(&all, |(platform, stage)| {
        let made = on(platform);
        let ended = made.drive_back_from(stage).with(4);
        assert!(ended.entered(stage), "{}", ended.at_last());
        assert_eq!(ended.first_failure(), None, "{}", ended.at_last());
        is_python(&made);
        let accepted = ended.passed("switch.legacy-acceptance");
        assert_eq!(accepted, *stage != "preconditions", "acceptance, once what it accepts was touched");
    });
}

#[test]
fn freekills_lies_are_caught_on_windows_as_they_are_on_linux() {
    let lies = [
        ("verify-exit0", "preconditions.verify", 3),
        ("binary-changed", "preconditions.artifacts", 3),
        ("health-foreground", "preconditions.health-says-no-windows", 3),
        ("health-mute", "preconditions.health-says-no-windows", 3),
        ("health-blind", "preconditions.health-says-no-windows", 3),
        ("binary-exits", "preconditions.try-windows", 3),
        ("stop-lies", "switch.old-gone", 4),
        ("installer-lies", "switch.up", 4),
        ("wrong-binary", "switch.install-windows", 4),
        ("python-returns", "switch.no-python", 4),
    ];
    side_by_side(&lies, |(lie, step, code)| {
        let made = on("windows").lie(lie);
        let ended = made.drive();
        assert_eq!(ended.code, *code, "{lie}: {}", ended.at_last());
        assert_eq!(ended.first_failure().unwrap_or_default().0, *step, "{lie}: {}", ended.at_last());
        assert_eq!(ended.touched("switch"), *code == 4, "{lie}: {}", ended.at_last());
        is_python(&made);
    });
}

#[test]
fn freekill_warns_of_extension_hooks_that_fail_without_being_enforced_and_goes_on() {
    let made = Rehearsal::of("freekill").lie("abi-partial");
    let ended = made.drive().with(0);
    let warned = ended.said.lines().any(|line| line.contains("abi-hooks") && line.contains("failed: false"));
    assert!(warned, "{}", ended.at_last());
}

#[test]
fn freekill_goes_back_when_the_native_runtime_is_killed_however_soon_its_supervisor_starts_it_again() {
    let made = Rehearsal::of("freekill").set("cycle", "10m");
    let mut running = made.start();
    running.until_kind("soak_started");
    kill(&native(&made));
    let ended = running.end().with(4);
    is_python(&made);
    assert!(ended.passed("rollback.forensics"), "{}", ended.at_last());
    assert!(ended.passed("switch.legacy-acceptance"), "{}", ended.at_last());
}

#[test]
fn freekill_goes_back_when_connections_are_refused_and_nothing_starts_the_runtime_again() {
    let made = Rehearsal::of("freekill").set("cycle", "10m");
    let mut running = made.start();
    running.until_kind("soak_started");
    // The supervisor first: nothing starts it again, and connections are refused.
    let supervisors = command_lines(&made).into_iter().filter(|(_, line)| line.contains("lab supervise"));
    kill(&supervisors.map(|(pid, _)| pid).collect::<Vec<_>>());
    kill(&native(&made));
    running.end().with(4);
    is_python(&made);
}

#[test]
fn freekill_does_not_begin_where_the_way_back_is_gone() {
    side_by_side(&["install_runtime_host_systemd.sh", "runtime_host_acceptance.ps1"], |script| {
        let made = Rehearsal::of("freekill");
        std::fs::remove_file(made.root().join("scripts").join(script)).expect("it was there");
        let ended = made.drive().with(3);
        assert!(ended.said.contains("the way back is not ready"), "{}", ended.at_last());
        assert!(ended.said.contains(script), "{}", ended.at_last());
        assert!(!ended.entered("preconditions"), "{}", ended.at_last());
    });
}

#[test]
fn freekill_stops_at_its_first_step_where_there_is_no_python_host_to_replace() {
    let made = Rehearsal::of("freekill");
    let services = command_lines(&made).into_iter().map(|(pid, _)| pid).collect::<Vec<_>>();
    kill(&services);
    let ended = made.drive().with(3);
    assert_eq!(ended.first_failure().unwrap_or_default().0, "preconditions.host", "{}", ended.at_last());
    assert!(!ended.touched("switch"), "{}", ended.at_last());
}

#[test]
fn freekill_goes_back_when_somebody_else_takes_the_port_in_the_switch() {
    let made = Rehearsal::of("freekill");
    let mut running = made.start();
    running.until(|event| event["kind"] == "stage_entered" && event["stage"] == "switch");
    let port = made.port("port");
    // Whoever is first has it: until the Python host is stopped nobody else can.
    let taken = loop {
        if let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", port)) {
            break listener;
        }
        std::thread::sleep(super::LOOK);
    };
    running.until(|event| event["kind"] == "step_finished" && event["passed"] == false);
    drop(taken);
    running.end().with(4);
    is_python(&made);
}

#[test]
fn freekill_stops_before_the_switch_when_the_legacy_acceptance_goes_on_the_way() {
    let made = Rehearsal::of("freekill");
    let mut running = made.start();
    running.until(|event| event["kind"] == "step_finished" && event["step"] == "preconditions.verify");
    std::fs::remove_file(made.root().join("scripts/runtime_host_release_gate.ps1")).expect("it was there");
    let ended = running.end().with(3);
    assert!(ended.said.contains("the way back is not ready"), "{}", ended.at_last());
    assert!(!ended.touched("switch"), "{}", ended.at_last());
}
