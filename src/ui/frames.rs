//! How often the screen is drawn by itself: often enough to be followed by eye, and not so much that over a slow link the
//! answer to the next key waits behind it.

use serde::Deserialize;

/// How many bytes such frames may write in a millisecond, and the longest that this alone holds one up, in milliseconds.
const PACE: u64 = 16;
const MOST_MS: u64 = 500;

/// The most frames a second that no key asked for, of which there are 1 to 10. A terminal does not say what has come to it
/// yet, so only who sits there knows how slow the link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Frames(u64);

impl Frames {
    /// How long the answer to a key waits after any frame, in milliseconds: not at all, but where fewer than ten are wanted,
    /// so that a key that is held down does not fill the link with answers.
    #[must_use]
    pub fn pause_of_a_key_ms(self) -> u64 {
        (1_000 / self.0 - 100) / 3
    }

    /// How long the next one waits after a frame of so many bytes, in milliseconds.
    #[must_use]
    pub fn pause_ms(self, bytes: usize) -> u64 {
        (bytes as u64 / PACE).min(MOST_MS).max(1_000 / self.0)
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self(10)
    }
}

impl TryFrom<u64> for Frames {
    type Error = &'static str;

    fn try_from(a_second: u64) -> Result<Self, Self::Error> {
        match a_second {
            1..=10 => Ok(Self(a_second)),
            _ => Err("1 to 10 frames a second can be asked for"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_frame_is_followed_by_a_longer_pause_but_never_a_long_one() {
        let pauses = |frames: Frames| [0, 1_600, 4_000, 100_000].map(|bytes| frames.pause_ms(bytes));
        assert_eq!(pauses(Frames::default()), [100, 100, 250, 500]);
        assert_eq!(pauses(Frames(1)), [1_000; 4]);
    }

    #[test]
    fn a_key_is_answered_at_once_where_the_link_is_not_said_to_be_slow() {
        assert_eq!([10, 5, 1].map(|a_second| Frames(a_second).pause_of_a_key_ms()), [0, 33, 300]);
    }
}
