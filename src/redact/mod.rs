//! Secrets never reach a disk or a screen: every form of a secret value that a program is likely to print
//! ([`forms`]) is masked as `******`, in text and in a stream of chunks, wherever the chunks are cut.

mod forms;

use std::sync::Arc;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, MatchKind};

/// What stands where a secret was.
pub const MASK: &str = "******";

/// The shortest value, in characters, that is accepted as a secret: anything shorter would mask half of the
/// output and be guessed from the rest.
pub const MIN_LEN: usize = 6;

/// A secret whose value is too short to be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the value of secret `{name}` has {len} characters: a secret needs at least {MIN_LEN}, else masking it would spoil the output; use a longer value, or a var if it is not secret"
)]
pub struct TooShort {
    /// The secret's name in the runbook; never its value.
    pub name: String,
    /// Characters in the value.
    pub len: usize,
}

/// Knows every form of the session's secrets. Cheap to clone.
#[derive(Clone, Default)]
pub struct Redactor {
    forms: Option<Arc<Forms>>,
}

struct Forms {
    finder: AhoCorasick,
    /// Sorted, so that "is this tail the beginning of a form?" is a binary search.
    sorted: Vec<Vec<u8>>,
    /// The bytes that a form begins with.
    first: [bool; 256],
    longest: usize,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.as_ref().map_or(0, |forms| forms.sorted.len()))
    }
}

impl Redactor {
    /// A redactor for these `(name, value)` pairs. A value's trailing line ends do not count.
    ///
    /// # Errors
    /// [`TooShort`] names the first secret whose value has fewer than [`MIN_LEN`] characters.
    pub fn new<N, V>(secrets: impl IntoIterator<Item = (N, V)>) -> Result<Self, TooShort>
    where
        N: Into<String>,
        V: AsRef<[u8]>,
    {
        let mut sorted = Vec::new();
        for (name, value) in secrets {
            let value = forms::trim_line_end(value.as_ref());
            let len = String::from_utf8_lossy(value).chars().count();
            if len < MIN_LEN {
                return Err(TooShort { name: name.into(), len });
            }
            forms::of(value, &mut sorted);
        }
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.is_empty() {
            return Ok(Self::default());
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&sorted)
            .expect("a few kilobytes of forms are within the automaton's limits");
        let mut first = [false; 256];
        for form in &sorted {
            first[usize::from(form[0])] = true;
        }
        let longest = sorted.iter().map(Vec::len).max().unwrap_or(0);
        Ok(Self { forms: Some(Arc::new(Forms { finder, sorted, first, longest })) })
    }

    /// Whether there is nothing to mask: then a stream is a plain copy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_none()
    }

    /// Where the first secret in these bytes begins, in whatever form.
    #[must_use]
    pub fn first_in(&self, bytes: &[u8]) -> Option<usize> {
        self.forms.as_ref()?.finder.find(bytes).map(|found| found.start())
    }

    /// Returns the text with every secret masked.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes())).into_owned()
    }

    /// Returns the bytes with every secret masked.
    #[must_use]
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut stream = self.stream();
        stream.feed(bytes, &mut out);
        stream.finish(&mut out);
        out
    }

    /// Masks every text in a JSON value, names excepted.
    pub fn redact_json(&self, value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::String(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.redact_json(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A new stream: feed it chunks in order, then finish it.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream { forms: self.forms.clone(), held: Vec::new(), covered: 0, masked: 0 }
    }
}

/// Masks one stream of bytes, chunk by chunk. Bytes that may be the beginning of a secret wait for the next
/// chunk; everything else passes at once. What is masked does not depend on where the chunks are cut.
pub struct Stream {
    forms: Option<Arc<Forms>>,
    /// The tail of what was fed that may be the beginning of a form; shorter than the longest one.
    held: Vec<u8>,
    /// How many bytes of `held`, from its start, belong to a mask that is written already.
    covered: usize,
    masked: u64,
}

impl Stream {
    /// Masks `chunk` and appends to `out` what is certain.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Some(forms) = self.forms.clone() else {
            out.extend_from_slice(chunk);
            return;
        };
        if self.held.is_empty() {
            let cut = forms.certain(chunk);
            self.pass(&forms, chunk, cut, out);
            self.held.extend_from_slice(&chunk[cut..]);
        } else {
            let mut bytes = std::mem::take(&mut self.held);
            bytes.extend_from_slice(chunk);
            let cut = forms.certain(&bytes);
            self.pass(&forms, &bytes, cut, out);
            bytes.drain(..cut);
            self.held = bytes;
        }
    }

    /// Ends the stream: what was held back can grow no longer, and is masked and appended to `out` as it is.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(forms) = self.forms.clone() {
            let bytes = std::mem::take(&mut self.held);
            self.pass(&forms, &bytes, bytes.len(), out);
        }
    }

    /// How many masks this stream has written.
    #[must_use]
    pub fn masked(&self) -> u64 {
        self.masked
    }

    /// Writes `bytes[..cut]` with its masks. A mask that reaches over `cut` is written now; its rest is
    /// remembered in `covered`. What begins behind `cut` waits. Matches that overlap are one mask.
    fn pass(&mut self, forms: &Forms, bytes: &[u8], cut: usize, out: &mut Vec<u8>) {
        // Invariant: everything before `done` is written, or covered by a written mask.
        let mut done = self.covered;
        let mut found = forms.matches(bytes);
        found.sort_unstable();
        for (start, end) in found.into_iter().filter(|(start, _)| *start < cut) {
            if start >= done {
                out.extend_from_slice(&bytes[done..start]);
                out.extend_from_slice(MASK.as_bytes());
                self.masked += 1;
            }
            done = done.max(end);
        }
        if done < cut {
            out.extend_from_slice(&bytes[done..cut]);
        }
        self.covered = done.saturating_sub(cut);
    }
}

impl Forms {
    /// Every place where a form stands, overlapping ones too, as `(start, end)`.
    fn matches(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut state = OverlappingState::start();
        loop {
            self.finder.find_overlapping(bytes, &mut state);
            match state.get_match() {
                Some(hit) => found.push((hit.start(), hit.end())),
                None => return found,
            }
        }
    }

    /// The length of the part of `bytes` that no later byte can make the beginning of a secret.
    fn certain(&self, bytes: &[u8]) -> usize {
        let tail = bytes.len().saturating_sub(self.longest - 1);
        (tail..bytes.len())
            .find(|&at| self.first[usize::from(bytes[at])] && self.begins_a_form(&bytes[at..]))
            .unwrap_or(bytes.len())
    }

    fn begins_a_form(&self, tail: &[u8]) -> bool {
        let next = self.sorted.partition_point(|form| form.as_slice() <= tail);
        self.sorted.get(next).is_some_and(|form| form.starts_with(tail))
    }
}

#[cfg(test)]
mod tests;
