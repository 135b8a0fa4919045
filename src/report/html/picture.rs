//! The session as a picture along its time: stages as planned and as they went, their gates, what held it up, and what
//! happened; and the same as a table.

use super::bars::{self, Bar, Sign, Track};
use super::chart;
use super::markup::{Markup, html, put};
use super::scale::Scale;
use super::words::{self, since_start, took};
use crate::report::model::{Band, BandKind, Mark, MarkKind, Report, Stage, StageStatus};

/// How many marks the table tells; the log has them all.
const TOLD: usize = 2000;
/// How many bars of a row say what they are.
const BARS: usize = 150;

/// The section.
pub fn draw(report: &Report, scale: &Scale) -> Markup {
    html!(
        "<section id='timeline'><h2>Timeline</h2><figure role='group' aria-label='Timeline'>\
         <div class='rows'><div></div><div class='track'>{}</div>{}{}{}<div></div><div class='track'>{}</div></div>\
         <figcaption>All times in UTC. Planned: the estimates, one after another, from when the first stage was entered. \
         Point at anything to read what it is; the stages and the table below say the same in words.</figcaption>{}\
         </figure>{}</section>",
        chart::axis(scale),
        stages(report, scale),
        whole(report, scale),
        signs(report, scale),
        chart::axis(scale),
        legend(),
        table(report),
    )
}

fn row(label: &Markup, track: &Track) -> Markup {
    html!("<div class='label'>{}</div><div class='track'>{}</div>", label, track.draw())
}

fn bar(band: &Band, scale: &Scale, class: &'static str, (y, height): (u32, u32), what: &str) -> Bar {
    let to_ms = band.to_ms.unwrap_or(scale.end_ms());
    let open = if band.to_ms.is_none() { ", not over where the record ends" } else { "" };
    let lasted = took(to_ms.saturating_sub(band.from_ms));
    let title = format!("{what}: {} for {lasted}{open}", since_start(band.from_ms));
    Bar { from_ms: band.from_ms, to_ms, class, y, height, title }
}

fn stages(report: &Report, scale: &Scale) -> Markup {
    let mut rows = Markup::default();
    let mut planned_ms =
        report.stages.iter().find_map(|stage| stage.entries.first()).map(|entry| entry.entered.t_ms);
    for (number, stage) in (1_u32..).zip(&report.stages) {
        if stage.point_of_no_return {
            put!(rows, "<div class='pnr-line'>POINT OF NO RETURN</div>");
        }
        let mut bars = Vec::new();
        if let (Some(from_ms), Some(estimate)) =
            (planned_ms.as_mut(), stage.estimate_ms.filter(|_| stage.applies))
        {
            let to_ms = from_ms.saturating_add(estimate);
            // What was planned for behind the end of the record does not fit into its picture.
            if scale.x(*from_ms) < 99.5 {
                let title = format!("planned: {} for {}", since_start(*from_ms), took(estimate));
                let to_ms = to_ms.min(scale.end_ms());
                bars.push(Bar { from_ms: *from_ms, to_ms, class: "plan", y: 3, height: 5, title });
            }
            *from_ms = to_ms;
        }
        bars.extend(report.timeline.bands.iter().filter_map(|band| of_stage(band, &stage.id, scale)));
        let label = html!("{} {} {}", number, stage.title, words::state(words::stage(stage.status)));
        let title = sentence(stage);
        let track = Track { scale, height: 30, title: &title, bars: &bars, told: BARS, signs: &[] };
        put!(rows, "{}", row(&label, &track));
    }
    rows
}

