//! Keys to actions, as data: an action may have several keys, a key only one action. The help and the line of hints
//! are made from it.

mod defaults;
mod key;
mod replay;

pub use key::Key;

use crossterm::event::KeyCode;

use super::action::{Action, Group};
use defaults::DEFAULTS;
use replay::REPLAY;

/// Which keys mean which action.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<(Vec<Key>, Action)>,
}

/// What a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    Action(Action),
    /// The first key of a longer sequence.
    More,
    Nothing,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::of(DEFAULTS)
    }
}

fn sequence(text: &str) -> Result<Vec<Key>, String> {
    text.split(' ').map(str::parse).collect()
}

/// Whether two sequences could not both mean something: one would be the beginning of the other.
fn clash(one: &[Key], other: &[Key]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

impl Keymap {
    /// The keys over a recording.
    #[must_use]
    pub fn replay() -> Self {
        let mut map = Self::of(REPLAY);
        let mut live = Self::default().bindings;
        live.retain(|(keys, _)| !map.bindings.iter().any(|(others, _)| clash(keys, others)));
        map.bindings.extend(live);
        map
    }

    fn of(table: &[(Action, &[&str])]) -> Self {
        let bindings = table
            .iter()
            .flat_map(|(action, keys)| keys.iter().map(|text| (sequence(text), *action)))
            .map(|(keys, action)| (keys.expect("the keys of the tables parse, by test"), action))
            .collect();
        Self { bindings }
    }

    /// The same with other keys for some actions: each list takes the place of all the keys that its action had.
    ///
    /// # Errors
    /// The action whose keys cannot be, and why: a key that is none, a key that means another action already or hides
    /// its keys, or no key to leave with.
    pub fn with(mut self, keys: &[(Action, Vec<String>)]) -> Result<Self, (Action, String)> {
        let actions: Vec<Action> = keys.iter().map(|(action, _)| *action).collect();
        self.bindings.retain(|(_, action)| !actions.contains(action));
        for (action, texts) in keys {
            for text in texts {
                let keys = sequence(text).map_err(|why| (*action, why))?;
                let off_hand =
                    keys.iter().any(|key| key.ctrl || key.alt || matches!(key.code, KeyCode::F(_)));
                if off_hand && action.group() == Group::Cutover {
                    let why = format!("`{text}`: nothing that acts is on ctrl, alt or a function key");
                    return Err((*action, why));
                }
                if let Some((_, other)) = self.bindings.iter().find(|(other, _)| clash(other, &keys)) {
                    return Err((
                        *action,
                        format!("`{text}` means `{other}` already; give that another key too"),
                    ));
                }
                self.bindings.push((keys, *action));
            }
        }
        if self.keys(Action::Quit).is_empty() {
            return Err((Action::Quit, "no key would leave the cockpit: give it one".to_owned()));
        }
        Ok(self)
    }

    /// What `key` means after the keys in `before`, which it appends to or clears.
    pub fn press(&self, before: &mut Vec<Key>, key: Key) -> Pressed {
        before.push(key);
        let mut more = false;
        for (keys, action) in &self.bindings {
            if keys == before {
                before.clear();
                return Pressed::Action(*action);
            }
            more |= keys.starts_with(before);
        }
        if more {
            return Pressed::More;
        }
        let alone = before.len() == 1;
        before.clear();
        if alone { Pressed::Nothing } else { self.press(before, key) }
    }

    /// The keys of an action as they are shown: `["g g", "home"]`.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<String> {
        self.bindings
            .iter()
            .filter(|(_, a)| *a == action)
            .map(|(keys, _)| keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// The first key of an action as it is shown; empty where it has none.
    #[must_use]
    pub fn key(&self, action: Action) -> String {
        self.keys(action).into_iter().next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::action::Group;
    use crate::ui::view::Pane;

    fn press(map: &Keymap, keys: &[&str]) -> Vec<Pressed> {
        let mut before = Vec::new();
        keys.iter().map(|k| map.press(&mut before, k.parse().unwrap())).collect()
    }

    #[test]
    fn no_key_means_two_things_and_none_hides_another() {
        for map in [Keymap::default(), Keymap::replay()] {
            for (i, (keys, action)) in map.bindings.iter().enumerate() {
                for (other, second) in &map.bindings[i + 1..] {
                    assert!(!clash(keys, other), "{action} and {second}");
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_and_what_acts_is_on_a_plain_one() {
        let (map, replay) = (Keymap::default(), Keymap::replay());
        // What only a replay has is reached there by going round the panels.
        let round = |action| matches!(action, Action::Focus(Pane::Timeline | Pane::Events | Pane::Detail));
        for action in Action::ALL.iter().copied().filter(|action| !round(*action)) {
            let live = !map.keys(action).is_empty();
            assert_eq!(live, action.group() != Group::Replay, "{action}");
            assert!(live || !replay.keys(action).is_empty(), "{action}");
        }
        let keys = map.bindings.iter().chain(&replay.bindings).flat_map(|(keys, _)| keys);
        assert!(keys.into_iter().all(|key| !key.ctrl && !key.alt));
    }

    fn with(keys: &[(Action, &[&str])]) -> Result<Keymap, (Action, String)> {
        let owned =
            keys.iter().map(|(action, keys)| (*action, keys.iter().map(ToString::to_string).collect()));
        Keymap::default().with(&owned.collect::<Vec<_>>())
    }

    #[test]
    fn an_operators_keys_take_the_place_of_the_others() {
        let map =
            with(&[(Action::Advance, &["A", "g o"]), (Action::Kill, &["a"]), (Action::Zoom, &[])]).unwrap();
        assert_eq!(map.keys(Action::Advance), ["A", "g o"]);
        assert_eq!(press(&map, &["a", "g", "o"])[0], Pressed::Action(Action::Kill));
        assert!(map.keys(Action::Zoom).is_empty());
    }

    #[test]
    fn a_key_with_two_meanings_and_a_cockpit_without_a_way_out_are_refused() {
        let why = |keys: &[(Action, &[&str])]| with(keys).unwrap_err();
        assert_eq!(why(&[(Action::Advance, &["p"])]).0, Action::Advance);
        assert!(why(&[(Action::Advance, &["p"])]).1.contains("`p` means `pause` already"));
        assert!(why(&[(Action::Kill, &["g"])]).1.contains("means `top` already"), "it would hide `g g`");
        assert_eq!(why(&[(Action::Quit, &[])]).0, Action::Quit);
        assert!(why(&[(Action::Kill, &["nokey"])]).1.contains("nokey"));
    }

    #[test]
    fn a_sequence_waits_for_its_second_key_and_a_wrong_one_counts_alone() {
        let map = Keymap::default();
        assert_eq!(press(&map, &["g", "g"]), [Pressed::More, Pressed::Action(Action::Top)]);
        assert_eq!(press(&map, &["g", "a"]), [Pressed::More, Pressed::Action(Action::Advance)]);
        assert_eq!(press(&map, &["ctrl-c"]), [Pressed::Nothing]);
    }
}
