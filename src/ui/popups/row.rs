//! A line of a dialog before it has a width: what it says, how it is meant, how it wraps. All text of a dialog goes
//! through here, and so through [`text::safe`].

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::text;
use crate::ui::theme::{Mark, Theme};

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Dim,
    Title,
    Key,
    Marked(Mark),
    PointOfNoReturn,
}

/// Where a line may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrap {
    Words,
    /// Anywhere: what is shown is exact, blanks included.
    Exact,
}

/// One logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    indent: usize,
    mark: Option<Mark>,
    pieces: Vec<(Tone, String)>,
    wrap: Wrap,
}

impl Row {
    /// Prose.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self::toned(Tone::Plain, text)
    }

    /// Prose in one tone.
    pub fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        let pieces = vec![(tone, text::safe(text.as_ref()).into_owned())];
        Self { indent: 0, mark: None, pieces, wrap: Wrap::Words }
    }

    /// A heading.
    pub fn title(text: impl AsRef<str>) -> Self {
        Self::toned(Tone::Title, text)
    }

    /// What is said in passing.
    pub fn dim(text: impl AsRef<str>) -> Self {
        Self::toned(Tone::Dim, text)
    }

    /// A state's glyph and what it is about; the text itself keeps the plain tone.
    pub fn mark(mark: Mark, text: impl AsRef<str>) -> Self {
        Self { mark: Some(mark), ..Self::new(text) }
    }

    /// An empty line.
    pub fn blank() -> Self {
        Self::new("")
    }

    /// Text that must be read to the letter, a row for each of its lines: nothing is trimmed or left out.
    pub fn exact(tone: Tone, text: &str) -> impl Iterator<Item = Self> {
        text.split('\n').map(move |line| Self { wrap: Wrap::Exact, ..Self::toned(tone, line) })
    }

    /// The row with `text` behind it.
    #[must_use]
    pub fn and(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.pieces.push((tone, text::safe(text.as_ref()).into_owned()));
        self
    }

    /// The row moved to the right.
    #[must_use]
    pub fn indent(mut self, columns: usize) -> Self {
        self.indent += columns;
        self
    }

    /// The row as lines of at most `width` columns; what is wrapped hangs under the text.
    pub fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let glyph = self.mark.map(|mark| (theme.mark(mark), theme.glyph(mark)));
        let hang = self.indent + glyph.map_or(0, |(_, g)| text::width(g) + 1);
        // a very narrow dialog drops the indentation rather than the text
        let hang = if hang + 8 > width { 0 } else { hang };
        let mut lines = Vec::new();
        for (n, pieces) in self.broken(width.saturating_sub(hang).max(1)).into_iter().enumerate() {
            let mut spans = Vec::with_capacity(pieces.len() + 2);
            match glyph {
                Some((style, glyph)) if n == 0 && hang > 0 => {
                    spans.push(Span::raw(" ".repeat(self.indent)));
                    spans.push(Span::styled(format!("{glyph} "), style));
                }
                _ => spans.push(Span::raw(" ".repeat(hang))),
            }
            spans.extend(pieces.into_iter().map(|(tone, text)| Span::styled(text, style(theme, tone))));
            lines.push(Line::from(spans));
        }
        lines
    }

    fn broken(&self, width: usize) -> Vec<Vec<(Tone, String)>> {
        let mut out = Broken { lines: vec![Vec::new()], used: 0, width };
        for (tone, text) in &self.pieces {
            match self.wrap {
                Wrap::Exact => text.graphemes(true).for_each(|g| out.push(*tone, g)),
                Wrap::Words => {
                    for word in text.split_inclusive(' ') {
                        let wanted = text::width(word.trim_end_matches(' '));
                        if out.used > 0 && out.used + wanted > width {
                            out.turn();
                        }
                        for g in word.graphemes(true) {
                            // a blank at the right edge would open a line of its own
                            if g != " " || out.used < width {
                                out.push(*tone, g);
                            }
                        }
                    }
                }
            }
        }
        out.lines
    }
}

