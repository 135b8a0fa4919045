//! The one number that a reader finds in a text. What is not there once, or is no finite number, is none.

use regex::Regex;
use serde_json::Value;

use super::{Read, prometheus};
use crate::proof::{compile, excerpt};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Pattern, Pick, Reader};
use crate::runbook::number;

/// The number in a text, divided by the other one where there is one.
pub(super) fn number(reader: &Reader, text: &str, scope: &Scope) -> Result<Read, String> {
    if text.trim().is_empty() {
        return Err("the text is empty, which is no data".to_owned());
    }
    let above = pick(&reader.pick, text, scope)?;
    let Some(of) = &reader.of else { return Ok(Read::Number(above)) };
    let below = pick(of, text, scope).map_err(|why| format!("`of`: {why}"))?;
    if below == 0.0 {
        return Ok(Read::NothingYet("there is nothing to divide by: `of` is 0".to_owned()));
    }
    Ok(Read::Number(above / below))
}

fn pick(pick: &Pick, text: &str, scope: &Scope) -> Result<f64, String> {
    match pick {
        Pick::Regex(pattern) => by_regex(pattern, text, scope),
        Pick::Json(pointer) => by_pointer(pointer, text),
        Pick::Series(series) => prometheus::series(series, text),
        #[expect(clippy::cast_precision_loss, reason = "matches in a text of a few million bytes")]
        Pick::Count(pattern) => Ok(compile(pattern, scope)?.find_iter(text).count() as f64),
    }
}

fn by_regex(pattern: &Pattern, text: &str, scope: &Scope) -> Result<f64, String> {
    let regex: Regex = compile(pattern, scope)?;
    let shown = pattern.0.as_str();
    let mut found = regex.captures_iter(text);
    let Some(only) = found.next() else { return Err(format!("/{shown}/ matches nothing")) };
    let more = found.count();
    if more > 0 {
        return Err(format!("/{shown}/ matches {} times, and it is not said which is meant", more + 1));
    }
    let group = only.get(1).ok_or_else(|| format!("/{shown}/ matches without its group"))?.as_str();
    number::parse(group).ok_or_else(|| no_number(group))
}

fn by_pointer(pointer: &str, text: &str) -> Result<f64, String> {
    let document: Value = serde_json::from_str(text).map_err(|e| format!("it is no JSON: {e}"))?;
    match document.pointer(pointer) {
        None => Err(format!("there is nothing at {pointer}, which is no data")),
        Some(Value::Null) => Err(format!("null at {pointer} is no data")),
        Some(value) => value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| {
            let text = value.to_string();
            format!("{} at {pointer} is no number", excerpt(&text, 0))
        }),
    }
}

/// What stands where a number should.
pub(super) fn no_number(text: &str) -> String {
    format!("\"{}\" is no number", excerpt(text, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::series::Series;

    fn regex(pattern: &str) -> Pick {
        Pick::Regex(Pattern(pattern.into()))
    }

    fn read(pick: Pick, text: &str) -> Result<Read, String> {
        number(&Reader { pick, of: None }, text, &Scope::default())
    }

    fn is(number: f64) -> Result<Read, String> {
        Ok(Read::Number(number))
    }

    const STATS: &str = "uptime\t12\nforward_failed\t3\nrate\t1,5\nlag\tNaN\nhuge\t1e400\nload\t-0.25\n";

    #[test]
    fn a_pattern_finds_the_number_of_its_one_match() {
        assert_eq!(read(regex(r"^forward_failed\t(\d+)$"), STATS), is(3.0));
        assert_eq!(read(regex(r"^load\t(\S+)"), STATS), is(-0.25));
        for (pattern, why) in [
            (r"^none\t(\d+)", "matches nothing"),
            (r"^rate\t(\S+)", "\"1,5\" is no number"),
            (r"^lag\t(\S+)", "\"NaN\" is no number"),
            (r"^huge\t(\S+)", "\"1e400\" is no number"),
            (r"\t(\d+)$", "matches 2 times"),
            (r"^uptime(x)?", "without its group"),
        ] {
            let said = read(regex(pattern), STATS).expect_err(pattern);
            assert!(said.contains(why), "{pattern}: {said}");
        }
    }

    #[test]
    fn a_pointer_finds_a_number_and_nothing_else() {
        let text = r#"{"a":{"b":[1,2.5]},"rssKiB":null,"text":"5","yes":true}"#;
        assert_eq!(read(Pick::Json("/a/b/1".into()), text), is(2.5));
        for (pointer, why) in [
            ("/none", "nothing at /none"),
            ("/rssKiB", "null"),
            ("/text", "\"5\" at /text is no number"),
            ("/yes", "is no number"),
            ("/a", "is no number"),
        ] {
            let said = read(Pick::Json(pointer.into()), text).expect_err(pointer);
            assert!(said.contains(why), "{pointer}: {said}");
        }
        for text in [r#"{"v":NaN}"#, r#"{"v":1e400}"#, r#"{"v":Infinity}"#, "<html>404", "{"] {
            assert!(read(Pick::Json("/v".into()), text).expect_err(text).contains("no JSON"));
        }
    }

    #[test]
    fn matches_are_counted_and_an_empty_text_is_no_data() {
        let count = |text| read(Pick::Count(Pattern("^ERROR".into())), text);
        assert_eq!(count("ERROR a\nINFO\nERROR b\n"), is(2.0));
        assert_eq!(count("INFO\n"), is(0.0));
        for text in ["", " \n"] {
            assert!(count(text).expect_err("nothing").contains("empty"));
        }
    }

    #[test]
    fn a_quotient_has_a_divisor_that_is_not_0() {
        let ratio = |text: &str| {
            let of = |key: &str| regex(&format!(r"^{key} (\S+)$"));
            number(&Reader { pick: of("good"), of: Some(of("all")) }, text, &Scope::default())
        };
        assert_eq!(ratio("good 3\nall 4"), is(0.75));
        assert!(matches!(ratio("good 0\nall 0"), Ok(Read::NothingYet(_))));
        for text in ["good 3", "good 3\nall x", "all 4", "good 3\nall 4\nall 4"] {
            assert!(ratio(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_series_is_read_from_prometheus_text() {
        let text = "# TYPE x counter\nx{code=\"200\"} 5\nx{code=\"500\"} 2 1700000000000\n";
        let series = |text: &str| Pick::Series(Series::parse(text).expect("one"));
        assert_eq!(read(series(r#"x{code="500"}"#), text), is(2.0));
        assert!(read(series("x"), text).expect_err("two").contains("2 series"));
        assert!(read(series("y"), text).expect_err("none").contains("no series"));
    }
}
