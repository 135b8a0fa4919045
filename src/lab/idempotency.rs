//! What a mutating endpoint remembers: the first answer to each idempotency key.

use std::collections::HashMap;

/// How many keys are remembered; beyond that the service forgets all, as a restart would make it.
const KEPT: usize = 10_000;

/// The answers given so far.
#[derive(Debug, Default)]
pub struct Memory {
    answers: HashMap<String, (Vec<u8>, String)>,
}

/// What a key means now.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never before: this is its answer from now on.
    New,
    /// With the same payload: the stored answer.
    Same(String),
    /// With another payload.
    Other,
}

impl Memory {
    /// Looks `key` up, and remembers `answer` for it if it is new.
    pub fn see(&mut self, key: &str, payload: &[u8], answer: &str) -> Seen {
        match self.answers.get(key) {
            Some((known, stored)) if known == payload => Seen::Same(stored.clone()),
            Some(_) => Seen::Other,
            None => {
                if self.answers.len() == KEPT {
                    self.answers.clear();
                }
                self.answers.insert(key.to_owned(), (payload.to_vec(), answer.to_owned()));
                Seen::New
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_first_answer_again_and_refuses_another_payload() {
        let mut memory = Memory::default();
        assert_eq!(memory.see("k", b"a", "first"), Seen::New);
        assert_eq!(memory.see("k", b"a", "second"), Seen::Same("first".to_owned()));
        assert_eq!(memory.see("k", b"b", "third"), Seen::Other);
    }
}
