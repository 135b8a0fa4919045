//! Who may hold a session, and who is turned away.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::*;

/// A state folder and a runbook.
fn place() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let runbook = place.path().join("small.toml");
    fs::write(&runbook, "id = \"small\"\n").expect("written");
    (place, runbook)
}

fn busy(held: Result<SessionDir, DirError>) -> String {
    match held {
        Err(DirError::Busy(who)) => who,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reserved_folder_is_taken_by_an_engine_and_its_holder_is_named() {
    let (place, runbook) = place();
    let state = place.path();
    let cutover = Some(Cutover { id: "small", runbook: &runbook });
    let path = reserve_in(state, "first").expect("reserved");
    assert!(!is_live(&path));
    let held = SessionDir::open_in(state, &path, cutover).expect("opened");
    assert!(is_live(&path));
    assert_eq!((held.path(), held.name()), (path.as_path(), "first"));
    let who = busy(SessionDir::open_in(state, &path, cutover));
    let pid = format!("process {}", std::process::id());
    assert!(who.contains("attach") && who.contains("session first") && who.contains(&pid), "{who}");
    drop(held);
    assert!(!is_live(&path));
    SessionDir::open_in(state, &path, cutover).expect("opened again");
}

#[test]
fn a_cutover_is_one_sessions_alone_until_that_is_closed() {
    let (place, runbook) = place();
    let state = place.path();
    let cutover = Some(Cutover { id: "small", runbook: &runbook });
    let mut first = SessionDir::create_in(state, "first", cutover).expect("created");
    let who = busy(SessionDir::create_in(state, "second", cutover));
    assert!(who.starts_with("a session of this cutover runs already: session first"), "{who}");
    assert!(!state.join("sessions/second").exists(), "nothing is left of who is turned away");
    SessionDir::create_in(state, "simulated", None).expect("a simulated one is no cutover");

    first.release_cutover();
    SessionDir::create_in(state, "second", cutover).expect("the first is closed");
    assert!(is_live(first.path()), "and still held");
}

#[test]
fn sessions_with_other_folders_meet_at_the_runbook() {
    let (place, runbook) = place();
    let cutover = Some(Cutover { id: "small", runbook: &runbook });
    let (mine, theirs) = (place.path().join("mine"), place.path().join("theirs"));
    let mut first = SessionDir::create_in(&mine, "first", cutover).expect("created");
    let who = busy(SessionDir::create_in(&theirs, "second", cutover));
    assert!(who.contains(&runbook.display().to_string()) && who.contains("process"), "{who}");
    first.release_cutover();
    SessionDir::create_in(&theirs, "second", cutover).expect("the first is closed");
}

#[test]
fn what_a_session_starts_does_not_keep_its_locks() {
    let (place, runbook) = place();
    let cutover = Some(Cutover { id: "small", runbook: &runbook });
    let held = SessionDir::create_in(place.path(), "first", cutover).expect("created");
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("started");
    // The child's program runs: what is closed on exec is closed.
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).expect("readable");
    let open: Vec<_> =
        open.map(|fd| fs::read_link(fd.expect("readable").path()).unwrap_or_default()).collect();
    assert!(!open.is_empty());
    assert!(open.iter().all(|path| !path.starts_with(place.path())), "{open:?}");
    drop(held);
    SessionDir::create_in(place.path(), "second", cutover).expect("the locks are free while the child lives");
    drop(child.stdin.take());
    child.wait().expect("it ends");
}

#[test]
fn a_folder_or_a_log_that_others_could_change_is_not_opened() {
    let (place, _) = place();
    let state = place.path();
    let folder = || reserve_in(state, "session").expect("reserved");
    let open = |path: &Path| SessionDir::open_in(state, path, None).expect_err("refused").to_string();

    let path = folder();
    fs::set_permissions(&path, Permissions::from_mode(0o770)).expect("changed");
    assert!(open(&path).contains("chmod 700"), "{}", open(&path));

    let (path, link) = (folder(), state.join("link"));
    std::os::unix::fs::symlink(&path, &link).expect("linked");
    assert!(open(&link).contains("links are not followed"), "{}", open(&link));

    let path = folder();
    create_new(&path.join(LOG)).expect("created");
    fs::hard_link(path.join(LOG), state.join("other")).expect("linked");
    assert!(open(&path).contains("2 names"), "{}", open(&path));

    let path = folder();
    std::os::unix::fs::symlink(state.join("other"), path.join(LOG)).expect("linked");
    assert!(open(&path).contains("not a regular file"), "{}", open(&path));
}
