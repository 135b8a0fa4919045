//! The MTProxy sample: forward, back from every stage, and how it fails where no lie is told.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use chrono::{Offset as _, Utc};
use gonogo::replay::{Player, Recording};
use gonogo::runbook::StepId;
use gonogo::session::past;
use gonogo::ui::popups::Context;
use gonogo::ui::view::Pane;
use gonogo::ui::{Keymap, Screen, Theme, View, format};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use super::turns::side_by_side;
use super::{Rehearsal, runbook};

const STAGES: [&str; 6] = ["preconditions", "artifacts", "freeze", "pre-warm", "switch", "observe"];

fn made() -> Rehearsal {
    Rehearsal::of("mtproxy")
}

/// What whoever has the live port says of itself.
fn stats(of: &Rehearsal) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", of.port("port"))).expect("somebody listens");
    stream.write_all(b"GET /stats HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn active(of: &Rehearsal) -> String {
    let link = std::fs::read_link(of.root().join("active")).expect("a link");
    link.to_string_lossy().into_owned()
}

#[track_caller]
fn is_c(of: &Rehearsal) {
    assert_eq!(active(of), "objs/bin/mtproto-proxy");
    assert!(stats(of).contains("name\tc\n"));
}

fn fault(of: &Rehearsal, fault: &str) {
    let port = of.port("port").to_string();
    let taken = of.gonogo(&["lab", "fault", "--port", &port, fault], false).output().expect("gonogo runs");
    assert!(taken.status.success(), "the fault {fault} is not taken");
}

#[test]
fn mtproxy_goes_over_to_go_whether_c_ends_with_143_or_1() {
    side_by_side(&[(None, 143), (Some("c-exit-1"), 1)], |(truth, code)| {
        let mut made = made();
        if let Some(truth) = truth {
            made = made.lie(truth);
        }
        let ended = made.drive().with(0);
        assert_eq!(active(&made), "objs/bin/mtproto-proxy-go");
        assert!(stats(&made).contains("name\tgo\n"));
        assert_eq!(ended.finish("preconditions.exit-c").expect("it ended")["exit"], *code);
    });
}

#[test]
fn mtproxy_goes_back_to_c_from_every_stage() {
    assert!(runbook("mtproxy").stages.iter().map(|stage| stage.id.as_str()).eq(STAGES), "all of them");
    side_by_side(&STAGES, |stage| {
        let made = made();
        let ended = made.drive_back_from(stage).with(4);
        assert!(ended.entered(stage), "{}", ended.at_last());
        assert_eq!(ended.first_failure(), None, "{}", ended.at_last());
        is_c(&made);
    });
}

#[test]
fn mtproxy_goes_back_to_c_by_itself_when_go_never_came_up() {
    let made = made().lie("go-never-up");
    let ended = made.drive().with(4);
    is_c(&made);
    assert!(ended.passed("switch.start-go"), "the script says that it started");
    assert!(!ended.passed("switch.answers"), "and the proof says that it did not");
}

#[test]
fn mtproxy_goes_back_to_c_when_stats_fail_while_it_is_observed() {
    let made = made().set("observe", "10m").patient();
    let mut running = made.start();
    running.until_kind("soak_started");
    fault(&made, "failing");
    let ended = running.end().with(4);
    is_c(&made);
    for step in ["rollback.forensics", "switch.c-answers", "rollback.baseline", "rollback.incident"] {
        assert!(ended.passed(step), "{step}");
    }
    let kept =
        ended.events.iter().filter(|e| e["kind"] == "evidence_added" && e["step"] == "rollback.forensics");
    let kept: Vec<String> = kept.map(|e| e["source"].to_string()).collect();
    assert!(kept.iter().any(|source| source.contains("go.log")), "{kept:?}");
    assert!(kept.iter().any(|source| source.contains("phase8-cutover-report.json")), "{kept:?}");
}

#[test]
fn a_rollback_binary_that_is_gone_keeps_stage_1_shut() {
    let made = made();
    std::fs::remove_file(made.root().join("objs/bin/mtproto-proxy")).expect("it was there");
    let ended = made.drive().with(3);
    assert!(ended.said.contains("the way back is not ready"), "{}", ended.at_last());
    assert!(!ended.events.iter().any(|e| e["kind"] == "stage_entered"));
}

