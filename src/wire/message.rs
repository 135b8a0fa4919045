//! What goes over the socket, one JSON object a line. The log's own lines go over it as they are: they begin with
//! `{"seq":`, and a message with `{"message":`.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::Person;
use crate::feed::OutputPiece;
use crate::runbook::StepId;
use crate::session::Command;
use crate::session::telemetry::Measure;

/// The format of what goes over the socket. Another one is refused; another version of gonogo with this one is not.
pub const FORMAT: u32 = 2;
/// The longest message of a client, its LF not counted.
pub const LONGEST_ASKED: usize = 64 << 10;
/// The longest line of a server: a line of the log, or a piece of output in base64.
pub const LONGEST_TOLD: usize = (1 << 20) + (64 << 10);
/// The most bytes of a file in one message.
pub const PART_BYTES: usize = 32 << 10;

/// From a client to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToServer {
    /// The first message of every connection.
    Hello(Hello),
    /// A command; its answer carries the same `id`.
    Ask {
        id: u64,
        command: Command,
        /// The last event that the operator had seen.
        seen_seq: u64,
        /// The upload that belongs to a note.
        upload: Option<u64>,
    },
    /// A piece of a step's output.
    ReadOutput { id: u64, step: StepId, attempt: u32, offset: u64, len: u64 },
    /// A key was pressed.
    Active {},
    /// The answer to a ping.
    Pong {},
    /// A part of a file, in order; with the last one the file is whole.
    Upload {
        id: u64,
        name: String,
        #[serde(with = "base64_text")]
        part: Vec<u8>,
        last: bool,
    },
}

/// Who comes, and what for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    pub format: u32,
    pub version: String,
    /// The session that is meant; `None` takes whichever is there.
    pub session: Option<String>,
    /// The name to be known by, where the system cannot tell people apart.
    pub person: Option<String>,
    pub passphrase: Option<Passphrase>,
    /// Look on, and do nothing but pause.
    pub observe: bool,
    /// What this person stands for.
    pub roles: Vec<String>,
    pub kind: Kind,
}

impl Hello {
    /// The hello of this build, for whoever sits at it.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session: None,
            person: None,
            passphrase: None,
            observe: false,
            roles: Vec::new(),
            kind,
        }
    }
}

/// What a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody sits there: their coming and leaving is recorded.
    Cockpit,
    /// A script: its coming is recorded with the first command that it asks for.
    Ctl,
}

/// A passphrase; it is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passphrase(pub String);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// From the server to a client, beside the log's lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToClient {
    /// The answer to a hello.
    Welcome {
        format: u32,
        version: String,
        /// The engine's own binary.
        program: PathBuf,
        session: String,
        /// Who the client is in this session; the seat is a wish until the log says so.
        person: Person,
    },
    /// The client may not attach.
    Refused {
        why: String,
    },
    /// Every line and measure up to here was history; `seq` is the last line's number.
    CaughtUp {
        seq: u64,
    },
    Measure {
        measure: Measure,
    },
    /// What became of a command: carried out where there is no `refusal`.
    Answer {
        id: u64,
        refusal: Option<String>,
    },
    /// A piece of output.
    Output {
        id: u64,
        offset: u64,
        #[serde(with = "base64_text")]
        bytes: Vec<u8>,
        total: u64,
        stderr: Vec<(u64, u64)>,
    },
    /// Is anybody there?
    Ping {},
    /// The connection ends here.
    Bye {
        why: String,
    },
}

impl ToClient {
    /// A piece of output as a message.
    #[must_use]
    pub fn output(id: u64, piece: OutputPiece) -> Self {
        let OutputPiece { offset, bytes, total, stderr } = piece;
        Self::Output { id, offset, bytes, total, stderr }
    }
}

/// Bytes as base64 text.
mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
