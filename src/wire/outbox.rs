//! What waits to be read by one client. Bounded: the log's lines are taken from their file as there is room; measures
//! that find none are folded together, and told in one piece once the client reads again.

use super::codec;
use super::message::ToClient;
use super::missed::Missed;
use crate::session::Telemetry;
use crate::session::telemetry::Measure;

/// With more than this waiting, nothing is added that can be told later.
const ROOM_BYTES: usize = 512 << 10;

/// How far a client has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The log's lines up to this number come first.
    Lines(u64),
    /// What was measured before it came.
    Measures(u64),
    /// Everything that was before it came.
    History,
}

/// What waits for one client.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    told: Told,
    /// The last line that may be told.
    acknowledged: u64,
    measures: std::vec::IntoIter<Measure>,
    /// What was measured before the client came, until it is its turn.
    before: Telemetry,
    /// What was measured while there was no room.
    missed: Missed,
}

impl Outbox {
    /// For a client that came when the session stood at line `seq`, with this telemetry.
    pub(super) fn new(seq: u64, telemetry: Telemetry) -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            told: Told::Lines(seq),
            acknowledged: seq,
            measures: Vec::new().into_iter(),
            missed: Missed::after(&telemetry),
            before: telemetry,
        }
    }

    /// What waits to be sent.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// So much of it was sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent > ROOM_BYTES {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Adds a message that cannot wait.
    pub(super) fn tell(&mut self, message: &ToClient) {
        codec::encode(message, &mut self.bytes);
    }

    /// Adds lines of the log.
    pub(super) fn lines(&mut self, lines: &[u8]) {
        self.bytes.extend_from_slice(lines);
    }

    /// The log is on disk up to `seq`.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        self.acknowledged = self.acknowledged.max(seq);
    }

    /// The last line that may be told.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether there is room for something big.
    pub(super) fn has_room(&self) -> bool {
        self.waiting().len() < ROOM_BYTES
    }

    /// Whether lines after number `told` are to be added.
    pub(super) fn wants_lines(&self, told: u64) -> bool {
        told < self.acknowledged && self.has_room()
    }

    /// Whether everything that was measured up to now was added.
    pub(super) fn is_done(&self) -> bool {
        self.told == Told::History && self.measures.len() == 0 && self.missed.is_empty()
    }

    /// Adds a measure, or folds it into those that wait for room.
    pub(super) fn measure(&mut self, measure: Measure) {
        if self.is_done() && self.has_room() {
            self.missed.told(&measure);
            self.tell(&ToClient::Measure { measure });
        } else if matches!(self.told, Told::Lines(_)) {
            self.missed.told(&measure);
            self.before.record(measure);
        } else {
            self.missed.fold(measure);
        }
    }

    /// Adds what waits for room; the log was added up to line `told`.
    pub(super) fn fill(&mut self, told: u64) {
        match self.told {
            Told::Lines(last) if told < last => return,
            Told::Lines(last) => {
                self.measures = std::mem::take(&mut self.before).into_measures().into_iter();
                self.told = Told::Measures(last);
            }
            Told::History if self.measures.len() == 0 && self.has_room() => {
                self.measures = self.missed.take().into_iter();
            }
            _ => {}
        }
        while self.has_room() {
            let Some(measure) = self.measures.next() else { break };
            self.tell(&ToClient::Measure { measure });
        }
        if let Told::Measures(last) = self.told
            && self.measures.len() == 0
        {
            self.tell(&ToClient::CaughtUp { seq: last });
            self.told = Told::History;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::telemetry::{LogHealth, SamplePoint, Verdict};

    fn sample(number: u64) -> Measure {
        let reason = "x".repeat(200);
        let point = SamplePoint {
            up_ms: number,
            took_ms: 1,
            verdict: Verdict::Pass,
            value: None,
            number: None,
            judged: None,
            reason,
        };
        Measure::Sample { check: "web".into(), point, processes: Vec::new() }
    }

    fn heard(outbox: &mut Outbox) -> Vec<ToClient> {
        let lines = outbox.waiting().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let messages = lines.map(|line| codec::decode(line).expect("a message")).collect();
        outbox.sent(outbox.waiting().len());
        messages
    }

    #[test]
    fn history_comes_first_and_ends_with_caught_up() {
        let mut telemetry = Telemetry::default();
        telemetry.record(sample(1));
        let mut outbox = Outbox::new(5, telemetry);
        outbox.fill(3);
        assert!(outbox.waiting().is_empty() && outbox.wants_lines(3));
        outbox.measure(sample(2));
        outbox.fill(5);
        let messages = heard(&mut outbox);
        assert_eq!(messages.last(), Some(&ToClient::CaughtUp { seq: 5 }));
        let samples =
            messages.iter().filter(|m| matches!(m, ToClient::Measure { measure: Measure::Sample { .. } }));
        assert_eq!(samples.count(), 2);
        outbox.measure(sample(3));
        assert_eq!(heard(&mut outbox), [ToClient::Measure { measure: sample(3) }]);
    }

    #[test]
    fn a_client_that_does_not_read_is_told_the_newest_later_and_nothing_grows() {
        let mut outbox = Outbox::new(0, Telemetry::default());
        outbox.fill(0);
        let full = LogHealth::Full("no room".to_owned());
        outbox.measure(Measure::Log(full.clone()));
        for number in 0..50_000 {
            outbox.measure(sample(number));
            outbox.fill(0);
        }
        assert!(outbox.waiting().len() < ROOM_BYTES + 1000);
        assert!(!outbox.is_done());
        let mut telemetry = Telemetry::default();
        while !outbox.waiting().is_empty() {
            for message in heard(&mut outbox) {
                if let ToClient::Measure { measure } = message {
                    telemetry.record(measure);
                }
            }
            outbox.fill(0);
        }
        assert!(outbox.is_done());
        assert_eq!(telemetry.log, full, "what holds is not forgotten");
        assert_eq!(telemetry.checks["web"].last().map(|point| point.up_ms), Some(49_999));
    }
}
