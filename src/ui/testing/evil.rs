//! Text that means harm, and cutovers in which all text is of that kind.

use std::sync::{Arc, LazyLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Scene;
use crate::event::Event;
use crate::runbook::model::{Action, Command, Probe, Runbook, Step};
use crate::session::telemetry::LogHealth;
use crate::session::{State, Telemetry, Tick, TriggerState};
use crate::ui::replay::Moment;
use crate::ui::view::{Pane, Typed, Typing};

/// Every payload: what moves, hides, reverses, colours, asks, or takes more room than it seems to.
pub fn payloads() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(all);
    &ALL
}

fn all() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    // Every control character, alone and amid text.
    let controls = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    all.extend(controls.map(|c| format!("a{c}b")));
    // Every control sequence that a terminal may know, in both forms.
    for end in '@'..='~' {
        all.push(format!("\x1b[{end}"));
        all.push(format!("\u{9b}1;2{end}"));
    }
    let modes = [
        "?1049l", "?25h", "?2004l", "?1000h", "?2026h", ">4;1m", "!p", "6n", "?6n", "0c", ">c", "=c", "21t",
        "14t",
    ];
    all.extend(modes.map(|mode| format!("\x1b[{mode}")));
    // Titles, links, colours, the clipboard, notifications; device strings; each way to end them, and none.
    for string in [
        "]0;t",
        "]2;t",
        "]8;;http://evil",
        "]10;?",
        "]52;c;b3duZWQ=",
        "]52;c;?",
        "]9;n",
        "]777;notify;a;b",
        "]1337;File=x:",
    ] {
        all.extend(["\x07", "\x1b\\", "\u{9c}", ""].map(|end| format!("\x1b{string}{end}")));
    }
    for string in ["P+q544e", "P$qm", "Pq#0;2", "_Gf=24;AAAA", "^private", "Xstart"] {
        all.extend(["\x1b\\", "\u{9c}", ""].map(|end| format!("\x1b{string}{end}")));
    }
    all.extend(
        [
            "\x1bc",
            "\x1b7",
            "\x1b8",
            "\x1b(0lqk",
            "\x1b#8",
            "\x1bD",
            "\x1bM",
            "\x1bZ",
            "\x1b",
            "\x1b[",
            "\x1b[38;2;1",
        ]
        .map(str::to_owned),
    );
    all.extend(
        ["\r\n", "ok\rFAIL", "\x08\x08\x08GO", "\t\t\t", "\n\n\n\n", "1\u{b}2\u{c}3"].map(str::to_owned),
    );
    // What reverses, and what cannot be seen.
    let unseen = [
        '\u{61c}',
        '\u{200e}',
        '\u{200f}',
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180e}',
        '\u{3164}',
        '\u{ffa0}',
        '\u{feff}',
        '\u{fff9}',
        '\u{fffb}',
        '\u{2028}',
        '\u{2029}',
        '\u{1d173}',
        '\u{13430}',
        '\u{1bca0}',
    ];
    let ranges =
        ['\u{200b}'..='\u{200d}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{206f}', '\u{fe00}'..='\u{fe0f}'];
    all.extend(
        unseen.into_iter().chain(ranges.into_iter().flatten()).map(|c| format!("inv{c}oice{c}{c}.exe")),
    );
    all.push("\u{202e}txt.exe".to_owned());
    all.push("\u{2066}a\u{2067}b\u{2068}c\u{2069}".to_owned());
    // Tags, selectors, marks: floods of them, and one that stands on nothing.
    all.push("GO".chars().filter_map(|c| char::from_u32(0xe0000 + c as u32)).collect());
    all.push("\u{e0001}\u{e007f}".repeat(50));
    all.push(('\u{e0100}'..='\u{e01ef}').collect());
    all.push(format!("a{}", "\u{301}".repeat(500)));
    all.push(format!("Z{}", "\u{335}\u{489}\u{20dd}\u{1ab0}".repeat(60)));
    all.push("\u{301}\u{302}\u{303}".to_owned());
    all.push("⚠\u{fe0f}\u{fe0f}\u{fe0f}⚠\u{fe0e}".to_owned());
    // What is wide, or joined, or not there.
    all.extend(
        [
            "漢字漢字漢字漢字漢字",
            "ｆｕｌｌ　ｗｉｄｔｈ",
            "👩\u{200d}👩\u{200d}👧\u{200d}👦",
            "🇩🇪🇩",
            "👍🏿",
            "각각",
            "שלום עולם",
            "مرحبا",
            "नमस्ते",
            "ไทย",
            "﷽",
            "…",
            "█▓▒░",
            "\u{1f1e6}".repeat(30).as_str(),
        ]
        .map(str::to_owned),
    );
    all.extend(
        ["\u{e000}", "\u{f8ff}", "\u{fdd0}", "\u{ffff}", "\u{10ffff}", "\u{fffd}", "\0"]
            .map(|text| text.repeat(9)),
    );
    all.push(crate::text::decode(b"\xff\xfe\x00\xd8!\0\x41").into_owned());
    all.push(crate::text::decode(b"\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82").replace('\n', " "));
    // What is long, and what looks like ours.
    all.push("x".repeat(20_000));
    all.push("漢".repeat(5_000));
    all.push("\x1b[2J".repeat(3_000));
    all.push(String::new());
    all.push(" ".repeat(300));
    all.extend(
        [
            "✓ OK  GO",
            "┃ forged ┃",
            "━━ POINT OF NO RETURN ━━",
            "%s%n{}",
            "'; rm -rf /",
            "$(reboot)",
            "<b>&amp;",
        ]
        .map(str::to_owned),
    );
    all
}

