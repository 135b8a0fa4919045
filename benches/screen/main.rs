//! What the cockpit's screen costs, beside the floor: a small ratatui program on a terminal of the same size, measured in
//! turn with it. `cargo bench --bench screen [-- first|idle|keys]`; it prints ratios and judges nothing.
//!
//! - `first`: from exec to the first whole frame at 120x40 of `attach`, `replay` and `run` with its engine.
//! - `idle`: CPU, bytes and memory of a cockpit with 100 checks on show that nobody touches, and of an engine that polls
//!   10 checks every 10 s, while a clock turns once a second.
//! - `keys`: from a key to what it does on the screen, among 1,000 steps and 100 checks; then the same while a step
//!   prints as fast as it can.

mod floor;
mod session;
mod terminal;

use std::fs;
use std::time::{Duration, Instant};

use pty_process::blocking::Command;
use session::{Session, Size};
use terminal::Terminal;

/// A session as small as a first frame may be asked of.
const SMALL: Size = Size { checks: 10, period: "10s", stages: 4, steps: 4 };
const LARGE: Size = Size { checks: 100, period: "2s", stages: 10, steps: 100 };

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "floor") {
        return floor::main();
    }
    let asked =
        |part: &str| words.iter().all(|word| word.starts_with('-')) || words.iter().any(|word| word == part);
    if asked("first") {
        first();
    }
    if asked("idle") {
        idle();
    }
    if asked("keys") {
        keys();
    }
}

/// The floor's program: this one, asked for by a word.
fn floor() -> Terminal {
    Terminal::start(Command::new(std::env::current_exe().expect("this program")).arg("floor"))
}

fn is_whole_floor(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    text.starts_with("floor  clock") && text.ends_with("q quit")
}

fn is_whole_cockpit(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    ["Bench", "1 Stages", "2 Checks", "c000", "5 Output", "6 Audit", "? help"]
        .iter()
        .all(|part| text.contains(part))
}

fn is_whole_replay(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    ["Bench", "REPLAY", "Timeline", "Stages", "Events", "Output", "? help"]
        .iter()
        .all(|part| text.contains(part))
}

/// First frames, in pairs with the floor's.
fn first() {
    println!("exec to the first whole frame, 120x40, 15 rounds");
    let session = Session::started(SMALL);
    let log = session.path();
    let log = log.to_str().expect("ours is UTF-8");
    let floor = || floor().until("the floor", is_whole_floor);
    let attach = || session.attach().until("attach", is_whole_cockpit);
    let replay = || Terminal::start(session.gonogo(&["replay", log])).until("replay", is_whole_replay);
    let run = || {
        let session = Session::new(SMALL);
        session.run().until("run", is_whole_cockpit)
    };
    let programs: [(&str, &dyn Fn() -> Duration); 3] =
        [("attach", &attach), ("replay", &replay), ("run with its engine", &run)];
    let mut floors = Vec::new();
    let mut times = programs.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..15 {
        for ((_, program), (times, ratios)) in programs.iter().zip(&mut times) {
            let floor = ms(floor());
            let time = ms(program());
            floors.push(floor);
            times.push(time);
            ratios.push(time / floor);
        }
    }
    println!("  floor                 {:6.1} ms", at(&mut floors, 50));
    for ((name, _), (mut times, mut ratios)) in programs.into_iter().zip(times) {
        let (time, ratio) = (at(&mut times, 50), at(&mut ratios, 50));
        println!("  {name:<20}  {time:6.1} ms  {ratio:5.1} of the floor  (best {:.1} ms)", times[0]);
    }
}

/// What it costs to be looked at.
fn idle() {
    const TIME: Duration = Duration::from_secs(20);
    println!("idle, 20 s each, in turn, twice");
    let shown = Session::started(Size { period: "10s", ..LARGE });
    shown.ctl(&["advance"]);
    shown.stop_flood();
    let small = Session::started(SMALL);
    for _ in 0..2 {
        let mut floor = floor();
        floor.until("the floor", is_whole_floor);
        let (engine, before) = (small.engine(), cpu(small.engine()));
        let base = watch("floor", &mut floor, TIME, None);
        let spent = cpu(engine).saturating_sub(before);
        drop(floor);
        let mut cockpit = shown.attach();
        cockpit.until("attach", is_whole_cockpit);
        cockpit.press("2z");
        cockpit.until("the checks", |screen| screen.contents().contains("c030"));
        watch("cockpit, 100 checks", &mut cockpit, TIME, Some(&base));
        let percent = share(spent, TIME);
        println!("  {:<20}  {percent:.3} % CPU  {:>13}  {:6.1} MB", "engine, 10 checks", "", pss(engine));
    }
}