/// What a stage's row shows of a band.
fn of_stage(band: &Band, id: &str, scale: &Scale) -> Option<Bar> {
    let (of, class, place, what) = match &band.what {
        BandKind::Stage { stage, status: StageStatus::Active } => (stage, "f-running", (11, 11), "steps ran"),
        BandKind::Stage { stage, status: StageStatus::AtGate } => {
            (stage, "h-pending", (11, 11), "at its gate")
        }
        BandKind::Stage { stage, status: StageStatus::RollingBack } => {
            (stage, "h-warn", (11, 11), "rolling back")
        }
        BandKind::Gate { stage, go: true } => (stage, "f-ok", (26, 2), "gate GO"),
        BandKind::Gate { stage, go: false } => (stage, "f-fail", (23, 5), "gate NO-GO"),
        BandKind::Soak { stage } => (stage, "f-ok", (14, 5), "soak ran"),
        _ => return None,
    };
    (of == id).then(|| bar(band, scale, class, place, what))
}

fn sentence(stage: &Stage) -> String {
    let (_, word, _) = words::stage(stage.status);
    let mut sentence = format!("{}: {word}", stage.title);
    for entry in &stage.entries {
        let from = since_start(entry.entered.t_ms);
        sentence.push_str(&format!("; entered {from}, lasted {}", took(entry.took_ms)));
    }
    sentence
}

