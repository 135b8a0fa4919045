//! Lines that go on below themselves.

use unicode_segmentation::UnicodeSegmentation;

use super::{LINE, Line};
use crate::text;

impl Line<'_> {
    /// What is shown of it.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = &self.bytes[self.last_written()..];
        let decoded = String::from_utf8_lossy(&bytes[..bytes.len().min(LINE)]);
        text::safe_line(&decoded).into_owned()
    }

    /// Where what was written last begins: behind a carriage return a terminal shows the line anew, and a progress bar is
    /// read so. The return itself stays in sight, to say that there is more in the file.
    fn last_written(&self) -> usize {
        let written = self.bytes.trim_ascii_end();
        written.iter().rposition(|byte| *byte == b'\r').unwrap_or(0)
    }

    /// How many rows it takes where it goes on below itself after so many columns.
    pub(super) fn height(&self, cols: usize) -> usize {
        wrapped(&self.text(), cols).count()
    }
}

/// A text in parts that are at most `cols` columns wide; one, empty, where there is none.
pub fn wrapped(text: &str, cols: usize) -> impl Iterator<Item = &str> {
    let cols = cols.max(2);
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut width = 0;
        let cut = text.grapheme_indices(true).find_map(|(at, grapheme)| {
            width += text::width(grapheme);
            (width > cols).then_some(at)
        });
        let (part, after) = text.split_at(cut.unwrap_or(text.len()));
        rest = cut.map(|_| after);
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_below_itself_and_no_wide_letter_is_cut() {
        let parts = |text, cols| wrapped(text, cols).collect::<Vec<_>>();
        assert_eq!(parts("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(parts("abcdef", 3), ["abc", "def"]);
        assert_eq!(parts("a漢字b", 3), ["a漢", "字b"]);
        assert_eq!(parts("", 3), [""]);
        assert_eq!(parts("漢字", 0), ["漢", "字"]);
    }
}