/// Lets it run until it is observed, breaks something, and holds it to going back to C by itself.
fn broken_while_observed(break_it: impl FnOnce(&Rehearsal)) -> super::Ended {
    let made = made().set("observe", "10m").patient();
    let mut running = made.start();
    running.until_kind("soak_started");
    break_it(&made);
    let ended = running.end().with(4);
    is_c(&made);
    ended
}

#[test]
fn mtproxy_goes_back_to_c_when_an_error_comes_up_that_c_never_had() {
    let ended = broken_while_observed(|made| {
        let log = std::fs::OpenOptions::new().append(true).open(made.root().join("log/go.log"));
        writeln!(log.expect("Go logs"), "2026-02-14T10:00:53.000Z proxy: protocol error: bad frame 7")
            .expect("written");
    });
    assert!(ended.said.contains("new: proxy: protocol error: bad frame N"), "{}", ended.at_last());
}

#[test]
fn mtproxy_goes_back_to_c_when_more_forwards_fail_than_on_c() {
    let ended = broken_while_observed(|made| fault(made, "errors=50"));
    assert!(ended.said.contains("observe.go-failures.rollback fired"), "{}", ended.at_last());
}

#[test]
fn mtproxy_goes_back_to_c_when_go_is_killed() {
    let ended = broken_while_observed(|made| {
        let pid = std::fs::read_to_string(made.root().join("run/go.pid")).expect("Go runs");
        let killed = made.command("kill").args(["-KILL", pid.trim()]).status().expect("kill runs");
        assert!(killed.success());
    });
    assert!(ended.passed("rollback.incident"), "{}", ended.at_last());
}

#[test]
fn mtproxy_drills_in_docker_where_it_is_told_to() {
    let made = made();
    let docker = made.root().join("bin/docker");
    let made = made.set("drill_in", "docker").set("docker", docker.to_str().expect("a name in UTF-8"));
    let ended = made.drive().with(0);
    assert!(ended.passed("artifacts.drill-in-docker") && ended.finish("artifacts.drill").is_none());
}

/// The panel of the way back on the cockpit, as the newest session ended.
fn way_back_panel(of: &Rehearsal) -> Vec<String> {
    let recording = Recording::open(&of.session().expect("a session")).expect("it can be opened");
    recording.wait_until_surveyed();
    let mut player = Player::new(recording, "");
    player.to_end();
    let (state, telemetry) = (player.state(), player.telemetry());
    let area = Rect::new(0, 0, 120, 36);
    let mut view = View::default();
    (view.focus, view.zoom) = (Pane::WayBack, true);
    view.arrange(area, state, telemetry);
    let (theme, keymap) = (Theme::dark(), Keymap::default());
    let cx = Context::shown(state, telemetry, player.now(), &keymap);
    let mut buffer = Buffer::empty(area);
    Screen { cx, view: &view, zone: Utc.fix(), theme: &theme }.render(area, &mut buffer);
    buffer.content().chunks(area.width.into()).map(|row| row.iter().map(Cell::symbol).collect()).collect()
}

#[test]
fn the_drill_of_mtproxy_has_three_legs_and_the_time_of_its_way_back_is_on_the_next_cockpit() {
    let made = made();
    let report = made.copy().join("drill.json");
    let report = report.to_str().expect("a name in UTF-8");
    made.drill(&["--soak", "500ms", "--report", report]).with(0);
    let drill: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).expect("the report")).expect("JSON");
    assert_eq!(drill["verdict"], "good");
    let legs = drill["legs"].as_array().expect("legs");
    let directions: Vec<&str> = legs.iter().filter_map(|leg| leg["direction"].as_str()).collect();
    assert_eq!(directions, ["forward", "back", "forward"]);
    let took = legs[1]["took_ms"].as_u64().expect("a time");
    assert!(stats(&made).contains("name\tgo\n"), "it ends on Go");

    // A live session's gate would ask for that drill; any session has its time.
    made.set_up();
    let state = made.drive_back_from("preconditions").with(4).state;
    let known = past::last_rollback(&state).expect("the way back was measured");
    assert_eq!(known.took_ms, took);
    let start = StepId::from("switch.start-c");
    assert!(past::measured(&state, &start).is_some_and(|step| step.took_ms > 0));
    let panel = way_back_panel(&made);
    let words = format!("{} all the way from observe, ", format::took(took));
    let row = panel.iter().find(|row| row.contains("last time")).unwrap_or_else(|| panic!("{panel:#?}"));
    assert!(row.contains(&words) && row.contains("(drill)"), "{row} does not say {words}");
}
