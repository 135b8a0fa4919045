//! Where a session is: a folder of one's own with its log, or a socket in the folder that others share theirs in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::recorded;
use crate::audit::dir;
use crate::wire::socket;

/// How many sessions are named to whoever names none.
const NEWEST: usize = 5;

/// One session, as far as this user can reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub name: String,
    /// Its log; `None` where somebody else keeps it and only the socket is shared.
    pub log: Option<PathBuf>,
    /// The folder that its socket lies in; `None` where there is no socket.
    pub door: Option<PathBuf>,
    /// Who shares it, as a uid, where it is somebody else's.
    pub owner: Option<u32>,
}

impl Place {
    /// The session's own folder, where its log lies in it.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.log.as_deref().and_then(Path::parent)
    }

    /// Whether an engine holds it now; of somebody else's nothing is known but its socket, and a copy of a log is held by
    /// nobody, wherever it lies.
    pub(super) fn is_live(&self) -> bool {
        match &self.log {
            Some(log) => log.ends_with(dir::LOG) && self.folder().is_some_and(dir::is_live),
            None => self.door.is_some(),
        }
    }

    /// The same session as it lies there now: its engine may have made a socket meanwhile.
    pub(super) fn anew(&self) -> Self {
        self.folder().and_then(own).filter(|now| now.log == self.log).unwrap_or_else(|| self.clone())
    }

    /// Whether it is not over and no engine holds it: it waits to be brought back. A log that cannot be read does not.
    pub(super) fn waits(&self) -> bool {
        let log = self.log.as_deref().filter(|_| !self.is_live());
        log.is_some_and(|log| recorded::read(log).is_ok_and(|recorded| !recorded.state.is_closed()))
    }
}

/// Finds a session: a path of its folder or of a log, its name, or a part that only one name has.
///
/// # Errors
/// A sentence: there is none, or there are several.
pub(super) fn find(session: &str) -> Result<Place, String> {
    match at_path(Path::new(session)) {
        Some(place) => Ok(place),
        None => choose(session, &all()?),
    }
}

/// As [`find`], but a part of a name may fit any number of sessions, where only one of them is live, or none is and only
/// one is not over.
///
/// # Errors
/// A sentence: there is none, or there are several.
pub(super) fn find_live(session: &str) -> Result<Place, String> {
    match at_path(Path::new(session)) {
        Some(place) => Ok(place),
        None => prefer(session, &all()?, &[Place::is_live, Place::waits]),
    }
}

/// As [`find`], but a part of a name may fit any number of sessions, where only one of them waits to be brought back, or
/// none does and only one is live.
///
/// # Errors
/// A sentence: there is none, or there are several.
pub(super) fn find_waiting(session: &str) -> Result<Place, String> {
    match at_path(Path::new(session)) {
        Some(place) => Ok(place),
        None => prefer(session, &all()?, &[Place::waits, Place::is_live]),
    }
}

/// The one session that is live, for whoever names none.
///
/// # Errors
/// A sentence: there is none, or there are several.
pub(super) fn only_live() -> Result<Place, String> {
    let mut live: Vec<Place> = all()?.into_iter().filter(Place::is_live).collect();
    match live.len() {
        1 => Ok(live.remove(0)),
        0 => Err("no session is live; `gonogo sessions` lists those that there were".to_owned()),
        _ => Err(format!("several sessions are live, name one: {}", names(&live))),
    }
}

/// The one session that waits to be brought back, for whoever names none.
///
/// # Errors
/// A sentence: there is none, or there are several.
pub(super) fn only_waiting() -> Result<Place, String> {
    let mut waiting: Vec<Place> = all()?.into_iter().filter(Place::waits).collect();
    match waiting.len() {
        1 => Ok(waiting.remove(0)),
        0 => {
            Err("no session waits to be brought back; `gonogo sessions` lists those that there are"
                .to_owned())
        }
        _ => Err(format!("several sessions wait to be brought back, name one: {}", names(&waiting))),
    }
}

/// What was given to name a session; where nothing was, the only session that there is.
///
/// # Errors
/// A sentence: there is none, or there are several, of which it names the newest.
pub(super) fn given_or_only(session: Option<&str>) -> Result<String, String> {
    match session {
        Some(given) => Ok(given.to_owned()),
        None => only(&all()?),
    }
}

