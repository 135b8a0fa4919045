//! A log that ends anywhere.

use std::fs;

use super::session::{Session, open};
use crate::replay::{Chain, OpenError, Player, Recording};

#[test]
fn every_prefix_of_a_log_replays_to_its_last_whole_event() {
    let session = Session::short();
    let bytes = fs::read(session.log()).expect("readable");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    for cut in 0..=bytes.len() {
        let prefix = &bytes[..cut];
        let lines = prefix.iter().filter(|byte| **byte == b'\n').count() as u64;
        // Where lines begin and end, and every so many bytes between.
        let at_an_end = prefix.last().is_none_or(|byte| *byte == b'\n') || bytes.get(cut) == Some(&b'\n');
        if !at_an_end && cut % 23 != 0 {
            continue;
        }
        fs::write(&path, prefix).expect("written");
        if lines == 0 {
            assert!(matches!(Recording::open(&path), Err(OpenError::Empty { .. })), "{cut} bytes");
            continue;
        }
        let mut player = Player::new(open(&path), "");
        player.to_end();
        let torn = prefix.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
        let chain = if torn == 0 { Chain::Holds } else { Chain::Torn { bytes: torn } };
        assert_eq!((player.seq(), player.state().seq), (lines, lines), "{cut} bytes");
        assert_eq!(player.surveyed().chain, chain, "{cut} bytes");
    }
}
