//! What the system says about processes: about a few of them, or about all.

use std::path::PathBuf;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::process::Identity;

/// What is asked for besides name, memory and CPU time; each costs a read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds {
    pub arguments: bool,
    pub exe: bool,
    pub user: bool,
}

impl Kinds {
    /// Whether what was asked for holds all of `other`.
    pub(super) fn cover(self, other: Self) -> bool {
        (self.arguments || !other.arguments) && (self.exe || !other.exe) && (self.user || !other.user)
    }
}

/// One living process.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub identity: Identity,
    /// As the kernel has it, which on Linux is at most 15 bytes.
    pub name: String,
    pub arguments: Vec<String>,
    /// `None` also where this account may not see it.
    pub exe: Option<PathBuf>,
    pub uid: Option<u32>,
    /// Bytes.
    pub rss: u64,
    /// CPU time used so far, in milliseconds.
    pub cpu_ms: u64,
    /// Milliseconds since it was started.
    pub up_ms: u64,
}

/// These processes, as far as they live.
pub(super) fn at(pids: &[u32], kinds: Kinds) -> Result<Vec<Facts>, String> {
    if pids.is_empty() {
        return Ok(Vec::new());
    }
    let pids: Vec<Pid> = pids.iter().map(|pid| Pid::from_u32(*pid)).collect();
    look(ProcessesToUpdate::Some(&pids), kinds)
}

/// All living processes but this one, whose own arguments may name what it looks for.
pub(super) fn all(kinds: Kinds) -> Result<Vec<Facts>, String> {
    let mut found = look(ProcessesToUpdate::All, kinds)?;
    found.retain(|facts| facts.identity.pid != std::process::id());
    Ok(found)
}

fn look(which: ProcessesToUpdate<'_>, kinds: Kinds) -> Result<Vec<Facts>, String> {
    // Always a new one: a kept one does not notice that a process has become another program by `exec`.
    let mut system = System::new().map_err(|e| format!("the processes cannot be read: {e}"))?;
    let ask = |wanted| if wanted { UpdateKind::Always } else { UpdateKind::Never };
    let kind = ProcessRefreshKind::nothing()
        .with_memory()
        .with_cpu()
        .without_tasks()
        .with_cmd(ask(kinds.arguments))
        .with_exe(ask(kinds.exe))
        .with_user(ask(kinds.user));
    system.refresh_processes_specifics(which, true, kind);
    let living = system.processes().values().filter(|process| process.thread_kind().is_none());
    let mut found: Vec<Facts> = living
        .filter_map(|process| {
            Some(Facts {
                identity: Identity::of(process.pid().as_u32())?,
                name: process.name().to_string_lossy().into_owned(),
                arguments: process.cmd().iter().map(|arg| arg.to_string_lossy().into_owned()).collect(),
                exe: process.exe().map(ToOwned::to_owned),
                uid: process.user_id().map(|uid| **uid),
                rss: process.memory(),
                cpu_ms: process.accumulated_cpu_time(),
                up_ms: process.run_time().saturating_mul(1000),
            })
        })
        .collect();
    found.sort_by_key(|facts| facts.identity.pid);
    Ok(found)
}
