//! The record holds: whatever is done to a real session's log or to what lies beside it, `verify` sees it.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use gonogo::audit::verify::{Anchor, Report, verify};

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_log.py");

const RUNBOOK: &str = r#"
id = "small"
[[stage]]
id = "one"
  [[stage.step]]
  id = "hello"
  run = ["echo", "hello"]
  expect.matches = ["^hello$"]
  [stage.gate]
  auto = true
"#;

/// A real session's folder, run once for all tests; nobody writes into it.
static SESSION: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let runbook = folder.path().join("small.toml");
    let answers = folder.path().join("answers.toml");
    std::fs::write(&runbook, RUNBOOK).expect("written");
    std::fs::write(&answers, "advance = true\n").expect("written");
    let output = Command::new(GONOGO)
        .args(["run", "--headless", "--rehearsal", "--answers"])
        .args([answers, runbook])
        .env("GONOGO_STATE_DIR", folder.path().join("state"))
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut sessions = std::fs::read_dir(folder.path().join("state/sessions")).expect("sessions");
    let session = sessions.next().expect("one session").expect("readable").path();
    (folder, session)
});

fn log() -> Vec<u8> {
    std::fs::read(SESSION.1.join("audit.jsonl")).expect("a log")
}

/// The log's lines, each with its LF.
fn lines() -> Vec<Vec<u8>> {
    log().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// What somebody kept of the whole log.
fn head() -> Anchor {
    let report = verify(&SESSION.1.join("audit.jsonl"), &[]).expect("readable");
    report.head.expect("a head").parse().expect("an anchor")
}

/// A place for changed logs, where nothing else lies.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn judge(&self, log: &[u8], anchors: &[Anchor]) -> Report {
        let path = self.0.path().join("audit.jsonl");
        std::fs::write(&path, log).expect("written");
        verify(&path, anchors).expect("readable")
    }

    fn code(&self, log: &[u8]) -> u8 {
        self.judge(log, &[]).code()
    }
}

fn words(report: &Report) -> Vec<&'static str> {
    report.verdicts.iter().map(gonogo::audit::verify::Verdict::word).collect()
}

/// A copy of the whole session.
pub fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let copied =
        Command::new("cp").arg("-a").arg(SESSION.1.join(".")).arg(folder.path()).status().expect("cp runs");
    assert!(copied.success());
    folder
}

fn script(log: &Path) -> Option<i32> {
    let output = Command::new("python3").arg(SCRIPT).arg(log).output().expect("python3 runs");
    output.status.code()
}

#[test]
fn an_untouched_record_is_clean_and_its_head_anchors_it() {
    let report = verify(&SESSION.1.join("audit.jsonl"), &[head()]).expect("readable");
    assert_eq!(words(&report), ["CLEAN"], "{report:?}");
    assert!(report.anchored && !report.live);
}

#[test]
fn every_prefix_of_a_record_may_be_gone_on_with_and_none_behind_its_close() {
    let (bench, whole) = (Bench::new(), log());
    let state = crate::record::hold(&SESSION.1.join("audit.jsonl"));
    assert!(state.is_closed());
    let path = bench.0.path().join("audit.jsonl");
    for end in 0..=whole.len() {
        std::fs::write(&path, &whole[..end]).expect("written");
        let lines = whole[..end].iter().filter(|byte| **byte == b'\n').count();
        match gonogo::audit::reader::read(&path) {
            Ok(log) => assert_eq!((log.events.len(), log.torn > 0), (lines, whole[end - 1] != b'\n')),
            Err(why) => assert!(lines == 0 && why.to_string().contains("is empty"), "cut at {end}: {why}"),
        }
    }
}

#[test]
fn receipts_anchor_a_record_that_was_cut() {
    let folder = copy();
    let path = folder.path().join("audit.jsonl");
    let receipts = folder.path().join("receipts.jsonl");
    let whole = gonogo::audit::reader::read(&path).expect("whole");
    let session = crate::record::hold(&path).opened.expect("opened").session.clone();
    let kept = gonogo::audit::receipts::Receipts::at(receipts.clone());
    let last = whole.events.last().expect("events");
    kept.note(&session, last.seq, &whole.hash, last.at);
    let code = || {
        let verify = Command::new(GONOGO).arg("verify").arg(&path).arg("--receipts").arg(&receipts).output();
        verify.expect("gonogo runs").status.code()
    };
    assert_eq!(code(), Some(0));
    assert_eq!(kept.hold_against(&whole), Ok(()));
    std::fs::write(&path, lines()[..3].concat()).expect("cut");
    assert_eq!(code(), Some(7));
    let cut = gonogo::audit::reader::read(&path).expect("whole");
    assert!(kept.hold_against(&cut).is_err_and(|why| why.starts_with("TRUNCATED")));
}

#[test]
fn no_byte_of_a_log_can_be_changed_unseen() {
    let (bench, whole) = (Bench::new(), log());
    assert_eq!(bench.code(&whole), 0);
    let path = bench.0.path().join("audit.jsonl");
    let file = std::fs::File::options().write(true).open(&path).expect("opened");
    for at in 0..whole.len() {
        // One bit, and in turn what a broken disk, a careless editor or a forger would leave there.
        let other = [0, b'\n', b' ', b'0', b'"', 0xff, whole[at] ^ 0x20][at % 7];
        for value in [whole[at] ^ 1, other] {
            if value != whole[at] {
                file.write_all_at(&[value], at as u64).expect("written");
                let code = verify(&path, &[]).expect("readable").code();
                assert_ne!(code, 0, "byte {at} became {value:#04x} unseen");
            }
        }
        file.write_all_at(&whole[at..=at], at as u64).expect("written");
    }
}

