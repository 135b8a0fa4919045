//! Signals as the cockpit's loop hears them.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the terminal must survive.
#[derive(Debug)]
pub struct Signals {
    ends: Vec<(i32, Signal)>,
    stop: Signal,
    continued: Signal,
}

/// What a signal means to the cockpit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caught {
    End(i32),
    Stop,
    Continue,
}

impl Signals {
    /// Listens from here on.
    ///
    /// # Errors
    /// The system hands out no signals.
    pub fn listen() -> io::Result<Self> {
        use nix::libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
        let ends = [SIGTERM, SIGHUP, SIGINT, SIGQUIT].into_iter();
        let ends = ends.map(|number| Ok((number, signal(SignalKind::from_raw(number))?)));
        Ok(Self {
            ends: ends.collect::<io::Result<_>>()?,
            stop: signal(SignalKind::from_raw(SIGTSTP))?,
            continued: signal(SignalKind::from_raw(SIGCONT))?,
        })
    }

    /// The next of them.
    pub async fn next(&mut self) -> Caught {
        std::future::poll_fn(|cx| {
            for (number, signal) in &mut self.ends {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(Caught::End(*number));
                }
            }
            if self.stop.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready(Caught::Stop);
            }
            self.continued.poll_recv(cx).map(|_| Caught::Continue)
        })
        .await
    }
}
