//! What is in a process's memory stays there: no core dump of it, no debugger of the same user. Whatever it starts
//! gets the limits that it came with itself.

use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit on core dumps that this process came with.
static CAME_WITH: OnceLock<Rlimit> = OnceLock::new();

/// Held while a child is started with that limit, so that no other start takes it away.
static STARTING: Mutex<()> = Mutex::new(());

/// Keeps this process's memory, and the secrets in it, out of core dumps and of the reach of the same user's other
/// programs. It stays so until the end; a program that this process becomes or starts is not concerned.
pub fn keep_memory_private() {
    // A core may go to a pipe, which no limit holds up; and where it does not, this is the second lock.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    let own = *CAME_WITH.get_or_init(|| getrlimit(Resource::Core));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..own });
}

/// Starts something, by `start`, with the limits that this process came with: the operator's own services may dump as
/// they always did. The memory of this process stays private meanwhile.
pub fn with_own_limits<T>(start: impl FnOnce() -> T) -> T {
    let Some(own) = CAME_WITH.get() else { return start() };
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = setrlimit(Resource::Core, *own);
    let started = start();
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*own });
    started
}