#[test]
fn no_line_can_be_taken_out_doubled_swapped_or_put_in_unseen() {
    let (bench, lines) = (Bench::new(), lines());
    let foreign = [&b"{}\n"[..], b"\n", &lines[0]];
    for at in 0..lines.len() {
        let mut tried = Vec::new();
        if at + 1 < lines.len() {
            let mut without = lines.clone();
            without.remove(at);
            tried.push(("taken out", without));
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            tried.push(("swapped", swapped));
        }
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        tried.push(("doubled", doubled));
        for line in foreign {
            let mut longer = lines.clone();
            longer.insert(at + 1, line.to_vec());
            tried.push(("put in", longer));
        }
        for (what, changed) in tried {
            assert_eq!(bench.code(&changed.concat()), 6, "line {} {what} unseen", at + 1);
        }
    }
}

#[test]
fn a_log_cut_at_any_line_is_truncated_against_its_head() {
    let (bench, lines, head) = (Bench::new(), lines(), head());
    for keep in 1..lines.len() {
        let report = bench.judge(&lines[..keep].concat(), std::slice::from_ref(&head));
        assert_eq!((report.code(), words(&report)), (7, vec!["TRUNCATED"]), "cut behind line {keep}");
    }
    assert_eq!(bench.judge(b"", std::slice::from_ref(&head)).code(), 7);
    assert_eq!(bench.code(b""), 6, "an empty log is no record");
}

#[test]
fn a_log_cut_inside_a_line_has_a_torn_tail() {
    let (bench, whole) = (Bench::new(), log());
    let before_last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').expect("two lines") + 1;
    for end in before_last + 1..whole.len() {
        let report = bench.judge(&whole[..end], &[]);
        assert_eq!((report.code(), words(&report)), (5, vec!["TORN TAIL"]), "cut at byte {end}");
    }
}

#[test]
fn zeros_behind_or_over_a_log_are_seen() {
    let (bench, whole) = (Bench::new(), log());
    for count in [1, 75, 512, 4096, 3 << 20] {
        let padded = [whole.clone(), vec![0; count]].concat();
        assert_ne!(bench.code(&padded), 0, "{count} zeros behind");
        let ended = [padded, vec![b'\n']].concat();
        assert_eq!(bench.code(&ended), 6, "{count} zeros and an LF behind");
        let count = count.min(whole.len());
        let mut over = whole.clone();
        over[whole.len() - count..].fill(0);
        assert_ne!(bench.code(&over), 0, "{count} zeros over the end");
    }
}

#[test]
fn a_log_that_is_gone_is_missing_only_to_one_who_knew_it() {
    let bench = Bench::new();
    let path = bench.0.path().join("audit.jsonl");
    let report = verify(&path, &[head()]).expect("a verdict");
    assert_eq!((report.code(), words(&report)), (7, vec!["MISSING"]));
    assert!(verify(&path, &[]).is_err(), "without an anchor it is a path that is wrong");
}

#[test]
fn another_log_with_a_whole_chain_is_rewritten_against_an_anchor() {
    let (bench, mut anchor) = (Bench::new(), head());
    anchor.hash = "0".repeat(8);
    let report = bench.judge(&log(), &[anchor]);
    assert_eq!((report.code(), words(&report)), (7, vec!["REWRITTEN"]));
}

#[test]
fn an_output_that_was_changed_shortened_or_taken_away_is_named() {
    let output = "steps/one.hello.1/output.log";
    let spoil: [fn(&Path); 4] = [
        |path| std::fs::write(path, "hallo\n").expect("written"),
        |path| std::fs::write(path, "hello").expect("written"),
        |path| std::fs::write(path, "hello\nhello\n").expect("written"),
        |path| std::fs::remove_file(path).expect("removed"),
    ];
    for spoil in spoil {
        let folder = copy();
        let path = folder.path().join("audit.jsonl");
        assert_eq!(verify(&path, &[]).expect("readable").code(), 0);
        spoil(&folder.path().join(output));
        let report = verify(&path, &[]).expect("readable");
        assert_eq!((report.code(), words(&report)), (8, vec!["OUTPUT CHANGED"]), "{report:?}");
        assert!(report.verdicts[0].to_string().contains(output), "{report:?}");
    }
}

#[test]
fn a_runbook_that_was_changed_after_the_run_is_named() {
    let folder = copy();
    std::fs::write(folder.path().join("runbook.toml"), RUNBOOK.replace("hello", "hallo")).expect("written");
    assert_eq!(verify(&folder.path().join("audit.jsonl"), &[]).expect("readable").code(), 8);
}

#[test]
fn twenty_lines_of_python_come_to_the_same_judgement() {
    let bench = Bench::new();
    let path = bench.0.path().join("audit.jsonl");
    let whole = log();
    std::fs::write(&path, &whole).expect("written");
    assert_eq!(script(&path), Some(0));
    for at in [0, whole.len() / 3, whole.len() / 2, whole.len() - 40, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).expect("written");
        assert_eq!(script(&path), Some(1), "byte {at}");
    }
    std::fs::write(&path, "").expect("written");
    assert_eq!(script(&path), Some(1), "an empty log");
    let source = std::fs::read_to_string(SCRIPT).expect("there");
    assert!(source.lines().count() <= 20, "it has grown");
}
