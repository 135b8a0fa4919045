//! Somebody of the crew: where they sit, for what they stand, how we know who they are.

use crate::session::Operator;
use crate::ui::format::{about, took};
use crate::ui::popups::Context;
use crate::ui::popups::row::{Row, Tone};
use crate::ui::theme::Mark;

pub fn rows(name: &str, cx: &Context) -> Option<Vec<Row>> {
    let state = cx.state;
    let operator = state.crew.get(name)?;
    let mut rows =
        vec![Row::title(name).and(Tone::Plain, format!("  {}", state.seat_of(&operator.person).word()))];
    if state.wheel.as_deref() == Some(name) {
        rows.push(Row::mark(Mark::Running, "has the wheel"));
    }
    rows.push(Row::new(format!("came {}", cx.now.second(operator.since.at))));
    rows.push(match operator.left {
        None => Row::mark(Mark::Ok, "is here").and(Tone::Dim, presence(name, cx)),
        Some(left) => {
            let away = took(state.since(left, cx.now));
            Row::mark(Mark::Warn, format!("away since {}, for {away}", cx.now.second(left.at)))
        }
    });
    let roles = operator.roles.join(", ");
    rows.push(Row::new(format!("stands for {}", if roles.is_empty() { "no role" } else { &roles })));
    rows.push(Row::blank());
    rows.extend(known_by(operator));
    let principal = operator.credentials.principal(name);
    let same = state.crew.values().filter(|other| {
        other.person.person != name && other.credentials.principal(&other.person.person) == principal
    });
    match &principal {
        None => rows.push(Row::mark(
            Mark::Warn,
            "cannot be told apart from others: `gonogo attach --as NAME` with a passphrase changes that",
        )),
        Some(principal) => {
            rows.push(Row::new(format!("counts as one person: {principal}")));
            rows.extend(same.map(|other| {
                let line = format!("{} is the same person: together they are one vote", other.person.person);
                Row::mark(Mark::Warn, line)
            }));
        }
    }
    Some(rows)
}

fn presence(name: &str, cx: &Context) -> String {
    let Some(seen) = cx.telemetry.presence.iter().find(|presence| presence.person == name) else {
        return String::new();
    };
    let idle = about(cx.now.up_ms.saturating_sub(seen.active_up_ms));
    let plural = if seen.connections == 1 { "" } else { "s" };
    format!("  last key {idle} ago, over {} cockpit{plural}", seen.connections)
}

fn known_by(operator: &Operator) -> Vec<Row> {
    let known = &operator.credentials;
    let login =
        known.login_uid.map_or_else(|| "no login".to_owned(), |uid| format!("logged in as uid {uid}"));
    let mut rows = vec![
        Row::title("HOW WE KNOW"),
        Row::new(format!("uid {}, {login}, pid {}", known.uid, known.pid)).indent(1),
    ];
    rows.extend(known.ssh.as_ref().map(|ssh| Row::new(format!("over SSH: {ssh}")).indent(1)));
    if known.passphrase {
        rows.push(Row::new("gave the passphrase of this name").indent(1));
    }
    rows
}
