//! What would have gone another way, as plain text: for a pipe, a ticket, a terminal without a screen.

use std::fmt::Write as _;

use super::WhatIf;
use crate::text::safe_line;

/// The whole of it, line by line; what others wrote is made displayable.
#[must_use]
pub fn table(what_if: &WhatIf) -> String {
    let mut text = String::new();
    let mut list = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            let _ = writeln!(text, "{title}");
            for line in lines {
                let _ = writeln!(text, "  {}", safe_line(line));
            }
        }
    };
    list("judged again", &what_if.judged);
    list("cannot be judged from a recording", &what_if.unjudged);
    let checks: Vec<String> = what_if
        .checks
        .iter()
        .map(|c| {
            let (check, all) = (&c.check, c.samples);
            format!("check {check}: of {all} samples {} turn bad, {} turn good", c.now_bad, c.now_good)
        })
        .collect();
    list("samples", &checks);
    if what_if.findings.is_empty() && what_if.beyond.is_none() {
        text += "nothing would have gone another way\n";
        return text;
    }
    let rows: Vec<[String; 5]> = what_if
        .findings
        .iter()
        .map(|f| {
            let line = |text: &str| safe_line(text).into_owned();
            let subject = f.subject.to_string();
            [clock(f.t_ms), format!("#{}", f.seq), line(&subject), line(&f.recorded), line(&f.what_if)]
        })
        .collect();
    let heads = ["at", "event", "what", "as recorded", "what if"].map(str::to_owned);
    let wide = |column: usize| {
        rows.iter().chain([&heads]).map(|row| crate::text::width(&row[column])).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..4).map(wide).collect();
    for row in [&heads].into_iter().chain(&rows) {
        for (cell, width) in row.iter().zip(&widths) {
            let pad = width.saturating_sub(crate::text::width(cell));
            let _ = write!(text, "{cell}{}  ", " ".repeat(pad));
        }
        let _ = writeln!(text, "{}", row[4]);
    }
    if let Some(beyond) = &what_if.beyond {
        let _ = writeln!(text, "from {} on: {}", clock(beyond.t_ms), safe_line(&beyond.sentence()));
    }
    text
}

/// Session time: `T+00:41:42`.
fn clock(t_ms: u64) -> String {
    let s = t_ms / 1_000;
    format!("T+{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}
