//! Who is at the controls, how we know, and who counts as one person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Someone at the controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub person: String,
    pub uid: u32,
    pub seat: Seat,
}

/// Where someone sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Seat {
    /// Has the wheel; there is exactly one.
    Driver,
    Navigator,
    Observer,
}

/// How we know who somebody is: what the kernel says of their end of the socket, and what they proved besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The uid as which they came.
    pub uid: u32,
    pub pid: u32,
    /// The uid with which their session logged in, as the kernel's audit keeps it; `None` where it was never set.
    pub login_uid: Option<u32>,
    /// The SSH connection that they came over: addresses and ports.
    pub ssh: Option<String>,
    /// They gave the passphrase that belongs to their name in this session.
    pub passphrase: bool,
}

/// What counts as one person, under however many names, terminals and uids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principal {
    /// A user of the system.
    Uid(u32),
    /// A name within one session, with a passphrase of its own.
    Name(String),
}

impl Credentials {
    /// What counts as one person; `None` where this one cannot be told apart from others: root, whom nobody logged
    /// in as anybody else, without a passphrase.
    #[must_use]
    pub fn principal(&self, name: &str) -> Option<Principal> {
        let login = self.login_uid.filter(|uid| *uid != 0);
        match login.or_else(|| Some(self.uid).filter(|uid| *uid != 0)) {
            Some(uid) => Some(Principal::Uid(uid)),
            None => self.passphrase.then(|| Principal::Name(name.to_owned())),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(f, "uid {uid}"),
            Self::Name(name) => write!(f, "{name} by passphrase"),
        }
    }
}

impl Seat {
    /// The word for it on the screen and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Navigator => "navigator",
            Self::Observer => "observer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(uid: u32, login_uid: Option<u32>, passphrase: bool) -> Credentials {
        Credentials { uid, login_uid, passphrase, ..Credentials::default() }
    }

    #[test]
    fn one_login_is_one_person_under_any_uid_and_name() {
        let own = credentials(1000, Some(1000), false).principal("opsA");
        let over_sudo = credentials(0, Some(1000), true).principal("opsB");
        assert_eq!(own, Some(Principal::Uid(1000)));
        assert_eq!(own, over_sudo);
        assert_eq!(own, credentials(1000, None, false).principal("opsA"));
    }

    #[test]
    fn root_without_a_login_is_a_person_only_by_passphrase() {
        for login in [None, Some(0)] {
            assert_eq!(credentials(0, login, false).principal("opsA"), None);
            let named = credentials(0, login, true).principal("opsA");
            assert_eq!(named, Some(Principal::Name("opsA".to_owned())));
        }
    }
}
