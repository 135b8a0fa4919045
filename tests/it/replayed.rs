//! A replay shows what was: the state after every event, and the screen at every moment that can be named, are those
//! that somebody saw who was there.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use chrono::{Offset as _, Utc};
use gonogo::clock::Now;
use gonogo::feed::{FeedItem, OutputReader};
use gonogo::replay::{Player, Recording};
use gonogo::session::telemetry::{Measure, SamplePoint};
use gonogo::session::{State, Telemetry};
use gonogo::ui::popups::Context;
use gonogo::ui::replay::{List, Play, Record, Replay};
use gonogo::ui::theme::Mark;
use gonogo::ui::view::Pane;
use gonogo::ui::{Keymap, Screen, Theme, View};
use gonogo::wire::client::{Attached, connect};
use gonogo::wire::message::{Hello, Kind};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use crate::desk::Desk;
use crate::headless;

/// Real commands and checks, a failure, a soak, and a roll back. The first step waits until somebody looks on.
const RUNBOOK: &str = r#"
id = "watched"
title = "Watched"
[check.here]
file = "runbook.toml"
period = "300ms"
[check.flag]
command = "test -e flag && echo up"
period = "300ms"
failure_threshold = 1
expect.matches = ["up"]
[[stage]]
id = "one"
watch = ["here"]
  [[stage.step]]
  id = "wait"
  run = "until [ -e go ]; do sleep 0.02; done; echo went"
  expect.matches = ["^went$"]
  [[stage.step]]
  id = "speak"
  run = "for i in 1 2 3; do echo \"line $i\"; echo \"error $i\" >&2; sleep 0.4; done; touch flag"
  expect.matches = ["line 3"]
  capture.last = 'line (3)'
  [[stage.rollback]]
  id = "unspeak"
  undoes = ["speak"]
  run = "rm flag; echo back"
  expect.matches = ["back"]
  [stage.gate]
  checks = ["flag"]
  soak = "1s"
[[stage]]
id = "two"
watch = ["flag"]
  [[stage.step]]
  id = "flaky"
  run = "echo try; [ -e tried ] || { touch tried; exit 3; }"
  expect.matches = ["try"]
  retries = { attempts = 2, delay = "300ms" }
  [[stage.step]]
  id = "fail"
  run = "sleep 1.2; echo no; exit 3"
  expect.matches = ["yes"]
"#;

const ANSWERS: &str = "advance = true\ngate_within = \"60s\"\n[on_hold]\ndefault = \"rollback\"\n";
const AREA: Rect = Rect { x: 0, y: 0, width: 120, height: 36 };

/// What somebody who is there knows, after each thing that they are told.
struct Witness {
    state: State,
    telemetry: Telemetry,
    outputs: OutputReader,
    seen: AllSeen,
}

/// All that somebody saw.
#[derive(Default)]
struct AllSeen {
    /// The state after each event, told at length.
    states: BTreeMap<u64, String>,
    /// What was known, and how it is drawn, by what tells one moment from another.
    moments: HashMap<Moment, Seen>,
    heads: Vec<String>,
}

/// The last event, and the newest sample of each check.
type Moment = (u64, BTreeMap<String, u64>);

struct Seen {
    state: State,
    telemetry: Telemetry,
    /// The output as it was read then.
    view: View,
}

fn moment(seq: u64, telemetry: &Telemetry) -> Moment {
    let newest =
        |points: &std::collections::VecDeque<SamplePoint>| points.back().map_or(0, |point| point.up_ms);
    let checks = telemetry.checks.iter().map(|(id, series)| (id.to_string(), newest(&series.samples)));
    (seq, checks.collect())
}

fn told(state: &State) -> String {
    format!("{state:?}")
}

/// Reads what the output panel wants to show.
async fn read(view: &mut View, state: &State, telemetry: &Telemetry, outputs: &OutputReader) {
    view.arrange(AREA, state, telemetry);
    while let Some(wanted) = view.output.wanted(view.rows(Pane::Output)) {
        let (step, attempt) = (wanted.source.step.clone(), wanted.source.attempt);
        let piece = outputs.read(step, attempt, wanted.offset, wanted.len).await;
        view.output.take(&wanted.source, piece);
    }
}

