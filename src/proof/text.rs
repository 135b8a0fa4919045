//! What a text must say: `matches`, `not_matches`, `count`, `json`, `secrets_absent`.

use regex::Regex;

use super::{Proof, bytes, compile, json};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{CountExpect, Pattern, TextExpect};

/// A decoded text that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// What it is called in proofs: `output`, `stdout`, `body`, `run/app.log`.
    pub name: &'a str,
    /// Decoded, with LF line ends and without escape sequences.
    pub text: &'a str,
    /// The limit in bytes at which it was cut, where it was: then nothing is proven by what is absent.
    pub cut: Option<u64>,
    /// A secret was in it before it was masked.
    pub leaked: bool,
}

/// Judges a text: one proof for each expectation, in the order in which they are documented.
#[must_use]
pub fn text(expect: &TextExpect, text: Text<'_>, scope: &Scope) -> Vec<Proof> {
    let present = expect.matches.iter().map(|pattern| matches(pattern, text, scope));
    let absent = expect.not_matches.iter().map(|pattern| not_matches(pattern, text, scope));
    let counted = expect.count.iter().map(|wanted| count(wanted, text, scope));
    let secrets = expect.secrets_absent.then(|| secrets_absent(text));
    present
        .chain(absent)
        .chain(counted)
        .chain(json::judge(&expect.json, text, scope))
        .chain(secrets)
        .collect()
}

/// Judges a text that cannot be read: whatever is expected of it, nothing is met.
#[must_use]
pub fn unread(expect: &TextExpect, name: &str, why: &str, scope: &Scope) -> Vec<Proof> {
    let proofs = text(expect, Text { name, text: "", cut: None, leaked: false }, scope);
    let unmet = |proof| Proof { met: false, seen: format!("{name} cannot be read: {why}"), ..proof };
    proofs.into_iter().map(unmet).collect()
}

/// What secret it was is not said: whoever reads this need not know its name either.
fn secrets_absent(text: Text<'_>) -> Proof {
    let seen = match (text.leaked, text.cut) {
        (true, _) => "a secret is in it (masked here)".to_owned(),
        (false, _) => format!("none in {}{}", lines(text.text), text.cut_note()),
    };
    Proof::new(format!("{} holds no secret", text.name), !text.leaked && text.cut.is_none(), seen)
}

fn matches(pattern: &Pattern, text: Text<'_>, scope: &Scope) -> Proof {
    let expected = format!("{} matches /{}/", text.name, pattern.0.as_str());
    judged(expected, pattern, scope, |regex| match first_match(regex, text.text) {
        Some(line) => (true, line),
        None => {
            let last = text.text.lines().rfind(|line| !line.trim().is_empty());
            let last = last.map(|line| format!("; the last: \"{}\"", excerpt(line, 0))).unwrap_or_default();
            (false, format!("no match in {}{}{last}", lines(text.text), text.cut_note()))
        }
    })
}

fn not_matches(pattern: &Pattern, text: Text<'_>, scope: &Scope) -> Proof {
    let expected = format!("{} has no match of /{}/", text.name, pattern.0.as_str());
    judged(expected, pattern, scope, |regex| match first_match(regex, text.text) {
        Some(line) => (false, line),
        None => (text.cut.is_none(), format!("none in {}{}", lines(text.text), text.cut_note())),
    })
}

fn count(wanted: &CountExpect, text: Text<'_>, scope: &Scope) -> Proof {
    let bounds = match (wanted.min, wanted.max) {
        (Some(min), Some(max)) if min == max => format!("{min} times"),
        (Some(min), Some(max)) => format!("{min} to {max} times"),
        (Some(min), None) => format!("at least {min} times"),
        (None, Some(max)) => format!("at most {max} times"),
        // A count without bounds asks for the thing to be there.
        (None, None) => "at least 1 times".to_owned(),
    };
    let expected = format!("{} matches /{}/ {bounds}", text.name, wanted.pattern.0.as_str());
    judged(expected, &wanted.pattern, scope, |regex| {
        let found = regex.find_iter(text.text).count() as u64;
        let min = wanted.min.unwrap_or(u64::from(wanted.max.is_none()));
        let within = wanted.max.is_none_or(|max| found <= max && text.cut.is_none());
        (found >= min && within, format!("{found} times in {}{}", lines(text.text), text.cut_note()))
    })
}

fn judged(
    expected: String,
    pattern: &Pattern,
    scope: &Scope,
    judge: impl FnOnce(&Regex) -> (bool, String),
) -> Proof {
    let (met, seen) = match compile(pattern, scope) {
        Ok(regex) => judge(&regex),
        Err(why) => (false, why),
    };
    Proof { expected, met, seen }
}

impl Text<'_> {
    /// What an operator is told where the text is not whole; empty where it is.
    pub(super) fn cut_note(&self) -> String {
        self.cut.map_or_else(String::new, |limit| format!("; {} was cut at {}", self.name, bytes(limit)))
    }
}

/// The first match as `line 12: "overall: PASS"`.
#[must_use]
pub fn first_match(regex: &Regex, text: &str) -> Option<String> {
    let found = regex.find(text)?;
    let before = &text[..found.start()];
    let number = 1 + before.bytes().filter(|b| *b == b'\n').count();
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let end = text[found.start()..].find('\n').map_or(text.len(), |i| found.start() + i);
    Some(format!("line {number}: \"{}\"", excerpt(&text[start..end], found.start() - start)))
}

/// How much of a line is shown.
const SHOWN: usize = 120;

