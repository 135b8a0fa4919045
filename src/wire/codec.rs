//! Lines off a socket, bounded, and messages out of lines. Whatever comes, it is a message or a sentence that says why
//! it is none.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use super::message::ToServer;

/// How much is read from a socket at once.
const READ_BYTES: usize = 64 << 10;

/// What begins a line of the log.
pub const LOG_LINE: &[u8] = b"{\"seq\":";

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    #[error("the connection ended within a message")]
    CutOff,
    #[error("this is no message: {0}")]
    Garbage(String),
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
}

/// Reads lines of a bounded length. What was read of a line is kept when a call is cancelled.
#[derive(Debug)]
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// `line` was handed out and is to be forgotten.
    taken: bool,
    longest: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads lines of at most `longest` bytes, their LF not counted.
    pub fn new(reader: R, longest: usize) -> Self {
        let reader = BufReader::with_capacity(READ_BYTES, reader);
        Self { reader, line: Vec::new(), taken: false, longest }
    }

    /// The next line without its LF; `None` at the end.
    ///
    /// # Errors
    /// It is too long, cut off, or cannot be read.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, CodecError> {
        if std::mem::take(&mut self.taken) {
            self.line.clear();
            // A runbook comes once, and is long.
            self.line.shrink_to(READ_BYTES);
        }
        loop {
            let piece = self.reader.fill_buf().await?;
            if piece.is_empty() {
                return if self.line.is_empty() { Ok(None) } else { Err(CodecError::CutOff) };
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(piece.len());
            if self.line.len() + taken > self.longest {
                return Err(CodecError::TooLong(self.longest));
            }
            self.line.extend_from_slice(&piece[..taken]);
            self.reader.consume(end.map_or(taken, |end| end + 1));
            if end.is_some() {
                self.taken = true;
                return Ok(Some(&self.line));
            }
        }
    }
}

/// A message as a line with its LF, appended to `out`.
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, message).expect("messages have text keys, and memory takes every byte");
    out.push(b'\n');
}

/// Reads a message.
///
/// # Errors
/// It is none.
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, CodecError> {
    serde_json::from_slice(line).map_err(|e| CodecError::Garbage(e.to_string()))
}

/// Reads a client's message. A name in it that means nothing here is an error, however deep it stands: whoever sent
/// it meant something by it.
///
/// # Errors
/// It is none.
pub fn decode_strictly(line: &[u8]) -> Result<ToServer, CodecError> {
    let message: ToServer = decode(line)?;
    let said: Value = decode(line)?;
    let heard = serde_json::to_value(&message).map_err(|e| CodecError::Garbage(e.to_string()))?;
    match unheard(&said, &heard) {
        None => Ok(message),
        Some(name) => Err(CodecError::Garbage(format!("unknown field `{name}`"))),
    }
}

/// A name in `said` that is not in `heard`.
fn unheard<'a>(said: &'a Value, heard: &Value) -> Option<&'a str> {
    match (said, heard) {
        (Value::Object(said), Value::Object(heard)) => said.iter().find_map(|(name, value)| {
            heard.get(name).map_or(Some(name.as_str()), |heard| unheard(value, heard))
        }),
        (Value::Array(said), Value::Array(heard)) => {
            said.iter().zip(heard).find_map(|(said, heard)| unheard(said, heard))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::Command;
    use crate::wire::message::{Hello, Kind, LONGEST_ASKED};

    async fn all(bytes: &[u8], longest: usize) -> Result<Vec<Vec<u8>>, CodecError> {
        let mut lines = Lines::new(bytes, longest);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await? {
            found.push(line.to_vec());
        }
        Ok(found)
    }

    #[tokio::test]
    async fn lines_come_whole_however_they_arrive() {
        let (mut write, read) = tokio::io::duplex(1);
        let mut lines = Lines::new(read, 10);
        let writing = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            for byte in b"one\n\ntwo\n" {
                write.write_all(&[*byte]).await.expect("taken");
                tokio::task::yield_now().await;
            }
        });
        for wanted in [&b"one"[..], b"", b"two"] {
            // A reader that is interrupted loses nothing.
            loop {
                let soon = tokio::time::timeout(std::time::Duration::from_micros(1), lines.next()).await;
                if let Ok(line) = soon {
                    assert_eq!(line.expect("a line"), Some(wanted));
                    break;
                }
            }
        }
        assert!(lines.next().await.expect("an end").is_none());
        writing.await.expect("written");
    }

    #[tokio::test]
    async fn a_line_too_long_and_a_line_cut_off_are_errors() {
        assert_eq!(all(b"12345\n1\n", 5).await.expect("short").len(), 2);
        assert!(matches!(all(b"123456\n", 5).await, Err(CodecError::TooLong(5))));
        assert!(matches!(all(&[b'x'; 1 << 20], LONGEST_ASKED).await, Err(CodecError::TooLong(_))));
        assert!(matches!(all(b"12\n34", 5).await, Err(CodecError::CutOff)));
    }

    #[test]
    fn a_message_is_read_back_and_a_stranger_in_it_is_refused() {
        let ask = ToServer::Ask { id: 3, command: Command::Pause, seen_seq: 9, upload: None };
        let mut line = Vec::new();
        encode(&ask, &mut line);
        assert_eq!(decode_strictly(&line).expect("a message"), ask);
        for stranger in [
            r#"{"message":"ask","id":1,"seen_seq":1,"command":{"command":"pause","to":"x"}}"#,
            r#"{"message":"ask","id":1,"seen_seq":1,"command":{"command":"pause"},"seat":"driver"}"#,
            r#"{"message":"pong","x":1}"#,
            r#"{"message":"reboot"}"#,
            r#"{"message":"ask","id":-1,"seen_seq":1,"command":{"command":"pause"}}"#,
            r#"{"id":1}"#,
            "[]",
            "",
        ] {
            assert!(decode_strictly(stranger.as_bytes()).is_err(), "{stranger}");
        }
        assert!(decode_strictly("[".repeat(60_000).as_bytes()).is_err());
    }

    #[test]
    fn a_passphrase_is_not_printed() {
        let mut hello = Hello::new(Kind::Cockpit);
        hello.passphrase = Some(crate::wire::message::Passphrase("open sesame".to_owned()));
        assert!(!format!("{:?}", ToServer::Hello(hello)).contains("sesame"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode_strictly(&bytes);
            let _ = decode::<crate::wire::message::ToClient>(&bytes);
        }

        #[test]
        fn no_change_of_a_message_makes_it_panic(at in 0_usize..80, byte: u8) {
            let mut line = Vec::new();
            encode(&ToServer::Ask { id: 3, command: Command::Pause, seen_seq: 9, upload: None }, &mut line);
            if let Some(place) = line.get_mut(at) {
                *place = byte;
            }
            let _ = decode_strictly(&line);
        }
    }
}
