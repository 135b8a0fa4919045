//! Which events are listed: those in which every word stands somewhere. `by:`, `kind:` and `on:` say where.

use crate::event::{Event, EventKind, ItemOf, author, describe, is_failure};

/// What an event must be like to be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// As it was typed.
    pub text: String,
    pub errors_only: bool,
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    place: Place,
    /// In small letters.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    /// The author's name.
    By,
    /// The kind, as the log has it.
    Kind,
    /// A check, a step, a stage, a trigger or a person that it is about.
    On,
}

impl Filter {
    /// The same with other words.
    #[must_use]
    pub fn typed(&self, text: &str) -> Self {
        let word = |word: &str| {
            let (place, text) = match word.split_once(':') {
                Some(("by", rest)) => (Place::By, rest),
                Some(("kind", rest)) => (Place::Kind, rest),
                Some(("on", rest)) => (Place::On, rest),
                _ => (Place::Anywhere, word),
            };
            Word { place, text: text.to_lowercase() }
        };
        let words = text.split_whitespace().map(word).collect();
        Self { text: text.trim().to_owned(), errors_only: self.errors_only, words }
    }

    /// Whether every event is listed.
    #[must_use]
    pub fn is_all(&self) -> bool {
        !self.errors_only && self.words.is_empty()
    }

    /// Whether this event is listed.
    #[must_use]
    pub fn lists(&self, event: &Event) -> bool {
        if self.errors_only && !is_failure(&event.event) {
            return false;
        }
        self.words.is_empty() || {
            let by = author(&event.by).to_lowercase();
            let (kind, about) = (kind(&event.event), about(&event.event).join("\n").to_lowercase());
            let line = describe(event).to_lowercase();
            self.words.iter().all(|Word { place, text }| match place {
                Place::By => by.contains(text),
                Place::Kind => kind.contains(text.as_str()),
                Place::On => about.contains(text),
                Place::Anywhere => {
                    [&line, &by, &about].iter().any(|place| place.contains(text))
                        || kind.contains(text.as_str())
                }
            })
        }
    }
}

/// An event's kind as the log has it: `step_finished`.
#[must_use]
pub fn kind(event: &EventKind) -> String {
    let kind =
        serde_json::to_value(event).ok().and_then(|event| event.get("kind")?.as_str().map(str::to_owned));
    kind.unwrap_or_else(|| "unknown".to_owned())
}

/// The names of what an event is about.
fn about(event: &EventKind) -> Vec<&str> {
    use EventKind as E;
    match event {
        E::OperatorJoined { person, .. } | E::OperatorLeft { person, .. } => vec![&person.person],
        E::WheelOffered { to } | E::WheelPassed { from: None, to } => vec![to],
        E::WheelPassed { from: Some(from), to } => vec![from, to],
        E::StepFinished(finish) => vec![finish.step.as_str()],
        E::StepStarted { step, .. }
        | E::StepLaunched { step, .. }
        | E::StepUnknown { step, .. }
        | E::StepResolved { step, .. }
        | E::StepSkipped { step, .. }
        | E::StepKilled { step, .. }
        | E::EndRefused { step, .. }
        | E::OutputCut { step, .. }
        | E::LinkFound { step, .. }
        | E::Confirmed { step, .. }
        | E::Declined { step, .. }
        | E::ItemTicked { on: ItemOf::Step(step), .. } => vec![step.as_str()],
        E::EvidenceAdded { step, .. } | E::RollbackStuck { step, .. } => {
            step.iter().map(|step| step.as_str()).collect()
        }
        E::CheckChanged { check, .. } => vec![check.as_str()],
        E::StageEntered { stage }
        | E::ItemTicked { on: ItemOf::Gate(stage), .. }
        | E::GateChanged { stage, .. }
        | E::SoakStarted { stage }
        | E::SoakBroken { stage, .. }
        | E::SoakReached { stage }
        | E::Voted { stage, .. }
        | E::OverrideAsked { stage, .. }
        | E::OverrideDeclined { stage, .. }
        | E::Promoted { stage, .. }
        | E::RollbackStarted { to: stage, .. }
        | E::StageRolledBack { stage } => vec![stage.as_str()],
        E::TriggerArmed { trigger, .. }
        | E::TriggerCleared { trigger }
        | E::TriggerVetoed { trigger, .. }
        | E::TriggerFired { trigger, .. } => vec![trigger.as_str()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Health;
    use crate::ui::testing::Story;

    #[test]
    fn every_word_must_stand_somewhere_and_a_prefix_says_where() {
        let mut story = Story::running();
        story.turn("new-readyz", Health::Failing, "status 503, expected 200");
        let listed = |text: &str| {
            let filter = Filter::default().typed(text);
            story.state.recent.iter().filter(|event| filter.lists(event)).count()
        };
        let all = story.state.recent.len();
        assert_eq!(listed(""), all);
        assert_eq!(listed("  "), all);
        assert_eq!(listed("503"), 1);
        assert_eq!(listed("READYZ 503 engine"), 1);
        assert_eq!(listed("on:new-readyz"), 2);
        assert_eq!(listed("kind:step_started on:freeze"), 2);
        assert_eq!(listed("by:opsA kind:promoted"), 1);
        assert_eq!(listed("by:engine kind:promoted"), 0);
        assert_eq!(listed("on:"), all, "a word that is not typed yet asks for nothing");
        let errors = Filter { errors_only: true, ..Filter::default() };
        assert_eq!(story.state.recent.iter().filter(|event| errors.lists(event)).count(), 1);
        assert!(!errors.is_all() && !errors.typed("x").is_all() && Filter::default().is_all());
    }
}
