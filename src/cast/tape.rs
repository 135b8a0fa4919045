//! The file that a terminal's players read: asciicast, version 2. A line of JSON about the whole, then a line for each
//! thing that happens, with its time in seconds.

use std::io::{self, Write};

use serde::Serialize;

/// The first line.
#[derive(Debug, Clone, Serialize)]
pub struct Head {
    pub width: u16,
    pub height: u16,
    /// When it was recorded, in seconds since 1970.
    pub timestamp: i64,
    pub title: String,
}

#[derive(Serialize)]
struct Versioned<'a> {
    version: u8,
    #[serde(flatten)]
    head: &'a Head,
    env: Env,
}

#[derive(Serialize)]
struct Env {
    #[serde(rename = "TERM")]
    term: &'static str,
}

/// Writes the file, line by line.
#[derive(Debug)]
pub struct Tape<W> {
    to: W,
}

impl<W: Write> Tape<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(mut to: W, head: &Head) -> io::Result<Self> {
        let head = Versioned { version: 2, head, env: Env { term: "xterm-256color" } };
        serde_json::to_writer(&mut to, &head)?;
        to.write_all(b"\n")?;
        Ok(Self { to })
    }

    /// What the terminal is told.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn output(&mut self, t_ms: u64, bytes: &str) -> io::Result<()> {
        self.line(t_ms, "o", bytes)
    }

    /// A mark that a player can go to.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn mark(&mut self, t_ms: u64, label: &str) -> io::Result<()> {
        self.line(t_ms, "m", label)
    }

    fn line(&mut self, t_ms: u64, code: &str, data: &str) -> io::Result<()> {
        write!(self.to, "[{}.{:03}, \"{code}\", ", t_ms / 1000, t_ms % 1000)?;
        serde_json::to_writer(&mut self.to, data)?;
        self.to.write_all(b"]\n")
    }

    /// Gives back what was written to.
    ///
    /// # Errors
    /// The last of it cannot be written.
    pub fn end(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_json_and_bears_its_time_and_its_kind() {
        let head = Head { width: 80, height: 24, timestamp: 7, title: "a \"b\"".to_owned() };
        let mut tape = Tape::begin(Vec::new(), &head).unwrap();
        tape.output(1_007, "\x1b[1mGO\n").unwrap();
        tape.mark(61_500, "Stage one").unwrap();
        let written = String::from_utf8(tape.end().unwrap()).unwrap();
        assert_eq!(
            written,
            concat!(
                r#"{"version":2,"width":80,"height":24,"timestamp":7,"title":"a \"b\"","env":{"TERM":"xterm-256color"}}"#,
                "\n",
                r#"[1.007, "o", "\u001b[1mGO\n"]"#,
                "\n",
                r#"[61.500, "m", "Stage one"]"#,
                "\n"
            )
        );
    }
}
