//! The floor: about the least that a program with ratatui can do to fill a screen, turn a clock on it once a second,
//! and move a mark by a key.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use crossterm::event::{self, Event, KeyCode};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::style::{Color, Style};
use ratatui::{Frame, Terminal};

/// How many lines the mark can move over.
const LINES: usize = 100;

/// Runs until `q`.
pub fn main() {
    enable_raw_mode().expect("a terminal");
    execute!(io::stdout(), EnterAlternateScreen, cursor::Hide).expect("a terminal");
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout())).expect("a terminal");
    let mut marked = 0;
    loop {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        terminal.draw(|frame| draw(frame, now.as_secs(), marked)).expect("drawn");
        let rest = Duration::from_nanos(1_000_000_000 - u64::from(now.subsec_nanos()));
        if event::poll(rest).expect("a terminal")
            && let Event::Key(key) = event::read().expect("a key")
        {
            match key.code {
                KeyCode::Char('j') => marked = (marked + 1).min(LINES - 1),
                KeyCode::Char('k') => marked = marked.saturating_sub(1),
                KeyCode::Char('q') => break,
                _ => {}
            }
        }
    }
    execute!(io::stdout(), LeaveAlternateScreen, cursor::Show).expect("a terminal");
    disable_raw_mode().expect("a terminal");
    io::stdout().flush().expect("a terminal");
}

fn draw(frame: &mut Frame, second: u64, marked: usize) {
    let area = frame.area();
    let rows = usize::from(area.height) - 2;
    let buf = frame.buffer_mut();
    buf.set_string(0, 0, format!("floor  clock {second}"), Style::new().fg(Color::Yellow));
    let first = marked.saturating_sub(rows / 2).min(LINES - rows);
    for (y, line) in (1..area.height - 1).zip(first..) {
        let mark = if line == marked { ">" } else { " " };
        buf.set_string(0, y, format!("{mark} s{line:03}"), Style::new().fg(Color::Green));
        buf.set_string(10, y, "what is on every line ".repeat(6), Style::new());
    }
    buf.set_string(0, area.height - 1, "j down  k up  q quit", Style::new().fg(Color::Cyan));
}
