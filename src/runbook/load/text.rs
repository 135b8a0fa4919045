//! Where in the source the parts of a string stand.

use std::ops::Range;

/// The places of every `${{ … }}` in the token at `span`, in order; of one that is not closed, up to the token's end.
pub fn placeholders(source: &str, span: &Range<usize>) -> Vec<Range<usize>> {
    let Some(token) = source.get(span.clone()) else { return Vec::new() };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = token[at..].find("${{").map(|i| at + i) {
        let end = token[open..].find("}}").map_or(token.len(), |len| open + len + 2);
        found.push(span.start + open..span.start + end);
        at = end;
    }
    found
}

/// What a syntax error spoils: its own lines, and after a broken table header everything up to the next header, as
/// that was read as part of another table.
pub fn spoilt(source: &str, error: &Range<usize>) -> Range<usize> {
    let before = source.get(..error.start).unwrap_or(source);
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let is_header = source[start..].trim_start().starts_with('[');
    let mut end = start;
    for line in source[start..].split_inclusive('\n') {
        let next_header = end > start && line.trim_start().starts_with('[');
        let is_over = if is_header { next_header } else { end > error.end };
        if is_over {
            break;
        }
        end += line.len();
    }
    start..end
}
