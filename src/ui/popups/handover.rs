//! Where the session stands, for whoever takes it over: on the screen of the wheel, and for anyone at any time.

use super::row::{Row, Text, Tone};
use super::{Context, roll_call};
use crate::session::Note;
use crate::session::gate::Missing;
use crate::session::handover::{self, Handover, Running};
use crate::ui::format::{time, took};
use crate::ui::hatch::hatch;
use crate::ui::theme::Mark;

/// The whole of it.
pub fn text(cx: &Context) -> Vec<Text> {
    let stands = handover::handover(cx.state, cx.now);
    let mut rows = who_and_where(&stands, cx);
    section(&mut rows, "HOLDS", "nothing holds", stands.holds.iter().map(missing));
    section(&mut rows, "MISSING AT THE GATE", "nothing is missing", stands.missing.iter().map(missing));
    section(&mut rows, "UNDER WAY", "no step runs", stands.running.iter().map(running));
    section(
        &mut rows,
        "NEXT, BY ITSELF",
        "nothing",
        stands.next.iter().map(|next| Row::mark(Mark::Running, next)),
    );
    let calls = stands.stage.as_ref().map(|stage| roll_call::rows(stage, cx)).unwrap_or_default();
    if !calls.is_empty() {
        rows.extend(calls);
        rows.push(Row::blank());
    }
    let way_back = hatch(cx.state, cx.now);
    let ready = Row::mark(way_back.mark, format!("way back: {}", way_back.ready()));
    section(&mut rows, "ROLLING BACK", "", [Row::new(&stands.rollback), ready].into_iter());
    section(&mut rows, "LAST NOTES", "none", stands.notes.iter().map(note));
    rows.pop();
    vec![Text::Rows(rows)]
}

fn who_and_where(stands: &Handover, cx: &Context) -> Vec<Row> {
    let opened = cx.state.opened.as_ref();
    let title = cx.state.runbook.as_ref().map(|runbook| runbook.title.as_str()).unwrap_or_default();
    let session =
        opened.map(|opened| format!("  {} {}", opened.mode.word(), opened.session)).unwrap_or_default();
    let stage =
        stands.stage.as_ref().map_or_else(|| "no stage in hand".to_owned(), |id| format!("stage {id}"));
    let wheel = stands.wheel.as_deref().unwrap_or("nobody");
    let here = if stands.here.is_empty() { "nobody".to_owned() } else { stands.here.join(", ") };
    vec![
        Row::title(title).and(Tone::Dim, session),
        Row::title(stands.situation.word().to_uppercase()).and(Tone::Plain, format!("  {stage}")),
        Row::new(format!("wheel: {wheel}   here: {here}")),
        Row::blank(),
    ]
}

/// A heading with its rows under it, or the word for none.
fn section(rows: &mut Vec<Row>, title: &str, none: &str, all: impl Iterator<Item = Row>) {
    rows.push(Row::title(title));
    let before = rows.len();
    rows.extend(all.map(|row| row.indent(1)));
    if rows.len() == before {
        rows.push(Row::dim(none).indent(1));
    }
    rows.push(Row::blank());
}

fn missing(missing: &Missing) -> Row {
    let row = Row::mark(Mark::Fail, &missing.what);
    if missing.release.is_empty() {
        return row;
    }
    row.and(Tone::Dim, format!("  released by: {}", missing.release))
}

fn running(running: &Running) -> Row {
    let what = running.what.as_deref().and_then(|what| what.lines().next()).unwrap_or_default();
    Row::mark(Mark::Running, running.step.as_str())
        .and(Tone::Plain, format!("  attempt {}, for {}", running.attempt, took(running.for_ms)))
        .and(Tone::Dim, format!("  {what}"))
}

fn note(note: &Note) -> Row {
    Row::dim(format!("{} {} {}  ", time(note.at), note.by, note.tag.word())).and(Tone::Plain, &note.text)
}
