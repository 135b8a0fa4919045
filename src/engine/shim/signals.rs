//! The shim's ears. Every signal that can be caught is caught: so none ends the shim, and each is back at its
//! default in the command, even where whoever started us had it ignored (a handler does not survive exec).

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGBUS, SIGCHLD, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals that mean something to a shim.
pub struct Signals {
    /// Readable when a child changed its state or a stop was asked for.
    pub wake: UnixStream,
    stop: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers and unblocks everything.
    pub fn install() -> io::Result<Self> {
        let ignored = Arc::new(AtomicBool::new(false));
        // Some cannot be caught; SIGBUS is the runtime's own.
        for signal in
            (1..32).filter(|signal| *signal != SIGBUS && !signal_hook::consts::FORBIDDEN.contains(signal))
        {
            let _ = flag::register(signal, Arc::clone(&ignored));
        }
        let stop = Arc::new(AtomicBool::new(false));
        flag::register(SIGTERM, Arc::clone(&stop))?;
        let (wake, ring) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        low_level::pipe::register(SIGTERM, ring.try_clone()?)?;
        low_level::pipe::register(SIGCHLD, ring)?;
        nix::sys::signal::SigSet::empty().thread_set_mask()?;
        Ok(Self { wake, stop })
    }

    /// Empties the bell; true when a stop was asked for since the last call.
    pub fn heard_stop(&mut self) -> bool {
        let mut rings = [0; 64];
        while self.wake.read(&mut rings).is_ok_and(|n| n > 0) {}
        self.stop.swap(false, Ordering::SeqCst)
    }
}
