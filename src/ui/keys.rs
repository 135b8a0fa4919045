//! What the terminal sends, for as long as there is one.

use std::io::{self, IsTerminal as _};
use std::task::Poll;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Keys, pasted text and new sizes.
pub struct Keys {
    stream: EventStream,
    /// They come over stdin; otherwise over the controlling terminal, whose end only a signal tells.
    over_stdin: bool,
}

impl Keys {
    /// Of the terminal that this process runs on.
    #[must_use]
    pub fn of_the_terminal() -> Self {
        Self { stream: EventStream::new(), over_stdin: io::stdin().is_terminal() }
    }

    /// The next of them; `None` where the terminal is gone. One that has hung up is not asked: its end would be read
    /// over and over, and nothing else would be done any more.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        std::future::poll_fn(|cx| {
            if self.over_stdin && has_hung_up() { Poll::Ready(None) } else { self.stream.poll_next_unpin(cx) }
        })
        .await
    }
}

fn has_hung_up() -> bool {
    let mut fds = [PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
