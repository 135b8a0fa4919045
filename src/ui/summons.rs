//! What calls an operator back to the screen: a question, a hold, a trigger that counts down, a rollback that is stuck.

use serde::Deserialize;

use crate::session::{State, TriggerState};
use crate::text;

/// How an operator who looks elsewhere is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bell {
    #[default]
    Off,
    /// The terminal's bell.
    Bell,
    /// A notification of the terminal's (OSC 9), where it has them.
    Osc9,
}

/// How wide a notification gets.
const WIDEST: usize = 120;

impl Bell {
    /// What is sent to the terminal to say `what`.
    #[must_use]
    pub fn rings(self, what: &str) -> String {
        match self {
            Self::Off => String::new(),
            Self::Bell => "\x07".to_owned(),
            Self::Osc9 => format!("\x1b]9;gonogo: {}\x07", text::fit(&text::safe(what), WIDEST)),
        }
    }
}

/// Remembers what an operator was called for, so that each call rings once.
#[derive(Debug, Default)]
pub struct Summons {
    /// `None` until the first look: what waited before somebody came is on the screen.
    known: Option<Vec<String>>,
}

impl Summons {
    /// What newly waits for a person; `None` where nothing does.
    pub fn new_call(&mut self, state: &State) -> Option<String> {
        let now = calls(state);
        let new =
            self.known.as_ref().and_then(|known| now.iter().find(|call| !known.contains(call)).cloned());
        self.known = Some(now);
        new
    }
}

/// Everything that waits for a person.
fn calls(state: &State) -> Vec<String> {
    if state.is_closed() {
        return Vec::new();
    }
    let questions = state.questions().into_iter().map(|step| format!("{step} asks"));
    let holds = state.holds().into_iter().map(|hold| hold.sentence());
    let armed = state.triggers.iter().filter_map(|(id, trigger)| match trigger {
        TriggerState::Armed { .. } => Some(format!("trigger {id} counts down")),
        _ => None,
    });
    let stuck = state.active_rollback().and_then(|rollback| rollback.stuck.as_ref());
    let stuck = stuck.map(|stuck| match &stuck.step {
        Some(step) => format!("the rollback is stuck at {step}"),
        None => "the rollback is stuck".to_owned(),
    });
    questions.chain(holds).chain(armed).chain(stuck).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::Story;

    #[test]
    fn each_thing_that_waits_for_a_person_calls_once() {
        let (quiet, asks) = (Story::go(), Story::failed());
        let mut summons = Summons::default();
        assert_eq!(summons.new_call(&quiet.state), None);
        let call = summons.new_call(&asks.state).expect("a step failed");
        assert!(call.contains("failed"), "{call}");
        assert_eq!(summons.new_call(&asks.state), None);
        assert_eq!(summons.new_call(&quiet.state), None);
        assert_eq!(summons.new_call(&asks.state), Some(call), "it came again");
        // Whoever comes to what waits already sees it.
        assert_eq!(Summons::default().new_call(&asks.state), None);
    }

    #[test]
    fn a_notification_is_one_sequence_whatever_it_says() {
        let hostile = "step a\u{1b}]52;c;AAAA\u{7}\u{9c} failed".repeat(9);
        let rung = Bell::Osc9.rings(&hostile);
        let inside = rung.strip_prefix("\x1b]9;").and_then(|rung| rung.strip_suffix('\x07')).unwrap();
        assert!(!inside.chars().any(char::is_control), "{rung:?}");
        assert!(text::width(inside) < 140);
        assert_eq!((Bell::Off.rings("x").as_str(), Bell::Bell.rings("x").as_str()), ("", "\x07"));
    }
}
