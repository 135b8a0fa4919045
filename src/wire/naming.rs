//! By what name somebody is known in a session: their user's, or, where the system cannot tell people apart, one of
//! their own that a passphrase keeps for them.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::message::{Hello, Passphrase};
use crate::event::Credentials;
use crate::session::State;

/// Its file in the session's folder.
const FILE: &str = "passphrases.json";
/// How often a passphrase is hashed: it is short, and the file may be read one day.
const ROUNDS: u32 = 10_000;
/// The shortest passphrase, in characters.
const SHORTEST: usize = 6;
/// The longest name, in characters.
const LONGEST_NAME: usize = 40;

/// The passphrases of one session, by the names that they keep.
#[derive(Debug)]
pub(super) struct Passphrases {
    path: PathBuf,
    kept: BTreeMap<String, Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    salt: String,
    sha256: String,
}

impl Kept {
    fn new(passphrase: &Passphrase, salt: String) -> Self {
        let mut digest = Sha256::digest(format!("{salt}:{}", passphrase.0));
        for _ in 1..ROUNDS {
            digest = Sha256::digest(digest);
        }
        Self { salt, sha256: base16ct::lower::encode_string(&digest) }
    }
}

impl Passphrases {
    /// Reads those that an earlier engine of the session kept.
    ///
    /// # Errors
    /// They cannot be read: then nobody may set them anew.
    pub(super) fn read(session_dir: &Path) -> io::Result<Self> {
        let path = session_dir.join(FILE);
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(e),
        };
        Ok(Self { path, kept })
    }

    /// The name of whoever says `hello`, being `user` by the kernel's word; and whether a passphrase proved it. The
    /// first who gives one for a name sets it.
    ///
    /// # Errors
    /// Why they cannot have that name, as a sentence.
    pub(super) fn name(
        &mut self,
        hello: &Hello,
        user: &str,
        credentials: &Credentials,
        state: &State,
    ) -> Result<(String, bool), String> {
        let name = hello.person.as_deref().unwrap_or(user);
        if hello.person.is_some() {
            check_name(name)?;
        }
        if name != user && credentials.principal(user).is_some() {
            return Err(format!(
                "you are {user} here: `--as` is for people whom the system cannot tell apart; leave it out"
            ));
        }
        let proved = match (&hello.passphrase, self.kept.get(name)) {
            (Some(_), _) if hello.person.is_none() => {
                return Err("a passphrase belongs to a name: say `--as NAME` with it".to_owned());
            }
            (Some(given), Some(kept)) if Kept::new(given, kept.salt.clone()) != *kept => {
                return Err(format!("this is not the passphrase that was set for {name} in this session"));
            }
            (None, Some(_)) => {
                return Err(format!(
                    "{name} is kept by a passphrase in this session: give it with `--as {name}`"
                ));
            }
            (None, None) if name != user => {
                return Err(format!("to be known as {name}, give a passphrase: the first one given sets it"));
            }
            (given, _) => given.is_some(),
        };
        let credentials = Credentials { passphrase: proved, ..credentials.clone() };
        let here = state.crew.get(name).and_then(|known| known.credentials.principal(name));
        if here.as_ref().is_some_and(|here| credentials.principal(name).as_ref() != Some(here)) {
            return Err(format!("somebody else is known as {name} in this session: choose another name"));
        }
        if let Some(given) = hello.passphrase.as_ref().filter(|_| !self.kept.contains_key(name)) {
            self.set(name, given)?;
        }
        Ok((name.to_owned(), proved))
    }

    fn set(&mut self, name: &str, passphrase: &Passphrase) -> Result<(), String> {
        if passphrase.0.chars().count() < SHORTEST {
            return Err(format!("a passphrase has at least {SHORTEST} characters"));
        }
        let kept = Kept::new(passphrase, uuid::Uuid::new_v4().to_string());
        self.kept.insert(name.to_owned(), kept);
        self.write().map_err(|e| {
            self.kept.remove(name);
            format!("the passphrase cannot be kept in {}: {e}", self.path.display())
        })
    }

    fn write(&self) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(&self.kept)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

/// A name that can stand in a log, a screen and a command line.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(plain) {
        let shown: String = crate::text::safe(name).chars().take(LONGEST_NAME).collect();
        return Err(format!(
            "`{shown}` is no name: up to {LONGEST_NAME} letters, digits, dots and dashes make one"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Kind;

    fn hello(person: Option<&str>, passphrase: Option<&str>) -> Hello {
        Hello {
            person: person.map(str::to_owned),
            passphrase: passphrase.map(|p| Passphrase(p.to_owned())),
            ..Hello::new(Kind::Cockpit)
        }
    }

    #[test]
    fn two_who_are_both_root_are_told_apart_by_passphrases_and_one_who_is_not_by_the_kernel() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::default();
        let root = Credentials::default();
        let own = Credentials { uid: 1000, login_uid: Some(1000), ..Credentials::default() };
        let mut names = Passphrases::read(folder.path()).expect("none yet");
        let mut say = |person, passphrase, user: &str, credentials: &Credentials| {
            names.name(&hello(person, passphrase), user, credentials, &state)
        };
        assert_eq!(say(None, None, "root", &root), Ok(("root".to_owned(), false)));
        assert_eq!(say(Some("anna"), Some("open sesame"), "root", &root), Ok(("anna".to_owned(), true)));
        assert_eq!(say(Some("anna"), Some("open sesame"), "root", &root), Ok(("anna".to_owned(), true)));
        for (person, passphrase) in [
            (Some("anna"), Some("sesame, open")),
            (Some("anna"), None),
            (Some("bert"), None),
            (Some("bert"), Some("short")),
            (None, Some("open sesame")),
            (Some("be rt"), Some("open sesame")),
            (Some(""), Some("open sesame")),
        ] {
            assert!(say(person, passphrase, "root", &root).is_err(), "{person:?} {passphrase:?}");
        }
        assert_eq!(say(None, None, "opsA", &own), Ok(("opsA".to_owned(), false)));
        assert_eq!(say(Some("opsA"), None, "opsA", &own), Ok(("opsA".to_owned(), false)));
        assert!(say(Some("opsB"), Some("open sesame"), "opsA", &own).is_err());

        let mut again = Passphrases::read(folder.path()).expect("kept");
        let said = hello(Some("anna"), Some("guessed it"));
        assert!(again.name(&said, "root", &root, &state).is_err(), "a resumed engine still knows it");
    }
}
