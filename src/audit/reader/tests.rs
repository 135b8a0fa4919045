//! What is read back, and what is refused.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use super::*;
use crate::audit::writer::tests::{event, log_with};
use crate::audit::{dir, verify, writer::Writer};

#[test]
fn a_log_is_read_back_as_it_was_written() {
    let (folder, writer) = log_with(5);
    let log = read(&folder.path().join(dir::LOG)).expect("whole");
    assert_eq!(log.events, (1..=5).map(event).collect::<Vec<_>>());
    assert_eq!((log.head(), log.torn), (writer.head(), 0));
    assert_eq!(log.length, fs::metadata(folder.path().join(dir::LOG)).expect("there").len());
    assert_eq!((log.hash_of(5), log.hash_of(6), log.hash_of(0)), (Some(log.hash.clone()), None, None));
}

#[test]
fn a_last_line_with_its_end_and_a_wrong_hash_is_broken_and_named() {
    let (folder, _) = log_with(3);
    let path = folder.path().join(dir::LOG);
    let mut bytes = fs::read(&path).expect("readable");
    let third = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).expect("two lines").0 + 1;
    bytes[third + 20] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let why = read(&path).expect_err("broken").to_string();
    assert!(why.starts_with("BROKEN") && why.contains(&format!("line 3, byte {third}")), "{why}");
}

#[test]
fn a_field_of_a_newer_build_is_read_over_and_another_way_to_write_is_not() {
    let (folder, _) = log_with(1);
    let path = folder.path().join(dir::LOG);
    let whole = fs::read_to_string(&path).expect("readable");
    let rewrite = |from: &str, to: &str| {
        let text = whole.replacen(from, to, 1);
        let body = &text.as_bytes()[..text.len() - 1 - line::TAIL];
        let hash = base16ct::lower::encode_string(&<sha2::Sha256 as sha2::Digest>::digest(body));
        let text = [body, b",\"hash\":\"", hash.as_bytes(), b"\"}\n"].concat();
        fs::write(&path, text).expect("written");
        read(&path).map(|log| log.events[0].clone()).map_err(|e| e.to_string())
    };
    assert_eq!(rewrite("\"version\":\"0\"", "\"version\":\"0\",\"wings\":2"), Ok(event(1)));
    for (from, to) in
        [("\"seq\":1,", "\"seq\":1, "), ("\"seq\":1,", "\"seq\":1.0,"), ("\"host\"", "\"ho\\u0073t\"")]
    {
        let why = rewrite(from, to).expect_err("it is not ours");
        assert!(why.contains("BROKEN"), "{why}");
    }
}

#[test]
fn a_tail_gives_whole_lines_and_none_that_may_be_taken_back() {
    let (folder, mut writer) = log_with(2);
    let path = folder.path().join(dir::LOG);
    let mut tail = Tail::open(&path, 0).expect("opened");
    let mut next = |last| tail.next(last).expect("readable").map(|line| line.seq);
    assert_eq!((next(1), next(1)), (Some(1), None));
    assert_eq!((next(9), next(9)), (Some(2), None));
    // Half a line, cut off and written anew, longer than what is read at once.
    let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
    file.write_all(b"{\"seq\":3,\"junk").expect("written");
    assert_eq!(next(9), None);
    let length = fs::metadata(&path).expect("there").len() - 14;
    file.set_len(length).expect("cut");
    let mut long = (*event(3)).clone();
    long.event = EventKind::EngineStopping { reason: "r".repeat(3 * CHUNK) };
    writer.append(&[long.clone().into(), event(4)]).expect("written");
    assert_eq!((next(9), next(9), next(9)), (Some(3), Some(4), None));

    let mut again = Tail::open(&path, length).expect("opened");
    let third = again.next(9).expect("readable").expect("a line");
    assert_eq!(serde_json::from_slice::<Event>(&third.bytes).expect("an event"), long);
    assert_eq!(again.at(), length + third.bytes.len() as u64 + 1);
    assert!(Tail::open(&path, length + 1).expect("opened").next(9).is_err(), "no line begins there");
}

