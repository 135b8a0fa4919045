//! A long log, and the least that any reader of it must do: parse each line into the smallest typed record.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use gonogo::audit::line;
use gonogo::event::{By, Event, EventKind, Health, LOG_FORMAT, Mode, SessionOpened};
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

/// Reads every line, hands its bytes on, and says the number of the last.
pub fn floor(log: &Path, mut with: impl FnMut(&[u8]) -> u64) -> u64 {
    let mut lines = BufReader::with_capacity(1 << 17, File::open(log).expect("written"));
    let (mut line, mut last, mut sum) = (Vec::new(), 0, 0);
    while lines.read_until(b'\n', &mut line).expect("readable") > 0 {
        let Record { seq, at, up_ms, by: _, event, prev, hash } =
            serde_json::from_slice(&line).expect("a line of a log");
        sum += at.len() as u64 + up_ms + (event.kind.len() + prev.len() + hash.len()) as u64;
        sum += with(&line);
        last = seq;
        line.clear();
    }
    std::hint::black_box(sum);
    last
}

/// The middle one; sorts them.
pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Writes a log of so many events, and says how long it is.
pub fn write(log: &Path, events: u64) -> u64 {
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
        drill: None,
        session_dir: "/".to_owned(),
        version: "0".to_owned(),
    }))
}
