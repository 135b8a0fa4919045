//! Whether a report was written by this attempt, and what it says. Yesterday's report proves nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Proof, Text, span, text};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::ReportExpect;

/// What tells one writing of a file from another. It holds nothing of what the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Device and inode: another pair is another file.
    pub file: (u64, u64),
    /// When its content was written last.
    pub modified: DateTime<Utc>,
    pub sha256: String,
}

/// A file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSeen {
    pub mark: FileMark,
    /// Decoded.
    pub text: String,
    /// The limit in bytes at which reading stopped, where the file is larger.
    pub cut: Option<u64>,
    /// A secret was in it before it was masked.
    pub leaked: bool,
}

/// What a report was just before an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// There was no such file.
    Nothing,
    File(FileMark),
    /// Nobody looked, or the look failed.
    NotKnown,
}

impl From<&Result<Option<FileSeen>, String>> for Before {
    fn from(look: &Result<Option<FileSeen>, String>) -> Self {
        match look {
            Ok(Some(seen)) => Self::File(seen.mark.clone()),
            Ok(None) => Self::Nothing,
            Err(_) => Self::NotKnown,
        }
    }
}

/// What was seen of one report.
#[derive(Debug, Clone)]
pub struct ReportSeen {
    /// When the attempt began.
    pub begun: DateTime<Utc>,
    pub before: Before,
    /// After it; the error is a sentence.
    pub after: Result<Option<FileSeen>, String>,
}

/// How far the clock of a file server may be off, in milliseconds.
const CLOCKS_APART_MS: i64 = 60_000;

/// Judges a report: first that it is this attempt's, then what it says.
#[must_use]
pub fn report(expect: &ReportExpect, seen: &ReportSeen, scope: &Scope) -> Vec<Proof> {
    let path = expect.path.as_str();
    let fresh = format!("report {path} is written by this attempt");
    let after = match &seen.after {
        Ok(Some(after)) => after,
        Ok(None) => return vec![Proof::new(fresh, false, "there is no such file")],
        Err(why) => return vec![Proof::new(fresh, false, why.clone())],
    };
    if let Some(stale) = stale(path, seen, after) {
        // What an old report says is not judged: nothing in it is this attempt's.
        return vec![Proof::new(fresh, false, stale)];
    }
    let what = match seen.before {
        Before::Nothing => "created",
        Before::File(_) => "rewritten",
        Before::NotKnown => "written after this attempt began",
    };
    let name = format!("report {path}");
    let mut proofs = vec![Proof::new(fresh, true, what)];
    proofs.extend(expect.dated.as_ref().map(|pointer| dated(path, pointer, seen.begun, after)));
    let FileSeen { text: said, cut, leaked, .. } = after;
    proofs.extend(text(&expect.text, Text { name: &name, text: said, cut: *cut, leaked: *leaked }, scope));
    proofs
}

/// How many milliseconds a time may lack that a report rounds down to whole seconds.
const ROUNDED_MS: i64 = 1_000;

/// Judges the time at which a report says that it was made: an old one that was copied anew is not this attempt's.
fn dated(path: &str, pointer: &str, begun: DateTime<Utc>, after: &FileSeen) -> Proof {
    let wanted = format!("report {path} is made by this attempt, as {pointer} says");
    let time = match (after.cut, serde_json::from_str::<serde_json::Value>(&after.text)) {
        (Some(_), _) => Err("the report is too large to be read whole".to_owned()),
        (_, Err(why)) => Err(format!("it is no JSON: {why}")),
        (_, Ok(document)) => match document.pointer(pointer) {
            None | Some(serde_json::Value::Null) => Err("there is no time, which is no data".to_owned()),
            Some(value) => {
                let time = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
                time.ok_or_else(|| format!("{value} is no time (RFC 3339)"))
            }
        },
    };
    let time = match time {
        Ok(time) => time.with_timezone(&Utc),
        Err(why) => return Proof::new(wanted, false, why),
    };
    let ms = |span: chrono::TimeDelta| u64::try_from(span.num_milliseconds()).unwrap_or(0);
    let (before, behind) = (begun - time, time - after.mark.modified);
    let seen = if before.num_milliseconds() > ROUNDED_MS {
        Err(format!("made {} before this attempt", span(ms(before))))
    } else if behind.num_milliseconds() > CLOCKS_APART_MS {
        Err(format!("made {} after it was written", span(ms(behind))))
    } else {
        Ok(time.to_rfc3339())
    };
    let met = seen.is_ok();
    Proof::new(wanted, met, seen.unwrap_or_else(|why| why))
}

