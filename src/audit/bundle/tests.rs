//! What goes into an archive, and what never does.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use flate2::read::GzDecoder;
use tar::Archive;

use super::*;

/// A folder with everything that was ever found in a session's.
fn session() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        (dir::LOG, "one\ntwo\n"),
        (dir::TELEMETRY, "{}\n"),
        (dir::RUNBOOK, "id = \"a\"\n"),
        ("steps/a.b.1/output.log", "said\n"),
        ("steps/a.b.1/output.idx", "1 0 o\n"),
        ("steps/a.b.1/exit.json", "{}"),
        ("steps/a.b.1/.exit.json.7.tmp", "{"),
        ("steps/a.b.1/core", "memory"),
        ("steps/a.link.1/link.json", "{}"),
        ("evidence/a.b.1/deep/er/report.json", "{}"),
        ("seals/a.sig", "sealed"),
        ("snapshots/a.b.1/db.conf", "password"),
        ("engine.log", "words"),
        ("lock", "held"),
        ("passphrases.json", "secret"),
        (dir::RESERVE, "0000"),
        ("report.html", "an older one"),
        ("shopping.txt", "milk"),
    ];
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    folder
}

fn packed(folder: &Path, archive: &Path, live: bool) -> Packed {
    let made = [("report.md".to_owned(), b"# all of it".to_vec())];
    let record = Record { log: &folder.join(dir::LOG), name: "20261121-a", made: &made };
    pack(&record, live, archive).expect("packed")
}

/// The files in an archive, by their paths.
fn unpacked(archive: &Path) -> BTreeMap<String, String> {
    let mut tar = Archive::new(GzDecoder::new(File::open(archive).expect("there")));
    let files = tar.entries().expect("a tar").filter_map(|entry| {
        let mut entry = entry.expect("whole");
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
        let folder = header.entry_type().is_dir();
        assert_eq!(header.mode().unwrap(), if folder { 0o700 } else { 0o600 });
        let path = entry.path().expect("a path").display().to_string();
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("text");
        (!folder).then_some((path, content))
    });
    files.collect()
}

#[test]
fn the_record_is_packed_and_nothing_else_that_lies_there() {
    let folder = session();
    let _socket = UnixListener::bind(folder.path().join("control.sock")).expect("bound");
    let archive = folder.path().join("out.tar.gz");
    let packed = packed(folder.path(), &archive, false);
    let files = unpacked(&archive);
    let names: Vec<&str> =
        files.keys().map(|name| name.strip_prefix("20261121-a/").expect("inside")).collect();
    assert_eq!(
        names,
        [
            "audit.jsonl",
            "evidence/a.b.1/deep/er/report.json",
            "report.md",
            "runbook.toml",
            "seals/a.sig",
            "steps/a.b.1/exit.json",
            "steps/a.b.1/output.idx",
            "steps/a.b.1/output.log",
            "steps/a.link.1/link.json",
            "telemetry.jsonl",
        ]
    );
    assert_eq!(files["20261121-a/report.md"], "# all of it");
    assert_eq!(packed.files, names.len());
    assert_eq!(
        packed.left_out,
        [
            "shopping.txt is not packed: it is no part of a record",
            "steps/a.b.1/core is not packed: it is no part of a record",
        ]
    );
    let meta = fs::metadata(&archive).expect("there");
    assert_eq!((meta.permissions().mode() & 0o777, meta.len()), (0o600, packed.bytes));
    let bytes = fs::read(&archive).expect("readable");
    assert_eq!(packed.sha256, base16ct::lower::encode_string(&Sha256::digest(bytes)));
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let (folder, copy, out) = (session(), session(), tempfile::tempdir().expect("a folder"));
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    File::open(copy.path().join(dir::RUNBOOK)).expect("there").set_modified(long_ago).expect("set");
    let (one, other) = (out.path().join("one"), out.path().join("other"));
    assert_eq!(packed(folder.path(), &one, false), packed(copy.path(), &other, false));
    assert_eq!(fs::read(&one).expect("there"), fs::read(&other).expect("there"));
    assert_eq!(fs::read_dir(out.path()).expect("there").count(), 2, "nothing is left beside it");
}

#[test]
fn a_link_or_a_file_with_another_name_is_told_and_not_followed() {
    let folder = session();
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("key"), "private").expect("written");
    fs::hard_link(outside.path().join("key"), folder.path().join("evidence/key")).expect("linked");
    symlink(outside.path(), folder.path().join("evidence/folder")).expect("linked");
    symlink(outside.path(), folder.path().join("steps/a.c.1")).expect("linked");
    fs::remove_file(folder.path().join(dir::RUNBOOK)).expect("removed");
    symlink(outside.path().join("key"), folder.path().join(dir::RUNBOOK)).expect("linked");
    let archive = outside.path().join("out.tar.gz");
    let packed = packed(folder.path(), &archive, false);
    assert!(!unpacked(&archive).values().any(|content| content == "private"));
    assert_eq!(packed.left_out.len(), 6, "{:#?}", packed.left_out);
}

#[test]
fn of_a_live_log_only_whole_lines_are_taken() {
    let folder = session();
    let archive = folder.path().join("out.tar.gz");
    for (log, live, taken) in [
        ("one\ntwo", true, "one\n"),
        ("one", true, ""),
        ("", true, ""),
        ("one\ntwo", false, "one\ntwo"),
        ("one\ntwo\n", true, "one\ntwo\n"),
    ] {
        fs::write(folder.path().join(dir::LOG), log).expect("written");
        packed(folder.path(), &archive, live);
        assert_eq!(unpacked(&archive)["20261121-a/audit.jsonl"], taken, "{log:?}, live: {live}");
    }
    let long = format!("one\n{}", "x".repeat(10_000));
    fs::write(folder.path().join(dir::LOG), long).expect("written");
    packed(folder.path(), &archive, true);
    assert_eq!(unpacked(&archive)["20261121-a/audit.jsonl"], "one\n");
}

#[test]
fn a_log_that_lies_alone_is_packed_alone() {
    let folder = session();
    let copy = folder.path().join("copy.jsonl");
    fs::copy(folder.path().join(dir::LOG), &copy).expect("copied");
    let archive = folder.path().join("out.tar.gz");
    pack(&Record { log: &copy, name: "copy", made: &[] }, false, &archive).expect("packed");
    assert_eq!(unpacked(&archive).into_keys().collect::<Vec<_>>(), ["copy/audit.jsonl"]);
    let missing = Record { log: &folder.path().join("no.jsonl"), name: "no", made: &[] };
    assert!(pack(&missing, false, &archive).is_err_and(|e| e.to_string().contains("no.jsonl")));
}
