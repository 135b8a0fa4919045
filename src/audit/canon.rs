//! Is a line of the log written exactly as we write lines, and what stands where in it? A glance along its bytes, which
//! allocates nothing, knows nearly all lines for ours. What it does not know (a fraction, an object of very many keys,
//! a line that is not ours) is left to a slow look, which also says what is wrong.

use std::borrow::Cow;

use serde_json::Value as Json;

/// A line that is written as we write them, by any build: keys in their order, compact, no key twice, numbers and
/// escapes in their one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub seq: u64,
    /// When it happened, as it is written; `None` where that is no text.
    pub at: Option<Cow<'a, str>>,
    pub up_ms: Option<u64>,
    pub kind: Cow<'a, str>,
    /// The event's JSON.
    pub event: Cow<'a, str>,
}

/// Reads a line, given without its LF, and only as it is written: a key twice, another order, a number in another form
/// are not ours. The hash is not looked at.
///
/// # Errors
/// What is wrong, as a phrase.
pub(super) fn strictly(line: &[u8]) -> Result<Fields<'_>, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    glance(text).map_or_else(|| slowly(text), Ok)
}

/// Reads all of it, writes it again, and compares.
fn slowly(text: &str) -> Result<Fields<'static>, String> {
    const KEYS: [&str; 7] = ["seq", "at", "up_ms", "by", "event", "prev", "hash"];
    let line: Json = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    // As text: a number in another form is the same value.
    let written = line.to_string();
    if written != text || !line.as_object().is_some_and(|keys| keys.keys().eq(KEYS)) {
        return Err("it is not written as a log line is".to_owned());
    }
    let owned = |text: &str| Cow::Owned(text.to_owned());
    Ok(Fields {
        seq: line["seq"].as_u64().ok_or("its number is no number")?,
        at: line["at"].as_str().map(owned),
        up_ms: line["up_ms"].as_u64(),
        kind: line["event"]["kind"].as_str().map(owned).ok_or("its event has no kind")?,
        event: Cow::Owned(line["event"].to_string()),
    })
}

/// Deeper than any event of ours goes.
const DEEPEST: usize = 32;
/// More keys than an object of ours has, but for maps that a runbook fills.
const MOST_KEYS: usize = 24;

/// What a value is, as far as anybody asks.
#[derive(Clone, Copy)]
enum Value<'a> {
    Natural(u64),
    Text(&'a str),
    Other,
}

/// Looks along a line; `None` where it is not plainly ours.
fn glance(line: &str) -> Option<Fields<'_>> {
    let mut eye = Eye { text: line, bytes: line.as_bytes(), at: 0 };
    eye.word(b"{\"seq\":")?;
    let Value::Natural(seq) = eye.value(0)? else { return None };
    eye.word(b",\"at\":")?;
    let at = match eye.value(0)? {
        Value::Text(at) => Some(at),
        _ => None,
    };
    eye.word(b",\"up_ms\":")?;
    let up_ms = match eye.value(0)? {
        Value::Natural(up_ms) => Some(up_ms),
        _ => None,
    };
    eye.word(b",\"by\":")?;
    eye.value(0)?;
    eye.word(b",\"event\":")?;
    let from = eye.at;
    let mut kind = None;
    eye.word(b"{")?;
    eye.object(0, |key, value| {
        if let ("kind", Value::Text(text)) = (key, value) {
            kind = Some(text);
        }
    })?;
    let event = &line[from..eye.at];
    eye.word(b",\"prev\":\"")?;
    eye.string()?;
    eye.word(b",\"hash\":\"")?;
    eye.string()?;
    eye.word(b"}")?;
    // An escaped text is another than it looks: nobody writes a time or a kind so.
    let plain = |text: &str| !text.contains('\\');
    let (at, kind) = (at.map(Cow::Borrowed), Cow::Borrowed(kind.filter(|kind| plain(kind))?));
    let whole = eye.at == line.len() && at.as_deref().is_none_or(plain);
    whole.then_some(Fields { seq, at, up_ms, kind, event: Cow::Borrowed(event) })
}

struct Eye<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Eye<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes over exactly these bytes.
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                return Some(Value::Text(self.string()?));
            }
            b'{' => {
                self.at += 1;
                self.object(depth, |_, _| ())?;
            }
            b'[' => {
                self.at += 1;
                self.array(depth)?;
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => return self.number(),
        }
        Some(Value::Other)
    }

    /// Behind the brace that opens it; `tell` hears of each key and its value.
    fn object(&mut self, depth: usize, mut tell: impl FnMut(&'a str, Value<'a>)) -> Option<()> {
        if self.word(b"}").is_some() {
            return Some(());
        }
        if depth == DEEPEST {
            return None;
        }
        let mut keys = [""; MOST_KEYS];
        for count in 0..MOST_KEYS {
            self.word(b"\"")?;
            // Escaped in its one form, a key is the same text wherever it stands.
            let key = self.string()?;
            if keys[..count].contains(&key) {
                return None;
            }
            keys[count] = key;
            self.word(b":")?;
            tell(key, self.value(depth + 1)?);
            if self.word(b",").is_none() {
                return self.word(b"}");
            }
        }
        None
    }

    /// Behind the bracket that opens it.
    fn array(&mut self, depth: usize) -> Option<()> {
        if self.word(b"]").is_some() {
            return Some(());
        }
        if depth == DEEPEST {
            return None;
        }
        loop {
            self.value(depth + 1)?;
            if self.word(b",").is_none() {
                return self.word(b"]");
            }
        }
    }

    /// Behind the quote that opens it; returns what is between the quotes, as it stands there.
    fn string(&mut self) -> Option<&'a str> {
        let from = self.at;
        loop {
            let rest = &self.bytes[self.at..];
            self.at += rest.iter().position(|byte| STOPS[usize::from(*byte)])?;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some(&self.text[from..self.at - 1]);
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    /// An escape in the one form in which it is written.
    fn escape(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at + 1..];
        self.at += match rest.first()? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let code = rest.get(1..5)?.strip_prefix(b"00")?;
                let short = [&b"08"[..], b"09", b"0a", b"0c", b"0d"];
                let control = matches!(code, [b'0' | b'1', b'0'..=b'9' | b'a'..=b'f']);
                if !control || short.contains(&code) {
                    return None;
                }
                6
            }
            _ => return None,
        };
        Some(())
    }

    /// A whole number that every reader of JSON keeps as it is.
    fn number(&mut self) -> Option<Value<'a>> {
        let negative = self.word(b"-").is_some();
        let from = self.at;
        let mut number: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            self.at += 1;
        }
        let digits = self.at - from;
        let padded = digits > 1 && self.bytes[from] == b'0';
        let fraction = matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        if digits == 0 || padded || fraction || negative && (number == 0 || number > i64::MAX as u64) {
            return None;
        }
        Some(if negative { Value::Other } else { Value::Natural(number) })
    }
}

/// The bytes at which a string ends, or is written otherwise than it reads.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

#[cfg(test)]
mod tests;