/// The cockpit, live or as it was: whoever drove sits before it.
fn drawn(state: &State, telemetry: &Telemetry, view: &View, now: Now, replay: Option<&Replay>) -> String {
    let (theme, keymap) = (Theme::dark(), Keymap::default());
    let cx =
        Context { state, telemetry, now, watched_ms: 0, keymap: &keymap, operator: state.driver(), replay };
    let mut buffer = Buffer::empty(AREA);
    Screen { cx, view, zone: Utc.fix(), theme: &theme }.render(AREA, &mut buffer);
    let rows = buffer.content().chunks(AREA.width.into());
    rows.map(|row| row.iter().map(Cell::symbol).collect::<String>() + "\n").collect()
}

/// What the replay's screen knows besides; the cockpit as it was shows nothing of it.
fn of(player: &Player) -> Replay {
    let record = Record { verdict: (Mark::Ok, String::new()), seal: None, by: String::new(), live: false };
    Replay {
        cursor_ms: player.t_ms(),
        seq: player.seq(),
        play: Play { playing: false, speed: 1, skips_idle: false },
        from: player.recording().clocks(0, 1).expect("a first event"),
        end_ms: player.end_ms(),
        events: player.recording().events(),
        record,
        timeline: player.recording().timeline(),
        list: List::default(),
        moment: None,
        what_if: None,
    }
}

/// A screen without what says that it is a recording: the badge on top, the keys at the bottom.
fn without_badge_and_hints(screen: &str) -> String {
    let rows: Vec<&str> = screen.lines().collect();
    let words = rows[0].split_whitespace().filter(|word| !["REPLAY", "LIVE"].contains(word));
    let world: Vec<&str> = words.collect();
    let middle = &rows[1..rows.len() - 1];
    // Which stream wrote a line is on the disk up to 100 ms after the line: who is there may see that later.
    format!("{}\n{}\n", world.join(" "), middle.join("\n")).replace("│! ", "│| ")
}

impl Witness {
    async fn come(session: &Path) -> (Self, tokio::sync::mpsc::Receiver<FeedItem>) {
        let Attached { feed, .. } = connect(session, Hello::new(Kind::Ctl)).await.expect("let in");
        let mut witness = Self {
            seen: AllSeen {
                states: BTreeMap::from([(feed.state.seq, told(&feed.state))]),
                ..AllSeen::default()
            },
            state: feed.state,
            telemetry: feed.telemetry,
            outputs: feed.outputs,
        };
        witness.keep().await;
        (witness, feed.items)
    }

    async fn take(&mut self, item: FeedItem) {
        match item {
            FeedItem::Event(event) => {
                self.state.apply(&event);
                self.seen.states.insert(self.state.seq, told(&self.state));
            }
            FeedItem::Measure(measure) => {
                if let Measure::Head(head) = &measure {
                    self.seen.heads.push(head.clone());
                }
                self.telemetry.record(measure);
            }
            FeedItem::Lost(_) => return,
        }
        self.keep().await;
    }

    /// Goes away with what was seen.
    fn leave(self) -> AllSeen {
        self.seen
    }

    /// Keeps what is known now; where nothing but the output grew, the newest. On the way back no more is asked for:
    /// the engine ends with it, and whoever asks an engine that ends may miss its last words.
    async fn keep(&mut self) {
        if self.state.rollback.is_some() {
            return;
        }
        let mut view = View::default();
        read(&mut view, &self.state, &self.telemetry, &self.outputs).await;
        let seen = Seen { state: self.state.clone(), telemetry: self.telemetry.clone(), view };
        self.seen.moments.insert(moment(self.state.seq, &self.telemetry), seen);
    }
}