/// Why the file is not this attempt's, where it is not.
///
/// The change time is left out on purpose: a `chmod` moves it and writes nothing.
fn stale(path: &str, seen: &ReportSeen, after: &FileSeen) -> Option<String> {
    let older_ms = (seen.begun - after.mark.modified).num_milliseconds();
    let age = span(u64::try_from(older_ms).unwrap_or(0));
    match &seen.before {
        Before::File(before) if *before == after.mark => {
            return Some(format!("report {path} is from {age} before this attempt"));
        }
        Before::File(before) if before.file == after.mark.file => return None,
        // There is nothing to compare with: only a later time of writing shows that it is this attempt's.
        Before::NotKnown => {
            return (after.mark.modified <= seen.begun).then(|| {
                format!(
                    "what report {path} was before is not known, and it was written {age} before this attempt"
                )
            });
        }
        Before::File(_) | Before::Nothing => {}
    }
    // A file that is new at this place, and yet older than the attempt, was only moved or linked here.
    (older_ms > CLOCKS_APART_MS)
        .then(|| format!("report {path} was put there by this attempt, but written {age} before it"))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use serde_json::json;

    use super::super::all_met;
    use super::*;
    use crate::runbook::model::{Rule, TextExpect};

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + Duration::hours(hours)
    }

    fn file(inode: u64, modified: DateTime<Utc>, text: &str) -> FileSeen {
        let mark = FileMark { file: (1, inode), modified, sha256: text.to_owned() };
        FileSeen { mark, text: text.to_owned(), cut: None, leaked: false }
    }

    fn judge(before: Option<FileSeen>, after: Option<FileSeen>) -> Vec<Proof> {
        judge_after(Before::from(&Ok(before)), after)
    }

    fn judge_after(before: Before, after: Option<FileSeen>) -> Vec<Proof> {
        let rule = Rule { equals: Some(json!("PASS")), ..Rule::default() };
        let text = TextExpect { json: [("/overall".to_owned(), rule)].into(), ..TextExpect::default() };
        let expect = ReportExpect { path: "r.json".into(), dated: None, text };
        report(&expect, &ReportSeen { begun: at(0), before, after: Ok(after) }, &Scope::default())
    }

    const PASS: &str = r#"{"overall":"PASS"}"#;
    const FAIL: &str = r#"{"overall":"FAIL"}"#;

    #[test]
    fn a_report_counts_only_if_this_attempt_wrote_it() {
        let old = || Some(file(1, at(-14), PASS));
        for (name, before, after, green) in [
            ("created", None, Some(file(1, at(0), PASS)), true),
            ("rewritten, same content", old(), Some(file(1, at(0), PASS)), true),
            ("replaced", old(), Some(file(2, at(0), PASS)), true),
            ("rewritten, other content, same time", Some(file(1, at(-14), FAIL)), old(), true),
            ("rewritten by a server whose clock is behind", old(), Some(file(1, at(-1), PASS)), true),
            ("untouched", old(), old(), false),
            ("removed", old(), None, false),
            ("never there", None, None, false),
            ("an old one moved here", None, old(), false),
            ("a link set to another old one", old(), Some(file(2, at(-20), PASS)), false),
            ("this attempt's, but a failure", None, Some(file(1, at(0), FAIL)), false),
        ] {
            assert_eq!(all_met(&judge(before, after)), green, "{name}");
        }
    }

    #[test]
    fn where_it_is_not_known_what_was_there_only_a_later_time_counts() {
        for (hours, green) in [(-14, false), (0, false), (1, true)] {
            let proofs = judge_after(Before::NotKnown, Some(file(1, at(hours), PASS)));
            assert_eq!(all_met(&proofs), green, "{hours}: {proofs:?}");
        }
        assert!(!all_met(&judge_after(Before::NotKnown, None)));
    }

    #[test]
    fn a_report_that_was_copied_anew_is_as_old_as_it_says() {
        for (text, green, word) in [
            (r#"{"at":"2027-01-15T08:00:00Z"}"#, true, "2027-01-15T08:00:00"),
            (r#"{"at":"2027-01-15T09:00:00.2+01:00"}"#, true, "2027-01-15T08:00:00.200"),
            (r#"{"at":"2027-01-15T07:59:59Z"}"#, true, "2027-01-15T07:59:59"),
            (r#"{"at":"2027-01-14T18:00:00Z"}"#, false, "made 14 h before this attempt"),
            (r#"{"at":"2027-01-15T10:00:00Z"}"#, false, "made 2 h after it was written"),
            (r#"{"at":"yesterday"}"#, false, "\"yesterday\" is no time"),
            (r#"{"at":1800000000}"#, false, "1800000000 is no time"),
            (r#"{"at":null}"#, false, "no data"),
            (r#"{}"#, false, "no data"),
            ("at: now", false, "it is no JSON"),
        ] {
            let expect = ReportExpect {
                path: "r.json".into(),
                dated: Some("/at".to_owned()),
                text: TextExpect::default(),
            };
            let seen =
                ReportSeen { begun: at(0), before: Before::Nothing, after: Ok(Some(file(1, at(0), text))) };
            let proofs = report(&expect, &seen, &Scope::default());
            assert_eq!(all_met(&proofs), green, "{text}: {proofs:?}");
            assert!(proofs[1].seen.contains(word), "{text}: {proofs:?}");
        }
    }

    #[test]
    fn an_old_report_says_how_old_it_is_and_is_not_read() {
        let old = Some(file(1, at(-14), PASS));
        let proofs = judge(old.clone(), old);
        assert_eq!(proofs.len(), 1);
        assert_eq!(proofs[0].seen, "report r.json is from 14 h before this attempt");
    }
}
