//! What opening and moving in a long recording costs, beside the floor: reading each line of the same file into the
//! smallest typed record. `cargo bench --bench replay [-- EVENTS]`; it prints ratios and judges nothing.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use gonogo::audit::line;
use gonogo::event::{By, Event, EventKind, Health, LOG_FORMAT, Mode, SessionOpened};
use gonogo::replay::{Player, Recording};
use gonogo::runbook::model::Host;
use serde::Deserialize;

/// What every reader of a log has to know of a line.
#[derive(Deserialize)]
struct Record<'a> {
    seq: u64,
    at: &'a str,
    up_ms: u64,
    #[expect(dead_code, reason = "it is parsed as the others are")]
    by: serde::de::IgnoredAny,
    #[serde(borrow)]
    event: Kind<'a>,
    prev: &'a str,
    hash: &'a str,
}

#[derive(Deserialize)]
struct Kind<'a> {
    kind: &'a str,
}

fn main() {
    let events = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let log = folder.path().join("audit.jsonl");
    let bytes = write(&log, events);
    println!("{events} events, {bytes} bytes, {} a line", bytes / events);
    let (mut floors, mut frames, mut wholes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..7 {
        let start = Instant::now();
        assert_eq!(floor(&log), events);
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

fn floor(log: &Path) -> u64 {
    let mut lines = BufReader::with_capacity(1 << 17, File::open(log).expect("written"));
    let (mut line, mut last, mut sum) = (Vec::new(), 0, 0);
    while lines.read_until(b'\n', &mut line).expect("readable") > 0 {
        let Record { seq, at, up_ms, by: _, event, prev, hash } =
            serde_json::from_slice(&line).expect("a line of a log");
        sum += at.len() as u64 + up_ms + (event.kind.len() + prev.len() + hash.len()) as u64;
        last = seq;
        line.clear();
    }
    std::hint::black_box(sum);
    last
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The most memory that this process ever had, in bytes, where the system tells.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok().map(|kib: f64| kib * 1024.0)
}

/// Writes a log of so many events, and says how long it is.
fn write(log: &Path, events: u64) -> u64 {
    let mut file = BufWriter::new(File::create(log).expect("a scratch file"));
    let mut hash = line::genesis();
    let start = chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a date");
    for seq in 1..=events {
        let at = start + chrono::TimeDelta::milliseconds((seq * 86).cast_signed());
        let event = if seq == 1 { opened() } else { changed(seq) };
        let event = Event { seq, at, up_ms: 1_000_000 + seq * 86, by: By::ENGINE, event };
        let (bytes, next) = line::encode(&event, &hash).expect("short");
        file.write_all(&bytes).expect("written");
        hash = next;
    }
    file.into_inner().expect("written").metadata().expect("there").len()
}

fn changed(seq: u64) -> EventKind {
    let (check, turn) = (seq % 100, (seq / 100).is_multiple_of(2));
    let (from, to) = if turn { (Health::Ok, Health::Failing) } else { (Health::Failing, Health::Ok) };
    EventKind::CheckChanged {
        check: format!("c{check}").into(),
        from,
        to,
        reason: if turn { "7.2 > 5".to_owned() } else { String::new() },
        value: Some("7.2".to_owned()),
        since: seq,
    }
}

fn opened() -> EventKind {
    EventKind::SessionOpened(Box::new(SessionOpened {
        format: LOG_FORMAT,
        session: "bench".to_owned(),
        runbook: "id = \"bench\"\ntitle = \"Bench\"\n[[stage]]\nid = \"one\"\n[[stage.step]]\nid = \"a\"\nwait = \"1s\"\n".to_owned(),
        sha256: String::new(),
        dir: "/".to_owned(),
        file: "bench.toml".to_owned(),
        vars: indexmap::IndexMap::new(),
        mode: Mode::Simulated,
        host: Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
        share: None,
        session_dir: "/".to_owned(),
        version: "0".to_owned(),
    }))
}