/// At most 120 characters of a line, with what begins at byte `at` among them; `…` stands for what is left out.
#[must_use]
pub fn excerpt(line: &str, at: usize) -> String {
    if line.len() <= SHOWN || line.chars().count() <= SHOWN {
        return line.to_owned();
    }
    let head = &line[..line.floor_char_boundary(at)];
    let skip = head.char_indices().rev().nth(19).map_or(0, |(i, _)| i);
    let shown: String = line[skip..].chars().take(SHOWN).collect();
    let left = if skip > 0 { "…" } else { "" };
    let right = if skip + shown.len() < line.len() { "…" } else { "" };
    format!("{left}{shown}{right}")
}

fn lines(text: &str) -> String {
    match text.bytes().filter(|b| *b == b'\n').count()
        + usize::from(!text.is_empty() && !text.ends_with('\n'))
    {
        0 => "an empty text".to_owned(),
        1 => "1 line".to_owned(),
        n => format!("{n} lines"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(p: &str) -> Pattern {
        Pattern(p.into())
    }

    fn judge(expect: &TextExpect, all: &str, cut: Option<u64>) -> Vec<Proof> {
        text(expect, Text { name: "output", text: all, cut, leaked: false }, &Scope::default())
    }

    fn one(expect: &TextExpect, all: &str, cut: Option<u64>) -> Proof {
        let mut proofs = judge(expect, all, cut);
        assert_eq!(proofs.len(), 1);
        proofs.remove(0)
    }

    #[test]
    fn a_match_says_its_line_and_a_miss_says_how_much_was_searched() {
        let expect = TextExpect { matches: vec![pattern("^overall: PASS$")], ..TextExpect::default() };
        let proof = one(&expect, "a\nb\noverall: PASS\n", None);
        assert_eq!((proof.met, &*proof.seen), (true, "line 3: \"overall: PASS\""));
        assert_eq!(proof.expected, "output matches /^overall: PASS$/");
        for (all, seen) in [
            ("", "no match in an empty text"),
            ("overall: PASSED", "no match in 1 line; the last: \"overall: PASSED\""),
            ("x\noverall: FAIL\n\n", "no match in 3 lines; the last: \"overall: FAIL\""),
        ] {
            let proof = one(&expect, all, None);
            assert_eq!((proof.met, &*proof.seen), (false, seen));
        }
    }

    #[test]
    fn a_filter_that_ran_no_test_is_not_fifteen_passed_tests() {
        let expect = TextExpect {
            count: Some(CountExpect { pattern: pattern("1 passed"), min: Some(15), max: None }),
            ..TextExpect::default()
        };
        let proof = one(&expect, "running 0 tests\n\ntest result: ok. 0 passed; 0 failed\n", None);
        assert_eq!((proof.met, &*proof.seen), (false, "0 times in 3 lines"));
        assert!(one(&expect, &"test result: ok. 1 passed; 0 failed\n".repeat(15), None).met);
    }

    #[test]
    fn what_was_cut_proves_no_absence() {
        let cut = Some(64 << 20);
        let absent = TextExpect { not_matches: vec![pattern("SKIP")], ..TextExpect::default() };
        let proof = one(&absent, "fine\n", cut);
        assert_eq!((proof.met, &*proof.seen), (false, "none in 1 line; output was cut at 64 MiB"));
        assert!(one(&absent, "fine\n", None).met);
        let most = |max| TextExpect {
            count: Some(CountExpect { pattern: pattern("x"), min: Some(1), max }),
            ..TextExpect::default()
        };
        assert!(!one(&most(Some(5)), "x\n", cut).met);
        assert!(one(&most(Some(5)), "x\n", None).met);
        assert!(one(&most(None), "x\n", cut).met);
        let there = TextExpect { matches: vec![pattern("fine")], ..TextExpect::default() };
        assert!(one(&there, "fine\n", cut).met);
        assert!(!one(&there, "bad\n", cut).met);
    }

    #[test]
    fn what_cannot_be_read_meets_nothing() {
        let expect = TextExpect {
            not_matches: vec![pattern("ERROR")],
            count: Some(CountExpect { pattern: pattern("x"), min: None, max: Some(0) }),
            secrets_absent: true,
            ..TextExpect::default()
        };
        assert!(judge(&expect, "", None).iter().all(|proof| proof.met));
        let proofs = unread(&expect, "stderr", "it is gone", &Scope::default());
        assert_eq!(proofs.len(), 3);
        assert!(proofs.iter().all(|proof| !proof.met && proof.seen == "stderr cannot be read: it is gone"));
    }

    #[test]
    fn a_forbidden_line_is_shown() {
        let expect = TextExpect { not_matches: vec![pattern(r"\bSKIP\b")], ..TextExpect::default() };
        let proof = one(&expect, "ok\n--- SKIP: TestDrill\n", None);
        assert_eq!((proof.met, &*proof.seen), (false, "line 2: \"--- SKIP: TestDrill\""));
    }

    #[test]
    fn a_long_line_is_shown_around_the_match() {
        let line = format!("{}needle{}", "ä".repeat(500), "b".repeat(500));
        let shown = excerpt(&line, line.find("needle").unwrap());
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains("needle"));
        assert_eq!(shown.chars().count(), 122);
    }

    #[test]
    fn a_count_without_bounds_asks_for_at_least_one() {
        let expect = TextExpect {
            count: Some(CountExpect { pattern: pattern("x"), min: None, max: None }),
            ..TextExpect::default()
        };
        assert!(!one(&expect, "", None).met);
        assert!(one(&expect, "x", None).met);
    }
}
