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
