//! Words and command lines as bash reads them: one line each, ready to paste, with what is invisible made visible.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::text::is_allowed;

/// `word` as one word of a bash command line. It stays as it is where it needs no quotes; line ends, controls and
/// invisible characters become escapes in `$'…'`, so that the result is one displayable line.
#[must_use]
pub fn quote(word: &str) -> Cow<'_, str> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c);
    if !word.is_empty() && word.chars().all(bare) {
        return Cow::Borrowed(word);
    }
    if word.chars().all(is_allowed) {
        return Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")));
    }
    let mut out = String::from("$'");
    for c in word.chars() {
        match c {
            '\n' => out.push_str(r"\n"),
            '\t' => out.push_str(r"\t"),
            '\'' | '\\' => out.extend(['\\', c]),
            c if is_allowed(c) => out.push(c),
            // Three octal digits never swallow what follows.
            c if c.is_ascii() => {
                let _ = write!(out, "\\{:03o}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('\'');
    Cow::Owned(out)
}

/// A command line of these words.
#[must_use]
pub fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_it_must_be() {
        assert_eq!(join(["make", "a-b", "PORT=1", "it's", ""]), r"make a-b 'PORT=1' 'it'\''s' ''");
        assert_eq!(quote("${{ rev }}"), "'${{ rev }}'");
    }

    #[test]
    fn what_could_hide_becomes_an_escape() {
        assert_eq!(quote("a\nb\\'"), r"$'a\nb\\\''");
        assert_eq!(quote("\u{202e}x\u{1b}1"), r"$'\U0000202ex\0331'");
    }

    #[test]
    fn bash_reads_back_every_word() {
        let words = [
            "plain",
            "two words",
            "it's",
            "$(no) `no` \\ \"",
            "a\nb\tc\u{7f}\u{1b}7",
            "\u{202e}ü漢f",
            "~/x",
            "#x",
            "!x",
        ];
        for word in words {
            let out = std::process::Command::new("bash")
                .env("LC_ALL", "C.UTF-8")
                .args(["-c", &format!("printf %s {}", quote(word))])
                .output()
                .expect("bash is there");
            assert_eq!(String::from_utf8_lossy(&out.stdout), word);
        }
    }
}
