//! Untrusted bytes → displayable text. Everything that others wrote (output, bodies, runbooks, names, notes) comes
//! through here before it reaches a terminal: what could move a cursor, reverse a line or hide itself is made visible,
//! never dropped. Matchers use [`decode`] and [`plain`]; screens and printers use [`safe`], [`safe_line`] and [`fit`].

mod json;

pub use json::visible_json;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns from one tab stop to the next.
const TAB_STOP: usize = 8;

/// How many marks of no width one character may carry; more are a flood and are shown as escapes.
const MAX_MARKS: usize = 8;

/// Text out of bytes, by their byte-order mark (UTF-8, UTF-16LE, UTF-16BE; UTF-8 without one). CRLF becomes LF. What is
/// not valid stays visible: a byte as `\xff`, a lone surrogate as `\u{d800}`.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(decode_utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(decode_utf16(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => decode_utf8(rest),
        _ => decode_utf8(bytes),
    };
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { text }
}

fn decode_utf8(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        push_bytes(&mut out, chunk.invalid());
    }
    Cow::Owned(out)
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut out = String::with_capacity(pairs.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(c) => out.push(c),
            Err(lone) => {
                let _ = write!(out, "\\u{{{:x}}}", lone.unpaired_surrogate());
            }
        }
    }
    push_bytes(&mut out, odd);
    out
}

fn push_bytes(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// The text without terminal escape sequences (CSI, OSC, DCS and their kin, in 7-bit and C1 form), for matching. A
/// sequence that is not whole by the end of its line loses its introducer only, so that it cannot swallow what follows.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_introducer) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(introducer) = rest.chars().next() {
        let after = &rest[introducer.len_utf8()..];
        rest = &after[sequence_len(introducer, after)..];
        let next = rest.find(is_introducer).unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(out)
}

fn is_introducer(c: char) -> bool {
    matches!(c, '\u{1b}' | '\u{90}' | '\u{98}' | '\u{9b}'..='\u{9f}')
}

/// How many bytes of `after` belong to the sequence that `introducer` opens; 0 where it is not whole.
fn sequence_len(introducer: char, after: &str) -> usize {
    let bytes = after.as_bytes();
    match introducer {
        '\u{1b}' => match bytes.first() {
            Some(b'[') => control_sequence_len(&bytes[1..]).map_or(0, |n| n + 1),
            Some(b']' | b'P' | b'X' | b'^' | b'_') => string_len(&bytes[1..]).map_or(0, |n| n + 1),
            _ => {
                let between = run(bytes, 0x20..=0x2f);
                if matches!(bytes.get(between), Some(0x30..=0x7e)) { between + 1 } else { 0 }
            }
        },
        '\u{9b}' => control_sequence_len(bytes).unwrap_or(0),
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => string_len(bytes).unwrap_or(0),
        _ => 0,
    }
}

fn control_sequence_len(bytes: &[u8]) -> Option<usize> {
    let parameters = run(bytes, 0x30..=0x3f);
    let end = parameters + run(&bytes[parameters..], 0x20..=0x2f);
    matches!(bytes.get(end), Some(0x40..=0x7e)).then_some(end + 1)
}

fn run(bytes: &[u8], of: std::ops::RangeInclusive<u8>) -> usize {
    bytes.iter().take_while(|byte| of.contains(byte)).count()
}

/// A control string up to and with its end: BEL, ESC `\`, or the C1 terminator (U+009C, in bytes c2 9c). Another
/// introducer before that means that it has no end.
fn string_len(bytes: &[u8]) -> Option<usize> {
    for (at, byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1);
        match (byte, next) {
            (0x07, _) => return Some(at + 1),
            (0x1b, Some(b'\\')) | (0xc2, Some(0x9c)) => return Some(at + 2),
            (b'\n' | 0x1b, _) | (0xc2, Some(0x90 | 0x98 | 0x9b | 0x9d..=0x9f)) => return None,
            _ => {}
        }
    }
    None
}

