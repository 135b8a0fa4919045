//! Processes by identity, not by number: a pid is reused, `(pid, start time, boot id)` is not. Who descends
//! from whom, signals that cannot hit a stranger, and a memory that nobody else reads.

mod memory;

pub use memory::{keep_memory_private, with_own_limits};

use std::path::Path;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::clock;

/// Names one process of one boot of one machine for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When the process was started: on Linux clock ticks since boot (field 22 of `/proc/PID/stat`),
    /// elsewhere seconds since 1970.
    pub start_time: u64,
    /// The boot in which it lives ([`clock::boot_id`]).
    pub boot_id: String,
}

impl Identity {
    /// The identity of the process that has this pid now; `None` where there is none, or only a zombie.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = Stat::of(pid).filter(|stat| !stat.is_gone())?;
        Some(Self { pid, start_time: stat.start_time, boot_id: clock::boot_id() })
    }

    /// The identity of a child that its caller has not waited for: it may be a zombie already, but its pid
    /// is still its own.
    #[must_use]
    pub fn of_child(pid: u32) -> Option<Self> {
        Stat::of(pid).map(|stat| Self { pid, start_time: stat.start_time, boot_id: clock::boot_id() })
    }

    /// The identity of this very process.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether this process still runs. A zombie, a reused pid and another boot count as gone.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }
}

/// The signal of that name, with or without `SIG`: those that an operator sends to a service.
#[must_use]
pub fn signal_named(name: &str) -> Option<Signal> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    Some(match name {
        "TERM" => Signal::TERM,
        "KILL" => Signal::KILL,
        "INT" => Signal::INT,
        "HUP" => Signal::HUP,
        "QUIT" => Signal::QUIT,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        "WINCH" => Signal::WINCH,
        "ABRT" => Signal::ABORT,
        "ALRM" => Signal::ALARM,
        _ => return None,
    })
}

/// Why a signal was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The process has ended (its pid may belong to somebody else by now).
    #[error("process {0} has ended")]
    Gone(u32),
    /// The process belongs to another user.
    #[error("not permitted to signal process {0}")]
    NotPermitted(u32),
    /// Anything else that the system says.
    #[error("could not signal process {pid}: {source}")]
    Other {
        /// The process id.
        pid: u32,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Sends a signal to exactly this process, never to one that has taken over its pid.
///
/// # Errors
/// [`SignalError`] says whether it is gone or not ours to signal.
pub fn signal(to: &Identity, signal: Signal) -> Result<(), SignalError> {
    let pid = i32::try_from(to.pid).ok().and_then(Pid::from_raw).ok_or(SignalError::Gone(to.pid))?;
    send(pid, to, signal).map_err(|errno| match errno {
        rustix::io::Errno::SRCH => SignalError::Gone(to.pid),
        rustix::io::Errno::PERM => SignalError::NotPermitted(to.pid),
        other => SignalError::Other { pid: to.pid, source: other.into() },
    })
}

/// The descriptor pins the process; only after that is its identity compared.
#[cfg(target_os = "linux")]
fn send(pid: Pid, to: &Identity, signal: Signal) -> rustix::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pinned) if to.is_alive() => pidfd_send_signal(pinned, signal),
        Ok(_) => Err(rustix::io::Errno::SRCH),
        // A kernel before 5.3: the comparison alone, with a window of microseconds.
        Err(rustix::io::Errno::NOSYS) => send_if_alive(pid, to, signal),
        Err(errno) => Err(errno),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, to: &Identity, signal: Signal) -> rustix::io::Result<()> {
    send_if_alive(pid, to, signal)
}

fn send_if_alive(pid: Pid, to: &Identity, signal: Signal) -> rustix::io::Result<()> {
    if to.is_alive() { rustix::process::kill_process(pid, signal) } else { Err(rustix::io::Errno::SRCH) }
}

/// One descendant of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descendant {
    /// Which process it is.
    pub identity: Identity,
    /// Whether it is stopped (by `SIGSTOP` or a debugger) and will not hear a signal until it is continued.
    pub stopped: bool,
}

/// Every living descendant of a process, parents before children; zombies are left out. A process that was
/// forked while this looks may be missing: look again until a second look finds nothing new.
#[must_use]
pub fn descendants(root: u32) -> Vec<Descendant> {
    let boot_id = clock::boot_id();
    let all = Stat::all();
    let mut family = vec![root];
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        next += 1;
        for stat in
            all.iter().filter(|stat| stat.parent == parent && !family.contains(&stat.pid)).collect::<Vec<_>>()
        {
            family.push(stat.pid);
            if !stat.is_gone() {
                let identity =
                    Identity { pid: stat.pid, start_time: stat.start_time, boot_id: boot_id.clone() };
                found.push(Descendant { identity, stopped: matches!(stat.state, 'T' | 't') });
            }
        }
    }
    found
}