fn only(all: &[Place]) -> Result<String, String> {
    match all {
        [one] => Ok(one.name.clone()),
        [] => Err("there is no session yet; `gonogo demo` makes one".to_owned()),
        several => {
            let newest = names(several.iter().take(NEWEST));
            let others = if several.len() > NEWEST { "; `gonogo sessions --all` lists all" } else { "" };
            Err(format!("which session? Name it or a part of its name, newest first: {newest}{others}"))
        }
    }
}

/// Every session that can be seen from here, newest first.
///
/// # Errors
/// There is no place for sessions.
pub(super) fn all() -> Result<Vec<Place>, String> {
    let sessions = dir::state_dir().map_err(|e| e.to_string())?.join("sessions");
    let mut places = BTreeMap::new();
    for folder in folders(&sessions) {
        if let Some(place) = own(&folder) {
            places.insert(place.name.clone(), place);
        }
    }
    for folder in folders(&socket::share_dir()) {
        // A name of one's own is one's own, whoever else made a folder of that name.
        if let Some(place) = shared(&folder) {
            places.entry(place.name.clone()).or_insert(place);
        }
    }
    Ok(places.into_values().rev().collect())
}

/// Of those that `session` fits, the only one of the first of `kinds` that there is any of.
fn prefer(session: &str, all: &[Place], kinds: &[fn(&Place) -> bool]) -> Result<Place, String> {
    let fitting = fitting(session, all);
    // What a session is takes reading its log: not where there is nothing to choose.
    for is_so in kinds.iter().filter(|_| fitting.len() > 1) {
        let so: Vec<&Place> = fitting.iter().copied().filter(|place| is_so(place)).collect();
        match so.as_slice() {
            [] => {}
            [one] => return Ok((*one).clone()),
            several => {
                let names = names(several.iter().copied());
                return Err(format!("`{session}` fits several sessions that are not over: {names}"));
            }
        }
    }
    choose(session, all)
}

fn choose(session: &str, all: &[Place]) -> Result<Place, String> {
    match fitting(session, all).as_slice() {
        [] => Err(format!(
            "there is no session `{session}`; `gonogo sessions --all` lists those that there are"
        )),
        [one] => Ok((*one).clone()),
        several => Err(format!("`{session}` fits several sessions: {}", names(several.iter().copied()))),
    }
}

/// The session of that very name, else those with it in their names.
fn fitting<'a>(session: &str, all: &'a [Place]) -> Vec<&'a Place> {
    match all.iter().find(|place| place.name == session) {
        Some(exact) => vec![exact],
        None => all.iter().filter(|place| !session.is_empty() && place.name.contains(session)).collect(),
    }
}

fn names<'a>(places: impl IntoIterator<Item = &'a Place>) -> String {
    places.into_iter().map(|place| place.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn at_path(path: &Path) -> Option<Place> {
    if path.is_dir() {
        let folder = path.canonicalize().ok()?;
        return own(&folder).or_else(|| shared(&folder));
    }
    let log = path.canonicalize().ok().filter(|path| path.is_file())?;
    if log.file_name().is_some_and(|name| name == dir::LOG) {
        return own(log.parent()?);
    }
    Some(Place { name: name_of(&log)?, log: Some(log), door: None, owner: None })
}

/// The session of a folder with a log.
fn own(folder: &Path) -> Option<Place> {
    let (name, log) = (name_of(folder)?, folder.join(dir::LOG));
    if !log.is_file() {
        return None;
    }
    let own = rustix::process::geteuid().as_raw();
    let elsewhere = socket::share_dir().join(&name);
    let door = if has_socket(folder) {
        Some(folder.to_owned())
    } else {
        // A door of somebody else under one's own session's name leads to somebody else.
        Some(elsewhere).filter(|door| has_socket(door) && owner_of(door) == Some(own))
    };
    Some(Place { name, log: Some(log), door, owner: None })
}

/// The session of a folder with nothing but a socket.
fn shared(folder: &Path) -> Option<Place> {
    let name = name_of(folder)?;
    has_socket(folder).then(|| Place {
        name,
        log: None,
        door: Some(folder.to_owned()),
        owner: owner_of(folder),
    })
}

fn has_socket(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(socket::SOCKET)).is_ok_and(|meta| meta.file_type().is_socket())
}

fn owner_of(folder: &Path) -> Option<u32> {
    fs::symlink_metadata(folder).ok().filter(fs::Metadata::is_dir).map(|meta| meta.uid())
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    // Links lead elsewhere, and are not followed.
    entries.filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir())).map(|entry| entry.path()).collect()
}

