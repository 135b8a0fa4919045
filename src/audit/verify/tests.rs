//! Nothing is done to a log unseen, and nothing is seen that was not done.

use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::audit::line;
use crate::audit::writer::tests::event;
use crate::event::{By, Event, EventKind};

/// Short events behind the first.
fn lines(events: u64, boot: u64) -> Vec<Vec<u8>> {
    let mut prev = line::genesis();
    let line = |seq| {
        let mut event: Event = (*event(seq)).clone();
        if seq > 1 {
            event = Event { up_ms: boot + seq, by: By::ENGINE, event: EventKind::Paused, ..event };
        }
        let (line, hash) = line::encode(&event, &prev).expect("short");
        prev = hash;
        line
    };
    (1..=events).map(line).collect()
}

fn code(log: &[u8], anchors: &[Anchor]) -> u8 {
    judge(log, log.len() as u64, Chain::new(), false, anchors).expect("it is in memory").0.code()
}

/// The chain as it is before each line, so that what is before a change is walked only once.
fn before(lines: &[Vec<u8>]) -> Vec<Chain> {
    let log = lines.concat();
    let mut chains = vec![Chain::new()];
    let mut chain = Chain::new();
    chain
        .walk(&log[..], log.len() as u64, said::read, |_, now| chains.push(now.clone()))
        .expect("it is in memory");
    chains.pop();
    chains
}

/// Changes every byte of a log to each of what `values` gives.
fn change_every_byte(events: u64, values: impl Fn(u8) -> Vec<u8>) -> u64 {
    let lines = lines(events, 0);
    let (mut log, mut at, mut changes) = (lines.concat(), 0, 0);
    for (line, chain) in lines.iter().zip(before(&lines)) {
        // Two lines on at most it shows; a log that ends there is judged no milder.
        for byte in at..at + line.len() {
            let was = log[byte];
            for value in values(was) {
                log[byte] = value;
                let judged = judge(&log[..], log.len() as u64, chain.clone(), false, &[]);
                assert_ne!(judged.expect("it is in memory").0.code(), 0, "byte {byte} became {value:#04x}");
                changes += 1;
            }
            log[byte] = was;
        }
        at += line.len();
    }
    changes
}

#[test]
fn no_bit_of_a_log_of_two_hundred_events_can_be_changed_unseen() {
    assert!(change_every_byte(200, |was| vec![was ^ 1]) > 45_000);
}

#[test]
fn no_byte_can_become_any_other_unseen() {
    assert!(change_every_byte(2, |was| (0..=255).filter(|value| *value != was).collect()) > 150_000);
}

#[test]
fn a_log_that_was_cut_anywhere_is_seen_by_whoever_knew_more_of_it() {
    let lines = lines(8, 0);
    let log = lines.concat();
    let anchors: Vec<Anchor> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let hash = String::from_utf8_lossy(&line[line.len() - 67..line.len() - 3]).into_owned();
            Anchor { seq: at as u64 + 1, hash }
        })
        .collect();
    for end in 0..=log.len() {
        let whole = log[..end].iter().filter(|byte| **byte == b'\n').count();
        let torn = end > 0 && log[end - 1] != b'\n';
        for anchor in &anchors {
            let wanted = match (anchor.seq > whole as u64, end, torn) {
                (true, ..) => 7,
                (false, 0, _) => 6,
                (false, _, true) => 5,
                (false, _, false) => 0,
            };
            assert_eq!(code(&log[..end], std::slice::from_ref(anchor)), wanted, "{end} {anchor:?}");
        }
        assert_eq!(code(&log[..end], &anchors), if whole == 8 { 0 } else { 7 }, "{end}");
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Delete(usize),
    Double(usize),
    Swap(usize, usize),
    /// A line of another log of the same session.
    Splice(usize, usize),
    Insert(usize, Vec<u8>),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..20_usize).prop_map(Edit::Delete),
        (0..20_usize).prop_map(Edit::Double),
        (0..20_usize, 0..20_usize).prop_map(|(a, b)| Edit::Swap(a, b)),
        (0..20_usize, 0..20_usize).prop_map(|(a, b)| Edit::Splice(a, b)),
        (0..20_usize, any::<Vec<u8>>()).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
    ]
}

static OWN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| lines(20, 0));
static OTHER: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| lines(20, 1));

