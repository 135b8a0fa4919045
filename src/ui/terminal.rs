//! The one owner of the terminal's modes: enters them, draws, and leaves everything as it was, on every way out.

use std::io::{self, Write as _};
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, ResetColor, SetAttribute};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, terminal};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint;

/// Whether the modes are ours now.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// What other threads said when they panicked while the screen was ours; told once it no longer is.
static LAST_WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// How many of them are kept.
const MOST_WORDS: usize = 16;

/// Clicks and the wheel, told in numbers that any width has room for. Not every move, as crossterm's command would have
/// it: over a slow link that is a flood.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// What a terminal that knows it shows all at once.
const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";
/// Everything gone, in plain style.
const CLEAR: &str = "\x1b[0m\x1b[2J";

/// The terminal while the cockpit has it. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Terminal {
    /// What the terminal shows.
    front: Buffer,
    back: Buffer,
    /// What it shows is not known: everything is drawn anew.
    stale: bool,
    /// The mouse is ours.
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal: alternate screen, raw mode, bracketed paste, no cursor. A panic of this thread gives it
    /// back before it is reported, through the panic hook that was there before.
    ///
    /// # Errors
    /// There is no terminal, or it takes no modes.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        give_back_on_panic();
        take()?;
        let nothing = Buffer::empty(Rect::ZERO);
        let mut terminal = Self { front: nothing.clone(), back: nothing, stale: true, mouse };
        terminal.capture(mouse)?;
        Ok(terminal)
    }

    /// The whole screen.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn area(&self) -> io::Result<Rect> {
        let (width, height) = terminal::size()?;
        Ok(Rect::new(0, 0, width, height))
    }

    /// Draws a frame: only what changed is written, in one write, as one update. How many bytes that were.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, area: Rect, paint: impl FnOnce(Rect, &mut Buffer)) -> io::Result<usize> {
        self.back.resize(area);
        self.back.reset();
        paint(area, &mut self.back);
        let anew = self.stale || self.front.area != area;
        if anew {
            self.front.resize(area);
            self.front.reset();
        }
        let change = paint::change(&self.front, &self.back);
        if change.is_empty() && !anew {
            return Ok(0);
        }
        let clear = if anew { CLEAR } else { "" };
        let frame = [BEGIN_UPDATE, clear, &change, END_UPDATE].concat();
        write(&frame)?;
        self.stale = false;
        std::mem::swap(&mut self.front, &mut self.back);
        Ok(frame.len())
    }

    /// Sends what calls an operator, which leaves the screen as it is.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn ring(&mut self, call: &str) -> io::Result<()> {
        write(call)
    }

    /// Takes the mouse, or leaves it to the terminal, which selects text with it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn capture(&mut self, mouse: bool) -> io::Result<()> {
        self.mouse = mouse;
        write(if mouse { MOUSE_ON } else { MOUSE_OFF })
    }

    /// Whether the mouse is ours.
    #[must_use]
    pub fn has_mouse(&self) -> bool {
        self.mouse
    }

    /// Asks the terminal to put a text on its clipboard (OSC 52). Whether it does it never says.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Gives the terminal back for a while, as for SIGTSTP.
    pub fn leave(&mut self) {
        give_back();
    }

    /// Takes it again, whatever happened to it meanwhile.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn enter_again(&mut self) -> io::Result<()> {
        give_back();
        self.stale = true;
        take()?;
        self.capture(self.mouse)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn write(bytes: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes.as_bytes())?;
    out.flush()
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide).inspect_err(|_| give_back())
}

/// Undoes every mode, once. What fails is passed over: the terminal may be gone, and the rest must still be tried.
fn give_back() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(out, EndSynchronizedUpdate, SetAttribute(Attribute::Reset), ResetColor);
    let _ = out.write_all(MOUSE_OFF.as_bytes());
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let words = LAST_WORDS.lock().map(|mut words| std::mem::take(&mut *words)).unwrap_or_default();
    for word in words {
        let _ = writeln!(io::stderr(), "{word}");
    }
}

/// Chains onto the panic hook. A panic of the thread that draws ends the cockpit: the terminal is given back first. One
/// of another thread, which tokio catches, must not write across the screen: it is told afterwards.
fn give_back_on_panic() {
    static CHAINED: AtomicBool = AtomicBool::new(false);
    if CHAINED.swap(true, Ordering::SeqCst) {
        return;
    }
    let draws = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != draws && ENTERED.load(Ordering::SeqCst) {
            if let Ok(mut words) = LAST_WORDS.lock()
                && words.len() < MOST_WORDS
            {
                words.push(crate::text::safe_lines(&panic.to_string()).collect::<Vec<_>>().join("\n"));
            }
            return;
        }
        give_back();
        before(panic);
    }));
}
