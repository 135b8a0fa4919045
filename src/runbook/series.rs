//! A series of Prometheus's text format: a name and labels, as a runbook names one and as each line of a text has it.

use std::fmt;

/// A name, and labels that a series must have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Series {
    pub name: String,
    /// In the order written.
    pub labels: Vec<(String, String)>,
}

impl Series {
    /// The series that a runbook names: `requests_total{code="500"}`.
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (series, rest) = Self::read(text.trim())?;
        if rest.is_empty() { Ok(series) } else { Err(format!("`{rest}` stands after it")) }
    }

    /// The series that a text begins with, and what follows it.
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn read(text: &str) -> Result<(Self, &str), String> {
        let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("no name begins with a digit".to_owned());
        }
        let mut series = Self { name: name.to_owned(), labels: Vec::new() };
        let blank = rest.trim_start_matches([' ', '\t']);
        let rest = match blank.strip_prefix('{') {
            Some(labels) => series.labels(labels)?,
            None => rest,
        };
        if series.name.is_empty() {
            return Err("no name stands at its beginning".to_owned());
        }
        Ok((series, rest))
    }

    /// The labels up to their `}`; what follows that. A quoted text without a label's name is the series' own.
    fn labels<'t>(&mut self, mut text: &'t str) -> Result<&'t str, String> {
        loop {
            text = text.trim_start_matches([' ', '\t']);
            if let Some(rest) = text.strip_prefix('}') {
                return Ok(rest);
            }
            let (label, rest) = if text.starts_with('"') {
                quoted(text)?
            } else {
                let end = text.find(|c: char| !is_name(c) || c == ':').unwrap_or(text.len());
                (text[..end].to_owned(), &text[end..])
            };
            let own_name = text.starts_with('"');
            let rest = rest.trim_start_matches([' ', '\t']);
            text = match rest.strip_prefix('=') {
                Some(value) if !label.is_empty() => {
                    let (value, rest) = quoted(value.trim_start_matches([' ', '\t']))?;
                    if self.labels.iter().any(|(name, _)| *name == label) {
                        return Err(format!("the label `{label}` stands twice"));
                    }
                    self.labels.push((label, value));
                    rest
                }
                None if own_name && self.name.is_empty() => {
                    self.name = label;
                    rest
                }
                _ => return Err("a label is no `name=\"value\"`".to_owned()),
            };
            text = text.trim_start_matches([' ', '\t']);
            text = match text.strip_prefix(',') {
                Some(rest) => rest,
                None if text.starts_with('}') => text,
                None => return Err("its labels do not end with `}`".to_owned()),
            };
        }
    }

    /// Whether this series has the name and at least the labels of `wanted`.
    #[must_use]
    pub fn fits(&self, wanted: &Self) -> bool {
        self.name == wanted.name && wanted.labels.iter().all(|label| self.labels.contains(label))
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// The text between quotes at the beginning, unescaped, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let inner = text.strip_prefix('"').ok_or("a label's value is not in quotes")?;
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &inner[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('\\' | '"'))) => value.push(c),
                _ => return Err("a `\\` in a label's value escapes nothing".to_owned()),
            },
            c => value.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels = self.labels.iter().map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        });
        write!(f, "{{{}}}", labels.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_reads_as_it_was_written() {
        for text in ["up", "job:rate:5m", r#"a{b="c"}"#, r#"a{b="x,y",c="\"{}\\\n"}"#] {
            assert_eq!(Series::parse(text).expect(text).to_string(), text);
        }
        for (text, same) in
            [("a{}", "a"), (r#"a { b = "c" , }"#, r#"a{b="c"}"#), (r#"{"a.b",c="d"}"#, r#"a.b{c="d"}"#)]
        {
            assert_eq!(Series::parse(text).expect(text).to_string(), same);
        }
    }

    #[test]
    fn what_is_no_series_is_refused() {
        for text in [
            "",
            "{}",
            "1a",
            "a b",
            "a{b}",
            "a{b=c}",
            r#"a{b="c"#,
            r#"a{b="c""#,
            r#"a{b="c" d="e"}"#,
            r#"a{b="c",b="d"}"#,
            r#"a{b="\x"}"#,
            "ä",
            r#"a{="x"}"#,
        ] {
            assert!(Series::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_series_with_more_labels_fits_and_one_with_fewer_does_not() {
        let of = |text: &str| Series::parse(text).expect("it is one");
        let wanted = of(r#"a{code="500"}"#);
        assert!(of(r#"a{method="GET",code="500"}"#).fits(&wanted));
        for other in ["a", r#"a{code="200"}"#, r#"b{code="500"}"#] {
            assert!(!of(other).fits(&wanted));
        }
    }
}
