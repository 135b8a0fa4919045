//! The report as one self-contained page: it opens from a disk without a network, in any browser, on any width, dark,
//! light and on paper. No script runs in it, and its policy lets nothing be loaded.

pub mod against;
mod bars;
mod chart;
mod checks;
mod head;
mod markup;
mod outputs;
mod people;
mod picture;
mod record;
mod scale;
mod stages;
mod steps;
mod versus;
mod words;

use std::path::Path;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::Report;
use markup::{Markup, Show, html, put};
use outputs::Outputs;
use scale::Scale;

const STYLE: &str = include_str!("style.css");

/// The page of a session. The steps' outputs are read from `folder`, where it is there.
#[must_use]
pub fn page(report: &Report, folder: Option<&Path>) -> String {
    let scale = Scale::new(report.timeline.end_ms, report.session.opened.at);
    let outputs = Outputs::new(report, folder);
    let body = html!(
        "{}{}<main class='{}'>{}{}{}{}{}{}{}{}</main>",
        head::draw(report),
        contents(report),
        if words::in_one_day(report) { "" } else { "days" },
        picture::draw(report, &scale),
        stages::draw(report),
        steps::draw(report, &outputs),
        people::decisions(report),
        checks::draw(report, &scale),
        versus::draw(report),
        people::draw(report),
        record::draw(report),
    );
    shell(&format!("{}: {}", head::title(report), report.session.name), &body)
}

/// A whole document around a body.
fn shell(title: &str, body: &Markup) -> String {
    // Only this very style sheet applies, whatever should ever get into a page.
    let digest = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let head = html!(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>\
         <meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\
         <meta name='viewport' content='width=device-width, initial-scale=1'><meta name='color-scheme' content='light dark'>\
         <meta name='referrer' content='no-referrer'><title>{}</title>",
        digest,
        title
    );
    let foot = html!(
        "<footer class='dim'><p>Made by gonogo {} from the session's record.</p></footer>",
        env!("CARGO_PKG_VERSION")
    );
    format!(
        "{}<style>{STYLE}</style></head><body>{}{}{}</body></html>\n",
        head.into_string(),
        hatches().into_string(),
        body.to_owned().into_string(),
        foot.into_string()
    )
}

/// The patterns that pictures are filled with, for all of them.
fn hatches() -> Markup {
    let hatches =
        [("fail", "M0 6L6 0"), ("warn", "M0 0L6 6"), ("unseen", "M0 3h6M3 0v6"), ("pending", "M0 3h6")];
    let mut patterns = Markup::default();
    for (name, path) in hatches {
        put!(
            patterns,
            "<pattern id='hatch-{}' width='6' height='6' patternUnits='userSpaceOnUse'>\
             <path class='p-{}' d='{}' fill='none' stroke-width='1.6'/></pattern>",
            name,
            name,
            path
        );
    }
    html!("<svg class='defs' aria-hidden='true'><defs>{}</defs></svg>", patterns)
}

fn contents(report: &Report) -> Markup {
    let sections = [
        ("timeline", "Timeline", true),
        ("stages", "Stages", true),
        ("steps", "Steps and proofs", true),
        ("decisions", "Decisions", !report.decisions.is_empty()),
        ("checks", "Checks", !report.checks.is_empty()),
        ("versus", "Old and new", !report.versus.is_empty()),
        ("crew", "Crew", true),
        ("notes", "Notes", !report.notes.is_empty()),
        ("evidence", "Evidence", !report.evidence.is_empty()),
        ("record", "Record", true),
        ("runbook", "Runbook", true),
    ];
    let mut items = Markup::default();
    for (id, name, _) in sections.into_iter().filter(|(.., there)| *there) {
        put!(items, "<li><a href='#{}'>{}</a></li>", id, name);
    }
    html!("<nav aria-label='Contents'><ul>{}</ul></nav>", items)
}

/// Sentences as a list; nothing where there are none.
fn list<T: Show>(class: &str, sentences: impl IntoIterator<Item = T>) -> Markup {
    let mut items = Markup::default();
    for sentence in sentences {
        put!(items, "<li>{}</li>", sentence);
    }
    if items.is_empty() { items } else { html!("<ul class='{}'>{}</ul>", class, items) }
}

