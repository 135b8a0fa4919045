//! The roll call of a gate: for which roles and how many people it asks, who said what, and which votes are void.

use super::Context;
use super::row::{Row, Tone};
use crate::clock::Now;
use crate::runbook::StageId;
use crate::runbook::model::Stage;
use crate::session::votes::Vote;
use crate::session::{StageState, roles};
use crate::text;
use crate::ui::theme::Mark;

/// The roll call of a stage's gate; nothing where no vote is asked for and none was given.
pub fn rows(stage: &StageId, cx: &Context) -> Vec<Row> {
    let (Some(plan), Some(seen)) = (cx.state.stage_plan(stage), cx.state.stages.get(stage)) else {
        return Vec::new();
    };
    if plan.gate.approvals == 0 && plan.gate.roles.is_empty() && seen.votes.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![Row::title("ROLL CALL").and(Tone::Dim, asked(plan))];
    let columns = Columns::of(plan, seen);
    for role in &plan.gate.roles {
        let given: Vec<_> = seen.votes.iter().filter(|vote| vote.role.as_ref() == Some(role)).collect();
        if given.is_empty() {
            rows.push(
                Row::mark(Mark::Ask, columns.line(Some(role), "-"))
                    .and(Tone::Marked(Mark::Ask), "no answer")
                    .and(Tone::Dim, format!("  {}", roles::who_could(cx.state, role))),
            );
        }
        rows.extend(given.into_iter().map(|vote| columns.vote(vote, cx.now)));
    }
    let known = |vote: &&Vote| vote.role.as_ref().is_some_and(|role| plan.gate.roles.contains(role));
    rows.extend(seen.votes.iter().filter(|vote| !known(vote)).map(|vote| columns.vote(vote, cx.now)));
    if seen.votes.is_empty() && plan.gate.roles.is_empty() {
        rows.push(Row::mark(Mark::Ask, "nobody has voted yet"));
    }
    rows.into_iter().enumerate().map(|(n, row)| if n == 0 { row } else { row.indent(1) }).collect()
}

/// What the gate asks for.
fn asked(plan: &Stage) -> String {
    let people = match plan.gate.approvals {
        0 => None,
        1 => Some("asks for 1 GO".to_owned()),
        n => Some(format!("asks for {n} people's GO")),
    };
    let roles =
        (!plan.gate.roles.is_empty()).then(|| format!("one GO each for {}", plan.gate.roles.join(", ")));
    let all: Vec<_> = people.into_iter().chain(roles).collect();
    if all.is_empty() { "  asks for no vote".to_owned() } else { format!("  {}", all.join(", ")) }
}

/// How wide the first columns are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// 0 where no vote is for a role.
    role: usize,
    who: usize,
}

impl Columns {
    fn of(plan: &Stage, seen: &StageState) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text::width(&text::safe(text))).max().unwrap_or(0).min(16)
        };
        let given = seen.votes.iter().filter_map(|vote| vote.role.as_ref());
        Self {
            role: widest(&mut plan.gate.roles.iter().chain(given)),
            who: widest(&mut seen.votes.iter().map(|vote| &vote.person)).max(1),
        }
    }

    fn line(self, role: Option<&String>, who: &str) -> String {
        let who = cell(who, self.who);
        match role {
            _ if self.role == 0 => format!("{who}  "),
            role => format!("{}  {who}  ", cell(role.map_or("", String::as_str), self.role)),
        }
    }

    fn vote(self, vote: &Vote, now: Now) -> Row {
        let (mark, word) = match (&vote.void, vote.go) {
            (Some(_), _) => (Mark::Pending, if vote.go { "GO" } else { "NO-GO" }),
            (None, true) => (Mark::Ok, "GO"),
            (None, false) => (Mark::Fail, "NO-GO"),
        };
        let mut row = Row::mark(mark, self.line(vote.role.as_ref(), &vote.person))
            .and(Tone::Marked(mark), cell(word, 5))
            .and(Tone::Dim, format!("  {}", now.second(vote.at)));
        if let Some(why) = &vote.void {
            row = row.and(Tone::Marked(Mark::Warn), format!("  VOID: {why}"));
        }
        if let Some(note) = &vote.note {
            row = row.and(Tone::Plain, format!("  {note}"));
        }
        if !vote.also.is_empty() {
            row = row.and(Tone::Dim, format!("  the same person as {}", vote.also.join(", ")));
        }
        if vote.principal.is_none() {
            row = row.and(Tone::Marked(Mark::Warn), "  cannot be told apart from others");
        }
        row
    }
}

/// Text in a column of exactly `columns`.
fn cell(text: &str, columns: usize) -> String {
    let safe = text::safe(text);
    let fitted = text::fit(&safe, columns);
    format!("{fitted}{}", " ".repeat(columns.saturating_sub(text::width(&fitted))))
}
