//! One line on stderr that says how far long work has come: only where that is a terminal, only where it takes long, and
//! gone when it is done.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::audit::progress::Progress;
use crate::text;
use crate::ui::format;

/// What is faster than this is not worth a line.
const SHORT: Duration = Duration::from_millis(500);
/// How often the line is drawn anew.
const REDRAW: Duration = Duration::from_millis(200);
/// The columns of its bar.
const BAR: usize = 20;

/// Does `work` while the line says how far it has come with what is `named`.
pub(super) fn during<T>(named: &str, progress: &Progress, work: impl FnOnce() -> T) -> T {
    let named = text::safe(named).into_owned();
    shown(
        || {
            let (what, done, of) = progress.now();
            line(&format!("{named}: {what}"), done, of, format::bytes)
        },
        work,
    )
}

/// Does `work` while a line shows what `said` says.
pub(super) fn shown<T>(said: impl Fn() -> String + Sync, work: impl FnOnce() -> T) -> T {
    if !stderr().is_terminal() {
        return work();
    }
    let said = &said;
    std::thread::scope(|scope| {
        let (over, is_over) = channel::<()>();
        scope.spawn(move || {
            let mut wait = SHORT;
            let mut drawn = 0usize;
            while is_over.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let cols = crossterm::terminal::size().map_or(80, |(cols, _)| usize::from(cols));
                let said = said();
                let line = text::fit(&said, cols.saturating_sub(1));
                let width = text::width(&line);
                // Whoever cannot be told is not told.
                let _ = write!(stderr(), "\r{line}{}", " ".repeat(drawn.saturating_sub(width)));
                let _ = stderr().flush();
                (wait, drawn) = (REDRAW, width);
            }
            if drawn > 0 {
                let _ = write!(stderr(), "\r{}\r", " ".repeat(drawn));
                let _ = stderr().flush();
            }
        });
        let result = work();
        drop(over);
        result
    })
}

/// `orders-db: reading the log [########............] 43 %, 1.2 GB of 2.8 GB`; in ASCII, as nobody said what this
/// terminal can show.
pub(super) fn line(what: &str, done: u64, of: u64, amount: impl Fn(u64) -> String) -> String {
    if of == 0 {
        return format!("{what} ...");
    }
    let share = |whole: u64| u128::from(done.min(of)) * u128::from(whole) / u128::from(of);
    let full = usize::try_from(share(BAR as u64)).unwrap_or(BAR);
    let bar = "#".repeat(full) + &".".repeat(BAR - full);
    format!("{what} [{bar}] {} %, {} of {}", share(100), amount(done), amount(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_how_far_it_is() {
        let progress = Progress::default();
        progress.begin("reading the log", 2_000_000);
        progress.add(500_000);
        let (what, done, of) = progress.now();
        assert_eq!(
            line(what, done, of, format::bytes),
            "reading the log [#####...............] 25 %, 500 kB of 2.0 MB"
        );
        assert_eq!(line("reading", 0, 0, format::bytes), "reading ...");
        assert!(line("reading", 9, 4, format::bytes).contains("100 %"), "more than all is all");
    }

    #[test]
    fn the_work_is_done_where_nobody_looks_on() {
        assert_eq!(during("a", &Progress::default(), || 7), 7);
    }
}
