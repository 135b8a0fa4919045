//! What opening and moving in a long recording costs, beside the floor: reading each line of the same file into the
//! smallest typed record. `cargo bench --bench replay [-- EVENTS]`; it prints ratios and judges nothing.

mod long_log;

use std::fs;
use std::path::Path;
use std::time::Instant;

use gonogo::replay::{Player, Recording};
use long_log::{floor, median, write};

fn main() {
    let events = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let log = folder.path().join("audit.jsonl");
    let bytes = write(&log, events);
    println!("{events} events, {bytes} bytes, {} a line", bytes / events);
    let (mut floors, mut frames, mut wholes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..7 {
        let start = Instant::now();
        assert_eq!(floor(&log, |_| 0), events);
        floors.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let player = open(folder.path());
        frames.push(start.elapsed().as_secs_f64());
        player.recording().wait_until_surveyed();
        wholes.push(start.elapsed().as_secs_f64());
    }
    let floor = median(&mut floors);
    println!("floor, typed parse            {floor:.3} s");
    for (what, mut times) in [("open until it can be shown", frames), ("open until all is surveyed", wholes)]
    {
        let time = median(&mut times);
        println!("{what:<29} {time:.3} s  {:.2} of the floor", time / floor);
    }
    let mut player = open(folder.path());
    player.recording().wait_until_surveyed();
    let mut seeks: Vec<f64> = (0..200_u64)
        .map(|n| {
            let seq = n * 7_919_993 % events + 1;
            let start = Instant::now();
            player.to_event(seq);
            assert_eq!((player.seq(), player.state().seq), (seq, seq));
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    let most = seeks.iter().copied().fold(0.0, f64::max);
    println!("seek                          {:.1} ms, at most {most:.1} ms", median(&mut seeks));
    if let Some(peak) = peak() {
        println!("memory at its peak            {:.2} of the file", peak / bytes as f64);
    }
}

fn open(folder: &Path) -> Player {
    Player::new(Recording::open(folder).expect("a recording"), "")
}

/// The most memory that this process ever had, in bytes, where the system tells.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok().map(|kib: f64| kib * 1024.0)
}