fn session_of(state: &Path, patience: Instant) -> PathBuf {
    loop {
        let sessions = std::fs::read_dir(state.join("sessions")).into_iter().flatten().flatten();
        let mut begun =
            sessions.map(|s| s.path()).filter(|s| s.join("steps/one.wait.1/command.json").exists());
        if let Some(session) = begun.next() {
            return session;
        }
        assert!(Instant::now() < patience, "the first step does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A session that runs, and whose first step waits.
struct Running {
    folder: tempfile::TempDir,
    child: Child,
    session: PathBuf,
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path();
        let child = headless::run(here, "runbook", RUNBOOK, ANSWERS)
            .stderr(std::fs::File::create(here.join("errors")).expect("created"))
            .spawn()
            .expect("gonogo runs");
        let session = session_of(&here.join("state"), Instant::now() + Duration::from_secs(60));
        Self { folder, child, session }
    }

    fn go_on(&self) {
        std::fs::write(self.folder.path().join("go"), "").expect("written");
    }

    /// It was rolled back.
    fn ended(&mut self) {
        let code = self.child.wait().expect("its end").code();
        let errors = std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default();
        assert_eq!(code, Some(4), "{errors}");
    }
}

#[tokio::test]
async fn a_session_that_goes_on_is_followed_to_its_end() {
    let mut running = Running::start();
    let state = running.folder.path().join("state");
    let mut desk = Desk::new(&state, &["replay", "watched", "--speed", "1000"], 120, 36);
    desk.shows("REPLAY").await;
    desk.press(" ").await;
    running.go_on();
    running.ended();
    let log = std::fs::read_to_string(running.session.join("audit.jsonl")).expect("a log");
    let count = log.lines().count();
    desk.shows(&format!("event {count} of {count}")).await;
    desk.shows(&format!("chain ok {count}/{count}")).await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(0));
}

#[tokio::test]
async fn the_state_after_every_event_and_the_screens_are_what_somebody_saw_who_was_there() {
    let mut running = Running::start();
    let (mut witness, mut items) = Witness::come(&running.session).await;
    running.go_on();
    while let Some(item @ (FeedItem::Event(_) | FeedItem::Measure(_))) = items.recv().await {
        witness.take(item).await;
        if witness.state.is_closed() {
            break;
        }
    }
    // An engine that ends does not wait until everybody has read its last words.
    assert!(witness.state.rollback.is_some(), "it was seen as far as the way back");
    let seen = witness.leave();
    drop(items);
    running.ended();

    let recording = Recording::open(&running.session).expect("it can be opened");
    recording.wait_until_surveyed();
    let events = recording.events();
    let mut player = Player::new(recording, "");
    states_are_the_same(&seen, &mut player, events);
    screens_are_the_same(&seen, &mut player).await;
}

fn states_are_the_same(witness: &AllSeen, player: &mut Player, events: u64) {
    let first = *witness.states.keys().next().expect("one");
    let last = *witness.states.keys().next_back().expect("one");
    assert!(last > 25 && last <= events, "{last} of {events} events");
    for seq in first..=last {
        let seen = witness.states.get(&seq).unwrap_or_else(|| panic!("nobody was told event {seq}"));
        assert!(
            told(&player.recording().state_at(seq)) == *seen,
            "the recording's state differs at event {seq}"
        );
        player.to_event(seq);
        assert!(told(player.state()) == *seen, "the player's state differs at event {seq}");
    }
    for seq in (first..=last).rev() {
        player.to_event(seq);
        assert!(told(player.state()) == witness.states[&seq], "on the way back it differs at event {seq}");
    }
    for head in &witness.heads {
        let seq: u64 = head.split(':').next().and_then(|seq| seq.parse().ok()).expect("a number");
        assert_eq!(player.recording().head(seq).as_ref(), Some(head));
    }
}

async fn screens_are_the_same(witness: &AllSeen, player: &mut Player) {
    let outputs = player.outputs();
    let end_ms = player.end_ms();
    let (mut compared, mut kinds) = (0, std::collections::BTreeSet::new());
    for t_ms in (0..=end_ms).step_by(20) {
        player.to_time(t_ms);
        let Some(seen) = witness.moments.get(&moment(player.seq(), player.telemetry())) else { continue };
        let mut view = View::default();
        read(&mut view, player.state(), player.telemetry(), &outputs).await;
        if view.output.total != seen.view.output.total {
            // Somebody there may have read a line before or after this one: the bytes tell the moments apart.
            continue;
        }
        // Who pressed keys, how the disk did and a running command's pid are not recorded; the head is told a moment
        // before its event.
        let mut telemetry = Telemetry {
            presence: player.telemetry().presence.clone(),
            head: player.telemetry().head.clone(),
            log_file: None,
            ..seen.telemetry.clone()
        };
        telemetry.output.values_mut().for_each(|progress| progress.pid = None);
        let (now, replay) = (player.now(), of(player));
        let live = drawn(&seen.state, &telemetry, &seen.view, now, None);
        let replayed = drawn(player.state(), player.telemetry(), &view, now, Some(&replay));
        let (live, replayed) = (without_badge_and_hints(&live), without_badge_and_hints(&replayed));
        assert!(
            live == replayed,
            "at {t_ms} ms, event {}:\nlive\n{live}\nreplayed\n{replayed}",
            player.seq()
        );
        compared += 1;
        kinds.insert(player.seq());
    }
    assert!(
        compared > 50 && kinds.len() > 4,
        "only {compared} screens of {} events were compared",
        kinds.len()
    );
}
