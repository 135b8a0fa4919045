//! Who is at the other end of a socket: what the kernel says of them, never what they say of themselves.

use std::ffi::CString;
use std::fs;

use nix::unistd::{Gid, Group, Uid, User};
use tokio::net::UnixStream;

use crate::event::Credentials;
use crate::process::Identity;

/// A login uid that was never set.
const UNSET: u32 = u32::MAX;
/// What stands for everybody who has no uid here: nobody, and what a user namespace does not map.
const OVERFLOW: u32 = 65_534;

/// Why somebody may not attach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    #[error("uid {0} stands for nobody in particular: attach as a user of this machine")]
    Nobody(u32),
    #[error("unmapped: uid {0} is no user of this machine; attach as one who is")]
    Unmapped(u32),
    #[error("{user} (uid {uid}) may not attach: this session belongs to {owner}{shared}")]
    Stranger { user: String, uid: u32, owner: String, shared: String },
    #[error("the system does not say who is there: {0}")]
    Unsaid(String),
}

/// Reads who is at the other end, as they were when they connected. It is done once: their pid may be somebody else's
/// a moment later.
///
/// # Errors
/// The kernel does not say.
pub fn of(stream: &UnixStream) -> Result<Credentials, Unwelcome> {
    let said = stream.peer_cred().map_err(|e| Unwelcome::Unsaid(e.to_string()))?;
    let uid = said.uid();
    let pid = said.pid().and_then(|pid| u32::try_from(pid).ok());
    let process = pid.and_then(Identity::of).filter(|process| runs_as(process.pid, uid));
    let (login_uid, ssh) = match &process {
        Some(process) => (login_uid(process.pid), ssh_connection(process.pid)),
        None => (None, None),
    };
    // What was read there is theirs only if it was the same process all along.
    let same = process.is_some_and(|process| process.is_alive());
    let (login_uid, ssh) = if same { (login_uid, ssh) } else { (None, None) };
    Ok(Credentials { uid, pid: pid.unwrap_or(0), login_uid, ssh, passphrase: false })
}

/// Whether a process runs as `uid`: a pid that was used anew most likely does not.
fn runs_as(pid: u32, uid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.is_some_and(|uids| uids.split_ascii_whitespace().nth(1) == Some(&uid.to_string()))
}

/// The uid with which a process's session logged in, as the kernel's audit keeps it.
fn login_uid(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != UNSET)
}

/// The SSH connection that a process came over, where its environment may be read.
fn ssh_connection(pid: u32) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = environ.split(|byte| *byte == 0).find_map(|var| var.strip_prefix(b"SSH_CONNECTION="))?;
    let value = String::from_utf8_lossy(&value[..value.len().min(200)]).into_owned();
    Some(crate::text::safe(&value).into_owned()).filter(|value| !value.is_empty())
}

/// Who may attach besides root: the user that the engine runs as, and the members of a group.
#[derive(Debug, Clone)]
pub struct Door {
    pub owner: u32,
    pub group: Option<Group>,
}

impl Door {
    /// The door of an engine of this process.
    #[must_use]
    pub fn own(group: Option<Group>) -> Self {
        Self { owner: Uid::effective().as_raw(), group }
    }

    /// Lets somebody in, under their user's name: of the login where one is set, so that `sudo` hides nobody.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn admit(&self, credentials: &Credentials) -> Result<String, Unwelcome> {
        let uid = credentials.uid;
        let user = known(uid)?;
        let name = match credentials.login_uid {
            Some(login) => known(login)?.name,
            None => user.name.clone(),
        };
        let member = || self.group.as_ref().is_some_and(|group| is_member(&user, group.gid));
        if uid == self.owner || uid == 0 || member() {
            return Ok(name);
        }
        let owner = known(self.owner).map_or_else(|_| format!("uid {}", self.owner), |owner| owner.name);
        let shared = self.group.as_ref();
        let shared = shared.map_or(String::new(), |g| format!(" and is shared with the group {}", g.name));
        Err(Unwelcome::Stranger { user: user.name, uid, owner, shared })
    }
}

/// The user of a uid.
fn known(uid: u32) -> Result<User, Unwelcome> {
    if uid == OVERFLOW || uid == UNSET {
        return Err(Unwelcome::Nobody(uid));
    }
    User::from_uid(Uid::from_raw(uid)).ok().flatten().ok_or(Unwelcome::Unmapped(uid))
}

/// The names of the groups that a user is in; none where there is no such user.
#[must_use]
pub fn groups_of(user: &str) -> Vec<String> {
    let Ok(Some(user)) = User::from_name(user) else { return Vec::new() };
    let names = gids_of(&user).into_iter().filter_map(|gid| Group::from_gid(gid).ok().flatten());
    names.map(|group| group.name).collect()
}

fn is_member(user: &User, group: Gid) -> bool {
    if cfg!(not(target_os = "linux")) {
        let of_group = Group::from_gid(group).ok().flatten();
        return user.gid == group || of_group.is_some_and(|g| g.mem.contains(&user.name));
    }
    gids_of(user).contains(&group)
}

/// Every group of a user as far as the system lists them; the first one is their own.
fn gids_of(user: &User) -> Vec<Gid> {
    #[cfg(target_os = "linux")]
    if let Some(gids) =
        CString::new(user.name.as_str()).ok().and_then(|name| nix::unistd::getgrouplist(&name, user.gid).ok())
    {
        return gids;
    }
    vec![user.gid]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came_as(uid: u32, login_uid: Option<u32>) -> Credentials {
        Credentials { uid, login_uid, ..Credentials::default() }
    }

    #[test]
    fn only_users_of_this_machine_are_let_in() {
        let door = Door { owner: 0, group: None };
        assert_eq!(door.admit(&came_as(0, None)), Ok("root".to_owned()));
        assert_eq!(door.admit(&came_as(65_534, None)), Err(Unwelcome::Nobody(65_534)));
        assert_eq!(door.admit(&came_as(4_242, None)), Err(Unwelcome::Unmapped(4_242)));
        assert_eq!(door.admit(&came_as(0, Some(4_242))), Err(Unwelcome::Unmapped(4_242)));
    }

    #[test]
    fn a_user_who_is_neither_owner_nor_in_the_group_is_a_stranger() {
        let daemon = User::from_name("daemon").ok().flatten().map(|user| user.uid.as_raw());
        let group = Group::from_gid(Gid::from_raw(0)).ok().flatten();
        let (Some(daemon), Some(group)) = (daemon, group) else { return };
        let door = Door { owner: 0, group: Some(group) };
        let why = door.admit(&came_as(daemon, None)).expect_err("a stranger").to_string();
        assert!(why.contains("daemon (uid 1) may not attach: this session belongs to root"), "{why}");
        let own = Door { owner: daemon, group: None };
        assert_eq!(own.admit(&came_as(daemon, None)), Ok("daemon".to_owned()));
    }

    #[tokio::test]
    async fn the_kernel_says_who_is_at_the_other_end() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        let credentials = of(&one).expect("said");
        assert_eq!(credentials.uid, Uid::effective().as_raw());
        assert_eq!(credentials.pid, std::process::id());
        assert_eq!(credentials.login_uid, login_uid(std::process::id()));
    }
}
