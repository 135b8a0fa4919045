//! What the screen is held in: situations of the cockpit and of a recording, every panel, every popup.

use crate::event::{EventKind, Seat};
use crate::session::telemetry::{LogHealth, Measure, Presence};
use crate::ui::popups::tests::{fixture::Desk, screens};
use crate::ui::testing::{Open, Scene, Story};
use crate::ui::view::{Pane, Typed, Typing};

const OUTPUT: &[u8] = b"SELECT count(*) -> 18 442 rows (expected >= 18 000)  ok\n\
    WARN replica orders-db-3 lag 6.9s, retry 7/10 in 10s\n\
    checking read path on 3 replicas\n";

/// The cockpit, in everything that a cutover may come to.
pub fn cockpit() -> Vec<Scene> {
    let live = |name, story| Scene::live(name, story).printing(OUTPUT);
    let mut undoing = Story::eventful();
    undoing.start("switch.weights-back");
    undoing.wait(12);
    let mut paused = Story::running();
    paused.tell(EventKind::Paused);
    let mut away = Story::crewed();
    away.driver_leaves();
    let mut unwritten = Story::running();
    let why = "/var/lib/gonogo/audit.jsonl: no space left on device, 0 bytes free".to_owned();
    unwritten.telemetry.log = LogHealth::Full(why);
    let mut lost = live("lost", Story::running());
    lost.view.lost = Some("`gonogo resume 20261120-020000-orders-db` brings the engine back".to_owned());
    let mut refused = live("refused", Story::running());
    refused.view.refuse("switch.weights has not run: there is nothing to retry");
    let mut typing = live("typing", Story::running()).focused(Pane::Output);
    typing.view.typing = Some(Typing { text: "replica".to_owned(), what: Typed::Search(Pane::Output) });
    vec![
        live("opened", Story::opened()),
        live("asked", Story::asked()),
        live("running", Story::running()),
        live("failed", Story::failed()),
        live("unknown", Story::unknown()),
        live("no_go", Story::no_go()),
        live("soaking", Story::soaking()),
        live("go", Story::go()),
        live("armed", Story::armed()),
        live("rolling_back", Story::eventful()),
        live("undoing", undoing),
        live("stuck", Story::stuck()),
        live("rolled_back", Story::rolled_back()),
        live("compared", Story::compared()),
        live("crewed", present(Story::crewed())),
        live("driver_away", away),
        live("paused", paused),
        live("over_days", Story::over_days()),
        live("log_full", unwritten),
        lost,
        refused,
        typing,
    ]
}

/// Who is attached is known.
fn present(mut story: Story) -> Story {
    story.joins("opD", 2073, Seat::Observer, &[]);
    let here = |person: &str, ago, connections| Presence {
        person: person.to_owned(),
        active_up_ms: story.now.up_ms - ago,
        connections,
    };
    let presence = vec![here("opsA", 3_000, 1), here("opB", 720_000, 2)];
    story.telemetry.record(Measure::Presence(presence));
    story
}

/// A recording: at its beginning, at a decision, in its roll back, at its end.
pub fn recordings() -> Vec<Scene> {
    let eventful = Story::eventful();
    let is_note = |kind: &EventKind| matches!(kind, EventKind::NoteAdded { .. });
    let noted = 1 + eventful.told.iter().position(|(event, _)| is_note(&event.event)).expect("it was noted");
    let closed = Story::rolled_back();
    vec![
        Scene::recorded("replay_begins", &closed, 1, 0),
        Scene::recorded("replay_noted", &eventful, noted, 500),
        Scene::recorded("replay_rolling_back", &eventful, eventful.told.len(), 2_000),
        Scene::recorded("replay_ends", &closed, closed.told.len(), 0),
    ]
}

/// Each panel over the whole screen, where it has something to show.
pub fn panels() -> Vec<Scene> {
    let live = |name, story, pane| Scene::live(name, story).focused(pane).zoomed().printing(OUTPUT);
    let eventful = Story::eventful();
    let recorded = |name, pane| Scene::recorded(name, &eventful, 24, 500).focused(pane).zoomed();
    let mut doubted = Story::soaking();
    doubted.samples("new-readyz", &[503.0], false);
    vec![
        live("panel_stages", Story::no_go(), Pane::Stages),
        live("panel_checks", Story::no_go(), Pane::Checks),
        live("panel_checks_doubted", doubted, Pane::Checks),
        live("panel_steps", Story::failed(), Pane::Steps),
        live("panel_processes", Story::running(), Pane::Processes),
        live("panel_output", Story::running(), Pane::Output),
        live("panel_audit", Story::crewed(), Pane::Audit),
        live("panel_crew", present(Story::crewed()), Pane::Crew),
        live("panel_way_back", Story::compared(), Pane::WayBack),
        live("panel_old_new", Story::compared(), Pane::Versus),
        recorded("panel_timeline", Pane::Timeline),
        recorded("panel_events", Pane::Events),
        recorded("panel_detail", Pane::Detail),
    ]
}

/// Where each popup opens, and how.
pub fn popups() -> Vec<(Scene, Open)> {
    let scene = |(name, desk, open): (&str, Desk, Open)| {
        let Desk { state, telemetry, now, operator, .. } = desk;
        let story = Story { state, telemetry, now, told: Vec::new() };
        (Scene { operator, ..Scene::live(&format!("popup_{name}"), story) }, open)
    };
    screens::desks().into_iter().map(scene).collect()
}