/// A table whose columns are named; `data-of` in its cells names them again where the page is narrow.
fn table(columns: &[(&str, &str)], rows: &Markup) -> Markup {
    if rows.is_empty() {
        return Markup::default();
    }
    let mut head = Markup::default();
    for (name, class) in columns {
        put!(head, "<th scope='col' class='{}'>{}</th>", class, name);
    }
    html!("<table class='stack'><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, rows)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::testing;

    const HOSTILE: &str =
        "</title><script>alert('1' & \"2\")</script>]]>--> onload=x \u{1b}[31m\u{202e}\u{200b}\0";

    /// Every text in a value that may be any text, made hostile; what must be one of a few words is left.
    fn spoil(whole: &mut Value, at: &str) {
        let keys: Vec<String> = match whole.pointer(at) {
            Some(Value::Array(items)) => (0..items.len()).map(|i| i.to_string()).collect(),
            Some(Value::Object(fields)) => fields.keys().cloned().collect(),
            // By these the page tells what is what; they are no text of their own there.
            Some(Value::String(_))
                if ["of", "kind", "unit", "check"].contains(&at.rsplit('/').next().unwrap_or("")) =>
            {
                return;
            }
            Some(Value::String(text)) if text.is_empty() || text == "rollback" => return,
            Some(Value::String(text)) => {
                let (was, spoiled) = (text.clone(), format!("{HOSTILE}{text}"));
                *whole.pointer_mut(at).expect("it was there") = spoiled.into();
                if serde_json::from_value::<Report>(whole.clone()).is_err() {
                    *whole.pointer_mut(at).expect("it was there") = was.into();
                }
                return;
            }
            _ => return,
        };
        for key in keys {
            spoil(whole, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")));
        }
    }

    #[test]
    fn whatever_text_of_a_report_is_hostile_the_page_keeps_its_shape() {
        let report = testing::cutover().report();
        let mut value = serde_json::to_value(&report).expect("it is JSON");
        spoil(&mut value, "");
        let spoiled: Report = serde_json::from_value(value).expect("still a report");
        let (page, spoiled) = (super::page(&report, None), super::page(&spoiled, None));
        let tags = |page: &str| {
            let ends = |tag: &str| tag.find([' ', '>']).map(|end| tag[..end].to_owned());
            page.split('<').skip(1).filter_map(ends).collect::<Vec<_>>()
        };
        let (page_tags, spoiled_tags) = (tags(&page), tags(&spoiled));
        let differ = page_tags.iter().zip(&spoiled_tags).position(|(one, other)| one != other);
        assert_eq!(differ.map(|at| (&page_tags[at - 9..=at], &spoiled_tags[at - 9..=at])), None);
        assert_eq!(page_tags.len(), spoiled_tags.len());
        assert!(spoiled.contains("&lt;script&gt;") && !spoiled.contains("<script"));
        let shown = |c: char| c == '\n' || crate::text::is_allowed(c);
        assert!(spoiled.chars().all(shown), "nothing in it hides or moves");
        assert_eq!(page.matches('\'').count(), spoiled.matches('\'').count(), "no attribute ends early");
    }

    #[test]
    fn the_times_of_a_session_that_lasts_into_another_day_show_their_days() {
        let mut report = testing::cutover().report();
        assert!(super::page(&report, None).contains("<main class=''>"), "one day needs none");
        report.session.last.at += chrono::TimeDelta::days(1);
        assert!(super::page(&report, None).contains("<main class='days'>"));
        assert!(
            STYLE.contains(".day { display: none; }") && STYLE.contains(".days .day { display: inline; }")
        );
    }

    #[test]
    fn a_page_loads_nothing_and_runs_nothing() {
        let page = super::page(&testing::cutover().report(), None);
        assert!(page.contains("default-src 'none'"));
        for word in ["<script", "<img", "<link", "src=", "javascript:", "@import", "url(http"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
