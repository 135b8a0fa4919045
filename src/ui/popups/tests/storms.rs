//! Keys and pastes in any order: nothing panics, and nothing grave leaves a dialog that was not armed for it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::fixture::*;
use super::states::*;
use crate::session::{Command, State};
use crate::ui::popups::{self, Outcome, Subject};

/// What a hand may do.
#[derive(Debug, Clone)]
enum Do {
    Key(KeyCode, KeyModifiers),
    Paste(String),
    /// A frame of this size.
    Frame(u16, u16),
}

fn anything() -> impl Strategy<Value = Do> {
    let codes = prop_oneof![
        Just(KeyCode::Tab),
        Just(KeyCode::BackTab),
        Just(KeyCode::Enter),
        Just(KeyCode::Left),
        Just(KeyCode::Right),
        Just(KeyCode::Up),
        Just(KeyCode::Down),
        Just(KeyCode::PageDown),
        Just(KeyCode::End),
        Just(KeyCode::Home),
        Just(KeyCode::Backspace),
        Just(KeyCode::Delete),
        Just(KeyCode::Null),
        "[ywqG/ é\u{202e}漢]".prop_map(|text| KeyCode::Char(text.chars().next().unwrap_or('y'))),
    ];
    let plain = codes.clone().prop_map(|code| Do::Key(code, KeyModifiers::NONE));
    prop_oneof![
        12 => plain,
        1 => codes.prop_map(|code| Do::Key(code, KeyModifiers::CONTROL)),
        1 => prop_oneof![Just("switch"), Just("drop-old"), Just("freeze"), Just("y\n"), Just("\u{1b}[31m")]
            .prop_map(|text| Do::Paste(text.to_owned())),
        3 => (1..130u16, 1..50u16).prop_map(|(width, height)| Do::Frame(width, height)),
    ]
}

/// What leaves the dialog, if anything does.
fn storm(state: State, open: fn(&popups::Context) -> popups::Opened, hands: &[Do]) -> Outcome {
    let desk = Desk::new(state);
    let mut popup = desk.open(open);
    for hand in hands {
        match hand {
            Do::Frame(width, height) => {
                desk.buffer(&*popup, *width, *height);
            }
            Do::Paste(text) => popup.paste(text),
            Do::Key(code, modifiers) => {
                desk.waits();
                match popup.key(KeyEvent::new(*code, *modifiers), &desk.cx()) {
                    Outcome::Stay => {}
                    left => return left,
                }
            }
        }
    }
    Outcome::Stay
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(80), ..ProptestConfig::with_cases(80) })]

    #[test]
    fn a_name_that_was_not_typed_arms_nothing(hands in prop::collection::vec(anything(), 0..40)) {
        // no key above spells a whole name, and pasting one does not count
        for state in [at_no_go(), before_point_of_no_return()] {
            let left = storm(state, popups::advance, &hands);
            let asked = matches!(left, Outcome::Ask { .. });
            prop_assert!(!asked, "{:?}", left);
        }
        let left = storm(at_go(), popups::rollback, &hands);
        if let Outcome::Ask { command: Command::Rollback { to, .. }, .. } = left {
            prop_assert_eq!(to, Some("switch".into()), "beyond one stage only by its name");
        }
    }

    #[test]
    fn no_key_breaks_a_dialog(hands in prop::collection::vec(anything(), 0..30)) {
        storm(asked(), |cx| popups::confirm(cx, &"observe.ask".into()), &hands);
        storm(at_go(), popups::note, &hands);
        storm(at_go(), popups::help, &hands);
        storm(at_go(), popups::palette, &hands);
        storm(at_go(), |cx| popups::quit(cx, false), &hands);
        storm(at_go(), |cx| popups::detail(cx, &Subject::Stage("switch".into())), &hands);
    }
}

#[test]
fn a_session_that_cannot_be_read_opens_only_what_needs_nothing() {
    let desk = Desk::new(State::default());
    let cx = &desk.cx();
    let step = start_new();
    for (opened, opens) in [
        (popups::advance(cx), false),
        (popups::rollback(cx), false),
        (popups::resume(cx), false),
        (popups::acknowledge(cx), false),
        (popups::retry(cx, &step), false),
        (popups::skip(cx, &step), false),
        (popups::kill(cx, &step), false),
        (popups::resolve(cx, &step), false),
        (popups::confirm(cx, &step), false),
        (popups::tick(cx, &"switch".into(), "item"), false),
        (popups::veto(cx, &"switch".into()), false),
        (popups::detail(cx, &Subject::Check("lag".into())), false),
        (popups::help(cx), true),
        (popups::quit(cx, false), true),
    ] {
        assert_eq!(opened.is_ok(), opens, "{opened:?}");
        if let Ok(popup) = opened {
            desk.drawn(&*popup, 80, 24);
        }
    }
}
