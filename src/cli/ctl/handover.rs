//! What whoever takes a session over has to know, as `ctl handover` says it.

use std::fmt;

use serde::Serialize;

use super::status::{Engine, blocked, row};
use crate::clock::Now;
use crate::session::handover::{Handover, handover, status_line};
use crate::session::{Note, State};
use crate::text::safe_line;
use crate::ui::format;

/// A session, for whoever takes it over.
#[derive(Debug, Serialize)]
pub(super) struct Reading {
    session: String,
    title: String,
    #[serde(flatten)]
    engine: Engine,
    standing: String,
    elapsed_ms: u64,
    head: Option<String>,
    #[serde(flatten)]
    handover: Handover,
}

impl Reading {
    /// What `state` has to say at `now`; `head` is the log's.
    pub(super) fn of(state: &State, engine: Engine, head: Option<String>, now: Now) -> Self {
        Self {
            session: state.opened.as_ref().map(|opened| opened.session.clone()).unwrap_or_default(),
            title: state.runbook.as_ref().map(|runbook| runbook.title.clone()).unwrap_or_default(),
            engine,
            standing: status_line(state, now),
            elapsed_ms: state.elapsed_ms(state.outcome.map_or(now, |(_, at)| at)),
            head,
            handover: handover(state, now),
        }
    }

    fn lines(&self) -> Vec<String> {
        let Handover { wheel, here, holds, missing, running, questions, notes, next, rollback, .. } =
            &self.handover;
        let elapsed = format::clock(self.elapsed_ms);
        let mut lines = vec![format!("{}: {}, T+{elapsed}", self.session, self.title)];
        lines.extend(self.engine.in_words(&self.session));
        lines.push(self.standing.clone());
        lines.push(row("driver", wheel.as_deref().unwrap_or("nobody")));
        lines.push(row("here", &if here.is_empty() { "nobody".to_owned() } else { here.join(", ") }));
        for (name, open) in [("hold", holds), ("missing", missing)] {
            lines.extend(open.iter().flat_map(|open| blocked(name, open)));
        }
        lines.extend(running.iter().map(|running| {
            let what = running.what.as_ref().map_or_else(String::new, |what| format!(": {what}"));
            row("running", &format!("{} for {}{what}", running.step, format::took(running.for_ms)))
        }));
        lines.extend(questions.iter().map(|step| row("question", step.as_str())));
        lines.extend(next.iter().map(|next| row("by itself", next)));
        lines.push(row("roll back", rollback));
        lines.extend(notes.iter().map(|note| row("note", &in_words(note))));
        lines.push(row("log", &format!("head {}", self.head.as_deref().unwrap_or("unknown"))));
        lines
    }
}

fn in_words(note: &Note) -> String {
    let file = note.attached.as_ref().map_or_else(String::new, |file| format!(" [{file}]"));
    format!("{} {}, {}: {}{file}", format::date_minute(note.at), note.by, note.tag.word(), note.text)
}

/// The text that somebody reads; every line of it is safe for a terminal.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{}", safe_line(line)))
    }
}
