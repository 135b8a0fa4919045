//! A drill in a few lines, for whoever started it.

use super::model::{Direction, Drill, Leg, Verdict};
use crate::report::words::span;

/// A line for each leg, what took longer than it was estimated to, and the verdict last.
#[must_use]
pub fn summary(drill: &Drill) -> Vec<String> {
    let mut lines: Vec<String> = drill.legs.iter().map(leg).collect();
    if let Some(soak) = &drill.soak {
        let stages: Vec<String> =
            soak.written_ms.iter().map(|(stage, written)| format!("{stage} {}", span(*written))).collect();
        lines.push(format!("soaks were cut to {}, as written: {}", span(soak.most_ms), stages.join(", ")));
    }
    lines.extend(drill.over_estimate.iter().map(|over| format!("over its estimate: {over}")));
    lines.push(match drill.verdict {
        Verdict::Good => format!("the drill of {} is good", drill.runbook.id),
        Verdict::Failed => format!("the drill of {} failed: {}", drill.runbook.id, drill.why),
    });
    lines
}

fn leg(leg: &Leg) -> String {
    let (direction, verdict) = (
        word(leg.direction),
        match leg.verdict {
            Verdict::Good => "good".to_owned(),
            Verdict::Failed => format!("failed: {}", leg.why),
        },
    );
    format!("{direction:<7} {:>8}  {verdict}  ({} at {})", span(leg.took_ms), leg.session, leg.head)
}

/// The word for a direction.
#[must_use]
pub fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Back => "back",
    }
}