proptest! {
    #[test]
    fn lines_cannot_be_moved_about_unseen(edits in proptest::collection::vec(edit(), 1..5)) {
        let mut lines = OWN.clone();
        for edit in edits {
            match edit {
                Edit::Delete(at) if at < lines.len() => _ = lines.remove(at),
                Edit::Double(at) if at < lines.len() => lines.insert(at, lines[at].clone()),
                Edit::Swap(a, b) if a.max(b) < lines.len() => lines.swap(a, b),
                Edit::Splice(at, from) if at < lines.len() => lines[at] = OTHER[from].clone(),
                Edit::Insert(at, bytes) if at < lines.len() => lines.insert(at, bytes),
                _ => {}
            }
        }
        let (log, own) = (lines.concat(), OWN.concat());
        // A log that only ends earlier is whole without an anchor.
        if !own.starts_with(&log) || log.is_empty() {
            prop_assert_ne!(code(&log, &[]), 0);
        }
    }
}

/// A walk over several pieces, on several threads, ends as one over one.
#[test]
fn a_long_log_is_judged_in_pieces_as_it_is_in_one() {
    let lines = lines(14_000, 0);
    let log = lines.concat();
    assert!(log.len() > 3 << 20);
    assert_eq!(code(&log, &[]), 0);
    for at in (0..log.len()).step_by(log.len() / 12) {
        let mut spoilt = log.clone();
        spoilt[at] ^= 1;
        let line = log[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let (report, _) =
            judge(&spoilt[..], log.len() as u64, Chain::new(), false, &[]).expect("it is in memory");
        assert!(matches!(report.verdicts[..], [Verdict::Broken { line: found, .. }] if found == line));
        assert_eq!(report.events, line - 1);
    }
    let long = [&log[..], &vec![b'x'; 3 << 20]].concat();
    assert_eq!(code(&long, &[]), 6, "no line is that long");
    assert_eq!(code(&long[..log.len() + line::LONGEST], &[]), 5);
}

#[test]
fn a_clock_that_goes_wrong_is_reported_and_a_boot_is_not() {
    let started = |boot: &str| EventKind::EngineStarted {
        boot_id: boot.to_owned(),
        version: "0".to_owned(),
        pid: 1,
        recovered: Vec::new(),
    };
    let clocks = |seq: u64| match seq {
        1..=3 => (0, 1_000),
        4 => (0, 900),
        5 => (5_000, 900),
        6 => (6_000, 1_900),
        7 => (7_000, 10),
        _ => (7_000, 5),
    };
    let mut prev = line::genesis();
    let mut log = Vec::new();
    for seq in 1..=8 {
        let mut event = (*event(seq)).clone();
        let (wall, up_ms) = clocks(seq);
        event.at += chrono::TimeDelta::milliseconds(wall);
        event.up_ms = up_ms;
        match seq {
            2 => event.event = started("one"),
            7 => event.event = started("two"),
            8 => event.event = started("two"),
            _ => {}
        }
        let (line, hash) = line::encode(&event, &prev).expect("short");
        log.extend_from_slice(&line);
        prev = hash;
    }
    let (report, _) = judge(&log[..], log.len() as u64, Chain::new(), false, &[]).expect("it is in memory");
    assert_eq!(report.code(), 0);
    assert_eq!(
        report.findings,
        [
            "event 4: the boot clock went back by 100 ms",
            "event 5: the wall clock jumped by 5000 ms",
            "event 8: the boot clock went back by 5 ms",
        ]
    );
}

/// `GONOGO_LOOKS=10000 cargo test` for all of it.
#[test]
fn a_log_that_is_being_written_is_never_called_broken() {
    let looks: u64 = std::env::var("GONOGO_LOOKS").ok().and_then(|looks| looks.parse().ok()).unwrap_or(500);
    let lines = Arc::new(lines(500, 0));
    let mut looked = 0;
    while looked < looks {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = fs::File::create(folder.path().join("lock")).expect("created");
        lock.lock().expect("locked");
        let path = folder.path().join(dir::LOG);
        let mut log = fs::File::create(&path).expect("created");
        let done = Arc::new(AtomicBool::new(false));
        let writer = {
            let (lines, done) = (Arc::clone(&lines), Arc::clone(&done));
            std::thread::spawn(move || {
                for (n, line) in lines.iter().enumerate() {
                    let half = line.len() / 2;
                    log.write_all(&line[..half]).expect("written");
                    if n % 7 == 0 {
                        // What was never acknowledged is taken back.
                        let known = lines[..n].iter().map(|line| line.len() as u64).sum();
                        log.set_len(known).expect("cut");
                        std::io::Seek::seek(&mut log, std::io::SeekFrom::Start(known)).expect("sought");
                        log.write_all(&line[..half]).expect("written");
                    }
                    log.write_all(&line[half..]).expect("written");
                }
                done.store(true, Ordering::Release);
            })
        };
        while !done.load(Ordering::Acquire) {
            let report = verify(&path, &[]).expect("readable");
            assert!(report.live && report.code() == 0, "{report:?}");
            looked += 1;
        }
        writer.join().expect("it wrote");
        let report = verify(&path, &[]).expect("readable");
        assert_eq!((report.code(), report.events), (0, 500));
    }
}
