//! Who sits here, and on which machine.

use nix::unistd::{Uid, User};

use crate::event::{Credentials, Person, Seat};

/// The person at this terminal, who would drive: the login user where the system knows it, so that `sudo` does
/// not hide who it is.
pub(crate) fn person() -> Person {
    let uid = login_uid().unwrap_or_else(Uid::current);
    let known = User::from_uid(uid).ok().flatten().map(|user| user.name);
    Person { person: known.unwrap_or_else(|| format!("uid {uid}")), uid: uid.as_raw(), seat: Seat::Driver }
}

/// How we know who sits at this terminal.
pub(crate) fn credentials() -> Credentials {
    Credentials {
        uid: Uid::current().as_raw(),
        pid: std::process::id(),
        login_uid: login_uid().map(Uid::as_raw),
        ssh: std::env::var("SSH_CONNECTION").ok(),
        passphrase: false,
    }
}

/// The uid with which the session logged in, as the kernel's audit keeps it.
fn login_uid() -> Option<Uid> {
    const UNSET: u32 = u32::MAX;
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    let uid: u32 = text.trim().parse().ok()?;
    (uid != UNSET).then(|| Uid::from_raw(uid))
}
