//! The judgements that a log can get, and what somebody may hold against it.

use std::fmt;

/// What somebody kept of a log: event `seq` had a hash that begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    pub seq: u64,
    /// At least 8 hex digits.
    pub hash: String,
}

impl std::str::FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no anchor: it is SEQ:HASH, with at least 8 hex digits, as in 17:9f3ca1b2")
        };
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or_else(wrong)?;
        let digits = (8..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits {
            return Err(wrong());
        }
        Ok(Self { seq, hash: hash.to_ascii_lowercase() })
    }
}

/// One judgement of a log; the highest code counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    /// No closing event.
    Unfinished,
    /// Bytes after the last LF.
    TornTail {
        bytes: u64,
    },
    /// Line from 1, byte from 0.
    Broken {
        line: u64,
        byte: u64,
        why: String,
    },
    /// The log ends before an anchor.
    Truncated {
        anchor: u64,
        last: u64,
    },
    /// Another event stands where an anchor was.
    Rewritten {
        anchor: u64,
    },
    /// There is an anchor and no log.
    Missing,
    /// A seal was asked for, and there is none.
    NotSealed,
    /// Somebody sealed it whose key is not among those that were expected.
    UnknownSigner {
        seal: String,
        /// The key's fingerprint.
        key: String,
    },
    /// A seal that proves nothing.
    BadSeal {
        seal: String,
        why: String,
    },
    /// An output, evidence or telemetry file is not what the log says of it.
    OutputChanged {
        path: String,
        why: String,
    },
}

impl Verdict {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Clean | Self::Unfinished => 0,
            Self::TornTail { .. } => 5,
            Self::Broken { .. } => 6,
            Self::Truncated { .. }
            | Self::Rewritten { .. }
            | Self::Missing
            | Self::NotSealed
            | Self::UnknownSigner { .. }
            | Self::BadSeal { .. } => 7,
            Self::OutputChanged { .. } => 8,
        }
    }

    /// Its name.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Clean => "CLEAN",
            Self::Unfinished => "CLEAN UNFINISHED",
            Self::TornTail { .. } => "TORN TAIL",
            Self::Broken { .. } => "BROKEN",
            Self::Truncated { .. } => "TRUNCATED",
            Self::Rewritten { .. } => "REWRITTEN",
            Self::Missing => "MISSING",
            Self::NotSealed => "NOT SEALED",
            Self::UnknownSigner { .. } => "UNKNOWN SIGNER",
            Self::BadSeal { .. } => "BAD SEAL",
            Self::OutputChanged { .. } => "OUTPUT CHANGED",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Clean => Ok(()),
            Self::Unfinished => f.write_str(": the session was not closed"),
            Self::TornTail { bytes } => write!(f, ": {bytes} bytes after the last whole line"),
            Self::Broken { line, byte, why } => write!(f, ": line {line}, byte {byte}: {why}"),
            Self::Truncated { anchor, last } => {
                write!(f, ": it ends at event {last}, and event {anchor} was seen once")
            }
            Self::Rewritten { anchor } => write!(f, ": event {anchor} is not the one that was seen once"),
            Self::Missing => f.write_str(": there is no log"),
            Self::NotSealed => f.write_str(": signers were given, and nobody sealed it"),
            Self::UnknownSigner { seal, key } => {
                write!(f, ": {seal} was made with {key}, which is no allowed signer's")
            }
            Self::BadSeal { seal, why } => write!(f, ": {seal}: {why}"),
            Self::OutputChanged { path, why } => write!(f, ": {path}: {why}"),
        }
    }
}
