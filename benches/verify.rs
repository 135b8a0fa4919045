//! What judging a long record costs, beside the floor: one thread that parses each line of the same file into the
//! smallest typed record and takes its SHA-256. `cargo bench --bench verify [-- EVENTS]`; it prints ratios and judges
//! nothing.

mod long_log;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use gonogo::audit::line;
use long_log::{floor, median, write};
use nix::sys::resource::{UsageWho, getrusage};
use sha2::{Digest as _, Sha256};

const ROUNDS: usize = 9;

fn main() {
    let events = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let log = folder.path().join("audit.jsonl");
    let bytes = write(&log, events);
    println!("{events} events, {bytes} bytes, {} a line", bytes / events);
    let (mut floors, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(floor(&log, digest), events);
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

fn digest(line: &[u8]) -> u64 {
    u64::from(Sha256::digest(&line[..line.len() - 1 - line::TAIL])[0])
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
