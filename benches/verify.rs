//! What judging a long record costs, beside the floor: one thread that parses each line of the same file into the
//! smallest typed record and takes its SHA-256. `cargo bench --bench verify [-- EVENTS]`; it prints ratios and judges
//! nothing.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use gonogo::audit::line;
use gonogo::event::{By, Event, EventKind, Health, LOG_FORMAT, Mode, SessionOpened};
use gonogo::runbook::model::Host;
use nix::sys::resource::{UsageWho, getrusage};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

const ROUNDS: usize = 9;

#[derive(Deserialize)]
struct Record<'a> {
    seq: u64,
    at: &'a str,
    up_ms: u64,
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
    let (mut floors, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(floor(&log), events);
        let floor = start.elapsed().as_secs_f64();
        let start = Instant::now();
        judge(&log, events);
        let our = start.elapsed().as_secs_f64();
        floors.push(floor);
        ours.push(our);
        ratios.push(our / floor);
    }
    println!("floor, typed parse and SHA-256  {:.3} s", median(&mut floors));
    println!("gonogo verify                   {:.3} s", median(&mut ours));
    println!(
        "ratio of each pair, median      {:.2}, best {:.2}, worst {:.2}",
        median(&mut ratios),
        ratios[0],
        { ratios[ROUNDS - 1] }
    );
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("a process may ask for its own");
    let cpu = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6);
    println!("CPU time of gonogo              {:.3} s, on {cores} cores", (cpu[0] + cpu[1]) / ROUNDS as f64);
    println!("memory of gonogo at its peak    {} MB", usage.max_rss() / 1000);
}

fn floor(log: &Path) -> u64 {
    let mut lines = BufReader::with_capacity(1 << 17, File::open(log).expect("written"));
    let (mut line, mut last, mut sum) = (Vec::new(), 0, 0);
    while lines.read_until(b'\n', &mut line).expect("readable") > 0 {
        let Record { seq, at, up_ms, event, prev, hash } = serde_json::from_slice(&line).expect("a line");
        let digest = Sha256::digest(&line[..line.len() - 1 - line::TAIL]);
        sum += at.len() as u64 + up_ms + (event.kind.len() + prev.len() + hash.len()) as u64;
        sum += u64::from(digest[0]);
        last = seq;
        line.clear();
    }
    std::hint::black_box(sum);
    last
}

fn judge(log: &Path, events: u64) {
    let output = Command::new(env!("CARGO_BIN_EXE_gonogo"))
        .arg("verify")
        .arg(log)
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains(&format!("{events} events")), "{text}");
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
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
    let (from, to) =
        if seq.is_multiple_of(2) { (Health::Ok, Health::Failing) } else { (Health::Failing, Health::Ok) };
    let value = Some("7.2".to_owned());
    EventKind::CheckChanged { check: "c1".into(), from, to, reason: String::new(), value, since: 1 }
}

fn opened() -> EventKind {
    EventKind::SessionOpened(Box::new(SessionOpened {
        format: LOG_FORMAT,
        session: "bench".to_owned(),
        runbook: String::new(),
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