struct Broken {
    lines: Vec<Vec<(Tone, String)>>,
    used: usize,
    width: usize,
}

impl Broken {
    fn turn(&mut self) {
        self.lines.push(Vec::new());
        self.used = 0;
    }

    fn push(&mut self, tone: Tone, grapheme: &str) {
        let columns = text::width(grapheme);
        if self.used > 0 && self.used + columns > self.width {
            self.turn();
        }
        self.used += columns;
        let line = self.lines.last_mut().expect("there is always a line");
        match line.last_mut() {
            Some((last, text)) if *last == tone => text.push_str(grapheme),
            _ => line.push((tone, grapheme.to_owned())),
        }
    }
}

fn style(theme: &Theme, tone: Tone) -> Style {
    match tone {
        Tone::Plain => theme.text,
        Tone::Dim => theme.dim,
        Tone::Title => theme.title,
        Tone::Key => theme.key,
        Tone::Marked(mark) => theme.mark(mark),
        Tone::PointOfNoReturn => theme.point_of_no_return,
    }
}

/// Rows one under the other, or two columns of them where there is room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    Rows(Vec<Row>),
    Pair(Vec<Row>, Vec<Row>),
}

/// From this width on a pair stands side by side.
const SIDE_BY_SIDE: usize = 96;

impl Text {
    /// The text as lines of at most `width` columns.
    pub fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let all = |rows: &[Row], width| rows.iter().flat_map(|r| r.lines(width, theme)).collect::<Vec<_>>();
        match self {
            Self::Rows(rows) => all(rows, width),
            Self::Pair(left, right) if width < SIDE_BY_SIDE => {
                let mut lines = all(left, width);
                lines.push(Line::default());
                lines.extend(all(right, width));
                lines
            }
            Self::Pair(left, right) => {
                let half = (width - 2) / 2;
                let (left, right) = (all(left, half), all(right, width - 2 - half));
                let rows = left.len().max(right.len());
                let (mut left, mut right) = (left.into_iter(), right.into_iter());
                (0..rows)
                    .map(|_| {
                        let mut line = left.next().unwrap_or_default();
                        let gap =
                            half + 2 - line.spans.iter().map(|s| text::width(&s.content)).sum::<usize>();
                        line.spans.push(Span::raw(" ".repeat(gap)));
                        line.spans.extend(right.next().unwrap_or_default().spans);
                        line
                    })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(row: &Row, width: usize) -> Vec<String> {
        row.lines(width, &Theme::mono()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn prose_breaks_between_words_and_hangs_under_its_mark() {
        assert_eq!(
            shown(&Row::mark(Mark::Ok, "stage 4 has finished").indent(1), 14),
            [" ✓ stage 4 has", "   finished"]
        );
        assert_eq!(shown(&Row::new("abcdefghijkl"), 5), ["abcde", "fghij", "kl"]);
        assert_eq!(shown(&Row::blank(), 5), [""]);
    }

    #[test]
    fn a_command_keeps_every_blank_and_shows_what_hides() {
        let rows: Vec<Row> = Row::exact(Tone::Plain, "rm  -rf \u{202e}x\n  next").collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(shown(&rows[0], 10).concat(), "rm  -rf <U+202E>x");
        assert_eq!(shown(&rows[1], 10), ["  next"]);
    }

    #[test]
    fn wide_characters_never_leave_the_width() {
        for width in 1..12 {
            for line in shown(&Row::new("漢字 and 漢字漢字漢字 é").indent(2), width) {
                assert!(text::width(&line) <= width.max(2), "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn a_pair_stands_side_by_side_where_there_is_room() {
        let pair = Text::Pair(vec![Row::new("left")], vec![Row::new("right"), Row::new("more")]);
        let wide = pair.lines(100, &Theme::mono());
        assert_eq!(wide.len(), 2);
        assert!(wide[0].to_string().contains("left") && wide[0].to_string().ends_with("right"));
        assert_eq!(pair.lines(40, &Theme::mono()).len(), 4);
    }
}