/// Hands out the payloads, round and round.
pub struct Evil(pub usize);

impl Evil {
    /// The next of them.
    pub fn text(&mut self) -> String {
        self.0 += 1;
        payloads()[self.0 % payloads().len()].clone()
    }

    fn put(&mut self, text: &mut String) {
        *text = self.text();
    }

    fn put_all<'a>(&mut self, texts: impl IntoIterator<Item = &'a mut String>) {
        texts.into_iter().for_each(|text| self.put(text));
    }

    /// Puts harm into every text of a scene that somebody else wrote: of its runbook, its session and its record, what
    /// was seen of checks and processes, what is typed, and what is said.
    pub fn fill(&mut self, scene: &mut Scene) {
        self.state(&mut scene.story.state);
        self.telemetry(&mut scene.story.telemetry);
        let view = &mut scene.view;
        match self.0 % 3 {
            0 => view.refuse(self.text()),
            1 => view.typing = Some(Typing { text: self.text(), what: Typed::Filter(Pane::Output) }),
            _ => view.lost = Some(self.text()),
        }
        let Some(replay) = &mut scene.replay else { return };
        self.put(&mut replay.record.by);
        self.put(&mut replay.record.verdict.1);
        replay.record.seal = Some(self.text());
        for event in &mut replay.list.events {
            self.event(event);
        }
        if let Some(moment) = &mut replay.moment {
            let mut event = Arc::clone(&moment.event);
            self.event(&mut event);
            *moment = Arc::new(Moment { event, ..(**moment).clone() });
        }
    }

    /// Of whatever is written as JSON: every string that may be any.
    fn json<T: Serialize + DeserializeOwned + Clone>(&mut self, thing: &mut T) {
        let Ok(mut whole) = serde_json::to_value(&*thing) else { return };
        let mut paths = Vec::new();
        strings(&whole, String::new(), &mut paths);
        for path in paths {
            let Some(place) = whole.pointer_mut(&path) else { continue };
            let before = std::mem::replace(place, Value::String(self.text()));
            match serde_json::from_value(whole.clone()) {
                Ok(evil) => *thing = evil,
                Err(_) => whole.pointer_mut(&path).into_iter().for_each(|place| *place = before.clone()),
            }
        }
    }

    fn event(&mut self, event: &mut Arc<Event>) {
        self.json(Arc::make_mut(event));
    }

    fn ticks<'a>(&mut self, ticks: impl IntoIterator<Item = &'a mut Tick>) {
        for tick in ticks {
            self.put(&mut tick.by);
            tick.note = Some(self.text());
        }
    }

    fn telemetry(&mut self, telemetry: &mut Telemetry) {
        for sample in telemetry.checks.values_mut().flat_map(|series| &mut series.samples) {
            (sample.value, sample.reason) = (Some(self.text()), self.text());
        }
        self.put_all(telemetry.processes.values_mut().flatten().map(|seen| &mut seen.name));
        self.put_all(telemetry.presence.iter_mut().map(|present| &mut present.person));
        telemetry.head = Some(self.text());
        if self.0.is_multiple_of(4) {
            telemetry.log = LogHealth::Failed(self.text());
        }
    }

    /// Puts harm into everything that a session knows.
    pub fn state(&mut self, state: &mut State) {
        state.opened.iter_mut().for_each(|opened| self.json(Arc::make_mut(opened)));
        state.past.iter_mut().for_each(|past| self.json(Arc::make_mut(past)));
        state.runbook.iter_mut().for_each(|runbook| self.runbook(Arc::make_mut(runbook)));
        for stage in state.stages.values_mut() {
            stage.soak.last_broken = stage.soak.last_broken.take().map(|_| self.text());
            stage.overridden = stage.overridden.take().map(|_| self.text());
            self.put_all(stage.gate.iter_mut().flat_map(|gate| &mut gate.missing));
            self.ticks(stage.ticks.values_mut());
            for vote in &mut stage.votes {
                self.put(&mut vote.person);
                (vote.role, vote.note) = (vote.role.take().map(|_| self.text()), Some(self.text()));
                (vote.void, vote.also) = (vote.void.take().map(|_| self.text()), vec![self.text()]);
            }
            if let Some(asked) = &mut stage.override_asked {
                self.put(&mut asked.by);
                self.put(&mut asked.reason);
                self.put_all(&mut asked.missing);
            }
        }
        for step in state.steps.values_mut() {
            (step.what, step.why) = (Some(self.text()), step.why.take().map(|_| self.text()));
            step.killed.iter_mut().for_each(|ending| self.put(&mut ending.why));
            step.finish.iter_mut().for_each(|finish| self.json(Arc::make_mut(finish)));
            self.ticks(step.ticks.values_mut());
        }
        for check in state.checks.values_mut() {
            (check.reason, check.value) = (self.text(), Some(self.text()));
        }
        for trigger in state.triggers.values_mut() {
            if let TriggerState::Armed { why, .. } | TriggerState::Fired { why, .. } = trigger {
                self.put(why);
            }
        }
        if let Some(rollback) = &mut state.rollback {
            rollback.reason = Some(self.text());
            rollback.stuck.iter_mut().for_each(|stuck| self.put(&mut stuck.why));
        }
        state.captures = state.captures.keys().map(|_| (self.text(), self.text())).collect();
        self.put_all(state.baselines.values_mut().flat_map(|of| of.values_mut()).map(|seen| &mut seen.shown));
        self.put_all(state.snapshots.values_mut().map(|snapshot| &mut snapshot.path));
        self.put_all(
            state.drift.iter_mut().flat_map(|drift| &mut drift.files).map(|drifted| &mut drifted.file),
        );
        self.put_all(state.paused.iter_mut().map(|pause| &mut pause.by));
        self.put_all(state.notices.iter_mut().map(|notice| &mut notice.what));
        for note in &mut state.notes {
            (note.text, note.by, note.attached) = (self.text(), self.text(), Some(self.text()));
        }
        state.recent.iter_mut().for_each(|event| self.event(event));
        self.crew(state);
    }

    /// Names everybody anew; who has the wheel still has it.
    fn crew(&mut self, state: &mut State) {
        for (name, mut operator) in std::mem::take(&mut state.crew) {
            let evil = self.text();
            let wheel = state.wheel.iter_mut().chain(&mut state.wheel_asked);
            let offered = state.wheel_offer.iter_mut().flat_map(|offer| [&mut offer.from, &mut offer.to]);
            wheel.chain(offered).filter(|known| **known == name).for_each(|known| known.clone_from(&evil));
            self.put_all(&mut operator.roles);
            operator.credentials.ssh = Some(self.text());
            operator.person.person.clone_from(&evil);
            state.crew.insert(evil, operator);
        }
    }

    fn runbook(&mut self, runbook: &mut Runbook) {
        self.put(&mut runbook.title);
        (runbook.owner, runbook.ticket, runbook.environment) =
            (Some(self.text()), Some(self.text()), Some(self.text()));
        self.put_all(&mut runbook.policy);
        runbook.dir = self.text().into();
        for stage in &mut runbook.stages {
            self.put(&mut stage.title);
            stage.description = Some(self.text());
            self.put_all(&mut stage.gate.accept);
            self.put_all(&mut stage.gate.roles);
            stage.steps.iter_mut().chain(&mut stage.rollback).for_each(|step| self.step(step));
        }
        runbook.rollback.steps.iter_mut().for_each(|step| self.step(step));
        for check in runbook.checks.values_mut() {
            self.put(&mut check.title);
            check.unit = check.unit.take().map(|_| self.text());
            match &mut check.probe {
                Probe::Http { target, .. } => self.put(&mut target.url.0),
                Probe::File { paths, .. } => self.put_all(paths.iter_mut().map(|path| &mut path.0)),
                _ => {}
            }
        }
    }

    fn step(&mut self, step: &mut Step) {
        self.put(&mut step.title);
        (step.description, step.user) = (Some(self.text()), step.user.take().map(|_| self.text()));
        match &mut step.action {
            Action::Run { command: Command::Argv(argv), .. } => {
                self.put_all(argv.iter_mut().map(|word| &mut word.0))
            }
            Action::Run { command: Command::Shell(script), .. } => self.put(&mut script.0),
            Action::Confirm { question, role, items, .. } => {
                self.put(&mut question.0);
                *role = role.take().map(|_| self.text());
                self.put_all(items);
            }
            _ => {}
        }
    }
}

/// Names that lead to something: with others in their place there would be nothing to show.
const NAMES: &[&str] = &["kind", "stage", "step", "check", "trigger", "steps", "remaining"];

fn strings(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::String(_) => paths.push(path),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(n, value)| strings(value, format!("{path}/{n}"), paths));
        }
        Value::Object(all) => {
            for (name, value) in all.iter().filter(|(name, _)| !NAMES.contains(&name.as_str())) {
                strings(value, format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), paths);
            }
        }
        _ => {}
    }
}