/// How a band is drawn in a row, where it belongs there: its class, and its title.
type Drawn = fn(&BandKind) -> Option<(&'static str, String)>;

/// What concerned the session as a whole; rows without anything in them are left out.
fn whole(report: &Report, scale: &Scale) -> Markup {
    let kinds: [(&str, Drawn); 4] = [
        ("Rollback", |kind| match kind {
            BandKind::RollingBack { to, .. } => Some(("h-warn", format!("rollback to {to}"))),
            BandKind::Stuck => Some(("f-fail", "the rollback was stuck".to_owned())),
            BandKind::Gate { stage, go: false } if stage == "rollback" => {
                Some(("f-fail", "the gate of the way back NO-GO".to_owned()))
            }
            _ => None,
        }),
        ("Held", |kind| {
            matches!(kind, BandKind::Holding).then(|| ("h-fail", "held: nothing new started".to_owned()))
        }),
        ("Paused", |kind| match kind {
            BandKind::Paused { by } => Some(("h-warn", format!("paused by {by}"))),
            _ => None,
        }),
        ("Unobserved", |kind| {
            matches!(kind, BandKind::Unobserved).then(|| ("h-unseen", "nobody observed anything".to_owned()))
        }),
    ];
    let mut rows = Markup::default();
    for (name, kind) in kinds {
        let bars: Vec<Bar> = (report.timeline.bands.iter())
            .filter_map(|band| kind(&band.what).map(|(class, what)| bar(band, scale, class, (3, 12), &what)))
            .collect();
        if !bars.is_empty() {
            let title = format!("{name}: {} times", bars.len());
            let track = Track { scale, height: 18, title: &title, bars: &bars, told: BARS, signs: &[] };
            put!(rows, "{}", row(&html!("{}", name), &track));
        }
    }
    rows
}

/// The rows of marks: each mark stands in the first one that it belongs to.
const ROWS: [(&str, &[MarkKind]); 7] = [
    ("Failures, unknowns", &[MarkKind::Failure, MarkKind::Unknown, MarkKind::PointOfNoReturn]),
    ("Triggers, rollbacks", &[MarkKind::Trigger, MarkKind::Rollback]),
    ("Overrides, votes", &[MarkKind::Override, MarkKind::Vote]),
    ("Notes", &[MarkKind::Note]),
    ("Decisions, pauses", &[MarkKind::Decision, MarkKind::Pause]),
    ("Soaks, stages, engine", &[MarkKind::Soak, MarkKind::Stage, MarkKind::Session]),
    ("People", &[MarkKind::Person]),
];

fn glyph(kind: MarkKind) -> words::State {
    match kind {
        MarkKind::Session => ("■", "SESSION", "pending"),
        MarkKind::Stage => ("▶", "STAGE", "running"),
        MarkKind::Failure => ("✗", "FAILURE", "fail"),
        MarkKind::Decision => ("◆", "DECISION", "ask"),
        MarkKind::Pause => ("⏸\u{fe0e}", "PAUSE", "warn"),
        MarkKind::Soak => ("◔", "SOAK", "pending"),
        MarkKind::Trigger => ("⚑", "TRIGGER", "warn"),
        MarkKind::Vote => ("✔\u{fe0e}", "VOTE", "ask"),
        MarkKind::Override => ("▲", "OVERRIDE", "warn"),
        MarkKind::Note => ("✎", "NOTE", "ask"),
        MarkKind::Person => ("☻", "PERSON", "pending"),
        MarkKind::Rollback => ("◀", "ROLLBACK", "warn"),
        MarkKind::Unknown => ("?", "UNKNOWN", "stale"),
        MarkKind::PointOfNoReturn => ("║", "POINT OF NO RETURN", "fail"),
        MarkKind::WhatIf => ("◇", "WHAT IF", "ask"),
    }
}

fn signs(report: &Report, scale: &Scale) -> Markup {
    let mut rows: Vec<Vec<Sign>> = ROWS.iter().map(|_| Vec::new()).collect();
    for mark in &report.timeline.marks {
        let belongs =
            |(_, kinds): &(_, &[MarkKind])| kinds.iter().copied().find(|kind| mark.kinds.contains(kind));
        let row = ROWS.iter().enumerate().find_map(|(row, kinds)| belongs(kinds).map(|kind| (row, kind)));
        if let Some((row, kind)) = row {
            rows[row].push(sign(mark, kind));
        }
    }
    let mut drawn = Markup::default();
    for ((name, _), signs) in ROWS.iter().zip(rows).filter(|(_, signs)| !signs.is_empty()) {
        let title = format!("{name}: {} marks", signs.len());
        let track = Track { scale, height: 20, title: &title, bars: &[], told: BARS, signs: &signs };
        put!(drawn, "{}", row(&html!("{}", name), &track));
    }
    drawn
}

/// A mark as what it is in its row.
fn sign(mark: &Mark, kind: MarkKind) -> Sign {
    let (glyph, _, class) = glyph(kind);
    let by = mark.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let title = format!("{} #{} {}{by}", since_start(mark.t_ms), mark.seq, mark.label);
    Sign { t_ms: mark.t_ms, glyph, class, title }
}

fn table(report: &Report) -> Markup {
    let marks = &report.timeline.marks;
    if marks.is_empty() {
        return Markup::default();
    }
    let mut rows = Markup::default();
    for mark in marks.iter().take(TOLD) {
        put!(
            rows,
            "<tr><td class='num' data-of='#'>{}</td><td class='time'>{}</td><td>{}</td><td class='said'>{}</td>\
             <td data-of='by'>{}</td></tr>",
            mark.seq,
            since_start(mark.t_ms),
            mark.kinds.first().map(|kind| words::state(glyph(*kind))),
            mark.label,
            mark.by,
        );
    }
    let more = marks.len().saturating_sub(TOLD);
    html!(
        "<details><summary>Everything marked, as a table ({})</summary><table class='stack'><thead><tr>\
         <th scope='col' class='num'>event</th><th scope='col'>session time</th><th scope='col'>what</th>\
         <th scope='col'>in words</th><th scope='col'>by</th></tr></thead><tbody>{}</tbody></table>{}</details>",
        marks.len(),
        rows,
        (more > 0).then(|| html!("<p>{} more are in the log.</p>", more)),
    )
}

fn legend() -> Markup {
    let kinds = [
        ("plan", 4, 5, "planned"),
        ("f-running", 1, 10, "steps ran"),
        ("h-pending", 1, 10, "at its gate"),
        ("f-ok", 3, 5, "soak ran (inside of the gate's time)"),
        ("f-fail", 4, 5, "gate NO-GO (below)"),
        ("f-ok", 6, 2, "gate GO (below)"),
        ("h-warn", 1, 10, "rolling back, paused"),
        ("h-fail", 1, 10, "held"),
        ("h-unseen", 1, 10, "unobserved"),
    ];
    html!("<ul class='legend'>{}</ul>", bars::legend(&kinds))
}
