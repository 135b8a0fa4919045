//! What an HTTP answer must be: status, headers, latency, body.

use std::time::Duration;

use super::{Proof, Text, bytes, compile, excerpt, span, text};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::HttpExpect;

/// An HTTP answer as it was seen.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// From the start of the request, name lookup included, to the last byte that was read.
    pub latency: Duration,
    pub body: Body,
    /// A secret was in the body before it was masked.
    pub leaked: bool,
}

/// What was read of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it, decoded.
    Whole(String),
    /// It is larger than this many bytes.
    TooLarge(u64),
}

impl Answer {
    /// Every value of a header; `name` in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Judges an answer. The status is always among the proofs. A body that was too large to be read whole meets no
/// expectation about it.
#[must_use]
pub fn answer(expect: &HttpExpect, seen: &Answer, scope: &Scope) -> Vec<Proof> {
    let mut proofs = vec![status(&expect.status, seen)];
    for (name, pattern) in &expect.header {
        let expected = format!("header {name} matches /{}/", pattern.0.as_str());
        let lower = name.to_ascii_lowercase();
        let (met, what) = match compile(pattern, scope) {
            Err(why) => (false, why),
            Ok(regex) => match seen.header(&lower).find(|value| regex.is_match(value)) {
                Some(value) => (true, format!("\"{}\"", excerpt(value, 0))),
                None => (
                    false,
                    seen.header(&lower)
                        .next()
                        .map_or("no such header".to_owned(), |v| format!("\"{}\"", excerpt(v, 0))),
                ),
            },
        };
        proofs.push(Proof::new(expected, met, what));
    }
    if let Some(max) = expect.max_latency {
        let took = u64::try_from(seen.latency.as_millis()).unwrap_or(u64::MAX);
        let limit = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
        proofs.push(Proof::new(
            format!("answer within {}", span(limit)),
            seen.latency <= max,
            format!("after {took} ms"),
        ));
    }
    match &seen.body {
        Body::Whole(body) => {
            let body = Text { name: "body", text: body, cut: None, leaked: seen.leaked };
            proofs.extend(text(&expect.text, body, scope));
        }
        Body::TooLarge(limit) => {
            let nothing = Text { name: "body", text: "", cut: Some(*limit), leaked: seen.leaked };
            let nothing = text(&expect.text, nothing, scope);
            let seen = format!("body too large: more than {}", bytes(*limit));
            proofs.extend(nothing.into_iter().map(|p| Proof::new(p.expected, false, seen.clone())));
        }
    }
    proofs
}

fn status(allowed: &[u16], seen: &Answer) -> Proof {
    let (expected, met) = match allowed {
        [] => ("status is 200 to 299".to_owned(), (200..300).contains(&seen.status)),
        [one] => (format!("status is {one}"), seen.status == *one),
        list => {
            let list_text = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            (format!("status is one of {list_text}"), list.contains(&seen.status))
        }
    };
    let to = match seen.header("location").next() {
        Some(to) if (300..400).contains(&seen.status) => format!(", a redirect to {}", excerpt(to, 0)),
        _ => String::new(),
    };
    Proof::new(expected, met, format!("status {}{to}", seen.status))
}

#[cfg(test)]
mod tests {
    use super::super::all_met;
    use super::*;
    use crate::runbook::model::{Pattern, TextExpect};

    fn seen(status: u16, body: Body) -> Answer {
        let headers = vec![("location".into(), "/login".into()), ("x-mode".into(), "go".into())];
        Answer { status, headers, latency: Duration::from_millis(12), body, leaked: false }
    }

    fn judge(expect: &HttpExpect, seen: &Answer) -> Vec<Proof> {
        answer(expect, seen, &Scope::default())
    }

    #[test]
    fn a_status_is_met_only_where_it_is_listed() {
        let body = || Body::Whole(String::new());
        for (allowed, status, met) in [
            (vec![], 204, true),
            (vec![], 302, false),
            (vec![], 503, false),
            (vec![503], 503, true),
            (vec![200, 302], 302, true),
            (vec![200], 204, false),
        ] {
            let expect = HttpExpect { status: allowed, ..HttpExpect::default() };
            assert_eq!(all_met(&judge(&expect, &seen(status, body()))), met, "{status}");
        }
        assert_eq!(
            judge(&HttpExpect::default(), &seen(302, body()))[0].seen,
            "status 302, a redirect to /login"
        );
    }

    #[test]
    fn a_body_that_is_too_large_matches_nothing_and_lacks_nothing() {
        let large = seen(200, Body::TooLarge(64 << 10));
        assert!(all_met(&judge(&HttpExpect::default(), &large)), "nothing was expected of it");
        for text in [
            TextExpect { matches: vec![Pattern("".into())], ..TextExpect::default() },
            TextExpect { not_matches: vec![Pattern("error".into())], ..TextExpect::default() },
        ] {
            let proofs = judge(&HttpExpect { text, ..HttpExpect::default() }, &large);
            assert_eq!(proofs[1].seen, "body too large: more than 64 KiB");
            assert!(!proofs[1].met);
        }
    }

    #[test]
    fn a_latency_over_the_limit_is_not_met() {
        let expect = HttpExpect { max_latency: Some(Duration::from_millis(11)), ..HttpExpect::default() };
        let proofs = judge(&expect, &seen(200, Body::Whole(String::new())));
        assert_eq!((proofs[1].met, &*proofs[1].seen), (false, "after 12 ms"));
    }

    #[test]
    fn a_header_is_found_whatever_its_case() {
        let expect = |name: &str| HttpExpect {
            header: [(name.to_owned(), Pattern("^go$".into()))].into(),
            ..HttpExpect::default()
        };
        assert!(all_met(&judge(&expect("X-Mode"), &seen(200, Body::Whole(String::new())))));
        let missing = judge(&expect("X-None"), &seen(200, Body::Whole(String::new())));
        assert_eq!((missing[1].met, &*missing[1].seen), (false, "no such header"));
    }
}
