//! What a log does when a disk, or a hand, fails it.

use std::process::Command;

use super::*;
use crate::audit::verify::{Verdict, verify};
use crate::event::{By, EventKind, Mode, SessionOpened};
use crate::runbook::model::Host;

fn opened() -> EventKind {
    EventKind::SessionOpened(Box::new(SessionOpened {
        format: crate::event::LOG_FORMAT,
        session: "s".to_owned(),
        runbook: String::new(),
        sha256: String::new(),
        dir: "/".to_owned(),
        file: "r.toml".to_owned(),
        vars: indexmap::IndexMap::new(),
        mode: Mode::Rehearsal,
        host: Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
        share: None,
        drill: None,
        session_dir: "/".to_owned(),
        version: "0".to_owned(),
    }))
}

/// Event number `seq` of a log.
pub(in crate::audit) fn event(seq: u64) -> Arc<Event> {
    let at = chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a date");
    let event = if seq == 1 { opened() } else { EventKind::EngineStopping { reason: "r".repeat(600) } };
    Arc::new(Event { seq, at, up_ms: seq, by: By::ENGINE, event })
}

fn words(folder: &Path) -> Vec<&'static str> {
    let report = verify(&folder.join(dir::LOG), &[]).expect("readable");
    report.verdicts.iter().map(Verdict::word).collect()
}

pub(in crate::audit) fn log_with(events: u64) -> (tempfile::TempDir, Writer) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::create(folder.path()).expect("created");
    let events: Vec<_> = (1..=events).map(event).collect();
    writer.append(&events).expect("written");
    (folder, writer)
}

#[test]
fn a_failed_write_is_not_tried_again_until_it_is_recovered() {
    let (folder, mut writer) = log_with(2);
    writer.file = Some(File::open(folder.path().join(dir::LOG)).expect("for reading only"));
    assert!(matches!(writer.append(&[event(3)]), Err(LogError::Failed { .. })));
    let waits = writer.append(&[event(3)]).expect_err("it waits");
    assert!(waits.to_string().contains("waits to be recovered"), "{waits}");
    assert_eq!(writer.recover(false), Ok(0));
    writer.append(&[event(3)]).expect("written");
    assert_eq!(words(folder.path()), ["CLEAN UNFINISHED"]);
}

#[test]
fn what_was_never_acknowledged_is_cut_off_and_kept_aside() {
    let (folder, mut writer) = log_with(2);
    let log = folder.path().join(dir::LOG);
    let mut file = OpenOptions::new().append(true).open(&log).expect("opened");
    file.write_all(b"{\"seq\":3,\"at").expect("written");
    writer.file = None;
    assert_eq!(words(folder.path()), ["TORN TAIL"]);
    assert_eq!(writer.recover(false), Ok(12));
    assert_eq!(words(folder.path()), ["CLEAN UNFINISHED"]);
    let aside = fs::read(folder.path().join("audit.cut-2-1")).expect("kept");
    assert_eq!(aside, b"{\"seq\":3,\"at");
}

#[test]
fn a_log_that_lost_what_was_acknowledged_is_never_written_again() {
    let spoil: [fn(&File, u64); 2] = [
        |file, length| file.set_len(length - 1).expect("cut"),
        |file, length| file.write_all_at(b"0000", length - 10).expect("written"),
    ];
    for spoil in spoil {
        let (folder, mut writer) = log_with(2);
        let log = folder.path().join(dir::LOG);
        let file = OpenOptions::new().write(true).open(&log).expect("opened");
        spoil(&file, writer.length);
        let before = fs::read(&log).expect("readable");
        writer.file = None;
        let why = writer.recover(true).expect_err("it is another log").to_string();
        assert!(why.contains("no longer holds"), "{why}");
        assert_eq!(fs::read(&log).expect("readable"), before, "it is kept as it is");
    }
}

#[test]
fn an_event_that_does_not_follow_is_refused() {
    let (folder, mut writer) = log_with(2);
    assert!(writer.append(&[event(4)]).is_err());
    assert_eq!(words(folder.path()), ["CLEAN UNFINISHED"]);
}

/// A small file system of its own; `None` where none may be mounted.
struct Disk(tempfile::TempDir);

impl Disk {
    fn of(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        // Past the runner, which swallows what a passing test prints.
        let _ = writeln!(io::stderr(), "SKIPPED: full disks, for no file system may be mounted here");
        None
    }

    fn fill(&self) -> PathBuf {
        let path = self.0.path().join("ballast");
        let mut file = File::create(&path).expect("created");
        // Until nothing more fits.
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_without_room_for_the_reserve_takes_no_session() {
    let Some(disk) = Disk::of("1m") else { return };
    disk.fill();
    assert!(matches!(Writer::create(disk.0.path()), Err(LogError::Full { .. })));
}

#[test]
fn a_full_disk_stops_the_log_and_the_reserve_lets_a_rollback_be_recorded() {
    let Some(disk) = Disk::of("8m") else { return };
    let folder = disk.0.path();
    let mut writer = Writer::create(folder).expect("created");
    writer.append(&[event(1)]).expect("written");
    for _ in 0..2 {
        let ballast = disk.fill();
        let full = loop {
            match writer.append(&[event(writer.seq + 1)]) {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(full, LogError::Full { .. }), "{full}");
        assert!(matches!(writer.recover(false), Err(LogError::Full { .. })), "what can wait, waits");
        writer.recover(true).expect("the way back can be recorded");
        assert!(writer.mind_the_disk().is_some());
        for _ in 0..1000 {
            writer.append(&[event(writer.seq + 1)]).expect("written into the reserve's room");
        }
        assert_eq!(words(folder), ["CLEAN UNFINISHED"]);
        // Room again: the reserve comes back with the next record, and is there for the next full disk.
        fs::remove_file(ballast).expect("removed");
        writer.append(&[event(writer.seq + 1)]).expect("written");
        assert!(writer.mind_the_disk().is_none());
        assert_eq!(fs::metadata(folder.join(dir::RESERVE)).expect("it is back").len(), RESERVE_BYTES as u64);
    }
    assert_eq!(words(folder), ["CLEAN UNFINISHED"]);
}

#[test]
fn a_log_that_is_being_written_is_never_called_broken() {
    let (folder, mut writer) = log_with(1);
    let lock = File::create(folder.path().join("lock")).expect("created");
    lock.try_lock().expect("nobody else has it");
    let writing = std::thread::spawn(move || {
        for _ in 0..300 {
            let next = writer.seq + 1;
            let events: Vec<_> = (next..next + 5).map(event).collect();
            writer.append(&events).expect("written");
        }
    });
    let mut looks = 0;
    while !writing.is_finished() {
        let report = verify(&folder.path().join(dir::LOG), &[]).expect("readable");
        assert!(report.live);
        assert_eq!(report.verdicts, [Verdict::Unfinished], "after {looks} looks");
        looks += 1;
    }
    writing.join().expect("it wrote everything");
    assert!(looks > 0);
}