/// What a program that nobody touches cost.
struct Cost {
    cpu: f64,
    bytes: f64,
}

fn watch(name: &str, program: &mut Terminal, time: Duration, base: Option<&Cost>) -> Cost {
    // The first seconds belong to its start.
    program.pass(Duration::from_secs(3));
    let (spent, bytes) = (cpu(program.pid()), program.bytes);
    program.pass(time);
    let cost = Cost {
        cpu: share(cpu(program.pid()).saturating_sub(spent), time),
        bytes: (program.bytes - bytes) as f64 / time.as_secs_f64(),
    };
    let ratio = base
        .map(|base| format!("  {:.1} and {:.1} of the floor", cost.cpu / base.cpu, cost.bytes / base.bytes));
    let (ratio, pss) = (ratio.unwrap_or_default(), pss(program.pid()));
    println!("  {name:<20}  {:.3} % CPU  {:7.0} bytes/s  {pss:6.1} MB{ratio}", cost.cpu, cost.bytes);
    cost
}

/// The time on a processor that all threads of a process had.
fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let spent = threads.map(|thread| {
        let stat = fs::read_to_string(thread.expect("a thread").path().join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(spent.sum())
}

fn share(spent: Duration, of: Duration) -> f64 {
    spent.as_secs_f64() / of.as_secs_f64() * 100.0
}

/// A process's own memory, and its share of what others have too, in MB.
fn pss(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("it runs");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Linux says it");
    line.split_whitespace()
        .next()
        .and_then(|kib| kib.parse().ok())
        .map_or(0.0, |kib: f64| kib * 1.024 / 1000.0)
}

/// Keys, in turn with the floor's: in quiet, and while a step prints.
fn keys() {
    println!("a key's way to the screen, 3 x 160 keys each, in turn");
    let session = Session::started(LARGE);
    let mut floor = floor();
    floor.until("the floor", is_whole_floor);
    let mut cockpit = session.attach();
    cockpit.until("attach", is_whole_cockpit);
    session.ctl(&["advance"]);
    cockpit.until("a step that prints", |screen| screen.contents().contains("without end"));
    cockpit.press("3");
    for (when, flood) in [("flood", true), ("quiet", false)] {
        if !flood {
            session.stop_flood();
        }
        let (mut floors, mut cockpits) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            floors.extend(walk(&mut floor));
            let before = session.printed();
            let start = Instant::now();
            cockpits.extend(walk(&mut cockpit));
            if flood {
                let rate = (session.printed() - before) as f64 / start.elapsed().as_secs_f64() / 1e6;
                println!("  {rate:.0} MB/s were printed meanwhile");
            }
        }
        for (name, mut times) in [("floor", floors), ("cockpit", cockpits)] {
            let [p50, p95, p99] = [50, 95, 99].map(|percent| at(&mut times, percent));
            println!(
                "  {when} {name:<8}  p50 {p50:6.2}  p95 {p95:6.2}  p99 {p99:6.2}  most {:6.2} ms",
                times[times.len() - 1]
            );
        }
    }
}

/// Moves the mark down 80 lines and up again; how long each key took, in milliseconds.
fn walk(program: &mut Terminal) -> Vec<f64> {
    let mut times = Vec::new();
    for (key, line) in (1..=80).map(|line| ("j", line)).chain((0..80).rev().map(|line| ("k", line))) {
        let name = format!(" s{line:03} ");
        let marked = |row: String| row.find(&name).is_some_and(|at| row[..at].contains('>'));
        // Not in step with anything that the program does by itself.
        program.pass(Duration::from_millis(7 + line * 13 % 29));
        program.press(key);
        times.push(ms(program.until(&name, |screen| screen.rows(0, 120).any(marked))));
    }
    times
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What so many of a hundred are not above; sorts them.
fn at(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}
