//! Whole cutovers in the cockpit, by keys alone, on a real terminal.

use std::path::{Path, PathBuf};

use crate::desk::{Desk, newest_log};

/// Acknowledges the demo's policy and goes on to the gate of its first stage.
async fn begin(desk: &mut Desk) {
    desk.shows("1 Stages").await;
    desk.shows("POLICY").await;
    desk.go("a", "┏ POLICY").await;
    desk.shows("READY: preconditions").await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("QUESTION").await;
    desk.go("\r", "┏ QUESTION").await;
    desk.shows("GO: everything that preconditions asks for").await;
}

#[tokio::test]
async fn the_demo_is_driven_forward_paused_and_rolled_back_by_keys_alone() {
    let state = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::new(state.path(), &["demo"], 120, 36);
    begin(&mut desk).await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("GO: everything that prepare asks for").await;
    desk.press("p").await;
    desk.shows("PAUSED").await;
    desk.press("p").await;
    desk.go("P", "┏ RESUME").await;
    desk.until("it is not paused", |screen| !screen.contains("PAUSED")).await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("GO: everything that switch asks for").await;
    desk.press("b").await;
    desk.shows("switch.start-legacy").await;
    desk.press("\x1b").await;
    desk.until("nothing is rolled back by looking", |screen| !screen.contains("switch.start-legacy")).await;
    // All the way: the farthest target, and its name typed, for it goes beyond a stage's boundary.
    desk.press("b").await;
    desk.shows("┏ ROLL BACK").await;
    roll_all_the_way_back(&mut desk).await;
    desk.shows("ROLLED BACK, closed").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(4));
    desk.spoke_only_our_grammar();
    let report = gonogo::audit::verify::verify(&newest_log(state.path()), &[]).expect("readable");
    assert_eq!(report.code(), 0, "{report:?}");
}

/// Picks the farthest stage in the rollback dialog, types its name, and rolls back.
async fn roll_all_the_way_back(desk: &mut Desk) {
    // The first field says how far; to the right lies farther.
    desk.press("\t\x1b[C\x1b[C").await;
    desk.shows("3 of 3").await;
    // Past the reason to the stage's name, which is to be typed.
    desk.press("\t\tpreconditions").await;
    // PgDn: the dialog is armed once all of it was on the screen.
    desk.press("\x1b[6~\x1b[6~\x1b[6~").await;
    desk.armed().await;
    desk.press("\t\r").await;
}

#[tokio::test]
async fn a_service_that_dies_under_observation_is_rolled_back_by_its_trigger_at_80_by_24() {
    let state = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::new(state.path(), &["demo"], 80, 24);
    begin(&mut desk).await;
    for stage in ["prepare", "switch"] {
        desk.go("a", "GO / NO-GO").await;
        desk.shows(&format!("GO: everything that {stage}")).await;
    }
    desk.go("a", "GO / NO-GO").await;
    // Its step has run; from here on the trigger is armed.
    desk.shows("NO-GO observe").await;
    let work = demo_folder(state.path());
    let pid = std::fs::read_to_string(work.join("next.pid")).expect("next runs");
    let killed = std::process::Command::new("kill").args(["-9", pid.trim()]).status().expect("kill");
    assert!(killed.success());
    desk.shows("TRIGGER").await;
    desk.shows("ROLLED BACK, closed").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(4));
}

/// The demo's scratch folder, as its log names it.
fn demo_folder(state: &Path) -> PathBuf {
    let log = std::fs::read_to_string(newest_log(state)).expect("a log");
    let opened: serde_json::Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    PathBuf::from(opened["event"]["vars"]["work"].as_str().expect("the demo's folder"))
}

#[tokio::test]
async fn a_click_takes_what_it_points_at_and_what_waits_for_a_person_rings_where_that_is_wanted() {
    let (state, config) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::create_dir(config.path().join("gonogo")).expect("a folder");
    std::fs::write(config.path().join("gonogo/config.toml"), "bell = 'bell'").expect("written");
    let home = config.path().to_str().expect("a name");
    let mut desk = Desk::with(state.path(), &["demo"], 120, 36, &[("XDG_CONFIG_HOME", home)]);
    begin(&mut desk).await;
    assert!(desk.raw.contains(&7), "the question rang");
    let line = desk.line("? help");
    let column = desk.column("? help");
    desk.press(&format!("\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m")).await;
    desk.shows("┏ keys").await;
    // A click beside an open popup does nothing; Esc closes it.
    desk.press("\x1b[<0;2;2M\x1b").await;
    desk.until("no popup", |screen| !screen.contains("┏ keys")).await;
    let (line, column) = (desk.line("2 Checks"), desk.column("2 Checks"));
    desk.press(&format!("\x1b[<0;{column};{line}M\r")).await;
    desk.shows("┏ check").await;
    desk.press("\x1b").await;
    // What follows waits for its own words: Esc alone is told from a sequence by time.
    desk.until("no detail", |screen| !screen.contains("┏ check")).await;
    desk.press("M").await;
    desk.shows("the mouse is the terminal's").await;
    let raw = String::from_utf8_lossy(&desk.raw).into_owned();
    assert!(raw.rfind("\x1b[?1000l") > raw.rfind("\x1b[?1000h"), "the mouse was given back");
    // The demo ends with its cockpit: leaving it asks first.
    desk.press("d").await;
    desk.shows("ends with it").await;
    desk.shows("[ leave  d ]").await;
    desk.press("d").await;
    assert_eq!(desk.leaves().await, Some(3));
}