/// What the system says about one pid.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    state: char,
    start_time: u64,
}

impl Stat {
    fn is_gone(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Reads a line of `/proc/PID/stat`. The name in brackets may hold blanks and brackets.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there is no /proc"))]
    fn parse(line: &str) -> Option<Self> {
        let pid = line.split(' ').next()?.parse().ok()?;
        let mut fields = line[line.rfind(')')? + 1..].split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        // State is field 3 and the parent field 4: 17 more lie before field 22.
        let start_time = fields.nth(17)?.parse().ok()?;
        Some(Self { pid, parent, state, start_time })
    }
}

#[cfg(target_os = "linux")]
impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::read(&Path::new("/proc").join(pid.to_string()).join("stat"))
    }

    fn read(path: &Path) -> Option<Self> {
        Self::parse(&String::from_utf8_lossy(&std::fs::read(path).ok()?))
    }

    fn all() -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
            .filter_map(|entry| Self::read(&entry.path().join("stat")))
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
use everywhere::portable as portable_stats;

#[cfg(not(target_os = "linux"))]
impl Stat {
    fn of(pid: u32) -> Option<Self> {
        portable_stats(Some(pid)).into_iter().next()
    }

    fn all() -> Vec<Self> {
        portable_stats(None)
    }
}

/// The same through sysinfo, for systems without `/proc`; start times to the second only.
#[cfg(any(test, not(target_os = "linux")))]
mod everywhere {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

    use super::Stat;

    /// One process, or all.
    pub fn portable(pid: Option<u32>) -> Vec<Stat> {
        let Ok(mut system) = System::new() else { return Vec::new() };
        let pids: Vec<Pid> = pid.map(Pid::from_u32).into_iter().collect();
        let which = if pids.is_empty() { ProcessesToUpdate::All } else { ProcessesToUpdate::Some(&pids) };
        system.refresh_processes_specifics(which, true, ProcessRefreshKind::nothing());
        system
            .processes()
            .values()
            .filter(|process| process.thread_kind().is_none())
            .map(|process| Stat {
                pid: process.pid().as_u32(),
                parent: process.parent().map_or(0, Pid::as_u32),
                state: match process.status() {
                    ProcessStatus::Zombie | ProcessStatus::Dead => 'Z',
                    ProcessStatus::Stop | ProcessStatus::Tracing => 'T',
                    _ => 'R',
                },
                start_time: process.start_time(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_name_holds() {
        let line = "42 (a) b) (c) S 7 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 987654 0 0";
        assert_eq!(Stat::parse(line), Some(Stat { pid: 42, parent: 7, state: 'S', start_time: 987_654 }));
        for torn in ["", "42", "42 (a", "42 (a) S", "x (a) S 7"] {
            assert_eq!(Stat::parse(torn), None, "{torn}");
        }
    }

    #[test]
    fn a_zombie_and_a_reused_pid_count_as_gone() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat");
        let identity = Identity::of(child.id()).expect("it runs");
        assert!(identity.is_alive());
        let stranger = Identity { start_time: identity.start_time + 1, ..identity.clone() };
        let other_boot = Identity { boot_id: "another".into(), ..identity.clone() };
        for wrong in [stranger, other_boot] {
            assert!(!wrong.is_alive());
            assert!(matches!(signal(&wrong, Signal::KILL), Err(SignalError::Gone(_))));
        }
        assert!(identity.is_alive(), "no wrong identity was signalled");
        signal(&identity, Signal::KILL).expect("our own child");
        while Identity::of(identity.pid).is_some() {
            std::thread::yield_now();
        }
        assert!(!identity.is_alive(), "a zombie until it is waited for");
        child.wait().expect("reaped");
        assert!(matches!(signal(&identity, Signal::TERM), Err(SignalError::Gone(_))));
    }

    #[test]
    fn a_stopped_child_is_found_as_stopped() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat");
        let identity = Identity::of(child.id()).expect("it runs");
        signal(&identity, Signal::STOP).expect("our own child");
        let is_stopped =
            || descendants(std::process::id()).iter().any(|d| d.identity == identity && d.stopped);
        while !is_stopped() {
            std::thread::yield_now();
        }
        signal(&identity, Signal::KILL).expect("our own child");
        child.wait().expect("reaped");
    }

    #[test]
    fn the_portable_way_sees_the_same_family() {
        let own = Stat::of(std::process::id()).expect("this process");
        let portable = everywhere::portable(Some(own.pid)).pop().expect("this process");
        assert_eq!((portable.pid, portable.parent), (own.pid, own.parent));
        assert!(everywhere::portable(None).len() > 1);
    }
}