/// A log of some length, cut at every byte or padded with zeros: gone on with, or refused as it is.
#[test]
fn after_a_crash_at_any_byte_a_log_is_gone_on_with_or_left_as_it_is() {
    let (whole, _) = log_with(3);
    let whole = fs::read(whole.path().join(dir::LOG)).expect("readable");
    let first = whole.iter().position(|b| *b == b'\n').expect("a line") + 1;
    let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
    let padded = [1, 2, 75, 76, 511, 512, 4095, 4096].map(|zeros| [&whole[..], &vec![0; zeros]].concat());
    // One folder for all, for its reserve.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(dir::LOG);
    for bytes in cut.chain(padded) {
        for file in fs::read_dir(folder.path()).expect("readable").map(|e| e.expect("readable").path()) {
            if !file.ends_with(dir::RESERVE) {
                fs::remove_file(file).expect("removed");
            }
        }
        private(&path, &bytes);
        let log = match read(&path) {
            Ok(log) => log,
            Err(why) => {
                assert!(bytes.len() < first && matches!(why, ReadError::Empty { .. }), "{why}");
                assert_eq!(fs::read(&path).expect("readable"), bytes);
                continue;
            }
        };
        let torn = &bytes[usize::try_from(log.length).expect("short")..];
        assert_eq!(log.torn, torn.len() as u64);
        let (mut writer, cut) = Writer::reopen(folder.path(), &log).expect("reopened");
        let seq = log.events.len() as u64;
        let aside = folder.path().join(format!("audit.cut-{seq}-1"));
        assert_eq!(cut.is_some(), !torn.is_empty());
        assert_eq!(fs::read(&aside).unwrap_or_default(), torn, "what is cut is kept");
        assert_eq!(judge(&path), "CLEAN UNFINISHED");

        // Once more, and nothing more happens.
        let again = read(&path).expect("whole");
        assert_eq!((again.torn, again.head()), (0, log.head()));
        assert_eq!(Writer::reopen(folder.path(), &again).expect("reopened").1, None);
        assert!(!folder.path().join(format!("audit.cut-{seq}-2")).exists());
        writer.append(&[event(seq + 1)]).expect("written");
        assert_eq!((judge(&path), read(&path).expect("whole").head()), ("CLEAN UNFINISHED", writer.head()));
    }
}

fn private(path: &Path, bytes: &[u8]) {
    dir::create_new(path).and_then(|mut file| file.write_all(bytes)).expect("written");
}

fn judge(log: &Path) -> &'static str {
    verify::verify(log, &[]).expect("readable").verdicts[0].word()
}

#[test]
fn a_log_that_others_may_have_written_is_not_gone_on_with() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 4] = [
        ("not a regular file", |log| {
            fs::rename(log, log.with_extension("moved")).expect("moved");
            fs::create_dir(log).expect("made");
        }),
        ("symbolic link", |log| {
            fs::rename(log, log.with_extension("moved")).expect("moved");
            symlink(log.with_extension("moved"), log).expect("linked");
        }),
        ("2 names", |log| fs::hard_link(log, log.with_extension("other")).expect("linked")),
        ("chmod 600", |log| fs::set_permissions(log, PermissionsExt::from_mode(0o620)).expect("changed")),
    ];
    for (word, spoil) in spoil {
        let (folder, _) = log_with(2);
        let path = folder.path().join(dir::LOG);
        let log = read(&path).expect("whole");
        spoil(&path);
        let why = Writer::reopen(folder.path(), &log).expect_err("it is not ours alone").to_string();
        assert!(
            why.contains(word) || word == "not a regular file" && why.contains("directory"),
            "{word}: {why}"
        );
    }
}

#[test]
fn a_log_that_was_changed_since_it_was_read_is_not_gone_on_with() {
    let (folder, _) = log_with(2);
    let path = folder.path().join(dir::LOG);
    let log = read(&path).expect("whole");
    let mut bytes = fs::read(&path).expect("readable");
    let end = bytes.len();
    bytes[end - 10..].fill(0);
    fs::write(&path, &bytes).expect("written");
    assert!(Writer::reopen(folder.path(), &log).is_err());
    assert_eq!(fs::read(&path).expect("readable"), bytes, "it is kept as it is");
}

#[test]
fn a_reserve_that_is_gone_or_half_there_is_made_again() {
    let (folder, _) = log_with(1);
    let (reserve, log) =
        (folder.path().join(dir::RESERVE), read(&folder.path().join(dir::LOG)).expect("whole"));
    let spoil: [fn(&Path); 2] =
        [|path| fs::remove_file(path).expect("removed"), |path| fs::write(path, b"half").expect("written")];
    for spoil in spoil {
        spoil(&reserve);
        Writer::reopen(folder.path(), &log).expect("reopened");
        assert_eq!(fs::metadata(&reserve).expect("it is back").len(), 1 << 20);
    }
}