/// The text fit for one line of a terminal: whatever is not displayable becomes `^[`, `^J`, `^I` or `<U+202E>`.
/// Idempotent, linear, and free for clean ASCII.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

/// Like [`safe`], with tabs as spaces up to the next stop: one line of output.
#[must_use]
pub fn safe_line(text: &str) -> Cow<'_, str> {
    escape(text, true)
}

/// Every line of a text, each through [`safe_line`]; LF and CRLF end a line.
pub fn safe_lines(text: &str) -> impl DoubleEndedIterator<Item = Cow<'_, str>> {
    text.lines().map(safe_line)
}

fn escape(text: &str, expand_tabs: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut copied = 0;
    // The marks that the character before carries; none may stand without a character to stand on.
    let mut marks = MAX_MARKS;
    let mut before = None;
    // Where the line stands for the next tab stop: text before `measured` takes `column` columns.
    let (mut column, mut measured) = (0, 0);
    for (at, c) in text.char_indices() {
        let shown_as_is = match c {
            ' '..='~' => {
                marks = 0;
                true
            }
            _ if !is_allowed(c) => {
                marks = MAX_MARKS;
                false
            }
            '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|b: char| !b.is_ascii() && b.width() > Some(0)),
            _ if c.width() == Some(0) => {
                marks += 1;
                marks <= MAX_MARKS
            }
            _ => {
                marks = 0;
                true
            }
        };
        before = shown_as_is.then_some(c);
        if shown_as_is {
            continue;
        }
        out.push_str(&text[copied..at]);
        copied = at + c.len_utf8();
        if c == '\t' && expand_tabs {
            column += width(&out[measured..]);
            let spaces = TAB_STOP - column % TAB_STOP;
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
            measured = out.len();
            marks = 0;
            before = Some(' ');
        } else {
            push_escape(&mut out, c);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn push_escape(out: &mut String, c: char) {
    match c {
        '\0'..='\x1f' => out.extend(['^', char::from(c as u8 + b'@')]),
        '\x7f' => out.push_str("^?"),
        _ => {
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
    }
}

/// Whether a character may ever stand in a cell of the screen: it moves nothing, reverses nothing and hides nothing.
#[must_use]
pub fn is_allowed(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        _ => !is_invisible(c) && !is_private(c),
    }
}

/// What draws nothing of its own, or changes how its neighbours are drawn: bidi controls, zero-width and default-ignorable
/// characters, fillers, tags, line and paragraph separators. The two common variation selectors (text, emoji) are not
/// here: one of them behind a symbol is ordinary text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Private use and noncharacters: every terminal may draw something else for them.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// How many columns displayable text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// Displayable text in at most `cols` columns, with `…` where something was cut; a grapheme is never split.
#[must_use]
pub fn fit(text: &str, cols: usize) -> Cow<'_, str> {
    if text.len() <= cols && text.is_ascii() {
        return Cow::Borrowed(text);
    }
    // Where to cut if it comes to that: one column is the ellipsis's.
    let mut cut = 0;
    let mut columns = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        columns += grapheme.width();
        if columns > cols {
            return if cols == 0 { Cow::Borrowed("") } else { Cow::Owned(format!("{}…", &text[..cut])) };
        }
        if columns < cols {
            cut = at + grapheme.len();
        }
    }
    Cow::Borrowed(text)
}

/// At most `most` bytes of a text, its beginning, with a word on how much was cut; no character is split.
#[must_use]
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    // The word itself is to fit too; where there is no room for it, it alone says that something is missing.
    let kept = text.floor_char_boundary(most.saturating_sub(CUT_WORD));
    Cow::Owned(format!("{}… ({} bytes more)", &text[..kept], text.len() - kept))
}

/// The longest word on what was cut.
const CUT_WORD: usize = "… (18446744073709551615 bytes more)".len();

#[cfg(test)]
mod tests;