/// The last part of a path; a name that is no text is shown as well as it can be.
fn name_of(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn place(name: &str) -> Place {
        Place {
            name: name.to_owned(),
            log: Some(PathBuf::from("/nowhere/audit.jsonl")),
            door: None,
            owner: None,
        }
    }

    #[test]
    fn a_name_or_a_part_that_only_one_has_finds_a_session() {
        let all = || vec![place("20261121-b"), place("20261120-a-b"), place("20261120-a")];
        let chosen = |session| choose(session, &all()).map(|place| place.name);
        assert_eq!(chosen("20261120-a"), Ok("20261120-a".to_owned()), "a whole name wins over longer ones");
        assert_eq!(chosen("1121"), Ok("20261121-b".to_owned()));
        assert_eq!(chosen("1120"), Err("`1120` fits several sessions: 20261120-a-b, 20261120-a".to_owned()));
        assert!(chosen("c").is_err_and(|why| why.contains("gonogo sessions --all")));
        assert!(chosen("").is_err(), "nothing is not a part of everything");
    }

    #[test]
    fn whoever_names_no_session_is_told_the_newest() {
        let all = ["7", "6", "5", "4", "3", "2", "1"].map(place);
        assert_eq!(only(&all[..1]), Ok("7".to_owned()));
        let told = "which session? Name it or a part of its name, newest first: ";
        assert_eq!(only(&all[..2]), Err(format!("{told}7, 6")));
        assert_eq!(only(&all), Err(format!("{told}7, 6, 5, 4, 3; `gonogo sessions --all` lists all")));
        assert!(only(&[]).is_err_and(|why| why.contains("gonogo demo")));
    }

    #[test]
    fn of_several_that_a_part_fits_those_are_meant_for_which_there_is_something_to_do() {
        let all = ["4-b", "3-b", "2-a", "1-a-b"].map(place);
        let kinds: [fn(&Place) -> bool; 2] = [|place| place.name == "2-a", |place| place.name.as_str() < "4"];
        let preferred = |session| prefer(session, &all, &kinds).map(|place| place.name);
        assert_eq!(preferred("a"), Ok("2-a".to_owned()), "the first kind comes first");
        assert_eq!(preferred("4"), Ok("4-b".to_owned()), "the only one needs to be of no kind");
        assert_eq!(
            preferred("b"),
            Err("`b` fits several sessions that are not over: 3-b, 1-a-b".to_owned()),
            "nothing is guessed"
        );
        let none = prefer("b", &all, &[|_| false]).map(|place| place.name);
        assert_eq!(none, Err("`b` fits several sessions: 4-b, 3-b, 1-a-b".to_owned()));
    }

    #[test]
    fn a_path_is_a_session_where_a_log_or_a_socket_lies() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("it is there");
        let folder = root.join("s1");
        fs::create_dir(&folder).expect("made");
        assert_eq!(at_path(&folder), None);
        let socket = UnixListener::bind(folder.join(socket::SOCKET)).expect("bound");
        let own = rustix::process::geteuid().as_raw();
        let door = Some(folder.clone());
        let shared = Place { name: "s1".to_owned(), log: None, door: door.clone(), owner: Some(own) };
        assert_eq!(at_path(&folder), Some(shared));
        fs::write(folder.join(dir::LOG), "").expect("written");
        let log = Some(folder.join(dir::LOG));
        let whole = Place { name: "s1".to_owned(), log, door, owner: None };
        assert_eq!(at_path(&folder), Some(whole.clone()));
        assert_eq!(at_path(&folder.join(dir::LOG)), Some(whole.clone()));
        assert!(!whole.is_live(), "a socket alone is no engine");
        let copy = root.join("copy.jsonl");
        fs::write(&copy, "").expect("written");
        assert_eq!(at_path(&copy).and_then(|place| place.log), Some(copy));
        drop(socket);
    }
}
